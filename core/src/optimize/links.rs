//! Pairs of layers with weights between which nothing stands but operators that treat every channel by itself.
//!
//! A channel of the first layer is followed through the graph as a pattern in the order of values: value `i` of a tensor belongs to
//! channel `i / inner % n`. A change of shape leaves that as it is; a transposition moves it.

use super::layer::Layer;
use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::ops::{Activation, Op, Operands, Padding, ReduceKind, Unary};

/// Two layers and what joins them.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub first: Layer,
    pub second: Layer,
    /// For each input channel of the second layer the output channel of the first that it comes from.
    pub channel_of: Vec<usize>,
    /// The tensors between the layers, in order, beginning with what the first layer makes.
    pub between: Vec<Between>,
}

/// A tensor between two layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Between {
    pub tensor: TensorId,
    /// Who makes it: the first layer, or an operator that treats channels alike.
    pub by: NodeId,
    /// Where its channels lie.
    pub channels: Channels,
}

/// Value `i` belongs to channel `i / inner % n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Channels {
    pub n: usize,
    pub inner: usize,
}

/// What of a channel has to survive the way from one layer to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Every value times a positive factor: `f(s x) = s f(x)`.
    Scale {
        /// ReLU6 counts as ReLU, since it is to become one.
        relu6_is_relu: bool,
    },
    /// Every value less by a constant that no value of the channel is below, and that is not below zero: `f(x - c) = f(x) - c`.
    Shift,
}

/// The links of a graph across which `change` can move, in the order of their first layers.
pub(super) fn links(graph: &Graph, change: Change) -> Vec<Link> {
    let readers = Readers::of(graph);
    let first_layers = graph.node_ids().filter_map(|id| Layer::of(graph, id));
    first_layers.filter_map(|first| link_from(graph, &readers, first, change)).collect()
}

/// The one node that reads a tensor.
struct Readers(Vec<Option<NodeId>>);

impl Readers {
    /// Tensors that several nodes read, one twice, or that are outputs, have no single reader.
    fn of(graph: &Graph) -> Self {
        let mut readers = vec![None; graph.tensors.len()];
        let mut n_readers = vec![0; graph.tensors.len()];
        for id in graph.node_ids() {
            for input in graph.node(id).inputs.iter().flatten() {
                readers[input.index()] = Some(id);
                n_readers[input.index()] += 1;
            }
        }
        graph.outputs.iter().for_each(|id| n_readers[id.index()] += 2);
        readers.iter_mut().zip(&n_readers).filter(|(_, n)| **n != 1).for_each(|(reader, _)| *reader = None);
        Self(readers)
    }
}

fn link_from(graph: &Graph, readers: &Readers, first: Layer, change: Change) -> Option<Link> {
    let &[output] = graph.node(first.node).outputs.as_slice() else { return None };
    change.passes_activation(graph.node(first.node).op.facts().activation()).then_some(())?;
    let channels = Channels { n: first.n_outputs, inner: 1 };
    let mut between = vec![Between { tensor: output, by: first.node, channels }];
    // Each step goes to a later node, so that this ends.
    loop {
        let Between { tensor, channels, .. } = *between.last()?;
        let reader = readers.0[tensor.index()]?;
        if let Some(second) = Layer::of(graph, reader).filter(|layer| layer.input == tensor) {
            change.reaches(graph, &second).then_some(())?;
            let channel_of = channels.periodic(second.n_inputs())?;
            return Some(Link { first, second, channel_of, between });
        }
        let node = graph.node(reader);
        let &[output] = node.outputs.as_slice() else { return None };
        let channels = change.through(graph, node, tensor, channels)?;
        between.push(Between { tensor: output, by: reader, channels });
    }
}

impl Channels {
    /// The channels of `c_in` values that repeat over the whole tensor; `None` if they do not.
    fn periodic(self, c_in: usize) -> Option<Vec<usize>> {
        let fits = c_in > 0 && c_in.is_multiple_of(self.n.checked_mul(self.inner)?);
        fits.then(|| (0..c_in).map(|i| i / self.inner % self.n).collect())
    }

    /// The axis along which they lie; `None` if they share one with something else.
    fn axis(self, shape: &[usize]) -> Option<usize> {
        (0..shape.len()).find(|&axis| shape[axis] == self.n && shape[axis + 1..].iter().product::<usize>() == self.inner)
    }

    /// The same channels where axes of these extents stand after theirs.
    fn before(self, after: &[usize]) -> Self {
        Self { inner: after.iter().product(), ..self }
    }
}

impl Change {
    fn passes_activation(self, activation: Activation) -> bool {
        match (activation, self) {
            (Activation::None | Activation::Relu, _) | (Activation::Relu6, Self::Scale { relu6_is_relu: true }) => true,
            (Activation::Relu6 | Activation::ReluN1To1 | Activation::Tanh, _) => false,
        }
    }

