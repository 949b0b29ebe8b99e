//! Runs the stages of a job, each only if what it is made from is new.

use std::sync::Arc;

use super::activations::{Activations, Evaluated};
use super::comparison::{Comparison, Sampled};
use super::memo::{Key, Memo, key_bytes};
use super::samples::Samples;
use super::{Event, Job, PreviewError, Side, Stage, exported, views};
use crate::execute::executor::Executor;
use crate::measure::accuracy::{accuracy, class_of, is_classifier};
use crate::measure::features::front_end_figures;
use crate::measure::sizes::{Sizes, sizes};
use crate::measure::{AccuracyFigures, LayerErrors, StaticFigures, static_figures};
use crate::optimize::{CalibratedRanges, Calibration, Candidate, Observations, Rewritten, RoundedWeights};
use crate::optimize::{calibrate, complete, rewrite, round_weights};
use crate::progress::Cancel;
use crate::recipe::{Recipe, Step};

/// Results that each stage remembers: as many steps can be undone at once.
const REMEMBERED: usize = 24;

/// Results of stages that run the source model: they are large, and change only with model and data.
const REMEMBERED_RUNS: usize = 3;

/// What an edit leaves as it was is not computed again: the bytes that activations of earlier evaluations may take. One layer of the
/// keyword nets over their test samples takes 7.2 MB; with more than this the window on them would pass 150 MB.
const ACTIVATION_BYTES: usize = 8 << 20;

/// Layers are compared on so many calibration samples: means over a layer's values settle early.
const COMPARED_SAMPLES: usize = 32;

/// The source model runs over so many samples at a time, so that figures grow while one watches.
const BASELINE_STEP: usize = 64;

/// Computes previews and remembers the latest results of every stage. One serves a window for as long as it is open.
#[derive(Debug)]
pub struct Engine {
    rewrites: Memo<Arc<Rewritten>>,
    calibrations: Memo<Arc<Calibration>>,
    roundings: Memo<RoundedWeights>,
    candidates: Memo<Made>,
    figures: Memo<Arc<StaticFigures>>,
    baselines: Memo<Arc<Baseline>>,
    accuracies: Memo<AccuracyFigures>,
    activations: Activations,
    layer_errors: Memo<Arc<LayerErrors>>,
    comparison: Comparison,
    sizes: Memo<Arc<Sizes>>,
}

/// A candidate and the length of the file that it is exported as.
#[derive(Clone, Debug)]
struct Made {
    candidate: Arc<Candidate>,
    file_bytes: u64,
}

/// The source model's results on the test samples.
#[derive(Debug)]
struct Baseline {
    figures: AccuracyFigures,
    /// Its first output, real, `[samples, ..]`.
    outputs: Vec<f32>,
}

