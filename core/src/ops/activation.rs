//! Functions of one tensor: standalone activations, SOFTMAX, and the changes of representation QUANTIZE and DEQUANTIZE.

use super::{OpError, OpFacts, Operands};

/// A function of each element alone, without attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `1 / (1 + exp(-x))`.
    Logistic,
    /// Hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `min(max(x, -1), 1)`.
    ReluN1To1,
    /// `x * min(max(x + 3, 0), 6) / 6`.
    HardSwish,
    /// `x` where positive, `exp(x) - 1` elsewhere.
    Elu,
    /// `x * P(X <= x)` of a standard normal distribution.
    Gelu {
        /// By the formula with tanh rather than that with erf.
        approximate: bool,
    },
    /// `min(max(x, 0), 1)`.
    Relu0To1,
    /// e to the power of `x`.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `1 / sqrt(x)`.
    Rsqrt,
    /// `-x`.
    Neg,
    /// `|x|`.
    Abs,
    /// `x * x`.
    Square,
}

/// `x` where positive, `alpha * x` elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyRelu {
    /// Slope for negative values.
    pub alpha: f32,
}

/// `exp(beta * x) / sum(exp(beta * x))` along the last axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softmax {
    /// Factor before the exponential; 1 nearly everywhere.
    pub beta: f32,
}

/// `x - log(sum(exp(x)))` along the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSoftmax;

/// `x` where positive, `alpha * x` elsewhere. Operands: input, alpha (broadcast to the input; `[c]` for one slope a channel).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PRelu;

/// Float to integer, or integer to integer of other scale; what to is said by the output tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantize;

/// Integer (or half float) to float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dequantize;

fn same_shape(operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
    Ok(vec![operands.get(0)?.shape.clone()])
}

impl OpFacts for Unary {
    fn name(&self) -> &str {
        match self {
            Self::Logistic => "LOGISTIC",
            Self::Tanh => "TANH",
            Self::Relu => "RELU",
            Self::Relu6 => "RELU6",
            Self::ReluN1To1 => "RELU_N1_TO_1",
            Self::HardSwish => "HARD_SWISH",
            Self::Elu => "ELU",
            Self::Gelu { .. } => "GELU",
            Self::Relu0To1 => "RELU_0_TO_1",
            Self::Exp => "EXP",
            Self::Log => "LOG",
            Self::Sqrt => "SQRT",
            Self::Rsqrt => "RSQRT",
            Self::Neg => "NEG",
            Self::Abs => "ABS",
            Self::Square => "SQUARE",
        }
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        same_shape(operands)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        match self {
            Self::Logistic => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Relu => "ReLU",
            Self::Relu6 => "ReLU6",
            Self::ReluN1To1 => "ReLU ±1",
            Self::HardSwish => "Hard swish",
            Self::Elu => "ELU",
            Self::Gelu { .. } => "GELU",
            Self::Relu0To1 => "ReLU 0…1",
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Sqrt => "Square root",
            Self::Rsqrt => "1 / square root",
            Self::Neg => "Negate",
            Self::Abs => "Absolute",
            Self::Square => "Square",
        }
        .into()
    }
}

impl OpFacts for LeakyRelu {
    fn name(&self) -> &str {
        "LEAKY_RELU"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        same_shape(operands)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        format!("Leaky ReLU {}", self.alpha)
    }
}

impl OpFacts for Softmax {
    fn name(&self) -> &str {
        "SOFTMAX"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        same_shape(operands)
    }

    /// Subtract the maximum, exponential, sum, divide: four passes.
    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements().saturating_mul(4)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Softmax".into()
    }
}

impl OpFacts for LogSoftmax {
    fn name(&self) -> &str {
        "LOG_SOFTMAX"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        same_shape(operands)
    }

    /// Subtract the maximum, exponential, sum, subtract: four passes.
    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements().saturating_mul(4)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Log softmax".into()
    }
}

impl OpFacts for PRelu {
    fn name(&self) -> &str {
        "PRELU"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let (input, alpha) = (&operands.get(0)?.shape, &operands.get(1)?.shape);
        match super::broadcast(input, alpha) {
            Some(shape) if shape == *input => Ok(vec![shape]),
            _ => Err(OpError::Shape { operand: 1, shape: alpha.clone(), expected: format!("one that broadcasts to {input:?}") }),
        }
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "PReLU".into()
    }
}

impl OpFacts for Quantize {
    fn name(&self) -> &str {
        "QUANTIZE"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        same_shape(operands)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Quantize".into()
    }
}

impl OpFacts for Dequantize {
    fn name(&self) -> &str {
        "DEQUANTIZE"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        same_shape(operands)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Dequantize".into()
    }
}
