//! Where nodes and edges lie: a pure function of a graph and the canvas it should fill.
//!
//! Ranks and crossings are found by `rust-sugiyama`; long chains are then cut into columns side by side, so that they fill a wide
//! canvas, and edges are routed by [`super::route`]. Takes tens of milliseconds for thousands of nodes: run it on the worker.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};
use rust_sugiyama::configure::Config;
use tinsmith_core::graph::{Graph, NodeId, TensorId};

use super::route;

/// Size of a node's box.
pub const NODE: Vec2 = vec2(204.0, 48.0);
/// Height of the boxes of inputs and outputs.
pub const IO_HEIGHT: f32 = 28.0;
/// Between a box and the next below.
pub const NODE_GAP: f32 = 34.0;
/// Between columns.
pub const COLUMN_GAP: f32 = 78.0;
/// Edges over more ranks than this are left out of the rank search, whose time grows with their length.
const LONG_EDGE_RANKS: usize = 30;
const MAX_COLUMNS: usize = 40;
/// So many boxes are looked at to tell whether an edge passes by others.
const MAX_BYPASSED: usize = 200;
const PITCH: f32 = NODE.y + NODE_GAP;

/// Something with a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A node.
    Node(NodeId),
    /// An input of the model.
    Input(TensorId),
    /// An output of the model.
    Output(TensorId),
}

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
    /// The line, corners rounded.
    pub points: Vec<Pos2>,
    /// Where the tensor's shape is written, and whether to the left of that point; once for each tensor.
    pub label: Option<(Pos2, bool)>,
    /// Passes by other nodes: drawn quietly.
    pub is_skip: bool,
}

/// A graph laid out. Boxes of nodes come first, in the graph's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// All boxes.
    pub placed: Vec<Placed>,
    /// All edges.
    pub edges: Vec<Edge>,
    /// Around everything.
    pub bounds: Rect,
}

/// An edge before it is routed: boxes and what flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub from: usize,
    pub to: usize,
    pub tensor: TensorId,
}

/// Lays out a graph for a canvas of the given size.
pub fn layout(graph: &Graph, canvas: Vec2) -> Layout {
    let items = items_of(graph);
    let links = links_of(graph, &items);
    let longest = longest_path_ranks(items.len(), &links);
    let (ranks, xs) = ranked(items.len(), &links, &longest);
    let n_ranks = ranks.iter().max().map_or(0, |r| r + 1);
    let width = xs.iter().fold(0.0f32, |w, x| w.max(x.abs())) * 2.0 + NODE.x;
    let cuts = cut_into_columns(n_ranks, columns_that_fit(n_ranks, width, canvas), &links, &ranks);
    let placed = place(&items, &ranks, &xs, &cuts);
    let edges = route::route(&placed, &links);
    let bounds = placed
        .iter()
        .map(|p| p.rect)
        .chain(edges.iter().map(|e| Rect::from_points(&e.points)))
        .reduce(Rect::union)
        .unwrap_or(Rect::from_min_size(Pos2::ZERO, NODE));
    Layout { placed, edges, bounds }
}

fn items_of(graph: &Graph) -> Vec<Item> {
    let nodes = graph.node_ids().map(Item::Node);
    let inputs = graph.inputs.iter().map(|&t| Item::Input(t));
    let outputs = graph.outputs.iter().map(|&t| Item::Output(t));
    nodes.chain(inputs).chain(outputs).collect()
}

fn links_of(graph: &Graph, items: &[Item]) -> Vec<Link> {
    let mut makers: Vec<Option<usize>> = graph.producers().iter().map(|p| p.map(NodeId::index)).collect();
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
        links.extend(consumers[t].iter().map(|n| Link { from, to: n.index(), tensor }));
    }
    for (i, item) in items.iter().enumerate() {
        if let Item::Output(t) = item
            && let Some(from) = makers[t.index()]
        {
            links.push(Link { from, to: i, tensor: *t });
        }
    }
    links.retain(|l| l.from != l.to);
    links
}

