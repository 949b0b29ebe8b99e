//! Where boxes and edges lie: a pure function of a graph, what of it is collapsed, and the canvas that it should fill.
//!
//! [`super::rank`] finds ranks and crossings; long chains are then cut into columns side by side, so that they fill a wide canvas, and
//! edges are routed by [`super::route`]. Takes up to a second for thousands of nodes: run it on the worker.

use std::collections::BTreeSet;
use std::ops::Range;

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};
use tinsmith_core::graph::{Graph, NodeId, TensorId};
use tinsmith_core::progress::{Cancel, Cancelled};

use super::blocks::Block;
use super::index::Index;
pub use super::net::{Item, Net};
use super::rank::{Ranked, rank};
use super::route;

/// Size of a node's box.
pub const NODE: Vec2 = vec2(204.0, 48.0);
/// Height of the boxes of inputs and outputs.
pub const IO_HEIGHT: f32 = 28.0;
/// Between a box and the next below.
pub const NODE_GAP: f32 = 34.0;
/// Between columns.
pub const COLUMN_GAP: f32 = 78.0;
/// A bracket stands left of its block by this much.
const BRACKET_GAP: f32 = 10.0;
/// Words on an edge may go as far to both sides, together.
const LABEL_REACH: f32 = 260.0;
const MAX_COLUMNS: usize = 120;
const PITCH: f32 = NODE.y + NODE_GAP;

/// A box.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What it stands for.
    pub item: Item,
    /// Where it lies.
    pub rect: Rect,
    /// Column, from the left.
    pub column: usize,
    /// Rank, from the first.
    pub rank: usize,
}

/// A line from one box to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Index of the box it leaves.
    pub from: usize,
    /// Index of the box it enters.
    pub to: usize,
    /// What flows.
    pub tensor: TensorId,
    /// Ends and corners of the line; it runs across and down only.
    pub corners: Vec<Pos2>,
    /// Where the tensor's shape is written; once for each tensor.
    pub label: Option<Label>,
    /// Passes by other nodes: drawn quietly.
    pub is_skip: bool,
}

/// Where the words on an edge stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Label {
    /// They end here.
    LeftOf(Pos2),
    /// They begin here.
    RightOf(Pos2),
    /// They run along a lane that goes down, centred here.
    Along(Pos2),
}

impl Label {
    /// The point that the words are set at.
    pub fn at(self) -> Pos2 {
        match self {
            Self::LeftOf(at) | Self::RightOf(at) | Self::Along(at) => at,
        }
    }
}

/// The part of a block's bracket beside one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Bracket {
    /// Position of the block among [`Layout::blocks`].
    pub block: usize,
    /// Its line: from the first box of the block in this column to the last.
    pub top: Pos2,
    /// Where the line ends.
    pub bottom: Pos2,
    /// Carries the name.
    pub is_first: bool,
}

/// A graph laid out. Boxes of nodes and collapsed blocks come first, in execution order.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// All boxes.
    pub placed: Vec<Placed>,
    /// All edges.
    pub edges: Vec<Edge>,
    /// Repeated blocks, collapsed ones among them.
    pub blocks: Vec<Block>,
    /// Brackets of those that are not collapsed.
    pub brackets: Vec<Bracket>,
    /// The box that each node of the graph is in.
    pub box_of_node: Vec<usize>,
    /// Around everything.
    pub bounds: Rect,
    /// Boxes by where they lie.
    pub box_index: Index,
    /// Edges by where they lie, their words included.
    pub edge_index: Index,
}

impl Layout {
    /// The box that a node is in: its own, or that of its collapsed block.
    pub fn box_of(&self, node: NodeId) -> Option<usize> {
        self.box_of_node.get(node.index()).copied()
    }

    /// Whether a block is one box.
    pub fn is_collapsed(&self, block: usize) -> bool {
        let first = self.blocks.get(block).and_then(|b| self.box_of_node.get(b.nodes.start));
        first.is_some_and(|&i| self.placed[i].item == Item::Block(block))
    }
}

