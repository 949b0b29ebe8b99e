//! Takes gravity away from an accelerometer.

use serde::{Deserialize, Serialize};

use super::{Signal, StageProblem, Work, series_rate_hz};
use crate::data::features::axes::{Sensor, axes};
use crate::settings::{Parameter, Settings, number};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gravity {
    /// What changes more slowly is gravity, Hz.
    pub cut_hz: f64,
}

impl Default for Gravity {
    fn default() -> Self {
        Self { cut_hz: 0.3 }
    }
}

impl Settings for Gravity {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![number(["cut", "Cut", "What changes more slowly is gravity.", "Hz"], 0.001..=100.0, 0.05, |s| &mut s.cut_hz)]
    }
}

impl Work for Gravity {
    /// `gravity += a * (x - gravity)`, where `a = 1 - exp(-2 pi cut / rate)`; it begins at the first sample.
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        let Some(axes) = axes(signal, Sensor::Accelerometer) else {
            let expected = "accelerometer channels (three, in g, mg or m/s²)";
            return Err(StageProblem::Form { expected, found: "a recording without" });
        };
        let width = signal.channels.len();
        let follow = 1.0 - (-std::f64::consts::TAU * self.cut_hz / rate_hz).exp();
        let mut values = signal.values.clone();
        for axis in axes {
            let mut gravity = None;
            for x in values.iter_mut().skip(axis).step_by(width) {
                let slow = gravity.get_or_insert(f64::from(*x));
                *slow += follow * (f64::from(*x) - *slow);
                *x = (f64::from(*x) - *slow) as f32;
            }
        }
        Ok(vec![Signal { values, ..signal.clone() }])
    }
}