type Tell<'a> = &'a mut dyn FnMut(Event);

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine that has computed nothing yet.
    pub fn new() -> Self {
        Self {
            rewrites: Memo::new(REMEMBERED),
            calibrations: Memo::new(REMEMBERED_RUNS),
            roundings: Memo::new(REMEMBERED),
            candidates: Memo::new(REMEMBERED),
            figures: Memo::new(REMEMBERED),
            baselines: Memo::new(REMEMBERED_RUNS),
            accuracies: Memo::new(REMEMBERED),
            activations: Activations::new(ACTIVATION_BYTES),
            layer_errors: Memo::new(REMEMBERED),
            comparison: Comparison::default(),
            sizes: Memo::new(REMEMBERED),
        }
    }

    /// What the latest evaluation of a candidate had to compute; `None` before the first.
    pub fn evaluated(&self) -> Option<Evaluated> {
        self.activations.evaluated()
    }

    /// How many nodes of a candidate the latest comparison of its layers ran; `None` before the first.
    pub fn compared_nodes(&self) -> Option<usize> {
        self.comparison.nodes()
    }

    /// Runs a job and tells each result as soon as it is known, in the order of [`Event`]. What is remembered is told at
    /// once. After an error the events told before stay true.
    ///
    /// # Errors
    /// [`PreviewError::Cancelled`] soon after `cancel` is raised; else the first stage that failed says why.
    pub fn run(&mut self, job: &Job, cancel: &Cancel, tell: Tell<'_>) -> Result<(), PreviewError> {
        let source = Key::of(&[&job.source.key()]);
        self.measure(job, Side::Baseline, source, &job.source.graph, job.source.size_bytes, tell);
        let samples = Samples::of(job)?;
        cancel.check()?;
        let (key, made) = self.make_of(job, samples.as_ref(), cancel, tell)?;
        let candidate = &made.candidate;
        self.measure(job, Side::Candidate, key, &candidate.graph, made.file_bytes, tell);
        cancel.check()?;

        if let Some(samples) = &samples {
            if !samples.roles.test.is_empty() {
                let baseline = self.evaluate_baseline(job, samples, cancel, tell)?;
                self.evaluate_candidate(job, samples, &baseline, key, candidate, cancel, tell)?;
            }
            self.compare_layers(samples, key, candidate, cancel, tell)?;
        }
        cancel.check()?;
        self.code(key, candidate, tell)?;
        tell(Event::Done);
        Ok(())
    }

    /// Runs only the stages that make the candidate, and tells what they tell.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn candidate(&mut self, job: &Job, cancel: &Cancel, tell: Tell<'_>) -> Result<Arc<Candidate>, PreviewError> {
        let samples = Samples::of(job)?;
        Ok(self.make_of(job, samples.as_ref(), cancel, tell)?.1.candidate)
    }

    fn make_of(
        &mut self,
        job: &Job,
        samples: Option<&Samples<'_>>,
        cancel: &Cancel,
        tell: Tell<'_>,
    ) -> Result<(Key, Made), PreviewError> {
        let stored = stored_ranges(job, samples);
        let (rewrite_key, rewritten) = self.rewrite(job, samples, stored, cancel)?;
        cancel.check()?;
        let calibration = self.calibrate(job, samples, (rewrite_key, &rewritten), stored, cancel, tell)?;
        cancel.check()?;
        let calibration = match calibration {
            Some(calibration) => Some(self.round(job, samples, (rewrite_key, &rewritten), calibration, cancel, tell)?),
            None => None,
        };
        cancel.check()?;
        self.make(job, (rewrite_key, rewritten), calibration.as_ref(), tell)
    }

    fn measure(&mut self, job: &Job, side: Side, graph_key: Key, graph: &crate::graph::Graph, file_bytes: u64, tell: Tell<'_>) {
        let front_end = job.front_end();
        let key = Key::of(&[graph_key.bytes(), &key_bytes(&*job.device), &front_end.map(key_bytes).unwrap_or_default()]);
        let figures = self.figures.get(key).unwrap_or_else(|| {
            let front_end = front_end.map(|front_end| front_end_figures(front_end, &job.device));
            self.figures.put(key, Arc::new(StaticFigures { front_end, ..static_figures(graph, file_bytes, &job.device) }))
        });
        tell(Event::Static { side, figures });
    }

    /// How large the candidate is in each of its forms: the slowest of what follows from a graph alone, so it comes last.
    fn code(&mut self, key: Key, candidate: &Candidate, tell: Tell<'_>) -> Result<(), PreviewError> {
        let all = match self.sizes.get(key) {
            Some(all) => all,
            None => {
                tell(Event::Progress { stage: Stage::Measure, done: 0, total: 1 });
                self.sizes.put(key, Arc::new(sizes(&candidate.graph, &exported(&candidate.graph)?)))
            }
        };
        tell(Event::Sizes(all));
        Ok(())
    }

    /// The float graph that is quantized. Only absorption and pruning look at the data, but what each step changed is measured on them.
    fn rewrite(
        &mut self,
        job: &Job,
        samples: Option<&Samples<'_>>,
        stored: Option<&CalibratedRanges>,
        cancel: &Cancel,
    ) -> Result<(Key, Arc<Rewritten>), PreviewError> {
        let steps = job.recipe.rewrites_key();
        let absorbed = stored.map(|stored| &stored.absorbed).filter(|absorbed| !absorbed.is_empty());
        let pruned = stored.map(|stored| stored.pruned.as_slice()).filter(|pruned| !pruned.is_empty());
        let chosen = samples.map(|samples| calibration_samples(job, samples)).unwrap_or_default();
        let data = samples.filter(|_| !steps.is_empty() && !chosen.is_empty());
        let data_key = data.map_or([0; 32], |samples| samples.data.key());
        let parts: [&[u8]; 6] = [
            &job.source.key(),
            steps.as_bytes(),
            &data_key,
            &(data.map_or(0, |_| chosen.len()) as u64).to_le_bytes(),
            &absorbed.map(key_bytes).unwrap_or_default(),
            &pruned.map(|pruned| key_bytes(&pruned)).unwrap_or_default(),
        ];
        let key = Key::of(&parts);
        if let Some(rewritten) = self.rewrites.get(key) {
            return Ok((key, rewritten));
        }
        let inputs = data.map(|samples| samples.inputs.real(chosen)).transpose()?.unwrap_or_default();
        let observations = Observations { inputs: &views(&inputs), absorbed, pruned, cancel };
        let rewritten = rewrite(&job.recipe, &job.source.graph, &observations)?;
        Ok((key, self.rewrites.put(key, Arc::new(rewritten))))
    }

    /// Ranges of the float graph's activations: those a project stored for just these samples win over new ones.
    fn calibrate(
        &mut self,
        job: &Job,
        samples: Option<&Samples<'_>>,
        (rewrite_key, rewritten): (Key, &Rewritten),
        stored: Option<&CalibratedRanges>,
        cancel: &Cancel,
        tell: Tell<'_>,
    ) -> Result<Option<Arc<Calibration>>, PreviewError> {
        let calibrates = needs_calibration(&job.recipe) && !Executor::runs_in_integers(&job.source.graph);
        if !calibrates {
            return Ok(None);
        }
        let chosen = samples.map(|samples| calibration_samples(job, samples)).unwrap_or_default();
        let Some(samples) = samples.filter(|_| !chosen.is_empty()) else {
            let stored = stored.map(|stored| Calibration::from_ranges(stored.clone()).of(rewritten));
            let stored = stored.map(Arc::new);
            if let Some(calibration) = &stored {
                tell(Event::Calibration(calibration.clone()));
            }
            return Ok(stored);
        };
        let key = Key::of(&[rewrite_key.bytes(), &samples.data.key(), &(chosen.len() as u64).to_le_bytes()]);
        let observed = match self.calibrations.get(key) {
            Some(calibration) => calibration,
            None => {
                cancel.settle()?;
                tell(Event::Progress { stage: Stage::Calibrate, done: 0, total: chosen.len() });
                let inputs = samples.inputs.real(chosen)?;
                let calibration = calibrate(&rewritten.graph, &views(&inputs), None, cancel)?.of(rewritten);
                self.calibrations.put(key, Arc::new(calibration))
            }
        };
        let calibration = match stored {
            Some(stored) => Arc::new(Calibration::clone(&observed).with_ranges(stored.clone())),
            None => observed,
        };
        tell(Event::Calibration(calibration.clone()));
        Ok(Some(calibration))
    }

    /// Rounds weights by the calibration samples, if the recipe asks for it and no project has kept the result.
    fn round(
        &mut self,
        job: &Job,
        samples: Option<&Samples<'_>>,
        (rewrite_key, rewritten): (Key, &Rewritten),
        calibration: Arc<Calibration>,
        cancel: &Cancel,
        tell: Tell<'_>,
    ) -> Result<Arc<Calibration>, PreviewError> {
        let settings = job.recipe.quantize().filter(|settings| settings.needs_rounding());
        let chosen = samples.map(|samples| calibration_samples(job, samples)).unwrap_or_default();
        let (Some(settings), Some(samples)) = (settings, samples.filter(|_| !chosen.is_empty())) else { return Ok(calibration) };
        if calibration.rounded(settings).is_some() {
            return Ok(calibration);
        }
        let (by, ranges) = (settings.rounding_key(), key_bytes(&calibration.ranges_for(settings)));
        let n_chosen = (chosen.len() as u64).to_le_bytes();
        let key = Key::of(&[rewrite_key.bytes(), &samples.data.key(), &n_chosen, by.as_bytes(), &ranges]);
        let rounded = match self.roundings.get(key) {
            Some(rounded) => rounded,
            None => {
                cancel.settle()?;
                let inputs = samples.inputs.real(chosen)?;
                let mut progress = |done, total| tell(Event::Progress { stage: Stage::Round, done, total });
                let rounded = round_weights(&rewritten.graph, settings, &calibration, &views(&inputs), cancel, &mut progress)?;
                self.roundings.put(key, rounded)
            }
        };
        let calibration = Arc::new(Calibration::clone(&calibration).with_rounded(rounded));
        tell(Event::Calibration(calibration.clone()));
        Ok(calibration)
    }

    fn make(
        &mut self,
        job: &Job,
        (rewrite_key, rewritten): (Key, Arc<Rewritten>),
        calibration: Option<&Arc<Calibration>>,
        tell: Tell<'_>,
    ) -> Result<(Key, Made), PreviewError> {
        let steps: Vec<&Step> = job.recipe.enabled().map(|(_, entry)| &entry.step).collect();
        // What a recipe takes of a calibration are the ranges it asks for; they are few and say all.
        let settings = job.recipe.quantize();
        let ranges = calibration.zip(settings).map(|(calibration, settings)| key_bytes(&calibration.ranges_for(settings)));
        let key = Key::of(&[rewrite_key.bytes(), &key_bytes(&steps), &ranges.unwrap_or_default()]);
        let made = match self.candidates.get(key) {
            Some(made) => made,
            None => {
                tell(Event::Progress { stage: Stage::Optimize, done: 0, total: 1 });
                let candidate = complete(&job.recipe, rewritten, calibration.map(Arc::as_ref))?;
                let file_bytes = exported(&candidate.graph)?.len() as u64;
                self.candidates.put(key, Made { candidate: Arc::new(candidate), file_bytes })
            }
        };
        tell(Event::Candidate(made.candidate.clone()));
        Ok((key, made))
    }

    fn evaluate_baseline(
        &mut self,
        job: &Job,
        samples: &Samples<'_>,
        cancel: &Cancel,
        tell: Tell<'_>,
    ) -> Result<Arc<Baseline>, PreviewError> {
        let key = Key::of(&[&job.source.key(), &samples.data.key()]);
        let baseline = match self.baselines.get(key) {
            Some(baseline) => baseline,
            None => self.baselines.put(key, Arc::new(run_baseline(job, samples, cancel, tell)?)),
        };
        tell(Event::Accuracy { side: Side::Baseline, figures: baseline.figures.clone() });
        Ok(baseline)
    }

    #[allow(clippy::too_many_arguments, reason = "what a stage is made from, whom it tells and who may stop it")]
    fn evaluate_candidate(
        &mut self,
        job: &Job,
        samples: &Samples<'_>,
        baseline: &Baseline,
        candidate_key: Key,
        candidate: &Candidate,
        cancel: &Cancel,
        tell: Tell<'_>,
    ) -> Result<(), PreviewError> {
        let key = Key::of(&[candidate_key.bytes(), &samples.data.key()]);
        let figures = match self.accuracies.get(key) {
            Some(figures) => figures,
            None => {
                cancel.settle()?;
                let test = &samples.roles.test;
                let inputs = samples.inputs.bytes(test, &candidate.graph)?;
                let mut run =
                    self.activations.resume(&candidate.graph, (Key::of(&[&samples.data.key()]), &inputs), test.len())?;
                let labels = samples.labels(test);
                let float_outputs = samples.source_is_float.then_some(baseline.outputs.as_slice());
                let truth = samples.truth(labels.as_deref(), float_outputs);
                let classifier = is_classifier(&job.source.graph, &truth);
                let report = |figures: &AccuracyFigures| {
                    let (done, total) = (figures.done, figures.total);
                    tell(Event::Progress { stage: Stage::EvaluateCandidate, done, total });
                    tell(Event::Accuracy { side: Side::Candidate, figures: figures.clone() });
                };
                let output_len = run.output_len();
                let figures = accuracy(test.len(), output_len, truth, classifier, |samples| run.run(samples, cancel), report)?;
                self.activations.keep(run);
                self.accuracies.put(key, figures)
            }
        };
        tell(Event::Accuracy { side: Side::Candidate, figures });
        Ok(())
    }

    fn compare_layers(
        &mut self,
        samples: &Samples<'_>,
        candidate_key: Key,
        candidate: &Candidate,
        cancel: &Cancel,
        tell: Tell<'_>,
    ) -> Result<(), PreviewError> {
        let chosen = if samples.roles.calibration.is_empty() { &samples.roles.test } else { &samples.roles.calibration };
        let chosen = &chosen[..chosen.len().min(COMPARED_SAMPLES)];
        if chosen.is_empty() || !samples.source_is_float {
            return Ok(());
        }
        let key = Key::of(&[candidate_key.bytes(), &samples.data.key()]);
        let errors = match self.layer_errors.get(key) {
            Some(errors) => errors,
            None => {
                tell(Event::Progress { stage: Stage::CompareLayers, done: 0, total: chosen.len() });
                let inputs = samples.inputs.real(chosen)?;
                let inputs = views(&inputs);
                let (float, origin) = (&candidate.rewritten.graph, &candidate.from_rewritten);
                let samples_key = Key::of(&[&samples.data.key(), &key_bytes(&chosen)]);
                let [float, integer] = [float, &candidate.graph].map(|graph| Sampled::new(graph, &inputs, samples_key));
                let errors = self.comparison.run(&float, &integer, origin, chosen.len(), cancel)?;
                self.layer_errors.put(key, Arc::new(errors))
            }
        };
        tell(Event::LayerErrors(errors));
        Ok(())
    }
}

