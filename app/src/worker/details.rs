//! Layouts and histograms: too slow for a frame, quick enough to be computed when asked for.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use eframe::egui::Vec2;
use tinsmith_core::graph::Graph;
use tinsmith_core::measure::weights::{WeightStats, weight_stats};
use tinsmith_core::optimize::{Calibration, Candidate, Statistics};
use tinsmith_core::preview::Source;
use tinsmith_core::tensor::ElementType;

use super::{Event, Outbox};
use crate::gui::graph_view::layout::layout;

/// Bins of a histogram of real weights.
const N_WEIGHT_BINS: usize = 61;
/// Bins of a histogram of activations, at most.
const N_ACTIVATION_BINS: usize = 96;

/// How many layers are shown over each other, at most.
pub const MAX_SHOWN: usize = 4;

/// What is asked of the thread.
#[derive(Clone, Debug)]
pub enum DetailRequest {
    /// Where the nodes of a graph lie on a canvas.
    Layout(LayoutKey, GraphRef),
    /// How the values of layers are distributed.
    Distributions {
        /// Which layers, by name, the one that is described first.
        nodes: Vec<String>,
        /// The model as it came.
        source: Arc<Source>,
        /// What the recipe makes of it.
        candidate: Option<Arc<Candidate>>,
        /// What was seen over the calibration samples.
        calibration: Option<Arc<Calibration>>,
    },
}

/// A graph, held by what it belongs to.
#[derive(Clone, Debug)]
pub enum GraphRef {
    /// The graph as it came.
    Source(Arc<Source>),
    /// What the recipe makes of it.
    Candidate(Arc<Candidate>),
}

impl GraphRef {
    /// Where the graph lies: two graphs that are held at once never share it.
    pub fn address(&self) -> usize {
        std::ptr::from_ref(self.graph()) as usize
    }

    fn graph(&self) -> &Graph {
        match self {
            Self::Source(source) => &source.graph,
            Self::Candidate(candidate) => &candidate.graph,
        }
    }
}

/// Which graph a layout is of, and for which canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayoutKey {
    /// [`GraphRef::address`].
    pub graph: usize,
    /// Size of the canvas.
    pub canvas: Vec2,
}

/// How the values of a layer are distributed.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Distributions {
    /// Which layer, by name.
    pub node: String,
    /// Weights of the source.
    pub baseline: Option<Weights>,
    /// Weights of the candidate.
    pub candidate: Option<Weights>,
    /// The output, as seen over the calibration samples.
    pub activation: Option<ActivationStatistics>,
    /// The other selected layers, as many as can be told apart; they have none of their own.
    pub also: Vec<Distributions>,
}

/// Weights of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// What one weight is stored as.
    pub element: ElementType,
    /// Distance of neighbouring real values; the largest, if channels have their own.
    pub step: Option<f32>,
    /// Their distribution.
    pub stats: WeightStats,
}

/// What a layer's output was seen to be.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationStatistics {
    /// Lowest value.
    pub low: f32,
    /// Highest value.
    pub high: f32,
    /// Lower edge and count of each bin, in ascending order.
    pub bins: Vec<(f64, u64)>,
    /// Width of a bin.
    pub bin_width: f64,
    /// Samples it was seen over.
    pub n_samples: usize,
    /// How many samples come close to the lowest and the highest value: one alone is an outlier.
    pub samples_near_ends: (usize, usize),
}

/// Starts the thread; it ends when the sender is dropped.
pub(super) fn start(outbox: Outbox) -> Sender<DetailRequest> {
    let (sender, requests) = unbounded();
    std::thread::spawn(move || serve(&requests, &outbox));
    sender
}

fn serve(requests: &Receiver<DetailRequest>, outbox: &Outbox) {
    while let Ok(first) = requests.recv() {
        // Only the newest request of each kind still matters.
        let (mut newest_layout, mut newest_distributions) = (None, None);
        for request in std::iter::once(first).chain(requests.try_iter()) {
            match request {
                DetailRequest::Layout(..) => newest_layout = Some(request),
                DetailRequest::Distributions { .. } => newest_distributions = Some(request),
            }
        }
        for request in [newest_layout, newest_distributions].into_iter().flatten() {
            outbox.send(answer(request));
        }
    }
}

fn answer(request: DetailRequest) -> Event {
    match request {
        DetailRequest::Layout(key, graph) => Event::Layout(key, Arc::new(layout(graph.graph(), key.canvas))),
        DetailRequest::Distributions { nodes, source, candidate, calibration } => {
            let of = |node: String| Distributions {
                baseline: weights_of(&source.graph, &node),
                candidate: candidate.as_ref().and_then(|c| weights_of(&c.graph, &node)),
                activation: calibration.as_ref().and_then(|c| activation_of(&source.graph, &node, c)),
                node,
                also: Vec::new(),
            };
            let mut all = nodes.into_iter().take(MAX_SHOWN).map(of);
            let mut first = all.next().unwrap_or_default();
            first.also = all.collect();
            Event::Distributions(Arc::new(first))
        }
    }
}

fn weights_of(graph: &Graph, node: &str) -> Option<Weights> {
    let node = graph.node(graph.node_named(node)?);
    let axis = node.op.weights_channel_axis()?;
    let tensor = graph.input(node, 1)?;
    let stats = weight_stats(tensor, Some(axis), N_WEIGHT_BINS)?;
    let step = tensor.quantization.as_ref().map(|q| q.scales.iter().copied().fold(0.0, f32::max));
    Some(Weights { element: tensor.element, step, stats })
}

fn activation_of(source: &Graph, node: &str, calibration: &Calibration) -> Option<ActivationStatistics> {
    let node = source.node(source.node_named(node)?);
    let statistics: &Statistics = calibration.tensors.get(node.outputs.first()?.index())?.as_ref()?;
    let fine: Vec<(f64, u64)> = statistics.histogram.bins().collect();
    let group = fine.len().div_ceil(N_ACTIVATION_BINS).max(1);
    let bins = fine.chunks(group).map(|bins| (bins[0].0, bins.iter().map(|b| b.1).sum())).collect();
    let (low, high) = statistics.min_max();
    Some(ActivationStatistics {
        low,
        high,
        bins,
        bin_width: statistics.histogram.width() * group as f64,
        n_samples: calibration.samples,
        samples_near_ends: statistics.samples_near_ends(),
    })
}
