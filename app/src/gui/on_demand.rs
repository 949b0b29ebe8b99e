//! Results that only some panels need: asked for while such a panel is on screen, kept until what they were made from changes.
//!
//! A panel says what it needs with [`Command::Need`](super::command::Command::Need) in every frame in which it is shown; at the end
//! of the frame [`orders`] compares that with what was asked before.

use std::path::PathBuf;
use std::sync::Arc;

use tinsmith_core::measure::AccuracyFigures;
use tinsmith_core::optimize::Candidate;
use tinsmith_core::preview::Target;
use tinsmith_core::recipe::Recipe;

use super::candidates;
use super::session::Session;
use crate::worker::{
    Answer, Basis, CompareRequest, Compared, Confusion, CoverageRequest, DryRun, FactsQuestion, Measured, Question, RangesSeen,
    SourceFacts, Trial, same,
};

/// Recipes whose figures are remembered, beside those of the candidates.
const MAX_MEASURED: usize = 64;

/// What a panel on screen needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// What there is to say of the source.
    Facts,
    /// Which files an export would write.
    DryRun,
    /// What the models say to this sample.
    Trial(usize),
    /// On which samples the source's ranges hang.
    Coverage,
    /// Figures of the candidates that were set aside.
    Candidates,
    /// What the candidate takes for what.
    Confusion,
}

/// What to ask of the worker.
#[derive(Debug)]
pub enum Order {
    /// A question of its own.
    Ask(Basis, Question),
    /// Candidates to measure.
    Compare(CompareRequest),
    /// Samples to run, for what the ranges hang on.
    Cover(CoverageRequest),
}

/// An answer, and whether it still belongs to what is on screen.
#[derive(Debug)]
pub struct Wanted<T> {
    asked: Option<Basis>,
    /// The newest answer.
    pub value: Option<Arc<T>>,
    /// A newer one is on its way.
    pub is_stale: bool,
}

impl<T> Default for Wanted<T> {
    fn default() -> Self {
        Self { asked: None, value: None, is_stale: false }
    }
}

impl<T> Wanted<T> {
    /// Whether this has not been asked yet; from now on it has.
    fn ask(&mut self, basis: &Basis) -> bool {
        if self.asked.as_ref() == Some(basis) {
            return false;
        }
        // An answer about another model or other samples says nothing about these.
        if self.asked.as_ref().is_some_and(|asked| !Arc::ptr_eq(&asked.source, &basis.source) || !same(&asked.data, &basis.data))
        {
            self.value = None;
        }
        self.asked = Some(basis.clone());
        self.is_stale = true;
        true
    }

    fn take(&mut self, basis: &Basis, value: Arc<T>) {
        if self.asked.as_ref() == Some(basis) {
            self.value = Some(value);
            self.is_stale = false;
        }
    }
}

/// What is exported, and what was exported last.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportChoice {
    /// What the files are called; `None` for the project's name.
    pub name: Option<String>,
    /// What is written.
    pub targets: Vec<Target>,
}

impl Default for ExportChoice {
    fn default() -> Self {
        Self { name: None, targets: Target::USUAL.to_vec() }
    }
}

/// Everything that was asked for.
#[derive(Debug, Default)]
pub struct OnDemand {
    needs: Vec<Need>,
    /// What there is to say of the source.
    pub facts: Wanted<SourceFacts>,
    /// Which files an export would write.
    pub dry_run: Wanted<DryRun>,
    /// What the models say to a sample.
    pub trial: Wanted<Trial>,
    /// On which samples the source's ranges hang, or why that is not known.
    pub coverage: Wanted<Result<RangesSeen, String>>,
    /// Candidates that were set aside.
    pub comparison: Comparison,
    /// What is exported.
    pub export: ExportChoice,
    /// Where the last export went, and the names of its files.
    pub exported: Option<(PathBuf, Vec<String>)>,
}

/// A candidate, and what it takes for what, or why that cannot be counted.
type Counted = (Arc<Candidate>, Result<Arc<Confusion>, String>);

/// Candidates beside the one on screen.
#[derive(Debug, Default)]
pub struct Comparison {
    basis: Option<Basis>,
    measured: Vec<Measured>,
    asked: Vec<Recipe>,
    confusion_asked: Option<Arc<Candidate>>,
    confusion: Option<Counted>,
    /// The recipe that was worked on last and is not kept under a name: stepping to a candidate does not lose it.
    pub unkept: Option<Recipe>,
    /// How the candidate is made that the one on screen is compared with; `None` for the source. Not its position: others come and go.
    pub compared_with: Option<Recipe>,
}

