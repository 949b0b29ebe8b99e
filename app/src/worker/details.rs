//! Layouts and histograms: too slow for a frame, quick enough to be computed when asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use eframe::egui::Vec2;
use tinsmith_core::graph::Graph;
use tinsmith_core::measure::weights::{WeightStats, weight_stats};
use tinsmith_core::optimize::{Calibration, Candidate, Rewritten, Statistics, advice};
use tinsmith_core::preview::Source;
use tinsmith_core::progress::Cancel;
use tinsmith_core::tensor::{Data, ElementType, Tensor};

use super::layouts::Layouts;
use super::{Event, Outbox, same};

/// Bins of a histogram of real weights.
const N_WEIGHT_BINS: usize = 61;
/// Bins of a histogram of activations, at most.
const N_ACTIVATION_BINS: usize = 96;

/// How many layers are shown over each other, at most.
pub const MAX_SHOWN: usize = 4;

/// What is asked of the thread.
#[derive(Clone, Debug)]
pub enum DetailRequest {
    /// Where the nodes of graphs that are on screen together lie, each on its own canvas.
    Layouts(Vec<LayoutKey>),
    /// How the values of layers are distributed.
    Distributions(DistributionsOf),
    /// Which steps would help a float graph.
    Advice(FloatGraph),
}

/// The graph that is quantized, held by what it belongs to.
#[derive(Clone, Debug)]
pub enum FloatGraph {
    /// The source: no recipe has made anything of it yet.
    Source(Arc<Source>),
    /// What the steps before quantization made of it.
    Rewritten(Arc<Rewritten>),
}

impl FloatGraph {
    /// The graph.
    pub fn graph(&self) -> &Graph {
        match self {
            Self::Source(source) => &source.graph,
            Self::Rewritten(rewritten) => &rewritten.graph,
        }
    }
}

impl PartialEq for FloatGraph {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.graph(), other.graph())
    }
}

/// What histograms are of. Holds all of it, so that nothing else can take its place in memory and be mistaken for it.
#[derive(Clone, Debug)]
pub struct DistributionsOf {
    /// Which layers, by name, the one that is described first.
    pub nodes: Vec<String>,
    /// The model as it came.
    pub source: Arc<Source>,
    /// What the recipe makes of it; `None` while the model as it came is on screen.
    pub candidate: Option<Arc<Candidate>>,
    /// What was seen over the calibration samples.
    pub calibration: Option<Arc<Calibration>>,
}

impl PartialEq for DistributionsOf {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes
            && Arc::ptr_eq(&self.source, &other.source)
            && same(&self.candidate, &other.candidate)
            && same(&self.calibration, &other.calibration)
    }
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
    /// The graph.
    pub fn graph(&self) -> &Graph {
        match self {
            Self::Source(source) => &source.graph,
            Self::Candidate(candidate) => &candidate.graph,
        }
    }

    /// Whether this is that very graph, not one that is equal.
    pub fn is(&self, other: &Graph) -> bool {
        std::ptr::eq(self.graph(), other)
    }
}

impl PartialEq for GraphRef {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.graph())
    }
}

/// Which graph a layout is of, what of it is collapsed, and for which canvas. Holds the graph, so that no other graph can take its
/// place in memory and be mistaken for it.
#[derive(Clone, Debug, PartialEq)]
pub struct LayoutKey {
    /// The graph.
    pub graph: GraphRef,
    /// Names of the first nodes of collapsed blocks.
    pub collapsed: Arc<BTreeSet<String>>,
    /// Size of the canvas.
    pub canvas: Vec2,
}

