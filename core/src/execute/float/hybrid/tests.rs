//! Small numbers, worked out by hand; whole models and single operators are held to LiteRT in the tests crate.

use super::*;
use crate::execute::executor::Executor;
use crate::execute::float::Prepared;
use crate::graph::{Graph, TensorId};
use crate::ops::*;
use crate::progress::Cancel;
use crate::quant::Quantization;
use crate::tensor::{Data, ElementType, Tensor};
use crate::test_graph::{Chain, constant, values};

use DynamicRange::{Asymmetric, Symmetric};

/// On the symmetric grid -35, 127, 64 and 0 times 200 / 127; on the asymmetric one -55, 200, 100 and 0 times 1.
const X: [f32; 4] = [-55.0, 200.0, 100.4, 0.3];
const WEIGHTS: [i8; 8] = [1, 2, 3, 4, -5, 6, -7, 8];
const BIAS: [f32; 2] = [0.25, -1.5];

fn grid(values: &[f32], range: DynamicRange) -> (Vec<f32>, f32) {
    let mut whole = vec![f32::NAN; values.len()];
    let scale = quantize(values, range, &mut whole);
    (whole, scale)
}

#[test]
fn the_symmetric_grid_reaches_the_largest_magnitude_and_ties_go_away_from_zero() {
    assert_eq!(grid(&[1.0, -0.5, 0.25, 0.0], Symmetric), (vec![127.0, -64.0, 32.0, 0.0], 1.0 / 127.0));
    assert_eq!(grid(&[-127.0, 2.5, -3.5, 0.49], Symmetric), (vec![-127.0, 3.0, -4.0, 0.0], 1.0));
    assert_eq!(grid(&X, Symmetric), (vec![-35.0, 127.0, 64.0, 0.0], 200.0 / 127.0));
}

#[test]
fn the_asymmetric_grid_holds_both_ends_and_zero() {
    assert_eq!(grid(&X, Asymmetric), (vec![-55.0, 200.0, 100.0, 0.0], 1.0));
    // All of one sign: the other end is zero.
    assert_eq!(grid(&[51.0, 255.0, 2.5], Asymmetric), (vec![51.0, 255.0, 3.0], 1.0));
    assert_eq!(grid(&[-51.0, -255.0, -2.5], Asymmetric), (vec![-51.0, -255.0, -3.0], 1.0));
    // The zero point would be -127.75 and becomes -128: the lower end is cut off.
    assert_eq!(grid(&[-0.25, 254.75, 0.6], Asymmetric), (vec![0.0, 255.0, 1.0], 1.0));
}

#[test]
fn nothing_but_zeros_has_a_scale_and_odd_values_do_no_harm() {
    for range in [Symmetric, Asymmetric] {
        assert_eq!(grid(&[0.0, -0.0, 0.0], range), (vec![0.0; 3], 1.0));
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE] {
            assert!(grid(&[odd, -odd, 1.0], range).0.iter().all(|q| (-255.0..=255.0).contains(q)));
        }
    }
}

fn weights(graph: &mut Graph, shape: &[usize], quantization: Quantization) -> TensorId {
    graph.add_tensor(Tensor::constant("w", shape, Data::I8(WEIGHTS.into())).quantized(quantization))
}

/// One layer of two channels over four values.
fn layer(op: Op, x: &[usize], w: &[usize], quantization: Quantization) -> Graph {
    let mut chain = Chain::new(x);
    let w = weights(&mut chain.graph, w, quantization);
    let bias = chain.graph.add_tensor(Tensor::constant("b", [2], Data::F32(BIAS.into())));
    chain.then(op, &[w, bias]).finish()
}

fn run(graph: &Graph, x: &[f32]) -> Vec<f32> {
    Prepared::new(graph).unwrap().run(&[x], &Cancel::new()).unwrap().remove(0)
}

fn dense(quantization: Quantization) -> Graph {
    let op = Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None });
    layer(op, &[1, 4], &[2, 4], quantization)
}

fn conv(quantization: Quantization) -> Graph {
    let (stride, dilation) = ([1, 1], [1, 1]);
    let op = Op::Conv2d(Conv2d { stride, dilation, padding: Padding::Same, activation: Activation::None });
    layer(op, &[1, 1, 1, 4], &[2, 1, 1, 4], quantization)
}

/// `-35 · 1 + 127 · 2 + 64 · 3`, `35 · 5 + 127 · 6 - 64 · 7`.
const SYMMETRIC: [f32; 2] = [411.0, 489.0];
/// `-55 · 1 + 200 · 2 + 100 · 3`, `55 · 5 + 200 · 6 - 100 · 7`.
const ASYMMETRIC: [f32; 2] = [645.0, 775.0];

