//! Weight sharing: the weights of a layer become a few values, found by k-means, so that an index of few bits stands for each.
//!
//! Source: Han et al., Deep Compression, ICLR 2016, section 3; linear initialization as in its section 3.2. Zeros stay zeros, as there.
//!
//! Not in the paper: weights that quantization gives a scale for each channel are clustered relative to the largest of their channel, and
//! that one stays as it is. Then all channels have the same few integers, which the paper's shared floats would not leave: at most two to
//! the power of the bits, unless a channel's scale is not that of its largest weight (a range of least error, a bias too large for it).

#[cfg(test)]
mod tests;

use super::applied::Applied;
use super::compact::compact;
use super::layer::{Edit, Layer};
use super::prepare::simplified;
use super::{OptimizeError, StepOutcome};
use crate::graph::Graph;
use crate::ops::Op;
use crate::recipe::{Cluster, Granularity};

/// Passes at most; they end earlier where no value moves any more.
const PASSES: usize = 100;

/// Clusters weights.
///
/// # Errors
/// [`OptimizeError::Setting`] for bits outside 2 to 8.
pub(super) fn cluster(graph: &Graph, settings: &Cluster) -> Result<Applied, OptimizeError> {
    let mut bits = settings.layers.values().chain([&settings.bits]);
    if let Some(bits) = bits.find(|bits| !(Cluster::MIN_BITS..=Cluster::MAX_BITS).contains(*bits)) {
        return Err(OptimizeError::Setting { step: "cluster", trouble: format!("{bits} bits, expected 2 to 8") });
    }
    let simple = simplified(graph);
    let layers: Vec<Layer> = simple.node_ids().filter_map(|id| Layer::of(&simple, id)).collect();
    if layers.is_empty() {
        return Ok(Applied::skipped(graph, "no layer has float weights"));
    }
    let shared: Vec<Vec<f32>> = layers.iter().map(|layer| shared(&simple, layer, settings)).collect();
    let mut edit = Edit::new(simple);
    let n_weights: usize = shared.iter().map(Vec::len).sum();
    layers.iter().zip(shared).for_each(|(layer, weights)| edit.set_weights(layer, weights));
    let (graph, origin) = compact(edit.graph, edit.origin);
    let text = format!(
        "{n_weights} weights in {} layers share at most {} values a layer: the .tflite stays as long, a compressed or a compact model does not",
        layers.len(),
        1 << settings.bits,
    );
    Ok(Applied { graph, origin, outcome: StepOutcome::Applied, text })
}

/// The weights of a layer, each moved to the nearest of its values.
fn shared(graph: &Graph, layer: &Layer, settings: &Cluster) -> Vec<f32> {
    let node = graph.node(layer.node);
    let bits = settings.layers.get(&node.name).copied().unwrap_or(settings.bits);
    let granularity = match node.op {
        Op::FullyConnected(_) => settings.fully_connected,
        _ => settings.granularity,
    };
    let weights = layer.weights(graph);
    let units = units(layer, weights, granularity);
    let relative: Vec<f32> = weights.iter().zip(&units).map(|(w, unit)| if *unit > 0.0 { w / unit } else { 0.0 }).collect();
    let values = values(&relative, 1 << bits, granularity == Granularity::PerChannel);
    let moved = |(x, unit): (&f32, &f32)| nearest(&values, *x) * unit;
    let moved = relative.iter().zip(&units).map(moved);
    // What is not a number stays for others to complain of.
    moved.zip(weights).map(|(moved, w)| if w.is_finite() { moved } else { *w }).collect()
}

/// For each weight what it is measured in: the largest weight of its channel, or one for all.
fn units(layer: &Layer, weights: &[f32], granularity: Granularity) -> Vec<f32> {
    if granularity == Granularity::PerTensor {
        return vec![1.0; weights.len()];
    }
    let mut largest = vec![0.0f32; layer.n_outputs];
    let channel = |i: usize| layer.channels_of(i, weights.len()).0;
    let numbers = weights.iter().enumerate().filter(|(_, w)| w.is_finite());
    numbers.for_each(|(i, w)| largest[channel(i)] = largest[channel(i)].max(w.abs()));
    (0..weights.len()).map(|i| largest[channel(i)]).collect()
}

/// At most `n` values that stand for all, ascending: zero if there are zeros, the ends if they are `fixed`, and the means of clusters.
fn values(weights: &[f32], n: usize, is_fixed: bool) -> Vec<f32> {
    let mut sorted: Vec<f32> = weights.iter().copied().filter(|w| *w != 0.0 && w.is_finite()).collect();
    let mut values: Vec<f32> = Vec::new();
    values.extend((sorted.len() < weights.len()).then_some(0.0));
    if is_fixed {
        let ends = [-1.0, 1.0].into_iter().filter(|end| sorted.contains(end));
        values.extend(ends.collect::<Vec<_>>());
        sorted.retain(|w| w.abs() != 1.0);
    }
    sorted.sort_unstable_by(f32::total_cmp);
    let n = n.saturating_sub(values.len());
    let means = means(&sorted, n).into_iter();
    values.extend(means.map(|mean| if is_fixed { off_halves(mean) } else { mean }));
    values.sort_unstable_by(f32::total_cmp);
    values.dedup();
    values
}

/// A value that is no number of 127ths and a half, but for what rounds to: times the unit of a channel and divided by its scale it would
/// be rounded up in one channel and down in the next.
fn off_halves(value: f32) -> f32 {
    const NEAR: f32 = 1e-3;
    let steps = value * 127.0;
    let over = steps.abs().fract() - 0.5;
    if over.abs() < NEAR { (steps - steps.signum() * (over + NEAR)) / 127.0 } else { value }
}

/// k-means of sorted numbers: Lloyd's passes from evenly spaced values. Numbers of which there are no more than `n`, but for rounding,
/// stay.
fn means(sorted: &[f32], n: usize) -> Vec<f32> {
    let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    if n == 0 {
        return Vec::new();
    }
    let mut distinct = sorted.to_vec();
    distinct.dedup_by(|next, kept| *next - *kept <= 1e-6 * kept.abs());
    if distinct.len() <= n {
        return distinct;
    }
    let spaced = |i: usize| f64::from(low) + (f64::from(high) - f64::from(low)) * (i as f64 + 0.5) / n as f64;
    let mut means: Vec<f64> = (0..n).map(spaced).collect();
    for _ in 0..PASSES {
        let ends = means.windows(2).map(|pair| ((pair[0] + pair[1]) / 2.0) as f32);
        let ends: Vec<usize> = ends.map(|end| sorted.partition_point(|w| *w < end)).chain([sorted.len()]).collect();
        let mut start = 0;
        let moved = means.iter().zip(ends).map(|(mean, end)| {
            let cluster = &sorted[start.min(end)..end];
            start = start.max(end);
            let sum: f64 = cluster.iter().copied().map(f64::from).sum();
            if cluster.is_empty() { *mean } else { sum / cluster.len() as f64 }
        });
        let moved: Vec<f64> = moved.collect();
        if moved == means {
            break;
        }
        means = moved;
    }
    means.into_iter().map(|mean| mean as f32).collect()
}

fn nearest(values: &[f32], x: f32) -> f32 {
    // Zeros stay: a pruned weight does not come back.
    if x == 0.0 {
        return 0.0;
    }
    let above = values.partition_point(|v| *v < x);
    let candidates = [above.checked_sub(1), Some(above)].into_iter().flatten().filter_map(|i| values.get(i));
    candidates.copied().min_by(|a, b| (a - x).abs().total_cmp(&(b - x).abs())).unwrap_or(x)
}
