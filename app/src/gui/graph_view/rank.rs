//! How far down and how far across each box stands, before the picture is cut into columns.
//!
//! Down: the length of the longest way to it. Across: `rust-sugiyama`, asked piece by piece. A net has many places where everything
//! flows through one box; between two of them lies a piece that can be laid out alone, and equal pieces are laid out once. That keeps
//! each call short, so a cancelled layout stops soon, and keeps blocks from drifting sideways.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rust_sugiyama::configure::{Config, RankingType};
use tinsmith_core::progress::{Cancel, Cancelled};

use super::layout::{COLUMN_GAP, NODE, NODE_GAP};
use super::net::{Link, Net};
use super::relax::{Relaxing, is_scattered};

/// Edges over more ranks than this are left out of the search, whose time grows with their length.
const LONG_EDGE_RANKS: usize = 30;
/// So many boxes are looked at to tell whether an edge passes by others.
const MAX_BYPASSED: usize = 200;
/// Pieces beyond this are not searched for the swaps of neighbours that save crossings.
const MAX_TRANSPOSED: usize = 600;
/// Pieces beyond this are put in rows by the middle of what feeds them: the library would take seconds.
const MAX_PIECE: usize = 40_000;
const ROW_SWEEPS: usize = 4;

/// Ranks and horizontal positions.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    pub(super) ranks: Vec<usize>,
    pub(super) xs: Vec<f32>,
    pub(super) n_ranks: usize,
    /// Of a column that any rank fits into.
    pub(super) width: f32,
}

/// Finds rank and horizontal position of each box.
///
/// # Errors
/// [`Cancelled`] once nobody wants the layout any more.
pub fn rank(net: &Net, cancel: &Cancel) -> Result<Ranked, Cancelled> {
    let n = net.items.len();
    let (mut ranks, links) = longest_ways(net);
    let n_ranks = ranks.iter().max().map_or(0, |r| r + 1);
    let kept = short_links(n, &links, &ranks, cancel)?;
    let mut xs = vec![0.0f32; n];
    let mut pieces = Pieces::new(&ranks, &kept, n_ranks);
    for (range, members) in std::mem::take(&mut pieces.pieces) {
        cancel.check()?;
        pieces.place(range, &members, &mut ranks, &mut xs, cancel)?;
    }
    let width = xs.iter().fold(0.0f32, |w, x| w.max(x.abs())) * 2.0 + NODE.x;
    Ok(Ranked { n_ranks, ranks, xs, width })
}

/// For each box the length of the longest way to it, and the links that point forward. A box that nothing feeds stands just above
/// what it feeds.
fn longest_ways(net: &Net) -> (Vec<usize>, Vec<Link>) {
    let n = net.items.len();
    let order = net.order();
    let mut position = vec![0; n];
    order.iter().enumerate().for_each(|(at, &i)| position[i] = at);
    // Only a damaged graph has links against the order; they are drawn, but do not count here.
    let mut links: Vec<Link> = net.links.iter().copied().filter(|l| position[l.from] < position[l.to]).collect();
    links.sort_by_key(|l| (position[l.from], position[l.to]));
    let mut ranks = vec![0; n];
    for link in &links {
        ranks[link.to] = ranks[link.to].max(ranks[link.from] + 1);
    }
    let mut latest = vec![usize::MAX; n];
    let mut is_fed = vec![false; n];
    for link in &links {
        latest[link.from] = latest[link.from].min(ranks[link.to]);
        is_fed[link.to] = true;
    }
    for i in (0..n).filter(|&i| !is_fed[i] && latest[i] != usize::MAX) {
        ranks[i] = latest[i].saturating_sub(1);
    }
    (ranks, links)
}

/// Links that shape the picture. A residual passes by what it is added to: left out, it keeps the chain straight and takes a lane
/// at its side.
fn short_links(n: usize, links: &[Link], ranks: &[usize], cancel: &Cancel) -> Result<Vec<(usize, usize)>, Cancelled> {
    let mut incoming = vec![Vec::new(); n];
    links.iter().for_each(|l| incoming[l.to].push(l.from));
    let mut bypasses = Bypasses { incoming: &incoming, ranks, seen: vec![usize::MAX; n] };
    let mut kept = Vec::with_capacity(links.len());
    for (i, link) in links.iter().enumerate() {
        if i % 256 == 0 {
            cancel.check()?;
        }
        let span = ranks[link.to].saturating_sub(ranks[link.from]);
        if span == 1 || (span > 1 && span <= LONG_EDGE_RANKS && !bypasses.is_bypass(i, link)) {
            kept.push((link.from, link.to));
        }
    }
    kept.sort_unstable();
    kept.dedup();
    Ok(kept)
}

