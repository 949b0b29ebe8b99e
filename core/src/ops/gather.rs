//! GATHER and CAST: values picked by index, or turned into another type.

use super::{OpError, OpFacts, Operands, resolve_axis};

/// Picks slices along an axis. Operands: input, indices (whole numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather {
    /// Which axis; may count from the end.
    pub axis: i32,
    /// So many leading axes of input and indices belong together.
    pub batch_dims: i32,
}

/// The same numbers as another type; which, is said by the output tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast;

impl Gather {
    /// The axis and the number of batch axes, resolved.
    ///
    /// # Errors
    /// [`OpError`] if there are no such axes, or the batch axes of the operands differ.
    pub fn axes(&self, operands: &Operands<'_>) -> Result<(usize, usize), OpError> {
        let (input, indices) = (&operands.get(0)?.shape, &operands.get(1)?.shape);
        let axis = resolve_axis(self.axis.into(), input.len())?;
        let raw = i64::from(self.batch_dims);
        let batch = if raw < 0 { raw + indices.len() as i64 } else { raw };
        match usize::try_from(batch) {
            Ok(batch) if batch <= axis && batch <= indices.len() && input[..batch] == indices[..batch] => Ok((axis, batch)),
            _ => Err(OpError::Attribute(format!("{raw} batch axes of an input {input:?} and indices {indices:?}"))),
        }
    }
}

impl OpFacts for Gather {
    fn name(&self) -> &str {
        "GATHER"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let (axis, batch) = self.axes(operands)?;
        let (input, indices) = (&operands.get(0)?.shape, &operands.get(1)?.shape);
        Ok(vec![[&input[..axis], &indices[batch..], &input[axis + 1..]].concat()])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Gather".into()
    }
}

impl OpFacts for Cast {
    fn name(&self) -> &str {
        "CAST"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        Ok(vec![operands.get(0)?.shape.clone()])
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Cast".into()
    }
}
