//! Layers with weights, which are decoded one output channel at a time.

use super::Context;
use super::coding::Weights;
use super::read::{Fault, MULTIPLIER_BYTES, Reader, expect_len, product};
use crate::fixed_point::Multiplier;
use crate::kernels::Channel;
use crate::kernels::conv2d::{Conv2dParams, conv2d_channel};
use crate::kernels::depthwise_conv2d::{DepthwiseConv2dParams, depthwise_conv2d_channel};
use crate::kernels::fully_connected::{FullyConnectedParams, fully_connected_channel};

/// Weights, biases and multipliers of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trained<'a> {
    /// One multiplier for each output channel, or one for all.
    multipliers: &'a [u8],
    pub(super) bias: Bias<'a>,
    pub(super) weights: Weights<'a>,
}

impl<'a> Trained<'a> {
    /// Of a layer with `channels` outputs, whose weights are decoded in `pieces` of `piece_len` values.
    fn read(r: &mut Reader<'a>, cx: &Context<'a>, channels: usize, [pieces, piece_len]: [usize; 2]) -> Result<Self, Fault> {
        let multipliers = cx.data(r)?;
        if multipliers.len() != MULTIPLIER_BYTES && multipliers.len() != product(&[MULTIPLIER_BYTES, channels])? {
            return Err("it has neither one multiplier nor one for each channel");
        }
        let bias = Bias::read(r, cx, channels)?;
        let weights = Weights::new(cx.data(r)?, pieces, piece_len)?;
        Ok(Self { multipliers, bias, weights })
    }

    /// What only a look at every value can tell.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let mut multipliers = Reader::new(self.multipliers);
        while !multipliers.rest().is_empty() {
            multipliers.multiplier()?;
        }
        self.weights.check()
    }

    /// Calls `run` with each output channel and its weights, decoded in `room`.
    fn each_channel(&self, channels: usize, room: &mut [i8], mut run: impl FnMut(&Channel, &[i8])) -> Result<(), Fault> {
        let mut decoder = self.weights.decoder()?;
        (0..channels).for_each(|index| run(&self.channel(index), decoder.channel(room)));
        Ok(())
    }

    fn channel(&self, index: usize) -> Channel {
        let at = if self.multipliers.len() == MULTIPLIER_BYTES { 0 } else { index * MULTIPLIER_BYTES };
        let multiplier: Option<Multiplier> = Reader::new(&self.multipliers[at..]).multiplier().ok();
        Channel { index, bias: self.bias.get(index), multiplier: multiplier.unwrap_or_default() }
    }
}

/// Biases, each in as few bytes as the largest of the layer needs; no bytes where there are none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bias<'a> {
    width: usize,
    bytes: &'a [u8],
}

impl<'a> Bias<'a> {
    pub(super) fn read(r: &mut Reader<'a>, cx: &Context<'a>, channels: usize) -> Result<Self, Fault> {
        let width = usize::from(r.u8()?);
        if width > 4 {
            return Err("a bias has more than 32 bits");
        }
        let bytes = cx.data(r)?;
        expect_len(bytes.len(), product(&[width, channels])?)?;
        Ok(Self { width, bytes })
    }

    pub(super) fn get(&self, index: usize) -> i32 {
        if self.width == 0 {
            return 0;
        }
        let mut wide = [0; 4];
        wide[4 - self.width..].copy_from_slice(&self.bytes[index * self.width..][..self.width]);
        // The shift brings the sign along.
        i32::from_le_bytes(wide) >> (8 * (4 - self.width))
    }
}

pub(super) fn read_conv2d<'a>(
    r: &mut Reader<'a>,
    cx: &Context<'a>,
    lens: [usize; 2],
) -> Result<(Conv2dParams<'static>, Trained<'a>), Fault> {
    let (input, output, group_channels) = (r.nhwc()?, r.nhwc()?, r.extent()?);
    let window = r.window(output)?;
    expect_len(lens[0], input.len())?;
    expect_len(lens[1], output.len())?;
    let groups = input.channels / group_channels;
    let fits = input.batch == output.batch && input.channels.is_multiple_of(group_channels);
    if !fits || groups == 0 || !output.channels.is_multiple_of(groups) {
        return Err("its channels do not fit one another");
    }
    let params = Conv2dParams {
        input,
        output,
        group_channels,
        window,
        input_zero_point: r.zero_point()?,
        output_zero_point: r.zero_point()?,
        multipliers: &[],
        range: r.range()?,
        rounding: cx.rounding,
    };
    let filter_len = product(&[window.size[0], window.size[1], group_channels])?;
    Ok((params, Trained::read(r, cx, output.channels, [output.channels, filter_len])?))
}

pub(super) fn read_depthwise<'a>(
    r: &mut Reader<'a>,
    cx: &Context<'a>,
    lens: [usize; 2],
) -> Result<(DepthwiseConv2dParams<'static>, Trained<'a>), Fault> {
    let (input, output) = (r.nhwc()?, r.nhwc()?);
    let window = r.window(output)?;
    expect_len(lens[0], input.len())?;
    expect_len(lens[1], output.len())?;
    if input.batch != output.batch || !output.channels.is_multiple_of(input.channels) {
        return Err("its channels do not fit one another");
    }
    let params = DepthwiseConv2dParams {
        input,
        output,
        window,
        input_zero_point: r.zero_point()?,
        output_zero_point: r.zero_point()?,
        multipliers: &[],
        range: r.range()?,
        rounding: cx.rounding,
    };
    // The channels' weights lie interleaved: they are decoded at once.
    let len = product(&[window.size[0], window.size[1], output.channels])?;
    Ok((params, Trained::read(r, cx, output.channels, [1, len])?))
}

pub(super) fn read_fully_connected<'a>(
    r: &mut Reader<'a>,
    cx: &Context<'a>,
    lens: [usize; 2],
) -> Result<(FullyConnectedParams<'static>, Trained<'a>), Fault> {
    let [batch, inputs, outputs] = [r.extent()?, r.extent()?, r.extent()?];
    expect_len(lens[0], product(&[batch, inputs])?)?;
    expect_len(lens[1], product(&[batch, outputs])?)?;
    let params = FullyConnectedParams {
        batch,
        inputs,
        outputs,
        input_zero_point: r.zero_point()?,
        output_zero_point: r.zero_point()?,
        multipliers: &[],
        range: r.range()?,
        rounding: cx.rounding,
    };
    Ok((params, Trained::read(r, cx, outputs, [outputs, inputs])?))
}

pub(super) fn run_conv2d(
    (params, trained): &(Conv2dParams<'_>, Trained<'_>),
    input: &[i8],
    room: &mut [i8],
    output: &mut [i8],
) -> Result<(), Fault> {
    trained.each_channel(params.output.channels, room, |channel, filter| conv2d_channel(params, channel, input, filter, output))
}

pub(super) fn run_depthwise(
    (params, trained): &(DepthwiseConv2dParams<'_>, Trained<'_>),
    input: &[i8],
    room: &mut [i8],
    output: &mut [i8],
) -> Result<(), Fault> {
    let mut decoder = trained.weights.decoder()?;
    let weights = decoder.channel(room);
    for index in 0..params.output.channels {
        depthwise_conv2d_channel(params, &trained.channel(index), input, weights, output);
    }
    Ok(())
}

pub(super) fn run_fully_connected(
    (params, trained): &(FullyConnectedParams<'_>, Trained<'_>),
    input: &[i8],
    room: &mut [i8],
    output: &mut [i8],
) -> Result<(), Fault> {
    trained.each_channel(params.outputs, room, |channel, row| fully_connected_channel(params, channel, input, row, output))
}
