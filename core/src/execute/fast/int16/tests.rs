//! The plain loops give the reference kernels' values, for sums of both widths.

use proptest::collection::vec;
use proptest::prelude::*;
use tinsmith_runtime::activation::OutputRange;
use tinsmith_runtime::element::Accumulator;
use tinsmith_runtime::fixed_point::{Multiplier, Rounding};
use tinsmith_runtime::kernels::conv2d::{Conv2dParams, conv2d};
use tinsmith_runtime::kernels::depthwise_conv2d::{DepthwiseConv2dParams, depthwise_conv2d};
use tinsmith_runtime::kernels::fully_connected::{FullyConnectedParams, fully_connected};
use tinsmith_runtime::shape::Nhwc;

use super::super::tests::{bytes, rounding, window};
use super::Bias;

/// Weights, multipliers, biases and clamp of a layer.
#[derive(Clone, Debug)]
struct Layer {
    weights: Vec<i8>,
    multipliers: Vec<Multiplier>,
    biases: Biases,
    range: OutputRange<i16>,
    rounding: Rounding,
}

#[derive(Clone, Debug)]
enum Biases {
    None,
    I32(Vec<i32>),
    I64(Vec<i64>),
}

impl Biases {
    fn view(&self) -> Bias<'_> {
        match self {
            Self::None => Bias::None,
            Self::I32(values) => Bias::I32(values),
            Self::I64(values) => Bias::I64(values),
        }
    }

    /// What `kernel` makes with the biases and sums of their width.
    fn reference(&self, kernel: impl ReferenceKernel) -> Vec<i16> {
        match self {
            Self::None => kernel.run::<i64>(None),
            Self::I32(values) => kernel.run(Some(values)),
            Self::I64(values) => kernel.run(Some(values)),
        }
    }
}

/// A kernel of the runtime with all operands but the biases.
trait ReferenceKernel {
    fn run<A: Accumulator>(&self, bias: Option<&[A]>) -> Vec<i16>;
}

/// Extremes are frequent: sums overflow there.
fn values(len: usize) -> impl Strategy<Value = Vec<i16>> {
    vec(prop_oneof![2 => any::<i16>(), 2 => Just(i16::MIN), 1 => Just(i16::MAX)], len)
}

fn layer(n_weights: usize, channels: usize) -> impl Strategy<Value = Layer> {
    let biases = prop_oneof![
        Just(Biases::None),
        vec(any::<i32>(), channels).prop_map(Biases::I32),
        vec((-1_i64 << 45)..1 << 45, channels).prop_map(Biases::I64),
    ];
    let multipliers = prop_oneof![Just(1), Just(channels)].prop_flat_map(|n| vec(-33.0..3.0_f64, n));
    let range = prop_oneof![
        Just(OutputRange::FULL),
        (any::<i16>(), any::<i16>()).prop_map(|(a, b)| OutputRange { min: a.min(b), max: a.max(b) })
    ];
    (bytes(n_weights), multipliers, biases, range, rounding()).prop_map(|(weights, exponents, biases, range, rounding)| {
        let multiplier = |exponent: f64| Multiplier::from_real(exponent.exp2(), rounding).unwrap();
        Layer { weights, multipliers: exponents.into_iter().map(multiplier).collect(), biases, range, rounding }
    })
}

struct Conv<'a>(Conv2dParams<'a, i16>, &'a [i16], &'a [i8]);

impl ReferenceKernel for Conv<'_> {
    fn run<A: Accumulator>(&self, bias: Option<&[A]>) -> Vec<i16> {
        let mut output = vec![0; self.0.output.len()];
        conv2d(&self.0, self.1, self.2, bias, &mut output);
        output
    }
}

struct Depthwise<'a>(DepthwiseConv2dParams<'a, i16>, &'a [i16], &'a [i8]);

impl ReferenceKernel for Depthwise<'_> {
    fn run<A: Accumulator>(&self, bias: Option<&[A]>) -> Vec<i16> {
        let mut output = vec![0; self.0.output.len()];
        depthwise_conv2d(&self.0, self.1, self.2, bias, &mut output);
        output
    }
}

struct Dense<'a>(FullyConnectedParams<'a, i16>, &'a [i16], &'a [i8]);

impl ReferenceKernel for Dense<'_> {
    fn run<A: Accumulator>(&self, bias: Option<&[A]>) -> Vec<i16> {
        let mut output = vec![0; self.0.batch * self.0.outputs];
        fully_connected(&self.0, self.1, self.2, bias, &mut output);
        output
    }
}

