//! Activations: as a layer, or as a setting of a layer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::error::Trouble;
use super::super::builder::Value;
use super::super::config::{Described, Numbers, parse};
use super::call::Call;
use crate::graph::TensorId;
use crate::ops::{Activation, Binary, BinaryKind, Identity, LeakyRelu, LogSoftmax, Op, PRelu, Softmax, Unary};

/// A function of one tensor, as a setting names it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Function<'a> {
    name: String,
    /// The settings of a layer used as a function; the functions of Keras have none.
    config: Option<&'a str>,
}

/// The name of no function.
const LINEAR: &str = "linear";

impl<'a> Function<'a> {
    /// What the setting says: a name, an object with a class, or nothing.
    ///
    /// # Errors
    /// The setting is something else.
    pub(super) fn of(call: &Call<'_, '_>, setting: Option<&'a RawValue>) -> Result<Self, Trouble> {
        let named = |name: String| Ok(Self { name, config: None });
        let Some(setting) = setting.map(RawValue::get).filter(|text| *text != "null") else { return named(LINEAR.into()) };
        let expected = "the name of a function, or an object with a class";
        if setting.starts_with('"') {
            return named(parse(&call.place(), setting, expected)?);
        }
        let described: Described<'a> = parse(&call.place(), setting, expected)?;
        // A function by itself is an object of class "function" whose settings are its name.
        if described.config.get().starts_with('"') {
            return named(parse(&call.place(), described.config.get(), expected)?);
        }
        Ok(Self { name: described.class_name, config: Some(described.config.get()) })
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn named(name: &str) -> Self {
        Self { name: name.into(), config: None }
    }

    /// What TFLite fuses into a layer, and what is left for nodes of its own.
    pub(super) fn fused(self) -> (Activation, Self) {
        let activation = match self.name.as_str() {
            "relu" => Activation::Relu,
            "relu6" => Activation::Relu6,
            _ => return (Activation::None, self),
        };
        (activation, Self::named(LINEAR))
    }

    /// Adds the nodes of the function after a layer's own.
    ///
    /// # Errors
    /// The graph grows too large.
    pub(super) fn apply(&self, call: &mut Call<'_, '_>, input: TensorId) -> Result<TensorId, Trouble> {
        let role = if self.name.is_empty() { "activation" } else { &self.name };
        self.nodes(call, role, input)
    }

    /// Adds the nodes of the function; the last one has `role`.
    fn nodes(&self, call: &mut Call<'_, '_>, role: &str, input: TensorId) -> Result<TensorId, Trouble> {
        let unary = |op| Op::Unary(op);
        let op = match (self.name.as_str(), self.config) {
            (LINEAR, _) if !role.is_empty() => return Ok(input),
            (LINEAR, _) => Op::Identity(Identity),
            ("relu", _) => unary(Unary::Relu),
            ("relu6", _) => unary(Unary::Relu6),
            ("sigmoid", _) => unary(Unary::Logistic),
            ("tanh", _) => unary(Unary::Tanh),
            ("hard_swish" | "hard_silu", _) => unary(Unary::HardSwish),
            ("hard_tanh", _) => unary(Unary::ReluN1To1),
            ("elu", _) => unary(Unary::Elu),
            ("gelu", _) => unary(Unary::Gelu { approximate: false }),
            ("exponential", _) => unary(Unary::Exp),
            ("log_softmax", _) => Op::LogSoftmax(LogSoftmax),
            ("selu", _) => return selu(call, role, input),
            ("softplus", _) => return softplus(call, role, input),
            ("softsign", _) => return softsign(call, role, input),
            ("mish", _) => return mish(call, role, input),
            ("leaky_relu", _) => Op::LeakyRelu(LeakyRelu { alpha: 0.2 }),
            ("softmax" | "Softmax", _) => Op::Softmax(Softmax { beta: 1.0 }),
            ("swish" | "silu", _) => return swish(call, role, input),
            ("hard_sigmoid", _) => return hard_sigmoid(call, role, input),
            ("ReLU", Some(config)) => return relu_nodes(call, role, config, input),
            ("LeakyReLU", Some(config)) => leaky(call, config)?,
            (other, _) => return call.builder.unknown(call.name, role, other, input),
        };
        call.node(role, op, &[input])
    }
}

/// `x * sigmoid(x)`.
fn swish(call: &mut Call<'_, '_>, role: &str, input: TensorId) -> Result<TensorId, Trouble> {
    let sigmoid = call.node("sigmoid", Op::Unary(Unary::Logistic), &[input])?;
    call.node(role, binary(BinaryKind::Mul, Activation::None), &[input, sigmoid])
}

/// `positive * x` where positive, `negative * (exp(x) - 1)` elsewhere.
fn scaled_elu(call: &mut Call<'_, '_>, role: &str, input: TensorId, [positive, negative]: [f32; 2]) -> Result<TensorId, Trouble> {
    let zero = call.builder.reals(call.name, "zero", vec![], &[0.0])?;
    let below = call.node("below", binary(BinaryKind::Minimum, Activation::None), &[input, zero])?;
    let below = call.node("elu", Op::Unary(Unary::Elu), &[below])?;
    let below = scaled(call, "negative", below, negative, Activation::None)?;
    let above = if positive == 1.0 {
        call.node("positive", Op::Unary(Unary::Relu), &[input])?
    } else {
        scaled(call, "positive", input, positive, Activation::Relu)?
    };
    call.node(role, binary(BinaryKind::Add, Activation::None), &[above, below])
}

/// Klambauer et al. 2017.
fn selu(call: &mut Call<'_, '_>, role: &str, input: TensorId) -> Result<TensorId, Trouble> {
    const ALPHA: f32 = 1.673_263_2;
    const SCALE: f32 = 1.050_701;
    scaled_elu(call, role, input, [SCALE, SCALE * ALPHA])
}

/// `log(1 + exp(x))`, as `max(x, 0) + log(1 + exp(-|x|))`, which does not overflow.
fn softplus(call: &mut Call<'_, '_>, role: &str, input: TensorId) -> Result<TensorId, Trouble> {
    let mut id = input;
    for (role, op) in [("absolute", Unary::Abs), ("negated", Unary::Neg), ("exp", Unary::Exp)] {
        id = call.node(role, Op::Unary(op), &[id])?;
    }
    let one = call.builder.reals(call.name, "one", vec![], &[1.0])?;
    id = call.node("plus_one", binary(BinaryKind::Add, Activation::None), &[id, one])?;
    id = call.node("log", Op::Unary(Unary::Log), &[id])?;
    let above = call.node("above", Op::Unary(Unary::Relu), &[input])?;
    call.node(role, binary(BinaryKind::Add, Activation::None), &[above, id])
}

/// `x / (1 + |x|)`.
fn softsign(call: &mut Call<'_, '_>, role: &str, input: TensorId) -> Result<TensorId, Trouble> {
    let absolute = call.node("absolute", Op::Unary(Unary::Abs), &[input])?;
    let one = call.builder.reals(call.name, "one", vec![], &[1.0])?;
    let below = call.node("plus_one", binary(BinaryKind::Add, Activation::None), &[absolute, one])?;
    call.node(role, binary(BinaryKind::Div, Activation::None), &[input, below])
}

/// `x * tanh(softplus(x))`.
fn mish(call: &mut Call<'_, '_>, role: &str, input: TensorId) -> Result<TensorId, Trouble> {
    let soft = softplus(call, "softplus", input)?;
    let factor = call.node("tanh", Op::Unary(Unary::Tanh), &[soft])?;
    call.node(role, binary(BinaryKind::Mul, Activation::None), &[input, factor])
}

/// `relu6(x + 3) / 6`; in Keras 2 `relu6(1.2 * x + 3) / 6`, which is `0.2 * x + 0.5` between 0 and 1.
fn hard_sigmoid(call: &mut Call<'_, '_>, role: &str, input: TensorId) -> Result<TensorId, Trouble> {
    let slope = if call.builder.is_keras_2 { 1.2 } else { 1.0 };
    let input = if slope == 1.0 { input } else { scaled(call, "slope", input, slope, Activation::None)? };
    let three = call.builder.reals(call.name, "three", vec![], &[3.0])?;
    let clamped = call.node("clamp", binary(BinaryKind::Add, Activation::Relu6), &[input, three])?;
    scaled(call, role, clamped, 1.0 / 6.0, Activation::None)
}

fn binary(kind: BinaryKind, activation: Activation) -> Op {
    Op::Binary(Binary { kind, activation })
}

/// `activation(factor * x)`.
fn scaled(
    call: &mut Call<'_, '_>,
    role: &str,
    input: TensorId,
    factor: f32,
    activation: Activation,
) -> Result<TensorId, Trouble> {
    let factor = call.builder.reals(call.name, "factor", vec![], &[factor])?;
    call.node(role, binary(BinaryKind::Mul, activation), &[input, factor])
}

/// Adds one node or several that keep the form of the layer's input.
fn elementwise(
    call: &mut Call<'_, '_>,
    nodes: impl FnOnce(&mut Call<'_, '_>, TensorId) -> Result<TensorId, Trouble>,
) -> Result<Value, Trouble> {
    let (input, form) = call.any_operand()?;
    let id = nodes(call, input)?;
    Ok(call.builder.value_as(id, form))
}

/// A layer that applies a function.
pub(super) fn activation(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings<'a> {
        #[serde(borrow)]
        activation: Option<&'a RawValue>,
    }
    let settings: Settings<'_> = call.settings()?;
    let function = Function::of(call, settings.activation)?;
    elementwise(call, |call, input| function.nodes(call, "", input))
}

