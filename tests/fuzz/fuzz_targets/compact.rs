//! Any bytes as the program and the data of a compact model: the header is sound, so that none is turned away at the door.
#![no_main]

#[path = "../../src/compact.rs"]
mod compact;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Both outcomes are fine; panics and time are what the fuzzer looks for.
    let _ = compact::exercise(&compact::with_header(bytes));
});
