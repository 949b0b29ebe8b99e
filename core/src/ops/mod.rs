//! What each operator *is*: attributes, shape rule, cost. One file an operator or family.
//!
//! Operand order is that of the TFLite operator of the same name. Files, kernels and quantization rules live elsewhere
//! (`formats`, `execute`, `optimize`), each with one `match` over [`Op`] without `_`: the compiler names what was forgotten.

mod activation;
mod batch_mat_mul;
mod batch_norm;
mod concatenation;
mod conv2d;
mod depthwise_conv2d;
mod elementwise;
mod fully_connected;
mod gather;
pub mod hybrid;
mod identity;
mod movement;
mod pad;
mod pool2d;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
#[cfg(test)]
mod tests;
mod transpose_conv;
mod unknown;

pub use activation::{Dequantize, LeakyRelu, LogSoftmax, PRelu, Quantize, Softmax, Unary};
pub use batch_mat_mul::{BatchMatMul, MatMulExtents};
pub use batch_norm::BatchNorm;
pub use concatenation::{Concatenation, Pack, Split, SplitV, Unpack};
pub use conv2d::Conv2d;
pub use depthwise_conv2d::DepthwiseConv2d;
pub use elementwise::{Binary, BinaryKind};
pub use fully_connected::FullyConnected;
pub use gather::{Cast, Gather};
pub use identity::Identity;
pub use movement::{Shape, Slice, SliceRange, StridedSlice, Transpose};
pub use pad::{MirrorPad, Pad, PadV2};
pub use pool2d::{Pool2d, PoolKind};
pub use recurrent::{Gru, Lstm, LstmWeights, RecurrentExtents, SimpleRnn};
pub use reduce::{Reduce, ReduceKind};
pub use reshape::{ExpandDims, Reshape, Squeeze};
pub use resize::{ResizeBilinear, ResizeNearestNeighbor};
pub use transpose_conv::TransposeConv;
pub use unknown::Unknown;

use std::ops::Range;

use crate::graph::{Graph, Node};
use crate::tensor::Tensor;

/// A function applied to the output of an operator before it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, -1), 1)`.
    ReluN1To1,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// Hyperbolic tangent; no TFLite kernel fuses it into a convolution.
    Tanh,
}

impl Activation {
    /// The real interval that the activation clamps to; `None` for an activation that is not a clamp.
    pub fn clamp_range(self) -> Option<(f32, f32)> {
        match self {
            Self::None => Some((f32::NEG_INFINITY, f32::INFINITY)),
            Self::Relu => Some((0.0, f32::INFINITY)),
            Self::ReluN1To1 => Some((-1.0, 1.0)),
            Self::Relu6 => Some((0.0, 6.0)),
            Self::Tanh => None,
        }
    }

    /// The name as people write it; empty for none.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Relu => "ReLU",
            Self::ReluN1To1 => "ReLU ±1",
            Self::Relu6 => "ReLU6",
            Self::Tanh => "tanh",
        }
    }
}

/// How a window meets the borders of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Padding {
    /// Zeros around the image so that `out = ceil(in / stride)`; an odd amount puts the extra one at the bottom and right.
    #[default]
    Same,
    /// No padding.
    Valid,
}

impl Padding {
    /// Output extent and padding (before, after) along one axis; `None` if the window does not fit or an extent is 0.
    ///
    /// Source: TFLite `ComputePaddingHeightWidth`: `same` pads `max((out - 1) * stride + (k - 1) * dilation + 1 - in, 0)`,
    /// half of it, rounded down, before.
    pub fn resolve(self, input: usize, window: usize, stride: usize, dilation: usize) -> Option<(usize, usize, usize)> {
        if input == 0 || window == 0 || stride == 0 || dilation == 0 {
            return None;
        }
        let reach = (window - 1).checked_mul(dilation)?.checked_add(1)?;
        match self {
            Self::Valid => Some(((input.checked_sub(reach)?) / stride + 1, 0, 0)),
            Self::Same => {
                let output = input.div_ceil(stride);
                let needed = (output - 1).checked_mul(stride)?.checked_add(reach)?;
                let total = needed.saturating_sub(input);
                Some((output, total / 2, total - total / 2))
            }
        }
    }
}

