//! Magnitude pruning: the smallest weights become zero. The file stays as long as it was; what decodes packed weights gains by it.
//!
//! Source: Han et al., Deep Compression, ICLR 2016, section 2; patterns: Zhou et al., Learning N:M Fine-grained Structured Sparse Neural
//! Networks, ICLR 2021.
//!
//! Weights go in *units*: single ones, or runs of four along the innermost axis (input channels of one tap; output channels of a
//! depthwise layer), as vector instructions load them. With an N:M pattern every run of M loses its M - N smallest. A run ends where the
//! axis does, and may be short there.
//!
//! Not in the papers: they train between the steps of a schedule, which takes a training loop. Here the weights that are left are fitted
//! to the layer's outputs on calibration samples instead (`refit.rs`).

mod refit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use super::applied::Applied;
use super::compact::compact;
use super::layer::{Edit, Layer};
use super::moments::{Moments, moments};
use super::prepare::simplified;
use super::prune_channels::add_biases;
use super::{Observations, OptimizeError, Pruned, StepOutcome};
use crate::graph::{Graph, NodeId};
use crate::progress::Cancelled;
use crate::recipe::{PrunePattern, PruneSchedule, PruneScope, PruneWeights};

/// One list of numbers for each layer.
type PerLayer = Vec<Vec<f32>>;

/// Weights that go or stay together.
struct Unit {
    /// Which of the layers.
    layer: usize,
    weights: Range<usize>,
    /// Mean importance; relative to that of the layer where layers are ranked together.
    score: f32,
}

/// Zeroes weights. If what is left is refitted, `pruned` gets what came of it, and says how many such decisions there were before.
///
/// # Errors
/// [`OptimizeError::Setting`] for a sparsity outside 0 to 1 or no step at all; others if the samples cannot be run.
pub(super) fn prune(
    graph: &Graph,
    settings: &PruneWeights,
    observations: &Observations<'_>,
    pruned: &mut Vec<Pruned>,
) -> Result<Applied, OptimizeError> {
    checked(settings)?;
    let simple = simplified(graph);
    let layers: Vec<Layer> = simple.node_ids().filter_map(|id| Layer::of(&simple, id)).collect();
    let original: Vec<Vec<f32>> = layers.iter().map(|layer| layer.weights(&simple).to_vec()).collect();
    let task = Task { graph: &simple, settings, layers: &layers, original: &original, observations };
    if !settings.refit {
        let (weights, _) = task.run(&BTreeMap::new())?;
        return Ok(applied(graph, &task, weights, &Pruned::default()));
    }
    let stored = observations.pruned.and_then(|stored| stored.get(pruned.len()));
    let (weights, decided) = match stored.and_then(|stored| Some((task.recalled(stored)?, stored.clone()))) {
        Some(recalled) => recalled,
        None => task.refitted()?,
    };
    let applied = applied(graph, &task, weights, &decided);
    pruned.push(decided);
    Ok(applied)
}

fn applied(graph: &Graph, task: &Task<'_>, weights: Vec<Vec<f32>>, decided: &Pruned) -> Applied {
    if weights == task.original {
        let none = task.layers.is_empty();
        return Applied::skipped(
            graph,
            if none { "no layer has float weights" } else { "the sparsity, rounded, leaves every weight" },
        );
    }
    let text = report(task.settings, &weights, decided);
    let mut edit = Edit::new(task.graph.clone());
    task.layers.iter().zip(weights).for_each(|(layer, weights)| edit.set_weights(layer, weights));
    add_biases(&mut edit, &decided.added);
    let (graph, origin) = compact(edit.graph, edit.origin);
    Applied { graph, origin, outcome: StepOutcome::Applied, text }
}

fn report(settings: &PruneWeights, weights: &[Vec<f32>], decided: &Pruned) -> String {
    let n_zero = weights.iter().flatten().filter(|w| **w == 0.0).count();
    let n_weights = weights.iter().map(Vec::len).sum::<usize>();
    let fitted = match (settings.refit, decided.added.len()) {
        (false, _) => String::new(),
        (true, 0) => ", the others are as they were: there are no samples to refit them on".into(),
        (true, n) => format!(", the others of {n} layers are refitted"),
    };
    format!(
        "{:.1} % of {n_weights} weights in {} layers are zero{fitted}: the .tflite stays as long, a compressed or a compact model does not",
        100.0 * n_zero as f64 / n_weights as f64,
        weights.len(),
    )
}

