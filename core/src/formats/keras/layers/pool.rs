//! Pooling over windows and over everything.

use serde::Deserialize;

use super::super::super::error::Trouble;
use super::super::builder::{Form, Value};
use super::super::config::{Flag, Numbers};
use super::call::Call;
use super::conv::{padding, pair};
use crate::ops::{Activation, Op, Pool2d, PoolKind, Reduce, ReduceKind};

fn kind(call: &Call<'_, '_>) -> PoolKind {
    if call.class.contains("Max") { PoolKind::Max } else { PoolKind::Average }
}

/// AVERAGE_POOL_2D, MAX_POOL_2D.
pub(super) fn window(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        pool_size: Numbers,
        strides: Option<Numbers>,
        padding: String,
    }
    let settings: Settings = call.settings()?;
    let window = pair(call, "pool_size", &settings.pool_size)?;
    let stride = settings.strides.map_or(Ok(window), |strides| pair(call, "strides", &strides))?;
    let padding = padding(call, &settings.padding)?;
    let (input, _) = call.image()?;
    let op = Op::Pool2d(Pool2d { kind: kind(call), window, stride, padding, activation: Activation::None });
    let id = call.node("", op, &[input])?;
    Ok(call.image_value(id))
}

/// MEAN or REDUCE_MAX over height and width, or over time.
pub(super) fn global(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        keepdims: Option<Flag>,
    }
    let settings: Settings = call.settings()?;
    let keep_dims = settings.keepdims.is_some_and(|Flag(is_set)| is_set);
    call.check_layout()?;
    let (input, form) = call.any_operand()?;
    // A sequence has one axis to go, whether as it is or as an image of one row.
    let axes: &[i32] = if call.is_1d() && form == Form::Plain { &[1] } else { &[1, 2] };
    let axes = call.builder.integers(call.name, "axes", axes)?;
    let kind = if kind(call) == PoolKind::Max { ReduceKind::Max } else { ReduceKind::Mean };
    let id = call.node("", Op::Reduce(Reduce { kind, keep_dims }), &[input, axes])?;
    Ok(if keep_dims { call.builder.value_as(id, form) } else { call.builder.value(id) })
}
