//! FULLY_CONNECTED.

use super::super::schema::{
    BuiltinOperator, BuiltinOptions, FullyConnectedOptions, FullyConnectedOptionsArgs, FullyConnectedOptionsWeightsFormat,
};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{FullyConnected, Operands};
use crate::tensor::ElementType;

impl Mapping for FullyConnected {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::FULLY_CONNECTED];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_fully_connected_options() else { return super::without_options() };
        if file.weights_format() != FullyConnectedOptionsWeightsFormat::DEFAULT {
            return Err(Refusal("has shuffled weights (4x16), a layout for phones; convert the model without it".into()));
        }
        Ok(Self { keep_num_dims: file.keep_num_dims(), activation: super::activation_from(file.fused_activation_function())? })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let per_channel = operands.optional(1).and_then(|w| w.quantization.as_ref()).is_some_and(|q| q.is_per_channel());
        match (super::element(operands, 0), super::element(operands, 1)) {
            (_, Some(ElementType::I4)) => 10,
            (Some(ElementType::F32), Some(ElementType::I8)) if per_channel => 12,
            (Some(ElementType::I16), _) => 7,
            _ if operands.optional(2).is_none() => 6,
            _ if self.keep_num_dims => 5,
            (Some(ElementType::I8), _) => 4,
            (Some(ElementType::F32), Some(ElementType::I8)) if super::asymmetric_inputs(operands, 1) => 9,
            (Some(ElementType::F32), Some(ElementType::I8)) => 3,
            _ => 1,
        }
    }

    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = FullyConnectedOptionsArgs {
            fused_activation_function: super::activation_to(self.activation),
            keep_num_dims: self.keep_num_dims,
            asymmetric_quantize_inputs: super::asymmetric_inputs(operands, 1),
            quantized_bias_type: super::quantized_bias_type(operands),
            ..Default::default()
        };
        out.options(BuiltinOptions::FullyConnectedOptions, |builder| FullyConnectedOptions::create(builder, &args).value())
    }
}
