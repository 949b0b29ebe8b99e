//! Layers with weights seen as matrices from input to output channels, whatever the order in which their weights are stored.

use std::sync::Arc;

use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::ops::Op;
use crate::tensor::{Data, Tensor};

/// A layer whose weights are float constants: dense, convolution, depthwise or transposed convolution.
///
/// Its output channels stand in equal groups, as do its input channels; each group of outputs sees one group of inputs. A dense layer
/// has one group, a depthwise convolution as many as input channels.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub node: NodeId,
    /// The activation that it reads.
    pub input: TensorId,
    pub weights: TensorId,
    pub n_outputs: usize,
    /// Input channels that one output channel sees.
    pub n_seen: usize,
    n_groups: usize,
    /// Weights of one output channel lie side by side; otherwise the output channels do.
    outputs_first: bool,
    /// Which operand [`Layer::input`] is.
    pub input_operand: usize,
    /// Which operand the bias is, or would be.
    pub bias_operand: usize,
    pub bias: Option<TensorId>,
}

impl Layer {
    /// Which operand the weights are.
    pub const WEIGHTS: usize = 1;

    /// `None` if the node is no such layer or its shapes do not fit.
    pub fn of(graph: &Graph, id: NodeId) -> Option<Self> {
        Self::of_node(graph, graph.node(id), id)
    }

    /// The same for a node that stands at `id`, or is to stand there, and whose tensors are those of `graph`.
    pub fn of_node(graph: &Graph, node: &Node, id: NodeId) -> Option<Self> {
        let (input_operand, bias_operand) = match node.op {
            Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::FullyConnected(_) => (0, 2),
            Op::TransposeConv(_) => (2, 3),
            _ => return None,
        };
        let input = (*node.inputs.get(input_operand)?)?;
        let weights = (*node.inputs.get(Self::WEIGHTS)?)?;
        let shape = &graph.tensor(weights).shape;
        let (first, last) = (*shape.first()?, *shape.last()?);
        let c_in = *graph.tensor(input).shape.last()?;
        let (n_outputs, n_seen, n_groups) = match node.op {
            Op::DepthwiseConv2d(_) => (last, 1, c_in),
            Op::Conv2d(_) => (first, last, c_in.checked_div(last)?),
            _ => (first, last, 1),
        };
        let outputs_first = !matches!(node.op, Op::DepthwiseConv2d(_));
        let bias = node.inputs.get(bias_operand).copied().flatten();
        let layer =
            Self { node: id, input, weights, n_outputs, n_seen, n_groups, outputs_first, input_operand, bias_operand, bias };
        layer.fits(graph).then_some(layer)
    }

    fn fits(&self, graph: &Graph) -> bool {
        let values = graph.tensor(self.weights).data.as_ref().and_then(Data::as_f32);
        let per_output = values.and_then(|values| values.len().checked_div(self.n_outputs));
        let whole = per_output.is_some_and(|n| n > 0 && self.n_seen > 0 && n.is_multiple_of(self.n_seen));
        let bias_fits = self.bias.is_none_or(|id| {
            graph.tensor(id).data.as_ref().and_then(Data::as_f32).is_some_and(|bias| bias.len() == self.n_outputs)
        });
        whole && bias_fits && self.n_groups > 0 && self.n_outputs.is_multiple_of(self.n_groups)
    }

    /// How many input channels it has.
    pub fn n_inputs(&self) -> usize {
        self.n_groups * self.n_seen
    }

    /// Output and input channel of a weight.
    pub fn channels_of(&self, index: usize, n_weights: usize) -> (usize, usize) {
        if self.outputs_first {
            let output = index / (n_weights / self.n_outputs);
            (output, self.input_channel(output, index % self.n_seen))
        } else {
            let output = index % self.n_outputs;
            (output, self.input_channel(output, 0))
        }
    }

    /// The input channel that an output channel sees as its `seen`th.
    pub fn input_channel(&self, output: usize, seen: usize) -> usize {
        output / (self.n_outputs / self.n_groups) * self.n_seen + seen
    }

