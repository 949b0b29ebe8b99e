//! The spectrum of a sound, column by column, while it is heard.

use std::collections::VecDeque;

use tinsmith_core::data::features::{FrameSpectrum, Spectrum, Taper};
use tinsmith_core::data::level::decibels;

/// A frame is the power of two that is closest to so many seconds.
const FRAME_S: f64 = 0.032;

/// The newest columns. Frames overlap by half.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    frame: usize,
    spectrum: FrameSpectrum,
    rate_hz: f64,
    /// Sound that no column has begun with yet.
    rest: Vec<f32>,
    /// Number of the first column that is kept.
    first: u64,
    columns: VecDeque<Vec<f32>>,
    most: usize,
}

impl Spectrogram {
    /// Keeps the columns of so many seconds.
    pub fn new(rate_hz: f64, seconds: f64) -> Self {
        let frame = 1 << (rate_hz * FRAME_S).max(16.0).log2().round() as u32;
        let most = (seconds * rate_hz / (frame / 2) as f64).ceil() as usize + 1;
        let spectrum = FrameSpectrum::new(frame, frame, Taper::Hann, Spectrum::Magnitude);
        Self { frame, spectrum, rate_hz, rest: Vec::new(), first: 0, columns: VecDeque::new(), most }
    }

    /// Takes sound, in full scale.
    pub fn push(&mut self, values: &[f32]) {
        self.rest.extend_from_slice(values);
        let hop = self.frame / 2;
        let mut start = 0;
        while self.rest.len() - start >= self.frame {
            // A tone of full scale has a quarter of a frame in the middle of a Hann window's three bins.
            let scale = 4.0 / self.frame as f32;
            let column = self.spectrum.of(&self.rest[start..start + self.frame]);
            self.columns.push_back(column.iter().map(|magnitude| decibels((magnitude * scale).max(1e-6))).collect());
            if self.columns.len() > self.most {
                self.columns.pop_front();
                self.first += 1;
            }
            start += hop;
        }
        self.rest.drain(..start);
    }

    /// Columns, the number of the first of them first; each is dB of full scale from 0 Hz up.
    pub fn columns(&self) -> (u64, &VecDeque<Vec<f32>>) {
        (self.first, &self.columns)
    }

    /// Instants from one column to the next.
    pub fn hop(&self) -> usize {
        self.frame / 2
    }

    /// Values of a column.
    pub fn n_bins(&self) -> usize {
        self.frame / 2 + 1
    }

    /// The frequency of a bin.
    pub fn frequency_hz(&self, bin: usize) -> f64 {
        bin as f64 * self.rate_hz / self.frame as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_of_1_khz_stands_at_1_khz_in_every_column() {
        let mut spectrogram = Spectrogram::new(16_000.0, 1.0);
        let tone: Vec<f32> = (0..32_000).map(|i| (i as f32 * std::f32::consts::TAU * 1000.0 / 16_000.0).sin()).collect();
        tone.chunks(77).for_each(|chunk| spectrogram.push(chunk));
        let (first, columns) = spectrogram.columns();
        assert_eq!(first as usize + columns.len(), (32_000 - 512) / 256 + 1);
        assert_eq!(columns.len(), 64, "a second and one");
        for column in columns {
            let loudest = (0..column.len()).max_by(|&a, &b| column[a].total_cmp(&column[b])).unwrap();
            assert_eq!(spectrogram.frequency_hz(loudest), 1000.0);
            assert!(column[loudest].abs() < 0.1, "full scale is 0 dB: {}", column[loudest]);
        }
    }
}
