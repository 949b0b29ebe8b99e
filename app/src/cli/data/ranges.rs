//! What the tensors of a model hold for the samples of a data set.

use std::path::Path;

use tinsmith_core::data::DataSet;
use tinsmith_core::graph::{Graph, TensorId};
use tinsmith_core::measure::coverage::Seen;
use tinsmith_core::optimize::{self, Calibration};
use tinsmith_core::preview::{Inputs, views};
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
    let values = Inputs::of(set, graph).and_then(|inputs| inputs.real(indices)).map_err(|problem| problem.of(path))?;
    let progress = messages.progress();
    progress.show("running the model", 0, indices.len());
    let run = || optimize::calibrate(graph, &views(&values), None, &Cancel::new());
    Ok(timed(format_args!("ran {} samples", indices.len()), run)?)
}

/// Lowest and highest value of each sample, of every tensor that was observed.
pub fn seen(calibration: &Calibration) -> Vec<Seen<'_>> {
    let tensors = (0..).map(TensorId).zip(&calibration.tensors);
    let observed = tensors.filter_map(|(tensor, statistics)| Some((tensor, statistics.as_ref()?)));
    observed.map(|(tensor, statistics)| Seen { tensor, ranges: &statistics.sample_ranges }).collect()
}
