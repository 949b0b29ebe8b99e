//! `tinsmith quantize`: a float model in, a quantized one out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde_json::json;
use tinsmith_core::data::{DataProblem, DataSet, Split};
use tinsmith_core::graph::Graph;
use tinsmith_core::optimize::{self, Candidate, Observations};
use tinsmith_core::preview::{Inputs, exported, roles, views};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::file::write_atomically;
use tinsmith_core::recipe::{self, Recipe, Scheme, Step};

use super::messages::{Messages, timed};
use super::model::{DataOptions, ModelOptions};
use super::reports::{step_json, step_line};
use super::samples::{self, parse_split};
use super::{Failure, interrupt, output, units};

/// Quantize a float model with ranges from calibration samples
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith quantize assets/samples/keyword/keyword_float32.tflite --calibrate assets/samples/keyword/keyword.npz -o int8.tflite
  tinsmith quantize assets/samples/keyword/keyword_float32.tflite --calibrate assets/samples/keyword/keyword.npz --granularity per-tensor -o small.tflite
  tinsmith quantize assets/samples/keyword/keyword_float32.tflite --calibrate assets/samples/keyword/keyword.npz --step quantize:keep=99.99 -o int8.tflite")]
pub struct Quantize {
    /// The float model (.tflite, .onnx, .keras, .h5)
    model: PathBuf,
    #[command(flatten)]
    options: ModelOptions,
    /// Calibration samples: a data set's folder, an .npz with x (x0, x1, … for several inputs) and split, or an .npy of inputs; needed where activations become integers
    #[arg(long, value_name = "DATA")]
    calibrate: Option<PathBuf>,
    #[command(flatten)]
    data_options: DataOptions,
    /// Which samples to calibrate on; the calibration split where there is one (else training samples, never the test split), all samples of a set without splits
    #[arg(long, value_parser = parse_split)]
    split: Option<Split>,
    /// What weights and activations become
    #[arg(long, value_name = "SCHEME", value_parser = scheme_parser())]
    scheme: Option<Scheme>,
    /// Scales of weights; dense layers stay per-tensor unless a --step says otherwise, which saves RAM
    #[arg(long, value_enum)]
    granularity: Option<Granularity>,
    /// Add or replace a recipe step: NAME or NAME:KEY=VALUE,… (see tinsmith steps)
    #[arg(long, value_name = "STEP", value_parser = parse_step)]
    step: Vec<Step>,
    /// Leave out a step that would be taken for this model, by name: fuse-batch-norm and clean-up where they find something to do, quantize, pack
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    without: Vec<String>,
    /// Where to write the model
    #[arg(short, long, value_name = "OUT.tflite")]
    output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Granularity {
    PerChannel,
    PerTensor,
}

/// The schemes by their names.
pub fn scheme_parser() -> impl TypedValueParser<Value = Scheme> {
    PossibleValuesParser::new(Scheme::ALL.map(Scheme::name)).map(|name| Scheme::named(&name).unwrap_or_default())
}

fn parse_step(text: &str) -> Result<Step, String> {
    optimize::parse_step(text).map_err(|error| error.to_string())
}

fn parse_name(name: &str) -> Result<String, String> {
    optimize::parse_step(name).map(|step| step.name().to_owned()).map_err(|error| error.to_string())
}

impl Quantize {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        let opened = self.options.open(&self.model)?;
        let recipe = self.recipe(&opened.graph);
        let samples = match &self.calibrate {
            Some(path) => Some(self.samples(path, &opened.graph, &recipe, messages)?),
            None if recipe.quantize().is_some_and(recipe::Quantize::needs_calibration) => {
                let why = "activations become integers, whose ranges come from samples: name some with --calibrate DATA";
                return Err(Failure::at(&self.model, why));
            }
            None => None,
        };
        let n_samples = samples.as_ref().map_or(0, |(_, n)| *n);
        let candidate = Self::candidate(&opened.graph, &recipe, samples, messages)?;
        let bytes = exported(&candidate.graph)?;
        let at_output = |error| Failure::writing(&self.output, &error);
        interrupt::whole(|| write_atomically(&self.output, &bytes)).map_err(at_output)?;
        if self.json {
            return output::print_json(&json!({
                "model": self.model,
                "output": self.output,
                "source_bytes": opened.size_bytes,
                "size_bytes": bytes.len(),
                "calibration_samples": n_samples,
                "steps": candidate.steps.iter().map(step_json).collect::<Vec<_>>(),
            }));
        }
        let mut text = if n_samples > 0 { format!("calibrated on {n_samples} samples\n") } else { String::new() };
        for step in &candidate.steps {
            text.push_str(&step_line(step));
        }
        let (before, after) = (units::bytes(opened.size_bytes), units::bytes(bytes.len() as u64));
        text.push_str(&format!("{before} -> {after}\n{}\n", self.output.display()));
        output::print(&text)
    }

