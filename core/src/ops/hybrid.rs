//! Hybrid layers: integer weights under float activations, what converters call "dynamic range" quantization.
//!
//! LiteRT quantizes the activations of every inference on the way. Which layers it does that for, and on which grid, was found
//! with ai-edge-litert 2.3.0, `OpResolverType.BUILTIN_REF`, by models of one operator each:
//!
//! | operator | weights | scales | activations |
//! | --- | --- | --- | --- |
//! | CONV_2D | int8, int4 | one, or all equal | symmetric, a scale for each image |
//! | CONV_2D | int8, int4 | one a channel | asymmetric, a scale for each image |
//! | DEPTHWISE_CONV_2D | int8 | one a channel | asymmetric, a scale for each image |
//! | TRANSPOSE_CONV | int8 | one, or one a channel | asymmetric, a scale for each image |
//! | FULLY_CONNECTED | int8, int4 | one, or one a channel | as the file says, a scale for each row |
//! | BATCH_MATMUL, constant right side | int8 | one, or one a column | as the file says, a scale for each row |
//! | UNIDIRECTIONAL_SEQUENCE_LSTM, _RNN | int8 | one for each matrix | as the file says, a scale for each step |
//!
//! With groups, CONV_2D is asymmetric throughout and needs a scale for each channel. Other combinations LiteRT refuses
//! (DEPTHWISE_CONV_2D with one scale or int4) or computes nonsense for: the recurrent layers ignore all scales but one for each
//! matrix. TensorFlow Lite Micro refuses all hybrid layers that were tried but the LSTM, whose bytes it takes for floats.

use super::{BatchMatMul, Op};
use crate::graph::{Graph, Node, TensorId};
use crate::quant::Quantization;
use crate::tensor::{ElementType, Tensor};

/// On which grid of 8 bits the activations of a hybrid layer are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DynamicRange {
    /// From -127 to 127, zero stands for 0.0.
    Symmetric,
    /// From -128 to 127, with a zero point.
    Asymmetric,
}

/// How many scales the weights of a hybrid layer may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HybridScales {
    /// One, or one for each output channel.
    Any,
    /// One for each output channel.
    PerChannel,
    /// One for each matrix.
    PerTensor,
}

/// What LiteRT's hybrid kernel of an operator takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HybridKernel {
    /// Whether the weights may be int4; int8 they may be anyway.
    pub takes_int4: bool,
    /// How many scales they may have.
    pub scales: HybridScales,
}

/// LiteRT's hybrid kernel of an operator; `None` if it has none, so that integer weights must not meet float activations.
pub fn hybrid_kernel(op: &Op) -> Option<HybridKernel> {
    let kernel = |takes_int4, scales| Some(HybridKernel { takes_int4, scales });
    match op {
        Op::Conv2d(_) | Op::FullyConnected(_) => kernel(true, HybridScales::Any),
        Op::BatchMatMul(_) | Op::TransposeConv(_) => kernel(false, HybridScales::Any),
        Op::DepthwiseConv2d(_) => kernel(false, HybridScales::PerChannel),
        Op::Lstm(_) | Op::SimpleRnn(_) => kernel(false, HybridScales::PerTensor),
        Op::Gru(_) | Op::BatchNorm(_) | Op::PRelu(_) | Op::Unknown(_) => None,
        Op::Binary(_) | Op::Pool2d(_) | Op::Reduce(_) | Op::Pad(_) | Op::PadV2(_) | Op::MirrorPad(_) => None,
        Op::Softmax(_) | Op::LogSoftmax(_) | Op::Unary(_) | Op::LeakyRelu(_) | Op::Quantize(_) | Op::Dequantize(_) => None,
        Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Transpose(_) | Op::Identity(_) | Op::Cast(_) => None,
        Op::Concatenation(_) | Op::Split(_) | Op::SplitV(_) | Op::Pack(_) | Op::Unpack(_) | Op::Gather(_) => None,
        Op::StridedSlice(_) | Op::Slice(_) | Op::Shape(_) | Op::ResizeNearestNeighbor(_) | Op::ResizeBilinear(_) => None,
    }
}

/// Whether LiteRT has a hybrid kernel for an operator: whether its weights may be made integers while its activations stay
/// floats. TensorFlow Lite Micro has none at all.
pub fn has_hybrid_kernel(op: &Op) -> bool {
    hybrid_kernel(op).is_some()
}

