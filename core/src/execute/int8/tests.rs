use std::sync::Arc;

use super::*;
use crate::graph::Node;
use crate::ops::{self, Activation, Binary, BinaryKind, Op};
use crate::quant::Quantization;
use crate::tensor::{Data, Tensor};

/// A graph that grows node by node.
#[derive(Default)]
struct Builder {
    graph: Graph,
}

impl Builder {
    fn int8(&mut self, shape: &[usize]) -> TensorId {
        let tensor = Tensor::activation("", ElementType::I8, shape).quantized(Quantization::per_tensor(0.5, 3));
        self.graph.add_tensor(tensor)
    }

    fn int16(&mut self, shape: &[usize]) -> TensorId {
        let tensor = Tensor::activation("", ElementType::I16, shape).quantized(Quantization::per_tensor(2e-4, 0));
        self.graph.add_tensor(tensor)
    }

    fn weights(&mut self, shape: &[usize], axis: usize) -> TensorId {
        let n: usize = shape.iter().product();
        let id = self.constant(shape, Data::I8((0..n).map(|v| (v * 37 % 255) as u8 as i8).collect()));
        self.graph.tensors[id.index()].quantization = Some(Quantization::per_channel(vec![0.01; shape[axis]], axis));
        id
    }

    fn constant(&mut self, shape: &[usize], data: Data) -> TensorId {
        self.graph.add_tensor(Tensor::constant("", shape, data))
    }

    fn integers(&mut self, values: &[i32]) -> TensorId {
        self.constant(&[values.len()], Data::I32(values.into()))
    }

    fn node(&mut self, op: Op, inputs: &[TensorId], outputs: &[TensorId]) {
        let name = format!("node{}", self.graph.nodes.len());
        let inputs = inputs.iter().copied().map(Some).collect();
        self.graph.nodes.push(Node { name, op, inputs, outputs: outputs.to_vec(), sources: Vec::new() });
    }

    fn finish(mut self, inputs: &[TensorId], outputs: &[TensorId]) -> Graph {
        self.graph.inputs = inputs.to_vec();
        self.graph.outputs = outputs.to_vec();
        self.graph
    }
}

fn run(graph: &Graph, inputs: &[&[u8]], n: usize) -> Vec<Vec<u8>> {
    let prepared = Prepared::new(graph, Rounding::Double).unwrap();
    prepared.run_batch(inputs, n, &Cancel::new(), |_| {}).unwrap()
}

#[test]
fn shapes_that_are_computed_are_folded() {
    let mut b = Builder::default();
    let input = b.int8(&[1, 6]);
    let shape = b.graph.add_tensor(Tensor::activation("shape", ElementType::I32, [2]));
    b.node(Op::Shape(ops::Shape), &[input], &[shape]);
    let (begin, end, strides) = (b.integers(&[0]), b.integers(&[1]), b.integers(&[1]));
    let batch = b.graph.add_tensor(Tensor::activation("batch", ElementType::I32, []));
    let slice = ops::StridedSlice { shrink_axis_mask: 1, ..Default::default() };
    b.node(Op::StridedSlice(slice), &[shape, begin, end, strides], &[batch]);
    let three = b.constant(&[], Data::I32([3].into()));
    let two = b.constant(&[], Data::I32([2].into()));
    let packed = b.graph.add_tensor(Tensor::activation("packed", ElementType::I32, [3]));
    b.node(Op::Pack(ops::Pack { axis: 0 }), &[batch, two, three], &[packed]);
    let output = b.int8(&[1, 2, 3]);
    b.node(Op::Reshape(ops::Reshape { new_shape: Vec::new() }), &[input, packed], &[output]);
    let graph = b.finish(&[input], &[output]);

    let prepared = Prepared::new(&graph, Rounding::Double).unwrap();
    let mut seen = Vec::new();
    let mut result = [0; 6];
    let input = [1, 2, 3, 4, 5, 6];
    prepared
        .run_observed(&mut prepared.scratch(), &[&input], &mut [&mut result], &mut |id, bytes| {
            seen.push((id, bytes.to_vec()));
        })
        .unwrap();
    assert_eq!(result, input);
    let values: Vec<u8> = [1_i32, 2, 3].iter().flat_map(|value| value.to_ne_bytes()).collect();
    assert!(seen.contains(&(packed, values)), "{seen:?}");
    assert!(seen.contains(&(output, input.to_vec())), "{seen:?}");
}

