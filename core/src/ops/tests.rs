use super::*;
use crate::graph::TensorId;
use crate::tensor::{Data, ElementType};
use crate::test_graph::{Chain, constant};

fn integers(chain: &mut Chain, values: &[i32]) -> TensorId {
    let data: std::sync::Arc<[i32]> = values.into();
    chain.graph.add_tensor(Tensor::constant("i", [values.len()], Data::I32(data)))
}

/// Shapes of the results of a node that reads an activation of each of the shapes `data`, then `constants`, in this order.
fn shapes(op: Op, data: &[&[usize]], constants: &[&[i32]], n_outputs: usize) -> Result<Vec<Vec<usize>>, OpError> {
    let mut chain = Chain::new(data[0]);
    let more = data[1..].iter().map(|shape| chain.graph.add_tensor(Tensor::activation("", ElementType::F32, *shape)));
    let mut inputs: Vec<TensorId> = more.collect();
    inputs.insert(0, chain.last);
    inputs.extend(constants.iter().map(|values| integers(&mut chain, values)).collect::<Vec<_>>());
    node_shapes(&mut chain.graph, op, inputs.into_iter().map(Some).collect(), n_outputs)
}

fn node_shapes(graph: &mut Graph, op: Op, inputs: Vec<Option<TensorId>>, n: usize) -> Result<Vec<Vec<usize>>, OpError> {
    let outputs = (0..n).map(|_| graph.add_tensor(Tensor::activation("", ElementType::F32, []))).collect();
    let node = Node { name: "n".into(), op, inputs, outputs, sources: vec![] };
    node.op.facts().output_shapes(&Operands::new(graph, &node))
}

fn one(op: Op, data: &[&[usize]], constants: &[&[i32]]) -> Option<Vec<usize>> {
    shapes(op, data, constants, 1).ok().map(|mut shapes| shapes.remove(0))
}

#[test]
fn a_transposed_convolution_makes_what_a_convolution_would_bring_back() {
    let case = |padding, stride, output: [i32; 4], input: [usize; 4]| {
        let mut chain = Chain::new(&input);
        let (x, shape, weights) = (chain.last, integers(&mut chain, &output), constant(&mut chain.graph, &[5, 3, 2, 4], 1));
        let bias = constant(&mut chain.graph, &[5], 2);
        let op = TransposeConv { stride, padding, activation: Activation::None };
        let inputs = [shape, weights, x, bias].map(Some).to_vec();
        node_shapes(&mut chain.graph, Op::TransposeConv(op), inputs, 1).ok().map(|mut shapes| shapes.remove(0))
    };
    assert_eq!(case(Padding::Same, [2, 2], [1, 8, 6, 5], [1, 4, 3, 4]), Some(vec![1, 8, 6, 5]));
    assert_eq!(case(Padding::Same, [2, 2], [1, 7, 5, 5], [1, 4, 3, 4]), Some(vec![1, 7, 5, 5]));
    assert_eq!(case(Padding::Valid, [2, 1], [1, 9, 4, 5], [1, 4, 3, 4]), Some(vec![1, 9, 4, 5]));
    assert_eq!(case(Padding::Same, [2, 2], [1, 9, 6, 5], [1, 4, 3, 4]), None);
    assert_eq!(case(Padding::Same, [2, 2], [1, 8, 6, 4], [1, 4, 3, 4]), None);
    assert_eq!(case(Padding::Same, [2, 2], [1, 8, -6, 5], [1, 4, 3, 4]), None);
}

#[test]
fn matrices_multiply_where_they_fit() {
    let plain = Op::BatchMatMul(BatchMatMul::default());
    assert_eq!(one(plain.clone(), &[&[2, 1, 3, 4], &[5, 4, 6]], &[]), Some(vec![2, 5, 3, 6]));
    assert_eq!(one(plain.clone(), &[&[3, 4], &[3, 6]], &[]), None);
    assert_eq!(one(plain, &[&[4], &[4, 6]], &[]), None);
    let both = Op::BatchMatMul(BatchMatMul { adj_x: true, adj_y: true });
    assert_eq!(one(both, &[&[4, 3], &[6, 4]], &[]), Some(vec![3, 6]));
}

#[test]
fn parts_add_up() {
    let split = |sizes: &[i32], n| shapes(Op::SplitV(SplitV { n_splits: n }), &[&[1, 7]], &[sizes, &[-1]], n);
    assert_eq!(split(&[2, -1, 1], 3), Ok(vec![vec![1, 2], vec![1, 4], vec![1, 1]]));
    for wrong in [[2, -1, -1].as_slice(), &[2, 4, 2], &[2, 3, 1], &[9, -1, 1], &[2, -2, 7], &[3, 4]] {
        assert!(split(wrong, 3).is_err(), "{wrong:?}");
    }
    let slice = |begin: &[i32], size: &[i32]| one(Op::Slice(Slice), &[&[2, 7]], &[begin, size]);
    assert_eq!(slice(&[1, 2], &[-1, 3]), Some(vec![1, 3]));
    assert_eq!(slice(&[0, 5], &[2, 3]), None);
    assert_eq!(slice(&[0, -1], &[2, 3]), None);
    assert_eq!(slice(&[0], &[2]), None);
}

#[test]
fn borders_stay_within_what_can_be_mirrored() {
    let mirror = |with_edge, amounts: &[i32]| one(Op::MirrorPad(MirrorPad { with_edge }), &[&[1, 3]], &[amounts]);
    assert_eq!(mirror(false, &[0, 0, 2, 1]), Some(vec![1, 6]));
    assert_eq!(mirror(false, &[0, 0, 3, 1]), None);
    assert_eq!(mirror(true, &[0, 0, 3, 3]), Some(vec![1, 9]));
    assert_eq!(mirror(true, &[0, 0, 4, 0]), None);
    assert_eq!(one(Op::PadV2(PadV2), &[&[1, 3]], &[&[0, 0, 2, 1], &[7]]), Some(vec![1, 6]));
    assert_eq!(one(Op::PadV2(PadV2), &[&[1, 3]], &[&[0, 0, 2, 1], &[7, 7]]), None);
}

