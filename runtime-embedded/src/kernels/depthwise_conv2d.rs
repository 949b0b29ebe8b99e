//! Depthwise convolution: each input channel has its own filters.

use super::Channel;
use crate::activation::OutputRange;
use crate::element::{Accumulator, Quantized};
use crate::fixed_point::{Multiplier, Rounding};
use crate::shape::{Nhwc, Window};

/// What [`depthwise_conv2d`] needs to know beside its buffers.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseConv2dParams<'a, T = i8> {
    /// `[n, h_in, w_in, c_in]`
    pub input: Nhwc,
    /// `[n, h_out, w_out, c_out]`; `c_out` is a multiple of `c_in`, their ratio the *depth multiplier*.
    pub output: Nhwc,
    /// Extent, stride, dilation, padding before.
    pub window: Window,
    /// Zero point of the input, a value of its type; also what the padding holds.
    pub input_zero_point: i32,
    /// Zero point of the output, a value of its type.
    pub output_zero_point: i32,
    /// `input scale * weight scale / output scale`: `[c_out]`, or one for all.
    pub multipliers: &'a [Multiplier],
    /// Clamp of the output; a fused activation is nothing else.
    pub range: OutputRange<T>,
    /// How the accumulators are requantized.
    pub rounding: Rounding,
}

/// Convolves each channel of an int8 or int16 input with its own symmetric int8 weights.
///
/// ```text
/// acc[n, y, x, c] = bias[c] + sum over (ky, kx) of weights[ky, kx, c] * (input[n, y', x', c / depth_multiplier] - input_zero_point)
/// y' = y * stride + ky * dilation - padding, x' likewise; taps outside the input add nothing
/// output = clamp(acc * multiplier[c] + output_zero_point)
/// ```
///
/// * `input`: int8 or int16 `[n, h_in, w_in, c_in]`
/// * `weights`: int8 `[1, h_kernel, w_kernel, c_out]`, zero point 0
/// * `bias`: int32, or int64 for int16 activations, `[c_out]` in units of `input scale * weight scale`; absent is zero
/// * `output`: the input's type, `[n, h_out, w_out, c_out]`
pub fn depthwise_conv2d<T: Quantized, A: Accumulator>(
    params: &DepthwiseConv2dParams<'_, T>,
    input: &[T],
    weights: &[i8],
    bias: Option<&[A]>,
    output: &mut [T],
) {
    for index in 0..params.output.channels {
        depthwise_conv2d_channel(params, &Channel::of(params.multipliers, bias, index), input, weights, output);
    }
}

/// One output channel of [`depthwise_conv2d`]: writes every `c_out`-th element of `output` and no other.
///
/// `params.multipliers` is not read. `weights` are those of all channels, which lie interleaved.
pub fn depthwise_conv2d_channel<T: Quantized, A: Accumulator>(
    params: &DepthwiseConv2dParams<'_, T>,
    channel: &Channel<A>,
    input: &[T],
    weights: &[i8],
    output: &mut [T],
) {
    let out = params.output;
    for batch in 0..out.batch {
        for y in 0..out.height {
            for x in 0..out.width {
                let sum: A = accumulate(params, input, weights, [batch, y, x, channel.index]);
                output[out.offset(batch, y, x, channel.index)] =
                    channel.finish(sum, params.output_zero_point, params.range, params.rounding);
            }
        }
    }
}

/// The accumulator of one output element, without bias.
fn accumulate<T: Quantized, A: Accumulator>(
    params: &DepthwiseConv2dParams<'_, T>,
    input: &[T],
    weights: &[i8],
    [batch, y, x, channel]: [usize; 4],
) -> A {
    let [kernel_height, kernel_width] = params.window.size;
    let depth_multiplier = params.output.channels / params.input.channels;
    let mut sum = A::default();
    for tap_y in 0..kernel_height {
        let Some(in_y) = params.window.input_coordinate(0, y, tap_y, params.input.height) else {
            continue;
        };
        for tap_x in 0..kernel_width {
            let Some(in_x) = params.window.input_coordinate(1, x, tap_x, params.input.width) else {
                continue;
            };
            let value = input[params.input.offset(batch, in_y, in_x, channel / depth_multiplier)];
            let weight = weights[(tap_y * kernel_width + tap_x) * params.output.channels + channel];
            sum = sum.plus_product((value.widen() - params.input_zero_point) * i32::from(weight));
        }
    }
    sum
}