/// Why an operator does not fit its operands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// An operand that the operator needs is left out.
    #[error("operand {0} is missing")]
    MissingOperand(usize),
    /// An operand has a shape that the operator cannot take.
    #[error("operand {operand} has shape {shape:?}, expected {expected}")]
    Shape {
        /// Position among the operands.
        operand: usize,
        /// Its shape.
        shape: Vec<usize>,
        /// What would fit.
        expected: String,
    },
    /// An operand has to be a constant, so that shapes are known before running.
    #[error("operand {operand} ({what}) is computed at run time, only a constant is supported")]
    NotConstant {
        /// Position among the operands.
        operand: usize,
        /// What it holds.
        what: &'static str,
    },
    /// An attribute or a constant operand has a value that the operator cannot take.
    #[error("{0}")]
    Attribute(String),
    /// Nothing is known of this operator.
    #[error("operator {0} is not known; the layers around it can still be looked at")]
    Unknown(String),
}

/// What an operator sees of the graph when asked for facts: its own operands and results.
#[derive(Clone, Copy)]
pub struct Operands<'a> {
    graph: &'a Graph,
    node: &'a Node,
}

impl<'a> Operands<'a> {
    /// The operands of `node`, which belongs to `graph`.
    pub fn new(graph: &'a Graph, node: &'a Node) -> Self {
        Self { graph, node }
    }

    /// How many operands the node lists, left-out ones among them.
    pub fn len(&self) -> usize {
        self.node.inputs.len()
    }

    /// Whether the node lists no operands.
    pub fn is_empty(&self) -> bool {
        self.node.inputs.is_empty()
    }

    /// Operand `index`.
    ///
    /// # Errors
    /// [`OpError::MissingOperand`].
    pub fn get(&self, index: usize) -> Result<&'a Tensor, OpError> {
        self.graph.input(self.node, index).ok_or(OpError::MissingOperand(index))
    }

    /// Operand `index`, if it is there.
    pub fn optional(&self, index: usize) -> Option<&'a Tensor> {
        self.graph.input(self.node, index)
    }

    /// Operand `index`, which must have `N` axes.
    ///
    /// # Errors
    /// [`OpError::MissingOperand`], [`OpError::Shape`].
    pub fn shape<const N: usize>(&self, index: usize, expected: &str) -> Result<[usize; N], OpError> {
        let shape = &self.get(index)?.shape;
        shape.as_slice().try_into().map_err(|_| OpError::Shape {
            operand: index,
            shape: shape.clone(),
            expected: expected.to_owned(),
        })
    }

    /// The integers of constant operand `index`: axes, sizes, paddings.
    ///
    /// # Errors
    /// [`OpError::MissingOperand`], [`OpError::NotConstant`].
    pub fn constant_integers(&self, index: usize, what: &'static str) -> Result<Vec<i64>, OpError> {
        let tensor = self.get(index)?;
        tensor.data.as_ref().and_then(|d| d.to_i64()).ok_or(OpError::NotConstant { operand: index, what })
    }

    /// The output tensor as the graph declares it, if there is one.
    pub fn declared_output(&self, index: usize) -> Option<&'a Tensor> {
        self.graph.output(self.node, index)
    }

    /// Number of result tensors the graph declares.
    pub fn n_outputs(&self) -> usize {
        self.node.outputs.len()
    }

    /// Elements of all declared results.
    pub fn n_output_elements(&self) -> u64 {
        let n = |index| self.declared_output(index).map_or(0, |t: &Tensor| t.n_elements() as u64);
        (0..self.n_outputs()).map(n).fold(0, u64::saturating_add)
    }
}

/// The facts that an operator states about itself.
pub trait OpFacts {
    /// The TFLite operator's name: `CONV_2D`.
    fn name(&self) -> &str;

    /// Shapes of the results.
    ///
    /// # Errors
    /// Why the operands do not fit.
    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError>;

    /// Multiply-accumulates of one inference; 0 for operators without weights.
    fn macs(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    /// Elementwise operations beside the multiply-accumulates; FLOPs are `2 * macs + elementwise`.
    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements()
    }

