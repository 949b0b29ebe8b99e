//! Mel-frequency cepstral coefficients of a clip of sound.
//!
//! ```text
//! clip ─▶ frames ─▶ Hann window ─▶ FFT ─▶ |X| or |X|² ─▶ mel bands ─▶ ln(· + offset) ─▶ DCT-II ─▶ first coefficients
//! [samples]  [frames, frame_len]     [fft_len/2 + 1]      [n_mels]                         [frames, n_coefficients]
//! ```
//!
//! Agrees with `tf.signal` to float rounding: frames are not padded at the end, the window is the periodic one, a frame is
//! padded with zeros behind up to the FFT's length.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::cosine::dct_rows;
use super::mel::{MelBand, MelPlan, MelScale, mel_bands};
use super::spectrum::{FrameSpectrum, Spectrum, Taper};

/// How the coefficient 0 of the DCT-II is scaled; all others by `sqrt(2 / n_mels)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CosineScale {
    /// By `sqrt(1 / n_mels)`: the transform keeps lengths (SciPy's `norm="ortho"`).
    Orthonormal,
    /// Like the others, as `tf.signal.mfccs_from_log_mel_spectrograms` does.
    TensorFlow,
}

/// What becomes of a band's sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Logarithm {
    /// `ln(x + offset)`.
    Natural,
    /// `10 log10(max(x, offset))`, as `librosa.power_to_db` has it with `top_db=None`.
    Decibel,
}

impl Logarithm {
    fn of(self, x: f32, offset: f32) -> f32 {
        match self {
            Self::Natural => (x + offset).ln(),
            Self::Decibel => 10.0 * x.max(offset).log10(),
        }
    }
}

/// How a clip becomes coefficients. Part of what a network is trained for: it belongs beside the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MfccConfig {
    /// Samples a second of the clip.
    pub rate_hz: f64,
    /// Samples under the window.
    pub frame_len: usize,
    /// Samples from the start of one frame to that of the next.
    pub frame_step: usize,
    /// Length of the FFT, at least `frame_len`, even.
    pub fft_len: usize,
    /// Number of mel bands.
    pub n_mels: usize,
    /// Lower foot of the first band, Hz.
    pub mel_low_hz: f32,
    /// Upper foot of the last band, Hz.
    pub mel_high_hz: f32,
    /// What a frame is multiplied with.
    pub taper: Taper,
    /// Whose bands.
    pub mel_scale: MelScale,
    /// What the bands sum.
    pub spectrum: Spectrum,
    /// What becomes of the sums.
    pub log: Logarithm,
    /// Keeps the logarithm of silence finite.
    pub log_offset: f32,
    /// How many coefficients are kept, from 0 upwards.
    pub n_coefficients: usize,
    /// Scale of the cosine transform.
    pub cosine_scale: CosineScale,
}

impl MfccConfig {
    /// The usual front end of keyword spotting: 1 s at 16 kHz becomes 49 frames of 10 coefficients, from windows of 30 ms
    /// every 20 ms.
    pub fn keyword() -> Self {
        Self {
            rate_hz: 16_000.0,
            frame_len: 480,
            frame_step: 320,
            fft_len: 512,
            n_mels: 40,
            mel_low_hz: 20.0,
            mel_high_hz: 4_000.0,
            taper: Taper::Hann,
            mel_scale: MelScale::TensorFlow,
            spectrum: Spectrum::Power,
            log: Logarithm::Natural,
            log_offset: 1e-6,
            n_coefficients: 10,
            cosine_scale: CosineScale::Orthonormal,
        }
    }

    /// Whole frames in a clip; 0 where it is shorter than one.
    pub fn n_frames(&self, n_samples: usize) -> usize {
        n_samples.checked_sub(self.frame_len).map_or(0, |rest| rest / self.frame_step.max(1) + 1)
    }

    pub(super) fn mel_plan(&self) -> MelPlan {
        MelPlan {
            scale: self.mel_scale,
            n_mels: self.n_mels,
            fft_len: self.fft_len,
            rate_hz: self.rate_hz,
            low_hz: self.mel_low_hz.into(),
            high_hz: self.mel_high_hz.into(),
        }
    }