/// Lays out a graph for a canvas of the given size; blocks whose first node is named in `collapsed` are one box.
///
/// # Errors
/// [`Cancelled`] once nobody wants the layout any more.
pub fn layout(graph: &Graph, collapsed: &BTreeSet<String>, canvas: Vec2, cancel: &Cancel) -> Result<Layout, Cancelled> {
    let net = Net::new(graph, collapsed);
    let ranked = rank(&net, cancel)?;
    arrange(&net, &ranked, columns_that_fit(&ranked, canvas), cancel)
}

/// Cuts a ranked net into columns and routes its edges.
///
/// # Errors
/// [`Cancelled`] once nobody wants the layout any more.
pub fn arrange(net: &Net, ranked: &Ranked, columns: usize, cancel: &Cancel) -> Result<Layout, Cancelled> {
    let cuts = cut_into_columns(net, ranked, columns);
    let placed = place(&net.items, ranked, &cuts);
    let edges = route::route(&placed, &net.links, cancel)?;
    let box_index = Index::new(placed.iter().map(|p| p.rect).collect());
    let edge_index = Index::new(edges.iter().map(reach).collect());
    let around = placed.iter().map(|p| p.rect).chain(edges.iter().map(|e| Rect::from_points(&e.corners)));
    let bounds = around.reduce(Rect::union).unwrap_or(Rect::from_min_size(Pos2::ZERO, NODE));
    let brackets = brackets(net, &placed);
    let (blocks, box_of_node) = (net.blocks.clone(), net.box_of_node.clone());
    Ok(Layout { placed, edges, blocks, brackets, box_of_node, bounds, box_index, edge_index })
}

/// The number of columns with which the picture can be shown largest.
pub fn columns_that_fit(ranked: &Ranked, canvas: Vec2) -> usize {
    let scale = |columns: usize| {
        let rows = ranked.n_ranks.div_ceil(columns) as f32;
        let w = columns as f32 * (ranked.width + COLUMN_GAP) + COLUMN_GAP / 2.0;
        let h = rows * PITCH + 2.0 * NODE_GAP;
        // Nothing is ever shown larger than life, so columns beyond that only scatter the picture.
        (canvas.x / w).min(canvas.y / h).min(1.0)
    };
    let most = ranked.n_ranks.clamp(1, MAX_COLUMNS);
    (1..=most).reduce(|best, n| if scale(n) > scale(best) * 1.001 { n } else { best }).unwrap_or(1)
}

/// Everything that is painted of an edge lies in this.
fn reach(edge: &Edge) -> Rect {
    let line = Rect::from_points(&edge.corners).expand(8.0);
    edge.label.map_or(line, |label| line.union(Rect::from_center_size(label.at(), vec2(LABEL_REACH, 16.0))))
}

/// Ranges of ranks, one a column: about equally long, cut where few edges cross and no block is torn apart.
fn cut_into_columns(net: &Net, ranked: &Ranked, columns: usize) -> Vec<Range<usize>> {
    let n_ranks = ranked.n_ranks;
    let torn = torn(net, ranked);
    let mut cuts = Vec::with_capacity(columns);
    let mut start = 0;
    for column in 0..columns {
        let left = columns - column;
        let length = n_ranks.saturating_sub(start).div_ceil(left);
        let end = if left == 1 {
            n_ranks
        } else {
            let slack = (length / 3).max(1);
            let from = (start + length).saturating_sub(slack).max(start + 1);
            let to = (start + length + slack).min(n_ranks);
            let ideal = start + length;
            (from..=to).min_by_key(|&cut| (torn[cut] * 2 + cut.abs_diff(ideal), cut)).unwrap_or(ideal)
        };
        cuts.push(start..end);
        start = end.min(n_ranks);
    }
    cuts.retain(|c| !c.is_empty());
    cuts
}

