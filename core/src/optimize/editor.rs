//! A graph while nodes are merged and taken out: one pass from the inputs to the outputs, which looks back at what it has passed.
//!
//! Tensors keep their places until the end. Whatever the pass has pushed can still be changed; what it has not reached yet can not.

use std::collections::HashSet;

use super::compact::compact;
use super::prepare::moved_notes;
use crate::execute::float::real_values;
use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::ops::{Op, Operands};
use crate::tensor::{Data, Tensor};

/// See the module.
pub(super) struct Editor<'g> {
    before: &'g Graph,
    graph: Graph,
    origin: Vec<Option<TensorId>>,
    /// Nodes passed so far; `None` where one went.
    nodes: Vec<Option<Node>>,
    /// For each tensor which of them makes it.
    maker: Vec<Option<usize>>,
    /// For each tensor how many operands it is; outputs of the graph count.
    n_readers: Vec<usize>,
    /// The tensor that takes a tensor's place; itself for most.
    instead: Vec<TensorId>,
    names: HashSet<String>,
}

/// What became of a node that a pass looked at.
pub(super) enum Visited {
    /// Nothing was done.
    Same(Node),
    /// It is another one now, or reads something else.
    Changed(Node),
    /// It went.
    Gone,
}

impl Visited {
    /// The node, if it is still there.
    pub fn left(self) -> Option<Node> {
        match self {
            Self::Same(node) | Self::Changed(node) => Some(node),
            Self::Gone => None,
        }
    }
}

/// The layer behind a tensor, see [`Editor::behind`].
pub(super) struct Behind {
    /// Its node.
    pub node: usize,
    /// Nodes between that only change the shape, the last one first.
    pub path: Vec<usize>,
}

impl<'g> Editor<'g> {
    /// Runs `visit` for every node of `graph` in order. A visit that returns a node leaves it in, after those it pushed itself.
    pub fn pass(graph: &'g Graph, mut visit: impl FnMut(&mut Self, Node) -> Option<Node>) -> Self {
        let ids: Vec<TensorId> = graph.tensor_ids().collect();
        let mut n_readers = vec![0; ids.len()];
        let operands = graph.nodes.iter().flat_map(|node| node.inputs.iter().flatten());
        operands.chain(&graph.outputs).for_each(|id| n_readers[id.index()] += 1);
        let mut editor = Self {
            before: graph,
            graph: Graph { nodes: Vec::new(), ..graph.clone() },
            origin: ids.iter().copied().map(Some).collect(),
            nodes: Vec::with_capacity(graph.nodes.len()),
            maker: vec![None; ids.len()],
            n_readers,
            instead: ids,
            names: graph.nodes.iter().map(|node| node.name.clone()).collect(),
        };
        for node in &graph.nodes {
            let mut node = node.clone();
            for id in node.inputs.iter_mut().flatten() {
                *id = editor.instead[id.index()];
            }
            if let Some(node) = visit(&mut editor, node) {
                editor.push(node);
            }
        }
        editor
    }

    /// The tensors; nodes are kept apart.
    pub fn tensors(&self) -> &Graph {
        &self.graph
    }

    /// Where the next node that is pushed comes to stand.
    pub fn next(&self) -> NodeId {
        NodeId::new(self.nodes.len())
    }

