//! Runs a quantized graph in the device's own integers: bytes in, bytes out, equal to TensorFlow Lite Micro's.
//!
//! Weights have 8 bits (or 4, one to a byte); activations have 8, or 16, from one layer to the next as the graph says.
//!
//! [`Prepared::new`] does once what a firmware does in `AllocateTensors`: it checks every operator, computes multipliers,
//! lays weights out for this machine's vector instructions and plans an arena. [`Prepared::run`] then allocates nothing.
//! Samples are taken a *block* at a time, so that a layer's weights are read once for several samples.
//!
//! Refuses float arithmetic: apart from QUANTIZE and DEQUANTIZE, a node with float operands is an error that names it.

mod int16_support;
mod kernel;
mod kernel_int16;
pub(crate) mod layer;
mod memory;
mod plan;
mod prepare;
pub(crate) mod program;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use tinsmith_runtime::fixed_point::Rounding;

pub use self::int16_support::has_int16_kernel;

use self::kernel::Kernel;
use self::memory::{AlignedBytes, Views};
use super::ExecuteError;
use super::batch::run_blocks;
use super::fast::Isa;
use crate::graph::{Graph, TensorId};
use crate::progress::Cancel;
use crate::tensor::ElementType;

/// The most memory that the activations of one sample may take. No microcontroller has more.
pub const ARENA_LIMIT_BYTES: usize = 64 << 20;

/// What the nodes of `graph` compute, with every parameter that the device needs: what [`Prepared::new`] lays out for this machine.
///
/// # Errors
/// As [`Prepared::new`].
pub(crate) fn program(graph: &Graph, rounding: Rounding) -> Result<program::Program<'_>, ExecuteError> {
    prepare::program(graph, rounding)
}

/// A tensor that the caller supplies or reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Which tensor of the graph.
    pub tensor: TensorId,
    /// Type of its elements.
    pub element: ElementType,
    /// Bytes of one sample; elements are little-endian on every supported host.
    pub sample_bytes: usize,
    operand: Operand,
}

/// A graph made ready to run on this machine.
#[derive(Debug)]
pub struct Prepared {
    steps: Vec<Step>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// Tensors that are known before running, for the observer.
    folded: Vec<(TensorId, Arc<AlignedBytes>)>,
    /// Tensors that are other names for bytes in the arena, for the observer, each with the first step after its node.
    aliases: Vec<(usize, TensorId, Slot)>,
    /// Arena bytes of one sample.
    arena_bytes: usize,
    /// Bytes of the largest workspace that a kernel asks for.
    workspace_bytes: usize,
    block: usize,
}

/// One node, ready to run.
#[derive(Debug)]
struct Step {
    kernel: Kernel,
    inputs: Vec<Operand>,
    outputs: Vec<(TensorId, Slot)>,
}

/// Where a tensor's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    Arena(Slot),
    Constant(Arc<AlignedBytes>),
}

/// A tensor's place in the arena. With `n` samples in a block everything lies `n` times as far and is `n` times as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    offset: usize,
    len: usize,
}

/// The memory of one thread, reused for every block.
#[derive(Debug)]
pub struct Scratch {
    arena: AlignedBytes,
    workspace: AlignedBytes,
}

impl Prepared {
    /// Prepares `graph` for this machine.
    ///
    /// # Errors
    /// [`ExecuteError::Graph`] if it is not well formed; [`ExecuteError::Op`] or [`ExecuteError::Unsupported`] name the node that cannot run; [`ExecuteError::TooLarge`] if the
    /// activations exceed [`ARENA_LIMIT_BYTES`].
    pub fn new(graph: &Graph, rounding: Rounding) -> Result<Self, ExecuteError> {
        Self::with_isa(graph, rounding, Isa::detect())
    }

