//! Figures that sum a series up.

use serde::{Deserialize, Serialize};

use super::{Signal, StageProblem, Work, bounded, series_rate_hz};
use crate::data::features::signal::Form;
use crate::data::features::spectrum::{FrameSpectrum, Spectrum, Taper};
use crate::settings::{Parameter, Settings, number, switch, whole};

/// Settings of the stage: which figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Statistics {
    /// Arithmetic mean.
    pub mean: bool,
    /// Root of the mean square.
    pub rms: bool,
    /// Standard deviation.
    pub std: bool,
    /// Least and greatest value.
    pub extremes: bool,
    /// Changes of sign about the mean, a second.
    pub crossings: bool,
    /// Local greatest values that stand out, a second.
    pub peaks: bool,
    /// By how many standard deviations a peak stands above the mean.
    pub peak_height: f64,
    /// Equally wide bands from 0 Hz to half the rate, whose power is taken; 0 for none.
    pub bands: u32,
}

impl Default for Statistics {
    fn default() -> Self {
        let on = true;
        Self { mean: on, rms: on, std: on, extremes: on, crossings: on, peaks: on, peak_height: 1.0, bands: 4 }
    }
}

impl Settings for Statistics {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            switch("mean", "Mean", "Arithmetic mean.", |s| &mut s.mean),
            switch("rms", "RMS", "Root of the mean square.", |s| &mut s.rms),
            switch("std", "Spread", "Standard deviation.", |s| &mut s.std),
            switch("extremes", "Extremes", "Least and greatest value.", |s| &mut s.extremes),
            switch("crossings", "Zero crossings", "Changes of sign about the mean, a second.", |s| &mut s.crossings),
            switch("peaks", "Peaks", "Local greatest values that stand out, a second.", |s| &mut s.peaks),
            number(["peak-height", "Peak height", "How far a peak stands above the mean.", "std"], 0.0..=10.0, 0.1, |s| {
                &mut s.peak_height
            }),
            whole(
                ["bands", "Power bands", "Equally wide bands up to half the rate, whose mean power is taken.", ""],
                0..=64,
                |s| &mut s.bands,
            ),
        ]
    }
}

impl Work for Statistics {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        /// What the transform of a whole recording may hold.
        const LONGEST: usize = 1 << 22;
        let rate_hz = series_rate_hz(signal)?;
        let n_rows = signal.n_rows();
        if n_rows == 0 {
            return Err(StageProblem::TooShort("there are no values to sum up; give it a recording".into()));
        }
        if self.bands > 0 && n_rows > LONGEST {
            let values = n_rows as u128;
            return Err(StageProblem::TooLarge { values, remedy: "put a window stage before this one, or set bands=0" });
        }
        bounded(&[n_rows, signal.channels.len()], "put a window stage before this one")?;
        let mut rows = Vec::new();
        let table = signal.map_channels(rate_hz, |channel| {
            let (names, figures) = self.figures(channel, rate_hz).into_iter().unzip();
            rows = names;
            figures
        });
        if rows.is_empty() {
            return Err(StageProblem::Setting("no figure is asked for; switch one on".into()));
        }
        Ok(vec![Signal { rate_hz: 0.0, form: Form::Table { rows }, ..table }])
    }
}

impl Statistics {
    /// Name and value of each figure.
    fn figures(&self, channel: &[f32], rate_hz: f64) -> Vec<(String, f32)> {
        let real = || channel.iter().copied().map(f64::from);
        let n = channel.len().max(1) as f64;
        let (mean, square) = (real().sum::<f64>() / n, real().map(|x| x * x).sum::<f64>() / n);
        let std = (real().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let seconds = n / rate_hz;
        let least = channel.iter().copied().fold(f32::INFINITY, f32::min);
        let greatest = channel.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let crossings = || channel.windows(2).filter(|w| (f64::from(w[0]) < mean) != (f64::from(w[1]) < mean)).count() as f64;
        let threshold = mean + self.peak_height * std;
        let is_peak = |w: &&[f32]| w[0] < w[1] && w[1] >= w[2] && f64::from(w[1]) > threshold;
        let peaks = || channel.windows(3).filter(is_peak).count() as f64;
        let all = [
            (self.mean, "mean", mean),
            (self.rms, "rms", square.sqrt()),
            (self.std, "std", std),
            (self.extremes, "min", least.into()),
            (self.extremes, "max", greatest.into()),
            (self.crossings, "crossings/s", crossings() / seconds),
            (self.peaks, "peaks/s", peaks() / seconds),
        ];
        let chosen = all.into_iter().filter(|(on, ..)| *on).map(|(_, name, value)| (name.to_owned(), value as f32));
        chosen.chain(self.band_powers(channel, mean, rate_hz)).collect()
    }

    /// Mean power of each band, without the mean: all together are the variance (Parseval).
    fn band_powers(&self, channel: &[f32], mean: f64, rate_hz: f64) -> Vec<(String, f32)> {
        let n_bands = self.bands as usize;
        if n_bands == 0 {
            return Vec::new();
        }
        let fft_len = channel.len().next_multiple_of(2).max(2);
        let centred: Vec<f32> = channel.iter().map(|&x| (f64::from(x) - mean) as f32).collect();
        let mut spectrum = FrameSpectrum::new(channel.len(), fft_len, Taper::None, Spectrum::Power);
        let bins = spectrum.of(&centred);
        let half = fft_len / 2;
        let mut powers = vec![0.0; n_bands];
        for (bin, &power) in bins.iter().enumerate().skip(1) {
            // Every bin but the last stands for a negative frequency as well.
            let times = if bin == half { 1.0 } else { 2.0 };
            powers[((bin - 1) * n_bands / half).min(n_bands - 1)] += times * f64::from(power);
        }
        let total = fft_len as f64 * channel.len() as f64;
        let width_hz = rate_hz / 2.0 / n_bands as f64;
        let name = |band: usize| format!("power {:.4}-{:.4} Hz", width_hz * band as f64, width_hz * (band + 1) as f64);
        powers.iter().enumerate().map(|(band, power)| (name(band), (power / total) as f32)).collect()
    }
}
