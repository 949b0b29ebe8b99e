//! What every rewrite wants done first: half-float constants made plain, nodes dropped whose results nobody needs.

use std::collections::HashMap;

use crate::execute::float::real_values;
use crate::graph::{Graph, Node, NodeId, Note};
use crate::ops::Op;
use crate::tensor::{Data, ElementType};

/// `graph` with the same tensor ids, but
/// * with the constants behind a DEQUANTIZE (half floats) as float constants,
/// * without nodes whose results reach no output.
pub(super) fn simplified(original: &Graph) -> Graph {
    let mut graph = original.clone();
    let fold = |graph: &mut Graph, node: &Node| -> Option<()> {
        let values = real_values(graph.input(node, 0).filter(|t| t.is_constant())?).ok()?;
        let output = &mut graph.tensors[node.outputs.first()?.index()];
        (output.n_elements() == values.len()).then_some(())?;
        output.data = Some(Data::F32(values));
        output.element = ElementType::F32;
        output.quantization = None;
        Some(())
    };
    let nodes = std::mem::take(&mut graph.nodes);
    let kept = nodes.into_iter().filter(|node| !matches!(node.op, Op::Dequantize(_)) || fold(&mut graph, node).is_none());
    let mut kept: Vec<Node> = kept.collect();
    let mut wanted = vec![false; graph.tensors.len()];
    graph.outputs.iter().for_each(|id| wanted[id.index()] = true);
    let mut live: Vec<bool> = kept
        .iter()
        .rev()
        .map(|node| {
            let live = node.outputs.iter().any(|id| wanted[id.index()]);
            node.inputs.iter().flatten().filter(|_| live).for_each(|id| wanted[id.index()] = true);
            live
        })
        .collect();
    kept.retain(|_| live.pop().unwrap_or(true));
    let notes = std::mem::take(&mut graph.notes);
    graph.nodes = kept;
    graph.notes = moved_notes(notes, original, &graph);
    graph
}

/// Notes with their nodes of `from` found again by name in `to`; those about nodes that are gone are left out.
pub(super) fn moved_notes(notes: Vec<Note>, from: &Graph, to: &Graph) -> Vec<Note> {
    let positions: HashMap<&str, NodeId> = to.node_ids().map(|id| (to.node(id).name.as_str(), id)).collect();
    let moved = |mut note: Note| {
        if let Some(id) = note.node {
            note.node = Some(*positions.get(from.nodes.get(id.index())?.name.as_str())?);
        }
        Some(note)
    };
    notes.into_iter().filter_map(moved).collect()
}
