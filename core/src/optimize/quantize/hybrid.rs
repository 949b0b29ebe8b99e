//! Dynamic range quantization: integer weights under float activations, which LiteRT quantizes at each inference.

use super::parameters::ChannelLayout;
use super::rewrite::{Writer, spread};
use super::trained::granularity;
use super::weights::{WeightSettings, quantize_weights};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::Op;
use crate::ops::hybrid::{HybridScales, channel_axis, hybrid_kernel, weight_operands};
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
    let weights: Vec<(usize, TensorId)> = weight_operands(graph, node).collect();
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
            Some(HybridScales::Any) if has_several_matrices(node, weights) => Granularity::PerTensor,
            Some(HybridScales::Any) | None => granularity(self.settings, node),
        }
    }
}

/// Whether a product has several right sides, whose columns do not share scales.
fn has_several_matrices(node: &Node, weights: &Tensor) -> bool {
    let leading = weights.shape.len().saturating_sub(2);
    matches!(node.op, Op::BatchMatMul(_)) && weights.shape[..leading].iter().product::<usize>() > 1
}

/// Where the file says on which grid activations are put, it is the finer one: with a zero point.
fn stated(op: &Op, quantization: Quantization) -> Quantization {
    let is_stated = matches!(op, Op::FullyConnected(_) | Op::BatchMatMul(_) | Op::Lstm(_) | Op::SimpleRnn(_));
    quantization.with_asymmetric_inputs(is_stated)
}

#[cfg(test)]
mod tests {
    use super::super::quantize;
    use super::*;
    use crate::ops::hybrid::{DynamicRange, dynamic_range};
    use crate::ops::{Activation, BatchMatMul, Conv2d, DepthwiseConv2d, FullyConnected, Lstm, LstmWeights, Padding};
    use crate::recipe::LayerOverride;
    use crate::tensor::{Data, ElementType};
    use crate::test_graph::{Chain, constant};

    /// A graph of one node, quantized without any ranges.
    fn of_one(shape: &[usize], op: Op, constants: &[&[usize]], settings: &Quantize) -> Graph {
        let mut chain = Chain::new(shape);
        let made: Vec<TensorId> = constants.iter().enumerate().map(|(i, shape)| constant(&mut chain.graph, shape, i)).collect();
        let applied = quantize(&chain.then(op, &made).finish(), settings, None).unwrap();
        crate::graph::check(&applied.graph).unwrap();
        applied.graph
    }

    fn dynamic(granularity: Granularity) -> Quantize {
        Quantize { scheme: Scheme::Dynamic, granularity, fully_connected: granularity, ..Quantize::default() }
    }

    /// Element, number of scales and axis of an operand of the only node, and the grid that LiteRT puts its activations on.
    fn form(graph: &Graph, operand: usize) -> (ElementType, usize, Option<usize>, Option<DynamicRange>) {
        let tensor = graph.input(&graph.nodes[0], operand).unwrap();
        let quantization = tensor.quantization.as_ref();
        let (scales, axis) = (quantization.map_or(0, |q| q.scales.len()), quantization.and_then(|q| q.axis));
        (tensor.element, scales, axis, dynamic_range(graph, &graph.nodes[0]))
    }

    fn conv() -> Op {
        Op::Conv2d(Conv2d { stride: [1, 1], dilation: [1, 1], padding: Padding::Same, activation: Activation::None })
    }