/// ReLU with a slope for negative values and an upper bound.
pub(super) fn relu(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let config = call.config;
    elementwise(call, |call, input| relu_nodes(call, "", config, input))
}

fn relu_nodes(call: &mut Call<'_, '_>, role: &str, config: &str, input: TensorId) -> Result<TensorId, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        max_value: Option<f32>,
        negative_slope: Option<Numbers>,
        threshold: Option<Numbers>,
    }
    let settings: Settings = parse(&call.place(), config, "the settings of a ReLU")?;
    let number = |numbers: Option<Numbers>| numbers.and_then(|n| n.0.first().copied()).unwrap_or(0.0) as f32;
    let (slope, threshold) = (number(settings.negative_slope), number(settings.threshold));
    let op = match settings.max_value {
        _ if threshold != 0.0 => return call.builder.unknown(call.name, role, "ReLU with a threshold", input),
        None if slope == 0.0 => Op::Unary(Unary::Relu),
        None => Op::LeakyRelu(LeakyRelu { alpha: slope }),
        Some(_) if slope != 0.0 => return call.builder.unknown(call.name, role, "ReLU with a slope and a maximum", input),
        Some(6.0) => Op::Unary(Unary::Relu6),
        // As a multiple of a ReLU6.
        Some(most) if most.is_finite() && most > 0.0 => {
            let clamped = scaled(call, "clamp", input, 6.0 / most, Activation::Relu6)?;
            return scaled(call, role, clamped, most / 6.0, Activation::None);
        }
        Some(most) => return Err(call.refuse(format!("its max_value is {most}"), "set a positive max_value")),
    };
    call.node(role, op, &[input])
}