/// Runs the source model over the test samples in steps, keeping its outputs for comparison.
fn run_baseline(job: &Job, samples: &Samples<'_>, cancel: &Cancel, tell: Tell<'_>) -> Result<Baseline, PreviewError> {
    let executor = Executor::new(&job.source.graph)?;
    let test = &samples.roles.test;
    let labels = samples.labels(test);
    let labels = labels.filter(|labels| is_classifier(&job.source.graph, &samples.truth(Some(labels), None)));
    let mut figures = AccuracyFigures {
        done: 0,
        total: test.len(),
        top1_correct: labels.as_ref().map(|_| 0),
        agree_with_float: None,
        mean_abs_difference: None,
    };
    let mut outputs = Vec::new();
    let output_len = executor.outputs().first().map_or(1, |port| port.sample_len.max(1));
    let mut step = BASELINE_STEP;
    while figures.done < test.len() {
        let part = &test[figures.done..(figures.done + step).min(test.len())];
        let inputs = samples.inputs.bytes(part, &job.source.graph)?;
        let first_output = executor.run_real(&views(&inputs), part.len(), cancel)?.into_iter().next().unwrap_or_default();
        if let (Some(correct), Some(labels)) = (&mut figures.top1_correct, &labels) {
            let named = first_output.chunks_exact(output_len).map(class_of);
            *correct += named.zip(&labels[figures.done..]).filter(|(class, label)| *class == **label as usize).count();
        }
        outputs.extend(first_output);
        figures.done += part.len();
        step *= 2;
        tell(Event::Progress { stage: Stage::EvaluateBaseline, done: figures.done, total: figures.total });
        tell(Event::Accuracy { side: Side::Baseline, figures: figures.clone() });
    }
    Ok(Baseline { figures, outputs })
}

