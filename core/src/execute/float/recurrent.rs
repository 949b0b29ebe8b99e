//! Layers that walk along time. What the input contributes is multiplied for all steps at once, then the steps follow one
//! another. The state is zero at the start of each sample.

use super::convolution::Parameters;
use super::elementwise::{activate, clamp, logistic};
use super::hybrid::Product;
use super::kernel::{Kernel, Values, Work};
use crate::execute::fast::matmul_f32::PackedWeights;
use crate::execute::fast::simd_f32::SimdF32;
use crate::ops::hybrid::DynamicRange;
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
    input: Product,
    /// `[gates * units, units]`, with the recurrence's bias; for a GRU without the candidate.
    recurrent: Product,
    /// `[units, units]`: what the candidate of a GRU has of its own.
    candidate: Option<Product>,
    go_backwards: bool,
}

/// `[rows, columns]` to `[columns, rows]`.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

impl Recurrent {
    /// `range`: how activations are quantized, if the weights are integers.
    pub fn lstm(op: &ops::Lstm, parameters: &Parameters<'_>, range: Option<DynamicRange>, simd: SimdF32) -> Result<Self, String> {
        let extents = op.extents(&parameters.operands).map_err(|error| error.to_string())?;
        let RecurrentExtents { inputs, units, .. } = extents;
        let coupled = ops::Lstm::couples_gates(&parameters.operands);
        let gates = |first: usize| first + usize::from(coupled)..first + 4;
        let biases = gates(ops::Lstm::BIAS).map(|index| parameters.values(index, "biases")).collect::<Result<Vec<_>, _>>()?;
        let (input, recurrent) = (gates(ops::Lstm::INPUT_WEIGHTS), gates(ops::Lstm::RECURRENT_WEIGHTS));
        Ok(Self {
            cell: Cell::Lstm { activation: op.activation, cell_clip: op.cell_clip, coupled },
            extents,
            n_gates: input.len(),
            input: Product::new(simd, parameters, input, Some(&biases.concat()), [units, inputs], range)?,
            recurrent: Product::new(simd, parameters, recurrent, None, [units, units], range)?,
            candidate: None,
            go_backwards: false,
        })
    }

    /// `range`: how activations are quantized, if the weights are integers.
    pub fn simple(
        op: &ops::SimpleRnn,
        parameters: &Parameters<'_>,
        range: Option<DynamicRange>,
        simd: SimdF32,
    ) -> Result<Self, String> {
        let extents = op.extents(&parameters.operands).map_err(|error| error.to_string())?;
        let RecurrentExtents { inputs, units, .. } = extents;
        let bias = parameters.values(3, "bias")?;
        Ok(Self {
            cell: Cell::Simple { activation: op.activation },
            extents,
            n_gates: 1,
            input: Product::new(simd, parameters, 1..2, Some(&bias), [units, inputs], range)?,
            recurrent: Product::new(simd, parameters, 2..3, None, [units, units], range)?,
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
            input: Product::Real(PackedWeights::new(simd, &input, Some(input_bias), wide, inputs)),
            recurrent: Product::Real(PackedWeights::new(simd, gate_rows, Some(gate_bias), gates, units)),
            candidate: Some(Product::Real(PackedWeights::new(simd, candidate_rows, Some(candidate_bias), units, units))),
            go_backwards: op.go_backwards,
        })
    }

    /// One step: `x` is what the input contributes; `h` and `c` are the states, `memory` has room for all gates, `whole` is
    /// scratch memory.
    fn step(&self, x: &[f32], h: &mut [f32], c: &mut [f32], memory: &mut [f32], whole: &mut Vec<f32>) {
        let units = self.extents.units;
        let mut multiply = |row: &[f32], weights: &Product, to: &mut [f32]| weights.multiply(row, &[0], units, to, whole);
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
    fn run(&self, operands: &Values<'_>, outputs: &mut [Vec<f32>], work: &mut Work) {
        let RecurrentExtents { steps, inputs, units } = self.extents;
        let wide = self.n_gates * units;
        let starts: Vec<usize> = (0..steps).map(|step| step * inputs).collect();
        let [contributions, state, whole, _] = work;
        contributions.resize(steps * wide, 0.0);
        state.resize(2 * units + wide, 0.0);
        let samples = operands.all(0).chunks_exact(steps * inputs);
        let (outputs, traces) = outputs.split_at_mut(1);
        for (sample, (x, to)) in samples.zip(outputs[0].chunks_exact_mut(steps * units)).enumerate() {
            self.input.multiply(x, &starts, inputs, contributions, whole);
            state.fill(0.0);
            let (h, rest) = state.split_at_mut(units);
            let (c, memory) = rest.split_at_mut(units);
            for (step, to) in to.chunks_exact_mut(units).enumerate() {
                let at = if self.go_backwards { steps - 1 - step } else { step };
                self.step(&contributions[at * wide..][..wide], h, c, memory, whole);
                to.copy_from_slice(h);
                if let Some(trace) = traces.first_mut() {
                    trace[(sample * steps + step) * units..][..units].copy_from_slice(c);
                }
            }
        }
    }
}
