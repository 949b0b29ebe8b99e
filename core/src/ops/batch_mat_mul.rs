//! BATCH_MATMUL: two computed matrices are multiplied, for each index of the axes before.

use super::{OpError, OpFacts, Operands, broadcast};

/// Attributes. Operands: `[.., m, k]` and `[.., k, n]`, whose leading axes are broadcast against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BatchMatMul {
    /// The left matrix is stored as `[.., k, m]`.
    pub adj_x: bool,
    /// The right matrix is stored as `[.., n, k]`.
    pub adj_y: bool,
}

/// Extents of a [`BatchMatMul`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatMulExtents {
    /// Leading axes of the result.
    pub batch: Vec<usize>,
    /// Rows of the result.
    pub m: usize,
    /// Terms of each sum.
    pub k: usize,
    /// Columns of the result.
    pub n: usize,
}

impl BatchMatMul {
    /// The extents, checked.
    ///
    /// # Errors
    /// [`OpError::Shape`] if the operands do not fit each other.
    pub fn extents(&self, operands: &Operands<'_>) -> Result<MatMulExtents, OpError> {
        let (left, right) = (&operands.get(0)?.shape, &operands.get(1)?.shape);
        let matrix = |operand: usize, shape: &[usize], transposed: bool| match *shape {
            [.., a, b] if transposed => Ok((b, a)),
            [.., a, b] => Ok((a, b)),
            _ => Err(OpError::Shape { operand, shape: shape.to_vec(), expected: "two axes or more".into() }),
        };
        let ((m, k), (rows, n)) = (matrix(0, left, self.adj_x)?, matrix(1, right, self.adj_y)?);
        match broadcast(&left[..left.len() - 2], &right[..right.len() - 2]) {
            Some(batch) if k == rows => Ok(MatMulExtents { batch, m, k, n }),
            _ => Err(OpError::Shape {
                operand: 1,
                shape: right.clone(),
                expected: format!("a matrix with {k} rows that fits one of {left:?}"),
            }),
        }
    }
}

impl OpFacts for BatchMatMul {
    fn name(&self) -> &str {
        "BATCH_MATMUL"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let MatMulExtents { mut batch, m, n, .. } = self.extents(operands)?;
        batch.extend([m, n]);
        Ok(vec![batch])
    }

    fn macs(&self, operands: &Operands<'_>) -> u64 {
        self.extents(operands).map_or(0, |e| operands.n_output_elements().saturating_mul(e.k as u64))
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Matrix product".into()
    }
}
