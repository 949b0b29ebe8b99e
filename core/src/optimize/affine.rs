//! A factor and a summand for each channel: what batch normalization is at inference, and products and sums with constants.

use std::sync::Arc;

use super::editor::Editor;
use crate::execute::float::real_values;
use crate::graph::{Node, TensorId};
use crate::ops::{Activation, BatchNorm, Binary, BinaryKind, DepthwiseConv2d, Op, Padding};
use crate::tensor::{ElementType, Tensor};

/// `x * scale + offset`, channel by channel of the last axis, then `activation`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Affine {
    pub x: TensorId,
    pub scale: Vec<f64>,
    pub offset: Vec<f64>,
    pub activation: Activation,
}

impl Affine {
    /// The batch normalization that `node` is; `None` if it is none, or its parameters are computed or no finite numbers.
    pub fn of_batch_norm(editor: &Editor<'_>, node: &Node) -> Option<Self> {
        let Op::BatchNorm(op) = &node.op else { return None };
        let x = node.inputs.first().copied().flatten()?;
        let channels = editor.tensor(x).shape.last().copied().unwrap_or(1);
        let (scale, offset) = scale_and_offset(editor, *op, node, channels)?;
        Self { x, scale, offset, activation: Activation::None }.checked()
    }

    /// The product or sum with constants that `node` is, or a difference or quotient that amounts to one; `None` if it is none.
    pub fn of_binary(editor: &Editor<'_>, node: &Node) -> Option<Self> {
        let Op::Binary(op) = &node.op else { return None };
        let &[Some(a), Some(b)] = node.inputs.as_slice() else { return None };
        let (x, constant, x_first) = match (editor.floats(a), editor.floats(b)) {
            (None, Some(constant)) => (a, (b, constant), true),
            (Some(constant), None) => (b, (a, constant), false),
            _ => return None,
        };
        let tensor = editor.tensor(x);
        let channels = tensor.shape.last().copied().unwrap_or(1);
        let output = editor.tensor(*node.outputs.first()?);
        if tensor.element != ElementType::F32 || output.shape != tensor.shape {
            return None;
        }
        let values = of_channels(&editor.tensor(constant.0).shape, &constant.1, channels)?;
        let ones = || vec![1.0; channels];
        let zeros = || vec![0.0; channels];
        let (scale, offset) = match (op.kind, x_first) {
            (BinaryKind::Add, _) => (ones(), values),
            (BinaryKind::Sub, true) => (ones(), values.iter().map(|v| -v).collect()),
            (BinaryKind::Sub, false) => (vec![-1.0; channels], values),
            (BinaryKind::Mul, _) => (values, zeros()),
            (BinaryKind::Div, true) => (values.iter().map(|v| 1.0 / v).collect(), zeros()),
            _ => return None,
        };
        Self { x, scale, offset, activation: op.activation }.checked()
    }

    fn checked(self) -> Option<Self> {
        self.scale.iter().chain(&self.offset).all(|value| value.is_finite()).then_some(self)
    }

    /// Whether it changes nothing.
    pub fn is_nothing(&self) -> bool {
        let nothing = self.scale.iter().all(|s| *s == 1.0) && self.offset.iter().all(|o| *o == 0.0);
        nothing && self.activation == Activation::None
    }

    /// Whether it is done to an image.
    pub fn is_of_image(&self, editor: &Editor<'_>) -> bool {
        matches!(editor.tensor(self.x).shape.as_slice(), [1, _, _, _])
    }

    /// What this and then `second` do, one after the other.
    pub fn then(&self, second: &Self) -> Self {
        let pairs = self.offset.iter().zip(second.scale.iter().zip(&second.offset));
        Self {
            x: self.x,
            scale: self.scale.iter().zip(&second.scale).map(|(first, second)| first * second).collect(),
            offset: pairs.map(|(first, (scale, offset))| first * scale + offset).collect(),
            activation: second.activation,
        }
    }

    /// Adds nodes that compute the same as `node` with what a .tflite file holds: on images one depthwise 1×1 convolution, which has a
    /// scale for each channel once it is quantized; else MUL and ADD. The last keeps the node's name.
    pub fn push(&self, editor: &mut Editor<'_>, node: Node) {
        let scale: Vec<f32> = self.scale.iter().map(|&value| value as f32).collect();
        let offset: Vec<f32> = self.offset.iter().map(|&value| value as f32).collect();
        let channels = scale.len();
        if self.is_of_image(editor) {
            let weights = editor.constant(format!("{}/scale", node.name), &[1, 1, 1, channels], scale);
            let bias = editor.constant(format!("{}/offset", node.name), &[channels], offset);
            let (stride, dilation) = ([1, 1], [1, 1]);
            let op =
                DepthwiseConv2d { stride, dilation, padding: Padding::Valid, activation: self.activation, depth_multiplier: 1 };
            editor.push(Node { op: Op::DepthwiseConv2d(op), inputs: vec![Some(self.x), Some(weights), Some(bias)], ..node });
            return;
        }
        let Some(&output) = node.outputs.first() else { return };
        let name = editor.unused_name(&format!("{}_scale", node.name));
        let scale = editor.constant(format!("{}/scale", node.name), &[channels], scale);
        let offset = editor.constant(format!("{}/offset", node.name), &[channels], offset);
        let (element, shape) = (editor.tensor(output).element, editor.tensor(output).shape.clone());
        let scaled = editor.add_tensor(Tensor::activation(name.clone(), element, shape));
        let binary = |kind, activation| Op::Binary(Binary { kind, activation });
        editor.push(Node {
            name,
            op: binary(BinaryKind::Mul, Activation::None),
            inputs: vec![Some(self.x), Some(scale)],
            outputs: vec![scaled],
            sources: node.sources.clone(),
        });
        let inputs = vec![Some(scaled), Some(offset)];
        editor.push(Node { op: binary(BinaryKind::Add, self.activation), inputs, ..node });
    }
}

fn scale_and_offset(editor: &Editor<'_>, op: BatchNorm, node: &Node, channels: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let mut values: [Option<Arc<[f32]>>; 4] = [None, None, None, None];
    for (index, values) in values.iter_mut().enumerate() {
        if let Some(tensor) = editor.input(node, index + 1) {
            *values = Some(real_values(tensor).ok()?);
        }
    }
    Some(op.scale_and_offset(values.each_ref().map(Option::as_deref), channels))
}

/// One value for each channel, of a constant that broadcasts along the last axis alone.
fn of_channels(shape: &[usize], values: &[f32], channels: usize) -> Option<Vec<f64>> {
    match values {
        [value] => Some(vec![f64::from(*value); channels]),
        values if values.len() == channels && shape.last() == Some(&channels) => {
            Some(values.iter().map(|&value| f64::from(value)).collect())
        }
        _ => None,
    }
}
