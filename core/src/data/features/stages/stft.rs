//! The spectrogram.

use serde::{Deserialize, Serialize};

use super::{Choice, Signal, StageProblem, Work, bounded, series_rate_hz};
use crate::data::features::frames::Frames;
use crate::data::features::signal::Form;
use crate::data::features::spectrum::{FrameSpectrum, Spectrum};
use crate::settings::{Parameter, Settings, chosen, named, nested};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stft {
    /// How the sound is cut.
    pub frames: Frames,
    /// What is taken of the spectrum.
    pub scale: StftScale,
}

/// What is taken of a complex spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StftScale {
    /// `|X|`.
    Magnitude,
    /// `|X|²`.
    Power,
    /// `10 log10(max(|X|², 1e-10))`.
    Decibel,
}

const SCALES: &[Choice] = &[
    Choice { key: "magnitude", help: "|X|" },
    Choice { key: "power", help: "|X|²" },
    Choice { key: "db", help: "10 log10(max(|X|², 1e-10))" },
];

impl Default for Stft {
    fn default() -> Self {
        Self { frames: Frames::default(), scale: StftScale::Magnitude }
    }
}

impl Settings for Stft {
    fn parameters() -> Vec<Parameter<Self>> {
        let scale: Parameter<Self> = chosen(
            "scale",
            "Scale",
            "What is taken of the spectrum.",
            SCALES,
            named!(scale, { StftScale::Magnitude => "magnitude", StftScale::Power => "power", StftScale::Decibel => "db" }),
        );
        nested(|s: &mut Self| &mut s.frames).chain([scale]).collect()
    }
}

impl Work for Stft {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        let plan = self.frames.plan(rate_hz)?;
        let n_bins = plan.fft_len / 2 + 1;
        bounded(&[plan.count(signal.n_rows())?, n_bins, signal.channels.len()], "take a longer step, or a window stage before")?;
        let kind = if self.scale == StftScale::Magnitude { Spectrum::Magnitude } else { Spectrum::Power };
        let mut spectrum = FrameSpectrum::new(plan.len, plan.fft_len, self.frames.taper, kind);
        let bins = (0..n_bins).map(|bin| (bin as f64 * rate_hz / plan.fft_len as f64) as f32).collect();
        let make = |channel: &[f32]| {
            let samples = plan.padded(channel);
            let frames = samples.windows(plan.len).step_by(plan.step);
            frames.fold(Vec::new(), |mut made, frame| {
                made.extend(spectrum.of(frame).iter().map(|&x| match self.scale {
                    StftScale::Decibel => 10.0 * x.max(1e-10).log10(),
                    StftScale::Magnitude | StftScale::Power => x,
                }));
                made
            })
        };
        Ok(vec![signal.map_frames(rate_hz / plan.step as f64, Form::Map { bins, unit: "Hz" }, make)])
    }
}
