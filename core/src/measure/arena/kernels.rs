//! What each TFLM kernel asks of the arena: parsed attributes, op data, buffers for each channel, scratch, and the tensor
//! structures that its `Prepare` holds for a while.
//!
//! Facts of TFLM's reference kernels; optimized kernels (CMSIS-NN, ESP-NN) add scratch of their own.

use super::layout::Field::{self, Byte, Double, Enum, Half, Int, Pointer};
use crate::graph::{Graph, Node};
use crate::ops::{BinaryKind, Op, ReduceKind, Unary};
use crate::tensor::{ElementType, Tensor};

/// An operand or result of a node, whose structure a kernel holds while it prepares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Operand at this position; takes nothing if it is left out.
    Input(usize),
    /// Result at this position.
    Output(usize),
}

use Slot::{Input, Output};

/// What one node's kernel allocates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    /// The operator's attributes, parsed from the file.
    pub params: &'static [Field],
    /// What the build of TFLM's Python package (October 2026) adds to `params`.
    pub params_python: &'static [Field],
    /// The kernel's own data, made by `Init`.
    pub data: &'static [Field],
    /// What decompression adds to `data`.
    pub data_compressed: &'static [Field],
    /// Tensor structures taken in `Prepare` before the persistent buffers.
    pub temps_before: Vec<Slot>,
    /// Bytes of the persistent buffers that `Prepare` takes.
    pub persistent: Vec<usize>,
    /// Tensor structures taken after them.
    pub temps_after: Vec<Slot>,
    /// Bytes of the scratch buffers, planned with the activations.
    pub scratch: Vec<usize>,
}

const POOL_PARAMS: &[Field] = &[Enum, Int, Int, Int, Int, Enum, Int, Int, Int, Int];
const CONV_PARAMS: &[Field] = &[Enum, Int, Int, Enum, Int, Int, Enum];
const DEPTHWISE_PARAMS: &[Field] = &[Enum, Int, Int, Int, Enum, Int, Int];
const CONV_DATA: &[Field] = &[Int, Int, Int, Int, Int, Int, Int, Int, Int, Pointer, Pointer, Int, Int, Int];
const DENSE_PARAMS: &[Field] = &[Enum, Enum, Byte, Byte, Enum];
const DENSE_DATA: &[Field] = &[Int, Int, Int, Int, Int, Int, Int, Int, Int, Pointer, Pointer, Byte];
const ADD_DATA: &[Field] = &[Byte, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int];
const SUB_DATA: &[Field] = &[Byte, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int];
const SOFTMAX_DATA: &[Field] = &[Double, Int, Int, Int, Int, Int, Int, Int, Pointer, Pointer, Pointer, Pointer, Pointer];
const PAD_DATA: &[Field] = &[Byte, Int, Int, Int, Int, Int, Byte, Int, Int, Int, Int, Int, Byte, Int];
const QUANTIZE_DATA: &[Field] = &[Double, Int, Int, Int, Int, Int];
const CONCATENATION_DATA: &[Field] = &[Byte, Pointer, Pointer, Half, Int, Int];
const STRIDED_SLICE_DATA: &[Field] = &[
    Byte, Int, Int, Int, Int, Int, Byte, Int, Int, Int, Int, Int, Byte, Int, Int, Int, Int, Int, Half, Half, Half, Half, Half,
    Byte,
];
/// Entries of a lookup table of the 16-bit softmax.
const INT16_TABLE_BYTES: usize = 513 * 2;

