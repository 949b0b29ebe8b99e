//! Dense.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::error::Trouble;
use super::super::builder::{Form, Value};
use super::super::config::Flag;
use super::activation::Function;
use super::call::{Call, transposed};
use crate::ops::{FullyConnected, Op};

#[derive(Deserialize)]
struct Settings<'a> {
    units: f64,
    use_bias: Option<Flag>,
    #[serde(borrow)]
    activation: Option<&'a RawValue>,
}

/// FULLY_CONNECTED along the last axis; a sequence keeps its other axes.
pub(super) fn dense(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let settings: Settings<'_> = call.settings()?;
    let units = call.positive("number of units", settings.units)?;
    let function = Function::of(call, settings.activation)?;
    let (input, form) = call.any_operand()?;
    let shape = &call.builder.graph.tensor(input).shape;
    let (c_in, keep_num_dims) = (shape.last().copied().unwrap_or(0), shape.len() > 2);
    let variables = call.variables()?;
    let kernel = [c_in, units];
    let weights = call.weight(&variables, (0, "kernel"), &kernel, |values| (vec![units, c_in], transposed(&values, kernel)))?;
    let bias = call.bias(settings.use_bias.is_none_or(|Flag(is_set)| is_set), &variables, 1, units)?;
    let (activation, rest) = function.fused();
    let op = Op::FullyConnected(FullyConnected { keep_num_dims, activation });
    let id = call.node_with_bias(op, [input, weights], bias)?;
    let id = rest.apply(call, id)?;
    Ok(call.builder.value_as(id, if form == Form::Image { Form::Image } else { Form::Plain }))
}