/// LeakyReLU.
pub(super) fn leaky_relu(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let op = leaky(call, call.config)?;
    elementwise(call, |call, input| call.node("", op, &[input]))
}

/// The slope is called `alpha` in Keras 2, `negative_slope` in Keras 3.
fn leaky(call: &Call<'_, '_>, config: &str) -> Result<Op, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        alpha: Option<Numbers>,
        negative_slope: Option<Numbers>,
    }
    let settings: Settings = parse(&call.place(), config, "the settings of a LeakyReLU")?;
    let slope = settings.negative_slope.or(settings.alpha).and_then(|n| n.0.first().copied()).unwrap_or(0.3);
    Ok(Op::LeakyRelu(LeakyRelu { alpha: slope as f32 }))
}

/// Softmax along the last axis.
pub(super) fn softmax(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        axis: Option<Numbers>,
    }
    let settings: Settings = call.settings()?;
    let n_axes = call.builder.shape(call.input()?).len();
    if settings.axis.is_some_and(|axis| axis.0 != [-1.0] && axis.0 != [n_axes as f64 - 1.0]) {
        return Err(call.refuse("it runs along another axis than the last", "put a Permute before and after it"));
    }
    elementwise(call, |call, input| call.node("", Op::Softmax(Softmax { beta: 1.0 }), &[input]))
}

/// ELU with a slope at zero.
pub(super) fn elu(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        alpha: Option<Numbers>,
    }
    let settings: Settings = call.settings()?;
    let alpha = settings.alpha.and_then(|alpha| alpha.0.first().copied()).unwrap_or(1.0) as f32;
    elementwise(call, |call, input| match alpha {
        1.0 => call.node("", Op::Unary(Unary::Elu), &[input]),
        _ => scaled_elu(call, "", input, [1.0, alpha]),
    })
}

/// PReLU: a slope for each value, or shared along some axes.
pub(super) fn prelu(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        shared_axes: Option<Numbers>,
    }
    let settings: Settings = call.settings()?;
    let shared = settings.shared_axes.unwrap_or_default().0;
    let shape = call.builder.shape(call.input()?);
    // Axes count from the batch, which the slopes lack.
    let extent = |(axis, &extent): (usize, &usize)| if shared.contains(&(axis as f64)) { 1 } else { extent };
    let slopes: Vec<usize> = shape.iter().enumerate().skip(1).map(extent).collect();
    let variables = call.variables()?;
    let alpha = call.weight(&variables, (0, "alpha"), &slopes.clone(), |values| (slopes, values.into()))?;
    elementwise(call, |call, input| call.node("", Op::PRelu(PRelu), &[input, alpha]))
}
