//! Models that were damaged on purpose must not bring the integer executor down: it refuses them, or it runs them.

use std::fs;
use std::path::PathBuf;

use tinsmith_core::execute::int8::{Prepared, Rounding};
use tinsmith_core::formats::import_bytes;
use tinsmith_tests::hostile::Mutations;
use tinsmith_tests::shared;

/// Prepares and runs one sample of zeros, if the bytes are a model at all.
fn try_to_run(name: &str, bytes: &[u8]) -> bool {
    let Ok(import) = import_bytes(name, bytes) else { return false };
    let Ok(prepared) = Prepared::new(&import.graph, Rounding::Double) else { return false };
    let inputs: Vec<Vec<u8>> = prepared.inputs().iter().map(|port| vec![0; port.sample_bytes]).collect();
    let mut outputs: Vec<Vec<u8>> = prepared.outputs().iter().map(|port| vec![0; port.sample_bytes]).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut views: Vec<&mut [u8]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    prepared.run(&mut prepared.scratch(), &inputs, &mut views).is_ok()
}

#[test]
fn broken_files_are_survived() {
    let Some(folder) = shared("data/malformed") else { return };
    let mut n = 0;
    for entry in fs::read_dir(folder).expect("the folder of broken files") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "tflite") {
            try_to_run("broken", &fs::read(&path).expect("the file can be read"));
            n += 1;
        }
    }
    assert!(n > 20, "only {n} broken files");
}

#[test]
fn mutated_models_are_survived() {
    // One-operator models reach every kernel's preparation; whole nets, where they are, reach the planner.
    let folder = tinsmith_tests::root().join("tests/golden/arena");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("the operators' models").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with("_i8.tflite"));
    paths.extend(shared("data/models/digits_cnn/digits_cnn_int8.tflite"));
    assert!(!paths.is_empty());
    let mut ran = 0;
    for path in paths {
        let sound = fs::read(&path).expect("the model can be read");
        for bytes in Mutations::new(&sound, 9).take(600) {
            ran += usize::from(try_to_run("mutated", &bytes));
        }
    }
    assert!(ran > 1000, "only {ran} mutants ran at all");
}
