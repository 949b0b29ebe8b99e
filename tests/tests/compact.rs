//! Compact models from the command line: exported, read back, damaged.

use std::fs;
use std::path::Path;
use std::process::Command;

use tinsmith_core::data::npy;
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::export::compact::{Coding, compact};
use tinsmith_core::formats::import;
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::Scheme;
use tinsmith_runtime::model::Model;
use tinsmith_tests::compact::{exercise, with_header};
use tinsmith_tests::hostile::Mutations;
use tinsmith_tests::{binary, shared};

/// Damaged copies of each model.
const ROUNDS: usize = 3000;

#[test]
fn export_writes_a_model_that_computes_what_the_studio_computes() {
    let Some(path) = shared("data/models/fsdd_dscnn/fsdd_dscnn_int8.tflite") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let export = Command::new(binary())
        .args(["export", "--target", "tinsmith", "--out"])
        .args([folder.path(), path.as_path()])
        .output()
        .expect("it runs");
    assert!(export.status.success(), "{}", String::from_utf8_lossy(&export.stderr));
    let file = fs::read(folder.path().join("fsdd_dscnn_int8.tin")).expect("the model");
    let module = fs::read_to_string(folder.path().join("fsdd_dscnn_int8_tin.rs")).expect("the module");
    let model = Model::parse(&file).expect("a sound model");
    assert!(module.contains(&format!("ARENA_BYTES: usize = {};", model.arena_bytes())), "{module}");
    assert!(module.contains(&format!("WORKSPACE_BYTES: usize = {};", model.workspace_bytes())), "{module}");
    assert!(module.contains("include_bytes!(\"fsdd_dscnn_int8.tin\")"), "{module}");

    let graph = import(&path).expect("a sound model").graph;
    let port = model.inputs().next().expect("an input");
    let input: Vec<u8> = (0..port.bytes).map(|i| (i * 89 % 256) as u8).collect();
    let expected = Executor::new(&graph).expect("it runs").run(&[&input], 1, &Cancel::new()).expect("it runs");
    let mut output = vec![0; model.outputs().next().expect("an output").bytes];
    let (mut arena, mut workspace) = (vec![0; model.arena_bytes()], vec![0; model.workspace_bytes()]);
    model.run(&mut arena, &mut workspace, &[&input], &mut [&mut output]).expect("everything fits");
    assert_eq!(output, expected[0]);
}

#[test]
fn each_scheme_takes_the_bits_it_promises_and_computes_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = |file: &str| tinsmith_tests::root().join("assets/samples/keyword").join(file);
    for scheme in Scheme::ALL.into_iter().filter(|scheme| scheme.activation_bits() == Some(8)) {
        let path = folder.path().join("model.tflite");
        let quantize = Command::new(binary())
            .args(["quantize", "--scheme", scheme.name(), "--calibrate"])
            .args([sample("keyword.npz"), sample("keyword_float32.tflite"), "-o".into(), path.clone()])
            .output()
            .expect("it runs");
        assert!(quantize.status.success(), "{}", String::from_utf8_lossy(&quantize.stderr));
        let graph = import(&path).expect("a sound model").graph;
        let made = compact(&graph, Coding::Fixed).expect("an integer model");
        let bits = match scheme {
            Scheme::Int8 => 8.0,
            Scheme::Int4 => 4.0,
            Scheme::Int4Blocks => 4.0 + 4.0 / 32.0,
            Scheme::Ternary => 1.6,
            Scheme::Binary => 1.0,
            Scheme::Float32 | Scheme::Float16 | Scheme::Int16x8 | Scheme::Dynamic => unreachable!("activations have 8 bits"),
        };
        let largest = made.weights.iter().max_by_key(|tensor| tensor.values).expect("weights");
        // Beside the weights: how they are coded, a short list of values.
        let allowed = bits / 8.0 * largest.values as f64 + 8.0;
        assert!(largest.bytes as f64 <= allowed, "{}: {largest:?}, at most {allowed} bytes", scheme.name());

        let executor = Executor::new(&graph).expect("it runs");
        let model = Model::parse(&made.bytes).expect("a sound model");
        let (mut arena, mut workspace) = (vec![0; model.arena_bytes()], vec![0; model.workspace_bytes()]);
        for seed in 0..20 {
            let len = model.inputs().next().expect("an input").bytes;
            let input: Vec<u8> = (0..len).map(|i| (i * (2 * seed + 89) / 7 % 256) as u8).collect();
            let mut output = vec![0; model.outputs().next().expect("an output").bytes];
            model.run(&mut arena, &mut workspace, &[&input], &mut [&mut output]).expect("everything fits");
            assert_eq!(output, executor.run(&[&input], 1, &Cancel::new()).expect("it runs")[0], "{}", scheme.name());
        }
    }
}

