//! `tinsmith evaluate`: runs a model over samples; outputs in the model's own type.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Args;
use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{WritableElement, WriteNpyExt};
use serde_json::json;
use tinsmith_core::data::{Split, feed};
use tinsmith_core::execute::{float, int8};
use tinsmith_core::formats;
use tinsmith_core::graph::{Graph, TensorId};
use tinsmith_core::measure::accuracy;
use tinsmith_core::progress::Cancel;
use tinsmith_core::tensor::{ElementType, Tensor};

use super::progress::Progress;
use super::samples::{self, Samples, parse_split};
use super::{Failure, output, units};

/// Run a model over samples: accuracy, and its outputs in the model's own type
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The model
    model: PathBuf,
    /// Samples: an .npz with x, y, labels, split, or an .npy of inputs
    #[arg(long)]
    data: PathBuf,
    /// Only the samples of this split: train, calibration or test
    #[arg(long, value_parser = parse_split)]
    split: Option<Split>,
    /// Write the outputs to this .npy; with several outputs to OUT.0.npy, OUT.1.npy, …
    #[arg(long, value_name = "OUT.npy")]
    dump_outputs: Option<PathBuf>,
    /// Write every intermediate tensor to this folder, one .npy each, named by tensor index
    #[arg(long, value_name = "DIR")]
    dump_tensors: Option<PathBuf>,
    /// Threads; as many as there are processors if left out
    #[arg(long)]
    threads: Option<usize>,
    /// For firmware built with TFLITE_SINGLE_ROUNDING: round once instead of twice
    #[arg(long)]
    single_rounding: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Outputs of a model: for each output tensor the bytes of all samples.
struct Outputs {
    bytes: Vec<Vec<u8>>,
    arithmetic: &'static str,
}

impl Evaluate {
    pub fn run(self) -> Result<(), Failure> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build_global()?;
        }
        let opened = formats::open(&self.model)?;
        let samples = samples::open(&self.data, self.split)?;
        let graph = &*opened.graph;
        let outputs = if graph.is_integer() { self.run_integers(graph, &samples)? } else { self.run_floats(graph, &samples)? };
        if let Some(path) = &self.dump_outputs {
            for (index, (&id, bytes)) in graph.outputs.iter().zip(&outputs.bytes).enumerate() {
                let path = if graph.outputs.len() == 1 { path.clone() } else { numbered(path, index) };
                write_npy(&path, graph.tensor(id), samples.indices.len(), bytes)?;
            }
        }
        self.print(graph, &samples, &outputs)
    }

    fn run_integers(&self, graph: &Graph, samples: &Samples) -> Result<Outputs, Failure> {
        let rounding = if self.single_rounding { int8::Rounding::Single } else { int8::Rounding::Double };
        let prepared = int8::Prepared::new(graph, rounding)?;
        let input = feed::only_input(graph).map_err(|problem| problem.of(&self.data))?;
        let meaning = feed::meaning(&samples.set, input);
        let bytes = feed::model_samples(&samples.set, meaning, &samples.indices, input).map_err(|p| p.of(&self.data))?;
        let n = samples.indices.len();
        if let Some(folder) = &self.dump_tensors {
            let mut dump = TensorDump::new(graph, folder)?;
            let mut scratch = prepared.scratch();
            let sample_bytes = bytes.len() / n;
            for block in bytes.chunks(sample_bytes * prepared.block()) {
                let in_block = block.len() / sample_bytes;
                let mut results: Vec<Vec<u8>> = prepared.outputs().iter().map(|p| vec![0; p.sample_bytes * in_block]).collect();
                let mut views: Vec<&mut [u8]> = results.iter_mut().map(Vec::as_mut_slice).collect();
                prepared.run_observed(&mut scratch, &[block], &mut views, &mut |id, bytes| dump.add(id, bytes))?;
            }
            dump.write(n)?;
        }
        let progress = Progress::new();
        let bytes = prepared.run_batch(&[&bytes], n, &Cancel::new(), |done| progress.show("evaluating", done, n))?;
        Ok(Outputs { bytes, arithmetic: "integers, exact" })
    }

    fn run_floats(&self, graph: &Graph, samples: &Samples) -> Result<Outputs, Failure> {
        let prepared = float::Prepared::new(graph)?;
        let input = feed::only_input(graph).map_err(|problem| problem.of(&self.data))?;
        let meaning = feed::meaning(&samples.set, input);
        let values = feed::real_samples(&samples.set, meaning, &samples.indices, input).map_err(|p| p.of(&self.data))?;
        let bytes_of = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        if let Some(folder) = &self.dump_tensors {
            let mut dump = TensorDump::new(graph, folder)?;
            let start = Vec::<(TensorId, Vec<u8>)>::new;
            let see = |seen: &mut Vec<(TensorId, Vec<u8>)>, id, _: std::ops::Range<usize>, values: &[f32]| seen.push((id, bytes_of(values)));
            for (id, bytes) in prepared.observe(&[&values], 64, &Cancel::new(), start, see)?.into_iter().flatten() {
                dump.add(id, &bytes);
            }
            dump.write(samples.indices.len())?;
        }
        let outputs = prepared.run(&[&values], &Cancel::new())?;
        Ok(Outputs { bytes: outputs.iter().map(|values| bytes_of(values)).collect(), arithmetic: "floats" })
    }

    fn print(&self, graph: &Graph, samples: &Samples, outputs: &Outputs) -> Result<(), Failure> {
        let n = samples.indices.len();
        let correct = match (&samples.set.labels, graph.outputs.first(), outputs.bytes.first()) {
            (Some(labels), Some(&output), Some(bytes)) => {
                let labels: Vec<u32> = samples.indices.iter().map(|&i| labels[i]).collect();
                accuracy::top1_correct(graph.tensor(output), bytes, &labels)
            }
            _ => None,
        };
        if self.json {
            return output::print_json(&json!({
                "model": self.model,
                "samples": n,
                "arithmetic": outputs.arithmetic,
                "labelled": samples.set.labels.is_some(),
                "top1_correct": correct,
                "accuracy": correct.map(|c| c as f64 / n as f64),
                "outputs": graph.outputs.iter().map(|&id| describe(graph.tensor(id))).collect::<Vec<_>>(),
            }));
        }
        let accuracy = match correct {
            Some(correct) => format!("accuracy {} ({correct} of {n})", units::percent(correct as f64 / n as f64)),
            None => "accuracy – (no labels, or the output is no list of classes)".to_owned(),
        };
        output::print(&format!("{n} samples, {}\n{accuracy}\n", outputs.arithmetic))
    }
}

