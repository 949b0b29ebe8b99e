//! Operators with weights: constants, one multiplier a channel.

use tinsmith_runtime::fixed_point::{Affine, Multiplier};
use tinsmith_runtime::kernels::conv2d::Conv2dParams;
use tinsmith_runtime::kernels::convolution_scale;
use tinsmith_runtime::kernels::depthwise_conv2d::DepthwiseConv2dParams;
use tinsmith_runtime::kernels::fully_connected::FullyConnectedParams;

use super::super::layer::{Layer, Weighted};
use super::Built;
use super::node::NodeCx;
use crate::execute::ExecuteError;
use crate::ops;
use crate::tensor::{Data, Tensor};

pub(super) fn conv2d<'a>(cx: &NodeCx<'a>, op: &ops::Conv2d) -> Result<Built<'a>, ExecuteError> {
    let operands = Trained::of(cx)?;
    let shape = &operands.weights.shape;
    let (input, output, window) = cx.window([shape[1], shape[2]], [op.stride, op.dilation], op.padding)?;
    let multipliers = operands.multipliers(cx, 0, output.channels)?;
    let params = Conv2dParams {
        input,
        output,
        group_channels: shape[3],
        window,
        input_zero_point: operands.input.zero_point,
        output_zero_point: operands.output.zero_point,
        multipliers: &[],
        range: cx.range(op.activation, operands.output)?,
        rounding: cx.rounding,
    };
    Ok(Built::layer(Layer::Conv2d(operands.with(params, multipliers)), vec![0]))
}

pub(super) fn depthwise_conv2d<'a>(cx: &NodeCx<'a>, op: &ops::DepthwiseConv2d) -> Result<Built<'a>, ExecuteError> {
    let operands = Trained::of(cx)?;
    let shape = &operands.weights.shape;
    let (input, output, window) = cx.window([shape[1], shape[2]], [op.stride, op.dilation], op.padding)?;
    let multipliers = operands.multipliers(cx, 3, output.channels)?;
    let params = DepthwiseConv2dParams {
        input,
        output,
        window,
        input_zero_point: operands.input.zero_point,
        output_zero_point: operands.output.zero_point,
        multipliers: &[],
        range: cx.range(op.activation, operands.output)?,
        rounding: cx.rounding,
    };
    Ok(Built::layer(Layer::DepthwiseConv2d(operands.with(params, multipliers)), vec![0]))
}

pub(super) fn fully_connected<'a>(cx: &NodeCx<'a>, op: &ops::FullyConnected) -> Result<Built<'a>, ExecuteError> {
    let operands = Trained::of(cx)?;
    let [outputs, inputs] = [operands.weights.shape[0], operands.weights.shape[1]];
    let multipliers = operands.multipliers(cx, 0, outputs)?;
    let params = FullyConnectedParams {
        batch: cx.input(0)?.n_elements() / inputs.max(1),
        inputs,
        outputs,
        input_zero_point: operands.input.zero_point,
        output_zero_point: operands.output.zero_point,
        multipliers: &[],
        range: cx.range(op.activation, operands.output)?,
        rounding: cx.rounding,
    };
    Ok(Built::layer(Layer::FullyConnected(operands.with(params, multipliers)), vec![0]))
}

/// Operands of a node with weights, each of the type that the integer kernels take.
struct Trained<'a> {
    input: Affine,
    output: Affine,
    weights: &'a Tensor,
    values: &'a [i8],
    scales: &'a [f32],
    bias: Option<&'a [i32]>,
}

impl<'a> Trained<'a> {
    fn of(cx: &NodeCx<'a>) -> Result<Self, ExecuteError> {
        let input = cx.int8(cx.input(0)?, "input")?;
        let output = cx.int8(cx.output()?, "output")?;
        let weights = cx.input(1)?;
        let values = match &weights.data {
            Some(data) => data.as_i8(),
            None => return Err(cx.unsupported("its weights are computed at run time, only constants are supported")),
        };
        let (Some(values), Some(quantization)) = (values, &weights.quantization) else {
            let name = weights.element.name();
            return Err(cx.unsupported(format!("its weights are {name} without scales, the integer kernels take int8 or int4")));
        };
        if quantization.zero_points.iter().any(|zero_point| *zero_point != 0) {
            return Err(cx.unsupported("its weights have a zero point other than 0, which TensorFlow Lite Micro ignores"));
        }
        let bias = match cx.operands().optional(2) {
            None => None,
            Some(bias) => match &bias.data {
                Some(Data::I32(values)) => Some(&values[..]),
                Some(_) => return Err(cx.unsupported(format!("its bias is {}, expected int32", bias.element.name()))),
                None => return Err(cx.unsupported("its bias is computed at run time, only a constant is supported")),
            },
        };
        Ok(Self { input, output, weights, values, scales: &quantization.scales, bias })
    }

    /// The layer with these parameters.
    fn with<P>(self, params: P, multipliers: Vec<Multiplier>) -> Weighted<'a, P> {
        Weighted { params, multipliers, values: self.values, bias: self.bias }
    }

    /// One multiplier for each output channel, or a single one.
    fn multipliers(&self, cx: &NodeCx<'_>, axis: usize, channels: usize) -> Result<Vec<Multiplier>, ExecuteError> {
        if self.scales.len() != 1 && (self.scales.len() != channels || self.weights.shape.get(axis) != Some(&channels)) {
            let reason = format!("its weights have {} scales for {channels} output channels", self.scales.len());
            return Err(cx.unsupported(reason));
        }
        let multiplier =
            |scale: &f32| Multiplier::from_real(convolution_scale(self.input.scale, *scale, self.output.scale), cx.rounding);
        self.scales.iter().map(multiplier).collect::<Option<Vec<_>>>().ok_or_else(|| cx.out_of_proportion())
    }
}
