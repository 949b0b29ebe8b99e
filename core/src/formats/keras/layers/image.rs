//! ZeroPadding, Cropping, UpSampling: images and sequences at another size.

use serde::Deserialize;

use super::super::super::error::Trouble;
use super::super::archive::SAVE_WHOLE;
use super::super::builder::Value;
use super::super::config::Numbers;
use super::call::Call;
use super::conv::pair;
use crate::graph::TensorId;
use crate::ops::{Op, Pad, ResizeBilinear, ResizeNearestNeighbor, StridedSlice};

/// Amounts before and after, of height and width.
type Borders = [[usize; 2]; 2];

/// Adds a border of zeros to an image.
///
/// # Errors
/// The result is too large.
pub(super) fn padded(
    call: &mut Call<'_, '_>,
    role: &str,
    input: TensorId,
    [[top, bottom], [left, right]]: Borders,
) -> Result<(TensorId, [usize; 4]), Trouble> {
    let amounts = [0, 0, top, bottom, left, right, 0, 0].map(|n| i32::try_from(n).unwrap_or(i32::MAX));
    let paddings = call.builder.integers_shaped(call.name, "paddings", vec![4, 2], &amounts)?;
    let id = call.node(role, Op::Pad(Pad), &[input, paddings])?;
    match *call.builder.graph.tensor(id).shape {
        [n, h, w, c] => Ok((id, [n, h, w, c])),
        ref other => Err(Trouble::malformed(call.place(), format!("shape {other:?}"), "an image")),
    }
}

/// A border around an image, or before and after a sequence.
fn borders(call: &Call<'_, '_>, what: &str, numbers: &Numbers) -> Result<Borders, Trouble> {
    let amount = |n: f64| {
        let is_amount = n.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(&n);
        if is_amount { Ok(n as usize) } else { Err(call.refuse(format!("its {what} is {n}"), SAVE_WHOLE)) }
    };
    let amounts = numbers.0.iter().map(|&n| amount(n)).collect::<Result<Vec<_>, _>>()?;
    match (amounts.as_slice(), call.is_1d()) {
        (&[n], true) => Ok([[0, 0], [n, n]]),
        (&[before, after], true) => Ok([[0, 0], [before, after]]),
        (&[n], false) => Ok([[n, n]; 2]),
        (&[h, w], false) => Ok([[h, h], [w, w]]),
        (&[top, bottom, left, right], false) => Ok([[top, bottom], [left, right]]),
        (other, _) => Err(call.refuse(format!("its {what} is {other:?}"), SAVE_WHOLE)),
    }
}

/// PAD.
pub(super) fn zero_padding(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        padding: Numbers,
    }
    let settings: Settings = call.settings()?;
    let borders = borders(call, "padding", &settings.padding)?;
    let (input, _) = call.image()?;
    let (id, _) = padded(call, "", input, borders)?;
    Ok(call.image_value(id))
}

/// STRIDED_SLICE.
pub(super) fn cropping(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        cropping: Numbers,
    }
    let settings: Settings = call.settings()?;
    let [[top, bottom], [left, right]] = borders(call, "cropping", &settings.cropping)?;
    let (input, [n, h, w, c]) = call.image()?;
    let (Some(end_h), Some(end_w)) = (h.checked_sub(bottom), w.checked_sub(right)) else {
        return Err(call.refuse(format!("it crops more than an image of {h}×{w} has"), "crop less"));
    };
    let begin = [0, top, left, 0];
    let id = sliced(call, "", input, [begin, [n, end_h, end_w, c]])?;
    Ok(call.image_value(id))
}

/// Takes a part of an image.
fn sliced(call: &mut Call<'_, '_>, role: &str, input: TensorId, ends: [[usize; 4]; 2]) -> Result<TensorId, Trouble> {
    let [begin, end] = ends.map(|list| list.map(|n| i32::try_from(n).unwrap_or(i32::MAX)));
    let begin = call.builder.integers(call.name, "begin", &begin)?;
    let end = call.builder.integers(call.name, "end", &end)?;
    let strides = call.builder.integers(call.name, "strides", &[1; 4])?;
    call.node(role, Op::StridedSlice(StridedSlice::default()), &[input, begin, end, strides])
}

/// RESIZE_NEAREST_NEIGHBOR.
pub(super) fn up_sampling(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    #[derive(Deserialize)]
    struct Settings {
        size: Numbers,
        interpolation: Option<String>,
    }
    let settings: Settings = call.settings()?;
    let [factor_h, factor_w] = pair(call, "size", &settings.size)?;
    let (input, [_, h, w, _]) = call.image()?;
    let size = [h.saturating_mul(factor_h), w.saturating_mul(factor_w)].map(|n| i32::try_from(n).unwrap_or(i32::MAX));
    let op = match settings.interpolation.as_deref() {
        None | Some("nearest") => {
            Op::ResizeNearestNeighbor(ResizeNearestNeighbor { align_corners: false, half_pixel_centers: false })
        }
        Some("bilinear") => Op::ResizeBilinear(ResizeBilinear { align_corners: false, half_pixel_centers: true }),
        Some(other) => {
            let what = format!("its interpolation is \"{other}\", and only nearest and bilinear are read");
            return Err(call.refuse(what, "build the model with interpolation=\"bilinear\""));
        }
    };
    let size = call.builder.integers(call.name, "size", &size)?;
    let id = call.node("", op, &[input, size])?;
    Ok(call.image_value(id))
}
