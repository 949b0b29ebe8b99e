//! From a graph to steps: checks, parameters, weights, arena.
//!
//! In this order: every node becomes a layer, an alias (a reshape is another name for the same bytes) or a constant (what
//! only depends on constants is computed now); that is a [`Program`], the same for every machine. Then its weights are laid out
//! for this machine, the arena is planned, and operands are bound to places in it.

mod arithmetic;
mod convert;
mod movement;
mod node;
mod recurrent;
mod weights;

use std::sync::Arc;

use tinsmith_runtime::fixed_point::Rounding;

use self::node::NodeCx;
use super::kernel::Kernel;
use super::layer::{Layer, Plain};
use super::memory::{AlignedBytes, Views};
use super::plan::plan;
use super::program::{Place, Program, ProgramStep, Span};
use super::{ARENA_LIMIT_BYTES, Operand, Port, Prepared, Slot, Step, has_int16_kernel};
use crate::execute::ExecuteError;
use crate::execute::fast::Isa;
use crate::graph::{self, Graph, NodeId, TensorId};
use crate::ops::Op;
use crate::tensor::Data;

/// A block's arena should stay within the first two cache levels of one core.
const BLOCK_ARENA_BYTES: usize = 128 << 10;
/// More samples than this at once gain nothing: weights are read once for this many rows.
const MAX_BLOCK: usize = 16;

/// What a node becomes.
enum Built<'a> {
    /// A layer, and which operands it reads while running.
    Layer(Box<Layer<'a>>, Vec<usize>),
    /// Another name for the bytes of an operand.
    Alias(usize),
    /// A value that is known now.
    Constant(AlignedBytes),
}

impl<'a> Built<'a> {
    fn layer(layer: Layer<'a>, operands: Vec<usize>) -> Self {
        Self::Layer(Box::new(layer), operands)
    }

    fn plain(plain: Plain, operands: Vec<usize>) -> Self {
        Self::layer(Layer::Plain(plain), operands)
    }
}

pub(super) fn prepare(graph: &Graph, rounding: Rounding, isa: Isa) -> Result<Prepared, ExecuteError> {
    Preparation::of(graph, rounding)?.finish(isa)
}

/// What the nodes of a graph compute, on any machine.
pub(super) fn program(graph: &Graph, rounding: Rounding) -> Result<Program<'_>, ExecuteError> {
    Ok(Preparation::of(graph, rounding)?.program())
}

struct Preparation<'a> {
    graph: &'a Graph,
    /// Bytes of each tensor for one sample.
    bytes: Vec<usize>,
    /// Tensors whose bytes are known now, once somebody reads them.
    constants: Vec<Option<Arc<AlignedBytes>>>,
    folded: Vec<(TensorId, Arc<AlignedBytes>)>,
    /// The tensor whose bytes a tensor shares; itself for most.
    root: Vec<usize>,
    /// Those that share another's bytes, with the number of nodes before them.
    aliases: Vec<(usize, TensorId)>,
    nodes: Vec<(NodeId, Layer<'a>, Vec<TensorId>)>,
}

impl<'a> Preparation<'a> {
    fn of(graph: &'a Graph, rounding: Rounding) -> Result<Self, ExecuteError> {
        graph::check(graph)?;
        let mut preparation = Self::new(graph)?;
        for id in graph.node_ids() {
            preparation.add(NodeCx { graph, id, node: graph.node(id), rounding })?;
        }
        Ok(preparation)
    }

    fn new(graph: &'a Graph) -> Result<Self, ExecuteError> {
        let mut bytes = Vec::with_capacity(graph.tensors.len());
        for tensor in &graph.tensors {
            let len = tensor.element.byte_len(tensor.n_elements()).unwrap_or(0);
            if !tensor.is_constant() && len > ARENA_LIMIT_BYTES {
                return Err(ExecuteError::TooLarge { bytes: len, limit: ARENA_LIMIT_BYTES });
            }
            bytes.push(len);
        }
        Ok(Self {
            graph,
            bytes,
            constants: vec![None; graph.tensors.len()],
            folded: Vec::new(),
            root: (0..graph.tensors.len()).collect(),
            aliases: Vec::new(),
            nodes: Vec::with_capacity(graph.nodes.len()),
        })
    }

    fn add(&mut self, cx: NodeCx<'a>) -> Result<(), ExecuteError> {
        cx.check()?;
        let operand = |index: usize| cx.operand_id(index);
        match build(&cx)? {
            Built::Constant(value) => self.fold(cx.node.outputs[0], Arc::new(value)),
            Built::Alias(index) => {
                let from = operand(index)?;
                match self.constant(from) {
                    Some(value) => self.fold(cx.node.outputs[0], value),
                    None => {
                        self.root[cx.node.outputs[0].index()] = self.root[from.index()];
                        self.aliases.push((self.nodes.len(), cx.node.outputs[0]));
                    }
                }
            }
            Built::Layer(layer, indices) => {
                let operands = indices.into_iter().map(operand).collect::<Result<Vec<_>, _>>()?;
                let values: Vec<_> = operands.iter().filter_map(|id| self.constant(*id)).collect();
                if values.len() == operands.len() {
                    self.fold_layer(&cx, *layer, values);
                } else {
                    self.nodes.push((cx.id, *layer, operands));
                }
            }
        }
        Ok(())
    }

