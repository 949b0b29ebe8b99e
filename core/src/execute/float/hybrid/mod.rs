//! Layers with weights, computed as LiteRT's reference kernels compute them, to the last bit of every sum.
//!
//! A *hybrid* layer has integer weights under float activations. Its activations are put on a grid of 8 bits on the way, a scale
//! for each row (FULLY_CONNECTED, BATCH_MATMUL), image (convolutions) or step (recurrent layers), then whole numbers are
//! multiplied. [`ops::hybrid`](crate::ops::hybrid) says which layers that are; all other integer weights are made real once.
//!
//! ```text
//! symmetric    scale = max|x| / 127         q = round(x · 127 / max|x|)              within ±127
//! asymmetric   scale = (max - min) / 255    q = round(x · 1 / scale) + zero_point    within -128 and 127
//! y = Σ (q - zero_point) · w · (scale · weights' scale) + bias
//! ```
//!
//! where min and max include 0, and ties round away from zero. Float convolutions and dense layers beside them follow the
//! reference kernels' order as well (products rounded, the bias last): an activation that lies between two steps of the grid would
//! otherwise be rounded the other way now and then, and be off by a whole step. That can still happen behind functions whose last
//! bit differs from one library to the next: logistic, tanh, softmax, and so the states of recurrent layers.
//!
//! Sources: LiteRT `kernels/{conv,depthwise_conv,fully_connected,batch_matmul,lstm_eval}.cc`,
//! `kernels/internal/optimized/{neon,sse}_tensor_utils.cc` (which `BUILTIN_REF` uses on x86-64 and AArch64), and measurements with
//! ai-edge-litert 2.3.0. LiteRT's default, XNNPACK, takes the asymmetric grid everywhere: where the reference kernels do too, it
//! agrees to the last bits; where theirs is symmetric, single layers differ by 1 % of their largest output, MLPerf Tiny's hybrid key
//! word network by up to 0.25 in its probabilities. `tests/peers/hybrid.py` prints the differences.
//!
//! Whole numbers are multiplied as floats, which is exact while sums stay below 2^24: with 255 · 127 for each product, the worst
//! case, for 518 products. Beyond, single sums may be rounded, by 2^-24 of themselves.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::constants::whole_values;
use super::convolution::{ANY, Convolution, Parameters, whole_rows};
use super::elementwise::clamp;
use super::kernel::{Kernel, Values, Work};
use crate::execute::fast::matmul_f32::{PackedWeights, Target, matmul};
use crate::execute::fast::simd_f32::SimdF32;
use crate::ops::Op;
use crate::ops::hybrid::DynamicRange;

/// Puts the activations of one row on a grid of 8 bits: `to` gets the whole numbers `q - zero_point`, the result is the scale.
pub(super) fn quantize(values: &[f32], range: DynamicRange, to: &mut [f32]) -> f32 {
    let (low, high) = extremes(values);
    if low == high {
        to.fill(0.0);
        return 1.0;
    }
    let (bounds, scale, inverse) = match range {
        DynamicRange::Symmetric => {
            let bound = if high > -low { high } else { -low };
            ((-127.0, 127.0), bound / 127.0, 127.0 / bound)
        }
        DynamicRange::Asymmetric => {
            let scale = f64::from(high - low) / 255.0;
            let zero_point = zero_point(low, high, scale);
            ((-128.0 - zero_point, 127.0 - zero_point), scale as f32, 1.0 / scale as f32)
        }
    };
    for (to, value) in to.iter_mut().zip(values) {
        let steps = value * inverse;
        // Half away from zero, then cut off. A cast saturates, so no value can panic here.
        *to = (clamp(steps + 0.5_f32.copysign(steps), bounds) as i32) as f32;
    }
    scale
}

/// The integer that stands for 0.0: from whichever end of the range it is found with the smaller error.
fn zero_point(low: f32, high: f32, scale: f64) -> f32 {
    let (low, high) = (f64::from(low) / scale, f64::from(high) / scale);
    let exact = if 128.0 + low.abs() < 127.0 + high.abs() { -128.0 - low } else { 127.0 - high };
    exact.round().clamp(-128.0, 127.0) as f32
}

/// The least and the greatest value, or 0 where that is beyond. In lanes, because one minimum at a time is slow.
fn extremes(values: &[f32]) -> (f32, f32) {
    const LANES: usize = 16;
    let (mut low, mut high) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    for chunk in values.chunks(LANES) {
        for (lane, &x) in chunk.iter().enumerate() {
            low[lane] = if x < low[lane] { x } else { low[lane] };
            high[lane] = if x > high[lane] { x } else { high[lane] };
        }
    }
    (low.into_iter().fold(0.0, f32::min), high.into_iter().fold(0.0, f32::max))
}

/// What follows the sums of a row: scales, bias, clamp.
#[derive(Debug)]
pub(super) struct Finish {
    /// Scales of the weights, one for each channel.
    pub scales: Vec<f32>,
    pub bias: Arc<[f32]>,
    pub clamp: (f32, f32),
    /// A sum meets the scale of its weights first, then that of the activations; elsewhere their product.
    pub weights_first: bool,
}

impl Finish {
    /// Finishes `sums: [.., channels]`, whose activations have one scale.
    pub fn apply(&self, sums: &mut [f32], scale: f32) {
        for pixel in sums.chunks_exact_mut(self.scales.len()) {
            for ((sum, weights_scale), bias) in pixel.iter_mut().zip(&self.scales).zip(self.bias.iter()) {
                let scaled = if self.weights_first { *sum * weights_scale * scale } else { *sum * (weights_scale * scale) };
                *sum = clamp(scaled + bias, self.clamp);
            }
        }
    }
}

/// CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED, as the reference kernels compute it.
#[derive(Debug)]
pub(super) struct ReferenceLayer {
    /// The bare sums.
    sums: Convolution,
    /// How activations are quantized; `None` for a float layer.
    range: Option<DynamicRange>,
    /// Activations that share a scale, and the results that come of them.
    row_lens: [usize; 2],
    finish: Finish,
}

impl ReferenceLayer {
    /// The layer whose sums `build` makes, of the parameters that it is given and with this clamp.
    pub fn new(
        parameters: &Parameters<'_>,
        range: Option<DynamicRange>,
        clamp: (f32, f32),
        build: impl Fn(&Parameters<'_>, (f32, f32)) -> Result<Convolution, String>,
    ) -> Result<Self, String> {
        let weights = parameters.operands.get(1).map_err(|error| error.to_string())?;
        let op = &parameters.node.op;
        let channels = op.weights_channel_axis().and_then(|axis| weights.shape.get(axis)).copied().ok_or("it has no channels")?;
        let (factors, scales) = match (range, &weights.quantization) {
            (Some(_), Some(q)) => (whole_values(weights)?, (0..channels).map(|channel| q.scale_of(channel)).collect()),
            _ => (parameters.values(1, "weights")?, vec![1.0; channels]),
        };
        let sums = build(&Parameters { sums_of: Some(factors), ..*parameters }, ANY)?;
        let row_lens = match op {
            Op::FullyConnected(_) => [weights.shape.get(1).copied().unwrap_or(0), channels],
            _ => [sums.input_len(), sums.output_len()],
        };
        let weights_first = matches!(op, Op::Conv2d(_)) && range == Some(DynamicRange::Asymmetric);
        let finish = Finish { scales, bias: parameters.bias(channels)?, clamp, weights_first };
        Ok(Self { sums, range, row_lens, finish })
    }
}

impl Kernel for ReferenceLayer {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], work: &mut Work) {
        let (input, output) = (operands.all(0), &mut outputs[0]);
        let [padded, gathered, whole, scales] = work;
        let ([row_len, result_len], Some(range)) = (self.row_lens, self.range) else {
            self.sums.convolve(input, output, padded, gathered);
            return self.finish.apply(output, 1.0);
        };
        whole.resize(input.len(), 0.0);
        scales.clear();
        scales.extend(input.chunks_exact(row_len).zip(whole.chunks_exact_mut(row_len)).map(|(x, to)| quantize(x, range, to)));
        self.sums.convolve(whole, output, padded, gathered);
        for (sums, &scale) in output.chunks_exact_mut(result_len).zip(scales.iter()) {
            self.finish.apply(sums, scale);
        }
    }
}

/// Matrices one below the other that rows are multiplied with: those of a recurrent layer's gates.
#[derive(Debug)]
pub(super) enum Product {
    /// Real numbers, with their bias.
    Real(PackedWeights),
    /// Integers.
    Hybrid(Box<HybridProduct>),
}

/// See [`Product::Hybrid`].
#[derive(Debug)]
pub(super) struct HybridProduct {
    weights: PackedWeights,
    range: DynamicRange,
    finish: Finish,
}

impl Product {
    /// Joins `operands`, each `[units, columns]`.
    pub fn new(
        simd: SimdF32,
        parameters: &Parameters<'_>,
        operands: Range<usize>,
        bias: Option<&[f32]>,
        [units, columns]: [usize; 2],
        range: Option<DynamicRange>,
    ) -> Result<Self, String> {
        let rows = operands.len() * units;
        let Some(range) = range else {
            let parts = operands.map(|index| parameters.values(index, "weights")).collect::<Result<Vec<_>, _>>()?;
            return Ok(Self::Real(PackedWeights::new(simd, &parts.concat(), bias, rows, columns)));
        };
        let (mut integers, mut scales) = (Vec::with_capacity(rows * columns), Vec::with_capacity(rows));
        for index in operands {
            let tensor = parameters.operands.get(index).map_err(|error| error.to_string())?;
            integers.extend_from_slice(&whole_values(tensor)?);
            scales.resize(scales.len() + units, tensor.quantization.as_ref().map_or(1.0, |q| q.scale()));
        }
        let bias = bias.map_or_else(|| vec![0.0; rows].into(), Arc::from);
        let finish = Finish { scales, bias, clamp: ANY, weights_first: false };
        let weights = PackedWeights::new(simd, &integers, None, rows, columns);
        Ok(Self::Hybrid(Box::new(HybridProduct { weights, range, finish })))
    }

    /// Multiplies the rows of `len` values that begin at `starts` into `output: [starts, rows]`; `whole` is scratch memory.
    pub fn multiply(&self, x: &[f32], starts: &[usize], len: usize, output: &mut [f32], whole: &mut Vec<f32>) {
        let row_stride = output.len() / starts.len().max(1);
        let target = Target { row_stride, offset: 0, clamp: ANY };
        match self {
            Self::Real(weights) => matmul(x, whole_rows(starts, len), weights, output, target),
            Self::Hybrid(product) => {
                whole.resize(len, 0.0);
                for (start, sums) in starts.iter().zip(output.chunks_exact_mut(row_stride)) {
                    let scale = quantize(&x[*start..][..len], product.range, whole);
                    matmul(whole, whole_rows(&[0], len), &product.weights, sums, target);
                    product.finish.apply(sums, scale);
                }
            }
        }
    }
}
