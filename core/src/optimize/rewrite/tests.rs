//! Rewrites on small graphs: what goes, what stays, and that outputs stay.

use super::super::*;
use crate::execute::float::Prepared;
use crate::ops::*;
use crate::progress::Cancel;
use crate::recipe::{CleanUp, Entry, FuseBatchNorm};
use crate::tensor::{Data, Tensor};
use crate::test_graph::{Chain, constant, values};

fn conv(padding: Padding, activation: Activation) -> Op {
    Op::Conv2d(Conv2d { stride: [1, 1], dilation: [1, 1], padding, activation })
}

fn depthwise(depth_multiplier: usize) -> Op {
    let (stride, dilation, padding) = ([1, 1], [1, 1], Padding::Same);
    Op::DepthwiseConv2d(DepthwiseConv2d { stride, dilation, padding, depth_multiplier, activation: Activation::None })
}

fn dense() -> Op {
    Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None })
}

fn binary(kind: BinaryKind) -> Op {
    Op::Binary(Binary { kind, activation: Activation::None })
}

fn relu() -> Op {
    Op::Unary(Unary::Relu)
}

fn integers(chain: &mut Chain, values: &[i32]) -> TensorId {
    chain.graph.add_tensor(Tensor::constant("shape", [values.len()], Data::I32(values.into())))
}

/// gamma, beta, mean, variance.
fn normalization(chain: &mut Chain, channels: usize, seed: usize) -> [TensorId; 4] {
    let [gamma, beta, mean] = [1, 2, 3].map(|i| constant(&mut chain.graph, &[channels], seed + i));
    let variance: Vec<f32> = values(channels, seed).iter().map(|v| v.abs() + 0.1).collect();
    [gamma, beta, mean, chain.graph.add_tensor(Tensor::constant("v", [channels], Data::F32(variance.into())))]
}

fn batch_norm() -> Op {
    Op::BatchNorm(BatchNorm { epsilon: 0.001 })
}

fn then_batch_norm(mut chain: Chain, channels: usize, seed: usize) -> Chain {
    let parameters = normalization(&mut chain, channels, seed);
    chain.then(batch_norm(), &parameters)
}

/// Applies steps, checks that outputs stay on a few samples, and gives the graph and the reports.
fn rewritten(graph: &Graph, steps: Vec<Step>) -> Rewritten {
    let recipe = Recipe { steps: steps.into_iter().map(|step| Entry { enabled: true, step }).collect() };
    let inputs: Vec<Vec<f32>> = graph.inputs.iter().map(|&id| values(graph.tensor(id).n_elements() * 5, 17)).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let observations = Observations { inputs: &inputs, ..Observations::none() };
    let rewritten = rewrite(&recipe, graph, &observations).unwrap();
    crate::graph::check(&rewritten.graph).unwrap();
    let run = |graph: &Graph| Prepared::new(graph).unwrap().run(&inputs, &Cancel::new()).unwrap();
    let (before, after) = (run(graph), run(&rewritten.graph));
    let largest = before.iter().flatten().fold(0.0f32, |most, x| most.max(x.abs()));
    assert!(largest > 0.0);
    for (b, a) in before.iter().flatten().zip(after.iter().flatten()) {
        assert!((b - a).abs() <= 1e-5 * largest, "{a} for {b}");
    }
    for report in &rewritten.steps {
        assert_eq!(report.output_change.is_some(), report.outcome == StepOutcome::Applied, "{report:?}");
        assert!(report.output_change.is_none_or(|change| change < 1e-5), "{report:?}");
    }
    // Tensors that claim to have the values of before do have them.
    let observed = |graph: &Graph| {
        let see = |all: &mut Vec<(TensorId, Vec<f32>)>, id, _, values: &[f32]| all.push((id, values.to_vec()));
        Prepared::new(graph).unwrap().observe(&inputs, 5, &Cancel::new(), Vec::new, see).unwrap().concat()
    };
    let before = observed(graph);
    for (id, values) in observed(&rewritten.graph) {
        let Some(origin) = rewritten.origin[id.index()] else { continue };
        let Some((_, expected)) = before.iter().find(|(id, _)| *id == origin) else { continue };
        for (e, v) in expected.iter().zip(&values) {
            assert!((e - v).abs() <= 1e-4 * largest.max(1.0), "tensor {id:?}, once {origin:?}: {v} for {e}");
        }
    }
    rewritten
}

