//! `tinsmith device check`: whether a board computes what the studio computes.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::preview::{Inputs, only_input};
use tinsmith_core::progress::Cancel;
use tinsmith_runtime::link::{Stats, Status};

use super::board::{Board, PortOptions, model_file};
use crate::cli::messages::Messages;
use crate::cli::model::ModelOptions;
use crate::cli::samples::SampleOptions;
use crate::cli::{Failure, output, units};
use crate::device::{Agreement, Event, Request};

/// Run samples through the model on a board and compare every output with the studio's own
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith device check /dev/ttyUSB0 int8.tflite --data assets/samples/keyword/keyword.npz --split test
  tinsmith device check /dev/ttyUSB0 int8.tflite --data assets/samples/keyword/keyword.npz --load --json")]
pub struct Check {
    #[command(flatten)]
    port: PortOptions,
    /// The integer model that the board runs (.tflite, .onnx)
    model: PathBuf,
    #[command(flatten)]
    options: ModelOptions,
    #[command(flatten)]
    samples: SampleOptions,
    /// Send the model to the board first
    #[arg(long)]
    load: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Inputs and what the studio computes from them, sample after sample.
struct Expected {
    n: usize,
    inputs: Vec<u8>,
    outputs: Vec<Vec<u8>>,
}

impl Expected {
    fn input(&self, sample: usize) -> &[u8] {
        let len = self.inputs.len() / self.n.max(1);
        &self.inputs[sample * len..][..len]
    }

    /// The bytes of all outputs of a sample.
    fn output(&self, sample: usize) -> Vec<u8> {
        let one = |all: &Vec<u8>| {
            let len = all.len() / self.n.max(1);
            all[sample * len..][..len].to_vec()
        };
        self.outputs.iter().flat_map(one).collect()
    }
}

impl Check {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let expected = self.expected()?;
        let file = model_file(&self.model, &self.options)?;
        let board = self.port.open_model_runner(messages)?;
        if self.load {
            board.load(&file, messages)?;
        } else if !file.is(board.model) {
            let runs = if board.model.is_some() { "runs another model" } else { "has no model" };
            return Err(Failure::new(format!("{} {runs}; add --load to send this one", board.info.name)));
        }
        let progress = messages.progress();
        let mut agreement = Agreement::default();
        for sample in 0..expected.n {
            progress.show("checking", sample, expected.n);
            let (_, request) = agreement.ask(expected.input(sample).to_vec(), expected.output(sample));
            board.input.ask(request);
            let answer = board.answer(messages, |event| agreement.take(&event))?;
            if answer.status != Status::Done {
                return Err(Failure::new(format!("{}: sample {sample}: {}", board.info.name, answer.status)));
            }
        }
        drop(progress);
        let agree = agreement.counts().0 as usize;
        board.input.ask(Request::GetStats(false));
        let stats = board.answer(messages, |event| if let Event::Stats(stats) = event { Some(stats) } else { None })?;
        self.print(&board, agree, expected.n, &stats)
    }

    fn expected(&self) -> Result<Expected, Failure> {
        let opened = self.options.open(&self.model)?;
        let samples = self.samples.open()?;
        let graph = &*opened.graph;
        let at_model = |error: &dyn std::fmt::Display| Failure::at(&self.model, error);
        let at_data = |problem: tinsmith_core::data::DataProblem| problem.of(&self.samples.path);
        let executor = Executor::new(graph).map_err(|error| at_model(&error))?;
        // A board takes one.
        only_input(graph).map_err(|error| at_model(&error))?;
        let inputs = Inputs::of(&samples.set, graph).and_then(|inputs| inputs.bytes(&samples.indices, graph)).map_err(at_data)?;
        let inputs = inputs.concat();
        let n = samples.indices.len();
        let outputs = executor.run(&[&inputs], n, &Cancel::new()).map_err(|error| at_model(&error))?;
        Ok(Expected { n, inputs, outputs })
    }

    fn print(&self, board: &Board, agree: usize, n: usize, stats: &Stats) -> Result<(), Failure> {
        if self.json {
            output::print_json(&json!({
                "port": self.port.port, "board": board.info.name, "model": self.model, "data": self.samples.path,
                "samples": n, "agree": agree,
                "latency_us": {
                    "mean": stats.mean_us, "p50": stats.p50_us, "p95": stats.p95_us, "p99": stats.p99_us, "max": stats.max_us,
                },
                "arena_bytes": stats.arena_bytes, "free_heap_bytes": stats.free_heap_bytes,
            }))?;
        } else {
            let Stats { mean_us, p50_us, p95_us, p99_us, max_us, .. } = stats;
            output::print(&format!(
                "device agrees: {agree}/{n}\nlatency mean {mean_us} µs, p50 {p50_us}, p95 {p95_us}, p99 {p99_us}, max {max_us}\n\
                 arena {}, free heap {}\n",
                units::bytes(stats.arena_bytes.into()),
                units::bytes(stats.free_heap_bytes.into()),
            ))?;
        }
        if agree == n {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{} computes other outputs for {} of {n} samples; is it this model?",
            board.info.name,
            n - agree
        )))
    }
}
