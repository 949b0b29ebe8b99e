//! Steps that would help, offered before anybody asks: in the recipe all together, in the inspector what is about one layer.

use std::collections::BTreeSet;

use tinsmith_core::graph::{Graph, NodeId};
use tinsmith_core::optimize::{Advice, parse_step};
use tinsmith_core::recipe::Recipe;

use super::session::Session;
use super::steps;

/// A step that would help some layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The step with its settings, as the command line has it: `equalize:replace-relu6=on`.
    pub step: &'static str,
    /// Short: `Equalize: channel ranges of 3 layers lie 40 times apart`.
    pub words: String,
    /// Why, a sentence for each place.
    pub why: String,
}

/// Everything that would help and is not in the recipe, a line for each step.
pub fn offers(session: &Session, recipe: &Recipe) -> Vec<Offer> {
    gathered(session, recipe, |_, _| true)
}

/// What would help this layer of the candidate.
pub fn offers_for(session: &Session, recipe: &Recipe, layer: &str) -> Vec<Offer> {
    gathered(session, recipe, |graph, advice| advice.nodes.iter().any(|id| graph.node(*id).name == layer))
}

/// Puts the step into the recipe.
pub fn take(recipe: &mut Recipe, offer: &Offer) {
    if let Ok(step) = parse_step(offer.step) {
        recipe.put(step);
    }
}

fn gathered(session: &Session, recipe: &Recipe, is_meant: impl Fn(&Graph, &Advice) -> bool) -> Vec<Offer> {
    let Some((of, advice)) = session.advice.as_ref().filter(|(of, _)| session.float_graph().as_ref() == Some(of)) else {
        return Vec::new();
    };
    let open: Vec<&Advice> = advice.iter().filter(|a| !is_taken(recipe, a.step) && is_meant(of.graph(), a)).collect();
    let mut steps: Vec<&'static str> = open.iter().map(|a| a.step).collect();
    steps.dedup();
    steps.iter().filter_map(|step| together(step, open.iter().copied().filter(|a| a.step == *step))).collect()
}

/// Whether the recipe does this already. Settings of one's own are not argued with.
fn is_taken(recipe: &Recipe, step: &str) -> bool {
    let Ok(advised) = parse_step(step) else { return true };
    let own = recipe.steps.iter().find(|entry| entry.enabled && entry.step.name() == advised.name());
    own.is_some_and(|entry| entry.step == advised || !step.contains(':'))
}

fn together<'a>(step: &'static str, advice: impl Iterator<Item = &'a Advice>) -> Option<Offer> {
    let title = steps::title(&parse_step(step).ok()?);
    let (mut nodes, mut why) = (BTreeSet::<NodeId>::new(), Vec::new());
    let mut apart: Option<f64> = None;
    for advice in advice {
        nodes.extend(&advice.nodes);
        why.push(advice.text.as_str());
        apart = apart.into_iter().chain(advice.apart).reduce(f64::max);
    }
    let words = match (apart, nodes.len()) {
        (Some(apart), n) if apart < 1e6 => format!("{title}: channel ranges of {n} layers lie {apart:.0} times apart"),
        (Some(_), n) => format!("{title}: channel ranges of {n} layers lie far apart"),
        (None, 1) => format!("{title}: 1 node"),
        (None, n) => format!("{title}: {n} nodes"),
    };
    Some(Offer { step, words, why: why.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(step: &'static str, nodes: [usize; 2], apart: Option<f64>) -> Advice {
        Advice { step, nodes: nodes.map(NodeId::new).into(), apart, text: "why".to_owned() }
    }

    #[test]
    fn places_that_one_step_helps_are_one_offer() {
        let all = [advice("equalize", [0, 1], Some(40.2)), advice("equalize", [1, 2], Some(17.0))];
        let offer = together("equalize", all.iter()).unwrap();
        assert_eq!(offer.words, "Equalize: channel ranges of 3 layers lie 40 times apart");
        assert_eq!(offer.why, "why\nwhy");
        let fuse = [advice("fuse-batch-norm", [3, 4], None)];
        assert_eq!(together("fuse-batch-norm", fuse.iter()).unwrap().words, "Fuse batch norm: 2 nodes");
    }

    #[test]
    fn what_the_recipe_does_is_not_offered() {
        let mut recipe = Recipe::int8();
        assert!(!is_taken(&recipe, "equalize"));
        steps::add(&mut recipe, "equalize");
        assert!(is_taken(&recipe, "equalize") && !is_taken(&recipe, "equalize:replace-relu6=on"));
        recipe.steps[0].enabled = false;
        assert!(!is_taken(&recipe, "equalize"));
        recipe.put(parse_step("equalize:replace-relu6=on").unwrap());
        assert!(is_taken(&recipe, "equalize:replace-relu6=on") && is_taken(&recipe, "equalize"));
    }
}