/// What TFLM's kernel for `node` allocates; `None` for an operator that is not known here.
pub fn kernel(graph: &Graph, node: &Node) -> Option<Kernel> {
    let unary = || vec![Input(0), Output(0)];
    Some(match &node.op {
        Op::Conv2d(_) => convolution(graph, node, CONV_PARAMS, 0),
        Op::DepthwiseConv2d(_) => convolution(graph, node, DEPTHWISE_PARAMS, 3),
        Op::FullyConnected(_) => dense(graph, node),
        Op::Binary(op) => {
            let (params, data): (&[Field], &[Field]) = match op.kind {
                BinaryKind::Add => (&[Enum, Byte], ADD_DATA),
                BinaryKind::Sub => (&[Enum, Byte], SUB_DATA),
                BinaryKind::Mul => (&[Enum], &[Int; 9]),
                BinaryKind::Div | BinaryKind::Minimum | BinaryKind::Maximum => return None,
                BinaryKind::Pow | BinaryKind::SquaredDifference => return None,
            };
            Kernel { params, data, temps_before: vec![Input(0), Input(1), Output(0)], ..Kernel::default() }
        }
        Op::Pool2d(_) => Kernel { params: POOL_PARAMS, data: &[Int; 8], temps_before: unary(), ..Kernel::default() },
        Op::Reduce(op) if matches!(op.kind, ReduceKind::Mean | ReduceKind::Sum) => reduce(graph, node),
        Op::Reduce(_) => return None,
        Op::Pad(_) => Kernel { data: PAD_DATA, temps_before: vec![Input(0), Input(1), Output(0)], ..Kernel::default() },
        Op::Softmax(_) => {
            let int16 = graph.input(node, 0).is_some_and(|t| t.element == ElementType::I16);
            let persistent = if int16 { vec![INT16_TABLE_BYTES; 2] } else { Vec::new() };
            Kernel { params: &[Int], data: SOFTMAX_DATA, temps_before: unary(), persistent, ..Kernel::default() }
        }
        Op::Unary(op) => unary_kernel(*op)?,
        Op::LeakyRelu(_) => Kernel { params: &[Int], data: &[Int; 6], temps_before: unary(), ..Kernel::default() },
        Op::Reshape(_) | Op::Squeeze(_) => Kernel { params: &[Int; 9], temps_before: unary(), ..Kernel::default() },
        Op::ExpandDims(_) | Op::Transpose(_) => Kernel { temps_before: vec![Input(0), Input(1), Output(0)], ..Kernel::default() },
        Op::Concatenation(_) => concatenation(node),
        Op::Split(_) => Kernel { params: &[Int], temps_before: vec![Input(0)], ..Kernel::default() },
        Op::Pack(_) => Kernel { params: &[Int, Int], ..Kernel::default() },
        Op::StridedSlice(_) => Kernel {
            params: &[Int, Int, Int, Int, Int, Byte],
            data: STRIDED_SLICE_DATA,
            temps_before: vec![Input(0), Input(1), Input(2), Input(3), Output(0)],
            ..Kernel::default()
        },
        Op::Shape(_) => Kernel { params: &[Enum], ..Kernel::default() },
        Op::Quantize(_) | Op::Dequantize(_) => Kernel { data: QUANTIZE_DATA, temps_before: unary(), ..Kernel::default() },
        Op::ResizeNearestNeighbor(_) => {
            let temps_before = vec![Input(0), Input(1), Output(0)];
            Kernel { params: &[Byte, Byte], temps_before, ..Kernel::default() }
        }
        // What these kernels take beside the activations has not been measured.
        Op::TransposeConv(_) | Op::BatchMatMul(_) | Op::PadV2(_) | Op::MirrorPad(_) | Op::LogSoftmax(_) => return None,
        Op::PRelu(_) | Op::SplitV(_) | Op::Unpack(_) | Op::Slice(_) | Op::Gather(_) | Op::Cast(_) | Op::ResizeBilinear(_) => {
            return None;
        }
        Op::Lstm(_) | Op::SimpleRnn(_) | Op::Gru(_) | Op::BatchNorm(_) | Op::Identity(_) => return None,
        Op::Unknown(_) => return None,
    })
}

/// Scratch that CMSIS-NN's int8 kernels ask for on a Cortex-M with DSP instructions; ESP-NN's generic C asks for none.
///
/// A convolution unrolls two columns of its input to 16 bits, save 1×1 ones; a depthwise convolution one window of all channels,
/// save 3×3 ones. Source: CMSIS-NN, `arm_convolve_s8_get_buffer_size`, `arm_depthwise_conv_s8_opt_get_buffer_size`.
pub fn optimized_scratch(graph: &Graph, node: &Node) -> Option<usize> {
    let &[_, h, w, c] = graph.input(node, 1)?.shape.as_slice() else { return None };
    let window = h.checked_mul(w)?.checked_mul(c)?;
    match &node.op {
        Op::Conv2d(_) if (h, w) != (1, 1) => window.checked_mul(4),
        Op::DepthwiseConv2d(_) if (h, w) != (3, 3) => window.checked_mul(2),
        _ => None,
    }
}

