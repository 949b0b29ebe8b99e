//! Long short-term memory over a sequence: 8-bit weights, inputs and outputs, a 16-bit cell state ("8x8_16").
//!
//! Gates are sums in units of 2^-12 that the logistic function or tanh brings to units of 2^-15. Source: TensorFlow Lite
//! Micro `unidirectional_sequence_lstm.cc`, `lstm_eval`.

use super::convolution_scale;
use crate::fixed_point::{Affine, Multiplier, Rounding};
use crate::lookup::{Spread, logistic, tanh};

/// Real units of a gate before its function.
const GATE_SCALE: f32 = 1.0 / 4096.0;
/// The same, for the tables.
const GATE: Spread = Spread::of_power(-12);
/// Real units of what a function returns.
const UNIT_SCALE: f64 = 1.0 / 32768.0;

/// Scales of an LSTM's tensors.
#[derive(Clone, Copy, Debug)]
pub struct LstmScales {
    /// Of the input.
    pub input: Affine,
    /// Of the output, which is the hidden state.
    pub hidden: Affine,
    /// Of the cell state: a power of two.
    pub cell: f32,
    /// Of the input's weights: input gate, forget gate, cell, output gate.
    pub input_weights: [f32; 4],
    /// Of the recurrent weights, likewise.
    pub recurrent_weights: [f32; 4],
}

/// What [`lstm`] needs to know beside its buffers.
#[derive(Clone, Copy, Debug)]
pub struct LstmParams {
    /// Values of the input at each step.
    pub inputs: usize,
    /// Values of the state.
    pub units: usize,
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// Zero point of the hidden state, in `[-128, 127]`.
    pub hidden_zero_point: i32,
    /// `input scale * weight scale / gate scale` of each gate.
    pub from_input: [Multiplier; 4],
    /// The same of the hidden state.
    pub from_hidden: [Multiplier; 4],
    /// Forget gate times cell state.
    pub keep: Multiplier,
    /// Input gate times new values.
    pub take: Multiplier,
    /// Output gate times tanh of the cell state.
    pub give: Multiplier,
    /// The cell state is in units of two to the power of this, which lies in -20..=0.
    pub cell_power: i32,
    /// Bound of the cell state, not negative; 0 for none.
    pub cell_clip: i16,
    /// How sums and products are requantized.
    pub rounding: Rounding,
}