/// Whether a node has integer weights under float activations, whoever may run that.
pub fn is_hybrid(graph: &Graph, node: &Node) -> bool {
    let is_float = graph.output(node, 0).is_some_and(|t| t.element == ElementType::F32);
    let is_integer = |t: &Tensor| matches!(t.element, ElementType::I8 | ElementType::I4 | ElementType::U8 | ElementType::I16);
    is_float && weights(graph, node).any(is_integer)
}

/// The grid on which LiteRT puts the activations of a node; `None` where it does not quantize them: not a hybrid layer, or one
/// that it cannot run.
pub fn dynamic_range(graph: &Graph, node: &Node) -> Option<DynamicRange> {
    let kernel = hybrid_kernel(&node.op)?;
    let input = graph.input(node, if matches!(node.op, Op::TransposeConv(_)) { 2 } else { 0 })?;
    if !is_hybrid(graph, node) || input.is_constant() || input.element != ElementType::F32 {
        return None;
    }
    if !weights(graph, node).all(|tensor| fits(tensor, kernel, channel_axis(&node.op, tensor))) {
        return None;
    }
    let quantization = weights(graph, node).next()?.quantization.as_ref()?;
    let as_stated = if quantization.asymmetric_inputs { DynamicRange::Asymmetric } else { DynamicRange::Symmetric };
    match node.op {
        Op::Conv2d(_) => {
            let grouped = input.shape.last() != weights(graph, node).next()?.shape.last();
            match (grouped, quantization.is_per_channel()) {
                (true, false) => None,
                (false, _) if all_equal(quantization) => Some(DynamicRange::Symmetric),
                _ => Some(DynamicRange::Asymmetric),
            }
        }
        Op::DepthwiseConv2d(_) | Op::TransposeConv(_) => Some(DynamicRange::Asymmetric),
        _ => Some(as_stated),
    }
}

/// The weights of a node that may be integers.
pub fn weight_ids<'a>(graph: &Graph, node: &'a Node) -> impl Iterator<Item = TensorId> + use<'a> {
    weight_operands(graph, node).map(|(_, id)| id)
}

/// The same, with the operand that each is.
pub(crate) fn weight_operands<'a>(graph: &Graph, node: &'a Node) -> impl Iterator<Item = (usize, TensorId)> + use<'a> {
    let operands = match node.op {
        // The right side is computed as a rule; where it is stored, it is weights.
        Op::BatchMatMul(_) if graph.input(node, 1).is_some_and(Tensor::is_constant) => 1..2,
        _ => node.op.trained_operands()[0].clone(),
    };
    operands.filter_map(|index| Some((index, node.inputs.get(index).copied().flatten()?)))
}

fn weights<'a>(graph: &'a Graph, node: &'a Node) -> impl Iterator<Item = &'a Tensor> {
    weight_ids(graph, node).map(|id| graph.tensor(id))
}

/// The axis of the weights that output channels run along.
pub(crate) fn channel_axis(op: &Op, weights: &Tensor) -> Option<usize> {
    match op {
        Op::BatchMatMul(BatchMatMul { adj_y, .. }) => weights.shape.len().checked_sub(if *adj_y { 2 } else { 1 }),
        Op::TransposeConv(_) | Op::Lstm(_) | Op::SimpleRnn(_) => Some(0),
        _ => op.weights_channel_axis(),
    }
}

/// Whether the kernel takes these weights: stored, symmetric, of a type and with scales that it knows.
fn fits(tensor: &Tensor, kernel: HybridKernel, channel_axis: Option<usize>) -> bool {
    let Some(quantization) = tensor.quantization.as_ref().filter(|_| tensor.is_constant()) else { return false };
    let type_fits = tensor.element == ElementType::I8 || kernel.takes_int4 && tensor.element == ElementType::I4;
    let scales_fit = match kernel.scales {
        HybridScales::Any => quantization.axis.is_none() || quantization.axis == channel_axis,
        HybridScales::PerChannel => {
            // With one channel the two are the same, and a single scale has no axis.
            quantization.axis == channel_axis || channel_axis.and_then(|axis| tensor.shape.get(axis)) == Some(&1)
        }
        HybridScales::PerTensor => quantization.axis.is_none(),
    };
    type_fits && scales_fit && quantization.zero_points.iter().all(|&zero_point| zero_point == 0)
}

