//! The thread that measures stored candidates, one after the other, with an engine of its own: its figures are those of the preview.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tinsmith_core::data::DataSet;
use tinsmith_core::graph::Graph;
use tinsmith_core::measure::accuracy::class_of;
use tinsmith_core::measure::{AccuracyFigures, StaticFigures};
use tinsmith_core::optimize::Candidate;
use tinsmith_core::preview::{Engine, Event as Told, Job, PreviewError, Side, roles};
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::Recipe;

use super::attempt::attempt;
use super::demand::{Basis, run_samples};
use super::slot::Slot;
use super::{Event, Outbox};

/// The most classes of which a confusion matrix is counted.
const MAX_CLASSES: usize = 64;

/// What to measure.
#[derive(Clone, Debug)]
pub struct CompareRequest {
    /// What the answers are made from.
    pub basis: Basis,
    /// Model, data, board; the recipe is replaced.
    pub job: Job,
    /// The recipes to measure, in order.
    pub recipes: Vec<Recipe>,
    /// Of this one the test samples are counted by what they are and what they are taken for, first of all.
    pub confusion: Option<Arc<Candidate>>,
}

/// A result.
#[derive(Clone, Debug)]
pub enum Compared {
    /// What a recipe gives.
    Measured(Measured),
    /// What the chosen candidate takes for what, or why that cannot be counted.
    Confusion(Arc<Candidate>, Result<Arc<Confusion>, String>),
}

/// What a recipe gives.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The recipe.
    pub recipe: Recipe,
    /// What follows from the graph, or why there is no candidate.
    pub statics: Result<Arc<StaticFigures>, String>,
    /// How well it does; `None` without data.
    pub accuracy: Option<AccuracyFigures>,
}

/// How often samples of each class are taken for each class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// `counts[is][said]`.
    pub counts: Vec<Vec<usize>>,
    /// The same of the model as it came, if that can be run.
    pub of_source: Option<Vec<Vec<usize>>>,
    /// Samples that the candidate takes for something else, in ascending order.
    pub mistakes: Vec<usize>,
}

impl Confusion {
    /// Samples of a class that were recognised, of all samples of the class.
    pub fn recall(&self, class: usize) -> Option<f64> {
        let row = self.counts.get(class)?;
        let n: usize = row.iter().sum();
        (n > 0).then(|| row[class] as f64 / n as f64)
    }

    /// Samples that were recognised.
    pub fn n_right(&self) -> usize {
        self.counts.iter().enumerate().map(|(i, row)| row[i]).sum()
    }
}

pub(super) fn start(outbox: Outbox) -> Slot<CompareRequest> {
    let slot = Slot::new();
    let of_thread: Slot<CompareRequest> = slot.clone();
    std::thread::spawn(move || {
        super::priority::give_way();
        let mut engine = Engine::new();
        while let Some((request, cancel)) = of_thread.take() {
            serve(&mut engine, &request, &cancel, &outbox);
        }
    });
    slot
}

fn serve(engine: &mut Engine, request: &CompareRequest, cancel: &Cancel, outbox: &Outbox) {
    let tell = |compared| outbox.send(Event::Compared(request.basis.clone(), compared));
    if let Some(candidate) = &request.confusion {
        let counted = attempt("while counting", || confusion(&request.job, candidate, cancel));
        if cancel.is_cancelled() {
            return;
        }
        tell(Compared::Confusion(candidate.clone(), counted.map(Arc::new)));
    }
    for recipe in &request.recipes {
        let job = Job { recipe: recipe.clone(), ..request.job.clone() };
        // As in the preview: a mistake in the core is told like any other failure.
        let measured = catch_unwind(AssertUnwindSafe(|| measure(engine, &job, cancel)));
        match measured {
            Ok(Some(measured)) => tell(Compared::Measured(measured)),
            Ok(None) => return,
            Err(_) => {
                *engine = Engine::new();
                let why = "the program made a mistake while measuring this candidate; report it";
                tell(Compared::Measured(Measured { recipe: recipe.clone(), statics: Err(why.to_owned()), accuracy: None }));
            }
        }
    }
}

