//! Layers that walk along time. What the input contributes is multiplied for all steps at once, then the steps follow one
//! another. The state is zero at the start of each sample.

use super::convolution::{Parameters, whole_rows};
use super::elementwise::{activate, clamp, logistic};
use super::kernel::{Kernel, Values};
use crate::execute::fast::matmul_f32::{PackedWeights, Target, matmul};
use crate::execute::fast::simd_f32::SimdF32;
use crate::ops::{self, Activation, RecurrentExtents};

/// What happens in one step.
#[derive(Clone, Copy, Debug)]
enum Cell {
    /// Gates in the order input, forget, cell, output; without the first, it is one minus the second.
    Lstm {
        activation: Activation,
        cell_clip: f32,
        coupled: bool,
    },
    /// Thirds in the order update, reset, candidate.
    Gru {
        reset_after: bool,
    },
    Simple {
        activation: Activation,
    },
}

/// A recurrent layer, ready to run.
#[derive(Debug)]
pub(super) struct Recurrent {
    cell: Cell,
    extents: RecurrentExtents,
    n_gates: usize,
    /// `[gates * units, inputs]`, with the input's bias.
    input: PackedWeights,
    /// `[gates * units, units]`, with the recurrence's bias; for a GRU without the candidate.
    recurrent: PackedWeights,
    /// `[units, units]`: what the candidate of a GRU has of its own.
    candidate: Option<PackedWeights>,
    go_backwards: bool,
}

const ANY: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

/// `[rows, columns]` to `[columns, rows]`.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

impl Recurrent {
    pub fn lstm(op: &ops::Lstm, parameters: &Parameters<'_>, simd: SimdF32) -> Result<Self, String> {
        let extents = op.extents(&parameters.operands).map_err(|error| error.to_string())?;
        let coupled = ops::Lstm::couples_gates(&parameters.operands);
        let gates = usize::from(coupled)..4;
        let n_gates = gates.len();
        let join = |first: usize, what: &str| -> Result<Vec<f32>, String> {
            let parts = gates.clone().map(|gate| parameters.values(first + gate, what)).collect::<Result<Vec<_>, _>>()?;
            Ok(parts.iter().flat_map(|part| part.iter().copied()).collect())
        };
        let (RecurrentExtents { inputs, units, .. }, rows) = (extents, n_gates * extents.units);
        let (input, bias) = (join(ops::Lstm::INPUT_WEIGHTS, "weights")?, join(ops::Lstm::BIAS, "biases")?);
        let recurrent = join(ops::Lstm::RECURRENT_WEIGHTS, "recurrent weights")?;
        Ok(Self {
            cell: Cell::Lstm { activation: op.activation, cell_clip: op.cell_clip, coupled },
            extents,
            n_gates,
            input: PackedWeights::new(simd, &input, Some(&bias), rows, inputs),
            recurrent: PackedWeights::new(simd, &recurrent, None, rows, units),
            candidate: None,
            go_backwards: false,
        })
    }

    pub fn simple(op: &ops::SimpleRnn, parameters: &Parameters<'_>, simd: SimdF32) -> Result<Self, String> {
        let extents = op.extents(&parameters.operands).map_err(|error| error.to_string())?;
        let RecurrentExtents { inputs, units, .. } = extents;
        let bias = parameters.values(3, "bias")?;
        Ok(Self {
            cell: Cell::Simple { activation: op.activation },
            extents,
            n_gates: 1,
            input: PackedWeights::new(simd, &parameters.values(1, "weights")?, Some(&bias), units, inputs),
            recurrent: PackedWeights::new(simd, &parameters.values(2, "recurrent weights")?, None, units, units),
            candidate: None,
            go_backwards: false,
        })
    }

    pub fn gru(op: &ops::Gru, parameters: &Parameters<'_>, simd: SimdF32) -> Result<Self, String> {
        let extents = op.extents(&parameters.operands).map_err(|error| error.to_string())?;
        let RecurrentExtents { inputs, units, .. } = extents;
        let (wide, gates) = (3 * units, 2 * units);
        let mut bias = parameters.optional_values(3, "bias")?.map_or_else(|| vec![0.0; wide], |bias| bias.to_vec());
        bias.resize(2 * wide, 0.0);
        let (input_bias, recurrent_bias) = bias.split_at(wide);
        let input = transposed(&parameters.values(1, "kernel")?, wide);
        let recurrent = transposed(&parameters.values(2, "recurrent kernel")?, wide);
        let (gate_rows, candidate_rows) = recurrent.split_at(gates * units);
        let (gate_bias, candidate_bias) = recurrent_bias.split_at(gates);
        Ok(Self {
            cell: Cell::Gru { reset_after: op.reset_after },
            extents,
            n_gates: 3,
            input: PackedWeights::new(simd, &input, Some(input_bias), wide, inputs),
            recurrent: PackedWeights::new(simd, gate_rows, Some(gate_bias), gates, units),
            candidate: Some(PackedWeights::new(simd, candidate_rows, Some(candidate_bias), units, units)),
            go_backwards: op.go_backwards,
        })
    }

