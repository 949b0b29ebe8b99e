//! Dynamic range quantization: integer weights under float activations, which LiteRT quantizes at each inference.

use super::parameters::ChannelLayout;
use super::rewrite::{Writer, spread};
use super::trained::granularity;
use super::weights::{WeightSettings, quantize_weights};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::Op;
use crate::ops::hybrid::{HybridScales, channel_axis, hybrid_kernel};
use crate::quant::Quantization;
use crate::recipe::{Granularity, Quantize, Scheme};
use crate::tensor::Tensor;

/// Layers whose largest weights have fewer elements stay as they are: what they would save is little beside what quantizing the
/// activations costs. The limit of TensorFlow's converter (`quantize_weights.cc`, `kWeightsMinNumElementsDefault`).
const LEAST_WEIGHTS: usize = 1024;

/// The weights of a node that become integers under [`Scheme::Dynamic`]: all of a layer that LiteRT has a hybrid kernel for, or
/// none.
pub(super) fn hybrid_weights(graph: &Graph, node: &Node, settings: &Quantize) -> Vec<(usize, TensorId)> {
    if settings.scheme_of(&node.name) != Scheme::Dynamic || hybrid_kernel(&node.op).is_none() {
        return Vec::new();
    }
    let operands = node.op.trained_operands()[0].clone();
    let weights: Vec<(usize, TensorId)> = operands.filter_map(|i| Some((i, node.inputs.get(i).copied().flatten()?))).collect();
    let values = |id: TensorId| graph.tensor(id).data.as_ref().and_then(|data| data.as_f32());
    let are_known = weights.iter().all(|(_, id)| values(*id).is_some_and(|v| v.iter().all(|w| w.is_finite())));
    let is_large = weights.iter().any(|(_, id)| graph.tensor(*id).n_elements() >= LEAST_WEIGHTS);
    if are_known && is_large { weights } else { Vec::new() }
}

impl Writer<'_> {
    /// Makes the weights of a layer integers, in the form that LiteRT's kernel takes.
    pub(super) fn narrow_weights(&mut self, source: &Node, node: &mut Node) {
        for (operand, id) in hybrid_weights(self.source, source, self.settings) {
            let tensor = self.source.tensor(id);
            let Some(values) = tensor.data.as_ref().and_then(|data| data.as_f32()) else { continue };
            let Some(axis) = channel_axis(&source.op, tensor).filter(|&axis| axis < tensor.shape.len()) else { continue };
            let granularity = self.hybrid_granularity(source, tensor);
            let inner: usize = tensor.shape[axis + 1..].iter().product();
            let layout = ChannelLayout { n_channels: tensor.shape[axis], inner: inner.max(1) };
            let settings = WeightSettings { scheme: Scheme::Int8, granularity, range: self.settings.weight_range };
            let layer = quantize_weights(values, None, layout, settings, 1.0);
            let quantization = stated(&source.op, spread(layer.scales.clone(), granularity, axis));
            node.inputs[operand] = Some(self.add_constant(id, layer.data(false), quantization));
        }
    }

    /// As the settings say, where the kernel leaves a choice.
    fn hybrid_granularity(&self, node: &Node, weights: &Tensor) -> Granularity {
        let is_grouped = matches!(node.op, Op::Conv2d(_))
            && self.source.input(node, 0).is_some_and(|input| input.shape.last() != weights.shape.last());
        match hybrid_kernel(&node.op).map(|kernel| kernel.scales) {
            Some(HybridScales::PerTensor) => Granularity::PerTensor,
            Some(HybridScales::PerChannel) => Granularity::PerChannel,
            Some(HybridScales::Any) if is_grouped => Granularity::PerChannel,
            Some(HybridScales::Any) | None => granularity(self.settings, node),
        }
    }
}

/// Where the file says on which grid activations are put, it is the finer one: with a zero point.
fn stated(op: &Op, quantization: Quantization) -> Quantization {
    let is_stated = matches!(op, Op::FullyConnected(_) | Op::Lstm(_) | Op::SimpleRnn(_));
    quantization.with_asymmetric_inputs(is_stated)
}
