//! Layers of 16-bit activations and 8-bit weights: plain loops over neighbours, which compilers turn into vector instructions.
//!
//! A product has at most 22 bits and a sign, so 256 of them are summed in 32 bits and the blocks in 64. That sum is exact; a
//! layer whose sums have 32 bits takes its lower half. Activations are symmetric: a zero point of 0 is taken for granted.

pub mod conv2d;
pub mod depthwise_conv2d;
pub mod fully_connected;
#[cfg(test)]
mod tests;

use tinsmith_runtime::activation::OutputRange;
use tinsmith_runtime::element::Accumulator;
use tinsmith_runtime::fixed_point::{Multiplier, Rounding};

/// Products that are summed in 32 bits: `256 * 2^15 * 2^7` is 2^30.
const BLOCK: usize = 256;
/// Rows that are multiplied together, so that weights are read once for all.
const ROWS: usize = 16;

/// A layer's biases, which also say how wide its sums are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias<'a> {
    /// None; sums have 64 bits.
    None,
    /// `[channels]`; sums have 32 bits and wrap.
    I32(&'a [i32]),
    /// `[channels]`; sums have 64 bits.
    I64(&'a [i64]),
}

/// From a channel's sum to its output.
#[derive(Clone, Debug)]
struct Finish {
    /// `[channels]`
    biases: Vec<i64>,
    is_wide: bool,
    /// `[channels]`
    multipliers: Vec<Multiplier>,
    range: OutputRange<i16>,
    rounding: Rounding,
}

impl Finish {
    /// `multipliers` are one for each channel, or a single one for all.
    fn new(bias: Bias<'_>, multipliers: &[Multiplier], channels: usize, range: OutputRange<i16>, rounding: Rounding) -> Self {
        let biases = match bias {
            Bias::None => vec![0; channels],
            Bias::I32(values) => values.iter().map(|value| i64::from(*value)).collect(),
            Bias::I64(values) => values.to_vec(),
        };
        let multipliers = multipliers.iter().copied().cycle().take(channels).collect();
        Self { biases, is_wide: !matches!(bias, Bias::I32(_)), multipliers, range, rounding }
    }

    #[inline]
    fn output(&self, channel: usize, sum: i64) -> i16 {
        let (sum, multiplier) = (sum.plus(self.biases[channel]), self.multipliers[channel]);
        let scaled = match self.is_wide {
            true => sum.requantize(multiplier, self.rounding),
            false => (sum as i32).requantize(multiplier, self.rounding),
        };
        self.range.clamp(scaled)
    }
}

/// A matrix product: rows of activations by rows of weights.
#[derive(Clone, Debug)]
struct Product {
    depth: usize,
    /// `[channels, depth]`, as wide as the activations.
    weights: Vec<i16>,
    finish: Finish,
}

impl Product {
    fn new(weights: &[i8], depth: usize, finish: Finish) -> Self {
        Self { depth, weights: weights.iter().map(|weight| i16::from(*weight)).collect(), finish }
    }

    /// * `rows`: `[n, depth]`
    /// * `output`: rows that begin `stride` values apart, of which the first values are written, one for each channel
    fn run(&self, rows: &[i16], output: &mut [i16], stride: usize) {
        for (channel, weights) in self.weights.chunks_exact(self.depth).enumerate() {
            for (row, out) in rows.chunks_exact(self.depth).zip(output.chunks_mut(stride)) {
                out[channel] = self.finish.output(channel, dot(row, weights));
            }
        }
    }
}

/// The exact sum of the products of activations and weights of 8 bits.
#[inline]
fn dot(row: &[i16], weights: &[i16]) -> i64 {
    let block = |(row, weights): (&[i16], &[i16])| {
        let products = row.iter().zip(weights).map(|(value, weight)| i32::from(*value) * i32::from(*weight));
        i64::from(products.sum::<i32>())
    };
    row.chunks(BLOCK).zip(weights.chunks(BLOCK)).map(block).sum()
}
