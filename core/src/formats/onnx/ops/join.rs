//! Concat and Split.

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::super::view::View;
use crate::graph::TensorId;
use crate::ops::{Activation, Concatenation, Op, Split};

pub(super) fn concat(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let first = call.inputs.iter().position(|input| matches!(input, Some(Value::Tensor(_)))).unwrap_or(0);
    let reference = call.view(builder, first)?;
    let axis = call.axis(call.integer("axis", 1), reference.rank())?;
    let shape = builder.shape(&reference);
    for index in 0..call.inputs.len() {
        let other = call.shape(builder, index)?;
        if other.len() != shape.len() || (0..shape.len()).any(|i| i != axis && other[i] != shape[i]) {
            return Err(call.broken(format!("joins shapes {shape:?} and {other:?} along axis {axis}")));
        }
    }
    let reference = if is_simple(&reference) { reference } else { builder.plain(&reference)? };
    let Some(along) = reference.single(axis) else { return refuse("joins along an axis that lies in parts") };
    let rank = builder.shape_of(reference.id).len();
    let mut inputs = Vec::with_capacity(call.inputs.len());
    for index in 0..call.inputs.len() {
        inputs.push(Some(in_order(builder, call, index, &reference, rank)?));
    }
    let op = Op::Concatenation(Concatenation { axis: along as i32, activation: Activation::None });
    let id = builder.emit(op, inputs)?;
    Ok(Value::Tensor(reference.of(id)))
}

/// Whether each axis of the source is one of the tensor.
fn is_simple(view: &View) -> bool {
    view.axes.iter().all(|list| list.len() == 1)
}

/// Operand `index` with its axes where `reference`, of which each is one axis, has them.
fn in_order(builder: &mut Builder, call: &Call<'_, '_>, index: usize, reference: &View, rank: usize) -> Result<TensorId, Fail> {
    let mut order = vec![Vec::new(); rank];
    for (source, list) in reference.axes.iter().enumerate() {
        order[list[0]] = vec![source];
    }
    if let Some((constant, number)) = call.constant(index) {
        let permutation: Vec<usize> = order.iter().flatten().copied().collect();
        let shape = order.iter().map(|list| list.first().map_or(1, |&axis| constant.shape[axis])).collect();
        return builder.constant(call.name(index), (constant, number), &constant.shape, &permutation, shape);
    }
    let view = call.view(builder, index)?;
    builder.arrange_axes(&view, &order)
}

pub(super) fn split(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Vec<Value>, Fail> {
    let view = call.view(builder, 0)?;
    let (axis, parts) = super::split_parts(call, &builder.shape(&view))?;
    let view = if view.single(axis).is_some() { view } else { builder.plain(&view)? };
    let Some(along) = view.single(axis) else { return refuse("cuts an axis that lies in parts") };
    let is_even = parts.windows(2).all(|pair| pair[0] == pair[1]);
    if is_even && !parts.is_empty() {
        let which = builder.integers("axis", &[along as i64])?;
        builder.as_scalar(which);
        let op = Op::Split(Split { n_splits: parts.len() });
        let ids = builder.emit_many("", op, vec![Some(which), Some(view.id)], parts.len())?;
        return Ok(ids.into_iter().map(|id| Value::Tensor(view.of(id))).collect());
    }
    let mut start = 0;
    let mut values = Vec::with_capacity(parts.len());
    for part in parts {
        values.push(Value::Tensor(super::movement::cut(builder, &view, &[(along, start, 1, part)])?));
        start += part;
    }
    Ok(values)
}
