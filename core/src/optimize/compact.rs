//! Drops tensors that nothing refers to, keeping the order of the rest.

use crate::graph::{Graph, TensorId};

/// `graph` and the origins of its tensors without those that no node, input, output or signature names.
pub(super) fn compact(mut graph: Graph, origin: Vec<Option<TensorId>>) -> (Graph, Vec<Option<TensorId>>) {
    let mut used = vec![false; graph.tensors.len()];
    let ports = graph.inputs.iter().chain(&graph.outputs);
    let operands = graph.nodes.iter().flat_map(|node| node.inputs.iter().flatten().chain(&node.outputs));
    let named = graph.signatures.iter().flat_map(|s| s.inputs.iter().chain(&s.outputs)).map(|(_, id)| id);
    ports.chain(operands).chain(named).for_each(|id| used[id.index()] = true);
    let mut moved = Vec::with_capacity(used.len());
    let mut n_used = 0;
    for &used in &used {
        moved.push(TensorId::new(n_used));
        n_used += usize::from(used);
    }
    let to = |id: &mut TensorId| *id = moved[id.index()];
    graph.inputs.iter_mut().chain(&mut graph.outputs).for_each(to);
    for node in &mut graph.nodes {
        node.inputs.iter_mut().flatten().chain(&mut node.outputs).for_each(to);
    }
    for signature in &mut graph.signatures {
        signature.inputs.iter_mut().chain(&mut signature.outputs).for_each(|(_, id)| to(id));
    }
    let mut keep = used.iter();
    graph.tensors.retain(|_| *keep.next().unwrap_or(&true));
    let origin = origin.into_iter().zip(&used).filter(|(_, used)| **used).map(|(origin, _)| origin).collect();
    graph.memory_plan = None;
    (graph, origin)
}
