//! Which factor each channel gets.

use std::collections::BTreeMap;

use crate::graph::{Graph, NodeId};
use crate::optimize::layer::Layer;
use crate::optimize::links::Link;

/// Factors lie within 2⁻¹⁶ and 2¹⁶: what is further apart than that is as good as dead.
const MOST: f64 = 65536.0;

/// Passes end when no factor changes by more than this share of it: a power of two seldom turns on it.
const TOLERANCE: f64 = 0.01;

/// The channel ranges of a layer and the factors it is to have.
#[derive(Clone, Debug)]
pub(super) struct Ranges {
    layer: Layer,
    /// See [`Layer::magnitudes`].
    magnitudes: Vec<f32>,
    bias: Vec<f32>,
    /// Weights of each input channel are multiplied by this.
    pub input_factors: Vec<f64>,
    /// Weights and bias of each output channel are divided by this.
    pub output_factors: Vec<f64>,
}

/// Whether a range is one to compare with: not that of a dead channel, nor infinite.
fn is_range(range: f64) -> bool {
    range > 0.0 && range.is_finite()
}

impl Ranges {
    pub fn of(graph: &Graph, layer: &Layer) -> Self {
        Self {
            layer: layer.clone(),
            magnitudes: layer.magnitudes(graph),
            bias: layer.bias(graph).unwrap_or_default().to_vec(),
            input_factors: vec![1.0; layer.n_inputs()],
            output_factors: vec![1.0; layer.n_outputs],
        }
    }

    /// The range of each output channel if its own factor were 1.
    fn before_output_factors(&self) -> Vec<f64> {
        let rows = self.magnitudes.chunks_exact(self.layer.n_seen).enumerate();
        let range = |(output, row): (usize, &[f32])| {
            let first = self.layer.input_channel(output, 0);
            let factors = &self.input_factors[first..first + row.len()];
            row.iter().zip(factors).fold(0.0f64, |most, (weight, factor)| most.max(f64::from(*weight) * factor))
        };
        rows.map(range).collect()
    }

    /// The range of each of `n` channels that the inputs come from, if their own factors were 1.
    fn before_input_factors(&self, channel_of: &[usize], n: usize) -> Vec<f64> {
        let mut ranges = vec![0.0f64; n];
        for (output, row) in self.magnitudes.chunks_exact(self.layer.n_seen).enumerate() {
            let (first, factor) = (self.layer.input_channel(output, 0), self.output_factors[output]);
            for (weight, &channel) in row.iter().zip(&channel_of[first..]) {
                ranges[channel] = ranges[channel].max(f64::from(*weight) / factor);
            }
        }
        ranges
    }

    /// The least factor that each output channel may have: a smaller one would make its bias larger, measured by what the middle one of
    /// the `live` factors makes of biases, than the largest bias of the layer.
    fn least_factors(&self, live: &[f64]) -> Vec<f64> {
        let middle = median(live).unwrap_or(1.0);
        let largest = self.bias.iter().fold(0.0f64, |most, bias| most.max(f64::from(bias.abs())));
        let least = |output: usize| match self.bias.get(output) {
            Some(bias) if largest > 0.0 => middle * f64::from(bias.abs()) / largest,
            _ => 0.0,
        };
        (0..self.output_factors.len()).map(least).collect()
    }
}

/// The middle one, the larger of two.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// The ranges of the channels between two layers, dead ones left out: in the first layer, in the second.
pub(super) fn live_ranges(link: &Link, ranges: &BTreeMap<NodeId, Ranges>) -> [Vec<f64>; 2] {
    let (Some(first), Some(second)) = (ranges.get(&link.first.node), ranges.get(&link.second.node)) else {
        return Default::default();
    };
    let factors = &first.output_factors;
    let outputs = first.before_output_factors().into_iter().zip(factors).map(|(range, factor)| range / factor);
    let inputs = second.before_input_factors(&link.channel_of, factors.len()).into_iter().zip(factors);
    [outputs.filter(|range| is_range(*range)).collect(), inputs.map(|(r, factor)| r * factor).filter(|r| is_range(*r)).collect()]
}

