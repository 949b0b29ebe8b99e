//! What no file format for microcontrollers has, in terms of what it has: the last thing that happens to a candidate.
//!
//! | operator | becomes |
//! | --- | --- |
//! | batch normalization | MUL and ADD |
//! | identity | nothing |

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::compact::compact;
use super::prepare::moved_notes;
use crate::execute::float::real_values;
use crate::graph::{Graph, Node, TensorId};
use crate::ops::{Activation, BatchNorm, Binary, BinaryKind, Op};
use crate::tensor::{Data, Tensor};

/// A graph, and for each of its tensors the one of the graph before that it stands for.
pub(super) type Lowered = (Graph, Vec<Option<TensorId>>);

/// `graph` as it can be written.
pub fn lowered(graph: &Graph) -> Cow<'_, Graph> {
    lower(graph).map_or(Cow::Borrowed(graph), |(graph, _)| Cow::Owned(graph))
}

/// Lowers what is to be lowered; `None` if nothing is.
pub(super) fn lower(graph: &Graph) -> Option<Lowered> {
    graph.nodes.iter().any(|node| matches!(node.op, Op::BatchNorm(_) | Op::Identity(_))).then(|| {
        let mut lowering = Lowering::new(graph);
        for node in &graph.nodes {
            lowering.add(node);
        }
        lowering.finish(graph)
    })
}

struct Lowering {
    graph: Graph,
    origin: Vec<Option<TensorId>>,
    /// The tensor that takes a tensor's place; itself for most.
    instead: Vec<TensorId>,
    names: HashSet<String>,
}

impl Lowering {
    fn new(graph: &Graph) -> Self {
        let ids: Vec<TensorId> = graph.tensor_ids().collect();
        Self {
            graph: Graph { nodes: Vec::with_capacity(graph.nodes.len()), ..graph.clone() },
            origin: ids.iter().copied().map(Some).collect(),
            instead: ids,
            names: graph.nodes.iter().map(|node| node.name.clone()).collect(),
        }
    }

    fn add(&mut self, node: &Node) {
        let mut node = node.clone();
        for id in node.inputs.iter_mut().flatten() {
            *id = self.instead[id.index()];
        }
        match (&node.op, node.inputs.first().copied().flatten(), node.outputs.as_slice()) {
            (Op::Identity(_), Some(input), &[output]) => self.instead[output.index()] = input,
            (Op::BatchNorm(op), Some(x), _) => match self.scale_and_offset(*op, &node) {
                Some([scale, offset]) => self.scale_and_shift(node, x, scale, offset),
                // Parameters that are computed stay as they are; whoever writes the file says that it cannot be written.
                None => self.graph.nodes.push(node),
            },
            _ => self.graph.nodes.push(node),
        }
    }

    /// Factor and summand of each channel as constants; `None` if a parameter is not constant.
    fn scale_and_offset(&mut self, op: BatchNorm, node: &Node) -> Option<[TensorId; 2]> {
        let mut values: [Option<Arc<[f32]>>; 4] = [None, None, None, None];
        for (index, values) in values.iter_mut().enumerate() {
            if let Some(tensor) = self.graph.input(node, index + 1) {
                *values = Some(real_values(tensor).ok()?);
            }
        }
        let channels = self.graph.input(node, 0)?.shape.last().copied().unwrap_or(1);
        let (scale, offset) = op.scale_and_offset(values.each_ref().map(Option::as_deref), channels);
        let names = [format!("{}/scale", node.name), format!("{}/offset", node.name)];
        let [scale, offset] = [scale, offset].map(|values| values.into_iter().map(|value| value as f32).collect::<Vec<f32>>());
        let [first, second] = names;
        Some([self.constant(first, scale), self.constant(second, offset)])
    }

    fn constant(&mut self, name: String, values: Vec<f32>) -> TensorId {
        self.put_in(Tensor::constant(name, [values.len()], Data::F32(values.into())))
    }

    /// A tensor that the graph before did not have.
    fn put_in(&mut self, tensor: Tensor) -> TensorId {
        self.origin.push(None);
        let id = self.graph.add_tensor(tensor);
        self.instead.push(id);
        id
    }

    /// The node as MUL and ADD; the latter keeps its name.
    fn scale_and_shift(&mut self, node: Node, x: TensorId, scale: TensorId, offset: TensorId) {
        let Some(&output) = node.outputs.first() else { return };
        let mut name = format!("{}_scale", node.name);
        while !self.names.insert(name.clone()) {
            name.push('_');
        }
        let (element, shape) = (self.graph.tensor(output).element, self.graph.tensor(output).shape.clone());
        let scaled = self.put_in(Tensor::activation(name.clone(), element, shape));
        let binary = |kind| Op::Binary(Binary { kind, activation: Activation::None });
        self.graph.nodes.push(Node {
            name,
            op: binary(BinaryKind::Mul),
            inputs: vec![Some(x), Some(scale)],
            outputs: vec![scaled],
            sources: node.sources.clone(),
        });
        self.graph.nodes.push(Node { op: binary(BinaryKind::Add), inputs: vec![Some(scaled), Some(offset)], ..node });
    }

    fn finish(mut self, before: &Graph) -> Lowered {
        let named = self.graph.signatures.iter_mut().flat_map(|s| s.inputs.iter_mut().chain(&mut s.outputs)).map(|(_, id)| id);
        for id in self.graph.outputs.iter_mut().chain(named) {
            *id = self.instead[id.index()];
        }
        self.graph.notes = moved_notes(std::mem::take(&mut self.graph.notes), before, &self.graph);
        compact(self.graph, self.origin)
    }
}
