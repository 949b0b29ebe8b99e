//! One node of a model file: what it computes, where its operands are, where its result goes.

use super::layer::{self, Trained};
use super::read::{Fault, Reader, expect_len, product};
use super::recurrent::Lstm;
use super::{Context, Element, Operand, Slot};
use crate::fixed_point::Affine;
use crate::kernels::conv2d::Conv2dParams;
use crate::kernels::data_movement::Joint;
use crate::kernels::depthwise_conv2d::DepthwiseConv2dParams;
use crate::kernels::elementwise::{AddParams, MulParams, Sum};
use crate::kernels::fully_connected::FullyConnectedParams;
use crate::kernels::pool2d::Pool2dParams;
use crate::kernels::quantize::RequantizeParams;
use crate::kernels::reduce::ReduceParams;
use crate::kernels::softmax::SoftmaxParams;
use crate::shape::Strided;

/// First byte of a node.
pub mod tag {
    #![expect(missing_docs, reason = "the module's table says what they are")]
    pub const CONV2D: u8 = 0;
    pub const DEPTHWISE_CONV2D: u8 = 1;
    pub const FULLY_CONNECTED: u8 = 2;
    pub const ADD: u8 = 3;
    pub const SUB: u8 = 4;
    pub const MUL: u8 = 5;
    pub const AVERAGE_POOL2D: u8 = 6;
    pub const MAX_POOL2D: u8 = 7;
    pub const REDUCE: u8 = 8;
    pub const SOFTMAX: u8 = 9;
    pub const TABLE: u8 = 10;
    pub const GATHER: u8 = 11;
    pub const PAD: u8 = 12;
    pub const JOIN: u8 = 13;
    pub const SPLIT: u8 = 14;
    pub const RESIZE: u8 = 15;
    pub const LSTM: u8 = 16;
    pub const QUANTIZE: u8 = 17;
    pub const DEQUANTIZE: u8 = 18;
    pub const REQUANTIZE: u8 = 19;
}

#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) op: Op<'a>,
    pub(super) output: Slot,
    pub(super) input: Operand<'a>,
}

