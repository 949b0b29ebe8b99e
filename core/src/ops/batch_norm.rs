//! Batch normalization as training leaves it. No TFLite operator: a recipe step folds it, or it is lowered to MUL and ADD.

use super::{OpError, OpFacts, Operands};

/// `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, channel by channel of the last axis.
///
/// Operands: x, gamma, beta, mean, variance, each `[c]`; gamma and beta may be left out (1 and 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance, lest it be 0.
    pub epsilon: f32,
}

impl BatchNorm {
    /// The same as one factor and one summand for each channel, in double precision: `x * scale + offset`.
    ///
    /// `parameters` are gamma, beta, mean and variance; left-out ones are `None`, each other one has a value for each channel.
    pub fn scale_and_offset(&self, parameters: [Option<&[f32]>; 4], channels: usize) -> (Vec<f64>, Vec<f64>) {
        let [gamma, beta, mean, variance] = parameters;
        let at = |values: Option<&[f32]>, channel: usize, default: f64| {
            values.and_then(|v| v.get(channel)).map_or(default, |&v| f64::from(v))
        };
        let channel = |c: usize| {
            let scale = at(gamma, c, 1.0) / (at(variance, c, 1.0) + f64::from(self.epsilon)).sqrt();
            (scale, at(beta, c, 0.0) - at(mean, c, 0.0) * scale)
        };
        (0..channels).map(channel).unzip()
    }
}

impl OpFacts for BatchNorm {
    fn name(&self) -> &str {
        "BATCH_NORM"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let shape = &operands.get(0)?.shape;
        let channels = shape.last().copied().unwrap_or(1);
        for index in 1..5 {
            match operands.optional(index) {
                None if index > 2 => return Err(OpError::MissingOperand(index)),
                Some(parameter) if parameter.n_elements() != channels => {
                    let expected = format!("[{channels}], one for each channel");
                    return Err(OpError::Shape { operand: index, shape: parameter.shape.clone(), expected });
                }
                _ => {}
            }
        }
        Ok(vec![shape.clone()])
    }

    /// A product and a sum for each element.
    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements().saturating_mul(2)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Batch norm".into()
    }
}
