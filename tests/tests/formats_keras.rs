//! Keras files: the same nets as the float `.tflite` files, to the last layer; broken ones refused in one line.

use std::fs;
use std::path::{Path, PathBuf};

use tinsmith_core::data::{self, Split, Values};
use tinsmith_core::execute::float::Prepared;
use tinsmith_core::formats::{import, import_bytes};
use tinsmith_core::graph::{Graph, Severity};
use tinsmith_core::ops::Op;
use tinsmith_core::progress::Cancel;
use tinsmith_tests::hostile::{Mutations, exercise};
use tinsmith_tests::{root, shared};

/// How far outputs may lie from those of the float `.tflite`.
const TOLERANCE: f32 = 1e-4;
/// Samples that are compared.
const N_SAMPLES: usize = 50;

/// The nets that come in every format, in a fixed order.
fn nets() -> Vec<PathBuf> {
    let Some(folder) = shared("data/models") else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("a name").to_string_lossy().into_owned()
}

/// The three Keras files of a net.
fn keras_files(folder: &Path) -> Vec<PathBuf> {
    [".keras", ".h5", "_keras2.h5"].map(|end| folder.join(format!("{}{end}", name(folder)))).to_vec()
}

fn load(path: &Path) -> Graph {
    import(path).unwrap_or_else(|error| panic!("{error}")).graph
}

/// Test samples of a net as its input takes them.
fn samples(folder: &Path) -> Vec<f32> {
    let own = folder.join(format!("{}_data.npz", name(folder)));
    let path = if own.exists() { own } else { shared("data/models/fsdd_dscnn/fsdd_dscnn_data.npz").expect("its data") };
    let set = data::open(&path).unwrap_or_else(|error| panic!("{error}"));
    let indices = set.samples_of(Some(Split::Test)).expect("a test split");
    let len = set.sample_len();
    let taken = indices.into_iter().take(N_SAMPLES);
    match &set.values {
        Values::F32(x) => taken.flat_map(|i| x[i * len..][..len].to_vec()).collect(),
        // The pictures of `mbv1_025_96` are stored small: every pixel three times, divided by 255.
        Values::U8(x) if name(folder) == "mbv1_025_96" => taken.flat_map(|i| enlarged(&x[i * len..][..len])).collect(),
        Values::U8(x) => taken.flat_map(|i| x[i * len..][..len].iter().map(|&v| v.into()).collect::<Vec<f32>>()).collect(),
        other => panic!("{} values of another type", other.len()),
    }
}

fn enlarged(picture: &[u8]) -> Vec<f32> {
    let value = |i: usize| {
        let (y, x, c) = (i / (96 * 3), i / 3 % 96, i % 3);
        f32::from(picture[(y / 3 * 32 + x / 3) * 3 + c]) / 255.0
    };
    (0..96 * 96 * 3).map(value).collect()
}