    /// The weights, in the order of the file.
    pub fn weights<'g>(&self, graph: &'g Graph) -> &'g [f32] {
        graph.tensor(self.weights).data.as_ref().and_then(Data::as_f32).unwrap_or_default()
    }

    /// The bias of each output channel; `None` if there are none.
    pub fn bias<'g>(&self, graph: &'g Graph) -> Option<&'g [f32]> {
        graph.tensor(self.bias?).data.as_ref()?.as_f32()
    }

    /// The largest magnitude among the weights between two channels, `[output][seen]`; infinite if one of them is no number.
    pub fn magnitudes(&self, graph: &Graph) -> Vec<f32> {
        let weights = self.weights(graph);
        let mut magnitudes = vec![0.0f32; self.n_outputs * self.n_seen];
        // One tap of a window: the input channels of one output channel, or all output channels.
        let line = if self.outputs_first { self.n_seen } else { self.n_outputs };
        let taps = (weights.len() / magnitudes.len().max(1)).max(1);
        for (largest, taps) in magnitudes.chunks_exact_mut(line).zip(weights.chunks_exact(line * taps)) {
            for tap in taps.chunks_exact(line) {
                for (largest, weight) in largest.iter_mut().zip(tap) {
                    let magnitude = if weight.is_nan() { f32::INFINITY } else { weight.abs() };
                    *largest = largest.max(magnitude);
                }
            }
        }
        magnitudes
    }
}

/// A graph whose constants change, with what its tensors stand for.
pub(super) struct Edit {
    pub graph: Graph,
    pub origin: Vec<Option<TensorId>>,
    /// How many nodes read each tensor; one more for what is an output.
    n_readers: Vec<usize>,
}

impl Edit {
    pub fn new(graph: Graph) -> Self {
        let mut n_readers = vec![0; graph.tensors.len()];
        let read = graph.nodes.iter().flat_map(|node| node.inputs.iter().flatten());
        read.chain(&graph.outputs).for_each(|id| n_readers[id.index()] += 1);
        Self { origin: graph.tensor_ids().map(Some).collect(), graph, n_readers }
    }

    /// The tensor's values are not those of the graph before.
    pub fn changed(&mut self, id: TensorId) {
        self.origin[id.index()] = None;
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.graph.nodes[id.index()]
    }

    /// Gives a layer other weights.
    pub fn set_weights(&mut self, layer: &Layer, values: Vec<f32>) {
        if values != layer.weights(&self.graph) {
            self.set_operand(layer.node, Layer::WEIGHTS, layer.weights, values);
        }
    }

    /// Gives a layer other biases, or biases if it had none.
    pub fn set_bias(&mut self, layer: &Layer, values: Vec<f32>) {
        match layer.bias(&self.graph) {
            Some(bias) if values == bias => {}
            None if values.iter().all(|value| *value == 0.0) => {}
            Some(_) => {
                if let Some(&Some(id)) = self.graph.node(layer.node).inputs.get(layer.bias_operand) {
                    self.set_operand(layer.node, layer.bias_operand, id, values);
                }
            }
            None => {
                let name = format!("{}/bias", self.graph.node(layer.node).name);
                let id = self.add(Tensor::constant(name, [values.len()], Data::F32(values.into())));
                let inputs = &mut self.node_mut(layer.node).inputs;
                inputs.resize(inputs.len().max(layer.bias_operand + 1), None);
                inputs[layer.bias_operand] = Some(id);
            }
        }
    }

    fn add(&mut self, tensor: Tensor) -> TensorId {
        self.origin.push(None);
        self.n_readers.push(1);
        self.graph.add_tensor(tensor)
    }

    /// New values for a constant operand: in its place if nobody else reads it, else as a copy.
    fn set_operand(&mut self, node: NodeId, operand: usize, id: TensorId, values: Vec<f32>) {
        let values: Arc<[f32]> = values.into();
        if self.n_readers[id.index()] == 1 {
            self.graph.tensors[id.index()].data = Some(Data::F32(values));
            self.changed(id);
            return;
        }
        self.n_readers[id.index()] -= 1;
        let shared = self.graph.tensor(id);
        let (name, shape) = (shared.name.clone(), shared.shape.clone());
        let copy = self.add(Tensor::constant(name, shape, Data::F32(values)));
        self.node_mut(node).inputs[operand] = Some(copy);
    }
}