/// Whether some enabled step turns activations into integers.
fn needs_calibration(recipe: &Recipe) -> bool {
    recipe.steps.iter().filter(|entry| entry.enabled).any(|entry| match &entry.step {
        Step::Quantize(settings) => settings.needs_calibration(),
        _ => false,
    })
}

/// The samples that a job calibrates on.
fn calibration_samples<'s>(job: &Job, samples: &'s Samples<'_>) -> &'s [usize] {
    let all = &samples.roles.calibration;
    let limit = job.recipe.quantize().and_then(|settings| settings.samples);
    &all[..limit.unwrap_or(usize::MAX).min(all.len())]
}

/// The ranges that a project keeps, if they come from just the graph and the samples that the job would take; without data, from the
/// graph.
fn stored_ranges<'j>(job: &'j Job, samples: Option<&Samples<'_>>) -> Option<&'j CalibratedRanges> {
    let stored = job.ranges.as_deref().filter(|stored| stored.ranges.rewritten_by == job.recipe.rewrites_key())?;
    let chosen = samples.map(|samples| (samples.data.samples_hash(), calibration_samples(job, samples).len()));
    let fits = chosen.is_none_or(|(data, n)| n == 0 || (stored.data, stored.ranges.samples) == (data, n));
    fits.then_some(&stored.ranges)
}
