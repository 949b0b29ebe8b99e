//! A layer whose output or input is scaled and shifted, channel by channel: other weights and another bias.

use super::super::editor::Editor;
use super::super::layer::Layer;
use crate::graph::{Graph, Node};

/// Other weights and bias for a layer.
pub(super) struct Parameters {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// The layer with its output times `scale`, plus `offset`.
pub(super) fn scaled_outputs(graph: &Graph, layer: &Layer, scale: &[f64], offset: &[f64]) -> Parameters {
    let weights = layer.weights(graph);
    let weight = |(index, &weight): (usize, &f32)| {
        let (output, _) = layer.channels_of(index, weights.len());
        (f64::from(weight) * scale[output]) as f32
    };
    let bias = bias_or_zeros(graph, layer).into_iter().zip(scale.iter().zip(offset));
    Parameters {
        weights: weights.iter().enumerate().map(weight).collect(),
        bias: bias.map(|(bias, (scale, offset))| (bias * scale + offset) as f32).collect(),
    }
}

/// The layer that does to `x` what this one does to `x` times `scale` plus `offset`; a row of a dense layer may hold the channels several
/// times.
pub(super) fn scaled_inputs(graph: &Graph, layer: &Layer, scale: &[f64], offset: &[f64]) -> Parameters {
    let weights = layer.weights(graph);
    let mut bias = bias_or_zeros(graph, layer);
    let mut scaled = Vec::with_capacity(weights.len());
    for (index, &weight) in weights.iter().enumerate() {
        let (output, input) = layer.channels_of(index, weights.len());
        let input = input % scale.len();
        bias[output] += f64::from(weight) * offset[input];
        scaled.push((f64::from(weight) * scale[input]) as f32);
    }
    Parameters { weights: scaled, bias: bias.into_iter().map(|value| value as f32).collect() }
}

fn bias_or_zeros(graph: &Graph, layer: &Layer) -> Vec<f64> {
    let bias = layer.bias(graph).map(|bias| bias.iter().map(|&value| f64::from(value)).collect());
    bias.unwrap_or_else(|| vec![0.0; layer.n_outputs])
}

impl Parameters {
    /// Puts them into `node`, which is `layer`. A bias of zeros is not added where there was none.
    pub fn store(self, editor: &mut Editor<'_>, layer: &Layer, node: &mut Node) {
        let before = editor.tensor(layer.weights);
        let (name, shape) = (before.name.clone(), before.shape.clone());
        node.inputs[Layer::WEIGHTS] = Some(editor.constant(name, &shape, self.weights));
        if layer.bias.is_none() && self.bias.iter().all(|value| *value == 0.0) {
            return;
        }
        let name = layer.bias.map_or_else(|| format!("{}/bias", node.name), |id| editor.tensor(id).name.clone());
        let n = self.bias.len();
        node.inputs.resize(node.inputs.len().max(layer.bias_operand + 1), None);
        node.inputs[layer.bias_operand] = Some(editor.constant(name, &[n], self.bias));
    }
}