/// For each place to cut at how much it would tear: edges that cross it, and blocks.
fn torn(net: &Net, ranked: &Ranked) -> Vec<usize> {
    let mut change = vec![0i64; ranked.n_ranks + 2];
    let mut span = |a: usize, b: usize| {
        change[a.min(b) + 1] += 1;
        change[a.max(b) + 1] -= 1;
    };
    net.links.iter().for_each(|link| span(ranked.ranks[link.from], ranked.ranks[link.to]));
    for block in &net.blocks {
        let ranks = || net.box_of_node[block.nodes.clone()].iter().map(|&i| ranked.ranks[i]);
        if let (Some(first), Some(last)) = (ranks().min(), ranks().max()) {
            span(first, last);
        }
    }
    let mut crossing = 0;
    change
        .iter()
        .map(|change| {
            crossing += change;
            usize::try_from(crossing).unwrap_or(0)
        })
        .collect()
}

fn place(items: &[Item], ranked: &Ranked, cuts: &[Range<usize>]) -> Vec<Placed> {
    let columns: Vec<usize> = cuts.iter().enumerate().flat_map(|(column, c)| std::iter::repeat_n(column, c.len())).collect();
    let column_of = |rank: usize| columns.get(rank).copied().unwrap_or(0);
    // Each column is as wide as its own nodes need.
    let mut extents = vec![(f32::MAX, f32::MIN); cuts.len().max(1)];
    for (&rank, &x) in ranked.ranks.iter().zip(&ranked.xs) {
        let extent = &mut extents[column_of(rank)];
        *extent = (extent.0.min(x), extent.1.max(x));
    }
    let mut lefts = Vec::with_capacity(extents.len());
    let mut left = 0.0;
    for (low, high) in &extents {
        lefts.push(left - low);
        left += (high - low).max(0.0) + NODE.x + COLUMN_GAP;
    }
    let place_one = |((item, &rank), &x): ((&Item, &usize), &f32)| {
        let column = column_of(rank);
        let row = rank - cuts.get(column).map_or(0, |c| c.start);
        let is_low = matches!(item, Item::Input(_) | Item::Output(_));
        let height = if is_low { IO_HEIGHT } else { NODE.y };
        let centre = pos2(lefts[column] + x + NODE.x / 2.0, row as f32 * PITCH + NODE.y / 2.0);
        // Boxes of inputs and outputs are lower: they keep the usual gap to their neighbour.
        let shift = match item {
            Item::Input(_) => (NODE.y - IO_HEIGHT) / 2.0,
            Item::Output(_) => (IO_HEIGHT - NODE.y) / 2.0,
            Item::Node(_) | Item::Block(_) => 0.0,
        };
        Placed { item: *item, rect: Rect::from_center_size(centre + vec2(0.0, shift), vec2(NODE.x, height)), column, rank }
    };
    items.iter().zip(&ranked.ranks).zip(&ranked.xs).map(place_one).collect()
}

