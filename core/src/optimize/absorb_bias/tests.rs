use super::*;
use crate::ops::*;
use crate::optimize::tests::Bench;
use crate::progress::Cancel;
use crate::recipe::Quantize;
use crate::tensor::{Data, Tensor};
use crate::test_graph::{Chain, constant, values};

fn integers(chain: &mut Chain, shape: &[usize], values: &[i32]) -> TensorId {
    chain.graph.add_tensor(Tensor::constant("i", shape, Data::I32(values.into())))
}

fn conv_op(padding: Padding, activation: Activation) -> Op {
    Op::Conv2d(Conv2d { stride: [1, 1], dilation: [1, 1], padding, activation })
}

/// A convolution whose first and third channel stay far above zero, whose second falls below.
fn start(activation: Activation) -> Chain {
    let mut chain = Chain::new(&[1, 6, 5, 3]);
    let weights = constant(&mut chain.graph, &[3, 3, 3, 3], 1);
    let bias = chain.graph.add_tensor(Tensor::constant("b", [3], Data::F32([20.0, 0.0, 30.0].into())));
    chain.then(conv_op(Padding::Same, activation), &[weights, bias])
}

/// A convolution without bias; `window` 1 meets no border.
fn conv(mut chain: Chain, window: usize, padding: Padding) -> Chain {
    let c_in = *chain.graph.tensor(chain.last).shape.last().unwrap();
    let weights = constant(&mut chain.graph, &[2, window, window, c_in], 3);
    chain.then(conv_op(padding, Activation::None), &[weights])
}

fn samples() -> Vec<f32> {
    values(12 * 90, 5)
}

fn absorbed_of(graph: &Graph, stored: Option<&Absorbed>, inputs: &[&[f32]]) -> (Result<Applied, OptimizeError>, Absorbed) {
    let mut absorbed = Absorbed::new();
    let cancel = Cancel::new();
    let applied = absorb(graph, &Observations { inputs, absorbed: stored, pruned: None, cancel: &cancel }, &mut absorbed);
    (applied, absorbed)
}

fn outputs(graph: &Graph, inputs: &[f32]) -> Vec<f32> {
    Prepared::new(graph).unwrap().run(&[inputs], &Cancel::new()).unwrap().concat()
}

/// A layer, a ReLU, what is given, another layer: absorbed exactly.
fn absorbs(what: &str, graph: &Graph) -> (Applied, Absorbed) {
    let (applied, absorbed) = absorbed_of(graph, None, &[&samples()]);
    let applied = applied.unwrap();
    assert_eq!(applied.outcome, StepOutcome::Applied, "{what}: {}", applied.text);
    crate::graph::check(&applied.graph).unwrap();
    let constants = &absorbed["n0"];
    assert!(constants[0] > 5.0 && constants[1] == 0.0 && constants[2] > 5.0, "{what}: {constants:?}");
    let (expected, found) = (outputs(graph, &samples()), outputs(&applied.graph, &samples()));
    let largest = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    for (e, f) in expected.iter().zip(&found) {
        assert!((e - f).abs() <= 1e-5 * largest, "{what}: {f} for {e}");
    }
    let shifted = graph.nodes[0].outputs[0];
    assert!(!applied.origin.contains(&Some(shifted)), "{what}: a shifted tensor stands for one that is not");
    assert!(applied.origin.contains(&Some(graph.outputs[0])), "{what}");
    (applied, absorbed)
}

fn blocks(what: &str, graph: &Graph) -> String {
    let (applied, absorbed) = absorbed_of(graph, None, &[&samples()]);
    let applied = applied.unwrap();
    assert_eq!((applied.outcome, &applied.graph), (StepOutcome::Skipped, graph), "{what}: {}", applied.text);
    assert!(absorbed.is_empty());
    applied.text
}

#[test]
fn what_leaves_constants_alone_lets_them_through() {
    absorbs("fused", &conv(start(Activation::Relu), 3, Padding::Valid).finish());
    absorbs("window of one", &conv(start(Activation::Relu), 1, Padding::Same).finish());
    let relu = start(Activation::None).then(Op::Unary(Unary::Relu), &[]);
    absorbs("by itself", &conv(relu, 1, Padding::Same).finish());
    for kind in [PoolKind::Average, PoolKind::Max] {
        let (window, stride, padding, activation) = ([3, 2], [2, 2], Padding::Same, Activation::Relu);
        let pool = Op::Pool2d(Pool2d { kind, window, stride, padding, activation });
        absorbs("pool", &conv(start(Activation::Relu).then(pool.clone(), &[]), 1, Padding::Same).finish());
        absorbs("ReLU of a pool", &conv(start(Activation::None).then(pool, &[]), 1, Padding::Same).finish());
    }
    for kind in [ReduceKind::Mean, ReduceKind::Max, ReduceKind::Min] {
        let mut chain = start(Activation::Relu);
        let axes = integers(&mut chain, &[2], &[1, 2]);
        let mut chain = chain.then(Op::Reduce(Reduce { kind, keep_dims: false }), &[axes]);
        let weights = constant(&mut chain.graph, &[4, 3], 7);
        let dense = Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None });
        absorbs("reduce", &chain.then(dense, &[weights]).finish());
    }
}

