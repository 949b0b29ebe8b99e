//! Operators that move elements. They work on bytes: an element is one more, innermost axis.

use tinsmith_runtime::kernels::data_movement::{self, Joint};
use tinsmith_runtime::shape::Strided;

use super::super::layer::{Plain, Resize};
use super::super::memory::AlignedBytes;
use super::Built;
use super::node::NodeCx;
use crate::execute::ExecuteError;
use crate::ops::{self, Activation, SliceRange};
use crate::tensor::{ElementType, Tensor};

pub(super) fn same_bytes(cx: &NodeCx<'_>) -> Result<Built<'static>, ExecuteError> {
    element_bytes(cx, cx.input(0)?)?;
    Ok(Built::Alias(0))
}

pub(super) fn transpose(cx: &NodeCx<'_>, op: &ops::Transpose) -> Result<Built<'static>, ExecuteError> {
    let input = cx.input(0)?;
    let mut extents = input.shape.clone();
    let mut permutation = op.permutation(&cx.operands()).map_err(|error| cx.fail(error))?;
    permutation.push(extents.len());
    extents.push(element_bytes(cx, input)?);
    let walk = data_movement::transposition(&extents, &permutation).ok_or_else(|| too_many_axes(cx, input))?;
    Ok(gather(walk))
}

pub(super) fn strided_slice(cx: &NodeCx<'_>, op: &ops::StridedSlice) -> Result<Built<'static>, ExecuteError> {
    part(cx, &op.ranges(&cx.operands()).map_err(|error| cx.fail(error))?)
}

fn part(cx: &NodeCx<'_>, ranges: &[SliceRange]) -> Result<Built<'static>, ExecuteError> {
    let input = cx.input(0)?;
    let mut extents = input.shape.clone();
    extents.push(element_bytes(cx, input)?);
    let mut walk = Strided::contiguous(&extents).ok_or_else(|| too_many_axes(cx, input))?;
    for (axis, range) in ranges.iter().enumerate() {
        walk.origin += range.start * walk.strides[axis].unsigned_abs();
        walk.extents[axis] = range.count;
        walk.strides[axis] = walk.strides[axis].saturating_mul(range.step);
    }
    Ok(gather(walk))
}

pub(super) fn slice(cx: &NodeCx<'_>, op: &ops::Slice) -> Result<Built<'static>, ExecuteError> {
    part(cx, &op.ranges(&cx.operands()).map_err(|error| cx.fail(error))?)
}

pub(super) fn concatenation(cx: &NodeCx<'_>, op: &ops::Concatenation) -> Result<Built<'static>, ExecuteError> {
    if op.activation != Activation::None {
        return Err(cx.unsupported("TensorFlow Lite Micro fuses no activation into a concatenation"));
    }
    let shape = cx.output_shape()?;
    let axis = ops::resolve_axis(op.axis.into(), shape.len()).map_err(|error| cx.fail(error))?;
    let extents: Vec<usize> =
        (0..cx.node.inputs.len()).map(|index| Ok(cx.input(index)?.shape[axis])).collect::<Result<_, ExecuteError>>()?;
    join(cx, &shape, axis, &extents)
}

pub(super) fn pack(cx: &NodeCx<'_>, op: &ops::Pack) -> Result<Built<'static>, ExecuteError> {
    let shape = cx.output_shape()?;
    let axis = ops::resolve_axis(op.axis.into(), shape.len()).map_err(|error| cx.fail(error))?;
    join(cx, &shape, axis, &vec![1; cx.node.inputs.len()])
}

pub(super) fn split(cx: &NodeCx<'_>, op: &ops::Split) -> Result<Built<'static>, ExecuteError> {
    let input = cx.input(1)?;
    let axis = op.axis(&cx.operands()).map_err(|error| cx.fail(error))?;
    let extents = vec![input.shape[axis] / op.n_splits.max(1); op.n_splits];
    same_types(cx, [input].into_iter())?;
    let joints = joints(&input.shape, axis, &extents, element_bytes(cx, input)?);
    Ok(Built::plain(Plain::Split(joints), vec![1]))
}

pub(super) fn split_v(cx: &NodeCx<'_>, op: &ops::SplitV) -> Result<Built<'static>, ExecuteError> {
    let input = cx.input(0)?;
    let (axis, extents) = op.parts(&cx.operands()).map_err(|error| cx.fail(error))?;
    take_apart(cx, input, axis, &extents)
}

pub(super) fn unpack(cx: &NodeCx<'_>, op: &ops::Unpack) -> Result<Built<'static>, ExecuteError> {
    let input = cx.input(0)?;
    let axis = ops::resolve_axis(op.axis.into(), input.shape.len()).map_err(|error| cx.fail(error))?;
    take_apart(cx, input, axis, &vec![1; op.n_parts])
}

fn take_apart(cx: &NodeCx<'_>, input: &Tensor, axis: usize, extents: &[usize]) -> Result<Built<'static>, ExecuteError> {
    same_types(cx, [input].into_iter())?;
    let joints = joints(&input.shape, axis, extents, element_bytes(cx, input)?);
    Ok(Built::plain(Plain::Split(joints), vec![0]))
}

pub(super) fn shape(cx: &NodeCx<'_>) -> Result<Built<'static>, ExecuteError> {
    let extents = cx.input(0)?.shape.iter();
    let bytes: Vec<u8> = match cx.output()?.element {
        ElementType::I32 => extents.flat_map(|extent| (*extent as i32).to_ne_bytes()).collect(),
        ElementType::I64 => extents.flat_map(|extent| (*extent as i64).to_ne_bytes()).collect(),
        other => return Err(cx.unsupported(format!("a shape of type {}", other.name()))),
    };
    Ok(Built::Constant(AlignedBytes::copy_of(&bytes)))
}

pub(super) fn pad(cx: &NodeCx<'_>, op: &ops::Pad) -> Result<Built<'static>, ExecuteError> {
    let (input, output) = (cx.input(0)?, cx.output()?);
    same_types(cx, [input].into_iter())?;
    let width = element_bytes(cx, input)?;
    let zero = output.quantization.as_ref().map_or(0, |quantization| quantization.zero_point());
    if zero != 0 && width != 1 {
        return Err(cx.unsupported(format!("padding {} with a zero point of {zero}", output.element.name())));
    }
    let amounts = op.amounts(&cx.operands()).map_err(|error| cx.fail(error))?;
    let mut extents = cx.output_shape()?;
    extents.push(width);
    let mut inner = Strided::contiguous(&extents).ok_or_else(|| too_many_axes(cx, output))?;
    for (axis, (before, _)) in amounts.iter().enumerate() {
        inner.origin += before * inner.strides[axis].unsigned_abs();
        inner.extents[axis] = input.shape[axis];
    }
    Ok(Built::plain(Plain::Pad(Box::new(inner), zero as u8), vec![0]))
}

pub(super) fn resize_nearest_neighbor(cx: &NodeCx<'_>, op: &ops::ResizeNearestNeighbor) -> Result<Built<'static>, ExecuteError> {
    let input = cx.input(0)?;
    same_types(cx, [input].into_iter())?;
    let (&[_, height, width, channels], &[_, rows, columns, _]) = (&input.shape[..], &cx.output_shape()?[..]) else {
        return Err(cx.attribute(format!("shape {:?} is not [n, h, w, c]", input.shape)));
    };
    if height == 0 || width == 0 {
        return Err(cx.attribute("an image without pixels cannot be resized".into()));
    }
    let resize = data_movement::Resize { align_corners: op.align_corners, half_pixel_centers: op.half_pixel_centers };
    let coordinates = |input: usize, output: usize| (0..output).map(|out| resize.nearest(out, input, output)).collect();
    let resize = Plain::Resize(Resize {
        rows: coordinates(height, rows),
        columns: coordinates(width, columns),
        input_extent: [height, width],
        pixel_bytes: channels * element_bytes(cx, input)?,
    });
    Ok(Built::plain(resize, vec![0]))
}

fn gather(walk: Strided) -> Built<'static> {
    Built::plain(Plain::Gather(Box::new(walk)), vec![0])
}

fn join(cx: &NodeCx<'_>, shape: &[usize], axis: usize, extents: &[usize]) -> Result<Built<'static>, ExecuteError> {
    let operands = (0..extents.len()).map(|index| cx.input(index)).collect::<Result<Vec<_>, _>>()?;
    same_types(cx, operands.into_iter())?;
    let joints = joints(shape, axis, extents, element_bytes(cx, cx.output()?)?);
    Ok(Built::plain(Plain::Concatenate(joints), (0..extents.len()).collect()))
}

/// Where parts of the given extents lie in a tensor that is cut along `axis`, in bytes.
fn joints(shape: &[usize], axis: usize, extents: &[usize], element_bytes: usize) -> Vec<Joint> {
    let inner = shape[axis + 1..].iter().product::<usize>() * element_bytes;
    let (blocks, whole) = (shape[..axis].iter().product(), shape[axis] * inner);
    let mut offset = 0;
    let place = |extent: &usize| {
        let joint = Joint { blocks, whole, part: extent * inner, offset };
        offset += joint.part;
        joint
    };
    extents.iter().map(place).collect()
}

/// Elements that are moved keep their type; only types of whole bytes are moved.
fn element_bytes(cx: &NodeCx<'_>, tensor: &Tensor) -> Result<usize, ExecuteError> {
    same_types(cx, [tensor].into_iter())?;
    match tensor.element.bits() {
        Some(bits) if bits % 8 == 0 => Ok(bits / 8),
        _ => Err(cx.unsupported(format!("elements of type {} cannot be moved", tensor.element.name()))),
    }
}

fn same_types<'a>(cx: &NodeCx<'_>, mut operands: impl Iterator<Item = &'a Tensor>) -> Result<(), ExecuteError> {
    let outputs = cx.node.outputs.iter().map(|id| cx.graph.tensor(*id).element).collect::<Vec<_>>();
    match operands.find(|operand| outputs.iter().any(|element| *element != operand.element)) {
        Some(operand) => {
            let (from, to) = (operand.element.name(), outputs.first().map_or("nothing", |element| element.name()));
            Err(cx.unsupported(format!("it would have to turn {from} into {to}")))
        }
        None => Ok(()),
    }
}

fn too_many_axes(cx: &NodeCx<'_>, tensor: &Tensor) -> ExecuteError {
    cx.unsupported(format!("a tensor with {} axes has too many", tensor.shape.len()))
}