    /// Settings may come from a file: nothing is allocated before they are known to be sane.
    fn check(&self) -> Result<(), FeatureError> {
        const LONGEST_FFT: usize = 1 << 16;
        const MOST_MELS: usize = 512;
        let err = |field, value: f64, expected| Err(FeatureError::Setting { field, value, expected });
        let nyquist_hz = (self.rate_hz / 2.0) as f32;
        if !(self.rate_hz >= 1.0 && self.rate_hz.is_finite()) {
            return err("rate_hz", self.rate_hz, "at least 1".to_string());
        }
        if self.fft_len < 2 || self.fft_len > LONGEST_FFT || !self.fft_len.is_multiple_of(2) {
            return err("fft_len", self.fft_len as f64, format!("an even number from 2 to {LONGEST_FFT}"));
        }
        if self.frame_len == 0 || self.frame_len > self.fft_len {
            return err("frame_len", self.frame_len as f64, format!("from 1 to fft_len = {}", self.fft_len));
        }
        if self.frame_step == 0 {
            return err("frame_step", 0.0, "at least 1".to_string());
        }
        let most_mels = self.fft_len.min(MOST_MELS);
        if self.n_mels == 0 || self.n_mels > most_mels {
            return err("n_mels", self.n_mels as f64, format!("from 1 to {most_mels}, and at most fft_len = {}", self.fft_len));
        }
        if self.n_coefficients == 0 || self.n_coefficients > self.n_mels {
            return err("n_coefficients", self.n_coefficients as f64, format!("from 1 to n_mels = {}", self.n_mels));
        }
        if !(self.mel_high_hz > 0.0 && self.mel_high_hz <= nyquist_hz) {
            return err("mel_high_hz", self.mel_high_hz.into(), format!("above 0 and at most rate_hz / 2 = {nyquist_hz}"));
        }
        if !(self.mel_low_hz >= 0.0 && self.mel_low_hz < self.mel_high_hz) {
            return err("mel_low_hz", self.mel_low_hz.into(), format!("from 0 to below mel_high_hz = {}", self.mel_high_hz));
        }
        if !(self.log_offset > 0.0 && self.log_offset.is_finite()) {
            return err("log_offset", self.log_offset.into(), "above 0".to_string());
        }
        Ok(())
    }
}

/// Settings that no features can be made with.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum FeatureError {
    /// One setting is out of its range.
    #[error("MFCC setting {field} is {value}, expected {expected}")]
    Setting {
        /// The field of [`MfccConfig`].
        field: &'static str,
        /// What it holds.
        value: f64,
        /// What it may hold.
        expected: String,
    },
}

/// Makes features by one configuration. Holds its tables and scratch memory: make one, use it for many clips.
pub struct Mfcc {
    config: MfccConfig,
    frame_spectrum: FrameSpectrum,
    bands: Vec<MelBand>,
    /// `[n_coefficients, n_mels]`
    cosines: Vec<f32>,
}

impl Mfcc {
    /// Prepares window, filterbank and transforms.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] names the first setting that is out of range.
    pub fn new(config: MfccConfig) -> Result<Self, FeatureError> {
        config.check()?;
        Ok(Self {
            frame_spectrum: FrameSpectrum::new(config.frame_len, config.fft_len, config.taper, config.spectrum),
            bands: mel_bands(&config.mel_plan()),
            cosines: dct_rows(config.n_coefficients, config.n_mels, config.cosine_scale),
            config,
        })
    }

    /// The configuration these features are made by.
    pub fn config(&self) -> &MfccConfig {
        &self.config
    }

    /// What a frame is multiplied with, `[frame_len]`.
    pub fn window(&self) -> Vec<f32> {
        self.config.taper.values(self.config.frame_len)
    }

    /// The mel bands, `[n_mels]`.
    pub fn bands(&self) -> &[MelBand] {
        &self.bands
    }

    /// The cosine transform, `[n_coefficients, n_mels]`.
    pub fn cosines(&self) -> &[f32] {
        &self.cosines
    }

    /// Coefficients of a clip (samples in [-1, 1]), `[frames, n_coefficients]`. A clip shorter than one frame has none.
    pub fn coefficients(&mut self, clip: &[f32]) -> Vec<f32> {
        let n_mels = self.config.n_mels;
        let log_mel = self.log_mel(clip);
        let mut coefficients = Vec::with_capacity(self.config.n_frames(clip.len()) * self.config.n_coefficients);
        for bands in log_mel.chunks_exact(n_mels) {
            coefficients.extend(self.cosines.chunks_exact(n_mels).map(|row| dot(row, bands)));
        }
        coefficients
    }

    /// Logarithms of the mel bands of a clip (samples in [-1, 1]), `[frames, n_mels]`.
    pub fn log_mel(&mut self, clip: &[f32]) -> Vec<f32> {
        let config = &self.config;
        let mut log_mel = Vec::with_capacity(config.n_frames(clip.len()) * config.n_mels);
        for frame in clip.windows(config.frame_len).step_by(config.frame_step) {
            let spectrum = self.frame_spectrum.of(frame);
            log_mel.extend(self.bands.iter().map(|band| {
                let energy = dot(&band.weights, &spectrum[band.first_bin..]);
                config.log.of(energy, config.log_offset)
            }));
        }
        log_mel
    }
}

/// Over the shorter of the two.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// A clip of exactly `n_samples` around the recording's middle: cut or padded with zeros evenly, the odd sample on the right.
pub fn fit_clip(samples: &[f32], n_samples: usize) -> Vec<f32> {
    fit_clip_at(samples, n_samples, |n| n / 2)
}

/// A clip of exactly `n_samples`; of what is cut or filled, `front` tells how much is in front.
pub(super) fn fit_clip_at(samples: &[f32], n_samples: usize, front: impl Fn(usize) -> usize) -> Vec<f32> {
    let skipped = front(samples.len().saturating_sub(n_samples));
    let kept = &samples[skipped..skipped + samples.len().min(n_samples)];
    let mut clip = vec![0.0; front(n_samples - kept.len())];
    clip.extend_from_slice(kept);
    clip.resize(n_samples, 0.0);
    clip
}

#[cfg(test)]
mod tests;
