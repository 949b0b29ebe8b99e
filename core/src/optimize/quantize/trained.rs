//! What training found for a layer, as quantization takes it.

use std::sync::Arc;

use super::parameters::ChannelLayout;
use super::plan::{Plan, Width};
use super::weights::WeightSettings;
use crate::execute::float::real_values;
use crate::graph::{Graph, Node, TensorId};
use crate::ops::Op;
use crate::optimize::OptimizeError;
use crate::recipe::{Granularity, Quantize};

/// Weights and bias of one layer in floats, and how they are to be quantized.
pub(super) struct Trained {
    pub weights_id: TensorId,
    pub weights: Arc<[f32]>,
    /// Along which axis of the weights the output channels are.
    pub axis: usize,
    pub layout: ChannelLayout,
    pub bias: Option<(TensorId, Arc<[f32]>)>,
    /// Scale of the layer's input.
    pub input_scale: f32,
    pub settings: WeightSettings,
}

impl Trained {
    /// # Errors
    /// [`OptimizeError::Node`]: the layer's operands are missing, not finite, or do not fit one another.
    pub fn of(graph: &Graph, plan: &Plan, settings: &Quantize, node: &Node, width: Width) -> Result<Self, OptimizeError> {
        let trouble =
            |why: &str| OptimizeError::Node { node: node.name.clone(), op: node.op.name().to_owned(), trouble: why.to_owned() };
        let operand = |i: usize| node.inputs.get(i).copied().flatten();
        let (Some(input), Some(weights_id)) = (operand(0), operand(1)) else { return Err(trouble("an operand is missing")) };
        let input_scale = plan.parameters(input, width).ok_or_else(|| trouble("its input is no float activation"))?.scale;
        let tensor = graph.tensor(weights_id);
        let weights = real_values(tensor).map_err(|why| trouble(&format!("its weights cannot be quantized: {why}")))?;
        let axis = node.op.weights_channel_axis().filter(|&axis| axis < tensor.shape.len());
        let axis = axis.ok_or_else(|| trouble("its weights have no channels"))?;
        let inner: usize = tensor.shape[axis + 1..].iter().product();
        let layout = ChannelLayout { n_channels: tensor.shape[axis], inner: inner.max(1) };
        if weights.is_empty() || weights.iter().any(|w| !w.is_finite()) {
            return Err(trouble("its weights are not finite numbers"));
        }
        let read = |id| real_values(graph.tensor(id)).map(|bias| (id, bias));
        let bias = operand(2).map(read).transpose().map_err(|why| trouble(&why))?;
        if bias.as_ref().is_some_and(|(_, b)| b.len() != layout.n_channels || b.iter().any(|b| !b.is_finite())) {
            return Err(trouble("its bias does not fit"));
        }
        let settings = WeightSettings {
            scheme: settings.scheme_of(&node.name),
            granularity: granularity(settings, node),
            range: settings.weight_range,
        };
        let settings = settings.of_layer(layout, weights.len());
        Ok(Self { weights_id, weights, axis, layout, bias, input_scale, settings })
    }

    /// The bias, if there is one.
    pub fn bias_values(&self) -> Option<&[f32]> {
        self.bias.as_ref().map(|(_, values)| &**values)
    }
}

/// How many scales the weights of a layer are to have.
pub(super) fn granularity(settings: &Quantize, node: &Node) -> Granularity {
    let general = match node.op {
        Op::FullyConnected(_) => settings.fully_connected,
        _ => settings.granularity,
    };
    settings.overrides.get(&node.name).and_then(|layer| layer.granularity).unwrap_or(general)
}