    /// A tensor.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        self.graph.tensor(id)
    }

    /// Operand `index` of a node.
    pub fn input(&self, node: &Node, index: usize) -> Option<&Tensor> {
        self.graph.input(node, index)
    }

    /// What the operator of a node sees.
    pub fn operands<'s>(&'s self, node: &'s Node) -> Operands<'s> {
        Operands::new(&self.graph, node)
    }

    /// The real values of a constant that is stored as floats.
    pub fn floats(&self, id: TensorId) -> Option<std::sync::Arc<[f32]>> {
        let tensor = self.tensor(id);
        matches!(tensor.data, Some(Data::F32(_) | Data::F16(_))).then(|| real_values(tensor).ok()).flatten()
    }

    /// A node that has been passed and is still there.
    pub fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)?.as_ref()
    }

    /// The same, to change.
    pub fn node_mut(&mut self, index: usize) -> Option<&mut Node> {
        self.nodes.get_mut(index)?.as_mut()
    }

    /// Puts another node in the place of a passed one that makes the same.
    pub fn replace(&mut self, index: usize, node: Node) {
        if let Some(place) = self.nodes.get_mut(index) {
            *place = Some(node);
        }
    }

    /// `name`, or one like it that no node has.
    pub fn unused_name(&mut self, name: &str) -> String {
        let mut name = name.to_owned();
        while !self.names.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// The passed node that makes a tensor, if one operand alone reads it.
    pub fn sole_maker(&self, id: TensorId) -> Option<usize> {
        self.maker[id.index()].filter(|_| self.n_readers[id.index()] == 1)
    }

    /// The node that makes `id`, looked for through identities and nodes that only change the shape and keep the last axis. None of the
    /// tensors between has another reader.
    pub fn behind(&self, id: TensorId) -> Option<Behind> {
        let (mut id, mut path) = (id, Vec::new());
        loop {
            let index = self.sole_maker(id)?;
            let node = self.node(index)?;
            let only_shape = matches!(node.op, Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Identity(_));
            match node.inputs.first().copied().flatten() {
                Some(input) if only_shape && self.tensor(input).shape.last() == self.tensor(id).shape.last() => {
                    path.push(index);
                    id = input;
                }
                _ => return Some(Behind { node: index, path }),
            }
        }
    }

    /// Adds a node at the end.
    pub fn push(&mut self, node: Node) {
        for output in &node.outputs {
            self.maker[output.index()] = Some(self.nodes.len());
        }
        self.nodes.push(Some(node));
    }

    /// Adds a tensor that the graph before did not have.
    pub fn add_tensor(&mut self, tensor: Tensor) -> TensorId {
        self.origin.push(None);
        self.maker.push(None);
        self.n_readers.push(1);
        let id = self.graph.add_tensor(tensor);
        self.instead.push(id);
        id
    }

    /// A constant of floats.
    pub fn constant(&mut self, name: String, shape: &[usize], values: Vec<f32>) -> TensorId {
        self.add_tensor(Tensor::constant(name, shape, Data::F32(values.into())))
    }

    /// Whether the caller of the graph reads a tensor.
    pub fn is_output(&self, id: TensorId) -> bool {
        self.graph.outputs.contains(&id)
    }

    /// A tensor whose maker stays out has these values.
    pub fn become_constant(&mut self, id: TensorId, data: Data) {
        let tensor = &mut self.graph.tensors[id.index()];
        tensor.element = data.element();
        tensor.data = Some(data);
    }

    /// Values of a tensor are no longer those of the graph before.
    pub fn changed(&mut self, id: TensorId) {
        self.origin[id.index()] = None;
    }

    /// `node`, which is not in yet, stays out: what it makes is `input` itself. Where nothing else reads that, its maker makes the
    /// node's result in its stead, under the result's name.
    pub fn bypass(&mut self, node: Node, input: TensorId) {
        let Some(&output) = node.outputs.first() else { return };
        match self.sole_maker(input) {
            Some(maker) => {
                self.make_instead(maker, input, output);
                self.add_sources(maker, node.sources);
            }
            None => {
                self.instead[output.index()] = input;
                self.n_readers[input.index()] += self.n_readers[output.index()];
                self.n_readers[input.index()] -= 1;
            }
        }
    }

    /// `node`, which is not in yet, becomes part of the layer behind its operand. The last node between, or the layer, makes its result.
    pub fn merge(&mut self, node: Node, behind: &Behind) {
        let Some(&output) = node.outputs.first() else { return };
        for &index in behind.path.iter().skip(1).chain([&behind.node]).take(behind.path.len()) {
            if let Some(id) = self.node(index).and_then(|node| node.outputs.first().copied()) {
                self.changed(id);
            }
        }
        let last = behind.path.first().copied().unwrap_or(behind.node);
        if let Some(made) = self.node(last).and_then(|node| node.outputs.first().copied()) {
            self.make_instead(last, made, output);
        }
        self.add_sources(behind.node, node.sources);
    }

    fn make_instead(&mut self, maker: usize, before: TensorId, output: TensorId) {
        if let Some(node) = self.node_mut(maker) {
            node.outputs.iter_mut().filter(|id| **id == before).for_each(|id| *id = output);
        }
        self.maker[output.index()] = Some(maker);
    }

    /// A passed node goes; the one operand that reads its result reads `input` instead, and so has to be changed by the caller.
    pub fn take_out(&mut self, index: usize) -> Option<Node> {
        self.nodes.get_mut(index)?.take()
    }

    /// A node stands for these source nodes too.
    pub fn add_sources(&mut self, index: usize, sources: Vec<String>) {
        if let Some(node) = self.node_mut(index) {
            add_sources(node, sources);
        }
    }

    /// What the pass made, without tensors that nothing reads any more.
    pub fn finish(mut self) -> (Graph, Vec<Option<TensorId>>) {
        self.graph.nodes = self.nodes.into_iter().flatten().collect();
        let named = self.graph.signatures.iter_mut().flat_map(|s| s.inputs.iter_mut().chain(&mut s.outputs)).map(|(_, id)| id);
        for id in self.graph.outputs.iter_mut().chain(named) {
            *id = self.instead[id.index()];
        }
        self.graph.notes = moved_notes(std::mem::take(&mut self.graph.notes), self.before, &self.graph);
        compact(self.graph, self.origin)
    }
}

/// `node` stands for these source nodes too.
pub(super) fn add_sources(node: &mut Node, sources: Vec<String>) {
    for source in sources {
        if !node.sources.contains(&source) {
            node.sources.push(source);
        }
    }
}
