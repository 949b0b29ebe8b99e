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
        let parameters = SincInterpolationParameters::default();
        let resampler = Async::<f32>::new_sinc(ratio, 1.0, &parameters, CHUNK, width, FixedAsync::Input);
        let mut resampler = resampler.map_err(|error| unusable(&error))?;
        let input = InterleavedSlice::new(&signal.values, width, n_rows).map_err(|error| unusable(&error))?;
        let mut values = resampler.process_all(&input, n_rows, None).map_err(|error| unusable(&error))?.take_data();
        values.resize(n_new * width, 0.0);
        Ok(vec![Signal::series(self.rate_hz, signal.channels.clone(), values)])
    }
}