/// What a node computes. Lengths fit: kernels stay within their operands.
#[derive(Clone, Debug)]
pub(super) enum Op<'a> {
    Conv2d((Conv2dParams<'static>, Trained<'a>)),
    DepthwiseConv2d((DepthwiseConv2dParams<'static>, Trained<'a>)),
    FullyConnected((FullyConnectedParams<'static>, Trained<'a>)),
    Add(AddParams, [Strided; 2], Operand<'a>),
    Mul(MulParams, [Strided; 2], Operand<'a>),
    AveragePool2d(Pool2dParams),
    MaxPool2d(Pool2dParams),
    Reduce(ReduceParams),
    Softmax(SoftmaxParams),
    /// 256 results in the order of the operand's bits.
    Table(&'a [u8]),
    Gather(Strided),
    Pad(Strided, u8),
    Join(Joint),
    Split(Joint),
    Resize(Resize<'a>),
    Lstm(Lstm<'a>),
    Quantize(Affine, Element),
    Dequantize(Affine, Element),
    Requantize(RequantizeParams, [Element; 2]),
}

/// Coordinates of the nearest pixels, two bytes each, rows before columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resize<'a> {
    pub(super) rows: &'a [u8],
    pub(super) columns: &'a [u8],
    pub(super) input_extent: [usize; 2],
    pub(super) pixel_bytes: usize,
}

impl<'a> Node<'a> {
    pub(super) fn read(r: &mut Reader<'a>, cx: &Context<'a>) -> Result<Self, Fault> {
        let tag = r.u8()?;
        let output = cx.slot(r)?;
        let input = cx.operand(r)?;
        input.check_apart(output)?;
        let op = Op::read(tag, r, cx, &input, output)?;
        Ok(Self { op, output, input })
    }

    /// What only a look at every value can tell.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match &self.op {
            Op::Conv2d((_, trained)) | Op::DepthwiseConv2d((_, trained)) | Op::FullyConnected((_, trained)) => trained.check(),
            Op::Lstm(lstm) => lstm.check(),
            Op::Resize(resize) => resize.check(),
            _ => Ok(()),
        }
    }

    pub(super) fn workspace_bytes(&self) -> Result<usize, Fault> {
        match &self.op {
            Op::Conv2d((_, trained)) | Op::DepthwiseConv2d((_, trained)) | Op::FullyConnected((_, trained)) => {
                Ok(trained.weights.workspace_bytes())
            }
            Op::Lstm(lstm) => lstm.workspace_bytes(),
            _ => Ok(0),
        }
    }
}

impl<'a> Op<'a> {
    fn read(tag: u8, r: &mut Reader<'a>, cx: &Context<'a>, input: &Operand<'a>, output: Slot) -> Result<Self, Fault> {
        let lens = [input.len(), output.len];
        let rounding = cx.rounding;
        Ok(match tag {
            tag::CONV2D => Self::Conv2d(layer::read_conv2d(r, cx, lens)?),
            tag::DEPTHWISE_CONV2D => Self::DepthwiseConv2d(layer::read_depthwise(r, cx, lens)?),
            tag::FULLY_CONNECTED => Self::FullyConnected(layer::read_fully_connected(r, cx, lens)?),
            tag::ADD | tag::SUB => {
                let (walks, right) = two_walks(r, cx, input, output)?;
                let sum = if tag == tag::ADD { Sum::Add } else { Sum::Sub };
                let zero_points = [r.zero_point()?, r.zero_point()?, r.zero_point()?];
                let (multipliers, range) = (r.multipliers()?, r.range()?);
                Self::Add(AddParams { sum, zero_points, multipliers, range, rounding }, walks, right)
            }
            tag::MUL => {
                let (walks, right) = two_walks(r, cx, input, output)?;
                let zero_points = [r.zero_point()?, r.zero_point()?, r.zero_point()?];
                let (multiplier, range) = (r.multiplier()?, r.range()?);
                Self::Mul(MulParams { zero_points, multiplier, range, rounding }, walks, right)
            }
            tag::AVERAGE_POOL2D => Self::AveragePool2d(read_pool(r, lens)?),
            tag::MAX_POOL2D => Self::MaxPool2d(read_pool(r, lens)?),
            tag::REDUCE => Self::Reduce(read_reduce(r, cx, lens)?),
            tag::SOFTMAX => {
                expect_len(lens[0], lens[1])?;
                let (depth, multiplier) = (r.extent()?, r.multiplier()?);
                let params = SoftmaxParams::of(depth, multiplier, rounding).filter(|_| lens[0].is_multiple_of(depth));
                Self::Softmax(params.ok_or("its rows do not fit, or its multiplier is too small")?)
            }
            tag::TABLE => {
                let table = cx.data(r)?;
                expect_len(table.len(), 256)?;
                expect_len(lens[0], lens[1])?;
                Self::Table(table)
            }
            tag::GATHER => {
                let (walk, _) = r.walk(lens[0])?;
                expect_len(walk.len(), lens[1])?;
                Self::Gather(walk)
            }
            tag::PAD => {
                let (inner, _) = r.walk(lens[1])?;
                expect_len(inner.len(), lens[0])?;
                Self::Pad(inner, r.u8()?)
            }
            tag::JOIN => Self::Join(read_joint(r, [lens[0], lens[1]])?),
            tag::SPLIT => Self::Split(read_joint(r, [lens[1], lens[0]])?),
            tag::RESIZE => Self::Resize(Resize::read(r, cx, lens)?),
            tag::LSTM => Self::Lstm(Lstm::read(r, cx, lens)?),
            tag::QUANTIZE => Self::Quantize(r.affine()?, converted(r, lens, Element::F32, true)?),
            tag::DEQUANTIZE => Self::Dequantize(r.affine()?, converted(r, lens, Element::F32, false)?),
            tag::REQUANTIZE => {
                let zero_points = [r.u32()? as i32, r.u32()? as i32];
                let multiplier = r.multiplier()?;
                let from = Element::read_integer(r)?;
                let to = converted(r, lens, from, true)?;
                Self::Requantize(RequantizeParams { zero_points, multiplier, rounding }, [from, to])
            }
            _ => return Err("nothing is known of this operator"),
        })
    }
}

/// The right operand, and how both are walked over while the result is written.
fn two_walks<'a>(
    r: &mut Reader<'a>,
    cx: &Context<'a>,
    left: &Operand<'a>,
    output: Slot,
) -> Result<([Strided; 2], Operand<'a>), Fault> {
    let right = cx.operand(r)?;
    right.check_apart(output)?;
    let walks = [r.walk(left.len())?.0, r.walk(right.len())?.0];
    walks.iter().try_for_each(|walk| expect_len(walk.len(), output.len))?;
    Ok((walks, right))
}

