//! Operators with weights: constants, one multiplier a channel.

use tinsmith_runtime::element::Quantized;
use tinsmith_runtime::fixed_point::{Affine, Multiplier};
use tinsmith_runtime::kernels::conv2d::Conv2dParams;
use tinsmith_runtime::kernels::convolution_scale;
use tinsmith_runtime::kernels::depthwise_conv2d::DepthwiseConv2dParams;
use tinsmith_runtime::kernels::fully_connected::FullyConnectedParams;

use super::super::kernel::Kernel;
use super::super::kernel_int16::Int16;
use super::Built;
use super::node::{NodeCx, Width};
use crate::execute::ExecuteError;
use crate::execute::fast::int16::Bias;
use crate::execute::fast::{conv2d, depthwise_conv2d, fully_connected, int16};
use crate::ops;
use crate::tensor::{Data, ElementType, Tensor};

pub(super) fn conv2d(cx: &NodeCx<'_>, op: &ops::Conv2d) -> Result<Built, ExecuteError> {
    let layer = Weighted::of(cx)?;
    let multipliers = layer.multipliers(cx, 0)?;
    let (weights, bias) = (layer.values, layer.bias);
    let kernel = match layer.width {
        Width::I8 => {
            let params = conv2d_params(cx, op, &layer, &multipliers)?;
            Kernel::Conv2d(Box::new(conv2d::Conv2d::prepare(&params, weights, layer.narrow_bias(cx)?, cx.isa)))
        }
        Width::I16 => {
            let params = conv2d_params(cx, op, &layer, &multipliers)?;
            Kernel::Int16(Box::new(Int16::Conv2d(int16::conv2d::Conv2d::prepare(&params, weights, bias))))
        }
    };
    Ok(Built::Kernel(kernel, vec![0]))
}

fn conv2d_params<'m, T: Quantized>(
    cx: &NodeCx<'_>,
    op: &ops::Conv2d,
    layer: &Weighted<'_>,
    multipliers: &'m [Multiplier],
) -> Result<Conv2dParams<'m, T>, ExecuteError> {
    let shape = &layer.weights.shape;
    let (input, output, window) = cx.window([shape[1], shape[2]], [op.stride, op.dilation], op.padding)?;
    Ok(Conv2dParams {
        input,
        output,
        group_channels: shape[3],
        window,
        input_zero_point: layer.input.zero_point,
        output_zero_point: layer.output.zero_point,
        multipliers,
        range: cx.range(op.activation, layer.output)?,
        rounding: cx.rounding,
    })
}

pub(super) fn depthwise_conv2d(cx: &NodeCx<'_>, op: &ops::DepthwiseConv2d) -> Result<Built, ExecuteError> {
    let layer = Weighted::of(cx)?;
    let multipliers = layer.multipliers(cx, 3)?;
    let (weights, bias) = (layer.values, layer.bias);
    let kernel = match layer.width {
        Width::I8 => {
            let params = depthwise_params(cx, op, &layer, &multipliers)?;
            let conv = depthwise_conv2d::DepthwiseConv2d::prepare(&params, weights, layer.narrow_bias(cx)?, cx.isa);
            Kernel::DepthwiseConv2d(Box::new(conv))
        }
        Width::I16 if matches!(bias, Bias::I32(_)) => {
            return Err(cx.unsupported("its bias is int32, which TensorFlow Lite Micro reads as int64 beside int16 activations"));
        }
        Width::I16 => {
            let params = depthwise_params(cx, op, &layer, &multipliers)?;
            let conv = int16::depthwise_conv2d::DepthwiseConv2d::prepare(&params, weights, bias);
            Kernel::Int16(Box::new(Int16::DepthwiseConv2d(conv)))
        }
    };
    Ok(Built::Kernel(kernel, vec![0]))
}

fn depthwise_params<'m, T: Quantized>(
    cx: &NodeCx<'_>,
    op: &ops::DepthwiseConv2d,
    layer: &Weighted<'_>,
    multipliers: &'m [Multiplier],
) -> Result<DepthwiseConv2dParams<'m, T>, ExecuteError> {
    let shape = &layer.weights.shape;
    let (input, output, window) = cx.window([shape[1], shape[2]], [op.stride, op.dilation], op.padding)?;
    Ok(DepthwiseConv2dParams {
        input,
        output,
        window,
        input_zero_point: layer.input.zero_point,
        output_zero_point: layer.output.zero_point,
        multipliers,
        range: cx.range(op.activation, layer.output)?,
        rounding: cx.rounding,
    })
}

