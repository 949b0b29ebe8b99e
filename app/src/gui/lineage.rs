//! Which nodes of the source a node of the candidate stands for, and what became of each node of the source.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use tinsmith_core::graph::{Graph, Node, NodeId};
use tinsmith_core::optimize::Candidate;
use tinsmith_core::preview::Source;

use crate::gui::kept::Same;

/// The nodes of two graphs, each with those of the other that it has to do with.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Lineage {
    made_of: Vec<Vec<NodeId>>,
    heirs: Vec<Option<NodeId>>,
}

impl Lineage {
    /// Looks at the names that nodes have and at those that they stand for.
    pub fn between(source: &Graph, candidate: &Graph) -> Self {
        let of_source = Names::of(source);
        let heirs: Vec<Option<NodeId>> = Names::of(candidate).heirs(source);
        let mut made_of: Vec<Vec<NodeId>> = Vec::with_capacity(candidate.nodes.len());
        for (id, node) in candidate.node_ids().zip(&candidate.nodes) {
            let meant = of_source.meant_by(node);
            // What stands on its own in the candidate is not part of another node, even if a file had one name for both.
            let own: Vec<NodeId> = meant.iter().copied().filter(|of| heirs[of.index()] == Some(id)).collect();
            made_of.push(if own.is_empty() { meant } else { own });
        }
        // A node of the source that no one names by its own name is still part of its heir.
        for (id, heir) in source.node_ids().zip(&heirs) {
            if let Some(parts) = heir.and_then(|heir| made_of.get_mut(heir.index()))
                && !parts.contains(&id)
            {
                parts.push(id);
            }
        }
        Self { made_of, heirs }
    }

    /// The nodes of the source that a node of the candidate stands for, its own first; empty if a step put it in.
    pub fn made_of(&self, candidate: NodeId) -> &[NodeId] {
        self.made_of.get(candidate.index()).map_or(&[], Vec::as_slice)
    }

    /// The node of the source that a node of the candidate was, whatever else is part of it now.
    pub fn origin(&self, candidate: NodeId) -> Option<NodeId> {
        self.made_of(candidate).first().copied()
    }

    /// The node of the candidate that a node of the source is, or is part of; none if it was removed.
    pub fn heir(&self, source: NodeId) -> Option<NodeId> {
        self.heirs.get(source.index()).copied().flatten()
    }
}

/// The lineage of the last two graphs that were asked about. Several panels ask, and a large graph takes milliseconds.
#[derive(Debug, Default)]
pub struct LineageMemo(RefCell<Option<Made>>);

/// What was made of which two.
type Made = (Same<Source>, Same<Candidate>, Arc<Lineage>);

impl LineageMemo {
    /// The lineage between a source and a candidate, made if they are others than last time.
    pub fn of(&self, source: &Arc<Source>, candidate: &Arc<Candidate>) -> Arc<Lineage> {
        let (source, candidate) = (Same(Arc::clone(source)), Same(Arc::clone(candidate)));
        let mut last = self.0.borrow_mut();
        if let Some((of_source, of_candidate, lineage)) = &*last
            && (of_source, of_candidate) == (&source, &candidate)
        {
            return Arc::clone(lineage);
        }
        let lineage = Arc::new(Lineage::between(&source.0.graph, &candidate.0.graph));
        *last = Some((source, candidate, Arc::clone(&lineage)));
        lineage
    }
}

/// Nodes of a graph by their own names and by the names that they stand for. A file's names need not be the graph's: several nodes may
/// come from one of the file.
struct Names<'a> {
    graph: &'a Graph,
    own: HashMap<&'a str, NodeId>,
    /// Made when first asked for: most nodes go by their own names.
    stood_for: OnceCell<HashMap<&'a str, NodeId>>,
}

impl<'a> Names<'a> {
    fn of(graph: &'a Graph) -> Self {
        let mut own = HashMap::with_capacity(graph.nodes.len());
        for (id, node) in graph.node_ids().zip(&graph.nodes) {
            own.entry(node.name.as_str()).or_insert(id);
        }
        Self { graph, own, stood_for: OnceCell::new() }
    }

    fn standing_for(&self, name: &str) -> Option<NodeId> {
        let stood_for = self.stood_for.get_or_init(|| {
            let mut stood_for = HashMap::new();
            for (id, node) in self.graph.node_ids().zip(&self.graph.nodes) {
                node.sources.iter().for_each(|name| _ = stood_for.entry(name.as_str()).or_insert(id));
            }
            stood_for
        });
        stood_for.get(name).copied()
    }

    fn named(&self, name: &str) -> Option<NodeId> {
        self.own.get(name).copied().or_else(|| self.standing_for(name))
    }

    /// This is the source: its nodes that a node of the candidate names.
    fn meant_by(&self, node: &Node) -> Vec<NodeId> {
        let mut all: Vec<NodeId> = self.own.get(node.name.as_str()).copied().into_iter().collect();
        let others = node.sources.iter().filter(|name| **name != node.name);
        for id in others.filter_map(|name| self.named(name)) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        all
    }

    /// This is the candidate: its node for each node of the source. One that kept its name is its own heir, whatever else claims it.
    fn heirs(&self, source: &Graph) -> Vec<Option<NodeId>> {
        let of = |node: &Node| {
            let claimed = || node.sources.iter().find_map(|name| self.standing_for(name));
            self.named(&node.name).or_else(claimed)
        };
        source.nodes.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::graph_view::test_nets::{Kind, chain_of};

    fn ids(of: &[usize]) -> Vec<NodeId> {
        of.iter().map(|&i| NodeId::new(i)).collect()
    }

    #[test]
    fn merged_nodes_are_traced_both_ways() {
        let source = chain_of(&[Kind::Conv, Kind::Mean, Kind::Pointwise, Kind::Mean]);
        let mut candidate = source.clone();
        candidate.nodes.remove(3);
        candidate.nodes.remove(1);
        candidate.nodes[0].sources.push("n1".to_owned());
        let mut added = source.nodes[0].clone();
        (added.name, added.sources) = ("quantize".to_owned(), Vec::new());
        candidate.nodes.push(added);
        let lineage = Lineage::between(&source, &candidate);
        assert_eq!(lineage.made_of(NodeId::new(0)), ids(&[0, 1]));
        assert_eq!(lineage.made_of(NodeId::new(1)), ids(&[2]));
        assert_eq!(lineage.origin(NodeId::new(2)), None);
        let heirs: Vec<Option<usize>> = source.node_ids().map(|id| lineage.heir(id).map(NodeId::index)).collect();
        assert_eq!(heirs, [Some(0), Some(0), Some(1), None]);
    }

    #[test]
    fn names_of_the_file_lead_to_the_nodes_made_from_them() {
        let mut source = chain_of(&[Kind::Mean, Kind::Conv, Kind::Mean]);
        for (node, of) in source.nodes.iter_mut().zip(["conv", "conv", "bn"]) {
            node.sources = vec![of.to_owned()];
        }
        let mut candidate = source.clone();
        let merged = candidate.nodes.remove(2);
        candidate.nodes[1].sources.extend(merged.sources);
        let lineage = Lineage::between(&source, &candidate);
        assert_eq!(lineage.made_of(NodeId::new(0)), ids(&[0]));
        assert_eq!(lineage.made_of(NodeId::new(1)), ids(&[1, 2]));
        assert_eq!(lineage.heir(NodeId::new(2)), Some(NodeId::new(1)));
    }
}
