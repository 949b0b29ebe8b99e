//! Each operator's import and export side by side, so that a mapping cannot be changed by half.
//!
//! To add an operator: a file here with its [`Mapping`], a line in the list at the end of this file.

mod activation;
mod batch_mat_mul;
mod concatenation;
mod conv2d;
mod depthwise_conv2d;
mod elementwise;
mod fully_connected;
mod gather;
mod movement;
mod pad;
mod pool2d;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
#[cfg(test)]
mod tests;
mod transpose_conv;

use super::schema::{self, BuiltinOperator};
use super::share::Sharing;
use crate::ops::{self, Activation, Op, Operands, Padding, Unknown};
use crate::tensor::{ElementType, Tensor};

/// An operator as it stands in the file.
pub(super) struct Source<'a> {
    pub(super) operator: schema::Operator<'a>,
    pub(super) code: BuiltinOperator,
    /// Whether operand 1 is a constant.
    pub(super) has_constant_operand_1: bool,
}

/// Why an operator that is known by name cannot be taken: a sentence's middle, after the operator's name.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal(pub(super) String);

/// The options table of an operator, written: its type in the union, and where it lies. `None`: the operator has none.
pub(super) type Options = Option<(schema::BuiltinOptions, u32)>;

/// How one operator of ours is written in the file, and read from it.
trait Mapping: Sized {
    /// The codes that this operator has in the file.
    const CODES: &'static [BuiltinOperator];

