//! Every feature stage with its parameters, described once: the command line's `--stage` and `--list`, the window's controls and
//! the project's file all read this.
//!
//! A stage is a file: its settings, the table of its parameters, and what it makes of a signal. [`Stage`] lists them.

mod clip;
mod detrend;
mod filter;
mod fusion;
mod gravity;
mod log_mel;
mod mfcc;
mod micro_frontend;
mod mono;
mod normalise;
mod picture;
mod resample;
mod statistics;
mod stft;
mod window;

use serde::{Deserialize, Serialize};

use super::frames::FrameProblem;
use super::mfcc::{FeatureError, Mfcc};
use super::signal::Signal;
use crate::settings::{self, Settings, describe, get, set};
pub use crate::settings::{Choice, ParameterInfo, ParameterKind};

pub use clip::{Align, Clip};
pub use detrend::{Detrend, Trend};
pub use filter::Filter;
pub use fusion::{AngularUnit, Fusion, Orientation};
pub use gravity::Gravity;
pub use log_mel::LogMel;
pub use mfcc::MfccStage;
pub use micro_frontend::MicroFrontendStage;
pub use mono::Mono;
pub use normalise::{Fit, Normalise};
pub use picture::{Crop, Grayscale, Resize};
pub use resample::Resample;
pub use statistics::Statistics;
pub use stft::{Stft, StftScale};
pub use window::CutWindows;

/// The most values that a stage makes of one signal.
pub const MAX_VALUES: usize = 1 << 27;

/// What a stage does.
pub(super) trait Work: Settings {
    /// What it makes of a signal: one signal, or several pieces.
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem>;
}

/// A feature stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageInfo {
    /// On the command line: `log-mel`.
    pub name: &'static str,
    /// In the window: `Log-mel`.
    pub title: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// What can be set.
    pub parameters: Vec<ParameterInfo>,
}

/// Why a text is no stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// There is no such stage.
    #[error("there is no stage \"{name}\", only {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// There is no such preset.
    #[error("there is no preset \"{name}\", only {known}")]
    Preset {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A parameter that there is not, or that cannot be set so.
    #[error("stage {stage}: {trouble}")]
    Setting {
        /// Which stage.
        stage: &'static str,
        /// What is wrong, and what would do.
        trouble: String,
    },
}

/// Why a stage has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StageProblem {
    /// A setting that cannot be, or does not fit what comes in; says what would do.
    #[error("{0}")]
    Setting(String),
    /// Another kind of signal comes in.
    #[error("it takes {expected}, and {found} comes in; change the order of the stages")]
    Form {
        /// What the stage takes.
        expected: &'static str,
        /// What comes in.
        found: &'static str,
    },
    /// What comes in is not enough; says what would do.
    #[error("{0}")]
    TooShort(String),
    /// The result would be larger than anybody wants.
    #[error("it would make {values} values, more than {MAX_VALUES}; {remedy}")]
    TooLarge {
        /// How many.
        values: u128,
        /// What to change.
        remedy: &'static str,
    },
}

impl From<FeatureError> for StageProblem {
    fn from(error: FeatureError) -> Self {
        Self::Setting(error.to_string())
    }
}

impl From<FrameProblem> for StageProblem {
    fn from(problem: FrameProblem) -> Self {
        match problem {
            FrameProblem::Short(_) => Self::TooShort(problem.to_string()),
            _ => Self::Setting(problem.to_string()),
        }
    }
}

/// The rate of a series in time that has one.
fn series_rate_hz(signal: &Signal) -> Result<f64, StageProblem> {
    let expected = "a series in time";
    match signal.form {
        super::signal::Form::Series if signal.rate_hz > 0.0 => Ok(signal.rate_hz),
        super::signal::Form::Series => Err(StageProblem::Form { expected, found: "a series without a rate" }),
        _ => Err(StageProblem::Form { expected, found: signal.form.name() }),
    }
}

/// Rows of a length in time, at least one.
pub(super) fn rows_in(length_ms: f64, rate_hz: f64) -> usize {
    // A float becomes the nearest whole number that there is, whatever it holds.
    ((length_ms * rate_hz / 1e3).round() as usize).max(1)
}

/// Checks a size before it is allocated.
pub(super) fn bounded(factors: &[usize], remedy: &'static str) -> Result<(), StageProblem> {
    let values = factors.iter().fold(1_u128, |product, &factor| product.saturating_mul(factor as u128));
    if values <= MAX_VALUES as u128 { Ok(()) } else { Err(StageProblem::TooLarge { values, remedy }) }
}

