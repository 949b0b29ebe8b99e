//! Which layers compute with integers: those between DEQUANTIZE and QUANTIZE take over the integers of both.
//!
//! ONNX writes a quantized layer as a float layer whose operands come out of DequantizeLinear and whose result goes into
//! QuantizeLinear. In the graph, as in TFLite, such a layer reads and writes integers itself.

use std::collections::HashMap;

use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::ops::{Op, PoolKind, Quantize, Unary};
use crate::quant::Quantization;
use crate::tensor::{Data, ElementType, Tensor};

/// Whether an operator only moves values, so that its result has the scale of its operand.
pub(super) fn only_moves(op: &Op) -> bool {
    match op {
        Op::Pool2d(pool) => pool.kind == PoolKind::Max,
        Op::Identity(_)
        | Op::MirrorPad(_)
        | Op::Gather(_)
        | Op::ResizeNearestNeighbor(_)
        | Op::Reshape(_)
        | Op::Squeeze(_)
        | Op::ExpandDims(_)
        | Op::Transpose(_)
        | Op::StridedSlice(_)
        | Op::Split(_)
        | Op::Pad(_) => true,
        _ => false,
    }
}

/// The parameters that TFLite's kernels want of a result; `None` where any will do.
fn demanded(op: &Op) -> Option<Quantization> {
    match op {
        Op::Softmax(_) | Op::Unary(Unary::Logistic) => Some(Quantization::per_tensor(1.0 / 256.0, -128)),
        Op::Unary(Unary::Tanh) => Some(Quantization::per_tensor(1.0 / 128.0, 0)),
        _ => None,
    }
}

/// Operators that have integer kernels in TFLite, beside those that only move values.
fn has_integers(op: &Op) -> bool {
    matches!(
        op,
        Op::Conv2d(_)
            | Op::DepthwiseConv2d(_)
            | Op::FullyConnected(_)
            | Op::Binary(_)
            | Op::Pool2d(_)
            | Op::Reduce(_)
            | Op::Softmax(_)
            | Op::Unary(_)
            | Op::LeakyRelu(_)
            | Op::PRelu(_)
            | Op::TransposeConv(_)
            | Op::ResizeBilinear(_)
            | Op::Concatenation(_)
    )
}

/// The graph with the layers between DEQUANTIZE and QUANTIZE on integers; another graph as it is.
pub(super) fn joined(graph: Graph) -> Graph {
    if !graph.nodes.iter().any(|node| matches!(node.op, Op::Quantize(_) | Op::Dequantize(_))) {
        return graph;
    }
    let consumers = graph.consumers();
    let nodes = graph.nodes.clone();
    let is_output = graph.outputs.iter().fold(vec![false; graph.tensors.len()], |mut all, id| {
        all[id.index()] = true;
        all
    });
    let mut pass = Pass { graph, integers: HashMap::new(), done: HashMap::new(), nodes: Vec::new(), places: Vec::new() };
    for (index, node) in nodes.into_iter().enumerate() {
        let goes_to = |id: TensorId| quantizer(&pass.graph, &consumers[id.index()]).filter(|_| !is_output[id.index()]);
        let results: Option<Vec<TensorId>> = node.outputs.iter().map(|&id| goes_to(id)).collect();
        pass.node(index, node, results);
    }
    pass.finish()
}

/// The integers that a value is quantized to, if that is all that it is used for, and always in the same way.
fn quantizer(graph: &Graph, consumers: &[NodeId]) -> Option<TensorId> {
    let mut result: Option<TensorId> = None;
    for &id in consumers {
        let node = graph.node(id);
        if !matches!(node.op, Op::Quantize(_)) {
            return None;
        }
        let output = *node.outputs.first()?;
        let same = |first: TensorId| {
            let (a, b) = (graph.tensor(first), graph.tensor(output));
            a.element == b.element && a.quantization == b.quantization
        };
        if !result.is_none_or(same) {
            return None;
        }
        result = result.or(Some(output));
    }
    result
}

