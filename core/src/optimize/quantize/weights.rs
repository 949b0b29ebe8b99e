//! Which integers weights become, and the scale of each output channel.
//!
//! | scheme | integers | scale |
//! | --- | --- | --- |
//! | int8 (int16x8, too), int4 | -127..127, -7..7 | the largest weight, or least squared error |
//! | int4 in blocks | q · r, q in -7..7, r in 1..15 for each 32 weights of a channel | the largest weight |
//! | ternary | -1, 0, 1 | least squared error (Li and Liu, Ternary Weight Networks, 2016, solved exactly) |
//! | binary | -1, 1 | mean magnitude (Rastegari et al., XNOR-Net, ECCV 2016, section 3.1) |
//!
//! All are integers of at most 8 bits at one scale a channel, so all run by the same kernels.

use std::sync::Arc;

use super::parameters::ChannelLayout;
use crate::recipe::{Granularity, Scheme, WeightRange};
use crate::tensor::Data;

/// Weights that share a factor.
pub(super) const BLOCK: usize = 32;

/// The largest factor of a block: 4 bits, and 7 times it fits 8 bits.
const LARGEST_FACTOR: u8 = 15;

/// Ranges that are tried for the least squared error, from this share of the largest weight up to all of it.
const TRIED: std::ops::RangeInclusive<usize> = 20..=64;

/// How the weights of one layer are to be quantized.
#[derive(Clone, Copy, Debug)]
pub(super) struct WeightSettings {
    pub scheme: Scheme,
    pub granularity: Granularity,
    pub range: WeightRange,
}

impl WeightSettings {
    /// The same for one layer: a block is of no use where a channel has no more than one, or its weights do not lie side by side.
    pub fn of_layer(self, layout: ChannelLayout, n_weights: usize) -> Self {
        match self.scheme {
            Scheme::Int4Blocks if n_weights / layout.n_channels <= BLOCK || layout.inner == 1 => {
                Self { scheme: Scheme::Int4, ..self }
            }
            _ => self,
        }
    }
}

/// Integer weights of one layer, and what they stand for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LayerWeights {
    pub weights: Arc<[i8]>,
    /// One scale, or one for each output channel.
    pub scales: Vec<f32>,
    /// What the weights became: of the schemes of [`WeightSettings::of_layer`].
    pub scheme: Scheme,
}

/// The integers that a weight may become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Levels {
    /// Multiples of `step`, up to `most` of them on each side of zero.
    Multiples { step: i32, most: i32 },
    /// -1 and 1.
    Signs,
}

impl Levels {
    /// The level nearest to a real number, ties away from zero.
    pub fn nearest(self, x: f64) -> i32 {
        match self {
            Self::Multiples { step, most } => {
                step * (x / f64::from(step)).round().clamp(f64::from(-most), f64::from(most)) as i32
            }
            Self::Signs => {
                if x < 0.0 {
                    -1
                } else {
                    1
                }
            }
        }
    }
}

/// What each weight of one channel may become at a scale, which decides the factors of blocks.
pub(super) fn levels(channel: &[f32], scale: f32, scheme: Scheme) -> Vec<Levels> {
    let alike = |step, most| vec![Levels::Multiples { step, most }; channel.len()];
    match scheme {
        Scheme::Binary => vec![Levels::Signs; channel.len()],
        Scheme::Ternary => alike(1, 1),
        Scheme::Int4Blocks => {
            let blocks = channel.chunks(BLOCK);
            let of_block = |block: &[f32]| (block.len(), Levels::Multiples { step: block_factor(block, scale) as i32, most: 7 });
            blocks.map(of_block).flat_map(|(n, levels)| std::iter::repeat_n(levels, n)).collect()
        }
        scheme => alike(1, largest_integer(scheme) as i32),
    }
}

/// Integer weights, and the real bias that goes with them where the layer has one.
pub(super) type WeightsAndBias = (LayerWeights, Option<Vec<f32>>);

impl LayerWeights {
    /// As a constant: 4 bits two to a byte if all fit and `is_packed`.
    pub fn data(&self, is_packed: bool) -> Data {
        let is_int4 = matches!(self.scheme, Scheme::Int4 | Scheme::Ternary | Scheme::Binary);
        if is_int4 && is_packed { Data::I4(self.weights.clone()) } else { Data::I8(self.weights.clone()) }
    }
}

