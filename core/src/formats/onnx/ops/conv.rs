//! Conv as CONV_2D and DEPTHWISE_CONV_2D.

use super::super::builder::{Builder, Fail, Value};
use super::super::call::Call;
use super::window::{Window, image, made, pair};
use crate::ops::{Activation, Conv2d, DepthwiseConv2d, Op, Padding};

pub(super) fn conv(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let image = image(builder, call, 0)?;
    let (weights, number) = call.known(1, "weights")?;
    let [n_out, n_group, h, w] = match (weights.shape.as_slice(), image.rank) {
        (&[n_out, n_group, h, w], 4) => [n_out, n_group, h, w],
        (&[n_out, n_group, w], 3) => [n_out, n_group, 1, w],
        (shape, rank) => return Err(call.broken(format!("weights of shape {shape:?} for an input of {rank} axes"))),
    };
    let groups = call.integer("group", 1);
    let groups =
        usize::try_from(groups).ok().filter(|&g| g > 0 && n_out % g == 0 && n_group.checked_mul(g) == Some(image.channels));
    let groups = groups.ok_or_else(|| {
        let of = format!("{:?} in {} groups", weights.shape, call.integer("group", 1));
        call.broken(format!("weights of shape {of} do not fit {} input channels", image.channels))
    })?;
    let window =
        Window { size: [h, w], stride: pair(call, "strides", image.rank)?, dilation: pair(call, "dilations", image.rank)? };
    if h == 0 || w == 0 {
        return Err(call.broken("a window without extent"));
    }
    let amounts = window.amounts(call, &image)?;
    let (input, padding) = match window.named(&image, &amounts) {
        Some(padding) => (image.id, padding),
        None => (window.padded(builder, &image, &amounts, None)?, Padding::Valid),
    };
    let (stride, dilation, activation) = (window.stride, window.dilation, Activation::None);
    let split = [n_out, n_group, h, w];
    let is_depthwise = n_group == 1 && groups > 1;
    let (op, permutation, shape) = if is_depthwise {
        let depth_multiplier = n_out / groups;
        let op = Op::DepthwiseConv2d(DepthwiseConv2d { stride, dilation, padding, depth_multiplier, activation });
        (op, [1, 2, 3, 0], vec![1, h, w, n_out])
    } else {
        (Op::Conv2d(Conv2d { stride, dilation, padding, activation }), [0, 2, 3, 1], vec![n_out, h, w, n_group])
    };
    let weights = builder.constant(call.name(1), (weights, number), &split, &permutation, shape)?;
    let bias = match call.input(2) {
        Some(_) => Some(call.constant_tensor(builder, 2, "bias")?),
        None => None,
    };
    let id = builder.emit(op, vec![Some(input), Some(weights), bias])?;
    Ok(Value::Tensor(made(id, image.rank)))
}
