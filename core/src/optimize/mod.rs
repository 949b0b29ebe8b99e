//! Recipe steps as functions from graph to graph. Never mutates the caller's graph, never touches files.
//!
//! The steps of a recipe run in the order in which the recipe lists them:
//!
//! | step | what it does | must run before |
//! | --- | --- | --- |
//! | `quantize` | float weights and activations become int8 | `pack`: an arena plan holds for one set of tensors |
//! | `pack` | names go, the arena is planned | |
//!
//! At the end, and before `pack`, what no file can hold is lowered to what it can (`lower.rs`).

mod calibrate;
mod compact;
mod histogram;
mod lower;
mod pack;
mod patches;
mod prepare;
mod quantize;
mod statistics;
mod steps;
#[cfg(test)]
mod tests;

pub use calibrate::{CalibratedRanges, Calibration, CalibratorRanges, calibrate};
pub use histogram::Histogram;
pub use lower::lowered;
pub use statistics::Statistics;
pub use steps::{Choice, ParameterInfo, ParameterKind, StepInfo, describe_steps, parse_step};

use crate::execute::ExecuteError;
use crate::graph::{CheckError, Graph, TensorId};
use crate::progress::Cancelled;
use crate::recipe::{Recipe, Step};

/// What a recipe makes of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The graph that would be exported.
    pub graph: Graph,
    /// For each tensor of [`Candidate::graph`] the tensor of the source graph that it stands for; `None` for tensors that a
    /// step put in.
    pub origin: Vec<Option<TensorId>>,
    /// What each enabled step did, in order.
    pub steps: Vec<StepReport>,
}

/// What a step did, or why it could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// Position of the step in the recipe.
    pub index: usize,
    /// The step's name: `quantize`.
    pub name: &'static str,
    /// Whether it changed the graph.
    pub outcome: StepOutcome,
    /// One plain sentence.
    pub text: String,
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

/// Applies the enabled steps of `recipe` to `graph`, in order. Quantization needs `calibration`, made from the same graph.
///
/// Debug builds check the graph after each step.
///
/// # Errors
/// [`OptimizeError`] of the first step that cannot be applied. A step that has nothing to do is no error: its report says so.
pub fn apply(recipe: &Recipe, graph: &Graph, calibration: Option<&Calibration>) -> Result<Candidate, OptimizeError> {
    let mut candidate = Candidate { graph: graph.clone(), origin: graph.tensor_ids().map(Some).collect(), steps: Vec::new() };
    for (index, entry) in recipe.steps.iter().enumerate().filter(|(_, entry)| entry.enabled) {
        if matches!(entry.step, Step::Pack(_)) {
            candidate.lower();
        }
        let applied = match &entry.step {
            Step::Quantize(settings) => quantize::quantize(&candidate.graph, settings, calibration)?,
            Step::Pack(settings) => pack::pack(&candidate.graph, settings),
        };
        let name = entry.step.name();
        if cfg!(debug_assertions) {
            crate::graph::check(&applied.graph).map_err(|source| OptimizeError::Malformed { step: name, source })?;
        }
        candidate.replace(applied.graph, &applied.origin);
        candidate.steps.push(StepReport { index, name, outcome: applied.outcome, text: applied.text });
    }
    candidate.lower();
    Ok(candidate)
}

impl Candidate {
    /// Takes another graph, whose tensors stand for those of the present one.
    fn replace(&mut self, graph: Graph, origin: &[Option<TensorId>]) {
        self.origin = origin.iter().map(|id| self.origin[(*id)?.index()]).collect();
        self.graph = graph;
    }

    /// Replaces operators that no file holds.
    fn lower(&mut self) {
        if let Some((graph, origin)) = lower::lower(&self.graph) {
            self.replace(graph, &origin);
        }
    }
}
