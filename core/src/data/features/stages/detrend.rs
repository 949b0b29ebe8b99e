//! Takes away a mean or a straight line.

use serde::{Deserialize, Serialize};

use super::{Choice, Signal, StageProblem, Work, series_rate_hz};
use crate::settings::{Parameter, Settings, chosen, named};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Detrend {
    /// What is taken away.
    pub trend: Trend,
}

/// What is taken away from each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trend {
    /// The mean.
    Mean,
    /// The straight line of least squares.
    Linear,
}

const TRENDS: &[Choice] =
    &[Choice { key: "mean", help: "the mean" }, Choice { key: "linear", help: "the straight line of least squares" }];

impl Default for Detrend {
    fn default() -> Self {
        Self { trend: Trend::Mean }
    }
}

impl Settings for Detrend {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![chosen(
            "trend",
            "Trend",
            "What is taken away.",
            TRENDS,
            named!(trend, { Trend::Mean => "mean", Trend::Linear => "linear" }),
        )]
    }
}

impl Work for Detrend {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        Ok(vec![signal.map_channels(rate_hz, |channel| without_trend(channel, self.trend))])
    }
}

/// As `scipy.signal.detrend`, summed in double precision.
fn without_trend(channel: &[f32], trend: Trend) -> Vec<f32> {
    let n = channel.len().max(1) as f64;
    let mean = channel.iter().copied().map(f64::from).sum::<f64>() / n;
    // Times count from the middle, so that mean and slope do not depend on one another.
    let time = |index: usize| index as f64 - (n - 1.0) / 2.0;
    let slope = match trend {
        Trend::Mean => 0.0,
        Trend::Linear => {
            let product: f64 = channel.iter().enumerate().map(|(i, &x)| time(i) * f64::from(x)).sum();
            let square: f64 = (0..channel.len()).map(|i| time(i) * time(i)).sum();
            if square > 0.0 { product / square } else { 0.0 }
        }
    };
    channel.iter().enumerate().map(|(i, &x)| (f64::from(x) - mean - slope * time(i)) as f32).collect()
}