#[test]
fn blocks_give_what_single_samples_give() {
    let mut b = Builder::default();
    let input = b.int8(&[1, 5]);
    let values: Arc<[i8]> = (0..35).map(|v| (v * 37 % 255 - 127) as i8).collect();
    let weights = b.constant(&[7, 5], Data::I8(values.clone()));
    b.graph.tensors[weights.index()].quantization = Some(Quantization::per_channel([0.01; 7], 0));
    let hidden = b.int8(&[1, 7]);
    let layer = ops::FullyConnected { keep_num_dims: false, activation: Activation::Relu };
    b.node(Op::FullyConnected(layer), &[input, weights], &[hidden]);
    let parts = [b.int8(&[1, 3]), b.int8(&[1, 4])];
    for (part, [from, to]) in parts.iter().zip([[0, 3], [3, 7]]) {
        let (begin, end, strides) = (b.integers(&[0, from]), b.integers(&[1, to]), b.integers(&[1, 1]));
        b.node(Op::StridedSlice(ops::StridedSlice::default()), &[hidden, begin, end, strides], &[*part]);
    }
    let joined = b.int8(&[1, 7]);
    b.node(Op::Concatenation(ops::Concatenation { axis: -1, activation: Activation::None }), &[parts[1], parts[0]], &[joined]);
    let output = b.int8(&[1, 7]);
    let add = Binary { kind: BinaryKind::Add, activation: Activation::None };
    b.node(Op::Binary(add), &[joined, hidden], &[output]);
    let graph = b.finish(&[input], &[output, hidden]);

    let n = 37;
    let samples: Vec<u8> = (0..5 * n).map(|v| (v * 89 % 256) as u8).collect();
    let together = run(&graph, &[&samples], n);
    for sample in 0..n {
        let alone = run(&graph, &[&samples[sample * 5..][..5]], 1);
        assert_eq!(alone[0], together[0][sample * 7..][..7]);
        assert_eq!(alone[1], together[1][sample * 7..][..7]);
    }
}

#[test]
fn graphs_that_cannot_run_name_the_node() {
    let mut b = Builder::default();
    let input = b.graph.add_tensor(Tensor::activation("x", ElementType::F32, [1, 4]));
    let output = b.graph.add_tensor(Tensor::activation("y", ElementType::F32, [1, 4]));
    b.node(Op::Unary(ops::Unary::Relu), &[input], &[output]);
    let error = Prepared::new(&b.finish(&[input], &[output]), Rounding::Double).unwrap_err();
    assert!(error.to_string().contains("node0") && error.to_string().contains("float32"), "{error}");

    let mut b = Builder::default();
    let input = b.int8(&[1, 4]);
    let output = b.int8(&[1, 5]);
    b.node(Op::Unary(ops::Unary::Relu), &[input], &[output]);
    let error = Prepared::new(&b.finish(&[input], &[output]), Rounding::Double).unwrap_err();
    assert!(error.to_string().contains("[1, 4]"), "{error}");

    let mut b = Builder::default();
    let input = b.int8(&[1, 1 << 40]);
    let error = Prepared::new(&b.finish(&[input], &[input]), Rounding::Double).unwrap_err();
    assert!(matches!(error, ExecuteError::TooLarge { .. }), "{error}");
}

#[test]
fn buffers_of_other_lengths_are_refused() {
    let mut b = Builder::default();
    let input = b.int8(&[1, 4]);
    let prepared = Prepared::new(&b.finish(&[input], &[input]), Rounding::Double).unwrap();
    let run = |input: &[u8], output: &mut [u8]| prepared.run(&mut prepared.scratch(), &[input], &mut [output]);
    assert!(run(&[0; 8], &mut [0; 8]).is_ok());
    assert!(run(&[0; 8], &mut [0; 4]).is_err());
    assert!(run(&[0; 7], &mut [0; 7]).is_err());
    let too_many = vec![0; 4 * (prepared.block() + 1)];
    assert!(run(&too_many, &mut too_many.clone()).is_err());
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(prepared.run_batch(&[&[0; 8]], 2, &cancel, |_| {}).is_err());
}

