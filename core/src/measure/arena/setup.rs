//! TFLM's `AllocateTensors`, replayed: how large the persistent part gets, and the least arena with which set-up succeeds.
//!
//! ```text
//! 0            head                    temp             tail                  arena size
//! | plan, scratch requests | tensor structs, planner | free | persistent, grows down <- |
//! ```
//!
//! Temporaries need room only while nothing larger lies at the head; where the plan is small (a dense network), they decide:
//! 4,640 bytes for MLPerf Tiny's anomaly detector, which then reports 3,984 as used.

use super::kernels::{Kernel, Slot, kernel};
use super::layout::{self, Abi, Field};
use super::{ALIGNMENT, Buffers};
use crate::graph::{Graph, Node, TensorId};
use crate::tensor::Tensor;

/// What set-up needs on one kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The persistent part.
    pub persistent_bytes: usize,
    /// The least arena, a multiple of 16, that starts at a multiple of 16.
    pub arena_bytes: usize,
}

/// Replays set-up of `graph` whose activations and scratch need `planned_bytes`. Kernels that are not known count nothing.
pub fn replay(graph: &Graph, buffers: &Buffers, planned_bytes: usize, abi: Abi) -> Setup {
    let kernels: Vec<Kernel> = graph.nodes.iter().map(|n| kernel(graph, n).unwrap_or_default()).collect();
    let mut arena = Arena { abi, tail: 0, head: 0, temp: 0, needed: 0 };
    arena.allocators();
    arena.persistent_array(layout::EVAL_TENSOR, graph.tensors.len());
    arena.persistent_array(layout::NODE_AND_REGISTRATION, graph.nodes.len());
    for kernel in &kernels {
        arena.persistent_struct(kernel.params, if abi.python_package { kernel.params_python } else { &[] });
    }
    for kernel in kernels.iter().filter(|k| !k.data.is_empty()) {
        let fields = join(kernel.data, if abi.python_package { kernel.data_compressed } else { &[] });
        arena.persistent(abi.layout(&fields).0, ALIGNMENT);
    }
    let mut n_scratch = 0;
    for (node, kernel) in graph.nodes.iter().zip(&kernels) {
        arena.prepare(graph, node, kernel);
        n_scratch += kernel.scratch.len();
        arena.reset_head(n_scratch);
    }
    arena.persistent(n_scratch * abi.pointer, abi.pointer);
    for tensor in graph.tensors.iter().filter(|t| t.is_variable) {
        arena.persistent(tensor.n_bytes(), ALIGNMENT);
    }
    arena.plan(graph.tensors.len() + n_scratch, buffers.len());
    arena.set_head(planned_bytes);
    arena.io_tensors(graph, &graph.inputs);
    arena.io_tensors(graph, &graph.outputs);
    Setup { persistent_bytes: arena.tail, arena_bytes: arena.needed.next_multiple_of(ALIGNMENT) }
}

/// Positions: `head` and `temp` from the start, `tail` from the end; `needed` is the largest sum so far.
struct Arena {
    abi: Abi,
    tail: usize,
    head: usize,
    temp: usize,
    needed: usize,
}

impl Arena {
    fn allocators(&mut self) {
        let extra = |fields: &'static [Field]| -> &'static [Field] { if self.abi.python_package { fields } else { &[] } };
        let (arena, micro) = (extra(layout::ARENA_ALLOCATOR_RECORDING), extra(layout::MICRO_ALLOCATOR_RECORDING));
        let subgraph = extra(layout::SUBGRAPH_ALLOCATIONS_COMPRESSED);
        self.persistent_struct(layout::ARENA_ALLOCATOR, arena);
        self.persistent_struct(layout::GREEDY_PLANNER, &[]);
        self.persistent_struct(layout::MICRO_ALLOCATOR, micro);
        self.persistent_struct(layout::BUILTIN_DATA_ALLOCATOR, &[]);
        self.reset_head(0);
        self.persistent_struct(layout::SUBGRAPH_ALLOCATIONS, subgraph);
    }

    fn persistent(&mut self, bytes: usize, align: usize) {
        if bytes > 0 {
            self.tail = (self.tail + bytes).next_multiple_of(align);
            // TFLM compares with the head only, and would let a buffer overwrite temporaries that are still in use.
            self.needed = self.needed.max(self.temp.saturating_add(self.tail));
        }
    }

    fn persistent_struct(&mut self, fields: &[Field], more: &[Field]) {
        let (bytes, align) = self.abi.layout(&join(fields, more));
        self.persistent(bytes, align);
    }

    fn persistent_array(&mut self, fields: &[Field], n: usize) {
        let (bytes, align) = self.abi.layout(fields);
        self.persistent(bytes.saturating_mul(n), align);
    }

    fn temporary(&mut self, bytes: usize, align: usize) {
        self.temp = self.temp.next_multiple_of(align).saturating_add(bytes);
        self.needed = self.needed.max(self.temp.saturating_add(self.tail));
    }

    fn set_head(&mut self, bytes: usize) {
        (self.head, self.temp) = (bytes, bytes);
        self.needed = self.needed.max(self.head.saturating_add(self.tail));
    }

    /// Room for the scratch requests so far and for as many as one more kernel may make.
    fn reset_head(&mut self, n_scratch: usize) {
        self.set_head(self.abi.layout(layout::SCRATCH_REQUEST).0 * (n_scratch + layout::MAX_SCRATCH_PER_NODE));
    }

    fn prepare(&mut self, graph: &Graph, node: &Node, kernel: &Kernel) {
        let tensor = |slot: &Slot| match *slot {
            Slot::Input(i) => graph.input(node, i),
            Slot::Output(i) => graph.output(node, i),
        };
        for t in kernel.temps_before.iter().filter_map(tensor) {
            self.tensor(t, Self::temporary);
        }
        for &bytes in &kernel.persistent {
            self.persistent(bytes, ALIGNMENT);
        }
        for t in kernel.temps_after.iter().filter_map(tensor) {
            self.tensor(t, Self::temporary);
        }
    }

    /// A `TfLiteTensor`, and for quantized ones the parameters with a zero point for each scale.
    fn tensor(&mut self, tensor: &Tensor, allocate: impl Fn(&mut Self, usize, usize)) {
        let (bytes, align) = self.abi.layout(layout::TENSOR);
        allocate(self, bytes, align);
        if let Some(q) = &tensor.quantization {
            let (bytes, align) = self.abi.layout(layout::AFFINE_QUANTIZATION);
            allocate(self, bytes, align);
            allocate(self, 4 + 4 * q.scales.len(), 4);
        }
    }

    /// Working memory of the planner, above the scratch requests.
    fn plan(&mut self, n_infos: usize, n_buffers: usize) {
        let (bytes, align) = self.abi.layout(layout::ALLOCATION_INFO);
        self.temporary(self.abi.pointer, self.abi.pointer);
        self.temporary(bytes * n_infos, align);
        let start = self.temp.next_multiple_of(ALIGNMENT);
        let end = self.tail.next_multiple_of(ALIGNMENT);
        self.needed = self.needed.max(start + layout::PLANNER_BYTES_PER_BUFFER * n_buffers + end);
    }

    fn io_tensors(&mut self, graph: &Graph, ids: &[TensorId]) {
        self.persistent(self.abi.pointer * ids.len(), ALIGNMENT);
        for &id in ids {
            self.tensor(graph.tensor(id), Self::persistent);
        }
    }
}

fn join(a: &[Field], b: &[Field]) -> Vec<Field> {
    [a, b].concat()
}
