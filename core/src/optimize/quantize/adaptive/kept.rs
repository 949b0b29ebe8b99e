//! What adaptive rounding decided, as a project keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::trained::Trained;
use super::super::weights::{LayerWeights, WeightsAndBias};
use crate::optimize::OptimizeError;
use crate::recipe::{Granularity, Scheme};

/// Integers, scales and biases by the name of the layer. The samples that they come from are not needed to use them: float sums
/// differ in the last bit from one processor to the next, and with these a teammate gets the same bytes.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RoundedWeights {
    /// For which settings, see [`Quantize::rounding_key`](crate::recipe::Quantize::rounding_key).
    pub by: String,
    /// Integers in the order of the weights, in two's complement: one hexadecimal digit each where the scheme has 4 bits, else
    /// two.
    pub integers: BTreeMap<String, String>,
    /// One scale, or one for each output channel.
    #[serde(with = "crate::optimize::numbers_as_text")]
    pub scales: BTreeMap<String, Vec<f32>>,
    /// Real biases, one for each output channel; none for layers whose bias stays as it is.
    #[serde(with = "crate::optimize::numbers_as_text", skip_serializing_if = "BTreeMap::is_empty")]
    pub biases: BTreeMap<String, Vec<f32>>,
}

impl RoundedWeights {
    /// Checks numbers that come from a file: scales are positive, biases finite.
    ///
    /// # Errors
    /// [`OptimizeError::Calibration`] names the layer.
    pub fn check(&self) -> Result<(), OptimizeError> {
        let bad = |ok: fn(&f32) -> bool, lists: &BTreeMap<String, Vec<f32>>| {
            lists.iter().find(|(_, list)| !list.iter().all(ok)).map(|(layer, _)| misfit(layer))
        };
        let scales = bad(|scale| scale.is_normal() && *scale > 0.0, &self.scales);
        scales.or_else(|| bad(|bias| bias.is_finite(), &self.biases)).map_or(Ok(()), Err)
    }

    /// Keeps what was decided for a layer.
    pub(in crate::optimize::quantize) fn put(&mut self, layer: &str, weights: &LayerWeights, bias: Option<Vec<f32>>) {
        let digits = |q: &i8| if is_short(weights.scheme) { format!("{:x}", q & 15) } else { format!("{q:02x}") };
        self.integers.insert(layer.to_owned(), weights.weights.iter().map(digits).collect());
        self.scales.insert(layer.to_owned(), weights.scales.clone());
        bias.map(|bias| self.biases.insert(layer.to_owned(), bias));
    }

    /// What was decided for a layer: its weights and, where it has one, its bias.
    ///
    /// # Errors
    /// [`OptimizeError::Calibration`] if that does not fit the layer.
    pub(in crate::optimize::quantize) fn get(
        &self,
        layer: &str,
        trained: &Trained,
    ) -> Result<Option<WeightsAndBias>, OptimizeError> {
        let (Some(digits), Some(scales)) = (self.integers.get(layer), self.scales.get(layer)) else { return Ok(None) };
        let scheme = trained.settings.scheme;
        let n_scales = match trained.settings.granularity {
            Granularity::PerTensor => 1,
            Granularity::PerChannel => trained.layout.n_channels,
        };
        let bias = self.biases.get(layer).map(Vec::as_slice).or(trained.bias_values());
        let weights = integers(digits, scheme).filter(|weights| weights.len() == trained.weights.len());
        let fits = scales.len() == n_scales && bias.is_none_or(|bias| bias.len() == trained.layout.n_channels);
        match weights.filter(|_| fits && bias.is_some() == trained.bias.is_some()) {
            Some(weights) => {
                let weights = LayerWeights { weights: weights.into(), scales: scales.clone(), scheme };
                Ok(Some((weights, bias.map(<[f32]>::to_vec))))
            }
            None => Err(misfit(layer)),
        }
    }
}

fn misfit(layer: &str) -> OptimizeError {
    OptimizeError::Calibration(format!("the rounded weights of layer \"{layer}\" are not its own"))
}

/// Whether one hexadecimal digit holds an integer of the scheme.
fn is_short(scheme: Scheme) -> bool {
    matches!(scheme, Scheme::Int4 | Scheme::Ternary | Scheme::Binary)
}

/// The integers that digits stand for; `None` if there are others than the scheme has.
fn integers(digits: &str, scheme: Scheme) -> Option<Vec<i8>> {
    let digits: Vec<u8> = digits.chars().map(|c| Some(c.to_digit(16)? as u8)).collect::<Option<_>>()?;
    let integers: Vec<i8> = match is_short(scheme) {
        true => digits.iter().map(|digit| (digit << 4) as i8 >> 4).collect(),
        false => {
            let (pairs, rest) = digits.as_chunks::<2>();
            rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high << 4 | low) as i8).collect())?
        }
    };
    let most = match scheme {
        Scheme::Ternary | Scheme::Binary => 1,
        Scheme::Int4 => 7,
        _ => 127,
    };
    integers.iter().all(|q| q.unsigned_abs() <= most && (scheme != Scheme::Binary || *q != 0)).then_some(integers)
}
