//! The whole program against TensorFlow Lite Micro itself: the exported file gives, there, the bytes that were predicted here.

use std::fs;
use std::path::Path;
use std::process::Command;

use tinsmith_core::data::npy::{self, Elements};
use tinsmith_core::data::{self, Split, feed};
use tinsmith_core::preview::{Source, only_input};
use tinsmith_core::recipe::Scheme;
use tinsmith_core::tensor::ElementType;
use tinsmith_tests::{binary, peers_python, root};

const MODEL: &str = "assets/samples/keyword/keyword_float32.tflite";
const DATA: &str = "assets/samples/keyword/keyword.npz";

fn tinsmith(arguments: &[&str]) {
    let output = Command::new(binary()).args(arguments).current_dir(root()).output().expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Outputs of the sample network, quantized with `settings`, on the test split: as `evaluate` and as the runtime of `script` compute
/// them.
fn outputs_here_and_there(python: &Path, script: &str, settings: &[&str]) -> (npy::Array, npy::Array) {
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
    let descr = match input.element {
        ElementType::U8 => "|u1",
        ElementType::I16 => "<i2",
        ElementType::F32 => "<f4",
        _ => "|i1",
    };
    npy::write(&mut fs::File::create(&inputs).unwrap(), descr, &[test.len(), input.n_elements()], &bytes).unwrap();

    let script = root().join("tests/peers").join(script);
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
        &["--scheme", "int4", "--step", "quantize:rounding=adaptive"],
        &["--scheme", "ternary"],
        &["--scheme", "binary"],
        &["--scheme", "int16x8"],
        &["--scheme", "int16x8", "--granularity", "per-tensor", "--step", "quantize:io=uint8,calibrator=entropy"],
        &["--step", "prune-channels:fraction=0.25,multiple=4"],
    ];
    for settings in all {
        let (here, there) = outputs_here_and_there(&python, "tflm_outputs.py", settings);
        assert_eq!(here.elements, there.elements, "{settings:?}");
        let (Elements::I8(_) | Elements::U8(_) | Elements::I16(_)) = here.elements else {
            panic!("{} outputs", here.elements.type_name())
        };
        assert_eq!(here.shape, [900, 12]);
    }
}

/// The largest value of each row.
fn classes<T: PartialOrd>(values: &[T], n: usize) -> Vec<usize> {
    let first_largest = |row: &[T]| (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
    values.chunks(n).map(first_largest).collect()
}

fn assert_same_classes(name: &str, here: Vec<usize>, there: Vec<usize>) {
    let n_same = here.into_iter().zip(there).filter(|(a, b)| a == b).count();
    assert!(n_same >= 897, "{name}: {n_same} of 900 classes are the same");
}

#[test]
fn litert_runs_every_scheme() {
    let Some(python) = peers_python() else { return };
    for scheme in Scheme::ALL {
        let (here, there) = outputs_here_and_there(&python, "litert_outputs.py", &["--scheme", scheme.name()]);
        let name = scheme.name();
        match (&here.elements, &there.elements) {
            (Elements::F32(here), Elements::F32(there)) => {
                let largest = here.iter().zip(there).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(largest < 1e-5, "{name}: {largest}");
            }
            // Its kernels round otherwise: few values differ, and hardly a class does.
            (Elements::I8(here), Elements::I8(there)) => assert_same_classes(name, classes(here, 12), classes(there, 12)),
            (Elements::I16(here), Elements::I16(there)) => assert_same_classes(name, classes(here, 12), classes(there, 12)),
            (here, there) => panic!("{name}: {} here, {} there", here.type_name(), there.type_name()),
        }
    }
}
