//! TRANSPOSE_CONV: each input pixel times the weights gives a window of values, which is added to the output where it lies.

use std::sync::Arc;

use super::constants::whole_values;
use super::convolution::{Parameters, whole_rows};
use super::elementwise::clamp;
use super::hybrid::{Finish, quantize};
use super::kernel::{Kernel, Values, Work};
use crate::execute::fast::matmul_f32::{PackedWeights, Target, matmul};
use crate::execute::fast::simd_f32::SimdF32;
use crate::ops;
use crate::ops::hybrid::DynamicRange;

/// So many values of windows are computed at a time: they should stay in a core's cache, however large the image.
const WINDOW_VALUES: usize = 1 << 16;

/// A transposed convolution, ready to run.
#[derive(Debug)]
pub(super) struct TransposeConv {
    /// `[kh, kw, c_out]` rows of `c_in`.
    weights: PackedWeights,
    bias: Arc<[f32]>,
    /// Height, width, channels.
    input: [usize; 3],
    output: [usize; 3],
    window: [usize; 2],
    stride: [usize; 2],
    /// Rows and columns before the output that are cut off.
    cut: [usize; 2],
    clamp: (f32, f32),
    /// If the weights are integers: how images are quantized, and what follows the sums.
    hybrid: Option<(DynamicRange, Finish)>,
}

impl TransposeConv {
    /// `range`: how images are quantized, if the weights are integers.
    pub fn new(
        op: &ops::TransposeConv,
        parameters: &Parameters<'_>,
        range: Option<DynamicRange>,
        clamp: (f32, f32),
        simd: SimdF32,
    ) -> Result<Self, String> {
        let shapes = ops::OpFacts::output_shapes(op, &parameters.operands).map_err(|error| error.to_string())?;
        let &[_, out_h, out_w, _] = shapes[0].as_slice() else { return Err("its output is no image".into()) };
        let [_, h, w, c_in] = parameters.shape(2, "[n, h, w, c]")?;
        let [c_out, kh, kw, _] = parameters.shape(1, "[c_out, kh, kw, c_in]")?;
        let cut = op.cut([out_h, out_w], [kh, kw]).ok_or("its window does not fit its output")?;
        let bias = parameters.optional_values(3, "bias")?.unwrap_or_else(|| vec![0.0; c_out].into());
        let tensor = parameters.operands.get(1).map_err(|error| error.to_string())?;
        let (flat, hybrid) = match (range, &tensor.quantization) {
            (Some(range), Some(q)) => {
                let scales = (0..c_out).map(|channel| q.scale_of(channel)).collect();
                (whole_values(tensor)?, Some((range, Finish { scales, bias: bias.clone(), clamp, weights_first: false })))
            }
            _ => (parameters.values(1, "weights")?, None),
        };
        let row = |t: usize, c: usize| &flat[(c * kh * kw + t) * c_in..][..c_in];
        let by_tap: Vec<f32> = (0..kh * kw).flat_map(|t| (0..c_out).flat_map(move |c| row(t, c))).copied().collect();
        Ok(Self {
            weights: PackedWeights::new(simd, &by_tap, None, kh * kw * c_out, c_in),
            bias,
            input: [h, w, c_in],
            output: [out_h, out_w, c_out],
            window: [kh, kw],
            stride: op.stride,
            cut,
            clamp,
            hybrid,
        })
    }

    /// Adds the windows of the input pixels from `first` on to one output image.
    fn spread(&self, first: usize, windows: &[f32], to: &mut [f32]) {
        let ([_, width, _], [out_h, out_w, c_out], [kh, kw]) = (self.input, self.output, self.window);
        for (p, window) in (first..).zip(windows.chunks_exact(kh * kw * c_out)) {
            let (y, x) = (p / width * self.stride[0], p % width * self.stride[1]);
            for (t, values) in window.chunks_exact(c_out).enumerate() {
                let row = (y + t / kw).checked_sub(self.cut[0]).filter(|&row| row < out_h);
                let column = (x + t % kw).checked_sub(self.cut[1]).filter(|&column| column < out_w);
                let (Some(row), Some(column)) = (row, column) else { continue };
                let pixel = &mut to[(row * out_w + column) * c_out..][..c_out];
                pixel.iter_mut().zip(values).for_each(|(to, value)| *to += value);
            }
        }
    }
}

impl Kernel for TransposeConv {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], work: &mut Work) {
        let ([h, w, c_in], c_out) = (self.input, self.output[2]);
        let window_len = self.window[0] * self.window[1] * c_out;
        let target = Target { row_stride: window_len, offset: 0, clamp: (f32::NEG_INFINITY, f32::INFINITY) };
        let n_pixels = (WINDOW_VALUES / window_len).clamp(1, h * w);
        let starts: Vec<usize> = (0..n_pixels).map(|pixel| pixel * c_in).collect();
        let [windows, whole, ..] = work;
        windows.resize(n_pixels * window_len, 0.0);
        let images = operands.all(0).chunks_exact(h * w * c_in);
        for (image, to) in images.zip(outputs[0].chunks_exact_mut(self.output.iter().product())) {
            let (image, finish) = match &self.hybrid {
                None => {
                    to.chunks_exact_mut(c_out).for_each(|pixel| pixel.copy_from_slice(&self.bias));
                    (image, None)
                }
                Some((range, finish)) => {
                    to.fill(0.0);
                    whole.resize(image.len(), 0.0);
                    let scale = quantize(image, *range, whole);
                    (whole.as_slice(), Some((finish, scale)))
                }
            };
            for (block, pixels) in image.chunks(n_pixels * c_in).enumerate() {
                let n = pixels.len() / c_in;
                matmul(pixels, whole_rows(&starts[..n], c_in), &self.weights, windows, target);
                self.spread(block * n_pixels, &windows[..n * window_len], to);
            }
            match finish {
                None => to.iter_mut().for_each(|x| *x = clamp(*x, self.clamp)),
                Some((finish, scale)) => finish.apply(to, scale),
            }
        }
    }
}