#[test]
fn a_dense_layer_takes_the_grid_that_the_file_states() {
    let scale = 200.0 / 127.0_f32;
    let one = Quantization::per_tensor(0.5, 0);
    let symmetric = [0, 1].map(|c| SYMMETRIC[c] * (0.5 * scale) + BIAS[c]);
    assert_eq!(run(&dense(one.clone()), &X), symmetric);
    assert_eq!(run(&dense(one.with_asymmetric_inputs(true)), &X), [645.0 * 0.5 + 0.25, 775.0 * 0.5 - 1.5]);
    let each = Quantization::per_channel([0.5, 0.125], 0);
    let symmetric = [SYMMETRIC[0] * (0.5 * scale) + BIAS[0], SYMMETRIC[1] * (0.125 * scale) + BIAS[1]];
    assert_eq!(run(&dense(each.clone()), &X), symmetric);
    assert_eq!(run(&dense(each.with_asymmetric_inputs(true)), &X), [645.0 * 0.5 + 0.25, 775.0 * 0.125 - 1.5]);
}

#[test]
fn each_row_and_each_sample_has_a_scale_of_its_own() {
    let graph = dense(Quantization::per_tensor(0.5, 0).with_asymmetric_inputs(true));
    let tenth = X.map(|x| x / 128.0);
    let both = run(&graph, &[X, tenth].concat());
    assert_eq!(both[..2], run(&graph, &X));
    assert_eq!(both[2..], [645.0 * (0.5 / 128.0) + 0.25, 775.0 * (0.5 / 128.0) - 1.5]);
}

#[test]
fn a_convolution_is_symmetric_with_one_scale_and_asymmetric_with_several() {
    let scale = 200.0 / 127.0_f32;
    let symmetric = [0, 1].map(|c| SYMMETRIC[c] * (0.5 * scale) + BIAS[c]);
    // What the file states for other layers does not matter here; equal scales count as one.
    assert_eq!(run(&conv(Quantization::per_tensor(0.5, 0).with_asymmetric_inputs(true)), &X), symmetric);
    assert_eq!(run(&conv(Quantization::per_channel([0.5, 0.5], 0)), &X), symmetric);
    let several = run(&conv(Quantization::per_channel([0.5, 0.125], 0)), &X);
    assert_eq!(several, [ASYMMETRIC[0] * 0.5 + BIAS[0], ASYMMETRIC[1] * 0.125 + BIAS[1]]);
}

/// Two channels of a 2x2 image under a 2x2 window.
#[test]
fn a_depthwise_convolution_is_asymmetric_and_needs_a_scale_for_each_channel() {
    let (stride, dilation, activation) = ([1, 1], [1, 1], Activation::None);
    let op = DepthwiseConv2d { stride, dilation, padding: Padding::Valid, depth_multiplier: 1, activation };
    let graph = |quantization| layer(Op::DepthwiseConv2d(op.clone()), &[1, 2, 2, 2], &[1, 2, 2, 2], quantization);
    let x = [X, [10.2, 20.2, 30.2, 40.2]].concat();
    // Whole numbers -55, 200, 100, 0, 10, 20, 30, 40; weights 1, 3, -5, -7 and 2, 4, 6, 8.
    let sums = [-55.0 + 300.0 - 50.0 - 210.0, 400.0 + 0.0 + 120.0 + 320.0];
    let several = run(&graph(Quantization::per_channel([0.5, 0.125], 3)), &x);
    assert_eq!(several, [sums[0] * 0.5 + BIAS[0], sums[1] * 0.125 + BIAS[1]]);
    // LiteRT refuses one scale: the weights are made real.
    let real = [-55.0 + 3.0 * 100.4 - 5.0 * 10.2 - 7.0 * 30.2, 2.0 * 200.0 + 4.0 * 0.3 + 6.0 * 20.2 + 8.0 * 40.2];
    for (actual, real) in run(&graph(Quantization::per_tensor(0.5, 0)), &x).iter().zip([0, 1].map(|c| real[c] * 0.5 + BIAS[c])) {
        assert!((actual - real).abs() < 1e-3, "{actual} for {real}");
    }
}