    /// Prepares `graph` for the vector instructions `isa`. Results do not depend on the choice.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn with_isa(graph: &Graph, rounding: Rounding, isa: Isa) -> Result<Self, ExecuteError> {
        prepare::prepare(graph, rounding, isa)
    }

    /// The graph's inputs, in order.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// The graph's outputs, in order.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// How many samples run together best; [`Prepared::run`] takes at most so many.
    pub fn block(&self) -> usize {
        self.block
    }

    /// Bytes of the arena and the workspace of one thread.
    pub fn scratch_bytes(&self) -> usize {
        self.arena_bytes * self.block + self.workspace_bytes
    }

    /// Memory for one thread.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            arena: AlignedBytes::zeroed(self.arena_bytes * self.block),
            workspace: AlignedBytes::zeroed(self.workspace_bytes),
        }
    }

    /// Runs up to [`Prepared::block`] samples.
    ///
    /// * `inputs`: for each graph input the bytes of all samples, one after another
    /// * `outputs`: for each graph output room for the bytes of all samples
    ///
    /// # Errors
    /// [`ExecuteError::Input`] if the buffers do not hold the same number of samples, or too many.
    pub fn run(&self, scratch: &mut Scratch, inputs: &[&[u8]], outputs: &mut [&mut [u8]]) -> Result<(), ExecuteError> {
        self.run_observed(scratch, inputs, outputs, &mut |_, _| {})
    }

    /// As [`Prepared::run`], and calls `observe` with every tensor that a node makes and the bytes of all its samples, in
    /// execution order. Graph inputs and constants are not observed; tensors that are computed once, at preparation, come
    /// first, with the bytes of one sample.
    ///
    /// # Errors
    /// As [`Prepared::run`].
    pub fn run_observed(
        &self,
        scratch: &mut Scratch,
        inputs: &[&[u8]],
        outputs: &mut [&mut [u8]],
        observe: &mut dyn FnMut(TensorId, &[u8]),
    ) -> Result<(), ExecuteError> {
        let n = self.samples_in(inputs, outputs)?;
        let arena = scratch.arena.bytes_mut();
        for (port, bytes) in self.inputs.iter().zip(inputs) {
            if let Operand::Arena(slot) = &port.operand {
                arena[slot.range(n)].copy_from_slice(bytes);
            }
        }
        for (tensor, bytes) in &self.folded {
            observe(*tensor, bytes.bytes());
        }
        let mut aliases = self.aliases.iter().peekable();
        for (index, step) in self.steps.iter().enumerate() {
            while let Some((_, tensor, slot)) = aliases.next_if(|(at, ..)| *at <= index) {
                observe(*tensor, &arena[slot.range(n)]);
            }
            for (part, (tensor, slot)) in step.outputs.iter().enumerate() {
                let (output, views) = Views::around(arena, slot.range(n));
                step.kernel.run(part, n, &step.inputs, &views, output, scratch.workspace.bytes_mut());
                observe(*tensor, output);
            }
        }
        for (_, tensor, slot) in aliases {
            observe(*tensor, &arena[slot.range(n)]);
        }
        for (port, bytes) in self.outputs.iter().zip(outputs) {
            match &port.operand {
                Operand::Arena(slot) => bytes.copy_from_slice(&arena[slot.range(n)]),
                Operand::Constant(value) if port.sample_bytes > 0 => {
                    bytes.chunks_exact_mut(port.sample_bytes).for_each(|sample| sample.copy_from_slice(value.bytes()));
                }
                Operand::Constant(_) => {}
            }
        }
        Ok(())
    }

    /// Runs any number of samples on rayon's current pool and returns the bytes of each output.
    ///
    /// `progress` is told how many samples are done, from any thread.
    ///
    /// # Errors
    /// As [`Prepared::run`], and [`ExecuteError::Cancelled`].
    pub fn run_batch(
        &self,
        inputs: &[&[u8]],
        n_samples: usize,
        cancel: &Cancel,
        progress: impl Fn(usize) + Send + Sync,
    ) -> Result<Vec<Vec<u8>>, ExecuteError> {
        let fits = |(port, bytes): (&Port, &&[u8])| port.sample_bytes.checked_mul(n_samples) == Some(bytes.len());
        if inputs.len() != self.inputs.len() || !self.inputs.iter().zip(inputs).all(fits) {
            return Err(self.input_error(inputs));
        }
        let done = AtomicUsize::new(0);
        let blocks = run_blocks(
            n_samples,
            self.block,
            cancel,
            || self.scratch(),
            |scratch, samples| {
                let part = |port: &Port| samples.start * port.sample_bytes..samples.end * port.sample_bytes;
                let block_inputs: Vec<&[u8]> = self.inputs.iter().zip(inputs).map(|(port, bytes)| &bytes[part(port)]).collect();
                let mut block_outputs: Vec<Vec<u8>> =
                    self.outputs.iter().map(|port| vec![0; port.sample_bytes * samples.len()]).collect();
                let mut views: Vec<&mut [u8]> = block_outputs.iter_mut().map(Vec::as_mut_slice).collect();
                self.run(scratch, &block_inputs, &mut views)?;
                progress(done.fetch_add(samples.len(), Ordering::Relaxed) + samples.len());
                Ok(block_outputs)
            },
        )?;
        let mut outputs: Vec<Vec<u8>> =
            self.outputs.iter().map(|port| Vec::with_capacity(port.sample_bytes * n_samples)).collect();
        for block in blocks {
            for (whole, part) in outputs.iter_mut().zip(block) {
                whole.extend_from_slice(&part);
            }
        }
        Ok(outputs)
    }

    /// How many samples the buffers hold; they must agree.
    fn samples_in(&self, inputs: &[&[u8]], outputs: &[&mut [u8]]) -> Result<usize, ExecuteError> {
        let ports = self.inputs.iter().zip(inputs.iter().map(|bytes| bytes.len()));
        let ports = ports.chain(self.outputs.iter().zip(outputs.iter().map(|bytes| bytes.len())));
        let mut n = None;
        for (port, len) in ports.filter(|(port, _)| port.sample_bytes > 0) {
            let samples = len / port.sample_bytes;
            if len % port.sample_bytes != 0 || *n.get_or_insert(samples) != samples {
                return Err(self.input_error(inputs));
            }
        }
        let n = n.unwrap_or(1);
        if n > self.block || inputs.len() != self.inputs.len() || outputs.len() != self.outputs.len() {
            return Err(self.input_error(inputs));
        }
        Ok(n)
    }

    fn input_error(&self, inputs: &[&[u8]]) -> ExecuteError {
        let expected: Vec<usize> = self.inputs.iter().map(|port| port.sample_bytes).collect();
        let got: Vec<usize> = inputs.iter().map(|bytes| bytes.len()).collect();
        ExecuteError::Input(format!(
            "the model's inputs take {expected:?} bytes a sample (at most {} samples at once), the buffers hold {got:?}",
            self.block
        ))
    }
}

impl Slot {
    /// The bytes of `n` samples.
    fn range(self, n: usize) -> std::ops::Range<usize> {
        self.offset * n..(self.offset + self.len) * n
    }
}

#[cfg(test)]
mod tests;