struct Bypasses<'a> {
    incoming: &'a [Vec<usize>],
    ranks: &'a [usize],
    /// For each box the link for which it was last looked at.
    seen: Vec<usize>,
}

impl Bypasses<'_> {
    /// Whether there is a longer way from one end of the link to the other. Gives up on wide neighbourhoods: then it is laid out
    /// like any other.
    fn is_bypass(&mut self, number: usize, link: &Link) -> bool {
        let mut open: Vec<usize> = self.incoming[link.to].iter().copied().filter(|&m| m != link.from).collect();
        let mut looked_at = 0;
        while let Some(at) = open.pop() {
            if at == link.from {
                return true;
            }
            if self.ranks[at] > self.ranks[link.from] && self.seen[at] != number {
                self.seen[at] = number;
                looked_at += 1;
                open.extend(&self.incoming[at]);
            }
            if looked_at > MAX_BYPASSED {
                return false;
            }
        }
        false
    }
}

/// A piece's own net: ranks from its top, links among its boxes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Shape {
    ranks: Vec<usize>,
    links: Vec<(u32, u32)>,
}

/// Parts of a net between boxes that everything flows through, with what is known of their shapes.
struct Pieces {
    /// Ranks of a piece, both ends among them, and its boxes.
    pieces: Vec<(RangeInclusive<usize>, Vec<usize>)>,
    outgoing: Vec<Vec<usize>>,
    is_narrow: Vec<bool>,
    /// Place of a box in the piece at hand.
    local: Vec<u32>,
    known: HashMap<Shape, Vec<(usize, f32)>>,
}

impl Pieces {
    fn new(ranks: &[usize], kept: &[(usize, usize)], n_ranks: usize) -> Self {
        let is_narrow = narrow_ranks(ranks, kept, n_ranks);
        let mut rows = vec![Vec::new(); n_ranks];
        ranks.iter().enumerate().for_each(|(i, &rank)| rows[rank].push(i));
        let mut outgoing = vec![Vec::new(); ranks.len()];
        kept.iter().for_each(|&(from, to)| outgoing[from].push(to));
        let mut pieces = Vec::new();
        let mut top = 0;
        for rank in 1..n_ranks {
            if is_narrow[rank] || rank + 1 == n_ranks {
                let range = top..=rank;
                // A step of a chain is straight as it is.
                if rank > top + 1 || !is_narrow[rank] || !is_narrow[top] {
                    pieces.push((range.clone(), range.flat_map(|r| rows[r].iter().copied()).collect()));
                }
                top = rank;
            }
        }
        if n_ranks == 1 {
            pieces.push((0..=0, rows.swap_remove(0)));
        }
        Self { pieces, outgoing, is_narrow, local: vec![u32::MAX; ranks.len()], known: HashMap::new() }
    }

    fn place(
        &mut self,
        range: RangeInclusive<usize>,
        members: &[usize],
        ranks: &mut [usize],
        xs: &mut [f32],
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        let shape = self.shape_of(&range, members, ranks);
        let placed = match self.known.get(&shape) {
            Some(placed) => placed.clone(),
            None => {
                let placed = place_shape(&shape, cancel)?;
                self.known.insert(shape, placed.clone());
                placed
            }
        };
        let (top, bottom) = (*range.start(), *range.end());
        let is_end = |i: usize, ranks: &[usize]| {
            (ranks[i] == top && self.is_narrow[top]) || (ranks[i] == bottom && self.is_narrow[bottom])
        };
        let ends: Vec<f32> = (0..members.len()).filter(|&k| is_end(members[k], ranks)).map(|k| placed[k].1).collect();
        let (low, high) = extent(placed.iter().map(|p| p.1));
        // What everything flows through stays in line.
        let axis = if ends.is_empty() { (low + high) / 2.0 } else { ends.iter().sum::<f32>() / ends.len() as f32 };
        for (&i, &(rank, x)) in members.iter().zip(&placed) {
            if is_end(i, ranks) {
                xs[i] = 0.0;
            } else {
                xs[i] = x - axis;
                ranks[i] = (top + rank).min(bottom);
            }
        }
        Ok(())
    }

