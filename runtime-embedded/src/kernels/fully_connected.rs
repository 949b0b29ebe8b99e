//! Fully connected layer.

use super::Channel;
use crate::activation::OutputRange;
use crate::element::{Accumulator, Quantized};
use crate::fixed_point::{Multiplier, Rounding};

/// What [`fully_connected`] needs to know beside its buffers.
#[derive(Clone, Copy, Debug)]
pub struct FullyConnectedParams<'a, T = i8> {
    /// Rows of the input and of the output.
    pub batch: usize,
    /// Elements of one input row.
    pub inputs: usize,
    /// Elements of one output row.
    pub outputs: usize,
    /// Zero point of the input, a value of its type.
    pub input_zero_point: i32,
    /// Zero point of the output, a value of its type.
    pub output_zero_point: i32,
    /// `input scale * weight scale / output scale`: `[outputs]`, or one for all.
    pub multipliers: &'a [Multiplier],
    /// Clamp of the output; a fused activation is nothing else.
    pub range: OutputRange<T>,
    /// How the accumulators are requantized.
    pub rounding: Rounding,
}

/// `output[b, o] = clamp((bias[o] + sum over i of weights[o, i] * (input[b, i] - input_zero_point)) * multiplier[o] + output_zero_point)`
///
/// * `input`: int8 or int16 `[batch, inputs]`
/// * `weights`: int8 `[outputs, inputs]`, zero point 0
/// * `bias`: int32, or int64 for int16 activations, `[outputs]` in units of `input scale * weight scale`; absent is zero
/// * `output`: the input's type, `[batch, outputs]`
pub fn fully_connected<T: Quantized, A: Accumulator>(
    params: &FullyConnectedParams<'_, T>,
    input: &[T],
    weights: &[i8],
    bias: Option<&[A]>,
    output: &mut [T],
) {
    for index in 0..params.outputs {
        let row = &weights[index * params.inputs..][..params.inputs];
        fully_connected_channel(params, &Channel::of(params.multipliers, bias, index), input, row, output);
    }
}

/// One output channel of [`fully_connected`]: writes every `outputs`-th element of `output` and no other.
///
/// `params.multipliers` is not read. `row`: int8 `[inputs]`.
pub fn fully_connected_channel<T: Quantized, A: Accumulator>(
    params: &FullyConnectedParams<'_, T>,
    channel: &Channel<A>,
    input: &[T],
    row: &[i8],
    output: &mut [T],
) {
    for batch in 0..params.batch {
        let values = &input[batch * params.inputs..][..params.inputs];
        let products =
            values.iter().zip(row).map(|(value, weight)| (value.widen() - params.input_zero_point) * i32::from(*weight));
        let sum = products.fold(A::default(), A::plus_product);
        output[batch * params.outputs + channel.index] =
            channel.finish(sum, params.output_zero_point, params.range, params.rounding);
    }
}
