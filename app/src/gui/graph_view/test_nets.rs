//! Nets for the tests of layout, blocks and painting.

use tinsmith_core::graph::{Graph, Node, TensorId};
use tinsmith_core::ops::{Activation, Binary, BinaryKind, Conv2d, DepthwiseConv2d, Op, Padding, Softmax};
use tinsmith_core::tensor::{Data, ElementType, Tensor};

/// What a node of a test net is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Conv,
    Depthwise,
    Pointwise,
    Add,
    Mean,
}

/// A chain of nodes `n0`, `n1` …; an addition also reads what was made three nodes before it.
pub(crate) fn chain_of(kinds: &[Kind]) -> Graph {
    let mut graph = Graph::default();
    let mut made = vec![activation(&mut graph, "in")];
    graph.inputs.push(made[0]);
    for (i, kind) in kinds.iter().enumerate() {
        let mut inputs = vec![made[i]];
        match kind {
            Kind::Conv => inputs.push(weights(&mut graph, [4, 3, 3, 4])),
            Kind::Depthwise => inputs.push(weights(&mut graph, [1, 3, 3, 4])),
            Kind::Pointwise => inputs.push(weights(&mut graph, [4, 1, 1, 4])),
            Kind::Add => inputs.push(made[i.saturating_sub(2)]),
            Kind::Mean => {}
        }
        made.push(add_node(&mut graph, *kind, &inputs));
    }
    graph.outputs.extend(made.last());
    graph
}

/// Adds a node that reads these tensors, and returns what it makes.
pub(crate) fn add_node(graph: &mut Graph, kind: Kind, inputs: &[TensorId]) -> TensorId {
    let name = format!("n{}", graph.nodes.len());
    let out = activation(graph, &format!("t{}", graph.nodes.len()));
    graph.nodes.push(Node {
        sources: vec![name.clone()],
        name,
        op: op_of(kind),
        inputs: inputs.iter().map(|&t| Some(t)).collect(),
        outputs: vec![out],
    });
    out
}

/// A net of `n` nodes or a few more: blocks of four branches that are added up again.
pub(crate) fn branches(n: usize) -> Graph {
    let mut graph = Graph::default();
    let mut last = activation(&mut graph, "in");
    graph.inputs.push(last);
    while graph.nodes.len() < n {
        let mut ends = Vec::new();
        for length in 1..=4 {
            let mut at = last;
            for _ in 0..length {
                let w = weights(&mut graph, [4, 1, 1, 4]);
                at = add_node(&mut graph, Kind::Pointwise, &[at, w]);
            }
            ends.push(at);
        }
        last = add_node(&mut graph, Kind::Add, &ends);
    }
    graph.outputs.push(last);
    graph
}

fn activation(graph: &mut Graph, name: &str) -> TensorId {
    graph.add_tensor(Tensor::activation(name, ElementType::F32, [1, 8, 8, 4]))
}

fn weights(graph: &mut Graph, shape: [usize; 4]) -> TensorId {
    let values = vec![0.5f32; shape.iter().product()];
    graph.add_tensor(Tensor::constant("w", shape, Data::F32(values.into())))
}

fn op_of(kind: Kind) -> Op {
    let (stride, dilation, padding, activation) = ([1, 1], [1, 1], Padding::Same, Activation::Relu);
    match kind {
        Kind::Conv | Kind::Pointwise => Op::Conv2d(Conv2d { stride, dilation, padding, activation }),
        Kind::Depthwise => Op::DepthwiseConv2d(DepthwiseConv2d { stride, dilation, padding, activation, depth_multiplier: 1 }),
        Kind::Add => Op::Binary(Binary { kind: BinaryKind::Add, activation: Activation::None }),
        Kind::Mean => Op::Softmax(Softmax { beta: 1.0 }),
    }
}

/// A chain of `n` nodes; what node `from` makes is also read by node `to`.
pub(crate) fn chain_with_skip(n: usize, from: usize, to: usize) -> Graph {
    let mut graph = chain_of(&vec![Kind::Mean; n]);
    let skip = graph.nodes[from].outputs[0];
    graph.nodes[to].inputs.push(Some(skip));
    graph
}

/// As [`branches`], but of each four branches two lead nowhere.
pub(crate) fn dead_ends(n: usize) -> Graph {
    let mut graph = branches(n);
    graph.nodes.iter_mut().filter(|node| matches!(node.op, Op::Binary(_))).for_each(|node| node.inputs.truncate(2));
    graph
}
