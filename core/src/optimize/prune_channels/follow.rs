//! Which channels of a graph are the same: every tensor is followed from what makes its channels, a layer with weights, to what mixes
//! them, another one.
//!
//! Whatever is not known to treat each channel by itself needs all of them: they stay.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::layer::Layer;
use super::lanes::Lanes;
use super::units::{Unit, Units};
use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::ops::{Op, Operands};
use crate::tensor::{Data, ElementType};

/// Channels of all tensors together that are followed at most: a file can say that a tensor is larger than any memory.
const MAX_INDICES: usize = 1 << 24;

/// The channels of a graph.
#[derive(Debug)]
pub(super) struct Followed {
    pub units: Units,
    /// For each tensor where its channels lie; `None` for constants and whatever is not followed.
    pub lanes: Vec<Option<Lanes>>,
    /// The layers with weights, in execution order.
    pub members: Vec<Member>,
}

/// A layer with weights and the channels that it joins.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub layer: Layer,
    /// The channel behind each input channel: the last axis of what it reads, or a row of it. Empty for a layer that mixes none, as a
    /// depthwise convolution: its outputs are channels of its input.
    pub input: Vec<Unit>,
    /// The channel of each output channel.
    pub output: Vec<Unit>,
}

/// Follows the channels of a graph; `None` if its tensors are too large for that.
pub(super) fn follow(graph: &Graph) -> Option<Followed> {
    let activations = graph.tensors.iter().filter(|tensor| !tensor.is_constant());
    let n_indices = activations.filter_map(|tensor| tensor.shape.iter().max()).try_fold(0usize, |n, &max| n.checked_add(max))?;
    (n_indices <= MAX_INDICES).then_some(())?;
    let followed = Followed { units: Units::default(), lanes: vec![None; graph.tensors.len()], members: Vec::new() };
    let mut walk = Walk { graph, followed, by_weights: HashMap::new() };
    for &id in &graph.inputs {
        walk.set_fixed(id, &"they come from the model's input".into());
    }
    let shapes_only = shapes_only(graph);
    for id in graph.node_ids() {
        walk.visit(id, &shapes_only);
    }
    for &id in &graph.outputs {
        walk.fix(id, &"they are the model's output".into());
    }
    Some(walk.followed.resolved())
}

impl Followed {
    /// Every channel as the one that stands for its set.
    fn resolved(mut self) -> Self {
        let units = &self.units;
        let lanes = self.lanes.iter_mut().flatten().flat_map(|lanes| &mut lanes.units);
        let members = self.members.iter_mut().flat_map(|member| member.input.iter_mut().chain(&mut member.output));
        lanes.chain(members).for_each(|unit| *unit = units.root(*unit));
        self
    }
}

/// For each tensor whether it only says which shape a RESHAPE is to give: that is known without it.
fn shapes_only(graph: &Graph) -> Vec<bool> {
    let mut only = vec![true; graph.tensors.len()];
    graph.outputs.iter().for_each(|id| only[id.index()] = false);
    for node in graph.nodes.iter().rev() {
        let passes = node.outputs.iter().all(|id| only[id.index()] && graph.tensor(*id).element != ElementType::F32);
        for (index, id) in node.inputs.iter().enumerate() {
            let is_shape = index == 1 && matches!(node.op, Op::Reshape(_));
            if let Some(id) = id.filter(|_| !passes && !is_shape) {
                only[id.index()] = false;
            }
        }
    }
    only
}

/// A pass over the nodes in execution order.
pub(super) struct Walk<'g> {
    pub graph: &'g Graph,
    pub followed: Followed,
    /// The first layer that has these weights.
    by_weights: HashMap<TensorId, usize>,
}

