//! Prepared operators, and the call of each one's kernel.

use bytemuck::{Pod, cast_slice, cast_slice_mut};
use tinsmith_runtime::element::Quantized;
use tinsmith_runtime::fixed_point::Affine;
use tinsmith_runtime::kernels::conv2d::Conv2dParams;
use tinsmith_runtime::kernels::depthwise_conv2d::DepthwiseConv2dParams;
use tinsmith_runtime::kernels::fully_connected::FullyConnectedParams;
use tinsmith_runtime::kernels::lstm::{self, LstmState, LstmWeights};
use tinsmith_runtime::kernels::quantize::{self, RequantizeParams};
use tinsmith_runtime::kernels::{data_movement, elementwise};

use super::Operand;
use super::kernel_int16::Int16;
use super::layer::{Integer, Layer, Lstm, Plain, Weighted};
use super::memory::Views;
use crate::execute::fast::{self, Isa};

/// An operator as this machine runs it.
#[derive(Debug)]
pub(super) enum Kernel {
    Conv2d(Box<fast::conv2d::Conv2d>),
    DepthwiseConv2d(Box<fast::depthwise_conv2d::DepthwiseConv2d>),
    FullyConnected(Box<fast::fully_connected::FullyConnected>),
    Add(Box<fast::elementwise::Add>),
    Softmax(Box<fast::softmax::Softmax>),
    Int16(Box<Int16>),
    Plain(Plain),
}

impl Lstm {
    /// Cell state and four gates of 16 bits, hidden state of 8.
    fn workspace_bytes(&self) -> usize {
        self.params.units * (5 * size_of::<i16>() + 1)
    }

    fn run(&self, input: &[i8], output: &mut [i8], workspace: &mut [u8]) {
        let units = self.params.units;
        let (wide, hidden) = workspace[..self.workspace_bytes()].split_at_mut(units * 5 * size_of::<i16>());
        let (cell, gates) = cast_slice_mut(wide).split_at_mut(units);
        let mut state = LstmState { hidden: cast_slice_mut(hidden), cell, gates };
        self.params.reset(&mut state);
        let weights = LstmWeights {
            input: self.input.each_ref().map(Vec::as_slice),
            recurrent: self.recurrent.each_ref().map(Vec::as_slice),
            bias: self.bias.each_ref().map(Vec::as_slice),
        };
        lstm::lstm(&self.params, &weights, input, &mut state, output);
    }
}

impl Kernel {
    /// Lays a layer's parameters and weights out for vector instructions.
    pub(super) fn prepare(layer: Layer<'_>, isa: Isa) -> Self {
        match layer {
            Layer::Conv2d(Weighted { params, multipliers, values, bias }) => {
                let params = Conv2dParams { multipliers: &multipliers, ..params };
                Self::Conv2d(Box::new(fast::conv2d::Conv2d::prepare(&params, values, bias, isa)))
            }
            Layer::DepthwiseConv2d(Weighted { params, multipliers, values, bias }) => {
                let params = DepthwiseConv2dParams { multipliers: &multipliers, ..params };
                Self::DepthwiseConv2d(Box::new(fast::depthwise_conv2d::DepthwiseConv2d::prepare(&params, values, bias, isa)))
            }
            Layer::FullyConnected(Weighted { params, multipliers, values, bias }) => {
                let params = FullyConnectedParams { multipliers: &multipliers, ..params };
                Self::FullyConnected(Box::new(fast::fully_connected::FullyConnected::prepare(&params, values, bias, isa)))
            }
            Layer::Add(params) => Self::Add(Box::new(fast::elementwise::Add::prepare(&params, isa))),
            Layer::Softmax(params) => Self::Softmax(Box::new(fast::softmax::Softmax::prepare(&params))),
            Layer::Int16(layer) => Self::Int16(Box::new(Int16::prepare(layer))),
            Layer::Plain(plain) => Self::Plain(plain),
        }
    }

    /// Bytes of workspace that [`Kernel::run`] needs.
    pub(super) fn workspace_bytes(&self) -> usize {
        match self {
            Self::Conv2d(conv) => conv.workspace_bytes(),
            Self::DepthwiseConv2d(conv) => conv.workspace_bytes(),
            Self::FullyConnected(layer) => layer.workspace_bytes(),
            Self::Int16(kernel) => kernel.workspace_bytes(),
            Self::Plain(Plain::Lstm(lstm)) => lstm.workspace_bytes(),
            Self::Add(_) | Self::Softmax(_) | Self::Plain(_) => 0,
        }
    }

    /// Writes result `part` for `n` samples.
    pub(super) fn run(
        &self,
        part: usize,
        n: usize,
        operands: &[Operand],
        views: &Views<'_>,
        output: &mut [u8],
        workspace: &mut [u8],
    ) {
        // These see all samples at once: their weights are read once for many rows.
        if let Self::FullyConnected(layer) = self
            && let Some(Operand::Arena(_)) = operands.first()
        {
            return layer.run(cast_slice(views.all(&operands[0], n)), cast_slice_mut(output), workspace);
        }
        if let Self::Int16(kernel) = self
            && let Int16::FullyConnected(layer) = &**kernel
            && let Some(Operand::Arena(_)) = operands.first()
        {
            return layer.run(cast_slice(views.all(&operands[0], n)), cast_slice_mut(output));
        }
        let sample_bytes = output.len() / n.max(1);
        for sample in 0..n {
            let output = &mut output[sample * sample_bytes..][..sample_bytes];
            self.run_sample(part, &|index| views.sample(&operands[index], sample, n), operands.len(), output, workspace);
        }
    }

