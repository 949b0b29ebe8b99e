//! Sums, differences and products of two tensors, with broadcasting.

use crate::activation::OutputRange;
use crate::element::Quantized;
use crate::fixed_point::{Affine, Multiplier, Rounding};
use crate::shape::Strided;

/// Bits by which both inputs are raised before they are rescaled: as many as leave a difference of two values in 32 bits,
/// 20 for 8 bits and 15 for 16.
const fn left_shift<T>() -> u32 {
    if size_of::<T>() == 1 { 20 } else { 15 }
}

/// Which sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// `left + right`
    Add,
    /// `left - right`
    Sub,
}

/// What [`add`] needs to know beside its buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddParams<T = i8> {
    /// Addition or subtraction.
    pub sum: Sum,
    /// Zero points of left input, right input and output, each a value of its type.
    pub zero_points: [i32; 3],
    /// Factors of left input, right input and output.
    ///
    /// The inputs come to units of twice the larger input scale, divided by `2^20` (int16: `2^15`); the output leaves them.
    pub multipliers: [Multiplier; 3],
    /// Clamp of the output.
    pub range: OutputRange<T>,
    /// How all three are requantized.
    pub rounding: Rounding,
}

impl<T: Quantized> AddParams<T> {
    /// Parameters from the three tensors' quantizations; `None` if a scale is out of all proportion.
    ///
    /// All in double precision. Source: TensorFlow Lite Micro `add_common.cc`.
    pub fn prepare(sum: Sum, [left, right, output]: [Affine; 3], range: OutputRange<T>, rounding: Rounding) -> Option<Self> {
        let twice_max = 2.0 * f64::from(left.scale.max(right.scale));
        let unit = f64::from(1 << left_shift::<T>()) * f64::from(output.scale);
        let reals = [f64::from(left.scale) / twice_max, f64::from(right.scale) / twice_max, twice_max / unit];
        // An output factor of one or more would overflow; TensorFlow Lite aborts on it.
        if !reals.iter().all(|real| *real > 0.0 && *real < 1.0) {
            return None;
        }
        let [left_multiplier, right_multiplier, output_multiplier] = reals.map(|real| Multiplier::from_real(real, rounding));
        Some(Self {
            sum,
            zero_points: [left.zero_point, right.zero_point, output.zero_point],
            multipliers: [left_multiplier?, right_multiplier?, output_multiplier?],
            range,
            rounding,
        })
    }

    /// One element.
    #[inline]
    pub fn apply(&self, left: T, right: T) -> T {
        let raised = |value: T, side: usize| {
            let value = (value.widen() - self.zero_points[side]) << left_shift::<T>();
            self.multipliers[side].apply(value, self.rounding)
        };
        let (left, right) = (raised(left, 0), raised(right, 1));
        let sum = match self.sum {
            Sum::Add => left.wrapping_add(right),
            Sum::Sub => left.wrapping_sub(right),
        };
        let scaled = self.multipliers[2].apply(sum, self.rounding);
        self.range.clamp(scaled.wrapping_add(self.zero_points[2]))
    }
}

/// Adds or subtracts int8 or int16 tensors of different quantizations.
///
/// `left` and `right` are read at the positions of their walks, which have the output's extents (see
/// [`Strided::broadcast_to`]); `output` is contiguous.
pub fn add<T: Quantized>(
    params: &AddParams<T>,
    (left, left_walk): (&[T], &Strided),
    (right, right_walk): (&[T], &Strided),
    output: &mut [T],
) {
    let positions = left_walk.positions().zip(right_walk.positions());
    for (out, (at_left, at_right)) in output.iter_mut().zip(positions) {
        *out = params.apply(left[at_left], right[at_right]);
    }
}

/// What [`mul`] needs to know beside its buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MulParams<T = i8> {
    /// Zero points of left input, right input and output, each a value of its type.
    pub zero_points: [i32; 3],
    /// `left scale * right scale / output scale`
    pub multiplier: Multiplier,
    /// Clamp of the output.
    pub range: OutputRange<T>,
    /// How the product is requantized.
    pub rounding: Rounding,
}

impl<T: Quantized> MulParams<T> {
    /// Parameters from the three tensors' quantizations; `None` if a scale is out of all proportion.
    pub fn prepare([left, right, output]: [Affine; 3], range: OutputRange<T>, rounding: Rounding) -> Option<Self> {
        let real = f64::from(left.scale) * f64::from(right.scale) / f64::from(output.scale);
        Some(Self {
            zero_points: [left.zero_point, right.zero_point, output.zero_point],
            multiplier: Multiplier::from_real(real, rounding)?,
            range,
            rounding,
        })
    }

    /// One element.
    #[inline]
    pub fn apply(&self, left: T, right: T) -> T {
        let product = (left.widen() - self.zero_points[0]).wrapping_mul(right.widen() - self.zero_points[1]);
        let scaled = self.multiplier.apply(product, self.rounding);
        self.range.clamp(scaled.wrapping_add(self.zero_points[2]))
    }
}

/// Multiplies int8 or int16 tensors; walks as for [`add`].
pub fn mul<T: Quantized>(
    params: &MulParams<T>,
    (left, left_walk): (&[T], &Strided),
    (right, right_walk): (&[T], &Strided),
    output: &mut [T],
) {
    let positions = left_walk.positions().zip(right_walk.positions());
    for (out, (at_left, at_right)) in output.iter_mut().zip(positions) {
        *out = params.apply(left[at_left], right[at_right]);
    }
}
