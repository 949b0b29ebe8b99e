//! BATCH_MATMUL.

use super::elementwise::broadcast_indices;
use super::kernel::{Kernel, Values};
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
}

impl MatMul {
    pub fn new(op: &BatchMatMul, operands: &Operands<'_>) -> Result<Self, OpError> {
        let extents = op.extents(operands)?;
        let MatMulExtents { ref batch, m, k, n } = extents;
        let indices = |index: usize| {
            let shape = &operands.get(index)?.shape;
            Ok(broadcast_indices(&shape[..shape.len() - 2], batch))
        };
        let pairs = indices(0)?.into_iter().zip(indices(1)?).collect();
        let left = if op.adj_x { [1, m] } else { [k, 1] };
        let right = if op.adj_y { [1, k] } else { [n, 1] };
        Ok(Self { extents, left, right, pairs })
    }
}

impl Kernel for MatMul {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut [Vec<f32>; 2]) {
        let MatMulExtents { m, k, n, .. } = self.extents;
        let len = self.pairs.len() * m * n;
        for (sample, to) in outputs[0].chunks_exact_mut(len.max(1)).enumerate() {
            let (x, y) = (operands.sample(0, sample), operands.sample(1, sample));
            for (&(i, j), to) in self.pairs.iter().zip(to.chunks_exact_mut(m * n)) {
                let (x, y) = (&x[i as usize * m * k..][..m * k], &y[j as usize * k * n..][..k * n]);
                for (row, to) in to.chunks_exact_mut(n).enumerate() {
                    self.row(x, y, row, to);
                }
            }
        }
    }
}

impl MatMul {
    /// One row of a product: the rows of the right matrix, each times an element of the left one.
    fn row(&self, x: &[f32], y: &[f32], row: usize, to: &mut [f32]) {
        let ([x_row, x_column], [y_row, y_column]) = (self.left, self.right);
        to.fill(0.0);
        for i in 0..self.extents.k {
            let factor = x[row * x_row + i * x_column];
            for (to, value) in to.iter_mut().zip(y[i * y_row..].iter().step_by(y_column)) {
                *to += factor * value;
            }
        }
    }
}
