//! MEAN, SUM, REDUCE_MAX, REDUCE_MIN and REDUCE_PROD over some axes.

use super::{OpError, OpFacts, Operands, resolve_axis};

/// What a line of values becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReduceKind {
    /// The mean.
    Mean,
    /// The sum.
    Sum,
    /// The greatest.
    Max,
    /// The least.
    Min,
    /// The product.
    Prod,
}

/// Attributes of a reduction. Operands: input, axes (constant integers, may count from the end).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// Which one.
    pub kind: ReduceKind,
    /// Reduced axes stay, with extent 1.
    pub keep_dims: bool,
}

impl Reduce {
    /// The reduced axes, resolved, ascending, each once.
    ///
    /// # Errors
    /// [`OpError`] if the axes are not constant or do not exist.
    pub fn axes(&self, operands: &Operands<'_>) -> Result<Vec<usize>, OpError> {
        let rank = operands.get(0)?.shape.len();
        let mut axes = operands
            .constant_integers(1, "axes")?
            .into_iter()
            .map(|axis| resolve_axis(axis, rank))
            .collect::<Result<Vec<_>, _>>()?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }
}

impl OpFacts for Reduce {
    fn name(&self) -> &str {
        match self.kind {
            ReduceKind::Mean => "MEAN",
            ReduceKind::Sum => "SUM",
            ReduceKind::Max => "REDUCE_MAX",
            ReduceKind::Min => "REDUCE_MIN",
            ReduceKind::Prod => "REDUCE_PROD",
        }
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let axes = self.axes(operands)?;
        let shape = &operands.get(0)?.shape;
        let reduced = shape.iter().enumerate().filter_map(|(axis, &extent)| match (axes.contains(&axis), self.keep_dims) {
            (false, _) => Some(extent),
            (true, true) => Some(1),
            (true, false) => None,
        });
        Ok(vec![reduced.collect()])
    }

    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.get(0).map_or(0, |t| t.n_elements() as u64)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        match self.kind {
            ReduceKind::Mean => "Mean",
            ReduceKind::Sum => "Sum",
            ReduceKind::Max => "Maximum",
            ReduceKind::Min => "Minimum",
            ReduceKind::Prod => "Product",
        }
        .into()
    }
}
