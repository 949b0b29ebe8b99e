//! Which operators have kernels for 16-bit activations.

use crate::ops::{BinaryKind, Op, ReduceKind, Unary};

/// Whether `op` runs with int16 activations (and int8 weights): here, and in TensorFlow Lite Micro as built by default.
///
/// Held to both by `tests/golden/kernels_int16.py`, which records what TensorFlow Lite Micro and LiteRT compute or refuse. Some
/// attributes are refused whatever the type, such as an activation fused into a concatenation.
pub fn has_int16_kernel(op: &Op) -> bool {
    match op {
        Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::FullyConnected(_) => true,
        Op::Binary(op) => match op.kind {
            BinaryKind::Add | BinaryKind::Sub | BinaryKind::Mul => true,
            BinaryKind::Div | BinaryKind::Minimum | BinaryKind::Maximum => false,
            BinaryKind::Pow | BinaryKind::SquaredDifference => false,
        },
        Op::Reduce(op) => match op.kind {
            ReduceKind::Mean | ReduceKind::Sum => true,
            ReduceKind::Max | ReduceKind::Min | ReduceKind::Prod => false,
        },
        Op::Unary(op) => match op {
            Unary::Logistic | Unary::Tanh | Unary::Relu | Unary::Relu6 => true,
            Unary::ReluN1To1 | Unary::Relu0To1 | Unary::HardSwish | Unary::Elu | Unary::Gelu { .. } => false,
            Unary::Exp | Unary::Log | Unary::Sqrt | Unary::Rsqrt | Unary::Neg | Unary::Abs | Unary::Square => false,
        },
        Op::Pool2d(_) | Op::Softmax(_) | Op::LeakyRelu(_) => true,
        Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Transpose(_) | Op::Pad(_) | Op::Identity(_) => true,
        Op::Concatenation(_) | Op::Pack(_) | Op::Split(_) | Op::SplitV(_) | Op::Unpack(_) => true,
        Op::Slice(_) | Op::StridedSlice(_) | Op::Shape(_) | Op::ResizeNearestNeighbor(_) => true,
        Op::Quantize(_) | Op::Dequantize(_) => true,
        Op::TransposeConv(_) | Op::BatchMatMul(_) | Op::BatchNorm(_) | Op::PRelu(_) | Op::LogSoftmax(_) => false,
        Op::PadV2(_) | Op::MirrorPad(_) | Op::Gather(_) | Op::Cast(_) | Op::ResizeBilinear(_) => false,
        Op::Lstm(_) | Op::SimpleRnn(_) | Op::Gru(_) | Op::Unknown(_) => false,
    }
}
