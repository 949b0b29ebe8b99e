//! The steps before quantization: floats stay floats, and the outputs stay, but for rounding and for channels that are cut.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::applied::Applied;
use super::{
    LayerImportances, OptimizeError, PrunePlan, Pruned, StepOutcome, StepReport, absorb_bias, clean_up, cluster, equalize,
    fuse_batch_norm, prune_channels, prune_weights,
};
use crate::execute::ExecuteError;
use crate::execute::float::Prepared;
use crate::graph::{Graph, TensorId};
use crate::progress::{Cancel, Cancelled};
use crate::recipe::{Recipe, Step};

/// Outputs are compared on so many samples: rounding shows on the first ones.
const COMPARED_SAMPLES: usize = 32;

/// What the steps before quantization make of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewritten {
    /// The float graph.
    pub graph: Graph,
    /// For each of its tensors the tensor of the source graph that has the same values, but for rounding; `None` for tensors that a
    /// step put in, scaled or narrowed.
    pub origin: Vec<Option<TensorId>>,
    /// Which steps these were, see [`Recipe::rewrites_key`].
    pub by: String,
    /// What was absorbed.
    pub absorbed: Absorbed,
    /// What each of these steps that prunes cut, in order.
    pub pruned: Vec<Pruned>,
    /// The graph as it was before the first step that pruned single weights: what became zero is still there.
    pub unpruned: Option<Graph>,
    /// What each of these steps had to choose from: for the groups of its channels how much each of them matters.
    pub ranked: Vec<Vec<LayerImportances>>,
    /// What each of these steps did, in order.
    pub steps: Vec<StepReport>,
}

/// By the name of a layer, what was taken off each channel of its output.
pub type Absorbed = BTreeMap<String, Vec<f32>>;

/// What steps may know of the data.
#[derive(Clone, Copy, Debug)]
pub struct Observations<'a> {
    /// Calibration samples for each input of the source graph, `[samples, ..]`; empty if there are none.
    pub inputs: &'a [&'a [f32]],
    /// What a project keeps of an earlier absorption: it wins, so that a teammate gets the same bytes.
    pub absorbed: Option<&'a Absorbed>,
    /// The same of earlier prunings, in order.
    pub pruned: Option<&'a [Pruned]>,
    /// Ends the work early.
    pub cancel: &'a Cancel,
}

impl Observations<'static> {
    /// Nothing is known of the data.
    pub fn none() -> Self {
        static NEVER: std::sync::LazyLock<Cancel> = std::sync::LazyLock::new(Cancel::new);
        Self { inputs: &[], absorbed: None, pruned: None, cancel: &NEVER }
    }
}

/// Applies the enabled steps of `recipe` that stand before quantization.
///
/// # Errors
/// [`OptimizeError`] of the first step that cannot be applied. A step that has nothing to do is no error: its report says so.
pub fn rewrite(recipe: &Recipe, graph: &Graph, observations: &Observations<'_>) -> Result<Rewritten, OptimizeError> {
    let origin = graph.tensor_ids().map(Some).collect();
    let by = recipe.rewrites_key();
    let mut rewritten = Rewritten {
        graph: graph.clone(),
        origin,
        by,
        absorbed: Absorbed::new(),
        pruned: Vec::new(),
        unpruned: None,
        ranked: Vec::new(),
        steps: Vec::new(),
    };
    let n_rewrites = recipe.n_rewrites();
    let mut outputs = None;
    for (index, entry) in recipe.enabled().take(n_rewrites) {
        let graph = &rewritten.graph;
        let applied = if graph.is_integer() {
            Applied::skipped(graph, "the model computes with integers already; only float models are rewritten")
        } else {
            match &entry.step {
                Step::CleanUp(settings) => clean_up::clean_up(graph, settings),
                Step::FuseBatchNorm(settings) => fuse_batch_norm::fuse(graph, settings),
                Step::PruneChannels(settings) => {
                    let stored = observations.pruned.and_then(|stored| stored.get(rewritten.pruned.len()));
                    let plan = PrunePlan::decided(graph, settings, observations, stored)?;
                    rewritten.pruned.push(plan.pruned());
                    rewritten.ranked.push(plan.importances());
                    prune_channels::carry_out(&plan, graph)
                }
                Step::Equalize(settings) => equalize::equalize(graph, settings),
                Step::AbsorbBias(_) => absorb_bias::absorb(graph, observations, &mut rewritten.absorbed)?,
                Step::PruneWeights(settings) => {
                    rewritten.unpruned.get_or_insert_with(|| graph.clone());
                    prune_weights::prune(graph, settings, observations, &mut rewritten.pruned)?
                }
                Step::Cluster(settings) => cluster::cluster(graph, settings)?,
                Step::Quantize(_) | Step::Pack(_) => continue,
            }
        };
        let name = entry.step.name();
        applied.check(name)?;
        let output_change = match applied.outcome {
            StepOutcome::Applied => change(&mut outputs, graph, &applied.graph, observations)?,
            StepOutcome::Skipped => None,
        };
        rewritten.origin = applied.origin.iter().map(|id| rewritten.origin[(*id)?.index()]).collect();
        rewritten.graph = applied.graph;
        let text = applied.text;
        rewritten.steps.push(StepReport { index, name, outcome: applied.outcome, text, output_change });
    }
    Ok(rewritten)
}

/// The largest difference between outputs, relative to the largest output. `outputs` keeps those of the last graph that was run.
fn change(
    outputs: &mut Option<Vec<Vec<f32>>>,
    before: &Graph,
    after: &Graph,
    observations: &Observations<'_>,
) -> Result<Option<f32>, OptimizeError> {
    if observations.inputs.is_empty() {
        return Ok(None);
    }
    let expected = match outputs.take() {
        Some(outputs) => Some(outputs),
        None => run_some(before, observations)?,
    };
    let (Some(expected), Some(found)) = (expected, run_some(after, observations)?) else { return Ok(None) };
    let pairs = || expected.iter().flatten().zip(found.iter().flatten());
    let largest = pairs().fold(0.0f32, |most, (e, _)| most.max(e.abs()));
    let difference = pairs().fold(0.0f32, |most, (e, f)| most.max((e - f).abs()));
    *outputs = Some(found);
    Ok(Some(if difference == 0.0 { 0.0 } else { difference / largest }))
}

/// Outputs for the first samples; `None` if the graph cannot be run, which whoever evaluates it says.
fn run_some(graph: &Graph, observations: &Observations<'_>) -> Result<Option<Vec<Vec<f32>>>, Cancelled> {
    let run = || {
        let prepared = Prepared::new(graph)?;
        let n_samples = prepared.n_samples(observations.inputs)?.min(COMPARED_SAMPLES);
        let first = |(values, len): (&&[f32], usize)| values.get(..n_samples * len).unwrap_or_default().to_vec();
        let inputs: Vec<Vec<f32>> = observations.inputs.iter().zip(prepared.input_lens()).map(first).collect();
        prepared.run(&inputs.iter().map(Vec::as_slice).collect::<Vec<_>>(), observations.cancel)
    };
    match run() {
        Ok(outputs) => Ok(Some(outputs)),
        Err(ExecuteError::Cancelled(cancelled)) => Err(cancelled),
        Err(_) => Ok(None),
    }
}
