//! Operators that compute without weights.

use tinsmith_runtime::activation::{Activation as Clamp, OutputRange};
use tinsmith_runtime::kernels::elementwise::{AddParams, MulParams, Sum};
use tinsmith_runtime::kernels::pool2d::Pool2dParams;
use tinsmith_runtime::kernels::reduce::{ReduceParams, Reduction};
use tinsmith_runtime::kernels::softmax::SoftmaxParams;
use tinsmith_runtime::kernels::unary::{HardSwish, LeakyRelu, Rescale, Squash, Unary};
use tinsmith_runtime::shape::Strided;

use super::super::layer::{Layer, Plain};
use super::Built;
use super::node::NodeCx;
use crate::execute::ExecuteError;
use crate::ops::{self, BinaryKind, PoolKind, ReduceKind};

pub(super) fn binary(cx: &NodeCx<'_>, op: &ops::Binary) -> Result<Built<'static>, ExecuteError> {
    let (left, right) = (cx.input(0)?, cx.input(1)?);
    let output = cx.int8(cx.output()?, "output")?;
    let affines = [cx.int8(left, "left operand")?, cx.int8(right, "right operand")?, output];
    let range = cx.range(op.activation, output)?;
    let shape = cx.output_shape()?;
    let walk = |operand: &[usize]| {
        let walk = Strided::contiguous(operand).and_then(|walk| walk.broadcast_to(&shape));
        walk.ok_or_else(|| cx.unsupported(format!("operands with {} axes are too many", shape.len())))
    };
    let walks = Box::new([walk(&left.shape)?, walk(&right.shape)?]);
    let sum = match op.kind {
        BinaryKind::Add => Sum::Add,
        BinaryKind::Sub => Sum::Sub,
        BinaryKind::Div | BinaryKind::Minimum | BinaryKind::Maximum => return Err(cx.without_integer_kernel()),
        BinaryKind::Pow | BinaryKind::SquaredDifference => return Err(cx.without_integer_kernel()),
        BinaryKind::Mul => {
            let params = MulParams::prepare(affines, range, cx.rounding).ok_or_else(|| cx.out_of_proportion())?;
            return Ok(Built::plain(Plain::Mul(params, walks), vec![0, 1]));
        }
    };
    let params = AddParams::prepare(sum, affines, range, cx.rounding).ok_or_else(|| cx.out_of_proportion())?;
    let layer = if left.shape == right.shape { Layer::Add(params) } else { Layer::Plain(Plain::Add(params, walks)) };
    Ok(Built::layer(layer, vec![0, 1]))
}

pub(super) fn pool2d(cx: &NodeCx<'_>, op: &ops::Pool2d) -> Result<Built<'static>, ExecuteError> {
    cx.int8(cx.input(0)?, "input")?;
    let affine = cx.int8(cx.output()?, "output")?;
    let (input, output, window) = cx.window(op.window, [op.stride, [1, 1]], op.padding)?;
    let params = Pool2dParams { input, output, window, range: cx.range(op.activation, affine)? };
    let plain = match op.kind {
        PoolKind::Average => Plain::AveragePool2d(params),
        PoolKind::Max => Plain::MaxPool2d(params),
    };
    Ok(Built::plain(plain, vec![0]))
}

pub(super) fn reduce(cx: &NodeCx<'_>, op: &ops::Reduce) -> Result<Built<'static>, ExecuteError> {
    let input = cx.input(0)?;
    let affines = [cx.int8(input, "input")?, cx.int8(cx.output()?, "output")?];
    let axes = op.axes(&cx.operands()).map_err(|error| cx.fail(error))?;
    let whole = Strided::contiguous(&input.shape)
        .ok_or_else(|| cx.unsupported(format!("an input with {} axes has too many", input.shape.len())))?;
    let parts = [whole.along(|axis| !axes.contains(&axis)), whole.along(|axis| axes.contains(&axis))];
    let reduction = match op.kind {
        ReduceKind::Mean => Reduction::Mean,
        ReduceKind::Sum => Reduction::Sum,
        ReduceKind::Max | ReduceKind::Min | ReduceKind::Prod => return Err(cx.without_integer_kernel()),
    };
    let params = ReduceParams::prepare(reduction, parts, affines, cx.rounding)
        .ok_or_else(|| cx.unsupported("it reduces no element, or its scales are out of all proportion"))?;
    Ok(Built::plain(Plain::Reduce(Box::new(params)), vec![0]))
}

pub(super) fn softmax(cx: &NodeCx<'_>, op: &ops::Softmax) -> Result<Built<'static>, ExecuteError> {
    let input = cx.input(0)?;
    let affine = cx.int8(input, "input")?;
    let output = cx.int8(cx.output()?, "output")?;
    if output.scale != 1.0 / 256.0 || output.zero_point != -128 {
        return Err(cx.unsupported("its output is not quantized as 1/256 with zero point -128, the only one SOFTMAX has"));
    }
    let depth = input.shape.last().copied().unwrap_or(1);
    let params = SoftmaxParams::prepare(depth, op.beta, affine.scale, cx.rounding).ok_or_else(|| cx.out_of_proportion())?;
    Ok(Built::layer(Layer::Softmax(params), vec![0]))
}

pub(super) fn unary(cx: &NodeCx<'_>, op: ops::Unary) -> Result<Built<'static>, ExecuteError> {
    let input = cx.int8(cx.input(0)?, "input")?;
    let output = cx.int8(cx.output()?, "output")?;
    let function = match op {
        ops::Unary::Logistic | ops::Unary::Tanh => {
            let zero_point = if op == ops::Unary::Logistic { -128 } else { 0 };
            if output.zero_point != zero_point {
                return Err(cx.unsupported(format!("its output's zero point is {}, expected {zero_point}", output.zero_point)));
            }
            let squash = Squash::prepare(input, cx.rounding);
            squash.map(if op == ops::Unary::Logistic { Unary::Logistic } else { Unary::Tanh })
        }
        ops::Unary::Relu => {
            let range = OutputRange::prepare(Clamp::Relu, output);
            Rescale::prepare([input, output], range, cx.rounding).map(Unary::Relu)
        }
        ops::Unary::Relu6 => Some(Unary::relu6(input)),
        ops::Unary::HardSwish => HardSwish::prepare([input, output]).map(Unary::HardSwish),
        ops::Unary::Elu | ops::Unary::Gelu { .. } | ops::Unary::Relu0To1 | ops::Unary::Exp | ops::Unary::Log => {
            return Err(cx.without_integer_kernel());
        }
        ops::Unary::Sqrt | ops::Unary::Rsqrt | ops::Unary::Neg | ops::Unary::Abs | ops::Unary::Square => {
            return Err(cx.without_integer_kernel());
        }
        ops::Unary::ReluN1To1 => {
            return Err(cx.unsupported("TensorFlow Lite Micro has no such operator on its own; fuse it into its producer"));
        }
    };
    function.map(|function| table(&function)).ok_or_else(|| cx.out_of_proportion())
}

pub(super) fn leaky_relu(cx: &NodeCx<'_>, op: &ops::LeakyRelu) -> Result<Built<'static>, ExecuteError> {
    let affines = [cx.int8(cx.input(0)?, "input")?, cx.int8(cx.output()?, "output")?];
    let leaky = LeakyRelu::prepare(op.alpha, affines, cx.rounding).ok_or_else(|| cx.out_of_proportion())?;
    Ok(table(&Unary::LeakyRelu(leaky)))
}

/// The function as its 256 values, computed by the reference kernel.
pub(super) fn table(function: &Unary) -> Built<'static> {
    let values = std::array::from_fn(|bits| function.apply(bits as u8 as i8));
    Built::plain(Plain::Table(Box::new(values)), vec![0])
}
