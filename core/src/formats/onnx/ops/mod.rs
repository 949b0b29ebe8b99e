//! Each operator of ONNX as what the graph has for it, one file a family.

mod conv;
mod dense;
mod elementwise;
mod join;
mod movement;
mod normalization;
mod pool;
mod quantization;
mod reduce;
mod shapes;
mod window;

pub(super) use quantization::{dequantized, integer_operator, is_integer_operator};
pub(super) use shapes::{permutation, reshaped_shape, slice_ranges, split_parts};

use super::builder::{Builder, Fail, Value, refuse};
use super::call::Call;

/// The results of a node.
///
/// # Errors
/// [`Fail::Refuse`] for what is not supported, [`Fail::Broken`] for what is no sound model.
pub(super) fn import(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Vec<Value>, Fail> {
    let value = match call.node.op_type {
        "Conv" => conv::conv(builder, call)?,
        "Gemm" => dense::gemm(builder, call)?,
        "MatMul" => dense::matmul(builder, call)?,
        "BatchNormalization" => normalization::batch_norm(builder, call)?,
        "Softmax" => normalization::softmax(builder, call)?,
        "QuantizeLinear" => quantization::quantize(builder, call)?,
        "DequantizeLinear" => quantization::dequantize(builder, call)?,
        "MaxPool" | "AveragePool" => pool::pool(builder, call)?,
        "GlobalAveragePool" | "GlobalMaxPool" => pool::global(builder, call)?,
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" => reduce::reduce(builder, call)?,
        "Relu" | "Clip" | "LeakyRelu" | "Sigmoid" | "Tanh" | "HardSwish" => elementwise::unary(builder, call)?,
        "Add" | "Sub" | "Mul" => elementwise::binary(builder, call)?,
        "Neg" => elementwise::negative(builder, call)?,
        "Identity" | "Dropout" | "Cast" => elementwise::identity(builder, call)?,
        "Transpose" | "Squeeze" | "Unsqueeze" | "Reshape" | "Flatten" => movement::view(builder, call)?,
        "Slice" => movement::slice(builder, call)?,
        "Gather" => movement::gather(builder, call)?,
        "Pad" => movement::pad(builder, call)?,
        "Concat" => join::concat(builder, call)?,
        "Split" => return join::split(builder, call),
        _ => return refuse("is not known"),
    };
    Ok(vec![value])
}
