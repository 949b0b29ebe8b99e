//! `tinsmith evaluate`: runs a model over samples; outputs in the model's own type.

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::json;
use tinsmith_core::data::{Split, npy};
use tinsmith_core::execute::ExecuteError;
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::execute::int8::Rounding;
use tinsmith_core::graph::Graph;
use tinsmith_core::measure::accuracy::{Truth, class_of, is_classifier};
use tinsmith_core::preview::Inputs;
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::file::write_atomically;
use tinsmith_core::tensor::{ElementType, Tensor};

use super::inspect::tensor_json;
use super::messages::{Messages, timed};
use super::model::ModelOptions;
use super::samples::{SampleOptions, Samples};
use super::tensor_dump::dump_tensors;
use super::{Failure, interrupt, output, units};

/// Run a model over samples: accuracy, and its outputs in the model's own type
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tinsmith evaluate assets/samples/keyword/keyword_float32.tflite --data assets/samples/keyword/keyword.npz --split test
  tinsmith evaluate assets/samples/keyword/keyword_float32.tflite --data assets/samples/keyword/keyword.npz --dump-outputs outputs.npy --json")]
pub struct Evaluate {
    /// The model (.tflite, .onnx, .keras, .h5)
    model: PathBuf,
    #[command(flatten)]
    options: ModelOptions,
    #[command(flatten)]
    samples: SampleOptions,
    /// Write the outputs to this .npy; with several outputs to OUT.0.npy, OUT.1.npy, …
    #[arg(long, value_name = "OUT.npy")]
    dump_outputs: Option<PathBuf>,
    /// Write every intermediate tensor to this folder, tN.npy for the tensor of index N
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dump_tensors: Option<PathBuf>,
    /// Threads, 1 to 1024; as many as there are processors if left out. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// For firmware built with TFLITE_SINGLE_ROUNDING: round once instead of twice
    #[arg(long)]
    single_rounding: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub fn run(self, messages: Messages) -> Result<(), Failure> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?;
        }
        let opened = self.options.open(&self.model)?;
        let samples = self.samples.open()?;
        let graph = &*opened.graph;
        let rounding = if self.single_rounding { Rounding::Single } else { Rounding::Double };
        let at_model = |error: &dyn std::fmt::Display| Failure::at(&self.model, error);
        let at_data = |problem: tinsmith_core::data::DataProblem| problem.of(&self.samples.path);

        let executor = Executor::with_rounding(graph, rounding).map_err(|error| at_model(&error))?;
        let inputs = Inputs::of(&samples.set, graph).and_then(|inputs| inputs.bytes(&samples.indices, graph)).map_err(at_data)?;
        let n = samples.indices.len();
        if let Some(folder) = &self.dump_tensors {
            dump_tensors(graph, rounding, &inputs, n, folder)?;
        }
        let evaluated = || outputs_of(&executor, &inputs, n, messages);
        let outputs = timed(format_args!("evaluated {n} samples"), evaluated).map_err(|error| at_model(&error))?;
        if let Some(path) = &self.dump_outputs {
            for (index, (&id, bytes)) in graph.outputs.iter().zip(&outputs).enumerate() {
                let path = if graph.outputs.len() == 1 { path.clone() } else { numbered(path, index) };
                write_npy(&path, graph.tensor(id), n, bytes)?;
            }
        }
        let correct = top1_correct(graph, &executor, &samples, &outputs);
        self.print(graph, &executor, &samples, correct)
    }

    fn print(&self, graph: &Graph, executor: &Executor, samples: &Samples, correct: Option<usize>) -> Result<(), Failure> {
        let n = samples.indices.len();
        let arithmetic = if executor.is_integer() { "integers, exact" } else { "floats" };
        if self.json {
            return output::print_json(&json!({
                "model": self.model,
                "data": self.samples.path,
                "split": self.samples.split.map(Split::name),
                "samples": n,
                "arithmetic": arithmetic,
                "labelled": samples.set.labels.is_some(),
                "top1_correct": correct,
                "accuracy": correct.map(|c| c as f64 / n as f64),
                "outputs": graph.outputs.iter().map(|&id| tensor_json(graph.tensor(id))).collect::<Vec<_>>(),
            }));
        }
        let accuracy = match correct {
            Some(correct) => format!("accuracy {} ({correct} of {n})", units::percent(correct as f64 / n as f64)),
            None => "accuracy – (no labels, or the output is no list of classes)".to_owned(),
        };
        output::print(&format!("{n} samples, {arithmetic}\n{accuracy}\n"))
    }
}

