//! Flatten, Reshape, Permute and layers that change nothing.

use serde::Deserialize;

use super::super::super::error::Trouble;
use super::super::archive::SAVE_WHOLE;
use super::super::builder::{Form, Value};
use super::super::config::Numbers;
use super::call::Call;
use crate::graph::TensorId;
use crate::ops::{Activation, Binary, BinaryKind, Identity, Op, Transpose};

/// The input as it is: the layer changes it only in training.
pub(super) fn identity(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let (input, form) = call.any_operand()?;
    let id = call.node("", Op::Identity(Identity), &[input])?;
    Ok(call.builder.value_as(id, form))
}

/// The input's values in whatever form they lie: their order is the same.
fn values(call: &mut Call<'_, '_>) -> Result<(TensorId, Vec<usize>), Trouble> {
    let shape = call.builder.shape(call.input()?).to_vec();
    Ok((call.any_operand()?.0, shape))
}

fn reshaped(call: &mut Call<'_, '_>, input: TensorId, shape: &[usize]) -> Result<Value, Trouble> {
    if call.builder.graph.tensor(input).shape == shape {
        return identity(call);
    }
    let id = call.builder.reshape(call.name, "", Some(input), shape)?;
    Ok(call.builder.value(id))
}

/// RESHAPE to one axis beside the batch.
pub(super) fn flatten(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        data_format: Option<String>,
    }
    let settings: Settings = call.settings()?;
    let (input, shape) = values(call)?;
    if settings.data_format.is_some_and(|format| format == "channels_first") && shape.len() > 2 {
        return Err(call.refuse("its data_format is channels_first", "build the model with data_format=\"channels_last\""));
    }
    let n = shape.iter().skip(1).fold(1_usize, |n, &extent| n.saturating_mul(extent));
    reshaped(call, input, &[1, n])
}

/// RESHAPE; one extent may be -1.
pub(super) fn reshape(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        target_shape: Numbers,
    }
    let settings: Settings = call.settings()?;
    let (input, shape) = values(call)?;
    let n = shape.iter().fold(1_usize, |n, &extent| n.saturating_mul(extent));
    let free = settings.target_shape.0.iter().filter(|&&extent| extent == -1.0).count();
    let mut target = vec![1_usize];
    for &extent in &settings.target_shape.0 {
        target.push(if extent == -1.0 { 1 } else { call.positive("target_shape", extent)? });
    }
    let known = target.iter().fold(1_usize, |n, &extent| n.saturating_mul(extent));
    let fits = if free == 1 { n.is_multiple_of(known) } else { free == 0 && n == known };
    if !fits {
        let what = format!("shape {shape:?} cannot become {:?}", settings.target_shape.0);
        return Err(call.refuse(what, SAVE_WHOLE));
    }
    for (extent, &wanted) in target.iter_mut().skip(1).zip(&settings.target_shape.0) {
        if wanted == -1.0 {
            *extent = n / known;
        }
    }
    reshaped(call, input, &target)
}

/// TRANSPOSE; axes count from 1, the batch stays.
pub(super) fn permute(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        dims: Numbers,
    }
    let settings: Settings = call.settings()?;
    let mut axes = vec![0];
    for &axis in &settings.dims.0 {
        axes.push(call.positive("list of axes", axis)? as i32);
    }
    let input = call.operand(Form::Plain)?;
    let permutation = call.builder.integers(call.name, "permutation", &axes)?;
    let id = call.node("", Op::Transpose(Transpose), &[input, permutation])?;
    Ok(call.builder.value(id))
}

/// A vector again and again, as a sequence: MUL by ones, which broadcasts.
pub(super) fn repeat_vector(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        n: f64,
    }
    let settings: Settings = call.settings()?;
    let n = call.positive("number of repetitions", settings.n)?;
    let (input, shape) = values(call)?;
    let &[_, c] = shape.as_slice() else { return Err(call.refuse(format!("its input has shape {shape:?}"), SAVE_WHOLE)) };
    let row = call.builder.reshape(call.name, "expand", Some(input), &[1, 1, c])?;
    call.builder.budget.charge(n.saturating_mul(4), || call.name.to_owned())?;
    let ones = call.builder.reals(call.name, "ones", vec![1, n, 1], &vec![1.0; n])?;
    let id = call.node("", Op::Binary(Binary { kind: BinaryKind::Mul, activation: Activation::None }), &[row, ones])?;
    Ok(call.builder.value(id))
}
