//! The spectrum of one frame of sound.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

/// What is taken of a complex spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spectrum {
    /// `|X|`.
    Magnitude,
    /// `|X|^2`.
    Power,
}

/// What a frame is multiplied with before its transform. Its period is the frame's length, not one less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Taper {
    /// `sin²(pi n / len)`.
    Hann,
    /// `0.54 - 0.46 cos(2 pi n / len)`.
    Hamming,
    /// Nothing.
    None,
}

impl Taper {
    /// Its values for frames of `len` samples.
    pub(crate) fn values(self, len: usize) -> Vec<f32> {
        let angle = |n: usize| 2.0 * PI * n as f64 / len as f64;
        let value = |n: usize| match self {
            Self::Hann => (angle(n) / 2.0).sin().powi(2),
            Self::Hamming => 0.54 - 0.46 * angle(n).cos(),
            Self::None => 1.0,
        };
        (0..len).map(|n| value(n) as f32).collect()
    }
}

/// Window and Fourier transform, with the memory they work in.
#[derive(Clone)]
pub struct FrameSpectrum {
    kind: Spectrum,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    output: Vec<Complex32>,
    scratch: Vec<Complex32>,
    /// `[fft_len / 2 + 1]`
    spectrum: Vec<f32>,
}

impl std::fmt::Debug for FrameSpectrum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrameSpectrum({} of {})", self.window.len(), self.input.len())
    }
}

impl FrameSpectrum {
    /// For frames of `frame_len <= fft_len` samples.
    pub fn new(frame_len: usize, fft_len: usize, taper: Taper, kind: Spectrum) -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(fft_len);
        Self {
            kind,
            window: taper.values(frame_len),
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            spectrum: vec![0.0; fft_len / 2 + 1],
            fft,
        }
    }

    /// Spectrum of a frame, `[fft_len / 2 + 1]`; the frame is padded with zeros behind.
    pub fn of(&mut self, frame: &[f32]) -> &[f32] {
        self.input.fill(0.0); // The transform before this one used it as scratch memory.
        for (input, (sample, weight)) in self.input.iter_mut().zip(frame.iter().zip(&self.window)) {
            *input = sample * weight;
        }
        self.fft
            .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
            .expect("all three buffers were made by this plan");
        for (out, bin) in self.spectrum.iter_mut().zip(&self.output) {
            *out = match self.kind {
                Spectrum::Magnitude => bin.norm(),
                Spectrum::Power => bin.norm_sqr(),
            };
        }
        &self.spectrum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_on_a_bin_keeps_to_the_windows_three_bins() {
        let (len, bin) = (64, 5);
        let tone: Vec<f32> = (0..len).map(|n| (2.0 * PI * (bin * n) as f64 / len as f64).cos() as f32).collect();
        let mut spectrum = FrameSpectrum::new(len, len, Taper::Hann, Spectrum::Magnitude);
        let bins = spectrum.of(&tone).to_vec();
        // A Hann window spreads amplitude 1 over three bins: len/8, len/4, len/8.
        for (idx, &value) in bins.iter().enumerate() {
            let expected = match idx.abs_diff(bin) {
                0 => len as f32 / 4.0,
                1 => len as f32 / 8.0,
                _ => 0.0,
            };
            assert!((value - expected).abs() < 1e-4, "bin {idx}: {value}, expected {expected}");
        }
        let power = FrameSpectrum::new(len, len, Taper::Hann, Spectrum::Power).of(&tone)[bin];
        assert!((power - bins[bin].powi(2)).abs() < 1e-2);
    }
}
