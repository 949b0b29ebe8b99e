//! Pooling, over windows and over the whole image.

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::super::view::View;
use super::window::{Amounts, Image, Window, image, made, pair};
use crate::ops::{Activation, Binary, BinaryKind, Op, Padding, Pool2d, PoolKind, Reduce, ReduceKind};

/// MaxPool and AveragePool.
pub(super) fn pool(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let image = image(builder, call, 0)?;
    let kind = if call.node.op_type == "MaxPool" { PoolKind::Max } else { PoolKind::Average };
    if call.node.outputs.len() > 1 {
        return refuse("gives the places of the largest values as well, which is not supported");
    }
    if call.integers("kernel_shape").is_none_or(<[i64]>::is_empty) {
        return Err(call.broken("a window without kernel_shape"));
    }
    let window = Window {
        size: pair(call, "kernel_shape", image.rank)?,
        stride: pair(call, "strides", image.rank)?,
        dilation: pair(call, "dilations", image.rank)?,
    };
    if window.dilation != [1, 1] {
        return refuse("has a dilated window, which is not supported");
    }
    let amounts = window.amounts(call, &image)?;
    let op =
        |padding| Op::Pool2d(Pool2d { kind, window: window.size, stride: window.stride, padding, activation: Activation::None });
    let is_padded = amounts.before != [0; 2] || amounts.after != [0; 2];
    let counts_padding = kind == PoolKind::Average && is_padded && call.integer("count_include_pad", 0) != 0;
    if let Some(padding) = window.named(&image, &amounts).filter(|&padding| padding == Padding::Valid || !counts_padding) {
        let id = builder.emit(op(padding), vec![Some(image.id)])?;
        return Ok(Value::Tensor(made(id, image.rank)));
    }
    // Zeros around are right for averages, nothing is larger than the lowest number.
    let around = (kind == PoolKind::Max).then_some(f32::MIN);
    let input = window.padded(builder, &image, &amounts, around)?;
    let mut id = builder.emit(op(Padding::Valid), vec![Some(input)])?;
    let factors = (kind == PoolKind::Average).then(|| factors(&window, &image, &amounts, counts_padding)).flatten();
    if let Some(factors) = factors {
        let shape = vec![1, amounts.output[0], amounts.output[1], 1];
        let factors = builder.floats("counts", shape, factors)?;
        let mul = Op::Binary(Binary { kind: BinaryKind::Mul, activation: Activation::None });
        id = builder.emit_helper("counts", mul, vec![Some(id), Some(factors)])?;
    }
    Ok(Value::Tensor(made(id, image.rank)))
}

/// What averages over whole windows have to be multiplied with, where a window counts only some of its places; `None` if all
/// factors are 1.
fn factors(window: &Window, image: &Image, amounts: &Amounts, counts_padding: bool) -> Option<Vec<f32>> {
    let counted = |i: usize, place: usize| {
        let start = place * window.stride[i];
        // With the padding counted a window still ends where the padding does.
        let (low, high) = if counts_padding {
            (0, amounts.before[i] + image.size[i] + amounts.after[i])
        } else {
            (amounts.before[i], amounts.before[i] + image.size[i])
        };
        (start + window.size[i]).min(high).saturating_sub(start.max(low)).max(1)
    };
    let whole = window.size[0] * window.size[1];
    let factor = |y: usize, x: usize| whole as f32 / (counted(0, y) * counted(1, x)) as f32;
    let [h, w] = amounts.output;
    if h.checked_mul(w).is_none_or(|n| n > 1 << 24) {
        return None;
    }
    let factors: Vec<f32> = (0..h).flat_map(|y| (0..w).map(move |x| (y, x))).map(|(y, x)| factor(y, x)).collect();
    factors.iter().any(|&factor| factor != 1.0).then_some(factors)
}

/// GlobalAveragePool and GlobalMaxPool.
pub(super) fn global(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let image = image(builder, call, 0)?;
    let kind = if call.node.op_type == "GlobalMaxPool" { ReduceKind::Max } else { ReduceKind::Mean };
    // Mostly only the channels are wanted next.
    let keep_dims = call.is_output || !call.readers.iter().all(|op| matches!(*op, "Flatten" | "Reshape" | "Squeeze"));
    let axes = builder.integers("axes", &[1, 2])?;
    let op = Op::Reduce(Reduce { kind, keep_dims });
    let id = builder.emit(op, vec![Some(image.id), Some(axes)])?;
    if keep_dims {
        return Ok(Value::Tensor(made(id, image.rank)));
    }
    let axes = [vec![vec![0], vec![1]], vec![vec![]; image.rank - 2]].concat();
    Ok(Value::Tensor(View { id, axes }))
}
