//! CONV_2D: every output channel sees all input channels (of its group).

use super::{Activation, OpError, OpFacts, Operands, Padding};

/// Attributes of a two-dimensional convolution.
///
/// Operands: input `[n, h, w, c_in]`, weights `[c_out, kh, kw, c_in / groups]`, bias `[c_out]` (optional). The number of
/// groups is not an attribute; it follows from the shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Steps of the window: down, right.
    pub stride: [usize; 2],
    /// Distance between taps of the window: down, right.
    pub dilation: [usize; 2],
    /// What happens at the borders.
    pub padding: Padding,
    /// Applied to the output.
    pub activation: Activation,
}

impl OpFacts for Conv2d {
    fn name(&self) -> &str {
        "CONV_2D"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let [n, h, w, c_in] = operands.shape(0, "[n, h, w, c]")?;
        let [c_out, kh, kw, c_group] = operands.shape(1, "[c_out, kh, kw, c_in]")?;
        if c_group == 0 || c_in % c_group != 0 || c_out % (c_in / c_group).max(1) != 0 {
            return Err(OpError::Attribute(format!(
                "weights for {c_group} input channels, {c_out} output channels, but the input has {c_in}"
            )));
        }
        super::check_bias(operands, 2, c_out)?;
        let [h, w] = window_output([h, w], [kh, kw], self.stride, self.dilation, self.padding)?;
        Ok(vec![vec![n, h, w, c_out]])
    }

    fn macs(&self, operands: &Operands<'_>) -> u64 {
        let taps = operands.get(1).map_or(0, |w| w.shape.iter().skip(1).fold(1, |n: u64, &d| n.saturating_mul(d as u64)));
        operands.n_output_elements().saturating_mul(taps)
    }

    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        super::fused_elementwise(operands, self.activation, 2)
    }

    fn label(&self, operands: &Operands<'_>) -> String {
        match operands.shape::<4>(1, "") {
            Ok([_, kh, kw, _]) => format!("Conv {kh}×{kw}"),
            Err(_) => "Conv".into(),
        }
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}

/// Output height and width of a window that slides over an image.
///
/// # Errors
/// [`OpError::Attribute`] if the window does not fit.
pub(super) fn window_output(
    input: [usize; 2],
    window: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
) -> Result<[usize; 2], OpError> {
    let along = |i: usize| padding.resolve(input[i], window[i], stride[i], dilation[i]).map(|(output, ..)| output);
    match (along(0), along(1)) {
        (Some(h), Some(w)) => Ok([h, w]),
        _ => Err(OpError::Attribute(format!(
            "a window of {}×{} (stride {stride:?}, dilation {dilation:?}) does not fit an image of {}×{}",
            window[0], window[1], input[0], input[1]
        ))),
    }
}
