//! Scales and zero points of a tensor, as the file states them.

use super::super::budget::Budget;
use super::super::error::Trouble;
use super::schema;
use crate::quant::Quantization;

/// A tensor's quantization, and what was odd about it.
pub(super) struct Read {
    pub(super) quantization: Option<Quantization>,
    /// The axis in the file does not exist, the only axis there is was taken.
    pub(super) bad_axis: Option<i32>,
    /// Blockwise, multi-axis or custom quantization, which is not understood.
    pub(super) has_details: bool,
}

/// Reads the quantization of a tensor of the given shape; none if the file states no scale.
pub(super) fn read(
    tensor: &schema::Tensor<'_>,
    shape: &[usize],
    budget: &mut Budget,
    place: impl Fn() -> String,
) -> Result<Read, Trouble> {
    let mut found = Read { quantization: None, bad_axis: None, has_details: false };
    let Some(file) = tensor.quantization() else { return Ok(found) };
    found.has_details = file.details_type() != schema::QuantizationDetails::NONE;
    let Some(scales) = file.scale().filter(|scales| !scales.is_empty()) else { return Ok(found) };
    budget.charge(scales.len().saturating_mul(8), &place)?;
    let zero_points = zero_points(&file, scales.len(), &place)?;
    let axis = match scales.len() {
        1 => None,
        n => Some(axis(file.quantized_dimension(), n, shape, &mut found.bad_axis).ok_or_else(|| {
            let at = file.quantized_dimension();
            Trouble::malformed(place(), format!("{n} scales along axis {at} of shape {shape:?}"), "one for each index there")
        })?),
    };
    let scales = scales.iter().collect();
    found.quantization = Some(Quantization { scales, zero_points: zero_points.into(), axis, asymmetric_inputs: false });
    Ok(found)
}

/// As many zero points as scales: left out they are zero, and one stands for all.
fn zero_points(file: &schema::QuantizationParameters<'_>, n: usize, place: impl Fn() -> String) -> Result<Vec<i32>, Trouble> {
    let Some(stated) = file.zero_point().filter(|z| !z.is_empty()) else { return Ok(vec![0; n]) };
    if stated.len() != n && stated.len() != 1 {
        let found = format!("{n} scales, {} zero points", stated.len());
        return Err(Trouble::malformed(place(), found, "as many of the one as of the other"));
    }
    let narrow = |z: i64| {
        i32::try_from(z).map_err(|_| Trouble::malformed(place(), format!("a zero point of {z}"), "one that fits the type"))
    };
    (0..n).map(|i| narrow(stated.get(i.min(stated.len() - 1)))).collect()
}

/// The axis with `n` indices. Some converters number the axis of a bias as if it were the weights'; with one axis only
/// there is no doubt which is meant.
fn axis(stated: i32, n: usize, shape: &[usize], bad_axis: &mut Option<i32>) -> Option<usize> {
    let exists = |axis: &usize| shape.get(*axis) == Some(&n);
    usize::try_from(stated).ok().filter(exists).or_else(|| {
        *bad_axis = Some(stated);
        (shape == [n]).then_some(0)
    })
}
