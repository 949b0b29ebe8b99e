//! Fully connected layer.

use super::Channel;
use crate::activation::OutputRange;
use crate::fixed_point::{Multiplier, Rounding};

/// What [`fully_connected`] needs to know beside its buffers.
#[derive(Clone, Copy, Debug)]
pub struct FullyConnectedParams<'a> {
    /// Rows of the input and of the output.
    pub batch: usize,
    /// Elements of one input row.
    pub inputs: usize,
    /// Elements of one output row.
    pub outputs: usize,
    /// Zero point of the input, in `[-128, 127]`.
    pub input_zero_point: i32,
    /// Zero point of the output, in `[-128, 127]`.
    pub output_zero_point: i32,
    /// `input scale * weight scale / output scale`: `[outputs]`, or one for all.
    pub multipliers: &'a [Multiplier],
    /// Clamp of the output; a fused activation is nothing else.
    pub range: OutputRange,
    /// How the accumulators are requantized.
    pub rounding: Rounding,
}

/// `output[b, o] = clamp((bias[o] + sum over i of weights[o, i] * (input[b, i] - input_zero_point)) * multiplier[o] + output_zero_point)`
///
/// * `input`: int8 `[batch, inputs]`
/// * `weights`: int8 `[outputs, inputs]`, zero point 0
/// * `bias`: int32 `[outputs]` in units of `input scale * weight scale`; absent is zero
/// * `output`: int8 `[batch, outputs]`
pub fn fully_connected(params: &FullyConnectedParams, input: &[i8], weights: &[i8], bias: Option<&[i32]>, output: &mut [i8]) {
    for index in 0..params.outputs {
        let row = &weights[index * params.inputs..][..params.inputs];
        fully_connected_channel(params, &Channel::of(params.multipliers, bias, index), input, row, output);
    }
}

/// One output channel of [`fully_connected`]: writes every `outputs`-th element of `output` and no other.
///
/// `params.multipliers` is not read. `row`: int8 `[inputs]`.
pub fn fully_connected_channel(params: &FullyConnectedParams, channel: &Channel, input: &[i8], row: &[i8], output: &mut [i8]) {
    for batch in 0..params.batch {
        let values = &input[batch * params.inputs..][..params.inputs];
        let terms =
            values.iter().zip(row).map(|(value, weight)| (i32::from(*value) - params.input_zero_point) * i32::from(*weight));
        let sum = terms.fold(0_i32, i32::wrapping_add);
        output[batch * params.outputs + channel.index] =
            channel.finish(sum, params.output_zero_point, params.range, params.rounding);
    }
}
