//! The stages of one edit: from a source model, data, a recipe and a device to every figure on screen.
//!
//! The same [`Engine`] serves the window, the command line and the tests, so that they cannot show different figures.
//! Stages are keyed by what they are made from; only those whose key is new run, and a bounded memory of results makes
//! going back (undo, the other device) instant:
//!
//! ```text
//! source + calibration samples ---------------> Calibration      (no recipe in the key: switching calibrator re-runs nothing)
//! source + recipe + Calibration --------------> Candidate
//! Candidate + device -------------------------> StaticFigures
//! source + test samples ----------------------> float outputs, baseline AccuracyFigures
//! Candidate + test samples -------------------> AccuracyFigures, in steps
//! Candidate + some calibration samples -------> LayerErrors
//! ```
//!
//! *Baseline* is the source as it came, *candidate* what the recipe makes of it. Ranges come from the calibration split,
//! accuracy from the test split; see [`roles`] for sets that are not split.
//!
//! Architecture invariant: runs on the caller's thread, owns none, and touches no file.

pub mod roles;

use std::path::PathBuf;
use std::sync::Arc;

use crate::graph::Graph;
use crate::measure::{AccuracyFigures, LayerErrors, StaticFigures};
use crate::optimize::Candidate;

pub use roles::{Roles, roles};

/// A model as it was opened.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it was read from.
    pub path: PathBuf,
    /// What it holds.
    pub graph: Arc<Graph>,
    /// Name of the format: `TensorFlow Lite`.
    pub format: &'static str,
    /// Length of the file.
    pub size_bytes: u64,
    /// blake3 of the file.
    pub hash: [u8; 32],
}

/// A part of the work, as shown beside the progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Running the float model over the calibration samples to see which values occur.
    Calibrate,
    /// Applying the recipe.
    Optimize,
    /// Size, MACs, arena, latency, energy.
    Measure,
    /// Running the source model over the test samples.
    EvaluateBaseline,
    /// Running the candidate over the test samples.
    EvaluateCandidate,
    /// Comparing every layer of the candidate with the float model.
    CompareLayers,
}

impl Stage {
    /// For people: what is being done.
    pub fn label(self) -> &'static str {
        match self {
            Self::Calibrate => "calibrating",
            Self::Optimize => "optimizing",
            Self::Measure => "measuring",
            Self::EvaluateBaseline => "evaluating the source model",
            Self::EvaluateCandidate => "evaluating",
            Self::CompareLayers => "comparing layers",
        }
    }
}

/// Which of the two models a figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The source as it came.
    Baseline,
    /// What the recipe makes of it.
    Candidate,
}

/// A result, as soon as it is known. Every run repeats all events that apply to its job, remembered ones at once.
#[derive(Clone, Debug)]
pub enum Event {
    /// How far a stage is. Samples for stages that run samples, else `0 of 1`.
    Progress {
        /// Which stage.
        stage: Stage,
        /// How much is done.
        done: usize,
        /// Of how much.
        total: usize,
    },
    /// The graph that would be exported.
    Candidate(Arc<Candidate>),
    /// Figures that follow from a graph alone.
    Static {
        /// Of which model.
        side: Side,
        /// The figures, for the job's device.
        figures: Arc<StaticFigures>,
    },
    /// How well a model does on the samples run so far; exact once [`AccuracyFigures::is_complete`].
    Accuracy {
        /// Of which model.
        side: Side,
        /// The figures so far.
        figures: AccuracyFigures,
    },
    /// Where the candidate loses precision.
    LayerErrors(Arc<LayerErrors>),
    /// All that the job asks for is there.
    Done,
}