proptest! {
    #[test]
    fn convolutions_equal_the_reference(
        (input, output, window, group_channels, values, layer) in
            (window(), 1..6_usize, 1..4_usize, 1..9_usize, 1..3_usize).prop_flat_map(
                |((extent, window, out), group_channels, groups, filters, batch)| {
                    let input = Nhwc { batch, height: extent[0], width: extent[1], channels: group_channels * groups };
                    let output = Nhwc { batch, height: out[0], width: out[1], channels: filters * groups };
                    let n_weights = window.size[0] * window.size[1] * group_channels * output.channels;
                    let layer = layer(n_weights, output.channels);
                    (Just(input), Just(output), Just(window), Just(group_channels), values(input.len()), layer)
                },
            ),
    ) {
        let params = Conv2dParams {
            input,
            output,
            group_channels,
            window,
            input_zero_point: 0,
            output_zero_point: 0,
            multipliers: &layer.multipliers,
            range: layer.range,
            rounding: layer.rounding,
        };
        let expected = layer.biases.reference(Conv(params, &values, &layer.weights));
        let conv = super::conv2d::Conv2d::prepare(&params, &layer.weights, layer.biases.view());
        let mut output = vec![0; expected.len()];
        conv.run(&values, &mut output, &mut vec![0x5a5a; conv.workspace_len()]);
        prop_assert_eq!(output, expected);
    }

    #[test]
    fn depthwise_convolutions_equal_the_reference(
        (input, output, window, values, layer) in (window(), 1..90_usize, 1..4_usize, 1..3_usize).prop_flat_map(
            |((extent, window, out), channels, repeat, batch)| {
                let input = Nhwc { batch, height: extent[0], width: extent[1], channels };
                let output = Nhwc { batch, height: out[0], width: out[1], channels: channels * repeat };
                let layer = layer(window.size[0] * window.size[1] * output.channels, output.channels);
                (Just(input), Just(output), Just(window), values(input.len()), layer)
            },
        ),
    ) {
        let params = DepthwiseConv2dParams {
            input,
            output,
            window,
            input_zero_point: 0,
            output_zero_point: 0,
            multipliers: &layer.multipliers,
            range: layer.range,
            rounding: layer.rounding,
        };
        let expected = layer.biases.reference(Depthwise(params, &values, &layer.weights));
        let conv = super::depthwise_conv2d::DepthwiseConv2d::prepare(&params, &layer.weights, layer.biases.view());
        let mut output = vec![0; expected.len()];
        conv.run(&values, &mut output);
        prop_assert_eq!(output, expected);
    }

    #[test]
    fn fully_connected_layers_equal_the_reference(
        (batch, inputs, outputs, values, layer) in (1..40_usize, 1..700_usize, 1..20_usize).prop_flat_map(
            |(batch, inputs, outputs)| {
                (Just(batch), Just(inputs), Just(outputs), values(batch * inputs), layer(inputs * outputs, outputs))
            },
        ),
    ) {
        let params = FullyConnectedParams {
            batch,
            inputs,
            outputs,
            input_zero_point: 0,
            output_zero_point: 0,
            multipliers: &layer.multipliers,
            range: layer.range,
            rounding: layer.rounding,
        };
        let expected = layer.biases.reference(Dense(params, &values, &layer.weights));
        let dense = super::fully_connected::FullyConnected::prepare(&params, &layer.weights, layer.biases.view());
        let mut output = vec![0; expected.len()];
        dense.run(&values, &mut output);
        prop_assert_eq!(output, expected);
    }
}

/// Sums of nothing but the largest product go beyond 32 bits, in a row and in a window of more taps than a block.
#[test]
fn the_largest_sums_do_not_overflow() {
    let n = 4 * super::BLOCK;
    let multipliers = [Multiplier::from_real((-20.0_f64).exp2(), Rounding::Double).unwrap()];
    let (values, weights) = (vec![i16::MIN; n], vec![i8::MIN; n]);
    let finish = super::Finish::new(Bias::None, &multipliers, 1, OutputRange::FULL, Rounding::Double);
    let mut output = [0];
    super::Product::new(&weights, n, finish).run(&values, &mut output, 1);
    assert_eq!(output, [4096]);

    let side = Nhwc { batch: 1, height: 32, width: 32, channels: 1 };
    let window = tinsmith_runtime::shape::Window { size: [32, 32], stride: [1, 1], dilation: [1, 1], padding: [0, 0] };
    let params = DepthwiseConv2dParams {
        input: side,
        output: Nhwc { height: 1, width: 1, ..side },
        window,
        input_zero_point: 0,
        output_zero_point: 0,
        multipliers: &multipliers,
        range: OutputRange::FULL,
        rounding: Rounding::Double,
    };
    super::depthwise_conv2d::DepthwiseConv2d::prepare(&params, &weights, Bias::None).run(&values, &mut output);
    assert_eq!(output, [4096]);
}
