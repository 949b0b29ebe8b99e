//! Another rate.

use serde::{Deserialize, Serialize};

use super::{Signal, StageProblem, Work, bounded, series_rate_hz};
use crate::data::resample::{ResampleProblem, Resampler};
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
        let old_hz = series_rate_hz(signal)?;
        let (ratio, n_rows, width) = (self.rate_hz / old_hz, signal.n_rows(), signal.channels.len());
        if old_hz == self.rate_hz || n_rows == 0 {
            return Ok(vec![Signal { rate_hz: self.rate_hz, ..signal.clone() }]);
        }
        let refused = |problem: ResampleProblem| StageProblem::Setting(problem.to_string());
        let mut resampler = Resampler::new(old_hz, self.rate_hz, width).map_err(refused)?;
        let n_new = (n_rows as f64 * ratio).round() as usize;
        bounded(&[n_new, width], "take a lower rate")?;
        let mut values = Vec::with_capacity(n_new * width);
        resampler.push(&signal.values, &mut values).map_err(refused)?;
        resampler.finish(&mut values).map_err(refused)?;
        Ok(vec![Signal::series(self.rate_hz, signal.channels.clone(), values)])
    }
}
