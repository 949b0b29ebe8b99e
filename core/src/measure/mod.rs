//! Figures about a graph: size, MACs, arena, latency, energy, accuracy. Reads a graph, changes nothing.
//!
//! What can be computed is exact; what must be estimated is an [`Estimate`], which carries its interval and its source.

pub mod accuracy;
pub mod arena;
pub mod battery;
pub mod coverage;
pub mod device;
pub mod energy;
pub mod error;
pub mod features;
mod figures;
pub mod latency;
mod obstacles;
pub mod sizes;
pub mod weights;

use std::sync::Arc;

pub use figures::{parameters, size_figures, static_figures};
pub use obstacles::obstacles;

use crate::export::features::FeatureExportError;
use crate::graph::{NodeId, Note, TensorId};
use features::FrontEndFigures;

/// An estimated figure. The true one lies between `low` and `high` four times out of five, says the source.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The likeliest figure.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// What it rests on: the software stack and the measurements, in a few words.
    pub source: Arc<str>,
}

impl Estimate {
    /// So many times as much.
    pub fn times(&self, factor: f64) -> Self {
        Self { value: self.value * factor, low: self.low * factor, high: self.high * factor, source: Arc::clone(&self.source) }
    }

    /// Both together. What is not known of a board makes both wrong in the same direction: the ends of the intervals add up.
    pub fn plus(&self, other: &Self) -> Self {
        let source = format!("{}; and {}", self.source, other.source).into();
        Self { value: self.value + other.value, low: self.low + other.low, high: self.high + other.high, source }
    }
}

/// What follows from the graph alone, without running it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StaticFigures {
    /// Flash.
    pub size: SizeFigures,
    /// Trained numbers: elements of weights and biases.
    pub parameters: u64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// `2 * macs` and the elementwise operations.
    pub flops: u64,
    /// RAM.
    pub arena: ArenaFigures,
    /// Microseconds of one inference on the chosen device; `None` if the device's table has no rate for this model.
    pub latency_us: Option<Estimate>,
    /// Microjoules of one inference on the chosen device; `None` likewise.
    pub energy_uj: Option<Estimate>,
    /// The same, node by node, in execution order.
    pub layers: Vec<LayerFigures>,
    /// What the chosen device or the runtime cannot do with this model.
    pub obstacles: Vec<Note>,
    /// What the features before the model cost, or why the device cannot make them; `None` where there are none.
    pub front_end: Option<Result<FrontEndFigures, FeatureExportError>>,
}

impl StaticFigures {
    /// What the features cost, where the device can make them.
    pub fn features(&self) -> Option<&FrontEndFigures> {
        self.front_end.as_ref()?.as_ref().ok()
    }

    /// RAM of the model, and of the features before it where the device can make them.
    pub fn whole_ram_bytes(&self) -> u64 {
        self.arena.arena_mcu32_bytes + self.features().map_or(0, |features| features.each.ram_bytes)
    }

    /// Microseconds of one inference with the features of its input; `None` if there are no features, or one of the two is not
    /// known.
    pub fn whole_latency_us(&self) -> Option<Estimate> {
        Some(self.latency_us.as_ref()?.plus(self.features()?.input_us.as_ref()?))
    }

    /// The part of the time that a board computes which runs the model, with its features if they are known, every `stride_ms`: above
    /// 1 it is late. `None` if no latency is known.
    pub fn busy(&self, stride_ms: f64) -> Option<f64> {
        let us = self.whole_latency_us().or_else(|| self.latency_us.clone())?;
        Some(us.value / (stride_ms * 1e3))
    }
}

/// Where the bytes of the exported file go. All are exact.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SizeFigures {
    /// Length of the exported file.
    pub file_bytes: u64,
    /// Weights.
    pub weights_bytes: u64,
    /// Biases.
    pub bias_bytes: u64,
    /// Other constants: axes, shapes, paddings.
    pub other_constants_bytes: u64,
    /// The rest: structure, scales, zero points, names.
    pub structure_bytes: u64,
}

