//! Recipe steps as functions from graph to graph. Never mutates the caller's graph, never touches files.
//!
//! The steps of a recipe run in the order in which the recipe lists them:
//!
//! | step | what it does | must run before |
//! | --- | --- | --- |
//! | `fuse-batch-norm` | batch normalization goes into layers | `clean-up`, which finds activations beside layers then |
//! | `clean-up` | identities, constant nodes, chains of reshapes go; activations go into layers | `equalize`, which wants layers side by side |
//! | `prune-channels` | whole channels go, with the weights that make and read them | `equalize`, which has fewer to scale then |
//! | `equalize` | channels of neighbouring layers get equal ranges | `quantize`, as all that rewrites floats |
//! | `absorb-bias` | what a channel never falls below goes into the next layer | `quantize` |
//! | `prune-weights` | the smallest weights become zero | `cluster`, which keeps zeros |
//! | `cluster` | weights share a few values | `quantize` |
//! | `quantize` | float weights and activations become int8 | `pack`: an arena plan holds for one set of tensors |
//! | `pack` | names go, the arena is planned | |
//!
//! At the end, and before `pack`, what no file can hold is lowered to what it can (`lower.rs`).

mod absorb_bias;
mod advice;
mod affine;
mod applied;
mod calibrate;
mod clamp;
mod clean_up;
mod cluster;
mod compact;
mod editor;
mod equalize;
mod fuse_batch_norm;
mod histogram;
mod layer;
mod links;
mod lower;
mod moments;
mod numbers_as_text;
mod pack;
mod patches;
mod prepare;
mod prune_channels;
mod prune_weights;
mod quantize;
mod rewrite;
mod shapes;
mod statistics;
mod steps;
mod suggest;
#[cfg(test)]
mod tests;
mod windows;

pub use advice::{Advice, advice};
pub use calibrate::{CalibratedRanges, Calibration, CalibratorRanges, calibrate};
pub use histogram::Histogram;
pub use lower::lowered;
pub use moments::{Moments, moments};
pub use prune_channels::{ChannelGroup, ChannelGroups, ChannelImportance, LayerImportances, PrunePlan, Pruned, channel_groups};
pub use quantize::{RoundedWeights, round_weights};
pub use rewrite::{Absorbed, Observations, Rewritten, rewrite};
pub use statistics::Statistics;
pub use steps::{Choice, ParameterInfo, ParameterKind, StepInfo, describe_steps, parameter, parse_step, set_parameter};
pub use suggest::suggested_recipe;

use std::sync::Arc;

use applied::Applied;

use crate::execute::ExecuteError;
use crate::graph::{CheckError, Graph, TensorId};
use crate::progress::Cancelled;
use crate::recipe::{Recipe, Step};

/// What a recipe makes of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The graph that would be exported.
    pub graph: Graph,
    /// For each tensor of [`Candidate::graph`] the tensor of the source graph that has the same values, but for rounding; `None` for
    /// tensors that a step put in, scaled or narrowed.
    pub origin: Vec<Option<TensorId>>,
    /// The float graph that was quantized: the source, or what the steps before quantization made of it.
    pub rewritten: Arc<Rewritten>,
    /// For each tensor of [`Candidate::graph`] the tensor of [`Candidate::rewritten`] that has the same values, but for rounding.
    pub from_rewritten: Vec<Option<TensorId>>,
    /// What each enabled step did, in order.
    pub steps: Vec<StepReport>,
}

/// What a step did, or why it could not.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Position of the step in the recipe.
    pub index: usize,
    /// The step's name: `quantize`.
    pub name: &'static str,
    /// Whether it changed the graph.
    pub outcome: StepOutcome,
    /// One plain sentence.
    pub text: String,
    /// The largest change of an output that the step made over calibration samples, relative to the largest output; `None` if it was not
    /// measured, as without data or by quantization.
    pub output_change: Option<f32>,
}

/// Whether a step changed the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// It did what it was asked to.
    Applied,
    /// There was nothing to do, or it does not apply to this graph; the graph is as before.
    Skipped,
}

