//! Depthwise convolution of 16-bit activations, many channels at a time.

use tinsmith_runtime::kernels::depthwise_conv2d::DepthwiseConv2dParams;

use super::{BLOCK, Bias, Finish};

/// Channels that are computed together.
const CHANNELS: usize = 64;

/// A depthwise convolution with its constants.
#[derive(Debug)]
pub struct DepthwiseConv2d {
    params: DepthwiseConv2dParams<'static, i16>,
    /// `[taps, c_out]`
    weights: Vec<i16>,
    finish: Finish,
}

impl DepthwiseConv2d {
    /// Widens `weights`, which are as [`tinsmith_runtime::kernels::depthwise_conv2d::depthwise_conv2d`] takes them.
    pub fn prepare(params: &DepthwiseConv2dParams<'_, i16>, weights: &[i8], bias: Bias<'_>) -> Self {
        Self {
            params: DepthwiseConv2dParams { multipliers: &[], ..*params },
            weights: weights.iter().map(|weight| i16::from(*weight)).collect(),
            finish: Finish::new(bias, params.multipliers, params.output.channels, params.range, params.rounding),
        }
    }

    /// Computes what [`tinsmith_runtime::kernels::depthwise_conv2d::depthwise_conv2d`] computes.
    pub fn run(&self, input: &[i16], output: &mut [i16]) {
        let out = self.params.output;
        if out.is_empty() {
            return;
        }
        for (pixel, output) in output.chunks_exact_mut(out.channels).enumerate() {
            for (index, output) in output.chunks_mut(CHANNELS).enumerate() {
                let first = index * CHANNELS;
                let sums = self.sums(input, pixel, first, output.len());
                for (lane, (output, sum)) in output.iter_mut().zip(sums).enumerate() {
                    *output = self.finish.output(first + lane, sum);
                }
            }
        }
    }

    /// Sums of `n` channels of an output pixel, which is counted over all samples.
    fn sums(&self, input: &[i16], pixel: usize, first: usize, n: usize) -> [i64; CHANNELS] {
        let (source, out, window) = (self.params.input, self.params.output, &self.params.window);
        let (line, x) = (pixel / out.width, pixel % out.width);
        let (batch, y) = (line / out.height, line % out.height);
        let (mut sums, mut block, mut in_block) = ([0_i64; CHANNELS], [0_i32; CHANNELS], 0);
        for tap in 0..window.size[0] * window.size[1] {
            let (tap_y, tap_x) = (tap / window.size[1], tap % window.size[1]);
            let in_y = window.input_coordinate(0, y, tap_y, source.height);
            let in_x = window.input_coordinate(1, x, tap_x, source.width);
            let (Some(in_y), Some(in_x)) = (in_y, in_x) else { continue };
            let values = &input[source.offset(batch, in_y, in_x, 0)..][..source.channels];
            let weights = &self.weights[tap * out.channels + first..][..n];
            self.add_products(values, weights, first, &mut block);
            in_block += 1;
            if in_block == BLOCK {
                flush(&mut sums, &mut block);
                in_block = 0;
            }
        }
        flush(&mut sums, &mut block);
        sums
    }

    /// Adds one tap's products; `values` are all channels of an input pixel.
    fn add_products(&self, values: &[i16], weights: &[i16], first: usize, block: &mut [i32; CHANNELS]) {
        let repeat = self.params.output.channels / self.params.input.channels;
        if repeat == 1 {
            for ((sum, value), weight) in block.iter_mut().zip(&values[first..]).zip(weights) {
                *sum += i32::from(*value) * i32::from(*weight);
            }
        } else {
            for (lane, (sum, weight)) in block.iter_mut().zip(weights).enumerate() {
                *sum += i32::from(values[(first + lane) / repeat]) * i32::from(*weight);
            }
        }
    }
}

fn flush(sums: &mut [i64; CHANNELS], block: &mut [i32; CHANNELS]) {
    for (sum, block) in sums.iter_mut().zip(block) {
        *sum += i64::from(std::mem::take(block));
    }
}
