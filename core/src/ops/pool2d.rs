//! AVERAGE_POOL_2D and MAX_POOL_2D.

use super::conv2d::window_output;
use super::{Activation, OpError, OpFacts, Operands, Padding};

/// What a window becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The mean of the values inside the image; padding is not counted.
    Average,
    /// The largest value.
    Max,
}

/// Attributes of a pooling operator. Operand: input `[n, h, w, c]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool2d {
    /// Which one.
    pub kind: PoolKind,
    /// Height and width of the window.
    pub window: [usize; 2],
    /// Steps of the window: down, right.
    pub stride: [usize; 2],
    /// What happens at the borders.
    pub padding: Padding,
    /// Applied to the output.
    pub activation: Activation,
}

impl OpFacts for Pool2d {
    fn name(&self) -> &str {
        match self.kind {
            PoolKind::Average => "AVERAGE_POOL_2D",
            PoolKind::Max => "MAX_POOL_2D",
        }
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let [n, h, w, c] = operands.shape(0, "[n, h, w, c]")?;
        let [h, w] = window_output([h, w], self.window, self.stride, [1, 1], self.padding)?;
        Ok(vec![vec![n, h, w, c]])
    }

    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements().saturating_mul(self.window[0] as u64).saturating_mul(self.window[1] as u64)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        let kind = if self.kind == PoolKind::Average { "Average pool" } else { "Max pool" };
        format!("{kind} {}×{}", self.window[0], self.window[1])
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}
