use super::*;
use crate::execute::float::Prepared;
use crate::graph::TensorId;
use crate::ops::*;
use crate::optimize::tests::Bench;
use crate::progress::Cancel;
use crate::recipe::{Granularity, Quantize};
use crate::tensor::{Data, Tensor};
use crate::test_graph::{Chain, constant, values};

/// How far channels lie apart.
const SKEW: [f32; 4] = [1.0, 0.01, 100.0, 0.3];

/// Weights or biases whose channels lie up to ten thousand times apart.
fn skewed(chain: &mut Chain, shape: &[usize], axis: usize, seed: usize) -> TensorId {
    let inner: usize = shape[axis + 1..].iter().product();
    scaled(chain, shape, seed, |i| SKEW[i / inner % shape[axis] % 4])
}

fn scaled(chain: &mut Chain, shape: &[usize], seed: usize, scale: impl Fn(usize) -> f32) -> TensorId {
    let values = values(shape.iter().product(), seed).into_iter().enumerate().map(|(i, x)| x * scale(i));
    chain.graph.add_tensor(Tensor::constant("w", shape, Data::F32(values.collect())))
}

fn integers(chain: &mut Chain, shape: &[usize], values: &[i32]) -> TensorId {
    chain.graph.add_tensor(Tensor::constant("i", shape, Data::I32(values.into())))
}

fn last_shape(chain: &Chain) -> Vec<usize> {
    chain.graph.tensor(chain.last).shape.clone()
}

fn conv_op(activation: Activation) -> Op {
    Op::Conv2d(Conv2d { stride: [1, 1], dilation: [1, 1], padding: Padding::Same, activation })
}

fn conv(mut chain: Chain, c_out: usize, activation: Activation) -> Chain {
    let c_in = *last_shape(&chain).last().unwrap();
    let weights = skewed(&mut chain, &[c_out, 3, 3, c_in], 0, 1);
    let bias = skewed(&mut chain, &[c_out], 0, 2);
    chain.then(conv_op(activation), &[weights, bias])
}

fn depthwise(mut chain: Chain, depth_multiplier: usize, activation: Activation) -> Chain {
    let c_out = last_shape(&chain).last().unwrap() * depth_multiplier;
    // The other way round than in a convolution: what one makes small the other makes large.
    let scale = |i: usize| SKEW[i % c_out / depth_multiplier % 4].recip();
    let weights = scaled(&mut chain, &[1, 3, 3, c_out], 3, scale);
    let bias = scaled(&mut chain, &[c_out], 4, scale);
    let (stride, dilation, padding) = ([1, 1], [1, 1], Padding::Same);
    chain.then(Op::DepthwiseConv2d(DepthwiseConv2d { stride, dilation, padding, depth_multiplier, activation }), &[weights, bias])
}

fn dense(mut chain: Chain, c_in: usize) -> Chain {
    let weights = constant(&mut chain.graph, &[3, c_in], 5);
    chain.then(Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None }), &[weights])
}

fn transpose_conv(mut chain: Chain, activation: Activation) -> Chain {
    let c_in = *last_shape(&chain).last().unwrap();
    let [h, w] = [last_shape(&chain)[1] * 2, last_shape(&chain)[2] * 2];
    let shape = integers(&mut chain, &[4], &[1, h as i32, w as i32, 4]);
    let weights = skewed(&mut chain, &[4, 3, 3, c_in], 0, 6);
    let bias = skewed(&mut chain, &[4], 0, 7);
    let op = TransposeConv { stride: [2, 2], padding: Padding::Same, activation };
    chain.last = chain.node(Op::TransposeConv(op), &[shape, weights, chain.last, bias]);
    chain
}

/// An image of 6 x 5 pixels, and a convolution that makes four skewed channels of it.
fn start(activation: Activation) -> Chain {
    conv(Chain::new(&[1, 6, 5, 3]), 4, activation)
}

fn run(graph: &Graph, inputs: &[f32]) -> Vec<Vec<f32>> {
    Prepared::new(graph).unwrap().run(&[inputs], &Cancel::new()).unwrap()
}

/// The largest difference between a step's outputs and those before, relative to the largest output.
fn largest_change(before: &Graph, after: &Graph, inputs: &[f32]) -> f32 {
    let (expected, found) = (run(before, inputs), run(after, inputs));
    let pairs = || expected.iter().flatten().zip(found.iter().flatten());
    let largest = pairs().fold(0.0f32, |most, (e, _)| most.max(e.abs()));
    assert!(largest > 0.0);
    pairs().fold(0.0f32, |most, (e, f)| most.max((e - f).abs())) / largest
}

