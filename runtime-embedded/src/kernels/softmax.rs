//! Softmax over the last axis, in fixed point.

use crate::fixed_point::{Multiplier, Rounding, rounding_divide_by_power_of_two, rounding_doubling_high_mul};
use crate::transcendental::{exp_of_negative, one_over_one_plus};

/// Integer bits of the scaled difference to the row's maximum.
const DIFFERENCE_INTEGER_BITS: u32 = 5;
/// Integer bits of the sum of exponentials.
const SUM_INTEGER_BITS: u32 = 12;

/// What [`softmax`] needs to know beside its buffers. The output's scale is 1/256, its zero point -128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftmaxParams {
    /// Elements of one row.
    pub depth: usize,
    /// Brings a difference of quantized values to Q5: `beta * input scale * 2^26`.
    pub multiplier: Multiplier,
    /// Differences below this one count as an exponential of zero.
    pub smallest_difference: i32,
    /// How differences are rescaled.
    pub rounding: Rounding,
}

impl SoftmaxParams {
    /// Parameters for rows of `depth` values; `None` if `beta * input_scale` is not above `2^-26`.
    ///
    /// Source: TensorFlow Lite `quantization_util.cc`, `PreprocessSoftmaxScaling` and `CalculateInputRadius`.
    pub fn prepare(depth: usize, beta: f32, input_scale: f32, rounding: Rounding) -> Option<Self> {
        let largest = match rounding {
            Rounding::Double => 2_147_483_647.0,
            Rounding::Single => 1_073_741_823.0,
        };
        let fraction_bits = 31 - DIFFERENCE_INTEGER_BITS;
        let real = (f64::from(beta) * f64::from(input_scale) * f64::from(1 << fraction_bits)).min(largest);
        if real <= 1.0 || real.is_nan() {
            return None;
        }
        let multiplier = Multiplier::from_real(real, rounding).or(Multiplier::from_parts(i32::MAX, 30))?;
        Self::of(depth, multiplier, rounding)
    }

    /// Parameters for rows of `depth` values with a known multiplier; `None` if that is less than one.
    ///
    /// The smallest difference is the one whose multiple still fits Q5.
    pub fn of(depth: usize, multiplier: Multiplier, rounding: Rounding) -> Option<Self> {
        let fraction_bits = 31 - DIFFERENCE_INTEGER_BITS;
        let shift = u32::try_from(multiplier.shift()).ok()?;
        let radius = (((1_i64 << DIFFERENCE_INTEGER_BITS) - 1) << fraction_bits) >> shift;
        Some(Self { depth, multiplier, smallest_difference: -i32::try_from(radius).ok()?, rounding })
    }

    /// `exp` in Q0 of a difference to the row's maximum, which is at most 0.
    #[inline]
    pub fn exp_of_difference(&self, difference: i32) -> i32 {
        if difference < self.smallest_difference {
            return 0;
        }
        exp_of_negative(self.multiplier.apply(difference, self.rounding), DIFFERENCE_INTEGER_BITS)
    }
}

/// `output = exp(beta * x) / sum over the row of exp(beta * x)`, row by row.
///
/// * `input`: int8 `[rows, depth]`
/// * `output`: int8 `[rows, depth]`, scale 1/256, zero point -128
pub fn softmax(params: &SoftmaxParams, input: &[i8], output: &mut [i8]) {
    if params.depth == 0 {
        return;
    }
    for (row, out) in input.chunks_exact(params.depth).zip(output.chunks_exact_mut(params.depth)) {
        let max = row.iter().copied().map(i32::from).max().unwrap_or(0);
        let exp = |value: i8| params.exp_of_difference(i32::from(value) - max);
        let sum = row.iter().fold(0, |sum: i32, value| sum.wrapping_add(summand(exp(*value))));
        let reciprocal = Reciprocal::of(sum);
        for (value, out) in row.iter().zip(out) {
            *out = reciprocal.share(exp(*value));
        }
    }
}

/// What an exponential adds to the sum: Q12 from Q0.
#[inline]
pub fn summand(exp: i32) -> i32 {
    rounding_divide_by_power_of_two(exp, SUM_INTEGER_BITS)
}

/// The reciprocal of a row's sum: a Q0 mantissa and the shift that brings a share to 1/256.
#[derive(Clone, Copy, Debug)]
pub struct Reciprocal {
    scale: i32,
    exponent: u32,
}

impl Reciprocal {
    /// Of a positive Q12 sum.
    pub fn of(sum: i32) -> Self {
        let leading_zeros = (sum as u32).leading_zeros();
        let normalized = (sum as u32).wrapping_shl(leading_zeros).wrapping_sub(1 << 31) as i32;
        // 31 - 8 bits turn Q0 into 1/256; the rest undoes the normalization.
        let exponent = (SUM_INTEGER_BITS + 31 - 8).saturating_sub(leading_zeros);
        Self { scale: one_over_one_plus(normalized), exponent }
    }

    /// The output for one exponential.
    #[inline]
    pub fn share(self, exp: i32) -> i8 {
        let share = rounding_divide_by_power_of_two(rounding_doubling_high_mul(self.scale, exp), self.exponent);
        (share - 128).clamp(-128, 127) as i8
    }
}