#[test]
fn a_matrix_of_integers_on_the_right_is_multiplied_row_by_row() {
    let mut chain = Chain::new(&[1, 1, 4]);
    let quantization = Quantization::per_channel([0.5, 0.125], 1).with_asymmetric_inputs(true);
    let right = weights(&mut chain.graph, &[1, 2, 4], quantization);
    let graph = chain.then(Op::BatchMatMul(BatchMatMul { adj_x: false, adj_y: true }), &[right]).finish();
    assert_eq!(run(&graph, &X), [ASYMMETRIC[0] * 0.5, ASYMMETRIC[1] * 0.125]);
}

/// Two steps of a plain recurrence without a function: the second sees the first one's output on a grid of its own.
#[test]
fn a_recurrent_layer_quantizes_its_state_too() {
    let mut chain = Chain::new(&[1, 2, 4]);
    let quantization = Quantization::per_tensor(0.5, 0).with_asymmetric_inputs(true);
    let input = weights(&mut chain.graph, &[2, 4], quantization.clone());
    let data = Data::I8([2, 0, 1, -1].into());
    let recurrent = chain.graph.add_tensor(Tensor::constant("r", [2, 2], data).quantized(quantization));
    let bias = chain.graph.add_tensor(Tensor::constant("b", [2], Data::F32([-195.0, -260.0].into())));
    let state = Tensor::activation("h", ElementType::F32, [1, 2]);
    let state = chain.graph.add_tensor(Tensor { is_variable: true, ..state });
    let op = Op::SimpleRnn(SimpleRnn { activation: Activation::None, time_major: false });
    let graph = chain.then(op, &[input, recurrent, bias, state]).finish();
    // First step: 645 / 2 - 195 and 775 / 2 - 260. Second: no input; 127.5 is the grid's end, twice its steps of one half.
    let first = [127.5, 127.5];
    assert_eq!(run(&graph, &[X, [0.0; 4]].concat()), [first[0], first[1], 127.5 - 195.0, -260.0]);
}

/// Sums one after the other, each product rounded, the bias last, as a plain loop in C.
#[test]
fn float_layers_of_a_hybrid_graph_sum_in_the_order_of_the_reference_kernels() {
    let mut chain = Chain::new(&[1, 300]);
    let (w, bias) = (constant(&mut chain.graph, &[4, 300], 1), constant(&mut chain.graph, &[4], 2));
    let dense = || Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None });
    let real = chain.node(dense(), &[chain.last, w, bias]);
    let integers = weights(&mut chain.graph, &[2, 4], Quantization::per_tensor(0.5, 0));
    chain.last = chain.node(dense(), &[real, integers]);
    let mut graph = chain.finish();
    graph.outputs.push(real);
    let (x, w, bias) = (values(300, 3), values(1200, 1), values(4, 2));
    let by_hand = w.chunks(300).zip(bias).map(|(w, b)| x.iter().zip(w).fold(0.0_f32, |sum, (x, w)| sum + x * w) + b);
    let actual = Prepared::new(&graph).unwrap().run(&[&x], &Cancel::new()).unwrap();
    assert_eq!(actual[1], by_hand.collect::<Vec<f32>>());
}

/// Bytes in, a hybrid layer behind a DEQUANTIZE, and every activation on show.
#[test]
fn hybrid_layers_are_the_float_part_of_a_mixed_graph() {
    let hybrid = dense(Quantization::per_tensor(0.5, 0));
    let mut mixed = hybrid.clone();
    let bytes = Tensor::activation("bytes", ElementType::I8, [1, 4]).quantized(Quantization::per_tensor(0.5, 10));
    let bytes = mixed.add_tensor(bytes);
    let mut node = mixed.nodes[0].clone();
    (node.name, node.op) = ("real".into(), Op::Dequantize(Dequantize));
    (node.inputs, node.outputs) = (vec![Some(bytes)], mixed.inputs.clone());
    mixed.nodes.insert(0, node);
    mixed.inputs = vec![bytes];
    let executor = Executor::new(&mixed).unwrap();
    let actual = executor.run_real(&[&[0_i8, 20, -100, 11].map(|x| x as u8)], 1, &Cancel::new()).unwrap();
    let x = [-5.0, 5.0, -55.0, 0.5];
    assert_eq!(actual[0], run(&hybrid, &x));

    let prepared = Prepared::new(&hybrid).unwrap();
    let see = |seen: &mut Vec<Vec<f32>>, _, _, values: &[f32]| seen.push(values.to_vec());
    let seen = prepared.observe(&[&x], 1, &Cancel::new(), Vec::new, see).unwrap();
    assert_eq!(seen, [vec![x.to_vec(), actual[0].clone()]]);
}