#[test]
fn indices_take_the_place_of_their_axis() {
    let gather = |axis, batch_dims, indices: &[usize]| one(Op::Gather(Gather { axis, batch_dims }), &[&[2, 5, 4], indices], &[]);
    assert_eq!(gather(1, 0, &[3, 6]), Some(vec![2, 3, 6, 4]));
    assert_eq!(gather(-1, 0, &[]), Some(vec![2, 5]));
    assert_eq!(gather(1, 1, &[2, 3]), Some(vec![2, 3, 4]));
    assert_eq!(gather(1, 1, &[3, 3]), None);
    assert_eq!(gather(3, 0, &[1]), None);
}

#[test]
fn parameters_have_a_value_for_each_channel() {
    let norm = Op::BatchNorm(BatchNorm { epsilon: 0.0 });
    let shape = |c: usize| shapes(norm.clone(), &[&[1, 2, 3], &[3], &[3], &[3], &[c]], &[], 1);
    assert_eq!(shape(3), Ok(vec![vec![1, 2, 3]]));
    assert!(shape(2).is_err());
    assert_eq!(one(Op::PRelu(PRelu), &[&[1, 2, 3], &[1, 3]], &[]), Some(vec![1, 2, 3]));
    assert_eq!(one(Op::PRelu(PRelu), &[&[1, 1, 3], &[2, 3]], &[]), None);
    let clamped = Op::Binary(Binary { kind: BinaryKind::Maximum, activation: Activation::Relu });
    assert_eq!(one(clamped, &[&[3], &[3]], &[]), None);
}

#[test]
fn normalization_is_one_factor_and_one_summand() {
    let norm = BatchNorm { epsilon: 1.0 };
    let (gamma, mean, variance) = ([2.0, 1.0], [1.0, -4.0], [3.0, 15.0]);
    let (scale, offset) = norm.scale_and_offset([Some(&gamma), None, Some(&mean), Some(&variance)], 2);
    assert_eq!((scale, offset), (vec![1.0, 0.25], vec![-1.0, 1.0]));
}

fn lstm(units: usize, time_major: bool) -> (Graph, Vec<Option<TensorId>>) {
    let mut chain = Chain::new(if time_major { &[7, 1, 3] } else { &[1, 7, 3] });
    let x = chain.last;
    let graph = &mut chain.graph;
    let weights = LstmWeights {
        input: [0, 1, 2, 3].map(|seed| constant(graph, &[units, 3], seed)),
        recurrent: [4, 5, 6, 7].map(|seed| constant(graph, &[units, units], seed)),
        bias: [8, 9, 10, 11].map(|seed| constant(graph, &[units], seed)),
    };
    let state = |graph: &mut Graph| {
        graph.add_tensor(Tensor { is_variable: true, ..Tensor::activation("s", ElementType::F32, [1, units]) })
    };
    let (output_state, cell_state) = (state(graph), state(graph));
    let operands = weights.operands(x, output_state, cell_state);
    (chain.graph, operands)
}

#[test]
fn an_lstm_returns_every_step() {
    let op = |time_major| Op::Lstm(Lstm { activation: Activation::Tanh, cell_clip: 0.0, time_major });
    let (mut graph, operands) = lstm(4, false);
    assert_eq!(node_shapes(&mut graph, op(false), operands.clone(), 1), Ok(vec![vec![1, 7, 4]]));
    assert!(node_shapes(&mut graph, op(true), operands.clone(), 1).is_err());
    let node = Node { name: "n".into(), op: op(false), inputs: operands.clone(), outputs: vec![], sources: vec![] };
    assert_eq!(node.op.facts().macs(&Operands::new(&graph, &node)), 7 * 4 * 4 * (3 + 4));
    let (mut graph, operands) = lstm(4, true);
    assert_eq!(node_shapes(&mut graph, op(true), operands.clone(), 1), Ok(vec![vec![7, 1, 4]]));
    let mut coupled = operands.clone();
    for left_out in [1, 5, 12] {
        coupled[left_out] = None;
    }
    assert!(node_shapes(&mut graph, op(true), coupled, 1).is_ok());
    for (position, word) in [(9, "peepholes"), (16, "projection"), (20, "normalization"), (6, "missing")] {
        let mut operands = operands.clone();
        operands[position] = if position == 6 { None } else { operands[12] };
        let error = node_shapes(&mut graph, op(true), operands, 1).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_gru_has_three_thirds() {
    let gru = |kernel: &[usize], recurrent: &[usize], bias: &[usize]| {
        let mut chain = Chain::new(&[1, 7, 3]);
        let inputs = [kernel, recurrent, bias].map(|shape| Some(constant(&mut chain.graph, shape, 1)));
        let inputs = [Some(chain.last)].into_iter().chain(inputs).collect();
        node_shapes(&mut chain.graph, Op::Gru(Gru { reset_after: true, go_backwards: false }), inputs, 1).ok()
    };
    assert_eq!(gru(&[3, 12], &[4, 12], &[2, 12]), Some(vec![vec![1, 7, 4]]));
    assert_eq!(gru(&[3, 12], &[4, 12], &[12]), Some(vec![vec![1, 7, 4]]));
    assert_eq!(gru(&[3, 12], &[4, 12], &[24]), None);
    assert_eq!(gru(&[3, 12], &[4, 16], &[12]), None);
    assert_eq!(gru(&[12, 3], &[4, 12], &[12]), None);
}
