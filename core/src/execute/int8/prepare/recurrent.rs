//! The fused LSTM.

use tinsmith_runtime::kernels::lstm::{LstmParams, LstmScales};

use super::super::layer::{Lstm, Plain};
use super::Built;
use super::node::NodeCx;
use crate::execute::ExecuteError;
use crate::ops::{self, Activation};
use crate::tensor::{Data, ElementType, Tensor};

pub(super) fn lstm(cx: &NodeCx<'_>, op: &ops::Lstm) -> Result<Built<'static>, ExecuteError> {
    let extents = op.extents(&cx.operands()).map_err(|error| cx.fail(error))?;
    if op.activation != Activation::Tanh || ops::Lstm::couples_gates(&cx.operands()) {
        return Err(cx.unsupported("the integer kernel takes an LSTM with tanh and an input gate of its own"));
    }
    let hidden = cx.int8(cx.output()?, "output")?;
    if cx.int8(cx.input(ops::Lstm::OUTPUT_STATE)?, "output state")? != hidden {
        return Err(cx.unsupported("its output state and its output are quantized differently"));
    }
    let cell = cx.input(ops::Lstm::CELL_STATE)?;
    if cell.element != ElementType::I16 {
        return Err(cx.unsupported(format!("its cell state is {}, the integer kernel has int16", cell.element.name())));
    }
    let input_weights = four(cx, ops::Lstm::INPUT_WEIGHTS, weights)?;
    let recurrent_weights = four(cx, ops::Lstm::RECURRENT_WEIGHTS, weights)?;
    let scales = LstmScales {
        input: cx.int8(cx.input(0)?, "input")?,
        hidden,
        cell: cx.affine(cell, "cell state")?.scale,
        input_weights: input_weights.each_ref().map(|(_, scale)| *scale),
        recurrent_weights: recurrent_weights.each_ref().map(|(_, scale)| *scale),
    };
    let params = LstmParams::prepare([extents.inputs, extents.units], &scales, op.cell_clip, cx.rounding)
        .ok_or_else(|| cx.unsupported("its scales are out of all proportion, or its cell state's is not a power of two"))?;
    let lstm = Lstm {
        params,
        input: input_weights.map(|(values, _)| values),
        recurrent: recurrent_weights.map(|(values, _)| values),
        bias: four(cx, ops::Lstm::BIAS, bias)?,
    };
    Ok(Built::plain(Plain::Lstm(Box::new(lstm)), vec![0]))
}

/// Something of four operands in a row.
fn four<T>(
    cx: &NodeCx<'_>,
    first: usize,
    get: impl Fn(&NodeCx<'_>, &Tensor) -> Result<T, ExecuteError>,
) -> Result<[T; 4], ExecuteError> {
    let one = |gate: usize| get(cx, cx.input(first + gate)?);
    Ok([one(0)?, one(1)?, one(2)?, one(3)?])
}

fn weights(cx: &NodeCx<'_>, tensor: &Tensor) -> Result<(Vec<i8>, f32), ExecuteError> {
    let affine = cx.affine(tensor, "weights")?;
    match tensor.data.as_ref().and_then(Data::as_i8) {
        Some(values) if affine.zero_point == 0 && tensor.element == ElementType::I8 => Ok((values.to_vec(), affine.scale)),
        _ => Err(cx.unsupported("its weights are no int8 constants with zero point 0")),
    }
}

fn bias(cx: &NodeCx<'_>, tensor: &Tensor) -> Result<Vec<i32>, ExecuteError> {
    match tensor.data.as_ref().and_then(Data::as_i32) {
        Some(values) => Ok(values.to_vec()),
        None => Err(cx.unsupported("its biases are no int32 constants")),
    }
}
