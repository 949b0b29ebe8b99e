//! Activations that evaluations leave behind, so that an edit is evaluated only from the layers on that it changed.
//!
//! Every activation has a key, made from all that its values follow from: samples, operators, constants, scales. A graph that
//! asks for an activation whose key is known takes the kept values instead of computing them, wherever the two graphs differ
//! otherwise. Values over all test samples are large, so only some are kept: first those that the latest edit's layers read,
//! which the next edit of them will ask for, then the smallest.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::memo::Key;
use crate::execute::executor::Executor;
use crate::execute::{ExecuteError, data_operands};
use crate::graph::{Graph, Node, TensorId};
use crate::progress::Cancel;
use crate::tensor::{Data, Tensor};

/// An edit is told from so many graphs before it: one may go back to the recipe before the last edit and edit another layer.
const COMPARED_GRAPHS: usize = 4;

/// Samples that run at a time. Values are kept in pieces of so many: an evaluation that is abandoned has taken no room for the rest.
const PIECE: usize = 64;

/// An activation's values over all samples, [`PIECE`] samples each but for the last.
type Pieces = Vec<Vec<u8>>;

/// How much of a candidate an evaluation computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// Nodes that were run.
    pub nodes: usize,
    /// Of so many.
    pub of: usize,
    /// Bytes of the activations that are kept now.
    pub kept_bytes: usize,
}

/// The kept activations, the least recently used first.
#[derive(Debug)]
pub(super) struct Activations {
    kept: Vec<(Key, Arc<Pieces>)>,
    max_bytes: usize,
    /// Keys of all activations of the latest evaluated graphs.
    latest: VecDeque<HashSet<Key>>,
    evaluated: Option<Evaluated>,
}

/// A graph that is evaluated from kept activations on.
#[derive(Debug)]
pub(super) struct Run<'a> {
    executor: Executor,
    /// For each input of the part that runs, its values over all samples.
    inputs: Vec<Input<'a>>,
    n_samples: usize,
    /// Which activations are collected over the samples.
    collects: Vec<TensorId>,
    /// What was collected of them.
    collected: Vec<(Key, Pieces)>,
    keys: HashSet<Key>,
    /// Nodes of the part, and of the whole graph.
    n_nodes: (usize, usize),
}

#[derive(Debug)]
enum Input<'a> {
    Samples(&'a [u8]),
    Kept(Arc<Pieces>),
}

