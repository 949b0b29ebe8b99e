//! Convolutions: along one axis as along two with a height of one.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::error::Trouble;
use super::super::archive::SAVE_WHOLE;
use super::super::builder::Value;
use super::super::config::{Flag, Numbers};
use super::super::weights::Variable;
use super::activation::Function;
use super::call::{Call, transposed};
use crate::graph::TensorId;
use crate::ops::{Activation, Conv2d, DepthwiseConv2d, Op, Padding, TransposeConv};

#[derive(Deserialize)]
struct Settings<'a> {
    #[serde(default)]
    filters: f64,
    kernel_size: Numbers,
    strides: Numbers,
    padding: String,
    dilation_rate: Option<Numbers>,
    groups: Option<f64>,
    depth_multiplier: Option<f64>,
    use_bias: Option<Flag>,
    output_padding: Option<Numbers>,
    #[serde(borrow)]
    activation: Option<&'a RawValue>,
}

/// Settings that are understood.
struct Window<'a> {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
    depth_multiplier: usize,
    use_bias: bool,
    function: Function<'a>,
}

impl<'a> Window<'a> {
    fn of(call: &mut Call<'_, 'a>, settings: &Settings<'a>) -> Result<Self, Trouble> {
        let one = Numbers(vec![1.0]);
        Ok(Self {
            kernel: pair(call, "kernel_size", &settings.kernel_size)?,
            stride: pair(call, "strides", &settings.strides)?,
            dilation: pair(call, "dilation_rate", settings.dilation_rate.as_ref().unwrap_or(&one))?,
            padding: Padding::Valid,
            depth_multiplier: call.positive("depth_multiplier", settings.depth_multiplier.unwrap_or(1.0))?,
            use_bias: settings.use_bias.is_none_or(|Flag(is_set)| is_set),
            function: Function::of(call, settings.activation)?,
        })
    }

    fn depthwise(&self, activation: Activation) -> Op {
        let Self { stride, dilation, padding, depth_multiplier, .. } = *self;
        Op::DepthwiseConv2d(DepthwiseConv2d { stride, dilation, padding, depth_multiplier, activation })
    }

    /// The shape of the file's kernel: its extents along the layer's axes, then `rest`.
    fn kernel_shape(&self, call: &Call<'_, '_>, rest: [usize; 2]) -> Vec<usize> {
        self.kernel[usize::from(call.is_1d())..].iter().copied().chain(rest).collect()
    }
}

/// Height and width from one or two numbers; a layer along one axis has a height of one.
pub(super) fn pair(call: &Call<'_, '_>, what: &str, numbers: &Numbers) -> Result<[usize; 2], Trouble> {
    match (numbers.0.as_slice(), call.is_1d()) {
        (&[n], true) => Ok([1, call.positive(what, n)?]),
        (&[n], false) => Ok([call.positive(what, n)?; 2]),
        (&[h, w], false) => Ok([call.positive(what, h)?, call.positive(what, w)?]),
        (other, _) => Err(call.refuse(format!("its {what} is {other:?}"), SAVE_WHOLE)),
    }
}

/// What the layer says of borders; "causal" pads in front, by a node of its own.
pub(super) fn padding(call: &Call<'_, '_>, name: &str) -> Result<Padding, Trouble> {
    match name {
        "same" => Ok(Padding::Same),
        "valid" => Ok(Padding::Valid),
        other => Err(call.refuse(format!("its padding is \"{other}\", expected \"same\" or \"valid\""), SAVE_WHOLE)),
    }
}

/// The layer's input with the window's padding settled.
fn padded_input(call: &mut Call<'_, '_>, window: &mut Window<'_>, name: &str) -> Result<(TensorId, [usize; 4]), Trouble> {
    let (input, shape) = call.image()?;
    if name == "causal" && call.is_1d() {
        let before = (window.kernel[1] - 1).saturating_mul(window.dilation[1]);
        return super::image::padded(call, "causal", input, [[0, 0], [before, 0]]);
    }
    window.padding = padding(call, name)?;
    Ok((input, shape))
}

/// CONV_2D.
pub(super) fn conv(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let settings: Settings<'_> = call.settings()?;
    let mut window = Window::of(call, &settings)?;
    let filters = call.positive("number of filters", settings.filters)?;
    let groups = call.positive("number of groups", settings.groups.unwrap_or(1.0))?;
    let (input, [.., c_in]) = padded_input(call, &mut window, &settings.padding)?;
    if c_in % groups != 0 {
        return Err(call.refuse(format!("{c_in} channels cannot be parted into {groups} groups"), SAVE_WHOLE));
    }
    let variables = call.variables()?;
    let [kh, kw] = window.kernel;
    let file_shape = window.kernel_shape(call, [c_in / groups, filters]);
    let weights = call.weight(&variables, (0, "kernel"), &file_shape, |values| {
        (vec![filters, kh, kw, c_in / groups], transposed(&values, [kh * kw * (c_in / groups), filters]))
    })?;
    let bias = call.bias(window.use_bias, &variables, 1, filters)?;
    let (activation, rest) = window.function.fused();
    let Window { stride, dilation, padding, .. } = window;
    let op = Op::Conv2d(Conv2d { stride, dilation, padding, activation });
    let id = call.node_with_bias(op, [input, weights], bias)?;
    let id = rest.apply(call, id)?;
    Ok(call.image_value(id))
}

