//! How far each layer of a candidate is off, compared again only from the layers on that an edit changed.
//!
//! A layer's figure has a key, made from the keys of the two activations that are compared. Where it is known the figure stands.
//! What the layers read that were compared last stays, of both graphs: an edit of the same layers starts from there.

use std::collections::{HashMap, HashSet};

use super::activations::{Needed, activation_keys, data_inputs};
use super::memo::Key;
use crate::execute::ExecuteError;
use crate::execute::executor::{Executor, Port};
use crate::graph::{Graph, Node, TensorId};
use crate::measure::error::{Side, compare};
use crate::measure::{LayerError, LayerErrors};
use crate::progress::Cancel;

/// So many figures are remembered: those of some hundred edits of a usual net.
const REMEMBERED_FIGURES: usize = 1 << 14;

/// The bytes that activations may take which the next comparison can start from.
const KEPT_BYTES: usize = 4 << 20;

/// Remembered figures, and what the next comparison may start from.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    figures: HashMap<Key, Option<LayerError>>,
    kept: Vec<(Key, Vec<u8>)>,
    nodes: Option<usize>,
}

/// A graph that is compared, with the samples that it takes, real, for each input `[samples, ..]`.
pub(super) struct Sampled<'a> {
    pub graph: &'a Graph,
    pub inputs: &'a [&'a [f32]],
    pub keys: HashMap<TensorId, Key>,
}

impl<'a> Sampled<'a> {
    /// `samples` tells these samples from others.
    pub fn new(graph: &'a Graph, inputs: &'a [&'a [f32]], samples: Key) -> Self {
        Self { graph, inputs, keys: activation_keys(graph, samples) }
    }
}

impl Comparison {
    /// How many nodes of the candidate the latest comparison ran.
    pub fn nodes(&self) -> Option<usize> {
        self.nodes
    }

    /// The figures of all layers of `candidate` against the tensors of `float` that `origin` names.
    ///
    /// # Errors
    /// [`ExecuteError`] if one of the two cannot be run or the samples do not fit; [`ExecuteError::Cancelled`].
    pub fn run(
        &mut self,
        float: &Sampled<'_>,
        candidate: &Sampled<'_>,
        origin: &[Option<TensorId>],
        n_samples: usize,
        cancel: &Cancel,
    ) -> Result<LayerErrors, ExecuteError> {
        let key = |node: &Node| {
            let output = *node.outputs.first()?;
            let source = (*origin.get(output.index())?)?;
            Some(Key::of(&[candidate.keys.get(&output)?.bytes(), float.keys.get(&source)?.bytes()]))
        };
        let stale: Vec<&Node> =
            candidate.graph.nodes.iter().filter(|n| key(n).is_some_and(|k| !self.figures.contains_key(&k))).collect();
        self.nodes = Some(0);
        if !stale.is_empty() {
            let outputs: Vec<TensorId> = stale.iter().filter_map(|node| node.outputs.first().copied()).collect();
            let starts = starts(candidate, &stale);
            let of_source = |ids: &[TensorId]| ids.iter().filter_map(|id| origin[id.index()]).collect::<Vec<_>>();
            let float_starts = of_source(&starts);
            let (part, side) = self.side(candidate, &outputs, &starts)?;
            let (_, float_side) = self.side(float, &of_source(&outputs), &float_starts)?;
            let compared = compare(&float_side, (&part, &side), origin, n_samples, cancel)?;
            self.keep([(float, &float_starts, &float_side), (candidate, &starts, &side)], compared.kept);
            self.nodes = Some(part.nodes.len());
            if self.figures.len() > REMEMBERED_FIGURES {
                self.figures.clear();
            }
            for node in &part.nodes {
                if let (Some(key), Some(output)) = (key(node), node.outputs.first()) {
                    self.figures.insert(key, compared.errors[output.index()]);
                }
            }
        }
        let layer = |node: &Node| key(node).and_then(|key| self.figures.get(&key).copied().flatten());
        Ok(LayerErrors { samples: n_samples, layers: candidate.graph.nodes.iter().map(layer).collect() })
    }

    /// The part of a graph that makes `outputs` from what is kept, and which of `starts` it is to keep.
    fn side(&self, of: &Sampled<'_>, outputs: &[TensorId], starts: &[TensorId]) -> Result<(Graph, Side), ExecuteError> {
        let kept = |id: TensorId| self.kept.iter().find(|(key, _)| of.keys.get(&id) == Some(key)).map(|(_, values)| values);
        let needed = Needed::of(of.graph, outputs, |id| kept(id).is_some());
        // What is made on the way is observed, so one output is enough to make a graph of it.
        let part = of.graph.part(needed.nodes, needed.inputs, outputs.to_vec());
        let executor = Executor::new(&part)?;
        let input = |(id, port): (&TensorId, &Port)| match of.graph.inputs.iter().position(|input| input == id) {
            Some(index) => of.inputs.get(index).map_or_else(Vec::new, |values| port.bytes_from_real(values)),
            None => kept(*id).cloned().unwrap_or_default(),
        };
        let inputs = part.inputs.iter().zip(executor.inputs()).map(input).collect();
        let made: HashSet<TensorId> = part.nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
        let keep = starts.iter().copied().filter(|id| made.contains(id)).collect();
        Ok((part, Side { executor, inputs, keep }))
    }

    /// Keeps what was handed back of `starts` beside what of them was kept before, unless it is too much.
    fn keep(&mut self, sides: [(&Sampled<'_>, &[TensorId], &Side); 2], values: [Vec<Vec<u8>>; 2]) {
        let of = |sampled: &Sampled<'_>, id: &TensorId| sampled.keys.get(id).copied();
        let start_keys: HashSet<Key> =
            sides.iter().flat_map(|(sampled, starts, _)| starts.iter().filter_map(|id| of(sampled, id))).collect();
        self.kept.retain(|(key, _)| start_keys.contains(key));
        for ((sampled, _, side), values) in sides.into_iter().zip(values) {
            self.kept.extend(side.keep.iter().zip(values).filter_map(|(id, values)| Some((of(sampled, id)?, values))));
        }
        if self.kept.iter().map(|(_, values)| values.len()).sum::<usize>() > KEPT_BYTES {
            self.kept.clear();
        }
    }
}

/// What the stale nodes read that is not stale itself.
fn starts(of: &Sampled<'_>, stale: &[&Node]) -> Vec<TensorId> {
    let made: HashSet<TensorId> = stale.iter().flat_map(|node| node.outputs.iter().copied()).collect();
    let mut starts: Vec<TensorId> = Vec::new();
    for id in stale.iter().flat_map(|node| data_inputs(node)) {
        let is_start = of.keys.contains_key(&id) && !made.contains(&id) && !of.graph.inputs.contains(&id);
        if is_start && !starts.contains(&id) {
            starts.push(id);
        }
    }
    starts
}
