//! Fused activations: on integers they are nothing but a clamp of the output.

use crate::element::Quantized;
use crate::fixed_point::{Affine, round_half_away};

/// An activation that a producer applies to its own output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// The whole range of the type.
    #[default]
    None,
    /// `max(0, x)`
    Relu,
    /// `min(max(0, x), 6)`
    Relu6,
    /// `min(max(-1, x), 1)`
    ReluN1To1,
}

/// Smallest and largest output, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputRange<T = i8> {
    /// Smallest value.
    pub min: T,
    /// Largest value; never below `min`.
    pub max: T,
}

impl<T: Quantized> OutputRange<T> {
    /// Every value of the type.
    pub const FULL: Self = Self { min: T::MIN, max: T::MAX };

    /// The range that `activation` leaves of an output quantized as `output`.
    ///
    /// Bounds are rounded half away from zero in single precision. Source: TensorFlow Lite `kernel_util.cc`,
    /// `CalculateActivationRangeQuantized`.
    pub fn prepare(activation: Activation, output: Affine) -> Self {
        let quantized = |real: f32| round_half_away(real / output.scale).saturating_add(output.zero_point);
        let narrow = T::saturate;
        let (min, max) = match activation {
            Activation::None => (T::MIN, T::MAX),
            Activation::Relu => (narrow(quantized(0.0)), T::MAX),
            Activation::Relu6 => (narrow(quantized(0.0)), narrow(quantized(6.0))),
            Activation::ReluN1To1 => (narrow(quantized(-1.0)), narrow(quantized(1.0))),
        };
        Self { min, max: max.max(min) }
    }

    /// `value` brought into the range.
    #[inline]
    pub fn clamp(self, value: i32) -> T {
        T::saturate(value.clamp(self.min.widen(), self.max.widen()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_rounded_and_kept_in_the_type() {
        let output = Affine { scale: 0.05, zero_point: -20 };
        assert_eq!(OutputRange::prepare(Activation::Relu, output), OutputRange { min: -20, max: 127_i8 });
        assert_eq!(OutputRange::prepare(Activation::Relu6, output), OutputRange { min: -20, max: 100_i8 });
        assert_eq!(OutputRange::prepare(Activation::ReluN1To1, output), OutputRange { min: -40, max: 0_i8 });
        let coarse = Affine { scale: 1e-9, zero_point: 0 };
        assert_eq!(OutputRange::prepare(Activation::Relu6, coarse), OutputRange { min: 0, max: 127_i8 });
        assert_eq!(OutputRange::prepare(Activation::Relu6, coarse), OutputRange { min: 0, max: 32767_i16 });
    }
}