    /// The operator in the file as ours.
    fn import(source: &Source<'_>) -> Result<Self, Refusal>;

    /// Its code in the file.
    fn code(&self) -> BuiltinOperator {
        Self::CODES[0]
    }

    /// The lowest version of the operator that can do this. Source: TFLite `tools/versioning/op_version.cc`.
    fn version(&self, operands: &Operands<'_>) -> i32;

    /// Writes the options table.
    fn options(&self, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options;
}

/// How an operator is written.
pub(super) struct Written {
    pub(super) code: BuiltinOperator,
    pub(super) version: i32,
    pub(super) options: Options,
}

/// Names of the options that a file leaves out although the operator cannot be read without.
fn without_options<T>() -> Result<T, Refusal> {
    Err(Refusal("has no options, so its meaning is not known".into()))
}

/// A count that must be at least 1 (strides, dilations, windows).
fn positive(value: i32, what: &str) -> Result<usize, Refusal> {
    match usize::try_from(value) {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(Refusal(format!("has a {what} of {value}"))),
    }
}

/// The same on the way out; attributes come from a file or a step, so they fit.
fn narrow(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn activation_from(file: schema::ActivationFunctionType) -> Result<Activation, Refusal> {
    match file {
        schema::ActivationFunctionType::NONE => Ok(Activation::None),
        schema::ActivationFunctionType::RELU => Ok(Activation::Relu),
        schema::ActivationFunctionType::RELU_N1_TO_1 => Ok(Activation::ReluN1To1),
        schema::ActivationFunctionType::RELU6 => Ok(Activation::Relu6),
        schema::ActivationFunctionType::TANH => Ok(Activation::Tanh),
        other => Err(Refusal(format!("has fused activation {other:?}, which no microcontroller runtime knows"))),
    }
}

fn activation_to(activation: Activation) -> schema::ActivationFunctionType {
    match activation {
        Activation::None => schema::ActivationFunctionType::NONE,
        Activation::Relu => schema::ActivationFunctionType::RELU,
        Activation::ReluN1To1 => schema::ActivationFunctionType::RELU_N1_TO_1,
        Activation::Relu6 => schema::ActivationFunctionType::RELU6,
        Activation::Tanh => schema::ActivationFunctionType::TANH,
    }
}

fn padding_from(file: schema::Padding) -> Result<Padding, Refusal> {
    match file {
        schema::Padding::SAME => Ok(Padding::Same),
        schema::Padding::VALID => Ok(Padding::Valid),
        other => Err(Refusal(format!("has padding {}, expected 0 (same) or 1 (valid)", other.0))),
    }
}

fn padding_to(padding: Padding) -> schema::Padding {
    match padding {
        Padding::Same => schema::Padding::SAME,
        Padding::Valid => schema::Padding::VALID,
    }
}

/// Element type of operand `index`, if it is there.
fn element(operands: &Operands<'_>, index: usize) -> Option<ElementType> {
    operands.optional(index).map(|t| t.element)
}

/// Version by the type of operand `index`: 1 unless the type is listed.
fn version_by_type(operands: &Operands<'_>, index: usize, versions: &[(ElementType, i32)]) -> i32 {
    let element = element(operands, index);
    versions.iter().find(|(listed, _)| Some(*listed) == element).map_or(1, |(_, version)| *version)
}

/// Whether an operator in the file asks for a zero point where LiteRT quantizes its float activations.
pub(super) fn states_asymmetric_inputs(operator: &schema::Operator<'_>) -> bool {
    let stated = [
        operator.builtin_options_as_fully_connected_options().map(|o| o.asymmetric_quantize_inputs()),
        operator.builtin_options_as_batch_mat_mul_options().map(|o| o.asymmetric_quantize_inputs()),
        operator.builtin_options_as_unidirectional_sequence_lstmoptions().map(|o| o.asymmetric_quantize_inputs()),
        operator.builtin_options_as_sequence_rnnoptions().map(|o| o.asymmetric_quantize_inputs()),
    ];
    stated.contains(&Some(true))
}

/// The same of ours, whose weights are operand `index`.
fn asymmetric_inputs(operands: &Operands<'_>, index: usize) -> bool {
    let asymmetric = |w: &Tensor| w.quantization.as_ref().is_some_and(|q| q.asymmetric_inputs);
    element(operands, 0) == Some(ElementType::F32) && operands.optional(index).is_some_and(asymmetric)
}

/// The type that a layer with 16-bit activations states for its bias; elsewhere it goes without saying.
fn quantized_bias_type(operands: &Operands<'_>) -> schema::TensorType {
    match (element(operands, 0), element(operands, 2)) {
        (Some(ElementType::I16), Some(ElementType::I64)) => schema::TensorType::INT64,
        (Some(ElementType::I16), Some(ElementType::I32)) => schema::TensorType::INT32,
        _ => schema::TensorType::FLOAT32,
    }
}

/// The name of a builtin code, in words that can be searched for.
pub(super) fn code_name(code: BuiltinOperator) -> String {
    code.variant_name().map_or_else(|| format!("operator {}", code.0), str::to_owned)
}

/// An operator that is shown only.
pub(super) fn unknown(code: BuiltinOperator) -> Op {
    Op::Unknown(Unknown { name: code_name(code), is_custom: false })
}

/// From the one list of operators: import by code, export by variant. The `match` has no `_`, so the compiler names the
/// operator that was forgotten.
macro_rules! operators {
    ($($operator:ident),* $(,)?) => {
        /// The operator in the file as ours; an unknown one if its code is not listed.
        pub(super) fn import(source: &Source<'_>) -> Result<Op, Refusal> {
            $(if <ops::$operator as Mapping>::CODES.contains(&source.code) {
                return <ops::$operator as Mapping>::import(source).map(Op::$operator);
            })*
            Ok(unknown(source.code))
        }

        /// Writes an operator; `None` if the format has none like it.
        pub(super) fn export(op: &Op, operands: &Operands<'_>, out: &mut Sharing<'_>) -> Option<Written> {
            match op {
                $(Op::$operator(op) => Some(Written {
                    code: op.code(),
                    version: op.version(operands),
                    options: op.options(operands, out),
                }),)*
                Op::Unknown(_) | Op::BatchNorm(_) | Op::Identity(_) | Op::Gru(_) => None,
            }
        }
    };
}

operators![
    Conv2d,
    DepthwiseConv2d,
    FullyConnected,
    Binary,
    Pool2d,
    Reduce,
    Pad,
    Softmax,
    Unary,
    LeakyRelu,
    Reshape,
    Squeeze,
    ExpandDims,
    Transpose,
    Concatenation,
    Split,
    Pack,
    StridedSlice,
    Shape,
    Quantize,
    Dequantize,
    ResizeNearestNeighbor,
    TransposeConv,
    BatchMatMul,
    PadV2,
    MirrorPad,
    LogSoftmax,
    PRelu,
    SplitV,
    Unpack,
    Slice,
    Gather,
    Cast,
    ResizeBilinear,
    Lstm,
    SimpleRnn,
];
