//! TRANSPOSE_CONV.

use super::super::schema::{BuiltinOperator, BuiltinOptions, TransposeConvOptions, TransposeConvOptionsArgs};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Activation, Operands, TransposeConv};
use crate::tensor::ElementType;

impl Mapping for TransposeConv {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::TRANSPOSE_CONV];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_transpose_conv_options() else { return super::without_options() };
        Ok(Self {
            stride: [super::positive(file.stride_h(), "stride")?, super::positive(file.stride_w(), "stride")?],
            padding: super::padding_from(file.padding())?,
            activation: super::activation_from(file.fused_activation_function())?,
        })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        match super::element(operands, 1) {
            _ if self.activation != Activation::None => 4,
            _ if operands.optional(3).is_some() => 3,
            Some(ElementType::I8) => 2,
            _ => 1,
        }
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = TransposeConvOptionsArgs {
            padding: super::padding_to(self.padding),
            stride_w: super::narrow(self.stride[1]),
            stride_h: super::narrow(self.stride[0]),
            fused_activation_function: super::activation_to(self.activation),
            ..Default::default()
        };
        out.options(BuiltinOptions::TransposeConvOptions, |builder| TransposeConvOptions::create(builder, &args).value())
    }
}
