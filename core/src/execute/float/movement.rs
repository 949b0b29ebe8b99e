//! Operators that only move values: each becomes a list of runs to copy, found once.

use super::elementwise::clamp;
use super::kernel::{Kernel, Values, Work};
use crate::ops::{
    Concatenation, Gather, MirrorPad, OpError, OpFacts, Operands, Pack, Pad, ResizeNearestNeighbor, Slice, SliceRange, Split,
    SplitV, StridedSlice, Transpose, Unpack,
};

/// `len` values from `from` in data operand `operand` to `to` in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    operand: usize,
    from: usize,
    to: usize,
    len: usize,
}

/// Runs for each output; what no run covers is `fill`.
#[derive(Debug)]
pub(super) struct Copies {
    outputs: Vec<Vec<Run>>,
    fill: f32,
    clamp: Option<(f32, f32)>,
}

/// Elements of the output in order, each from where it comes; joins neighbours to runs.
#[derive(Default)]
struct Runs(Vec<Run>);

impl Runs {
    fn push(&mut self, operand: usize, from: usize, to: usize, len: usize) {
        match self.0.last_mut() {
            Some(last) if last.operand == operand && last.from + last.len == from && last.to + last.len == to => last.len += len,
            _ => self.0.push(Run { operand, from, to, len }),
        }
    }
}