/// Runs all samples: piece by piece where somebody watches, else at once, which is quicker. The outputs are the same.
fn outputs_of(
    executor: &Executor,
    inputs: &[Vec<u8>],
    n_samples: usize,
    messages: Messages,
) -> Result<Vec<Vec<u8>>, ExecuteError> {
    const PIECES: usize = 32;
    let piece = if messages.is_live() { n_samples.div_ceil(PIECES) } else { n_samples };
    let progress = messages.progress();
    let mut outputs = vec![Vec::new(); executor.outputs().len()];
    for start in (0..n_samples).step_by(piece.max(1)) {
        progress.show("evaluating", start, n_samples);
        let end = (start + piece).min(n_samples);
        let part = executor.run(&part_of(inputs, n_samples, start..end), end - start, &Cancel::new())?;
        outputs.iter_mut().zip(part).for_each(|(all, part)| all.extend(part));
    }
    Ok(outputs)
}

/// What belongs to some of `n_samples`, of each input.
pub fn part_of<'a, T>(inputs: &'a [Vec<T>], n_samples: usize, samples: Range<usize>) -> Vec<&'a [T]> {
    let part = |values: &'a Vec<T>| {
        let len = values.len() / n_samples.max(1);
        &values[samples.start * len..samples.end * len]
    };
    inputs.iter().map(part).collect()
}

/// Samples whose output names their label; `None` without labels, or if the output names no class.
fn top1_correct(graph: &Graph, executor: &Executor, samples: &Samples, outputs: &[Vec<u8>]) -> Option<usize> {
    let labels = samples.set.labels.as_deref()?;
    let n_classes = Some(samples.set.label_names.len()).filter(|n| *n > 0);
    if !is_classifier(graph, &Truth { labels: Some(labels), n_classes, float_outputs: None }) {
        return None;
    }
    let (port, bytes) = executor.outputs().first().zip(outputs.first())?;
    let classes = executor.real(port.tensor, bytes);
    let classes = classes.chunks_exact(port.sample_len.max(1)).map(class_of);
    Some(samples.indices.iter().zip(classes).filter(|(sample, class)| labels.get(**sample) == Some(&(*class as u32))).count())
}

fn numbered(path: &Path, index: usize) -> PathBuf {
    path.with_extension(format!("{index}.npy"))
}

fn write_npy(path: &Path, tensor: &Tensor, n_samples: usize, bytes: &[u8]) -> Result<(), Failure> {
    let at = |error| Failure::writing(path, &error);
    let mut file = Vec::with_capacity(bytes.len() + 128);
    npy::write(&mut file, descr(tensor.element)?, &batched(tensor, n_samples), bytes).map_err(at)?;
    interrupt::whole(|| write_atomically(path, &file)).map_err(at)
}

/// The tensor's shape with as many samples as there are. A batch of one is the sample axis; a tensor whose first extent is not
/// 1 keeps all of its axes.
pub fn batched(tensor: &Tensor, n_samples: usize) -> Vec<usize> {
    let rest = if tensor.shape.first() == Some(&1) { &tensor.shape[1..] } else { &tensor.shape[..] };
    [&[n_samples], rest].concat()
}

/// NumPy's name of an element type.
pub fn descr(element: ElementType) -> Result<&'static str, Failure> {
    match element {
        ElementType::F32 => Ok("<f4"),
        ElementType::F16 => Ok("<f2"),
        ElementType::I8 => Ok("|i1"),
        ElementType::U8 => Ok("|u1"),
        ElementType::I16 => Ok("<i2"),
        ElementType::I32 => Ok("<i4"),
        ElementType::I64 => Ok("<i8"),
        ElementType::Bool => Ok("|b1"),
        ElementType::I4 | ElementType::Other(_) => {
            Err(Failure::new(format!("tensors of type {} cannot be written as .npy", element.name())))
        }
    }
}
