//! What the tensors of a model hold for the samples of a data set.

use std::path::Path;

use tinsmith_core::data::DataSet;
use tinsmith_core::graph::Graph;
use tinsmith_core::optimize::Calibration;
use tinsmith_core::preview::{self, PreviewError};
use tinsmith_core::progress::Cancel;

use crate::cli::Failure;
use crate::cli::messages::{Messages, timed};

/// Runs the samples at `indices` through a float model.
pub fn observed(
    graph: &Graph,
    set: &DataSet,
    indices: &[usize],
    path: &Path,
    messages: Messages,
) -> Result<Calibration, Failure> {
    let progress = messages.progress();
    progress.show("running the model", 0, indices.len());
    let run = || preview::observe(graph, set, indices, &Cancel::new());
    timed(format_args!("ran {} samples", indices.len()), run).map_err(|error| failure(error, path))
}

/// What went wrong, with the place of the data set where that is not said yet.
pub fn failure(error: PreviewError, path: &Path) -> Failure {
    match error {
        PreviewError::Feed(problem) => problem.of(path).into(),
        other => other.into(),
    }
}
