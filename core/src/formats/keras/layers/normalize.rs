//! BatchNormalization, and the layers that scale a model's input: Rescaling, Normalization.

use serde::Deserialize;

use super::super::super::error::Trouble;
use super::super::archive::SAVE_WHOLE;
use super::super::builder::Value;
use super::super::config::{Flag, Numbers};
use super::call::Call;
use crate::graph::TensorId;
use crate::ops::{Activation, BatchNorm, Binary, BinaryKind, Op, resolve_axis};

/// A constant factor or summand: one number, or one for each channel.
struct Constant(Vec<f32>);

impl Constant {
    fn is_all(&self, number: f32) -> bool {
        self.0.iter().all(|&x| x == number)
    }

    fn add_to(&self, call: &mut Call<'_, '_>, role: &str) -> Result<TensorId, Trouble> {
        let shape = if self.0.len() == 1 { vec![] } else { vec![self.0.len()] };
        call.builder.reals(call.name, role, shape, &self.0)
    }
}

/// `input * scale + offset`, as MUL and ADD; what changes nothing is left out.
fn scaled(call: &mut Call<'_, '_>, scale: Constant, offset: Constant) -> Result<Value, Trouble> {
    let (input, form) = call.any_operand()?;
    let mut id = input;
    if !scale.is_all(1.0) {
        let role = if offset.is_all(0.0) { "" } else { "scale" };
        let factor = scale.add_to(call, "factor")?;
        id = call.node(role, Op::Binary(Binary { kind: BinaryKind::Mul, activation: Activation::None }), &[id, factor])?;
    }
    if !offset.is_all(0.0) {
        let summand = offset.add_to(call, "offset")?;
        id = call.node("", Op::Binary(Binary { kind: BinaryKind::Add, activation: Activation::None }), &[id, summand])?;
    }
    if id == input { call.input() } else { Ok(call.builder.value_as(id, form)) }
}

/// Numbers that fit the channels of the input, or one for all.
fn per_channel(call: &Call<'_, '_>, what: &str, numbers: Vec<f32>) -> Result<Vec<f32>, Trouble> {
    let channels = call.builder.shape(call.input()?).last().copied().unwrap_or(1);
    if numbers.len() == 1 || numbers.len() == channels {
        return Ok(numbers);
    }
    Err(call.refuse(format!("its {what} has {} entries for {channels} channels", numbers.len()), SAVE_WHOLE))
}

/// `input * scale + offset`.
pub(super) fn rescaling(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        scale: Numbers,
        offset: Option<Numbers>,
    }
    let settings: Settings = call.settings()?;
    let floats = |numbers: Numbers| numbers.0.into_iter().map(|x| x as f32).collect();
    let scale = per_channel(call, "scale", floats(settings.scale))?;
    let offset = per_channel(call, "offset", settings.offset.map_or_else(|| vec![0.0], floats))?;
    scaled(call, Constant(scale), Constant(offset))
}

/// `(input - mean) / sqrt(variance)`, or the reverse; the statistics are settings or weights.
pub(super) fn normalization(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    /// Keras divides by no less.
    const LEAST_DEVIATION: f32 = 1e-7;
    #[derive(Deserialize)]
    struct Settings {
        axis: Option<Numbers>,
        mean: Option<Numbers>,
        variance: Option<Numbers>,
        invert: Option<Flag>,
    }
    let settings: Settings = call.settings()?;
    let shape = call.builder.shape(call.input()?).to_vec();
    let axes = settings.axis.map_or_else(Vec::new, |axis| axis.0);
    let n = match *axes.as_slice() {
        [] => 1,
        [axis] if resolve_axis(axis as i64, shape.len()) == Ok(shape.len() - 1) => shape[shape.len() - 1],
        ref other => {
            return Err(call.refuse(format!("it runs along axes {other:?}, and only the last is read"), "use axis=-1"));
        }
    };
    let variables = call.variables()?;
    let statistic = |call: &mut Call<'_, '_>, given: Option<Numbers>, at: (usize, &str)| match given {
        Some(numbers) => per_channel(call, at.1, numbers.0.into_iter().map(|x| x as f32).collect()),
        None => {
            let expected = if axes.is_empty() { vec![] } else { vec![n] };
            call.numbers(&variables, at, &expected)
        }
    };
    let mean = statistic(call, settings.mean, (0, "mean"))?;
    let variance = statistic(call, settings.variance, (1, "variance"))?;
    let deviation: Vec<f32> = variance.iter().map(|v| v.sqrt().max(LEAST_DEVIATION)).collect();
    if settings.invert.is_some_and(|Flag(is_set)| is_set) {
        return scaled(call, Constant(deviation), Constant(mean));
    }
    let scale: Vec<f32> = deviation.iter().map(|d| 1.0 / d).collect();
    let channels = mean.len().max(scale.len());
    let offset = (0..channels).map(|c| -mean[c % mean.len()] * scale[c % scale.len()]).collect();
    scaled(call, Constant(scale), Constant(offset))
}

/// BATCH_NORM along the last axis, with the moving statistics.
pub(super) fn batch_normalization(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        axis: Option<Numbers>,
        epsilon: f32,
        center: Option<Flag>,
        scale: Option<Flag>,
    }
    let settings: Settings = call.settings()?;
    let shape = call.builder.shape(call.input()?).to_vec();
    let axis = settings.axis.map_or_else(|| vec![-1.0], |axis| axis.0);
    let last = shape.len() - 1;
    if !matches!(*axis, [axis] if resolve_axis(axis as i64, shape.len()) == Ok(last)) {
        let what = format!("it runs along axis {axis:?} of {shape:?}, and only the last is read");
        return Err(call.refuse(what, "build the model with channels as the last axis and axis=-1"));
    }
    let n = shape[last];
    let variables = call.variables()?;
    let mut index = 0;
    let mut next = |call: &mut Call<'_, '_>, role: &str| {
        index += 1;
        call.vector(&variables, (index - 1, role), n).map(Some)
    };
    let is_set = |flag: Option<Flag>| flag.is_none_or(|Flag(is_set)| is_set);
    let gamma = if is_set(settings.scale) { next(call, "gamma")? } else { None };
    let beta = if is_set(settings.center) { next(call, "beta")? } else { None };
    let mean = next(call, "moving_mean")?;
    let variance = next(call, "moving_variance")?;
    let (input, form) = call.any_operand()?;
    let op = Op::BatchNorm(BatchNorm { epsilon: settings.epsilon });
    let id = call.builder.node(call.name, "", op, vec![Some(input), gamma, beta, mean, variance])?;
    Ok(call.builder.value_as(id, form))
}
