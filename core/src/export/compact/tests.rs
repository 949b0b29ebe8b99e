use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use tinsmith_runtime::model::RunError;

use super::*;
use crate::execute::executor::Executor;
use crate::formats;
use crate::ops::{self, Activation, Binary, BinaryKind, Op, Padding};
use crate::optimize::{self, Observations};
use crate::progress::Cancel;
use crate::recipe::{Cluster, Granularity, IoType, PruneWeights, Recipe, Step};
use crate::tensor::Data;
use crate::test_graph::{Chain, constant, values};

/// What a model gives for one sample, in an arena and a workspace full of rubbish, at odd addresses.
fn interpreted(bytes: &[u8], inputs: &[&[u8]]) -> Vec<Vec<u8>> {
    let model = Model::parse(bytes).expect("the writer's own file is sound");
    let mut outputs: Vec<Vec<u8>> = model.outputs().map(|port| vec![0; port.bytes]).collect();
    let mut views: Vec<&mut [u8]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    let mut arena = vec![0xa5; model.arena_bytes() + 1];
    let mut workspace = vec![0x5a; model.workspace_bytes() + 1];
    model.run(&mut arena[1..], &mut workspace[1..], inputs, &mut views).expect("everything fits");
    outputs
}

/// Bytes without a pattern; floats in -4..4.
fn random_input(tensor: &Tensor, seed: usize) -> Vec<u8> {
    let reals = values(tensor.n_elements(), seed);
    match tensor.element {
        ElementType::F32 => reals.iter().flat_map(|real| (real * 4.0).to_le_bytes()).collect(),
        _ => values(tensor.n_bytes(), seed).iter().map(|real| (real * 128.0) as i8 as u8).collect(),
    }
}

/// Holds interpreter to executor on a few samples, with every setting; returns the sizes. Every tensor that a node makes is
/// compared, and the outputs once more where the arena is used again and again.
fn assert_same(graph: &Graph, what: &str) -> [usize; 3] {
    let mut all = graph.clone();
    all.outputs = graph.nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
    assert!(outputs_vary(&all, what), "{what}: every input gives the same tensors, which proves little");
    outputs_vary(graph, what);
    let sizes = [Coding::None, Coding::Fixed, Coding::Entropy].map(|coding| compact(graph, coding).unwrap().bytes.len());
    assert!(sizes[0] >= sizes[1] && sizes[1] >= sizes[2], "{what}: {sizes:?}");
    sizes
}

fn outputs_vary(graph: &Graph, what: &str) -> bool {
    let executor = Executor::new(graph).unwrap();
    let files = [Coding::None, Coding::Fixed, Coding::Entropy].map(|coding| compact(graph, coding).unwrap());
    let mut distinct = std::collections::HashSet::new();
    for sample in 0..3 {
        let input = |(at, id): (usize, &TensorId)| random_input(graph.tensor(*id), 31 * sample + at);
        let inputs: Vec<Vec<u8>> = graph.inputs.iter().enumerate().map(input).collect();
        let views: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let expected = executor.run(&views, 1, &Cancel::new()).unwrap();
        for file in &files {
            let found = interpreted(&file.bytes, &views);
            let differs = (0..expected.len()).find(|output| found[*output] != expected[*output]);
            assert_eq!(differs, None, "{what}, sample {sample}: an output differs");
        }
        distinct.insert(expected);
    }
    distinct.len() > 1
}

/// `graph` in integers, by the usual recipe, calibrated on noise; `change` may ask for other settings.
fn quantized(graph: &Graph, change: impl Fn(&mut crate::recipe::Quantize)) -> Graph {
    let mut recipe: Recipe = optimize::suggested_recipe(graph);
    for entry in &mut recipe.steps {
        if let Step::Quantize(settings) = &mut entry.step {
            change(settings);
        }
    }
    let rewritten = Arc::new(optimize::rewrite(&recipe, graph, &Observations::none()).unwrap());
    let inputs = &rewritten.graph.inputs;
    let noise: Vec<Vec<f32>> = inputs.iter().map(|id| values(4 * rewritten.graph.tensor(*id).n_elements(), 5)).collect();
    let noise: Vec<&[f32]> = noise.iter().map(Vec::as_slice).collect();
    let calibration = optimize::calibrate(&rewritten.graph, &noise, None, &Cancel::new()).unwrap().of(&rewritten);
    optimize::complete(&recipe, rewritten, Some(&calibration)).unwrap().graph
}