/// Why a recipe cannot be applied.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OptimizeError {
    /// Quantizing activations needs their ranges.
    #[error("quantization needs calibration: choose a data set with samples that fit the model's input")]
    NotCalibrated,
    /// The ranges belong to another graph, or to calibrators that the recipe does not ask for.
    #[error("the calibrated ranges do not fit: {0}; calibrate again")]
    Calibration(String),
    /// A setting has a value that makes no sense.
    #[error("step {step}: {trouble}")]
    Setting {
        /// Name of the step.
        step: &'static str,
        /// What is wrong with which setting.
        trouble: String,
    },
    /// There is no such step.
    #[error("there is no step \"{name}\", only {known}")]
    UnknownStep {
        /// What was asked for.
        name: String,
        /// The steps there are.
        known: String,
    },
    /// A node stands in the way.
    #[error("node \"{node}\" ({op}): {trouble}")]
    Node {
        /// Its name.
        node: String,
        /// Its operator.
        op: String,
        /// What is wrong.
        trouble: String,
    },
    /// A step left a malformed graph: a mistake of this program.
    #[error("step {step} left a malformed graph: {source}")]
    Malformed {
        /// Name of the step.
        step: &'static str,
        /// What the check found.
        source: CheckError,
    },
    /// Calibration could not run the float model.
    #[error(transparent)]
    Execute(ExecuteError),
    /// Nobody wants the result any more.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<ExecuteError> for OptimizeError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Execute(other),
        }
    }
}

/// Applies the enabled steps of `recipe` to `graph`, in order, without data to look at. Quantization needs `calibration`, made from what
/// [`rewrite`] makes of the same graph.
///
/// # Errors
/// As [`complete`].
pub fn apply(recipe: &Recipe, graph: &Graph, calibration: Option<&Calibration>) -> Result<Candidate, OptimizeError> {
    complete(recipe, Arc::new(rewrite(recipe, graph, &Observations::none())?), calibration)
}

/// Applies the enabled steps of `recipe` that [`rewrite`] left, in order. Quantization needs `calibration`, made from the rewritten graph.
///
/// Debug builds check the graph after each step.
///
/// # Errors
/// [`OptimizeError`] of the first step that cannot be applied. A step that has nothing to do is no error: its report says so.
pub fn complete(
    recipe: &Recipe,
    rewritten: Arc<Rewritten>,
    calibration: Option<&Calibration>,
) -> Result<Candidate, OptimizeError> {
    let graph = &rewritten.graph;
    let mut candidate = Candidate {
        graph: graph.clone(),
        origin: rewritten.origin.clone(),
        from_rewritten: graph.tensor_ids().map(Some).collect(),
        steps: rewritten.steps.clone(),
        rewritten,
    };
    for (index, entry) in recipe.enabled().skip(recipe.n_rewrites()) {
        if matches!(entry.step, Step::Pack(_)) {
            candidate.lower();
        }
        let applied = match &entry.step {
            Step::Quantize(settings) => quantize::quantize(&candidate.graph, settings, calibration)?,
            Step::Pack(settings) => pack::pack(&candidate.graph, settings),
            _ => Applied::skipped(&candidate.graph, "it stands behind a step that has to come last; move it up"),
        };
        let name = entry.step.name();
        applied.check(name)?;
        candidate.replace(applied.graph, &applied.origin);
        candidate.steps.push(StepReport { index, name, outcome: applied.outcome, text: applied.text, output_change: None });
    }
    candidate.lower();
    Ok(candidate)
}

impl Candidate {
    /// Takes another graph, whose tensors stand for those of the present one.
    fn replace(&mut self, graph: Graph, origin: &[Option<TensorId>]) {
        let through = |before: &[Option<TensorId>]| origin.iter().map(|id| before[(*id)?.index()]).collect();
        self.origin = through(&self.origin);
        self.from_rewritten = through(&self.from_rewritten);
        self.graph = graph;
    }

    /// Replaces operators that no file holds.
    fn lower(&mut self) {
        if let Some((graph, origin)) = lower::lower(&self.graph) {
            self.replace(graph, &origin);
        }
    }
}
