//! Any bytes as plain number lines: readings do not depend on how the stream is cut.
#![no_main]

#[path = "../../src/streams.rs"]
#[allow(dead_code)]
mod streams;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    streams::exercise_lines(bytes);
});