/// A net of every operator that the integer executor has a kernel of, LSTM aside.
fn every_operator() -> Graph {
    let mut chain = Chain::new(&[1, 12, 10, 3]);
    let integers = |chain: &mut Chain, list: &[i32]| {
        chain.graph.add_tensor(Tensor::constant("integers", [list.len()], Data::I32(list.into())))
    };
    let none = Activation::None;
    let (w, b) = (constant(&mut chain.graph, &[8, 3, 3, 3], 1), constant(&mut chain.graph, &[8], 2));
    let conv = ops::Conv2d { stride: [1, 2], dilation: [1, 1], padding: Padding::Same, activation: Activation::Relu6 };
    chain = chain.then(Op::Conv2d(conv), &[w, b]);
    let (w, b) = (constant(&mut chain.graph, &[1, 3, 2, 16], 3), constant(&mut chain.graph, &[16], 4));
    let depthwise =
        ops::DepthwiseConv2d { stride: [2, 1], dilation: [1, 1], padding: Padding::Same, depth_multiplier: 2, activation: none };
    chain = chain.then(Op::DepthwiseConv2d(depthwise), &[w, b]);
    // Grouped, and without a bias.
    let w = constant(&mut chain.graph, &[8, 2, 2, 4], 5);
    let grouped = ops::Conv2d { stride: [1, 1], dilation: [2, 1], padding: Padding::Valid, activation: none };
    chain = chain.then(Op::Conv2d(grouped), &[w]);
    chain = chain.then(Op::LeakyRelu(ops::LeakyRelu { alpha: 0.1 }), &[]);
    let amounts = chain.graph.add_tensor(Tensor::constant("pad", [4, 2], Data::I32([0, 0, 1, 2, 0, 1, 0, 0].into())));
    chain = chain.then(Op::Pad(ops::Pad), &[amounts]);
    let size = integers(&mut chain, &[9, 6]);
    let resize = ops::ResizeNearestNeighbor { align_corners: false, half_pixel_centers: true };
    chain = chain.then(Op::ResizeNearestNeighbor(resize), &[size]);
    let order = integers(&mut chain, &[0, 2, 1, 3]);
    chain = chain.then(Op::Transpose(ops::Transpose), &[order]);
    let axis = chain.graph.add_tensor(Tensor::constant("axis", [], Data::I32([3].into())));
    let last = chain.last;
    let halves = chain.nodes(Op::Split(ops::Split { n_splits: 2 }), vec![Some(axis), Some(last)], 2);
    let logistic = chain.node(Op::Unary(ops::Unary::Logistic), &[halves[0]]);
    let tanh = chain.node(Op::Unary(ops::Unary::Tanh), &[halves[1]]);
    let binary = |kind| Op::Binary(Binary { kind, activation: none });
    let product = chain.node(binary(BinaryKind::Mul), &[logistic, tanh]);
    let row = constant(&mut chain.graph, &[1, 1, 1, 4], 6);
    let shifted = chain.node(binary(BinaryKind::Sub), &[product, row]);
    let sum = chain.node(binary(BinaryKind::Add), &[shifted, halves[0]]);
    let joined = ops::Concatenation { axis: 3, activation: none };
    chain.last = chain.node(Op::Concatenation(joined), &[sum, product, halves[1]]);
    let pool = |kind| ops::Pool2d { kind, window: [2, 3], stride: [2, 1], padding: Padding::Same, activation: none };
    chain = chain.then(Op::Pool2d(pool(ops::PoolKind::Average)), &[]).then(Op::Pool2d(pool(ops::PoolKind::Max)), &[]);
    let axes = integers(&mut chain, &[1]);
    chain = chain.then(Op::Reduce(ops::Reduce { kind: ops::ReduceKind::Mean, keep_dims: false }), &[axes]);
    let ranges = [[0, 1, 0], [1, 8, 12], [1, 2, 1]].map(|list| integers(&mut chain, &list));
    chain = chain.then(Op::StridedSlice(ops::StridedSlice::default()), &ranges);
    let n = chain.graph.tensor(chain.last).n_elements();
    let shape = integers(&mut chain, &[1, n as i32]);
    chain = chain.then(Op::Reshape(ops::Reshape { new_shape: vec![] }), &[shape]);
    let (w, b) = (constant(&mut chain.graph, &[7, n], 7), constant(&mut chain.graph, &[7], 8));
    let full = ops::FullyConnected { keep_num_dims: false, activation: Activation::Relu };
    chain.then(Op::FullyConnected(full), &[w, b]).then(Op::Softmax(ops::Softmax { beta: 1.0 }), &[]).finish()
}

#[test]
fn every_operator_computes_what_the_executor_computes() {
    let net = every_operator();
    for io in [IoType::Int8, IoType::UInt8, IoType::Float32] {
        assert_same(&quantized(&net, |settings| settings.io = io), &format!("{io:?}"));
    }
}

#[test]
fn float_layers_are_refused_by_name() {
    let net = every_operator();
    let error = compact(&net, Coding::Entropy).unwrap_err().to_string();
    assert!(error.contains(&net.nodes[0].name) && error.contains("float32"), "{error}");
}