/// Pruning of all layers, in one step or several.
struct Task<'a> {
    graph: &'a Graph,
    settings: &'a PruneWeights,
    layers: &'a [Layer],
    original: &'a [Vec<f32>],
    observations: &'a Observations<'a>,
}

impl Task<'_> {
    /// Weights of each layer, and what its biases gain. Layers are refitted that have `moments`, others gain nothing.
    fn run(&self, moments: &BTreeMap<NodeId, Moments>) -> Result<(PerLayer, PerLayer), Cancelled> {
        let mut weights = self.original.to_vec();
        let mut added = vec![Vec::new(); weights.len()];
        let mut sums: Vec<Vec<f32>> = weights.iter().map(|weights| vec![0.0; weights.len()]).collect();
        let has_memory = self.settings.schedule == PruneSchedule::Momentum;
        for share in shares(self.settings) {
            let mut importances = importances(&weights, &mut sums, has_memory);
            zero(self.graph, self.settings, share, self.layers, &mut importances);
            for (index, layer) in self.layers.iter().enumerate() {
                self.observations.cancel.check()?;
                let pairs = weights[index].iter_mut().zip(&importances[index]);
                pairs.filter(|(_, importance)| **importance == 0.0).for_each(|(weight, _)| *weight = 0.0);
                if let Some(moments) = moments.get(&layer.node) {
                    added[index] = refit::refit(layer, &self.original[index], &mut weights[index], moments);
                }
            }
        }
        Ok((weights, added))
    }

    /// Weights of each layer fitted to the samples, and what is to be stored of them: nothing if there are no samples.
    fn refitted(&self) -> Result<(PerLayer, Pruned), OptimizeError> {
        let ids: Vec<NodeId> = self.layers.iter().map(|layer| layer.node).collect();
        let has_samples = !self.observations.inputs.is_empty();
        let moments = if has_samples { moments(self.graph, &ids, self.observations)? } else { BTreeMap::new() };
        let (weights, added) = self.run(&moments)?;
        let mut decided = Pruned::default();
        if has_samples {
            // Of all layers: with a scope that is global, what one was fitted to decides of all.
            let names = || self.layers.iter().map(|layer| self.graph.node(layer.node).name.clone());
            decided.weights = names().zip(weights.iter().cloned()).collect();
            decided.added = names().zip(added).filter(|(_, added)| !added.is_empty()).collect();
        }
        Ok((weights, decided))
    }

    /// Weights of each layer as they were stored; `None` if none are, or not of just these layers.
    fn recalled(&self, stored: &Pruned) -> Option<PerLayer> {
        let numbers = || stored.weights.values().chain(stored.added.values()).flatten();
        let of = |(layer, original): (&Layer, &Vec<f32>)| {
            let weights = stored.weights.get(&self.graph.node(layer.node).name)?;
            (weights.len() == original.len()).then(|| weights.clone())
        };
        let weights = self.layers.iter().zip(self.original).map(of).collect::<Option<Vec<_>>>()?;
        numbers().all(|value| value.is_finite()).then_some(weights)
    }
}

/// How much of the sparsity is reached after each step; all of it after the last.
///
/// Source of the polynomial: Zhu and Gupta, To Prune, or Not to Prune, 2017, equation 1, from no sparsity on.
fn shares(settings: &PruneWeights) -> Vec<f64> {
    let n = settings.steps;
    let done = (1..=n).map(|step| f64::from(step) / f64::from(n));
    match settings.schedule {
        PruneSchedule::None => vec![1.0],
        PruneSchedule::Constant => done.collect(),
        PruneSchedule::Polynomial | PruneSchedule::Momentum => done.map(|done| 1.0 - (1.0 - done).powi(3)).collect(),
    }
}

