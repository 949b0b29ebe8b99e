//! UNIDIRECTIONAL_SEQUENCE_LSTM and UNIDIRECTIONAL_SEQUENCE_RNN.

use super::super::schema::{
    BuiltinOperator, BuiltinOptions, SequenceRNNOptions, SequenceRNNOptionsArgs, UnidirectionalSequenceLSTMOptions,
    UnidirectionalSequenceLSTMOptionsArgs,
};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Lstm, Operands, SimpleRnn};
use crate::tensor::ElementType;

impl Mapping for Lstm {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_LSTM];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let options = source.operator.builtin_options_as_unidirectional_sequence_lstmoptions();
        let Some(file) = options else { return super::without_options() };
        if file.diagonal_recurrent_tensors() {
            return Err(Refusal("has diagonal recurrent weights, which no microcontroller runtime knows".into()));
        }
        // A limit for the projection means nothing without one, and with one the operands are refused.
        Ok(Self {
            activation: super::activation_from(file.fused_activation_function())?,
            cell_clip: file.cell_clip(),
            time_major: file.time_major(),
        })
    }

    /// Version 2 is the hybrid one, 3 that with a zero point for activations.
    fn version(&self, operands: &Operands<'_>) -> i32 {
        let is = |index, element| super::element(operands, index) == Some(element);
        let is_hybrid = is(0, ElementType::F32) && is(Self::RECURRENT_WEIGHTS + 1, ElementType::I8);
        1 + i32::from(is_hybrid) + i32::from(super::asymmetric_inputs(operands, Self::RECURRENT_WEIGHTS + 1))
    }

    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = UnidirectionalSequenceLSTMOptionsArgs {
            asymmetric_quantize_inputs: super::asymmetric_inputs(operands, Self::RECURRENT_WEIGHTS + 1),
            fused_activation_function: super::activation_to(self.activation),
            cell_clip: self.cell_clip,
            time_major: self.time_major,
            ..Default::default()
        };
        out.options(BuiltinOptions::UnidirectionalSequenceLSTMOptions, |builder| {
            UnidirectionalSequenceLSTMOptions::create(builder, &args).value()
        })
    }
}

impl Mapping for SimpleRnn {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_RNN];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        let Some(file) = source.operator.builtin_options_as_sequence_rnnoptions() else { return super::without_options() };
        Ok(Self { activation: super::activation_from(file.fused_activation_function())?, time_major: file.time_major() })
    }

    /// Version 2 is the hybrid one, 3 that with a zero point for activations.
    fn version(&self, operands: &Operands<'_>) -> i32 {
        let is = |index, element| super::element(operands, index) == Some(element);
        let is_hybrid = is(0, ElementType::F32) && is(1, ElementType::I8);
        1 + i32::from(is_hybrid) + i32::from(super::asymmetric_inputs(operands, 1))
    }

    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = SequenceRNNOptionsArgs {
            asymmetric_quantize_inputs: super::asymmetric_inputs(operands, 1),
            time_major: self.time_major,
            fused_activation_function: super::activation_to(self.activation),
        };
        out.options(BuiltinOptions::SequenceRNNOptions, |builder| SequenceRNNOptions::create(builder, &args).value())
    }
}
