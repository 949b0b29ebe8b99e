//! QuantizeLinear, DequantizeLinear and the operators on integers, as floats between QUANTIZE and DEQUANTIZE nodes.
//!
//! Which layers compute with integers is settled on the whole graph, in `integers`. Unsigned bytes become signed ones: values
//! and zero points move by 128, what they stand for stays.

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::super::proto::Node;
use super::super::tensors::Constant;
use super::super::view::View;
use crate::ops::{Dequantize, Op, Quantize};
use crate::quant::Quantization;
use crate::tensor::{Data, ElementType};

/// Constants of at most so many values are made real: paddings, bounds.
const SMALL: usize = 1;

/// The scales and zero points in two operands, and the type of the integers.
fn parameters(
    call: &Call<'_, '_>,
    scale: usize,
    zero_point: usize,
    shape: &[usize],
) -> Result<(Quantization, ElementType, i32), Fail> {
    let (scales, _) = call.known(scale, "scale")?;
    let Some(list) = scales.data.as_f32() else { return Err(call.broken("a scale that is no float")) };
    if let Some(bad) = list.iter().find(|s| !s.is_finite() || **s <= 0.0) {
        return refuse(format!("has a scale of {bad}, which is no positive number"));
    }
    let (zeros, element) = match call.constant(zero_point) {
        Some((constant, _)) => {
            let zeros = constant.data.to_i64().ok_or_else(|| call.broken("a zero point that is no integer"))?;
            (zeros, constant.data.element())
        }
        None if call.input(zero_point).is_some() => return refuse("has its zero point computed at run time"),
        None => (vec![0; list.len()], ElementType::U8),
    };
    let (element, shift) = if element == ElementType::U8 { (ElementType::I8, -128) } else { (element, 0) };
    if zeros.len() != list.len() {
        return Err(call.broken(format!("{} scales and {} zero points", list.len(), zeros.len())));
    }
    let zeros: Vec<i32> =
        zeros.iter().map(|&z| (z.clamp(i32::MIN.into(), i32::MAX.into()) as i32).saturating_add(shift)).collect();
    let axis = if list.len() == 1 {
        None
    } else {
        let axis = call.axis(call.integer("axis", 1), shape.len())?;
        if scales.shape.len() != 1 || shape[axis] != list.len() {
            return refuse(format!(
                "has {} scales for shape {shape:?}; only one for each index of an axis is supported",
                list.len()
            ));
        }
        Some(axis)
    };
    Ok((Quantization { scales: list.into(), zero_points: zeros.into(), axis, asymmetric_inputs: false }, element, shift))
}

pub(super) fn quantize(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let shape = call.shape(builder, 0)?;
    let (quantization, element, _) = parameters(call, 1, 2, &shape)?;
    if quantization.axis.is_some() || !matches!(element, ElementType::I8 | ElementType::I16) {
        return refuse(format!("makes {} with {} scales, which is not supported", element.name(), quantization.scales.len()));
    }
    if let Some((constant, _)) = call.constant(0) {
        let Some(values) = constant.data.as_f32() else { return refuse("quantizes a constant that is quantized already") };
        let integers = values.iter().map(|&v| quantization.quantized_from_real(v, element));
        let data = match element {
            ElementType::I8 => Data::I8(integers.map(|v| v as i8).collect()),
            _ => Data::I16(integers.map(|v| v as i16).collect()),
        };
        let mut constant = Constant::new(shape, data);
        constant.quantization = Some(quantization);
        return Ok(builder.known(constant));
    }
    let view = call.view(builder, 0)?;
    let id = builder.emit(Op::Quantize(Quantize), vec![Some(view.id)])?;
    builder.retype(id, element, Some(quantization));
    Ok(Value::Tensor(view.of(id)))
}

pub(super) fn dequantize(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let shape = call.shape(builder, 0)?;
    // Without a zero point the type is that of the values.
    if let Some((constant, _)) = call.constant(0) {
        return stored(builder, call, constant, &shape);
    }
    let view = call.view(builder, 0)?;
    if builder.quantization(&view).is_none() {
        return refuse("makes integers real that are computed otherwise than by quantization, which is not supported");
    }
    real(builder, &view)
}

/// A quantized constant; a small one becomes real.
fn stored(builder: &mut Builder, call: &Call<'_, '_>, constant: &Constant, shape: &[usize]) -> Result<Value, Fail> {
    if constant.quantization.is_some() {
        // Quantized by a node of the model just before.
        return Ok(builder.known(small(constant.clone())));
    }
    let (mut quantization, _, shift) = parameters(call, 1, 2, shape)?;
    let has_zero_point = call.input(2).is_some();
    let data = match &constant.data {
        Data::U8(v) => {
            if !has_zero_point {
                quantization.zero_points = vec![-128; quantization.scales.len()].into();
            }
            Data::I8(v.iter().map(|&v| (i16::from(v) - 128) as i8).collect())
        }
        other => {
            if !has_zero_point || shift != 0 {
                quantization.zero_points = vec![0; quantization.scales.len()].into();
            }
            other.clone()
        }
    };
    let mut result = Constant::new(shape.to_vec(), data);
    result.quantization = Some(quantization);
    Ok(builder.known(small(result)))
}

fn small(constant: Constant) -> Constant {
    if constant.data.len() <= SMALL { dequantized(&constant) } else { constant }
}

