//! The stages of one edit: from a source model, data, a recipe and a device to every figure on screen.
//!
//! The same engine serves the window, the command line and the tests, so that they cannot show different figures. Stages
//! are keyed by what they are made from; only those whose key changed run again:
//!
//! ```text
//! source + calibration samples ---------------> Calibration      (no recipe in the key: switching calibrator re-runs nothing)
//! source + recipe + Calibration --------------> Candidate
//! Candidate + device -------------------------> StaticFigures
//! source + test samples ----------------------> float outputs, baseline AccuracyFigures
//! Candidate + test samples -------------------> AccuracyFigures, in steps
//! Candidate + some calibration samples -------> LayerErrors
//! ```

use std::path::PathBuf;
use std::sync::Arc;

use crate::graph::Graph;

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
