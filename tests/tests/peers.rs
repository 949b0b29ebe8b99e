//! The whole program against TensorFlow Lite Micro itself: the exported file gives, there, the bytes that were predicted here.

use std::fs;
use std::path::Path;
use std::process::Command;

use tinsmith_core::data::npy::{self, Elements};
use tinsmith_core::data::{self, Split, feed};
use tinsmith_core::preview::{Source, only_input};
use tinsmith_tests::{binary, peers_python, root};

const MODEL: &str = "assets/samples/keyword/keyword_float32.tflite";
const DATA: &str = "assets/samples/keyword/keyword.npz";

fn tinsmith(arguments: &[&str]) {
    let output = Command::new(binary()).args(arguments).current_dir(root()).output().expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Outputs of the sample network, quantized with `settings`, on the test split: as `evaluate` and as TFLM compute them.
fn outputs_here_and_there(python: &Path, settings: &[&str]) -> (npy::Array, npy::Array) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().expect("temporary folders have plain names").to_owned();
    let [model, here, inputs, there] = ["model.tflite", "here.npy", "inputs.npy", "there.npy"].map(file);
    tinsmith(&[&["quantize", MODEL, "--calibrate", DATA, "-o", &model][..], settings].concat());
    tinsmith(&["evaluate", &model, "--data", DATA, "--split", "test", "--dump-outputs", &here]);

    let data = data::open(&root().join(DATA)).unwrap();
    let test = data.samples_of(Some(Split::Test)).unwrap();
    let float = Source::open(&root().join(MODEL)).unwrap();
    let meaning = feed::meaning(&data, only_input(&float.graph).unwrap());
    let quantized = Source::open(Path::new(&model)).unwrap();
    let input = only_input(&quantized.graph).unwrap();
    let bytes = feed::model_samples(&data, meaning, &test, input).unwrap();
    let descr = if input.element.name() == "uint8" { "|u1" } else { "|i1" };
    npy::write(&mut fs::File::create(&inputs).unwrap(), descr, &[test.len(), input.n_elements()], &bytes).unwrap();

    let script = root().join("tests/peers/tflm_outputs.py");
    let status = Command::new(python).arg(script).args([&model, &inputs, &there]).status().expect("Python starts");
    assert!(status.success());
    let read = |file: &str| npy::read(&fs::read(file).unwrap()).unwrap();
    (read(&here), read(&there))
}

#[test]
fn tflm_gives_the_bytes_that_were_predicted() {
    let Some(python) = peers_python() else { return };
    let all = [
        &[][..],
        &["--granularity", "per-tensor"],
        &["--step", "quantize:io=uint8,calibrator=mse"],
        &["--step", "quantize:symmetric=on"],
        &["--scheme", "int4-blocks"],
        &["--scheme", "int4", "--step", "quantize:weight-range=mse,fully-connected=per-channel"],
        &["--scheme", "int4", "--granularity", "per-tensor"],
        &["--scheme", "ternary"],
        &["--scheme", "binary"],
        &["--step", "prune-channels:fraction=0.25,multiple=4"],
    ];
    for settings in all {
        let (here, there) = outputs_here_and_there(&python, settings);
        assert_eq!(here.elements, there.elements, "{settings:?}");
        let (Elements::I8(_) | Elements::U8(_)) = here.elements else { panic!("{} outputs", here.elements.type_name()) };
        assert_eq!(here.shape, [900, 12]);
    }
}