/// The list of stages: variant (also its settings' type), name, title, what it does.
macro_rules! stages {
    ($($variant:ident($settings:ident) $name:literal $title:literal $help:literal;)*) => {
        /// A stage and its settings.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Stage {
            $(#[doc = $help] $variant($settings),)*
        }

        impl Stage {
            /// The stage's name on the command line: `log-mel`.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// What a parameter is set to, as it is written on the command line; `None` if there is no such parameter.
            pub fn parameter(&self, key: &str) -> Option<String> {
                match self { $(Self::$variant(settings) => get(settings, key),)* }
            }

            /// Sets a parameter; `None`, and the stage as it was, if there is no such parameter or it cannot be set to that.
            pub fn set_parameter(&mut self, key: &str, word: &str) -> Option<()> {
                match self { $(Self::$variant(settings) => set(settings, key, word),)* }
            }

            /// Whether all settings are in their ranges, as they need not be in a file that people edit.
            pub(super) fn check(&self) -> Result<(), StageProblem> {
                match self { $(Self::$variant(settings) => settings::check(settings),)* }.map_err(StageProblem::Setting)
            }

            pub(super) fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
                match self { $(Self::$variant(settings) => settings.apply(signal),)* }
            }
        }

        /// All stages, in the order in which a pipeline usually has them.
        pub fn describe_stages() -> Vec<StageInfo> {
            vec![$(StageInfo { name: $name, title: $title, help: $help, parameters: describe::<$settings>() },)*]
        }

        /// Reads `NAME[:KEY=VALUE,…]`: a stage with its defaults but for what is said.
        ///
        /// # Errors
        /// [`StageError`] names the stage, the key and what it can be set to.
        pub fn parse_stage(text: &str) -> Result<Stage, StageError> {
            let (name, words) = text.split_once(':').unwrap_or((text, ""));
            let setting = |stage| move |trouble| StageError::Setting { stage, trouble };
            match name.trim() {
                $($name => settings::parse(words).map(Stage::$variant).map_err(setting($name)),)*
                other => Err(StageError::Unknown { name: other.to_owned(), known: [$($name),*].join(", ") }),
            }
        }
    };
}

stages! {
    Mono(Mono) "mono" "Mono" "The mean of all channels: sound of one channel.";
    Resample(Resample) "resample" "Resample" "Another rate, by band-limited interpolation: nothing above half the new rate stays.";
    Clip(Clip) "clip" "Clip" "A recording of exactly this length: cut, or filled with zeros.";
    Window(CutWindows) "window" "Window" "A long recording becomes windows that overlap; the stages after it see each by itself.";
    Detrend(Detrend) "detrend" "Detrend" "The mean, or the straight line that fits best, is taken away from each channel.";
    Filter(Filter) "filter" "Butterworth filter" "Keeps low, high or middle frequencies, with a flat pass band; second-order sections.";
    Gravity(Gravity) "gravity" "Remove gravity" "What changes slowly is taken away from accelerometer channels.";
    Orientation(Orientation) "orientation" "Orientation" "Accelerometer and gyroscope (and magnetometer) become roll, pitch and yaw in degrees.";
    Statistics(Statistics) "statistics" "Statistics" "Figures of each channel: mean, rms, spread, zero crossings, peaks, power of frequency bands.";
    Stft(Stft) "stft" "Spectrogram" "Short-time Fourier transform: the spectrum of each frame.";
    LogMel(LogMel) "log-mel" "Log-mel" "Logarithms of a spectrogram's mel bands, as tf.signal or librosa has them.";
    Mfcc(MfccStage) "mfcc" "MFCC" "Mel-frequency cepstral coefficients: the cosine transform of log-mel, as tf.signal has it.";
    MicroFrontend(MicroFrontendStage) "micro-frontend" "Micro frontend" "TensorFlow Lite Micro's integer features: mel bands, noise reduction, gain control, logarithm.";
    Resize(Resize) "resize" "Resize picture" "A picture of another size, by bilinear interpolation.";
    Crop(Crop) "crop" "Crop picture" "The middle of a picture.";
    Grayscale(Grayscale) "grayscale" "Grayscale" "A picture of one channel: luma of red, green and blue.";
    Normalise(Normalise) "normalise" "Normalise" "(x - centre) / spread, with fixed figures of each channel or bin, or one for all.";
}

/// Spectra of frames, as a device makes them.
pub struct FramesOf {
    /// Window, bands and cosines.
    pub mfcc: Mfcc,
    /// Whether the cosine transform follows the logarithms.
    pub has_cosines: bool,
}

impl FramesOf {
    /// Floats that come out of a frame.
    pub fn n_values(&self) -> usize {
        if self.has_cosines { self.mfcc.config().n_coefficients } else { self.mfcc.config().n_mels }
    }
}

impl Stage {
    /// The tables of a log-mel or MFCC stage for recordings of this rate.
    ///
    /// # Errors
    /// [`StageProblem`] for any other stage, for settings that do not fit the rate, and for centred frames, which would have to
    /// know the future.
    pub fn frames_of(&self, rate_hz: f64) -> Result<FramesOf, StageProblem> {
        let ((plan, config), has_cosines) = match self {
            Self::LogMel(settings) => (settings.config(rate_hz)?, false),
            Self::Mfcc(settings) => (settings.config(rate_hz)?, true),
            _ => return Err(StageProblem::Form { expected: "log-mel or MFCC settings", found: self.name() }),
        };
        if plan.centre {
            return Err(StageProblem::Setting("centre is on, expected off: a device does not know what comes".into()));
        }
        Ok(FramesOf { mfcc: Mfcc::new(config)?, has_cosines })
    }
}

#[cfg(test)]
mod tests;
