//! Logistic function and hyperbolic tangent of 16-bit numbers: a table, and straight lines between its entries.
//!
//! The table was found from what TensorFlow Lite Micro's LOGISTIC and TANH return for all 65,536 inputs: only one table gives
//! those results. Source of the interpolation: TensorFlow Lite `reference/integer_ops/logistic.h`, `tanh.h`.

use crate::fixed_point::fraction_and_exponent;

/// `65536 / (1 + exp(-i / 24))`, rounded one way or the other.
#[rustfmt::skip]
const LOGISTIC: [u16; 256] = [
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794, 41432, 42064, 42688,
    43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443, 48964, 49475, 49975, 50464, 50942, 51409,
    51865, 52311, 52745, 53169, 53581, 53983, 54374, 54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433,
    57724, 58007, 58280, 58544, 58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110,
    61279, 61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990, 63090, 63186,
    63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030, 64090, 64148, 64204, 64257, 64308,
    64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652, 64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900,
    64926, 64950, 64974, 64997, 65019, 65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208,
    65221, 65234, 65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360, 65367,
    65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433, 65438, 65442, 65445, 65449,
    65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476, 65479, 65481, 65483, 65485, 65488, 65489, 65491,
    65493, 65495, 65497, 65498, 65500, 65501, 65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513,
    65514, 65515, 65516, 65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529, 65529, 65530, 65530,
    65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532, 65532, 65532, 65532, 65533, 65533, 65533,
    65533, 65533, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
];

/// Inputs reach the table times 3/4, so that its 256 entries span ±10.7.
const SPREAD: i32 = 3;

/// Where `magnitude`, of which the table's index is what remains after `fraction_bits`, lies between two entries: the value
/// with `fraction_bits` more bits than the table's 16. `None` beyond the table.
fn between(magnitude: u32, fraction_bits: u32) -> Option<i32> {
    let index = (magnitude >> fraction_bits) as usize;
    let (low, high) = (*LOGISTIC.get(index)?, *LOGISTIC.get(index + 1)?);
    let fraction = magnitude & ((1 << fraction_bits) - 1);
    Some(((u32::from(low) << fraction_bits) + fraction * u32::from(high - low)) as i32)
}

/// What brings a 16-bit value to the tables' units, `1 / (3 * 2^12)`: `(x * multiplier + half) >> shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    multiplier: i32,
    shift: u32,
}

impl Spread {
    /// Of values in units of two to the power of `power`, which lies in -27..=0.
    pub const fn of_power(power: i32) -> Self {
        if power >= -12 {
            Self { multiplier: SPREAD << (power + 12), shift: 0 }
        } else {
            Self { multiplier: SPREAD, shift: (-12 - power) as u32 }
        }
    }

    /// Of LOGISTIC's input; `None` for a scale that is not positive, or too large for its product with 16 bits.
    pub fn of_logistic(scale: f32) -> Option<Self> {
        Self::prepare(scale, &[-12])
    }

    /// Of TANH's input, likewise.
    pub fn of_tanh(scale: f32) -> Option<Self> {
        Self::prepare(scale, &[-12, -11])
    }

    /// The two operators are exact for these powers of two, and truncate other multipliers to 15 bits.
    ///
    /// Source: TensorFlow Lite Micro `logistic_common.cc`, `tanh.cc`.
    fn prepare(scale: f32, exact_powers: &[i32]) -> Option<Self> {
        if let Some(power) = power_of_two(scale).filter(|power| exact_powers.contains(power)) {
            return Some(Self::of_power(power));
        }
        let mut multiplier = f64::from(scale) * f64::from(SPREAD << 12);
        if !(multiplier > 0.0 && multiplier < 32768.0) {
            return None;
        }
        let mut shift = 0;
        while multiplier <= 32767.0 / 2.0 && shift <= 30 {
            shift += 1;
            multiplier *= 2.0;
        }
        Some(Self { multiplier: multiplier as i32, shift })
    }

    fn apply(self, x: i16) -> i32 {
        let half = if self.shift > 0 { 1 << (self.shift - 1) } else { 0 };
        // 2^15 times at most 2^15, or the spread of a power of two, and a half of at most 2^30.
        (i32::from(x) * self.multiplier + half) >> self.shift
    }
}

