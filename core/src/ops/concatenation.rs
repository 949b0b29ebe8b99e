//! CONCATENATION, PACK, UNPACK, SPLIT and SPLIT_V: several tensors become one, or one several.

use super::{Activation, OpError, OpFacts, Operands, resolve_axis};

/// Joins tensors along an existing axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concatenation {
    /// Which axis; may count from the end.
    pub axis: i32,
    /// Applied to the output.
    pub activation: Activation,
}

/// Joins tensors of equal shape along a new axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Where the new axis stands in the output; may count from the end.
    pub axis: i32,
}

/// Takes a tensor apart along an axis, which goes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpack {
    /// Which axis; may count from the end.
    pub axis: i32,
    /// How many parts: the extent of the axis.
    pub n_parts: usize,
}

/// Cuts a tensor into equal parts. Operands: axis (constant), input; note the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// How many parts.
    pub n_splits: usize,
}

/// Cuts a tensor into parts of given sizes. Operands: input, sizes (constant; one may be -1, the rest), axis (constant).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitV {
    /// How many parts.
    pub n_splits: usize,
}

impl SplitV {
    /// The axis that is cut, and the extent of each part along it.
    ///
    /// # Errors
    /// [`OpError`] if they are not constant, do not add up, or are not as many as the outputs.
    pub fn parts(&self, operands: &Operands<'_>) -> Result<(usize, Vec<usize>), OpError> {
        let (sizes, axis) = (operands.constant_integers(1, "sizes")?, operands.constant_integers(2, "axis")?);
        let &[axis] = axis.as_slice() else { return Err(OpError::Attribute(format!("{} axes, expected one", axis.len()))) };
        let shape = &operands.get(0)?.shape;
        let axis = resolve_axis(axis, shape.len())?;
        let given =
            sizes.iter().filter(|&&size| size != -1).try_fold(0usize, |sum, &size| sum.checked_add(size.try_into().ok()?));
        let rest = given.and_then(|given| shape[axis].checked_sub(given));
        let n_open = sizes.iter().filter(|&&size| size == -1).count();
        match rest {
            Some(rest)
                if (n_open == 1 || n_open == 0 && rest == 0)
                    && sizes.len() == self.n_splits
                    && sizes.len() == operands.n_outputs() =>
            {
                Ok((axis, sizes.iter().map(|&size| usize::try_from(size).unwrap_or(rest)).collect()))
            }
            _ => Err(OpError::Attribute(format!(
                "{} elements into parts of {sizes:?} and {} outputs",
                shape[axis],
                operands.n_outputs()
            ))),
        }
    }
}

impl Split {
    /// The axis that is cut, resolved.
    ///
    /// # Errors
    /// [`OpError`] if it is not constant or does not exist.
    pub fn axis(&self, operands: &Operands<'_>) -> Result<usize, OpError> {
        let axis = operands.constant_integers(0, "axis")?;
        let &[axis] = axis.as_slice() else { return Err(OpError::Attribute(format!("{} axes, expected one", axis.len()))) };
        resolve_axis(axis, operands.get(1)?.shape.len())
    }
}

impl OpFacts for Concatenation {
    fn name(&self) -> &str {
        "CONCATENATION"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let mut shape = operands.get(0)?.shape.clone();
        let axis = resolve_axis(self.axis.into(), shape.len())?;
        for index in 1..operands.len() {
            let other = &operands.get(index)?.shape;
            let fits = other.len() == shape.len() && (0..shape.len()).all(|i| i == axis || other[i] == shape[i]);
            let sum = fits.then(|| shape[axis].checked_add(other[axis])).flatten();
            shape[axis] = sum.ok_or_else(|| OpError::Shape {
                operand: index,
                shape: other.clone(),
                expected: format!("{shape:?} but for axis {axis}"),
            })?;
        }
        Ok(vec![shape])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Concat".into()
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}

impl OpFacts for Pack {
    fn name(&self) -> &str {
        "PACK"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let mut shape = operands.get(0)?.shape.clone();
        for index in 1..operands.len() {
            let other = &operands.get(index)?.shape;
            if *other != shape {
                return Err(OpError::Shape { operand: index, shape: other.clone(), expected: format!("{shape:?} as the first") });
            }
        }
        let axis = resolve_axis(self.axis.into(), shape.len() + 1)?;
        shape.insert(axis, operands.len());
        Ok(vec![shape])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Stack".into()
    }
}

impl OpFacts for Unpack {
    fn name(&self) -> &str {
        "UNPACK"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let mut shape = operands.get(0)?.shape.clone();
        let axis = resolve_axis(self.axis.into(), shape.len())?;
        let extent = shape.remove(axis);
        if extent != self.n_parts || extent != operands.n_outputs() {
            let n_outputs = operands.n_outputs();
            return Err(OpError::Attribute(format!("{extent} elements into {} parts and {n_outputs} outputs", self.n_parts)));
        }
        Ok(vec![shape; self.n_parts])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Unstack".into()
    }
}

impl OpFacts for Split {
    fn name(&self) -> &str {
        "SPLIT"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let axis = self.axis(operands)?;
        let mut shape = operands.get(1)?.shape.clone();
        if self.n_splits == 0 || shape[axis] % self.n_splits != 0 || self.n_splits != operands.n_outputs() {
            let n_outputs = operands.n_outputs();
            return Err(OpError::Attribute(format!(
                "{} elements into {} equal parts and {n_outputs} outputs",
                shape[axis], self.n_splits
            )));
        }
        shape[axis] /= self.n_splits;
        Ok(vec![shape; self.n_splits])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Split".into()
    }
}

impl OpFacts for SplitV {
    fn name(&self) -> &str {
        "SPLIT_V"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let (axis, parts) = self.parts(operands)?;
        let shape = &operands.get(0)?.shape;
        let part = |&extent: &usize| [&shape[..axis], &[extent], &shape[axis + 1..]].concat();
        Ok(parts.iter().map(part).collect())
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Split".into()
    }
}