    /// Runs a layer whose operands are all known.
    fn fold_layer(&mut self, cx: &NodeCx<'_>, layer: Layer<'_>, values: Vec<Arc<AlignedBytes>>) {
        let kernel = Kernel::prepare(layer, Isa::detect());
        let operands: Vec<Operand> = values.into_iter().map(Operand::Constant).collect();
        let mut workspace = AlignedBytes::zeroed(kernel.workspace_bytes());
        for (part, id) in cx.node.outputs.iter().enumerate() {
            let mut output = AlignedBytes::zeroed(self.bytes[id.index()]);
            let len = output.bytes().len();
            let (bytes, views) = Views::around(output.bytes_mut(), 0..len);
            kernel.run(part, 1, &operands, &views, bytes, workspace.bytes_mut());
            self.fold(*id, Arc::new(output));
        }
    }

    fn fold(&mut self, id: TensorId, value: Arc<AlignedBytes>) {
        self.folded.push((id, value.clone()));
        self.constants[id.index()] = Some(value);
    }

    /// The bytes of a tensor that are known before running.
    fn constant(&mut self, id: TensorId) -> Option<Arc<AlignedBytes>> {
        let known = &mut self.constants[id.index()];
        if known.is_none() {
            *known = self.graph.tensor(id).data.as_ref().map(|data| Arc::new(bytes_of(data)));
        }
        known.clone()
    }

    fn program(mut self) -> Program<'a> {
        // Outputs may be constants that nobody has read so far.
        for id in &self.graph.outputs {
            self.constant(*id);
        }
        let (buffer_of, buffers) = self.buffers();
        let place = |id: &TensorId| match &self.constants[id.index()] {
            Some(value) => Place::Constant(value.clone()),
            None => Place::Buffer(buffer_of[self.root[id.index()]]),
        };
        let inputs = self.graph.inputs.iter().map(place).collect();
        let outputs = self.graph.outputs.iter().map(place).collect();
        let step = |(node, layer, operands): (NodeId, Layer<'a>, Vec<TensorId>)| {
            let results = self.graph.node(node).outputs.iter();
            let outputs = results.map(|id| (*id, buffer_of[self.root[id.index()]])).collect();
            ProgramStep { node, layer, inputs: operands.iter().map(place).collect(), outputs }
        };
        let steps = std::mem::take(&mut self.nodes).into_iter().map(step).collect();
        let aliases = self.aliases.iter().map(|(at, id)| (*at, *id, buffer_of[self.root[id.index()]])).collect();
        Program { steps, inputs, outputs, buffers, aliases, folded: self.folded }
    }

    fn finish(self, isa: Isa) -> Result<Prepared, ExecuteError> {
        let graph = self.graph;
        let bytes = self.bytes.clone();
        let program = self.program();
        let (offsets, arena_bytes) = plan(&program.buffers, ARENA_LIMIT_BYTES).ok_or_else(|| ExecuteError::TooLarge {
            bytes: program.buffers.iter().map(|span| span.bytes).fold(0, usize::saturating_add),
            limit: ARENA_LIMIT_BYTES,
        })?;
        let slot = |buffer: usize| Slot { offset: offsets[buffer], len: program.buffers[buffer].bytes };
        let bind = |place: &Place| match place {
            Place::Constant(value) => Operand::Constant(value.clone()),
            Place::Buffer(buffer) => Operand::Arena(slot(*buffer)),
        };
        let port = |(id, place): (&TensorId, &Place)| Port {
            tensor: *id,
            element: graph.tensor(*id).element,
            sample_bytes: bytes[id.index()],
            operand: bind(place),
        };
        let inputs = graph.inputs.iter().zip(&program.inputs).map(port).collect();
        let outputs = graph.outputs.iter().zip(&program.outputs).map(port).collect();
        let aliases = program.aliases.iter().map(|(step, id, buffer)| (*step, *id, slot(*buffer))).collect();
        let step = |step: ProgramStep<'_>| Step {
            kernel: Kernel::prepare(step.layer, isa),
            inputs: step.inputs.iter().map(bind).collect(),
            outputs: step.outputs.iter().map(|(id, buffer)| (*id, slot(*buffer))).collect(),
        };
        let steps: Vec<Step> = program.steps.into_iter().map(step).collect();
        let workspace_bytes = steps.iter().map(|step| step.kernel.workspace_bytes()).max().unwrap_or(0);
        let block = (BLOCK_ARENA_BYTES / arena_bytes.max(1)).clamp(1, MAX_BLOCK);
        Ok(Prepared { steps, inputs, outputs, folded: program.folded, aliases, arena_bytes, workspace_bytes, block })
    }

    /// For each tensor that owns bytes in the arena the number of its buffer, and when each buffer is alive.
    fn buffers(&self) -> (Vec<usize>, Vec<Span>) {
        let n_steps = self.nodes.len();
        let mut spans: Vec<Option<Span>> = vec![None; self.bytes.len()];
        let mut live = |id: TensorId, step: usize| {
            let root = self.root[id.index()];
            let span = spans[root].get_or_insert(Span { first: step, last: step, bytes: self.bytes[root] });
            span.first = span.first.min(step);
            span.last = span.last.max(step);
        };
        for (step, (id, _, operands)) in self.nodes.iter().enumerate() {
            let activations = operands.iter().filter(|id| self.constants[id.index()].is_none());
            activations.chain(&self.graph.node(*id).outputs).for_each(|id| live(*id, step));
        }
        let unknown = |id: &&TensorId| self.constants[id.index()].is_none();
        self.graph.inputs.iter().filter(unknown).for_each(|id| live(*id, 0));
        // Whoever observes an alias finds its bytes still there.
        self.aliases.iter().for_each(|(step, id)| live(*id, *step));
        self.graph.outputs.iter().filter(unknown).for_each(|id| live(*id, n_steps));
        let mut buffers = Vec::new();
        let number = |span: Option<Span>| {
            buffers.extend(span);
            buffers.len().saturating_sub(1)
        };
        (spans.into_iter().map(number).collect(), buffers)
    }
}