impl Activations {
    /// Keeps at most `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self { kept: Vec::new(), max_bytes, latest: VecDeque::new(), evaluated: None }
    }

    pub fn evaluated(&self) -> Option<Evaluated> {
        self.evaluated
    }

    /// Prepares the evaluation of `graph`, whose inputs take `samples`: `n_samples` of them, in their own types. The key
    /// tells these from other samples.
    ///
    /// # Errors
    /// [`ExecuteError`] names what cannot be run.
    pub fn resume<'a>(
        &mut self,
        graph: &Graph,
        (samples_key, samples): (Key, &'a [Vec<u8>]),
        n_samples: usize,
    ) -> Result<Run<'a>, ExecuteError> {
        let keys = activation_keys(graph, samples_key);
        let made = graph.nodes.iter().flat_map(|node| node.outputs.iter().copied());
        let known: HashMap<TensorId, Arc<Pieces>> = made.filter_map(|id| Some((id, self.take_note(*keys.get(&id)?)?))).collect();
        let needed = Needed::of(graph, &graph.outputs, |id| known.contains_key(&id));
        self.closest_first(&keys);
        // What this run starts from is what the next edit of the same layer starts from: it goes last.
        needed.inputs.iter().filter_map(|id| keys.get(id)).for_each(|key| drop(self.take_note(*key)));
        let collected = self.worth_keeping(graph, &needed, &keys, n_samples);
        let n_nodes = (needed.nodes.len(), graph.nodes.len());
        let part = graph.part(needed.nodes, needed.inputs.clone(), graph.outputs.clone());
        let of_samples = |id: &TensorId| {
            let index = graph.inputs.iter().position(|input| input == id);
            Input::Samples(index.and_then(|index| samples.get(index)).map_or(&[][..], Vec::as_slice))
        };
        let input = |id: &TensorId| known.get(id).map_or_else(|| of_samples(id), |values| Input::Kept(values.clone()));
        Ok(Run {
            executor: Executor::new(&part)?,
            inputs: needed.inputs.iter().map(input).collect(),
            n_samples,
            collected: collected.iter().map(|id| (keys[id], Pieces::new())).collect(),
            collects: collected,
            keys: keys.into_values().collect(),
            n_nodes,
        })
    }

    /// Keeps what a completed run collected, and forgets the least recently used for it.
    pub fn keep(&mut self, run: Run<'_>) {
        let new: usize = run.collected.iter().map(|(_, values)| n_bytes(values)).sum();
        while self.bytes() + new > self.max_bytes && !self.kept.is_empty() {
            self.kept.remove(0);
        }
        self.kept.extend(run.collected.into_iter().map(|(key, values)| (key, Arc::new(values))));
        self.latest.truncate(COMPARED_GRAPHS - 1);
        self.latest.push_front(run.keys);
        self.evaluated = Some(Evaluated { nodes: run.n_nodes.0, of: run.n_nodes.1, kept_bytes: self.bytes() });
    }

    fn bytes(&self) -> usize {
        self.kept.iter().map(|(_, values)| n_bytes(values)).sum()
    }

    /// The values of `key`, if they are kept; they count as used.
    fn take_note(&mut self, key: Key) -> Option<Arc<Pieces>> {
        let position = self.kept.iter().position(|(other, _)| *other == key)?;
        let found = self.kept.remove(position);
        self.kept.push(found.clone());
        Some(found.1)
    }

    /// Brings the graph to the front that has most in common with one of these activations: what differs from it is the edit.
    fn closest_first(&mut self, keys: &HashMap<TensorId, Key>) {
        let in_common = |(_, graph): &(usize, &HashSet<Key>)| keys.values().filter(|key| graph.contains(key)).count();
        let closest = self.latest.iter().enumerate().max_by_key(in_common).map(|(index, _)| index);
        if let Some(graph) = closest.and_then(|index| self.latest.remove(index)) {
            self.latest.push_front(graph);
        }
    }

    /// Which of the activations that will be computed are to be kept.
    fn worth_keeping(&self, graph: &Graph, needed: &Needed, keys: &HashMap<TensorId, Key>, n_samples: usize) -> Vec<TensorId> {
        let before = self.latest.front();
        let was_there = |id: &TensorId| before.is_some_and(|before| keys.get(id).is_some_and(|key| before.contains(key)));
        let is_new = |node: &Node| node.outputs.iter().any(|id| keys.contains_key(id) && !was_there(id));
        let edited: HashSet<TensorId> =
            graph.nodes.iter().filter(|node| is_new(node)).flat_map(|node| node.inputs.iter().flatten().copied()).collect();
        let bytes = |id: TensorId| graph.tensor(id).n_bytes().saturating_mul(n_samples);
        let mut candidates: Vec<TensorId> = needed.nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
        let is_kept = |key: &Key| self.kept.iter().any(|(other, _)| other == key);
        candidates.retain(|id| keys.get(id).is_some_and(|key| !is_kept(key)) && !graph.outputs.contains(id));
        // What comes later saves more: of equals it goes first.
        candidates.reverse();
        candidates.sort_by_key(|id| bytes(*id));
        let mut left = self.max_bytes;
        let mut fits = |id: &TensorId| left.checked_sub(bytes(*id)).inspect(|rest| left = *rest).is_some();
        // What the edited layers read, in the order in which it is made: where not all of it fits, the rest follows from what does.
        let made = graph.nodes.iter().flat_map(|node| node.outputs.iter().copied());
        let read: Vec<TensorId> = made.filter(|id| edited.contains(id) && was_there(id)).filter(&mut fits).collect();
        // What this run started from stays if there is room beside that.
        for id in needed.inputs.iter().filter(|id| !read.contains(id) && keys.get(id).is_some_and(is_kept)) {
            fits(id);
        }
        candidates.retain(|id| read.contains(id) || fits(id));
        candidates
    }
}

impl Run<'_> {
    /// Values of one sample of the first output.
    pub fn output_len(&self) -> usize {
        self.executor.outputs().first().map_or(1, |port| port.sample_len)
    }

    /// The first output of some samples, real. To be called with all samples in order.
    ///
    /// # Errors
    /// [`ExecuteError::Input`] if the samples do not fit; [`ExecuteError::Cancelled`].
    pub fn run(&mut self, samples: Range<usize>, cancel: &Cancel) -> Result<Vec<f32>, ExecuteError> {
        let mut real = Vec::new();
        let mut first = samples.start;
        while first < samples.end {
            let piece = first..(first + 1).next_multiple_of(PIECE).min(samples.end);
            let inputs: Vec<&[u8]> = self.inputs.iter().map(|input| input.of(&piece, self.n_samples)).collect();
            let (outputs, kept) = self.executor.run_keeping(&inputs, piece.len(), &self.collects, cancel)?;
            for ((_, pieces), part) in self.collected.iter_mut().zip(kept) {
                match pieces.get_mut(first / PIECE) {
                    Some(begun) => begun.extend(part),
                    None => pieces.push(part),
                }
            }
            if let Some((port, bytes)) = self.executor.outputs().first().zip(outputs.first()) {
                real.extend(self.executor.real(port.tensor, bytes));
            }
            first = piece.end;
        }
        Ok(real)
    }
}

