//! Lines between boxes: straight down to the next, around the others by a lane at the side, over the top into the next column.

use std::collections::{HashMap, HashSet};

use eframe::egui::{Pos2, Rect, pos2, vec2};
use tinsmith_core::progress::{Cancel, Cancelled};

use super::layout::{COLUMN_GAP, Edge, Label, NODE_GAP, Placed};
use super::net::Link;

/// A residual leaves the column's right side by this much; the next one by [`LANE`] more.
const SKIP_OFFSET: f32 = 18.0;
const LANE: f32 = 9.0;
const LANES: usize = 6;

/// Routes all edges.
///
/// # Errors
/// [`Cancelled`] once nobody wants the layout any more.
pub(super) fn route(placed: &[Placed], links: &[Link], cancel: &Cancel) -> Result<Vec<Edge>, Cancelled> {
    let mut router = Router::new(placed);
    let mut labelled = HashSet::new();
    let mut edges = Vec::with_capacity(links.len());
    for (i, link) in links.iter().enumerate() {
        if i % 256 == 0 {
            cancel.check()?;
        }
        let mut edge = router.edge(*link);
        // What a lane keeps alive is said there, even if the shape stands elsewhere.
        edge.label = edge.label.filter(|label| matches!(label, Label::Along(_)) || labelled.insert(edge.tensor));
        edges.push(edge);
    }
    Ok(edges)
}

/// What is known of a column.
#[derive(Clone)]
struct Column {
    right: f32,
    first_rank: usize,
    /// Boxes of each rank, from `first_rank` on.
    rows: Vec<Vec<usize>>,
}

struct Router<'a> {
    placed: &'a [Placed],
    columns: Vec<Column>,
    top: f32,
    lanes: Lanes,
}

type Routed = (Vec<Pos2>, Label, bool);

impl<'a> Router<'a> {
    fn new(placed: &'a [Placed]) -> Self {
        let n_columns = placed.iter().map(|p| p.column + 1).max().unwrap_or(0);
        let mut columns = vec![Column { right: f32::MIN, first_rank: usize::MAX, rows: Vec::new() }; n_columns];
        for p in placed {
            let column = &mut columns[p.column];
            column.right = column.right.max(p.rect.right());
            column.first_rank = column.first_rank.min(p.rank);
        }
        for (i, p) in placed.iter().enumerate() {
            let column = &mut columns[p.column];
            let row = p.rank - column.first_rank;
            if column.rows.len() <= row {
                column.rows.resize(row + 1, Vec::new());
            }
            column.rows[row].push(i);
        }
        // A column that holds nothing still has an edge to pass by.
        for i in 0..n_columns {
            if columns[i].rows.is_empty() {
                (columns[i].right, columns[i].first_rank) = (i.checked_sub(1).map_or(0.0, |before| columns[before].right), 0);
            }
        }
        let top = placed.iter().map(|p| p.rect.top()).fold(f32::MAX, f32::min);
        Self { placed, columns, top, lanes: Lanes::default() }
    }

    fn edge(&mut self, link: Link) -> Edge {
        let placed = self.placed;
        let (from, to) = (&placed[link.from], &placed[link.to]);
        let (corners, label, is_skip) = if from.column != to.column {
            self.across(from, to)
        } else if let Some(corners) = self.straight(from, to) {
            let turn = corners[corners.len() - 2].y.max(from.rect.bottom());
            let middle = pos2(to.rect.center().x + 6.0, (turn + to.rect.top()) / 2.0);
            (corners, Label::RightOf(middle), false)
        } else {
            self.beside(from, to)
        };
        Edge { from: link.from, to: link.to, tensor: link.tensor, corners, label: Some(label), is_skip }
    }

    /// Boxes of a column in ranks from one to another, both ends excluded.
    fn between(&self, column: usize, after: usize, before: usize) -> impl Iterator<Item = &Placed> {
        let column = &self.columns[column];
        let first = (after + 1).saturating_sub(column.first_rank).min(column.rows.len());
        let last = before.saturating_sub(column.first_rank).clamp(first, column.rows.len());
        column.rows[first..last].iter().flatten().map(|&i| &self.placed[i])
    }

