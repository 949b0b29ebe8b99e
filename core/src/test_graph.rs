//! Small graphs for tests, made by hand.

use std::sync::Arc;

use crate::graph::{Graph, Node, TensorId};
use crate::ops::*;
use crate::tensor::{Data, ElementType, Tensor};

/// Numbers between -1 and 1 without a pattern that matters.
pub(crate) fn values(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1000.0 - 1.0).collect()
}

/// A constant of such numbers.
pub(crate) fn constant(graph: &mut Graph, shape: &[usize], seed: usize) -> TensorId {
    let data: Arc<[f32]> = values(shape.iter().product(), seed).into();
    graph.add_tensor(Tensor::constant("c", shape, Data::F32(data)))
}

/// A graph that grows at its end.
pub(crate) struct Chain {
    pub graph: Graph,
    pub last: TensorId,
}

impl Chain {
    pub fn new(shape: &[usize]) -> Self {
        let mut graph = Graph::default();
        let input = graph.add_tensor(Tensor::activation("in", ElementType::F32, shape));
        graph.inputs.push(input);
        Self { graph, last: input }
    }

    /// Adds a node that reads the last result and then `constants`.
    pub fn then(mut self, op: Op, constants: &[TensorId]) -> Self {
        let inputs: Vec<TensorId> = [self.last].iter().chain(constants).copied().collect();
        self.last = self.node(op, &inputs);
        self
    }

    /// Adds a node and returns its result; the last result stays what it was.
    pub fn node(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        self.nodes(op, inputs.iter().map(|&id| Some(id)).collect(), 1)[0]
    }

    /// The same with operands that may be left out, and several results.
    pub fn nodes(&mut self, op: Op, inputs: Vec<Option<TensorId>>, n_outputs: usize) -> Vec<TensorId> {
        let result = |_| self.graph.add_tensor(Tensor::activation("", ElementType::F32, []));
        let outputs: Vec<TensorId> = (0..n_outputs).map(result).collect();
        let name = format!("n{}", self.graph.nodes.len());
        let node = Node { sources: vec![name.clone()], name, op, inputs, outputs: outputs.clone() };
        let shapes = node.op.facts().output_shapes(&Operands::new(&self.graph, &node)).unwrap();
        for (output, shape) in outputs.iter().zip(shapes) {
            self.graph.tensors[output.index()].shape = shape;
        }
        self.graph.nodes.push(node);
        outputs
    }

    pub fn finish(mut self) -> Graph {
        self.graph.outputs = vec![self.last];
        crate::graph::check(&self.graph).unwrap();
        self.graph
    }
}

/// Convolution, reshape, dense layer, softmax: five kinds of buffers.
pub(crate) fn small_net() -> Graph {
    let mut chain = Chain::new(&[1, 6, 5, 3]);
    let (w1, b1) = (constant(&mut chain.graph, &[4, 3, 3, 3], 1), constant(&mut chain.graph, &[4], 2));
    let shape = chain.graph.add_tensor(Tensor::constant("shape", [2], Data::I32([1, 120].into())));
    let (w2, b2) = (constant(&mut chain.graph, &[7, 120], 3), constant(&mut chain.graph, &[7], 4));
    let conv = Conv2d { stride: [1, 1], dilation: [1, 1], padding: Padding::Same, activation: Activation::Relu6 };
    chain
        .then(Op::Conv2d(conv), &[w1, b1])
        .then(Op::Reshape(Reshape { new_shape: vec![] }), &[shape])
        .then(Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None }), &[w2, b2])
        .then(Op::Softmax(Softmax { beta: 1.0 }), &[])
        .finish()
}
