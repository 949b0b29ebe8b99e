//! What every step gives back.

use super::{OptimizeError, StepOutcome};
use crate::graph::{Graph, TensorId};

/// What a step makes of a graph.
pub(super) struct Applied {
    pub graph: Graph,
    /// For each tensor the one of the step's input graph that it stands for.
    pub origin: Vec<Option<TensorId>>,
    pub outcome: StepOutcome,
    pub text: String,
}

impl Applied {
    /// The graph as it was, and why.
    pub fn skipped(graph: &Graph, text: impl Into<String>) -> Self {
        let origin = graph.tensor_ids().map(Some).collect();
        Self { graph: graph.clone(), origin, outcome: StepOutcome::Skipped, text: text.into() }
    }
    /// Debug builds check the graph.
    ///
    /// # Errors
    /// [`OptimizeError::Malformed`] names the step.
    pub fn check(&self, step: &'static str) -> Result<(), OptimizeError> {
        if cfg!(debug_assertions) {
            crate::graph::check(&self.graph).map_err(|source| OptimizeError::Malformed { step, source })?;
        }
        Ok(())
    }
}
