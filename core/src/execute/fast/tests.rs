//! Every instruction set that this machine has gives the reference kernels' bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use tinsmith_runtime::activation::OutputRange;
use tinsmith_runtime::fixed_point::{Affine, Multiplier, Rounding};
use tinsmith_runtime::kernels::conv2d::{Conv2dParams, conv2d};
use tinsmith_runtime::kernels::depthwise_conv2d::{DepthwiseConv2dParams, depthwise_conv2d};
use tinsmith_runtime::kernels::elementwise::{AddParams, Sum};
use tinsmith_runtime::kernels::fully_connected::{FullyConnectedParams, fully_connected};
use tinsmith_runtime::kernels::pool2d::{self, Pool2dParams};
use tinsmith_runtime::kernels::reduce::{self, ReduceParams, Reduction};
use tinsmith_runtime::kernels::softmax::{self, SoftmaxParams};
use tinsmith_runtime::shape::{Nhwc, Strided, Window};

use super::Isa;
use crate::ops::Padding;

pub(super) fn bytes(len: usize) -> impl Strategy<Value = Vec<i8>> {
    // Extremes are frequent: they are where products saturate and sums overflow in instructions that are not exact.
    vec(prop_oneof![3 => any::<i8>(), 1 => Just(i8::MIN), 1 => Just(i8::MAX)], len)
}

pub(super) fn rounding() -> impl Strategy<Value = Rounding> {
    prop_oneof![Just(Rounding::Double), Just(Rounding::Single)]
}

fn multipliers(len: usize) -> impl Strategy<Value = Vec<Multiplier>> {
    // From far below one output step a unit up to a few steps: right shifts, none, left shifts, and zero.
    let real = prop_oneof![9 => -30.0..4.0_f64, 1 => Just(-200.0)];
    vec(real, len).prop_map(|exponents| {
        exponents.into_iter().map(|exponent| Multiplier::from_real(exponent.exp2(), Rounding::Double).unwrap()).collect()
    })
}

fn range() -> impl Strategy<Value = OutputRange> {
    prop_oneof![
        Just(OutputRange::FULL),
        (any::<i8>(), any::<i8>()).prop_map(|(a, b)| OutputRange { min: a.min(b), max: a.max(b) })
    ]
}

/// Extents, strides, dilations, padding of a window that fits.
pub(super) fn window() -> impl Strategy<Value = ([usize; 2], Window, [usize; 2])> {
    let axis = (1..9_usize, 1..5_usize, 1..4_usize, 1..3_usize);
    (axis.clone(), axis, any::<bool>()).prop_filter_map("the window fits", |(vertical, horizontal, same)| {
        let padding = if same { Padding::Same } else { Padding::Valid };
        let along = |(extent, size, stride, dilation)| padding.resolve(extent, size, stride, dilation);
        let (height, top, _) = along(vertical)?;
        let (width, left, _) = along(horizontal)?;
        let window = Window {
            size: [vertical.1, horizontal.1],
            stride: [vertical.2, horizontal.2],
            dilation: [vertical.3, horizontal.3],
            padding: [top, left],
        };
        Some(([vertical.0, horizontal.0], window, [height, width]))
    })
}

#[derive(Clone, Debug)]
struct Case {
    input: Nhwc,
    output: Nhwc,
    window: Window,
    zero_points: [i32; 2],
    multipliers: Vec<Multiplier>,
    range: OutputRange,
    rounding: Rounding,
    values: Vec<i8>,
    weights: Vec<i8>,
    bias: Option<Vec<i32>>,
}

/// A layer whose weights take `taps(kernel, c_in, c_out)` values.
fn case(
    channels: impl Strategy<Value = (usize, usize)>,
    taps: impl Fn(usize, usize, usize) -> usize + Copy,
) -> impl Strategy<Value = Case> {
    (window(), channels, 1..3_usize).prop_flat_map(move |((extent, window, out), (c_in, c_out), batch)| {
        let input = Nhwc { batch, height: extent[0], width: extent[1], channels: c_in };
        let output = Nhwc { batch, height: out[0], width: out[1], channels: c_out };
        let n_weights = taps(window.size[0] * window.size[1], c_in, c_out);
        let n_multipliers = prop_oneof![Just(1), Just(c_out)];
        (
            (Just(input), Just(output), Just(window), [-128..128, -128..128]),
            (n_multipliers.prop_flat_map(multipliers), range(), rounding()),
            bytes(input.len()),
            bytes(n_weights),
            proptest::option::of(vec(-100_000..100_000, c_out)),
        )
            .prop_map(|((input, output, window, zero_points), (multipliers, range, rounding), values, weights, bias)| {
                Case { input, output, window, zero_points, multipliers, range, rounding, values, weights, bias }
            })
    })
}