/// Magnitudes, or with memory the sum of this step's and of all before; 0 for what is pruned, which does not come back.
fn importances(weights: &[Vec<f32>], sums: &mut [Vec<f32>], has_memory: bool) -> Vec<Vec<f32>> {
    let layer = |(weights, sums): (&Vec<f32>, &mut Vec<f32>)| {
        let one = |(weight, sum): (&f32, &mut f32)| {
            *sum = if has_memory { *sum + weight.abs() } else { weight.abs() };
            if *weight == 0.0 { 0.0 } else { *sum }
        };
        weights.iter().zip(sums).map(one).collect()
    };
    weights.iter().zip(sums).map(layer).collect()
}

fn checked(settings: &PruneWeights) -> Result<(), OptimizeError> {
    let refused = |trouble: String| Err(OptimizeError::Setting { step: "prune-weights", trouble });
    let mut asked = settings.layers.values().chain([&settings.sparsity]);
    if let Some(sparsity) = asked.find(|sparsity| !(0.0..=1.0).contains(*sparsity)) {
        return refused(format!("a sparsity of {sparsity}, expected 0 to 1"));
    }
    match PruneWeights::STEPS.contains(&settings.steps) {
        true => Ok(()),
        false => refused(format!("{} steps, expected 1 to {}", settings.steps, PruneWeights::STEPS.end())),
    }
}

/// Zeroes the least of `importances`, as many as the sparsity asks for times `share`.
fn zero(graph: &Graph, settings: &PruneWeights, share: f64, layers: &[Layer], importances: &mut [Vec<f32>]) {
    let row = |layer: &Layer| graph.tensor(layer.weights).shape.last().copied().unwrap_or(1).max(1);
    let own = |layer: &Layer| settings.layers.get(&graph.node(layer.node).name).copied();
    if let Some((keep, of)) = settings.pattern.n_of_m() {
        let keep = of - ((of - keep) as f64 * share).round() as usize;
        for (layer, values) in layers.iter().zip(importances).filter(|(layer, _)| own(layer) != Some(0.0)) {
            values.chunks_mut(row(layer)).flat_map(|row| row.chunks_mut(of)).for_each(|run| keep_largest(run, keep));
        }
        return;
    }
    let run = if settings.pattern == PrunePattern::Block4 { 4 } else { 1 };
    let asked = |sparsity: f32| f64::from(sparsity) * share;
    let mut together = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let units = units(index, &importances[index], row(layer), run);
        match (own(layer), settings.scope) {
            (None, PruneScope::Global) => together.extend(relative(units)),
            (own, _) => zero_smallest(units, asked(own.unwrap_or(settings.sparsity)), importances),
        }
    }
    zero_smallest(together, asked(settings.sparsity), importances);
}

/// Runs of weights that do not reach over the end of a row.
fn units(layer: usize, importances: &[f32], row: usize, run: usize) -> Vec<Unit> {
    let unit = |values: &[f32], start: usize| {
        let score = values.iter().sum::<f32>() / values.len() as f32;
        Unit { layer, weights: start..start + values.len(), score }
    };
    let rows = importances.chunks(row).enumerate();
    rows.flat_map(|(r, values)| values.chunks(run).enumerate().map(move |(i, w)| unit(w, r * row + i * run))).collect()
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
fn zero_smallest(mut units: Vec<Unit>, sparsity: f64, importances: &mut [Vec<f32>]) {
    let n_weights: usize = units.iter().map(|unit| unit.weights.len()).sum();
    let mut left = (sparsity * n_weights as f64).round() as usize;
    // Stable: of equal units the first goes.
    units.sort_by(|a, b| a.score.total_cmp(&b.score));
    for unit in units {
        if unit.weights.len().div_ceil(2) > left {
            break;
        }
        left = left.saturating_sub(unit.weights.len());
        importances[unit.layer][unit.weights].fill(0.0);
    }
}

/// Zeroes all but the `keep` largest.
fn keep_largest(run: &mut [f32], keep: usize) {
    let mut order: Vec<usize> = (0..run.len()).collect();
    // Stable: of equal ones the first stays.
    order.sort_by(|a, b| run[*b].total_cmp(&run[*a]));
    order.into_iter().skip(keep).for_each(|i| run[i] = 0.0);
}
