//! `tinsmith data subset`: the items that a model is calibrated with.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tinsmith_core::data::library::Library;
use tinsmith_core::preview::covering_items;
use tinsmith_core::progress::Cancel;

use super::info::{counts_json, counts_text, save};
use super::open;
use super::ranges::failure;
use crate::cli::messages::{Messages, timed};
use crate::cli::model::{FeatureOptions, ModelOptions};
use crate::cli::{Failure, output};

/// Choose the calibration split: so many items of each class, or those that cover a model's ranges best
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith data subset keyword --count 100
  tinsmith data subset keyword --count 20 --covering assets/samples/keyword/keyword_float32.tflite")]
pub struct Subset {
    /// The folder of the data set
    folder: PathBuf,
    /// How many items; never one of the test split
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Take those that together cover the ranges of this float model's tensors; by chance if left out
    #[arg(long, value_name = "MODEL")]
    covering: Option<PathBuf>,
    #[command(flatten)]
    options: ModelOptions,
    #[command(flatten)]
    features: FeatureOptions,
    /// Another seed gives another choice
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Subset {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let library = open(&self.folder)?;
        let free = library.not_tests();
        if free.is_empty() {
            return Err(Failure::at(&self.folder, "all of its items are for tests; split it anew with tinsmith data split"));
        }
        let chosen = match &self.covering {
            Some(model) => self.covering_items(&library, &free, model, messages)?,
            None => library.chosen(&free, self.count as usize, self.seed),
        };
        let library = library.calibrated_by(&chosen);
        save(&self.folder, &library)?;
        if self.json {
            let mut report = counts_json(&library);
            report["data"] = json!(self.folder);
            report["chosen"] = json!(chosen.iter().map(|&i| library.items[i].name()).collect::<Vec<_>>());
            return output::print_json(&report);
        }
        output::print(&counts_text(&library))
    }

    /// The items that cover a model's ranges best.
    fn covering_items(&self, library: &Library, free: &[usize], model: &Path, messages: Messages) -> Result<Vec<usize>, Failure> {
        let opened = self.options.open(model)?;
        let features = self.features.pipeline()?;
        let progress = messages.progress();
        progress.show("running the model", 0, free.len());
        let of = (self.folder.as_path(), library);
        let run = || covering_items(&opened.graph, of, features.as_ref(), self.count as usize, &Cancel::new());
        timed(format_args!("ran the items that do not test"), run).map_err(|error| failure(error, &self.folder))
    }
}
