//! TensorFlow Lite Micro's integer front end.

use serde::{Deserialize, Serialize};

use super::{Signal, StageProblem, Work, bounded, series_rate_hz};
use crate::data::features::micro_frontend::{MicroFrontend, MicroFrontendConfig};
use crate::data::features::signal::Form;
use crate::settings::{Parameter, Settings, nested};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicroFrontendStage(pub MicroFrontendConfig);

impl Settings for MicroFrontendStage {
    fn parameters() -> Vec<Parameter<Self>> {
        nested(|s: &mut Self| &mut s.0).collect()
    }
}

impl Work for MicroFrontendStage {
    /// Samples in [-1, 1) become 16-bit integers; features come out as the integers that the device has.
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        if rate_hz.fract() != 0.0 || !(1.0..=192_000.0).contains(&rate_hz) {
            let trouble = format!("{rate_hz} Hz come in, expected a whole number up to 192000; resample before");
            return Err(StageProblem::Setting(trouble));
        }
        let front_end = MicroFrontend::new(&self.0, rate_hz as u32).map_err(StageProblem::Setting)?;
        let n_frames = front_end.n_frames(signal.n_rows());
        if n_frames == 0 {
            return Err(StageProblem::TooShort(format!(
                "the sound of {:.0} ms is shorter than a frame; take a shorter frame, or a clip stage before this one",
                signal.seconds() * 1e3
            )));
        }
        bounded(&[n_frames, front_end.centres_hz().len(), signal.channels.len()], "take a longer step")?;
        let make = |channel: &[f32]| {
            let samples: Vec<i16> = channel.iter().map(|&x| (x * 32_768.0).round() as i16).collect();
            front_end.features(&samples).into_iter().map(f32::from).collect()
        };
        let form = Form::Map { bins: front_end.centres_hz().to_vec(), unit: "Hz" };
        Ok(vec![signal.map_frames(rate_hz / front_end.step() as f64, form, make)])
    }
}
