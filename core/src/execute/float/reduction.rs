//! Kernels that make few values of many: pooling, MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD.

use super::elementwise::clamp;
use super::kernel::{Kernel, Values, Work};
use crate::ops::{OpError, Operands, Pool2d, PoolKind, Reduce, ReduceKind};

/// AVERAGE_POOL_2D or MAX_POOL_2D: for each output pixel the input pixels of its window that lie inside the image.
#[derive(Debug)]
pub(super) struct Pool {
    kind: PoolKind,
    clamp: (f32, f32),
    channels: usize,
    input_len: usize,
    /// One window for each output pixel: first and last-but-one row, first and last-but-one column.
    windows: Vec<[usize; 4]>,
    width: usize,
}

impl Pool {
    pub fn new(op: &Pool2d, operands: &Operands<'_>, clamp: (f32, f32)) -> Result<Self, OpError> {
        let [_, h, w, channels] = operands.shape(0, "[n, h, w, c]")?;
        let along = |i: usize, extent: usize| op.padding.resolve(extent, op.window[i], op.stride[i], 1);
        let (Some((out_h, top, _)), Some((out_w, left, _))) = (along(0, h), along(1, w)) else {
            return Err(OpError::Attribute(format!("a window of {:?} does not fit an image of {h}×{w}", op.window)));
        };
        let span = |i: usize, out: usize, before: usize, extent: usize| {
            let start = out * op.stride[i];
            (start.saturating_sub(before), (start + op.window[i]).saturating_sub(before).min(extent))
        };
        let mut windows = Vec::with_capacity(out_h * out_w);
        for y in 0..out_h {
            for x in 0..out_w {
                let ((y0, y1), (x0, x1)) = (span(0, y, top, h), span(1, x, left, w));
                windows.push([y0, y1, x0, x1]);
            }
        }
        Ok(Self { kind: op.kind, clamp, channels, input_len: h * w * channels, windows, width: w })
    }

    fn window(&self, image: &[f32], &[y0, y1, x0, x1]: &[usize; 4], to: &mut [f32]) {
        let start = if self.kind == PoolKind::Average { 0.0 } else { f32::NEG_INFINITY };
        to.fill(start);
        for y in y0..y1 {
            let row = &image[(y * self.width + x0) * self.channels..(y * self.width + x1) * self.channels];
            for pixel in row.chunks_exact(self.channels) {
                match self.kind {
                    PoolKind::Average => to.iter_mut().zip(pixel).for_each(|(to, &x)| *to += x),
                    PoolKind::Max => to.iter_mut().zip(pixel).for_each(|(to, &x)| *to = if x > *to { x } else { *to }),
                }
            }
        }
        let count = ((y1 - y0) * (x1 - x0)) as f32;
        for x in to {
            let value = if self.kind == PoolKind::Average { *x / count } else { *x };
            *x = clamp(value, self.clamp);
        }
    }
}

impl Kernel for Pool {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut Work) {
        let images = operands.all(0).chunks_exact(self.input_len);
        for (image, to) in images.zip(outputs[0].chunks_exact_mut(self.windows.len() * self.channels)) {
            for (window, to) in self.windows.iter().zip(to.chunks_exact_mut(self.channels)) {
                self.window(image, window, to);
            }
        }
    }
}

/// A reduction: element `i` of the input is joined to element `target[i]` of the output.
#[derive(Debug)]
pub(super) struct Reduction {
    kind: ReduceKind,
    targets: Vec<u32>,
    n_outputs: usize,
    /// What sums are divided by.
    divisor: f32,
}

impl Reduction {
    pub fn new(op: &Reduce, operands: &Operands<'_>) -> Result<Self, OpError> {
        let (shape, axes) = (&operands.get(0)?.shape, op.axes(operands)?);
        let mut targets = vec![0u32];
        let mut n_outputs: usize = 1;
        for (axis, &extent) in shape.iter().enumerate() {
            let kept = !axes.contains(&axis);
            let scale = if kept { extent as u32 } else { 1 };
            targets =
                targets.iter().flat_map(|&t| (0..extent as u32).map(move |i| t * scale + if kept { i } else { 0 })).collect();
            n_outputs *= scale as usize;
        }
        let n_summed = axes.iter().map(|&axis| shape[axis]).product::<usize>().max(1);
        Ok(Self { kind: op.kind, targets, n_outputs, divisor: if op.kind == ReduceKind::Mean { n_summed as f32 } else { 1.0 } })
    }
}

impl Reduction {
    fn join(&self, from: &[f32], to: &mut [f32], start: f32, f: impl Fn(f32, f32) -> f32) {
        to.fill(start);
        for (&x, &target) in from.iter().zip(&self.targets) {
            let to = &mut to[target as usize];
            *to = f(*to, x);
        }
    }
}

impl Kernel for Reduction {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut Work) {
        for (sample, to) in outputs[0].chunks_exact_mut(self.n_outputs.max(1)).enumerate() {
            let from = operands.sample(0, sample);
            match self.kind {
                ReduceKind::Mean | ReduceKind::Sum => self.join(from, to, 0.0, |sum, x| sum + x),
                ReduceKind::Max => self.join(from, to, f32::NEG_INFINITY, |most, x| if x > most { x } else { most }),
                ReduceKind::Min => self.join(from, to, f32::INFINITY, |least, x| if x < least { x } else { least }),
                ReduceKind::Prod => self.join(from, to, 1.0, |product, x| product * x),
            }
            to.iter_mut().for_each(|x| *x /= self.divisor);
        }
    }
}
