//! Scales and zero points from ranges, integers from reals.
//!
//! Source: TFLite 8-bit quantization specification; Jacob et al., CVPR 2018, section 3.

use std::sync::Arc;

use crate::quant::Quantization;
use crate::recipe::Granularity;

/// Scale and zero point of an int8 activation. Kept as bits where they are a key: equal parameters are equal bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parameters {
    pub scale: f32,
    pub zero_point: i32,
}

impl Parameters {
    /// SOFTMAX and LOGISTIC: 0 to 255/256.
    pub const PROBABILITY: Self = Self { scale: 1.0 / 256.0, zero_point: -128 };
    /// TANH: -1 to 127/128.
    pub const TANH: Self = Self { scale: 1.0 / 128.0, zero_point: 0 };

    /// Parameters whose 256 values spread over `[low, high]`, which is first made to hold zero. Zero itself is always one of
    /// them: the zero point is rounded, on the side where that moves the ends less.
    ///
    /// A range without width (an activation that is always zero) gets the scale 1.
    pub fn from_range((low, high): (f32, f32)) -> Self {
        let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
        let (q_low, q_high) = (f64::from(i8::MIN), f64::from(i8::MAX));
        let scale = (high - low) / (q_high - q_low);
        // Below that a multiplier has no 31-bit form any more, and nobody could tell the values from zero.
        if scale < f64::from(f32::MIN_POSITIVE) {
            return Self { scale: 1.0, zero_point: 0 };
        }
        // The same number but for rounding; TFLite takes the one computed from smaller terms.
        let (from_low, from_high) = (q_low - low / scale, q_high - high / scale);
        let (error_low, error_high) = (q_low.abs() + (low / scale).abs(), q_high.abs() + (high / scale).abs());
        let zero_point = if error_low < error_high { from_low } else { from_high };
        Self { scale: scale as f32, zero_point: zero_point.round().clamp(q_low, q_high) as i32 }
    }

    pub fn quantization(self) -> Quantization {
        Quantization::per_tensor(self.scale, self.zero_point)
    }

    pub fn key(self) -> (u32, i32) {
        (self.scale.to_bits(), self.zero_point)
    }

    /// The nearest of the 256 values, ties away from zero.
    pub fn quantize(self, x: f32) -> i8 {
        let q = (f64::from(x) / f64::from(self.scale)).round() + f64::from(self.zero_point);
        // `as` saturates.
        q as i8
    }
}

/// Integer weights and biases of one layer, and what they stand for.
pub(super) struct LayerWeights {
    pub weights: Arc<[i8]>,
    /// One scale, or one for each output channel.
    pub scales: Vec<f32>,
}

/// Where the weights of an output channel lie: `[.., channel, ..]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChannelLayout {
    /// Number of output channels.
    pub n_channels: usize,
    /// Distance between neighbouring channels.
    pub inner: usize,
}

impl ChannelLayout {
    pub fn channel_of(self, index: usize) -> usize {
        index / self.inner % self.n_channels
    }
}

/// Quantizes weights symmetrically to [-127, 127]: `scale = max |w| / 127`.
///
/// A scale is larger than that where the layer's bias would not fit 32 bits at `s_in * s_w` otherwise. A channel of zeros takes
/// the smallest scale of its neighbours, so that its bias is exact enough.
pub(super) fn quantize_weights(
    weights: &[f32],
    bias: Option<&[f32]>,
    layout: ChannelLayout,
    granularity: Granularity,
    input_scale: f32,
) -> LayerWeights {
    let mut largest = vec![0.0f32; layout.n_channels];
    for (i, w) in weights.iter().enumerate() {
        let channel = &mut largest[layout.channel_of(i)];
        *channel = channel.max(w.abs());
    }
    if granularity == Granularity::PerTensor {
        let all = largest.iter().copied().fold(0.0, f32::max);
        largest.fill(all);
    }
    let smallest = largest.iter().copied().filter(|m| *m > 0.0).fold(f32::INFINITY, f32::min);
    let smallest = if smallest.is_finite() { smallest } else { 1.0 };
    let mut scales: Vec<f32> = largest.iter().map(|&m| if m > 0.0 { m } else { smallest } / 127.0).collect();
    if let Some(bias) = bias {
        for (scale, b) in scales.iter_mut().zip(bias) {
            // Half of the integers are left for the sums of products.
            let least = f64::from(b.abs()) / (f64::from(input_scale) * f64::from(1 << 30));
            *scale = scale.max(least as f32);
        }
    }
    if granularity == Granularity::PerTensor {
        scales = vec![scales.iter().copied().fold(0.0, f32::max)];
    }
    let scale_of = |i: usize| scales[if scales.len() == 1 { 0 } else { layout.channel_of(i) }];
    let weights = weights.iter().enumerate().map(|(i, w)| (w / scale_of(i)).round().clamp(-127.0, 127.0) as i8).collect();
    LayerWeights { weights, scales }
}

