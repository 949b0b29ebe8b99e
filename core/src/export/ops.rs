//! How TensorFlow Lite Micro's `MicroMutableOpResolver` calls each operator.

use super::ExportError;
use crate::graph::{Graph, Node};
use crate::ops::{BinaryKind, Op, PoolKind, ReduceKind, Unary};
use crate::tensor::ElementType;

/// A registration call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Registration {
    /// The resolver's method: `AddConv2D`.
    pub method: &'static str,
    /// Header and function of the registration that only holds int8 kernels, where there is one.
    pub int8: Option<(&'static str, &'static str)>,
}

/// The registrations that the graph needs, each once, in the order of first use.
///
/// # Errors
/// [`ExportError::Operator`] for an operator that TFLM does not have.
pub(super) fn registrations(graph: &Graph) -> Result<Vec<Registration>, ExportError> {
    let mut found: Vec<Registration> = Vec::new();
    for node in &graph.nodes {
        let Some(mut registration) = registration(node) else {
            return Err(ExportError::Operator { node: node.name.clone(), op: node.op.name().to_owned() });
        };
        if !is_int8(graph, node) {
            registration.int8 = None;
        }
        match found.iter_mut().find(|r| r.method == registration.method) {
            // Int8 kernels alone do if all nodes of this operator are int8.
            Some(known) => known.int8 = known.int8.and(registration.int8),
            None => found.push(registration),
        }
    }
    Ok(found)
}

fn is_int8(graph: &Graph, node: &Node) -> bool {
    let int8 = |tensor: Option<&crate::tensor::Tensor>| tensor.is_some_and(|t| t.element == ElementType::I8);
    int8(graph.input(node, 0)) && int8(graph.output(node, 0)) && (!node.op.has_weights() || int8(graph.input(node, 1)))
}

fn registration(node: &Node) -> Option<Registration> {
    let plain = |method| Some(Registration { method, int8: None });
    let with = |method, header, function| Some(Registration { method, int8: Some((header, function)) });
    match &node.op {
        Op::Conv2d(_) => with("AddConv2D", "conv", "Register_CONV_2D_INT8"),
        Op::DepthwiseConv2d(_) => with("AddDepthwiseConv2D", "depthwise_conv", "Register_DEPTHWISE_CONV_2D_INT8"),
        Op::FullyConnected(_) => with("AddFullyConnected", "fully_connected", "Register_FULLY_CONNECTED_INT8"),
        Op::Binary(op) => match op.kind {
            BinaryKind::Add => with("AddAdd", "add", "Register_ADD_INT8"),
            BinaryKind::Sub => plain("AddSub"),
            BinaryKind::Mul => with("AddMul", "mul", "Register_MUL_INT8"),
            BinaryKind::Div => plain("AddDiv"),
            BinaryKind::Minimum => plain("AddMinimum"),
            BinaryKind::Maximum => plain("AddMaximum"),
            BinaryKind::SquaredDifference => plain("AddSquaredDifference"),
            BinaryKind::Pow => None,
        },
        Op::Pool2d(op) => match op.kind {
            PoolKind::Average => with("AddAveragePool2D", "pooling", "Register_AVERAGE_POOL_2D_INT8"),
            PoolKind::Max => with("AddMaxPool2D", "pooling", "Register_MAX_POOL_2D_INT8"),
        },
        Op::Reduce(op) => match op.kind {
            ReduceKind::Mean => plain("AddMean"),
            ReduceKind::Sum => plain("AddSum"),
            ReduceKind::Max => plain("AddReduceMax"),
            ReduceKind::Min => plain("AddReduceMin"),
            ReduceKind::Prod => None,
        },
        Op::Pad(_) => plain("AddPad"),
        Op::Softmax(_) => with("AddSoftmax", "softmax", "Register_SOFTMAX_INT8"),
        Op::Unary(op) => match op {
            Unary::Logistic => plain("AddLogistic"),
            Unary::Tanh => plain("AddTanh"),
            Unary::Relu => plain("AddRelu"),
            Unary::Relu6 => plain("AddRelu6"),
            Unary::HardSwish => plain("AddHardSwish"),
            Unary::Elu => plain("AddElu"),
            Unary::Exp => plain("AddExp"),
            Unary::Log => plain("AddLog"),
            Unary::Sqrt => plain("AddSqrt"),
            Unary::Rsqrt => plain("AddRsqrt"),
            Unary::Neg => plain("AddNeg"),
            Unary::Abs => plain("AddAbs"),
            Unary::Square => plain("AddSquare"),
            Unary::ReluN1To1 | Unary::Relu0To1 | Unary::Gelu { .. } => None,
        },
        Op::LeakyRelu(_) => plain("AddLeakyRelu"),
        Op::Reshape(_) => plain("AddReshape"),
        Op::Squeeze(_) => plain("AddSqueeze"),
        Op::ExpandDims(_) => plain("AddExpandDims"),
        Op::Transpose(_) => plain("AddTranspose"),
        Op::Concatenation(_) => plain("AddConcatenation"),
        Op::Split(_) => plain("AddSplit"),
        Op::Pack(_) => plain("AddPack"),
        Op::StridedSlice(_) => plain("AddStridedSlice"),
        Op::Shape(_) => plain("AddShape"),
        Op::Quantize(_) => plain("AddQuantize"),
        Op::Dequantize(_) => plain("AddDequantize"),
        Op::ResizeNearestNeighbor(_) => plain("AddResizeNearestNeighbor"),
        Op::TransposeConv(_) => plain("AddTransposeConv"),
        Op::BatchMatMul(_) => plain("AddBatchMatMul"),
        Op::PadV2(_) => plain("AddPadV2"),
        Op::MirrorPad(_) => plain("AddMirrorPad"),
        Op::LogSoftmax(_) => plain("AddLogSoftmax"),
        Op::PRelu(_) => plain("AddPrelu"),
        Op::SplitV(_) => plain("AddSplitV"),
        Op::Unpack(_) => plain("AddUnpack"),
        Op::Slice(_) => plain("AddSlice"),
        Op::Gather(_) => plain("AddGather"),
        Op::Cast(_) => plain("AddCast"),
        Op::ResizeBilinear(_) => plain("AddResizeBilinear"),
        Op::Lstm(_) => plain("AddUnidirectionalSequenceLSTM"),
        Op::BatchNorm(_) | Op::Identity(_) | Op::SimpleRnn(_) | Op::Gru(_) | Op::Unknown(_) => None,
    }
}
