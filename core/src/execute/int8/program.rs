//! A graph as layers over numbered buffers: what runs here, in vector instructions, and what is written for the device.

use std::sync::Arc;

use super::layer::Layer;
use super::memory::AlignedBytes;
use crate::graph::{NodeId, TensorId};

/// A quantized graph with every parameter computed.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    pub(crate) steps: Vec<ProgramStep<'a>>,
    /// Where the graph's inputs are, in order.
    pub(crate) inputs: Vec<Place>,
    /// Where the graph's outputs are, in order.
    pub(crate) outputs: Vec<Place>,
    /// Pieces of the arena. Those alive at the same time must not overlap.
    pub(crate) buffers: Vec<Span>,
    /// Tensors that are other names for a buffer, each with the first step after its node.
    pub(super) aliases: Vec<(usize, TensorId, usize)>,
    /// Tensors that are known before running.
    pub(super) folded: Vec<(TensorId, Arc<AlignedBytes>)>,
}

/// One node.
#[derive(Debug)]
pub(crate) struct ProgramStep<'a> {
    pub(crate) node: NodeId,
    pub(crate) layer: Layer<'a>,
    pub(crate) inputs: Vec<Place>,
    /// Each result with its buffer.
    pub(crate) outputs: Vec<(TensorId, usize)>,
}

/// Where a tensor's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Index into [`Program::buffers`].
    Buffer(usize),
    Constant(Arc<AlignedBytes>),
}

/// When a buffer is alive, as indices of steps (both inclusive), and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) bytes: usize,
}