    /// Down from the box, over to the target's middle just above it, and in: if no box is in the way.
    fn straight(&self, from: &Placed, to: &Placed) -> Option<Vec<Pos2>> {
        let (start, end) = (from.rect.center_bottom(), to.rect.center_top());
        if end.y < start.y {
            return None;
        }
        let turn = end.y - NODE_GAP / 2.0;
        let shaft = Rect::from_two_pos(start, pos2(start.x, turn)).expand2(vec2(4.0, -1.0));
        if self.between(from.column, from.rank, to.rank).any(|p| p.rect.intersects(shaft)) {
            return None;
        }
        if (start.x - end.x).abs() < 1.0 {
            return Some(vec![start, end]);
        }
        Some(vec![start, pos2(start.x, turn), pos2(end.x, turn), end])
    }

    /// Around the right side of the boxes between.
    fn beside(&mut self, from: &Placed, to: &Placed) -> Routed {
        let ends = from.rect.right().max(to.rect.right());
        let right = self.between(from.column, from.rank, to.rank).map(|p| p.rect.right()).fold(ends, f32::max);
        let lane = self.lanes.take(Side::Right(from.column), from.rank, to.rank);
        let x = right + SKIP_OFFSET + lane as f32 * LANE;
        let start = from.rect.center_bottom();
        let turn = start.y + NODE_GAP * 0.2;
        let end = to.rect.right_center();
        let label = Label::Along(pos2(x + 8.0, (turn + end.y) / 2.0));
        (vec![start, pos2(start.x, turn), pos2(x, turn), pos2(x, end.y), end], label, true)
    }

    /// Into another column: along the gutter before it, in from above for the next node, from the left for a residual.
    fn across(&mut self, from: &Placed, to: &Placed) -> Routed {
        let start = from.rect.center_bottom();
        let is_next = to.rank == from.rank + 1;
        let lane = if is_next { 0.0 } else { 1.0 + self.lanes.take(Side::Left(to.column), from.rank, to.rank) as f32 };
        let gutter = |column: usize| self.columns[column].right + COLUMN_GAP * 0.62 - lane * LANE * 0.6;
        let below = start.y + NODE_GAP / 2.0;
        let x = gutter(from.column);
        let mut corners = vec![start, pos2(start.x, below), pos2(x, below)];
        let label = Label::LeftOf(pos2(start.x - 6.0, start.y + 10.0));
        let last_gutter = gutter(to.column.saturating_sub(1));
        if to.column > from.column + 1 || to.column < from.column {
            let over = self.top - NODE_GAP - lane * LANE;
            corners.extend([pos2(x, over), pos2(last_gutter, over)]);
        }
        let is_top = self.columns[to.column].first_rank == to.rank;
        if is_next && is_top {
            let above = to.rect.top() - NODE_GAP * 0.6;
            corners.extend([pos2(last_gutter, above), pos2(to.rect.center().x, above), to.rect.center_top()]);
        } else {
            corners.extend([pos2(last_gutter, to.rect.center().y), to.rect.left_center()]);
        }
        (corners, label, !is_next)
    }
}

/// The side of a column along which lanes run.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Left(usize),
    Right(usize),
}

/// Which lanes are taken: for each side, lane by lane, ranges of ranks.
#[derive(Default)]
struct Lanes(HashMap<Side, [Vec<(usize, usize)>; LANES]>);

impl Lanes {
    /// The innermost lane that is free from one rank to another; shared once all are taken.
    fn take(&mut self, side: Side, a: usize, b: usize) -> usize {
        let (from, to) = (a.min(b), a.max(b));
        let lanes = self.0.entry(side).or_default();
        let is_free = |taken: &Vec<(usize, usize)>| !taken.iter().any(|&(f, t)| f < to && from < t);
        match lanes.iter().position(is_free) {
            Some(lane) => {
                lanes[lane].push((from, to));
                lane
            }
            None => LANES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_shared_only_by_what_does_not_meet() {
        let mut lanes = Lanes::default();
        let side = Side::Right(0);
        assert_eq!(lanes.take(side, 0, 5), 0);
        assert_eq!(lanes.take(side, 2, 4), 1);
        assert_eq!(lanes.take(side, 5, 9), 0);
        assert_eq!(lanes.take(Side::Left(0), 0, 5), 0);
        for _ in 0..20 {
            lanes.take(side, 0, 9);
        }
        assert_eq!(lanes.take(side, 0, 9), LANES);
    }
}