impl Walk<'_> {
    fn visit(&mut self, id: NodeId, shapes_only: &[bool]) {
        let node = self.graph.node(id);
        if matches!(node.op, Op::Shape(_)) && node.outputs.iter().all(|id| shapes_only[id.index()]) {
            return;
        }
        let through = if fits(self.graph, node) { self.through(id) } else { None };
        let through = through.filter(|all| all.iter().zip(&node.outputs).all(|(lanes, id)| self.holds(*id, lanes)));
        match through {
            Some(all) => node.outputs.iter().zip(all).for_each(|(id, lanes)| self.followed.lanes[id.index()] = Some(lanes)),
            None => {
                let why = self.why(id).into();
                node.inputs.iter().flatten().for_each(|id| self.fix(*id, &why));
                node.outputs.iter().for_each(|id| self.set_fixed(*id, &why));
            }
        }
    }

    /// Why the channels of a node's operands and results stay.
    fn why(&self, id: NodeId) -> String {
        let node = self.graph.node(id);
        let (name, op) = (&node.name, node.op.name());
        let has_weights = node.op.has_weights() || matches!(node.op, Op::TransposeConv(_));
        match has_weights && Layer::of(self.graph, id).is_none() {
            true => format!("\"{name}\" ({op}) has weights that are no float constants"),
            false => format!("\"{name}\" ({op}) needs all of them"),
        }
    }

    /// Whether a tensor holds floats and as many channels as `lanes` says.
    fn holds(&self, id: TensorId, lanes: &Lanes) -> bool {
        let tensor = self.graph.tensor(id);
        tensor.element == ElementType::F32 && tensor.shape.get(lanes.axis) == Some(&lanes.units.len())
    }

    /// The channels of an activation of floats.
    pub fn lanes(&self, id: TensorId) -> Option<Lanes> {
        self.followed.lanes[id.index()].clone()
    }

    /// Says of all channels of a tensor why they stay.
    pub fn fix(&mut self, id: TensorId, why: &Arc<str>) {
        let Followed { units, lanes, .. } = &mut self.followed;
        lanes[id.index()].iter().flat_map(|lanes| &lanes.units).for_each(|unit| units.fix(*unit, why));
    }

    /// Gives a tensor channels that stay.
    fn set_fixed(&mut self, id: TensorId, why: &Arc<str>) {
        let tensor = self.graph.tensor(id);
        if let Some(&n) = tensor.shape.last().filter(|_| tensor.element == ElementType::F32 && !tensor.is_constant()) {
            let lanes = Lanes { axis: tensor.shape.len() - 1, units: self.followed.units.add_fixed(n, why) };
            self.followed.lanes[id.index()] = Some(lanes);
        }
    }

    /// A layer with weights: its outputs are new channels, or, where it sees each channel by itself, those of its input.
    pub fn layer(&mut self, id: NodeId) -> Option<Vec<Lanes>> {
        let layer = Layer::of(self.graph, id)?;
        let lanes = self.lanes(layer.input)?;
        let (input, output) = (self.graph.tensor(layer.input), self.graph.output(self.graph.node(id), 0)?);
        let units = &mut self.followed.units;
        let row = lanes.rows(units, &input.shape, layer.n_inputs()).unwrap_or_else(|| {
            let why = format!("\"{}\" reads them in another order", self.graph.node(id).name).into();
            lanes.units.iter().for_each(|unit| units.fix(*unit, &why));
            units.add_fixed(layer.n_inputs(), &why)
        });
        let n_groups = layer.n_inputs() / layer.n_seen;
        let per_group = layer.n_outputs / n_groups;
        let is_alone = layer.n_seen == 1 && (n_groups > 1 || matches!(self.graph.node(id).op, Op::DepthwiseConv2d(_)));
        let output_units = if is_alone && (per_group == 1 || row.iter().any(|unit| units.fixed(*unit).is_none())) {
            (0..layer.n_outputs).map(|o| row[o / per_group]).collect()
        } else {
            // Groups stay of one size: what one of them loses, the others lose too.
            (layer.n_seen..row.len()).filter(|_| !is_alone).for_each(|i| units.unite(row[i % layer.n_seen], row[i]));
            let new = units.add(per_group);
            (0..layer.n_outputs).map(|o| new[o % per_group]).collect::<Vec<_>>()
        };
        let member = Member { layer, input: if is_alone { Vec::new() } else { row }, output: output_units };
        let lanes = Lanes { axis: output.shape.len() - 1, units: member.output.clone() };
        self.join(member);
        Some(vec![lanes])
    }

    /// Layers that share weights lose the same of them.
    fn join(&mut self, member: Member) {
        let Followed { units, members, .. } = &mut self.followed;
        match self.by_weights.get(&member.layer.weights) {
            Some(&first) => {
                let first = &members[first];
                let pairs = first.input.iter().zip(&member.input).chain(first.output.iter().zip(&member.output));
                pairs.for_each(|(a, b)| units.unite(*a, *b));
            }
            None => {
                self.by_weights.insert(member.layer.weights, members.len());
            }
        }
        members.push(member);
    }
}

/// Whether the operands fit the operator, the results are what it says, and no tensor is empty.
fn fits(graph: &Graph, node: &Node) -> bool {
    let declared = || node.outputs.iter().map(|id| &graph.tensor(*id).shape);
    let tensors = node.inputs.iter().flatten().chain(&node.outputs);
    let filled = tensors.clone().all(|id| graph.tensor(*id).n_elements() > 0);
    filled && node.op.facts().output_shapes(&Operands::new(graph, node)).is_ok_and(|shapes| shapes.iter().eq(declared()))
}

/// Whether a constant of floats can be cut.
pub(super) fn is_plain(graph: &Graph, id: TensorId) -> bool {
    matches!(graph.tensor(id).data, Some(Data::F32(_)))
}
