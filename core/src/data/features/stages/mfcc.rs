//! Mel-frequency cepstral coefficients.

use serde::{Deserialize, Serialize};

use super::{Choice, LogMel, Signal, StageProblem, Work, bounded, series_rate_hz};
use crate::data::features::frames::FramePlan;
use crate::data::features::mfcc::{CosineScale, Mfcc, MfccConfig};
use crate::data::features::signal::Form;
use crate::settings::{Parameter, Settings, chosen, named, nested, whole};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MfccStage {
    /// The log-mel bands that are transformed.
    pub log_mel: LogMel,
    /// How many coefficients are kept, from 0 upwards.
    pub coefficients: u32,
    /// Scale of coefficient 0.
    pub cosine: CosineScale,
}

const COSINES: &[Choice] = &[
    Choice { key: "orthonormal", help: "coefficient 0 is scaled by sqrt(1/n), as SciPy's norm=\"ortho\"" },
    Choice { key: "tensorflow", help: "all are scaled by sqrt(2/n), as tf.signal does" },
];

impl Default for MfccStage {
    fn default() -> Self {
        Self { log_mel: LogMel::default(), coefficients: 10, cosine: CosineScale::Orthonormal }
    }
}

impl Settings for MfccStage {
    fn parameters() -> Vec<Parameter<Self>> {
        let own: [Parameter<Self>; 2] = [
            whole(["coefficients", "Coefficients", "How many are kept, from 0 upwards.", ""], 1..=512, |s| &mut s.coefficients),
            chosen(
                "cosine",
                "Cosine scale",
                "Scale of coefficient 0.",
                COSINES,
                named!(cosine, { CosineScale::Orthonormal => "orthonormal", CosineScale::TensorFlow => "tensorflow" }),
            ),
        ];
        nested(|s: &mut Self| &mut s.log_mel).chain(own).collect()
    }
}

impl MfccStage {
    /// As [`LogMel::config`].
    pub(crate) fn config(&self, rate_hz: f64) -> Result<(FramePlan, MfccConfig), StageProblem> {
        let (plan, config) = self.log_mel.config(rate_hz)?;
        Ok((plan, MfccConfig { n_coefficients: self.coefficients as usize, cosine_scale: self.cosine, ..config }))
    }
}

impl Work for MfccStage {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        let (plan, config) = self.config(rate_hz)?;
        bounded(&[plan.count(signal.n_rows())?, config.n_mels, signal.channels.len()], "take a longer step")?;
        let bins = (0..config.n_coefficients).map(|k| k as f32).collect();
        let mut mfcc = Mfcc::new(config)?;
        let make = |channel: &[f32]| mfcc.coefficients(&plan.padded(channel));
        Ok(vec![signal.map_frames(rate_hz / plan.step as f64, Form::Map { bins, unit: "" }, make)])
    }
}
