//! CONV_2D.

use super::super::schema::{BuiltinOperator, BuiltinOptions, Conv2DOptions, Conv2DOptionsArgs};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Conv2d, Operands};
use crate::tensor::ElementType;

impl Mapping for Conv2d {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::CONV_2D];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_conv_2_doptions() else { return super::without_options() };
        Ok(Self {
            stride: [super::positive(file.stride_h(), "stride")?, super::positive(file.stride_w(), "stride")?],
            dilation: [
                super::positive(file.dilation_h_factor(), "dilation")?,
                super::positive(file.dilation_w_factor(), "dilation")?,
            ],
            padding: super::padding_from(file.padding())?,
            activation: super::activation_from(file.fused_activation_function())?,
        })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let weights = operands.optional(1);
        let per_channel = weights.and_then(|w| w.quantization.as_ref()).is_some_and(|q| q.is_per_channel());
        let grouped = match (operands.optional(0), weights) {
            (Some(input), Some(weights)) => input.shape.last() != weights.shape.last(),
            _ => false,
        };
        match (super::element(operands, 0), super::element(operands, 1)) {
            (_, Some(ElementType::I4)) => 7,
            _ if grouped => 6,
            (Some(ElementType::I16), _) => 4,
            (Some(ElementType::I8), _) => 3,
            (Some(ElementType::F32), Some(ElementType::I8)) if per_channel => 5,
            (Some(ElementType::F32), Some(ElementType::I8)) => 2,
            _ => 1,
        }
    }

    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = Conv2DOptionsArgs {
            padding: super::padding_to(self.padding),
            stride_w: super::narrow(self.stride[1]),
            stride_h: super::narrow(self.stride[0]),
            fused_activation_function: super::activation_to(self.activation),
            dilation_w_factor: super::narrow(self.dilation[1]),
            dilation_h_factor: super::narrow(self.dilation[0]),
            quantized_bias_type: super::quantized_bias_type(operands),
        };
        out.options(BuiltinOptions::Conv2DOptions, |builder| Conv2DOptions::create(builder, &args).value())
    }
}
