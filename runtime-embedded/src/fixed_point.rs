//! Multiplier, shift, rounding: the only requantization in the project.
//!
//! A real factor `m` is carried as `mantissa * 2^(shift - 31)` with a mantissa of 31 bits. Applying it rounds **twice**
//! in firmware built by default ([`Rounding::Double`]) and once where `TFLITE_SINGLE_ROUNDING` (CMSIS-NN:
//! `CMSIS_NN_USE_SINGLE_ROUNDING`) is defined. The two differ in the last bit of about one value in a thousand, so the
//! choice travels with every kernel's parameters.
//!
//! Source: gemmlowp `fixedpoint.h`; TensorFlow Lite `quantization_util.cc`; Jacob et al., CVPR 2018, section 2.2.

/// How a 64-bit product is brought back to 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// A rounding high multiplication, then a rounding shift with ties away from zero: TensorFlow Lite Micro's default.
    #[default]
    Double,
    /// One shift of the 64-bit product with ties toward +infinity: `TFLITE_SINGLE_ROUNDING`.
    Single,
}

/// A non-negative real factor in fixed point: `mantissa * 2^(shift - 31)`.
///
/// `mantissa` is 0 or lies in `[2^30, 2^31)`, save for the means of [`crate::kernels::reduce`], whose division may leave it
/// smaller. `shift` lies in `[-31, 30]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Multiplier {
    mantissa: i32,
    shift: i32,
}

impl Multiplier {
    /// The nearest multiplier to `real`; a tie goes up.
    ///
    /// Factors below about `2^-32` become zero, as in TensorFlow Lite. A factor that is negative, not finite or above the
    /// largest representable one has no multiplier: `None`.
    pub fn from_real(real: f64, rounding: Rounding) -> Option<Self> {
        if real == 0.0 {
            return Some(Self::default());
        }
        if !real.is_finite() || real < 0.0 {
            return None;
        }
        let (fraction, mut shift) = fraction_and_exponent(real);
        // Both steps are exact: 53 bits hold 31 + 22, so truncation is the floor of a correct sum.
        let mut mantissa = (fraction * 2_147_483_648.0 + 0.5) as i64;
        if mantissa == 1 << 31 {
            mantissa /= 2;
            shift += 1;
        }
        if shift < -31 {
            return Some(Self::default());
        }
        if shift > 30 {
            return match rounding {
                // TensorFlow Lite saturates here only when it rounds once; a double rounding has no meaning for it.
                Rounding::Single => Some(Self { mantissa: i32::MAX, shift: 30 }),
                Rounding::Double => None,
            };
        }
        Some(Self { mantissa: mantissa as i32, shift })
    }

    /// A multiplier from its parts; `None` outside `mantissa >= 0`, `-31 <= shift <= 30`.
    pub fn from_parts(mantissa: i32, shift: i32) -> Option<Self> {
        (mantissa >= 0 && (-31..=30).contains(&shift)).then_some(Self { mantissa, shift })
    }

    /// The mantissa, in units of `2^-31`.
    pub fn mantissa(self) -> i32 {
        self.mantissa
    }

    /// The power of two: positive shifts left, before the product; negative shifts right, after it.
    pub fn shift(self) -> i32 {
        self.shift
    }

    /// `value` times this factor, rounded to an integer.
    ///
    /// The caller keeps `value << max(shift, 0)` within 32 bits; beyond, bits are lost as they are on the device.
    #[inline]
    pub fn apply(self, value: i32, rounding: Rounding) -> i32 {
        match rounding {
            Rounding::Double => {
                let shifted = value.wrapping_shl(self.shift.max(0) as u32);
                let high = rounding_doubling_high_mul(shifted, self.mantissa);
                rounding_divide_by_power_of_two(high, (-self.shift).max(0) as u32)
            }
            Rounding::Single => {
                let total_shift = (31 - self.shift) as u32;
                let product = i64::from(value) * i64::from(self.mantissa);
                (product.wrapping_add(1 << (total_shift - 1)) >> total_shift) as i32
            }
        }
    }

