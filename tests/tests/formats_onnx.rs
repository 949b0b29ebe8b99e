//! ONNX files, sound and broken: the same net in every format computes the same, and nothing that is read does harm.

use std::fs;
use std::path::{Path, PathBuf};

use tinsmith_core::execute::executor::Executor;
use tinsmith_core::execute::float::Prepared;
use tinsmith_core::formats::{import, import_bytes};
use tinsmith_core::graph::{Graph, Severity};
use tinsmith_core::ops::Op;
use tinsmith_core::preview::exported;
use tinsmith_core::progress::Cancel;
use tinsmith_tests::hostile::{Mutations, exercise};
use tinsmith_tests::made::{self, Message, constant, node, port};
use tinsmith_tests::shared;

/// How far the outputs of two formats of one net may lie apart.
const MAX_DIFFERENCE: f32 = 1e-4;

/// All files of this ending below the nets of the shared data, with the folder that each lies in.
fn files(ending: &str) -> Vec<PathBuf> {
    let Some(models) = shared("data/models") else { return vec![] };
    let folders = entries(&models).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| entries(&folder));
    files.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

/// The float `.tflite` of the same net.
fn twin(path: &Path) -> PathBuf {
    let folder = path.parent().expect("a folder");
    folder.join(format!("{}_float32.tflite", folder.file_name().expect("a name").to_string_lossy()))
}

/// Numbers that look like samples: the same for the same seed.
fn samples(n: usize) -> Vec<f32> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..n).map(|_| next()).collect()
}

/// The first output for some samples.
fn outputs(graph: &Graph) -> Result<Vec<f32>, String> {
    let prepared = Prepared::new(graph).map_err(|error| error.to_string())?;
    let inputs = samples(prepared.input_lens()[0] * 8);
    let mut all = prepared.run(&[&inputs], &Cancel::new()).map_err(|error| error.to_string())?;
    Ok(all.swap_remove(0))
}

fn is_quantized(path: &Path) -> bool {
    name(path).contains("_ort_")
}

