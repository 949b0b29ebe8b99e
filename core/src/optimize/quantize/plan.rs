//! Which nodes become integers, and the scale and zero point of every activation.
//!
//! Tensors that an operator wants at one scale (a reshape's input and output, all parts of a concatenation) form a *group*. A
//! group's parameters come from its operator where the specification fixes them, else from the ranges of its tensors.

use super::parameters::Parameters;
use crate::execute::float::real_values;
use crate::execute::int8::has_int16_kernel;
use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::ops::{Activation, BinaryKind, Lstm, Op, ReduceKind, Unary};
use crate::optimize::{Calibration, OptimizeError};
use crate::recipe::{LayerOverride, Quantize, Scheme};
use crate::tensor::ElementType;

/// Type of the activations that a node computes with, where they are integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Width {
    I8,
    I16,
}

/// What the quantizer decides before it touches the graph.
pub(super) struct Plan {
    /// For each node how it computes; `None`: with floats, or with no real numbers.
    pub widths: Vec<Option<Width>>,
    /// For each float activation its parameters in 8 and in 16 bits. Groups are of one width: a tensor that nodes of both read or
    /// make has parameters in each, and a conversion between them.
    parameters: [Vec<Option<Parameters>>; 2],
}

/// What the TFLite 8-bit specification, and TFLM's kernels, say about an operator's scales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// The output has a range of its own.
    Own,
    /// The output has these parameters, [`Parameters::UNIT`] in 16 bits.
    Fixed(Parameters),
    /// All outputs have the parameters of the input.
    SameAsInput,
    /// Like [`Rule::SameAsInput`], and what the operator clamps away needs no codes in the input either.
    Clamp,
    /// All inputs have the parameters of the output.
    Joined,
    /// Computes no real numbers.
    Untouched,
    /// Has no integer form.
    Float,
}

