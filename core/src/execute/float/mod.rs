//! Runs a graph in single precision, for calibration, for the float model's own accuracy and as the reference of a candidate.
//!
//! Weights may be stored as half floats or as integers with scales. Half floats are made real once, while preparing, as LiteRT
//! does it. Integers under float activations (a *hybrid* model) are multiplied as integers, with activations that are quantized
//! on the way (`hybrid/mod.rs`); only where LiteRT has no kernel for them are they made real once, too.
//!
//! Refuses graphs whose activations are integers: those have an arithmetic of their own.
//!
//! Samples run in blocks, so that weights are read once for several of them; sums have one order, whatever the block.

mod constants;
mod convolution;
mod elementwise;
mod hybrid;
mod kernel;
mod matrix;
mod movement;
mod prepare;
mod recurrent;
mod reduction;
mod resize;
#[cfg(test)]
mod tests;
mod transpose_conv;

use std::ops::Range;

pub use constants::real_values;

use super::ExecuteError;
use super::batch::run_blocks;
use super::pool::Pool;
use crate::graph::{Graph, TensorId};
use crate::progress::Cancel;
pub(crate) use kernel::data_operands;
use kernel::{Kernel, Operand, Values, Work};

/// A graph, ready to run any number of samples.
#[derive(Debug)]
pub struct Prepared {
    steps: Vec<Step>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// Values of one sample in each buffer.
    slots: Vec<usize>,
    block: usize,
    scratch: Pool<Scratch>,
}

/// One node, ready to run.
#[derive(Debug)]
struct Step {
    /// `None` where the result is the operand's values under another shape.
    kernel: Option<Box<dyn Kernel>>,
    operands: Vec<Operand>,
    outputs: Vec<Port>,
}

/// A tensor that the caller fills, a node makes, or the caller reads.
#[derive(Clone, Debug)]
struct Port {
    tensor: TensorId,
    place: Operand,
    len: usize,
}

/// Buffers for one block of samples; one for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    slots: Vec<Vec<f32>>,
    results: Vec<Vec<f32>>,
    work: Work,
}

impl Prepared {
    /// Prepares `graph`: resolves shapes, makes constants real, packs weights, assigns buffers.
    ///
    /// Nodes whose results reach no output are left out, as are those that only compute a shape.
    ///
    /// # Errors
    /// [`ExecuteError`] names the node that cannot be run in floats and why.
    pub fn new(graph: &Graph) -> Result<Self, ExecuteError> {
        prepare::prepare(graph, super::fast::simd_f32::SimdF32::detect())
    }

    /// Values of one sample of each input.
    pub fn input_lens(&self) -> Vec<usize> {
        self.inputs.iter().map(|port| port.len).collect()
    }

    /// Values of one sample of each output.
    pub fn output_lens(&self) -> Vec<usize> {
        self.outputs.iter().map(|port| port.len).collect()
    }

    /// Runs all samples on rayon's current pool. `inputs` holds one slice for each input, `[samples, ..]`; the result one vector
    /// for each output, likewise.
    ///
    /// # Errors
    /// [`ExecuteError::Input`] if the samples do not fit; [`ExecuteError::Cancelled`].
    pub fn run(&self, inputs: &[&[f32]], cancel: &Cancel) -> Result<Vec<Vec<f32>>, ExecuteError> {
        let n_samples = self.n_samples(inputs)?;
        let blocks = run_blocks(
            n_samples,
            self.block,
            cancel,
            || self.scratch.lend(),
            |scratch, samples| Ok(self.run_sequential(scratch, inputs, samples, &mut |_, _| {})),
        )?;
        let mut outputs: Vec<Vec<f32>> = self.outputs.iter().map(|port| Vec::with_capacity(port.len * n_samples)).collect();
        for block in blocks {
            outputs.iter_mut().zip(block).for_each(|(all, part)| all.extend(part));
        }
        Ok(outputs)
    }

