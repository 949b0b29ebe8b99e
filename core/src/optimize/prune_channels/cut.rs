//! Takes channels out of a graph: out of tensors, weights, and whatever else has one value for each channel.

use std::collections::{BTreeSet, HashMap};

use super::super::compact::compact;
use super::super::layer::Layer;
use super::super::prepare::simplified;
use super::follow::{Followed, Member};
use super::lanes::Lanes;
use super::units::Unit;
use crate::graph::{Graph, NodeId, TensorId};
use crate::ops::{Op, Operands, SliceRange};
use crate::tensor::{Data, Tensor};

/// The graph without the channels `cut`, and for each of its tensors the one of `graph` that it was, if it has as many values still.
pub(super) fn without(graph: &Graph, followed: &Followed, cut: &BTreeSet<Unit>) -> (Graph, Vec<Option<TensorId>>) {
    let origin = graph.tensor_ids().map(Some).collect();
    let mut cutter = Cutter { before: graph, followed, cut, after: graph.clone(), origin, made: HashMap::new() };
    cutter.narrow_activations();
    for member in &followed.members {
        cutter.narrow_layer(member);
    }
    for id in graph.node_ids() {
        cutter.narrow_node(id);
    }
    // What only computed a shape that is a constant now goes.
    compact(simplified(&cutter.after), cutter.origin)
}

/// A constant, axes of it, and which indices stay along each.
type Part = (TensorId, Vec<(usize, Vec<bool>)>);

struct Cutter<'g> {
    before: &'g Graph,
    followed: &'g Followed,
    cut: &'g BTreeSet<Unit>,
    after: Graph,
    origin: Vec<Option<TensorId>>,
    /// Parts of constants that were made, so that several readers share them again.
    made: HashMap<Part, TensorId>,
}