#[test]
fn short_memory_and_other_buffers_are_refused() {
    let float = pruned_and_clustered(&every_operator(), Granularity::PerChannel);
    let bytes = compact(&quantized(&float, |_| {}), Coding::Entropy).unwrap().bytes;
    let model = Model::parse(&bytes).unwrap();
    assert!(model.workspace_bytes() > 0);
    let (mut arena, mut workspace) = (vec![0; model.arena_bytes()], vec![0; model.workspace_bytes()]);
    let (input, mut output) = (vec![0; 360], [0; 7]);
    assert_eq!(model.run(&mut arena[1..], &mut workspace, &[&input], &mut [&mut output]), Err(RunError::Arena));
    assert_eq!(model.run(&mut arena, &mut workspace[1..], &[&input], &mut [&mut output]), Err(RunError::Workspace));
    assert_eq!(model.run(&mut arena, &mut workspace, &[&input[1..]], &mut [&mut output]), Err(RunError::Buffers));
    assert_eq!(model.run(&mut arena, &mut workspace, &[], &mut [&mut output]), Err(RunError::Buffers));
    assert_eq!(model.run(&mut arena, &mut workspace, &[&input], &mut [&mut output]), Ok(()));
}

/// Every `.tflite` below a folder.
fn models(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(models(&path));
        } else if path.extension().is_some_and(|extension| extension == "tflite") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_integer_model_computes_what_the_executor_computes() {
    let Some(folder) = crate::test_data::shared("data") else { return };
    let (mut n, mut wide, mut codings) = (0, 0, std::collections::HashSet::new());
    for path in models(&folder).iter().filter(|path| !path.components().any(|part| part.as_os_str() == "malformed")) {
        let graph = formats::import(path).unwrap().graph;
        let name = path.file_stem().unwrap().to_string_lossy();
        match int8::Prepared::new(&graph, Rounding::default()) {
            Ok(_) if graph.tensor(graph.inputs[0]).element == ElementType::I16 => {
                let error = compact(&graph, Coding::Entropy).expect_err("no kernel for 16 bits");
                assert!(matches!(&error, CompactError::Int16 { node } if graph.node_named(node).is_some()), "{name}: {error}");
                assert!(error.to_string().contains("int8 scheme"), "the remedy is missing: {error}");
                wide += 1;
            }
            Ok(_) => {
                let [raw, fixed, entropy] = assert_same(&graph, &name);
                let file = std::fs::metadata(path).unwrap().len();
                println!("{name}: {file} bytes, raw {raw}, fixed {fixed}, entropy {entropy}");
                let coarse = coarse(&graph);
                assert_same(&coarse, &format!("{name}, coarse"));
                codings.extend(compact(&coarse, Coding::Fixed).unwrap().weights.iter().map(|tensor| tensor.encoding));
                codings.extend(compact(&coarse, Coding::Entropy).unwrap().weights.iter().map(|tensor| tensor.encoding));
                n += 1;
            }
            Err(error) => assert_eq!(compact(&graph, Coding::Entropy), Err(CompactError::Execute(error)), "{name}"),
        }
    }
    assert!(n >= 15 && wide >= 2, "only {n} models of 8 bits, {wide} of 16");
    assert!(codings.contains(&Encoding::Runs) && codings.iter().any(|e| matches!(e, Encoding::SparsePalette(_))), "{codings:?}");
}

/// An integer graph with half its weights zero and the rest few values, so that they are worth coding.
fn coarse(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let operands =
        |node: &crate::graph::Node| node.op.trained_operands()[0].clone().map(|at| node.inputs[at]).collect::<Vec<_>>();
    let weights: Vec<TensorId> = graph.nodes.iter().flat_map(operands).flatten().collect();
    for id in weights {
        let tensor = &mut graph.tensors[id.index()];
        if let Some(Data::I8(values)) = &tensor.data {
            let largest = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0).max(8);
            let step = (largest / 8) as i8;
            tensor.data = Some(Data::I8(values.iter().map(|value| value / step / 2 * step * 2).collect()));
        }
    }
    graph
}

#[test]
fn the_sample_computes_what_the_executor_computes() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/samples/keyword/keyword_float32.tflite");
    let graph = formats::import(&sample).unwrap().graph;
    let sizes = assert_same(&quantized(&graph, |_| {}), "keyword");
    println!("keyword: raw {}, fixed {}, entropy {}", sizes[0], sizes[1], sizes[2]);
}

/// A float net with 80 % of the weights of each layer pruned, and 5 bits for the values that are left.
fn pruned_and_clustered(graph: &Graph, granularity: Granularity) -> Graph {
    let prune = PruneWeights { sparsity: 0.8, ..PruneWeights::default() };
    let cluster = Cluster { bits: 5, granularity, fully_connected: granularity, ..Cluster::default() };
    let mut recipe = Recipe::default();
    recipe.put(Step::PruneWeights(prune));
    recipe.put(Step::Cluster(cluster));
    optimize::rewrite(&recipe, graph, &Observations::none()).unwrap().graph
}

