//! The candidates of a project: the source as it came, those kept under a name, and the recipe that is being worked on.

use std::sync::Arc;

use tinsmith_core::measure::{AccuracyFigures, Estimate, StaticFigures};
use tinsmith_core::project::{Variant, VariantFigures};
use tinsmith_core::recipe::{Granularity, Quantize, Recipe, Scheme, Step};

use super::session::{Edit, Session};

/// Which candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Which {
    /// The model as it came.
    #[default]
    Source,
    /// The one kept at this position.
    Kept(usize),
    /// The recipe that is worked on and not kept.
    Unkept,
}

/// A candidate with what is known of it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Which one.
    pub which: Which,
    /// For people.
    pub name: String,
    /// How it is made, in a few words.
    pub about: String,
    /// How it is made; `None` for the source.
    pub recipe: Option<Recipe>,
    /// It is the one on screen.
    pub is_shown: bool,
    /// Size, RAM, MACs, latency, energy.
    pub statics: Option<Arc<StaticFigures>>,
    /// How well it does.
    pub accuracy: Option<AccuracyFigures>,
    /// What the project's file says of it, until it is measured.
    pub stored: VariantFigures,
    /// Size, RAM and so on are of an older recipe, or only stored.
    pub is_stale: bool,
    /// So is how well it does, or not all samples are counted.
    pub is_quality_stale: bool,
    /// Why there are no figures.
    pub failure: Option<String>,
}

impl Candidate {
    /// Length of the exported file.
    pub fn size_bytes(&self) -> Option<u64> {
        self.statics.as_ref().map(|s| s.size.file_bytes).or(self.stored.size_bytes)
    }

    /// The least arena that works on a 32-bit microcontroller.
    pub fn ram_bytes(&self) -> Option<u64> {
        self.statics.as_ref().map(|s| s.arena.arena_mcu32_bytes).or(self.stored.arena_bytes)
    }

    /// Multiply-accumulates.
    pub fn macs(&self) -> Option<u64> {
        self.statics.as_ref().map(|s| s.macs).or(self.stored.macs)
    }

    /// Microseconds, estimated; the interval is known once it is measured.
    pub fn latency_us(&self) -> Option<f64> {
        self.latency().map(|e| e.value).or(self.stored.latency_us)
    }

    /// Latency with its interval.
    pub fn latency(&self) -> Option<&Estimate> {
        self.statics.as_ref()?.latency_us.as_ref()
    }

    /// Microjoules, estimated.
    pub fn energy_uj(&self) -> Option<f64> {
        self.statics.as_ref().and_then(|s| s.energy_uj.as_ref()).map(|e| e.value).or(self.stored.energy_uj)
    }

    /// Fraction of test samples with the right label, or else on which it agrees with the float model.
    pub fn quality(&self, labelled: bool) -> Option<f64> {
        if !labelled && self.which == Which::Source && self.accuracy.is_some() {
            // It agrees with itself.
            return Some(1.0);
        }
        let measured = self.accuracy.as_ref().and_then(|a| if labelled { a.top1() } else { a.agreement() });
        measured.or(if labelled { self.stored.top1 } else { self.stored.agreement })
    }
}

/// Whether accuracy is counted, or else agreement with the float model.
pub fn is_labelled(session: &Session) -> bool {
    let (base, candidate) = session.accuracies();
    base.or(candidate).is_none_or(|a| a.top1_correct.is_some())
}

/// Whether a recipe leaves the model as it came.
pub fn is_source(recipe: &Recipe) -> bool {
    recipe.steps.iter().all(|entry| !entry.enabled)
}

/// A scheme and its granularity in a few words: `int8 per-channel`.
pub fn scheme_words(quantize: &Quantize) -> String {
    let name = quantize.scheme.name();
    match (quantize.scheme.is_integer(), quantize.granularity) {
        (false, _) => name.to_owned(),
        (true, Granularity::PerChannel) => format!("{name} per-channel"),
        (true, Granularity::PerTensor) => format!("{name} per-tensor"),
    }
}

