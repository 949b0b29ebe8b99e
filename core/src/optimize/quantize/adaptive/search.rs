//! The integers and the scale of output channels that share one.

use super::super::weights::Levels;
use super::quadratic::{QuadraticForm, dot};

/// Scales that are tried, as shares of the one to start from: with few bits a smaller one, which clips some weights, is often
/// better.
const TRIED_PERCENT: [u32; 16] = [40, 46, 52, 58, 63, 68, 73, 78, 83, 88, 93, 97, 100, 104, 110, 120];

/// For a found set of integers the best scale is computed, for this scale better integers are looked for, and so on so often.
const REFITS: usize = 4;

/// One output channel: its error and what its weights may become.
pub(super) struct Channel<'a> {
    pub form: &'a QuadraticForm,
    /// `t` of the form.
    pub target: Vec<f64>,
    pub levels: Vec<Levels>,
    /// The integers to start from.
    pub start: Vec<i32>,
}

/// Integers of some channels at one scale.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub scale: f32,
    pub integers: Vec<Vec<i32>>,
    /// Sum of the forms' values, but for their constants.
    pub value: f64,
}

/// Integers for which the sum of the channels' errors is small, never larger than for those that they start with. No scale is
/// less than `least`.
pub(super) fn search(channels: &[Channel<'_>], start_scale: f32, least: f32) -> Found {
    let start: Vec<Vec<i32>> = channels.iter().map(|channel| channel.start.clone()).collect();
    let mut best = Found { scale: start_scale, value: value(channels, start_scale, &start), integers: start.clone() };
    let free: Vec<Vec<f64>> = channels.iter().map(|channel| channel.form.least(&channel.target)).collect();
    let mut keep = |found: Found| {
        if found.value < best.value {
            best = found;
        }
    };
    keep(polished(channels, start_scale, start, least));
    for percent in TRIED_PERCENT {
        let scale = (start_scale * percent as f32 / 100.0).max(least);
        let of = |(channel, free): (&Channel<'_>, &Vec<f64>)| channel.form.nearest_plane(free, &channel.levels, scale.into());
        keep(polished(channels, scale, channels.iter().zip(&free).map(of).collect(), least));
    }
    best
}

/// Descends from `integers`, then fits the scale to them, and again.
fn polished(channels: &[Channel<'_>], scale: f32, integers: Vec<Vec<i32>>, least: f32) -> Found {
    let descended = |scale: f32, mut integers: Vec<Vec<i32>>| {
        for (channel, integers) in channels.iter().zip(&mut integers) {
            channel.form.descend(&channel.target, &channel.levels, scale.into(), integers);
        }
        Found { scale, value: value(channels, scale, &integers), integers }
    };
    let mut best = descended(scale, integers);
    for _ in 0..REFITS {
        let Some(scale) = fitted_scale(channels, &best.integers, least) else { break };
        let next = descended(scale, best.integers.clone());
        if next.value >= best.value {
            break;
        }
        best = next;
    }
    best
}

/// The scale at which these integers are best: the least of a parabola.
fn fitted_scale(channels: &[Channel<'_>], integers: &[Vec<i32>], least: f32) -> Option<f32> {
    let (mut square, mut cross) = (0.0, 0.0);
    for (channel, integers) in channels.iter().zip(integers) {
        let q: Vec<f64> = integers.iter().map(|q| f64::from(*q)).collect();
        square += dot(&q, &channel.form.times(&q));
        cross += dot(&q, &channel.target);
    }
    let scale = ((cross / square) as f32).max(least);
    (scale.is_finite() && scale > f32::MIN_POSITIVE).then_some(scale)
}

fn value(channels: &[Channel<'_>], scale: f32, integers: &[Vec<i32>]) -> f64 {
    let of = |(channel, integers): (&Channel<'_>, &Vec<i32>)| {
        let v: Vec<f64> = integers.iter().map(|q| f64::from(scale) * f64::from(*q)).collect();
        channel.form.value(&v, &channel.target)
    };
    channels.iter().zip(integers).map(of).sum()
}