impl Comparison {
    /// What is known of a recipe.
    pub fn measured(&self, recipe: &Recipe) -> Option<&Measured> {
        self.measured.iter().find(|m| m.recipe == *recipe)
    }

    /// Whether every candidate that was asked for is measured.
    pub fn is_complete(&self) -> bool {
        let is_whole = |m: &Measured| m.statics.is_err() || m.accuracy.as_ref().is_none_or(AccuracyFigures::is_complete);
        self.asked.iter().all(|recipe| self.measured(recipe).is_some_and(is_whole))
    }

    /// What this candidate takes for what, if it was counted, or why it cannot be.
    pub fn confusion(&self, candidate: &Arc<Candidate>) -> Option<Result<&Confusion, &str>> {
        let (_, confusion) = self.confusion.as_ref().filter(|(of, _)| Arc::ptr_eq(of, candidate))?;
        Some(confusion.as_deref().map_err(String::as_str))
    }

    /// Forgets the oldest figures beyond [`MAX_MEASURED`]. Those of candidates stay, or they would be asked for again and again.
    fn forget_oldest(&mut self, candidates: &[Recipe]) {
        while self.measured.len() > MAX_MEASURED
            && let Some(oldest) = self.measured.iter().position(|m| !candidates.contains(&m.recipe))
        {
            self.measured.remove(oldest);
        }
    }

    fn put(&mut self, measured: Measured) {
        self.measured.retain(|m| m.recipe != measured.recipe);
        self.measured.push(measured);
    }
}

impl OnDemand {
    /// Notes what a panel on screen needs.
    pub fn need(&mut self, need: Need) {
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
    }

    /// Takes an answer, unless something else has been asked since.
    pub fn take(&mut self, basis: &Basis, answer: Answer) {
        match answer {
            Answer::Facts(facts) => self.facts.take(basis, facts),
            Answer::DryRun(dry_run) => self.dry_run.take(basis, dry_run),
            Answer::Coverage(coverage) => self.coverage.take(basis, coverage),
            Answer::Trial(trial) => self.trial.take(basis, trial),
        }
    }

    /// Takes a figure of a candidate, unless model, data or board have changed since.
    pub fn take_compared(&mut self, basis: &Basis, compared: Compared) {
        if self.comparison.basis.as_ref() != Some(basis) {
            return;
        }
        match compared {
            Compared::Measured(measured) => self.comparison.put(measured),
            Compared::Confusion(candidate, confusion) => self.comparison.confusion = Some((candidate, confusion)),
        }
    }
}

/// What to ask of the worker for the panels that were shown in this frame. Asked once.
pub fn orders(session: &mut Session) -> Vec<Order> {
    let needs = std::mem::take(&mut session.on_demand.needs);
    candidates::set_aside(session);
    let mut orders: Vec<Order> = needs.iter().filter_map(|need| order(session, *need)).collect();
    orders.extend(compare_order(session, needs.contains(&Need::Candidates), needs.contains(&Need::Confusion)));
    orders
}

fn order(session: &mut Session, need: Need) -> Option<Order> {
    match need {
        Need::Facts => facts_order(session),
        Need::DryRun => dry_run_order(session),
        Need::Coverage => coverage_order(session),
        Need::Trial(sample) => trial_order(session, sample),
        // Asked for together: one thread works on both.
        Need::Candidates | Need::Confusion => None,
    }
}

fn basis(session: &Session) -> Option<Basis> {
    let (open, device) = (session.open.as_ref()?, session.device()?);
    Some(Basis { source: Arc::clone(&open.source), device, candidate: None, data: None, detail: String::new() })
}

fn facts_order(session: &mut Session) -> Option<Order> {
    let statics = &session.figures.baseline_static;
    let statics = statics.value.clone().filter(|_| !statics.is_stale)?;
    let basis = basis(session)?;
    let question = FactsQuestion { source: Arc::clone(&basis.source), statics, device: Arc::clone(&basis.device) };
    session.on_demand.facts.ask(&basis).then_some(Order::Ask(basis, Question::Facts(question)))
}

fn dry_run_order(session: &mut Session) -> Option<Order> {
    let fresh = &session.figures.candidate;
    let candidate = fresh.value.clone().filter(|_| !fresh.is_stale)?;
    let data = session.open.as_ref()?.data.as_ref().map(|d| Arc::clone(&d.set));
    let name = session.export_name();
    let basis = Basis { candidate: Some(candidate.clone()), data, detail: name.clone(), ..basis(session)? };
    if !session.on_demand.dry_run.ask(&basis) {
        return None;
    }
    let job = session.open.as_ref()?.job(&session.edit, Arc::clone(&basis.device));
    Some(Order::Ask(basis, Question::DryRun { job, candidate, name }))
}