pub(super) fn rule(op: &Op) -> Rule {
    match op {
        Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::FullyConnected(_) | Op::LeakyRelu(_) => Rule::Own,
        Op::Binary(op) => match op.kind {
            BinaryKind::Add | BinaryKind::Sub | BinaryKind::Mul => Rule::Own,
            BinaryKind::Div | BinaryKind::Minimum | BinaryKind::Maximum => Rule::Float,
            BinaryKind::Pow | BinaryKind::SquaredDifference => Rule::Float,
        },
        Op::Reduce(op) => match op.kind {
            ReduceKind::Mean | ReduceKind::Sum => Rule::Own,
            ReduceKind::Max | ReduceKind::Min | ReduceKind::Prod => Rule::Float,
        },
        Op::Unary(Unary::HardSwish) => Rule::Own,
        Op::Softmax(_) | Op::Unary(Unary::Logistic) => Rule::Fixed(Parameters::PROBABILITY),
        Op::Unary(Unary::Tanh) => Rule::Fixed(Parameters::TANH),
        Op::Unary(Unary::Relu | Unary::Relu6 | Unary::ReluN1To1) => Rule::Clamp,
        Op::Unary(Unary::Elu | Unary::Gelu { .. } | Unary::Relu0To1 | Unary::Exp | Unary::Log) => Rule::Float,
        Op::Unary(Unary::Sqrt | Unary::Rsqrt | Unary::Neg | Unary::Abs | Unary::Square) => Rule::Float,
        Op::Pool2d(_) | Op::Pad(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Transpose(_) => Rule::SameAsInput,
        Op::StridedSlice(_) | Op::Split(_) | Op::ResizeNearestNeighbor(_) | Op::Identity(_) => Rule::SameAsInput,
        Op::SplitV(_) | Op::Unpack(_) | Op::Slice(_) => Rule::SameAsInput,
        Op::Concatenation(_) | Op::Pack(_) => Rule::Joined,
        Op::Shape(_) => Rule::Untouched,
        Op::TransposeConv(_) | Op::BatchMatMul(_) | Op::BatchNorm(_) | Op::PRelu(_) | Op::LogSoftmax(_) => Rule::Float,
        Op::PadV2(_) | Op::MirrorPad(_) | Op::Gather(_) | Op::Cast(_) | Op::ResizeBilinear(_) => Rule::Float,
        Op::Lstm(_) => Rule::Own,
        Op::SimpleRnn(_) | Op::Gru(_) => Rule::Float,
        Op::Quantize(_) | Op::Dequantize(_) | Op::Unknown(_) => Rule::Float,
    }
}

/// Operands that are values, not axes, shapes or weights.
pub(super) fn value_operands(node: &Node) -> Vec<(usize, TensorId)> {
    let positions = match &node.op {
        Op::Concatenation(_) | Op::Pack(_) => 0..node.inputs.len(),
        Op::Binary(_) | Op::BatchMatMul(_) => 0..2,
        Op::Split(_) => 1..2,
        Op::TransposeConv(_) => 2..3,
        _ => 0..1,
    };
    positions.filter_map(|i| Some((i, node.inputs.get(i).copied().flatten()?))).collect()
}

/// A node of real numbers, as opposed to one that computes shapes.
pub(super) fn is_real(graph: &Graph, node: &Node) -> bool {
    let real = |id: &TensorId| graph.tensor(*id).element == ElementType::F32;
    node.outputs.first().is_some_and(real) && rule(&node.op) != Rule::Untouched
}

/// Whether there is an integer kernel for the node. That of an LSTM knows one kind only.
fn has_integer_form(node: &Node) -> bool {
    match &node.op {
        Op::Lstm(op) => {
            let has_input_gate = node.inputs.get(Lstm::INPUT_WEIGHTS).is_some_and(Option::is_some);
            op.activation == Activation::Tanh && has_input_gate
        }
        op => rule(op) != Rule::Float,
    }
}

/// A node of real numbers that no setting makes an integer one.
pub(super) fn stays_float(graph: &Graph, node: &Node) -> bool {
    is_real(graph, node) && !has_integer_form(node) && !matches!(node.op, Op::Quantize(_) | Op::Dequantize(_))
}

impl Plan {
    pub fn new(graph: &Graph, settings: &Quantize, calibration: &Calibration) -> Result<Self, OptimizeError> {
        let widths: Vec<Option<Width>> = graph.nodes.iter().map(|node| width(graph, node, settings)).collect();
        let parameters = |width| Groups::of(graph, &widths, width).parameters(settings, calibration);
        let parameters = [parameters(Width::I8)?, parameters(Width::I16)?];
        Ok(Self { widths, parameters })
    }

    /// Parameters of a float activation.
    pub fn parameters(&self, id: TensorId, width: Width) -> Option<Parameters> {
        self.parameters[width as usize][id.index()]
    }

    /// The parameters at which `node` reads its operand `id`.
    pub fn operand_parameters(&self, node: &Node, id: TensorId, width: Width) -> Option<Parameters> {
        match rule(&node.op) {
            Rule::Joined => self.parameters(node.outputs[0], width),
            _ => self.parameters(id, width),
        }
    }
}

fn width(graph: &Graph, node: &Node, settings: &Quantize) -> Option<Width> {
    let wanted = Width::of(settings.scheme_of(&node.name))?;
    let has_form = is_real(graph, node) && has_integer_form(node);
    has_form.then(|| if has_int16_kernel(&node.op) { wanted } else { Width::I8 })
}

impl Width {
    /// That of a scheme's activations; `None` if they are floats.
    pub fn of(scheme: Scheme) -> Option<Self> {
        scheme.activation_bits().map(|bits| if bits == 16 { Self::I16 } else { Self::I8 })
    }
}

/// Union-find over the tensors of a graph, as nodes of one width see them.
struct Groups<'a> {
    graph: &'a Graph,
    widths: &'a [Option<Width>],
    width: Width,
    parent: Vec<u32>,
    fixed: Vec<Option<Parameters>>,
    /// Tensors whose own range does not count: their only reader clamps it.
    clamped: Vec<bool>,
    /// Tensors that some node of the width reads or makes.
    used: Vec<bool>,
}

impl<'a> Groups<'a> {
    fn of(graph: &'a Graph, widths: &'a [Option<Width>], width: Width) -> Self {
        let n = graph.tensors.len();
        let parent = graph.tensor_ids().map(|id| id.0).collect();
        let mut groups =
            Self { graph, widths, width, parent, fixed: vec![None; n], clamped: vec![false; n], used: vec![false; n] };
        groups.join_same();
        groups.fix();
        groups.join_concatenations();
        groups
    }

    fn root(&self, id: TensorId) -> usize {
        let mut at = id.index();
        while self.parent[at] as usize != at {
            at = self.parent[at] as usize;
        }
        at
    }

