//! Between real numbers and integers, and between integer types.

use crate::element::Quantized;
use crate::fixed_point::{Affine, Multiplier, Rounding, round_half_away};

/// `output = saturate(round(input / scale) + zero_point)`, rounding half away from zero in single precision.
///
/// * `input`: f32; `output`: int8, uint8 or int16, equally long
pub fn quantize<T: Quantized>(quantization: Affine, input: &[f32], output: &mut [T]) {
    for (out, value) in output.iter_mut().zip(input) {
        let steps = round_half_away(*value / quantization.scale);
        *out = T::saturate(steps.saturating_add(quantization.zero_point));
    }
}

/// `output = (input - zero_point) * scale`
///
/// * `input`: int8, uint8, int16 or int32; `output`: f32, equally long
pub fn dequantize<T: Quantized>(quantization: Affine, input: &[T], output: &mut [f32]) {
    for (out, value) in output.iter_mut().zip(input) {
        let steps = value.widen().wrapping_sub(quantization.zero_point);
        *out = (f64::from(quantization.scale) * f64::from(steps)) as f32;
    }
}

/// What [`requantize`] needs to know beside its buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequantizeParams {
    /// Zero points of input and output.
    pub zero_points: [i32; 2],
    /// `input scale / output scale`
    pub multiplier: Multiplier,
    /// How the product is rounded.
    pub rounding: Rounding,
}

impl RequantizeParams {
    /// Parameters from both quantizations; `None` if their scales are out of all proportion.
    pub fn prepare([input, output]: [Affine; 2], rounding: Rounding) -> Option<Self> {
        let real = f64::from(input.scale) / f64::from(output.scale);
        Some(Self {
            zero_points: [input.zero_point, output.zero_point],
            multiplier: Multiplier::from_real(real, rounding)?,
            rounding,
        })
    }
}

/// `output = saturate((input - input_zero_point) * multiplier + output_zero_point)`
///
/// * `input`, `output`: any two of int8, uint8, int16, int32, equally long
pub fn requantize<I: Quantized, O: Quantized>(params: &RequantizeParams, input: &[I], output: &mut [O]) {
    for (out, value) in output.iter_mut().zip(input) {
        let centred = value.widen().wrapping_sub(params.zero_points[0]);
        let scaled = params.multiplier.apply(centred, params.rounding);
        *out = O::saturate(scaled.wrapping_add(params.zero_points[1]));
    }
}
