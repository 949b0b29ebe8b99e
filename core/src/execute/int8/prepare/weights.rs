//! Operators with weights: constants, one multiplier a channel.

use tinsmith_runtime::element::Quantized;
use tinsmith_runtime::fixed_point::{Affine, Multiplier};
use tinsmith_runtime::kernels::conv2d::Conv2dParams;
use tinsmith_runtime::kernels::convolution_scale;
use tinsmith_runtime::kernels::depthwise_conv2d::DepthwiseConv2dParams;
use tinsmith_runtime::kernels::fully_connected::FullyConnectedParams;

use super::super::layer::{Int16Layer, Layer, Weighted};
use super::Built;
use super::node::{NodeCx, Width};
use crate::execute::ExecuteError;
use crate::execute::fast::int16::Bias;
use crate::ops;
use crate::tensor::{Data, ElementType, Tensor};

pub(super) fn conv2d<'a>(cx: &NodeCx<'a>, op: &ops::Conv2d) -> Result<Built<'a>, ExecuteError> {
    let trained = Trained::of(cx, 0)?;
    let layer = match trained.width {
        Width::I8 => {
            let params = conv2d_params(cx, op, &trained)?;
            Layer::Conv2d(trained.narrow(cx, params)?)
        }
        Width::I16 => {
            let params = conv2d_params(cx, op, &trained)?;
            Layer::Int16(Int16Layer::Conv2d(trained.wide(params)))
        }
    };
    Ok(Built::layer(layer, vec![0]))
}

fn conv2d_params<T: Quantized>(
    cx: &NodeCx<'_>,
    op: &ops::Conv2d,
    trained: &Trained<'_>,
) -> Result<Conv2dParams<'static, T>, ExecuteError> {
    let shape = &trained.weights.shape;
    let (input, output, window) = cx.window([shape[1], shape[2]], [op.stride, op.dilation], op.padding)?;
    Ok(Conv2dParams {
        input,
        output,
        group_channels: shape[3],
        window,
        input_zero_point: trained.input.zero_point,
        output_zero_point: trained.output.zero_point,
        multipliers: &[],
        range: cx.range(op.activation, trained.output)?,
        rounding: cx.rounding,
    })
}

pub(super) fn depthwise_conv2d<'a>(cx: &NodeCx<'a>, op: &ops::DepthwiseConv2d) -> Result<Built<'a>, ExecuteError> {
    let trained = Trained::of(cx, 3)?;
    let layer = match trained.width {
        Width::I8 => {
            let params = depthwise_params(cx, op, &trained)?;
            Layer::DepthwiseConv2d(trained.narrow(cx, params)?)
        }
        Width::I16 if matches!(trained.bias, Bias::I32(_)) => {
            return Err(cx.unsupported("its bias is int32, which TensorFlow Lite Micro reads as int64 beside int16 activations"));
        }
        Width::I16 => {
            let params = depthwise_params(cx, op, &trained)?;
            Layer::Int16(Int16Layer::DepthwiseConv2d(trained.wide(params)))
        }
    };
    Ok(Built::layer(layer, vec![0]))
}

fn depthwise_params<T: Quantized>(
    cx: &NodeCx<'_>,
    op: &ops::DepthwiseConv2d,
    trained: &Trained<'_>,
) -> Result<DepthwiseConv2dParams<'static, T>, ExecuteError> {
    let shape = &trained.weights.shape;
    let (input, output, window) = cx.window([shape[1], shape[2]], [op.stride, op.dilation], op.padding)?;
    Ok(DepthwiseConv2dParams {
        input,
        output,
        window,
        input_zero_point: trained.input.zero_point,
        output_zero_point: trained.output.zero_point,
        multipliers: &[],
        range: cx.range(op.activation, trained.output)?,
        rounding: cx.rounding,
    })
}

pub(super) fn fully_connected<'a>(cx: &NodeCx<'a>, op: &ops::FullyConnected) -> Result<Built<'a>, ExecuteError> {
    let trained = Trained::of(cx, 0)?;
    let layer = match trained.width {
        Width::I8 => {
            let params = fully_connected_params(cx, op, &trained)?;
            Layer::FullyConnected(trained.narrow(cx, params)?)
        }
        Width::I16 => {
            let params = fully_connected_params(cx, op, &trained)?;
            Layer::Int16(Int16Layer::FullyConnected(trained.wide(params)))
        }
    };
    Ok(Built::layer(layer, vec![0]))
}

fn fully_connected_params<T: Quantized>(
    cx: &NodeCx<'_>,
    op: &ops::FullyConnected,
    trained: &Trained<'_>,
) -> Result<FullyConnectedParams<'static, T>, ExecuteError> {
    let [outputs, inputs] = [trained.weights.shape[0], trained.weights.shape[1]];
    Ok(FullyConnectedParams {
        batch: cx.input(0)?.n_elements() / inputs.max(1),
        inputs,
        outputs,
        input_zero_point: trained.input.zero_point,
        output_zero_point: trained.output.zero_point,
        multipliers: &[],
        range: cx.range(op.activation, trained.output)?,
        rounding: cx.rounding,
    })
}

/// Operands of a node with weights, each of the type that the integer kernels take.
struct Trained<'a> {
    width: Width,
    input: Affine,
    output: Affine,
    weights: &'a Tensor,
    values: &'a [i8],
    scales: &'a [f32],
    bias: Bias<'a>,
    /// One for each output channel, or one for all.
    multipliers: Vec<Multiplier>,
}

impl<'a> Trained<'a> {
    /// `axis`: that of the output channels in the weights.
    fn of(cx: &NodeCx<'a>, axis: usize) -> Result<Self, ExecuteError> {
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
        let scales = &quantization.scales;
        Self { width, input, output, weights, values, scales, bias, multipliers: Vec::new() }.with_multipliers(cx, axis)
    }

    /// A layer with 8-bit activations.
    fn narrow<P>(self, cx: &NodeCx<'_>, params: P) -> Result<Weighted<'a, P>, ExecuteError> {
        let bias = match self.bias {
            Bias::None => None,
            Bias::I32(values) => Some(values),
            Bias::I64(_) => return Err(cx.unsupported("its bias is int64, expected int32 beside int8 activations")),
        };
        Ok(Weighted { params, multipliers: self.multipliers, values: self.values, bias })
    }

    /// A layer with 16-bit activations.
    fn wide<P>(self, params: P) -> Weighted<'a, P, Bias<'a>> {
        Weighted { params, multipliers: self.multipliers, values: self.values, bias: self.bias }
    }

    /// One multiplier for each output channel, which are the weights' extent along `axis`, or a single one.
    fn with_multipliers(mut self, cx: &NodeCx<'_>, axis: usize) -> Result<Self, ExecuteError> {
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
        self.multipliers = multipliers.ok_or_else(|| cx.out_of_proportion())?;
        Ok(self)
    }
}