/// Memory that TensorFlow Lite Micro needs while the model runs.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ArenaFigures {
    /// Activations as planned: by the exported plan if there is one, else by TFLM's greedy planner. Exact.
    pub activations_bytes: u64,
    /// Activations by TFLM's greedy planner. Exact.
    pub greedy_bytes: u64,
    /// Activations by the best plan found.
    pub best_bytes: u64,
    /// The largest sum of tensors alive at once: no plan for this order of nodes can do with less.
    pub lower_bound_bytes: u64,
    /// Persistent part on a 64-bit host, as TFLM's Python build has it.
    pub persistent_host64_bytes: u64,
    /// Persistent part on a 32-bit microcontroller.
    pub persistent_mcu32_bytes: u64,
    /// The least arena with which TFLM's `AllocateTensors` succeeds on a 32-bit microcontroller: activations, persistent part and
    /// what is needed only during set-up.
    pub arena_mcu32_bytes: u64,
    /// The same on a 64-bit host.
    pub arena_host64_bytes: u64,
    /// The figures are exact for TFLM's reference kernels. False where the graph holds operators whose kernels are not known
    /// here: what those take beside their tensors is then left out.
    pub exact: bool,
    /// When each activation is alive and where it lies under the plan behind `activations_bytes`.
    pub lifetimes: Vec<Lifetime>,
}

/// When a tensor is alive and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Which tensor.
    pub tensor: TensorId,
    /// First node during which it has to exist, as an index in execution order.
    pub first_node: usize,
    /// Last node that reads it (or the last node of all, for outputs).
    pub last_node: usize,
    /// Bytes, rounded up to the arena's alignment of 16.
    pub bytes: u64,
    /// Offset in the arena.
    pub offset: u64,
}

/// Figures of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFigures {
    /// Which node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// What it is, for people: `Conv 10×4, ReLU`.
    pub label: String,
    /// Shape of its first output.
    pub output_shape: Vec<usize>,
    /// Bytes of its first output.
    pub output_bytes: u64,
    /// What its weights (or else its output) are: `int8 channel`, `int8`, `float32`.
    pub scheme: String,
    /// Bytes of its weights.
    pub weights_bytes: u64,
    /// Bytes of its biases.
    pub bias_bytes: u64,
    /// Trained numbers.
    pub parameters: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// `2 * macs` and elementwise operations.
    pub flops: u64,
    /// Microseconds on the chosen device.
    pub latency_us: Option<Estimate>,
}

/// How well a candidate does on labelled or unlabelled samples. Exact for the samples that were run.
#[derive(Clone, Debug, PartialEq)]
pub struct AccuracyFigures {
    /// Samples run so far.
    pub done: usize,
    /// Samples there are.
    pub total: usize,
    /// Samples whose largest output (the first, if several are equal) is the label; `None` without labels.
    pub top1_correct: Option<usize>,
    /// Samples whose largest output is that of the float model; `None` where there is no float model to compare with.
    pub agree_with_float: Option<usize>,
    /// Mean absolute difference of the outputs from the float model's, in real units.
    pub mean_abs_difference: Option<f64>,
}

impl AccuracyFigures {
    /// Fraction of samples with the right label.
    pub fn top1(&self) -> Option<f64> {
        (self.done > 0).then_some(self.top1_correct? as f64 / self.done as f64)
    }

    /// Fraction of samples on which float and candidate agree.
    pub fn agreement(&self) -> Option<f64> {
        (self.done > 0).then_some(self.agree_with_float? as f64 / self.done as f64)
    }

    /// Whether all samples were run.
    pub fn is_complete(&self) -> bool {
        self.done == self.total
    }
}

/// Signal-to-quantization-noise ratio of each node's first output against the float model, and how much of it saturates.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LayerErrors {
    /// Samples they were measured on.
    pub samples: usize,
    /// One for each node of the candidate, in execution order; `None` where the float model has no such tensor.
    pub layers: Vec<Option<LayerError>>,
}

/// Error of one node's output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerError {
    /// `10 log10(sum of float² / sum of (float - candidate)²)`; infinite for equal outputs.
    pub sqnr_db: f64,
    /// Fraction of the output that sits at the lowest or highest integer while the float value lies beyond.
    pub clipped: f64,
}
