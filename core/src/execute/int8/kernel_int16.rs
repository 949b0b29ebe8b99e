//! Operators on 16-bit activations, and the call of each one's kernel.

use bytemuck::{cast_slice, cast_slice_mut};
use tinsmith_runtime::kernels::elementwise::{self, AddParams, MulParams};
use tinsmith_runtime::kernels::pool2d::{self, Pool2dParams};
use tinsmith_runtime::kernels::reduce::{self, ReduceParams};
use tinsmith_runtime::kernels::softmax_int16::{self, SoftmaxParams};
use tinsmith_runtime::kernels::unary_int16::{self, Unary};
use tinsmith_runtime::shape::Strided;

use crate::execute::fast::int16;

/// An operator whose activations have 16 bits. Those that only move elements are [`super::kernel::Kernel`]s over bytes.
#[derive(Debug)]
pub(super) enum Int16 {
    Conv2d(int16::conv2d::Conv2d),
    DepthwiseConv2d(int16::depthwise_conv2d::DepthwiseConv2d),
    FullyConnected(int16::fully_connected::FullyConnected),
    Add(AddParams<i16>, [Strided; 2]),
    Mul(MulParams<i16>, [Strided; 2]),
    AveragePool2d(Pool2dParams<i16>),
    MaxPool2d(Pool2dParams<i16>),
    Reduce(ReduceParams),
    Softmax(SoftmaxParams),
    Unary(Unary),
}

impl Int16 {
    /// Bytes of workspace that [`Int16::run`] needs.
    pub(super) fn workspace_bytes(&self) -> usize {
        match self {
            Self::Conv2d(conv) => conv.workspace_len() * size_of::<i16>(),
            _ => 0,
        }
    }

    /// Writes the result for one sample.
    pub(super) fn run<'a>(&self, operand: &dyn Fn(usize) -> &'a [u8], output: &mut [u8], workspace: &mut [u8]) {
        let (input, output) = (cast_slice(operand(0)), cast_slice_mut(output));
        match self {
            Self::Conv2d(conv) => conv.run(input, output, cast_slice_mut(&mut workspace[..self.workspace_bytes()])),
            Self::DepthwiseConv2d(conv) => conv.run(input, output),
            Self::FullyConnected(layer) => layer.run(input, output),
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
