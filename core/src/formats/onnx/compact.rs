//! A graph without the tensors that nothing names any more.

use crate::graph::{Graph, TensorId};

/// Takes out tensors that no node reads or makes and that the caller does not see.
pub(super) fn compact(graph: &mut Graph) {
    let mut named = vec![false; graph.tensors.len()];
    let nodes = graph.nodes.iter().flat_map(|node| node.inputs.iter().flatten().chain(&node.outputs));
    for id in nodes.chain(&graph.inputs).chain(&graph.outputs) {
        named[id.index()] = true;
    }
    let mut next = 0;
    let moved: Vec<TensorId> = named
        .iter()
        .map(|&named| {
            let id = TensorId::new(next);
            next += usize::from(named);
            id
        })
        .collect();
    let mut index = 0;
    graph.tensors.retain(|_| {
        index += 1;
        named[index - 1]
    });
    for node in &mut graph.nodes {
        let ids = node.inputs.iter_mut().flatten().chain(&mut node.outputs);
        ids.for_each(|id| *id = moved[id.index()]);
    }
    graph.inputs.iter_mut().chain(&mut graph.outputs).for_each(|id| *id = moved[id.index()]);
}