/// For each box the length of the longest way to it. Nodes stand in execution order, but inputs come after them in the list, so
/// this sweeps until nothing moves (twice, as a rule) and never more often than there are boxes.
fn longest_path_ranks(n: usize, links: &[Link]) -> Vec<usize> {
    let mut ranks = vec![0; n];
    for _ in 0..n {
        let mut moved = false;
        for link in links {
            if ranks[link.to] <= ranks[link.from] && ranks[link.from] < n {
                ranks[link.to] = ranks[link.from] + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    ranks
}

/// Rank and horizontal position of each box. Falls back to the longest path in one row per rank if the library cannot cope.
fn ranked(n: usize, links: &[Link], longest: &[usize]) -> (Vec<usize>, Vec<f32>) {
    let incoming = incoming(n, links);
    let span = |l: &Link| longest[l.to].saturating_sub(longest[l.from]);
    // A residual passes by what it is added to: left out here, it keeps the chain straight and takes a lane at its side.
    let short: Vec<(u32, u32)> = links
        .iter()
        .filter(|l| span(l) <= 1 || (span(l) <= LONG_EDGE_RANKS && !is_bypass(l, &incoming, longest)))
        .map(|l| (l.from as u32, l.to as u32))
        .collect();
    let vertices: Vec<(u32, (f64, f64))> = (0..n as u32).map(|i| (i, (f64::from(NODE.x), f64::from(NODE.y)))).collect();
    let config = Config { vertex_spacing: f64::from(NODE_GAP), ..Config::default() };
    // The library indexes without checks in places; a graph that trips it is still shown.
    let laid_out = catch_unwind(AssertUnwindSafe(|| rust_sugiyama::from_vertices_and_edges(&vertices, &short, &config)));
    match laid_out {
        Ok(components) if components.iter().map(|c| c.0.len()).sum::<usize>() == n => from_components(n, components),
        _ => rows(longest),
    }
}

/// For each box those that feed it.
fn incoming(n: usize, links: &[Link]) -> Vec<Vec<usize>> {
    let mut incoming = vec![Vec::new(); n];
    for link in links {
        incoming[link.to].push(link.from);
    }
    incoming
}

/// Whether there is a longer way from one end of the link to the other. Gives up on wide neighbourhoods: then it is laid out like
/// any other.
fn is_bypass(link: &Link, incoming: &[Vec<usize>], longest: &[usize]) -> bool {
    let mut open: Vec<usize> = incoming[link.to].iter().copied().filter(|&m| m != link.from).collect();
    let mut seen = std::collections::HashSet::new();
    while let Some(at) = open.pop() {
        if at == link.from {
            return true;
        }
        if longest[at] > longest[link.from] && seen.insert(at) {
            open.extend(&incoming[at]);
        }
        if seen.len() > MAX_BYPASSED {
            return false;
        }
    }
    false
}

/// What the library returns for a connected part: boxes with their positions, width and height.
type Component = (Vec<(usize, (f64, f64))>, f64, f64);

/// Puts the library's components beside one another, centred around 0, and turns their heights into ranks.
fn from_components(n: usize, components: Vec<Component>) -> (Vec<usize>, Vec<f32>) {
    let (mut ranks, mut xs) = (vec![0; n], vec![0.0f32; n]);
    let mut left = 0.0;
    for (positions, _, _) in components {
        let mut heights: Vec<i64> = positions.iter().map(|(_, (_, y))| y.round() as i64).collect();
        heights.sort_unstable();
        heights.dedup();
        let min_x = positions.iter().map(|(_, (x, _))| *x).fold(f64::INFINITY, f64::min);
        let max_x = positions.iter().map(|(_, (x, _))| *x).fold(f64::NEG_INFINITY, f64::max);
        for (i, (x, y)) in &positions {
            ranks[*i] = heights.binary_search(&(y.round() as i64)).unwrap_or(0);
            xs[*i] = (x - min_x) as f32 + left;
        }
        left += (max_x - min_x) as f32 + NODE.x + COLUMN_GAP;
    }
    let (low, high) = xs.iter().fold((f32::MAX, f32::MIN), |(l, h), &x| (l.min(x), h.max(x)));
    for x in &mut xs {
        *x -= (low + high) / 2.0;
    }
    (ranks, xs)
}

fn rows(longest: &[usize]) -> (Vec<usize>, Vec<f32>) {
    let mut taken = vec![0usize; longest.iter().max().map_or(0, |m| m + 1)];
    let xs = longest
        .iter()
        .map(|&rank| {
            taken[rank] += 1;
            (taken[rank] - 1) as f32 * (NODE.x + NODE_GAP)
        })
        .collect();
    (longest.to_vec(), xs)
}

/// The number of columns with which the picture can be shown largest.
fn columns_that_fit(n_ranks: usize, width: f32, canvas: Vec2) -> usize {
    let scale = |columns: usize| {
        let rows = n_ranks.div_ceil(columns) as f32;
        let w = columns as f32 * (width + COLUMN_GAP) + COLUMN_GAP / 2.0;
        let h = rows * PITCH + 2.0 * NODE_GAP;
        // Nothing is ever shown larger than life, so columns beyond that only scatter the picture.
        (canvas.x / w).min(canvas.y / h).min(1.0)
    };
    let most = n_ranks.clamp(1, MAX_COLUMNS);
    (1..=most).reduce(|best, n| if scale(n) > scale(best) * 1.001 { n } else { best }).unwrap_or(1)
}

/// Ranges of ranks, one a column: about equally long, cut where few edges cross.
fn cut_into_columns(n_ranks: usize, columns: usize, links: &[Link], ranks: &[usize]) -> Vec<Range<usize>> {
    let mut crossing = vec![0usize; n_ranks + 1];
    for link in links {
        let (low, high) = (ranks[link.from].min(ranks[link.to]), ranks[link.from].max(ranks[link.to]));
        for cut in &mut crossing[low + 1..=high] {
            *cut += 1;
        }
    }
    let mut cuts = Vec::with_capacity(columns);
    let mut start = 0;
    for column in 0..columns {
        let left = columns - column;
        let length = (n_ranks - start).div_ceil(left);
        let end = if left == 1 {
            n_ranks
        } else {
            let slack = (length / 5).max(1);
            let from = (start + length).saturating_sub(slack).max(start + 1);
            let to = (start + length + slack).min(n_ranks);
            let ideal = start + length;
            (from..=to).min_by_key(|&cut| (crossing[cut] * 2 + cut.abs_diff(ideal), cut)).unwrap_or(ideal)
        };
        cuts.push(start..end);
        start = end.min(n_ranks);
    }
    cuts.retain(|c| !c.is_empty());
    cuts
}

fn place(items: &[Item], ranks: &[usize], xs: &[f32], cuts: &[Range<usize>]) -> Vec<Placed> {
    let column_of = |rank: usize| cuts.iter().position(|c| c.contains(&rank)).unwrap_or(0);
    // Each column is as wide as its own nodes need.
    let mut extents = vec![(f32::MAX, f32::MIN); cuts.len().max(1)];
    for (&rank, &x) in ranks.iter().zip(xs) {
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
        let height = if matches!(item, Item::Node(_)) { NODE.y } else { IO_HEIGHT };
        let centre = pos2(lefts[column] + x + NODE.x / 2.0, row as f32 * PITCH + NODE.y / 2.0);
        // Boxes of inputs and outputs are lower: they keep the usual gap to their neighbour.
        let shift = match item {
            Item::Input(_) => (NODE.y - IO_HEIGHT) / 2.0,
            Item::Output(_) => (IO_HEIGHT - NODE.y) / 2.0,
            Item::Node(_) => 0.0,
        };
        Placed { item: *item, rect: Rect::from_center_size(centre + vec2(0.0, shift), vec2(NODE.x, height)), column, rank }
    };
    items.iter().zip(ranks).zip(xs).map(place_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinsmith_core::graph::Node;
    use tinsmith_core::ops::{Op, Softmax};
    use tinsmith_core::tensor::{ElementType, Tensor};

    /// A chain of `n` nodes; node `skip.0` is also read by node `skip.1`.
    fn chain(n: usize, skip: Option<(usize, usize)>) -> Graph {
        let mut graph = Graph::default();
        let mut last = graph.add_tensor(Tensor::activation("in", ElementType::F32, [1, 4]));
        graph.inputs.push(last);
        let mut outputs = vec![];
        for i in 0..n {
            let out = graph.add_tensor(Tensor::activation(format!("t{i}"), ElementType::F32, [1, 4]));
            let mut inputs = vec![Some(last)];
            if let Some((from, to)) = skip
                && to == i
            {
                inputs.push(Some(outputs[from]));
            }
            graph.nodes.push(Node {
                name: format!("n{i}"),
                op: Op::Softmax(Softmax { beta: 1.0 }),
                inputs,
                outputs: vec![out],
                sources: vec![],
            });
            outputs.push(out);
            last = out;
        }
        graph.outputs.push(last);
        graph
    }

    fn overlaps(layout: &Layout) -> usize {
        let rects: Vec<Rect> = layout.placed.iter().map(|p| p.rect).collect();
        let pairs = rects.iter().enumerate().flat_map(|(i, a)| rects[i + 1..].iter().map(move |b| (a, b)));
        pairs.filter(|(a, b)| a.shrink(1.0).intersects(b.shrink(1.0))).count()
    }

    #[test]
    fn a_long_chain_wraps_into_columns_on_a_wide_canvas() {
        let wide = layout(&chain(13, None), vec2(755.0, 455.0));
        assert!(wide.placed.iter().any(|p| p.column >= 2), "13 nodes on a wide canvas take three columns");
        let tall = layout(&chain(4, None), vec2(300.0, 900.0));
        assert!(tall.placed.iter().all(|p| p.column == 0));
        assert_eq!(overlaps(&wide) + overlaps(&tall), 0);
    }

    #[test]
    fn edges_point_down_within_a_column() {
        let laid_out = layout(&chain(13, Some((3, 6))), vec2(755.0, 455.0));
        for edge in &laid_out.edges {
            let (from, to) = (&laid_out.placed[edge.from], &laid_out.placed[edge.to]);
            assert!(from.rank < to.rank);
            assert!(from.column < to.column || from.rect.bottom() < to.rect.top());
        }
        assert_eq!(laid_out.edges.iter().filter(|e| e.is_skip).count(), 1);
    }

    #[test]
    fn large_and_empty_graphs_are_laid_out() {
        let large = layout(&chain(2000, Some((10, 1900))), vec2(800.0, 500.0));
        assert_eq!(large.placed.len(), 2002);
        assert!(large.bounds.is_finite());
        assert!(layout(&Graph::default(), vec2(800.0, 500.0)).placed.is_empty());
    }
}
