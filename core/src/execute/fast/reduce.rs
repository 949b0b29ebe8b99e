//! Mean and sum, many channels at a time where the innermost axis stays.

use tinsmith_runtime::kernels::reduce::{self, ReduceParams};

/// Channels that are reduced together.
const CHANNELS: usize = 64;

/// Computes what [`tinsmith_runtime::kernels::reduce::reduce`] computes.
pub fn reduce(params: &ReduceParams, input: &[i8], output: &mut [i8]) {
    let Some(last) = params.kept.rank.checked_sub(1).filter(|last| params.kept.strides[*last] == 1) else {
        return reduce::reduce(params, input, output);
    };
    let channels = params.kept.extents[last];
    if channels == 0 {
        return;
    }
    let outer = params.kept.along(|axis| axis != last);
    for (row, base) in output.chunks_exact_mut(channels).zip(outer.positions()) {
        for (index, out) in row.chunks_mut(CHANNELS).enumerate() {
            let first = base + index * CHANNELS;
            let mut sums = [0_i32; CHANNELS];
            for position in params.reduced.positions() {
                let values = &input[first + position..][..out.len()];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = sum.wrapping_add(i32::from(*value)));
            }
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = params.finish(sum));
        }
    }
}