/// Quantizes weights symmetrically.
///
/// A scale is larger than the scheme wants where the layer's bias would not fit its sums at `s_in * s_w` otherwise. A channel of
/// zeros takes the smallest scale of its neighbours, so that its bias is exact enough.
pub(super) fn quantize_weights(
    weights: &[f32],
    bias: Option<&[f32]>,
    layout: ChannelLayout,
    settings: WeightSettings,
    input_scale: f32,
) -> LayerWeights {
    let channels = gathered(weights, layout, settings.granularity);
    let channel_len = weights.len() / layout.n_channels;
    let settings = settings.of_layer(layout, weights.len());
    let scheme = settings.scheme;
    let mut scales: Vec<f32> = channels.iter().map(|channel| scale(channel, settings)).collect();
    let smallest = scales.iter().copied().filter(|s| *s > 0.0).fold(f32::INFINITY, f32::min);
    let smallest = if smallest.is_finite() { smallest } else { 1.0 / 127.0 };
    scales.iter_mut().filter(|s| **s <= 0.0).for_each(|s| *s = smallest);
    for (c, b) in bias.into_iter().flatten().enumerate() {
        let scale = &mut scales[if channels.len() == 1 { 0 } else { c }];
        *scale = scale.max(least_scale(*b, input_scale, scheme));
    }
    let mut integers = vec![0; weights.len()];
    for (c, (channel, scale)) in channels.iter().zip(&scales).enumerate() {
        let quantized = integers_of(channel, *scale, scheme, channel_len);
        match channels.len() {
            1 => integers.copy_from_slice(&quantized),
            _ => layout.indices(c, weights.len()).zip(quantized).for_each(|(i, q)| integers[i] = q),
        }
    }
    LayerWeights { weights: integers.into(), scales, scheme }
}

/// The least scale of weights at which a bias fits, with room for the sums of products.
pub(super) fn least_scale(bias: f32, input_scale: f32, scheme: Scheme) -> f32 {
    (f64::from(bias.abs()) / (f64::from(input_scale) * largest_bias(scheme))) as f32
}

/// The weights of each channel side by side; all of them if they share a scale.
fn gathered(weights: &[f32], layout: ChannelLayout, granularity: Granularity) -> Vec<Vec<f32>> {
    match granularity {
        Granularity::PerTensor => vec![weights.to_vec()],
        Granularity::PerChannel => {
            (0..layout.n_channels).map(|c| layout.indices(c, weights.len()).map(|i| weights[i]).collect()).collect()
        }
    }
}

/// The scale of one channel; 0 for a channel of zeros.
fn scale(weights: &[f32], settings: WeightSettings) -> f32 {
    let largest = weights.iter().fold(0.0f32, |most, w| most.max(w.abs()));
    match settings.scheme {
        Scheme::Ternary => ternary_scale(weights),
        Scheme::Binary => (weights.iter().map(|w| f64::from(w.abs())).sum::<f64>() / weights.len().max(1) as f64) as f32,
        Scheme::Int4Blocks => largest / (7.0 * f32::from(LARGEST_FACTOR)),
        scheme => match settings.range {
            WeightRange::Largest => largest / largest_integer(scheme),
            WeightRange::Mse => least_squares_scale(weights, largest, largest_integer(scheme)),
        },
    }
}

/// Half of the integers that a sum may have; the others are left for the products. Sums have 32 bits, or, where activations
/// have 16, the 48 that their requantization takes.
fn largest_bias(scheme: Scheme) -> f64 {
    match scheme.activation_bits() {
        Some(16) => f64::from(1 << 30) * f64::from(1 << 16),
        _ => f64::from(1 << 30),
    }
}

fn largest_integer(scheme: Scheme) -> f32 {
    match scheme {
        Scheme::Int4 => 7.0,
        _ => 127.0,
    }
}

/// The scale, of some tried, whose integers are nearest to the weights.
fn least_squares_scale(weights: &[f32], largest: f32, most: f32) -> f32 {
    let error = |scale: f32| -> f64 {
        weights.iter().map(|w| f64::from(w - scale * (w / scale).round().clamp(-most, most)).powi(2)).sum()
    };
    let scales = TRIED.map(|step| largest * step as f32 / *TRIED.end() as f32 / most).filter(|scale| *scale > 0.0);
    scales.min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap_or(0.0)
}