fn describe(tensor: &Tensor) -> serde_json::Value {
    let quantization = tensor.quantization.as_ref();
    json!({
        "name": tensor.name,
        "type": tensor.element.name(),
        "shape": tensor.shape,
        "scale": quantization.map(|q| q.scale()),
        "zero_point": quantization.map(|q| q.zero_point()),
    })
}

/// Collects every tensor that an executor shows.
struct TensorDump<'a> {
    graph: &'a Graph,
    folder: &'a Path,
    bytes: Vec<Vec<u8>>,
}

impl<'a> TensorDump<'a> {
    fn new(graph: &'a Graph, folder: &'a Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
        Ok(Self { graph, folder, bytes: vec![Vec::new(); graph.tensors.len()] })
    }

    fn add(&mut self, id: TensorId, bytes: &[u8]) {
        self.bytes[id.index()].extend_from_slice(bytes);
    }

    /// Writes what was seen of `n_samples` samples; tensors that were computed once, at preparation, have one.
    fn write(&self, n_samples: usize) -> Result<(), Failure> {
        for (id, bytes) in self.graph.tensor_ids().zip(&self.bytes).filter(|(_, bytes)| !bytes.is_empty()) {
            let tensor = self.graph.tensor(id);
            let n = if bytes.len() == tensor.n_bytes() * n_samples { n_samples } else { 1 };
            write_npy(&self.folder.join(format!("t{}.npy", id.0)), tensor, n, bytes)?;
        }
        Ok(())
    }
}

fn numbered(path: &Path, index: usize) -> PathBuf {
    path.with_extension(format!("{index}.npy"))
}

/// Writes little-endian elements as `[samples, shape without batch…]`.
fn write_npy(path: &Path, tensor: &Tensor, n_samples: usize, bytes: &[u8]) -> Result<(), Failure> {
    let mut shape = vec![n_samples];
    // A batch of one is the sample axis; a tensor whose first extent is not 1 keeps all of its axes.
    shape.extend(if tensor.shape.first() == Some(&1) { &tensor.shape[1..] } else { &tensor.shape[..] });
    match tensor.element {
        ElementType::F32 => save(path, &shape, bytes, f32::from_le_bytes),
        ElementType::I8 => save(path, &shape, bytes, i8::from_le_bytes),
        ElementType::U8 | ElementType::Bool => save(path, &shape, bytes, u8::from_le_bytes),
        ElementType::I16 => save(path, &shape, bytes, i16::from_le_bytes),
        ElementType::I32 => save(path, &shape, bytes, i32::from_le_bytes),
        ElementType::I64 => save(path, &shape, bytes, i64::from_le_bytes),
        ElementType::F16 | ElementType::I4 | ElementType::Other(_) => {
            Err(Failure::new(format!("{}: no .npy type for {}", path.display(), tensor.element.name())))
        }
    }
}

fn save<T: WritableElement, const N: usize>(
    path: &Path,
    shape: &[usize],
    bytes: &[u8],
    element: fn([u8; N]) -> T,
) -> Result<(), Failure> {
    let at = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
    let (elements, _) = bytes.as_chunks::<N>();
    let array = ArrayD::from_shape_vec(IxDyn(shape), elements.iter().map(|&e| element(e)).collect()).map_err(|e| at(&e))?;
    let file = File::create(path).map_err(|e| at(&e))?;
    array.write_npy(BufWriter::new(file)).map_err(|e| at(&e))
}
