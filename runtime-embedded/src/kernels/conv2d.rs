//! Two-dimensional convolution, grouped where the weights have fewer input channels than the input.

use super::Channel;
use crate::activation::OutputRange;
use crate::element::{Accumulator, Quantized};
use crate::fixed_point::{Multiplier, Rounding};
use crate::shape::{Nhwc, Window};

/// What [`conv2d`] needs to know beside its buffers.
#[derive(Clone, Copy, Debug)]
pub struct Conv2dParams<'a, T = i8> {
    /// `[n, h_in, w_in, c_in]`
    pub input: Nhwc,
    /// `[n, h_out, w_out, c_out]`
    pub output: Nhwc,
    /// Channels that one filter reads; divides `c_in`. Fewer than `c_in` means `c_in / group_channels` groups.
    pub group_channels: usize,
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

/// Convolves int8 or int16 with symmetric int8 weights.
///
/// ```text
/// acc[n, y, x, c] = bias[c] + sum over (ky, kx, ci) of weights[c, ky, kx, ci] * (input[n, y', x', group(c) + ci] - input_zero_point)
/// y' = y * stride + ky * dilation - padding, x' likewise; taps outside the input add nothing
/// output = clamp(acc * multiplier[c] + output_zero_point)
/// ```
///
/// * `input`: int8 or int16 `[n, h_in, w_in, c_in]`
/// * `weights`: int8 `[c_out, h_kernel, w_kernel, group_channels]`, zero point 0 (int4 unpacked to one value a byte)
/// * `bias`: int32, or int64 for int16 activations, `[c_out]` in units of `input scale * weight scale`; absent is zero
/// * `output`: the input's type, `[n, h_out, w_out, c_out]`
pub fn conv2d<T: Quantized, A: Accumulator>(
    params: &Conv2dParams<'_, T>,
    input: &[T],
    weights: &[i8],
    bias: Option<&[A]>,
    output: &mut [T],
) {
    let filter_len = params.filter_len();
    for index in 0..params.output.channels {
        let filter = &weights[index * filter_len..][..filter_len];
        conv2d_channel(params, &Channel::of(params.multipliers, bias, index), input, filter, output);
    }
}

/// One output channel of [`conv2d`]: writes every `c_out`-th element of `output` and no other.
///
/// `params.multipliers` is not read. `filter`: int8 `[h_kernel, w_kernel, group_channels]`.
pub fn conv2d_channel<T: Quantized, A: Accumulator>(
    params: &Conv2dParams<'_, T>,
    channel: &Channel<A>,
    input: &[T],
    filter: &[i8],
    output: &mut [T],
) {
    let out = params.output;
    for batch in 0..out.batch {
        for y in 0..out.height {
            for x in 0..out.width {
                let sum: A = accumulate(params, input, filter, [batch, y, x, channel.index]);
                output[out.offset(batch, y, x, channel.index)] =
                    channel.finish(sum, params.output_zero_point, params.range, params.rounding);
            }
        }
    }
}

impl<T> Conv2dParams<'_, T> {
    /// Weights of one output channel.
    pub fn filter_len(&self) -> usize {
        self.window.size[0] * self.window.size[1] * self.group_channels
    }
}

/// The accumulator of one output element, without bias.
fn accumulate<T: Quantized, A: Accumulator>(
    params: &Conv2dParams<'_, T>,
    input: &[T],
    filter: &[i8],
    [batch, y, x, channel]: [usize; 4],
) -> A {
    let [kernel_height, kernel_width] = params.window.size;
    let depth = params.group_channels;
    let groups = params.input.channels / depth;
    let first_input_channel = channel / (params.output.channels / groups) * depth;
    let mut sum = A::default();
    for tap_y in 0..kernel_height {
        let Some(in_y) = params.window.input_coordinate(0, y, tap_y, params.input.height) else {
            continue;
        };
        for tap_x in 0..kernel_width {
            let Some(in_x) = params.window.input_coordinate(1, x, tap_x, params.input.width) else {
                continue;
            };
            let from = params.input.offset(batch, in_y, in_x, first_input_channel);
            let tap = (tap_y * kernel_width + tap_x) * depth;
            for (value, weight) in input[from..from + depth].iter().zip(&filter[tap..tap + depth]) {
                sum = sum.plus_product((value.widen() - params.input_zero_point) * i32::from(*weight));
            }
        }
    }
    sum
}
