//! DEPTHWISE_CONV_2D.

use super::super::schema::{BuiltinOperator, BuiltinOptions, DepthwiseConv2DOptions, DepthwiseConv2DOptionsArgs};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{DepthwiseConv2d, Operands};
use crate::tensor::ElementType;

impl Mapping for DepthwiseConv2d {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::DEPTHWISE_CONV_2D];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_depthwise_conv_2_doptions() else {
            return super::without_options();
        };
        Ok(Self {
            stride: [super::positive(file.stride_h(), "stride")?, super::positive(file.stride_w(), "stride")?],
            dilation: [
                super::positive(file.dilation_h_factor(), "dilation")?,
                super::positive(file.dilation_w_factor(), "dilation")?,
            ],
            padding: super::padding_from(file.padding())?,
            depth_multiplier: super::positive(file.depth_multiplier(), "depth multiplier")?,
            activation: super::activation_from(file.fused_activation_function())?,
        })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let weights = operands.optional(1);
        let per_channel = weights.and_then(|w| w.quantization.as_ref()).is_some_and(|q| q.is_per_channel());
        match (super::element(operands, 0), super::element(operands, 1)) {
            (_, Some(ElementType::I4)) => 7,
            (Some(ElementType::I16), _) => 5,
            (Some(ElementType::F32), Some(ElementType::I8)) if per_channel => 6,
            (Some(ElementType::F32), Some(ElementType::I8)) => 4,
            (Some(ElementType::I8), _) => 3,
            _ if self.dilation != [1, 1] => 2,
            _ => 1,
        }
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = DepthwiseConv2DOptionsArgs {
            padding: super::padding_to(self.padding),
            stride_w: super::narrow(self.stride[1]),
            stride_h: super::narrow(self.stride[0]),
            depth_multiplier: super::narrow(self.depth_multiplier),
            fused_activation_function: super::activation_to(self.activation),
            dilation_w_factor: super::narrow(self.dilation[1]),
            dilation_h_factor: super::narrow(self.dilation[0]),
        };
        out.options(BuiltinOptions::DepthwiseConv2DOptions, |builder| DepthwiseConv2DOptions::create(builder, &args).value())
    }
}
