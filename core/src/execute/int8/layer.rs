//! What a node computes, with everything that can be known before running and nothing that depends on the machine.

use tinsmith_runtime::fixed_point::{Affine, Multiplier};
use tinsmith_runtime::kernels::conv2d::Conv2dParams;
use tinsmith_runtime::kernels::data_movement::Joint;
use tinsmith_runtime::kernels::depthwise_conv2d::DepthwiseConv2dParams;
use tinsmith_runtime::kernels::elementwise::{AddParams, MulParams};
use tinsmith_runtime::kernels::fully_connected::FullyConnectedParams;
use tinsmith_runtime::kernels::lstm::LstmParams;
use tinsmith_runtime::kernels::pool2d::Pool2dParams;
use tinsmith_runtime::kernels::quantize::RequantizeParams;
use tinsmith_runtime::kernels::reduce::ReduceParams;
use tinsmith_runtime::kernels::softmax::SoftmaxParams;
use tinsmith_runtime::kernels::{softmax_int16, unary_int16};
use tinsmith_runtime::shape::Strided;

use crate::execute::fast::int16::Bias;

/// One operator, prepared.
#[derive(Debug)]
pub(crate) enum Layer<'a> {
    Conv2d(Weighted<'a, Conv2dParams<'static>>),
    DepthwiseConv2d(Weighted<'a, DepthwiseConv2dParams<'static>>),
    FullyConnected(Weighted<'a, FullyConnectedParams<'static>>),
    /// Operands of one shape.
    Add(AddParams),
    Softmax(SoftmaxParams),
    /// Activations of 16 bits. Operators that only move elements are [`Plain`] for these, too.
    Int16(Int16Layer<'a>),
    Plain(Plain),
}

/// One operator on 16-bit activations, prepared.
#[derive(Debug)]
pub(crate) enum Int16Layer<'a> {
    Conv2d(Weighted<'a, Conv2dParams<'static, i16>, Bias<'a>>),
    DepthwiseConv2d(Weighted<'a, DepthwiseConv2dParams<'static, i16>, Bias<'a>>),
    FullyConnected(Weighted<'a, FullyConnectedParams<'static, i16>, Bias<'a>>),
    Plain(Int16Plain),
}

/// Operators on 16-bit activations that run as they are.
#[derive(Debug)]
pub(crate) enum Int16Plain {
    Add(AddParams<i16>, Box<[Strided; 2]>),
    Mul(MulParams<i16>, Box<[Strided; 2]>),
    AveragePool2d(Pool2dParams<i16>),
    MaxPool2d(Pool2dParams<i16>),
    Reduce(Box<ReduceParams>),
    Softmax(softmax_int16::SoftmaxParams),
    Unary(unary_int16::Unary),
}

/// A layer with weights. Its parameters hold no multipliers, which stand beside them.
#[derive(Debug)]
pub(crate) struct Weighted<'a, P, B = Option<&'a [i32]>> {
    pub(crate) params: P,
    /// One for each output channel, or one for all.
    pub(crate) multipliers: Vec<Multiplier>,
    pub(crate) values: &'a [i8],
    pub(crate) bias: B,
}

/// Operators that run as they are: nothing is laid out for this machine.
#[derive(Debug)]
pub(crate) enum Plain {
    /// Operands that are broadcast.
    Add(AddParams, Box<[Strided; 2]>),
    Mul(MulParams, Box<[Strided; 2]>),
    AveragePool2d(Pool2dParams),
    MaxPool2d(Pool2dParams),
    Reduce(Box<ReduceParams>),
    /// A function of one int8 value, as its 256 results in the order of the values' bits.
    Table(Box<[i8; 256]>),
    /// Walk over bytes.
    Gather(Box<Strided>),
    /// Walk over bytes, and the byte around them.
    Pad(Box<Strided>, u8),
    /// One joint an operand.
    Concatenate(Vec<Joint>),
    /// One joint a result.
    Split(Vec<Joint>),
    Resize(Resize),
    Lstm(Box<Lstm>),
    Quantize(Affine, Integer),
    Dequantize(Affine, Integer),
    Requantize(RequantizeParams, [Integer; 2]),
}

/// A fused LSTM: input gate, forget gate, cell, output gate. Its state starts anew with each sample.
#[derive(Debug)]
pub(crate) struct Lstm {
    pub(crate) params: LstmParams,
    pub(crate) input: [Vec<i8>; 4],
    pub(crate) recurrent: [Vec<i8>; 4],
    pub(crate) bias: [Vec<i32>; 4],
}

/// Nearest-neighbour resize over bytes.
#[derive(Debug)]
pub(crate) struct Resize {
    pub(crate) rows: Vec<usize>,
    pub(crate) columns: Vec<usize>,
    pub(crate) input_extent: [usize; 2],
    pub(crate) pixel_bytes: usize,
}

/// Integer types between which tensors are converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integer {
    I8,
    U8,
    I16,
    I32,
}