    /// One step: `x` is what the input contributes; `h` and `c` are the states, `memory` has room for all gates.
    fn step(&self, x: &[f32], h: &mut [f32], c: &mut [f32], memory: &mut [f32]) {
        let units = self.extents.units;
        let multiply = |rows: &[f32], weights: &PackedWeights, to: &mut [f32]| {
            matmul(rows, whole_rows(&[0], units), weights, to, Target { row_stride: to.len(), offset: 0, clamp: ANY });
        };
        match (self.cell, &self.candidate) {
            (Cell::Lstm { activation, cell_clip, coupled }, _) => {
                multiply(h, &self.recurrent, memory);
                let gate = |gate: usize, unit: usize| {
                    let at = gate * units + unit;
                    x[at] + memory[at]
                };
                let first = usize::from(!coupled);
                for unit in 0..units {
                    let forget = logistic(gate(first, unit));
                    let input = if coupled { 1.0 - forget } else { logistic(gate(0, unit)) };
                    let cell = forget * c[unit] + input * activate(activation, gate(first + 1, unit));
                    c[unit] = if cell_clip > 0.0 { clamp(cell, (-cell_clip, cell_clip)) } else { cell };
                    h[unit] = logistic(gate(first + 2, unit)) * activate(activation, c[unit]);
                }
            }
            (Cell::Gru { reset_after }, Some(candidate)) => {
                let (gates, own) = memory.split_at_mut(2 * units);
                multiply(h, &self.recurrent, gates);
                gates.iter_mut().zip(x).for_each(|(gate, x)| *gate = logistic(*gate + x));
                let (update, reset) = gates.split_at(units);
                if reset_after {
                    multiply(h, candidate, own);
                    own.iter_mut().zip(reset).for_each(|(own, reset)| *own *= reset);
                } else {
                    c.iter_mut().zip(h.iter().zip(reset)).for_each(|(to, (h, reset))| *to = h * reset);
                    multiply(c, candidate, own);
                }
                for (unit, h) in h.iter_mut().enumerate() {
                    *h = update[unit] * *h + (1.0 - update[unit]) * (x[2 * units + unit] + own[unit]).tanh();
                }
            }
            (Cell::Simple { activation }, _) => {
                multiply(h, &self.recurrent, memory);
                for ((h, memory), x) in h.iter_mut().zip(memory).zip(x) {
                    *h = activate(activation, *memory + x);
                }
            }
            // Only a GRU has a candidate, and it always does.
            (Cell::Gru { .. }, None) => {}
        }
    }
}

impl Kernel for Recurrent {
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], work: &mut [Vec<f32>; 2]) {
        let RecurrentExtents { steps, inputs, units } = self.extents;
        let wide = self.n_gates * units;
        let starts: Vec<usize> = (0..steps).map(|step| step * inputs).collect();
        let [contributions, state] = work;
        contributions.resize(steps * wide, 0.0);
        state.resize(2 * units + wide, 0.0);
        let samples = operands.all(0).chunks_exact(steps * inputs);
        let (outputs, traces) = outputs.split_at_mut(1);
        for (sample, (x, to)) in samples.zip(outputs[0].chunks_exact_mut(steps * units)).enumerate() {
            matmul(
                x,
                whole_rows(&starts, inputs),
                &self.input,
                contributions,
                Target { row_stride: wide, offset: 0, clamp: ANY },
            );
            state.fill(0.0);
            let (h, rest) = state.split_at_mut(units);
            let (c, memory) = rest.split_at_mut(units);
            for (step, to) in to.chunks_exact_mut(units).enumerate() {
                let at = if self.go_backwards { steps - 1 - step } else { step };
                self.step(&contributions[at * wide..][..wide], h, c, memory);
                to.copy_from_slice(h);
                if let Some(trace) = traces.first_mut() {
                    trace[(sample * steps + step) * units..][..units].copy_from_slice(c);
                }
            }
        }
    }
}