/// The power of two that is `scale`, or lies within a thousandth of a doubling of it: TensorFlow Lite's `CheckedLog2`.
pub fn power_of_two(scale: f32) -> Option<i32> {
    const TOLERANCE: f64 = 1.000_693_387; // 2^0.001
    if !scale.is_normal() || scale < 0.0 {
        return None;
    }
    let (fraction, exponent) = fraction_and_exponent(f64::from(scale));
    // The fraction lies in [1/2, 1): just above 1/2, or just below 1.
    match () {
        () if fraction < 0.5 * TOLERANCE => Some(exponent - 1),
        () if fraction > 1.0 / TOLERANCE => Some(exponent),
        () => None,
    }
}

/// `1 / (1 + exp(-x))` in units of 2^-15.
pub fn logistic(x: i16, spread: Spread) -> i16 {
    let x = spread.apply(x);
    let of_magnitude = between(x.unsigned_abs(), 9).unwrap_or(0x7fff << 10);
    let value = if x >= 0 { of_magnitude + (1 << 9) } else { (1 << 25) - of_magnitude + (1 << 9) - 1 };
    (value >> 10) as i16
}

/// `tanh(x)` in units of 2^-15.
pub fn tanh(x: i16, spread: Spread) -> i16 {
    let x = spread.apply(x);
    let of_magnitude = between(x.unsigned_abs(), 8).unwrap_or(0xffff << 8);
    let value = if x >= 0 { of_magnitude - (1 << 23) + (1 << 7) } else { (1 << 23) - of_magnitude + (1 << 7) - 1 };
    (value >> 8) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Spread = Spread::of_power(-12);

    #[test]
    fn functions_are_close_to_what_they_stand_for() {
        for x in i16::MIN..=i16::MAX {
            let real = f64::from(x) / 4096.0;
            let error = f64::from(logistic(x, UNIT)) / 32768.0 - 1.0 / (1.0 + (-real).exp());
            assert!(error.abs() < 1e-4, "logistic({real}) is off by {error}");
            for power in [-12, -13, -10] {
                let real = f64::from(x) * f64::from(power).exp2();
                let error = f64::from(tanh(x, Spread::of_power(power))) / 32768.0 - real.tanh();
                assert!(error.abs() < 3e-4, "tanh({real}) is off by {error}");
            }
        }
    }

    /// Recorded from TensorFlow Lite Micro's 16-bit LOGISTIC and TANH, inputs in units of 2^-12.
    #[test]
    fn functions_equal_those_of_the_device() {
        let golden = [
            (-32768, 11, -32767),
            (-23193, 113, -32767),
            (-21759, 161, -32767),
            (-8191, 3907, -31588),
            (-1, 16382, -8),
            (0, 16384, 0),
            (777, 17933, 6142),
            (12345, 31234, 32611),
            (32767, 32757, 32767),
        ];
        for (x, logistic_of_x, tanh_of_x) in golden {
            assert_eq!((logistic(x, UNIT), tanh(x, UNIT)), (logistic_of_x, tanh_of_x), "{x}");
        }
        // All of them, as sums that tell most changes.
        let sums = |f: &dyn Fn(i16) -> i16| {
            let weigh = |(i, x): (i64, i16)| (i64::from(f(x)), i64::from(f(x)) * (i % 251));
            (0..).zip(i16::MIN..=i16::MAX).map(weigh).fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
        };
        assert_eq!(sums(&|x| logistic(x, UNIT)), (1_073_725_451, 134_295_077_318));
        assert_eq!(sums(&|x| tanh(x, UNIT)), (-32767, 247_405_526));
    }

    #[test]
    fn scales_near_a_power_of_two_count_as_one() {
        let quarter = 0.25_f32;
        assert_eq!([quarter, quarter * 1.000_69, quarter * 0.999_31].map(power_of_two), [Some(-2); 3]);
        assert_eq!([quarter * 1.000_70, quarter * 0.999_30, 0.0, -1.0, f32::NAN].map(power_of_two), [None; 5]);
        assert_eq!(Spread::of_tanh(2.0_f32.powi(-11)), Some(Spread { multiplier: 6, shift: 0 }));
        assert_eq!(Spread::of_logistic(2.0_f32.powi(-11)), Some(Spread { multiplier: 24576, shift: 12 }));
        assert_eq!(Spread::of_logistic(1e-30), Some(Spread { multiplier: 0, shift: 31 }));
        assert_eq!([2.667, 0.0, f32::NAN].map(Spread::of_logistic), [None; 3]);
    }
}