#[test]
fn channels_are_read_where_they_lie() {
    let mut chain = start(Activation::None);
    let permutation = integers(&mut chain, &[4], &[0, 3, 1, 2]);
    let mut chain = chain.then(Op::Transpose(Transpose), &[permutation]).then(Op::Unary(Unary::Relu), &[]);
    let weights = constant(&mut chain.graph, &[4, 90], 7);
    let dense = Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None });
    absorbs("channels first", &chain.then(dense, &[weights]).finish());
}

#[test]
fn what_would_cut_a_constant_blocks() {
    let text = blocks("border", &conv(start(Activation::Relu), 3, Padding::Same).finish());
    assert!(text.contains("zeros at the border"), "{text}");
    let mut chain = start(Activation::Relu);
    let amounts = integers(&mut chain, &[4, 2], &[0, 0, 1, 1, 1, 1, 0, 0]);
    blocks("pad", &conv(chain.then(Op::Pad(Pad), &[amounts]), 3, Padding::Valid).finish());
    let leaky = start(Activation::Relu).then(Op::LeakyRelu(LeakyRelu { alpha: 0.1 }), &[]);
    blocks("leaky", &conv(leaky, 1, Padding::Valid).finish());
    blocks("relu6", &conv(start(Activation::Relu6), 1, Padding::Valid).finish());
    blocks("no relu", &conv(start(Activation::None), 1, Padding::Valid).finish());
    let mut chain = start(Activation::Relu);
    let shape = integers(&mut chain, &[4], &[1, 12, 10, 2]);
    let weights = constant(&mut chain.graph, &[2, 3, 3, 3], 4);
    let op = TransposeConv { stride: [2, 2], padding: Padding::Same, activation: Activation::None };
    chain.last = chain.node(Op::TransposeConv(op), &[shape, weights, chain.last]);
    blocks("transposed", &chain.finish());
}

#[test]
fn a_project_keeps_what_was_absorbed() {
    let graph = conv(start(Activation::Relu), 1, Padding::Valid).finish();
    let (observed, kept) = absorbs("observed", &graph);
    assert!(observed.text.starts_with("what 2 channels never fall below"), "{}", observed.text);
    let (stored, again) = absorbed_of(&graph, Some(&kept), &[]);
    assert_eq!((stored.unwrap().graph, again), (observed.graph.clone(), kept.clone()));

    // Kept constants win over samples, and a second step finds nothing more to do.
    let other: Absorbed = [("n0".to_owned(), vec![1.0, 0.0, 0.0])].into();
    let (_, absorbed) = absorbed_of(&graph, Some(&other), &[&samples()]);
    assert_eq!(absorbed, other);
    let mut absorbed = kept.clone();
    let cancel = Cancel::new();
    let observations = Observations { inputs: &[], absorbed: Some(&kept), pruned: None, cancel: &cancel };
    let second = absorb(&observed.graph, &observations, &mut absorbed).unwrap();
    assert_eq!((second.outcome, absorbed), (StepOutcome::Skipped, kept));

    for constants in [vec![1.0], vec![1.0, -1.0, 0.0], vec![f32::NAN, 0.0, 0.0]] {
        let (result, _) = absorbed_of(&graph, Some(&[("n0".to_owned(), constants)].into()), &[]);
        assert!(result.err().unwrap().to_string().contains("layer \"n0\""));
    }
}

#[test]
fn without_samples_it_says_so() {
    let graph = conv(start(Activation::Relu), 1, Padding::Valid).finish();
    let (applied, absorbed) = absorbed_of(&graph, None, &[]);
    let applied = applied.unwrap();
    assert!(applied.outcome == StepOutcome::Skipped && absorbed.is_empty());
    assert!(applied.text.contains("calibration samples"), "{}", applied.text);
}

/// One channel of its first layer never falls to zero.
#[test]
fn digits_keep_their_quality() {
    let (model, data) = ("data/models/digits_mlp/digits_mlp_float32.tflite", "data/models/digits_mlp/digits_mlp_data.npz");
    let Some(bench) = Bench::open(model, data) else { return };
    for correct_bias in [false, true] {
        let settings = Quantize { correct_bias, ..Quantize::default() };
        let judge = |steps: &[&str]| {
            let candidate = bench.apply_after(steps, settings.clone());
            let figures = bench.judge(&candidate);
            let (top1, dp) = (figures.top1().unwrap(), figures.mean_abs_difference.unwrap());
            eprintln!("{steps:?}, bias corrected {correct_bias}: accuracy {top1:.4}, mean |dp| {dp:.6}");
            (top1, candidate)
        };
        let (plain, _) = judge(&[]);
        let (absorbed, candidate) = judge(&["absorb-bias"]);
        let report = &candidate.rewritten.steps[0];
        assert!(report.outcome == StepOutcome::Applied && report.output_change.is_some_and(|change| change < 1e-5), "{report:?}");
        assert_eq!(candidate.rewritten.absorbed.len(), 1);
        assert!(absorbed >= plain);
    }
}