    /// The largest [`Multiplier::shift`] that [`Multiplier::apply_wide`] takes.
    pub const MAX_WIDE_SHIFT: i32 = 7;

    /// A 64-bit `value` times this factor, whose mantissa is first rounded to 15 bits; one rounding, ties toward +infinity.
    ///
    /// `value` lies within 48 bits and the result within 32; beyond, bits are lost as they are on the device. A shift above
    /// [`Multiplier::MAX_WIDE_SHIFT`], which the device does not define, counts as that. Source: TensorFlow Lite `common.cc`,
    /// `MultiplyByQuantizedMultiplier` of 64 bits, the same for both [`Rounding`]s.
    #[inline]
    pub fn apply_wide(self, value: i64) -> i32 {
        let mantissa = ((i64::from(self.mantissa) + (1 << 15)) >> 16).min(i64::from(i16::MAX));
        let total_shift = 15 - self.shift.min(Self::MAX_WIDE_SHIFT);
        (value.wrapping_mul(mantissa).wrapping_add(1 << (total_shift - 1)) >> total_shift) as i32
    }
}

/// Quantization of one tensor: `real = (quantized - zero_point) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Real units per step; finite and positive.
    pub scale: f32,
    /// The quantized value that stands for 0.0.
    pub zero_point: i32,
}

/// `a * b / 2^31`, rounded to nearest; the one overflow (`i32::MIN` squared) saturates.
///
/// This is ARM's `SQRDMULH`, whose ties go toward +infinity.
#[inline]
pub fn rounding_doubling_high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    ((i64::from(a) * i64::from(b) + (1 << 30)) >> 31) as i32
}

/// `value / 2^exponent`, rounded to nearest with ties away from zero. `exponent` is at most 31.
#[inline]
pub fn rounding_divide_by_power_of_two(value: i32, exponent: u32) -> i32 {
    let exponent = exponent.min(31);
    let mask = ((1_i64 << exponent) - 1) as i32;
    let remainder = value & mask;
    let threshold = (mask >> 1) + i32::from(value < 0);
    (value >> exponent) + i32::from(remainder > threshold)
}