/// A recipe in a few words: `int8 per-channel, percentile 99.9`.
pub fn describe_recipe(recipe: &Recipe) -> String {
    let quantize = recipe.steps.iter().find_map(|entry| match &entry.step {
        Step::Quantize(q) if entry.enabled => Some(q),
        _ => None,
    });
    match quantize {
        Some(q) if q.scheme != Scheme::Float32 => {
            let overridden = match q.overrides.values().filter(|o| !o.is_empty()).count() {
                0 => String::new(),
                1 => ", 1 layer of its own".to_owned(),
                n => format!(", {n} layers of their own"),
            };
            let rewritten: String = rewrites(recipe, true).map(|words| format!(", {words}")).collect();
            format!("{}{rewritten}{overridden}", scheme_words(q))
        }
        _ if is_source(recipe) => "as it came".to_owned(),
        _ => {
            let packed = recipe.steps.iter().any(|entry| entry.enabled && matches!(entry.step, Step::Pack(_)));
            let parts = rewrites(recipe, false).chain(quantize.map(|_| "float32")).chain(packed.then_some("packed"));
            parts.collect::<Vec<_>>().join(", ")
        }
    }
}

/// What the steps before quantization do, in a word each. Once quantized only what changes figures is worth a word.
fn rewrites(recipe: &Recipe, is_quantized: bool) -> impl Iterator<Item = &'static str> {
    recipe.steps.iter().filter(|entry| entry.enabled).filter_map(move |entry| match entry.step {
        Step::CleanUp(_) => (!is_quantized).then_some("cleaned up"),
        Step::FuseBatchNorm(_) => (!is_quantized).then_some("batch norm fused"),
        Step::PruneChannels(_) => Some("channels pruned"),
        Step::PruneWeights(_) => Some("weights pruned"),
        Step::Cluster(_) => Some("clustered"),
        Step::Equalize(_) => Some("equalized"),
        Step::AbsorbBias(_) => Some("bias absorbed"),
        Step::Quantize(_) | Step::Pack(_) => None,
    })
}

/// All candidates in the order in which they are stepped through: the source, those kept, the one that is not.
pub fn candidates(session: &Session) -> Vec<Candidate> {
    let shown = shown(session);
    let mut all = vec![source(session, shown == Which::Source)];
    let kept = session.edit.variants.iter().enumerate();
    all.extend(kept.map(|(i, v)| made(session, Which::Kept(i), &v.name, &v.recipe, &v.figures, shown == Which::Kept(i))));
    if let Some(recipe) = unkept(session) {
        all.push(made(session, Which::Unkept, "not kept", recipe, &VariantFigures::default(), shown == Which::Unkept));
    }
    all
}

/// Which candidate is on screen.
pub fn shown(session: &Session) -> Which {
    if is_source(&session.edit.recipe) {
        return Which::Source;
    }
    let kept = session.edit.variants.iter().position(|v| v.recipe == session.edit.recipe);
    kept.map_or(Which::Unkept, Which::Kept)
}

/// The recipe of no name, on screen or set aside.
fn unkept(session: &Session) -> Option<&Recipe> {
    if shown(session) == Which::Unkept {
        return Some(&session.edit.recipe);
    }
    let aside = session.on_demand.comparison.unkept.as_ref()?;
    session.edit.variants.iter().all(|v| v.recipe != *aside).then_some(aside)
}

fn source(session: &Session, is_shown: bool) -> Candidate {
    let figures = &session.figures;
    Candidate {
        which: Which::Source,
        name: "source".to_owned(),
        about: "as it came".to_owned(),
        recipe: None,
        is_shown,
        statics: figures.baseline_static.value.clone(),
        accuracy: figures.baseline_accuracy.value.clone(),
        stored: VariantFigures::default(),
        is_stale: figures.baseline_static.is_stale,
        is_quality_stale: figures.baseline_accuracy.is_stale || !is_counted(figures.baseline_accuracy.value.as_ref()),
        failure: None,
    }
}

