//! Functions of one tensor: SOFTMAX, LOG_SOFTMAX, LEAKY_RELU, PRELU, those without attributes, QUANTIZE and DEQUANTIZE.

use super::super::schema::{
    BuiltinOperator, BuiltinOptions, GeluOptions, GeluOptionsArgs, LeakyReluOptions, LeakyReluOptionsArgs, SoftmaxOptions,
    SoftmaxOptionsArgs,
};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Dequantize, LeakyRelu, LogSoftmax, Operands, PRelu, Quantize, Softmax, Unary};
use crate::tensor::ElementType;

impl Mapping for Softmax {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::SOFTMAX];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_softmax_options() else { return super::without_options() };
        Ok(Self { beta: file.beta() })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)])
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = SoftmaxOptionsArgs { beta: self.beta };
        out.options(BuiltinOptions::SoftmaxOptions, |builder| SoftmaxOptions::create(builder, &args).value())
    }
}

impl Mapping for LeakyRelu {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::LEAKY_RELU];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_leaky_relu_options() else { return super::without_options() };
        Ok(Self { alpha: file.alpha() })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 0, &[(ElementType::I16, 2)])
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = LeakyReluOptionsArgs { alpha: self.alpha };
        out.options(BuiltinOptions::LeakyReluOptions, |builder| LeakyReluOptions::create(builder, &args).value())
    }
}

impl Mapping for LogSoftmax {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::LOG_SOFTMAX];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        super::version_by_type(operands, 0, &[(ElementType::I8, 2)])
    }

    /// The table has no fields, and no runtime asks for it.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}

impl Mapping for PRelu {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::PRELU];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, _operands: &Operands<'_>) -> i32 {
        1
    }

    /// It has no table.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}

impl Mapping for Unary {
    const CODES: &'static [BuiltinOperator] = &[
        BuiltinOperator::LOGISTIC,
        BuiltinOperator::TANH,
        BuiltinOperator::RELU,
        BuiltinOperator::RELU6,
        BuiltinOperator::RELU_N1_TO_1,
        BuiltinOperator::HARD_SWISH,
        BuiltinOperator::ELU,
        BuiltinOperator::GELU,
        BuiltinOperator::RELU_0_TO_1,
        BuiltinOperator::EXP,
        BuiltinOperator::LOG,
        BuiltinOperator::SQRT,
        BuiltinOperator::RSQRT,
        BuiltinOperator::NEG,
        BuiltinOperator::ABS,
        BuiltinOperator::SQUARE,
    ];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(match source.code {
            BuiltinOperator::LOGISTIC => Self::Logistic,
            BuiltinOperator::TANH => Self::Tanh,
            BuiltinOperator::RELU => Self::Relu,
            BuiltinOperator::RELU6 => Self::Relu6,
            BuiltinOperator::RELU_N1_TO_1 => Self::ReluN1To1,
            BuiltinOperator::ELU => Self::Elu,
            // Runtimes take a left-out table for the exact function.
            BuiltinOperator::GELU => {
                Self::Gelu { approximate: source.operator.builtin_options_as_gelu_options().is_some_and(|o| o.approximate()) }
            }
            BuiltinOperator::RELU_0_TO_1 => Self::Relu0To1,
            BuiltinOperator::EXP => Self::Exp,
            BuiltinOperator::LOG => Self::Log,
            BuiltinOperator::SQRT => Self::Sqrt,
            BuiltinOperator::RSQRT => Self::Rsqrt,
            BuiltinOperator::NEG => Self::Neg,
            BuiltinOperator::ABS => Self::Abs,
            BuiltinOperator::SQUARE => Self::Square,
            _ => Self::HardSwish,
        })
    }

    fn code(&self) -> BuiltinOperator {
        match self {
            Self::Logistic => BuiltinOperator::LOGISTIC,
            Self::Tanh => BuiltinOperator::TANH,
            Self::Relu => BuiltinOperator::RELU,
            Self::Relu6 => BuiltinOperator::RELU6,
            Self::ReluN1To1 => BuiltinOperator::RELU_N1_TO_1,
            Self::HardSwish => BuiltinOperator::HARD_SWISH,
            Self::Elu => BuiltinOperator::ELU,
            Self::Gelu { .. } => BuiltinOperator::GELU,
            Self::Relu0To1 => BuiltinOperator::RELU_0_TO_1,
            Self::Exp => BuiltinOperator::EXP,
            Self::Log => BuiltinOperator::LOG,
            Self::Sqrt => BuiltinOperator::SQRT,
            Self::Rsqrt => BuiltinOperator::RSQRT,
            Self::Neg => BuiltinOperator::NEG,
            Self::Abs => BuiltinOperator::ABS,
            Self::Square => BuiltinOperator::SQUARE,
        }
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        match self {
            Self::Logistic | Self::Tanh => super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)]),
            Self::Relu | Self::Relu6 => super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)]),
            Self::Gelu { .. } | Self::Exp | Self::Log | Self::Rsqrt => {
                super::version_by_type(operands, 0, &[(ElementType::I8, 2)])
            }
            Self::Abs => super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 3)]),
            Self::ReluN1To1 | Self::HardSwish | Self::Elu | Self::Relu0To1 | Self::Sqrt | Self::Neg | Self::Square => 1,
        }
    }

    /// The others have no table, or one without fields, which no runtime asks for.
    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let Self::Gelu { approximate } = *self else { return None };
        let args = GeluOptionsArgs { approximate };
        out.options(BuiltinOptions::GeluOptions, |builder| GeluOptions::create(builder, &args).value())
    }
}

impl Mapping for Quantize {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::QUANTIZE];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let output = operands.declared_output(0);
        match output {
            Some(t) if t.quantization.as_ref().is_some_and(|q| q.is_per_channel()) => 3,
            Some(t) if t.element == ElementType::I16 => 2,
            _ => 1,
        }
    }

    /// The table has no fields, and no runtime asks for it.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}

impl Mapping for Dequantize {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::DEQUANTIZE];

    fn import(_source: &Source<'_>) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let input = operands.optional(0);
        if input.and_then(|t| t.quantization.as_ref()).is_some_and(|q| q.is_per_channel()) {
            return 5;
        }
        let versions = [(ElementType::I8, 2), (ElementType::I16, 3), (ElementType::F16, 3), (ElementType::I4, 6)];
        super::version_by_type(operands, 0, &versions)
    }

    /// The table has no fields, and no runtime asks for it.
    fn options(&self, _operands: &Operands<'_>, _out: &mut Sharing<'_>) -> Options {
        None
    }
}
