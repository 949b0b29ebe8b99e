//! ConvTranspose as TRANSPOSE_CONV, with a slice behind where TFLite cuts off otherwise.

use std::sync::Arc;

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::super::permute;
use super::super::tensors::Constant;
use super::super::view::View;
use super::movement::cut;
use super::window::{Image, image, made, pair};
use crate::graph::TensorId;
use crate::ops::{Activation, Concatenation, Op, Padding, Split, TransposeConv};
use crate::tensor::Data;

pub(super) fn conv_transpose(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let image = image(builder, call, 0)?;
    let (weights, number) = call.known(1, "weights")?;
    let [n_in, n_out, h, w] = match (weights.shape.as_slice(), image.rank) {
        (&[n_in, n_out, h, w], 4) => [n_in, n_out, h, w],
        (&[n_in, n_out, w], 3) => [n_in, n_out, 1, w],
        (shape, rank) => return Err(call.broken(format!("weights of shape {shape:?} for an input of {rank} axes"))),
    };
    if n_in != image.channels || h == 0 || w == 0 {
        return Err(call.broken(format!("weights of shape {:?} do not fit {} input channels", weights.shape, image.channels)));
    }
    let dilation = pair(call, "dilations", image.rank)?;
    let groups = usize::try_from(call.integer("group", 1)).ok().filter(|&g| g > 0 && n_in % g == 0);
    let groups = groups.ok_or_else(|| call.broken(format!("{} groups of {n_in} channels", call.integer("group", 1))))?;
    if groups > MOST_GROUPS {
        return refuse(format!("works in {groups} groups; at most {MOST_GROUPS} are supported"));
    }
    let stride = pair(call, "strides", image.rank)?;
    let (weights, number, window) = dilated(builder, weights, number, [n_in, n_out, h, w], dilation)?;
    let [h, w] = window;
    let mut ends = [(0, 0); 2];
    for (i, end) in ends.iter_mut().enumerate() {
        *end = extents(call, image.rank, i, image.size[i], stride[i], window[i])?;
    }
    let named = [Padding::Valid, Padding::Same].into_iter().find(|padding| {
        (0..2).all(|i| {
            let (before, output) = ends[i];
            padding.resolve(output, window[i], stride[i], 1).is_some_and(|(n, cut, _)| n == image.size[i] && cut == before)
        })
    });
    let whole = |i: usize| {
        let (before, output) = ends[i];
        ((image.size[i] - 1).saturating_mul(stride[i]).saturating_add(window[i])).max(before + output)
    };
    let size = if named.is_some() { [ends[0].1, ends[1].1] } else { [whole(0), whole(1)] };
    let padding = named.unwrap_or(Padding::Valid);
    let batch = builder.shape_of(image.id)[0];
    let declared = builder.integers("size", &[batch as i64, size[0] as i64, size[1] as i64, n_out as i64])?;
    let op = Op::TransposeConv(TransposeConv { stride, padding, activation: Activation::None });
    let id = if groups == 1 {
        let weights =
            builder.constant(call.name(1), (&weights, number), &[n_in, n_out, h, w], &[1, 2, 3, 0], vec![n_out, h, w, n_in])?;
        let bias = match call.input(2) {
            Some(_) => Some(call.constant_tensor(builder, 2, "bias")?),
            None => None,
        };
        builder.emit(op, vec![Some(declared), Some(weights), Some(image.id), bias])?
    } else {
        in_groups(builder, call, &op, declared, &image, &weights, [groups, n_out, h, w])?
    };
    let ranges: Vec<_> = (0..2).filter(|&i| size[i] != ends[i].1).map(|i| (i + 1, ends[i].0, 1, ends[i].1)).collect();
    let id = if ranges.is_empty() { id } else { cut(builder, &View::plain(id, 4), &ranges)?.id };
    Ok(Value::Tensor(made(id, image.rank)))
}

/// The most groups that become layers of their own.
const MOST_GROUPS: usize = 64;