    fn shape_of(&mut self, range: &RangeInclusive<usize>, members: &[usize], ranks: &[usize]) -> Shape {
        let top = *range.start();
        members.iter().enumerate().for_each(|(k, &i)| self.local[i] = k as u32);
        let mut links = Vec::new();
        let mut is_fed = vec![false; members.len()];
        for (k, &i) in members.iter().enumerate() {
            for &to in &self.outgoing[i] {
                let to = self.local[to];
                if to != u32::MAX {
                    links.push((k as u32, to));
                    is_fed[to as usize] = true;
                }
            }
        }
        if self.is_narrow[top] {
            // Boxes that nothing in the piece feeds must not be put beside its top.
            let free = is_fed.iter().enumerate().skip(1).filter(|(_, fed)| !**fed);
            links.extend(free.map(|(k, _)| (0, k as u32)));
        }
        members.iter().for_each(|&i| self.local[i] = u32::MAX);
        Shape { ranks: members.iter().map(|&i| ranks[i] - top).collect(), links }
    }
}

/// Ranks that hold one box and that no kept link passes by.
fn narrow_ranks(ranks: &[usize], kept: &[(usize, usize)], n_ranks: usize) -> Vec<bool> {
    let mut held = vec![0usize; n_ranks];
    ranks.iter().for_each(|&rank| held[rank] += 1);
    let mut change = vec![0i64; n_ranks + 1];
    for &(from, to) in kept {
        change[ranks[from] + 1] += 1;
        change[ranks[to]] -= 1;
    }
    let mut passing = 0;
    held.iter()
        .zip(change)
        .map(|(&held, change)| {
            passing += change;
            held == 1 && passing == 0
        })
        .collect()
}

/// Rank and horizontal position of each box of a piece.
fn place_shape(shape: &Shape, cancel: &Cancel) -> Result<Vec<(usize, f32)>, Cancelled> {
    let n = shape.ranks.len();
    let spanned: usize =
        shape.links.iter().map(|&(from, to)| shape.ranks[to as usize].abs_diff(shape.ranks[from as usize])).sum();
    if n + spanned > MAX_PIECE {
        return rows(shape, cancel);
    }
    let vertices: Vec<(u32, (f64, f64))> = (0..n as u32).map(|i| (i, (f64::from(NODE.x), f64::from(NODE.y)))).collect();
    let config = Config {
        vertex_spacing: f64::from(NODE_GAP),
        // The default search for ranks takes half a minute for a thousand boxes with cross links.
        ranking_type: RankingType::Up,
        transpose: n + spanned <= MAX_TRANSPOSED,
        ..Config::default()
    };
    // The library indexes without checks in places; a graph that trips it is still shown.
    let laid_out = catch_unwind(AssertUnwindSafe(|| rust_sugiyama::from_vertices_and_edges(&vertices, &shape.links, &config)));
    match laid_out {
        Ok(parts) if parts.iter().map(|part| part.0.len()).sum::<usize>() == n => Ok(side_by_side(shape, parts)),
        _ => rows(shape, cancel),
    }
}

/// What the library returns for a connected part: boxes with their positions, width and height.
type Part = (Vec<(usize, (f64, f64))>, f64, f64);

/// Puts the library's parts beside one another and turns their heights into ranks.
fn side_by_side(shape: &Shape, parts: Vec<Part>) -> Vec<(usize, f32)> {
    let feeding = feeding(shape);
    let mut placed = vec![(0, 0.0); shape.ranks.len()];
    let mut left = 0.0;
    for (positions, _, _) in parts {
        let mut heights: Vec<i64> = positions.iter().map(|(_, (_, y))| y.round() as i64).collect();
        heights.sort_unstable();
        heights.dedup();
        let first = positions.iter().map(|(i, _)| shape.ranks[*i]).min().unwrap_or(0);
        for (i, (x, y)) in &positions {
            placed[*i] = (first + heights.binary_search(&(y.round() as i64)).unwrap_or(0), *x as f32);
        }
        let members: Vec<usize> = positions.iter().map(|(i, _)| *i).collect();
        if is_scattered(&members, &placed) {
            Relaxing::new(members.clone(), &feeding, &placed).run(&mut placed);
        }
        let (low, high) = extent(members.iter().map(|&i| placed[i].1));
        members.iter().for_each(|&i| placed[i].1 += left - low);
        left += high - low + NODE.x + COLUMN_GAP;
    }
    placed
}

