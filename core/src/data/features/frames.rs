//! How a sound is cut into frames, each of which becomes a spectrum.

use serde::{Deserialize, Serialize};

use super::spectrum::Taper;
use super::stages::rows_in;
use crate::settings::{Choice, Parameter, Settings, chosen, named, number, switch, words};

/// Settings of the frames. Agrees with `tf.signal.stft`, and where frame and FFT are equally long with `librosa.stft`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Frames {
    /// Length of a frame, milliseconds.
    pub length_ms: f64,
    /// From the start of one frame to that of the next, milliseconds.
    pub step_ms: f64,
    /// Length of the FFT; 0 for the least power of two that holds a frame.
    pub fft_len: u32,
    /// What a frame is multiplied with.
    pub taper: Taper,
    /// The first frame is centred on the first sample: half an FFT of zeros is put at both ends.
    pub centre: bool,
}

const FFTS: &[Choice] = &[
    Choice { key: "auto", help: "the least power of two that holds a frame" },
    Choice { key: "64", help: "64 samples" },
    Choice { key: "128", help: "128 samples" },
    Choice { key: "256", help: "256 samples" },
    Choice { key: "512", help: "512 samples" },
    Choice { key: "1024", help: "1024 samples" },
    Choice { key: "2048", help: "2048 samples" },
    Choice { key: "4096", help: "4096 samples" },
    Choice { key: "8192", help: "8192 samples" },
];
const TAPERS: &[Choice] = &[
    Choice { key: "hann", help: "periodic Hann window" },
    Choice { key: "hamming", help: "periodic Hamming window" },
    Choice { key: "none", help: "frames as they are" },
];

impl Default for Frames {
    /// As keyword networks have them.
    fn default() -> Self {
        Self { length_ms: 30.0, step_ms: 20.0, fft_len: 0, taper: Taper::Hann, centre: false }
    }
}

impl Settings for Frames {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            number(["frame", "Frame", "Length of a frame.", "ms"], 0.1..=10_000.0, 1.0, |s| &mut s.length_ms),
            number(["step", "Step", "From one frame to the next.", "ms"], 0.1..=10_000.0, 1.0, |s| &mut s.step_ms),
            chosen(
                "fft",
                "FFT",
                "Length of the transform; a frame is filled with zeros behind.",
                FFTS,
                words(
                    |s| if s.fft_len == 0 { "auto".into() } else { s.fft_len.to_string() },
                    |s, word| {
                        let is_known = FFTS.iter().any(|choice| choice.key == word);
                        is_known.then(|| s.fft_len = word.parse().unwrap_or(0))
                    },
                ),
            ),
            chosen(
                "taper",
                "Taper",
                "What a frame is multiplied with.",
                TAPERS,
                named!(taper, { Taper::Hann => "hann", Taper::Hamming => "hamming", Taper::None => "none" }),
            ),
            switch("centre", "Centre", "The first frame is centred on the first sample, as librosa does.", |s| &mut s.centre),
        ]
    }
}

/// Frames in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FramePlan {
    pub len: usize,
    pub step: usize,
    pub fft_len: usize,
    pub centre: bool,
}

/// Why there are no frames.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum FrameProblem {
    /// The transform does not hold a frame.
    #[error("fft is {fft_len}, expected at least the frame's {len} samples, or auto")]
    Fft { fft_len: usize, len: usize },
    /// A frame that no transform holds.
    #[error("frame is {0} samples long, expected at most {LONGEST_FRAME}; take a shorter frame or resample")]
    Long(usize),
    /// The sound is shorter than a frame.
    #[error("the sound of {0} samples is shorter than one frame; take a shorter frame, or a clip stage before this one")]
    Short(usize),
    /// More transforms than anyone waits for.
    #[error("{frames} frames with an fft of {fft_len} are too much work; take a longer step, or a window stage before this one")]
    Many { frames: usize, fft_len: usize },
}

/// Frames times length of their transform: a day of sound at 16 kHz in frames of the usual keyword nets is an eighth of it.
const MOST_WORK: usize = 1 << 34;

const LONGEST_FRAME: usize = 1 << 16;

impl Frames {
    /// Frames of a sound of this rate.
    pub(crate) fn plan(&self, rate_hz: f64) -> Result<FramePlan, FrameProblem> {
        let len = rows_in(self.length_ms, rate_hz);
        if len > LONGEST_FRAME {
            return Err(FrameProblem::Long(len));
        }
        let fft_len = if self.fft_len == 0 { len.next_power_of_two().max(2) } else { self.fft_len as usize };
        if len > fft_len {
            return Err(FrameProblem::Fft { fft_len, len });
        }
        Ok(FramePlan { len, step: rows_in(self.step_ms, rate_hz), fft_len, centre: self.centre })
    }
}

impl FramePlan {
    /// Frames of a sound.
    ///
    /// # Errors
    /// [`FrameProblem::Short`] if there are none; [`FrameProblem::Many`].
    pub fn count(&self, n_samples: usize) -> Result<usize, FrameProblem> {
        let all = n_samples + if self.centre { self.fft_len / 2 * 2 } else { 0 };
        let n = all.checked_sub(self.len).map_or(0, |rest| rest / self.step + 1);
        match n {
            0 => Err(FrameProblem::Short(n_samples)),
            _ if n.saturating_mul(self.fft_len) > MOST_WORK => Err(FrameProblem::Many { frames: n, fft_len: self.fft_len }),
            _ => Ok(n),
        }
    }

    /// The sound as it is cut.
    pub fn padded<'a>(&self, samples: &'a [f32]) -> std::borrow::Cow<'a, [f32]> {
        if !self.centre {
            return samples.into();
        }
        let zeros = std::iter::repeat_n(&0.0, self.fft_len / 2);
        zeros.clone().chain(samples).chain(zeros).copied().collect()
    }
}