    /// For people, short: `Conv 10×4`, `Depthwise 3×3`, `Dense`.
    fn label(&self, operands: &Operands<'_>) -> String;

    /// The function fused into the operator.
    fn activation(&self) -> Activation {
        Activation::None
    }
}

/// Any operator, with its attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// CONV_2D.
    Conv2d(Conv2d),
    /// DEPTHWISE_CONV_2D.
    DepthwiseConv2d(DepthwiseConv2d),
    /// FULLY_CONNECTED.
    FullyConnected(FullyConnected),
    /// ADD, SUB, MUL, DIV, MINIMUM, MAXIMUM, POW, SQUARED_DIFFERENCE.
    Binary(Binary),
    /// AVERAGE_POOL_2D, MAX_POOL_2D.
    Pool2d(Pool2d),
    /// MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD.
    Reduce(Reduce),
    /// PAD.
    Pad(Pad),
    /// SOFTMAX.
    Softmax(Softmax),
    /// LOGISTIC, TANH, the RELU family, HARD_SWISH, ELU, GELU, EXP, LOG, SQRT, RSQRT, NEG, ABS, SQUARE.
    Unary(Unary),
    /// LEAKY_RELU.
    LeakyRelu(LeakyRelu),
    /// RESHAPE.
    Reshape(Reshape),
    /// SQUEEZE.
    Squeeze(Squeeze),
    /// EXPAND_DIMS.
    ExpandDims(ExpandDims),
    /// TRANSPOSE.
    Transpose(Transpose),
    /// CONCATENATION.
    Concatenation(Concatenation),
    /// SPLIT.
    Split(Split),
    /// PACK.
    Pack(Pack),
    /// STRIDED_SLICE.
    StridedSlice(StridedSlice),
    /// SHAPE.
    Shape(Shape),
    /// QUANTIZE.
    Quantize(Quantize),
    /// DEQUANTIZE.
    Dequantize(Dequantize),
    /// RESIZE_NEAREST_NEIGHBOR.
    ResizeNearestNeighbor(ResizeNearestNeighbor),
    /// TRANSPOSE_CONV.
    TransposeConv(TransposeConv),
    /// BATCH_MATMUL.
    BatchMatMul(BatchMatMul),
    /// Batch normalization, ours.
    BatchNorm(BatchNorm),
    /// Nothing, ours.
    Identity(Identity),
    /// PADV2.
    PadV2(PadV2),
    /// MIRROR_PAD.
    MirrorPad(MirrorPad),
    /// LOG_SOFTMAX.
    LogSoftmax(LogSoftmax),
    /// PRELU.
    PRelu(PRelu),
    /// SPLIT_V.
    SplitV(SplitV),
    /// UNPACK.
    Unpack(Unpack),
    /// SLICE.
    Slice(Slice),
    /// GATHER.
    Gather(Gather),
    /// CAST.
    Cast(Cast),
    /// RESIZE_BILINEAR.
    ResizeBilinear(ResizeBilinear),
    /// UNIDIRECTIONAL_SEQUENCE_LSTM.
    Lstm(Lstm),
    /// UNIDIRECTIONAL_SEQUENCE_RNN.
    SimpleRnn(SimpleRnn),
    /// Gated recurrent unit, ours.
    Gru(Gru),
    /// Anything else: shown, not run.
    Unknown(Unknown),
}

impl Op {
    /// The facts of the operator inside.
    pub fn facts(&self) -> &dyn OpFacts {
        match self {
            Self::Conv2d(op) => op,
            Self::DepthwiseConv2d(op) => op,
            Self::FullyConnected(op) => op,
            Self::Binary(op) => op,
            Self::Pool2d(op) => op,
            Self::Reduce(op) => op,
            Self::Pad(op) => op,
            Self::Softmax(op) => op,
            Self::Unary(op) => op,
            Self::LeakyRelu(op) => op,
            Self::Reshape(op) => op,
            Self::Squeeze(op) => op,
            Self::ExpandDims(op) => op,
            Self::Transpose(op) => op,
            Self::Concatenation(op) => op,
            Self::Split(op) => op,
            Self::Pack(op) => op,
            Self::StridedSlice(op) => op,
            Self::Shape(op) => op,
            Self::Quantize(op) => op,
            Self::Dequantize(op) => op,
            Self::ResizeNearestNeighbor(op) => op,
            Self::TransposeConv(op) => op,
            Self::BatchMatMul(op) => op,
            Self::BatchNorm(op) => op,
            Self::Identity(op) => op,
            Self::PadV2(op) => op,
            Self::MirrorPad(op) => op,
            Self::LogSoftmax(op) => op,
            Self::PRelu(op) => op,
            Self::SplitV(op) => op,
            Self::Unpack(op) => op,
            Self::Slice(op) => op,
            Self::Gather(op) => op,
            Self::Cast(op) => op,
            Self::ResizeBilinear(op) => op,
            Self::Lstm(op) => op,
            Self::SimpleRnn(op) => op,
            Self::Gru(op) => op,
            Self::Unknown(op) => op,
        }
    }

