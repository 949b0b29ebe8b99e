//! Functions of one int16 value.

use super::unary::{LeakyRelu, Rescale};
use crate::activation::OutputRange;
use crate::lookup::{self, Spread};

/// A function of one int16 value, with everything it needs prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// Logistic; output scale 1/32768, zero point 0.
    Logistic(Spread),
    /// Hyperbolic tangent; output scale 1/32768, zero point 0.
    Tanh(Spread),
    /// Rectifier that also rescales.
    Relu(Rescale<i16>),
    /// Clamp to `[0, 6]` in the *input's* quantization: TensorFlow Lite Micro does not rescale here, other runtimes do.
    Relu6(OutputRange<i16>),
    /// Rectifier with a slope for negative values.
    LeakyRelu(LeakyRelu),
}

impl Unary {
    /// The value of the function.
    #[inline]
    pub fn apply(&self, value: i16) -> i16 {
        match self {
            Self::Logistic(spread) => lookup::logistic(value, *spread),
            Self::Tanh(spread) => lookup::tanh(value, *spread),
            Self::Relu(rescale) => rescale.apply(value),
            Self::Relu6(range) => range.clamp(i32::from(value)),
            Self::LeakyRelu(leaky) => leaky.apply(value),
        }
    }
}

/// Applies `function` to every element; `input` and `output` are int16 and equally long.
pub fn unary(function: &Unary, input: &[i16], output: &mut [i16]) {
    for (out, value) in output.iter_mut().zip(input) {
        *out = function.apply(*value);
    }
}