impl Input<'_> {
    /// The values of some samples of one piece.
    fn of(&self, samples: &Range<usize>, n_samples: usize) -> &[u8] {
        let (all, first, n) = match self {
            Self::Samples(bytes) => (*bytes, 0, n_samples),
            Self::Kept(pieces) => {
                let index = samples.start / PIECE;
                let first = index * PIECE;
                (pieces.get(index).map_or(&[][..], Vec::as_slice), first, PIECE.min(n_samples - first))
            }
        };
        let len = all.len().checked_div(n).unwrap_or(0);
        &all[(samples.start - first) * len..(samples.end - first) * len]
    }
}

fn n_bytes(pieces: &Pieces) -> usize {
    pieces.iter().map(Vec::len).sum()
}

/// The nodes that have to run, and what they take from before.
pub(super) struct Needed {
    pub nodes: Vec<Node>,
    pub inputs: Vec<TensorId>,
}

impl Needed {
    /// For the tensors `wanted`, where `known` says which activations are there.
    pub fn of(graph: &Graph, wanted: &[TensorId], known: impl Fn(TensorId) -> bool) -> Self {
        let mut wanted: HashSet<TensorId> = wanted.iter().copied().collect();
        let mut nodes: Vec<Node> = Vec::new();
        for node in graph.nodes.iter().rev() {
            if !node.outputs.iter().any(|id| wanted.contains(id)) {
                continue;
            }
            let data = data_operands(&node.op, node.inputs.len());
            for (operand, id) in node.inputs.iter().enumerate() {
                let Some(id) = id else { continue };
                // What is not data, a shape or half-float weights, is no activation over samples.
                if !(data.contains(&operand) && known(*id)) {
                    wanted.insert(*id);
                }
            }
            nodes.push(node.clone());
        }
        nodes.reverse();
        let made: HashSet<TensorId> = nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
        let mut inputs = Vec::new();
        for node in &nodes {
            for id in data_inputs(node) {
                let comes_from_before = known(id) || graph.inputs.contains(&id);
                if comes_from_before && !made.contains(&id) && !inputs.contains(&id) {
                    inputs.push(id);
                }
            }
        }
        Self { nodes, inputs }
    }
}

/// A key for each activation that depends on the samples.
pub(super) fn activation_keys(graph: &Graph, samples: Key) -> HashMap<TensorId, Key> {
    let mut keys: HashMap<TensorId, Key> = HashMap::new();
    let mut over_samples: HashSet<TensorId> = graph.inputs.iter().copied().collect();
    for (index, &id) in graph.inputs.iter().enumerate() {
        keys.insert(id, Key::of(&[samples.bytes(), &index.to_le_bytes(), &kind(graph.tensor(id))]));
    }
    for node in &graph.nodes {
        let operand = |id: &Option<TensorId>| match id {
            Some(id) => keys.get(id).copied().unwrap_or_else(|| constant_key(graph.tensor(*id))),
            None => Key::of(&[]),
        };
        let op = Key::of(&[format!("{:?}", node.op).as_bytes()]);
        let made_from: Vec<Key> = std::iter::once(op).chain(node.inputs.iter().map(operand)).collect();
        let made_from: Vec<&[u8]> = made_from.iter().map(Key::bytes).collect();
        let node_key = Key::of(&made_from);
        let depends = data_inputs(node).any(|id| over_samples.contains(&id));
        for (index, &id) in node.outputs.iter().enumerate() {
            keys.insert(id, Key::of(&[node_key.bytes(), &index.to_le_bytes(), &kind(graph.tensor(id))]));
            if depends {
                over_samples.insert(id);
            }
        }
    }
    keys.retain(|id, _| over_samples.contains(id));
    keys
}

fn constant_key(tensor: &Tensor) -> Key {
    Key::of(&[&kind(tensor), tensor.data.as_ref().map_or(&[], Data::bytes)])
}

/// Type, shape and scales: what the meaning of a tensor's bytes depends on.
fn kind(tensor: &Tensor) -> Vec<u8> {
    format!("{:?} {:?} {:?}", tensor.element, tensor.shape, tensor.quantization).into_bytes()
}

/// The operands of a node that hold values of samples.
pub(super) fn data_inputs(node: &Node) -> impl Iterator<Item = TensorId> {
    data_operands(&node.op, node.inputs.len()).into_iter().filter_map(|operand| node.inputs.get(operand).copied().flatten())
}

#[cfg(test)]
mod tests;
