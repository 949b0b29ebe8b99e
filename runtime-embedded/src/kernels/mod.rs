//! One kernel family a file. Each takes a plain parameter struct and slices, and writes every element of its output.
//!
//! Contracts hold for all of them: buffers are contiguous, row-major, and as long as the shapes say; a kernel panics on a
//! shorter buffer rather than read beside it, so whoever reads a model from outside checks shapes first. Sums wrap at 32
//! bits like the device's registers; a model that a converter made never gets there.

pub mod conv2d;
pub mod data_movement;
pub mod depthwise_conv2d;
pub mod elementwise;
pub mod fully_connected;
pub mod lstm;
pub mod pool2d;
pub mod quantize;
pub mod reduce;
pub mod softmax;
pub mod softmax_int16;
pub mod unary;
pub mod unary_int16;

use crate::activation::OutputRange;
use crate::element::{Accumulator, Quantized};
use crate::fixed_point::{Multiplier, Rounding};

/// One output channel of a layer with weights: what the per-channel entry points need beside its filter.
///
/// A layer whose weights are decoded while it runs computes one channel after the other, so that one filter is in memory at a
/// time. Whole-layer kernels are loops over these entry points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel<A = i32> {
    /// Which channel of the output.
    pub index: usize,
    /// In units of `input scale * weight scale`, of the type that sums have.
    pub bias: A,
    /// `input scale * weight scale / output scale`
    pub multiplier: Multiplier,
}

impl<A: Accumulator> Channel<A> {
    /// Channel `index` of a layer whose multipliers and biases lie side by side.
    fn of(multipliers: &[Multiplier], bias: Option<&[A]>, index: usize) -> Self {
        let bias = bias.map_or(A::default(), |bias| bias[index]);
        Self { index, bias, multiplier: of_channel(multipliers, index) }
    }

    /// The output for a sum without bias.
    #[inline]
    fn finish<T: Quantized>(&self, sum: A, zero_point: i32, range: OutputRange<T>, rounding: Rounding) -> T {
        let scaled = sum.plus(self.bias).requantize(self.multiplier, rounding);
        range.clamp(scaled.wrapping_add(zero_point))
    }
}

/// The multiplier of one output channel: `multipliers` holds one for each channel, or a single one for all.
#[inline]
fn of_channel(multipliers: &[Multiplier], channel: usize) -> Multiplier {
    match multipliers {
        [one] => *one,
        each => each[channel],
    }
}

/// `real = input * weights / output` for one channel of a convolution or fully connected layer.
///
/// All in double precision. That holds for a fully connected layer with one scale for all weights, too, where TensorFlow
/// Lite's own `GetQuantizedConvolutionMultipler` multiplies the first two in single precision: TensorFlow Lite Micro differs
/// (the golden case `fully_connected_scale` tells the two apart).
pub fn convolution_scale(input: f32, weights: f32, output: f32) -> f64 {
    f64::from(input) * f64::from(weights) / f64::from(output)
}
