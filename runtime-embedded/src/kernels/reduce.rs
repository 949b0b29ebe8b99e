//! Mean and sum over any axes.

use crate::element::Quantized;
use crate::fixed_point::{Affine, Multiplier, Rounding};
use crate::shape::Strided;

/// Which reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Arithmetic mean.
    Mean,
    /// Sum.
    Sum,
}

/// What [`reduce`] needs to know beside its buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReduceParams {
    /// The axes that stay, with the input's strides, outermost first.
    pub kept: Strided,
    /// The axes that go, with the input's strides.
    pub reduced: Strided,
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// Factor of the sum; for a mean it contains the division by the number of elements.
    pub multiplier: Multiplier,
    /// How the sum is requantized.
    pub rounding: Rounding,
}

impl ReduceParams {
    /// Parameters from the walks over both kinds of axes and the quantizations; `None` if a scale is out of all proportion
    /// or nothing is reduced to something (no element, or more than an `i32` counts).
    ///
    /// A mean divides the *mantissa*, raised by `floor(log2 n)` bits so that little of it is lost, and truncates:
    /// TensorFlow Lite `reduce.h`, `QuantizedMeanOrSum`.
    pub fn prepare(
        reduction: Reduction,
        [kept, reduced]: [Strided; 2],
        [input, output]: [Affine; 2],
        rounding: Rounding,
    ) -> Option<Self> {
        let count = i64::try_from(reduced.len()).ok().filter(|count| (1..=i64::from(i32::MAX)).contains(count))?;
        let real = f64::from(input.scale) / f64::from(output.scale);
        let mut multiplier = Multiplier::from_real(real, rounding)?;
        if reduction == Reduction::Mean {
            let raise = (count.ilog2() as i32).min(31 + multiplier.shift());
            let mantissa = (i64::from(multiplier.mantissa()) << raise) / count;
            multiplier = Multiplier::from_parts(i32::try_from(mantissa).ok()?, multiplier.shift() - raise)?;
        }
        Some(Self {
            kept,
            reduced,
            input_zero_point: input.zero_point,
            output_zero_point: output.zero_point,
            multiplier,
            rounding,
        })
    }

    /// The output for a sum of raw input values.
    #[inline]
    pub fn finish<T: Quantized>(&self, sum: i32) -> T {
        let offset = (self.reduced.len() as i32).wrapping_mul(self.input_zero_point);
        let scaled = self.multiplier.apply(sum.wrapping_sub(offset), self.rounding);
        T::saturate(scaled.wrapping_add(self.output_zero_point))
    }
}

/// Reduces an int8 or int16 tensor over the axes of `params.reduced`.
///
/// * `input`: int8 or int16, positions given by `params.kept` and `params.reduced` together
/// * `output`: the input's type, contiguous over `params.kept`
pub fn reduce<T: Quantized>(params: &ReduceParams, input: &[T], output: &mut [T]) {
    for (out, base) in output.iter_mut().zip(params.kept.positions()) {
        let sum = params.reduced.positions().fold(0_i32, |sum, position| sum.wrapping_add(input[base + position].widen()));
        *out = params.finish(sum);
    }
}
