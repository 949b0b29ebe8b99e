//! How the graph on screen differs from the other one: what was merged, removed, added, and which channels are gone.

use std::sync::Arc;

use tinsmith_core::graph::{Graph, Node, NodeId};
use tinsmith_core::ops::{Op, Operands};

use super::short_name;
use crate::gui::lineage::Lineage;

/// How a node differs from the other graph.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Mark {
    /// It is in both.
    #[default]
    Same,
    /// Candidate: these ops of the source are part of it now: `BatchNorm, ReLU`.
    Merged(String),
    /// Candidate: a step put it in.
    Added,
    /// Source: others are part of it in the candidate.
    TakesIn,
    /// Source: it is part of this node of the candidate.
    Folded(String),
    /// Source: it is not in the candidate any more.
    Removed,
}

/// Marks of all nodes of the graph on screen.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Against {
    lineage: Arc<Lineage>,
    is_source: bool,
    marks: Vec<Mark>,
    /// Channels of the output, in the source and in the candidate, where they differ.
    channels: Vec<Option<(usize, usize)>>,
}

impl Against {
    /// Marks the candidate's nodes against the source.
    pub fn source(candidate: &Graph, source: &Graph, lineage: Arc<Lineage>) -> Self {
        let mut all = Self { lineage: Arc::clone(&lineage), ..Self::default() };
        for id in candidate.node_ids() {
            let Some((own, others)) = lineage.made_of(id).split_first() else {
                all.marks.push(Mark::Added);
                all.channels.push(None);
                continue;
            };
            // What does nothing is not missed.
            let others = others.iter().map(|other| source.node(*other)).filter(|n| !matches!(n.op, Op::Identity(_)));
            let mut merged: Vec<String> = others.map(|n| n.op.facts().label(&Operands::new(source, n))).collect();
            merged.dedup();
            all.marks.push(if merged.is_empty() { Mark::Same } else { Mark::Merged(merged.join(", ")) });
            all.channels.push(channels_apart((source, source.node(*own)), (candidate, candidate.node(id))));
        }
        all
    }

    /// Marks the source's nodes against the candidate.
    pub fn candidate(source: &Graph, candidate: &Graph, lineage: Arc<Lineage>) -> Self {
        let mut all = Self { lineage: Arc::clone(&lineage), is_source: true, ..Self::default() };
        for id in source.node_ids() {
            let heir = lineage.heir(id);
            let is_more = |heir: NodeId| {
                let others = lineage.made_of(heir).iter().filter(|other| **other != id);
                others.map(|other| source.node(*other)).any(|other| !matches!(other.op, Op::Identity(_)))
            };
            let own = heir.filter(|heir| lineage.origin(*heir) == Some(id)).map(|heir| candidate.node(heir));
            all.marks.push(match heir {
                None => Mark::Removed,
                Some(heir) if own.is_some() => {
                    if is_more(heir) {
                        Mark::TakesIn
                    } else {
                        Mark::Same
                    }
                }
                Some(heir) => Mark::Folded(short_name(&candidate.node(heir).name)),
            });
            all.channels.push(own.and_then(|own| channels_apart((source, source.node(id)), (candidate, own))));
        }
        all
    }

    /// The mark of the node at this position.
    pub fn mark(&self, node: usize) -> &Mark {
        self.marks.get(node).unwrap_or(&Mark::Same)
    }

    /// Whether a node does not do what it does in the other graph.
    pub fn is_changed(&self, node: usize) -> bool {
        let is_other = matches!(self.mark(node), Mark::Merged(_) | Mark::Added | Mark::TakesIn);
        is_other || self.channels(node).is_some()
    }

    /// Nodes of the other graph that have to do with a node.
    pub fn counterparts(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let heir = self.lineage.heir(node).filter(|_| self.is_source);
        let parts = if self.is_source { &[] } else { self.lineage.made_of(node) };
        heir.into_iter().chain(parts.iter().copied())
    }

    /// The node that stands for a node of the other graph.
    pub fn stands_for(&self, other: NodeId) -> Option<NodeId> {
        if self.is_source { self.lineage.origin(other) } else { self.lineage.heir(other) }
    }