    fn dense() -> Op {
        Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None })
    }

    #[test]
    fn each_operator_gets_the_scales_that_its_kernel_takes() {
        use {DynamicRange::*, ElementType::I8, Granularity::*};
        let depthwise = |depth_multiplier| {
            let (padding, activation) = (Padding::Same, Activation::None);
            Op::DepthwiseConv2d(DepthwiseConv2d { stride: [1, 1], dilation: [1, 1], padding, depth_multiplier, activation })
        };
        let product = |adj_y| Op::BatchMatMul(BatchMatMul { adj_x: false, adj_y });
        for (granularity, conv_range) in [(PerChannel, Asymmetric), (PerTensor, Symmetric)] {
            let is_each = granularity == PerChannel;
            let scales = |n, axis| if is_each { (n, Some(axis)) } else { (1, None) };
            let check = |shape: &[usize], op: Op, constants: &[&[usize]], (n, axis), range| {
                let graph = of_one(shape, op, constants, &dynamic(granularity));
                assert_eq!(form(&graph, 1), (I8, n, axis, Some(range)), "{granularity:?} {}", graph.nodes[0].op.name());
            };
            check(&[1, 4, 4, 16], conv(), &[&[8, 3, 3, 16], &[8]], scales(8, 0), conv_range);
            check(&[1, 40], dense(), &[&[32, 40], &[32]], scales(32, 0), Asymmetric);
            check(&[1, 3, 40], product(false), &[&[1, 40, 32]], scales(32, 2), Asymmetric);
            check(&[1, 3, 40], product(true), &[&[1, 32, 40]], scales(32, 1), Asymmetric);
            // In these the kernel leaves no choice.
            check(&[1, 4, 4, 32], conv(), &[&[8, 3, 3, 16], &[8]], (8, Some(0)), Asymmetric);
            check(&[1, 4, 4, 128], depthwise(1), &[&[1, 3, 3, 128], &[128]], (128, Some(3)), Asymmetric);
            check(&[2, 3, 40], product(false), &[&[2, 40, 32]], (1, None), Asymmetric);
        }
    }

    #[test]
    fn all_matrices_of_an_lstm_become_integers_or_none_does() {
        // 16 units of 4 inputs: recurrent matrices of 256 weights. With 32 units they have 1,024, and input matrices follow.
        for (units, expected) in [(16, ElementType::F32), (32, ElementType::I8)] {
            let mut chain = Chain::new(&[1, 5, 4]);
            let mut four = |shape: &[usize]| [0, 1, 2, 3].map(|gate| constant(&mut chain.graph, shape, gate));
            let weights = LstmWeights { input: four(&[units, 4]), recurrent: four(&[units, units]), bias: four(&[units]) };
            let state = Tensor { is_variable: true, ..Tensor::activation("state", ElementType::F32, [1, units]) };
            let [hidden, cell] = [0, 1].map(|_| chain.graph.add_tensor(state.clone()));
            let op = Op::Lstm(Lstm { activation: Activation::Tanh, cell_clip: 0.0, time_major: false });
            chain.last = chain.nodes(op, weights.operands(chain.last, hidden, cell), 1)[0];
            let graph = quantize(&chain.finish(), &dynamic(Granularity::PerChannel), None).unwrap().graph;
            for operand in Lstm::INPUT_WEIGHTS..Lstm::RECURRENT_WEIGHTS + 4 {
                let (element, scales, axis, range) = form(&graph, operand);
                assert_eq!((element, scales, axis), (expected, usize::from(units == 32), None), "operand {operand}");
                assert_eq!(range, (units == 32).then_some(DynamicRange::Asymmetric));
            }
            assert_eq!(form(&graph, Lstm::BIAS).0, ElementType::F32);
        }
    }

    #[test]
    fn fewer_than_1024_weights_stay_floats_and_the_values_are_those_of_int8() {
        let of = |n: usize| of_one(&[1, 32], dense(), &[&[n, 32], &[n]], &dynamic(Granularity::PerTensor));
        assert_eq!(form(&of(31), 1), (ElementType::F32, 0, None, None));
        let graph = of(32);
        let (weights, bias) = (graph.input(&graph.nodes[0], 1).unwrap(), graph.input(&graph.nodes[0], 2).unwrap());
        let (float, scale) = (crate::test_graph::values(1024, 0), weights.quantization.as_ref().unwrap().scale());
        assert_eq!(scale, float.iter().fold(0.0, |most: f32, w| most.max(w.abs())) / 127.0);
        let Some(Data::I8(integers)) = &weights.data else { panic!("{:?}", weights.element) };
        assert!(integers.iter().zip(&float).all(|(&q, w)| (f32::from(q) * scale - w).abs() <= scale * 0.5001));
        assert_eq!(bias.data.as_ref().and_then(Data::as_f32), Some(crate::test_graph::values(32, 1).as_slice()));
    }

    #[test]
    fn a_layer_may_differ_from_the_model_either_way() {
        let net = || {
            let mut chain = Chain::new(&[1, 32]);
            let weights: Vec<TensorId> = (0..2).map(|seed| constant(&mut chain.graph, &[32, 32], seed)).collect();
            chain.then(dense(), &weights[..1]).then(dense(), &weights[1..]).finish()
        };
        let elements = |scheme, own| {
            let own = LayerOverride { scheme: Some(own), ..LayerOverride::default() };
            let settings = Quantize { scheme, overrides: [("n0".to_owned(), own)].into(), ..Quantize::default() };
            assert!(!settings.needs_calibration());
            let graph = quantize(&net(), &settings, None).unwrap().graph;
            [0, 1].map(|node: usize| graph.input(&graph.nodes[node], 1).unwrap().element)
        };
        assert_eq!(elements(Scheme::Dynamic, Scheme::Float32), [ElementType::F32, ElementType::I8]);
        assert_eq!(elements(Scheme::Float32, Scheme::Dynamic), [ElementType::I8, ElementType::F32]);
    }
}