impl LayoutKey {
    /// Whether a layout that was asked for with this key will do for another: canvases may differ by a fraction of their sizes.
    pub fn serves(&self, other: &Self, tolerance: f32) -> bool {
        let change = (self.canvas / other.canvas.max(Vec2::splat(1.0)) - Vec2::splat(1.0)).abs();
        self.graph == other.graph && self.collapsed == other.collapsed && change.max_elem() < tolerance
    }
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
    /// What the weights that a step made zero were before.
    pub masked: Option<Weights>,
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

/// Where requests are left. Dropping it ends the thread and what it works on.
pub(super) struct Details {
    requests: Sender<(DetailRequest, Cancel)>,
    layout: RefCell<Cancel>,
}

impl Details {
    /// Asks for something. Layouts that were asked for before are not needed any more: work on them stops.
    pub(super) fn put(&self, request: DetailRequest) {
        let cancel = Cancel::new();
        if matches!(request, DetailRequest::Layouts(_)) {
            self.layout.replace(cancel.clone()).cancel();
        }
        // The thread ends only with this.
        let _ = self.requests.send((request, cancel));
    }
}

impl Drop for Details {
    fn drop(&mut self) {
        self.layout.borrow().cancel();
    }
}

/// Starts the thread.
pub(super) fn start(outbox: Outbox) -> Details {
    let (sender, requests) = unbounded();
    std::thread::spawn(move || serve(&requests, &outbox));
    Details { requests: sender, layout: RefCell::default() }
}

fn serve(requests: &Receiver<(DetailRequest, Cancel)>, outbox: &Outbox) {
    let mut layouts = Layouts::default();
    while let Ok(first) = requests.recv() {
        // Only the newest request of each kind still matters.
        let (mut newest_layout, mut newest_distributions, mut newest_advice) = (None, None, None);
        for request in std::iter::once(first).chain(requests.try_iter()) {
            match &request.0 {
                DetailRequest::Layouts(_) => newest_layout = Some(request),
                DetailRequest::Distributions(_) => newest_distributions = Some(request),
                DetailRequest::Advice(_) => newest_advice = Some(request),
            }
        }
        // Histograms take milliseconds, a layout may take a second, and nobody waits for advice.
        for (request, cancel) in [newest_distributions, newest_layout, newest_advice].into_iter().flatten() {
            answer(request, &mut layouts, &cancel, |event| outbox.send(event));
        }
    }
}

fn answer(request: DetailRequest, layouts: &mut Layouts, cancel: &Cancel, send: impl Fn(Event)) {
    match request {
        DetailRequest::Layouts(keys) => {
            for key in keys {
                let layout = layouts.layout(key.graph.graph(), &key.collapsed, key.canvas, cancel);
                let Ok(layout) = layout else { return };
                send(Event::Layout(key, layout));
            }
        }
        DetailRequest::Distributions(mut of) => {
            let nodes = std::mem::take(&mut of.nodes);
            let mut all = nodes.into_iter().take(MAX_SHOWN).map(|node| distributions(&of, node));
            let mut first = all.next().unwrap_or_default();
            first.also = all.collect();
            send(Event::Distributions(Arc::new(first)));
        }
        DetailRequest::Advice(of) => {
            let advice = advice(of.graph());
            send(Event::Advice(of, advice));
        }
    }
}

/// A layer of the candidate is compared with the float layer that was quantized, which steps may have made of several of the source.
fn distributions(of: &DistributionsOf, node: String) -> Distributions {
    let float = of.candidate.as_ref().map_or(&*of.source.graph, |c| &c.rewritten.graph);
    let output = || float.node(float.node_named(&node)?).outputs.first().copied();
    let seen = of.calibration.as_ref().zip(output()).and_then(|(calibration, output)| {
        let statistics = match of.candidate {
            Some(_) => calibration.tensors.get(output.index())?.as_ref(),
            None => calibration.of_source(output),
        };
        Some(activation_of(statistics?, calibration.samples))
    });
    Distributions {
        baseline: weights_of(float, &node),
        candidate: of.candidate.as_ref().and_then(|c| weights_of(&c.graph, &node)),
        masked: of.candidate.as_ref().and_then(|c| masked_of(c.rewritten.unpruned.as_ref()?, float, &node)),
        activation: seen,
        node,
        also: Vec::new(),
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

/// The weights of a node that are zero in `pruned` and were not before.
fn masked_of(unpruned: &Graph, pruned: &Graph, node: &str) -> Option<Weights> {
    let floats = |graph: &Graph| -> Option<Arc<[f32]>> {
        let tensor = graph.input(graph.node(graph.node_named(node)?), 1)?;
        if let Data::F32(values) = tensor.data.as_ref()? { Some(values.clone()) } else { None }
    };
    let (before, after) = (floats(unpruned)?, floats(pruned)?);
    let gone: Vec<f32> = before.iter().zip(&*after).filter(|(b, a)| **a == 0.0 && **b != 0.0).map(|(b, _)| *b).collect();
    if before.len() != after.len() || gone.is_empty() {
        return None;
    }
    let reach = |values: &[f32]| values.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    // Bins as wide as those of the others.
    let n_bins = (N_WEIGHT_BINS as f32 * reach(&gone) / reach(&before)).ceil().max(1.0) as usize;
    let stats = weight_stats(&Tensor::constant("", [gone.len()], Data::F32(gone.into())), None, n_bins)?;
    Some(Weights { element: ElementType::F32, step: None, stats })
}

fn activation_of(statistics: &Statistics, n_samples: usize) -> ActivationStatistics {
    let fine: Vec<(f64, u64)> = statistics.histogram.bins().collect();
    let group = fine.len().div_ceil(N_ACTIVATION_BINS).max(1);
    let bins = fine.chunks(group).map(|bins| (bins[0].0, bins.iter().map(|b| b.1).sum())).collect();
    let (low, high) = statistics.min_max();
    ActivationStatistics {
        low,
        high,
        bins,
        bin_width: statistics.histogram.width() * group as f64,
        n_samples,
        samples_near_ends: statistics.samples_near_ends(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::graph_view::test_nets::{Kind, chain_of};

    fn key() -> LayoutKey {
        let graph = Arc::new(chain_of(&[Kind::Mean; 3]));
        let source = Source::in_memory("test", graph);
        LayoutKey { graph: GraphRef::Source(Arc::new(source)), collapsed: Arc::default(), canvas: Vec2::splat(500.0) }
    }

    #[test]
    fn what_was_pruned_is_counted_by_what_it_was() {
        use tinsmith_core::graph::Node;
        use tinsmith_core::ops::{Activation, FullyConnected, Op};
        let graph = |weights: [f32; 4]| {
            let mut graph = Graph::default();
            let input = graph.add_tensor(Tensor::activation("in", ElementType::F32, [1, 2]));
            let weights = graph.add_tensor(Tensor::constant("w", [2, 2], Data::F32(weights.into())));
            let output = graph.add_tensor(Tensor::activation("out", ElementType::F32, [1, 2]));
            let op = Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None });
            let inputs = vec![Some(input), Some(weights)];
            graph.nodes.push(Node { name: "dense".into(), op, inputs, outputs: vec![output], sources: Vec::new() });
            graph
        };
        let (before, after) = (graph([0.1, -0.2, 0.0, 1.0]), graph([0.0, 0.0, 0.0, 1.5]));
        let masked = masked_of(&before, &after, "dense").expect("two weights went").stats;
        assert_eq!((masked.n, masked.min, masked.max), (2, -0.2, 0.1));
        assert!(masked.histogram.counts.len() <= N_WEIGHT_BINS / 4, "bins are as wide as those of all weights");
        assert!(masked_of(&before, &before, "dense").is_none());
    }

    #[test]
    fn a_newer_layout_stops_the_older_one_and_closing_stops_the_last() {
        let (sender, requests) = unbounded();
        let details = Details { requests: sender, layout: RefCell::default() };
        details.put(DetailRequest::Layouts(vec![key()]));
        details.put(DetailRequest::Layouts(vec![key()]));
        let cancels: Vec<Cancel> = requests.try_iter().map(|(_, cancel)| cancel).collect();
        assert!(cancels[0].is_cancelled() && !cancels[1].is_cancelled());
        drop(details);
        assert!(cancels[1].is_cancelled());
    }

    #[test]
    fn a_layout_serves_similar_canvases_of_that_very_graph() {
        let asked = key();
        let on = |canvas| LayoutKey { canvas: Vec2::splat(canvas), ..asked.clone() };
        assert!(asked.serves(&on(510.0), 0.12));
        assert!(!asked.serves(&on(900.0), 0.12));
        assert!(!asked.serves(&key(), 0.12), "an equal graph is another graph");
        let collapsed = Arc::new(BTreeSet::from(["n1".to_owned()]));
        assert!(!asked.serves(&LayoutKey { collapsed, ..asked.clone() }, 0.12));
    }
}
