//! A fused LSTM in integers: 8-bit weights with one scale each, a cell state of 16 bits whose scale is a power of two, a hidden
//! state that is quantized like the output.

use super::parameters::{ChannelLayout, quantize_bias};
use super::plan::Width;
use super::rewrite::Writer;
use super::weights::{WeightSettings, quantize_weights};
use crate::execute::float::real_values;
use crate::graph::{Node, TensorId};
use crate::ops::Lstm;
use crate::optimize::OptimizeError;
use crate::quant::Quantization;
use crate::recipe::{Granularity, Scheme};
use crate::tensor::{Data, ElementType};

/// Positive values of a 16-bit cell state.
const CELL_STEPS: f32 = 32768.0;

impl Writer<'_> {
    /// Weights, biases and states of an LSTM whose input and output are integers.
    pub(super) fn lstm(&mut self, source: &Node, node: &mut Node) -> Result<(), OptimizeError> {
        let missing = || Self::error(source, "an operand is missing");
        let operand = |index: usize| source.inputs.get(index).copied().flatten().ok_or_else(missing);
        let scale_of = |id: Option<&TensorId>| id.and_then(|id| self.plan.parameters(*id, Width::I8));
        let input = scale_of(Some(&operand(0)?)).ok_or_else(|| Self::error(source, "its input is no float activation"))?;
        let hidden = scale_of(source.outputs.first()).ok_or_else(|| Self::error(source, "it has no float output"))?;
        for gate in 0..4 {
            let bias = self.values(source, operand(Lstm::BIAS + gate)?)?;
            let (at, bias_at) = (Lstm::INPUT_WEIGHTS + gate, Lstm::BIAS + gate);
            let scale = self.gate_weights(source, node, at, Some(&bias), input.scale)?;
            let (integers, scales) = quantize_bias(&bias, input.scale, &[scale], |x| x as i32);
            let quantization = Quantization::per_tensor(scales[0], 0);
            node.inputs[bias_at] = Some(self.add_constant(operand(bias_at)?, Data::I32(integers), quantization));
            self.gate_weights(source, node, Lstm::RECURRENT_WEIGHTS + gate, None, hidden.scale)?;
        }
        let cell = operand(Lstm::CELL_STATE)?;
        let (low, high) = self.calibration.range(cell, self.settings.calibrator).ok_or_else(|| {
            OptimizeError::Calibration(format!("there is no range for the cell state of layer \"{}\"", source.name))
        })?;
        self.set_state(cell, ElementType::I16, Quantization::per_tensor(cell_scale(low.abs().max(high.abs())), 0));
        self.set_state(operand(Lstm::OUTPUT_STATE)?, ElementType::I8, hidden.quantization());
        Ok(())
    }

    fn values(&self, node: &Node, id: TensorId) -> Result<Vec<f32>, OptimizeError> {
        let values = real_values(self.source.tensor(id)).map_err(|why| Self::error(node, why))?;
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return Err(Self::error(node, "its weights are not finite numbers"));
        }
        Ok(values.to_vec())
    }

    /// Quantizes operand `at`; its scale.
    fn gate_weights(
        &mut self,
        source: &Node,
        node: &mut Node,
        at: usize,
        bias: Option<&[f32]>,
        input_scale: f32,
    ) -> Result<f32, OptimizeError> {
        let Some(id) = source.inputs[at] else { return Err(Self::error(source, "an operand is missing")) };
        let values = self.values(source, id)?;
        let n_channels = self.source.tensor(id).shape.first().copied().unwrap_or(1).max(1);
        let layout = ChannelLayout { n_channels, inner: (values.len() / n_channels).max(1) };
        // The kernel knows 8 bits only.
        let settings =
            WeightSettings { scheme: Scheme::Int8, granularity: Granularity::PerTensor, range: self.settings.weight_range };
        let layer = quantize_weights(&values, bias, layout, settings, input_scale);
        let scale = layer.scales[0];
        node.inputs[at] = Some(self.add_constant(id, layer.data(false), Quantization::per_tensor(scale, 0)));
        Ok(scale)
    }

    fn set_state(&mut self, id: TensorId, element: ElementType, quantization: Quantization) {
        let tensor = &mut self.graph.tensors[id.index()];
        tensor.element = element;
        tensor.quantization = Some(quantization);
    }
}

/// The smallest power of two at which 16 bits hold `largest`. A state below 2^-4 gains nothing from finer steps.
fn cell_scale(largest: f32) -> f32 {
    let power = largest.max(1.0 / 16.0).log2().ceil();
    power.min(15.0).exp2() / CELL_STEPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_states_have_powers_of_two() {
        assert_eq!(cell_scale(3.3), 2.0f32.powi(-13));
        assert_eq!(cell_scale(4.0), 2.0f32.powi(-13));
        assert_eq!(cell_scale(4.1), 2.0f32.powi(-12));
        assert_eq!(cell_scale(0.0), 2.0f32.powi(-19));
        assert_eq!(cell_scale(1e9), 1.0);
    }
}
