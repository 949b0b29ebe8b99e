//! Values seen in another order or shape, cut and padded.

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::super::view::View;
use super::shapes::{permutation, reshaped_shape, slice_ranges, squeezed_axes, unsqueezed_axes};
use crate::ops::{Gather, MirrorPad, Op, Pad, PadV2, StridedSlice};

/// Transpose, Squeeze, Unsqueeze, Reshape, Flatten: another view, and a node only if none will do.
pub(super) fn view(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let view = call.view(builder, 0)?;
    let shape = builder.shape(&view);
    let value = match call.node.op_type {
        "Transpose" => view.transposed(&permutation(call, shape.len())?),
        "Squeeze" => view.without(&squeezed_axes(call, &shape)?),
        "Unsqueeze" => view.with_new(&unsqueezed_axes(call, shape.len())?),
        _ => {
            let wanted = reshaped_shape(call, &shape)?;
            match view.reshaped(builder.shape_of(view.id), &wanted) {
                Some(view) => view,
                None => {
                    let plain = builder.plain(&view)?;
                    View::plain(builder.reshape(plain.id, &wanted)?, wanted.len())
                }
            }
        }
    };
    Ok(Value::Tensor(value))
}

/// A part of a view: for some axes of the tensor where it starts, the step and how many.
pub(super) fn cut(builder: &mut Builder, view: &View, ranges: &[(usize, usize, i64, usize)]) -> Result<View, Fail> {
    let shape = builder.shape_of(view.id).to_vec();
    let mut begin = vec![0i64; shape.len()];
    let mut end: Vec<i64> = shape.iter().map(|&extent| extent as i64).collect();
    let mut strides = vec![1i64; shape.len()];
    let mut end_mask = 0u32;
    for &(axis, start, step, count) in ranges {
        if count == 0 || axis >= 32 {
            return refuse("takes a part without any values, which is not supported");
        }
        (begin[axis], strides[axis]) = (start as i64, step);
        end[axis] = start as i64 + (count as i64 - 1) * step + step.signum();
        // Before the first element there is no number for an end.
        if end[axis] < 0 {
            end[axis] = 0;
            end_mask |= 1 << axis;
        }
    }
    let (begin, end) = (builder.integers("begin", &begin)?, builder.integers("end", &end)?);
    let strides = builder.integers("strides", &strides)?;
    let op = Op::StridedSlice(StridedSlice { end_mask, ..StridedSlice::default() });
    let id = builder.emit(op, vec![Some(view.id), Some(begin), Some(end), Some(strides)])?;
    Ok(view.of(id))
}

pub(super) fn slice(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let mut view = call.view(builder, 0)?;
    let shape = builder.shape(&view);
    let ranges = slice_ranges(call, &shape)?;
    let ranges: Vec<_> = ranges.into_iter().filter(|r| !(r.start == 0 && r.step == 1 && r.count == shape[r.axis])).collect();
    if ranges.is_empty() {
        return Ok(Value::Tensor(view));
    }
    if ranges.iter().any(|range| view.single(range.axis).is_none()) {
        view = builder.plain(&view)?;
    }
    let places = ranges.iter().filter_map(|r| Some((view.single(r.axis)?, r.start, r.step, r.count)));
    let places: Vec<_> = places.collect();
    Ok(Value::Tensor(cut(builder, &view, &places)?))
}

/// Gather of one element, or of some at equal distances, is a slice.
pub(super) fn gather(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let mut view = call.view(builder, 0)?;
    let axis = call.axis(call.integer("axis", 0), view.rank())?;
    let extent = builder.shape(&view)[axis] as i64;
    let (indices, _) = call.known(1, "indices")?;
    let list = indices.data.to_i64().ok_or_else(|| call.broken("indices that are no integers"))?;
    let list: Vec<i64> = list.into_iter().map(|i| if i < 0 { i.saturating_add(extent) } else { i }).collect();
    if list.iter().any(|i| !(0..extent).contains(i)) {
        return Err(call.broken(format!("takes elements that axis {axis} of extent {extent} does not have")));
    }
    let step = if list.len() > 1 { list[1] - list[0] } else { 1 };
    let is_even = step != 0 && list.windows(2).all(|pair| pair[1] - pair[0] == step);
    if list.is_empty() {
        return refuse("takes no elements, which is not supported");
    }
    if view.single(axis).is_none() {
        view = builder.plain(&view)?;
    }
    if !is_even || indices.shape.len() > 1 {
        return picked(builder, call, &view, axis, &list);
    }
    let Some(along) = view.single(axis) else { return refuse("takes elements of an axis that lies in parts") };
    let view = cut(builder, &view, &[(along, list[0] as usize, step, list.len())])?;
    Ok(Value::Tensor(if indices.shape.is_empty() { view.without(&[axis]) } else { view }))
}

