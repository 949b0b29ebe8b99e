//! Repeated structure: runs of nodes that do the same again and again, like the depthwise and pointwise convolutions of a MobileNet.
//!
//! A pattern is a sequence of operator kinds (with the size of the kernel, without channels or strides). The pattern that covers
//! most of the graph is found first, then the next in what is left. Nodes stand in execution order, so a block is a range of them,
//! and drawing it as one box never closes a circle.

use std::collections::HashMap;
use std::ops::Range;

use tinsmith_core::graph::{Graph, Node};

/// Longest pattern looked for.
const MAX_PATTERN: usize = 64;
/// So many different patterns are marked at most: beyond that brackets only distract.
const MAX_PATTERNS: usize = 4;
/// Shorter repetition is chance: so many nodes have to be covered by one pattern.
const MIN_COVERED: usize = 6;

/// One occurrence of a repeated pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// Counted from 1 along the graph: `block 3`.
    pub number: usize,
    /// Indices of its nodes.
    pub nodes: Range<usize>,
}

/// All repeated blocks, in execution order.
pub fn find(graph: &Graph) -> Vec<Block> {
    let mut kinds = Kinds::of(graph);
    let mut found: Vec<Range<usize>> = Vec::new();
    for _ in 0..MAX_PATTERNS {
        let Some(occurrences) = kinds.best_pattern() else { break };
        occurrences.iter().for_each(|nodes| kinds.mark(nodes.clone()));
        found.extend(occurrences);
    }
    found.sort_unstable_by_key(|nodes| nodes.start);
    found.into_iter().enumerate().map(|(i, nodes)| Block { number: i + 1, nodes }).collect()
}

/// What each node is, as a number: equal numbers, equal kinds.
struct Kinds {
    kinds: Vec<u32>,
    /// By kind, whether it holds weights.
    weighted: Vec<bool>,
}

impl Kinds {
    fn of(graph: &Graph) -> Self {
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut weighted = Vec::new();
        let kinds = graph.nodes.iter().map(|node| {
            *known.entry(signature(graph, node)).or_insert_with(|| {
                weighted.push(node.op.has_weights());
                weighted.len() as u32 - 1
            })
        });
        Self { kinds: kinds.collect(), weighted }
    }

    /// Takes nodes out of the search: each gets a number that is found nowhere else.
    fn mark(&mut self, nodes: Range<usize>) {
        for at in nodes {
            self.kinds[at] = u32::MAX - at as u32;
        }
    }

    /// Occurrences of the pattern that covers most nodes; of equals the shortest, which is the one that is not itself repeated.
    fn best_pattern(&self) -> Option<Vec<Range<usize>>> {
        let mut best: Option<(usize, Vec<Range<usize>>)> = None;
        for length in 2..=MAX_PATTERN.min(self.kinds.len() / 2) {
            let Some(occurrences) = self.best_of_length(length) else { continue };
            let covered = occurrences.len() * length;
            if covered >= MIN_COVERED && best.as_ref().is_none_or(|(most, _)| covered > *most) {
                best = Some((covered, occurrences));
            }
        }
        best.map(|(_, occurrences)| occurrences)
    }

    fn best_of_length(&self, length: usize) -> Option<Vec<Range<usize>>> {
        let hashes = rolling_hashes(&self.kinds, length);
        let mut starts: Vec<usize> = (0..hashes.len()).collect();
        starts.sort_unstable_by_key(|&at| (hashes[at], at));
        let groups = starts.chunk_by(|&a, &b| hashes[a] == hashes[b]).filter(|group| group.len() > 1);
        let candidates = groups.filter(|group| self.is_pattern(group[0], length));
        // The earliest of those that occur most often, so that the result does not depend on hashes.
        let most =
            candidates.map(|group| (n_apart(group, length), std::cmp::Reverse(group[0]), group)).max_by_key(|c| (c.0, c.1))?;
        let (n, _, group) = most;
        let pattern = &self.kinds[group[0]..group[0] + length];
        let mut occurrences: Vec<Range<usize>> = Vec::with_capacity(n);
        for &at in group.iter().filter(|&&at| &self.kinds[at..at + length] == pattern) {
            if occurrences.last().is_none_or(|last| last.end <= at) {
                occurrences.push(at..at + length);
            }
        }
        (occurrences.len() > 1).then_some(occurrences)
    }

    /// A pattern worth a bracket does more than one thing, and one of them is trained.
    fn is_pattern(&self, at: usize, length: usize) -> bool {
        let pattern = &self.kinds[at..at + length];
        let is_weighted = |&kind: &u32| self.weighted.get(kind as usize).copied().unwrap_or(false);
        pattern.iter().any(|kind| *kind != pattern[0]) && pattern.iter().any(is_weighted)
    }
}

/// How many of these windows fit without overlap; starts ascend.
fn n_apart(starts: &[usize], length: usize) -> usize {
    let mut free_from = 0;
    let mut n = 0;
    for &at in starts {
        if at >= free_from {
            n += 1;
            free_from = at + length;
        }
    }
    n
}

fn rolling_hashes(kinds: &[u32], length: usize) -> Vec<u64> {
    const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
    let top = (1..length).fold(1u64, |power, _| power.wrapping_mul(BASE));
    let mut hash = 0u64;
    let mut hashes = Vec::with_capacity(kinds.len());
    for (i, &kind) in kinds.iter().enumerate() {
        if i >= length {
            hash = hash.wrapping_sub(top.wrapping_mul(u64::from(kinds[i - length]) + 1));
        }
        hash = hash.wrapping_mul(BASE).wrapping_add(u64::from(kind) + 1);
        if i + 1 >= length {
            hashes.push(hash);
        }
    }
    hashes
}

fn signature(graph: &Graph, node: &Node) -> String {
    let kernel = match graph.input(node, 1).filter(|_| node.op.has_weights()).map(|t| t.shape.as_slice()) {
        Some([_, h, w, _]) => format!("{h}x{w}"),
        _ => String::new(),
    };
    format!("{} {kernel} {}", node.op.name(), node.op.facts().activation().name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::graph_view::test_nets::{Kind, chain_of};

    fn ranges(kinds: &[Kind]) -> Vec<Range<usize>> {
        find(&chain_of(kinds)).into_iter().map(|b| b.nodes).collect()
    }

    #[test]
    fn depthwise_and_pointwise_are_the_blocks_of_a_keyword_net() {
        use Kind::{Add, Conv, Depthwise, Mean, Pointwise};
        let kinds = [Conv, Depthwise, Pointwise, Depthwise, Pointwise, Depthwise, Pointwise, Add, Depthwise, Pointwise, Mean];
        assert_eq!(ranges(&kinds), [1..3, 3..5, 5..7, 8..10]);
        let numbers: Vec<usize> = find(&chain_of(&kinds)).iter().map(|b| b.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
    }

    #[test]
    fn residual_blocks_hold_their_addition() {
        use Kind::{Add, Conv, Mean};
        assert_eq!(ranges(&[Conv, Conv, Conv, Add, Conv, Conv, Add, Conv, Conv, Add, Mean]), [1..4, 4..7, 7..10]);
    }

    #[test]
    fn chance_is_no_structure() {
        use Kind::{Conv, Mean, Pointwise};
        assert_eq!(ranges(&[Conv, Pointwise, Mean, Conv, Pointwise]), []);
        assert_eq!(ranges(&[Conv; 12]), [], "the same op again is no block");
        assert_eq!(ranges(&[Mean; 12]), []);
        assert_eq!(ranges(&[]), []);
    }
}
