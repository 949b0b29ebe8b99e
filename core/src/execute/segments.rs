//! Cuts a graph that mixes integer and float layers into runs of nodes with one arithmetic each.
//!
//! QUANTIZE and DEQUANTIZE belong to the integer side, which knows both representations.

use std::collections::HashSet;
use std::ops::Range;

use super::ExecuteError;
use super::float::data_operands;
use crate::graph::{Graph, Node, TensorId};
use crate::ops::Op;
use crate::tensor::ElementType;

/// Consecutive nodes of one arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub nodes: Range<usize>,
    pub is_float: bool,
    /// Activations that come from before.
    pub inputs: Vec<TensorId>,
    /// Activations that are needed later.
    pub outputs: Vec<TensorId>,
}

/// Whether some activation is an integer that stands for a real number.
pub(super) fn has_integer_activations(graph: &Graph) -> bool {
    let mut activations = graph.nodes.iter().flat_map(|node| &node.outputs).chain(&graph.inputs);
    activations.any(|&id| {
        let tensor = graph.tensor(id);
        !tensor.is_constant() && tensor.quantization.is_some() && tensor.element != ElementType::F32
    })
}

fn is_float(graph: &Graph, node: &Node) -> bool {
    let real = graph.output(node, 0).is_some_and(|tensor| tensor.element == ElementType::F32);
    // Half floats made single are no integers.
    let from_integers = matches!(node.op, Op::Dequantize(_)) && graph.input(node, 0).is_none_or(|tensor| !tensor.is_constant());
    real && !from_integers
}

/// The segments of `graph` in execution order; a single one for a graph of one arithmetic.
pub(super) fn segments(graph: &Graph) -> Vec<Segment> {
    let all_float = !has_integer_activations(graph);
    let kind = |node: &Node| all_float || is_float(graph, node);
    let mut segments: Vec<Segment> = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let is_float = kind(node);
        match segments.last_mut() {
            Some(last) if last.is_float == is_float => last.nodes.end = index + 1,
            _ => segments.push(Segment { nodes: index..index + 1, is_float, inputs: Vec::new(), outputs: Vec::new() }),
        }
    }
    if segments.len() < 2 {
        let whole = Segment { nodes: 0..graph.nodes.len(), is_float: all_float, inputs: Vec::new(), outputs: Vec::new() };
        let mut whole = segments.pop().unwrap_or(whole);
        (whole.inputs, whole.outputs) = (graph.inputs.clone(), graph.outputs.clone());
        return vec![whole];
    }
    connect(graph, &mut segments);
    segments
}

/// Finds out, from the end, what each segment has to hand on.
fn connect(graph: &Graph, segments: &mut [Segment]) {
    let mut wanted: HashSet<TensorId> = graph.outputs.iter().copied().collect();
    for segment in segments.iter_mut().rev() {
        let nodes = &graph.nodes[segment.nodes.clone()];
        let made: HashSet<TensorId> = nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
        segment.outputs = nodes.iter().flat_map(|node| &node.outputs).filter(|id| wanted.contains(id)).copied().collect();
        for node in nodes {
            for operand in data_operands(&node.op, node.inputs.len()) {
                let Some(id) = node.inputs.get(operand).copied().flatten() else { continue };
                if !made.contains(&id) && !graph.tensor(id).is_constant() && !segment.inputs.contains(&id) {
                    segment.inputs.push(id);
                }
            }
        }
        wanted.extend(&segment.inputs);
    }
}

/// The part of `graph` that a segment is, with the same tensor ids.
pub(super) fn subgraph(graph: &Graph, segment: &Segment) -> Graph {
    Graph {
        name: graph.name.clone(),
        tensors: graph.tensors.clone(),
        nodes: graph.nodes[segment.nodes.clone()].to_vec(),
        inputs: segment.inputs.clone(),
        outputs: segment.outputs.clone(),
        ..Graph::default()
    }
}

/// An error about a node of a subgraph, with the node's place in the whole graph.
pub(super) fn in_whole_graph(error: ExecuteError, segment: &Segment) -> ExecuteError {
    let first = segment.nodes.start;
    match error {
        ExecuteError::Op { index, node, op, source } => ExecuteError::Op { index: index + first, node, op, source },
        ExecuteError::Unsupported { index, node, op, reason } => {
            ExecuteError::Unsupported { index: index + first, node, op, reason }
        }
        other => other,
    }
}
