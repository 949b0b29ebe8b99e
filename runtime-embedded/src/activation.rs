//! Fused activations: on integers they are nothing but a clamp of the output.

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

/// Smallest and largest int8 output, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputRange {
    /// Smallest value.
    pub min: i8,
    /// Largest value; never below `min`.
    pub max: i8,
}

impl OutputRange {
    /// Every int8 value.
    pub const FULL: Self = Self { min: i8::MIN, max: i8::MAX };

    /// The range that `activation` leaves of an output quantized as `output`.
    ///
    /// Bounds are rounded half away from zero in single precision. Source: TensorFlow Lite `kernel_util.cc`,
    /// `CalculateActivationRangeQuantized`.
    pub fn prepare(activation: Activation, output: Affine) -> Self {
        let quantized = |real: f32| round_half_away(real / output.scale).saturating_add(output.zero_point);
        let narrow = |value: i32| value.clamp(i32::from(i8::MIN), i32::from(i8::MAX)) as i8;
        let (min, max) = match activation {
            Activation::None => (i8::MIN, i8::MAX),
            Activation::Relu => (narrow(quantized(0.0)), i8::MAX),
            Activation::Relu6 => (narrow(quantized(0.0)), narrow(quantized(6.0))),
            Activation::ReluN1To1 => (narrow(quantized(-1.0)), narrow(quantized(1.0))),
        };
        Self { min, max: max.max(min) }
    }

    /// `value` brought into the range.
    #[inline]
    pub fn clamp(self, value: i32) -> i8 {
        value.clamp(i32::from(self.min), i32::from(self.max)) as i8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_rounded_and_kept_in_the_type() {
        let output = Affine { scale: 0.05, zero_point: -20 };
        assert_eq!(OutputRange::prepare(Activation::Relu, output), OutputRange { min: -20, max: 127 });
        assert_eq!(OutputRange::prepare(Activation::Relu6, output), OutputRange { min: -20, max: 100 });
        assert_eq!(OutputRange::prepare(Activation::ReluN1To1, output), OutputRange { min: -40, max: 0 });
        let coarse = Affine { scale: 1e-9, zero_point: 0 };
        assert_eq!(OutputRange::prepare(Activation::Relu6, coarse), OutputRange { min: 0, max: 127 });
    }
}