/// How many times a layer's smallest output range the largest is.
fn apart(graph: &Graph, id: NodeId) -> f32 {
    let layer = Layer::of(graph, id).unwrap();
    let rows: Vec<f32> =
        layer.magnitudes(graph).chunks(layer.n_seen).map(|row| row.iter().copied().fold(0.0, f32::max)).collect();
    rows.iter().copied().fold(0.0, f32::max) / rows.iter().copied().fold(f32::INFINITY, f32::min)
}

/// Equalizes, and checks what holds for every graph.
fn applied(what: &str, graph: &Graph, settings: &Equalize) -> Applied {
    let applied = equalize(graph, settings);
    assert_eq!(applied.outcome, StepOutcome::Applied, "{what}: {}", applied.text);
    crate::graph::check(&applied.graph).unwrap();
    let names = |graph: &Graph| graph.nodes.iter().map(|n| (n.name.clone(), n.sources.clone())).collect::<Vec<_>>();
    assert_eq!(names(&applied.graph), names(graph), "{what}");
    for (tensor, origin) in applied.graph.tensors.iter().zip(&applied.origin) {
        let same = origin.is_none_or(|id| graph.tensor(id) == tensor);
        assert!(same, "{what}: tensor {} is not what it stands for", tensor.name);
    }
    let scaled = applied.graph.nodes[0].outputs[0];
    assert_eq!(applied.origin[scaled.index()], None, "{what}: a scaled tensor stands for one that is not");
    let output = applied.graph.outputs[0];
    assert_eq!(applied.origin[output.index()], Some(graph.outputs[0]), "{what}");
    assert!(apart(graph, NodeId(0)) > 1000.0, "{what}");
    assert!(apart(&applied.graph, NodeId(0)) < 300.0, "{what}: {}", apart(&applied.graph, NodeId(0)));
    applied
}

/// A skewed first layer, then what is given: equalized, and the outputs stay.
fn commutes(what: &str, rest: impl Fn(Chain) -> Chain) {
    let graph = rest(start(Activation::None)).finish();
    let applied = applied(what, &graph, &Equalize::default());
    let change = largest_change(&graph, &applied.graph, &values(2 * 90, 9));
    assert_eq!(change, 0.0, "{what}: powers of two do not round");
}

/// A skewed first layer, then what is given: left alone.
fn blocks(what: &str, graph: &Graph) {
    let applied = equalize(graph, &Equalize::default());
    assert_eq!(applied.outcome, StepOutcome::Skipped, "{what}: {}", applied.text);
    assert_eq!(&applied.graph, graph, "{what}");
}

#[test]
fn activations_that_bend_at_zero_let_scales_through() {
    let second = |chain| conv(chain, 2, Activation::Relu6);
    for (what, op) in [
        ("relu", Op::Unary(Unary::Relu)),
        ("abs", Op::Unary(Unary::Abs)),
        ("neg", Op::Unary(Unary::Neg)),
        ("leaky relu", Op::LeakyRelu(LeakyRelu { alpha: 0.1 })),
        ("identity", Op::Identity(Identity)),
    ] {
        commutes(what, |chain| second(chain.then(op.clone(), &[])));
    }
    commutes("nothing", second);
    commutes("prelu", |mut chain| {
        let slopes = constant(&mut chain.graph, &[4], 8);
        second(chain.then(Op::PRelu(PRelu), &[slopes]))
    });
    let fused = second(start(Activation::Relu)).finish();
    assert_eq!(largest_change(&fused, &applied("fused", &fused, &Equalize::default()).graph, &values(90, 1)), 0.0);
}