pub(super) fn fully_connected(cx: &NodeCx<'_>, op: &ops::FullyConnected) -> Result<Built, ExecuteError> {
    let layer = Weighted::of(cx)?;
    let multipliers = layer.multipliers(cx, 0)?;
    let (weights, bias) = (layer.values, layer.bias);
    let kernel = match layer.width {
        Width::I8 => {
            let params = fully_connected_params(cx, op, &layer, &multipliers)?;
            let dense = fully_connected::FullyConnected::prepare(&params, weights, layer.narrow_bias(cx)?, cx.isa);
            Kernel::FullyConnected(Box::new(dense))
        }
        Width::I16 => {
            let params = fully_connected_params(cx, op, &layer, &multipliers)?;
            let dense = int16::fully_connected::FullyConnected::prepare(&params, weights, bias);
            Kernel::Int16(Box::new(Int16::FullyConnected(dense)))
        }
    };
    Ok(Built::Kernel(kernel, vec![0]))
}

fn fully_connected_params<'m, T: Quantized>(
    cx: &NodeCx<'_>,
    op: &ops::FullyConnected,
    layer: &Weighted<'_>,
    multipliers: &'m [Multiplier],
) -> Result<FullyConnectedParams<'m, T>, ExecuteError> {
    let [outputs, inputs] = [layer.weights.shape[0], layer.weights.shape[1]];
    Ok(FullyConnectedParams {
        batch: cx.input(0)?.n_elements() / inputs.max(1),
        inputs,
        outputs,
        input_zero_point: layer.input.zero_point,
        output_zero_point: layer.output.zero_point,
        multipliers,
        range: cx.range(op.activation, layer.output)?,
        rounding: cx.rounding,
    })
}

/// Operands of a node with weights, each of the type that the integer kernels take.
struct Weighted<'a> {
    width: Width,
    input: Affine,
    output: Affine,
    weights: &'a Tensor,
    values: &'a [i8],
    scales: &'a [f32],
    bias: Bias<'a>,
}

impl<'a> Weighted<'a> {
    fn of(cx: &NodeCx<'a>) -> Result<Self, ExecuteError> {
        let width = cx.width()?;
        let input = cx.activation(cx.input(0)?, "input", width)?;
        let output = cx.activation(cx.output()?, "output", width)?;
        let weights = cx.input(1)?;
        if width == Width::I16 && weights.element == ElementType::I4 {
            return Err(cx.unsupported("its weights are int4 and its activations int16, which no kernel takes together"));
        }
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
            None => Bias::None,
            Some(bias) => match &bias.data {
                Some(Data::I32(values)) => Bias::I32(values),
                Some(Data::I64(values)) => Bias::I64(values),
                Some(_) => return Err(cx.unsupported(format!("its bias is {}, expected int32", bias.element.name()))),
                None => return Err(cx.unsupported("its bias is computed at run time, only a constant is supported")),
            },
        };
        Ok(Self { width, input, output, weights, values, scales: &quantization.scales, bias })
    }

    /// The bias of a layer with 8-bit activations.
    fn narrow_bias(&self, cx: &NodeCx<'_>) -> Result<Option<&'a [i32]>, ExecuteError> {
        match self.bias {
            Bias::None => Ok(None),
            Bias::I32(values) => Ok(Some(values)),
            Bias::I64(_) => Err(cx.unsupported("its bias is int64, expected int32 beside int8 activations")),
        }
    }

    /// One multiplier for each output channel, which are the weights' extent along `axis`, or a single one.
    fn multipliers(&self, cx: &NodeCx<'_>, axis: usize) -> Result<Vec<Multiplier>, ExecuteError> {
        let channels = self.weights.shape.get(axis).copied().unwrap_or(0);
        if self.scales.len() != 1 && self.scales.len() != channels {
            let reason = format!("its weights have {} scales for {channels} output channels", self.scales.len());
            return Err(cx.unsupported(reason));
        }
        let multiplier =
            |scale: &f32| Multiplier::from_real(convolution_scale(self.input.scale, *scale, self.output.scale), cx.rounding);
        let is_wide = self.width == Width::I16 && !matches!(self.bias, Bias::I32(_));
        let fits = |multiplier: &Multiplier| !is_wide || multiplier.shift() <= Multiplier::MAX_WIDE_SHIFT;
        let multipliers = self.scales.iter().map(|scale| multiplier(scale).filter(fits)).collect::<Option<Vec<_>>>();
        multipliers.ok_or_else(|| cx.out_of_proportion())
    }
}
