//! On how few calibration samples the ranges of the source's tensors hang.

use tinsmith_core::data::DataSet;
use tinsmith_core::measure::coverage::{Coverage, End, FEW, coverage};
use tinsmith_core::preview::{Source, observe};
use tinsmith_core::progress::Cancel;

/// More samples are not run: what is asked for while a panel is on screen has to come soon.
const MOST_RUN: usize = 1000;
/// So many samples are named at each end.
const NAMED: usize = 4;

/// What the ranges of a model hang on.
#[derive(Clone, Debug, PartialEq)]
pub struct RangesSeen {
    /// How many samples were run.
    pub n_run: usize,
    /// How many calibrate.
    pub n_calibrate: usize,
    /// What is at stake most comes first; samples by their number in the data set.
    pub tensors: Vec<Coverage>,
}

impl RangesSeen {
    /// Ranges with an end that fewer than [`FEW`] samples reach.
    pub fn n_few(&self) -> usize {
        self.tensors.iter().filter(|tensor| tensor.weakest() < FEW).count()
    }
}

/// Runs the samples that calibrate, or the first of them if there are many; or says in a line why not.
pub(super) fn ranges_seen(source: &Source, data: &DataSet, calibrate: &[usize]) -> Result<RangesSeen, String> {
    let run = &calibrate[..calibrate.len().min(MOST_RUN)];
    let calibration = observe(&source.graph, data, run, &Cancel::new()).map_err(|error| error.to_string())?;
    let in_set = |end: End| End { reached_by: end.reached_by.iter().map(|&sample| run[sample]).collect(), ..end };
    let of_set = |of: Coverage| Coverage { low: in_set(of.low), high: in_set(of.high), ..of };
    let tensors = coverage(calibration.seen(), NAMED).into_iter().map(of_set).collect();
    Ok(RangesSeen { n_run: run.len(), n_calibrate: calibrate.len(), tensors })
}
