//! Exponential, logistic and hyperbolic tangent in fixed point.
//!
//! A raw `i32` in format `Qm` stands for `raw / 2^(31 - m)`: `m` integer bits, the rest fraction. Every constant is the
//! fixed-point value of the expression beside it. Source: gemmlowp `fixedpoint.h`.

use crate::fixed_point::{rounding_divide_by_power_of_two, rounding_doubling_high_mul as mul, saturating_shift_left};

/// `exp(x)` in Q0 for `x <= 0` in format `Q(integer_bits)`, `integer_bits` in 0..=5.
///
/// With `x = -(1/4)(n + f)`: the polynomial covers `f` in one quarter, and each set bit of the rest multiplies by
/// `exp(-2^bit)`.
pub fn exp_of_negative(x: i32, integer_bits: u32) -> i32 {
    // exp(-2^exponent) in Q0, exponent from -2 up.
    const FACTORS: [i32; 7] = [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];
    if x == 0 {
        return i32::MAX;
    }
    let fraction_bits = 31 - integer_bits;
    let quarter = 1_i32 << (fraction_bits - 2);
    let modulo = (x & (quarter - 1)) - quarter;
    let remainder = modulo.wrapping_sub(x);
    let mut result = exp_within_a_quarter(saturating_shift_left(modulo, integer_bits));
    for (factor, bit) in FACTORS.into_iter().zip(fraction_bits - 2..fraction_bits + integer_bits) {
        if remainder & (1 << bit) != 0 {
            result = mul(result, factor);
        }
    }
    result
}

/// `1 / (1 + x)` in Q0 for `x` in Q0 within `[0, 1]`.
pub fn one_over_one_plus(x: i32) -> i32 {
    saturating_shift_left(reciprocal_of_half_of_one_plus(x), 1)
}

/// `1 / (1 + exp(-x))` in Q0 for `x` in Q4.
pub fn logistic(x: i32) -> i32 {
    let positive = one_over_one_plus(exp_of_negative(x.wrapping_abs().wrapping_neg(), 4));
    match x.signum() {
        0 => 1 << 30,
        1 => positive,
        _ => i32::MAX - positive,
    }
}

/// `tanh(x)` in Q0 for `x` in Q4.
pub fn tanh(x: i32) -> i32 {
    if x == 0 {
        return 0;
    }
    // tanh(|x|) = (1 - e) / (1 + e) with e = exp(-2|x|); reading the raw Q4 value as Q5 doubles it.
    let e = exp_of_negative(x.wrapping_abs().wrapping_neg(), 5);
    let magnitude = saturating_shift_left(reciprocal_of_half_of_one_plus(e).wrapping_sub(1 << 29), 2);
    if x < 0 { -magnitude } else { magnitude }
}

/// `exp(x)` in Q0 for `x` in Q0 within `[-1/4, 0)`: a Taylor polynomial around -1/8.
fn exp_within_a_quarter(x: i32) -> i32 {
    const EXP_OF_MINUS_EIGHTH: i32 = 1_895_147_668;
    const THIRD: i32 = 715_827_883;
    let x = x + (1 << 28);
    let x2 = mul(x, x);
    let x3 = mul(x2, x);
    let x4_over_4 = rounding_divide_by_power_of_two(mul(x2, x2), 2);
    let high_order = rounding_divide_by_power_of_two(mul(x4_over_4 + x3, THIRD) + x2, 1);
    EXP_OF_MINUS_EIGHTH.wrapping_add(mul(EXP_OF_MINUS_EIGHTH, x + high_order))
}

/// `2 / (1 + x)` in Q2 for `x` in Q0 within `[0, 1]`: three Newton-Raphson steps from the best linear guess.
fn reciprocal_of_half_of_one_plus(x: i32) -> i32 {
    const FORTY_EIGHT_SEVENTEENTHS: i32 = 1_515_870_810;
    const MINUS_THIRTY_TWO_SEVENTEENTHS: i32 = -1_010_580_540;
    const ONE: i32 = 1 << 29;
    let half_denominator = ((i64::from(x) + i64::from(i32::MAX) + 1) / 2) as i32;
    let mut guess = FORTY_EIGHT_SEVENTEENTHS + mul(half_denominator, MINUS_THIRTY_TWO_SEVENTEENTHS);
    for _ in 0..3 {
        let error = ONE - mul(half_denominator, guess);
        guess = guess.wrapping_add(saturating_shift_left(mul(guess, error), 2));
    }
    guess
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    fn real(raw: i32, integer_bits: u32) -> f64 {
        f64::from(raw) / (1_i64 << (31 - integer_bits)) as f64
    }

    // The polynomial's own error is 2.5e-7: the fifth Taylor term at 1/8.
    #[test]
    fn agree_with_the_real_functions() {
        for step in -2000..2000 {
            let q4 = step * 53_687;
            let x = real(q4, 4);
            assert!((real(logistic(q4), 0) - 1.0 / (1.0 + (-x).exp())).abs() < 1e-6, "logistic({x})");
            assert!((real(tanh(q4), 0) - x.tanh()).abs() < 1e-6, "tanh({x})");
            if q4 <= 0 {
                assert!((real(exp_of_negative(q4, 5), 0) - real(q4, 5).exp()).abs() < 1e-6, "exp({x})");
            }
        }
    }
}