/// Gather of elements in any order.
fn picked(builder: &mut Builder, call: &Call<'_, '_>, view: &View, axis: usize, list: &[i64]) -> Result<Value, Fail> {
    let view = builder.plain(view)?;
    let indices = builder.integers("indices", list)?;
    let shape = call.known(1, "indices")?.0.shape.clone();
    let rank = view.rank() - 1 + shape.len();
    builder.set_shape(indices, shape);
    let op = Op::Gather(Gather { axis: axis as i32, batch_dims: 0 });
    let id = builder.emit(op, vec![Some(view.id), Some(indices)])?;
    Ok(Value::Tensor(View::plain(id, rank)))
}

/// Pad with a number or with what lies inside; negative amounts cut.
pub(super) fn pad(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let mut view = call.view(builder, 0)?;
    let rank = view.rank();
    let mode = call.text("mode").unwrap_or("constant");
    let amounts = call.integers_anywhere("pads", 1)?.ok_or_else(|| call.broken("amounts are missing"))?;
    let axes = match call.known_integers(3, "axes")? {
        Some(axes) => axes.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if let Some(amount) = amounts.iter().find(|amount| amount.unsigned_abs() > 1 << 30) {
        return Err(call.broken(format!("pads by {amount}")));
    }
    if amounts.len() != axes.len() * 2 {
        return Err(call.broken(format!("{} amounts for {} axes", amounts.len(), axes.len())));
    }
    let mut pairs = vec![(0, 0); rank];
    for (i, &axis) in axes.iter().enumerate() {
        pairs[axis] = (amounts[i], amounts[i + axes.len()]);
    }
    if pairs.iter().all(|&pair| pair == (0, 0)) {
        return Ok(Value::Tensor(view));
    }
    let value = if call.has("value") { Some(call.float("value", 0.0)) } else { constant_value(call)? };
    let is_thin = pairs.iter().all(|pair| (0..=1).contains(&pair.0) && (0..=1).contains(&pair.1));
    let around = value.filter(|&value| value != 0.0 && !is_zero_point(builder, &view, value));
    let op = match mode {
        "constant" if around.is_some() => Op::PadV2(PadV2),
        "constant" => Op::Pad(Pad),
        "reflect" => Op::MirrorPad(MirrorPad { with_edge: false }),
        // One more of the edge is its mirror image.
        "edge" if is_thin => Op::MirrorPad(MirrorPad { with_edge: true }),
        _ => return refuse(format!("pads in mode {mode}, which is not supported")),
    };
    if (0..rank).any(|axis| pairs[axis] != (0, 0) && view.single(axis).is_none()) {
        view = builder.plain(&view)?;
    }
    let shape = builder.shape_of(view.id).to_vec();
    let mut list = vec![0i64; shape.len() * 2];
    let mut cuts = Vec::new();
    for (axis, &(before, after)) in pairs.iter().enumerate().filter(|(_, pair)| **pair != (0, 0)) {
        let Some(along) = view.single(axis) else { return refuse("pads an axis that lies in parts") };
        (list[along * 2], list[along * 2 + 1]) = (before.max(0), after.max(0));
        if before < 0 || after < 0 {
            let left = shape[along] as i64 + before.min(0) + after.min(0);
            let left = usize::try_from(left).map_err(|_| call.broken("cuts more than there is"))?;
            cuts.push((along, (-before.min(0)) as usize, 1, left));
        }
    }
    if !cuts.is_empty() {
        view = cut(builder, &view, &cuts)?;
    }
    if list.iter().all(|&amount| amount == 0) {
        return Ok(Value::Tensor(view));
    }
    let paddings = builder.integers("paddings", &list)?;
    let paddings = builder.as_pairs(paddings);
    let mut inputs = vec![Some(view.id), Some(paddings)];
    if let (Some(around), Op::PadV2(_)) = (around, &op) {
        inputs.push(Some(builder.floats("around", vec![], vec![around])?));
    }
    let id = builder.emit(op, inputs)?;
    Ok(Value::Tensor(view.of(id)))
}

/// Whether a value of integers stands for zero; unsigned bytes have become signed ones.
fn is_zero_point(builder: &Builder, view: &View, value: f32) -> bool {
    builder.quantization(view).is_some_and(|q| [q.zero_point() as f32, q.zero_point() as f32 + 128.0].contains(&value))
}

/// The value that is put around, of any type.
fn constant_value(call: &Call<'_, '_>) -> Result<Option<f32>, Fail> {
    if call.input(2).is_none() {
        return Ok(None);
    }
    let (constant, _) = call.known(2, "padding value")?;
    let value = match (constant.data.as_f32(), constant.data.to_i64()) {
        (Some(&[value]), _) => Some(value),
        (_, Some(list)) if list.len() == 1 => Some(list[0] as f32),
        _ => None,
    };
    Ok(value)
}
