//! Figures as they arrive from the worker, each with whether it still belongs to the recipe on screen.

use std::sync::Arc;

use tinsmith_core::measure::sizes::Sizes;
use tinsmith_core::measure::{AccuracyFigures, LayerErrors, StaticFigures};
use tinsmith_core::optimize::{Calibration, Candidate};
use tinsmith_core::preview::{Event, Side, Stage};

use super::units;
use super::widgets::Known;

/// A value, and whether it belongs to an older recipe.
#[derive(Clone, Debug)]
pub struct Fresh<T> {
    /// The newest value there is.
    pub value: Option<T>,
    /// The recipe has changed since.
    pub is_stale: bool,
}

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self { value: None, is_stale: false }
    }
}

impl<T> Fresh<T> {
    fn set(&mut self, value: T) {
        *self = Self { value: Some(value), is_stale: false };
    }

    /// How the value is known, if it is exact once it is there.
    pub fn known(&self) -> Known {
        match (&self.value, self.is_stale) {
            (None, _) => Known::Missing,
            (Some(_), true) => Known::Stale,
            (Some(_), false) => Known::Exact,
        }
    }
}

/// What the worker is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// For people: `evaluating`.
    pub label: String,
    /// How much is done, of how much.
    pub done: usize,
    /// Of how much.
    pub total: usize,
}

impl Activity {
    /// Done and to do: `412 of 900`; empty for work that is not counted.
    pub fn counted(&self) -> String {
        if self.total > 1 {
            format!("{} of {}", units::exact(self.done as u64), units::exact(self.total as u64))
        } else {
            String::new()
        }
    }

    /// The same in words and figures: `evaluating 412 of 900`.
    pub fn words(&self) -> String {
        let words = format!("{} {}", self.label, self.counted());
        words.trim_end().to_owned()
    }

    /// How much is done, 0 to 1, if it is counted.
    pub fn fraction(&self) -> Option<f32> {
        (self.total > 1).then(|| self.done as f32 / self.total as f32)
    }

    /// What stays of cancelled work.
    pub fn kept(&self) -> String {
        if self.total > 1 { format!("{} were done", self.counted()) } else { String::new() }
    }
}

/// Everything known about source and candidate.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// What the recipe makes of the source.
    pub candidate: Fresh<Arc<Candidate>>,
    /// Size, RAM, MACs … of the source.
    pub baseline_static: Fresh<Arc<StaticFigures>>,
    /// Of the candidate.
    pub candidate_static: Fresh<Arc<StaticFigures>>,
    /// Accuracy of the source.
    pub baseline_accuracy: Fresh<AccuracyFigures>,
    /// Of the candidate.
    pub candidate_accuracy: Fresh<AccuracyFigures>,
    /// Where the candidate loses precision.
    pub layer_errors: Fresh<Arc<LayerErrors>>,
    /// How large the candidate is in each of its forms.
    pub sizes: Fresh<Arc<Sizes>>,
    /// What was seen over the calibration samples.
    pub calibration: Fresh<Arc<Calibration>>,
    /// Why there is no candidate; the figures shown are those of the last one.
    pub failure: Option<String>,
    /// Everything that was asked for is there.
    pub is_complete: bool,
}

impl Figures {
    /// A new recipe, board or data set is being worked on: all that depends on it is stale until it arrives.
    pub fn expect_all(&mut self) {
        self.calibration.is_stale = true;
        self.candidate.is_stale = true;
        self.baseline_static.is_stale = true;
        self.candidate_static.is_stale = true;
        self.baseline_accuracy.is_stale = true;
        self.candidate_accuracy.is_stale = true;
        self.layer_errors.is_stale = true;
        self.sizes.is_stale = true;
        self.failure = None;
        self.is_complete = false;
    }

    /// Takes a result of the newest recipe. Returns what to show in the status line while there is work left.
    pub fn take(&mut self, event: Event) -> Option<Activity> {
        match event {
            Event::Progress { stage, done, total } => return Some(activity(stage, done, total)),
            Event::Calibration(calibration) => self.calibration.set(calibration),
            Event::Candidate(candidate) => self.candidate.set(candidate),
            Event::Static { side: Side::Baseline, figures } => self.baseline_static.set(figures),
            Event::Static { side: Side::Candidate, figures } => self.candidate_static.set(figures),
            Event::Accuracy { side: Side::Baseline, figures } => self.baseline_accuracy.set(figures),
            Event::Accuracy { side: Side::Candidate, figures } => self.candidate_accuracy.set(figures),
            Event::LayerErrors(errors) => self.layer_errors.set(errors),
            Event::Sizes(sizes) => self.sizes.set(sizes),
            Event::Done => self.finish(),
        }
        None
    }

    /// There is no candidate for this recipe: the figures of the last one stay, stale.
    pub fn fail(&mut self, why: String) {
        self.failure = Some(why);
    }

    /// What did not arrive by the end does not exist for this recipe.
    fn finish(&mut self) {
        self.is_complete = true;
        drop_stale(&mut self.calibration);
        drop_stale(&mut self.baseline_accuracy);
        drop_stale(&mut self.candidate_accuracy);
        drop_stale(&mut self.layer_errors);
    }
}

/// Half the width of the interval in which the fraction of right answers lies with 95 % probability, given `right` of `n` samples:
/// the score interval of E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
pub fn half_width(right: usize, n: usize) -> f64 {
    if n == 0 {
        return 1.0;
    }
    /// Of the normal distribution, 95 % lies within so many standard deviations.
    const Z: f64 = 1.959_964;
    let n = n as f64;
    let p = right as f64 / n;
    Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt()
}

fn drop_stale<T>(of: &mut Fresh<T>) {
    if of.is_stale {
        *of = Fresh::default();
    }
}

fn activity(stage: Stage, done: usize, total: usize) -> Activity {
    Activity { label: stage.label().to_owned(), done, total }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accuracy(done: usize) -> AccuracyFigures {
        AccuracyFigures { done, total: 900, top1_correct: Some(done), agree_with_float: None, mean_abs_difference: None }
    }

    #[test]
    fn the_interval_narrows_with_samples() {
        // Wilson's interval for 822 of 900 is 0.8931 to 0.9300.
        assert!((half_width(822, 900) - 0.0184).abs() < 1e-4);
        assert!(half_width(91, 100) > 2.5 * half_width(910, 1000));
        assert_eq!(half_width(0, 0), 1.0);
    }

    #[test]
    fn figures_go_from_fresh_to_stale_to_gone() {
        let mut figures = Figures::default();
        figures.take(Event::Accuracy { side: Side::Candidate, figures: accuracy(900) });
        assert_eq!(figures.candidate_accuracy.known(), Known::Exact);
        figures.expect_all();
        assert_eq!(figures.candidate_accuracy.known(), Known::Stale);
        figures.take(Event::Done);
        assert_eq!(figures.candidate_accuracy.known(), Known::Missing);
    }
}