fn all_equal(quantization: &Quantization) -> bool {
    quantization.scales.windows(2).all(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TensorId;
    use crate::ops::*;
    use crate::tensor::Data;
    use crate::test_graph::Chain;

    /// A convolution of 8 weights over images of `c_in` channels.
    fn conv(c_in: usize, weights: Tensor) -> Graph {
        let mut chain = Chain::new(&[1, 1, 1, c_in]);
        let weights = chain.graph.add_tensor(weights);
        let (stride, dilation, activation) = ([1, 1], [1, 1], Activation::None);
        chain.then(Op::Conv2d(Conv2d { stride, dilation, padding: Padding::Same, activation }), &[weights]).finish()
    }

    fn int8(shape: [usize; 4], quantization: Quantization) -> Tensor {
        Tensor::constant("w", shape, Data::I8([1; 8].into())).quantized(quantization)
    }

    fn range(graph: &Graph) -> Option<DynamicRange> {
        dynamic_range(graph, &graph.nodes[0])
    }

    #[test]
    fn only_weights_that_the_kernel_takes_are_multiplied_as_integers() {
        let (shape, one, several) = ([2, 1, 1, 4], Quantization::per_tensor(0.5, 0), Quantization::per_channel([0.5, 1.0], 0));
        assert_eq!(range(&conv(4, int8(shape, one.clone()))), Some(DynamicRange::Symmetric));
        assert_eq!(range(&conv(4, int8(shape, several.clone()))), Some(DynamicRange::Asymmetric));
        let int4 = Tensor::constant("w", shape, Data::I4([1; 8].into())).quantized(several.clone());
        assert_eq!(range(&conv(4, int4)), Some(DynamicRange::Asymmetric));
        // In groups, a scale for each channel is needed, and even equal ones do not make it symmetric.
        assert_eq!(range(&conv(8, int8(shape, one.clone()))), None);
        assert_eq!(range(&conv(8, int8(shape, Quantization::per_channel([1.0, 1.0], 0)))), Some(DynamicRange::Asymmetric));
        // A zero point, scales along another axis, or no scales at all.
        assert_eq!(range(&conv(4, int8(shape, Quantization::per_tensor(0.5, 3)))), None);
        assert_eq!(range(&conv(4, int8(shape, Quantization::per_channel([1.0; 4], 3)))), None);
        assert_eq!(range(&conv(4, Tensor::constant("w", shape, Data::I8([1; 8].into())))), None);
        // Neither float weights nor integer activations make a hybrid layer.
        let float = conv(4, Tensor::constant("w", shape, Data::F32([1.0; 8].into())));
        assert!(range(&float).is_none() && !is_hybrid(&float, &float.nodes[0]));
        let mut whole = conv(4, int8(shape, one));
        (0..3).for_each(|id| whole.tensors[id].element = ElementType::I8);
        assert!(range(&whole).is_none() && !is_hybrid(&whole, &whole.nodes[0]));
    }

    #[test]
    fn a_product_of_two_activations_has_no_weights() {
        let mut chain = Chain::new(&[1, 2, 4]);
        let other = chain.graph.add_tensor(Tensor::activation("other", ElementType::F32, [1, 4, 2]));
        chain.graph.inputs.push(other);
        let graph = chain.then(Op::BatchMatMul(BatchMatMul { adj_x: false, adj_y: false }), &[other]).finish();
        assert_eq!(weight_ids(&graph, &graph.nodes[0]).collect::<Vec<TensorId>>(), []);
        assert_eq!(range(&graph), None);
    }

    #[test]
    fn operators_without_a_hybrid_kernel_are_named() {
        let activation = Activation::None;
        assert!(
            !has_hybrid_kernel(&Op::Gru(Gru { reset_after: true, go_backwards: false }))
                && !has_hybrid_kernel(&Op::Softmax(Softmax { beta: 1.0 }))
        );
        let op = DepthwiseConv2d { stride: [1, 1], dilation: [1, 1], padding: Padding::Same, depth_multiplier: 1, activation };
        let kernel = hybrid_kernel(&Op::DepthwiseConv2d(op)).unwrap();
        assert_eq!(kernel, HybridKernel { takes_int4: false, scales: HybridScales::PerChannel });
    }
}
