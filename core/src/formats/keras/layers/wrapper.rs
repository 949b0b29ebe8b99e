//! Layers around a layer: Bidirectional, TimeDistributed.

use serde::Deserialize;

use super::super::super::error::Trouble;
use super::super::builder::{Form, Value};
use super::super::config::Described;
use super::super::weights::LayerWeights;
use super::call::Call;
use super::recurrent::{Recurrent, check_class, last_step, reversed};
use super::{build, merge};
use crate::graph::TensorId;
use crate::ops::{Activation, Binary, BinaryKind, Concatenation, Op};

/// A recurrent layer from both ends, and what they give merged.
pub(super) fn bidirectional(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings<'s> {
        #[serde(borrow)]
        layer: Described<'s>,
        #[serde(borrow)]
        backward_layer: Option<Described<'s>>,
        merge_mode: Option<String>,
    }
    let settings: Settings<'_> = call.settings()?;
    let [there, back] = call.weights.halves(["forward_layer", "backward_layer"])?;
    let described = [&settings.layer, settings.backward_layer.as_ref().unwrap_or(&settings.layer)];
    let input = call.operand(Form::Plain)?;
    let first = direction(call, described[0], (&there, "forward"), None)?;
    let second = direction(call, described[1], (&back, "backward"), Some(!first.goes_backwards))?;
    let mut results = Vec::new();
    for (layer, role) in [(first, "forward"), (second, "backward")] {
        let sequence = layer.sequence(call, input, role)?;
        results.push(match (layer.returns_sequences, layer.goes_backwards) {
            (false, _) => last_step(call, &format!("{role}_last"), sequence)?,
            (true, true) => reversed(call, &format!("{role}_in_order"), sequence)?,
            (true, false) => sequence,
        });
    }
    let id = merged(call, settings.merge_mode.as_deref(), &results)?;
    Ok(call.builder.value(id))
}

fn direction<'a>(
    call: &mut Call<'_, '_>,
    layer: &'a Described<'_>,
    (weights, name): (&LayerWeights<'a>, &'a str),
    goes_backwards: Option<bool>,
) -> Result<Recurrent<'a>, Trouble> {
    check_class(call, &layer.class_name)?;
    let mut layer = Recurrent::of(call, &layer.class_name, layer.config.get(), weights, name)?;
    layer.goes_backwards = goes_backwards.unwrap_or(layer.goes_backwards);
    Ok(layer)
}

fn merged(call: &mut Call<'_, '_>, mode: Option<&str>, results: &[TensorId]) -> Result<TensorId, Trouble> {
    let binary = |kind| Op::Binary(Binary { kind, activation: Activation::None });
    match mode {
        Some("concat") => call.node("", Op::Concatenation(Concatenation { axis: -1, activation: Activation::None }), results),
        Some("sum") => call.node("", binary(BinaryKind::Add), results),
        Some("mul") => call.node("", binary(BinaryKind::Mul), results),
        Some("ave") => {
            let sum = call.node("add", binary(BinaryKind::Add), results)?;
            merge::share(call, sum, results.len())
        }
        other => Err(call.refuse(
            format!("its merge_mode is {}, expected concat, sum, mul or ave", other.unwrap_or("None")),
            "merge the two directions",
        )),
    }
}

/// Classes that treat every step of a sequence alike anyway.
const STEPWISE: [&str; 12] = [
    "Dense",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "Softmax",
    "BatchNormalization",
    "Dropout",
    "Rescaling",
    "GaussianNoise",
    "Identity",
    "LayerNormalization",
];

/// A layer applied to each step of a sequence.
pub(super) fn time_distributed(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings<'s> {
        #[serde(borrow)]
        layer: Described<'s>,
    }
    let settings: Settings<'_> = call.settings()?;
    let class = settings.layer.class_name.as_str();
    if class == "Flatten" {
        let shape = call.builder.shape(call.input()?).to_vec();
        let n = shape.iter().skip(2).fold(1_usize, |n, &extent| n.saturating_mul(extent));
        let (input, _) = call.any_operand()?;
        let steps = shape.get(1).copied().unwrap_or(1);
        let id = call.builder.reshape(call.name, "", Some(input), &[1, steps, n])?;
        return Ok(call.builder.value(id));
    }
    if !STEPWISE.contains(&class) {
        let remedy = "use layers over whole sequences instead (Dense, Conv1D, Conv2D over [1, t, c])";
        return Err(call.refuse(format!("a {class} for each step is not read"), remedy));
    }
    let weights = call.weights.inner("layer")?;
    let mut inner = Call {
        builder: call.builder,
        class,
        name: call.name,
        key: call.key,
        config: settings.layer.config.get(),
        inputs: call.inputs,
        weights,
    };
    build(&mut inner).map(|values| values[0])
}