fn fuse(graph: &Graph) -> Rewritten {
    rewritten(graph, vec![Step::FuseBatchNorm(FuseBatchNorm::default())])
}

fn clean(graph: &Graph) -> Rewritten {
    rewritten(graph, vec![Step::CleanUp(CleanUp::default())])
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.op.name()).collect()
}

#[test]
fn normalization_goes_into_the_layer_before() {
    let layers: [(Op, Vec<usize>, Vec<usize>, usize); 4] = [
        (conv(Padding::Same, Activation::None), vec![1, 5, 4, 3], vec![6, 3, 3, 3], 6),
        (conv(Padding::Same, Activation::None), vec![1, 5, 4, 4], vec![6, 3, 3, 2], 6),
        (depthwise(2), vec![1, 5, 4, 3], vec![1, 3, 3, 6], 6),
        (dense(), vec![1, 8], vec![5, 8], 5),
    ];
    for (op, input, weights, channels) in layers {
        for has_bias in [false, true] {
            let mut chain = Chain::new(&input);
            let mut constants = vec![constant(&mut chain.graph, &weights, 1)];
            constants.extend(has_bias.then(|| constant(&mut chain.graph, &[channels], 2)));
            let graph = then_batch_norm(chain.then(op.clone(), &constants), channels, 5).then(relu(), &[]).finish();
            let fused = fuse(&graph);
            assert_eq!(names(&fused.graph), [op.name(), "RELU"]);
            assert_eq!(fused.graph.nodes[0].sources, ["n0", "n1"]);
            assert_eq!(fused.steps[0].text.split(';').next(), Some("1 into the layer before"));
            // Four parameters of each channel go; a bias comes where there was none.
            let gone = if has_bias { 4 * channels } else { 3 * channels };
            let text = &fused.steps[0].text;
            assert!(text.contains(&format!("1 node fewer, {gone} parameters fewer")), "{text}");
        }
    }
}

#[test]
fn a_transposed_convolution_takes_it_too() {
    let mut chain = Chain::new(&[1, 3, 3, 2]);
    let shape = integers(&mut chain, &[1, 6, 6, 4]);
    let weights = constant(&mut chain.graph, &[4, 3, 3, 2], 1);
    let op = TransposeConv { stride: [2, 2], padding: Padding::Same, activation: Activation::None };
    let input = chain.last;
    chain.last = chain.node(Op::TransposeConv(op), &[shape, weights, input]);
    let graph = then_batch_norm(chain, 4, 5).then(relu(), &[]).finish();
    assert_eq!(names(&fuse(&graph).graph), ["TRANSPOSE_CONV", "RELU"]);
}

#[test]
fn products_and_sums_go_into_the_layer_before() {
    let mut chain = Chain::new(&[1, 5, 4, 3]);
    let weights = constant(&mut chain.graph, &[4, 1, 1, 3], 1);
    let [a, b, c] = [2, 3, 4].map(|seed| constant(&mut chain.graph, &[4], seed));
    let half = chain.graph.add_tensor(Tensor::constant("half", [], Data::F32([0.5].into())));
    let mut chain = chain
        .then(conv(Padding::Same, Activation::None), &[weights])
        .then(binary(BinaryKind::Mul), &[a])
        .then(binary(BinaryKind::Add), &[b])
        .then(binary(BinaryKind::Div), &[half]);
    chain.last = chain.node(binary(BinaryKind::Sub), &[c, chain.last]);
    let graph = chain.finish();
    let fused = fuse(&graph);
    assert_eq!(names(&fused.graph), ["CONV_2D"]);
    assert_eq!(fused.graph.nodes[0].sources, ["n0", "n1", "n2", "n3", "n4"]);
    let off = FuseBatchNorm { scaling: false, ..FuseBatchNorm::default() };
    assert_eq!(rewritten(&graph, vec![Step::FuseBatchNorm(off)]).steps[0].outcome, StepOutcome::Skipped);
}