fn brackets(net: &Net, placed: &[Placed]) -> Vec<Bracket> {
    let mut all = Vec::new();
    for (number, block) in net.blocks.iter().enumerate() {
        let boxes = &net.box_of_node[block.nodes.clone()];
        if boxes.first().is_some_and(|&i| matches!(net.items[i], Item::Block(_))) {
            continue;
        }
        let mut columns: Vec<(usize, Rect)> = Vec::new();
        for &i in boxes {
            let Placed { rect, column, .. } = placed[i];
            match columns.iter_mut().find(|(known, _)| *known == column) {
                Some((_, around)) => *around = around.union(rect),
                None => columns.push((column, rect)),
            }
        }
        columns.sort_by_key(|(column, _)| *column);
        all.extend(columns.iter().enumerate().map(|(at, (_, around))| Bracket {
            block: number,
            top: around.left_top() - vec2(BRACKET_GAP, 0.0),
            bottom: around.left_bottom() - vec2(BRACKET_GAP, 0.0),
            is_first: at == 0,
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::graph_view::test_nets::{Kind, branches, chain_of, chain_with_skip, dead_ends};

    fn open(graph: &Graph, canvas: Vec2) -> Layout {
        layout(graph, &BTreeSet::new(), canvas, &Cancel::new()).unwrap()
    }

    fn overlaps(layout: &Layout) -> usize {
        let apart = |i: usize| layout.box_index.meeting(layout.placed[i].rect.shrink(1.0)).len() - 1;
        (0..layout.placed.len()).map(apart).sum()
    }

    #[test]
    fn a_long_chain_wraps_into_columns_on_a_wide_canvas() {
        let wide = open(&chain_of(&[Kind::Mean; 13]), vec2(755.0, 455.0));
        assert!(wide.placed.iter().any(|p| p.column >= 2), "13 nodes on a wide canvas take three columns");
        let tall = open(&chain_of(&[Kind::Mean; 4]), vec2(300.0, 900.0));
        assert!(tall.placed.iter().all(|p| p.column == 0));
        assert_eq!(overlaps(&wide) + overlaps(&tall), 0);
    }

    #[test]
    fn edges_point_down_within_a_column() {
        let laid_out = open(&chain_with_skip(13, 3, 6), vec2(755.0, 455.0));
        for edge in &laid_out.edges {
            let (from, to) = (&laid_out.placed[edge.from], &laid_out.placed[edge.to]);
            assert!(from.rank < to.rank);
            assert!(from.column < to.column || from.rect.bottom() < to.rect.top());
        }
        assert_eq!(laid_out.edges.iter().filter(|e| e.is_skip).count(), 1);
    }

    #[test]
    fn large_and_empty_graphs_are_laid_out() {
        let large = open(&chain_with_skip(2000, 10, 1900), vec2(800.0, 500.0));
        assert_eq!(large.placed.len(), 2002);
        assert!(large.bounds.is_finite());
        assert!(open(&Graph::default(), vec2(800.0, 500.0)).placed.is_empty());
    }

    #[test]
    fn five_thousand_nodes_are_laid_out_the_same_way_each_time_and_do_not_overlap() {
        for graph in [branches(5000), dead_ends(5000), chain_with_skip(5000, 40, 90)] {
            let first = open(&graph, vec2(900.0, 560.0));
            assert_eq!(first, open(&graph, vec2(900.0, 560.0)));
            assert_eq!(overlaps(&first), 0);
            let shape = first.bounds.size();
            assert!(shape.x / shape.y > 0.3 && shape.x / shape.y < 6.0, "about as wide as the canvas: {shape:?}");
        }
    }

    #[test]
    fn blocks_have_brackets_until_they_are_collapsed() {
        use Kind::{Conv, Depthwise, Mean, Pointwise};
        let graph = chain_of(&[Conv, Depthwise, Pointwise, Depthwise, Pointwise, Depthwise, Pointwise, Mean]);
        let open = open(&graph, vec2(300.0, 900.0));
        assert_eq!((open.blocks.len(), open.brackets.len()), (3, 3));
        let first = &open.brackets[0];
        assert!(first.top.x < open.placed[1].rect.left());
        assert_eq!((first.top.y, first.bottom.y), (open.placed[1].rect.top(), open.placed[2].rect.bottom()));
        let collapsed = BTreeSet::from(["n3".to_owned()]);
        let closed = layout(&graph, &collapsed, vec2(300.0, 900.0), &Cancel::new()).unwrap();
        assert_eq!(closed.brackets.iter().map(|b| b.block).collect::<Vec<_>>(), [0, 2]);
        assert!(closed.is_collapsed(1) && !closed.is_collapsed(0));
        assert_eq!(closed.box_of(NodeId::new(4)), closed.box_of(NodeId::new(3)));
    }
}