    /// The TFLite operator's name.
    pub fn name(&self) -> &str {
        self.facts().name()
    }

    /// The function that is fused into the operator, to change; `None` for operators that fuse none.
    pub fn activation_mut(&mut self) -> Option<&mut Activation> {
        match self {
            Self::Conv2d(op) => Some(&mut op.activation),
            Self::DepthwiseConv2d(op) => Some(&mut op.activation),
            Self::FullyConnected(op) => Some(&mut op.activation),
            Self::TransposeConv(op) => Some(&mut op.activation),
            Self::Pool2d(op) => Some(&mut op.activation),
            Self::Binary(op) if op.kind.fuses_activation() => Some(&mut op.activation),
            _ => None,
        }
    }

    /// Whether operand 1 holds trained weights and operand 2, if present, biases.
    pub fn has_weights(&self) -> bool {
        matches!(self, Self::Conv2d(_) | Self::DepthwiseConv2d(_) | Self::FullyConnected(_))
    }

    /// Operands that hold what training found: weights, then biases and the like. Other constants are axes, shapes, amounts.
    pub fn trained_operands(&self) -> [Range<usize>; 2] {
        match self {
            Self::Conv2d(_) | Self::DepthwiseConv2d(_) | Self::FullyConnected(_) => [1..2, 2..3],
            Self::TransposeConv(_) => [1..2, 3..4],
            Self::Lstm(_) => [Lstm::INPUT_WEIGHTS..Lstm::RECURRENT_WEIGHTS + 4, Lstm::BIAS..Lstm::BIAS + 4],
            Self::Gru(_) | Self::SimpleRnn(_) => [1..3, 3..4],
            Self::BatchNorm(_) => [0..0, 1..5],
            Self::PRelu(_) => [0..0, 1..2],
            _ => [0..0, 0..0],
        }
    }

    /// The axis of the weights along which output channels run; `None` for operators without weights.
    ///
    /// CONV_2D weights are `[c_out, h, w, c_in]`, DEPTHWISE_CONV_2D `[1, h, w, c_out]`, FULLY_CONNECTED `[c_out, c_in]`.
    pub fn weights_channel_axis(&self) -> Option<usize> {
        match self {
            Self::Conv2d(_) | Self::FullyConnected(_) => Some(0),
            Self::DepthwiseConv2d(_) => Some(3),
            _ => None,
        }
    }
}

/// Resolves an axis that may count from the end (-1 is the last) in a tensor of `rank` axes.
///
/// # Errors
/// [`OpError::Attribute`] if there is no such axis.
pub fn resolve_axis(axis: i64, rank: usize) -> Result<usize, OpError> {
    let rank_i = rank as i64;
    let resolved = if axis < 0 { axis.saturating_add(rank_i) } else { axis };
    if (0..rank_i).contains(&resolved) {
        Ok(resolved as usize)
    } else {
        Err(OpError::Attribute(format!("axis {axis} of a tensor with {rank} axes")))
    }
}

/// Checks that operand `index`, if present, is a bias `[c_out]`.
fn check_bias(operands: &Operands<'_>, index: usize, c_out: usize) -> Result<(), OpError> {
    match operands.optional(index) {
        Some(bias) if bias.n_elements() != c_out => Err(OpError::Shape {
            operand: index,
            shape: bias.shape.clone(),
            expected: format!("[{c_out}], one for each output channel"),
        }),
        _ => Ok(()),
    }
}

/// Elementwise operations of a layer with weights: an addition for the bias, one for the fused activation.
fn fused_elementwise(operands: &Operands<'_>, activation: Activation, bias: usize) -> u64 {
    let passes = u64::from(operands.optional(bias).is_some()) + u64::from(activation != Activation::None);
    operands.n_output_elements().saturating_mul(passes)
}

/// Shape of two operands broadcast against each other, as NumPy does; `None` if they do not fit.
fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    (0..rank)
        .map(|i| match (extent(a, i), extent(b, i)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}
