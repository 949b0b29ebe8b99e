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

use crate::fixed_point::Multiplier;

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
