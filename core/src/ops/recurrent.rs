//! Layers that walk along time and remember: UNIDIRECTIONAL_SEQUENCE_LSTM, UNIDIRECTIONAL_SEQUENCE_RNN, and a GRU, which
//! TFLite lacks.
//!
//! All return the output of every step; whoever wants the last one only puts a slice behind. The state starts at zero with each
//! sample.

use super::{Activation, OpError, OpFacts, Operands};
use crate::graph::TensorId;

/// A long short-term memory. Operands as TFLite orders them, 24 of them (files of old have 20), `i` inputs and `h` units:
///
/// | operand | what |
/// | --- | --- |
/// | 0 | input `[1, t, i]`, or `[t, 1, i]` if time comes first |
/// | 1 to 4 | weights `[h, i]` of input gate, forget gate, cell, output gate |
/// | 5 to 8 | recurrent weights `[h, h]`, likewise |
/// | 9 to 11 | peepholes, 16 and 17 projection: refused |
/// | 12 to 15 | biases `[h]` |
/// | 18, 19 | output state and cell state `[1, h]`, variables |
/// | 20 to 23 | layer normalization: refused |
///
/// Without an input gate (operands 1, 5, 12 left out), it is one minus the forget gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lstm {
    /// Of the cell and the output; tanh nearly everywhere.
    pub activation: Activation,
    /// The cell state is clamped to ± this; 0 for no clamp.
    pub cell_clip: f32,
    /// Time is the first axis.
    pub time_major: bool,
}

/// The weights of an [`Lstm`], each in the order input gate, forget gate, cell, output gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LstmWeights {
    /// `[h, i]` each.
    pub input: [TensorId; 4],
    /// `[h, h]` each.
    pub recurrent: [TensorId; 4],
    /// `[h]` each.
    pub bias: [TensorId; 4],
}

impl LstmWeights {
    /// The operands of an LSTM node. The states are variables `[1, h]` of its own.
    pub fn operands(&self, x: TensorId, output_state: TensorId, cell_state: TensorId) -> Vec<Option<TensorId>> {
        let mut operands = vec![None; Lstm::N_OPERANDS];
        operands[0] = Some(x);
        for gate in 0..4 {
            operands[Lstm::INPUT_WEIGHTS + gate] = Some(self.input[gate]);
            operands[Lstm::RECURRENT_WEIGHTS + gate] = Some(self.recurrent[gate]);
            operands[Lstm::BIAS + gate] = Some(self.bias[gate]);
        }
        operands[Lstm::OUTPUT_STATE] = Some(output_state);
        operands[Lstm::CELL_STATE] = Some(cell_state);
        operands
    }
}

/// A gated recurrent unit. Operands: input `[1, t, i]`, kernel `[i, 3 h]`, recurrent kernel `[h, 3 h]`, bias (optional).
///
/// Thirds in the order update gate, reset gate, candidate. The bias is `[3 h]`, or `[2, 3 h]`: that of the input, then that of the
/// recurrence. No TFLite operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gru {
    /// The reset gate is applied to the recurrent product, not to the state before it.
    pub reset_after: bool,
    /// The last time step comes first, in the output too.
    pub go_backwards: bool,
}

/// A plain recurrent layer. Operands: input `[1, t, i]` (or `[t, 1, i]` if time comes first), weights `[h, i]`, recurrent weights
/// `[h, h]`, bias `[h]`, state `[1, h]` (a variable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimpleRnn {
    /// Of the output.
    pub activation: Activation,
    /// Time is the first axis.
    pub time_major: bool,
}

/// Extents of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurrentExtents {
    /// Time steps.
    pub steps: usize,
    /// Values of the input at each step.
    pub inputs: usize,
    /// Values of the state.
    pub units: usize,
}

impl RecurrentExtents {
    fn new(operands: &Operands<'_>, time_major: bool, units: usize) -> Result<Self, OpError> {
        let expected = if time_major { "[t, 1, i]" } else { "[1, t, i]" };
        let [a, b, inputs] = operands.shape(0, expected)?;
        let (batch, steps) = if time_major { (b, a) } else { (a, b) };
        if batch == 1 && steps > 0 && inputs > 0 && units > 0 {
            return Ok(Self { steps, inputs, units });
        }
        Err(OpError::Shape { operand: 0, shape: vec![a, b, inputs], expected: expected.into() })
    }

    fn output(&self, time_major: bool) -> Vec<Vec<usize>> {
        let Self { steps, units, .. } = *self;
        vec![if time_major { vec![steps, 1, units] } else { vec![1, steps, units] }]
    }

    fn macs(&self, n_gates: u64) -> u64 {
        let weights = (self.inputs as u64).saturating_add(self.units as u64).saturating_mul(self.units as u64);
        weights.saturating_mul(n_gates).saturating_mul(self.steps as u64)
    }
}

/// Operand `index` has this shape.
fn expect(operands: &Operands<'_>, index: usize, expected: &[usize]) -> Result<(), OpError> {
    let shape = &operands.get(index)?.shape;
    if shape == expected {
        return Ok(());
    }
    Err(OpError::Shape { operand: index, shape: shape.clone(), expected: format!("{expected:?}") })
}