    fn run_sample<'a>(
        &self,
        part: usize,
        operand: &dyn Fn(usize) -> &'a [u8],
        n_operands: usize,
        output: &mut [u8],
        workspace: &mut [u8],
    ) {
        match self {
            Self::Conv2d(conv) => conv.run(cast_slice(operand(0)), cast_slice_mut(output), workspace),
            Self::DepthwiseConv2d(conv) => conv.run(cast_slice(operand(0)), cast_slice_mut(output), workspace),
            Self::FullyConnected(layer) => layer.run(cast_slice(operand(0)), cast_slice_mut(output), workspace),
            Self::Add(add) => add.run(cast_slice(operand(0)), cast_slice(operand(1)), cast_slice_mut(output)),
            Self::Softmax(softmax) => softmax.run(cast_slice(operand(0)), cast_slice_mut(output)),
            Self::Int16(kernel) => kernel.run(operand, output, workspace),
            Self::Plain(plain) => plain.run(part, operand, n_operands, output, workspace),
        }
    }
}

impl Plain {
    /// Writes result `part` for one sample.
    fn run<'a>(
        &self,
        part: usize,
        operand: &dyn Fn(usize) -> &'a [u8],
        n_operands: usize,
        output: &mut [u8],
        workspace: &mut [u8],
    ) {
        match self {
            Self::Add(params, walks) => {
                let (left, right) = (cast_slice(operand(0)), cast_slice(operand(1)));
                elementwise::add(params, (left, &walks[0]), (right, &walks[1]), cast_slice_mut(output));
            }
            Self::Mul(params, walks) => {
                let (left, right) = (cast_slice(operand(0)), cast_slice(operand(1)));
                elementwise::mul(params, (left, &walks[0]), (right, &walks[1]), cast_slice_mut(output));
            }
            Self::AveragePool2d(params) => {
                fast::pool2d::average_pool2d(params, cast_slice(operand(0)), cast_slice_mut(output));
            }
            Self::MaxPool2d(params) => fast::pool2d::max_pool2d(params, cast_slice(operand(0)), cast_slice_mut(output)),
            Self::Reduce(params) => fast::reduce::reduce(params, cast_slice(operand(0)), cast_slice_mut(output)),
            Self::Table(table) => {
                for (out, value) in output.iter_mut().zip(operand(0)) {
                    *out = table[usize::from(*value)] as u8;
                }
            }
            Self::Gather(walk) => data_movement::gather(walk, operand(0), output),
            Self::Pad(inner, value) => data_movement::pad(inner, *value, operand(0), output),
            Self::Concatenate(joints) => {
                for (index, joint) in joints.iter().enumerate().take(n_operands) {
                    data_movement::concatenate_part(joint, operand(index), output);
                }
            }
            Self::Split(joints) => data_movement::split_part(&joints[part], operand(0), output),
            Self::Resize(resize) => data_movement::resize_nearest_neighbor(
                |axis, index| if axis == 0 { resize.rows[index] } else { resize.columns[index] },
                [resize.input_extent, [resize.rows.len(), resize.columns.len()]],
                resize.pixel_bytes,
                operand(0),
                output,
            ),
            Self::Lstm(lstm) => lstm.run(cast_slice(operand(0)), cast_slice_mut(output), workspace),
            Self::Quantize(affine, to) => quantize_bytes(*affine, *to, operand(0), output),
            Self::Dequantize(affine, from) => dequantize_bytes(*affine, *from, operand(0), output),
            Self::Requantize(params, [from, to]) => requantize_bytes(params, [*from, *to], operand(0), output),
        }
    }
}

fn quantize_bytes(affine: Affine, to: Integer, input: &[u8], output: &mut [u8]) {
    let input = cast_slice(input);
    match to {
        Integer::I8 => quantize::quantize::<i8>(affine, input, cast_slice_mut(output)),
        Integer::U8 => quantize::quantize::<u8>(affine, input, output),
        Integer::I16 => quantize::quantize::<i16>(affine, input, cast_slice_mut(output)),
        Integer::I32 => quantize::quantize::<i32>(affine, input, cast_slice_mut(output)),
    }
}

fn dequantize_bytes(affine: Affine, from: Integer, input: &[u8], output: &mut [u8]) {
    let output = cast_slice_mut(output);
    match from {
        Integer::I8 => quantize::dequantize::<i8>(affine, cast_slice(input), output),
        Integer::U8 => quantize::dequantize::<u8>(affine, input, output),
        Integer::I16 => quantize::dequantize::<i16>(affine, cast_slice(input), output),
        Integer::I32 => quantize::dequantize::<i32>(affine, cast_slice(input), output),
    }
}

fn requantize_bytes(params: &RequantizeParams, [from, to]: [Integer; 2], input: &[u8], output: &mut [u8]) {
    match from {
        Integer::I8 => requantize_from::<i8>(params, to, cast_slice(input), output),
        Integer::U8 => requantize_from::<u8>(params, to, input, output),
        Integer::I16 => requantize_from::<i16>(params, to, cast_slice(input), output),
        Integer::I32 => requantize_from::<i32>(params, to, cast_slice(input), output),
    }
}

fn requantize_from<I: Quantized + Pod>(params: &RequantizeParams, to: Integer, input: &[I], output: &mut [u8]) {
    match to {
        Integer::I8 => quantize::requantize::<I, i8>(params, input, cast_slice_mut(output)),
        Integer::U8 => quantize::requantize::<I, u8>(params, input, output),
        Integer::I16 => quantize::requantize::<I, i16>(params, input, cast_slice_mut(output)),
        Integer::I32 => quantize::requantize::<I, i32>(params, input, cast_slice_mut(output)),
    }
}
