//! Models with 16-bit activations: whole nets in TensorFlow Lite Micro, and what other runtimes make of exported operators.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tinsmith_core::data::{feed, npy};
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::execute::int8::{Prepared, Rounding, has_int16_kernel};
use tinsmith_core::formats::import;
use tinsmith_core::formats::tflite::{ExportOptions, export};
use tinsmith_core::graph::Graph;
use tinsmith_core::optimize;
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::{LayerOverride, Quantize, Recipe, Scheme, Step};
use tinsmith_core::tensor::{ElementType, Tensor};
use tinsmith_tests::recorded::read;
use tinsmith_tests::{peers_python, root, shared};

/// Runs all models of `folder` in LiteRT and TensorFlow Lite Micro.
fn run_peers(python: &Path, folder: &Path) {
    let script = root().join("tests/peers/operators.py");
    assert!(Command::new(python).arg(script).arg(folder).status().expect("Python starts").success());
}

/// Writes `graph` and the samples of its inputs as `tests/peers/operators.py` takes them.
fn write_case(folder: &Path, name: &str, graph: &Graph, inputs: &[Vec<u8>], samples: usize) {
    let model = export(graph, &ExportOptions::default()).expect("a graph that can be written");
    fs::write(folder.join(format!("{name}.tflite")), model).expect("a writable folder");
    for (index, (id, bytes)) in graph.inputs.iter().zip(inputs).enumerate() {
        let tensor = graph.tensor(*id);
        let mut file = fs::File::create(folder.join(format!("{name}.x{index}.npy"))).expect("a writable folder");
        let shape = [&[samples], tensor.shape.as_slice()].concat();
        npy::write(&mut file, descr(tensor), &shape, bytes).expect("a writable folder");
    }
}

fn descr(tensor: &Tensor) -> &'static str {
    match tensor.element {
        ElementType::I8 => "|i1",
        ElementType::U8 => "|u1",
        ElementType::I16 => "<i2",
        ElementType::I32 => "<i4",
        ElementType::F32 => "<f4",
        other => panic!("no input is {}", other.name()),
    }
}

/// The bytes that a runtime wrote, in the model's own type.
fn bytes_of(file: &Path) -> Option<Vec<u8>> {
    let array = npy::read(&fs::read(file).ok()?).expect("numpy's own file");
    Some(match array.elements {
        npy::Elements::I8(values) => values.iter().map(|value| *value as u8).collect(),
        npy::Elements::U8(values) => values,
        npy::Elements::I16(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        npy::Elements::I32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        npy::Elements::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        other => panic!("an output of {}", other.type_name()),
    })
}

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

/// Samples that each net of floats is quantized and run with.
const SAMPLES: usize = 6;

/// Every `.tflite` of floats below a folder, with a name for each.
fn float_nets(folder: &Path) -> Vec<(String, Graph)> {
    let mut nets = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "malformed") {
            nets.extend(float_nets(&path));
        } else if path.extension().is_some_and(|extension| extension == "tflite") {
            let graph = import(&path).expect("a sound model").graph;
            if !graph.is_integer() && graph.inputs.iter().all(|id| graph.tensor(*id).element == ElementType::F32) {
                nets.push((path.file_stem().expect("a name").to_string_lossy().into_owned(), graph));
            }
        }
    }
    nets.sort_by(|a, b| a.0.cmp(&b.0));
    nets
}

/// Values for each input of a net: of its own data where there is some that fits, else without a pattern, in -4..4.
fn samples(name: &str, graph: &Graph) -> Vec<Vec<f32>> {
    let stem = name.rsplit_once('_').map_or(name, |(stem, _)| stem).trim_end_matches("_skewed");
    let folder = shared("data/models").expect("the folder is there");
    let file = folder.join(format!("{stem}/{stem}_data.npz"));
    let of_input = |id| {
        let input = graph.tensor(id);
        let data = file.exists().then(|| tinsmith_core::data::open(&file).expect("a sound data set"));
        if let Some(data) = data.filter(|data| feed::check_shape(data, input).is_ok()) {
            let first: Vec<usize> = (0..SAMPLES).collect();
            return feed::real_samples(&data, feed::meaning(&data, input), &first, input).expect("samples that fit");
        }
        let noise = |i: usize| (i as u32).wrapping_add(77).wrapping_mul(2_654_435_761) >> 8;
        (0..SAMPLES * input.n_elements()).map(|i| noise(i) as f32 / (1 << 21) as f32 - 4.0).collect()
    };
    graph.inputs.iter().map(|id| of_input(*id)).collect()
}

