//! Functions of one int8 value. Every one maps 256 inputs to 256 outputs, so a host may tabulate it.

use crate::activation::OutputRange;
use crate::element::Quantized;
use crate::fixed_point::{Affine, Multiplier, Rounding, round_half_away, rounding_divide_by_power_of_two};
use crate::transcendental;

/// A function of one int8 value, with everything it needs prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// Logistic; output scale 1/256, zero point -128.
    Logistic(Squash),
    /// Hyperbolic tangent; output scale 1/128, zero point 0.
    Tanh(Squash),
    /// Rectifier that also rescales.
    Relu(Rescale),
    /// Clamp to `[0, 6]` in the *input's* quantization: TensorFlow Lite Micro does not rescale here, other runtimes do.
    Relu6(OutputRange),
    /// Rectifier with a slope for negative values.
    LeakyRelu(LeakyRelu),
    /// `x * min(max(x + 3, 0), 6) / 6`
    HardSwish(HardSwish),
    /// Another scale and zero point for the same numbers.
    Requantize(Rescale),
}

impl Unary {
    /// The value of the function.
    #[inline]
    pub fn apply(&self, value: i8) -> i8 {
        match self {
            Self::Logistic(squash) => squash.logistic(value),
            Self::Tanh(squash) => squash.tanh(value),
            Self::Relu(rescale) | Self::Requantize(rescale) => rescale.apply(value),
            Self::Relu6(range) => range.clamp(i32::from(value)),
            Self::LeakyRelu(leaky) => leaky.apply(value),
            Self::HardSwish(swish) => swish.apply(value),
        }
    }

    /// RELU6 of inputs quantized as `input`.
    pub fn relu6(input: Affine) -> Self {
        Self::Relu6(relu6_range(input))
    }
}

/// The bounds of RELU6 in its input's quantization.
pub fn relu6_range<T: Quantized>(input: Affine) -> OutputRange<T> {
    let six = round_half_away(6.0 / input.scale).saturating_add(input.zero_point);
    let min = T::saturate(input.zero_point);
    OutputRange { min, max: T::saturate(six).max(min) }
}

/// Applies `function` to every element; `input` and `output` are int8 and equally long.
pub fn unary(function: &Unary, input: &[i8], output: &mut [i8]) {
    for (out, value) in output.iter_mut().zip(input) {
        *out = function.apply(*value);
    }
}

/// Input side of the two saturating functions: quantized value to Q4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Squash {
    zero_point: i32,
    /// Values this far from the zero point, or farther, saturate.
    radius: i32,
    multiplier: Multiplier,
    rounding: Rounding,
}

impl Squash {
    /// Parameters for inputs quantized as `input`; `None` if its scale is below `2^-27` or above 8.
    pub fn prepare(input: Affine, rounding: Rounding) -> Option<Self> {
        const INTEGER_BITS: u32 = 4;
        let fraction_bits = 31 - INTEGER_BITS;
        let multiplier = Multiplier::from_real(f64::from(input.scale) * f64::from(1 << fraction_bits), rounding)?;
        let shift = u32::try_from(multiplier.shift()).ok()?;
        let radius = (((1_i64 << INTEGER_BITS) - 1) << fraction_bits) >> shift;
        Some(Self { zero_point: input.zero_point, radius: i32::try_from(radius).unwrap_or(i32::MAX), multiplier, rounding })
    }

    /// The function in Q0 brought to `2^-output_bits`, or the saturated bound.
    fn apply(&self, value: i8, function: fn(i32) -> i32, output_bits: u32, offset: i32) -> i8 {
        let centred = i32::from(value) - self.zero_point;
        if centred <= -self.radius {
            return i8::MIN;
        }
        if centred >= self.radius {
            return i8::MAX;
        }
        let result = function(self.multiplier.apply(centred, self.rounding));
        OutputRange::FULL.clamp(rounding_divide_by_power_of_two(result, 31 - output_bits) + offset)
    }

    fn logistic(&self, value: i8) -> i8 {
        self.apply(value, transcendental::logistic, 8, -128)
    }

    fn tanh(&self, value: i8) -> i8 {
        self.apply(value, transcendental::tanh, 7, 0)
    }
}

/// `(value - input zero point) * multiplier + output zero point`, clamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescale<T = i8> {
    /// Zero points of input and output.
    pub zero_points: [i32; 2],
    /// `input scale / output scale`
    pub multiplier: Multiplier,
    /// Clamp of the output.
    pub range: OutputRange<T>,
    /// How the product is rounded.
    pub rounding: Rounding,
}

impl<T: Quantized> Rescale<T> {
    /// Parameters from both quantizations; `None` if their scales are out of all proportion.
    pub fn prepare([input, output]: [Affine; 2], range: OutputRange<T>, rounding: Rounding) -> Option<Self> {
        let real = f64::from(input.scale) / f64::from(output.scale);
        Some(Self {
            zero_points: [input.zero_point, output.zero_point],
            multiplier: Multiplier::from_real(real, rounding)?,
            range,
            rounding,
        })
    }