impl Lstm {
    /// How many operands a node has.
    pub const N_OPERANDS: usize = 24;
    /// Position of the first of four weights.
    pub const INPUT_WEIGHTS: usize = 1;
    /// Position of the first of four recurrent weights.
    pub const RECURRENT_WEIGHTS: usize = 5;
    /// Position of the first of four biases.
    pub const BIAS: usize = 12;
    /// Position of the output state.
    pub const OUTPUT_STATE: usize = 18;
    /// Position of the cell state.
    pub const CELL_STATE: usize = 19;

    /// Whether the input gate is left out.
    pub fn couples_gates(operands: &Operands<'_>) -> bool {
        operands.optional(Self::INPUT_WEIGHTS).is_none()
    }

    /// The extents, checked.
    ///
    /// # Errors
    /// [`OpError`] if the operands do not fit, or one is there that is not supported.
    pub fn extents(&self, operands: &Operands<'_>) -> Result<RecurrentExtents, OpError> {
        let refused = [(9..12, "peepholes"), (16..18, "a projection"), (20..24, "layer normalization")].into_iter().find_map(
            |(at, what)| {
                let mut at = at;
                at.any(|index| operands.optional(index).is_some()).then_some(what)
            },
        );
        if let Some(what) = refused {
            return Err(OpError::Attribute(format!("an LSTM with {what} is not supported")));
        }
        let [units, _] = operands.shape(Self::RECURRENT_WEIGHTS + 1, "[h, h]")?;
        let extents = RecurrentExtents::new(operands, self.time_major, units)?;
        for gate in usize::from(Self::couples_gates(operands))..4 {
            expect(operands, Self::INPUT_WEIGHTS + gate, &[units, extents.inputs])?;
            expect(operands, Self::RECURRENT_WEIGHTS + gate, &[units, units])?;
            expect(operands, Self::BIAS + gate, &[units])?;
        }
        for state in [Self::OUTPUT_STATE, Self::CELL_STATE] {
            expect(operands, state, &[1, units])?;
        }
        Ok(extents)
    }
}

impl OpFacts for Lstm {
    fn name(&self) -> &str {
        "UNIDIRECTIONAL_SEQUENCE_LSTM"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        Ok(self.extents(operands)?.output(self.time_major))
    }

    fn macs(&self, operands: &Operands<'_>) -> u64 {
        let n_gates = if Self::couples_gates(operands) { 3 } else { 4 };
        self.extents(operands).map_or(0, |extents| extents.macs(n_gates))
    }

    /// For each unit and step: four biases, four functions, three products, a sum, and the function of the cell.
    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements().saturating_mul(13)
    }

    fn label(&self, operands: &Operands<'_>) -> String {
        self.extents(operands).map_or_else(|_| "LSTM".into(), |extents| format!("LSTM {}", extents.units))
    }
}

impl Gru {
    /// The extents, checked.
    ///
    /// # Errors
    /// [`OpError::Shape`] if the operands do not fit.
    pub fn extents(&self, operands: &Operands<'_>) -> Result<RecurrentExtents, OpError> {
        let [units, wide] = operands.shape(2, "[h, 3 h]")?;
        let extents = RecurrentExtents::new(operands, false, units)?;
        if units.checked_mul(3) != Some(wide) {
            return Err(OpError::Shape { operand: 2, shape: vec![units, wide], expected: "[h, 3 h]".into() });
        }
        expect(operands, 1, &[extents.inputs, wide])?;
        match operands.optional(3) {
            Some(bias) if bias.shape != [wide] && bias.shape != [2, wide] => {
                Err(OpError::Shape { operand: 3, shape: bias.shape.clone(), expected: format!("[{wide}] or [2, {wide}]") })
            }
            _ => Ok(extents),
        }
    }
}

impl OpFacts for Gru {
    fn name(&self) -> &str {
        "GRU"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        Ok(self.extents(operands)?.output(false))
    }

    fn macs(&self, operands: &Operands<'_>) -> u64 {
        self.extents(operands).map_or(0, |extents| extents.macs(3))
    }

    /// For each unit and step: three biases, three functions, three products, two sums, a difference.
    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements().saturating_mul(12)
    }

    fn label(&self, operands: &Operands<'_>) -> String {
        self.extents(operands).map_or_else(|_| "GRU".into(), |extents| format!("GRU {}", extents.units))
    }
}

impl SimpleRnn {
    /// The extents, checked.
    ///
    /// # Errors
    /// [`OpError::Shape`] if the operands do not fit.
    pub fn extents(&self, operands: &Operands<'_>) -> Result<RecurrentExtents, OpError> {
        let [units, _] = operands.shape(2, "[h, h]")?;
        let extents = RecurrentExtents::new(operands, self.time_major, units)?;
        expect(operands, 1, &[units, extents.inputs])?;
        expect(operands, 2, &[units, units])?;
        expect(operands, 3, &[units])?;
        expect(operands, 4, &[1, units])?;
        Ok(extents)
    }
}

impl OpFacts for SimpleRnn {
    fn name(&self) -> &str {
        "UNIDIRECTIONAL_SEQUENCE_RNN"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        Ok(self.extents(operands)?.output(self.time_major))
    }

    fn macs(&self, operands: &Operands<'_>) -> u64 {
        self.extents(operands).map_or(0, |extents| extents.macs(1))
    }

    /// A bias and a function for each unit and step.
    fn elementwise(&self, operands: &Operands<'_>) -> u64 {
        operands.n_output_elements().saturating_mul(2)
    }

    fn label(&self, operands: &Operands<'_>) -> String {
        self.extents(operands).map_or_else(|_| "RNN".into(), |extents| format!("RNN {}", extents.units))
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}