/// Layers of 8 bits, then of 16, then of 8 again; samples in a block do not touch one another.
#[test]
fn both_widths_run_in_one_graph() {
    let mut b = Builder::default();
    let input = b.int8(&[1, 5]);
    let (weights, narrow) = (b.weights(&[8, 5], 0), b.int8(&[1, 8]));
    let layer = || Op::FullyConnected(ops::FullyConnected { keep_num_dims: false, activation: Activation::None });
    b.node(layer(), &[input, weights], &[narrow]);
    let wide = b.int16(&[1, 8]);
    b.node(Op::Quantize(ops::Quantize), &[narrow], &[wide]);
    let (weights, bias) = (b.weights(&[6, 8], 0), b.constant(&[6], Data::I64([1 << 20, -9, 0, 7, -(1 << 20), 3].into())));
    let hidden = b.int16(&[1, 6]);
    b.node(layer(), &[wide, weights, bias], &[hidden]);
    let output = b.int8(&[1, 6]);
    b.node(Op::Quantize(ops::Quantize), &[hidden], &[output]);
    let graph = b.finish(&[input], &[output, hidden]);

    let n = 21;
    let samples: Vec<u8> = (0..5 * n).map(|v| (v * 89 % 256) as u8).collect();
    let together = run(&graph, &[&samples], n);
    for sample in 0..n {
        let alone = run(&graph, &[&samples[sample * 5..][..5]], 1);
        assert_eq!(alone[0], together[0][sample * 6..][..6]);
        assert_eq!(alone[1], together[1][sample * 12..][..12]);
    }
    assert!(together[1].iter().any(|byte| *byte != together[1][0]), "all results are alike");
}

#[test]
fn what_no_kernel_takes_with_16_bits_is_refused_by_name() {
    let reason =
        |b: Builder, input, output| Prepared::new(&b.finish(&[input], &[output]), Rounding::Double).unwrap_err().to_string();

    let mut b = Builder::default();
    let (input, output) = (b.int16(&[1, 4]), b.int16(&[1, 4]));
    b.node(Op::Unary(ops::Unary::HardSwish), &[input], &[output]);
    let error = reason(b, input, output);
    assert!(error.contains("HARD_SWISH") && error.contains("int16"), "{error}");

    // TensorFlow Lite Micro would read 64 bits of each.
    let mut b = Builder::default();
    let (input, weights, output) = (b.int16(&[1, 3, 3, 2]), b.weights(&[1, 1, 1, 2], 3), b.int16(&[1, 3, 3, 2]));
    let bias = b.integers(&[1, 2]);
    let op = ops::DepthwiseConv2d {
        stride: [1, 1],
        dilation: [1, 1],
        padding: ops::Padding::Same,
        depth_multiplier: 1,
        activation: Activation::None,
    };
    b.node(Op::DepthwiseConv2d(op), &[input, weights, bias], &[output]);
    let error = reason(b, input, output);
    assert!(error.contains("DEPTHWISE_CONV_2D") && error.contains("int64"), "{error}");

    let mut b = Builder::default();
    let (input, output) = (b.int16(&[1, 4]), b.int16(&[1, 4]));
    b.graph.tensors[input.index()].quantization = Some(Quantization::per_tensor(0.1, 5));
    b.node(Op::Unary(ops::Unary::Relu), &[input], &[output]);
    let error = reason(b, input, output);
    assert!(error.contains("zero point 5"), "{error}");

    // Half of what the layer gives would be shifted out of the sum.
    let mut b = Builder::default();
    let (input, weights, output) = (b.int16(&[1, 4]), b.weights(&[3, 4], 0), b.int16(&[1, 3]));
    b.graph.tensors[output.index()].quantization = Some(Quantization::per_tensor(1e-9, 0));
    let op = ops::FullyConnected { keep_num_dims: false, activation: Activation::None };
    b.node(Op::FullyConnected(op), &[input, weights], &[output]);
    let error = reason(b, input, output);
    assert!(error.contains("proportion"), "{error}");
}
