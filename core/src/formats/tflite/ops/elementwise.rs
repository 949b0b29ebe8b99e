//! ADD, SUB, MUL, DIV, MINIMUM, MAXIMUM, POW, SQUARED_DIFFERENCE.

use super::super::schema::{
    AddOptions, AddOptionsArgs, BuiltinOperator, BuiltinOptions, DivOptions, DivOptionsArgs, MulOptions, MulOptionsArgs,
    SubOptions, SubOptionsArgs,
};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Binary, BinaryKind, Operands};
use crate::tensor::ElementType;

impl Mapping for Binary {
    const CODES: &'static [BuiltinOperator] = &[
        BuiltinOperator::ADD,
        BuiltinOperator::SUB,
        BuiltinOperator::MUL,
        BuiltinOperator::DIV,
        BuiltinOperator::MINIMUM,
        BuiltinOperator::MAXIMUM,
        BuiltinOperator::POW,
        BuiltinOperator::SQUARED_DIFFERENCE,
    ];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let file = &source.operator;
        // Runtimes take a left-out table for "no activation".
        let (kind, activation) = match source.code {
            BuiltinOperator::ADD => {
                (BinaryKind::Add, file.builtin_options_as_add_options().map(|o| o.fused_activation_function()))
            }
            BuiltinOperator::SUB => {
                (BinaryKind::Sub, file.builtin_options_as_sub_options().map(|o| o.fused_activation_function()))
            }
            BuiltinOperator::DIV => {
                (BinaryKind::Div, file.builtin_options_as_div_options().map(|o| o.fused_activation_function()))
            }
            BuiltinOperator::MINIMUM => (BinaryKind::Minimum, None),
            BuiltinOperator::MAXIMUM => (BinaryKind::Maximum, None),
            BuiltinOperator::POW => (BinaryKind::Pow, None),
            BuiltinOperator::SQUARED_DIFFERENCE => (BinaryKind::SquaredDifference, None),
            _ => (BinaryKind::Mul, file.builtin_options_as_mul_options().map(|o| o.fused_activation_function())),
        };
        Ok(Self { kind, activation: super::activation_from(activation.unwrap_or_default())? })
    }

    fn code(&self) -> BuiltinOperator {
        match self.kind {
            BinaryKind::Add => BuiltinOperator::ADD,
            BinaryKind::Sub => BuiltinOperator::SUB,
            BinaryKind::Mul => BuiltinOperator::MUL,
            BinaryKind::Div => BuiltinOperator::DIV,
            BinaryKind::Minimum => BuiltinOperator::MINIMUM,
            BinaryKind::Maximum => BuiltinOperator::MAXIMUM,
            BinaryKind::Pow => BuiltinOperator::POW,
            BinaryKind::SquaredDifference => BuiltinOperator::SQUARED_DIFFERENCE,
        }
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        match (self.kind, super::element(operands, 0)) {
            (BinaryKind::Mul, Some(ElementType::I8)) if self.rescales_up(operands) => 3,
            (BinaryKind::Add, Some(ElementType::I16)) => 3,
            (BinaryKind::Sub, Some(ElementType::I16)) => 5,
            (BinaryKind::Mul, Some(ElementType::I16)) => 4,
            (BinaryKind::Div | BinaryKind::Pow, _) => 1,
            (BinaryKind::Minimum | BinaryKind::Maximum, Some(ElementType::I16)) => 4,
            (_, Some(ElementType::I8)) => 2,
            _ => 1,
        }
    }

    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let fused_activation_function = super::activation_to(self.activation);
        // What the first 16-bit kernels of ADD and SUB relied on. TensorFlow Lite Micro computes the same either way, and
        // LiteRT the same as it does only without.
        let pot_scale_int16 = super::element(operands, 0) != Some(ElementType::I16);
        match self.kind {
            BinaryKind::Add => {
                let args = AddOptionsArgs { fused_activation_function, pot_scale_int16 };
                out.options(BuiltinOptions::AddOptions, |builder| AddOptions::create(builder, &args).value())
            }
            BinaryKind::Sub => {
                let args = SubOptionsArgs { fused_activation_function, pot_scale_int16 };
                out.options(BuiltinOptions::SubOptions, |builder| SubOptions::create(builder, &args).value())
            }
            BinaryKind::Mul => {
                let args = MulOptionsArgs { fused_activation_function };
                out.options(BuiltinOptions::MulOptions, |builder| MulOptions::create(builder, &args).value())
            }
            BinaryKind::Div => {
                let args = DivOptionsArgs { fused_activation_function };
                out.options(BuiltinOptions::DivOptions, |builder| DivOptions::create(builder, &args).value())
            }
            // Tables without fields, which no runtime asks for.
            BinaryKind::Minimum | BinaryKind::Maximum | BinaryKind::Pow | BinaryKind::SquaredDifference => None,
        }
    }
}

trait RescalesUp {
    fn rescales_up(&self, operands: &Operands<'_>) -> bool;
}

impl RescalesUp for Binary {
    /// Whether products are multiplied by 1 or more, which kernels before version 3 of MUL could not.
    fn rescales_up(&self, operands: &Operands<'_>) -> bool {
        let scale = |t: Option<&crate::tensor::Tensor>| t.and_then(|t| t.quantization.as_ref()).map(|q| q.scale());
        match (scale(operands.optional(0)), scale(operands.optional(1)), scale(operands.declared_output(0))) {
            (Some(a), Some(b), Some(output)) => a * b >= output,
            _ => false,
        }
    }
}
