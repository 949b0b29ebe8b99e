//! The mean of all channels.

use serde::{Deserialize, Serialize};

use super::{Signal, StageProblem, Work, series_rate_hz};
use crate::data::Axis;
use crate::settings::{Parameter, Settings};

/// Settings of the stage: none.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mono {}

impl Settings for Mono {
    fn parameters() -> Vec<Parameter<Self>> {
        Vec::new()
    }
}

impl Work for Mono {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let (rate_hz, n) = (series_rate_hz(signal)?, signal.channels.len());
        let values = signal.values.chunks_exact(n).map(|instant| instant.iter().sum::<f32>() / n as f32).collect();
        let channel = match signal.channels.as_slice() {
            [only] => only.clone(),
            [first, ..] => Axis::new("mean", first.unit.clone()),
            [] => Axis::new("mean", ""),
        };
        Ok(vec![Signal::series(rate_hz, vec![channel], values)])
    }
}