/// `value * 2^exponent`, saturated to 32 bits.
#[inline]
pub fn saturating_shift_left(value: i32, exponent: u32) -> i32 {
    let wide = i64::from(value) << exponent.min(31);
    wide.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// The nearest integer with ties away from zero: C's `roundf`. Not-a-number becomes 0; the rest saturates.
#[inline]
pub const fn round_half_away(value: f32) -> i32 {
    // In 64 bits the sum is exact for every `f32` that has a fraction, so truncation rounds correctly.
    let half = if value < 0.0 { -0.5 } else { 0.5 };
    (value as f64 + half) as i32
}

/// C's `frexp` for positive finite numbers: `value = fraction * 2^exponent`, `fraction` in `[0.5, 1)`.
pub(crate) fn fraction_and_exponent(value: f64) -> (f64, i32) {
    // A subnormal is first brought into the normal range.
    let (bits, bias) = match value.to_bits() >> 52 {
        0 => ((value * 18_014_398_509_481_984.0).to_bits(), 1022 + 54),
        _ => (value.to_bits(), 1022),
    };
    let exponent = (bits >> 52) as i32 - bias;
    (f64::from_bits((bits & ((1 << 52) - 1)) | (1022 << 52)), exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_have_31_bit_mantissas() {
        let half = Multiplier::from_real(0.5, Rounding::Double).unwrap();
        assert_eq!((half.mantissa(), half.shift()), (1 << 30, 0));
        let one = Multiplier::from_real(1.0, Rounding::Double).unwrap();
        assert_eq!((one.mantissa(), one.shift()), (1 << 30, 1));
        // The mantissa of the largest number below one rounds up to 2^31 and is renormalized.
        let almost_one = Multiplier::from_real(1.0 - f64::EPSILON / 2.0, Rounding::Double).unwrap();
        assert_eq!((almost_one.mantissa(), almost_one.shift()), (1 << 30, 1));
        assert_eq!(Multiplier::from_real(1e-12, Rounding::Double), Some(Multiplier::default()));
        assert_eq!(Multiplier::from_real(f64::NAN, Rounding::Double), None);
        assert_eq!(Multiplier::from_real(-1.0, Rounding::Double), None);
        assert_eq!(Multiplier::from_real(1e12, Rounding::Double), None);
        assert_eq!(Multiplier::from_real(f64::MIN_POSITIVE / 4.0, Rounding::Double), Some(Multiplier::default()));
    }

    #[test]
    fn ties_go_where_each_rounding_sends_them() {
        let quarter = Multiplier::from_real(0.25, Rounding::Double).unwrap();
        let double = [-6, -2, 2, 6].map(|v| quarter.apply(v, Rounding::Double));
        let single = [-6, -2, 2, 6].map(|v| quarter.apply(v, Rounding::Single));
        // -1.5 and -0.5: the shift of a double rounding sends ties away from zero, a single one toward +infinity.
        assert_eq!(double, [-2, -1, 1, 2]);
        assert_eq!(single, [-1, 0, 1, 2]);
    }

    #[test]
    fn wide_sums_have_a_mantissa_of_15_bits() {
        // 1/3 as 21845 / 65536, not as the nearest number of 31 bits.
        let third = Multiplier::from_real(1.0 / 3.0, Rounding::Double).unwrap();
        assert_eq!(third.apply_wide(3 << 20), 1_048_560);
        assert_eq!(third.apply(3 << 20, Rounding::Double), 1_048_576);
        let quarter = Multiplier::from_real(0.25, Rounding::Double).unwrap();
        assert_eq!([-6, -2, 2, 6].map(|value| quarter.apply_wide(value)), [-1, 0, 1, 2]);
        // A mantissa that would round up to 16 bits stays at 15.
        let almost_one = Multiplier::from_parts(i32::MAX, 0).unwrap();
        assert_eq!(almost_one.apply_wide(1 << 15), 32_767);
        assert_eq!(Multiplier::from_parts(1 << 30, 30).unwrap().apply_wide(1), 64);
    }

    #[test]
    fn high_multiplication_equals_its_definition() {
        // gemmlowp: (a*b + nudge) / 2^31 truncated, nudge 2^30 for a non-negative product, else 1 - 2^30.
        let values = [i32::MIN, i32::MIN + 1, -1_073_741_825, -3, -1, 0, 1, 7, 1 << 30, i32::MAX];
        for a in values {
            for b in values.into_iter().filter(|b| *b != i32::MIN) {
                let product = i64::from(a) * i64::from(b);
                let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
                assert_eq!(i64::from(rounding_doubling_high_mul(a, b)), (product + nudge) / (1 << 31), "{a} * {b}");
            }
        }
        assert_eq!(rounding_doubling_high_mul(i32::MIN, i32::MIN), i32::MAX);
    }

    #[test]
    fn division_by_a_power_of_two_rounds_half_away() {
        for exponent in 0..=31 {
            for value in [i32::MIN, i32::MIN + 1, -12, -3, -2, -1, 0, 1, 2, 3, 5, 12, i32::MAX - 1, i32::MAX] {
                let half = if exponent == 0 { 0 } else { 1_i64 << (exponent - 1) };
                let magnitude = (i64::from(value).abs() + half) >> exponent;
                let expected = magnitude * i64::from(value.signum());
                assert_eq!(i64::from(rounding_divide_by_power_of_two(value, exponent)), expected, "{value} >> {exponent}");
            }
        }
    }

    #[test]
    fn rounding_to_integers_is_exact_below_one_half() {
        assert_eq!(round_half_away(0.499_999_97), 0);
        assert_eq!(round_half_away(-2.5), -3);
        assert_eq!(round_half_away(f32::INFINITY), i32::MAX);
        assert_eq!(round_half_away(f32::NAN), 0);
    }
}
