//! Average and maximum over a sliding window. Input and output share scale and zero point; nothing is rescaled.

use crate::activation::OutputRange;
use crate::element::Quantized;
use crate::shape::{Nhwc, Window};

/// What the poolings need to know beside their buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2dParams<T = i8> {
    /// `[n, h_in, w_in, c]`
    pub input: Nhwc,
    /// `[n, h_out, w_out, c]`
    pub output: Nhwc,
    /// Extent, stride and padding before; dilation is 1.
    pub window: Window,
    /// Clamp of the output.
    pub range: OutputRange<T>,
}

/// Mean of the taps that lie inside the input, rounded half away from zero.
///
/// The quotient is taken of the quantized values as they are, so rounding is away from *quantized* zero. A window that
/// lies wholly in the padding gives 0, clamped.
///
/// * `input`: int8 or int16 `[n, h_in, w_in, c]`; `output`: the same type, `[n, h_out, w_out, c]`
pub fn average_pool2d<T: Quantized>(params: &Pool2dParams<T>, input: &[T], output: &mut [T]) {
    for_each_window(params, output, |taps| {
        let (mut sum, mut count) = (0_i32, 0_i32);
        for position in taps {
            sum = sum.wrapping_add(input[position].widen());
            count += 1;
        }
        let half = if sum > 0 { count / 2 } else { -(count / 2) };
        sum.wrapping_add(half).checked_div(count).unwrap_or(0)
    });
}

/// Largest of the taps that lie inside the input. A window that lies wholly in the padding gives the type's smallest
/// value, clamped.
///
/// * `input`: int8 or int16 `[n, h_in, w_in, c]`; `output`: the same type, `[n, h_out, w_out, c]`
pub fn max_pool2d<T: Quantized>(params: &Pool2dParams<T>, input: &[T], output: &mut [T]) {
    for_each_window(params, output, |taps| taps.map(|position| input[position]).max().unwrap_or(T::MIN).widen());
}

/// Calls `reduce` with the input positions under each output element and stores its clamped result.
fn for_each_window<T: Quantized>(
    params: &Pool2dParams<T>,
    output: &mut [T],
    reduce: impl Fn(&mut dyn Iterator<Item = usize>) -> i32,
) {
    let (input, out, window) = (params.input, params.output, params.window);
    for batch in 0..out.batch {
        for y in 0..out.height {
            for x in 0..out.width {
                for channel in 0..out.channels {
                    let rows = (0..window.size[0]).filter_map(|tap| window.input_coordinate(0, y, tap, input.height));
                    let mut taps = rows.flat_map(|in_y| {
                        (0..window.size[1])
                            .filter_map(move |tap| window.input_coordinate(1, x, tap, input.width))
                            .map(move |in_x| input.offset(batch, in_y, in_x, channel))
                    });
                    output[out.offset(batch, y, x, channel)] = params.range.clamp(reduce(&mut taps));
                }
            }
        }
    }
}