#[test]
fn where_no_layer_stands_before_it_goes_into_the_one_after() {
    let mut chain = then_batch_norm(Chain::new(&[1, 5, 4, 4]), 4, 5);
    let (weights, bias) = (constant(&mut chain.graph, &[6, 3, 3, 2], 1), constant(&mut chain.graph, &[6], 2));
    let graph = chain.then(conv(Padding::Valid, Activation::Relu), &[weights, bias]).finish();
    let fused = fuse(&graph);
    assert_eq!(names(&fused.graph), ["CONV_2D"]);
    assert_eq!(fused.steps[0].text.split(';').next(), Some("1 into the layer after"));
}

#[test]
fn flattened_channels_are_found_again_in_the_dense_layer() {
    let mut chain = Chain::new(&[1, 2, 3, 4]);
    let factor = constant(&mut chain.graph, &[1, 1, 1, 4], 2);
    chain = then_batch_norm(chain.then(binary(BinaryKind::Mul), &[factor]), 4, 5);
    let shape = integers(&mut chain, &[1, 24]);
    let weights = constant(&mut chain.graph, &[5, 24], 1);
    let reshape = Op::Reshape(Reshape { new_shape: vec![] });
    let graph = chain.then(reshape, &[shape]).then(dense(), &[weights]).finish();
    let fused = fuse(&graph);
    assert_eq!(names(&fused.graph), ["RESHAPE", "FULLY_CONNECTED"]);
    assert_eq!(fused.graph.nodes[1].sources.len(), 3);
}

#[test]
fn an_offset_before_padding_stays_and_becomes_a_layer() {
    let mut chain = then_batch_norm(Chain::new(&[1, 5, 4, 4]), 4, 5);
    let weights = constant(&mut chain.graph, &[6, 3, 3, 4], 1);
    let graph = chain.then(conv(Padding::Same, Activation::None), &[weights]).finish();
    let fused = fuse(&graph);
    assert_eq!(names(&fused.graph), ["DEPTHWISE_CONV_2D", "CONV_2D"]);
    assert_eq!(fused.graph.nodes[0].name, "n0");
    // A factor alone is the same everywhere.
    let mut chain = Chain::new(&[1, 5, 4, 4]);
    let (factor, weights) = (constant(&mut chain.graph, &[4], 2), constant(&mut chain.graph, &[6, 3, 3, 4], 1));
    let graph = chain.then(binary(BinaryKind::Mul), &[factor]).then(conv(Padding::Same, Activation::None), &[weights]).finish();
    assert_eq!(names(&fuse(&graph).graph), ["CONV_2D"]);
}

/// Keras' Rescaling before a convolution that pads.
#[test]
fn a_product_and_a_sum_before_padding_become_one_layer() {
    let mut chain = Chain::new(&[1, 5, 4, 3]);
    let [scale, offset] = [0.25, -1.0].map(|value| Tensor::constant("c", [], Data::F32([value].into())));
    let [scale, offset] = [scale, offset].map(|tensor| chain.graph.add_tensor(tensor));
    let weights = constant(&mut chain.graph, &[6, 3, 3, 3], 1);
    let graph = chain
        .then(binary(BinaryKind::Mul), &[scale])
        .then(binary(BinaryKind::Add), &[offset])
        .then(conv(Padding::Same, Activation::None), &[weights])
        .finish();
    let fused = fuse(&graph);
    assert_eq!(names(&fused.graph), ["DEPTHWISE_CONV_2D", "CONV_2D"]);
    assert_eq!(fused.graph.nodes[0].sources, ["n1", "n0"]);
    // A product alone, or a sum alone, is a layer of its own already.
    let mut chain = Chain::new(&[1, 5, 4, 3]);
    let other = constant(&mut chain.graph, &[3], 1);
    let graph = chain.then(binary(BinaryKind::Add), &[other]).then(relu(), &[]).finish();
    assert_eq!(fuse(&graph).steps[0].outcome, StepOutcome::Skipped);
}

