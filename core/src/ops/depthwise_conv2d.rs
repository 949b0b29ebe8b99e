//! DEPTHWISE_CONV_2D: every output channel sees one input channel.

use super::conv2d::window_output;
use super::{Activation, OpError, OpFacts, Operands, Padding};

/// Attributes of a depthwise convolution.
///
/// Operands: input `[n, h, w, c_in]`, weights `[1, kh, kw, c_out]`, bias `[c_out]` (optional). Output channel `c` reads input
/// channel `c / depth_multiplier`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthwiseConv2d {
    /// Steps of the window: down, right.
    pub stride: [usize; 2],
    /// Distance between taps of the window: down, right.
    pub dilation: [usize; 2],
    /// What happens at the borders.
    pub padding: Padding,
    /// Output channels for each input channel: `c_out / c_in`.
    pub depth_multiplier: usize,
    /// Applied to the output.
    pub activation: Activation,
}

impl OpFacts for DepthwiseConv2d {
    fn name(&self) -> &str {
        "DEPTHWISE_CONV_2D"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let [n, h, w, c_in] = operands.shape(0, "[n, h, w, c]")?;
        let [one, kh, kw, c_out] = operands.shape(1, "[1, kh, kw, c_out]")?;
        if one != 1 || c_in == 0 || c_out % c_in != 0 || c_in.checked_mul(self.depth_multiplier) != Some(c_out) {
            return Err(OpError::Attribute(format!(
                "weights {:?} with depth multiplier {} do not fit {c_in} input channels",
                [one, kh, kw, c_out],
                self.depth_multiplier
            )));
        }
        super::check_bias(operands, 2, c_out)?;
        let [h, w] = window_output([h, w], [kh, kw], self.stride, self.dilation, self.padding)?;
        Ok(vec![vec![n, h, w, c_out]])
    }

    fn macs(&self, operands: &Operands<'_>) -> u64 {
        match operands.shape::<4>(1, "") {
            Ok([_, kh, kw, _]) => operands.n_output_elements().saturating_mul(kh as u64).saturating_mul(kw as u64),
            Err(_) => 0,
        }
    }

    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        super::fused_elementwise(operands, self.activation, 2)
    }

    fn label(&self, operands: &Operands<'_>) -> String {
        match operands.shape::<4>(1, "") {
            Ok([_, kh, kw, _]) => format!("Depthwise {kh}×{kw}"),
            Err(_) => "Depthwise".into(),
        }
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}
