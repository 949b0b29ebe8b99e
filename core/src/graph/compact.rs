//! A graph without the tensors that nothing names.

use super::{Graph, TensorId};

/// Takes out those of the `candidates` (one flag for each tensor) that no node, input, output or signature names; the rest keep their
/// order. Says of each tensor whether it was kept.
pub(crate) fn compact(graph: &mut Graph, candidates: &[bool]) -> Vec<bool> {
    let mut kept: Vec<bool> = candidates.iter().map(|candidate| !candidate).collect();
    let operands = graph.nodes.iter().flat_map(|node| node.inputs.iter().flatten().chain(&node.outputs));
    let named = graph.signatures.iter().flat_map(|s| s.inputs.iter().chain(&s.outputs)).map(|(_, id)| id);
    operands.chain(&graph.inputs).chain(&graph.outputs).chain(named).for_each(|id| kept[id.index()] = true);
    let mut next = 0;
    let moved = kept.iter().map(|&kept| {
        let id = TensorId::new(next);
        next += usize::from(kept);
        id
    });
    let moved: Vec<TensorId> = moved.collect();
    let mut flags = kept.iter();
    graph.tensors.retain(|_| flags.next() == Some(&true));
    if let Some(plan) = &mut graph.memory_plan {
        plan.offsets = plan.offsets.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(&offset, _)| offset).collect();
    }
    let to = |id: &mut TensorId| *id = moved[id.index()];
    for node in &mut graph.nodes {
        node.inputs.iter_mut().flatten().chain(&mut node.outputs).for_each(to);
    }
    graph.inputs.iter_mut().chain(&mut graph.outputs).for_each(to);
    for signature in &mut graph.signatures {
        signature.inputs.iter_mut().chain(&mut signature.outputs).for_each(|(_, id)| to(id));
    }
    kept
}