    /// Runs all samples in chunks of `chunk` and lets `see` look at every activation: the graph's inputs, and each node's
    /// outputs, as `[n, ..]` with the `n` samples they belong to, in order within a chunk. Each chunk starts with a state of its
    /// own; the states come back in the order of the samples.
    ///
    /// # Errors
    /// As [`Prepared::run`].
    pub fn observe<T: Send>(
        &self,
        inputs: &[&[f32]],
        chunk: usize,
        cancel: &Cancel,
        start: impl Fn() -> T + Send + Sync,
        see: impl Fn(&mut T, TensorId, Range<usize>, &[f32]) + Send + Sync,
    ) -> Result<Vec<T>, ExecuteError> {
        run_blocks(
            self.n_samples(inputs)?,
            chunk,
            cancel,
            || self.scratch.lend(),
            |scratch, chunk| {
                let mut state = start();
                for first in chunk.clone().step_by(self.block) {
                    cancel.check()?;
                    let samples = first..(first + self.block).min(chunk.end);
                    let mut see = |tensor, values: &[f32]| see(&mut state, tensor, samples.clone(), values);
                    self.run_block(scratch, inputs, samples.clone(), &mut see);
                }
                Ok(state)
            },
        )
    }

    /// How many samples run together best.
    pub(crate) fn block(&self) -> usize {
        self.block
    }

    /// How many samples `inputs` holds.
    ///
    /// # Errors
    /// [`ExecuteError::Input`] if the inputs disagree or hold parts of samples.
    pub fn n_samples(&self, inputs: &[&[f32]]) -> Result<usize, ExecuteError> {
        if inputs.len() != self.inputs.len() {
            return Err(ExecuteError::Input(format!("the model has {} inputs, the samples {}", self.inputs.len(), inputs.len())));
        }
        let mut n_samples = None;
        for (index, (values, port)) in inputs.iter().zip(&self.inputs).enumerate() {
            if !values.len().is_multiple_of(port.len) {
                let (n, len) = (values.len(), port.len);
                return Err(ExecuteError::Input(format!("input {index} takes {len} values a sample, {n} are no whole samples")));
            }
            let n = values.len() / port.len;
            if *n_samples.get_or_insert(n) != n {
                return Err(ExecuteError::Input(format!("input {index} has {n} samples, the inputs before it another number")));
            }
        }
        Ok(n_samples.unwrap_or(0))
    }

    /// Runs the samples of one block on this thread; `see` gets each activation as soon as it is there.
    pub(super) fn run_sequential(
        &self,
        scratch: &mut Scratch,
        inputs: &[&[f32]],
        samples: Range<usize>,
        see: &mut dyn FnMut(TensorId, &[f32]),
    ) -> Vec<Vec<f32>> {
        self.run_block(scratch, inputs, samples.clone(), see);
        self.outputs.iter().map(|port| scratch.values(port, samples.len())).collect()
    }

    /// Runs the samples of one block, one node after the other; `see` gets each activation as soon as it is there.
    fn run_block(&self, scratch: &mut Scratch, inputs: &[&[f32]], samples: Range<usize>, see: &mut dyn FnMut(TensorId, &[f32])) {
        let n_samples = samples.len();
        let Scratch { slots, results, work } = scratch;
        slots.resize_with(self.slots.len(), Vec::new);
        for (slot, len) in slots.iter_mut().zip(&self.slots) {
            slot.resize(len * n_samples, 0.0);
        }
        for (port, values) in self.inputs.iter().zip(inputs) {
            let values = &values[samples.start * port.len..samples.end * port.len];
            if let Operand::Activation { slot, .. } = port.place {
                slots[slot][..values.len()].copy_from_slice(values);
            }
            see(port.tensor, values);
        }
        for step in &self.steps {
            let Some(kernel) = &step.kernel else {
                for port in &step.outputs {
                    if let Operand::Activation { slot, len } = port.place {
                        see(port.tensor, &slots[slot][..len * n_samples]);
                    }
                }
                continue;
            };
            results.clear();
            for port in &step.outputs {
                let mut buffer = port.slot().map(|slot| std::mem::take(&mut slots[slot])).unwrap_or_default();
                buffer.resize(port.len * n_samples, 0.0);
                results.push(buffer);
            }
            kernel.run(&Values { n_samples, slots, operands: &step.operands }, results, work);
            for (port, buffer) in step.outputs.iter().zip(results.drain(..)) {
                see(port.tensor, &buffer);
                if let Some(slot) = port.slot() {
                    slots[slot] = buffer;
                }
            }
        }
    }
}

impl Port {
    fn slot(&self) -> Option<usize> {
        match self.place {
            Operand::Activation { slot, .. } => Some(slot),
            Operand::Constant(_) => None,
        }
    }
}

impl Scratch {
    /// The values of an output for `n_samples` samples.
    fn values(&self, port: &Port, n_samples: usize) -> Vec<f32> {
        match &port.place {
            Operand::Activation { slot, len } => self.slots[*slot][..len * n_samples].to_vec(),
            Operand::Constant(values) => values.repeat(n_samples),
        }
    }
}
