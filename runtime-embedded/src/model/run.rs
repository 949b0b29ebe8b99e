//! Runs a node: the bytes of its operands into the bytes of its result, by the kernels.

use super::node::{Node, Op, Resize};
use super::read::Fault;
use super::{Element, Operand, layer};
use crate::element::Quantized;
use crate::fixed_point::Affine;
use crate::kernels::quantize::{self, RequantizeParams};
use crate::kernels::{data_movement, elementwise, pool2d, reduce, softmax};
use bytemuck::{cast_slice, cast_slice_mut};

impl Node<'_> {
    /// Reads and writes `arena`, which is as long as the model asks for, as is `workspace`.
    pub(super) fn run(&self, arena: &mut [u8], workspace: &mut [u8]) -> Result<(), Fault> {
        let (before, rest) = arena.split_at_mut(self.output.offset);
        let (output, after) = rest.split_at_mut(self.output.len);
        let around = Around { before, after, after_start: self.output.end() };
        self.op.run(around.bytes(&self.input), &around, workspace, output)
    }
}

/// The arena while one piece of it is written.
struct Around<'a> {
    before: &'a [u8],
    after: &'a [u8],
    after_start: usize,
}

impl<'a> Around<'a> {
    /// The bytes of an operand, which lies apart from what is written.
    fn bytes(&self, operand: &Operand<'a>) -> &'a [u8] {
        match operand {
            Operand::Constant(bytes) => bytes,
            Operand::Arena(slot) if slot.offset < self.after_start => &self.before[slot.offset..][..slot.len],
            Operand::Arena(slot) => &self.after[slot.offset - self.after_start..][..slot.len],
        }
    }
}

impl<'a> Op<'a> {
    fn run(&self, input: &'a [u8], around: &Around<'a>, workspace: &mut [u8], output: &mut [u8]) -> Result<(), Fault> {
        let values: &[i8] = cast_slice(input);
        match self {
            Self::Conv2d(conv) => layer::run_conv2d(conv, values, cast_slice_mut(workspace), cast_slice_mut(output))?,
            Self::DepthwiseConv2d(conv) => layer::run_depthwise(conv, values, cast_slice_mut(workspace), cast_slice_mut(output))?,
            Self::FullyConnected(full) => {
                layer::run_fully_connected(full, values, cast_slice_mut(workspace), cast_slice_mut(output))?;
            }
            Self::Lstm(lstm) => lstm.run(values, workspace, cast_slice_mut(output))?,
            Self::Add(params, [left, right], operand) => {
                let other = cast_slice(around.bytes(operand));
                elementwise::add(params, (values, left), (other, right), cast_slice_mut(output));
            }
            Self::Mul(params, [left, right], operand) => {
                let other = cast_slice(around.bytes(operand));
                elementwise::mul(params, (values, left), (other, right), cast_slice_mut(output));
            }
            Self::AveragePool2d(params) => pool2d::average_pool2d(params, values, cast_slice_mut(output)),
            Self::MaxPool2d(params) => pool2d::max_pool2d(params, values, cast_slice_mut(output)),
            Self::Reduce(params) => reduce::reduce(params, values, cast_slice_mut(output)),
            Self::Softmax(params) => softmax::softmax(params, values, cast_slice_mut(output)),
            Self::Table(table) => output.iter_mut().zip(input).for_each(|(out, value)| *out = table[usize::from(*value)]),
            Self::Gather(walk) => data_movement::gather(walk, input, output),
            Self::Pad(inner, value) => data_movement::pad(inner, *value, input, output),
            Self::Join(joint) => data_movement::concatenate_part(joint, input, output),
            Self::Split(joint) => data_movement::split_part(joint, input, output),
            Self::Resize(resize) => run_resize(resize, input, output),
            Self::Quantize(affine, to) => quantize_to(*affine, *to, input, output),
            Self::Dequantize(affine, from) => dequantize_from(*affine, *from, input, output),
            Self::Requantize(params, [from, to]) => requantize_from(params, [*from, *to], input, output),
        }
        Ok(())
    }
}

fn run_resize(resize: &Resize<'_>, input: &[u8], output: &mut [u8]) {
    let extents = [resize.rows.len() / 2, resize.columns.len() / 2];
    let coordinate = |axis, index| resize.coordinate(axis, index);
    data_movement::resize_nearest_neighbor(coordinate, [resize.input_extent, extents], resize.pixel_bytes, input, output);
}

/// An element as little-endian bytes: they may lie at any address.
trait Bytes: Quantized {
    const LEN: usize;
    fn get(bytes: &[u8]) -> Self;
    fn put(self, bytes: &mut [u8]);
}

macro_rules! bytes {
    ($($type:ty),*) => {$(
        impl Bytes for $type {
            const LEN: usize = size_of::<$type>();
            fn get(bytes: &[u8]) -> Self {
                bytes.try_into().map(Self::from_le_bytes).unwrap_or_default()
            }
            fn put(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
bytes!(i8, u8, i16, i32);

/// An expression for the type that an element has.
macro_rules! of_element {
    ($element:expr, $type:ident => $do:expr) => {
        match $element {
            Element::I8 => {
                type $type = i8;
                $do
            }
            Element::U8 => {
                type $type = u8;
                $do
            }
            Element::I16 => {
                type $type = i16;
                $do
            }
            Element::I32 => {
                type $type = i32;
                $do
            }
            // Reading a node refuses it.
            Element::F32 => {}
        }
    };
}

fn quantize_to(affine: Affine, to: Element, input: &[u8], output: &mut [u8]) {
    fn each<T: Bytes>(affine: Affine, input: &[u8], output: &mut [u8]) {
        for (real, out) in input.as_chunks::<4>().0.iter().zip(output.chunks_exact_mut(T::LEN)) {
            let mut integer = [T::saturate(0)];
            quantize::quantize(affine, &[f32::from_le_bytes(*real)], &mut integer);
            integer[0].put(out);
        }
    }
    of_element!(to, T => each::<T>(affine, input, output));
}

fn dequantize_from(affine: Affine, from: Element, input: &[u8], output: &mut [u8]) {
    fn each<T: Bytes>(affine: Affine, input: &[u8], output: &mut [u8]) {
        for (integer, out) in input.chunks_exact(T::LEN).zip(output.as_chunks_mut::<4>().0) {
            let mut real = [0.0];
            quantize::dequantize(affine, &[T::get(integer)], &mut real);
            *out = real[0].to_le_bytes();
        }
    }
    of_element!(from, T => each::<T>(affine, input, output));
}

fn requantize_from(params: &RequantizeParams, [from, to]: [Element; 2], input: &[u8], output: &mut [u8]) {
    fn to_any<I: Bytes>(params: &RequantizeParams, to: Element, input: &[u8], output: &mut [u8]) {
        of_element!(to, O => each::<I, O>(params, input, output));
    }
    fn each<I: Bytes, O: Bytes>(params: &RequantizeParams, input: &[u8], output: &mut [u8]) {
        for (from, to) in input.chunks_exact(I::LEN).zip(output.chunks_exact_mut(O::LEN)) {
            let mut result = [O::saturate(0)];
            quantize::requantize(params, &[I::get(from)], &mut result);
            result[0].put(to);
        }
    }
    of_element!(from, I => to_any::<I>(params, to, input, output));
}