#[test]
fn what_works_on_places_lets_scales_through() {
    let second = |chain| conv(chain, 2, Activation::None);
    for kind in [PoolKind::Average, PoolKind::Max] {
        for padding in [Padding::Same, Padding::Valid] {
            let op = Pool2d { kind, window: [3, 2], stride: [2, 2], padding, activation: Activation::Relu };
            commutes("pool", |chain| second(chain.then(Op::Pool2d(op.clone()), &[])));
        }
    }
    for (what, op) in [("pad", Op::Pad(Pad)), ("mirror", Op::MirrorPad(MirrorPad { with_edge: false }))] {
        commutes(what, |mut chain| {
            let amounts = integers(&mut chain, &[4, 2], &[0, 0, 1, 2, 2, 1, 0, 0]);
            second(chain.then(op.clone(), &[amounts]))
        });
    }
    let resizes = [
        ("nearest", Op::ResizeNearestNeighbor(ResizeNearestNeighbor::default())),
        ("bilinear", Op::ResizeBilinear(ResizeBilinear::default())),
    ];
    for (what, op) in resizes {
        commutes(what, |mut chain| {
            let size = integers(&mut chain, &[2], &[9, 7]);
            second(chain.then(op.clone(), &[size]))
        });
    }
    for kind in [ReduceKind::Mean, ReduceKind::Sum, ReduceKind::Max, ReduceKind::Min] {
        commutes("reduce", |mut chain| {
            let axes = integers(&mut chain, &[2], &[1, -2]);
            dense(chain.then(Op::Reduce(Reduce { kind, keep_dims: false }), &[axes]), 4)
        });
    }
}

#[test]
fn channels_are_followed_through_shapes() {
    let reshape = |mut chain: Chain, to: &[i32]| {
        let shape = integers(&mut chain, &[to.len()], to);
        chain.then(Op::Reshape(Reshape { new_shape: vec![] }), &[shape])
    };
    let transpose = |mut chain: Chain, to: &[i32]| {
        let permutation = integers(&mut chain, &[to.len()], to);
        chain.then(Op::Transpose(Transpose), &[permutation])
    };
    commutes("flattened", |chain| dense(reshape(chain, &[1, -1]), 120));
    commutes("flattened by the dense layer", |chain| dense(chain, 120));
    commutes("rows", |chain| dense(reshape(chain, &[30, 4]), 4));
    commutes("there and back", |chain| conv(reshape(reshape(chain, &[1, 30, 4]), &[1, 6, 5, 4]), 2, Activation::None));
    commutes("channels first, flattened", |chain| dense(reshape(transpose(chain, &[0, 3, 1, 2]), &[1, 120]), 120));
    commutes("transposed there and back", |chain| {
        let chain = transpose(transpose(chain, &[0, 3, 1, 2]), &[0, 2, 3, 1]);
        conv(chain, 2, Activation::None)
    });
    commutes("one axis in, one out", |mut chain| {
        let axis = integers(&mut chain, &[1], &[1]);
        let chain = chain.then(Op::ExpandDims(ExpandDims), &[axis]).then(Op::Squeeze(Squeeze { axes: vec![1] }), &[]);
        conv(chain, 2, Activation::None)
    });
    commutes("padded with channels first", |chain| {
        let mut chain = transpose(chain, &[0, 3, 1, 2]);
        let amounts = integers(&mut chain, &[4, 2], &[0, 0, 0, 0, 1, 2, 2, 1]);
        dense(chain.then(Op::Pad(Pad), &[amounts]), 4 * 9 * 8)
    });
    commutes("mean with channels first", |chain| {
        let mut chain = transpose(chain, &[0, 3, 1, 2]);
        let axes = integers(&mut chain, &[1], &[2]);
        dense(chain.then(Op::Reduce(Reduce { kind: ReduceKind::Mean, keep_dims: true }), &[axes]), 4 * 5)
    });
    // The convolution reads columns as channels: each mixes all channels of the first layer.
    blocks("transposed once", &conv(transpose(start(Activation::None), &[0, 3, 1, 2]), 2, Activation::None).finish());
}

#[test]
fn every_kind_of_layer_is_a_member() {
    commutes("depthwise", |chain| depthwise(chain, 1, Activation::Relu6));
    commutes("depthwise with a multiplier", |chain| depthwise(chain, 2, Activation::Relu6));
    commutes("depthwise between", |chain| conv(depthwise(chain, 2, Activation::Relu), 2, Activation::None));
    commutes("transposed", |chain| transpose_conv(chain, Activation::None));
    commutes("transposed between", |chain| conv(transpose_conv(chain, Activation::Relu), 2, Activation::None));
    commutes("groups", |mut chain| {
        let weights = constant(&mut chain.graph, &[6, 3, 3, 2], 5);
        chain.then(conv_op(Activation::None), &[weights])
    });
    for multiplier in [1, 2] {
        let chain = depthwise(Chain::new(&[1, 6, 5, 4]), multiplier, Activation::Relu);
        let graph = conv(chain, 2, Activation::None).finish();
        let equalized = applied("depthwise first", &graph, &Equalize::default());
        assert_eq!(largest_change(&graph, &equalized.graph, &values(240, 9)), 0.0);
    }
    let graph = conv(transpose_conv(Chain::new(&[1, 3, 3, 2]), Activation::Relu), 2, Activation::None).finish();
    let equalized = applied("transposed first", &graph, &Equalize::default());
    assert_eq!(largest_change(&graph, &equalized.graph, &values(36, 9)), 0.0);
}

