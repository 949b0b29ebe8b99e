//! Pipelines that are usual enough to have a name.

use super::{Pipeline, StageError};

/// A pipeline with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Preset {
    /// On the command line: `keyword`.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub help: &'static str,
    /// Its stages, as they are written on the command line.
    pub stages: &'static [&'static str],
}

/// All presets.
pub fn presets() -> &'static [Preset] {
    &[
        Preset {
            name: "keyword",
            help: "MFCC of a second of speech at 16 kHz, 49 x 10, as keyword networks are trained with.",
            stages: &["mono", "resample:rate=16000", "clip:length=1000", "mfcc"],
        },
        Preset {
            name: "micro-frontend",
            help: "TensorFlow Lite Micro's integer features of a second of speech, 49 x 40.",
            stages: &["mono", "resample:rate=16000", "clip:length=1000", "micro-frontend"],
        },
        Preset {
            name: "machine-sound",
            help: "Log-mel of machine sounds, 128 librosa bands in decibels, as anomaly detectors are trained with.",
            stages: &[
                "mono",
                "resample:rate=16000",
                "log-mel:frame=64,step=32,fft=1024,centre=on,mels=128,low=0,high=8000,mel=librosa,log=db,offset=1e-10",
            ],
        },
        Preset {
            name: "motion",
            help: "Windows of 2 s of an IMU at 64 Hz, each channel normalised over a data set.",
            stages: &["resample:rate=64", "window:length=2000,overlap=50", "normalise:fit=mean-std"],
        },
        Preset {
            name: "vibration",
            help: "Figures of each axis of an accelerometer, a second at a time.",
            stages: &["window:length=1000,overlap=50", "detrend", "statistics:bands=8"],
        },
        Preset {
            name: "picture",
            help: "A picture of 96 x 96 from -1 to 1, of bytes from 0 to 255.",
            stages: &["resize:width=96,height=96", "normalise:fit=fixed,centre=127.5,spread=127.5"],
        },
    ]
}

/// The stages of the preset with this name.
///
/// # Errors
/// [`StageError::Preset`] names the presets there are.
pub fn preset(name: &str) -> Result<Pipeline, StageError> {
    let known = || presets().iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
    let found = presets().iter().find(|preset| preset.name == name);
    Pipeline::parse(found.ok_or_else(|| StageError::Preset { name: name.to_owned(), known: known() })?.stages)
}
