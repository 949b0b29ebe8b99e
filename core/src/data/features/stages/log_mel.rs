//! Logarithms of mel bands.

use serde::{Deserialize, Serialize};

use super::{Choice, Signal, StageProblem, Work, bounded, series_rate_hz};
use crate::data::features::frames::{FramePlan, Frames};
use crate::data::features::mel::{MelScale, mel_centres_hz};
use crate::data::features::mfcc::{CosineScale, Logarithm, Mfcc, MfccConfig};
use crate::data::features::signal::Form;
use crate::data::features::spectrum::Spectrum;
use crate::settings::{Parameter, Settings, chosen, named, nested, number, whole};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogMel {
    /// How the sound is cut.
    pub frames: Frames,
    /// The bands.
    pub mel: Mel,
}

/// Settings of mel bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mel {
    /// Number of bands.
    pub bands: u32,
    /// Lower foot of the first band, Hz.
    pub low_hz: f64,
    /// Upper foot of the last band, Hz.
    pub high_hz: f64,
    /// Whose bands.
    pub scale: MelScale,
    /// What the bands sum.
    pub spectrum: Spectrum,
    /// What becomes of the sums.
    pub log: Logarithm,
    /// Keeps the logarithm of silence finite.
    pub offset: f64,
}

const SCALES: &[Choice] = &[
    Choice { key: "tensorflow", help: "HTK's scale, triangles 1 high, as tf.signal has them" },
    Choice { key: "librosa", help: "Slaney's scale, triangles of area 1, as librosa has them" },
];
const SPECTRA: &[Choice] = &[Choice { key: "power", help: "|X|²" }, Choice { key: "magnitude", help: "|X|" }];
const LOGARITHMS: &[Choice] =
    &[Choice { key: "ln", help: "ln(x + offset)" }, Choice { key: "db", help: "10 log10(max(x, offset))" }];

impl Default for Mel {
    /// As keyword networks have them.
    fn default() -> Self {
        Self {
            bands: 40,
            low_hz: 20.0,
            high_hz: 4_000.0,
            scale: MelScale::TensorFlow,
            spectrum: Spectrum::Power,
            log: Logarithm::Natural,
            offset: 1e-6,
        }
    }
}

impl Settings for Mel {
    fn parameters() -> Vec<Parameter<Self>> {
        let place: [Parameter<Self>; 3] = [
            whole(["mels", "Bands", "Number of mel bands.", ""], 1..=512, |s| &mut s.bands),
            number(["low", "Low", "Lower foot of the first band.", "Hz"], 0.0..=96_000.0, 10.0, |s| &mut s.low_hz),
            number(["high", "High", "Upper foot of the last band.", "Hz"], 0.001..=96_000.0, 10.0, |s| &mut s.high_hz),
        ];
        let meaning: [Parameter<Self>; 4] = [
            chosen(
                "mel",
                "Mel scale",
                "Whose bands.",
                SCALES,
                named!(scale, { MelScale::TensorFlow => "tensorflow", MelScale::Librosa => "librosa" }),
            ),
            chosen(
                "spectrum",
                "Spectrum",
                "What the bands sum.",
                SPECTRA,
                named!(spectrum, { Spectrum::Power => "power", Spectrum::Magnitude => "magnitude" }),
            ),
            chosen(
                "log",
                "Logarithm",
                "What becomes of the sums.",
                LOGARITHMS,
                named!(log, { Logarithm::Natural => "ln", Logarithm::Decibel => "db" }),
            ),
            number(["offset", "Offset", "Keeps the logarithm of silence finite.", ""], 1e-12..=1.0, 1e-6, |s| &mut s.offset),
        ];
        place.into_iter().chain(meaning).collect()
    }
}

impl Settings for LogMel {
    fn parameters() -> Vec<Parameter<Self>> {
        nested(|s: &mut Self| &mut s.frames).chain(nested(|s: &mut Self| &mut s.mel)).collect()
    }
}

impl LogMel {
    /// The frames of a sound of this rate, and the settings of what becomes of them.
    pub(crate) fn config(&self, rate_hz: f64) -> Result<(FramePlan, MfccConfig), StageProblem> {
        let plan = self.frames.plan(rate_hz)?;
        if self.mel.high_hz > rate_hz / 2.0 {
            let (high, half) = (self.mel.high_hz, rate_hz / 2.0);
            return Err(StageProblem::Setting(format!("high is {high} Hz, expected at most half the rate, {half} Hz")));
        }
        let config = MfccConfig {
            rate_hz,
            frame_len: plan.len,
            frame_step: plan.step,
            fft_len: plan.fft_len,
            taper: self.frames.taper,
            n_mels: self.mel.bands as usize,
            mel_low_hz: self.mel.low_hz as f32,
            mel_high_hz: self.mel.high_hz as f32,
            mel_scale: self.mel.scale,
            spectrum: self.mel.spectrum,
            log: self.mel.log,
            log_offset: self.mel.offset as f32,
            n_coefficients: 1,
            cosine_scale: CosineScale::Orthonormal,
        };
        Ok((plan, config))
    }
}

impl Work for LogMel {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        let (plan, config) = self.config(rate_hz)?;
        bounded(&[plan.count(signal.n_rows())?, config.n_mels, signal.channels.len()], "take a longer step")?;
        let bins = mel_centres_hz(&config.mel_plan());
        let mut mfcc = Mfcc::new(config)?;
        let make = |channel: &[f32]| mfcc.log_mel(&plan.padded(channel));
        Ok(vec![signal.map_frames(rate_hz / plan.step as f64, Form::Map { bins, unit: "Hz" }, make)])
    }
}
