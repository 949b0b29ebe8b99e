//! How the selection walks: along edges with the arrow keys.

use tinsmith_core::graph::{Graph, NodeId};

/// A direction to walk in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// To what makes the first operand.
    Up,
    /// To the first reader of the result.
    Down,
    /// To the previous node beside this one: another reader of the same operand, or another operand of the same reader.
    Left,
    /// To the next node beside this one.
    Right,
}

/// The node reached from `at`; `None` where the graph ends.
pub fn walk(graph: &Graph, at: NodeId, direction: Walk) -> Option<NodeId> {
    match direction {
        Walk::Up => makers(graph, at).first().copied(),
        Walk::Down => readers(graph, at).first().copied(),
        Walk::Left => beside(graph, at).into_iter().rfind(|&n| n < at),
        Walk::Right => beside(graph, at).into_iter().find(|&n| n > at),
    }
}

fn makers(graph: &Graph, at: NodeId) -> Vec<NodeId> {
    let producers = graph.producers();
    graph.node(at).inputs.iter().flatten().filter_map(|t| producers[t.index()]).collect()
}

fn readers(graph: &Graph, at: NodeId) -> Vec<NodeId> {
    let consumers = graph.consumers();
    graph.node(at).outputs.iter().flat_map(|t| consumers[t.index()].iter().copied()).collect()
}

fn beside(graph: &Graph, at: NodeId) -> Vec<NodeId> {
    let siblings = makers(graph, at).into_iter().flat_map(|m| readers(graph, m));
    let partners = readers(graph, at).into_iter().flat_map(|r| makers(graph, r));
    let mut all: Vec<NodeId> = siblings.chain(partners).filter(|&n| n != at).collect();
    all.sort_unstable();
    all.dedup();
    all
}