/// The real values of a quantized constant.
pub(in super::super) fn dequantized(constant: &Constant) -> Constant {
    let (Some(quantization), Some(integers)) = (&constant.quantization, constant.data.to_i64()) else { return constant.clone() };
    let inner: usize = quantization.axis.map_or(1, |axis| constant.shape[axis + 1..].iter().product());
    let n_channels = quantization.scales.len().max(1);
    let channel = |i: usize| if quantization.axis.is_some() { i / inner.max(1) % n_channels } else { 0 };
    let real = |(i, &q): (usize, &i64)| {
        (q - i64::from(quantization.zero_point_of(channel(i)))) as f32 * quantization.scale_of(channel(i))
    };
    Constant::new(constant.shape.clone(), Data::F32(integers.iter().enumerate().map(real).collect()))
}

/// An activation of integers made real.
fn real(builder: &mut Builder, view: &View) -> Result<Value, Fail> {
    let id = builder.emit_helper("dequantize", Op::Dequantize(Dequantize), vec![Some(view.id)])?;
    builder.retype(id, ElementType::F32, None);
    Ok(Value::Tensor(view.of(id)))
}

/// Where an operator on integers has its values: each operand with scale and zero point, then those of the result.
struct Layout {
    float: &'static str,
    /// Places of value, scale and zero point.
    operands: Vec<[usize; 3]>,
    /// Place of a bias of integers, whose scale is the product of the operands'.
    bias: Option<usize>,
    result: [usize; 2],
}

fn layout(call: &Call<'_, '_>) -> Option<Layout> {
    let two = |float, result: [usize; 2], bias| Layout { float, operands: vec![[0, 1, 2], [3, 4, 5]], bias, result };
    let one = |float| Layout { float, operands: vec![[0, 1, 2]], bias: None, result: [3, 4] };
    Some(match call.node.op_type {
        "QLinearConv" => two("Conv", [6, 7], Some(8)),
        "QLinearMatMul" => two("MatMul", [6, 7], None),
        "QGemm" => two("Gemm", [7, 8], Some(6)),
        "QLinearAdd" => two("Add", [6, 7], None),
        "QLinearMul" => two("Mul", [6, 7], None),
        "QLinearAveragePool" => one("AveragePool"),
        "QLinearGlobalAveragePool" => one("GlobalAveragePool"),
        "QLinearSoftmax" => one("Softmax"),
        "QLinearSigmoid" => one("Sigmoid"),
        "QLinearLeakyRelu" => one("LeakyRelu"),
        "QLinearConcat" => {
            let n = call.inputs.len().saturating_sub(2) / 3;
            Layout {
                float: "Concat",
                operands: (0..n).map(|i| [2 + i * 3, 3 + i * 3, 4 + i * 3]).collect(),
                bias: None,
                result: [0, 1],
            }
        }
        _ => return None,
    })
}

/// Whether an operator works on integers, in the standard or in ONNX Runtime's own domain.
pub(in super::super) fn is_integer_operator(call: &Call<'_, '_>) -> bool {
    (call.node.is_standard() || call.node.domain == "com.microsoft") && layout(call).is_some()
}

/// An operator on integers as the float operator between DEQUANTIZE and QUANTIZE.
pub(in super::super) fn integer_operator(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let Some(layout) = layout(call) else { return refuse("is not known") };
    if call.integer("channels_last", 0) != 0 {
        return refuse("has its channels last, which is not supported");
    }
    let mut inputs = Vec::new();
    let mut names = Vec::new();
    let mut scales: Option<Vec<f32>> = None;
    for &[value, scale, zero_point] in &layout.operands {
        // Weights of a convolution have their scales along the first axis, those of a product along the last.
        let shape = call.shape(builder, value)?;
        let axis = if layout.float == "Conv" || call.integer("transB", 0) != 0 { 0 } else { shape.len().saturating_sub(1) };
        let part = part(call, &[value, scale, zero_point], axis as i64);
        inputs.push(Some(dequantize(builder, &part)?));
        names.push(call.name(value));
        let list = call.known(scale, "scale")?.0.data.as_f32().unwrap_or_default();
        scales = Some(match scales {
            Some(old) if old.len() == 1 => list.iter().map(|s| s * old[0]).collect(),
            Some(old) => old,
            None => list.to_vec(),
        });
    }
    if let Some(index) = layout.bias.filter(|&index| call.input(index).is_some()) {
        let (bias, _) = call.known(index, "bias")?;
        let scales = scales.unwrap_or_default();
        let axis = (scales.len() > 1).then_some(0);
        let mut bias = Constant::new(bias.shape.clone(), bias.data.clone());
        let zero_points = vec![0; scales.len()].into();
        bias.quantization = Some(Quantization { zero_points, scales: scales.into(), axis, asymmetric_inputs: false });
        inputs.push(Some(builder.known(bias)));
        names.push(call.name(index));
    }
    let node = Node { op_type: layout.float, domain: "", inputs: names, ..call.node.clone() };
    let float = Call { node: &node, inputs, ..call.copy() };
    let Some(result) = super::import(builder, &float)?.into_iter().next() else { return refuse("makes nothing") };
    let mut part = part(call, &[0, layout.result[0], layout.result[1]], 0);
    part.inputs[0] = Some(result);
    quantize(builder, &part)
}

/// A call of only these operands.
fn part<'n, 'a>(call: &Call<'n, 'a>, operands: &[usize], axis: i64) -> Call<'n, 'a> {
    let mut part = call.copy();
    part.inputs = operands.iter().map(|&index| call.input(index).cloned()).collect();
    part.set_axis(axis);
    part
}