#[test]
fn what_bends_elsewhere_or_mixes_channels_blocks() {
    for op in [Unary::Logistic, Unary::Tanh, Unary::HardSwish, Unary::Elu, Unary::Relu6, Unary::Square].map(Op::Unary) {
        blocks(op.name(), &conv(start(Activation::None).then(op.clone(), &[]), 2, Activation::None).finish());
    }
    for activation in [Activation::Relu6, Activation::ReluN1To1, Activation::Tanh] {
        blocks(activation.name(), &conv(start(activation), 2, Activation::None).finish());
    }
    let softmax = start(Activation::None).then(Op::Softmax(Softmax { beta: 1.0 }), &[]);
    blocks("softmax", &conv(softmax, 2, Activation::None).finish());
    let mut chain = start(Activation::None);
    let axes = integers(&mut chain, &[1], &[3]);
    let chain = chain.then(Op::Reduce(Reduce { kind: ReduceKind::Mean, keep_dims: true }), &[axes]);
    blocks("mean over channels", &conv(chain, 2, Activation::None).finish());
    let mut chain = start(Activation::None);
    let [amounts, one] = [integers(&mut chain, &[4, 2], &[0, 0, 1, 1, 1, 1, 0, 0]), constant(&mut chain.graph, &[1], 3)];
    blocks("a border of ones", &conv(chain.then(Op::PadV2(PadV2), &[amounts, one]), 2, Activation::None).finish());
    let mut chain = start(Activation::None);
    let amounts = integers(&mut chain, &[4, 2], &[0, 0, 0, 0, 0, 0, 1, 0]);
    blocks("one channel more", &conv(chain.then(Op::Pad(Pad), &[amounts]), 2, Activation::None).finish());
}

#[test]
fn tensors_that_others_read_block() {
    let add = Op::Binary(Binary { kind: BinaryKind::Add, activation: Activation::None });
    let mut chain = start(Activation::Relu);
    let shortcut = chain.last;
    chain = conv(chain, 4, Activation::None);
    blocks("residual", &chain.then(add.clone(), &[shortcut]).finish());

    let mut chain = start(Activation::Relu);
    let shared = chain.last;
    chain = conv(chain, 2, Activation::None);
    let first = chain.last;
    chain.last = shared;
    blocks("read by two layers", &conv(chain, 2, Activation::None).then(add, &[first]).finish());

    let chain = start(Activation::Relu);
    let read = chain.last;
    let mut graph = conv(chain, 2, Activation::None).finish();
    graph.outputs.push(read);
    blocks("output", &graph);

    let pair = conv(start(Activation::Relu), 2, Activation::None).finish();
    assert!(equalize(&pair, &Equalize::default()).outcome == StepOutcome::Applied);
}

#[test]
fn weights_of_several_layers_are_copied() {
    let mut chain = Chain::new(&[1, 6, 5, 4]);
    let weights = skewed(&mut chain, &[4, 3, 3, 4], 0, 1);
    let bias = skewed(&mut chain, &[4], 0, 2);
    let op = conv_op(Activation::Relu);
    let graph = chain.then(op.clone(), &[weights, bias]).then(op.clone(), &[weights, bias]).then(op, &[weights]).finish();
    let equalized = applied("shared weights", &graph, &Equalize::default());
    assert_eq!(largest_change(&graph, &equalized.graph, &values(240, 3)), 0.0);
    assert_eq!(equalized.graph.tensors.len(), graph.tensors.len() + 3, "two copies of the weights, one of the bias");
}

#[test]
fn half_floats_are_weights_too() {
    let mut chain = Chain::new(&[1, 6, 5, 3]);
    let bits = (0..4 * 3).map(|i| half::f16::from_f32(SKEW[i / 3] * (i % 3 + 1) as f32).to_bits());
    let halves = chain.graph.add_tensor(Tensor::constant("h", [4, 1, 1, 3], Data::F16(bits.collect())));
    let weights = chain.node(Op::Dequantize(Dequantize), &[halves]);
    let graph = conv(chain.then(conv_op(Activation::Relu), &[weights]), 2, Activation::None).finish();
    let equalized = equalize(&graph, &Equalize::default());
    assert_eq!(equalized.outcome, StepOutcome::Applied, "{}", equalized.text);
    crate::graph::check(&equalized.graph).unwrap();
    assert_eq!(equalized.graph.nodes.len(), 2);
    assert_eq!(largest_change(&graph, &equalized.graph, &values(90, 3)), 0.0);
}

