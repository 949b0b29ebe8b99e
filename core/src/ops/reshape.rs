//! RESHAPE, SQUEEZE, EXPAND_DIMS: the same values under another shape.

use super::{OpError, OpFacts, Operands};

/// A new shape. Operands: input, shape (optional; a constant, or computed by SHAPE and PACK).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape {
    /// The wanted shape, one entry may be -1; used where operand 1 is not a constant. Empty if the file has none.
    pub new_shape: Vec<i32>,
}

/// Removes axes of extent 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Squeeze {
    /// Which, may count from the end; empty for all of extent 1.
    pub axes: Vec<i32>,
}

/// Inserts an axis of extent 1. Operands: input, axis (constant).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpandDims;

impl OpFacts for Reshape {
    fn name(&self) -> &str {
        "RESHAPE"
    }

    /// Operand 1 if it is constant, else the attribute, else (a shape computed at run time) what the graph declares.
    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let input = operands.get(0)?;
        let n = input.n_elements();
        let wanted: Vec<i64> = match operands.constant_integers(1, "shape") {
            Ok(shape) => shape,
            Err(_) if !self.new_shape.is_empty() => self.new_shape.iter().map(|&d| d.into()).collect(),
            Err(error) => match operands.declared_output(0) {
                Some(declared) => declared.shape.iter().map(|&d| d as i64).collect(),
                None => return Err(error),
            },
        };
        let misfit = || OpError::Attribute(format!("shape {:?} ({n} elements) cannot become {wanted:?}", input.shape));
        let known = wanted.iter().filter(|&&d| d != -1).try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?));
        let known = known.ok_or_else(misfit)?;
        let n_free = wanted.iter().filter(|&&d| d == -1).count();
        let free = match n_free {
            0 if known == n => 1,
            1 if known != 0 && n % known == 0 => n / known,
            _ => return Err(misfit()),
        };
        Ok(vec![wanted.iter().map(|&d| if d == -1 { free } else { d as usize }).collect()])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Reshape".into()
    }
}

impl OpFacts for Squeeze {
    fn name(&self) -> &str {
        "SQUEEZE"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let shape = &operands.get(0)?.shape;
        let axes = self.axes.iter().map(|&axis| super::resolve_axis(axis.into(), shape.len())).collect::<Result<Vec<_>, _>>()?;
        if let Some(&axis) = axes.iter().find(|&&axis| shape[axis] != 1) {
            return Err(OpError::Attribute(format!("axis {axis} of shape {shape:?} is not of extent 1")));
        }
        let goes = |axis: usize| if axes.is_empty() { shape[axis] == 1 } else { axes.contains(&axis) };
        Ok(vec![(0..shape.len()).filter(|&axis| !goes(axis)).map(|axis| shape[axis]).collect()])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Squeeze".into()
    }
}

impl OpFacts for ExpandDims {
    fn name(&self) -> &str {
        "EXPAND_DIMS"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let mut shape = operands.get(0)?.shape.clone();
        let axis = operands.constant_integers(1, "axis")?;
        let &[axis] = axis.as_slice() else { return Err(OpError::Attribute(format!("{} axes, expected one", axis.len()))) };
        shape.insert(super::resolve_axis(axis, shape.len() + 1)?, 1);
        Ok(vec![shape])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Expand dims".into()
    }
}
