//! RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: an image at another size, every pixel a copy, or a mean of its four neighbours.

use super::{OpError, OpFacts, Operands};

/// Attributes. Operands: input `[n, h, w, c]`, size `[2]` (constant: height, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ResizeNearestNeighbor {
    /// The corners' centres of input and output coincide.
    pub align_corners: bool,
    /// Pixel centres lie at half coordinates.
    pub half_pixel_centers: bool,
}

/// Attributes and operands as those of [`ResizeNearestNeighbor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ResizeBilinear {
    /// The corners' centres of input and output coincide.
    pub align_corners: bool,
    /// Pixel centres lie at half coordinates.
    pub half_pixel_centers: bool,
}

fn resized(operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
    let [n, _, _, c] = operands.shape(0, "[n, h, w, c]")?;
    let size = operands.constant_integers(1, "size")?;
    match size.as_slice() {
        &[h, w] if h > 0 && w > 0 => Ok(vec![vec![n, h as usize, w as usize, c]]),
        _ => Err(OpError::Attribute(format!("a size of {size:?}, expected height and width"))),
    }
}

impl OpFacts for ResizeBilinear {
    fn name(&self) -> &str {
        "RESIZE_BILINEAR"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        resized(operands)
    }

    /// Four products and three sums.
    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements().saturating_mul(7)
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Resize bilinear".into()
    }
}

impl OpFacts for ResizeNearestNeighbor {
    fn name(&self) -> &str {
        "RESIZE_NEAREST_NEIGHBOR"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        resized(operands)
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Resize nearest".into()
    }
}
