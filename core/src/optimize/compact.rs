//! A rewritten graph without the tensors that nothing refers to any more.

use crate::graph::{self, Graph, TensorId};

/// `graph` and the origins of its tensors without those that no node, input, output or signature names. An arena plan goes too: it held
/// for another set of tensors.
pub(super) fn compact(mut graph: Graph, mut origin: Vec<Option<TensorId>>) -> (Graph, Vec<Option<TensorId>>) {
    graph.memory_plan = None;
    let all = vec![true; graph.tensors.len()];
    let mut kept = graph::compact(&mut graph, &all).into_iter();
    origin.retain(|_| kept.next() == Some(true));
    (graph, origin)
}
