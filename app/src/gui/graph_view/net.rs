//! Boxes and links: what of a graph is laid out. A collapsed block is one box, and links among its nodes are inside it.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use tinsmith_core::graph::{Graph, NodeId, TensorId};

use super::blocks::{self, Block};

/// Something with a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// A node.
    Node(NodeId),
    /// An input of the model.
    Input(TensorId),
    /// An output of the model.
    Output(TensorId),
    /// A collapsed block, by its position among the blocks.
    Block(usize),
}

/// An edge before it is routed: boxes and what flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    pub from: usize,
    pub to: usize,
    pub tensor: TensorId,
}

/// What is laid out. Boxes of nodes and blocks come first, in execution order, then inputs, then outputs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Net {
    pub(super) items: Vec<Item>,
    pub(super) links: Vec<Link>,
    pub(super) blocks: Vec<Block>,
    /// The box that each node of the graph is in.
    pub(super) box_of_node: Vec<usize>,
}

impl Net {
    /// Boxes and links of a graph; blocks whose first node is named in `collapsed` are one box.
    pub fn new(graph: &Graph, collapsed: &BTreeSet<String>) -> Self {
        let blocks = blocks::find(graph);
        let (mut items, box_of_node) = boxes_of_nodes(graph, &blocks, collapsed);
        items.extend(graph.inputs.iter().map(|&t| Item::Input(t)));
        items.extend(graph.outputs.iter().map(|&t| Item::Output(t)));
        let links = links_of(graph, &items, &box_of_node);
        Self { items, links, blocks, box_of_node }
    }

    /// Tells nets apart: equal nets are laid out alike, whatever their nodes are called.
    pub fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        Hash::hash(self, &mut hasher);
        hasher.finish()
    }

    /// How many nodes the graph has.
    pub fn n_nodes(&self) -> usize {
        self.box_of_node.len()
    }

    /// Where a box stands in an order in which links point forward.
    pub(super) fn order(&self) -> Vec<usize> {
        let is_input = |&i: &usize| matches!(self.items[i], Item::Input(_));
        let all = 0..self.items.len();
        all.clone().filter(is_input).chain(all.filter(|i| !is_input(i))).collect()
    }
}

fn boxes_of_nodes(graph: &Graph, blocks: &[Block], collapsed: &BTreeSet<String>) -> (Vec<Item>, Vec<usize>) {
    let mut items = Vec::with_capacity(graph.nodes.len());
    let mut box_of_node = vec![0; graph.nodes.len()];
    let is_collapsed = |b: &Block| graph.nodes.get(b.nodes.start).is_some_and(|n| collapsed.contains(&n.name));
    let mut closed = blocks.iter().enumerate().filter(|(_, b)| is_collapsed(b)).peekable();
    for id in graph.node_ids() {
        let at = id.index();
        while closed.next_if(|(_, b)| b.nodes.end <= at).is_some() {}
        match closed.peek() {
            Some((i, block)) if block.nodes.contains(&at) => {
                if block.nodes.start == at {
                    items.push(Item::Block(*i));
                }
            }
            _ => items.push(Item::Node(id)),
        }
        box_of_node[at] = items.len() - 1;
    }
    (items, box_of_node)
}

fn links_of(graph: &Graph, items: &[Item], box_of_node: &[usize]) -> Vec<Link> {
    let mut makers: Vec<Option<usize>> = graph.producers().iter().map(|p| p.map(|id| box_of_node[id.index()])).collect();
    for (i, item) in items.iter().enumerate() {
        if let Item::Input(t) = item {
            makers[t.index()].get_or_insert(i);
        }
    }
    let consumers = graph.consumers();
    let mut links = Vec::new();
    for (t, maker) in makers.iter().enumerate() {
        let Some(from) = *maker else { continue };
        let tensor = TensorId::new(t);
        links.extend(consumers[t].iter().map(|n| Link { from, to: box_of_node[n.index()], tensor }));
    }
    for (i, item) in items.iter().enumerate() {
        if let Item::Output(t) = item
            && let Some(from) = makers[t.index()]
        {
            links.push(Link { from, to: i, tensor: *t });
        }
    }
    let mut seen = HashSet::new();
    links.retain(|link| link.from != link.to && seen.insert(*link));
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::graph_view::test_nets::{Kind, chain_of};

    const KINDS: [Kind; 8] = {
        use Kind::{Conv, Depthwise, Mean, Pointwise};
        [Conv, Depthwise, Pointwise, Depthwise, Pointwise, Depthwise, Pointwise, Mean]
    };

    #[test]
    fn a_collapsed_block_is_one_box() {
        let graph = chain_of(&KINDS);
        let open = Net::new(&graph, &BTreeSet::new());
        assert_eq!((open.items.len(), open.links.len()), (10, 9));
        let net = Net::new(&graph, &BTreeSet::from(["n3".to_owned()]));
        assert_eq!((net.items.len(), net.links.len()), (9, 8));
        assert_eq!(net.items[3], Item::Block(1));
        assert_eq!(net.box_of_node, [0, 1, 2, 3, 3, 4, 5, 6]);
    }

    #[test]
    fn equal_structure_has_an_equal_hash_whatever_the_names_are() {
        let graph = chain_of(&KINDS);
        let mut renamed = graph.clone();
        renamed.nodes.iter_mut().for_each(|n| n.name.push('x'));
        let open = |graph: &Graph| Net::new(graph, &BTreeSet::new()).hash();
        assert_eq!(open(&graph), open(&renamed));
        let collapsed = Net::new(&graph, &BTreeSet::from(["n3".to_owned()]));
        assert_ne!(collapsed.hash(), open(&graph));
        assert_ne!(open(&chain_of(&KINDS[..7])), open(&graph));
    }
}
