//! Constants cut, joined, repeated, reordered: no value changes.

use super::super::builder::{Fail, bytes_of};
use super::super::permute;
use super::super::tensors::Constant;
use super::{Charge, Folder, Walk, pick};
use crate::tensor::Data;

/// The results, if the node only moves values.
pub(super) fn fold(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Option<Vec<Constant>>, Fail> {
    Ok(Some(match folder.call.node.op_type {
        "Identity" | "Dropout" => vec![folder.get(0)?.clone()],
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => vec![reshaped(folder)?],
        "Transpose" => vec![transposed(folder, charge)?],
        "Gather" => vec![gathered(folder, charge)?],
        "Concat" => vec![joined(folder, charge)?],
        "Slice" => vec![sliced(folder, charge)?],
        "Split" => split(folder, charge)?,
        "Expand" => vec![expanded(folder, charge)?],
        "Tile" => vec![tiled(folder, charge)?],
        _ => return Ok(None),
    }))
}

fn reshaped(folder: &Folder<'_, '_, '_>) -> Result<Constant, Fail> {
    let constant = folder.get(0)?;
    let shape = super::super::ops::reshaped_shape(folder.call, &constant.shape)?;
    Ok(Constant::new(shape, constant.data.clone()))
}

fn transposed(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let constant = folder.get(0)?;
    let permutation = super::super::ops::permutation(folder.call, constant.shape.len())?;
    let shape: Vec<usize> = permutation.iter().map(|&axis| constant.shape[axis]).collect();
    let data = if permute::is_in_order(&constant.shape, &permutation) {
        constant.data.clone()
    } else {
        charge(constant.data.len(), bytes_of(&constant.data))?;
        permute::data(&constant.data, &constant.shape, &permutation)
    };
    let mut result = Constant::new(shape, data);
    result.quantization = constant.quantization.clone();
    if let Some(quantization) = &mut result.quantization {
        quantization.axis = quantization.axis.and_then(|axis| permutation.iter().position(|&of| of == axis));
    }
    Ok(result)
}

fn gathered(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let (constant, indices) = (folder.get(0)?, folder.get(1)?);
    let axis = folder.call.axis(folder.call.integer("axis", 0), constant.shape.len())?;
    let extent = constant.shape[axis];
    let list = folder.integers(1, "indices")?;
    let list: Option<Vec<usize>> =
        list.iter().map(|&i| usize::try_from(if i < 0 { i + extent as i64 } else { i }).ok()).collect();
    let list = list.filter(|list| list.iter().all(|&i| i < extent));
    let list =
        list.ok_or_else(|| folder.call.broken(format!("takes elements that axis {axis} of extent {extent} does not have")))?;
    let outer: usize = constant.shape[..axis].iter().product();
    let inner: usize = constant.shape[axis + 1..].iter().product();
    let n = outer.saturating_mul(list.len()).saturating_mul(inner);
    charge(n, size_of::<usize>())?;
    let mut places = Vec::with_capacity(n);
    for o in 0..outer.min(n) {
        for &i in &list {
            let start = (o * extent + i) * inner;
            places.extend(start..start + inner);
        }
    }
    let shape = [&constant.shape[..axis], &indices.shape, &constant.shape[axis + 1..]].concat();
    Ok(Constant::new(shape, pick(&constant.data, &places)))
}

fn joined(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let parts = (0..folder.inputs.len()).map(|index| folder.get(index)).collect::<Result<Vec<_>, _>>()?;
    let first = folder.get(0)?;
    let axis = folder.call.axis(folder.call.integer("axis", 0), first.shape.len())?;
    let fits = |part: &Constant| {
        let same_but_axis = |(i, (a, b)): (usize, (&usize, &usize))| i == axis || a == b;
        part.shape.len() == first.shape.len()
            && part.shape.iter().zip(&first.shape).enumerate().all(same_but_axis)
            && part.data.element() == first.data.element()
    };
    if !parts.iter().all(|part| fits(part)) {
        return Err(folder.call.broken("joins constants of shapes or types that do not fit"));
    }
    let n: usize = parts.iter().map(|part| part.data.len()).sum();
    charge(n, bytes_of(&first.data).max(4))?;
    let outer: usize = first.shape[..axis].iter().product();
    let mut shape = first.shape.clone();
    shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
    macro_rules! join {
        ($variant:ident) => {{
            let mut all = Vec::with_capacity(n);
            for o in 0..outer.min(n) {
                for part in &parts {
                    let Data::$variant(values) = &part.data else { continue };
                    let chunk = values.len() / outer.max(1);
                    all.extend_from_slice(&values[o * chunk..(o + 1) * chunk]);
                }
            }
            Data::$variant(all.into())
        }};
    }
    let data = match &first.data {
        Data::F32(_) => join!(F32),
        Data::F16(_) => join!(F16),
        Data::I4(_) => join!(I4),
        Data::I8(_) => join!(I8),
        Data::U8(_) => join!(U8),
        Data::I16(_) => join!(I16),
        Data::I32(_) => join!(I32),
        Data::I64(_) => join!(I64),
        Data::Bool(_) => join!(Bool),
        Data::Other(..) => return Err(folder.call.broken("joins constants of a type that is not read")),
    };
    Ok(Constant::new(shape, data))
}

fn sliced(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let constant = folder.get(0)?;
    let ranges = super::super::ops::slice_ranges(folder.call, &constant.shape)?;
    let mut walk = Walk::over(&constant.shape);
    for range in ranges {
        walk.start += range.start * walk.steps[range.axis].unsigned_abs();
        walk.steps[range.axis] *= range.step as isize;
        walk.shape[range.axis] = range.count;
    }
    walk.take(&constant.data, charge)
}

fn split(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Vec<Constant>, Fail> {
    let constant = folder.get(0)?;
    let (axis, parts) = super::super::ops::split_parts(folder.call, &constant.shape)?;
    let mut start = 0;
    let mut results = Vec::with_capacity(parts.len());
    for part in parts {
        let mut walk = Walk::over(&constant.shape);
        walk.start = start * walk.steps[axis].unsigned_abs();
        walk.shape[axis] = part;
        start += part;
        results.push(walk.take(&constant.data, charge)?);
    }
    Ok(results)
}

fn expanded(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let constant = folder.get(0)?;
    let wanted = folder.integers(1, "a shape")?;
    let wanted = super::super::tensors::extents(&wanted).ok_or_else(|| folder.call.broken("expands to no shape"))?;
    let shape = super::arithmetic::broadcast(&constant.shape, &wanted);
    let walk = shape.and_then(|shape| Walk::broadcast(&constant.shape, &shape));
    walk.ok_or_else(|| folder.call.broken("expands to a shape that does not fit"))?.take(&constant.data, charge)
}

fn tiled(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let constant = folder.get(0)?;
    let repeats = folder.integers(1, "repeats")?;
    let repeats = super::super::tensors::extents(&repeats).filter(|list| list.len() == constant.shape.len());
    let repeats = repeats.ok_or_else(|| folder.call.broken("repeats of which there is not one for each axis"))?;
    // Each axis becomes two: which copy, and where in it.
    let own = Walk::over(&constant.shape);
    let (mut shape, mut steps) = (vec![], vec![]);
    for (axis, &repeat) in repeats.iter().enumerate() {
        shape.extend([repeat, constant.shape[axis]]);
        steps.extend([0, own.steps[axis]]);
    }
    let tiled = Walk { shape, steps, start: 0 }.take(&constant.data, charge)?;
    let shape = constant.shape.iter().zip(&repeats).map(|(extent, repeat)| extent * repeat).collect();
    Ok(Constant::new(shape, tiled.data))
}
