//! Pooling over windows and over everything.

use serde::Deserialize;

use super::super::super::error::Trouble;
use super::super::builder::Value;
use super::super::config::{Flag, Numbers};
use super::call::Call;
use super::conv::{padding, pair};
use crate::ops::{Activation, Op, Padding, Pool2d, PoolKind, Reduce, ReduceKind};

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
    Ok(call.from_image(id))
}

/// MEAN over height and width; MAX_POOL_2D with a window of the whole image.
pub(super) fn global(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        keepdims: Option<Flag>,
    }
    let settings: Settings = call.settings()?;
    let keep_dims = settings.keepdims.is_some_and(|Flag(is_set)| is_set);
    let (input, [n, h, w, c]) = call.image()?;
    if kind(call) == PoolKind::Average {
        let axes = call.builder.integers(call.name, "axes", &[1, 2])?;
        let op = Op::Reduce(Reduce { kind: ReduceKind::Mean, keep_dims });
        let id = call.node("", op, &[input, axes])?;
        return Ok(if keep_dims { call.from_image(id) } else { call.builder.value(id) });
    }
    let op = Pool2d {
        kind: PoolKind::Max,
        window: [h, w],
        stride: [h, w],
        padding: Padding::Valid,
        activation: Activation::None,
    };
    let id = call.node("", Op::Pool2d(op), &[input])?;
    if keep_dims {
        return Ok(call.from_image(id));
    }
    let id = call.builder.reshape(call.name, "squeeze", Some(id), &[n, c])?;
    Ok(call.builder.value(id))
}