/// The scale `s` for which `Σ (w - s t)²` with `t` in -1, 0, 1 is least. The weights that are not zero are the `k` largest; with
/// their sum `S` the error falls by `S² / k`, at `s = S / k`.
fn ternary_scale(weights: &[f32]) -> f32 {
    let mut magnitudes: Vec<f32> = weights.iter().map(|w| w.abs()).collect();
    magnitudes.sort_unstable_by(|a, b| b.total_cmp(a));
    let (mut sum, mut best) = (0.0, (0.0, 0.0));
    for (k, magnitude) in (1..).zip(magnitudes) {
        sum += f64::from(magnitude);
        let gain = sum * sum / f64::from(k);
        if gain > best.0 {
            best = (gain, sum / f64::from(k));
        }
    }
    best.1 as f32
}

/// Integers at one scale. Blocks end where a channel of `channel_len` does.
fn integers_of(weights: &[f32], scale: f32, scheme: Scheme, channel_len: usize) -> Vec<i8> {
    let nearest = |w: &f32, most: f32| (w / scale).round().clamp(-most, most) as i8;
    match scheme {
        Scheme::Binary => weights.iter().map(|w| if *w < 0.0 { -1 } else { 1 }).collect(),
        Scheme::Ternary => weights.iter().map(|w| nearest(w, 1.0)).collect(),
        Scheme::Int4Blocks => {
            let blocks = weights.chunks(channel_len.max(1)).flat_map(|channel| channel.chunks(BLOCK));
            blocks.flat_map(|block| block_integers(block, scale)).collect()
        }
        scheme => weights.iter().map(|w| nearest(w, largest_integer(scheme))).collect(),
    }
}

/// Multiples of the block's factor.
fn block_integers(weights: &[f32], scale: f32) -> impl Iterator<Item = i8> {
    let factor = block_factor(weights, scale);
    weights.iter().map(move |w| ((w / scale / factor).round().clamp(-7.0, 7.0) * factor) as i8)
}

