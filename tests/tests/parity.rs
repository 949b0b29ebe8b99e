//! The integer executor against recorded bytes of TensorFlow Lite Micro: every tensor that a node makes, bit for bit.
//!
//! `golden/kernels.{json,bin}` hold one-operator models over random shapes and scales, `golden/kernels_int16.{json,bin}` such
//! with 16-bit activations. Whole models are recorded on demand:
//! `python tests/golden/kernels.py model MODEL.tflite STEM`, then `TINSMITH_GOLDEN=FOLDER cargo test --test parity` compares
//! every recording in that folder.

use std::fs;
use std::path::{Path, PathBuf};

use tinsmith_core::execute::fast::Isa;
use tinsmith_core::execute::int8::Prepared;
use tinsmith_core::graph::TensorId;
use tinsmith_tests::recorded::{Case, Recorded, read};

/// For each recorded tensor how many of its bytes differ, summed over all samples.
fn differences(case: &Case, isa: Isa) -> Vec<(TensorId, usize)> {
    let prepared = Prepared::with_isa(&case.graph, case.rounding, isa).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let mut scratch = prepared.scratch();
    let mut differing = vec![0; case.made.len()];
    let mut seen = vec![false; case.made.len()];
    for first in (0..case.samples).step_by(prepared.block()) {
        let n = prepared.block().min(case.samples - first);
        let part = |tensor: &Recorded| {
            let bytes = tensor.bytes.len() / case.samples;
            first * bytes..(first + n) * bytes
        };
        let inputs: Vec<&[u8]> = case.inputs.iter().map(|input| &input.bytes[part(input)]).collect();
        let mut outputs: Vec<Vec<u8>> = prepared.outputs().iter().map(|port| vec![0; port.sample_bytes * n]).collect();
        let mut views: Vec<&mut [u8]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        let mut observe = |id: TensorId, bytes: &[u8]| {
            let Some(index) = case.made.iter().position(|tensor| tensor.id == id) else { return };
            let expected = &case.made[index].bytes[part(&case.made[index])];
            differing[index] += differing_bytes(bytes, expected);
            seen[index] = true;
        };
        prepared.run_observed(&mut scratch, &inputs, &mut views, &mut observe).expect("samples fit");
        for (port, bytes) in prepared.outputs().iter().zip(&outputs) {
            if let Some(made) = case.made.iter().find(|tensor| tensor.id == port.tensor) {
                let count = differing_bytes(bytes, &made.bytes[part(made)]);
                assert!(count == 0 || differing.iter().any(|count| *count > 0), "{}: {count} bytes of output", case.name);
            }
        }
    }
    for (tensor, seen) in case.made.iter().zip(seen) {
        assert!(seen, "{}: tensor {} was never made", case.name, tensor.id.0);
    }
    case.made.iter().map(|tensor| tensor.id).zip(differing).collect()
}

/// How many bytes differ; values that are the same for every sample are repeated.
fn differing_bytes(values: &[u8], expected: &[u8]) -> usize {
    let repeated = values.iter().cycle().take(expected.len());
    repeated.zip(expected).filter(|(a, b)| a != b).count() + expected.len() % values.len().max(1)
}

/// Compares all recordings at `stem` with every instruction set of this machine; returns how many values agreed.
fn compare(stem: &Path) -> usize {
    let mut wrong = Vec::new();
    let mut values = 0;
    for case in read(stem) {
        for isa in Isa::available() {
            for (id, count) in differences(&case, isa) {
                if count > 0 {
                    wrong.push(format!("{} ({}): {count} bytes of tensor {} differ", case.name, isa.name(), id.0));
                }
            }
        }
        values += case.made.iter().map(|tensor| tensor.bytes.len()).sum::<usize>();
    }
    assert!(wrong.is_empty(), "{}\n{}", stem.display(), wrong.join("\n"));
    values
}

#[test]
fn operators_equal_tensorflow_lite_micro() {
    let values = compare(&tinsmith_tests::root().join("tests/golden/kernels"));
    assert!(values > 50_000, "only {values} bytes were compared");
}

#[test]
fn operators_with_16_bit_activations_equal_tensorflow_lite_micro() {
    let values = compare(&tinsmith_tests::root().join("tests/golden/kernels_int16"));
    assert!(values > 50_000, "only {values} bytes were compared");
}

#[test]
fn recorded_models_equal_tensorflow_lite_micro() {
    let Some(folder) = std::env::var_os("TINSMITH_GOLDEN").map(PathBuf::from) else {
        eprintln!("SKIP: no recordings of whole models (tests/golden/kernels.py makes them; TINSMITH_GOLDEN names their folder)");
        return;
    };
    let mut stems: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of recordings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.with_extension(""))
        .collect();
    stems.sort();
    assert!(!stems.is_empty(), "no recordings in {}", folder.display());
    for stem in stems {
        let values = compare(&stem);
        eprintln!("{}: {values} bytes equal", stem.display());
    }
}
