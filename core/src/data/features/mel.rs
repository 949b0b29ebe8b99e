//! The mel filterbank: triangles, evenly spaced on the mel scale, that sum a spectrum into bands.

use serde::{Deserialize, Serialize};

/// Whose mel bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MelScale {
    /// `tf.signal.linear_to_mel_weight_matrix`: HTK's scale; triangles are straight in mel and 1 high.
    TensorFlow,
    /// `librosa.filters.mel`: Slaney's scale; triangles are straight in Hz, and their areas in Hz are 1.
    Librosa,
}

/// Where bands lie on a spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MelPlan {
    pub scale: MelScale,
    pub n_mels: usize,
    pub fft_len: usize,
    pub rate_hz: f64,
    pub low_hz: f64,
    pub high_hz: f64,
}

impl MelScale {
    fn mel(self, hz: f64) -> f64 {
        match self {
            Self::TensorFlow => mel_from_hz(hz),
            Self::Librosa if hz < SLANEY_BREAK_HZ => hz / SLANEY_STEP_HZ,
            Self::Librosa => (SLANEY_BREAK_HZ / SLANEY_STEP_HZ) + (hz / SLANEY_BREAK_HZ).ln() / slaney_log_step(),
        }
    }

    fn hz(self, mel: f64) -> f64 {
        let break_mel = SLANEY_BREAK_HZ / SLANEY_STEP_HZ;
        match self {
            Self::TensorFlow => 700.0 * (10_f64.powf(mel / 2595.0) - 1.0),
            Self::Librosa if mel < break_mel => mel * SLANEY_STEP_HZ,
            Self::Librosa => SLANEY_BREAK_HZ * (slaney_log_step() * (mel - break_mel)).exp(),
        }
    }
}

/// Slaney's scale (Auditory Toolbox, 1998) is linear below it and logarithmic above.
const SLANEY_BREAK_HZ: f64 = 1000.0;
/// Hz of a mel below the break.
const SLANEY_STEP_HZ: f64 = 200.0 / 3.0;

/// 27 steps above the break are a factor of 6.4.
fn slaney_log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

/// Mel of a frequency on the HTK scale, `2595 * log10(1 + f / 700)`.
pub(super) fn mel_from_hz(hz: f64) -> f64 {
    2595.0 * (1.0 + hz / 700.0).log10()
}

/// One triangle: weights of the consecutive spectrum bins that start at `first_bin`.
#[derive(Debug, Clone, PartialEq)]
pub struct MelBand {
    /// The first bin that counts.
    pub first_bin: usize,
    /// What it and the next ones count.
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
/// The bin at 0 Hz never counts. Sources: `tf.signal.linear_to_mel_weight_matrix`, `librosa.filters.mel`.
pub(super) fn mel_bands(plan: &MelPlan) -> Vec<MelBand> {
    let edges = mel_edges(plan);
    let hz = |bin: usize| bin as f64 * plan.rate_hz / plan.fft_len as f64;
    let n_bins = plan.fft_len / 2 + 1;
    let (at, edges): (Vec<f64>, Vec<f64>) = match plan.scale {
        MelScale::TensorFlow => ((0..n_bins).map(|bin| mel_from_hz(hz(bin))).collect(), edges),
        MelScale::Librosa => ((0..n_bins).map(hz).collect(), edges.iter().map(|&mel| plan.scale.hz(mel)).collect()),
    };
    let band = |feet: &[f64]| {
        let (lower, center, upper) = (feet[0], feet[1], feet[2]);
        let height = match plan.scale {
            MelScale::TensorFlow => 1.0,
            MelScale::Librosa => 2.0 / (upper - lower),
        };
        let inside = |x: f64| x > lower && x < upper;
        let first_bin = (1..n_bins).find(|&bin| inside(at[bin])).unwrap_or(n_bins);
        let weights = at[first_bin..]
            .iter()
            .take_while(|&&x| inside(x))
            .map(|&x| (height * ((x - lower) / (center - lower)).min((upper - x) / (upper - center))) as f32)
            .collect();
        MelBand { first_bin, weights }
    };
    edges.windows(3).map(band).collect()
}

/// Centres of the bands, Hz.
pub(super) fn mel_centres_hz(plan: &MelPlan) -> Vec<f32> {
    mel_edges(plan)[1..=plan.n_mels].iter().map(|&mel| plan.scale.hz(mel) as f32).collect()
}

/// Feet and centres of all bands, `[n_mels + 2]`, mel.
fn mel_edges(plan: &MelPlan) -> Vec<f64> {
    let (low, high) = (plan.scale.mel(plan.low_hz), plan.scale.mel(plan.high_hz));
    let spacing = (high - low) / (plan.n_mels + 1) as f64;
    (0..plan.n_mels + 2).map(|idx| low + spacing * idx as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(n_mels: usize, fft_len: usize, rate_hz: f64) -> MelPlan {
        MelPlan { scale: MelScale::TensorFlow, n_mels, fft_len, rate_hz, low_hz: 20.0, high_hz: 4_000.0 }
    }

    #[test]
    fn mel_scale_has_its_defining_point() {
        // 1000 Hz is 1000 mel, by definition of the scale; HTK's constants are off by 0.02.
        assert!((mel_from_hz(1000.0) - 1000.0).abs() < 0.02);
        assert_eq!(mel_from_hz(0.0), 0.0);
    }

    #[test]
    fn neighbouring_triangles_sum_to_one() {
        let bands = mel_bands(&plan(40, 512, 16_000.0));
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
        let bands = mel_bands(&plan(64, 32, 8_000.0));
        assert!(bands.iter().any(|band| band.weights.is_empty()));
    }
}
