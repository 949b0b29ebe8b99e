//! `tinsmith data coverage`: on how few samples the ranges of a model hang.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tinsmith_core::data::Split;
use tinsmith_core::data::library::Library;
use tinsmith_core::data::library::file::is_library;
use tinsmith_core::graph::Graph;
use tinsmith_core::measure::coverage::{Coverage as Tensor, End, FEW, coverage};

use super::ranges::observed;
use crate::cli::messages::Messages;
use crate::cli::model::{DataOptions, ModelOptions};
use crate::cli::samples::{self, parse_split};
use crate::cli::{Failure, output, units};

/// Show on how few samples the range of each of a model's tensors hangs, the shakiest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith data coverage assets/samples/keyword/keyword_float32.tflite --data assets/samples/keyword/keyword.npz
  tinsmith data coverage assets/samples/keyword/keyword_float32.tflite --data assets/samples/keyword/keyword.npz --split test --json")]
pub struct Coverage {
    /// The float model (.tflite, .onnx, .keras, .h5)
    model: PathBuf,
    #[command(flatten)]
    options: ModelOptions,
    /// The data set: a folder, or an .npz or .npy file
    #[arg(long)]
    data: PathBuf,
    #[command(flatten)]
    data_options: DataOptions,
    /// Only the samples of this split; the calibration split where there is one, else all
    #[arg(long, value_parser = parse_split)]
    split: Option<Split>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Coverage {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let opened = self.options.open(&self.model)?;
        let graph = &*opened.graph;
        let set = samples::open(&self.data, &self.data_options)?;
        let has_calibration = set.splits.as_deref().is_some_and(|splits| splits.contains(&Split::Calibration));
        let split = self.split.or(has_calibration.then_some(Split::Calibration));
        let indices = set.samples_of(split).map_err(|problem| problem.of(&self.data))?;
        let calibration = observed(graph, &set, &indices, &self.data, messages)?;
        let all = coverage(calibration.seen());
        let n_few = all.iter().filter(|tensor| tensor.hangs_on_few()).count();
        // A window stage makes several samples of a piece: then these are not the names of samples.
        let names = Some(self.names()?).filter(|names| names.len() == set.n_samples()).unwrap_or_default();
        let name = |sample: &usize| {
            let sample = indices[*sample];
            names.get(sample).cloned().unwrap_or_else(|| format!("sample {sample}"))
        };
        if self.json {
            let end = |end: &End| {
                json!({
                    "value": end.value, "samples_reaching": end.n_reaching, "without": end.without,
                    "reached_by": end.reached_by.iter().map(|i| indices[*i]).collect::<Vec<_>>(),
                    "names": end.reached_by.iter().map(&name).collect::<Vec<_>>(),
                })
            };
            let tensor = |tensor: &Tensor| {
                json!({
                    "tensor": tensor.tensor.0, "name": graph.tensor(tensor.tensor).name, "at_stake": tensor.at_stake(),
                    "low": end(&tensor.low), "high": end(&tensor.high),
                })
            };
            return output::print_json(&json!({
                "model": self.model,
                "data": self.data,
                "split": split.map(Split::name),
                "samples": indices.len(),
                "hang_on_few": n_few,
                "tensors": all.iter().map(tensor).collect::<Vec<Value>>(),
            }));
        }
        let head = format!(
            "{} samples{}; the ranges of {n_few} of {} tensors hang on fewer than {FEW} of them\n",
            units::count(indices.len() as u64),
            split.map_or(String::new(), |split| format!(" of {}", split.name())),
            all.len(),
        );
        output::print(&(head + &table(graph, &all, &name)))
    }

    /// The names of the samples, where the data set has some.
    fn names(&self) -> Result<Vec<String>, Failure> {
        if !is_library(&self.data) {
            return Ok(Vec::new());
        }
        let library = Library::open(&self.data)?;
        let is_labelled = library.items.iter().any(|item| item.label.is_some());
        let pieces = library.pieces().filter(|piece| !is_labelled || library.items[piece.item].label.is_some());
        Ok(pieces.map(|piece| format!("{} [{}..{}]", library.items[piece.item].file, piece.start, piece.end)).collect())
    }
}

fn table(graph: &Graph, all: &[Tensor], name: &dyn Fn(&usize) -> String) -> String {
    let row = |tensor: &Tensor| {
        let named: Vec<String> = [&tensor.low, &tensor.high]
            .into_iter()
            .filter(|end| end.hangs_on_few())
            .flat_map(|end| end.reached_by.iter().map(name))
            .collect();
        vec![
            graph.tensor(tensor.tensor).name.clone(),
            format!("{:.4}", tensor.low.value),
            units::count(tensor.low.n_reaching as u64),
            format!("{:.4}", tensor.high.value),
            units::count(tensor.high.n_reaching as u64),
            units::percent(tensor.at_stake().into()),
            named.join(", "),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let head = ["tensor", "lowest", "reached by", "highest", "reached by", "one sample's", "hangs on"];
    output::table(&head, &[false, true, true, true, true, true, false], &rows)
}