fn made(session: &Session, which: Which, name: &str, recipe: &Recipe, stored: &VariantFigures, is_shown: bool) -> Candidate {
    let figures = &session.figures;
    let measured = session.on_demand.comparison.measured(recipe);
    let is_fresh = is_shown && !figures.candidate_static.is_stale && figures.candidate_static.value.is_some();
    // Size and RAM of a recipe arrive long before its accuracy: until then that of the recipe before is still there.
    let own_accuracy = figures.candidate_accuracy.value.as_ref().filter(|_| !figures.candidate_accuracy.is_stale);
    let (statics, accuracy, failure) = match measured {
        _ if is_fresh => {
            let accuracy = own_accuracy.or(measured.and_then(|m| m.accuracy.as_ref()));
            (figures.candidate_static.value.clone(), accuracy.cloned(), None)
        }
        _ if is_shown && figures.failure.is_some() => (None, None, figures.failure.clone()),
        Some(m) => (m.statics.as_ref().ok().cloned(), m.accuracy.clone(), m.statics.as_ref().err().cloned()),
        None => (None, None, None),
    };
    Candidate {
        which,
        name: name.to_owned(),
        about: describe_recipe(recipe),
        recipe: Some(recipe.clone()),
        is_shown,
        is_stale: statics.is_none(),
        is_quality_stale: !is_counted(accuracy.as_ref()),
        statics,
        accuracy,
        stored: stored.clone(),
        failure,
    }
}

/// Whether all samples were counted.
fn is_counted(accuracy: Option<&AccuracyFigures>) -> bool {
    accuracy.is_some_and(AccuracyFigures::is_complete)
}

/// The candidate that the one on screen is compared with: the source, if the one that was chosen is gone.
pub fn compared<'a>(session: &Session, all: &'a [Candidate]) -> Option<&'a Candidate> {
    let recipe = &session.on_demand.comparison.compared_with;
    all.iter().find(|c| c.recipe == *recipe).or(all.first())
}

/// Remembers a recipe of no name that is being worked on, so that it can be gone back to.
pub(super) fn set_aside(session: &mut Session) {
    let is_new = session.on_demand.comparison.unkept.as_ref() != Some(&session.edit.recipe);
    if is_new && session.open.is_some() && shown(session) == Which::Unkept {
        session.on_demand.comparison.unkept = Some(session.edit.recipe.clone());
    }
}

/// Makes a candidate the one that is worked on.
pub fn choose(edit: &mut Edit, candidate: &Candidate) {
    match &candidate.recipe {
        Some(recipe) => edit.recipe.clone_from(recipe),
        // The steps stay, switched off, so that they can be switched on again.
        None => edit.recipe.steps.iter_mut().for_each(|entry| entry.enabled = false),
    }
}

/// Keeps the recipe on screen under a name, with its figures as they are known now.
pub fn keep(session: &Session, edit: &mut Edit, name: &str) {
    let figures = &session.figures;
    let statics = figures.candidate_static.value.as_ref().filter(|_| !figures.candidate_static.is_stale);
    let accuracy = figures.candidate_accuracy.value.as_ref().filter(|a| !figures.candidate_accuracy.is_stale && a.is_complete());
    let stored = VariantFigures {
        size_bytes: statics.map(|s| s.size.file_bytes),
        arena_bytes: statics.map(|s| s.arena.arena_mcu32_bytes),
        macs: statics.map(|s| s.macs),
        latency_us: statics.and_then(|s| s.latency_us.as_ref()).map(|e| e.value),
        energy_uj: statics.and_then(|s| s.energy_uj.as_ref()).map(|e| e.value),
        top1: accuracy.and_then(AccuracyFigures::top1),
        agreement: accuracy.and_then(AccuracyFigures::agreement),
    };
    edit.variants.push(Variant { name: name.to_owned(), recipe: edit.recipe.clone(), figures: stored });
}

/// A name that no candidate has yet: `int8 per-channel 2`.
pub fn free_name(edit: &Edit) -> String {
    let stem = describe_recipe(&edit.recipe);
    let is_free = |name: &String| edit.variants.iter().all(|v| v.name != *name);
    let numbered = (2..).map(|n| format!("{stem} {n}"));
    std::iter::once(stem.clone()).chain(numbered).find(is_free).unwrap_or(stem)
}

