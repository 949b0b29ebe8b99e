//! Operators that compute without weights.

use tinsmith_runtime::activation::{Activation as Clamp, OutputRange};
use tinsmith_runtime::fixed_point::Affine;
use tinsmith_runtime::kernels::elementwise::{AddParams, MulParams, Sum};
use tinsmith_runtime::kernels::pool2d::Pool2dParams;
use tinsmith_runtime::kernels::reduce::{ReduceParams, Reduction};
use tinsmith_runtime::kernels::softmax::SoftmaxParams;
use tinsmith_runtime::kernels::unary::{HardSwish, LeakyRelu, Rescale, Squash, Unary, relu6_range};
use tinsmith_runtime::kernels::{softmax_int16, unary_int16};
use tinsmith_runtime::lookup::{Spread, power_of_two};
use tinsmith_runtime::shape::Strided;

use super::super::layer::{Int16Layer, Int16Plain, Layer, Plain};
use super::Built;
use super::node::{NodeCx, Width};
use crate::execute::ExecuteError;
use crate::ops::{self, BinaryKind, PoolKind, ReduceKind};

pub(super) fn binary(cx: &NodeCx<'_>, op: &ops::Binary) -> Result<Built<'static>, ExecuteError> {
    let width = cx.width()?;
    let (left, right) = (cx.input(0)?, cx.input(1)?);
    let output = cx.activation(cx.output()?, "output", width)?;
    let affines = [cx.activation(left, "left operand", width)?, cx.activation(right, "right operand", width)?, output];
    let shape = cx.output_shape()?;
    let walk = |operand: &[usize]| {
        let walk = Strided::contiguous(operand).and_then(|walk| walk.broadcast_to(&shape));
        walk.ok_or_else(|| cx.unsupported(format!("operands with {} axes are too many", shape.len())))
    };
    let walks = Box::new([walk(&left.shape)?, walk(&right.shape)?]);
    let sum = match op.kind {
        BinaryKind::Add => Some(Sum::Add),
        BinaryKind::Sub => Some(Sum::Sub),
        BinaryKind::Mul => None,
        BinaryKind::Div | BinaryKind::Minimum | BinaryKind::Maximum => return Err(cx.without_integer_kernel()),
        BinaryKind::Pow | BinaryKind::SquaredDifference => return Err(cx.without_integer_kernel()),
    };
    let layer = match (width, sum) {
        (Width::I8, Some(sum)) => {
            let params = AddParams::prepare(sum, affines, cx.range(op.activation, output)?, cx.rounding);
            params.map(|params| match left.shape == right.shape {
                true => Layer::Add(params),
                false => Layer::Plain(Plain::Add(params, walks)),
            })
        }
        (Width::I8, None) => {
            let params = MulParams::prepare(affines, cx.range(op.activation, output)?, cx.rounding);
            params.map(|params| Layer::Plain(Plain::Mul(params, walks)))
        }
        (Width::I16, Some(sum)) => {
            let params = AddParams::prepare(sum, affines, cx.range(op.activation, output)?, cx.rounding);
            params.map(|params| wide(Int16Plain::Add(params, walks)))
        }
        (Width::I16, None) => {
            let params = MulParams::prepare(affines, cx.range(op.activation, output)?, cx.rounding);
            params.map(|params| wide(Int16Plain::Mul(params, walks)))
        }
    };
    Ok(Built::layer(layer.ok_or_else(|| cx.out_of_proportion())?, vec![0, 1]))
}

pub(super) fn pool2d(cx: &NodeCx<'_>, op: &ops::Pool2d) -> Result<Built<'static>, ExecuteError> {
    let width = cx.width()?;
    cx.activation(cx.input(0)?, "input", width)?;
    let affine = cx.activation(cx.output()?, "output", width)?;
    let (input, output, window) = cx.window(op.window, [op.stride, [1, 1]], op.padding)?;
    let layer = match width {
        Width::I8 => {
            let params = Pool2dParams { input, output, window, range: cx.range(op.activation, affine)? };
            Layer::Plain(match op.kind {
                PoolKind::Average => Plain::AveragePool2d(params),
                PoolKind::Max => Plain::MaxPool2d(params),
            })
        }
        Width::I16 => {
            let params = Pool2dParams { input, output, window, range: cx.range(op.activation, affine)? };
            wide(match op.kind {
                PoolKind::Average => Int16Plain::AveragePool2d(params),
                PoolKind::Max => Int16Plain::MaxPool2d(params),
            })
        }
    };
    Ok(Built::layer(layer, vec![0]))
}

pub(super) fn reduce(cx: &NodeCx<'_>, op: &ops::Reduce) -> Result<Built<'static>, ExecuteError> {
    let (width, input) = (cx.width()?, cx.input(0)?);
    let affines = [cx.activation(input, "input", width)?, cx.activation(cx.output()?, "output", width)?];
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
    let params = Box::new(params);
    let layer = match width {
        Width::I8 => Layer::Plain(Plain::Reduce(params)),
        Width::I16 => wide(Int16Plain::Reduce(params)),
    };
    Ok(Built::layer(layer, vec![0]))
}

pub(super) fn softmax(cx: &NodeCx<'_>, op: &ops::Softmax) -> Result<Built<'static>, ExecuteError> {
    let (width, input) = (cx.width()?, cx.input(0)?);
    let affine = cx.activation(input, "input", width)?;
    let output = cx.activation(cx.output()?, "output", width)?;
    let depth = input.shape.last().copied().unwrap_or(1);
    let layer = match width {
        Width::I8 => {
            if output.scale != 1.0 / 256.0 || output.zero_point != -128 {
                let reason = "its output is not quantized as 1/256 with zero point -128, the only one SOFTMAX has";
                return Err(cx.unsupported(reason));
            }
            SoftmaxParams::prepare(depth, op.beta, affine.scale, cx.rounding).map(Layer::Softmax)
        }
        Width::I16 => {
            unit_output(cx, output)?;
            let params = softmax_int16::SoftmaxParams::prepare(depth, op.beta, affine.scale, cx.rounding);
            params.map(|params| wide(Int16Plain::Softmax(params)))
        }
    };
    Ok(Built::layer(layer.ok_or_else(|| cx.out_of_proportion())?, vec![0]))
}

/// Refuses a 16-bit output that is not in units of 2^-15, give or take a thousandth.
fn unit_output(cx: &NodeCx<'_>, output: Affine) -> Result<(), ExecuteError> {
    match power_of_two(output.scale) {
        Some(-15) => Ok(()),
        _ => Err(cx.unsupported(format!("its int16 output has scale {}, the kernel has 1/32768 only", output.scale))),
    }
}

pub(super) fn unary(cx: &NodeCx<'_>, op: ops::Unary) -> Result<Built<'static>, ExecuteError> {
    let width = cx.width()?;
    let input = cx.activation(cx.input(0)?, "input", width)?;
    let output = cx.activation(cx.output()?, "output", width)?;
    let layer = match width {
        Width::I8 => unary_int8(cx, op, [input, output])?.map(|function| table(&function)),
        Width::I16 => unary_int16(cx, op, [input, output])?.map(|function| wide(Int16Plain::Unary(function))),
    };
    Ok(Built::layer(layer.ok_or_else(|| cx.out_of_proportion())?, vec![0]))
}

fn unary_int8(cx: &NodeCx<'_>, op: ops::Unary, [input, output]: [Affine; 2]) -> Result<Option<Unary>, ExecuteError> {
    Ok(match op {
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
    })
}

fn unary_int16(
    cx: &NodeCx<'_>,
    op: ops::Unary,
    [input, output]: [Affine; 2],
) -> Result<Option<unary_int16::Unary>, ExecuteError> {
    Ok(match op {
        ops::Unary::Logistic => {
            unit_output(cx, output)?;
            Spread::of_logistic(input.scale).map(unary_int16::Unary::Logistic)
        }
        ops::Unary::Tanh => {
            unit_output(cx, output)?;
            Spread::of_tanh(input.scale).map(unary_int16::Unary::Tanh)
        }
        ops::Unary::Relu => {
            let range = OutputRange::prepare(Clamp::Relu, output);
            Rescale::prepare([input, output], range, cx.rounding).map(unary_int16::Unary::Relu)
        }
        ops::Unary::Relu6 => Some(unary_int16::Unary::Relu6(relu6_range(input))),
        ops::Unary::ReluN1To1 | ops::Unary::Relu0To1 | ops::Unary::HardSwish | ops::Unary::Elu | ops::Unary::Gelu { .. } => {
            return Err(cx.without_int16_kernel());
        }
        ops::Unary::Exp | ops::Unary::Log | ops::Unary::Sqrt | ops::Unary::Rsqrt | ops::Unary::Neg | ops::Unary::Abs => {
            return Err(cx.without_int16_kernel());
        }
        ops::Unary::Square => return Err(cx.without_int16_kernel()),
    })
}

pub(super) fn leaky_relu(cx: &NodeCx<'_>, op: &ops::LeakyRelu) -> Result<Built<'static>, ExecuteError> {
    let width = cx.width()?;
    let affines = [cx.activation(cx.input(0)?, "input", width)?, cx.activation(cx.output()?, "output", width)?];
    let leaky = LeakyRelu::prepare(op.alpha, affines, cx.rounding).ok_or_else(|| cx.out_of_proportion())?;
    let layer = match width {
        Width::I8 => table(&Unary::LeakyRelu(leaky)),
        Width::I16 => wide(Int16Plain::Unary(unary_int16::Unary::LeakyRelu(leaky))),
    };
    Ok(Built::layer(layer, vec![0]))
}

/// A layer of 16-bit activations for which nothing is laid out.
fn wide(plain: Int16Plain) -> Layer<'static> {
    Layer::Int16(Int16Layer::Plain(plain))
}

/// The function as its 256 values, computed by the reference kernel.
pub(super) fn table(function: &Unary) -> Layer<'static> {
    let values = std::array::from_fn(|bits| function.apply(bits as u8 as i8));
    Layer::Plain(Plain::Table(Box::new(values)))
}
