//! RESIZE_BILINEAR: each pixel is a mean of four, weighted by how near they are.

use super::kernel::{Kernel, Values, Work};
use crate::ops::{OpError, OpFacts, Operands, ResizeBilinear};

/// Images higher or wider than this are refused: no sensible model has one, but a damaged file may ask for it.
const MAX_EXTENT: usize = 1 << 20;

/// Two neighbours of the input, and how far between them an output coordinate lies.
type Between = (usize, usize, f32);

/// RESIZE_BILINEAR, ready to run.
#[derive(Debug)]
pub(super) struct Bilinear {
    rows: Vec<Between>,
    columns: Vec<Between>,
    /// Height, width, channels.
    input: [usize; 3],
}

impl Bilinear {
    pub fn new(op: &ResizeBilinear, operands: &Operands<'_>) -> Result<Self, OpError> {
        let [_, h, w, c] = operands.shape(0, "[n, h, w, c]")?;
        let output = op.output_shapes(operands)?.remove(0);
        if h == 0 || w == 0 || output[1].max(output[2]) > MAX_EXTENT {
            return Err(OpError::Attribute(format!("an image of {h}×{w} cannot be resized to {}×{}", output[1], output[2])));
        }
        Ok(Self { rows: between(op, h, output[1]), columns: between(op, w, output[2]), input: [h, w, c] })
    }
}

/// For each output coordinate where it lies in the input. Source: TFLite `ComputeInterpolationValues`.
fn between(op: &ResizeBilinear, input: usize, output: usize) -> Vec<Between> {
    let scale = match op.align_corners && output > 1 {
        true => (input - 1) as f32 / (output - 1) as f32,
        false => input as f32 / output as f32,
    };
    let position = |i: usize| {
        let exact = if op.half_pixel_centers { (i as f32 + 0.5) * scale - 0.5 } else { i as f32 * scale };
        let lower = (exact.floor().max(0.0) as usize).min(input - 1);
        let upper = (exact.ceil().max(0.0) as usize).min(input - 1);
        (lower, upper, exact - lower as f32)
    };
    (0..output).map(position).collect()
}

impl Kernel for Bilinear {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], _work: &mut Work) {
        let [h, w, c] = self.input;
        let images = operands.all(0).chunks_exact(h * w * c);
        for (image, to) in images.zip(outputs[0].chunks_exact_mut(self.rows.len() * self.columns.len() * c)) {
            let places = self.rows.iter().flat_map(|row| self.columns.iter().map(move |column| (row, column)));
            for (pixel, (&(y0, y1, dy), &(x0, x1, dx))) in to.chunks_exact_mut(c).zip(places) {
                let at = |y: usize, x: usize| &image[(y * w + x) * c..][..c];
                let (a, b, below_a, below_b) = (at(y0, x0), at(y0, x1), at(y1, x0), at(y1, x1));
                for (i, to) in pixel.iter_mut().enumerate() {
                    let above = a[i] * (1.0 - dx) + b[i] * dx;
                    let below = below_a[i] * (1.0 - dx) + below_b[i] * dx;
                    *to = above * (1.0 - dy) + below * dy;
                }
            }
        }
    }
}
