//! Options that name data, shared by the commands that run a model.

use std::path::{Path, PathBuf};

use clap::Args;
use tinsmith_core::data::features::Pipeline;
use tinsmith_core::data::{self, DataSet, Layout, Split};
use tinsmith_core::progress::Cancel;

use super::Failure;
use super::messages::timed;
use super::model::DataOptions;
use super::paths::existing;

/// Parses the value of `--split`.
pub fn parse_split(name: &str) -> Result<Split, String> {
    Split::named(name).ok_or_else(|| "expected train, calibration or test".to_owned())
}

/// Which samples a model is run on.
#[derive(Debug, Args)]
pub struct SampleOptions {
    /// Samples: a data set's folder, an .npz with x (x0, x1, … for several inputs), y, labels, split, or an .npy of inputs
    #[arg(long = "data", value_name = "DATA")]
    pub path: PathBuf,
    #[command(flatten)]
    options: DataOptions,
    /// Only the samples of this split: train, calibration or test; all samples if left out
    #[arg(long, value_parser = parse_split)]
    pub split: Option<Split>,
}

/// A data set and the indices of the samples that were asked for.
pub struct Samples {
    /// The whole set.
    pub set: DataSet,
    /// Which samples of it.
    pub indices: Vec<usize>,
}

impl SampleOptions {
    /// Opens the data set and picks the samples.
    pub fn open(&self) -> Result<Samples, Failure> {
        let set = open(&self.path, &self.options)?;
        let indices = set.samples_of(self.split).map_err(|problem| problem.of(&self.path))?;
        Ok(Samples { set, indices })
    }
}

/// Opens a data set, with the features that are asked for.
pub fn open(path: &Path, options: &DataOptions) -> Result<DataSet, Failure> {
    open_with(path, options.features.pipeline()?.as_ref(), options.layout)
}

/// Opens a data set with these features.
pub fn open_with(path: &Path, features: Option<&Pipeline>, layout: Option<Layout>) -> Result<DataSet, Failure> {
    existing(path)?;
    let read = || data::open_with(path, features, &Cancel::new());
    Ok(timed(format_args!("opened {}", path.display()), read)?.laid_out(layout))
}