/// Command-line arguments, and what the program prints.
fn tinsmith(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(binary()).args(arguments).current_dir(tinsmith_tests::root()).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Noise for the inputs of the key word net, in the range of its features.
fn noise(file: &Path) {
    let values: Vec<u8> = (0..64 * 490).flat_map(|i: u32| ((i * 7919 % 1301) as f32 / 10.0 - 50.0).to_le_bytes()).collect();
    npy::write(&mut fs::File::create(file).expect("a file"), "<f4", &[64, 49, 10, 1], &values).expect("written");
}

#[test]
fn pruned_and_clustered_weights_take_an_eighth_of_their_floats_and_compute_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).to_str().expect("a plain name").to_owned();
    let [plain, small, drawn] = ["plain.tflite", "small.tflite", "noise.npy"].map(file);
    noise(Path::new(&drawn));
    let sample = ["assets/samples/keyword/keyword_float32.tflite", "assets/samples/keyword/keyword.npz"].map(str::to_owned);
    let words = shared("data/mlperf_tiny/kws/kws_model_float32.tflite");
    let words = words.map(|model| [model.to_str().expect("a plain name").to_owned(), drawn]);
    for [model, data] in [Some(sample), words].into_iter().flatten() {
        let quantize = ["quantize", &model, "--calibrate", &data, "-o"];
        tinsmith(&[&quantize[..], &[&plain]].concat());
        let steps = ["--step", "prune-weights:sparsity=0.8", "--step", "cluster:bits=5"];
        tinsmith(&[&quantize[..], &[&small], &steps[..]].concat());
        let sizes = |model: &str| {
            let json: serde_json::Value =
                serde_json::from_slice(&tinsmith(&["inspect", "--json", model])).expect("one JSON object");
            ["tflite_bytes", "gzip_bytes", "compact_bytes", "float_weights_bytes", "coded_weights_bytes"]
                .map(|name| json["sizes"][name].as_u64().unwrap_or_else(|| panic!("{name}: {}", json["sizes"])))
        };
        let (before, after) = (sizes(&plain), sizes(&small));
        let times = after[3] as f64 / after[4] as f64;
        println!("{model}: [tflite, gzip, compact, float weights, coded weights] {before:?}, then {after:?}: {times:.2} times");
        assert!(times >= 8.0, "{times}");
        assert!(before[0].abs_diff(after[0]) * 20 < before[0] && after[1] < before[1] && after[2] < before[2]);

        tinsmith(&["export", "--target", "tinsmith", "--out", folder.path().to_str().expect("a plain name"), &small]);
        let exported = fs::read(folder.path().join("small.tin")).expect("the model");
        let read = Model::parse(&exported).expect("a sound model");
        let graph = import(Path::new(&small)).expect("a sound model").graph;
        let executor = Executor::new(&graph).expect("it runs");
        let (mut arena, mut workspace) = (vec![0; read.arena_bytes()], vec![0; read.workspace_bytes()]);
        for seed in 0..20 {
            let len = read.inputs().next().expect("an input").bytes;
            let input: Vec<u8> = (0..len).map(|i| (i * (2 * seed + 89) / 7 % 256) as u8).collect();
            let mut output = vec![0; read.outputs().next().expect("an output").bytes];
            read.run(&mut arena, &mut workspace, &[&input], &mut [&mut output]).expect("everything fits");
            assert_eq!(output, executor.run(&[&input], 1, &Cancel::new()).expect("it runs")[0], "{model}");
        }
    }
}

#[test]
fn a_float_model_is_refused_in_one_line_that_names_the_layer() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = tinsmith_tests::root().join("assets/samples/keyword/keyword_float32.tflite");
    let export = Command::new(binary())
        .args(["export", "--target", "tinsmith", "--out"])
        .args([folder.path(), sample.as_path()])
        .output()
        .expect("it runs");
    assert_eq!(export.status.code(), Some(1));
    let error = String::from_utf8_lossy(&export.stderr);
    assert!(error.contains("float32") && error.contains("quantize the model"), "{error}");
}

#[test]
fn inspect_states_the_three_sizes() {
    let Some(path) = shared("data/models/fsdd_dscnn_skewed/fsdd_dscnn_skewed_int8pt.tflite") else { return };
    let inspect = Command::new(binary()).arg("inspect").arg("--json").arg(&path).output().expect("it runs");
    let json: serde_json::Value = serde_json::from_slice(&inspect.stdout).expect("one JSON object");
    let bytes = |name: &str| json["sizes"][name].as_u64().unwrap_or_else(|| panic!("{name}: {}", json["sizes"]));
    assert_eq!(bytes("tflite_bytes"), fs::metadata(&path).expect("the model").len());
    assert!(bytes("compact_bytes") < bytes("gzip_bytes") && bytes("gzip_bytes") < bytes("tflite_bytes"));
    assert!(4 * bytes("coded_weights_bytes") < bytes("float_weights_bytes"));
}

#[test]
fn damaged_models_never_panic() {
    let names = ["fsdd_dscnn/fsdd_dscnn_int8", "gesture_lstm/gesture_lstm_int8", "fsdd_dscnn_skewed/fsdd_dscnn_skewed_int8pt"];
    for name in names {
        let Some(path) = shared(&format!("data/models/{name}.tflite")) else { return };
        let graph = import(&path).expect("a sound model").graph;
        let file = compact(&graph, Coding::Entropy).expect("an integer model").bytes;
        assert_eq!(exercise(&file), Ok(()));
        let accepted = Mutations::new(&file, 11).take(ROUNDS).filter(|bytes| exercise(bytes).is_ok()).count();
        let behind_a_header = Mutations::new(&file[14..], 12).take(ROUNDS).filter(|bytes| exercise(&with_header(bytes)).is_ok());
        println!("{name}: of {ROUNDS} damaged models {accepted} are accepted, {} behind a sound header", behind_a_header.count());
        assert!(accepted > 0, "every damage is noticed at once: nothing was tried");
    }
}
