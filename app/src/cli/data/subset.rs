//! `tinsmith data subset`: the items that a model is calibrated with.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tinsmith_core::data::Split;
use tinsmith_core::data::library::Library;
use tinsmith_core::data::library::tensors::tensors;
use tinsmith_core::measure::coverage::{Seen, covering};
use tinsmith_core::progress::Cancel;

use super::info::{counts_json, counts_text, save};
use super::open;
use super::ranges::{observed, seen};
use crate::cli::messages::Messages;
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
        let is_free = |index: &usize| library.items[*index].split != Some(Split::Test);
        let free: Vec<usize> = (0..library.items.len()).filter(is_free).collect();
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

    /// The items among `free` that cover a model's ranges best, each with all of its windows.
    fn covering_items(&self, library: &Library, free: &[usize], model: &Path, messages: Messages) -> Result<Vec<usize>, Failure> {
        let opened = self.options.open(model)?;
        let features = self.features.pipeline()?;
        let subset = library.only(free);
        let made = tensors(&self.folder, &subset, features.as_ref(), &Cancel::new())?;
        let all: Vec<usize> = (0..made.set.n_samples()).collect();
        let calibration = observed(&opened.graph, &made.set, &all, &self.folder, messages)?;
        // The items that samples were made of, and what each of them reaches.
        let mut items: Vec<usize> = made.pieces.iter().map(|piece| piece.item).collect();
        items.dedup();
        let of_items = |ranges: &[(f32, f32)]| -> Vec<(f32, f32)> {
            let pieces = made.pieces.chunk_by(|a, b| a.item == b.item);
            let mut rest = ranges.iter();
            let hull =
                |n: usize| rest.by_ref().take(n).fold((f32::INFINITY, f32::NEG_INFINITY), |h, r| (h.0.min(r.0), h.1.max(r.1)));
            pieces.map(<[_]>::len).map(hull).collect()
        };
        let merged: Vec<_> = seen(&calibration).iter().map(|seen| (seen.tensor, of_items(seen.ranges))).collect();
        let merged: Vec<Seen<'_>> = merged.iter().map(|(tensor, ranges)| Seen { tensor: *tensor, ranges }).collect();
        Ok(covering(&merged, self.count as usize).into_iter().map(|chosen| free[items[chosen]]).collect())
    }
}
