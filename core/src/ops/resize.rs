//! RESIZE_NEAREST_NEIGHBOR: an image at another size, every pixel a copy.

use super::{OpError, OpFacts, Operands};

/// Attributes. Operands: input `[n, h, w, c]`, size `[2]` (constant: height, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ResizeNearestNeighbor {
    /// The corners' centres of input and output coincide.
    pub align_corners: bool,
    /// Pixel centres lie at half coordinates.
    pub half_pixel_centers: bool,
}

impl OpFacts for ResizeNearestNeighbor {
    fn name(&self) -> &str {
        "RESIZE_NEAREST_NEIGHBOR"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let [n, _, _, c] = operands.shape(0, "[n, h, w, c]")?;
        let size = operands.constant_integers(1, "size")?;
        match size.as_slice() {
            &[h, w] if h > 0 && w > 0 => Ok(vec![vec![n, h as usize, w as usize, c]]),
            _ => Err(OpError::Attribute(format!("a size of {size:?}, expected height and width"))),
        }
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Resize nearest".into()
    }
}
