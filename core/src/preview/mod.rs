//! The stages of one edit: from a source model, data, a recipe and a device to every figure on screen.
//!
//! The same [`Engine`] serves the window, the command line and the tests, so that they cannot show different figures.
//! Stages are keyed by what they are made from; only those whose key is new run, and a bounded memory of results makes
//! going back (undo, the other device) instant:
//!
//! ```text
//! source + steps before quantization ----------> Rewritten
//! Rewritten + calibration samples -------------> Calibration      (switching calibrator re-runs nothing)
//! Rewritten + Calibration + its samples -------> RoundedWeights   (if the recipe asks for adaptive rounding)
//! Rewritten + other steps + Calibration -------> Candidate
//! Candidate + device + features ---------------> StaticFigures
//! source + test samples ----------------------> float outputs, baseline AccuracyFigures
//! Candidate + test samples -------------------> AccuracyFigures, in steps
//! Candidate + some calibration samples -------> LayerErrors
//! Candidate ----------------------------------> Sizes
//! ```
//!
//! An evaluation starts from activations that earlier ones left (`activations.rs`): an edit of one layer runs the net from that
//! layer on, with the same result.
//!
//! *Baseline* is the source as it came, *candidate* what the recipe makes of it. Ranges come from the calibration split,
//! accuracy from the test split; see [`roles`] for sets that are not split.
//!
//! Architecture invariant: runs on the caller's thread, owns none; [`Source::open`] aside it touches no file.

mod activations;
mod comparison;
mod coverage;
mod engine;
mod error;
mod firmware;
mod inputs;
mod memo;
mod open;
pub mod progressive;
pub mod roles;
mod samples;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::DataSet;
use crate::data::features::FrontEnd;
use crate::formats::tflite::{self, ExportOptions};
use crate::formats::{self, FormatError, ImportOptions};
use crate::graph::Graph;
use crate::measure::device::Device;
use crate::measure::sizes::Sizes;
use crate::measure::{AccuracyFigures, LayerErrors, StaticFigures};
use crate::optimize::{self, CalibratedRanges, Calibration, Candidate};
use crate::recipe::{Quantize, Recipe};

pub use activations::Evaluated;
pub use coverage::{covering_items, observe};
pub use engine::Engine;
pub use error::PreviewError;
pub use firmware::{Target, firmware_files, firmware_files_with};
pub use inputs::{Inputs, is_layout_open, only_input, views};
pub use open::{OpenError, OpenedProject, open_as, open_project, project_of};
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
    /// What was said of what the file leaves open.
    pub import: ImportOptions,
}

impl Source {
    /// Opens a model file.
    ///
    /// # Errors
    /// The file cannot be read or is no sound model.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        Self::open_with(path, ImportOptions::default())
    }

    /// A graph that came from no file.
    pub fn in_memory(name: &str, graph: impl Into<Arc<Graph>>) -> Self {
        let (graph, import) = (graph.into(), ImportOptions::default());
        Self { path: name.into(), graph, format: "in memory", size_bytes: 0, hash: [0; 32], import }
    }

    /// [`Source::open`], with what the file leaves open.
    ///
    /// # Errors
    /// As [`Source::open`]; and where something is said that the file does not leave open.
    pub fn open_with(path: &Path, import: ImportOptions) -> Result<Self, FormatError> {
        let formats::Opened { graph, format, size_bytes, hash } = formats::open_with(path, &import)?;
        Ok(Self { path: path.to_owned(), graph, format, size_bytes, hash: *hash.as_bytes(), import })
    }

    /// What tells this model from every other: its file, and what was said of what the file leaves open.
    fn key(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.hash);
        for (name, extent) in &self.import.dims {
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(&(*extent as u64).to_le_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// Everything that figures are made from: an immutable snapshot, cheap to clone.
#[derive(Clone, Debug)]
pub struct Job {
    /// The model as it came.
    pub source: Arc<Source>,
    /// Samples; without them there is no accuracy, and quantization needs `ranges`.
    pub data: Option<Arc<DataSet>>,
    /// Ranges that the project keeps. They win over new ones where they come from the same samples.
    pub ranges: Option<Arc<StoredRanges>>,
    /// What to do to the model.
    pub recipe: Recipe,
    /// The board that latency, energy and fit are judged for.
    pub device: Arc<Device>,
}

impl Job {
    /// What makes the samples of recordings, if they are made.
    pub fn front_end(&self) -> Option<&FrontEnd> {
        self.data.as_deref()?.front_end.as_deref()
    }
}

/// Calibrated ranges and the data they come from. Float sums differ in the last bit from one processor to the next: a
/// project keeps its ranges, so that a teammate gets the same quantized bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRanges {
    /// The data's [`samples_hash`](DataSet::samples_hash).
    pub data: [u8; 32],
    /// The ranges.
    pub ranges: CalibratedRanges,
}

impl StoredRanges {
    /// What a project has to keep of `calibration` so that `settings` gives the same bytes everywhere.
    pub fn new(data: &DataSet, calibration: &Calibration, settings: &Quantize) -> Self {
        Self { data: data.samples_hash(), ranges: calibration.ranges_for(settings) }
    }
}

/// The bytes of the file that a candidate is exported as: the one place that decides how. Its names are already gone if the
/// recipe says so.
///
/// # Errors
/// Names an operator or a tensor that cannot be written.
pub fn exported(graph: &Graph) -> Result<Vec<u8>, FormatError> {
    tflite::export(&optimize::lowered(graph), &ExportOptions::default())
}

/// A part of the work, as shown beside the progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Running the float model over the calibration samples to see which values occur.
    Calibrate,
    /// Rounding weights by the calibration samples: layers.
    Round,
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
            Self::Round => "rounding weights",
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
    /// What the source model's activations look like on the calibration samples, if the recipe asks for ranges.
    Calibration(Arc<Calibration>),
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
    /// How large the candidate is in each of its forms.
    Sizes(Arc<Sizes>),
    /// All that the job asks for is there.
    Done,
}
