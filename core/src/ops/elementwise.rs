//! ADD, SUB, MUL, DIV, MINIMUM, MAXIMUM, POW, SQUARED_DIFFERENCE: two tensors, element by element, broadcast against each other.

use super::{Activation, OpError, OpFacts, Operands};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryKind {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// The lesser of both.
    Minimum,
    /// The greater of both.
    Maximum,
    /// `a` to the power of `b`.
    Pow,
    /// `(a - b)²`.
    SquaredDifference,
}

impl BinaryKind {
    /// Whether the operator can clamp its output itself. One that cannot must have [`Activation::None`].
    pub fn fuses_activation(self) -> bool {
        matches!(self, Self::Add | Self::Sub | Self::Mul | Self::Div)
    }
}

/// Attributes of an elementwise operator with two operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// Which one.
    pub kind: BinaryKind,
    /// Applied to the output.
    pub activation: Activation,
}

impl OpFacts for Binary {
    fn name(&self) -> &str {
        match self.kind {
            BinaryKind::Add => "ADD",
            BinaryKind::Sub => "SUB",
            BinaryKind::Mul => "MUL",
            BinaryKind::Div => "DIV",
            BinaryKind::Minimum => "MINIMUM",
            BinaryKind::Maximum => "MAXIMUM",
            BinaryKind::Pow => "POW",
            BinaryKind::SquaredDifference => "SQUARED_DIFFERENCE",
        }
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let (a, b) = (operands.get(0)?, operands.get(1)?);
        if self.activation != Activation::None && !self.kind.fuses_activation() {
            return Err(OpError::Attribute(format!("{} fuses no activation", self.name())));
        }
        match super::broadcast(&a.shape, &b.shape) {
            Some(shape) => Ok(vec![shape]),
            None => Err(OpError::Shape {
                operand: 1,
                shape: b.shape.clone(),
                expected: format!("one that broadcasts with {:?}", a.shape),
            }),
        }
    }

    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements().saturating_mul(1 + u64::from(self.activation != Activation::None))
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        match self.kind {
            BinaryKind::Add => "Add",
            BinaryKind::Sub => "Subtract",
            BinaryKind::Mul => "Multiply",
            BinaryKind::Div => "Divide",
            BinaryKind::Minimum => "Minimum",
            BinaryKind::Maximum => "Maximum",
            BinaryKind::Pow => "Power",
            BinaryKind::SquaredDifference => "Squared difference",
        }
        .into()
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}
