//! A layer with weights, whatever its operator: which weight joins which input channel to which output channel.

use std::sync::Arc;

use super::editor::Editor;
use crate::graph::{Node, TensorId};
use crate::ops::{Activation, Op};

/// A convolution, depthwise or transposed convolution or dense layer with constant float weights.
pub(super) struct Layer {
    /// What it reads.
    pub input: TensorId,
    /// Which operand that is.
    pub input_operand: usize,
    /// Applied to its output.
    pub activation: Activation,
    /// Output channels.
    pub n_outputs: usize,
    /// Input channels; of a dense layer the length of a row.
    pub n_inputs: usize,
    /// Whether some of its windows see zeros that are not in the input.
    pub pads: bool,
    kind: Kind,
    shape: Vec<usize>,
    weights: Arc<[f32]>,
    bias: Option<Arc<[f32]>>,
}

#[derive(Clone, Copy)]
enum Kind {
    /// `[c_out, .., c_in of the group]`
    Grouped { group_inputs: usize },
    /// `[1, h, w, c_out]`
    Depthwise { multiplier: usize },
}

/// Other weights and bias for a layer.
pub(super) struct Parameters {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

const WEIGHTS: usize = 1;

impl Layer {
    /// The layer that `node` is, if it is one.
    pub fn of(editor: &Editor<'_>, node: &Node) -> Option<Self> {
        let input_operand = if matches!(node.op, Op::TransposeConv(_)) { 2 } else { 0 };
        let input = node.inputs.get(input_operand).copied().flatten()?;
        let image = &editor.tensor(input).shape;
        let id = node.inputs.get(WEIGHTS).copied().flatten()?;
        let shape = editor.tensor(id).shape.clone();
        let channels = image.last().copied().filter(|&channels| channels > 0)?;
        let along = |i: usize, op: (crate::ops::Padding, [usize; 2], [usize; 2])| {
            op.0.resolve(*image.get(i + 1)?, *shape.get(i + 1)?, op.1[i], op.2[i]).map(|(_, before, after)| before + after > 0)
        };
        let any = |op| Some(along(0, op)? || along(1, op)?);
        let (kind, n_outputs, n_inputs, pads) = match &node.op {
            Op::Conv2d(op) => {
                let &[n_outputs, _, _, group_inputs] = shape.as_slice() else { return None };
                (Kind::Grouped { group_inputs }, n_outputs, channels, any((op.padding, op.stride, op.dilation))?)
            }
            Op::DepthwiseConv2d(op) => {
                let &[1, _, _, n_outputs] = shape.as_slice() else { return None };
                let kind = Kind::Depthwise { multiplier: n_outputs / channels };
                (kind, n_outputs, channels, any((op.padding, op.stride, op.dilation))?)
            }
            Op::FullyConnected(_) => {
                let &[n_outputs, group_inputs] = shape.as_slice() else { return None };
                (Kind::Grouped { group_inputs }, n_outputs, group_inputs, false)
            }
            Op::TransposeConv(_) => {
                let &[n_outputs, _, _, group_inputs] = shape.as_slice() else { return None };
                // At the borders fewer taps meet an input: an offset would not be the same everywhere.
                (Kind::Grouped { group_inputs }, n_outputs, channels, true)
            }
            _ => return None,
        };
        let bias = node.inputs.get(bias_operand(node)).copied().flatten();
        let layer = Self {
            input,
            input_operand,
            activation: node.op.facts().activation(),
            n_outputs,
            n_inputs,
            pads,
            kind,
            shape,
            weights: editor.floats(id)?,
            bias: match bias {
                Some(id) => Some(editor.floats(id)?),
                None => None,
            },
        };
        layer.is_sound().then_some(layer)
    }

    /// Whether every index below can be taken: files may hold layers that do not fit.
    fn is_sound(&self) -> bool {
        let groups_fit = match self.kind {
            Kind::Grouped { group_inputs } => {
                group_inputs > 0
                    && self.n_inputs.is_multiple_of(group_inputs)
                    && self.n_outputs.is_multiple_of((self.n_inputs / group_inputs).max(1))
            }
            Kind::Depthwise { multiplier } => multiplier > 0 && multiplier * self.n_inputs == self.n_outputs,
        };
        let fits = self.weights.len() == self.shape.iter().product::<usize>() && self.n_outputs > 0;
        groups_fit && fits && self.bias.as_ref().is_none_or(|bias| bias.len() == self.n_outputs)
    }

    /// Output and input channel of weight `index`.
    fn channels(&self, index: usize) -> (usize, usize) {
        match self.kind {
            Kind::Depthwise { multiplier } => {
                let output = index % self.n_outputs;
                (output, output / multiplier)
            }
            Kind::Grouped { group_inputs } => {
                let output = index / (self.weights.len() / self.n_outputs);
                let group_outputs = self.n_outputs / (self.n_inputs / group_inputs);
                (output, output / group_outputs * group_inputs + index % group_inputs)
            }
        }
    }

    /// The layer with its output times `scale`, plus `offset`, channel by channel.
    pub fn scaled_outputs(&self, scale: &[f64], offset: &[f64]) -> Parameters {
        let weight = |(index, &weight): (usize, &f32)| (f64::from(weight) * scale[self.channels(index).0]) as f32;
        let bias = |c: usize| (self.bias(c) * scale[c] + offset[c]) as f32;
        Parameters {
            weights: self.weights.iter().enumerate().map(weight).collect(),
            bias: (0..self.n_outputs).map(bias).collect(),
        }
    }

    /// The layer that does to `x` what this one does to `x` times `scale` plus `offset`, channel by channel; a row of a dense layer may
    /// hold the channels several times.
    pub fn scaled_inputs(&self, scale: &[f64], offset: &[f64]) -> Parameters {
        let mut bias: Vec<f64> = (0..self.n_outputs).map(|c| self.bias(c)).collect();
        let mut weight = |(index, &weight): (usize, &f32)| {
            let (output, input) = self.channels(index);
            let input = input % scale.len();
            bias[output] += f64::from(weight) * offset[input];
            (f64::from(weight) * scale[input]) as f32
        };
        let weights = self.weights.iter().enumerate().map(&mut weight).collect();
        Parameters { weights, bias: bias.into_iter().map(|value| value as f32).collect() }
    }

    fn bias(&self, channel: usize) -> f64 {
        self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[channel]))
    }
}

impl Parameters {
    /// Puts them into a node that is not in the graph yet. A bias of zeros is not added where there was none.
    pub fn store(self, editor: &mut Editor<'_>, node: &mut Node) {
        let Some(&Some(before)) = node.inputs.get(WEIGHTS) else { return };
        let (name, shape) = (editor.tensor(before).name.clone(), editor.tensor(before).shape.clone());
        node.inputs[WEIGHTS] = Some(editor.constant(name, &shape, self.weights));
        let operand = bias_operand(node);
        let before = node.inputs.get(operand).copied().flatten();
        if before.is_none() && self.bias.iter().all(|value| *value == 0.0) {
            return;
        }
        let name = before.map_or_else(|| format!("{}/bias", node.name), |id| editor.tensor(id).name.clone());
        let n = self.bias.len();
        if node.inputs.len() <= operand {
            node.inputs.resize(operand + 1, None);
        }
        node.inputs[operand] = Some(editor.constant(name, &[n], self.bias));
    }
}

fn bias_operand(node: &Node) -> usize {
    if matches!(node.op, Op::TransposeConv(_)) { 3 } else { 2 }
}