    /// One value.
    #[inline]
    pub fn apply(&self, value: T) -> T {
        let scaled = self.multiplier.apply(value.widen() - self.zero_points[0], self.rounding);
        self.range.clamp(scaled.wrapping_add(self.zero_points[1]))
    }
}

/// Rectifier whose negative side has a slope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeakyRelu {
    zero_points: [i32; 2],
    /// `input scale / output scale`, and that times the slope. A negative slope keeps its sign apart.
    positive: Multiplier,
    negative: Multiplier,
    negative_sign: i32,
    rounding: Rounding,
}

impl LeakyRelu {
    /// Parameters for slope `alpha`; `None` if a scale is out of all proportion.
    ///
    /// Scales are multiplied and divided in double precision, as TensorFlow Lite Micro does; LiteRT does it in single, which
    /// differs in one of some thousand 16-bit values.
    pub fn prepare(alpha: f32, [input, output]: [Affine; 2], rounding: Rounding) -> Option<Self> {
        let real = f64::from(input.scale) / f64::from(output.scale);
        let slope = f64::from(input.scale) * f64::from(alpha) / f64::from(output.scale);
        Some(Self {
            zero_points: [input.zero_point, output.zero_point],
            positive: Multiplier::from_real(real, rounding)?,
            negative: Multiplier::from_real(if slope < 0.0 { -slope } else { slope }, rounding)?,
            negative_sign: if slope < 0.0 { -1 } else { 1 },
            rounding,
        })
    }

    /// One value.
    #[inline]
    pub fn apply<T: Quantized>(&self, value: T) -> T {
        let centred = value.widen() - self.zero_points[0];
        let scaled = if centred >= 0 {
            self.positive.apply(centred, self.rounding)
        } else {
            self.negative.apply(centred * self.negative_sign, self.rounding)
        };
        T::saturate(scaled.wrapping_add(self.zero_points[1]))
    }
}

/// Hard swish in 16-bit fixed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardSwish {
    zero_points: [i32; 2],
    /// 16-bit mantissa and exponent of `input scale / 128 / output scale`; the exponent is at most 0.
    output: (i32, i32),
    /// 16-bit mantissa and exponent that bring the input to units of `3 / 32768`.
    reluish: (i32, i32),
}

impl HardSwish {
    /// Parameters from both quantizations; `None` if the output scale is below `input scale / 128`, which TensorFlow Lite
    /// refuses, or out of all proportion.
    pub fn prepare([input, output]: [Affine; 2]) -> Option<Self> {
        let fine_scale = (1.0 / 128.0) * input.scale;
        let halves = |real: f32| {
            let multiplier = Multiplier::from_real(f64::from(real), Rounding::Double)?;
            let mantissa = ((i64::from(multiplier.mantissa()) + (1 << 15)) >> 16).min(i64::from(i16::MAX));
            Some((mantissa as i32, multiplier.shift()))
        };
        let this = Self {
            zero_points: [input.zero_point, output.zero_point],
            output: halves(fine_scale / output.scale)?,
            reluish: halves(fine_scale / (3.0 / 32768.0))?,
        };
        (this.output.1 <= 0).then_some(this)
    }

    fn apply(&self, value: i8) -> i8 {
        // Seven bits up: the difference of two int8 values then fills 16 bits.
        let fine = i32::from(((i32::from(value) - self.zero_points[0]) << 7) as i16);
        let on_output_scale = high_mul16(fine, self.output.0);
        let (mantissa, exponent) = self.reluish;
        let mut reluish = fine;
        if exponent > 0 {
            reluish = saturating_shift_left16(reluish, exponent - 1);
        }
        reluish = high_mul16(reluish, mantissa);
        if exponent > 0 {
            reluish = saturating_shift_left16(reluish, 1);
        } else {
            reluish = rounding_divide_by_power_of_two(reluish, (-exponent) as u32);
        }
        // From [-1, 1] to [0, 1].
        reluish = (reluish + (1 << 15)) >> 1;
        let product = reluish * on_output_scale / (1 << 15);
        let shifted = rounding_divide_by_power_of_two(product, (-self.output.1) as u32);
        OutputRange::FULL.clamp(shifted + self.zero_points[1])
    }
}

/// `a * b / 2^15` of 16-bit values, rounded to nearest, ties toward +infinity, saturated.
fn high_mul16(a: i32, b: i32) -> i32 {
    ((a * b + (1 << 14)) >> 15).min(i32::from(i16::MAX))
}

/// `value * 2^exponent`, saturated to 16 bits.
fn saturating_shift_left16(value: i32, exponent: i32) -> i32 {
    let wide = i64::from(value) << exponent.min(31);
    wide.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i32
}