    fn join(&mut self, a: TensorId, b: TensorId) {
        let (a, b) = (self.root(a), self.root(b));
        // The smaller index stays root: chains are as long as the graph's longest run of reshapes, at most.
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high] = low as u32;
        self.fixed[low] = self.fixed[low].or(self.fixed[high]);
    }

    fn integer_nodes(&self) -> impl Iterator<Item = (NodeId, &'a Node)> + use<'a> {
        let (graph, widths, width) = (self.graph, self.widths, self.width);
        graph.node_ids().filter(move |id| widths[id.index()] == Some(width)).map(|id| (id, graph.node(id)))
    }

    fn join_same(&mut self) {
        let consumers = self.graph.consumers();
        for (id, node) in self.integer_nodes() {
            let rule = rule(&node.op);
            let Some(&(_, input)) = value_operands(node).first() else { continue };
            for &tensor in node.outputs.iter().chain(value_operands(node).iter().map(|(_, id)| id)) {
                self.used[tensor.index()] = true;
            }
            let sole_reader = consumers[input.index()] == [id] && !self.graph.outputs.contains(&input);
            let is_relu = matches!(node.op, Op::Unary(Unary::Relu));
            match rule {
                Rule::Clamp => {
                    self.clamped[input.index()] |= sole_reader;
                    // RELU may rescale; TFLM's RELU6 keeps the input's scale whatever the file says.
                    if sole_reader || !is_relu {
                        self.join(input, node.outputs[0]);
                    }
                }
                Rule::SameAsInput => node.outputs.iter().for_each(|&output| self.join(input, output)),
                Rule::Own | Rule::Fixed(_) | Rule::Joined | Rule::Untouched | Rule::Float => {}
            }
        }
    }

    fn fix(&mut self) {
        for (_, node) in self.integer_nodes() {
            if let Rule::Fixed(parameters) = rule(&node.op) {
                let root = self.root(node.outputs[0]);
                self.fixed[root] = Some(match self.width {
                    Width::I8 => parameters,
                    Width::I16 => Parameters::UNIT,
                });
            }
        }
    }

    /// All parts of a concatenation share a scale, unless a part's is fixed and another's is not: that part is rescaled by a
    /// QUANTIZE in front of the concatenation.
    fn join_concatenations(&mut self) {
        for (_, node) in self.integer_nodes().filter(|(_, node)| rule(&node.op) == Rule::Joined) {
            let output = node.outputs[0];
            let parts: Vec<TensorId> = value_operands(node).into_iter().map(|(_, id)| id).collect();
            let fixed = |groups: &Self, id: TensorId| groups.fixed[groups.root(id)];
            let first = parts.first().and_then(|&id| fixed(self, id));
            let alike = parts.iter().all(|&id| fixed(self, id) == first);
            for id in parts {
                if alike || fixed(self, id) == fixed(self, output) {
                    self.join(id, output);
                }
            }
        }
    }

    fn parameters(&self, settings: &Quantize, calibration: &Calibration) -> Result<Vec<Option<Parameters>>, OptimizeError> {
        let n = self.graph.tensors.len();
        let producers = self.graph.producers();
        let layer = |index: usize| -> Option<&LayerOverride> { settings.overrides.get(&self.graph.node(producers[index]?).name) };
        let mut ranges: Vec<Option<(f32, f32)>> = vec![None; n];
        let mut clips: Vec<Option<(f32, f32)>> = vec![None; n];
        let union = |a: Option<(f32, f32)>, b: (f32, f32)| Some(a.map_or(b, |a| (a.0.min(b.0), a.1.max(b.1))));
        for id in self.graph.tensor_ids() {
            let (index, tensor) = (id.index(), self.graph.tensor(id));
            if tensor.element != ElementType::F32 {
                continue;
            }
            let root = self.root(id);
            if let Some(clip) = layer(index).and_then(|layer| layer.clip) {
                clips[root] = union(clips[root], clip);
            }
            if self.clamped[index] {
                continue;
            }
            let calibrator = layer(index).and_then(|layer| layer.calibrator).unwrap_or(settings.calibrator);
            let calibrator = if self.width == Width::I16 { calibrator.at_16_bits() } else { calibrator };
            let range = match tensor.is_constant() {
                true if self.used[index] => real_values(tensor).ok().and_then(|values| constant_range(&values)),
                true => None,
                false => calibration.range(id, calibrator),
            };
            if let Some(range) = range {
                ranges[root] = union(ranges[root], range);
            }
        }
        let parameters = |id: TensorId| {
            let root = self.root(id);
            if self.graph.tensor(id).element != ElementType::F32 {
                return Ok(None);
            }
            let range = clips[root].or(ranges[root]).map(match (self.width, settings.symmetric) {
                (Width::I8, true) => Parameters::symmetric,
                (Width::I8, false) => Parameters::from_range,
                (Width::I16, _) => Parameters::symmetric_16,
            });
            match self.fixed[root].or(range) {
                None if self.used[id.index()] => {
                    let name = &self.graph.tensor(id).name;
                    Err(OptimizeError::Calibration(format!("there is no range for tensor {} \"{name}\"", id.0)))
                }
                found => Ok(found),
            }
        };
        self.graph.tensor_ids().map(parameters).collect()
    }
}

fn constant_range(values: &[f32]) -> Option<(f32, f32)> {
    let range = values.iter().fold((0.0f32, 0.0f32), |(low, high), &x| (low.min(x), high.max(x)));
    (range.0.is_finite() && range.1.is_finite()).then_some(range)
}
