//! Any bytes as a model file: an error in one line or a graph that can be shown and written, never a panic or a hang.
#![no_main]

#[path = "../../src/hostile.rs"]
#[allow(dead_code)]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Both outcomes are fine; panics and time are what the fuzzer looks for.
    let _ = hostile::exercise(bytes);
});
