//! Any bytes as a data file: sound, text, pictures, arrays: an error in one line or what can be used, never a panic or a hang.
#![no_main]

#[path = "../../src/data_files.rs"]
#[allow(dead_code)]
mod data_files;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    data_files::exercise(bytes);
});
