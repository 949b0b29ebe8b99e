//! The fused LSTM: the weights of one unit of one gate are decoded at a time, anew at each step of the sequence.

use super::Context;
use super::coding::Weights;
use super::layer::Bias;
use super::read::{Fault, Reader, expect_len, product};
use crate::kernels::lstm::{LstmParams, LstmState};

/// An LSTM with its coded weights: input gate, forget gate, cell, output gate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lstm<'a> {
    params: LstmParams,
    input: [Weights<'a>; 4],
    recurrent: [Weights<'a>; 4],
    bias: [Bias<'a>; 4],
}

impl<'a> Lstm<'a> {
    pub(super) fn read(r: &mut Reader<'a>, cx: &Context<'a>, lens: [usize; 2]) -> Result<Self, Fault> {
        let [steps, inputs, units] = [r.extent()?, r.extent()?, r.extent()?];
        expect_len(lens[0], product(&[steps, inputs])?)?;
        expect_len(lens[1], product(&[steps, units])?)?;
        let params = LstmParams {
            inputs,
            units,
            input_zero_point: r.zero_point()?,
            hidden_zero_point: r.zero_point()?,
            from_input: r.multipliers()?,
            from_hidden: r.multipliers()?,
            keep: r.multiplier()?,
            take: r.multiplier()?,
            give: r.multiplier()?,
            cell_power: i32::from(r.i8()?),
            cell_clip: i16::try_from(r.varint()?).map_err(|_| "the bound of its cell state is too large")?,
            rounding: cx.rounding,
        };
        if !(-20..=0).contains(&params.cell_power) {
            return Err("its cell state has a scale that is not supported");
        }
        let input = four(|| Weights::new(cx.data(r)?, units, inputs))?;
        let recurrent = four(|| Weights::new(cx.data(r)?, units, units))?;
        let bias = four(|| Bias::read(r, cx, units))?;
        Ok(Self { params, input, recurrent, bias })
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        self.input.iter().chain(&self.recurrent).try_for_each(Weights::check)
    }

    /// Two rows of weights, hidden state of 8 bits, cell state and four gates of 16, and a byte to begin those at an even
    /// address.
    pub(super) fn workspace_bytes(&self) -> Result<usize, Fault> {
        product(&[self.params.units, 11])?.checked_add(self.rows_bytes() + 1).ok_or("it needs too much memory")
    }

    fn rows_bytes(&self) -> usize {
        let most = |weights: &[Weights<'_>; 4]| weights.iter().map(Weights::workspace_bytes).max().unwrap_or(0);
        most(&self.input) + most(&self.recurrent)
    }

    pub(super) fn run(&self, input: &[i8], workspace: &mut [u8], output: &mut [i8]) -> Result<(), Fault> {
        let (params, units) = (&self.params, self.params.units);
        let (rows, rest) = workspace.split_at_mut(self.rows_bytes());
        let (hidden, rest) = rest.split_at_mut(units);
        let wide: &mut [i16] = bytemuck::pod_align_to_mut(rest).1;
        let (cell, gates) = wide[..5 * units].split_at_mut(units);
        let mut state = LstmState { hidden: bytemuck::cast_slice_mut(hidden), cell, gates };
        params.reset(&mut state);
        for (input, output) in input.chunks_exact(params.inputs).zip(output.chunks_exact_mut(units)) {
            for gate in 0..4 {
                self.gate(gate, input, bytemuck::cast_slice_mut(rows), &mut state)?;
            }
            params.update(&mut state);
            output.copy_from_slice(state.hidden);
        }
        Ok(())
    }

    fn gate(&self, gate: usize, input: &[i8], rows: &mut [i8], state: &mut LstmState<'_>) -> Result<(), Fault> {
        let (of_input, of_hidden) = rows.split_at_mut(self.input[gate].workspace_bytes());
        let mut from_input = self.input[gate].decoder()?;
        let mut from_hidden = self.recurrent[gate].decoder()?;
        for unit in 0..self.params.units {
            let rows = [from_input.channel(of_input), from_hidden.channel(of_hidden)];
            let value = self.params.gate(gate, rows, self.bias[gate].get(unit), input, state.hidden);
            state.gates[gate * self.params.units + unit] = value;
        }
        Ok(())
    }
}

fn four<T>(mut one: impl FnMut() -> Result<T, Fault>) -> Result<[T; 4], Fault> {
    Ok([one()?, one()?, one()?, one()?])
}