#[test]
fn what_others_read_is_left_alone() {
    // Convolution -> normalization, and the convolution's result is an output, or read twice.
    for reader in ["output", "node"] {
        let mut chain = Chain::new(&[1, 5, 4, 3]);
        let weights = constant(&mut chain.graph, &[4, 1, 1, 3], 1);
        let chain = chain.then(conv(Padding::Same, Activation::None), &[weights]);
        let middle = chain.last;
        let mut chain = then_batch_norm(chain, 4, 5);
        if reader == "node" {
            chain.last = chain.node(binary(BinaryKind::Add), &[middle, chain.last]);
        }
        let mut graph = chain.finish();
        if reader == "output" {
            graph.outputs.push(middle);
        }
        let fused = fuse(&graph);
        assert_eq!(&names(&fused.graph)[..2], ["CONV_2D", "DEPTHWISE_CONV_2D"]);
    }
    // An activation between.
    let mut chain = Chain::new(&[1, 5, 4, 3]);
    let weights = constant(&mut chain.graph, &[4, 1, 1, 3], 1);
    let chain = chain.then(conv(Padding::Same, Activation::Relu), &[weights]);
    assert_eq!(names(&fuse(&then_batch_norm(chain, 4, 5).finish()).graph), ["CONV_2D", "DEPTHWISE_CONV_2D"]);
}

#[test]
fn shared_weights_are_fused_for_one_reader_alone() {
    let mut chain = Chain::new(&[1, 5, 4, 4]);
    let weights = constant(&mut chain.graph, &[4, 1, 1, 4], 1);
    let chain = chain.then(conv(Padding::Same, Activation::None), &[weights]);
    let graph = then_batch_norm(chain, 4, 5).then(conv(Padding::Same, Activation::None), &[weights]).finish();
    let fused = fuse(&graph);
    assert_eq!(names(&fused.graph), ["CONV_2D", "CONV_2D"]);
    assert_ne!(fused.graph.nodes[0].inputs[1], fused.graph.nodes[1].inputs[1]);
}

#[test]
fn identities_reshapes_and_clamps_go() {
    let mut chain = Chain::new(&[1, 1, 6, 3]);
    let (w1, w2) = (constant(&mut chain.graph, &[4, 1, 3, 3], 1), constant(&mut chain.graph, &[2, 1, 1, 4], 2));
    let (flat, image, rows) =
        (integers(&mut chain, &[1, 6, 4]), integers(&mut chain, &[1, 1, 6, 4]), integers(&mut chain, &[1, 12]));
    let reshape = || Op::Reshape(Reshape { new_shape: vec![] });
    let identity = || Op::Identity(Identity);
    let graph = chain
        .then(identity(), &[])
        .then(conv(Padding::Same, Activation::None), &[w1])
        .then(reshape(), &[flat])
        .then(identity(), &[])
        .then(relu(), &[])
        .then(Op::Unary(Unary::Relu6), &[])
        .then(reshape(), &[image])
        .then(conv(Padding::Same, Activation::None), &[w2])
        .then(reshape(), &[rows])
        .then(identity(), &[])
        .finish();
    let cleaned = clean(&graph);
    assert_eq!(names(&cleaned.graph), ["CONV_2D", "CONV_2D", "RESHAPE"]);
    assert_eq!(cleaned.graph.nodes[0].op.facts().activation(), Activation::Relu6);
    let text = &cleaned.steps[0].text;
    assert!(text.contains("4 identities") && text.contains("2 activations") && text.contains("7 nodes fewer"), "{text}");
    let origin = cleaned.origin[cleaned.graph.outputs[0].index()];
    assert_eq!(origin, Some(graph.outputs[0]));
    let sources: Vec<&String> = cleaned.graph.nodes.iter().flat_map(|node| &node.sources).collect();
    assert!(sources.len() >= 8, "{sources:?}");
    let off = CleanUp { identities: false, constants: false, activations: false, shapes: false };
    assert_eq!(rewritten(&graph, vec![Step::CleanUp(off)]).steps[0].outcome, StepOutcome::Skipped);
}

#[test]
fn a_dense_layer_brings_rows_together_itself() {
    for (shape, expected) in [([1, 1, 2, 4], vec!["FULLY_CONNECTED"]), ([1, 2, 2, 2], vec!["RESHAPE", "FULLY_CONNECTED"])] {
        let mut chain = Chain::new(&shape);
        let (rows, weights) = (integers(&mut chain, &[2, 4]), constant(&mut chain.graph, &[3, 4], 1));
        let graph = chain.then(Op::Reshape(Reshape { new_shape: vec![] }), &[rows]).then(dense(), &[weights]).finish();
        assert_eq!(names(&clean(&graph).graph), expected);
    }
}

