//! BATCH_MATMUL.

use std::sync::Arc;

use super::constants::whole_values;
use super::elementwise::broadcast_indices;
use super::hybrid::quantize;
use super::kernel::{Kernel, Values, Work};
use crate::ops::hybrid::DynamicRange;
use crate::ops::{BatchMatMul, MatMulExtents, OpError, Operands};

/// Where the elements of a matrix lie: distances between rows and between columns.
type Steps = [usize; 2];

/// A product of matrices, ready to run.
#[derive(Debug)]
pub(super) struct MatMul {
    extents: MatMulExtents,
    left: Steps,
    right: Steps,
    /// For each matrix of the result, which of the operands' it is made of.
    pairs: Vec<(u32, u32)>,
    hybrid: Option<Hybrid>,
}

/// Integers on the right, under activations that are quantized on the way: see [`super::hybrid`].
#[derive(Debug)]
struct Hybrid {
    right: Arc<[f32]>,
    /// One for each column.
    scales: Vec<f32>,
    range: DynamicRange,
}

impl Hybrid {
    fn new(operands: &Operands<'_>, n: usize, range: DynamicRange) -> Result<Self, OpError> {
        let right = operands.get(1)?;
        let scale = |column| right.quantization.as_ref().map_or(1.0, |q| q.scale_of(column));
        let whole = whole_values(right).map_err(OpError::Attribute)?;
        Ok(Self { right: whole, scales: (0..n).map(scale).collect(), range })
    }
}

impl MatMul {
    /// `range`: how the left side is quantized, if the right one holds integers.
    pub fn new(op: &BatchMatMul, operands: &Operands<'_>, range: Option<DynamicRange>) -> Result<Self, OpError> {
        let extents = op.extents(operands)?;
        let MatMulExtents { ref batch, m, k, n } = extents;
        let indices = |index: usize| {
            let shape = &operands.get(index)?.shape;
            Ok(broadcast_indices(&shape[..shape.len() - 2], batch))
        };
        let pairs = indices(0)?.into_iter().zip(indices(1)?).collect();
        let left = if op.adj_x { [1, m] } else { [k, 1] };
        let right = if op.adj_y { [1, k] } else { [n, 1] };
        let hybrid = range.map(|range| Hybrid::new(operands, n, range)).transpose()?;
        Ok(Self { extents, left, right, pairs, hybrid })
    }
}

impl Kernel for MatMul {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], work: &mut Work) {
        let MatMulExtents { m, k, n, .. } = self.extents;
        let len = self.pairs.len() * m * n;
        let [factors, whole, ..] = work;
        whole.resize(k, 0.0);
        for (sample, to) in outputs[0].chunks_exact_mut(len.max(1)).enumerate() {
            let x = operands.sample(0, sample);
            let y = self.hybrid.as_ref().map_or_else(|| operands.sample(1, sample), |hybrid| &hybrid.right);
            for (&(i, j), to) in self.pairs.iter().zip(to.chunks_exact_mut(m * n)) {
                let (x, y) = (&x[i as usize * m * k..][..m * k], &y[j as usize * k * n..][..k * n]);
                for (row, to) in to.chunks_exact_mut(n).enumerate() {
                    factors.clear();
                    factors.extend(x[row * self.left[0]..].iter().step_by(self.left[1]).take(k));
                    match &self.hybrid {
                        None => self.row(factors, y, to),
                        Some(hybrid) => {
                            let scale = quantize(factors, hybrid.range, whole);
                            self.row(whole, y, to);
                            to.iter_mut().zip(&hybrid.scales).for_each(|(to, weights)| *to *= weights * scale);
                        }
                    }
                }
            }
        }
    }
}

impl MatMul {
    /// One row of a product: the rows of the right matrix, each times an element of the left one.
    fn row(&self, factors: &[f32], y: &[f32], to: &mut [f32]) {
        let [row, column] = self.right;
        to.fill(0.0);
        for (i, factor) in factors.iter().enumerate() {
            for (to, value) in to.iter_mut().zip(y[i * row..].iter().step_by(column)) {
                *to += factor * value;
            }
        }
    }
}