/// The smallest factor at which no weight of a block is clipped.
fn block_factor(weights: &[f32], scale: f32) -> f32 {
    let largest = weights.iter().fold(0.0f32, |most, w| most.max(w.abs()));
    (largest / scale / 7.0 - 1e-3).ceil().clamp(1.0, f32::from(LARGEST_FACTOR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quantized(weights: &[f32], layout: ChannelLayout, scheme: Scheme, granularity: Granularity) -> LayerWeights {
        quantize_weights(weights, None, layout, WeightSettings { scheme, granularity, range: WeightRange::Largest }, 0.1)
    }

    #[test]
    fn weights_reach_the_largest_integer_in_every_channel() {
        let layout = ChannelLayout { n_channels: 2, inner: 3 };
        let weights = [0.1, -0.2, 0.05, 10.0, 5.0, -2.5];
        let layer = quantized(&weights, layout, Scheme::Int8, Granularity::PerChannel);
        assert_eq!(*layer.weights, [64, -127, 32, 127, 64, -32]);
        let layer = quantized(&weights, layout, Scheme::Int8, Granularity::PerTensor);
        assert_eq!((&*layer.weights, layer.scales.len()), (&[1, -3, 1, 127, 64, -32][..], 1));
        let layer = quantized(&weights, layout, Scheme::Int4, Granularity::PerChannel);
        assert_eq!((layer.data(true), layer.scales), (Data::I4([4, -7, 2, 7, 4, -2].into()), vec![0.2 / 7.0, 10.0 / 7.0]));
    }

    #[test]
    fn a_channel_of_zeros_keeps_its_bias() {
        let layout = ChannelLayout { n_channels: 2, inner: 1 };
        for scheme in Scheme::ALL.into_iter().filter(|scheme| scheme.is_integer()) {
            let settings = WeightSettings { scheme, granularity: Granularity::PerChannel, range: WeightRange::Mse };
            let layer = quantize_weights(&[0.0, 0.3], Some(&[0.7, 0.1]), layout, settings, 0.5);
            let (bias, scales) = super::super::parameters::quantize_bias(&[0.7, 0.1], 0.5, &layer.scales, |x| x as i32);
            assert!((bias[0] as f32 * scales[0] - 0.7).abs() < 0.1, "{scheme:?}");
        }
    }

    #[test]
    fn a_large_bias_fits_32_bits() {
        let layout = ChannelLayout { n_channels: 1, inner: 1 };
        let settings = WeightSettings { scheme: Scheme::Int8, granularity: Granularity::PerChannel, range: WeightRange::Largest };
        let layer = quantize_weights(&[1e-6], Some(&[5e4]), layout, settings, 1e-4);
        let (bias, scales) = super::super::parameters::quantize_bias(&[5e4], 1e-4, &layer.scales, |x| x as i32);
        assert!(bias[0] < i32::MAX / 4 * 3 && (bias[0] as f32 * scales[0] / 5e4 - 1.0).abs() < 1e-5);
    }

    #[test]
    fn beside_16_bits_a_large_bias_costs_no_exactness() {
        let layout = ChannelLayout { n_channels: 1, inner: 1 };
        let layer = |scheme| {
            let settings = WeightSettings { scheme, granularity: Granularity::PerChannel, range: WeightRange::Largest };
            quantize_weights(&[1e-6], Some(&[50.0]), layout, settings, 1e-4)
        };
        let [narrow, wide] = [layer(Scheme::Int8), layer(Scheme::Int16x8)];
        assert_eq!((wide.weights[0], wide.scales[0]), (127, 1e-6 / 127.0), "64 bits hold it");
        assert!(narrow.weights[0] < 3, "{}: 32 bits do not", narrow.weights[0]);
        let (bias, scales) = super::super::parameters::quantize_bias(&[50.0], 1e-4, &wide.scales, |x| x as i64);
        assert!((bias[0] as f64 * f64::from(scales[0]) / 50.0 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn blocks_have_factors_of_their_own() {
        let mut weights = vec![0.01; 64];
        weights[0] = 0.7;
        weights[40] = 0.07;
        let layout = ChannelLayout { n_channels: 1, inner: 64 };
        let layer = quantized(&weights, layout, Scheme::Int4Blocks, Granularity::PerChannel);
        assert_eq!((layer.weights[0], layer.weights[1]), (105, 0), "a step of 0.1 in the block of the large weight");
        let fine = f64::from(layer.weights[41]) * f64::from(layer.scales[0]);
        assert!((fine - 0.01).abs() < 0.004, "{fine}: a step of about 0.013 in the other");
        assert!(matches!(layer.data(true), Data::I8(_)));
    }

    #[test]
    fn blocks_end_where_a_channel_does() {
        let weights: Vec<f32> = (0..80).map(|i| if i < 40 { 0.7 } else { 0.01 }).collect();
        let layout = ChannelLayout { n_channels: 2, inner: 40 };
        let layer = quantized(&weights, layout, Scheme::Int4Blocks, Granularity::PerTensor);
        assert_eq!(layer.scales.len(), 1);
        assert_eq!((layer.weights[39], layer.weights[40]), (105, 2), "the small channel keeps steps of its own");
    }

    proptest! {
        #[test]
        fn no_other_ternary_weights_are_nearer(weights in prop::collection::vec(-2.0f32..2.0, 1..9)) {
            let layout = ChannelLayout { n_channels: 1, inner: weights.len() };
            let layer = quantized(&weights, layout, Scheme::Ternary, Granularity::PerChannel);
            let error = |scale: f32, integers: &[i8]| -> f32 {
                weights.iter().zip(integers).map(|(w, q)| (w - scale * f32::from(*q)).powi(2)).sum()
            };
            let found = error(layer.scales[0], &layer.weights);
            for code in 0..3usize.pow(weights.len() as u32) {
                let trits: Vec<i8> = (0..weights.len()).map(|i| (code / 3usize.pow(i as u32) % 3) as i8 - 1).collect();
                let (wt, tt) = weights.iter().zip(&trits).fold((0.0, 0.0), |(wt, tt), (w, t)| {
                    (wt + w * f32::from(*t), tt + f32::from(*t).powi(2))
                });
                let scale = if tt > 0.0 { wt / tt } else { 0.0 };
                prop_assert!(found <= error(scale, &trits) + 1e-4);
            }
        }

        #[test]
        fn the_least_squared_error_is_no_larger_than_that_of_the_largest_weight(
            weights in prop::collection::vec(-1.0f32..1.0, 4..64),
        ) {
            let layout = ChannelLayout { n_channels: 1, inner: weights.len() };
            let error = |range| {
                let settings = WeightSettings { scheme: Scheme::Int4, granularity: Granularity::PerChannel, range };
                let layer = quantize_weights(&weights, None, layout, settings, 0.1);
                weights.iter().zip(&*layer.weights).map(|(w, q)| (w - layer.scales[0] * f32::from(*q)).powi(2)).sum::<f32>()
            };
            prop_assert!(error(WeightRange::Mse) <= error(WeightRange::Largest) + 1e-6);
        }
    }
}
