//! Horizontal positions where the library's are too far apart.
//!
//! Where side branches end one after another, the library moves each rank a little further to the side, and a long piece becomes a
//! diagonal many screens wide. Its order within ranks is good, though: it is kept, and boxes are drawn towards what they are linked
//! with, as near as their neighbours allow.

use super::layout::{NODE, NODE_GAP};

/// Distance of neighbours in a rank.
const PITCH: f32 = NODE.x + NODE_GAP;
/// A piece may be wider than its widest rank by this many boxes; beyond that it is scattered.
const SPARE: f32 = 6.0;
const SWEEPS: usize = 12;

/// Whether a piece is much wider than the boxes in its ranks ask for. `placed` holds rank and position of each box.
pub(super) fn is_scattered(members: &[usize], placed: &[(usize, f32)]) -> bool {
    let n_ranks = members.iter().map(|&i| placed[i].0 + 1).max().unwrap_or(0);
    let mut held = vec![0usize; n_ranks];
    members.iter().for_each(|&i| held[placed[i].0] += 1);
    let widest = held.into_iter().max().unwrap_or(0) as f32 * PITCH;
    let xs = || members.iter().map(|&i| placed[i].1);
    let width = xs().fold(f32::MIN, f32::max) - xs().fold(f32::MAX, f32::min);
    width > 1.5 * widest + SPARE * PITCH
}

/// Boxes of a piece in their ranks, from left to right, and what they are linked with.
pub(super) struct Relaxing {
    rows: Vec<Vec<usize>>,
    above: Links,
    below: Links,
}

/// Links in one direction.
struct Links {
    of: Vec<Vec<usize>>,
    /// How much a box insists on its place, when it is moved along these links: the longer the way that goes on from it the more, so
    /// that a side branch gives way to the line it leaves.
    weights: Vec<f32>,
}

impl Links {
    /// `rows` stand in the order in which ways of `onward` end: the last come first.
    fn new<'a>(of: Vec<Vec<usize>>, onward: &[Vec<usize>], rows: impl Iterator<Item = &'a Vec<usize>>) -> Self {
        let mut lengths = vec![0.0f32; of.len()];
        for &i in rows.flatten() {
            lengths[i] = onward[i].iter().map(|&next| lengths[next] + 1.0).fold(0.0, f32::max);
        }
        Self { of, weights: lengths.into_iter().map(|length| (1.0 + length).powi(2)).collect() }
    }
}

impl Relaxing {
    /// Takes order and ranks from `placed`.
    pub fn new(mut members: Vec<usize>, feeding: &[Vec<usize>], placed: &[(usize, f32)]) -> Self {
        members.sort_by(|&a, &b| placed[a].0.cmp(&placed[b].0).then(placed[a].1.total_cmp(&placed[b].1)).then(a.cmp(&b)));
        let rows: Vec<Vec<usize>> = members.chunk_by(|&a, &b| placed[a].0 == placed[b].0).map(<[usize]>::to_vec).collect();
        let (mut above, mut below) = (vec![Vec::new(); feeding.len()], vec![Vec::new(); feeding.len()]);
        for &to in &members {
            for &from in &feeding[to] {
                above[to].push(from);
                below[from].push(to);
            }
        }
        let to_below = Links::new(below.clone(), &above, rows.iter());
        let to_above = Links::new(above, &below, rows.iter().rev());
        Self { rows, above: to_above, below: to_below }
    }

    /// Moves boxes down the ranks towards what feeds them, then up towards what they feed, a few times.
    pub fn run(&self, placed: &mut [(usize, f32)]) {
        for row in &self.rows {
            let middle = (row.len() - 1) as f32 / 2.0;
            row.iter().enumerate().for_each(|(at, &i)| placed[i].1 = (at as f32 - middle) * PITCH);
        }
        for sweep in 0..SWEEPS {
            if sweep % 2 == 0 {
                self.rows.iter().for_each(|row| settle(row, &self.above, placed));
            } else {
                self.rows.iter().rev().for_each(|row| settle(row, &self.below, placed));
            }
        }
    }
}

/// Puts a row's boxes as near to the middle of their links as their distance from one another allows.
fn settle(row: &[usize], links: &Links, placed: &mut [(usize, f32)]) {
    let wanted = row.iter().enumerate().map(|(at, &i)| {
        let linked = &links.of[i];
        let middle = linked.iter().map(|&m| placed[m].1).sum::<f32>() / linked.len().max(1) as f32;
        let x = if linked.is_empty() { placed[i].1 } else { middle };
        (x - at as f32 * PITCH, links.weights[i])
    });
    let xs = ascending(&wanted.collect::<Vec<_>>());
    row.iter().zip(xs).enumerate().for_each(|(at, (&i, x))| placed[i].1 = x + at as f32 * PITCH);
}

/// The ascending sequence that is nearest to the values, by weighted least squares: runs that descend are averaged.
fn ascending(values: &[(f32, f32)]) -> Vec<f32> {
    // Mean, weight and length of each run.
    let mut runs: Vec<(f32, f32, usize)> = Vec::with_capacity(values.len());
    for &(value, weight) in values {
        let mut run = (value, weight, 1);
        while let Some(&(mean, heavy, n)) = runs.last().filter(|(mean, ..)| *mean > run.0) {
            let all = heavy + run.1;
            run = ((mean * heavy + run.0 * run.1) / all, all, n + run.2);
            runs.pop();
        }
        runs.push(run);
    }
    runs.into_iter().flat_map(|(mean, _, n)| std::iter::repeat_n(mean, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descending_runs_are_averaged() {
        let even = |values: &[f32]| ascending(&values.iter().map(|&v| (v, 1.0)).collect::<Vec<_>>());
        assert_eq!(even(&[1.0, 3.0, 2.0, 4.0]), [1.0, 2.5, 2.5, 4.0]);
        assert_eq!(even(&[3.0, 2.0, 1.0]), [2.0, 2.0, 2.0]);
        assert!(even(&[]).is_empty());
        assert_eq!(ascending(&[(4.0, 3.0), (0.0, 1.0)]), [3.0, 3.0], "the heavy one moves less");
    }

    #[test]
    fn a_diagonal_becomes_upright_without_overlap() {
        // A chain of 100, each with a side branch of one box, moved aside by half a box a rank.
        let n = 100;
        let mut feeding = vec![Vec::new(); 2 * n];
        let mut placed = vec![(0, 0.0); 2 * n];
        for i in 0..n {
            placed[i] = (i, i as f32 * PITCH / 2.0);
            placed[n + i] = (i + 1, (i + 1) as f32 * PITCH / 2.0 + PITCH);
            feeding[n + i].push(i);
            if i > 0 {
                feeding[i].push(i - 1);
            }
        }
        let members: Vec<usize> = (0..2 * n).collect();
        assert!(is_scattered(&members, &placed));
        Relaxing::new(members.clone(), &feeding, &placed).run(&mut placed);
        assert!(!is_scattered(&members, &placed));
        let mut sorted = placed.clone();
        sorted.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        assert!(sorted.windows(2).all(|w| w[0].0 != w[1].0 || w[1].1 - w[0].1 >= PITCH - 0.1));
    }
}