struct Pass {
    graph: Graph,
    /// For each real value the integers that it is made of.
    integers: HashMap<TensorId, TensorId>,
    /// Results of QUANTIZE nodes that another tensor stands for.
    done: HashMap<TensorId, TensorId>,
    nodes: Vec<Node>,
    /// For each new node its old place.
    places: Vec<usize>,
}

impl Pass {
    fn keep(&mut self, index: usize, node: Node) {
        self.nodes.push(node);
        self.places.push(index);
    }

    fn node(&mut self, index: usize, mut node: Node, results: Option<Vec<TensorId>>) {
        for input in node.inputs.iter_mut().flatten() {
            *input = self.done.get(input).copied().unwrap_or(*input);
        }
        let (first, output) = (node.inputs.first().copied().flatten(), node.outputs.first().copied());
        match (&node.op, first, output) {
            (Op::Dequantize(_), Some(input), Some(output)) => {
                self.integers.insert(output, input);
                self.keep(index, node);
            }
            (Op::Quantize(_), Some(input), Some(output)) => match self.integers.get(&input).copied() {
                Some(there) if self.same(there, output) => {
                    self.done.insert(output, there);
                }
                Some(there) => {
                    node.inputs[0] = Some(there);
                    self.keep(index, node);
                }
                None => self.keep(index, node),
            },
            _ => {
                let operands = self.operands(&node);
                match (operands, results) {
                    (Some(operands), Some(results)) if has_integers(&node.op) || only_moves(&node.op) => {
                        self.on_integers(index, node, operands, &results);
                    }
                    (Some(operands), None) if only_moves(&node.op) => self.moved(index, node, operands),
                    _ => self.keep(index, node),
                }
            }
        }
    }

    fn same(&self, a: TensorId, b: TensorId) -> bool {
        let (a, b) = (self.graph.tensor(a), self.graph.tensor(b));
        a.element == b.element && a.quantization == b.quantization
    }

    /// The operands as integers; `None` if one of them is real only.
    fn operands(&self, node: &Node) -> Option<Vec<Option<TensorId>>> {
        let mut n_integers = 0;
        let operands = node.inputs.iter().enumerate().map(|(index, input)| {
            let Some(id) = *input else { return Some(None) };
            if let Some(&integers) = self.integers.get(&id) {
                n_integers += 1;
                return Some(Some(integers));
            }
            let tensor = self.graph.tensor(id);
            let is_bias = node.op.has_weights() && index == 2;
            (tensor.is_constant() && (tensor.element != ElementType::F32 || is_bias)).then_some(Some(id))
        });
        let operands: Option<Vec<_>> = operands.collect();
        operands.filter(|_| n_integers > 0)
    }

    /// A layer that reads and writes integers.
    fn on_integers(&mut self, index: usize, mut node: Node, operands: Vec<Option<TensorId>>, results: &[TensorId]) {
        let real = std::mem::take(&mut node.outputs);
        node.inputs = operands;
        self.quantize_bias(&mut node);
        let wanted = demanded(&node.op);
        for (&real, &result) in real.iter().zip(results) {
            let own = self.own_parameters(&node, wanted.as_ref(), result);
            let integers = match own {
                // The kernel wants other parameters than the file names: the result is rescaled after it.
                Some(quantization) => {
                    let tensor = self.graph.tensor(result);
                    let shape = tensor.shape.clone();
                    let own = Tensor::activation(format!("{}/own_scale", tensor.name), tensor.element, shape);
                    self.graph.add_tensor(own.quantized(quantization))
                }
                None => result,
            };
            self.integers.insert(real, integers);
            node.outputs.push(integers);
        }
        self.keep(index, node);
    }

    /// The parameters that the result of a node has to have, if they are not those of the file.
    fn own_parameters(&self, node: &Node, wanted: Option<&Quantization>, result: TensorId) -> Option<Quantization> {
        let of_input = || {
            let keeps = only_moves(&node.op) || matches!(node.op, Op::Pool2d(_));
            let input = node.inputs.iter().flatten().map(|&id| self.graph.tensor(id)).find(|t| !t.is_constant())?;
            input.quantization.clone().filter(|_| keeps)
        };
        let own = wanted.cloned().or_else(of_input)?;
        (self.graph.tensor(result).quantization.as_ref() != Some(&own)).then_some(own)
    }