#[test]
fn a_relu6_goes_if_asked_to() {
    let chain = start(Activation::Relu6).then(Op::Unary(Unary::Relu6), &[]);
    let graph = conv(chain, 2, Activation::Relu6).finish();
    let text = equalize(&graph, &Equalize::default()).text;
    assert!(text.contains("ReLU6"), "{text}");
    let applied = applied("relu6", &graph, &Equalize { replace_relu6: true, ..Equalize::default() });
    assert!(applied.text.ends_with("2 ReLU6 became ReLU"), "{}", applied.text);
    let activations: Vec<Activation> = applied.graph.nodes.iter().map(|n| n.op.facts().activation()).collect();
    assert_eq!(activations, [Activation::Relu, Activation::None, Activation::Relu6], "the last is not between the layers");
    assert_eq!(applied.graph.nodes[1].op, Op::Unary(Unary::Relu));
    let few = values(90, 4).iter().map(|x| x * 0.001).collect::<Vec<f32>>();
    assert_eq!(largest_change(&graph, &applied.graph, &few), 0.0, "values below 6 stay");
}

#[test]
fn dead_channels_and_large_biases_stay() {
    let mut chain = Chain::new(&[1, 3]);
    let rows = [[1.0, 0.5, 0.2], [0.0; 3], [1e-9, 0.0, 0.0], [0.0003, 0.0005, 0.0], [f32::NAN, 1.0, 1.0], [0.9, 0.0, 0.1]];
    let weights = Data::F32(rows.as_flattened().into());
    let weights = chain.graph.add_tensor(Tensor::constant("w", [6, 3], weights));
    let biases: std::sync::Arc<[f32]> = [0.1, 0.2, 0.5, 0.0, 0.0, 0.1].into();
    let bias = chain.graph.add_tensor(Tensor::constant("b", [6], Data::F32(biases)));
    let op = Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::Relu });
    let graph = dense(chain.then(op, &[weights, bias]), 6).finish();
    let equalized = equalize(&graph, &Equalize::default());
    assert_eq!(equalized.outcome, StepOutcome::Applied, "{}", equalized.text);
    let layer = Layer::of(&equalized.graph, NodeId(0)).unwrap();
    let bias = layer.bias(&equalized.graph).unwrap();
    let factor: Vec<f32> = bias.iter().zip([0.1, 0.2, 0.5, 0.0, 0.0, 0.1]).map(|(after, before)| after / before).collect();
    assert_eq!((factor[1], layer.weights(&equalized.graph)[13]), (1.0, 1.0), "dead, and no number");
    assert!(bias.iter().all(|b| *b <= 1.0), "{bias:?}");
    assert!(layer.weights(&equalized.graph)[10] > 0.01, "a small channel grows");
}

#[test]
fn even_layers_are_left_alone() {
    let text = equalize(&crate::test_graph::small_net(), &Equalize::default()).text;
    assert!(text.contains("all pairs of layers (1) have a ReLU6"), "{text}");
    let mut chain = Chain::new(&[1, 8]);
    let weights = constant(&mut chain.graph, &[8, 8], 1);
    let op = Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::Relu });
    let graph = dense(chain.then(op, &[weights]), 8).finish();
    let text = equalize(&graph, &Equalize::default()).text;
    assert!(text.starts_with("channels are even enough"), "{text}");
    assert_eq!(crate::optimize::advice(&graph), []);
}

#[test]
fn advice_names_what_would_help() {
    let uneven = conv(start(Activation::Relu), 2, Activation::None).finish();
    let [advice] = crate::optimize::advice(&uneven).try_into().unwrap();
    assert_eq!((advice.step, advice.nodes), ("equalize", vec![NodeId(0), NodeId(1)]));
    assert!(advice.apart.unwrap() > 10.0 && advice.text.contains("\"n0\" and \"n1\""), "{}", advice.text);

    let behind_relu6 = conv(start(Activation::Relu6), 2, Activation::None).finish();
    let [advice] = crate::optimize::advice(&behind_relu6).try_into().unwrap();
    let step = crate::optimize::parse_step(advice.step).unwrap();
    assert_eq!(step, crate::recipe::Step::Equalize(Equalize { replace_relu6: true, ..Equalize::default() }));

    let helped = equalize(&uneven, &Equalize::default()).graph;
    assert_eq!(crate::optimize::advice(&helped), []);

    let mut chain = start(Activation::None);
    let parameters = [1, 2, 3, 4].map(|seed| constant(&mut chain.graph, &[4], seed));
    let normalized = chain.then(Op::BatchNorm(BatchNorm { epsilon: 0.001 }), &parameters);
    let [advice] = crate::optimize::advice(&conv(normalized, 2, Activation::None).finish()).try_into().unwrap();
    assert_eq!((advice.step, advice.nodes, advice.apart), ("fuse-batch-norm", vec![NodeId(1)], None));
    crate::optimize::parse_step(advice.step).unwrap();
}