/// Goes to the next candidate, or the one before; past the end it starts again.
pub fn step(session: &mut Session, forward: bool) {
    let all = candidates(session);
    let Some(at) = all.iter().position(|c| c.is_shown) else { return };
    let next = if forward { at + 1 } else { at + all.len() - 1 } % all.len();
    choose(&mut session.edit, &all[next]);
    session.message = format!("candidate {} of {}: {}", next + 1, all.len(), all[next].name);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let mut session = Session::default();
        session.edit = Edit::new(Recipe::int8());
        session
    }

    #[test]
    fn a_kept_recipe_is_the_one_shown_and_its_name_is_free_once() {
        let mut session = session();
        assert_eq!(shown(&session), Which::Unkept);
        let mut edit = session.edit.clone();
        keep(&session, &mut edit, "first");
        let name = free_name(&edit);
        keep(&session, &mut edit, &name);
        assert_ne!(free_name(&edit), name);
        session.edit = edit;
        assert_eq!(shown(&session), Which::Kept(0));
    }

    #[test]
    fn the_accuracy_of_the_recipe_before_is_not_that_of_this_one() {
        let accuracy = |done| AccuracyFigures {
            done,
            total: 900,
            top1_correct: Some(done / 2),
            agree_with_float: None,
            mean_abs_difference: None,
        };
        let mut session = session();
        let side = tinsmith_core::preview::Side::Candidate;
        let tell = |session: &mut Session, event| _ = session.figures.take(event);
        let shown = |session: &Session| candidates(session).into_iter().find(|c| c.is_shown).unwrap();
        use tinsmith_core::preview::Event;
        tell(&mut session, Event::Accuracy { side, figures: accuracy(900) });
        session.figures.expect_all();
        tell(&mut session, Event::Static { side, figures: Arc::new(StaticFigures::default()) });
        assert_eq!((shown(&session).quality(true), shown(&session).is_quality_stale), (None, true));
        tell(&mut session, Event::Accuracy { side, figures: accuracy(100) });
        assert_eq!((shown(&session).quality(true), shown(&session).is_quality_stale), (Some(0.5), true));
        tell(&mut session, Event::Accuracy { side, figures: accuracy(900) });
        assert_eq!((shown(&session).quality(true), shown(&session).is_quality_stale), (Some(0.5), false));
    }

    #[test]
    fn what_is_compared_with_stays_the_same_when_another_candidate_goes() {
        let mut session = session();
        let mut edit = session.edit.clone();
        keep(&session, &mut edit, "first");
        edit.recipe.quantize_mut().unwrap().granularity = Granularity::PerTensor;
        keep(&session, &mut edit, "second");
        session.on_demand.comparison.compared_with = Some(edit.recipe.clone());
        session.edit = edit;
        let name = |session: &Session| compared(session, &candidates(session)).unwrap().name.clone();
        assert_eq!(name(&session), "second");
        session.edit.variants.remove(0);
        assert_eq!(name(&session), "second");
        session.edit.variants.clear();
        session.edit.recipe = Recipe::int8();
        assert_eq!(name(&session), "source");
    }

    #[test]
    fn a_recipe_is_described_by_what_it_does() {
        let mut recipe = Recipe::int8();
        assert_eq!(describe_recipe(&recipe), "int8 per-channel");
        recipe.quantize_mut().unwrap().scheme = Scheme::Float32;
        assert_eq!(describe_recipe(&recipe), "float32, packed");
        recipe.steps.retain(|entry| entry.step.name() == "pack");
        assert_eq!(describe_recipe(&recipe), "packed", "of an integer model nothing is float32");
    }

    #[test]
    fn stepping_goes_through_all_candidates_and_comes_back() {
        let mut session = session();
        let mut edit = session.edit.clone();
        keep(&session, &mut edit, "first");
        edit.recipe.quantize_mut().unwrap().granularity = Granularity::PerTensor;
        session.edit = edit.clone();
        session.on_demand.comparison.unkept = Some(edit.recipe.clone());
        let mut seen = vec![shown(&session)];
        for _ in 0..3 {
            step(&mut session, true);
            seen.push(shown(&session));
        }
        assert_eq!(seen, [Which::Unkept, Which::Source, Which::Kept(0), Which::Unkept]);
        assert_eq!(session.edit, edit);
        step(&mut session, false);
        assert_eq!(shown(&session), Which::Kept(0));
    }
}