    /// Channels of a node's output in the source and in the candidate, where they differ.
    pub fn channels(&self, node: usize) -> Option<(usize, usize)> {
        self.channels.get(node).copied().flatten()
    }

    /// What the marks on screen mean, a line each; empty if there are none.
    pub fn notes(&self) -> Vec<String> {
        let any = |of: fn(&Mark) -> bool| self.marks.iter().find(|m| of(m));
        let mut notes = Vec::new();
        if let Some(Mark::Merged(ops)) = any(|m| matches!(m, Mark::Merged(_))) {
            notes.push(format!("+ {ops}: merged"));
        }
        if let Some((from, to)) = self.channels.iter().flatten().next() {
            notes.push(format!("{from} → {to}: channels {}", if from > to { "removed" } else { "added" }));
        }
        if any(|m| *m == Mark::Added).is_some() {
            notes.push("added: by a step".to_owned());
        }
        if (0..self.marks.len()).any(|node| self.is_changed(node)) {
            notes.push("bar: differs".to_owned());
        }
        if any(|m| matches!(m, Mark::Folded(_) | Mark::Removed)).is_some() {
            notes.push("dashed: not in the candidate".to_owned());
        }
        notes
    }
}

/// Channels of a node in the source and of the one that stands for it in the candidate, if they differ.
fn channels_apart(source: (&Graph, &Node), candidate: (&Graph, &Node)) -> Option<(usize, usize)> {
    let both = (channels(source.0, source.1)?, channels(candidate.0, candidate.1)?);
    (both.0 != both.1).then_some(both)
}

/// Channels of a node's first output: NHWC, so the last axis.
fn channels(graph: &Graph, node: &Node) -> Option<usize> {
    graph.output(node, 0)?.shape.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::graph_view::test_nets::{Kind, chain_of};

    /// Four nodes of which the candidate merges the third into the second, drops the last and adds one.
    fn graphs() -> (Graph, Graph) {
        let source = chain_of(&[Kind::Conv, Kind::Pointwise, Kind::Mean, Kind::Mean]);
        let mut candidate = source.clone();
        candidate.nodes.truncate(2);
        candidate.nodes[1].sources.push("n2".to_owned());
        let narrower = candidate.nodes[1].outputs[0];
        candidate.tensors[narrower.index()].shape = vec![1, 8, 8, 3];
        let mut added = source.nodes[3].clone();
        (added.name, added.sources) = ("quantize".to_owned(), Vec::new());
        candidate.nodes.push(added);
        (source, candidate)
    }

    fn between(source: &Graph, candidate: &Graph) -> Arc<Lineage> {
        Arc::new(Lineage::between(source, candidate))
    }

    #[test]
    fn nodes_of_the_candidate_say_what_they_took_in() {
        let (source, candidate) = graphs();
        let against = Against::source(&candidate, &source, between(&source, &candidate));
        assert_eq!(against.marks, [Mark::Same, Mark::Merged("Softmax".to_owned()), Mark::Added]);
        assert_eq!(against.channels(1), Some((4, 3)));
        assert_eq!(against.notes().len(), 4);
        assert_eq!([0, 1, 2].map(|node| against.is_changed(node)), [false, true, true]);
    }

    #[test]
    fn nodes_of_the_source_say_what_became_of_them() {
        let (source, candidate) = graphs();
        let against = Against::candidate(&source, &candidate, between(&source, &candidate));
        assert_eq!(against.marks, [Mark::Same, Mark::TakesIn, Mark::Folded("n1".to_owned()), Mark::Removed]);
        assert_eq!(against.channels(1), Some((4, 3)));
        assert_eq!(against.counterparts(NodeId::new(2)).collect::<Vec<_>>(), [NodeId::new(1)]);
        assert_eq!(against.stands_for(NodeId::new(1)), Some(NodeId::new(1)));
        assert!(Against::candidate(&source, &source, between(&source, &source)).notes().is_empty());
    }
}
