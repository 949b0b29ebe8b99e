//! Integer types that tensors may have, and those that sums are kept in.

use crate::fixed_point::{Multiplier, Rounding};

/// An integer type of a quantized tensor.
pub trait Quantized: Copy + Ord {
    /// Smallest value.
    const MIN: Self;
    /// Largest value.
    const MAX: Self;
    /// Widened.
    fn widen(self) -> i32;
    /// Saturated.
    fn saturate(value: i32) -> Self;
}

macro_rules! quantized {
    ($($type:ty),*) => {$(
        impl Quantized for $type {
            const MIN: Self = <$type>::MIN;
            const MAX: Self = <$type>::MAX;
            #[inline]
            fn widen(self) -> i32 {
                i32::from(self)
            }
            #[inline]
            fn saturate(value: i32) -> Self {
                value.clamp(i32::from(<$type>::MIN), i32::from(<$type>::MAX)) as Self
            }
        }
    )*};
}
quantized!(i8, u8, i16);

impl Quantized for i32 {
    const MIN: Self = i32::MIN;
    const MAX: Self = i32::MAX;
    #[inline]
    fn widen(self) -> i32 {
        self
    }
    #[inline]
    fn saturate(value: i32) -> Self {
        value
    }
}

/// The type of a bias, which is the type of the sum that it is added to.
///
/// 8-bit activations have 32-bit sums. 16-bit activations have those of their bias, 64 bits where there is none: TensorFlow
/// Lite Micro requantizes the two differently, so the choice shows in the results.
pub trait Accumulator: Copy + Default {
    /// The sum with a product of an activation and a weight; wraps at the type's end.
    fn plus_product(self, product: i32) -> Self;
    /// The sum with a bias; wraps at the type's end.
    fn plus(self, bias: Self) -> Self;
    /// The sum times `multiplier`.
    fn requantize(self, multiplier: Multiplier, rounding: Rounding) -> i32;
}

impl Accumulator for i32 {
    #[inline]
    fn plus_product(self, product: i32) -> Self {
        self.wrapping_add(product)
    }
    #[inline]
    fn plus(self, bias: Self) -> Self {
        self.wrapping_add(bias)
    }
    #[inline]
    fn requantize(self, multiplier: Multiplier, rounding: Rounding) -> i32 {
        multiplier.apply(self, rounding)
    }
}

impl Accumulator for i64 {
    #[inline]
    fn plus_product(self, product: i32) -> Self {
        self.wrapping_add(i64::from(product))
    }
    #[inline]
    fn plus(self, bias: Self) -> Self {
        self.wrapping_add(bias)
    }
    /// Rounds once, whatever `rounding` says.
    #[inline]
    fn requantize(self, multiplier: Multiplier, _rounding: Rounding) -> i32 {
        multiplier.apply_wide(self)
    }
}
