//! Feature stages in order, as a plain value: what a network sees of a recording. It belongs beside the model.

use serde::{Deserialize, Serialize};

use super::signal::Signal;
use super::stages::{Stage, StageProblem, bounded};
use crate::progress::{Cancel, Cancelled};

/// Stages, applied in order.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Pipeline {
    /// The stages.
    pub stages: Vec<Stage>,
}

/// What a stage made of each piece that came in: one signal, until a window stage cuts it into several.
pub type Pieces = Vec<Signal>;

/// Why a pipeline has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PipelineError {
    /// A stage cannot be set so, or cannot take what comes in.
    #[error("stage {number} ({name}): {problem}")]
    Stage {
        /// Which stage, from 1.
        number: usize,
        /// Its name on the command line.
        name: &'static str,
        /// What is wrong.
        #[source]
        problem: StageProblem,
    },
    /// Rate, channels and values of the recording do not fit together.
    #[error("{values} values are no {form} of {channels} channels at {rate_hz} Hz")]
    Signal {
        /// Number of values.
        values: usize,
        /// What they are said to be.
        form: &'static str,
        /// Number of channels.
        channels: usize,
        /// Rate.
        rate_hz: f64,
    },
    /// A file that holds no pipeline.
    #[error("not a feature pipeline: {0}; write one with tinsmith features --save-pipeline")]
    Syntax(String),
    /// Nobody wants the result any more.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Pipeline {
    /// A pipeline of the stages in `texts`, each `NAME[:KEY=VALUE,…]`.
    ///
    /// # Errors
    /// [`StageError`](super::StageError) names the stage, the key and what it can be set to.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, super::StageError> {
        let stages = texts.iter().map(|text| super::parse_stage(text.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { stages })
    }

    /// Reads what [`Pipeline::to_ron`] writes.
    ///
    /// # Errors
    /// [`PipelineError::Syntax`] names line and column; settings out of range are found when the pipeline runs.
    pub fn from_ron(text: &str) -> Result<Self, PipelineError> {
        ron::from_str(text).map_err(|error| PipelineError::Syntax(error.to_string()))
    }

    /// The pipeline as text, the same for equal pipelines.
    pub fn to_ron(&self) -> String {
        let text = ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::default().new_line("\n"));
        text.expect("numbers, words and lists can be written") + "\n"
    }

    /// What each stage makes of `signal`, in order: so that each can be drawn. Without stages nothing.
    ///
    /// # Errors
    /// [`PipelineError`] names the stage and the remedy.
    pub fn run(&self, signal: &Signal, cancel: &Cancel) -> Result<Vec<Pieces>, PipelineError> {
        self.steps(signal, cancel, |made, next| made.push(next))
    }

    /// What the last stage makes of `signal`; the signal itself without stages.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn features(&self, signal: &Signal, cancel: &Cancel) -> Result<Pieces, PipelineError> {
        let mut last = self.steps(signal, cancel, |made, next| *made = vec![next])?;
        Ok(last.pop().unwrap_or_else(|| vec![signal.clone()]))
    }

    fn steps(
        &self,
        signal: &Signal,
        cancel: &Cancel,
        keep: impl Fn(&mut Vec<Pieces>, Pieces),
    ) -> Result<Vec<Pieces>, PipelineError> {
        if !signal.is_sound() {
            let (values, channels, rate_hz) = (signal.values.len(), signal.channels.len(), signal.rate_hz);
            return Err(PipelineError::Signal { values, form: signal.form.name(), channels, rate_hz });
        }
        let mut made: Vec<Pieces> = Vec::new();
        for (index, stage) in self.stages.iter().enumerate() {
            let wrong = |problem| PipelineError::Stage { number: index + 1, name: stage.name(), problem };
            stage.check().map_err(wrong)?;
            let (mut next, mut n_values) = (Vec::new(), 0);
            for piece in made.last().map_or(std::slice::from_ref(signal), Vec::as_slice) {
                cancel.check()?;
                let made = stage.apply(piece).map_err(wrong)?;
                // Each piece is bounded by itself; windows of windows may still be very many.
                n_values += made.iter().map(|piece| piece.values.len()).sum::<usize>();
                bounded(&[n_values], "overlap less, or take shorter pieces").map_err(wrong)?;
                next.extend(made);
            }
            keep(&mut made, next);
        }
        Ok(made)
    }

    /// Stores in every normalise stage that asks for it the statistics of what comes in, over all `signals`.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn fit(&mut self, signals: &[Signal], cancel: &Cancel) -> Result<(), PipelineError> {
        for index in 0..self.stages.len() {
            let Stage::Normalise(settings) = &self.stages[index] else { continue };
            if !settings.wants_fit() {
                continue;
            }
            let before = Self { stages: self.stages[..index].to_vec() };
            let mut pieces = Vec::new();
            for signal in signals {
                pieces.extend(before.features(signal, cancel)?);
            }
            let wrong = |problem| PipelineError::Stage { number: index + 1, name: self.stages[index].name(), problem };
            let fitted = settings.fitted(&pieces).map_err(wrong)?;
            self.stages[index] = Stage::Normalise(fitted);
        }
        Ok(())
    }
}