/// `None` once nobody wants to know any more.
fn measure(engine: &mut Engine, job: &Job, cancel: &Cancel) -> Option<Measured> {
    let (mut statics, mut accuracy) = (None, None);
    let mut tell = |event| match event {
        Told::Static { side: Side::Candidate, figures } => statics = Some(figures),
        Told::Accuracy { side: Side::Candidate, figures } => accuracy = Some(figures),
        _ => {}
    };
    let failure = match engine.run(job, cancel, &mut tell) {
        Ok(()) => None,
        Err(PreviewError::Cancelled(_)) => return None,
        Err(error) => Some(super::words::of_preview(&error)),
    };
    let statics = statics.ok_or_else(|| failure.unwrap_or_else(|| "the recipe gives no candidate".to_owned()));
    Some(Measured { recipe: job.recipe.clone(), statics, accuracy })
}

/// Counts what a candidate takes for what. Cancelled, it gives an error that nobody wants to read.
fn confusion(job: &Job, candidate: &Candidate, cancel: &Cancel) -> Result<Confusion, String> {
    let data = job.data.as_deref().ok_or("There is no data set.")?;
    let labels = data.labels.as_deref().ok_or("The samples have no labels, so nothing can be taken for the wrong thing.")?;
    let test = roles(data).test;
    let n_classes = data.label_names.len();
    if test.is_empty() {
        return Err("The data set has no test samples.".to_owned());
    }
    if n_classes < 2 {
        return Err("The data set does not name its classes.".to_owned());
    }
    if n_classes > MAX_CLASSES {
        return Err(format!("{n_classes} classes are more than a matrix of {MAX_CLASSES} can show."));
    }
    let count = |said: &[usize]| counts(labels, &test, said, n_classes);
    let said = said(job, &candidate.graph, data, &test, cancel)?;
    let counts = count(&said)?;
    let is = |sample: usize| labels.get(sample).map(|l| *l as usize);
    let mut mistakes: Vec<usize> = test.iter().zip(&said).filter(|(s, said)| is(**s) != Some(**said)).map(|(s, _)| *s).collect();
    mistakes.sort_unstable();
    let of_source = self::said(job, &job.source.graph, data, &test, cancel).and_then(|said| count(&said)).ok();
    Ok(Confusion { classes: data.label_names.clone(), counts, of_source, mistakes })
}

/// How often samples of each class were taken for each class.
fn counts(labels: &[u32], samples: &[usize], said: &[usize], n_classes: usize) -> Result<Vec<Vec<usize>>, String> {
    let mut counts = vec![vec![0; n_classes]; n_classes];
    for (&said, &sample) in said.iter().zip(samples) {
        let is = labels.get(sample).map_or(usize::MAX, |l| *l as usize);
        let cell = counts.get_mut(is).and_then(|row| row.get_mut(said));
        *cell.ok_or_else(|| format!("Sample {} is of no class that has a name.", sample + 1))? += 1;
    }
    Ok(counts)
}

/// The class that a graph names for each sample.
fn said(job: &Job, graph: &Graph, data: &DataSet, samples: &[usize], cancel: &Cancel) -> Result<Vec<usize>, String> {
    let outputs = run_samples(&job.source.graph, graph, data, samples, cancel)?;
    let n = outputs.len() / samples.len().max(1);
    let n_classes = data.label_names.len();
    // A single value tells two classes apart, as the accuracy has it.
    if n != n_classes && !(n == 1 && n_classes == 2) {
        return Err(format!("The model gives {n} values for {n_classes} classes: it names none of them."));
    }
    Ok(outputs.chunks_exact(n).map(class_of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_counted_by_what_they_are_and_what_they_are_taken_for() {
        assert_eq!(counts(&[0, 1, 1, 0], &[1, 2, 3], &[0, 1, 0], 2), Ok(vec![vec![1, 0], vec![1, 1]]));
        assert_eq!(counts(&[0, 5], &[1], &[0], 2), Err("Sample 2 is of no class that has a name.".to_owned()));
        assert!(counts(&[], &[0], &[0], 2).is_err());
        assert_eq!(counts(&[], &[], &[], 2), Ok(vec![vec![0, 0], vec![0, 0]]));
    }
}
