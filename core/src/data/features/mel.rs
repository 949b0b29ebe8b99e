//! The mel filterbank: triangles, evenly spaced on the mel scale, that sum a spectrum into bands.

/// Mel of a frequency on the HTK scale, `2595 * log10(1 + f / 700)`.
pub(super) fn mel_from_hz(hz: f64) -> f64 {
    2595.0 * (1.0 + hz / 700.0).log10()
}

/// One triangle: weights of the consecutive spectrum bins that start at `first_bin`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MelBand {
    pub first_bin: usize,
    pub weights: Vec<f32>,
}

/// Triangles over the `fft_len / 2 + 1` bins of a spectrum, with their feet from `low_hz` to `high_hz`.
///
/// ```text
/// weight        band k-1   band k   band k+1
///   1              /\        /\        /\
///                 /  \      /  \      /  \        straight in mel, not in Hz; each foot is
///   0      ------/----\/---/----\/---/----\--     the centre of the neighbouring band
/// ```
///
/// The bin at 0 Hz never counts. Source: `tf.signal.linear_to_mel_weight_matrix`.
pub(super) fn mel_bands(n_mels: usize, fft_len: usize, rate_hz: f64, low_hz: f64, high_hz: f64) -> Vec<MelBand> {
    let (low, high) = (mel_from_hz(low_hz), mel_from_hz(high_hz));
    let spacing = (high - low) / (n_mels + 1) as f64;
    let edge = |idx: usize| low + spacing * idx as f64;
    let bin_mels: Vec<f64> = (0..=fft_len / 2).map(|bin| mel_from_hz(bin as f64 * rate_hz / fft_len as f64)).collect();

    (0..n_mels)
        .map(|band| {
            let (lower, center, upper) = (edge(band), edge(band + 1), edge(band + 2));
            let inside = |mel: f64| mel > lower && mel < upper;
            let first_bin = (1..bin_mels.len()).find(|&bin| inside(bin_mels[bin])).unwrap_or(bin_mels.len());
            let weights = bin_mels[first_bin..]
                .iter()
                .take_while(|&&mel| inside(mel))
                .map(|&mel| ((mel - lower) / (center - lower)).min((upper - mel) / (upper - center)) as f32)
                .collect();
            MelBand { first_bin, weights }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mel_scale_has_its_defining_point() {
        // 1000 Hz is 1000 mel, by definition of the scale; HTK's constants are off by 0.02.
        assert!((mel_from_hz(1000.0) - 1000.0).abs() < 0.02);
        assert_eq!(mel_from_hz(0.0), 0.0);
    }

    #[test]
    fn neighbouring_triangles_sum_to_one() {
        let bands = mel_bands(40, 512, 16_000.0, 20.0, 4_000.0);
        let mut sums = vec![0.0_f32; 257];
        for band in &bands {
            for (offset, weight) in band.weights.iter().enumerate() {
                sums[band.first_bin + offset] += weight;
            }
        }
        // Between the centres of the first and the last band, every bin is shared by exactly two triangles.
        for (bin, sum) in sums.iter().enumerate().take(115).skip(3) {
            assert!((sum - 1.0).abs() < 1e-5, "bin {bin}: {sum}");
        }
        assert_eq!(sums[0], 0.0);
        assert_eq!(sums[129], 0.0, "nothing above 4 kHz");
    }

    #[test]
    fn more_bands_than_bins_leaves_some_empty() {
        let bands = mel_bands(64, 32, 8_000.0, 20.0, 4_000.0);
        assert!(bands.iter().any(|band| band.weights.is_empty()));
    }
}
