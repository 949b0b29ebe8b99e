//! What every step gives back.

use std::cmp::Ordering;

use super::{OptimizeError, StepOutcome};
use crate::graph::{Graph, TensorId};
use crate::measure::parameters;

/// What a step makes of a graph.
#[derive(Debug)]
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

/// How many nodes, parameters and multiply-accumulates are gone, or came, in words.
pub(super) fn gone(before: &Graph, after: &Graph) -> String {
    let part = |before: u64, after: u64, what: &str| {
        let n = before.abs_diff(after);
        let what = if n == 1 { what.trim_end_matches('s') } else { what };
        match before.cmp(&after) {
            Ordering::Greater => Some(format!("{n} {what} fewer")),
            Ordering::Less => Some(format!("{n} {what} more")),
            Ordering::Equal => None,
        }
    };
    let macs = |graph: &Graph| {
        let of = |node| crate::ops::Operands::new(graph, node);
        graph.nodes.iter().map(|node| node.op.facts().macs(&of(node))).fold(0, u64::saturating_add)
    };
    let parts = [
        part(before.nodes.len() as u64, after.nodes.len() as u64, "nodes"),
        part(parameters(before), parameters(after), "parameters"),
        part(macs(before), macs(after), "MACs"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "as many nodes as before".into() } else { parts.join(", ") }
}
