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