/// `graph` as `settings` want it, calibrated on `samples`.
fn quantized(graph: &Graph, settings: &Quantize, samples: &[Vec<f32>]) -> Graph {
    let mut recipe = Recipe::int8();
    recipe.put(Step::Quantize(settings.clone()));
    let samples: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
    let calibration = optimize::calibrate(graph, &samples, None, &Cancel::new()).expect("a net that runs in floats");
    optimize::apply(&recipe, graph, Some(&calibration)).expect("a net that can be quantized").graph
}

/// 16 bits throughout, and schemes of both widths by turns.
fn recipes(graph: &Graph) -> [(&'static str, Quantize); 2] {
    let throughout = Quantize { scheme: Scheme::Int16x8, ..Quantize::default() };
    let turns = [Scheme::Int16x8, Scheme::Int8, Scheme::Int16x8, Scheme::Int16x8, Scheme::Int4];
    let own = |scheme| LayerOverride { scheme: Some(scheme), ..LayerOverride::default() };
    let overrides = graph.nodes.iter().zip(turns.into_iter().cycle()).map(|(node, scheme)| (node.name.clone(), own(scheme)));
    [("wide", throughout.clone()), ("mixed", Quantize { overrides: overrides.collect(), ..throughout })]
}

/// What TensorFlow Lite Micro gives, or, where it refuses the model, LiteRT's reference kernels; and whose it is.
fn of_peers(folder: &Path, case: &str, output: usize) -> (Vec<u8>, &'static str) {
    let of = |runtime| bytes_of(&folder.join(format!("{case}.{runtime}.y{output}.npy")));
    let refusal = || fs::read_to_string(folder.join(format!("{case}.tflm.refused"))).unwrap_or_default();
    match of("tflm") {
        Some(bytes) => (bytes, "TFLM"),
        None => (of("litert").unwrap_or_else(|| panic!("{case}: nobody runs it: {}", refusal())), "LiteRT"),
    }
}

/// The graph with every tensor that a node makes as an output.
fn every_tensor(graph: &Graph) -> Graph {
    let outputs = graph.nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
    Graph { outputs, memory_plan: None, signatures: Vec::new(), ..graph.clone() }
}

/// Writes the case, and what the graph, and the file read back, give for the samples.
fn predicted(folder: &Path, case: String, graph: &Graph, samples: &[Vec<f32>]) -> (String, Vec<Vec<u8>>) {
    let executor = Executor::new(graph).unwrap_or_else(|error| panic!("{case}: {error}"));
    let inputs: Vec<Vec<u8>> = executor.inputs().iter().zip(samples).map(|(port, values)| port.bytes_from_real(values)).collect();
    write_case(folder, &case, graph, &inputs, SAMPLES);
    let views: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let here = executor.run(&views, SAMPLES, &Cancel::new()).expect("samples fit");
    let file = import(&folder.join(format!("{case}.tflite"))).expect("our own file").graph;
    let back = Executor::new(&file).expect("it runs").run(&views, SAMPLES, &Cancel::new()).expect("samples fit");
    assert!(back == here, "{case}: the file read back computes something else");
    (case, here)
}

/// The preview's bytes are those of the file, read back, and of other runtimes.
#[test]
fn every_net_quantized_to_16_bits_gives_the_bytes_that_were_predicted() {
    let (Some(python), Some(data)) = (peers_python(), shared("data")) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut cases = Vec::new();
    for (name, float) in float_nets(&data) {
        let samples = samples(&name, &float);
        for (kind, settings) in recipes(&float) {
            let (case, graph) = (format!("{name}-{kind}"), quantized(&float, &settings, &samples));
            let wide = graph.tensors.iter().filter(|tensor| tensor.element == ElementType::I16 && !tensor.is_variable).count();
            assert!(wide > 2, "{case}: {wide} tensors of 16 bits");
            cases.push(predicted(folder.path(), format!("{case}-tensors"), &every_tensor(&graph), &samples));
            cases.push(predicted(folder.path(), case, &graph, &samples));
        }
    }
    assert!(cases.len() >= 48, "{} cases", cases.len());
    run_peers(&python, folder.path());
    let mut wrong = Vec::new();
    for (case, here) in &cases {
        eprintln!("{case}: {} outputs, as {}'s", here.len(), of_peers(folder.path(), case, 0).1);
        for (index, here) in here.iter().enumerate() {
            let (there, whose) = of_peers(folder.path(), case, index);
            let differing = here.iter().zip(&there).filter(|(a, b)| a != b).count();
            if here.len() != there.len() || differing > 0 {
                wrong.push(format!("{case}: {differing} of {} bytes differ from {whose}'s", here.len()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
