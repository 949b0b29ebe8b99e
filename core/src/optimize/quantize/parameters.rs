//! Scales and zero points from ranges, integers from reals.
//!
//! Source: TFLite 8-bit quantization specification; Jacob et al., CVPR 2018, section 3.

use std::sync::Arc;

use crate::quant::Quantization;

/// Scale and zero point of an int8 or int16 activation. Kept as bits where they are a key: equal parameters are equal bits.
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

    /// All three in 16 bits: up to 32767/32768.
    pub const UNIT: Self = Self { scale: 1.0 / 32768.0, zero_point: 0 };

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

    /// Parameters with the zero point 0, of which -127 to 127 spread over `[low, high]`.
    pub fn symmetric((low, high): (f32, f32)) -> Self {
        let scale = low.abs().max(high.abs()) / 127.0;
        Self { scale: if scale < f32::MIN_POSITIVE { 1.0 } else { scale }, zero_point: 0 }
    }

    /// Parameters of 16 bits, of which -32767 to 32767 spread over `[low, high]`. An activation that is always zero gets the
    /// scale of values up to 1: beside a scale of 1, as for 8 bits, multipliers would exceed what the kernels take.
    ///
    /// Source: TensorFlow Lite quantization specification for 16x8.
    pub fn symmetric_16((low, high): (f32, f32)) -> Self {
        let scale = low.abs().max(high.abs()) / 32767.0;
        if scale < f32::MIN_POSITIVE { Self::UNIT } else { Self { scale, zero_point: 0 } }
    }

    pub fn quantization(self) -> Quantization {
        Quantization::per_tensor(self.scale, self.zero_point)
    }

    pub fn key(self) -> (u32, i32) {
        (self.scale.to_bits(), self.zero_point)
    }

    /// The nearest of the 256 values, ties away from zero.
    pub fn quantize(self, x: f32) -> i8 {
        // `as` saturates.
        self.nearest(x) as i8
    }

    /// The nearest of the 65,536 values, ties away from zero.
    pub fn quantize_16(self, x: f32) -> i16 {
        self.nearest(x) as i16
    }

    fn nearest(self, x: f32) -> f64 {
        (f64::from(x) / f64::from(self.scale)).round() + f64::from(self.zero_point)
    }
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
    /// Where the weights of one channel are among `n_weights`, in order.
    pub fn indices(self, channel: usize, n_weights: usize) -> impl Iterator<Item = usize> {
        let runs = (channel * self.inner..n_weights).step_by((self.inner * self.n_channels).max(1));
        runs.flat_map(move |start| start..start + self.inner)
    }
}

/// Biases at `s_in * s_w[c]`, as integers of the type that `saturated` makes of a whole number.
pub(super) fn quantize_bias<T>(
    bias: &[f32],
    input_scale: f32,
    scales: &[f32],
    saturated: impl Fn(f64) -> T,
) -> (Arc<[T]>, Vec<f32>) {
    let bias_scales: Vec<f32> = scales.iter().map(|s| input_scale * s).collect();
    let scale_of = |c: usize| f64::from(bias_scales[if bias_scales.len() == 1 { 0 } else { c }]);
    let integers = bias.iter().enumerate().map(|(c, b)| saturated((f64::from(*b) / scale_of(c)).round())).collect();
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

    #[test]
    fn sixteen_bits_are_symmetric() {
        let parameters = Parameters::symmetric_16((-1.0, 2.0));
        assert_eq!(parameters, Parameters { scale: 2.0 / 32767.0, zero_point: 0 });
        assert_eq!([-3.0, -2.0, 0.0, 2.0].map(|x| parameters.quantize_16(x)), [-32768, -32767, 0, 32767]);
        assert_eq!(Parameters::symmetric_16((0.0, 0.0)), Parameters::UNIT);
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
}