proptest! {
    #[test]
    fn convolutions_equal_the_reference(case in case((1..10_usize, 1..70_usize), |kernel, c_in, c_out| kernel * c_in * c_out)) {
        let params = Conv2dParams {
            input: case.input,
            output: case.output,
            group_channels: case.input.channels,
            window: case.window,
            input_zero_point: case.zero_points[0],
            output_zero_point: case.zero_points[1],
            multipliers: &case.multipliers,
            range: case.range,
            rounding: case.rounding,
        };
        let bias = case.bias.as_deref();
        let mut expected = vec![0; case.output.len()];
        conv2d(&params, &case.values, &case.weights, bias, &mut expected);
        for isa in Isa::available() {
            let conv = super::conv2d::Conv2d::prepare(&params, &case.weights, bias, isa);
            let mut workspace = vec![0xa5; conv.workspace_bytes()];
            let mut output = vec![0; expected.len()];
            conv.run(&case.values, &mut output, &mut workspace);
            prop_assert_eq!(&output, &expected, "{}", isa.name());
        }
    }

    #[test]
    fn grouped_convolutions_equal_the_reference(
        case in case((1..4_usize, 1..4_usize).prop_map(|(a, b)| (2 * a, 2 * b)), |kernel, c_in, c_out| kernel * c_in / 2 * c_out),
    ) {
        let params = Conv2dParams {
            input: case.input,
            output: case.output,
            group_channels: case.input.channels / 2,
            window: case.window,
            input_zero_point: case.zero_points[0],
            output_zero_point: case.zero_points[1],
            multipliers: &case.multipliers,
            range: case.range,
            rounding: case.rounding,
        };
        let bias = case.bias.as_deref();
        let mut expected = vec![0; case.output.len()];
        conv2d(&params, &case.values, &case.weights, bias, &mut expected);
        let conv = super::conv2d::Conv2d::prepare(&params, &case.weights, bias, Isa::detect());
        let mut output = vec![0; expected.len()];
        conv.run(&case.values, &mut output, &mut vec![0; conv.workspace_bytes()]);
        prop_assert_eq!(output, expected);
    }

    #[test]
    fn depthwise_convolutions_equal_the_reference(
        case in case((1..40_usize, 1..4_usize).prop_map(|(c_in, repeat)| (c_in, c_in * repeat)), |kernel, _, c_out| kernel * c_out),
    ) {
        let params = DepthwiseConv2dParams {
            input: case.input,
            output: case.output,
            window: case.window,
            input_zero_point: case.zero_points[0],
            output_zero_point: case.zero_points[1],
            multipliers: &case.multipliers,
            range: case.range,
            rounding: case.rounding,
        };
        let bias = case.bias.as_deref();
        let mut expected = vec![0; case.output.len()];
        depthwise_conv2d(&params, &case.values, &case.weights, bias, &mut expected);
        for isa in Isa::available() {
            let conv = super::depthwise_conv2d::DepthwiseConv2d::prepare(&params, &case.weights, bias, isa);
            let mut workspace = vec![0xa5; conv.workspace_bytes()];
            let mut output = vec![0; expected.len()];
            conv.run(&case.values, &mut output, &mut workspace);
            prop_assert_eq!(&output, &expected, "{}", isa.name());
        }
    }

    #[test]
    fn fully_connected_layers_equal_the_reference(
        (case, batch, inputs, outputs) in (1..40_usize, 1..90_usize, 1..80_usize).prop_flat_map(|(batch, inputs, outputs)| {
            let n_multipliers = prop_oneof![Just(1), Just(outputs)];
            let parts = (
                [-128..128, -128..128],
                n_multipliers.prop_flat_map(multipliers),
                (range(), rounding()),
                bytes(batch * inputs),
                bytes(inputs * outputs),
                proptest::option::of(vec(any::<i32>().prop_map(|bias| bias >> 4), outputs)),
            );
            (parts, Just(batch), Just(inputs), Just(outputs))
        }),
    ) {
        let (zero_points, multipliers, (range, rounding), values, weights, bias) = case;
        let params = FullyConnectedParams {
            batch,
            inputs,
            outputs,
            input_zero_point: zero_points[0],
            output_zero_point: zero_points[1],
            multipliers: &multipliers,
            range,
            rounding,
        };
        let mut expected = vec![0; batch * outputs];
        fully_connected(&params, &values, &weights, bias.as_deref(), &mut expected);
        for isa in Isa::available() {
            let layer = super::fully_connected::FullyConnected::prepare(&params, &weights, bias.as_deref(), isa);
            let mut workspace = vec![0xa5; layer.workspace_bytes()];
            let mut output = vec![0; expected.len()];
            layer.run(&values, &mut output, &mut workspace);
            prop_assert_eq!(&output, &expected, "{}", isa.name());
        }
    }

    #[test]
    fn sums_equal_the_reference(
        (left, right) in (1..100_usize).prop_flat_map(|len| (bytes(len), bytes(len))),
        scales in [1e-4..2.0_f32, 1e-4..2.0_f32, 1e-4..2.0_f32],
        zero_points in [-128..128, -128..128, -128..128],
        (range, rounding, subtract) in (range(), rounding(), any::<bool>()),
    ) {
        let affine = |index: usize| Affine { scale: scales[index], zero_point: zero_points[index] };
        let sum = if subtract { Sum::Sub } else { Sum::Add };
        let Some(params) = AddParams::prepare(sum, [affine(0), affine(1), affine(2)], range, rounding) else { return Ok(()) };
        let expected: Vec<i8> = left.iter().zip(&right).map(|(left, right)| params.apply(*left, *right)).collect();
        for isa in Isa::available() {
            let mut output = vec![0; expected.len()];
            super::elementwise::Add::prepare(&params, isa).run(&left, &right, &mut output);
            prop_assert_eq!(&output, &expected, "{}", isa.name());
        }
    }

    #[test]
    fn poolings_equal_the_reference(case in case((1..150_usize).prop_map(|c| (c, c)), |_, _, _| 0)) {
        let window = Window { dilation: [1, 1], ..case.window };
        let params = Pool2dParams { input: case.input, output: case.output, window, range: case.range };
        let mut expected = vec![0; case.output.len()];
        let mut output = vec![0; case.output.len()];
        pool2d::average_pool2d(&params, &case.values, &mut expected);
        super::pool2d::average_pool2d(&params, &case.values, &mut output);
        prop_assert_eq!(&output, &expected);
        pool2d::max_pool2d(&params, &case.values, &mut expected);
        super::pool2d::max_pool2d(&params, &case.values, &mut output);
        prop_assert_eq!(&output, &expected);
    }

    #[test]
    fn reductions_equal_the_reference(
        (shape, values) in vec(1..9_usize, 1..5).prop_flat_map(|mut shape: Vec<usize>| {
            if let Some(channels) = shape.last_mut() {
                *channels *= 17;
            }
            let len = shape.iter().product();
            (Just(shape), bytes(len))
        }),
        reduced in vec(any::<bool>(), 5),
        scales in [1e-3..1.0_f32, 1e-3..1.0_f32],
        zero_points in [-128..128, -128..128],
        (rounding, mean) in (rounding(), any::<bool>()),
    ) {
        let whole = Strided::contiguous(&shape).unwrap();
        let parts = [whole.along(|axis| !reduced[axis]), whole.along(|axis| reduced[axis])];
        let affine = |index: usize| Affine { scale: scales[index], zero_point: zero_points[index] };
        let reduction = if mean { Reduction::Mean } else { Reduction::Sum };
        let params = ReduceParams::prepare(reduction, parts, [affine(0), affine(1)], rounding).unwrap();
        let mut expected = vec![0; params.kept.len()];
        let mut output = expected.clone();
        reduce::reduce(&params, &values, &mut expected);
        super::reduce::reduce(&params, &values, &mut output);
        prop_assert_eq!(output, expected);
    }

    #[test]
    fn softmaxes_equal_the_reference(
        (depth, values) in (1..50_usize, 1..5_usize).prop_flat_map(|(depth, rows)| (Just(depth), bytes(depth * rows))),
        (beta, scale, rounding) in (0.1..3.0_f32, 1e-4..4.0_f32, rounding()),
    ) {
        let params = SoftmaxParams::prepare(depth, beta, scale, rounding).unwrap();
        let mut expected = vec![0; values.len()];
        let mut output = expected.clone();
        softmax::softmax(&params, &values, &mut expected);
        super::softmax::Softmax::prepare(&params).run(&values, &mut output);
        prop_assert_eq!(output, expected);
    }
}
