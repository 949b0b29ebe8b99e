//! How the result is written: without names, with a planned arena.

use super::StepOutcome;
use super::applied::Applied;
use crate::graph::Graph;
use crate::measure::arena::{Abi, arena_figures, best_plan};
use crate::recipe::Pack;

/// Strips what no runtime needs and plans the arena. Node names stay: they are the window's, no file holds them.
pub(super) fn pack(graph: &Graph, settings: &Pack) -> Applied {
    let mut applied = Applied::skipped(graph, "");
    let mut done = Vec::new();
    if settings.strip_names {
        strip_names(&mut applied.graph);
        done.push("names and signatures left out".to_owned());
    }
    if settings.plan_memory {
        let plan = best_plan(&applied.graph);
        applied.graph.memory_plan = plan.offsets.iter().any(Option::is_some).then_some(plan);
        let arena = arena_figures(&applied.graph, Abi::ARM32);
        done.push(match applied.graph.memory_plan {
            Some(_) => format!("activations take {} bytes, planned, instead of {}", arena.activations_bytes, arena.greedy_bytes),
            None => format!("TFLM's own plan is the best already: {} bytes of activations", arena.greedy_bytes),
        });
    }
    if !done.is_empty() {
        applied.outcome = StepOutcome::Applied;
    }
    applied.text = if done.is_empty() { "nothing is asked for".into() } else { done.join("; ") };
    applied
}

/// Several inputs keep their names: whoever feeds them has to tell one from another.
fn strip_names(graph: &mut Graph) {
    let inputs = if graph.inputs.len() > 1 { graph.inputs.as_slice() } else { &[] };
    let tensors = graph.tensors.iter_mut().enumerate();
    tensors.filter(|(index, _)| inputs.iter().all(|id| id.index() != *index)).for_each(|(_, tensor)| tensor.name.clear());
    graph.signatures.clear();
    graph.description.clear();
}
