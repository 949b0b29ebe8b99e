//! From a graph to steps: checks, parameters, weights, arena.
//!
//! In this order: every node becomes a kernel, an alias (a reshape is another name for the same bytes) or a constant (what
//! only depends on constants is computed now); then the arena is planned; then operands are bound to places in it.

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
use super::memory::{AlignedBytes, Views};
use super::plan::{Span, plan};
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
enum Built {
    /// A kernel, and which operands it reads while running.
    Kernel(Kernel, Vec<usize>),
    /// Another name for the bytes of an operand.
    Alias(usize),
    /// A value that is known now.
    Constant(AlignedBytes),
}

pub(super) fn prepare(graph: &Graph, rounding: Rounding, isa: Isa) -> Result<Prepared, ExecuteError> {
    graph::check(graph)?;
    let mut preparation = Preparation::new(graph)?;
    for id in graph.node_ids() {
        preparation.add(NodeCx { graph, id, node: graph.node(id), rounding, isa })?;
    }
    preparation.finish()
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
    nodes: Vec<(NodeId, Kernel, Vec<TensorId>)>,
}

impl<'a> Preparation<'a> {
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
            Built::Kernel(kernel, indices) => {
                let operands = indices.into_iter().map(operand).collect::<Result<Vec<_>, _>>()?;
                let values: Vec<_> = operands.iter().filter_map(|id| self.constant(*id)).collect();
                if values.len() == operands.len() {
                    self.fold_kernel(&cx, &kernel, values);
                } else {
                    self.nodes.push((cx.id, kernel, operands));
                }
            }
        }
        Ok(())
    }

    /// Runs a kernel whose operands are all known.
    fn fold_kernel(&mut self, cx: &NodeCx<'_>, kernel: &Kernel, values: Vec<Arc<AlignedBytes>>) {
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

    fn finish(mut self) -> Result<Prepared, ExecuteError> {
        // Outputs may be constants that nobody has read so far.
        for id in &self.graph.outputs {
            self.constant(*id);
        }
        let (slots, arena_bytes) = self.place()?;
        let constants = &self.constants;
        let bind = |id: &TensorId| match &constants[id.index()] {
            Some(value) => Operand::Constant(value.clone()),
            None => Operand::Arena(slots[id.index()]),
        };
        let port = |id: &TensorId| Port {
            tensor: *id,
            element: self.graph.tensor(*id).element,
            sample_bytes: self.bytes[id.index()],
            operand: bind(id),
        };
        let inputs = self.graph.inputs.iter().map(port).collect();
        let outputs = self.graph.outputs.iter().map(port).collect();
        let mut steps = Vec::with_capacity(self.nodes.len());
        for (id, kernel, operands) in self.nodes {
            let outputs = self.graph.node(id).outputs.iter().map(|id| (*id, slots[id.index()])).collect();
            steps.push(Step { kernel, inputs: operands.iter().map(bind).collect(), outputs });
        }
        let aliases = self.aliases.iter().map(|(step, id)| (*step, *id, slots[id.index()])).collect();
        let workspace_bytes = steps.iter().map(|step| step.kernel.workspace_bytes()).max().unwrap_or(0);
        let block = (BLOCK_ARENA_BYTES / arena_bytes.max(1)).clamp(1, MAX_BLOCK);
        Ok(Prepared { steps, inputs, outputs, folded: self.folded, aliases, arena_bytes, workspace_bytes, block })
    }

    /// A slot for each tensor (unused ones are empty), and the bytes that all take.
    fn place(&self) -> Result<(Vec<Slot>, usize), ExecuteError> {
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
        self.graph.inputs.iter().for_each(|id| live(*id, 0));
        // Whoever observes an alias finds its bytes still there.
        self.aliases.iter().for_each(|(step, id)| live(*id, *step));
        self.graph.outputs.iter().filter(|id| self.constants[id.index()].is_none()).for_each(|id| live(*id, n_steps));
        let roots: Vec<usize> = (0..spans.len()).filter(|index| spans[*index].is_some()).collect();
        let planned: Vec<Span> = roots.iter().filter_map(|index| spans[*index]).collect();
        let (offsets, total) = plan(&planned, ARENA_LIMIT_BYTES).ok_or_else(|| ExecuteError::TooLarge {
            bytes: planned.iter().map(|span| span.bytes).fold(0, usize::saturating_add),
            limit: ARENA_LIMIT_BYTES,
        })?;
        let mut slots = vec![Slot { offset: 0, len: 0 }; spans.len()];
        for (root, offset) in roots.into_iter().zip(offsets) {
            slots[root] = Slot { offset, len: self.bytes[root] };
        }
        for index in 0..slots.len() {
            slots[index] = slots[self.root[index]];
        }
        Ok((slots, total))
    }
}

/// The one place that says how each operator runs as integers.
fn build(cx: &NodeCx<'_>) -> Result<Built, ExecuteError> {
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

fn no_integer_kernel(cx: &NodeCx<'_>) -> Result<Built, ExecuteError> {
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
