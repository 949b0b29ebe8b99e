//! Pooling, many channels at a time: plain loops over neighbours, which compilers turn into vector instructions.

use tinsmith_runtime::kernels::pool2d::Pool2dParams;

/// Channels that are reduced together.
const CHANNELS: usize = 64;

/// Computes what [`tinsmith_runtime::kernels::pool2d::average_pool2d`] computes.
pub fn average_pool2d(params: &Pool2dParams, input: &[i8], output: &mut [i8]) {
    for_each_window(params, input, output, |taps, out| {
        let mut sums = [0_i32; CHANNELS];
        let mut count = 0_i32;
        for tap in taps {
            sums.iter_mut().zip(tap).for_each(|(sum, value)| *sum += i32::from(*value));
            count += 1;
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            let half = if sum > 0 { count / 2 } else { -(count / 2) };
            *out = params.range.clamp((sum + half).checked_div(count).unwrap_or(0));
        }
    });
}

/// Computes what [`tinsmith_runtime::kernels::pool2d::max_pool2d`] computes.
pub fn max_pool2d(params: &Pool2dParams, input: &[i8], output: &mut [i8]) {
    for_each_window(params, input, output, |taps, out| {
        out.fill(i8::MIN);
        for tap in taps {
            out.iter_mut().zip(tap).for_each(|(max, value)| *max = (*max).max(*value));
        }
        out.iter_mut().for_each(|value| *value = params.range.clamp(i32::from(*value)));
    });
}

/// Calls `reduce` with the taps of up to [`CHANNELS`] neighbouring channels and their place in the output.
fn for_each_window(
    params: &Pool2dParams,
    input: &[i8],
    output: &mut [i8],
    mut reduce: impl FnMut(&mut dyn Iterator<Item = &[i8]>, &mut [i8]),
) {
    let (source, out, window) = (params.input, params.output, params.window);
    // The taps of output coordinate `at` that lie inside the input.
    let inside = |axis: usize, at: usize, extent: usize| {
        (0..window.size[axis]).filter_map(move |tap| window.input_coordinate(axis, at, tap, extent))
    };
    for batch in 0..out.batch {
        for y in 0..out.height {
            for x in 0..out.width {
                for first in (0..out.channels).step_by(CHANNELS) {
                    let n = CHANNELS.min(out.channels - first);
                    let mut taps = inside(0, y, source.height).flat_map(|in_y| {
                        inside(1, x, source.width).map(move |in_x| &input[source.offset(batch, in_y, in_x, first)..][..n])
                    });
                    let at = out.offset(batch, y, x, first);
                    reduce(&mut taps, &mut output[at..at + n]);
                }
            }
        }
    }
}
