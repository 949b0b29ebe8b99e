//! Models with 16-bit activations: the nets of others in TensorFlow Lite Micro, and what other runtimes make of exported operators.

use std::fs;
use std::path::PathBuf;

use tinsmith_core::data::feed;
use tinsmith_core::execute::int8::{Prepared, Rounding, has_int16_kernel};
use tinsmith_core::formats::import;
use tinsmith_core::progress::Cancel;
use tinsmith_tests::nets::{bytes_of, run_peers, write_case};
use tinsmith_tests::recorded::read;
use tinsmith_tests::{peers_python, root, shared};

/// Names and files of all models with 16-bit activations.
fn models() -> Vec<(String, PathBuf)> {
    let Some(folder) = shared("data/models") else { return Vec::new() };
    let entries = fs::read_dir(&folder).expect("a folder");
    let names = entries.filter_map(|entry| entry.expect("an entry").file_name().into_string().ok());
    let mut models: Vec<_> = names
        .map(|name| {
            let file = folder.join(format!("{name}/{name}_int16x8.tflite"));
            (name, file)
        })
        .collect();
    models.retain(|(_, file)| file.exists());
    models.sort();
    models
}

#[test]
fn whole_nets_equal_tensorflow_lite_micro() {
    let models = models();
    let (Some(python), false) = (peers_python(), models.is_empty()) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut here = Vec::new();
    for (name, file) in &models {
        let graph = import(file).expect("a sound model").graph;
        // The skewed net computes what the other one does, on its data.
        let of = name.trim_end_matches("_skewed");
        let data = shared(&format!("data/models/{of}/{of}_data.npz")).expect("the model's data");
        let data = tinsmith_core::data::open(&data).expect("a sound data set");
        let input = graph.tensor(graph.inputs[0]);
        let all: Vec<usize> = (0..data.n_samples()).collect();
        let x = feed::model_samples(&data, feed::meaning(&data, input), &all, input).expect("samples that fit");
        let prepared = Prepared::new(&graph, Rounding::Double).unwrap_or_else(|error| panic!("{name}: {error}"));
        here.push(prepared.run_batch(&[&x], all.len(), &Cancel::new(), |_| {}).expect("samples fit").remove(0));
        write_case(folder.path(), name, &graph, &[x], all.len());
    }
    run_peers(&python, folder.path());
    for ((name, _), here) in models.iter().zip(here) {
        let there = bytes_of(&folder.path().join(format!("{name}.tflm.y0.npy"))).expect("TFLM takes the exported file");
        let differing = here.iter().zip(&there).filter(|(a, b)| a != b).count();
        eprintln!("{name}: {differing} of {} bytes differ", here.len());
        assert!(here.len() == there.len() && differing == 0, "{name}: {differing} of {} bytes differ", here.len());
    }
}

/// What was recorded of the original files, TensorFlow Lite Micro computes of ours; LiteRT finds each operator's version.
#[test]
fn exported_operators_mean_the_same_to_other_runtimes() {
    let Some(python) = peers_python() else { return };
    let cases = read(&root().join("tests/golden/kernels_int16"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    for case in &cases {
        let inputs: Vec<Vec<u8>> = case.inputs.iter().map(|input| input.bytes.clone()).collect();
        write_case(folder.path(), &case.name, &case.graph, &inputs, case.samples);
    }
    run_peers(&python, folder.path());
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for case in &cases {
        let refusal = fs::read_to_string(folder.path().join(format!("{}.litert.refused", case.name))).unwrap_or_default();
        if refusal.contains("Didn't find op") {
            wrong.push(format!("{}: {refusal}", case.name));
        }
        for (index, made) in case.made.iter().enumerate() {
            let Some(bytes) = bytes_of(&folder.path().join(format!("{}.tflm.y{index}.npy", case.name))) else { continue };
            compared += 1;
            if bytes != made.bytes {
                wrong.push(format!("{}: output {index} differs", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // TFLM refuses two models that LiteRT decided.
    assert!(compared > cases.len() - 3, "{compared} outputs of {} models compared", cases.len());
}

#[test]
fn every_recorded_operator_is_said_to_have_a_kernel() {
    for case in read(&root().join("tests/golden/kernels_int16")) {
        for node in &case.graph.nodes {
            assert!(has_int16_kernel(&node.op), "{}: {}", case.name, node.op.name());
        }
    }
}
