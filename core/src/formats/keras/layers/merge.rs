//! Layers of several inputs: Add and its kin, Concatenate.

use serde::Deserialize;

use super::super::super::error::Trouble;
use super::super::builder::{Form, Value};
use super::call::Call;
use crate::graph::TensorId;
use crate::ops::{Activation, Binary, BinaryKind, Concatenation, Op, resolve_axis};

/// All inputs in one form: as images if all are that already, else as Keras sees them.
fn operands(call: &mut Call<'_, '_>) -> Result<(Vec<TensorId>, Form), Trouble> {
    let is_image = |value: &Value| call.builder.cheapest(*value) == Form::Image;
    let form = if call.inputs.iter().all(is_image) { Form::Image } else { Form::Plain };
    let inputs = call.inputs.iter().map(|&value| call.builder.tensor(value, form, call.name));
    Ok((inputs.collect::<Result<Vec<_>, _>>()?, form))
}

/// ADD, SUB, MUL, MAXIMUM, MINIMUM of two operands, again and again where there are more.
pub(super) fn elementwise(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let (kind, verb) = match call.class {
        "Subtract" => (BinaryKind::Sub, "subtract"),
        "Multiply" => (BinaryKind::Mul, "multiply"),
        "Maximum" => (BinaryKind::Maximum, "maximum"),
        "Minimum" => (BinaryKind::Minimum, "minimum"),
        _ => (BinaryKind::Add, "add"),
    };
    let (inputs, form) = operands(call)?;
    let (Some((&first, rest)), true) = (inputs.split_first(), inputs.len() >= 2) else {
        return Err(call.refuse(format!("it is applied to {} values, expected two or more", inputs.len()), "apply it to a list"));
    };
    let is_average = call.class == "Average";
    let mut sum = first;
    for (i, &next) in rest.iter().enumerate() {
        let is_last = i + 1 == rest.len();
        let role = if is_last && !is_average { "" } else { verb };
        sum = call.node(role, Op::Binary(Binary { kind, activation: Activation::None }), &[sum, next])?;
    }
    if is_average {
        sum = share(call, sum, inputs.len())?;
    }
    Ok(call.builder.value_as(sum, form))
}

/// One `n`th of a sum.
///
/// # Errors
/// The graph grows too large.
pub(super) fn share(call: &mut Call<'_, '_>, sum: TensorId, n: usize) -> Result<TensorId, Trouble> {
    let share = call.builder.reals(call.name, "share", vec![], &[1.0 / n as f32])?;
    call.node("", Op::Binary(Binary { kind: BinaryKind::Mul, activation: Activation::None }), &[sum, share])
}

/// CONCATENATION.
pub(super) fn concatenate(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        axis: Option<i64>,
    }
    let settings: Settings = call.settings()?;
    let (inputs, form) = operands(call)?;
    let n_axes = call.inputs.first().map_or(0, |&value| call.builder.shape(value).len());
    let axis = match resolve_axis(settings.axis.unwrap_or(-1), n_axes) {
        Ok(axis) if axis > 0 => axis,
        _ => return Err(call.refuse("it runs along the batch or an axis that its inputs lack", "concatenate along a later axis")),
    };
    // An image of one row has an axis more, after the batch.
    let axis = if form == Form::Image { axis + 1 } else { axis };
    let op = Op::Concatenation(Concatenation { axis: axis as i32, activation: Activation::None });
    let id = call.node("", op, &inputs)?;
    Ok(call.builder.value_as(id, form))
}
