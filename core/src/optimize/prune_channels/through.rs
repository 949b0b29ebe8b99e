//! Where channels come to lie after an operator that treats each of them by itself; one rule for each family of operators.

#[cfg(test)]
mod tests;

use super::follow::{Walk, is_plain};
use super::lanes::Lanes;
use crate::graph::{Node, NodeId};
use crate::ops::{Op, Operands, SliceRange, resolve_axis};

impl Walk<'_> {
    /// The channels of each result; `None` if the operator needs all channels of its operands, or is not known not to.
    pub(super) fn through(&mut self, id: NodeId) -> Option<Vec<Lanes>> {
        let graph = self.graph;
        let node = graph.node(id);
        let operands = Operands::new(graph, node);
        match &node.op {
            Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::FullyConnected(_) | Op::TransposeConv(_) => self.layer(id),
            Op::Binary(_) | Op::PRelu(_) => self.elementwise(node),
            Op::BatchNorm(_) => {
                let plain = node.inputs.iter().skip(1).flatten().all(|id| is_plain(graph, *id));
                plain.then(|| self.of_last_axis(node)).flatten()
            }
            Op::Identity(_) | Op::Unary(_) | Op::LeakyRelu(_) => Some(vec![self.operand(node, 0)?]),
            Op::Softmax(_) | Op::LogSoftmax(_) => {
                let lanes = self.operand(node, 0)?;
                (lanes.axis + 1 != operands.get(0).ok()?.shape.len()).then_some(vec![lanes])
            }
            Op::Pool2d(_) | Op::ResizeNearestNeighbor(_) | Op::ResizeBilinear(_) => self.of_last_axis(node),
            Op::Reduce(op) => {
                let (lanes, axes) = (self.operand(node, 0)?, op.axes(&operands).ok()?);
                let n_gone = if op.keep_dims { 0 } else { axes.iter().filter(|axis| **axis < lanes.axis).count() };
                (!axes.contains(&lanes.axis)).then(|| vec![lanes.on(lanes.axis - n_gone)])
            }
            Op::Pad(op) => self.padded(node, &op.amounts(&operands).ok()?),
            Op::PadV2(_) => self.padded(node, &crate::ops::Pad.amounts(&operands).ok()?),
            Op::MirrorPad(op) => self.padded(node, &op.amounts(&operands).ok()?),
            Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) => {
                let (lanes, to) = (self.operand(node, 0)?, &operands.declared_output(0)?.shape);
                Some(vec![lanes.reshaped(&mut self.followed.units, &operands.get(0).ok()?.shape, to)?])
            }
            Op::Transpose(op) => {
                let (lanes, permutation) = (self.operand(node, 0)?, op.permutation(&operands).ok()?);
                Some(vec![lanes.on(permutation.iter().position(|axis| *axis == lanes.axis)?)])
            }
            Op::Concatenation(op) => {
                self.concatenated(node, resolve_axis(op.axis.into(), operands.get(0).ok()?.shape.len()).ok()?)
            }
            Op::Split(op) => self.split(node, op.axis(&operands).ok()?),
            Op::SplitV(op) => {
                let (axis, parts) = op.parts(&operands).ok()?;
                self.split_into(node, axis, &parts)
            }
            Op::Pack(op) => self.packed(node, resolve_axis(op.axis.into(), operands.get(0).ok()?.shape.len() + 1).ok()?),
            Op::Unpack(op) => {
                let (lanes, axis) =
                    (self.operand(node, 0)?, resolve_axis(op.axis.into(), operands.get(0).ok()?.shape.len()).ok()?);
                let part = (axis != lanes.axis).then(|| lanes.on(lanes.axis - usize::from(axis < lanes.axis)))?;
                Some(vec![part; node.outputs.len()])
            }
            Op::Slice(op) => self.sliced(node, &op.ranges(&operands).ok()?),
            Op::StridedSlice(op) => self.sliced(node, &op.ranges(&operands).ok()?),
            // They mix channels, keep a state, or change what a number means.
            Op::BatchMatMul(_) | Op::Gather(_) | Op::Lstm(_) | Op::SimpleRnn(_) | Op::Gru(_) => None,
            Op::Shape(_) | Op::Quantize(_) | Op::Dequantize(_) | Op::Cast(_) | Op::Unknown(_) => None,
        }
    }

    /// Operands side by side along a new axis.
    fn packed(&mut self, node: &Node, axis: usize) -> Option<Vec<Lanes>> {
        let lanes = self.united(node)?;
        Some(vec![lanes.on(lanes.axis + usize::from(axis <= lanes.axis))])
    }

    fn operand(&self, node: &Node, index: usize) -> Option<Lanes> {
        self.lanes((*node.inputs.get(index)?)?)
    }

    /// An operator that has channels on the last axis alone.
    fn of_last_axis(&self, node: &Node) -> Option<Vec<Lanes>> {
        let lanes = self.operand(node, 0)?;
        (lanes.axis + 1 == self.graph.input(node, 0)?.shape.len()).then_some(vec![lanes])
    }

    fn padded(&self, node: &Node, amounts: &[(usize, usize)]) -> Option<Vec<Lanes>> {
        let lanes = self.operand(node, 0)?;
        (amounts[lanes.axis] == (0, 0)).then_some(vec![lanes])
    }

    /// Two operands broadcast against each other: what stands at the same place is tied.
    fn elementwise(&mut self, node: &Node) -> Option<Vec<Lanes>> {
        let graph = self.graph;
        let rank = graph.output(node, 0)?.shape.len();
        let operands = || node.inputs.iter().flatten().copied();
        let is_constant = |id: &_| graph.tensor(*id).is_constant();
        if !operands().filter(is_constant).all(|id| is_plain(graph, id)) {
            return None;
        }
        let activations: Vec<_> = operands().filter(|id| !is_constant(id)).collect();
        let aligned: Vec<Lanes> = activations
            .iter()
            .map(|id| {
                let lanes = self.lanes(*id)?;
                Some(lanes.on(lanes.axis + rank - graph.tensor(*id).shape.len()))
            })
            .collect::<Option<_>>()?;
        // An operand with one index there is the same for all channels of the other.
        let chosen = aligned.iter().max_by_key(|lanes| lanes.units.len().min(2))?.clone();
        for (id, lanes) in activations.iter().zip(&aligned) {
            let shape = &graph.tensor(*id).shape;
            let there = (chosen.axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
            if lanes.axis == chosen.axis && lanes.units.len() == chosen.units.len() {
                lanes.units.iter().zip(&chosen.units).for_each(|(a, b)| self.followed.units.unite(*a, *b));
            } else if there == 1 {
                self.fix(*id, &format!("\"{}\" gives them to all channels of another tensor", node.name).into());
            } else {
                return None;
            }
        }
        Some(vec![chosen])
    }

    /// The channels of operands that have them along the same axis, tied.
    fn united(&mut self, node: &Node) -> Option<Lanes> {
        let all = node.inputs.iter().map(|id| self.lanes((*id)?)).collect::<Option<Vec<_>>>()?;
        let first = all.first()?.clone();
        let alike = all.iter().all(|lanes| (lanes.axis, lanes.units.len()) == (first.axis, first.units.len()));
        alike.then_some(())?;
        let pairs = all.iter().skip(1).flat_map(|lanes| lanes.units.iter().zip(&first.units));
        pairs.for_each(|(a, b)| self.followed.units.unite(*a, *b));
        Some(first)
    }

    fn concatenated(&mut self, node: &Node, axis: usize) -> Option<Vec<Lanes>> {
        let activations = || node.inputs.iter().flatten().filter(|id| !self.graph.tensor(**id).is_constant());
        let along = activations().all(|id| self.followed.lanes[id.index()].as_ref().is_some_and(|lanes| lanes.axis == axis));
        if !along {
            let lanes = self.united(node)?;
            return (lanes.axis != axis).then_some(vec![lanes]);
        }
        let why = format!("\"{}\" puts constants beside them", node.name).into();
        let mut units = Vec::new();
        for id in node.inputs.iter().flatten() {
            match self.lanes(*id) {
                Some(lanes) => units.extend(lanes.units),
                None => units.extend(self.followed.units.add_fixed(self.graph.tensor(*id).shape[axis], &why)),
            }
        }
        Some(vec![Lanes { axis, units }])
    }

    /// Parts that stay equal: what one loses, the others lose too.
    fn split(&mut self, node: &Node, axis: usize) -> Option<Vec<Lanes>> {
        let (lanes, n_parts) = (self.operand(node, 1)?, node.outputs.len());
        if lanes.axis != axis {
            return Some(vec![lanes; n_parts]);
        }
        let (part, rest) = lanes.units.split_at(lanes.units.len() / n_parts);
        rest.iter().enumerate().for_each(|(i, unit)| self.followed.units.unite(part[i % part.len()], *unit));
        Some(vec![Lanes { axis, units: part.to_vec() }; n_parts])
    }

    fn split_into(&mut self, node: &Node, axis: usize, parts: &[usize]) -> Option<Vec<Lanes>> {
        let lanes = self.operand(node, 0)?;
        if lanes.axis != axis {
            return Some(vec![lanes; parts.len()]);
        }
        let mut rest = lanes.units.as_slice();
        let part = |&n: &usize| {
            let (part, after) = rest.split_at_checked(n)?;
            rest = after;
            Some(Lanes { axis, units: part.to_vec() })
        };
        parts.iter().map(part).collect()
    }

    /// A part without gaps.
    fn sliced(&self, node: &Node, ranges: &[SliceRange]) -> Option<Vec<Lanes>> {
        let lanes = self.operand(node, 0)?;
        let range = ranges.get(lanes.axis).filter(|range| range.step == 1 && !range.shrink)?;
        let units = lanes.units.get(range.start..range.start + range.count)?.to_vec();
        let n_gone = ranges[..lanes.axis].iter().filter(|range| range.shrink).count();
        Some(vec![Lanes { axis: lanes.axis - n_gone, units }])
    }
}
