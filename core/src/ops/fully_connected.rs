//! FULLY_CONNECTED: `output = input · weightsᵀ + bias`.

use super::{Activation, OpError, OpFacts, Operands};

/// Attributes of a dense layer.
///
/// Operands: input `[.., c_in]`, weights `[c_out, c_in]`, bias `[c_out]` (optional).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullyConnected {
    /// Keep all axes of the input but the last; otherwise the input is flattened to `[n / c_in, c_in]`.
    pub keep_num_dims: bool,
    /// Applied to the output.
    pub activation: Activation,
}

impl OpFacts for FullyConnected {
    fn name(&self) -> &str {
        "FULLY_CONNECTED"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let input = operands.get(0)?;
        let [c_out, c_in] = operands.shape(1, "[c_out, c_in]")?;
        super::check_bias(operands, 2, c_out)?;
        let misfit = || OpError::Shape { operand: 0, shape: input.shape.clone(), expected: format!("rows of {c_in}") };
        if c_in == 0 || input.n_elements() % c_in != 0 {
            return Err(misfit());
        }
        if self.keep_num_dims {
            let (last, outer) = input.shape.split_last().ok_or_else(misfit)?;
            if *last != c_in {
                return Err(misfit());
            }
            return Ok(vec![outer.iter().copied().chain([c_out]).collect()]);
        }
        Ok(vec![vec![input.n_elements() / c_in, c_out]])
    }

    fn macs(&self, operands: &Operands<'_>) -> u64 {
        let c_in = operands.shape::<2>(1, "").map_or(0, |[_, c_in]| c_in as u64);
        operands.n_output_elements().saturating_mul(c_in)
    }

    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        super::fused_elementwise(operands, self.activation, 2)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Dense".into()
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}
