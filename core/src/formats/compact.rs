//! A graph without the tensors that nothing names.

use crate::graph::{Graph, TensorId};

/// Takes out those of the `candidates` (one flag a tensor) that no node reads or makes and that the caller does not see.
pub(super) fn compact(graph: &mut Graph, mut candidates: Vec<bool>) {
    let nodes = graph.nodes.iter().flat_map(|node| node.inputs.iter().flatten().chain(&node.outputs));
    let signatures = graph.signatures.iter().flat_map(|s| s.inputs.iter().chain(&s.outputs)).map(|(_, id)| id);
    for id in nodes.chain(&graph.inputs).chain(&graph.outputs).chain(signatures) {
        candidates[id.index()] = false;
    }
    let goes = candidates;
    let mut next = 0;
    let moved = goes.iter().map(|&goes| {
        let id = TensorId::new(next);
        next += usize::from(!goes);
        id
    });
    let moved: Vec<TensorId> = moved.collect();
    let mut flags = goes.iter();
    graph.tensors.retain(|_| flags.next() == Some(&false));
    if let Some(plan) = &mut graph.memory_plan {
        plan.offsets = plan.offsets.iter().zip(&goes).filter(|(_, goes)| !**goes).map(|(&offset, _)| offset).collect();
    }
    let to = |id: &mut TensorId| *id = moved[id.index()];
    for node in &mut graph.nodes {
        node.inputs.iter_mut().flatten().chain(&mut node.outputs).for_each(to);
    }
    graph.inputs.iter_mut().chain(&mut graph.outputs).for_each(to);
    for signature in &mut graph.signatures {
        signature.inputs.iter_mut().chain(&mut signature.outputs).for_each(|(_, id)| to(id));
    }
}
