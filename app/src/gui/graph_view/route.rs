//! Lines between boxes: straight down to the next, around the others by a lane at the side, over the top into the next column.

use std::collections::HashSet;

use eframe::egui::{Pos2, Rect, pos2};

use super::layout::{COLUMN_GAP, Edge, Link, NODE_GAP, Placed};

/// A residual leaves the column's right side by this much; the next one by [`LANE`] more.
const SKIP_OFFSET: f32 = 18.0;
const LANE: f32 = 9.0;
const LANES: usize = 6;
const CORNER: f32 = 6.0;

/// Routes all edges.
pub(super) fn route(placed: &[Placed], links: &[Link]) -> Vec<Edge> {
    let mut lanes = Lanes::default();
    let mut edges: Vec<Edge> = links.iter().map(|link| route_one(placed, *link, &mut lanes)).collect();
    let mut labelled = HashSet::new();
    for edge in &mut edges {
        edge.label = edge.label.filter(|_| labelled.insert(edge.tensor));
    }
    edges
}

fn route_one(placed: &[Placed], link: Link, lanes: &mut Lanes) -> Edge {
    let (from, to) = (&placed[link.from], &placed[link.to]);
    let (points, label, is_skip) = if from.column != to.column {
        across(placed, from, to, lanes)
    } else if let Some(points) = straight(placed, from, to) {
        let middle = pos2(to.rect.center().x + 6.0, (points[points.len() - 2].y.max(from.rect.bottom()) + to.rect.top()) / 2.0);
        (points, (middle, false), false)
    } else {
        let (points, label) = beside(placed, from, to, lanes);
        (points, (label, false), true)
    };
    Edge { from: link.from, to: link.to, tensor: link.tensor, points: rounded(&points), label: Some(label), is_skip }
}

/// Down from the box, over to the target's middle just above it, and in: if no box is in the way.
fn straight(placed: &[Placed], from: &Placed, to: &Placed) -> Option<Vec<Pos2>> {
    let (start, end) = (from.rect.center_bottom(), to.rect.center_top());
    if end.y < start.y {
        return None;
    }
    let turn = end.y - NODE_GAP / 2.0;
    let shaft = Rect::from_two_pos(start, pos2(start.x, turn)).expand2(eframe::egui::vec2(4.0, -1.0));
    let blocked = to.rank > from.rank + 1 && placed.iter().any(|p| p.column == from.column && p.rect.intersects(shaft));
    if blocked {
        return None;
    }
    if (start.x - end.x).abs() < 1.0 {
        return Some(vec![start, end]);
    }
    Some(vec![start, pos2(start.x, turn), pos2(end.x, turn), end])
}

/// Around the right side of the boxes between.
fn beside(placed: &[Placed], from: &Placed, to: &Placed, lanes: &mut Lanes) -> (Vec<Pos2>, Pos2) {
    let between = |p: &&Placed| p.column == from.column && p.rank >= from.rank && p.rank <= to.rank;
    let right = placed.iter().filter(between).map(|p| p.rect.right()).fold(f32::MIN, f32::max);
    let lane = lanes.take(from.column, from.rank, to.rank);
    let x = right + SKIP_OFFSET + lane as f32 * LANE;
    let start = from.rect.center_bottom();
    let turn = start.y + NODE_GAP * 0.2;
    let end = to.rect.right_center();
    (vec![start, pos2(start.x, turn), pos2(x, turn), pos2(x, end.y), end], pos2(x + 6.0, (turn + end.y) / 2.0))
}

type Routed = (Vec<Pos2>, (Pos2, bool), bool);

/// Into another column: along the gutter before it, in from above for the next node, from the left for a residual.
fn across(placed: &[Placed], from: &Placed, to: &Placed, lanes: &mut Lanes) -> Routed {
    let start = from.rect.center_bottom();
    let is_next = to.rank == from.rank + 1;
    let lane = if is_next { 0.0 } else { 1.0 + lanes.take(usize::MAX - to.column, from.rank, to.rank) as f32 };
    let column_right =
        |column: usize| placed.iter().filter(|p| p.column == column).map(|p| p.rect.right()).fold(f32::MIN, f32::max);
    let top = placed.iter().map(|p| p.rect.top()).fold(f32::MAX, f32::min);
    let gutter = |column: usize| column_right(column) + COLUMN_GAP * 0.62 - lane * LANE * 0.6;
    let below = start.y + NODE_GAP / 2.0;
    let x = gutter(from.column);
    let mut points = vec![start, pos2(start.x, below), pos2(x, below)];
    let label = (pos2(start.x - 6.0, start.y + 10.0), true);
    let last_gutter = gutter(to.column.saturating_sub(1));
    if to.column > from.column + 1 || to.column < from.column {
        let over = top - NODE_GAP - lane * LANE;
        points.extend([pos2(x, over), pos2(last_gutter, over)]);
    }
    let is_top = !placed.iter().any(|p| p.column == to.column && p.rank < to.rank);
    if is_next && is_top {
        let above = to.rect.top() - NODE_GAP * 0.6;
        points.extend([pos2(last_gutter, above), pos2(to.rect.center().x, above), to.rect.center_top()]);
    } else {
        points.extend([pos2(last_gutter, to.rect.center().y), to.rect.left_center()]);
    }
    (points, label, !is_next)
}

/// Which lanes at a column's side are taken, by ranks.
#[derive(Default)]
struct Lanes(Vec<(usize, usize, usize, usize)>);

impl Lanes {
    /// The innermost lane that is free from one rank to another; shared once all are taken.
    fn take(&mut self, column: usize, from: usize, to: usize) -> usize {
        let taken = |lane: usize| self.0.iter().any(|&(c, f, t, l)| c == column && l == lane && f < to && from < t);
        let lane = (0..LANES).find(|&lane| !taken(lane)).unwrap_or(LANES);
        self.0.push((column, from, to, lane));
        lane
    }
}

/// A polyline with its corners rounded.
fn rounded(points: &[Pos2]) -> Vec<Pos2> {
    let mut out = Vec::with_capacity(points.len() * 4);
    for (i, &corner) in points.iter().enumerate() {
        let (Some(&before), Some(&after)) = (i.checked_sub(1).and_then(|j| points.get(j)), points.get(i + 1)) else {
            out.push(corner);
            continue;
        };
        let radius = CORNER.min(before.distance(corner) / 2.0).min(after.distance(corner) / 2.0);
        let (start, end) = (corner + (before - corner).normalized() * radius, corner + (after - corner).normalized() * radius);
        // A quadratic curve with the corner as its handle.
        for step in 0..=4 {
            let t = step as f32 / 4.0;
            out.push(start.lerp(corner, t).lerp(corner.lerp(end, t), t));
        }
    }
    out
}