fn trial_order(session: &mut Session, sample: usize) -> Option<Order> {
    let candidate = session.figures.candidate.value.clone();
    let data = Arc::clone(&session.open.as_ref()?.data.as_ref()?.set);
    let basis = Basis { candidate: candidate.clone(), data: Some(data.clone()), detail: sample.to_string(), ..basis(session)? };
    let question = Question::Trial { source: Arc::clone(&basis.source), candidate, data, sample };
    session.on_demand.trial.ask(&basis).then_some(Order::Ask(basis, question))
}

fn coverage_order(session: &mut Session) -> Option<Order> {
    let data = Arc::clone(&session.open.as_ref()?.data.as_ref()?.set);
    let basis = Basis { data: Some(data), ..basis(session)? };
    if !session.on_demand.coverage.ask(&basis) {
        return None;
    }
    let calibrate = session.open.as_ref()?.data.as_ref()?.roles.calibration.clone();
    Some(Order::Cover(CoverageRequest { basis, calibrate }))
}

fn compare_order(session: &mut Session, candidates: bool, confusion: bool) -> Option<Order> {
    if !candidates && !confusion {
        return None;
    }
    let data = session.open.as_ref()?.data.as_ref().map(|d| Arc::clone(&d.set));
    let basis = Basis { data, ..basis(session)? };
    if session.on_demand.comparison.basis.as_ref() != Some(&basis) {
        let old = std::mem::take(&mut session.on_demand.comparison);
        // What belongs to the project outlives its board and its data.
        session.on_demand.comparison = Comparison {
            basis: Some(basis.clone()),
            unkept: old.unkept,
            compared_with: old.compared_with,
            ..Comparison::default()
        };
    }
    remember_shown(session);
    if session.on_demand.comparison.measured.len() > MAX_MEASURED {
        let kept: Vec<Recipe> = candidates::candidates(session).into_iter().filter_map(|c| c.recipe).collect();
        session.on_demand.comparison.forget_oldest(&kept);
    }
    let wanted = if candidates { unmeasured(session) } else { Vec::new() };
    let fresh = &session.figures.candidate;
    let of = fresh.value.clone().filter(|_| confusion && !fresh.is_stale && basis.data.is_some());
    let comparison = &mut session.on_demand.comparison;
    let of = of.filter(|of| comparison.confusion(of).is_none());
    let is_asked = of.is_none() || same(&comparison.confusion_asked, &of);
    if is_asked && wanted.iter().all(|recipe| comparison.asked.contains(recipe)) {
        return None;
    }
    // A new request takes the place of the old one, so it asks again for what has not come yet.
    comparison.asked.clone_from(&wanted);
    comparison.confusion_asked.clone_from(&of);
    let job = session.open.as_ref()?.job(&session.edit, Arc::clone(&basis.device));
    Some(Order::Compare(CompareRequest { basis, job, recipes: wanted, confusion: of }))
}

/// The preview has measured the recipe on screen: no need to do it twice.
fn remember_shown(session: &mut Session) {
    let figures = &session.figures;
    let recipe = &session.edit.recipe;
    let is_done = figures.is_complete && figures.failure.is_none() && !figures.candidate_static.is_stale;
    if !is_done || session.on_demand.comparison.measured(recipe).is_some() {
        return;
    }
    if let Some(statics) = figures.candidate_static.value.clone() {
        let accuracy = figures.candidate_accuracy.value.clone();
        session.on_demand.comparison.put(Measured { recipe: recipe.clone(), statics: Ok(statics), accuracy });
    }
}

/// Recipes of candidates that are not on screen and not measured yet.
fn unmeasured(session: &Session) -> Vec<Recipe> {
    let all = candidates::candidates(session).into_iter().filter(|c| !c.is_shown).filter_map(|c| c.recipe);
    all.filter(|recipe| session.on_demand.comparison.measured(recipe).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_thousands_of_recipes_are_not_kept_but_those_of_candidates_are() {
        let recipe = |samples: usize| {
            let mut recipe = Recipe::int8();
            recipe.quantize_mut().unwrap().samples = Some(samples);
            recipe
        };
        let mut comparison = Comparison::default();
        for samples in 1..=1000 {
            comparison.put(Measured { recipe: recipe(samples), statics: Err(String::new()), accuracy: None });
            comparison.forget_oldest(&[recipe(1), recipe(2)]);
        }
        assert_eq!(comparison.measured.len(), MAX_MEASURED);
        assert!([1, 2, 999, 1000].into_iter().all(|samples| comparison.measured(&recipe(samples)).is_some()));
        assert!(comparison.measured(&recipe(500)).is_none());
    }
}