    /// Where the channels lie after a node that treats each by itself; `None` if it does not.
    fn through(self, graph: &Graph, node: &Node, from: TensorId, channels: Channels) -> Option<Channels> {
        (node.inputs.first() == Some(&Some(from))).then_some(())?;
        self.passes_activation(node.op.facts().activation()).then_some(())?;
        let operands = Operands::new(graph, node);
        let shape = &graph.tensor(from).shape;
        let scales = matches!(self, Self::Scale { .. });
        match &node.op {
            Op::Identity(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Unary(Unary::Relu) => Some(channels),
            Op::Unary(Unary::Relu6) => self.passes_activation(Activation::Relu6).then_some(channels),
            Op::Unary(Unary::Abs | Unary::Neg) | Op::LeakyRelu(_) => scales.then_some(channels),
            Op::PRelu(_) => (scales && is_constant(graph, node, 1) && keeps_shape(graph, node)).then_some(channels),
            // Values outside the image count in neither mean nor maximum.
            Op::Pool2d(_) | Op::ResizeNearestNeighbor(_) | Op::ResizeBilinear(_) => {
                (channels.axis(shape)? == 3).then_some(channels)
            }
            Op::Pad(op) if scales => padded(shape, &op.amounts(&operands).ok()?, channels),
            Op::MirrorPad(op) => padded(shape, &op.amounts(&operands).ok()?, channels),
            Op::Reduce(op) => {
                let passes = match op.kind {
                    ReduceKind::Mean | ReduceKind::Max | ReduceKind::Min => true,
                    ReduceKind::Sum => scales,
                    ReduceKind::Prod => false,
                };
                let (axis, reduced) = (channels.axis(shape)?, op.axes(&operands).ok()?);
                let kept: Vec<usize> = (axis + 1..shape.len()).filter(|i| !reduced.contains(i)).map(|i| shape[i]).collect();
                (passes && !reduced.contains(&axis)).then(|| channels.before(&kept))
            }
            Op::Transpose(_) => transposed(shape, &operands.constant_integers(1, "permutation").ok()?, channels),
            // Whatever mixes channels, bends their values, or is not known to leave them alone.
            _ => None,
        }
    }

    /// Whether the layer at the end can make up for the change.
    fn reaches(self, graph: &Graph, layer: &Layer) -> bool {
        match self {
            Self::Scale { .. } => true,
            Self::Shift => every_output_sees_all_taps(graph, graph.node(layer.node)).unwrap_or(false),
        }
    }
}

fn is_constant(graph: &Graph, node: &Node, operand: usize) -> bool {
    graph.input(node, operand).is_some_and(|tensor| tensor.is_constant())
}

fn keeps_shape(graph: &Graph, node: &Node) -> bool {
    graph.input(node, 0).zip(graph.output(node, 0)).is_some_and(|(input, output)| input.shape == output.shape)
}

fn padded(shape: &[usize], amounts: &[(usize, usize)], channels: Channels) -> Option<Channels> {
    let axis = channels.axis(shape)?;
    let after: Vec<usize> = (axis + 1..shape.len()).map(|i| shape[i] + amounts[i].0 + amounts[i].1).collect();
    (amounts[axis] == (0, 0)).then(|| channels.before(&after))
}

fn transposed(shape: &[usize], permutation: &[i64], channels: Channels) -> Option<Channels> {
    let permutation: Vec<usize> = permutation.iter().map(|&axis| usize::try_from(axis).ok()).collect::<Option<_>>()?;
    let real: Vec<usize> =
        permutation.iter().copied().filter(|&axis| shape.get(axis).is_some_and(|&extent| extent > 1)).collect();
    if real.is_sorted() {
        // Only axes of extent 1 move: the order of the values stays.
        return Some(channels);
    }
    let axis = channels.axis(shape)?;
    let position = permutation.iter().position(|&from| from == axis)?;
    let after: Vec<usize> = permutation[position + 1..].iter().map(|&from| shape[from]).collect();
    Some(channels.before(&after))
}

/// Whether all of a layer's weights take part in each of its outputs: no window meets a border of zeros.
pub(super) fn every_output_sees_all_taps(graph: &Graph, node: &Node) -> Option<bool> {
    let (stride, dilation, padding) = match &node.op {
        Op::FullyConnected(_) => return Some(true),
        Op::Conv2d(op) => (op.stride, op.dilation, op.padding),
        Op::DepthwiseConv2d(op) => (op.stride, op.dilation, op.padding),
        // Pixels near the border, and with a stride all others too, get different numbers of taps.
        _ => return Some(false),
    };
    let (image, window) = (&graph.input(node, 0)?.shape, &graph.input(node, 1)?.shape);
    let borders = |i: usize| {
        let (_, before, after) = padding.resolve(*image.get(i)?, *window.get(i)?, stride[i - 1], dilation[i - 1])?;
        Some(before + after)
    };
    Some(padding == Padding::Valid || (borders(1)? == 0 && borders(2)? == 0))
}
