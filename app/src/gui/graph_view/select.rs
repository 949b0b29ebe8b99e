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
    let ways = Ways { graph, producers: graph.producers(), consumers: graph.consumers() };
    match direction {
        Walk::Up => ways.makers(at).next(),
        Walk::Down => ways.readers(at).next(),
        Walk::Left => ways.beside(at).filter(|&n| n < at).max(),
        Walk::Right => ways.beside(at).filter(|&n| n > at).min(),
    }
}

/// A graph with what makes and what reads each tensor: finding that out goes through all nodes, so it is done once a step.
struct Ways<'a> {
    graph: &'a Graph,
    producers: Vec<Option<NodeId>>,
    consumers: Vec<Vec<NodeId>>,
}

impl Ways<'_> {
    fn makers(&self, of: NodeId) -> impl Iterator<Item = NodeId> {
        self.graph.node(of).inputs.iter().flatten().filter_map(|t| self.producers[t.index()])
    }

    fn readers(&self, of: NodeId) -> impl Iterator<Item = NodeId> {
        self.graph.node(of).outputs.iter().flat_map(|t| self.consumers[t.index()].iter().copied())
    }

    fn beside(&self, at: NodeId) -> impl Iterator<Item = NodeId> {
        let siblings = self.makers(at).flat_map(|maker| self.readers(maker));
        let partners = self.readers(at).flat_map(|reader| self.makers(reader));
        siblings.chain(partners)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::graph_view::test_nets::branches;

    #[test]
    fn the_selection_walks_along_edges_and_across_branches() {
        // Branches of one to four nodes: 0, 1-2, 3-5 and 6-9, added up in 10.
        let graph = branches(10);
        let from = |at: usize, direction| walk(&graph, NodeId::new(at), direction).map(NodeId::index);
        assert_eq!((from(4, Walk::Up), from(4, Walk::Down)), (Some(3), Some(5)));
        assert_eq!((from(10, Walk::Up), from(9, Walk::Down)), (Some(0), Some(10)));
        assert_eq!((from(2, Walk::Left), from(2, Walk::Right)), (Some(0), Some(5)), "other operands of the addition");
        assert_eq!((from(3, Walk::Up), from(10, Walk::Down)), (None, None));
        assert_eq!((from(4, Walk::Left), from(4, Walk::Right)), (None, None), "nothing else is read or reads there");
    }
}
