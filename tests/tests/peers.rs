//! The whole program against the runtimes themselves: an exported file gives, in TensorFlow Lite Micro, the bytes that were
//! predicted here; hybrid and float16 models give here what LiteRT makes of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use tinsmith_core::data::npy::{self, Elements};
use tinsmith_core::data::{self, Split, feed};
use tinsmith_core::execute::float::Prepared;
use tinsmith_core::formats;
use tinsmith_core::preview::{Source, only_input};
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::Scheme;
use tinsmith_core::tensor::ElementType;
use tinsmith_tests::{binary, peers_python, root, shared};

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

/// The largest difference between what a model gives here and there, and the largest output.
fn difference(model: &Path) -> (f32, f32) {
    let floats = |end: &str| match npy::read(&fs::read(model.with_extension(end)).unwrap()).unwrap().elements {
        Elements::F32(values) => values,
        other => panic!("{} values", other.type_name()),
    };
    let prepared = Prepared::new(&formats::open(model).unwrap().graph).unwrap();
    let (expected, actual) = (floats("y.npy"), prepared.run(&[&floats("x.npy")], &Cancel::new()).unwrap().remove(0));
    assert_eq!(actual.len(), expected.len(), "{}", model.display());
    let largest = expected.iter().fold(0.0, |m: f32, x| m.max(x.abs()));
    (actual.iter().zip(&expected).map(|(a, e)| (a - e).abs()).fold(0.0, f32::max), largest)
}

/// Hybrid convolutions, dense layers and products come out to the last bit; recurrent layers and softmax not quite, because
/// their functions differ in it.
#[test]
fn hybrid_and_half_precision_models_come_out_as_in_litert() {
    let Some(python) = peers_python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = root().join("tests/peers/hybrid.py");
    let status = Command::new(python).arg(script).arg(folder.path()).args(shared("data")).status().expect("Python starts");
    assert!(status.success());
    let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let models: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "tflite")).collect();
    assert!(models.len() >= 40, "{} models", models.len());
    for model in models {
        let name = model.file_stem().unwrap().to_str().unwrap();
        let (error, largest) = difference(&model);
        let to_the_bit = ["conv", "depthwise", "dense", "product", "toycar"].iter().any(|kind| name.starts_with(kind));
        assert!(error <= if to_the_bit { 0.0 } else { 1e-5 }, "{name}: {error} of {largest}");
    }
}
