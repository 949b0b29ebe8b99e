//! Options that name data, shared by the commands that run a model.

use std::path::Path;

use tinsmith_core::data::{self, DataSet, Split};

use super::Failure;
use super::messages::timed;
use super::model::DataOptions;
use super::paths::existing;

/// Parses the value of `--split`.
pub fn parse_split(name: &str) -> Result<Split, String> {
    Split::named(name).ok_or_else(|| "expected train, calibration or test".to_owned())
}

/// A data set and the indices of the samples that were asked for.
pub struct Samples {
    /// The whole set.
    pub set: DataSet,
    /// Which samples of it.
    pub indices: Vec<usize>,
}

/// Opens a data set and picks the samples of a split, or all.
pub fn open(path: &Path, options: DataOptions, split: Option<Split>) -> Result<Samples, Failure> {
    existing(path)?;
    let mut set = timed(format_args!("opened {}", path.display()), || data::open(path))?;
    set.layout = options.layout;
    let indices = set.samples_of(split).map_err(|problem| problem.of(path))?;
    Ok(Samples { set, indices })
}
