//! What a newly opened model starts with.

use super::{Observations, StepOutcome, rewrite};
use crate::graph::Graph;
use crate::recipe::{CleanUp, Entry, FuseBatchNorm, Recipe, Step};

/// The recipe of a newly opened model: int8 per-channel, packed; before that the steps that leave outputs as they are, where they find
/// something to do.
pub fn suggested_recipe(graph: &Graph) -> Recipe {
    let mut recipe = Recipe::int8();
    let rewrites = [Step::FuseBatchNorm(FuseBatchNorm::default()), Step::CleanUp(CleanUp::default())];
    let entry = |step| Entry { enabled: true, step };
    let found = rewrite(&Recipe { steps: rewrites.clone().map(entry).into() }, graph, &Observations::none());
    let reports = found.map(|found| found.steps).unwrap_or_default();
    let useful = rewrites.into_iter().zip(reports).filter(|(_, report)| report.outcome == StepOutcome::Applied);
    recipe.steps.splice(0..0, useful.map(|(step, _)| entry(step)));
    recipe
}
