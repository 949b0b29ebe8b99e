//! Which steps would help a graph, before anybody asks.

use super::equalize;
use crate::graph::{Graph, NodeId};
use crate::ops::Op;

/// A step that would help.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The step as [`parse_step`](super::parse_step) reads it, with the settings that help: `equalize`.
    pub step: &'static str,
    /// The nodes that it is about, in execution order.
    pub nodes: Vec<NodeId>,
    /// How many times the middle channel's range the largest one is, for `equalize`.
    pub apart: Option<f64>,
    /// Why, in one sentence.
    pub text: String,
}

/// What would help `graph`: a float graph as it stands after the steps that a recipe has already. Takes as long as equalizing: some
/// passes over the weights.
///
/// Batch normalization of its own hides pairs of layers from `equalize`; once it is fused, there may be more advice.
pub fn advice(graph: &Graph) -> Vec<Advice> {
    if graph.is_integer() {
        return Vec::new();
    }
    fuse_batch_norm(graph).into_iter().chain(equalize::advice(graph)).collect()
}

fn fuse_batch_norm(graph: &Graph) -> Option<Advice> {
    let nodes: Vec<NodeId> = graph.node_ids().filter(|id| matches!(graph.node(*id).op, Op::BatchNorm(_))).collect();
    let text = match nodes.len() {
        0 => return None,
        1 => "1 batch normalization stands by itself: fuse-batch-norm puts it into a layer beside it".into(),
        n => format!("{n} batch normalizations stand by themselves: fuse-batch-norm puts them into the layers beside them"),
    };
    Some(Advice { step: "fuse-batch-norm", nodes, apart: None, text })
}