    /// The default recipe with what the options change; a `--step` replaces the default step of the same name.
    fn recipe(&self, graph: &Graph) -> Recipe {
        let mut recipe = optimize::suggested_recipe(graph);
        recipe.steps.retain(|entry| !self.without.iter().any(|name| name == entry.step.name()));
        self.step.iter().cloned().for_each(|step| recipe.put(step));
        if let Some(quantize) = recipe.quantize_mut() {
            quantize.scheme = self.scheme.unwrap_or(quantize.scheme);
            match self.granularity {
                Some(Granularity::PerChannel) => quantize.granularity = recipe::Granularity::PerChannel,
                Some(Granularity::PerTensor) => quantize.granularity = recipe::Granularity::PerTensor,
                None => {}
            }
        }
        recipe
    }

    /// Calibration samples as the model's inputs take them, and how many there are.
    fn samples(
        &self,
        path: &Path,
        graph: &Graph,
        recipe: &Recipe,
        messages: Messages,
    ) -> Result<(Vec<Vec<f32>>, usize), Failure> {
        let set = samples::open(path, &self.data_options)?;
        let at_data = |problem: DataProblem| problem.of(path);
        let mut indices = self.calibration_samples(&set, messages).map_err(at_data)?;
        indices.truncate(recipe.quantize().and_then(|q| q.samples).unwrap_or(usize::MAX));
        let values = Inputs::of(&set, graph).and_then(|inputs| inputs.real(&indices)).map_err(at_data)?;
        Ok((values, indices.len()))
    }

    fn candidate(
        graph: &Graph,
        recipe: &Recipe,
        samples: Option<(Vec<Vec<f32>>, usize)>,
        messages: Messages,
    ) -> Result<Candidate, Failure> {
        let cancel = Cancel::new();
        let inputs = samples.as_ref().map(|(values, _)| views(values)).unwrap_or_default();
        let progress = messages.progress();
        progress.show("optimizing", 0, 1);
        let observations = Observations { inputs: &inputs, absorbed: None, pruned: None, cancel: &cancel };
        let rewritten = timed("rewrote the float model", || optimize::rewrite(recipe, graph, &observations))?;
        let Some(&(_, n_samples)) = samples.as_ref() else {
            let complete = || optimize::complete(recipe, Arc::new(rewritten), None);
            return Ok(timed("applied the recipe", complete)?);
        };
        progress.show("calibrating", 0, n_samples);
        let calibrate = || optimize::calibrate(&rewritten.graph, &inputs, None, &cancel);
        let calibration = timed(format_args!("calibrated on {n_samples} samples"), calibrate)?;
        let settings = recipe.quantize().filter(|settings| settings.needs_rounding());
        let calibration = match settings {
            None => calibration,
            Some(settings) => {
                let mut tell = |done, total| progress.show("rounding weights", done, total);
                let round = || optimize::round_weights(&rewritten.graph, settings, &calibration, &inputs, &cancel, &mut tell);
                let rounded = timed("rounded weights by the samples", round)?;
                calibration.with_rounded(rounded)
            }
        };
        let complete = || optimize::complete(recipe, Arc::new(rewritten), Some(&calibration));
        Ok(timed("applied the recipe", complete)?)
    }

    /// All samples of a set without splits: whoever names a set to calibrate with means it.
    fn calibration_samples(&self, set: &DataSet, messages: Messages) -> Result<Vec<usize>, DataProblem> {
        if self.split.is_some() || set.splits.is_none() {
            return set.samples_of(self.split);
        }
        let roles = roles(set);
        if roles.calibration.is_empty() {
            return set.samples_of(Some(Split::Calibration));
        }
        if set.samples_of(Some(Split::Calibration)).is_err() {
            messages.note(&roles.note.unwrap_or_default());
        }
        Ok(roles.calibration)
    }
}