/// Biases at `s_in * s_w[c]`.
pub(super) fn quantize_bias(bias: &[f32], input_scale: f32, scales: &[f32]) -> (Arc<[i32]>, Vec<f32>) {
    let bias_scales: Vec<f32> = scales.iter().map(|s| input_scale * s).collect();
    let scale_of = |c: usize| f64::from(bias_scales[if bias_scales.len() == 1 { 0 } else { c }]);
    let integers = bias.iter().enumerate().map(|(c, b)| (f64::from(*b) / scale_of(c)).round() as i32).collect();
    (integers, bias_scales)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equals_tensorflows_converter_on_the_key_word_input() {
        let parameters = Parameters::from_range((-123.372_31, 25.142_225));
        assert!((parameters.scale - 0.58241).abs() < 1e-5, "{}", parameters.scale);
        assert_eq!(parameters.zero_point, 84);
    }

    #[test]
    fn one_sided_ranges_use_all_codes() {
        assert_eq!(Parameters::from_range((0.0, 6.0)), Parameters { scale: 6.0 / 255.0, zero_point: -128 });
        assert_eq!(Parameters::from_range((3.0, 6.0)).zero_point, -128);
        assert_eq!(Parameters::from_range((-2.0, 0.0)).zero_point, 127);
        assert_eq!(Parameters::from_range((0.0, 0.0)), Parameters { scale: 1.0, zero_point: 0 });
    }

    proptest! {
        #[test]
        fn zero_is_exact_and_the_rest_within_half_a_step(low in -1e5f32..0.0, high in 0.0f32..1e5, at in 0.0f32..1.0) {
            let p = Parameters::from_range((low, high));
            prop_assert_eq!(i32::from(p.quantize(0.0)), p.zero_point);
            let x = low + (high - low) * at;
            let back = (f64::from(p.quantize(x)) - f64::from(p.zero_point)) * f64::from(p.scale);
            // At the ends the rounding of the zero point adds another half.
            prop_assert!((back - f64::from(x)).abs() <= f64::from(p.scale) * 1.001);
        }
    }

    #[test]
    fn weights_reach_127_in_every_channel() {
        let layout = ChannelLayout { n_channels: 2, inner: 3 };
        let weights = [0.1, -0.2, 0.05, 10.0, 5.0, -2.5];
        let layer = quantize_weights(&weights, None, layout, Granularity::PerChannel, 0.1);
        assert_eq!(*layer.weights, [64, -127, 32, 127, 64, -32]);
        let layer = quantize_weights(&weights, None, layout, Granularity::PerTensor, 0.1);
        assert_eq!((&*layer.weights, layer.scales.len()), (&[1, -3, 1, 127, 64, -32][..], 1));
    }

    #[test]
    fn a_channel_of_zeros_keeps_its_bias() {
        let layout = ChannelLayout { n_channels: 2, inner: 1 };
        let layer = quantize_weights(&[0.0, 0.3], Some(&[0.7, 0.1]), layout, Granularity::PerChannel, 0.5);
        let (bias, scales) = quantize_bias(&[0.7, 0.1], 0.5, &layer.scales);
        assert!((bias[0] as f32 * scales[0] - 0.7).abs() < 1e-3);
    }

    #[test]
    fn a_large_bias_fits_32_bits() {
        let layout = ChannelLayout { n_channels: 1, inner: 1 };
        let layer = quantize_weights(&[1e-6], Some(&[5e4]), layout, Granularity::PerChannel, 1e-4);
        let (bias, scales) = quantize_bias(&[5e4], 1e-4, &layer.scales);
        assert!(bias[0] < i32::MAX / 4 * 3 && (bias[0] as f32 * scales[0] / 5e4 - 1.0).abs() < 1e-5);
    }
}