#[test]
fn every_float_net_computes_what_its_twin_computes() {
    let mut wrong = Vec::new();
    for path in files(".onnx").iter().filter(|path| !is_quantized(path)) {
        let graph = import(path).unwrap_or_else(|error| panic!("{error}")).graph;
        let has_loop = graph.nodes.iter().any(|node| node.op.name() == "Loop");
        let twin = import(&twin(path)).unwrap_or_else(|error| panic!("{error}")).graph;
        match (outputs(&graph), outputs(&twin)) {
            (Err(error), _) if has_loop && error.contains("Loop") => println!("{}: refused by name: {error}", name(path)),
            (Err(error), _) => wrong.push(format!("{}: {error}", name(path))),
            (_, Err(error)) => println!("{}: the twin does not run: {error}", name(path)),
            (Ok(a), Ok(b)) => {
                let difference = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                println!("{}: {difference:.1e}, {} nodes, twin {}", name(path), graph.nodes.len(), twin.nodes.len());
                if a.len() != b.len() || difference >= MAX_DIFFERENCE || difference.is_nan() {
                    wrong.push(format!("{}: {} and {} values, {difference:e} apart", name(path), a.len(), b.len()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Quantized files compute with integers, and nearly what the float net computes.
#[test]
fn quantized_nets_run_in_integers() {
    for path in files(".onnx").iter().filter(|path| is_quantized(path)) {
        let graph = import(path).unwrap_or_else(|error| panic!("{error}")).graph;
        assert!(graph.is_integer(), "{} has layers of floats", name(path));
        let executor = Executor::new(&graph).unwrap_or_else(|error| panic!("{}: {error}", name(path)));
        let n = graph.tensor(graph.inputs[0]).n_elements();
        let bytes: Vec<u8> = samples(n * 8).iter().flat_map(|v| v.to_le_bytes()).collect();
        let outputs_here = executor.run_real(&[&bytes], 8, &Cancel::new()).unwrap_or_else(|error| panic!("{error}"));
        let twin = import(&twin(path)).unwrap_or_else(|error| panic!("{error}")).graph;
        let twins = outputs(&twin).expect("a float net runs");
        let mean = outputs_here[0].iter().zip(&twins).map(|(a, b)| (a - b).abs()).sum::<f32>() / twins.len() as f32;
        println!("{}: mean difference {mean:.4}", name(path));
        assert!(mean < 0.02 && twins.len() == outputs_here[0].len(), "{}: {mean}", name(path));
    }
}

#[test]
fn plain_networks_hold_no_transpose() {
    for path in files(".onnx") {
        let graph = import(&path).unwrap_or_else(|error| panic!("{error}")).graph;
        let transposes: Vec<&str> =
            graph.nodes.iter().filter(|node| matches!(node.op, Op::Transpose(_))).map(|node| node.name.as_str()).collect();
        assert!(transposes.is_empty(), "{}: {transposes:?}", name(&path));
    }
}

/// The input of a net from PyTorch is channels last in the graph, as that of its twin is.
#[test]
fn inputs_have_the_shape_of_the_twins() {
    for path in files(".onnx") {
        let shapes = |graph: &Graph| graph.inputs.iter().map(|&id| graph.tensor(id).shape.clone()).collect::<Vec<_>>();
        let graph = import(&path).unwrap_or_else(|error| panic!("{error}")).graph;
        let twin = import(&twin(&path)).unwrap_or_else(|error| panic!("{error}")).graph;
        assert_eq!(shapes(&graph), shapes(&twin), "{}", name(&path));
    }
}

#[test]
fn what_cannot_be_imported_is_named_and_still_shown() {
    for path in files("gesture_lstm_tf2onnx_opset17.onnx") {
        let graph = import(&path).unwrap_or_else(|error| panic!("{error}")).graph;
        let obstacles: Vec<&str> =
            graph.notes.iter().filter(|note| note.severity == Severity::Obstacle).map(|note| note.text.as_str()).collect();
        assert!(matches!(obstacles.as_slice(), [one] if one.contains("Loop")), "{obstacles:?}");
        assert!(graph.nodes.iter().any(|node| node.op.name() == "Softmax"), "what follows is shown as well");
    }
}

#[test]
fn broken_files_are_refused_in_one_line() {
    let Some(folder) = shared("data/malformed") else { return };
    let expected = fs::read_to_string(folder.join("expect.csv")).expect("expect.csv");
    let (mut n_files, mut wrong) = (0, Vec::new());
    for line in expected.lines().filter(|line| line.contains(".onnx,")) {
        let (file, rest) = line.split_once(',').expect("file,expect,what");
        let path = folder.join(file);
        let answer = import(&path).map(|import| import.graph);
        println!("{file}: {}", answer.as_ref().map_or_else(ToString::to_string, |graph| format!("{} nodes", graph.nodes.len())));
        exercise(&fs::read(&path).expect("a listed file")).ok();
        match answer {
            Ok(_) if rest.starts_with("reject") => wrong.push(format!("{file} is accepted")),
            Err(error) => {
                let error = error.to_string();
                if !error.contains(file) || error.lines().count() != 1 || rest.contains("sound") {
                    wrong.push(error);
                }
            }
            Ok(_) => {}
        }
        n_files += 1;
    }
    assert!(n_files > 25 && wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No TFLite operator is a GRU: it runs here, and whoever wants to export it is told what can be.
#[test]
fn a_gru_runs_and_its_export_names_the_remedy() {
    let hidden = Message::default().bytes(1, "hidden_size").number(20, 2).number(3, 2);
    let gru = node("GRU", &["x", "w", "r"], &["y"]).bytes(5, hidden.0);
    let weights = |name: &str, width: u64| {
        let values = samples(6 * width as usize).into_iter().flat_map(f32::to_le_bytes);
        constant(name, &[1, 6, width], 1, &values.collect::<Vec<u8>>())
    };
    let file = made::onnx(&[gru], &[weights("w", 3), weights("r", 2)], &[port("x", &[Ok(4), Ok(1), Ok(3)])], &[port("y", &[])]);
    let graph = import_bytes("gru", &file).unwrap_or_else(|error| panic!("{error}")).graph;
    assert!(outputs(&graph).expect("it runs").iter().all(|y| y.abs() < 1.0));
    let error = exported(&graph).expect_err("no operator for it").to_string();
    assert!(error.contains("GRU is no TensorFlow Lite operator; use an LSTM") && error.contains("unroll=True"), "{error}");
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn an_operator_that_nobody_has_is_named() {
    let Some(folder) = shared("data/malformed") else { return };
    for (file, operator) in [("unknown_op.onnx", "FrobnicateV9"), ("custom_domain.onnx", "MyOp")] {
        let error = import(&folder.join(file)).expect_err(file).to_string();
        assert!(error.contains(operator), "{error}");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_no_model() {
    for path in files(".onnx") {
        let bytes = fs::read(&path).expect("a model");
        if bytes.len() > 200_000 {
            continue;
        }
        for percent in 0..100 {
            let part = &bytes[..bytes.len() * percent / 100];
            assert!(import_bytes("part", part).is_err(), "{percent} % of {}", name(&path));
        }
    }
}

#[test]
fn damaged_copies_do_no_harm() {
    let (mut n_accepted, mut n_files) = (0, 0);
    for (seed, path) in files(".onnx").iter().enumerate() {
        let file = fs::read(path).expect("a model");
        if file.len() < 60_000 {
            n_files += 1;
            n_accepted += Mutations::new(&file, seed as u64).take(300).filter(|bytes| exercise(bytes).is_ok()).count();
        }
    }
    println!("{n_accepted} of {} accepted", n_files * 300);
}