    /// A bias of floats in the scale that integers have.
    fn quantize_bias(&mut self, node: &mut Node) {
        let (Some(&Some(input)), Some(&Some(weights)), Some(&Some(bias))) =
            (node.inputs.first(), node.inputs.get(1), node.inputs.get(2))
        else {
            return;
        };
        let (input, weights, bias) = (self.graph.tensor(input), self.graph.tensor(weights), self.graph.tensor(bias));
        let (Some(of_input), Some(of_weights), Some(Data::F32(values))) =
            (&input.quantization, &weights.quantization, &bias.data)
        else {
            return;
        };
        if !node.op.has_weights() {
            return;
        }
        let scales: Vec<f32> = of_weights.scales.iter().map(|scale| scale * of_input.scale()).collect();
        let integer = |(i, v): (usize, &f32)| (v / scales.get(i).or(scales.first()).copied().unwrap_or(1.0)).round() as i32;
        let data: Vec<i32> = values.iter().enumerate().map(integer).collect();
        let quantization =
            if scales.len() > 1 { Quantization::per_channel(scales, 0) } else { Quantization::per_tensor(scales[0], 0) };
        let tensor = Tensor::constant(bias.name.clone(), bias.shape.clone(), Data::I32(data.into())).quantized(quantization);
        let id = self.graph.add_tensor(tensor);
        node.inputs[2] = Some(id);
    }

    /// A node that only moves values, moves the integers; who wants them real finds that as well.
    fn moved(&mut self, index: usize, mut node: Node, operands: Vec<Option<TensorId>>) {
        let mut moved = Node { inputs: operands, outputs: vec![], ..node.clone() };
        let input = moved.inputs.iter().flatten().map(|&id| self.graph.tensor(id)).find(|tensor| !tensor.is_constant());
        let Some((element, Some(quantization))) = input.map(|tensor| (tensor.element, tensor.quantization.clone())) else {
            return self.keep(index, node);
        };
        for &real in &node.outputs {
            let tensor = self.graph.tensor(real);
            let tensor = Tensor::activation(format!("{}/integers", tensor.name), element, tensor.shape.clone());
            let integers = self.graph.add_tensor(tensor.quantized(quantization.clone()));
            moved.outputs.push(integers);
            self.integers.insert(real, integers);
        }
        node.name.push_str("/real");
        self.keep(index, moved);
        self.keep(index, node);
    }

    /// Without the nodes that nobody reads any more.
    fn finish(mut self) -> Graph {
        let nodes = std::mem::take(&mut self.nodes);
        let mut wanted = vec![false; self.graph.tensors.len()];
        for output in &mut self.graph.outputs {
            *output = self.done.get(output).copied().unwrap_or(*output);
            wanted[output.index()] = true;
        }
        let mut kept = Vec::with_capacity(nodes.len());
        for (node, place) in nodes.into_iter().zip(&self.places).rev() {
            // What the file has and nobody reads stays; what became superfluous here goes.
            let is_wanted = node.outputs.iter().any(|id| wanted[id.index()]);
            if !is_wanted && (matches!(node.op, Op::Quantize(Quantize) | Op::Dequantize(_)) || only_moves(&node.op)) {
                continue;
            }
            node.inputs.iter().flatten().for_each(|id| wanted[id.index()] = true);
            kept.push((node, *place));
        }
        kept.reverse();
        let place: HashMap<usize, usize> = kept.iter().enumerate().map(|(new, (_, old))| (*old, new)).collect();
        self.graph.notes.retain_mut(|note| match note.node {
            Some(node) => {
                note.node = place.get(&node.index()).map(|&new| NodeId::new(new));
                note.node.is_some()
            }
            None => true,
        });
        self.graph.nodes = kept.into_iter().map(|(node, _)| node).collect();
        self.graph
    }
}
