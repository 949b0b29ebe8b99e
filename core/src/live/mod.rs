//! A model that listens: what a sensor measures is cut into windows, each becomes features, each of those goes through the models,
//! and what they say becomes events.
//!
//! ```text
//! instants ─▶ FrontEnd ─▶ window ─▶ features ─┬▶ Runner (candidate) ─▶ Decider ─▶ Event
//!                                             └▶ Runner (baseline)  ─────┘
//! ```
//!
//! The results of a stream do not depend on how it is cut into pieces, and memory does not grow with its length.
//!
//! | file | what |
//! | --- | --- |
//! | `front` | windows on a grid of instants, gaps, features |
//! | `runner` | one model: features in, probabilities or a distance out |
//! | `decide` | mean, threshold, hold-off: when a class was heard |
//! | `suggest` | a threshold for an autoencoder, from samples that are as they should be |
//! | `latency` | how long runs take, exactly, in bounded memory |
//!
//! Architecture invariant: no thread, no clock, no file; whoever calls has those.

mod decide;
mod front;
mod latency;
mod runner;
mod suggest;
#[cfg(test)]
mod tests;

pub use decide::{Counts, Decider, Decision, DecisionSettings, Event, USUAL_THRESHOLD, class_names, quiet_classes, top};
pub use front::{FrontEnd, Sensor, Window, fitting_presets};
pub use latency::{Latencies, LatencyFigures};
pub use runner::{Reading, Runner, Said};
pub use suggest::{Suggestion, suggest};

use decide::agree;

use crate::data::DataProblem;
use crate::data::features::PipelineError;
use crate::execute::ExecuteError;

/// Why a model cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The front end cannot make features of what the sensor measures.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// No window of the sensor becomes what the model's input takes.
    #[error("{0}")]
    Misfit(String),
    /// The features do not fit the model's input.
    #[error(transparent)]
    Data(#[from] DataProblem),
    /// A model cannot run.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

/// A front end, one or two models, and what is made of what they say.
#[derive(Debug)]
pub struct Live {
    front: FrontEnd,
    candidate: Runner,
    baseline: Option<Runner>,
    decider: Decider,
    steps: u64,
    same: u64,
}

/// What came of one window.
#[derive(Clone, Debug)]
pub struct Step {
    /// Counted from 0.
    pub number: u64,
    /// The window's first instant.
    pub first: u64,
    /// When the window ended: seconds from instant 0.
    pub time_s: f64,
    /// What the candidate said.
    pub candidate: Said,
    /// What the baseline said, if there is one.
    pub baseline: Option<Said>,
    /// What that amounts to.
    pub decision: Decision,
}

impl Live {
    /// A candidate that listens, and perhaps a baseline beside it. Both take the same features.
    pub fn new(front: FrontEnd, candidate: Runner, baseline: Option<Runner>, decider: Decider) -> Self {
        Self { front, candidate, baseline, decider, steps: 0, same: 0 }
    }

    /// Takes the next instants, `[time, channels]`, and tells what came of each window that they complete.
    ///
    /// # Errors
    /// [`LiveError`]: features cannot be made, or a model cannot run. Steps before that have been told.
    pub fn push(&mut self, instants: &[f32], mut tell: impl FnMut(Step)) -> Result<(), LiveError> {
        // A stride completes one window at most, so that memory does not depend on how much comes at once.
        for part in instants.chunks(self.front.stride() * self.front.sensor().channels.len()) {
            let mut complete = None;
            self.front.push(part, |window| complete = Some(window));
            if let Some(window) = complete {
                tell(self.step(&window)?);
            }
        }
        Ok(())
    }

    /// Takes the next instants without listening to them, for who is late. How many windows that leaves out; after some, means begin
    /// anew.
    pub fn pass(&mut self, instants: &[f32]) -> u64 {
        let mut passed = 0;
        for part in instants.chunks(self.front.stride() * self.front.sensor().channels.len()) {
            self.front.push(part, |_| passed += 1);
        }
        if passed > 0 {
            self.decider.restart();
        }
        passed
    }

    /// So many instants are missing. Windows that would span them are left out, and counted; means begin anew.
    pub fn gap(&mut self, missing: u64) {
        if self.front.gap(missing) > 0 {
            self.decider.restart();
        }
    }

    fn step(&mut self, window: &Window) -> Result<Step, LiveError> {
        let features = self.front.features(&window.values)?;
        let candidate = self.candidate.run(&features)?;
        let baseline = self.baseline.as_ref().map(|baseline| baseline.run(&features)).transpose()?;
        let time_s = (window.first + self.front.len() as u64) as f64 / self.front.sensor().rate_hz;
        let said = baseline.as_ref().map(|said| said.values.as_slice());
        let decision = self.decider.step(time_s, &candidate.values, said);
        let number = self.steps;
        self.steps += 1;
        let threshold = self.decider.settings().limit(candidate.values.len());
        self.same += u64::from(said.is_some_and(|said| agree(said, &candidate.values, threshold)));
        Ok(Step { number, first: window.first, time_s, candidate, baseline, decision })
    }

    /// What cuts the windows.
    pub fn front(&self) -> &FrontEnd {
        &self.front
    }

    /// The same, to say where a stream begins.
    pub fn front_mut(&mut self) -> &mut FrontEnd {
        &mut self.front
    }

    /// The model that is listened with.
    pub fn candidate(&self) -> &Runner {
        &self.candidate
    }

    /// Whether there is a baseline.
    pub fn has_baseline(&self) -> bool {
        self.baseline.is_some()
    }

    /// What decides.
    pub fn decider(&self) -> &Decider {
        &self.decider
    }

    /// The same, to set it while it runs.
    pub fn decider_mut(&mut self) -> &mut Decider {
        &mut self.decider
    }

    /// Windows so far, and in how many of them candidate and baseline named the same class.
    pub fn steps(&self) -> (u64, u64) {
        (self.steps, self.same)
    }
}