/// A multiplier and a shift for each output channel, whatever the element type.
fn convolution(graph: &Graph, node: &Node, params: &'static [Field], channel_axis: usize) -> Kernel {
    let weights = graph.input(node, 1);
    let n_channels = weights.and_then(|w| w.shape.get(channel_axis)).copied().unwrap_or(0);
    Kernel {
        params,
        data: CONV_DATA,
        data_compressed: &[Int, Int],
        temps_before: vec![Output(0), Input(0), Input(1)],
        persistent: vec![n_channels.saturating_mul(4); 2],
        temps_after: vec![Input(0), Input(1), Input(2), Output(0)],
        scratch: unpacked_weights(weights),
        ..Kernel::default()
    }
}

/// Unlike a convolution, a dense layer keeps multipliers only if its weights have more than one scale.
fn dense(graph: &Graph, node: &Node) -> Kernel {
    let weights = graph.input(node, 1);
    let n_scales = weights.and_then(|w| w.quantization.as_ref()).map_or(0, |q| q.scales.len());
    let integer = graph.input(node, 0).is_some_and(|t| t.element != ElementType::F32);
    Kernel {
        params: DENSE_PARAMS,
        params_python: &[Pointer, Pointer],
        data: DENSE_DATA,
        data_compressed: &[Int, Int],
        temps_before: vec![Input(0), Input(1), Input(2), Output(0)],
        persistent: if integer && n_scales > 1 { vec![n_scales * 4; 2] } else { Vec::new() },
        scratch: unpacked_weights(weights),
        ..Kernel::default()
    }
}

/// 4-bit weights are unpacked into a scratch buffer, one byte each.
fn unpacked_weights(weights: Option<&Tensor>) -> Vec<usize> {
    weights.filter(|w| w.element == ElementType::I4).map(Tensor::n_elements).into_iter().collect()
}

/// Scratch: an index for each axis of the input, the resolved axes, and for integers a sum for each output.
fn reduce(graph: &Graph, node: &Node) -> Kernel {
    let rank = graph.input(node, 0).map_or(0, |t| t.shape.len());
    let n_axes = graph.input(node, 1).map_or(0, Tensor::n_elements);
    let element = graph.input(node, 0).map(|t| t.element);
    let mut scratch = vec![rank * 4, n_axes.saturating_mul(4)];
    if element != Some(ElementType::F32) {
        scratch.push(graph.output(node, 0).map_or(0, Tensor::n_elements).saturating_mul(4));
    }
    let mut temps_before = vec![Input(0), Output(0), Input(1), Input(0), Input(1)];
    if element == Some(ElementType::I8) {
        temps_before.push(Output(0));
    }
    Kernel { params: &[Byte], data: &[Int; 11], temps_before, scratch, ..Kernel::default() }
}

fn unary_kernel(op: Unary) -> Option<Kernel> {
    let (data, temps_before): (&[Field], Vec<Slot>) = match op {
        Unary::Logistic => (&[Int; 4], vec![Input(0), Output(0)]),
        Unary::Tanh => (&[Int; 4], vec![Input(0), Input(0), Output(0)]),
        Unary::Relu => (&[Byte, Int, Int, Int, Int, Int, Int], vec![Input(0), Output(0)]),
        Unary::Relu6 => (&[Int, Int], vec![Input(0)]),
        Unary::HardSwish => (&[Half, Half, Half, Int, Half, Int], vec![Input(0), Output(0)]),
        // TFLM has no such kernel.
        Unary::ReluN1To1 | Unary::Relu0To1 | Unary::Gelu { .. } => return None,
        // What these take has not been measured.
        Unary::Elu | Unary::Exp | Unary::Log | Unary::Sqrt | Unary::Rsqrt => return None,
        Unary::Neg | Unary::Abs | Unary::Square => return None,
    };
    Some(Kernel { data, temps_before, ..Kernel::default() })
}

fn concatenation(node: &Node) -> Kernel {
    let inputs = (0..node.inputs.len()).map(Input);
    Kernel {
        params: &[Int, Enum],
        data: CONCATENATION_DATA,
        data_compressed: &[Int; 10],
        temps_before: [Input(0), Output(0)].into_iter().chain(inputs).collect(),
        ..Kernel::default()
    }
}
