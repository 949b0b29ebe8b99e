//! Each operator of ONNX as what the graph has for it, one file a family.

mod conv;
mod conv_transpose;
mod dense;
mod elementwise;
mod join;
mod movement;
mod normalization;
mod pool;
mod quantization;
mod recurrent;
mod reduce;
mod resize;
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
        "Softmax" | "LogSoftmax" => normalization::softmax(builder, call)?,
        "QuantizeLinear" => quantization::quantize(builder, call)?,
        "DequantizeLinear" => quantization::dequantize(builder, call)?,
        "MaxPool" | "AveragePool" => pool::pool(builder, call)?,
        "GlobalAveragePool" | "GlobalMaxPool" => pool::global(builder, call)?,
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" => reduce::reduce(builder, call)?,
        "Relu" | "LeakyRelu" | "Sigmoid" | "Tanh" | "HardSwish" | "Elu" | "Gelu" | "Exp" | "Log" | "Sqrt" | "Neg" | "Abs" => {
            elementwise::unary(builder, call)?
        }
        "Clip" => elementwise::clip(builder, call)?,
        "HardSigmoid" => elementwise::hard_sigmoid(builder, call)?,
        "PRelu" => elementwise::prelu(builder, call)?,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" => elementwise::binary(builder, call)?,
        "Min" | "Max" => elementwise::extreme(builder, call)?,
        "ConvTranspose" => conv_transpose::conv_transpose(builder, call)?,
        "Resize" | "Upsample" => resize::resize(builder, call)?,
        "LSTM" => return recurrent::lstm(builder, call),
        "GRU" => return recurrent::gru(builder, call),
        "Dropout" => return elementwise::dropout(builder, call),
        "Expand" => elementwise::expand(builder, call)?,
        "Identity" | "Cast" => elementwise::identity(builder, call)?,
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
