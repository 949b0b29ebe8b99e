//! Another rate.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler, SincInterpolationParameters};
use serde::{Deserialize, Serialize};

use super::{Signal, StageProblem, Work, bounded, series_rate_hz};
use crate::settings::{Parameter, Settings, number};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resample {
    /// The new rate, Hz.
    pub rate_hz: f64,
}

impl Default for Resample {
    fn default() -> Self {
        Self { rate_hz: 16_000.0 }
    }
}

impl Settings for Resample {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![number(["rate", "Rate", "The new rate.", "Hz"], 1.0..=192_000.0, 1.0, |s| &mut s.rate_hz)]
    }
}

impl Work for Resample {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        /// Instants that are worked on at once.
        const CHUNK: usize = 1024;
        /// Beyond it the filter, and the time it takes, would be out of proportion.
        const MAX_RATIO: f64 = 256.0;
        let old_hz = series_rate_hz(signal)?;
        let (ratio, n_rows, width) = (self.rate_hz / old_hz, signal.n_rows(), signal.channels.len());
        if old_hz == self.rate_hz || n_rows == 0 {
            return Ok(vec![Signal { rate_hz: self.rate_hz, ..signal.clone() }]);
        }
        if !(1.0 / MAX_RATIO..=MAX_RATIO).contains(&ratio) {
            return Err(StageProblem::Setting(format!(
                "rate is {} Hz and {old_hz} Hz come in, expected at most {MAX_RATIO} times more or less",
                self.rate_hz
            )));
        }
        let n_new = (n_rows as f64 * ratio).round() as usize;
        bounded(&[n_new, width], "take a lower rate")?;
        let unusable = |error: &dyn std::fmt::Display| StageProblem::Setting(format!("rate: {error}"));
        let parameters = filter(ratio);
        let resampler = Async::<f32>::new_sinc(ratio, 1.0, &parameters, CHUNK, width, FixedAsync::Input);
        let mut resampler = resampler.map_err(|error| unusable(&error))?;
        let (front, late) = on_time(parameters.sinc_len, parameters.oversampling_factor, ratio);
        let behind = (2.0 / ratio).ceil() as usize + 1;
        let zeros = |rows: usize| std::iter::repeat_n(0.0, rows * width);
        let padded: Vec<f32> = zeros(front).chain(signal.values.iter().copied()).chain(zeros(behind)).collect();
        let n_padded = front + n_rows + behind;
        let input = InterleavedSlice::new(&padded, width, n_padded).map_err(|error| unusable(&error))?;
        let mut values = resampler.process_all(&input, n_padded, None).map_err(|error| unusable(&error))?.take_data();
        values.drain(..(late * width).min(values.len()));
        values.resize(n_new * width, 0.0);
        Ok(vec![Signal::series(self.rate_hz, signal.channels.clone(), values)])
    }
}

/// The filter spans as many new instants downwards as old ones upwards: what it lets through ends below half the lower rate. Its table
/// stays as large, with instants that are right to 1/512 of an instant of the lower rate.
fn filter(ratio: f64) -> SincInterpolationParameters {
    const SPAN: f64 = 256.0;
    const PARTS: f64 = 512.0;
    /// What the interpolation between entries of the table needs.
    const LEAST_PARTS: usize = 8;
    let lower = ratio.min(1.0);
    SincInterpolationParameters {
        sinc_len: ((SPAN / lower).ceil() as usize).next_multiple_of(8),
        oversampling_factor: ((PARTS * lower).ceil() as usize).max(LEAST_PARTS),
        ..SincInterpolationParameters::default()
    }
}

/// Zeros to put in front, and new instants to drop, so that the first new instant is the first old one.
///
/// The resampler's first instant lies half a filter before the first old one, but for one new instant and one piece of its table,
/// and it drops whole new instants alone: what is left over would shift the sound by up to half a new instant.
fn on_time(sinc_len: usize, pieces: usize, ratio: f64) -> (usize, usize) {
    const TRIED: usize = 1024;
    let half = (sinc_len / 2) as f64;
    let dropped = (half * ratio).floor();
    let least = (2.0 / ratio).ceil() as usize + 1;
    let late = |front: usize| (half + front as f64 - 1.0 / pieces as f64) * ratio - 1.0 - dropped;
    let uneven = |front: usize| (late(front) - late(front).round()).abs();
    let front = (least..least + TRIED).min_by(|&a, &b| uneven(a).total_cmp(&uneven(b))).unwrap_or(least);
    (front, late(front).round().max(0.0) as usize)
}