/// For each box of a piece those that feed it.
fn feeding(shape: &Shape) -> Vec<Vec<usize>> {
    let mut feeding = vec![Vec::new(); shape.ranks.len()];
    shape.links.iter().for_each(|&(from, to)| feeding[to as usize].push(from as usize));
    feeding
}

/// Each rank a row, centred, in the order of the middle of what feeds a box.
fn rows(shape: &Shape, cancel: &Cancel) -> Result<Vec<(usize, f32)>, Cancelled> {
    let n_ranks = shape.ranks.iter().max().map_or(0, |r| r + 1);
    let mut rows = vec![Vec::new(); n_ranks];
    shape.ranks.iter().enumerate().for_each(|(k, &rank)| rows[rank].push(k));
    let feeding = feeding(shape);
    let mut xs = vec![0.0f32; shape.ranks.len()];
    for _ in 0..ROW_SWEEPS {
        cancel.check()?;
        for row in &mut rows {
            let middle = |k: &usize| {
                let fed_by = &feeding[*k];
                if fed_by.is_empty() { xs[*k] } else { fed_by.iter().map(|&m| xs[m]).sum::<f32>() / fed_by.len() as f32 }
            };
            row.sort_by(|a, b| middle(a).total_cmp(&middle(b)).then(a.cmp(b)));
            let centre = (row.len().max(1) - 1) as f32 / 2.0;
            row.iter().enumerate().for_each(|(at, &k)| xs[k] = (at as f32 - centre) * (NODE.x + NODE_GAP));
        }
    }
    Ok(shape.ranks.iter().copied().zip(xs).collect())
}

fn extent(xs: impl Iterator<Item = f32>) -> (f32, f32) {
    xs.fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(x), high.max(x)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::gui::graph_view::test_nets::{Kind, branches, chain_of, dead_ends};

    #[test]
    fn what_everything_flows_through_stays_in_line() {
        let net = Net::new(&branches(50), &BTreeSet::new());
        let ranked = rank(&net, &Cancel::new()).unwrap();
        let additions = (0..5).map(|block| block * 11 + 10);
        assert!(additions.clone().all(|i| ranked.xs[i] == 0.0));
        assert!(additions.clone().all(|i| ranked.ranks.iter().filter(|&&r| r == ranked.ranks[i]).count() == 1));
        assert_eq!(ranked.xs[0..10], ranked.xs[11..21], "equal blocks are laid out alike");
    }

    #[test]
    fn a_large_piece_is_put_in_rows_without_overlap() {
        let ranks: Vec<usize> = (0..300).map(|i| i / 30).collect();
        let links = (30..300u32).flat_map(|i| [(i - 30, i), ((i * 7) % 30 + (i / 30 - 1) * 30, i)]).collect();
        let placed = rows(&Shape { ranks, links }, &Cancel::new()).unwrap();
        let mut places: Vec<(usize, i64)> = placed.iter().map(|&(rank, x)| (rank, x.round() as i64)).collect();
        places.sort_unstable();
        assert!(places.windows(2).all(|w| w[0].0 != w[1].0 || w[1].1 - w[0].1 >= NODE.x as i64));
    }

    #[test]
    fn side_branches_that_end_do_not_push_the_graph_aside() {
        let ranked = rank(&Net::new(&dead_ends(600), &BTreeSet::new()), &Cancel::new()).unwrap();
        assert!(ranked.width < 20.0 * NODE.x, "{} boxes wide", ranked.width / NODE.x);
    }

    #[test]
    fn a_cancelled_search_stops() {
        let cancel = Cancel::new();
        cancel.cancel();
        let net = Net::new(&chain_of(&[Kind::Conv; 20]), &BTreeSet::new());
        assert_eq!(rank(&net, &cancel), Err(Cancelled));
    }
}