/// How far the factors of a link would lie apart if all were equalized: largest over smallest, in order of the links. All factors are 1
/// afterwards.
pub(super) fn unevenness(links: &[Link], ranges: &mut BTreeMap<NodeId, Ranges>, passes: usize) -> Vec<f64> {
    let links: Vec<&Link> = links.iter().collect();
    approach(&links, ranges, passes);
    let uneven = |link: &&Link| {
        let (alive, factors) = (best(link, ranges), bounded(link, ranges));
        let live = || factors.iter().zip(&alive).filter(|(_, alive)| alive.is_some()).map(|(factor, _)| *factor);
        live().fold(0.0, f64::max) / live().reduce(f64::min).unwrap_or(f64::INFINITY)
    };
    let unevenness = links.iter().map(uneven).collect();
    for ranges in ranges.values_mut() {
        ranges.input_factors.fill(1.0);
        ranges.output_factors.fill(1.0);
    }
    unevenness
}

/// Finds the factors of links, in at most so many passes over them, and rounds them to powers of two.
pub(super) fn find(links: &[&Link], ranges: &mut BTreeMap<NodeId, Ranges>, passes: usize) {
    approach(links, ranges, passes);
    for link in links {
        let exact = ranges.get(&link.first.node).map(|ranges| ranges.output_factors.clone()).unwrap_or_default();
        set(link, ranges, exact.into_iter().map(|factor| factor.log2().round().exp2()).collect());
    }
}

fn approach(links: &[&Link], ranges: &mut BTreeMap<NodeId, Ranges>, passes: usize) {
    for _ in 0..passes {
        let changes = links.iter().map(|link| set(link, ranges, bounded(link, ranges)));
        if changes.fold(0.0, f64::max) <= TOLERANCE {
            break;
        }
    }
}

/// The factors that give each channel the same range in both layers; `None` for dead channels.
fn best(link: &Link, ranges: &BTreeMap<NodeId, Ranges>) -> Vec<Option<f64>> {
    let (Some(first), Some(second)) = (ranges.get(&link.first.node), ranges.get(&link.second.node)) else { return Vec::new() };
    let r1 = first.before_output_factors();
    let r2 = second.before_input_factors(&link.channel_of, r1.len());
    let factor =
        |(r1, r2): (&f64, &f64)| (is_range(*r1) && is_range(*r2)).then(|| ((r1 * r2).sqrt() / r2).clamp(MOST.recip(), MOST));
    r1.iter().zip(&r2).map(factor).collect()
}

/// [`best`], as far as biases allow; 1 for dead channels.
fn bounded(link: &Link, ranges: &BTreeMap<NodeId, Ranges>) -> Vec<f64> {
    let factors = best(link, ranges);
    let live: Vec<f64> = factors.iter().flatten().copied().collect();
    let least = ranges.get(&link.first.node).map(|first| first.least_factors(&live)).unwrap_or_default();
    factors.iter().zip(&least).map(|(factor, least)| factor.unwrap_or(1.0).max(*least)).collect()
}

/// Gives a link these factors; says by what share the one that changes most does.
fn set(link: &Link, ranges: &mut BTreeMap<NodeId, Ranges>, factors: Vec<f64>) -> f64 {
    if let Some(second) = ranges.get_mut(&link.second.node) {
        second.input_factors = link.channel_of.iter().map(|&channel| factors[channel]).collect();
    }
    let Some(first) = ranges.get_mut(&link.first.node) else { return 0.0 };
    let changes = first.output_factors.iter().zip(&factors).map(|(before, now)| (now / before - 1.0).abs());
    let most = changes.fold(0.0, f64::max);
    first.output_factors = factors;
    most
}
