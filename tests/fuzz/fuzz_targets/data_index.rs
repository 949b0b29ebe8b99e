//! Any text as the index of a data set, and as a table of labels: an error in one line or what can be used, never a panic.
#![no_main]

#[path = "../../src/data_files.rs"]
#[allow(dead_code)]
mod data_files;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    data_files::exercise_index(bytes);
});
