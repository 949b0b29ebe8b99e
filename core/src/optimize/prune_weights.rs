//! Magnitude pruning: the smallest weights become zero. The file stays as long as it was; what decodes packed weights gains by it.
//!
//! Source: Han et al., Deep Compression, ICLR 2016, section 2; patterns: Zhou et al., Learning N:M Fine-grained Structured Sparse Neural
//! Networks, ICLR 2021.
//!
//! Weights go in *units*: single ones, or runs of four along the innermost axis (input channels of one tap; output channels of a
//! depthwise layer), as vector instructions load them. With an N:M pattern every run of M loses its M - N smallest.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::applied::Applied;
use super::compact::compact;
use super::layer::{Edit, Layer};
use super::prepare::simplified;
use super::{OptimizeError, StepOutcome};
use crate::graph::Graph;
use crate::recipe::{PrunePattern, PruneScope, PruneWeights};

/// Weights that go or stay together.
struct Unit {
    /// Which of the layers.
    layer: usize,
    weights: Range<usize>,
    /// Mean magnitude; relative to that of the layer where layers are ranked together.
    score: f32,
}

/// Zeroes weights.
///
/// # Errors
/// [`OptimizeError::Setting`] for a sparsity outside 0 to 1.
pub(super) fn prune(graph: &Graph, settings: &PruneWeights) -> Result<Applied, OptimizeError> {
    checked(settings)?;
    let simple = simplified(graph);
    let layers: Vec<Layer> = simple.node_ids().filter_map(|id| Layer::of(&simple, id)).collect();
    if layers.is_empty() {
        return Ok(Applied::skipped(graph, "no layer has float weights"));
    }
    let mut weights: Vec<Vec<f32>> = layers.iter().map(|layer| layer.weights(&simple).to_vec()).collect();
    let n_before = n_zeros(&weights);
    zero(&simple, settings, &layers, &mut weights);
    let n_zero = n_zeros(&weights);
    if n_zero == n_before {
        return Ok(Applied::skipped(graph, "the sparsity, rounded, leaves every weight"));
    }
    let n_weights = weights.iter().map(Vec::len).sum::<usize>();
    let mut edit = Edit::new(simple);
    layers.iter().zip(weights).for_each(|(layer, weights)| edit.set_weights(layer, weights));
    let (graph, origin) = compact(edit.graph, edit.origin);
    let text = format!(
        "{:.1} % of {n_weights} weights in {} layers are zero: the .tflite stays as long, a compressed or a compact model does not",
        100.0 * n_zero as f64 / n_weights as f64,
        layers.len(),
    );
    Ok(Applied { graph, origin, outcome: StepOutcome::Applied, text })
}

fn checked(settings: &PruneWeights) -> Result<(), OptimizeError> {
    let mut asked = settings.layers.values().chain([&settings.sparsity]);
    match asked.find(|sparsity| !(0.0..=1.0).contains(*sparsity)) {
        Some(sparsity) => {
            Err(OptimizeError::Setting { step: "prune-weights", trouble: format!("a sparsity of {sparsity}, expected 0 to 1") })
        }
        None => Ok(()),
    }
}

fn n_zeros(weights: &[Vec<f32>]) -> usize {
    weights.iter().flatten().filter(|w| **w == 0.0).count()
}

fn zero(graph: &Graph, settings: &PruneWeights, layers: &[Layer], weights: &mut [Vec<f32>]) {
    let row = |layer: &Layer| graph.tensor(layer.weights).shape.last().copied().unwrap_or(1).max(1);
    if let Some((keep, of)) = settings.pattern.n_of_m() {
        for (layer, weights) in layers.iter().zip(weights) {
            weights.chunks_mut(row(layer)).flat_map(|row| row.chunks_mut(of)).for_each(|run| keep_largest(run, keep));
        }
        return;
    }
    let run = if settings.pattern == PrunePattern::Block4 { 4 } else { 1 };
    let own = |layer: &Layer| settings.layers.get(&graph.node(layer.node).name).copied();
    let mut together = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let units = units(index, &weights[index], row(layer), run);
        match (own(layer), settings.scope) {
            (None, PruneScope::Global) => together.extend(relative(units)),
            (own, _) => zero_smallest(units, own.unwrap_or(settings.sparsity), weights),
        }
    }
    zero_smallest(together, settings.sparsity, weights);
}

/// Runs of weights that do not reach over the end of a row.
fn units(layer: usize, weights: &[f32], row: usize, run: usize) -> Vec<Unit> {
    let unit = |weights: &[f32], start: usize| {
        let score = weights.iter().map(|w| w.abs()).sum::<f32>() / weights.len() as f32;
        Unit { layer, weights: start..start + weights.len(), score }
    };
    let rows = weights.chunks(row).enumerate();
    rows.flat_map(|(r, weights)| weights.chunks(run).enumerate().map(move |(i, w)| unit(w, r * row + i * run))).collect()
}

/// Layers have weights of different size; each counts against the mean of its own.
fn relative(mut units: Vec<Unit>) -> Vec<Unit> {
    let mean = units.iter().map(|unit| f64::from(unit.score)).sum::<f64>() / units.len().max(1) as f64;
    if mean > 0.0 {
        units.iter_mut().for_each(|unit| unit.score = (f64::from(unit.score) / mean) as f32);
    }
    units
}

/// Zeroes units, the smallest first, until the share of zeros is nearest to what is asked.
fn zero_smallest(mut units: Vec<Unit>, sparsity: f32, weights: &mut [Vec<f32>]) {
    let n_weights: usize = units.iter().map(|unit| unit.weights.len()).sum();
    let mut left = (f64::from(sparsity) * n_weights as f64).round() as usize;
    // Stable: of equal units the first goes.
    units.sort_by(|a, b| a.score.total_cmp(&b.score));
    for unit in units {
        if unit.weights.len().div_ceil(2) > left {
            break;
        }
        left = left.saturating_sub(unit.weights.len());
        weights[unit.layer][unit.weights].fill(0.0);
    }
}

/// Zeroes all but the `keep` largest.
fn keep_largest(run: &mut [f32], keep: usize) {
    let mut order: Vec<usize> = (0..run.len()).collect();
    order.sort_by(|a, b| run[*b].abs().total_cmp(&run[*a].abs()));
    order.into_iter().skip(keep).for_each(|i| run[i] = 0.0);
}