#[test]
fn transposes_cancel() {
    let mut chain = Chain::new(&[1, 2, 3, 4]);
    let (there, back) = (integers(&mut chain, &[0, 3, 1, 2]), integers(&mut chain, &[0, 2, 3, 1]));
    let transpose = || Op::Transpose(Transpose);
    let graph = chain.then(transpose(), &[there]).then(transpose(), &[back]).then(relu(), &[]).finish();
    assert_eq!(names(&clean(&graph).graph), ["RELU"]);
    // Twice the same is another permutation; it stays one node.
    let mut chain = Chain::new(&[1, 2, 3, 4]);
    let there = integers(&mut chain, &[0, 3, 1, 2]);
    let graph = chain.then(transpose(), &[there]).then(transpose(), &[there]).finish();
    assert_eq!(names(&clean(&graph).graph), ["TRANSPOSE"]);
    // Axes of extent 1 move without moving values.
    let mut chain = Chain::new(&[1, 1, 3, 4]);
    let order = integers(&mut chain, &[0, 2, 1, 3]);
    let graph = chain.then(transpose(), &[order]).then(relu(), &[]).finish();
    assert_eq!(names(&clean(&graph).graph), ["RESHAPE", "RELU"]);
}

#[test]
fn padding_goes_into_the_convolution_if_it_is_just_what_same_pads() {
    for (amounts, expected) in [([1, 1, 1, 1], vec!["CONV_2D"]), ([2, 0, 1, 1], vec!["PAD", "CONV_2D"])] {
        let mut chain = Chain::new(&[1, 5, 4, 3]);
        let [top, bottom, left, right] = amounts;
        let paddings: std::sync::Arc<[i32]> = [0, 0, top, bottom, left, right, 0, 0].into();
        let paddings = chain.graph.add_tensor(Tensor::constant("p", [4, 2], Data::I32(paddings)));
        let weights = constant(&mut chain.graph, &[4, 3, 3, 3], 1);
        let graph = chain.then(Op::Pad(Pad), &[paddings]).then(conv(Padding::Valid, Activation::None), &[weights]).finish();
        assert_eq!(names(&clean(&graph).graph), expected);
    }
}

#[test]
fn constants_are_computed_and_what_does_nothing_goes() {
    let mut chain = Chain::new(&[1, 4]);
    let (a, b) = (constant(&mut chain.graph, &[4], 1), constant(&mut chain.graph, &[4], 2));
    let one = chain.graph.add_tensor(Tensor::constant("one", [], Data::F32([1.0].into())));
    let sum = chain.node(binary(BinaryKind::Add), &[a, b]);
    let graph = chain.then(binary(BinaryKind::Mul), &[sum]).then(binary(BinaryKind::Mul), &[one]).finish();
    // The executor takes no node of constants alone: there is nothing to compare with.
    let x = values(4, 17);
    let observations = Observations { inputs: &[&x], ..Observations::none() };
    let recipe = Recipe { steps: vec![Entry { enabled: true, step: Step::CleanUp(CleanUp::default()) }] };
    let cleaned = rewrite(&recipe, &graph, &observations).unwrap();
    assert_eq!(names(&cleaned.graph), ["MUL"]);
    assert!(cleaned.steps[0].text.contains("1 constant") && cleaned.steps[0].output_change.is_none(), "{:?}", cleaned.steps);
    let outputs = Prepared::new(&cleaned.graph).unwrap().run(&[&x], &Cancel::new()).unwrap();
    for (i, y) in outputs[0].iter().enumerate() {
        assert_eq!(*y, x[i] * (values(4, 1)[i] + values(4, 2)[i]));
    }
}

#[test]
fn long_chains_take_one_pass() {
    let mut chain = Chain::new(&[1, 4]);
    for _ in 0..20_000 {
        chain = chain.then(Op::Identity(Identity), &[]);
    }
    let graph = chain.then(relu(), &[]).finish();
    assert_eq!(names(&clean(&graph).graph), ["RELU"]);
}

#[test]
fn steps_behind_quantization_say_that_they_have_to_move() {
    let graph = crate::test_graph::small_net();
    let steps = [Step::Pack(Default::default()), Step::CleanUp(CleanUp::default())];
    let recipe = Recipe { steps: steps.map(|step| Entry { enabled: true, step }).into() };
    let candidate = apply(&recipe, &graph, None).unwrap();
    assert!(candidate.steps[1].text.contains("move it up"), "{}", candidate.steps[1].text);
}