impl Cutter<'_> {
    /// Which indices stay.
    fn kept(&self, units: &[Unit]) -> Vec<bool> {
        units.iter().map(|unit| !self.cut.contains(unit)).collect()
    }

    fn lanes(&self, id: Option<TensorId>) -> Option<&Lanes> {
        self.followed.lanes[id?.index()].as_ref()
    }

    fn narrow_activations(&mut self) {
        for (index, lanes) in self.followed.lanes.iter().enumerate() {
            let Some(lanes) = lanes else { continue };
            let n = count(&self.kept(&lanes.units));
            if n < lanes.units.len() {
                self.after.tensors[index].shape[lanes.axis] = n;
                self.origin[index] = None;
            }
        }
    }

    fn narrow_layer(&mut self, member: &Member) {
        let layer = &member.layer;
        let output = self.kept(&member.output);
        let seen = self.kept(member.input.get(..layer.n_seen).unwrap_or_default());
        let last = self.before.tensor(layer.weights).shape.len() - 1;
        let op = &self.before.node(layer.node).op;
        let output_axis = if matches!(op, Op::DepthwiseConv2d(_)) { last } else { 0 };
        let mut axes = vec![(output_axis, output.clone())];
        if !seen.is_empty() {
            axes.push((last, seen));
        }
        self.narrow_operand(layer.node, Layer::WEIGHTS, axes);
        self.narrow_operand(layer.node, layer.bias_operand, vec![(0, output)]);
        let extent = |id: TensorId| self.after.tensor(id).shape.last().copied().unwrap_or(1).max(1);
        let (n_inputs, n_outputs) =
            (extent(layer.input), self.before.node(layer.node).outputs.first().map_or(1, |id| extent(*id)));
        if let Op::DepthwiseConv2d(op) = &mut self.after.nodes[layer.node.index()].op {
            op.depth_multiplier = n_outputs / n_inputs;
        }
    }

    /// Cuts a constant operand along axes.
    fn narrow_operand(&mut self, node: NodeId, operand: usize, axes: Vec<(usize, Vec<bool>)>) {
        let Some(id) = self.before.node(node).inputs.get(operand).copied().flatten() else { return };
        if axes.iter().all(|(_, kept)| kept.iter().all(|kept| *kept)) {
            return;
        }
        let key = (id, axes);
        let part = match self.made.get(&key) {
            Some(part) => *part,
            None => {
                let part = self.add(part_of(self.before.tensor(id), &key.1));
                self.made.insert(key, part);
                part
            }
        };
        self.after.nodes[node.index()].inputs[operand] = Some(part);
    }

    fn add(&mut self, tensor: Tensor) -> TensorId {
        self.origin.push(None);
        self.after.add_tensor(tensor)
    }

    /// Whatever of a node says how many channels there are.
    fn narrow_node(&mut self, id: NodeId) {
        let node = self.before.node(id);
        let operands = Operands::new(self.before, node);
        match &node.op {
            Op::BatchNorm(_) => self.narrow_batch_norm(id),
            Op::Binary(_) | Op::PRelu(_) => (0..node.inputs.len()).for_each(|operand| self.narrow_broadcast(id, operand)),
            Op::Reshape(_) => self.narrow_reshape(id),
            Op::TransposeConv(_) if self.is_narrowed(node.outputs.first()) => self.set_integers(id, 0, &self.shape_after(id)),
            Op::Squeeze(op) if op.axes.is_empty() => self.name_squeezed(id),
            Op::SplitV(op) => {
                if let (true, Ok((axis, _))) = (self.is_narrowed(node.inputs[0].as_ref()), op.parts(&operands)) {
                    let sizes: Vec<usize> = node.outputs.iter().map(|id| self.after.tensor(*id).shape[axis]).collect();
                    self.set_integers(id, 1, &sizes);
                }
            }
            Op::Slice(op) => op.ranges(&operands).into_iter().for_each(|ranges| self.narrow_slice(id, &ranges)),
            Op::StridedSlice(op) => op.ranges(&operands).into_iter().for_each(|ranges| self.narrow_slice(id, &ranges)),
            // Layers are narrowed before; the others say nothing of channels, or keep all of them.
            Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::FullyConnected(_) | Op::TransposeConv(_) => {}
            Op::Pool2d(_) | Op::Reduce(_) | Op::Pad(_) | Op::PadV2(_) | Op::MirrorPad(_) | Op::Unary(_) | Op::LeakyRelu(_) => {}
            Op::Softmax(_) | Op::LogSoftmax(_) | Op::Identity(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Transpose(_) => {}
            Op::Concatenation(_) | Op::Split(_) | Op::Pack(_) | Op::Unpack(_) | Op::Shape(_) | Op::Cast(_) => {}
            Op::ResizeNearestNeighbor(_) | Op::ResizeBilinear(_) | Op::Quantize(_) | Op::Dequantize(_) => {}
            Op::BatchMatMul(_) | Op::Gather(_) | Op::Lstm(_) | Op::SimpleRnn(_) | Op::Gru(_) | Op::Unknown(_) => {}
        }
    }

    fn is_narrowed(&self, id: Option<&TensorId>) -> bool {
        id.is_some_and(|id| self.after.tensor(*id).shape != self.before.tensor(*id).shape)
    }

    /// The shape of a node's first result.
    fn shape_after(&self, id: NodeId) -> Vec<usize> {
        self.before.node(id).outputs.first().map_or_else(Vec::new, |id| self.after.tensor(*id).shape.clone())
    }

    fn narrow_batch_norm(&mut self, id: NodeId) {
        let node = self.before.node(id);
        let Some(kept) = self.lanes(node.outputs.first().copied()).map(|lanes| self.kept(&lanes.units)) else { return };
        for operand in 1..node.inputs.len() {
            let rank = self.before.input(node, operand).map_or(0, |tensor| tensor.shape.len());
            self.narrow_operand(id, operand, vec![(rank.saturating_sub(1), kept.clone())]);
        }
    }

    /// A constant that is broadcast against an activation, where it has a value for each channel.
    fn narrow_broadcast(&mut self, id: NodeId, operand: usize) {
        let node = self.before.node(id);
        let (Some(tensor), Some(output)) = (self.before.input(node, operand), self.before.output(node, 0)) else { return };
        let Some(lanes) = self.lanes(node.outputs.first().copied()) else { return };
        let Some(axis) = (lanes.axis + tensor.shape.len()).checked_sub(output.shape.len()) else { return };
        if tensor.is_constant() && tensor.shape[axis] == lanes.units.len() {
            self.narrow_operand(id, operand, vec![(axis, self.kept(&lanes.units))]);
        }
    }

    fn narrow_reshape(&mut self, id: NodeId) {
        let node = self.before.node(id);
        let is_computed = self.before.input(node, 1).is_some_and(|shape| !shape.is_constant());
        if !is_computed && !self.is_narrowed(node.outputs.first()) {
            return;
        }
        let shape = self.shape_after(id);
        if node.inputs.len() > 1 {
            self.set_integers(id, 1, &shape);
        }
        if let Op::Reshape(op) = &mut self.after.nodes[id.index()].op {
            op.new_shape = integers(&shape);
        }
    }

    /// A channel that is left alone must not be taken for an axis to drop.
    fn name_squeezed(&mut self, id: NodeId) {
        let shape = self.before.input(self.before.node(id), 0).map_or(&[][..], |tensor| &tensor.shape);
        let axes = (0..).zip(shape).filter(|(_, extent)| **extent == 1).map(|(axis, _)| axis).collect();
        if let Op::Squeeze(op) = &mut self.after.nodes[id.index()].op {
            op.axes = axes;
        }
    }

    fn narrow_slice(&mut self, id: NodeId, ranges: &[SliceRange]) {
        let node = self.before.node(id);
        let Some((axis, kept)) = self.lanes(node.inputs[0]).map(|lanes| (lanes.axis, self.kept(&lanes.units))) else { return };
        if !self.is_narrowed(node.inputs[0].as_ref()) {
            return;
        }
        let SliceRange { start, count: n, .. } = ranges[axis];
        let begin = count(&kept[..start]);
        let size = count(&kept[start..start + n]);
        let is_strided = matches!(node.op, Op::StridedSlice(_));
        self.set_entry(id, 1, axis, begin);
        self.set_entry(id, 2, axis, if is_strided { begin + size } else { size });
        if let Op::StridedSlice(op) = &mut self.after.nodes[id.index()].op {
            op.begin_mask &= !(1 << axis);
            op.end_mask &= !(1 << axis);
        }
    }

    /// One entry of a constant of integers, if it has it: a slice may say nothing of its last axes.
    fn set_entry(&mut self, id: NodeId, operand: usize, entry: usize, value: usize) {
        let data = self.after.input(self.after.node(id), operand).and_then(|tensor| tensor.data.as_ref());
        let Some(mut all) = data.and_then(Data::to_i64) else { return };
        if let Some(entry) = all.get_mut(entry) {
            *entry = value as i64;
            let all: Vec<i32> = all.iter().map(|&value| value.clamp(i32::MIN.into(), i32::MAX.into()) as i32).collect();
            self.set_constant(id, operand, all);
        }
    }

    fn set_integers(&mut self, id: NodeId, operand: usize, values: &[usize]) {
        self.set_constant(id, operand, integers(values));
    }

    fn set_constant(&mut self, id: NodeId, operand: usize, values: Vec<i32>) {
        let name = format!("{}/{operand}", self.before.node(id).name);
        let constant = self.add(Tensor::constant(name, [values.len()], Data::I32(values.into())));
        self.after.nodes[id.index()].inputs[operand] = Some(constant);
    }
}

/// Extents of tensors that were checked at import; one beyond `i32` cannot be run anyway.
fn integers(values: &[usize]) -> Vec<i32> {
    values.iter().map(|&value| i32::try_from(value).unwrap_or(i32::MAX)).collect()
}

fn count(kept: &[bool]) -> usize {
    kept.iter().filter(|kept| **kept).count()
}

/// What stays of a constant.
fn part_of(tensor: &Tensor, axes: &[(usize, Vec<bool>)]) -> Tensor {
    let mut values = tensor.data.as_ref().and_then(Data::as_f32).unwrap_or_default().to_vec();
    let mut shape = tensor.shape.clone();
    for (axis, kept) in axes {
        let inner: usize = shape[axis + 1..].iter().product();
        let lines = values.chunks(inner.max(1)).enumerate().filter(|(i, _)| kept[i % kept.len()]);
        values = lines.flat_map(|(_, line)| line).copied().collect();
        shape[*axis] = count(kept);
    }
    Tensor::constant(tensor.name.clone(), shape, Data::F32(values.into()))
}
