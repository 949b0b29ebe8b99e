//! What operators say of shapes, for constants and activations alike.

use super::super::builder::Fail;
use super::super::call::Call;

/// The shape that Reshape, Flatten, Squeeze or Unsqueeze gives to a value of shape `shape`.
pub(in super::super) fn reshaped_shape(call: &Call<'_, '_>, shape: &[usize]) -> Result<Vec<usize>, Fail> {
    match call.node.op_type {
        "Flatten" => {
            let axis = call.integer("axis", 1);
            let axis = if axis == shape.len() as i64 { shape.len() } else { call.axis(axis, shape.len())? };
            Ok(vec![shape[..axis].iter().product(), shape[axis..].iter().product()])
        }
        "Squeeze" => {
            let dropped = squeezed_axes(call, shape)?;
            Ok(shape.iter().enumerate().filter(|(axis, _)| !dropped.contains(axis)).map(|(_, &extent)| extent).collect())
        }
        "Unsqueeze" => {
            let mut shape = shape.to_vec();
            for axis in unsqueezed_axes(call, shape.len())? {
                shape.insert(axis, 1);
            }
            Ok(shape)
        }
        _ => reshape(call, shape),
    }
}

fn reshape(call: &Call<'_, '_>, shape: &[usize]) -> Result<Vec<usize>, Fail> {
    let wanted = call.known_integers(1, "shape")?.ok_or_else(|| call.broken("operand 1 is missing"))?;
    let n: usize = shape.iter().product();
    let misfit = || call.broken(format!("shape {shape:?} cannot become {:?}", &wanted[..wanted.len().min(16)]));
    if wanted.len() > 16 {
        return Err(misfit());
    }
    let copies_zero = call.integer("allowzero", 0) == 0;
    let mut result = Vec::with_capacity(wanted.len());
    let mut free = None;
    for (axis, &extent) in wanted.iter().enumerate() {
        result.push(match extent {
            -1 if free.is_none() => {
                free = Some(axis);
                1
            }
            0 if copies_zero => *shape.get(axis).ok_or_else(misfit)?,
            extent => usize::try_from(extent).map_err(|_| misfit())?,
        });
    }
    let known = result.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent)).ok_or_else(misfit)?;
    if let Some(axis) = free {
        result[axis] = n.checked_div(known).ok_or_else(misfit)?;
    }
    let total = result.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent));
    if total == Some(n) { Ok(result) } else { Err(misfit()) }
}

/// The axes that Squeeze takes away, sorted.
pub(super) fn squeezed_axes(call: &Call<'_, '_>, shape: &[usize]) -> Result<Vec<usize>, Fail> {
    let Some(axes) = call.integers_anywhere("axes", 1)? else {
        return Ok((0..shape.len()).filter(|&axis| shape[axis] == 1).collect());
    };
    let axes = call.axes(&axes, shape.len())?;
    match axes.iter().find(|&&axis| shape[axis] != 1) {
        Some(axis) => Err(call.broken(format!("takes away axis {axis} of shape {shape:?}, which is not of extent 1"))),
        None => Ok(axes),
    }
}

/// Where Unsqueeze puts axes, sorted, counted in the result.
pub(super) fn unsqueezed_axes(call: &Call<'_, '_>, rank: usize) -> Result<Vec<usize>, Fail> {
    let axes = call.integers_anywhere("axes", 1)?.ok_or_else(|| call.broken("operand 1 is missing"))?;
    if axes.len() + rank > 16 {
        return Err(call.broken("more than 16 axes"));
    }
    call.axes(&axes, rank + axes.len())
}

/// The permutation of Transpose.
pub(in super::super) fn permutation(call: &Call<'_, '_>, rank: usize) -> Result<Vec<usize>, Fail> {
    let Some(list) = call.integers("perm").filter(|list| !list.is_empty()) else { return Ok((0..rank).rev().collect()) };
    let permutation: Vec<usize> = list.iter().map(|&axis| usize::try_from(axis).unwrap_or(usize::MAX)).collect();
    let mut sorted = permutation.clone();
    sorted.sort_unstable();
    if sorted.into_iter().eq(0..rank) {
        Ok(permutation)
    } else {
        Err(call.broken(format!("{:?} is no permutation of {rank} axes", &list[..list.len().min(16)])))
    }
}

/// The part of one axis that a slice takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct AxisRange {
    pub(in super::super) axis: usize,
    pub(in super::super) start: usize,
    pub(in super::super) step: i64,
    pub(in super::super) count: usize,
}

/// What Slice takes of a value of shape `shape`: an entry for each axis that it names.
pub(in super::super) fn slice_ranges(call: &Call<'_, '_>, shape: &[usize]) -> Result<Vec<AxisRange>, Fail> {
    let list = |name: &str, index: usize| call.integers_anywhere(name, index);
    let missing = || call.broken("starts or ends are missing");
    let (starts, ends) = (list("starts", 1)?.ok_or_else(missing)?, list("ends", 2)?.ok_or_else(missing)?);
    let axes = list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() || starts.len() > shape.len() {
        return Err(call.broken(format!("starts, ends, axes and steps of different lengths for {} axes", shape.len())));
    }
    call.axes(&axes, shape.len())?;
    let mut ranges = Vec::with_capacity(starts.len());
    for (i, &axis) in axes.iter().enumerate() {
        let axis = call.axis(axis, shape.len())?;
        let (n, step) = (shape[axis] as i64, steps[i]);
        if step == 0 {
            return Err(call.broken("a step of 0"));
        }
        let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
        let bound = |i: i64| (if i < 0 { i.saturating_add(n) } else { i }).clamp(low, high);
        // An end before the first element has to stay there: -1 counted from the end would be the last.
        let (start, end) = (bound(starts[i]), bound(ends[i]));
        let span = if step > 0 { end - start } else { start - end };
        let count = if span > 0 { span.unsigned_abs().div_ceil(step.unsigned_abs()) as usize } else { 0 };
        let step = step.clamp(-n.max(1), n.max(1));
        ranges.push(AxisRange { axis, start: start.max(0) as usize, step, count });
    }
    Ok(ranges)
}

/// The axis that Split cuts and the extents of the parts.
pub(in super::super) fn split_parts(call: &Call<'_, '_>, shape: &[usize]) -> Result<(usize, Vec<usize>), Fail> {
    let axis = call.axis(call.integer("axis", 0), shape.len())?;
    let (extent, n) = (shape[axis], call.node.outputs.len());
    let misfit = || call.broken(format!("axis {axis} of shape {shape:?} does not part into {n} results"));
    let parts: Vec<usize> = match call.integers_anywhere("split", 1)? {
        Some(parts) => parts.iter().map(|&part| usize::try_from(part)).collect::<Result<_, _>>().map_err(|_| misfit())?,
        None => {
            let n = n.max(1);
            // Where it does not come out even the last part is the smaller one.
            let part = extent.div_ceil(n);
            (0..n).map(|i| part.min(extent.saturating_sub(i * part))).collect()
        }
    };
    let total = parts.iter().try_fold(0usize, |sum, &part| sum.checked_add(part));
    if parts.len() == n && total == Some(extent) { Ok((axis, parts)) } else { Err(misfit()) }
}
