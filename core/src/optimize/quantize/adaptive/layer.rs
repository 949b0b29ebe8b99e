//! One layer: the errors of its output channels, the integers for which they are small, the biases that go with them.

use std::sync::Arc;

use rayon::prelude::*;

use super::super::trained::Trained;
use super::super::weights::{LayerWeights, WeightsAndBias, least_scale, levels, quantize_weights};
use super::moments::Rows;
use super::quadratic::{QuadraticForm, dot};
use super::search::{Channel, Found, search};
use crate::optimize::windows::Windows;
use crate::progress::{Cancel, Cancelled};
use crate::recipe::Granularity;

/// Windows that see more are not looked at: moments take the square of it.
const MAX_ROW_LEN: usize = 1024;

/// Pulls weights towards the float ones, as share of the mean square of what they multiply: a hundred samples say little about
/// some directions. Of shares from 0.0003 to 1 this one keeps outputs nearest to float on samples that were not calibrated with,
/// on most nets.
const RIDGE: f64 = 0.1;

/// What the layer reads on the samples.
pub(super) struct Seen {
    /// In the network whose layers in front of it are quantized, `[samples, ..]`.
    pub quantized: Vec<f32>,
    /// In the float network.
    pub float: Vec<f32>,
}

/// Whether a layer's window is small enough.
pub(super) fn is_tractable(windows: &Windows) -> bool {
    windows.row_len() <= MAX_ROW_LEN
}

/// An output channel's error.
struct Error {
    form: Arc<QuadraticForm>,
    target: Vec<f64>,
    /// Means that the bias makes up for: of what is seen, and of what the float layer gives.
    means: Vec<f64>,
    output_mean: f64,
}

/// Weights and bias; `None` if there is nothing to fit to.
///
/// # Errors
/// [`Cancelled`].
pub(super) fn round(
    windows: &Windows,
    trained: &Trained,
    seen: &Seen,
    corrects_bias: bool,
    cancel: &Cancel,
) -> Result<Option<WeightsAndBias>, Cancelled> {
    let n_channels = trained.layout.n_channels;
    let fits = seen.quantized.len() == seen.float.len()
        && !seen.float.is_empty()
        && trained.weights.len() == n_channels * windows.row_len();
    if !fits {
        return Ok(None);
    }
    let groups: Vec<usize> = (0..windows.n_groups()).collect();
    let has_free_bias = corrects_bias && trained.bias.is_some();
    let errors = groups.par_iter().map(|&group| {
        cancel.check()?;
        Ok(errors(windows, trained, group, seen, has_free_bias))
    });
    let errors: Vec<Option<Vec<Error>>> = errors.collect::<Result<_, Cancelled>>()?;
    let Some(errors) = errors.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
    let errors: Vec<Error> = errors.into_iter().flatten().collect();
    let mut layer =
        quantize_weights(&trained.weights, trained.bias_values(), trained.layout, trained.settings, trained.input_scale);
    let sets: Vec<Vec<usize>> = match trained.settings.granularity {
        Granularity::PerTensor => vec![(0..n_channels).collect()],
        Granularity::PerChannel => (0..n_channels).map(|c| vec![c]).collect(),
    };
    let found = sets.par_iter().enumerate().map(|(set, channels)| {
        cancel.check()?;
        Ok(searched(trained, &layer, &errors, channels, layer.scales[set]))
    });
    let found: Vec<Found> = found.collect::<Result<_, Cancelled>>()?;
    let mut integers = layer.weights.to_vec();
    let mut bias = trained.bias_values().filter(|_| has_free_bias).map(<[f32]>::to_vec);
    for ((channels, found), scale) in sets.iter().zip(&found).zip(&mut layer.scales) {
        *scale = found.scale;
        for (&c, found_integers) in channels.iter().zip(&found.integers) {
            let places = trained.layout.indices(c, integers.len());
            places.zip(found_integers).for_each(|(i, q)| integers[i] = *q as i8);
            if let Some(bias) = &mut bias {
                let v: Vec<f64> = found_integers.iter().map(|q| f64::from(found.scale) * f64::from(*q)).collect();
                bias[c] = (f64::from(bias[c]) + errors[c].output_mean - dot(&v, &errors[c].means)) as f32;
            }
        }
    }
    layer.weights = integers.into();
    Ok(Some((layer, bias)).filter(|(layer, bias)| bias_fits(trained, layer, bias.as_deref())))
}

/// Whether a bias that was moved still fits 32 bits; it moves little.
fn bias_fits(trained: &Trained, layer: &LayerWeights, bias: Option<&[f32]>) -> bool {
    let scale = |c: usize| layer.scales[if layer.scales.len() == 1 { 0 } else { c }];
    let fits =
        |(c, b): (usize, &f32)| b.is_finite() && least_scale(*b, trained.input_scale, trained.settings.scheme) <= 1.5 * scale(c);
    bias.into_iter().flatten().enumerate().all(fits)
}

fn weights_of(trained: &Trained, channel: usize) -> Vec<f32> {
    trained.layout.indices(channel, trained.weights.len()).map(|i| trained.weights[i]).collect()
}

/// The errors of one group of output channels; `None` if all that is seen is zero.
fn errors(windows: &Windows, trained: &Trained, group: usize, seen: &Seen, has_free_bias: bool) -> Option<Vec<Error>> {
    let rows = Rows::of(windows, group, &seen.quantized, &seen.float);
    let n_rows = rows.seen.len() / rows.len.max(1);
    let shares = vec![1.0 / n_rows as f64; n_rows];
    let means = if has_free_bias { rows.means(&shares) } else { vec![0.0; rows.len] };
    let mut second = rows.second(&shares, &means);
    let ridge = RIDGE * (0..rows.len).map(|i| second[i * rows.len + i]).sum::<f64>() / rows.len as f64;
    (0..rows.len).for_each(|i| second[i * rows.len + i] += ridge);
    let form = Arc::new(QuadraticForm::new(rows.len, second)?);
    let of_channel = |c: usize| {
        let weights = weights_of(trained, c);
        let mut outputs = rows.outputs(&weights);
        let output_mean = if has_free_bias { dot(&outputs, &shares) } else { 0.0 };
        outputs.iter_mut().for_each(|y| *y -= output_mean);
        let mut target = rows.cross(&shares, &means, &outputs);
        target.iter_mut().zip(&weights).for_each(|(t, w)| *t += ridge * f64::from(*w));
        Error { form: form.clone(), target, means: means.clone(), output_mean }
    };
    Some(windows.outputs_of(group).into_par_iter().map(of_channel).collect())
}

/// Integers of channels that share a scale.
fn searched(trained: &Trained, nearest: &LayerWeights, errors: &[Error], channels: &[usize], scale: f32) -> Found {
    let channel = |&c: &usize| Channel {
        form: &errors[c].form,
        target: errors[c].target.clone(),
        levels: levels(&weights_of(trained, c), scale, trained.settings.scheme),
        start: trained.layout.indices(c, nearest.weights.len()).map(|i| nearest.weights[i].into()).collect(),
    };
    let bias = trained.bias_values();
    let least =
        channels.iter().map(|&c| bias.map_or(0.0, |bias| least_scale(bias[c], trained.input_scale, trained.settings.scheme)));
    let least = least.fold(f32::MIN_POSITIVE, f32::max);
    search(&channels.iter().map(channel).collect::<Vec<_>>(), scale, least)
}