fn read_pool(r: &mut Reader<'_>, lens: [usize; 2]) -> Result<Pool2dParams, Fault> {
    let (input, output) = (r.nhwc()?, r.nhwc()?);
    let window = r.window(output)?;
    expect_len(lens[0], input.len())?;
    expect_len(lens[1], output.len())?;
    if input.batch != output.batch || input.channels != output.channels {
        return Err("its channels do not fit one another");
    }
    Ok(Pool2dParams { input, output, window, range: r.range()? })
}

fn read_reduce<'a>(r: &mut Reader<'a>, cx: &Context<'a>, lens: [usize; 2]) -> Result<ReduceParams, Fault> {
    let (kept, last_kept) = r.walk(lens[0])?;
    let (reduced, last_reduced) = r.walk(lens[0])?;
    expect_len(kept.len(), lens[1])?;
    if last_kept + last_reduced >= lens[0] || reduced.len() > lens[0] {
        return Err("a walk leaves its tensor");
    }
    let (input_zero_point, output_zero_point) = (r.zero_point()?, r.zero_point()?);
    let multiplier = r.multiplier()?;
    Ok(ReduceParams { kept, reduced, input_zero_point, output_zero_point, multiplier, rounding: cx.rounding })
}

/// A joint between a part and a whole of these lengths.
fn read_joint(r: &mut Reader<'_>, [part_len, whole_len]: [usize; 2]) -> Result<Joint, Fault> {
    let joint = Joint { blocks: r.extent()?, whole: r.extent()?, part: r.extent()?, offset: r.varint()? };
    expect_len(part_len, product(&[joint.blocks, joint.part])?)?;
    expect_len(whole_len, product(&[joint.blocks, joint.whole])?)?;
    match joint.offset.checked_add(joint.part) {
        Some(end) if end <= joint.whole => Ok(joint),
        _ => Err("a part leaves its tensor"),
    }
}

/// The integer type at the other end of a conversion from (`is_source`) or to `known`.
fn converted(r: &mut Reader<'_>, lens: [usize; 2], known: Element, is_source: bool) -> Result<Element, Fault> {
    let element = Element::read_integer(r)?;
    let [from, to] = if is_source { [known, element] } else { [element, known] };
    if !lens[0].is_multiple_of(from.bytes()) {
        return Err("a tensor's length does not fit its type");
    }
    expect_len(lens[1], product(&[lens[0] / from.bytes(), to.bytes()])?)?;
    Ok(element)
}

impl<'a> Resize<'a> {
    fn read(r: &mut Reader<'a>, cx: &Context<'a>, lens: [usize; 2]) -> Result<Self, Fault> {
        let batch = r.extent()?;
        let input_extent = [r.extent()?, r.extent()?];
        let pixel_bytes = r.extent()?;
        let (rows, columns) = (cx.data(r)?, cx.data(r)?);
        if rows.len() % 2 != 0 || columns.len() % 2 != 0 {
            return Err("half a coordinate is missing");
        }
        expect_len(lens[0], product(&[batch, input_extent[0], input_extent[1], pixel_bytes])?)?;
        expect_len(lens[1], product(&[batch, rows.len() / 2, columns.len() / 2, pixel_bytes])?)?;
        Ok(Self { rows, columns, input_extent, pixel_bytes })
    }

    /// The input coordinate of an output row (axis 0) or column (axis 1).
    pub(super) fn coordinate(&self, axis: usize, index: usize) -> usize {
        let table = if axis == 0 { self.rows } else { self.columns };
        usize::from(u16::from_le_bytes([table[2 * index], table[2 * index + 1]]))
    }

    fn check(&self) -> Result<(), Fault> {
        let inside = |axis: usize, n: usize| (0..n).all(|index| self.coordinate(axis, index) < self.input_extent[axis]);
        let is_sound = inside(0, self.rows.len() / 2) && inside(1, self.columns.len() / 2);
        if is_sound { Ok(()) } else { Err("a coordinate lies outside the image") }
    }
}
