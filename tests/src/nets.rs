//! The nets of the shared data, quantized in one way or another, and what other runtimes make of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use tinsmith_core::data::{feed, npy};
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::formats::import;
use tinsmith_core::formats::tflite::{ExportOptions, export};
use tinsmith_core::graph::Graph;
use tinsmith_core::optimize;
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::{Quantize, Recipe, Step};
use tinsmith_core::tensor::{ElementType, Tensor};

use crate::{root, shared};

/// Runs all models of `folder` in LiteRT and TensorFlow Lite Micro.
pub fn run_peers(python: &Path, folder: &Path) {
    let script = root().join("tests/peers/operators.py");
    assert!(Command::new(python).arg(script).arg(folder).status().expect("Python starts").success());
}

/// Writes `graph` and the samples of its inputs as `tests/peers/operators.py` takes them.
pub fn write_case(folder: &Path, name: &str, graph: &Graph, inputs: &[Vec<u8>], samples: usize) {
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
pub fn bytes_of(file: &Path) -> Option<Vec<u8>> {
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

/// Samples that each net of floats is quantized and run with.
pub const SAMPLES: usize = 6;

/// Every `.tflite` of floats below a folder, with a name for each.
pub fn float_nets(folder: &Path) -> Vec<(String, Graph)> {
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
pub fn samples(name: &str, graph: &Graph) -> Vec<Vec<f32>> {
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
pub fn quantized(graph: &Graph, settings: &Quantize, samples: &[Vec<f32>]) -> Graph {
    let mut recipe = Recipe::int8();
    recipe.put(Step::Quantize(settings.clone()));
    let samples: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
    let calibration = optimize::calibrate(graph, &samples, None, &Cancel::new()).expect("a net that runs in floats");
    optimize::apply(&recipe, graph, Some(&calibration)).expect("a net that can be quantized").graph
}

/// What TensorFlow Lite Micro gives, or, where it refuses the model, LiteRT's reference kernels; and whose it is.
pub fn of_peers(folder: &Path, case: &str, output: usize) -> (Vec<u8>, &'static str) {
    let of = |runtime| bytes_of(&folder.join(format!("{case}.{runtime}.y{output}.npy")));
    let refusal = || fs::read_to_string(folder.join(format!("{case}.tflm.refused"))).unwrap_or_default();
    match of("tflm") {
        Some(bytes) => (bytes, "TFLM"),
        None => (of("litert").unwrap_or_else(|| panic!("{case}: nobody runs it: {}", refusal())), "LiteRT"),
    }
}

/// What LiteRT's reference kernels give.
pub fn of_litert(folder: &Path, case: &str, output: usize) -> Vec<u8> {
    let refusal = || fs::read_to_string(folder.join(format!("{case}.litert.refused"))).unwrap_or_default();
    bytes_of(&folder.join(format!("{case}.litert.y{output}.npy"))).unwrap_or_else(|| panic!("{case}: LiteRT: {}", refusal()))
}

/// The largest difference of floats, relative to the largest of them where that is more than one; NaN if one of them is.
pub fn largest_difference(here: &[u8], there: &[u8]) -> f32 {
    let floats = |bytes: &[u8]| -> Vec<f32> { bytes.as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect() };
    let (here, there) = (floats(here), floats(there));
    let largest = there.iter().fold(1.0, |most: f32, x| most.max(x.abs()));
    let differences = here.into_iter().zip(there).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |most: f32, d| if d.is_nan() || d > most { d } else { most }) / largest
}

/// The graph with every tensor that a node makes as an output.
pub fn every_tensor(graph: &Graph) -> Graph {
    let outputs = graph.nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
    Graph { outputs, memory_plan: None, signatures: Vec::new(), ..graph.clone() }
}

/// Writes the case, and what the graph, and the file read back, give for the samples.
pub fn predicted(folder: &Path, case: String, graph: &Graph, samples: &[Vec<f32>]) -> (String, Vec<Vec<u8>>) {
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