/// Row-major distances between neighbours along each axis.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Calls `visit` with every index of `shape` in row-major order.
fn for_each_index(shape: &[usize], mut visit: impl FnMut(&[usize])) {
    let n: usize = shape.iter().product();
    let mut index = vec![0; shape.len()];
    for _ in 0..n {
        visit(&index);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

fn dot(index: &[usize], strides: &[usize]) -> usize {
    index.iter().zip(strides).map(|(i, s)| i * s).sum()
}

impl Copies {
    fn single(runs: Runs) -> Self {
        Self { outputs: vec![runs.0], fill: 0.0, clamp: None }
    }

    /// The first operand as it is.
    pub fn identity(operands: &Operands<'_>) -> Result<Self, OpError> {
        let mut runs = Runs::default();
        runs.push(0, 0, 0, operands.get(0)?.n_elements());
        Ok(Self::single(runs))
    }

    /// CONCATENATION: `outer` times, the part of each operand below the axis.
    pub fn concatenation(op: &Concatenation, operands: &Operands<'_>, clamp: (f32, f32)) -> Result<Self, OpError> {
        op.output_shapes(operands)?;
        let shape = &operands.get(0)?.shape;
        let axis = crate::ops::resolve_axis(op.axis.into(), shape.len())?;
        let mut copies = Self::interleaved(operands, shape[..axis].iter().product())?;
        copies.clamp = (clamp != (f32::NEG_INFINITY, f32::INFINITY)).then_some(clamp);
        Ok(copies)
    }

    /// PACK is a concatenation along an axis that is new.
    pub fn pack(op: &Pack, operands: &Operands<'_>) -> Result<Self, OpError> {
        op.output_shapes(operands)?;
        let shape = &operands.get(0)?.shape;
        let axis = crate::ops::resolve_axis(op.axis.into(), shape.len() + 1)?;
        Self::interleaved(operands, shape[..axis].iter().product())
    }

    /// `outer` times one part of each operand.
    fn interleaved(operands: &Operands<'_>, outer: usize) -> Result<Self, OpError> {
        let parts =
            (0..operands.len()).map(|i| Ok(operands.get(i)?.n_elements() / outer.max(1))).collect::<Result<Vec<_>, _>>()?;
        let (mut runs, mut to) = (Runs::default(), 0);
        for i in 0..outer {
            for (operand, &len) in parts.iter().enumerate() {
                runs.push(operand, i * len, to, len);
                to += len;
            }
        }
        Ok(Self::single(runs))
    }

    /// SPLIT: its only data operand is number 1 of the node.
    pub fn split(op: &Split, operands: &Operands<'_>) -> Result<Self, OpError> {
        op.output_shapes(operands)?;
        let (axis, shape) = (op.axis(operands)?, &operands.get(1)?.shape);
        Ok(Self::parts(shape, axis, &vec![shape[axis] / op.n_splits.max(1); op.n_splits]))
    }

    /// SPLIT_V.
    pub fn split_v(op: &SplitV, operands: &Operands<'_>) -> Result<Self, OpError> {
        let (axis, extents) = op.parts(operands)?;
        Ok(Self::parts(&operands.get(0)?.shape, axis, &extents))
    }

    /// UNPACK.
    pub fn unpack(op: &Unpack, operands: &Operands<'_>) -> Result<Self, OpError> {
        op.output_shapes(operands)?;
        let shape = &operands.get(0)?.shape;
        Ok(Self::parts(shape, crate::ops::resolve_axis(op.axis.into(), shape.len())?, &vec![1; op.n_parts]))
    }

    /// Parts of the given extents along an axis.
    fn parts(shape: &[usize], axis: usize, extents: &[usize]) -> Self {
        let (outer, inner): (usize, usize) = (shape[..axis].iter().product(), shape[axis + 1..].iter().product());
        let (whole, mut before) = (shape[axis] * inner, 0);
        let part = |extent: &usize| {
            let (mut runs, len) = (Runs::default(), extent * inner);
            (0..outer).for_each(|i| runs.push(0, i * whole + before, i * len, len));
            before += len;
            runs.0
        };
        Self { outputs: extents.iter().map(part).collect(), fill: 0.0, clamp: None }
    }

    /// PAD and PADV2.
    pub fn pad(operands: &Operands<'_>, fill: f32) -> Result<Self, OpError> {
        let (input, amounts) = (&operands.get(0)?.shape, Pad.amounts(operands)?);
        let output = Pad.output_shapes(operands)?.remove(0);
        let (to_strides, mut runs, mut from) = (strides(&output), Runs::default(), 0);
        for_each_index(input, |index| {
            let to = index.iter().zip(&amounts).zip(&to_strides).map(|((i, (before, _)), s)| (i + before) * s).sum();
            runs.push(0, from, to, 1);
            from += 1;
        });
        Ok(Self { fill, ..Self::single(runs) })
    }

    /// MIRROR_PAD.
    pub fn mirror_pad(op: &MirrorPad, operands: &Operands<'_>) -> Result<Self, OpError> {
        let (input, amounts) = (&operands.get(0)?.shape, op.amounts(operands)?);
        let (from_strides, edge) = (strides(input), usize::from(op.with_edge));
        let mirrored = |i: usize, extent: usize, before: usize| match i.checked_sub(before) {
            None => before - i - edge,
            Some(inside) if inside < extent => inside,
            Some(beyond) => 2 * extent + edge - 2 - beyond,
        };
        let (mut runs, mut to) = (Runs::default(), 0);
        for_each_index(&op.output_shapes(operands)?.remove(0), |index| {
            let at = |axis: usize| mirrored(index[axis], input[axis], amounts[axis].0);
            runs.push(0, (0..index.len()).map(|axis| at(axis) * from_strides[axis]).sum(), to, 1);
            to += 1;
        });
        Ok(Self::single(runs))
    }

    /// GATHER with indices that are known.
    pub fn gather(op: &Gather, operands: &Operands<'_>) -> Result<Self, OpError> {
        let (axis, batch) = op.axes(operands)?;
        let (input, indices) = (&operands.get(0)?.shape, operands.constant_integers(1, "indices")?);
        let product = |axes: &[usize]| axes.iter().product::<usize>();
        let (batches, outer, extent) = (product(&input[..batch]), product(&input[batch..axis]), input[axis]);
        let (inner, n) = (product(&input[axis + 1..]), indices.len() / product(&input[..batch]).max(1));
        let (mut runs, mut to) = (Runs::default(), 0);
        for block in 0..batches * outer {
            for &index in &indices[block / outer.max(1) * n..][..n] {
                let wrong = || OpError::Attribute(format!("index {index} of axis {axis}, which has {extent} elements"));
                let index = usize::try_from(index).ok().filter(|&i| i < extent).ok_or_else(wrong)?;
                runs.push(0, (block * extent + index) * inner, to, inner);
                to += inner;
            }
        }
        Ok(Self::single(runs))
    }

    /// TRANSPOSE.
    pub fn transpose(op: &Transpose, operands: &Operands<'_>) -> Result<Self, OpError> {
        let from_strides = strides(&operands.get(0)?.shape);
        let permuted: Vec<usize> = op.permutation(operands)?.into_iter().map(|axis| from_strides[axis]).collect();
        let output = op.output_shapes(operands)?.remove(0);
        let (mut runs, mut to) = (Runs::default(), 0);
        for_each_index(&output, |index| {
            runs.push(0, dot(index, &permuted), to, 1);
            to += 1;
        });
        Ok(Self::single(runs))
    }

    /// STRIDED_SLICE.
    pub fn strided_slice(op: &StridedSlice, operands: &Operands<'_>) -> Result<Self, OpError> {
        Self::ranges(&op.ranges(operands)?, operands)
    }

    /// SLICE.
    pub fn slice(op: &Slice, operands: &Operands<'_>) -> Result<Self, OpError> {
        Self::ranges(&op.ranges(operands)?, operands)
    }

    fn ranges(ranges: &[SliceRange], operands: &Operands<'_>) -> Result<Self, OpError> {
        let from_strides = strides(&operands.get(0)?.shape);
        let counts: Vec<usize> = ranges.iter().map(|r| r.count).collect();
        let (mut runs, mut to) = (Runs::default(), 0);
        for_each_index(&counts, |index| {
            // A range stays within its axis, so a step backwards never leads below zero.
            let at = |axis: usize| ranges[axis].start.wrapping_add_signed(index[axis] as isize * ranges[axis].step);
            let from = (0..counts.len()).map(|axis| at(axis) * from_strides[axis]).sum();
            runs.push(0, from, to, 1);
            to += 1;
        });
        Ok(Self::single(runs))
    }

    /// RESIZE_NEAREST_NEIGHBOR. Source: TFLite `GetNearestNeighbor`.
    pub fn resize(op: &ResizeNearestNeighbor, operands: &Operands<'_>) -> Result<Self, OpError> {
        let [n, h, w, c] = operands.shape(0, "[n, h, w, c]")?;
        let output = op.output_shapes(operands)?.remove(0);
        let (mut runs, mut to) = (Runs::default(), 0);
        let (ys, xs) = (nearest(op, h, output[1]), nearest(op, w, output[2]));
        for image in 0..n {
            for &y in &ys {
                for &x in &xs {
                    runs.push(0, ((image * h + y) * w + x) * c, to, c);
                    to += c;
                }
            }
        }
        Ok(Self::single(runs))
    }
}

/// For each output coordinate the input coordinate it copies.
fn nearest(op: &ResizeNearestNeighbor, input: usize, output: usize) -> Vec<usize> {
    let scale = match op.align_corners && output > 1 {
        true => (input - 1) as f32 / (output - 1) as f32,
        false => input as f32 / output as f32,
    };
    let offset = if op.half_pixel_centers { 0.5 } else { 0.0 };
    let position = |i: usize| {
        let exact = (i as f32 + offset) * scale;
        let rounded = if op.align_corners { exact.round() } else { exact.floor() };
        (rounded as usize).min(input - 1)
    };
    (0..output).map(position).collect()
}

impl Kernel for Copies {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut Work) {
        for (runs, output) in self.outputs.iter().zip(outputs) {
            let len = output.len() / operands.n_samples.max(1);
            let covered: usize = runs.iter().map(|r| r.len).sum();
            for (sample, to) in output.chunks_exact_mut(len.max(1)).enumerate() {
                if covered < len {
                    to.fill(self.fill);
                }
                for run in runs {
                    to[run.to..][..run.len].copy_from_slice(&operands.sample(run.operand, sample)[run.from..][..run.len]);
                }
                if let Some(range) = self.clamp {
                    to.iter_mut().for_each(|x| *x = clamp(*x, range));
                }
            }
        }
    }
}