/// Weights whose window is spread by zeros: TFLite has no dilation here.
fn dilated(
    builder: &mut Builder,
    weights: &Arc<Constant>,
    number: usize,
    [n_in, n_out, h, w]: [usize; 4],
    dilation: [usize; 2],
) -> Result<(Arc<Constant>, usize, [usize; 2]), Fail> {
    let Some(values) = weights.data.as_f32().filter(|_| dilation != [1, 1]) else { return Ok((weights.clone(), number, [h, w])) };
    let wide = [(h - 1).saturating_mul(dilation[0]).saturating_add(1), (w - 1).saturating_mul(dilation[1]).saturating_add(1)];
    let n = [n_in, n_out, wide[0], wide[1]].iter().fold(1usize, |n, &extent| n.saturating_mul(extent));
    builder.budget.charge(n.saturating_mul(4), || "dilated weights".into())?;
    let mut spread = vec![0.0; n];
    for (place, &value) in values.iter().enumerate() {
        let (x, y, of) = (place % w, place / w % h, place / (w * h));
        spread[(of * wide[0] + y * dilation[0]) * wide[1] + x * dilation[1]] = value;
    }
    let (constant, number) = builder.numbered(Constant::new(vec![n_in, n_out, wide[0], wide[1]], Data::F32(spread.into())));
    Ok((constant, number, wide))
}

/// Each group as a layer of its own, between SPLIT and CONCATENATION.
fn in_groups(
    builder: &mut Builder,
    call: &Call<'_, '_>,
    op: &Op,
    declared: TensorId,
    image: &Image,
    weights: &Constant,
    [groups, n_out, h, w]: [usize; 4],
) -> Result<TensorId, Fail> {
    let Some(values) = weights.data.as_f32() else {
        return refuse("works in groups with quantized weights, which is not supported");
    };
    let n_in = image.channels / groups;
    let bias = match call.input(2) {
        Some(_) => Some(call.known(2, "bias")?.0.data.as_f32().unwrap_or_default().to_vec()),
        None => None,
    };
    if bias.as_ref().is_some_and(|bias| bias.len() != groups * n_out) {
        return Err(call.broken("a bias that does not fit the output channels"));
    }
    let axis = builder.integers("axis", &[3])?;
    builder.set_shape(axis, vec![]);
    let parts = builder.emit_many("split", Op::Split(Split { n_splits: groups }), vec![Some(axis), Some(image.id)], groups)?;
    let mut results = Vec::with_capacity(groups);
    for (group, part) in parts.into_iter().enumerate() {
        let len = n_in * n_out * h * w;
        let own = permute::values(&values[group * len..][..len], &[n_in, n_out, h, w], &[1, 2, 3, 0]);
        let own = builder.floats("weights", vec![n_out, h, w, n_in], own.to_vec())?;
        let bias = match &bias {
            Some(bias) => Some(builder.floats("bias", vec![n_out], bias[group * n_out..][..n_out].to_vec())?),
            None => None,
        };
        results.push(Some(builder.emit_helper("group", op.clone(), vec![Some(declared), Some(own), Some(part), bias])?));
    }
    builder.emit(Op::Concatenation(Concatenation { axis: 3, activation: Activation::None }), results)
}

/// How much is cut off before the result along height or width, and the extent of the result.
fn extents(
    call: &Call<'_, '_>,
    rank: usize,
    i: usize,
    input: usize,
    stride: usize,
    window: usize,
) -> Result<(usize, usize), Fail> {
    // A line has height 1.
    if rank == 3 && i == 0 {
        return Ok((0, 1));
    }
    let axis = if rank == 3 { 0 } else { i };
    let at = |name: &str, place: usize| call.integers(name).and_then(|list| list.get(place)).copied();
    let more = at("output_padding", axis).unwrap_or(0);
    let whole = (input as i64 - 1) * stride as i64 + window as i64 + more;
    let auto = call.text("auto_pad").unwrap_or("NOTSET");
    let asked = match (at("output_shape", axis), auto) {
        (Some(output), _) => Some(output),
        (None, "SAME_UPPER" | "SAME_LOWER") => Some(input as i64 * stride as i64),
        _ => None,
    };
    let (before, output) = match asked {
        Some(output) => {
            let total = (whole - output).max(0);
            (if auto == "SAME_UPPER" { total / 2 } else { total - total / 2 }, output)
        }
        None => {
            let n_axes = rank - 2;
            let (before, after) = (at("pads", axis).unwrap_or(0), at("pads", axis + n_axes).unwrap_or(0));
            (before, whole.saturating_sub(before).saturating_sub(after))
        }
    };
    match (usize::try_from(before), usize::try_from(output)) {
        (Ok(before), Ok(output)) if output > 0 && output < 1 << 30 && before < 1 << 30 => Ok((before, output)),
        _ => Err(call.broken(format!("a result of extent {output} after cutting off {before}"))),
    }
}
