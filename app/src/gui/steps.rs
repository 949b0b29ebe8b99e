//! The list of steps as the window edits it: what can be added, where it goes, and what an edit is called. What steps are called and what
//! can be set, the core describes.

use std::sync::LazyLock;

use tinsmith_core::optimize::{StepInfo, describe_steps, parameter, parse_step};
use tinsmith_core::recipe::{Entry, Recipe, Step};

/// All steps, in the order in which a recipe has them.
pub fn known() -> &'static [StepInfo] {
    static KNOWN: LazyLock<Vec<StepInfo>> = LazyLock::new(describe_steps);
    &KNOWN
}

/// The description of a step.
pub fn described(step: &Step) -> Option<&'static StepInfo> {
    known().iter().find(|info| info.name == step.name())
}

/// What a step is called: `Fuse batch norm`.
pub fn title(step: &Step) -> &'static str {
    described(step).map_or(step.name(), |info| info.title)
}

/// The same in the middle of a sentence.
fn word(step: &Step) -> String {
    title(step).to_lowercase()
}

/// Steps that the recipe does not have.
pub fn missing(recipe: &Recipe) -> impl Iterator<Item = &'static StepInfo> {
    known().iter().filter(|info| !has(recipe, info.name))
}

/// Whether the recipe has this step, switched on or off.
pub fn has(recipe: &Recipe, name: &str) -> bool {
    recipe.steps.iter().any(|entry| entry.step.name() == name)
}

/// Puts a step with its defaults where it belongs, or switches it on if the recipe has it.
pub fn add(recipe: &mut Recipe, name: &str) {
    if let Some(entry) = recipe.steps.iter_mut().find(|entry| entry.step.name() == name) {
        entry.enabled = true;
        return;
    }
    if let Ok(step) = parse_step(name) {
        recipe.put(step);
    }
}

/// What happened to the list, if recipes have different steps: `equalize added`.
pub fn list_change(from: &Recipe, to: &Recipe) -> Option<String> {
    let names = |recipe: &Recipe| recipe.steps.iter().map(|entry| entry.step.name()).collect::<Vec<_>>();
    let (before, after) = (names(from), names(to));
    if before == after {
        return None;
    }
    let only = |of: &Recipe, others: &[&str]| -> Vec<String> {
        of.steps.iter().filter(|entry| !others.contains(&entry.step.name())).map(|entry| word(&entry.step)).collect()
    };
    Some(match (only(to, &before).as_slice(), only(from, &after).as_slice()) {
        ([added], []) => format!("{added} added"),
        ([], [removed]) => format!("{removed} removed"),
        _ => "steps".to_owned(),
    })
}

/// What differs between two entries of the same step: `equalize off`, `fuse batch norm, products and sums`.
pub fn entry_change(from: &Entry, to: &Entry) -> Option<String> {
    if from.enabled != to.enabled {
        return Some(format!("{} {}", word(&to.step), if to.enabled { "on" } else { "off" }));
    }
    if from.step == to.step {
        return None;
    }
    let parameters = &described(&to.step)?.parameters;
    let changed = parameters.iter().find(|of| parameter(&from.step, of.key) != parameter(&to.step, of.key));
    // What is not among the parameters are settings of single layers.
    let changed = changed.map_or_else(|| "a layer of its own".to_owned(), |of| of.title.to_lowercase());
    Some(format!("{}, {changed}", word(&to.step)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinsmith_core::optimize::set_parameter;

    fn names(recipe: &Recipe) -> Vec<&'static str> {
        recipe.steps.iter().map(|entry| entry.step.name()).collect()
    }

    #[test]
    fn a_layers_own_setting_has_a_name_to_undo_it_by() {
        let mut recipe = Recipe::int8();
        add(&mut recipe, "prune-channels");
        let before = recipe.steps[0].clone();
        let mut after = before.clone();
        assert_eq!(entry_change(&before, &after), None);
        if let tinsmith_core::recipe::Step::PruneChannels(settings) = &mut after.step {
            settings.layers.insert("conv".to_owned(), 0.25);
        }
        assert_eq!(entry_change(&before, &after).as_deref(), Some("prune channels, a layer of its own"));
    }

    #[test]
    fn a_step_is_added_where_it_belongs() {
        let mut recipe = Recipe::int8();
        for name in ["cluster", "equalize", "clean-up", "prune-weights", "prune-channels", "absorb-bias", "fuse-batch-norm"] {
            add(&mut recipe, name);
        }
        let all: Vec<&str> = known().iter().map(|info| info.name).collect();
        assert_eq!(names(&recipe), all);
        assert_eq!(missing(&recipe).count(), 0);
        recipe.steps[3].enabled = false;
        add(&mut recipe, "equalize");
        assert!(recipe.steps[3].enabled && recipe.steps.len() == all.len(), "what is there is switched on");
    }

    #[test]
    fn edits_to_steps_are_called_by_their_names() {
        let from = Recipe::int8();
        let mut to = from.clone();
        assert_eq!(list_change(&from, &to), None);
        add(&mut to, "fuse-batch-norm");
        assert_eq!(list_change(&from, &to).as_deref(), Some("fuse batch norm added"));
        assert_eq!(list_change(&to, &from).as_deref(), Some("fuse batch norm removed"));
        assert_eq!(list_change(&Recipe::default(), &to).as_deref(), Some("steps"));
        let entry = to.steps[0].clone();
        set_parameter(&mut to.steps[0].step, "scaling", "off").unwrap();
        assert_eq!(entry_change(&entry, &to.steps[0]).as_deref(), Some("fuse batch norm, products and sums"));
        to.steps[0].enabled = false;
        assert_eq!(entry_change(&entry, &to.steps[0]).as_deref(), Some("fuse batch norm off"));
        assert_eq!(entry_change(&entry, &entry), None);
    }
}
