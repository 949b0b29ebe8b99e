//! What every float kernel offers, and which kernel an operator becomes.

use std::fmt::Debug;
use std::sync::Arc;

use super::convolution::{Convolution, Parameters};
use super::elementwise::{Affine, Binary, Map, Softmax};
use super::hybrid::ReferenceLayer;
use super::matrix::MatMul;
use super::movement::Copies;
use super::recurrent::Recurrent;
use super::reduction::{Pool, Reduction};
use super::resize::Bilinear;
use super::transpose_conv::TransposeConv;
use crate::execute::ExecuteError;
use crate::execute::fast::simd_f32::SimdF32;
use crate::graph::{Graph, NodeId, TensorId};
use crate::ops::hybrid::{DynamicRange, dynamic_range};
use crate::ops::{Activation, Op, Operands, Unary};

/// Buffers that a kernel may use as it likes, of any length and content.
pub(super) type Work = [Vec<f32>; 4];

/// Computes one node for several samples at a time.
pub(super) trait Kernel: Debug + Send + Sync {
    /// Fills `outputs`, each `[n_samples, ..]` and of the right length already. `work` is scratch memory.
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], work: &mut Work);
}

/// Where an operand's values come from.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// An activation: so many values for each sample, in a buffer of [`super::Scratch`].
    Activation {
        /// Which buffer.
        slot: usize,
        /// Values of one sample.
        len: usize,
    },
    /// The same for all samples.
    Constant(Arc<[f32]>),
}

/// The operands of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub n_samples: usize,
    pub slots: &'a [Vec<f32>],
    pub operands: &'a [Operand],
}

impl<'a> Values<'a> {
    /// Operand `index` for one sample.
    pub fn sample(&self, index: usize, sample: usize) -> &'a [f32] {
        match &self.operands[index] {
            Operand::Activation { slot, len } => &self.slots[*slot][sample * len..][..*len],
            Operand::Constant(values) => values,
        }
    }

    /// Operand `index` for all samples, one after the other.
    pub fn all(&self, index: usize) -> &'a [f32] {
        match &self.operands[index] {
            Operand::Activation { slot, len } => &self.slots[*slot][..self.n_samples * len],
            Operand::Constant(values) => values,
        }
    }
}

/// Which operands of a node are values that its kernel reads at run time; the others (weights, shapes, axes, which have to be
/// constants) are used up while preparing.
pub(crate) fn data_operands(op: &Op, n_operands: usize) -> Vec<usize> {
    match op {
        Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::FullyConnected(_) => vec![0],
        Op::Pool2d(_) | Op::Reduce(_) | Op::Pad(_) | Op::Softmax(_) | Op::Unary(_) | Op::LeakyRelu(_) => vec![0],
        Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Transpose(_) | Op::StridedSlice(_) => vec![0],
        Op::Quantize(_) | Op::Dequantize(_) | Op::ResizeNearestNeighbor(_) => vec![0],
        Op::BatchNorm(_) | Op::Identity(_) | Op::LogSoftmax(_) | Op::Cast(_) => vec![0],
        Op::PadV2(_)
        | Op::MirrorPad(_)
        | Op::Slice(_)
        | Op::SplitV(_)
        | Op::Unpack(_)
        | Op::Gather(_)
        | Op::ResizeBilinear(_) => vec![0],
        Op::Lstm(_) | Op::SimpleRnn(_) | Op::Gru(_) => vec![0],
        Op::Split(_) => vec![1],
        Op::TransposeConv(_) => vec![2],
        Op::Binary(_) | Op::PRelu(_) | Op::BatchMatMul(_) => vec![0, 1],
        Op::Concatenation(_) | Op::Pack(_) | Op::Unknown(_) => (0..n_operands).collect(),
        Op::Shape(_) => vec![],
    }
}

/// Whether the result is the first data operand's values under another shape.
pub(super) fn is_alias(op: &Op) -> bool {
    matches!(op, Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Identity(_) | Op::Cast(_))
}