fn outputs(graph: &Graph, x: &[f32]) -> Vec<f32> {
    let prepared = Prepared::new(graph).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    prepared.run(&[x], &Cancel::default()).unwrap_or_else(|error| panic!("{}: {error}", graph.name)).remove(0)
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn every_net_gives_the_outputs_of_its_float_tflite() {
    let mut n_files = 0;
    for folder in nets() {
        let x = samples(&folder);
        let expected = match name(&folder).as_str() {
            // Hundreds of operators, some of which Tinsmith does not run: LiteRT's outputs, recorded.
            unrolled @ "gesture_lstm_unrolled" => recorded(&format!("{unrolled}_litert.npy")),
            other => outputs(&load(&folder.join(format!("{other}_float32.tflite"))), &x),
        };
        for path in keras_files(&folder) {
            let graph = load(&path);
            let worst = largest_difference(&outputs(&graph, &x), &expected);
            println!("{}: {} nodes, {worst:.1e}", path.file_name().expect("a name").display(), graph.nodes.len());
            assert!(worst < TOLERANCE, "{}: outputs differ by {worst}", path.display());
            n_files += 1;
        }
    }
    assert!(n_files == 27 || shared("data/models").is_none(), "{n_files} files");
}

/// Files of MLPerf Tiny: saved by Keras 2.4, with the optimizer's state beside the weights.
#[test]
fn files_of_others_open() {
    let Some(folder) = shared("data/mlperf_tiny") else { return };
    let with_twin =
        [("kws/kws_model.h5", "kws/kws_model_float32.tflite"), ("ic/pretrainedResnet.h5", "ic/pretrainedResnet.tflite")];
    for (file, twin) in with_twin {
        let (graph, twin) = (load(&folder.join(file)), load(&folder.join(twin)));
        let n: usize = Prepared::new(&twin).expect("a float model").input_lens()[0];
        let x: Vec<f32> = (0..n * 4).map(|i| (i * 37 % 101) as f32 - 50.0).collect();
        let worst = largest_difference(&outputs(&graph, &x), &outputs(&twin, &x));
        println!("{file}: {} nodes, {worst:.1e}", graph.nodes.len());
        assert!(worst < TOLERANCE, "{file}: outputs differ by {worst}");
    }
    // Its twin is another save of the training: the file's own figure is the mean squared error over 196 windows.
    let graph = load(&folder.join("ad/ad01.h5"));
    let bytes = fs::read(folder.join("ad/normal_id_01_00000000_hist_librosa.bin")).expect("a recording");
    let frames: Vec<f32> = bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let windows: Vec<f32> = (0..196).flat_map(|i| frames[i * 128..][..640].to_vec()).collect();
    let errors = outputs(&graph, &windows).iter().zip(&windows).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    let mean = errors / windows.len() as f64;
    assert!((mean - 9.49).abs() < 0.005, "ad01.h5: mean squared error {mean}");
    let graph = load(&folder.join("sww/str_ww_ref_model.h5"));
    assert!(outputs(&graph, &vec![0.5; 30 * 40]).iter().all(|p| p.is_finite()));
}

/// A net shows what its file has: layers under their names, in order, with nothing fused.
#[test]
fn nodes_are_called_as_the_layers() {
    let Some(path) = shared("data/models/digits_cnn/digits_cnn.keras") else { return };
    let graph = load(&path);
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["c1", "b1", "r1", "m1", "c2", "b2", "r2", "f", "d", "logits"]);
    assert!(graph.notes.iter().all(|note| note.severity != Severity::Obstacle), "{:?}", graph.notes);
    let Some(path) = shared("data/models/wand_conv1d/wand_conv1d.keras") else { return };
    let n_reshapes = load(&path).nodes.iter().filter(|node| matches!(node.op, Op::Reshape(_))).count();
    assert_eq!(n_reshapes, 1, "sequences become images once");
}

#[test]
fn broken_files_are_refused_in_one_line() {
    let Some(folder) = shared("data/malformed") else { return };
    let expected = fs::read_to_string(folder.join("expect.csv")).expect("expect.csv");
    let mut n_files = 0;
    for line in expected.lines().filter(|line| line.contains(".h5,") || line.contains(".keras,")) {
        let (name, rest) = line.split_once(',').expect("file,expect,what");
        let path = folder.join(name);
        let outcome = exercise(&fs::read(&path).expect("a listed file"));
        if rest.starts_with("reject") {
            let error = import(&path).expect_err(name).to_string();
            println!("{}", error.rsplit('/').next().unwrap_or_default());
            assert!(outcome.is_err() && error.contains(name) && error.lines().count() == 1, "{error}");
        }
        n_files += 1;
    }
    assert!(n_files >= 22, "only {n_files} files are listed");
}