#[test]
fn a_pruned_and_clustered_net_has_weights_an_eighth_of_its_float_weights() {
    let Some(path) = crate::test_data::shared("data/mlperf_tiny/kws/kws_model_float32.tflite") else { return };
    let source = formats::import(&path).unwrap().graph;
    for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
        let float = pruned_and_clustered(&source, granularity);
        let graph = quantized(&float, |settings| {
            settings.granularity = granularity;
            settings.fully_connected = granularity;
        });
        assert_same(&graph, "pruned and clustered");
        for coding in [Coding::Fixed, Coding::Entropy] {
            let compact = compact(&graph, coding).unwrap();
            let float_bytes: usize = compact.weights.iter().map(|tensor| 4 * tensor.values).sum();
            assert!(float_bytes > 80_000, "{float_bytes}");
            let ratio = float_bytes as f64 / compact.weights_bytes() as f64;
            println!(
                "{granularity:?}, {coding:?}: {float_bytes} bytes of float weights, coded {}: {ratio:.2} times",
                compact.weights_bytes()
            );
            let least = if coding == Coding::Entropy { 8.0 } else { 4.0 };
            assert!(ratio >= least, "{ratio}");
            compact.weights.iter().for_each(|coded| assert_holds(&compact.bytes, &graph, coded, coding));
        }
    }
}

/// The file holds the tensor's weights, and they are decoded to the very values of the graph.
fn assert_holds(file: &[u8], graph: &Graph, coded: &CodedTensor, coding: Coding) {
    let node = graph.nodes.iter().find(|node| node.inputs.get(1) == Some(&Some(coded.tensor))).unwrap();
    let tensor = graph.tensor(coded.tensor);
    let values = tensor.data.as_ref().and_then(Data::as_i8).unwrap();
    let channels = if node.op.weights_channel_axis() == Some(0) { tensor.shape[0] } else { 1 };
    let piece = coding::encode(values, values.len() / channels, coding);
    assert_eq!((piece.encoding, piece.bytes.len()), (coded.encoding, coded.bytes));
    assert!(file.windows(piece.bytes.len()).any(|window| window == piece.bytes));
    assert_eq!(coding::tests::decoded(&piece.bytes, channels, values.len() / channels), values);
}

/// Files that are almost sound: parsed, and run where the reader takes them and they ask for little.
fn exercise(bytes: &[u8]) {
    let Ok(model) = Model::parse(bytes) else { return };
    let buffers: usize = model.inputs().chain(model.outputs()).map(|port| port.bytes).sum();
    if model.arena_bytes() + model.workspace_bytes() + buffers > 1 << 16 {
        return;
    }
    let inputs: Vec<Vec<u8>> = model.inputs().map(|port| vec![0x7f; port.bytes]).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut outputs: Vec<Vec<u8>> = model.outputs().map(|port| vec![0; port.bytes]).collect();
    let mut outputs: Vec<&mut [u8]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    let (mut arena, mut workspace) = (vec![0; model.arena_bytes()], vec![0; model.workspace_bytes()]);
    model.run(&mut arena, &mut workspace, &inputs, &mut outputs).unwrap();
}

#[test]
fn truncated_files_are_refused() {
    let bytes = compact(&quantized(&every_operator(), |_| {}), Coding::Entropy).unwrap().bytes;
    for len in 0..bytes.len() {
        assert!(Model::parse(&bytes[..len]).is_err(), "{len} bytes");
    }
    assert_eq!(Model::parse(&[&bytes[..], &[0]].concat()).err(), Some(ModelError::Length));
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        Model::parse(&bytes).err()
    };
    assert_eq!(with(0, b'X'), Some(ModelError::NotAModel));
    assert_eq!(with(4, 2), Some(ModelError::Version(2)));
    assert_eq!(with(5, 1), Some(ModelError::Activations(1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn forged_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
        is_raw: bool,
    ) {
        static FILES: std::sync::OnceLock<[Vec<u8>; 2]> = std::sync::OnceLock::new();
        let files = FILES.get_or_init(|| {
            let graph = quantized(&every_operator(), |settings| settings.io = IoType::Float32);
            [Coding::Entropy, Coding::None].map(|coding| compact(&graph, coding).unwrap().bytes)
        });
        let mut bytes = files[usize::from(is_raw)].clone();
        let program = HEADER_BYTES..HEADER_BYTES + u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
        for (at, byte, in_program) in changes {
            let at = if in_program { program.start + at.index(program.len()) } else { at.index(bytes.len()) };
            bytes[at] = byte;
        }
        exercise(&bytes);
    }
}