/// The one place that says how each operator runs as integers.
fn build<'a>(cx: &NodeCx<'a>) -> Result<Built<'a>, ExecuteError> {
    if cx.is_int16() && !has_int16_kernel(&cx.node.op) {
        return Err(cx.without_int16_kernel());
    }
    match &cx.node.op {
        Op::Conv2d(op) => weights::conv2d(cx, op),
        Op::DepthwiseConv2d(op) => weights::depthwise_conv2d(cx, op),
        Op::FullyConnected(op) => weights::fully_connected(cx, op),
        Op::Binary(op) => arithmetic::binary(cx, op),
        Op::Pool2d(op) => arithmetic::pool2d(cx, op),
        Op::Reduce(op) => arithmetic::reduce(cx, op),
        Op::Softmax(op) => arithmetic::softmax(cx, op),
        Op::Unary(op) => arithmetic::unary(cx, *op),
        Op::LeakyRelu(op) => arithmetic::leaky_relu(cx, op),
        Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) => movement::same_bytes(cx),
        Op::Transpose(op) => movement::transpose(cx, op),
        Op::Concatenation(op) => movement::concatenation(cx, op),
        Op::Split(op) => movement::split(cx, op),
        Op::Pack(op) => movement::pack(cx, op),
        Op::StridedSlice(op) => movement::strided_slice(cx, op),
        Op::Shape(_) => movement::shape(cx),
        Op::Pad(op) => movement::pad(cx, op),
        Op::ResizeNearestNeighbor(op) => movement::resize_nearest_neighbor(cx, op),
        Op::Identity(_) => movement::same_bytes(cx),
        Op::SplitV(op) => movement::split_v(cx, op),
        Op::Unpack(op) => movement::unpack(cx, op),
        Op::Slice(op) => movement::slice(cx, op),
        Op::TransposeConv(_) | Op::BatchMatMul(_) | Op::BatchNorm(_) | Op::PRelu(_) | Op::LogSoftmax(_) => no_integer_kernel(cx),
        Op::PadV2(_) | Op::MirrorPad(_) | Op::Gather(_) | Op::Cast(_) | Op::ResizeBilinear(_) => no_integer_kernel(cx),
        Op::Lstm(op) => recurrent::lstm(cx, op),
        Op::SimpleRnn(_) | Op::Gru(_) => no_integer_kernel(cx),
        Op::Quantize(_) => convert::quantize(cx),
        Op::Dequantize(_) => convert::dequantize(cx),
        Op::Unknown(_) => Err(cx.unsupported("nothing is known of this operator, so it cannot be computed")),
    }
}

fn no_integer_kernel(cx: &NodeCx<'_>) -> Result<Built<'static>, ExecuteError> {
    Err(cx.without_integer_kernel())
}

/// Constants as they lie in memory while running; 4-bit values one to a byte.
fn bytes_of(data: &Data) -> AlignedBytes {
    match data {
        Data::F32(values) => AlignedBytes::copy_of(bytemuck::cast_slice(values)),
        Data::F16(values) => AlignedBytes::copy_of(bytemuck::cast_slice(values)),
        Data::I4(values) | Data::I8(values) => AlignedBytes::copy_of(bytemuck::cast_slice(values)),
        Data::U8(values) | Data::Bool(values) | Data::Other(_, values) => AlignedBytes::copy_of(values),
        Data::I16(values) => AlignedBytes::copy_of(bytemuck::cast_slice(values)),
        Data::I32(values) => AlignedBytes::copy_of(bytemuck::cast_slice(values)),
        Data::I64(values) => AlignedBytes::copy_of(bytemuck::cast_slice(values)),
    }
}
