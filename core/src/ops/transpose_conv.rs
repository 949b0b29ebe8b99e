//! TRANSPOSE_CONV: every input pixel spreads over a window of the output.

use super::{Activation, OpError, OpFacts, Operands, Padding};

/// Attributes of a transposed convolution.
///
/// Operands: output shape `[4]` (constant), weights `[c_out, kh, kw, c_in]`, input `[n, h, w, c_in]`, bias `[c_out]` (optional);
/// note the order. The output is one that a convolution with this window, stride and padding would bring to the input's height
/// and width; what `Same` padding would have added there is cut off here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransposeConv {
    /// How far neighbours of the input lie apart in the output: down, right.
    pub stride: [usize; 2],
    /// Whether what reaches over the borders is cut off.
    pub padding: Padding,
    /// Applied to the output.
    pub activation: Activation,
}

impl TransposeConv {
    /// Rows and columns that are cut off before the output: top, left.
    pub fn cut(&self, output: [usize; 2], window: [usize; 2]) -> Option<[usize; 2]> {
        let along = |i: usize| self.padding.resolve(output[i], window[i], self.stride[i], 1).map(|(_, before, _)| before);
        Some([along(0)?, along(1)?])
    }
}

impl OpFacts for TransposeConv {
    fn name(&self) -> &str {
        "TRANSPOSE_CONV"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let [n, h, w, c_in] = operands.shape(2, "[n, h, w, c]")?;
        let [c_out, kh, kw, weights_in] = operands.shape(1, "[c_out, kh, kw, c_in]")?;
        if weights_in != c_in {
            return Err(OpError::Attribute(format!("weights for {weights_in} input channels, but the input has {c_in}")));
        }
        super::check_bias(operands, 3, c_out)?;
        let declared = operands.constant_integers(0, "output shape")?;
        let extents: Vec<usize> = declared.iter().filter_map(|&d| usize::try_from(d).ok()).collect();
        let wrong = || OpError::Attribute(format!("an output of {declared:?} from an input of {:?}", [n, h, w, c_in]));
        let &[out_n, out_h, out_w, channels] = extents.as_slice() else { return Err(wrong()) };
        let along = |i: usize, output: usize, window: usize| self.padding.resolve(output, window, self.stride[i], 1).map(|r| r.0);
        let fits = along(0, out_h, kh) == Some(h) && along(1, out_w, kw) == Some(w) && out_n == n && channels == c_out;
        if fits { Ok(vec![extents]) } else { Err(wrong()) }
    }

    /// Every input element meets every tap of its channel.
    fn macs(&self, operands: &Operands<'_>) -> u64 {
        let pixels =
            operands.shape::<4>(2, "").map_or(0, |[n, h, w, _]| (n as u64).saturating_mul(h as u64).saturating_mul(w as u64));
        operands.get(1).map_or(0, |w| pixels.saturating_mul(w.n_elements() as u64))
    }

    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        super::fused_elementwise(operands, self.activation, 3)
    }

    fn label(&self, operands: &Operands<'_>) -> String {
        match operands.shape::<4>(1, "") {
            Ok([_, kh, kw, _]) => format!("Transposed conv {kh}×{kw}"),
            Err(_) => "Transposed conv".into(),
        }
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}