/// The kernel of a depthwise convolution, whose order in the file is that of the operator.
fn depthwise_weights(
    call: &mut Call<'_, '_>,
    window: &Window<'_>,
    variables: &[Variable<'_>],
    (role, c_in): (&str, usize),
) -> Result<(TensorId, usize), Trouble> {
    let file_shape = window.kernel_shape(call, [c_in, window.depth_multiplier]);
    let c_out = c_in.saturating_mul(window.depth_multiplier);
    let [kh, kw] = window.kernel;
    let weights = call.weight(variables, (0, role), &file_shape, |values| (vec![1, kh, kw, c_out], values.into()))?;
    Ok((weights, c_out))
}

/// DEPTHWISE_CONV_2D.
pub(super) fn depthwise(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let settings: Settings<'_> = call.settings()?;
    let mut window = Window::of(call, &settings)?;
    let (input, [.., c_in]) = padded_input(call, &mut window, &settings.padding)?;
    let variables = call.variables()?;
    let (weights, c_out) = depthwise_weights(call, &window, &variables, ("kernel", c_in))?;
    let bias = call.bias(window.use_bias, &variables, 1, c_out)?;
    let (activation, rest) = window.function.clone().fused();
    let id = call.node_with_bias(window.depthwise(activation), [input, weights], bias)?;
    let id = rest.apply(call, id)?;
    Ok(call.image_value(id))
}

/// DEPTHWISE_CONV_2D, then CONV_2D with a window of one.
pub(super) fn separable(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let settings: Settings<'_> = call.settings()?;
    let mut window = Window::of(call, &settings)?;
    let filters = call.positive("number of filters", settings.filters)?;
    let (input, [.., c_in]) = padded_input(call, &mut window, &settings.padding)?;
    let variables = call.variables()?;
    let (weights, c_mid) = depthwise_weights(call, &window, &variables, ("depthwise_kernel", c_in))?;
    let inner = call.node("depthwise", window.depthwise(Activation::None), &[input, weights])?;
    let ones = if call.is_1d() { vec![1] } else { vec![1, 1] };
    let file_shape: Vec<usize> = ones.into_iter().chain([c_mid, filters]).collect();
    let weights = call.weight(&variables, (1, "pointwise_kernel"), &file_shape, |values| {
        (vec![filters, 1, 1, c_mid], transposed(&values, [c_mid, filters]))
    })?;
    let bias = call.bias(window.use_bias, &variables, 2, filters)?;
    let (activation, rest) = window.function.fused();
    let op = Op::Conv2d(Conv2d { stride: [1, 1], dilation: [1, 1], padding: Padding::Valid, activation });
    let id = call.node_with_bias(op, [inner, weights], bias)?;
    let id = rest.apply(call, id)?;
    Ok(call.image_value(id))
}

/// TRANSPOSE_CONV.
pub(super) fn transposed_conv(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let settings: Settings<'_> = call.settings()?;
    let window = Window::of(call, &settings)?;
    let filters = call.positive("number of filters", settings.filters)?;
    if settings.output_padding.is_some() || window.dilation != [1, 1] {
        return Err(call.refuse("it has an output_padding or is dilated, which no runtime supports", "build it without"));
    }
    let padding = padding(call, &settings.padding)?;
    let (input, [n, h, w, c_in]) = call.image()?;
    let ([kh, kw], stride) = (window.kernel, window.stride);
    let file_shape = window.kernel_shape(call, [filters, c_in]);
    let variables = call.variables()?;
    let weights = call.weight(&variables, (0, "kernel"), &file_shape, |values| {
        let taps = kh * kw;
        // From [taps, c_out, c_in] to [c_out, taps, c_in].
        let value = |i: usize| values[(i / c_in % taps * filters + i / c_in / taps) * c_in + i % c_in];
        (vec![filters, kh, kw, c_in], (0..values.len()).map(value).collect())
    })?;
    let bias = call.bias(window.use_bias, &variables, 1, filters)?;
    let extent = |input: usize, kernel: usize, stride: usize| {
        let rest = if padding == Padding::Valid { kernel.saturating_sub(stride) } else { 0 };
        input.saturating_mul(stride).saturating_add(rest)
    };
    let output = [n, extent(h, kh, stride[0]), extent(w, kw, stride[1]), filters];
    let output = call.builder.integers(call.name, "output_shape", &output.map(|n| i32::try_from(n).unwrap_or(i32::MAX)))?;
    let (activation, rest) = window.function.fused();
    let op = Op::TransposeConv(TransposeConv { stride, padding, activation });
    let operands: Vec<TensorId> = [output, weights, input].into_iter().chain(bias).collect();
    let id = call.node("", op, &operands)?;
    let id = rest.apply(call, id)?;
    Ok(call.image_value(id))
}
