//! Operators that only move values: each becomes a list of runs to copy, found once.

use super::elementwise::clamp;
use super::kernel::{Kernel, Values};
use crate::ops::{Concatenation, OpError, OpFacts, Operands, Pack, Pad, ResizeNearestNeighbor, Split, StridedSlice, Transpose};

/// `len` values from `from` in data operand `operand` to `to` in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    operand: usize,
    from: usize,
    to: usize,
    len: usize,
}

/// Runs for each output; what no run covers is zero.
#[derive(Debug)]
pub(super) struct Copies {
    outputs: Vec<Vec<Run>>,
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
        Self { outputs: vec![runs.0], clamp: None }
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
        let (axis, input) = (op.axis(operands)?, operands.get(1)?);
        let outer: usize = input.shape[..axis].iter().product();
        let len = input.n_elements() / outer.max(1) / op.n_splits.max(1);
        let part = |o: usize| {
            let mut runs = Runs::default();
            (0..outer).for_each(|i| runs.push(0, (i * op.n_splits + o) * len, i * len, len));
            runs.0
        };
        Ok(Self { outputs: (0..op.n_splits).map(part).collect(), clamp: None })
    }

    /// PAD with zeros.
    pub fn pad(op: &Pad, operands: &Operands<'_>) -> Result<Self, OpError> {
        let (input, amounts) = (&operands.get(0)?.shape, op.amounts(operands)?);
        let output = op.output_shapes(operands)?.remove(0);
        let (to_strides, mut runs, mut from) = (strides(&output), Runs::default(), 0);
        for_each_index(input, |index| {
            let to = index.iter().zip(&amounts).zip(&to_strides).map(|((i, (before, _)), s)| (i + before) * s).sum();
            runs.push(0, from, to, 1);
            from += 1;
        });
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
        let ranges = op.ranges(operands)?;
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
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut [Vec<f32>; 2]) {
        for (runs, output) in self.outputs.iter().zip(outputs) {
            let len = output.len() / operands.n_samples.max(1);
            let covered: usize = runs.iter().map(|r| r.len).sum();
            for (sample, to) in output.chunks_exact_mut(len.max(1)).enumerate() {
                if covered < len {
                    to.fill(0.0);
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