/// Real values of constants that a DEQUANTIZE has already made real: half-float weights.
pub(super) type Folded<'a> = &'a dyn Fn(TensorId) -> Option<Arc<[f32]>>;

/// How the sums of a graph's layers are computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    /// The machine's best instructions.
    pub simd: SimdF32,
    /// In the order of LiteRT's reference kernels, to the last bit: where some layer rounds its activations on the way.
    pub as_reference: bool,
}

/// The kernel of a node; its operands at run time are [`data_operands`].
///
/// # Errors
/// Why the node cannot be run in floats.
pub(super) fn prepare(graph: &Graph, id: NodeId, sums: Sums, folded: Folded<'_>) -> Result<Box<dyn Kernel>, ExecuteError> {
    let node = graph.node(id);
    let operands = Operands::new(graph, node);
    let misfit = |source| ExecuteError::op(graph, id, source);
    let unsupported = |reason: String| ExecuteError::unsupported(graph, id, reason);
    let parameters = Parameters { operands, node, folded, sums_of: None };
    let simd = sums.simd;
    let range = dynamic_range(graph, node);
    let clamp = |activation: Activation| {
        activation.clamp_range().ok_or_else(|| unsupported(format!("{} cannot be fused", activation.name())))
    };
    Ok(match &node.op {
        Op::Conv2d(op) => layer(&parameters, range, clamp(op.activation)?, sums, |parameters, clamp, simd| {
            Convolution::conv2d(op, parameters, clamp, simd)
        })
        .map_err(unsupported)?,
        Op::DepthwiseConv2d(op) => layer(&parameters, range, clamp(op.activation)?, sums, |parameters, clamp, simd| {
            Convolution::depthwise(op, parameters, clamp, simd)
        })
        .map_err(unsupported)?,
        Op::FullyConnected(op) => {
            layer(&parameters, range, clamp(op.activation)?, sums, Convolution::dense).map_err(unsupported)?
        }
        Op::Binary(op) => Box::new(Binary::new(op, &operands, clamp(op.activation)?).map_err(misfit)?),
        Op::Pool2d(op) => Box::new(Pool::new(op, &operands, clamp(op.activation)?).map_err(misfit)?),
        Op::Reduce(op) => Box::new(Reduction::new(op, &operands).map_err(misfit)?),
        Op::Softmax(op) => Box::new(Softmax::new(op.beta, &operands).map_err(misfit)?),
        Op::Unary(Unary::Logistic) => Box::new(Map::Logistic),
        Op::Unary(Unary::Tanh) => Box::new(Map::Tanh),
        Op::Unary(Unary::Relu) => Box::new(Map::Clamp(0.0, f32::INFINITY)),
        Op::Unary(Unary::Relu6) => Box::new(Map::Clamp(0.0, 6.0)),
        Op::Unary(Unary::ReluN1To1) => Box::new(Map::Clamp(-1.0, 1.0)),
        Op::Unary(Unary::HardSwish) => Box::new(Map::HardSwish),
        Op::Unary(Unary::Elu) => Box::new(Map::Elu),
        Op::Unary(Unary::Gelu { approximate: true }) => Box::new(Map::GeluTanh),
        Op::Unary(Unary::Gelu { approximate: false }) => Box::new(Map::Gelu),
        Op::Unary(Unary::Relu0To1) => Box::new(Map::Clamp(0.0, 1.0)),
        Op::Unary(Unary::Exp) => Box::new(Map::Exp),
        Op::Unary(Unary::Log) => Box::new(Map::Log),
        Op::Unary(Unary::Sqrt) => Box::new(Map::Sqrt),
        Op::Unary(Unary::Rsqrt) => Box::new(Map::Rsqrt),
        Op::Unary(Unary::Neg) => Box::new(Map::Neg),
        Op::Unary(Unary::Abs) => Box::new(Map::Abs),
        Op::Unary(Unary::Square) => Box::new(Map::Square),
        Op::LeakyRelu(op) => Box::new(Map::LeakyRelu(op.alpha)),
        Op::Concatenation(op) => Box::new(Copies::concatenation(op, &operands, clamp(op.activation)?).map_err(misfit)?),
        Op::Pack(op) => Box::new(Copies::pack(op, &operands).map_err(misfit)?),
        Op::Pad(_) => Box::new(Copies::pad(&operands, 0.0).map_err(misfit)?),
        Op::Split(op) => Box::new(Copies::split(op, &operands).map_err(misfit)?),
        Op::StridedSlice(op) => Box::new(Copies::strided_slice(op, &operands).map_err(misfit)?),
        Op::Transpose(op) => Box::new(Copies::transpose(op, &operands).map_err(misfit)?),
        Op::ResizeNearestNeighbor(op) => Box::new(Copies::resize(op, &operands).map_err(misfit)?),
        Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Identity(_) | Op::Cast(_) => {
            Box::new(Copies::identity(&operands).map_err(misfit)?)
        }
        Op::TransposeConv(op) => {
            Box::new(TransposeConv::new(op, &parameters, range, clamp(op.activation)?, simd).map_err(unsupported)?)
        }
        Op::BatchMatMul(op) => Box::new(MatMul::new(op, &operands, range).map_err(misfit)?),
        Op::BatchNorm(op) => Box::new(Affine::batch_norm(op, &parameters).map_err(unsupported)?),
        Op::PRelu(op) => Box::new(Binary::prelu(op, &operands).map_err(misfit)?),
        Op::LogSoftmax(_) => Box::new(Softmax::log(&operands).map_err(misfit)?),
        Op::PadV2(_) => {
            let values = parameters.values(2, "padding value").map_err(unsupported)?;
            Box::new(Copies::pad(&operands, values.first().copied().unwrap_or_default()).map_err(misfit)?)
        }
        Op::MirrorPad(op) => Box::new(Copies::mirror_pad(op, &operands).map_err(misfit)?),
        Op::Slice(op) => Box::new(Copies::slice(op, &operands).map_err(misfit)?),
        Op::SplitV(op) => Box::new(Copies::split_v(op, &operands).map_err(misfit)?),
        Op::Unpack(op) => Box::new(Copies::unpack(op, &operands).map_err(misfit)?),
        Op::Gather(op) => Box::new(Copies::gather(op, &operands).map_err(misfit)?),
        Op::ResizeBilinear(op) => Box::new(Bilinear::new(op, &operands).map_err(misfit)?),
        Op::Lstm(op) => Box::new(Recurrent::lstm(op, &parameters, range, simd).map_err(unsupported)?),
        Op::SimpleRnn(op) => Box::new(Recurrent::simple(op, &parameters, range, simd).map_err(unsupported)?),
        Op::Gru(op) => Box::new(Recurrent::gru(op, &parameters, simd).map_err(unsupported)?),
        Op::Quantize(_) | Op::Dequantize(_) => {
            return Err(unsupported("its integer side is computed by the integer executor".into()));
        }
        Op::Shape(_) => return Err(unsupported("a shape that is used as data is not supported".into())),
        Op::Unknown(op) => return Err(misfit(crate::ops::OpError::Unknown(op.name.clone()))),
    })
}

/// A layer with weights: as the reference kernels compute it where that matters, else as fast as it goes.
fn layer(
    parameters: &Parameters<'_>,
    range: Option<DynamicRange>,
    clamp: (f32, f32),
    sums: Sums,
    build: impl Fn(&Parameters<'_>, (f32, f32), SimdF32) -> Result<Convolution, String>,
) -> Result<Box<dyn Kernel>, String> {
    if !sums.as_reference {
        return Ok(Box::new(build(parameters, clamp, sums.simd)?));
    }
    // Sums of whole numbers are exact, however they are computed.
    let simd = if range.is_some() { sums.simd } else { SimdF32::plain() };
    let build = |parameters: &Parameters<'_>, clamp| build(parameters, clamp, simd);
    Ok(Box::new(ReferenceLayer::new(parameters, range, clamp, build)?))
}