/// Weights and biases: input gate, forget gate, cell, output gate.
#[derive(Clone, Copy, Debug)]
pub struct LstmWeights<'a> {
    /// int8 `[units, inputs]` each.
    pub input: [&'a [i8]; 4],
    /// int8 `[units, units]` each.
    pub recurrent: [&'a [i8]; 4],
    /// int32 `[units]` each, in units of `input scale * weight scale`.
    pub bias: [&'a [i32]; 4],
}

/// What an LSTM remembers, and room to work.
#[derive(Debug)]
pub struct LstmState<'a> {
    /// int8 `[units]`.
    pub hidden: &'a mut [i8],
    /// int16 `[units]`.
    pub cell: &'a mut [i16],
    /// int16 `[4, units]`, of any content.
    pub gates: &'a mut [i16],
}

impl LstmParams {
    /// Multipliers for the given scales; `None` if the cell's is not a power of two or one is out of proportion.
    pub fn prepare([inputs, units]: [usize; 2], scales: &LstmScales, cell_clip: f32, rounding: Rounding) -> Option<Self> {
        let of = |affine: Affine, weights: [f32; 4]| {
            let one = |gate: usize| Multiplier::from_real(convolution_scale(affine.scale, weights[gate], GATE_SCALE), rounding);
            Some([one(0)?, one(1)?, one(2)?, one(3)?])
        };
        let cell = f64::from(scales.cell);
        let factor = |real: f64| Multiplier::from_real(real, rounding);
        Some(Self {
            inputs,
            units,
            input_zero_point: scales.input.zero_point,
            hidden_zero_point: scales.hidden.zero_point,
            from_input: of(scales.input, scales.input_weights)?,
            from_hidden: of(scales.hidden, scales.recurrent_weights)?,
            keep: factor(UNIT_SCALE * cell / cell)?,
            take: factor(UNIT_SCALE * UNIT_SCALE / cell)?,
            give: factor(UNIT_SCALE * UNIT_SCALE / f64::from(scales.hidden.scale))?,
            cell_power: power_of_two(scales.cell)?,
            // A conversion of floats to integers saturates.
            cell_clip: if cell_clip > 0.0 { (f64::from(cell_clip) / cell) as i16 } else { 0 },
            rounding,
        })
    }

    /// The state before the first step: real zeros.
    pub fn reset(&self, state: &mut LstmState<'_>) {
        // The zero point of an int8 tensor.
        state.hidden.fill(self.hidden_zero_point as i8);
        state.cell.fill(0);
    }

    /// One gate of one unit, before its function.
    ///
    /// * `rows`: the unit's weights of the gate: int8 `[inputs]` and, recurrent, `[units]`
    /// * `input`: int8 `[inputs]`; `hidden`: int8 `[units]`
    pub fn gate(&self, gate: usize, rows: [&[i8]; 2], bias: i32, input: &[i8], hidden: &[i8]) -> i16 {
        let product = |row: &[i8], values: &[i8], zero_point: i32, start: i32| {
            let terms = values.iter().zip(row).map(|(x, w)| (i32::from(*x) - zero_point) * i32::from(*w));
            terms.fold(start, i32::wrapping_add)
        };
        let sum = product(rows[0], input, self.input_zero_point, bias);
        let of_input = saturated(self.from_input[gate].apply(sum, self.rounding));
        let sum = product(rows[1], hidden, self.hidden_zero_point, 0);
        let of_hidden = saturated(self.from_hidden[gate].apply(sum, self.rounding));
        of_input.saturating_add(of_hidden)
    }

    fn product(&self, a: i16, b: i16, multiplier: Multiplier) -> i32 {
        multiplier.apply(i32::from(a) * i32::from(b), self.rounding)
    }

    fn step(&self, weights: &LstmWeights<'_>, input: &[i8], state: &mut LstmState<'_>) {
        let (inputs, units) = (self.inputs, self.units);
        for gate in 0..4 {
            for unit in 0..units {
                let of_input = &weights.input[gate][unit * inputs..][..inputs];
                let of_hidden = &weights.recurrent[gate][unit * units..][..units];
                let bias = weights.bias[gate][unit];
                state.gates[gate * units + unit] = self.gate(gate, [of_input, of_hidden], bias, input, state.hidden);
            }
        }
        self.update(state);
    }

    /// The state after a step whose gates are all in place.
    pub fn update(&self, state: &mut LstmState<'_>) {
        let (units, cell_units) = (self.units, Spread::of_power(self.cell_power));
        for unit in 0..units {
            let gate = |gate: usize| state.gates[gate * units + unit];
            let kept = saturated(self.product(logistic(gate(1), GATE), state.cell[unit], self.keep));
            let taken = saturated(self.product(logistic(gate(0), GATE), tanh(gate(2), GATE), self.take));
            let cell = kept.saturating_add(taken);
            let cell = if self.cell_clip > 0 { cell.clamp(-self.cell_clip, self.cell_clip) } else { cell };
            let given = self.product(tanh(cell, cell_units), logistic(gate(3), GATE), self.give);
            state.cell[unit] = cell;
            state.hidden[unit] = given.wrapping_add(self.hidden_zero_point).clamp(-128, 127) as i8;
        }
    }
}

/// The step of 16 bits nearest to `value`.
fn saturated(value: i32) -> i16 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// The exponent of a power of two that suits a 16-bit cell state.
fn power_of_two(scale: f32) -> Option<i32> {
    let bits = scale.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    (bits & 0x007f_ffff == 0 && (-20..=0).contains(&exponent)).then_some(exponent)
}

/// Runs the steps in `input` one after the other, each from the state that the one before left.
///
/// * `input`: int8 `[steps, inputs]`
/// * `output`: int8 `[steps, units]`
pub fn lstm(params: &LstmParams, weights: &LstmWeights<'_>, input: &[i8], state: &mut LstmState<'_>, output: &mut [i8]) {
    for (input, output) in input.chunks_exact(params.inputs).zip(output.chunks_exact_mut(params.units)) {
        params.step(weights, input, state);
        output.copy_from_slice(state.hidden);
    }
}