/// What is wrong is named, and how to save the model so that it works.
#[test]
fn refusals_name_the_layer_and_the_remedy() {
    let Some(folder) = shared("data/malformed") else { return };
    let says = |file: &str, words: &[&str]| {
        let error = import(&folder.join(file)).expect_err(file).to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    let save = "model.save(\"model.keras\")";
    says("weights_only.h5", &["weights file", save]);
    says("no_weights.h5", &["no weights", save]);
    says("no_weights.keras", &["no weights", save]);
    says("config_cut.h5", &["cut off", save]);
    says("one_layer_without_weights.h5", &["\"c1\"", "kernel is missing", save]);
    says("wrong_weight_shape.h5", &["[2, 3, 1, 12]", "[3, 3, 1, 12]", save]);
    says("unknown_layer.h5", &["layer ", save]);
    says("lambda_layer.keras", &["Lambda", "never run", save]);
}

/// A file cut at every hundredth of its length.
#[test]
fn cut_files_are_refused() {
    for end in [".keras", ".h5", "_keras2.h5"] {
        let Some(path) = shared(&format!("data/models/digits_cnn/digits_cnn{end}")) else { return };
        let file = fs::read(path).expect("a model");
        for percent in 0..100 {
            let cut = &file[..file.len() * percent / 100];
            assert!(exercise(cut).is_err(), "{end} cut at {percent} %");
        }
        assert!(exercise(&file).is_ok());
    }
}

#[test]
fn damaged_copies_do_no_harm() {
    let mut n_accepted = 0;
    let files = ["digits_cnn/digits_cnn.keras", "digits_cnn/digits_cnn.h5", "gesture_lstm/gesture_lstm_keras2.h5"];
    for (seed, file) in files.into_iter().enumerate() {
        let Some(path) = shared(&format!("data/models/{file}")) else { return };
        let file = fs::read(path).expect("a model");
        n_accepted += Mutations::new(&file, seed as u64).take(500).filter(|bytes| exercise(bytes).is_ok()).count();
    }
    // Damage to weights is not noticed (in an `.h5`), damage to the rest nearly always: both kinds must have been tried.
    assert!((100..1400).contains(&n_accepted), "{n_accepted} accepted");
}

/// Damage where structure is dense: the beginning of the file and its tables, byte by byte.
#[test]
fn every_byte_of_the_head_may_be_wrong() {
    let Some(path) = shared("data/models/digits_mlp/digits_mlp_keras2.h5") else { return };
    let mut file = fs::read(path).expect("a model");
    for at in 0..4096.min(file.len()) {
        let sound = file[at];
        for wrong in [0, 0xff, sound ^ 1] {
            file[at] = wrong;
            let _ = import_bytes("hostile", &file);
        }
        file[at] = sound;
    }
}

/// Numbers recorded in a `.npy` file.
fn recorded(file: &str) -> Vec<f32> {
    let path = root().join("tests/golden/keras").join(file);
    let array = data::npy::read(&fs::read(&path).expect("a recording")).unwrap_or_else(|error| panic!("{file}: {error:?}"));
    array.elements.to_f64().expect("numbers").into_iter().map(|x| x as f32).collect()
}

/// Every layer, in every way that Keras saves it, gives what Keras gave (`tests/golden/keras_layers.py`).
#[test]
fn every_layer_gives_what_keras_gave() {
    const N: usize = 2;
    let mut wrong = Vec::new();
    for model in ["images", "sequences"] {
        for (end, generation) in [(".keras", 3), (".h5", 3), ("_keras2.keras", 2), ("_keras2.h5", 2)] {
            let file = format!("{model}{end}");
            let graph = load(&root().join("tests/golden/keras").join(&file));
            let inputs = [0, 1].map(|i| recorded(&format!("{model}_keras{generation}_x{i}.npy")));
            let expected = recorded(&format!("{model}_keras{generation}_y.npy"));
            let prepared = Prepared::new(&graph).unwrap_or_else(|error| panic!("{file}: {error}"));
            let outputs = prepared.run(&[&inputs[0], &inputs[1]], &Cancel::default()).expect("samples fit");
            let width: usize = prepared.output_lens().iter().sum();
            assert_eq!(width * N, expected.len(), "{file}: number of outputs");
            let mut at = 0;
            for (id, values) in graph.outputs.iter().zip(&outputs) {
                let n = values.len() / N;
                let all = (0..N).flat_map(|sample| expected[sample * width + at..][..n].to_vec()).collect::<Vec<f32>>();
                let worst = largest_difference(values, &all);
                if worst.is_nan() || worst > 2e-5 {
                    wrong.push(format!("{file}: {} differs by {worst}", graph.tensor(*id).name));
                }
                at += n;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
