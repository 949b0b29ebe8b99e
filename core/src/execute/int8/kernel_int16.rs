//! Operators on 16-bit activations as this machine runs them, and the call of each one's kernel.

use bytemuck::{cast_slice, cast_slice_mut};
use tinsmith_runtime::kernels::conv2d::Conv2dParams;
use tinsmith_runtime::kernels::depthwise_conv2d::DepthwiseConv2dParams;
use tinsmith_runtime::kernels::fully_connected::FullyConnectedParams;
use tinsmith_runtime::kernels::{elementwise, pool2d, reduce, softmax_int16, unary_int16};

use super::layer::{Int16Layer, Int16Plain, Weighted};
use crate::execute::fast::int16;

/// An operator whose activations have 16 bits. Those that only move elements are [`super::layer::Plain`], over bytes.
#[derive(Debug)]
pub(super) enum Int16 {
    Conv2d(int16::conv2d::Conv2d),
    DepthwiseConv2d(int16::depthwise_conv2d::DepthwiseConv2d),
    FullyConnected(int16::fully_connected::FullyConnected),
    Plain(Int16Plain),
}

impl Int16 {
    /// Lays a layer's weights out.
    pub(super) fn prepare(layer: Int16Layer<'_>) -> Self {
        match layer {
            Int16Layer::Conv2d(Weighted { params, multipliers, values, bias }) => {
                let params = Conv2dParams { multipliers: &multipliers, ..params };
                Self::Conv2d(int16::conv2d::Conv2d::prepare(&params, values, bias))
            }
            Int16Layer::DepthwiseConv2d(Weighted { params, multipliers, values, bias }) => {
                let params = DepthwiseConv2dParams { multipliers: &multipliers, ..params };
                Self::DepthwiseConv2d(int16::depthwise_conv2d::DepthwiseConv2d::prepare(&params, values, bias))
            }
            Int16Layer::FullyConnected(Weighted { params, multipliers, values, bias }) => {
                let params = FullyConnectedParams { multipliers: &multipliers, ..params };
                Self::FullyConnected(int16::fully_connected::FullyConnected::prepare(&params, values, bias))
            }
            Int16Layer::Plain(plain) => Self::Plain(plain),
        }
    }

    /// Bytes of workspace that [`Int16::run`] needs.
    pub(super) fn workspace_bytes(&self) -> usize {
        match self {
            Self::Conv2d(conv) => conv.workspace_len() * size_of::<i16>(),
            Self::DepthwiseConv2d(_) | Self::FullyConnected(_) | Self::Plain(_) => 0,
        }
    }

    /// Writes the result for one sample.
    pub(super) fn run<'a>(&self, operand: &dyn Fn(usize) -> &'a [u8], output: &mut [u8], workspace: &mut [u8]) {
        let (input, output) = (cast_slice(operand(0)), cast_slice_mut(output));
        match self {
            Self::Conv2d(conv) => conv.run(input, output, cast_slice_mut(&mut workspace[..self.workspace_bytes()])),
            Self::DepthwiseConv2d(conv) => conv.run(input, output),
            Self::FullyConnected(layer) => layer.run(input, output),
            Self::Plain(plain) => plain.run(operand, input, output),
        }
    }
}

impl Int16Plain {
    /// Writes the result for one sample; `input` is operand 0.
    fn run<'a>(&self, operand: &dyn Fn(usize) -> &'a [u8], input: &[i16], output: &mut [i16]) {
        match self {
            Self::Add(params, walks) => {
                elementwise::add(params, (input, &walks[0]), (cast_slice(operand(1)), &walks[1]), output);
            }
            Self::Mul(params, walks) => {
                elementwise::mul(params, (input, &walks[0]), (cast_slice(operand(1)), &walks[1]), output);
            }
            Self::AveragePool2d(params) => pool2d::average_pool2d(params, input, output),
            Self::MaxPool2d(params) => pool2d::max_pool2d(params, input, output),
            Self::Reduce(params) => reduce::reduce(params, input, output),
            Self::Softmax(params) => softmax_int16::softmax(params, input, output),
            Self::Unary(function) => unary_int16::unary(function, input, output),
        }
    }
}
