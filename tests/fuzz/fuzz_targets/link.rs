//! Any bytes as a stream of frames: what is sound survives a round trip, everything else is counted.
#![no_main]

#[path = "../../src/streams.rs"]
#[allow(dead_code)]
mod streams;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    streams::exercise_frames(bytes);
});