/// Top-1, agreement with the float model and mean difference of its outputs.
fn judged(bench: &Bench, steps: &[&str], settings: Quantize) -> (f64, f64, f64) {
    let candidate = bench.apply_after(steps, settings.clone());
    let figures = bench.judge(&candidate);
    let figures = (figures.top1().unwrap(), figures.agreement().unwrap(), figures.mean_abs_difference.unwrap());
    eprintln!(
        "{steps:?} {:?}, bias {}: accuracy {:.4}, agreement {:.4}, mean |dp| {:.5}",
        settings.granularity,
        if settings.correct_bias { "corrected" } else { "as it is" },
        figures.0,
        figures.1,
        figures.2
    );
    for step in &candidate.rewritten.steps {
        eprintln!("    {}: {} (outputs change by {:?})", step.name, step.text, step.output_change);
    }
    figures
}

fn variants() -> impl Iterator<Item = Quantize> {
    [Granularity::PerChannel, Granularity::PerTensor]
        .into_iter()
        .flat_map(|granularity| [false, true].map(|correct_bias| Quantize { granularity, correct_bias, ..Quantize::default() }))
}

/// TensorFlow's converter: .2667 per channel, .1000 per tensor; the float model .9867.
#[test]
fn what_int8_ruins_is_won_back() {
    let data = "data/models/fsdd_dscnn/fsdd_dscnn_data.npz";
    let model = "data/models/fsdd_dscnn_skewed/fsdd_dscnn_skewed_float32.tflite";
    let Some(bench) = Bench::open(model, data) else { return };
    let plain = Quantize { correct_bias: false, ..Quantize::default() };
    assert!((judged(&bench, &[], plain.clone()).0 - 0.2667).abs() < 1e-3);
    assert!((judged(&bench, &[], Quantize { granularity: Granularity::PerTensor, ..plain }).0 - 0.1).abs() < 1e-3);
    for settings in variants() {
        for steps in [&["equalize"][..], &["equalize", "absorb-bias"]] {
            let (top1, agreement, _) = judged(&bench, steps, settings.clone());
            assert!(top1 >= 0.98 && agreement >= 0.98, "{steps:?} {settings:?}: {top1} {agreement}");
        }
    }
    let equalized = equalize(&bench.graph, &Equalize::default());
    assert_eq!(largest_change(&bench.graph, &equalized.graph, &bench.test_samples()), 0.0);
    let advice = crate::optimize::advice(&bench.graph);
    advice.iter().for_each(|advice| eprintln!("{}", advice.text));
    assert_eq!(advice.len(), 6);
    assert_eq!(crate::optimize::advice(&equalized.graph), []);
}

/// Nets that int8 does not hurt: the step must not hurt them either.
#[test]
fn nets_that_are_well_stay_as_they_are() {
    for (model, data) in [
        ("data/mlperf_tiny/kws/kws_model_float32.tflite", "data/kws01/kws01.npz"),
        ("data/mlperf_tiny/ic/pretrainedResnet.tflite", "data/images/cifar10/cifar10_jpeg_1000.npz"),
        ("data/models/digits_cnn/digits_cnn_float32.tflite", "data/models/digits_cnn/digits_cnn_data.npz"),
        ("data/models/fsdd_dscnn/fsdd_dscnn_float32.tflite", "data/models/fsdd_dscnn/fsdd_dscnn_data.npz"),
    ] {
        let Some(bench) = Bench::open(model, data) else { continue };
        eprintln!("{model}");
        assert_eq!(crate::optimize::advice(&bench.graph), []);
        let plain = judged(&bench, &[], Quantize::default());
        let equalized = judged(&bench, &["equalize", "absorb-bias"], Quantize::default());
        assert!(equalized.0 >= plain.0 && equalized.1 >= plain.1, "{model}");
    }
}
