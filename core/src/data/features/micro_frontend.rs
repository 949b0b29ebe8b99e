//! TensorFlow Lite Micro's integer front end: its tables, made here from the settings; its arithmetic is the runtime's.
//!
//! Source of settings and tables: TensorFlow's `lite/experimental/microfrontend`, single precision where that has it.

use serde::{Deserialize, Serialize};
use tinsmith_runtime::frontend::{
    Band, Complex16, GAIN_TABLE_LEN, Gain, Memory, Misfit, NoiseReduction, Tables, WEIGHT_BITS, Weight, correction_bits, frame,
};

use crate::settings::{Parameter, Settings, number, switch, whole};

/// Settings of the front end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MicroFrontendConfig {
    /// Length of a frame, milliseconds.
    pub frame_ms: f64,
    /// From one frame to the next, milliseconds.
    pub step_ms: f64,
    /// Number of mel bands.
    pub channels: u32,
    /// Lower foot of the first band, Hz.
    pub low_hz: f64,
    /// Upper foot of the last band, Hz.
    pub high_hz: f64,
    /// How fast the noise estimate of even bands follows.
    pub even_smoothing: f64,
    /// That of odd bands.
    pub odd_smoothing: f64,
    /// What stays of a signal at least.
    pub min_signal: f64,
    /// Whether loudness is evened out (PCAN).
    pub gain: bool,
    /// Strength of the gain control.
    pub gain_strength: f64,
    /// Level below which it does little.
    pub gain_offset: f64,
    /// Whether logarithms come out.
    pub log: bool,
    /// They are scaled by two to the power of this.
    pub log_shift: u32,
}

/// Bits by which the noise estimate is scaled up.
const SMOOTHING_BITS: u32 = 10;
/// Bits behind the point of a gain.
const GAIN_BITS: u32 = 21;
/// Bits behind the point of a ratio of signal to noise.
const RATIO_BITS: i32 = 12;

impl Default for MicroFrontendConfig {
    /// As the keyword examples of TensorFlow Lite Micro have them.
    fn default() -> Self {
        Self {
            frame_ms: 30.0,
            step_ms: 20.0,
            channels: 40,
            low_hz: 125.0,
            high_hz: 7_500.0,
            even_smoothing: 0.025,
            odd_smoothing: 0.06,
            min_signal: 0.05,
            gain: true,
            gain_strength: 0.95,
            gain_offset: 80.0,
            log: true,
            log_shift: 6,
        }
    }
}

impl Settings for MicroFrontendConfig {
    fn parameters() -> Vec<Parameter<Self>> {
        let bands: [Parameter<Self>; 5] = [
            number(["frame", "Frame", "Length of a frame.", "ms"], 1.0..=1_000.0, 1.0, |s| &mut s.frame_ms),
            number(["step", "Step", "From one frame to the next.", "ms"], 1.0..=1_000.0, 1.0, |s| &mut s.step_ms),
            whole(["channels", "Bands", "Number of mel bands.", ""], 1..=128, |s| &mut s.channels),
            number(["low", "Low", "Lower foot of the first band.", "Hz"], 0.0..=48_000.0, 5.0, |s| &mut s.low_hz),
            number(["high", "High", "Upper foot of the last band.", "Hz"], 1.0..=96_000.0, 5.0, |s| &mut s.high_hz),
        ];
        let noise: [Parameter<Self>; 3] = [
            number(
                ["even-smoothing", "Even smoothing", "How fast the noise of even bands follows.", ""],
                0.0..=1.0,
                0.005,
                |s| &mut s.even_smoothing,
            ),
            number(["odd-smoothing", "Odd smoothing", "How fast the noise of odd bands follows.", ""], 0.0..=1.0, 0.005, |s| {
                &mut s.odd_smoothing
            }),
            number(["min-signal", "Least signal", "What stays of a signal at least.", ""], 0.0..=1.0, 0.01, |s| {
                &mut s.min_signal
            }),
        ];
        let scale: [Parameter<Self>; 5] = [
            switch("gain", "Gain control", "Loudness is evened out (PCAN).", |s| &mut s.gain),
            number(["gain-strength", "Strength", "Strength of the gain control.", ""], 0.0..=1.0, 0.05, |s| &mut s.gain_strength),
            number(["gain-offset", "Offset", "Level below which the gain control does little.", ""], 1.0..=10_000.0, 1.0, |s| {
                &mut s.gain_offset
            }),
            switch("log", "Logarithm", "Logarithms come out.", |s| &mut s.log),
            whole(["log-shift", "Scale", "Logarithms are scaled by two to the power of this.", "bits"], 0..=12, |s| {
                &mut s.log_shift
            }),
        ];
        bands.into_iter().chain(noise).chain(scale).collect()
    }
}

/// A front end of one rate, with its tables.
pub struct MicroFrontend {
    step: usize,
    window: Vec<i16>,
    twiddles: Vec<Complex16>,
    real_twiddles: Vec<Complex16>,
    bands: Vec<Band>,
    weights: Vec<Weight>,
    noise: NoiseReduction,
    gain: Option<(Box<[i16; GAIN_TABLE_LEN]>, u32)>,
    log_shift: Option<u32>,
    centres_hz: Vec<f32>,
}

impl MicroFrontend {
    /// Makes the tables. The error says which setting does not do at this rate, and what would.
    ///
    /// # Errors
    /// One line.
    pub fn new(config: &MicroFrontendConfig, rate_hz: u32) -> Result<Self, String> {
        const LONGEST_FRAME: usize = 1 << 14;
        crate::settings::check(config)?;
        let samples = |ms: f64| (ms * f64::from(rate_hz) / 1e3) as usize;
        let (frame_len, step) = (samples(config.frame_ms), samples(config.step_ms));
        if frame_len == 0 || frame_len > LONGEST_FRAME || step == 0 {
            return Err(format!("frame and step are {frame_len} and {step} samples, expected 1 to {LONGEST_FRAME}"));
        }
        if config.high_hz > f64::from(rate_hz) / 2.0 || config.low_hz >= config.high_hz {
            let half = f64::from(rate_hz) / 2.0;
            return Err(format!("bands reach from {} to {} Hz, expected low < high <= {half} Hz", config.low_hz, config.high_hz));
        }
        let fft_len = frame_len.next_power_of_two().max(4);
        let (twiddles, real_twiddles) = twiddles(fft_len);
        let scale = Mels::new(config, rate_hz, fft_len);
        let (bands, weights) = scale.bands();
        let share = |x: f64| (x as f32 * (1 << 14) as f32) as u16;
        let gain = if config.gain { Some(gain_table(config, fft_len)?) } else { None };
        Ok(Self {
            step,
            window: window(frame_len),
            twiddles,
            real_twiddles,
            bands,
            weights,
            noise: NoiseReduction {
                smoothing_bits: SMOOTHING_BITS,
                even_smoothing: share(config.even_smoothing),
                odd_smoothing: share(config.odd_smoothing),
                min_signal_remaining: share(config.min_signal),
            },
            gain,
            log_shift: config.log.then_some(config.log_shift),
            centres_hz: scale.centres_hz(),
        })
    }

    /// What the runtime's arithmetic takes.
    pub fn tables(&self) -> Tables<'_> {
        Tables {
            window: &self.window,
            twiddles: &self.twiddles,
            real_twiddles: &self.real_twiddles,
            bands: &self.bands,
            weights: &self.weights,
            noise: self.noise,
            gain: self.gain.as_ref().map(|(table, shift)| Gain { table, shift: *shift }),
            log_shift: self.log_shift,
        }
    }

    /// Frames of a sound.
    pub fn n_frames(&self, n_samples: usize) -> usize {
        n_samples.checked_sub(self.window.len()).map_or(0, |rest| rest / self.step + 1)
    }

    /// Samples from one frame to the next.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Centre of each band, Hz.
    pub fn centres_hz(&self) -> &[f32] {
        &self.centres_hz
    }

    /// Features of a sound, `[frames, channels]`, from a fresh noise estimate on.
    pub fn features(&self, samples: &[i16]) -> Vec<u16> {
        let tables = self.tables();
        let half = tables.fft_len() / 2;
        let (mut input, mut spectrum) = (vec![Complex16::default(); half], vec![Complex16::default(); half + 1]);
        let mut estimates = vec![0; tables.n_channels()];
        let mut memory = Memory { input: &mut input, spectrum: &mut spectrum, estimates: &mut estimates };
        let mut features = vec![0; self.n_frames(samples.len()) * tables.n_channels()];
        let frames = samples.windows(self.window.len()).step_by(self.step);
        for (samples, out) in frames.zip(features.chunks_exact_mut(tables.n_channels().max(1))) {
            let done: Result<(), Misfit> = frame(&tables, &mut memory, samples, out);
            done.expect("tables and memory were made for one another");
        }
        features
    }
}

/// The nearest number of Q12.
fn fixed(x: f32) -> i16 {
    (f64::from(x) * f64::from(1 << WEIGHT_BITS) + 0.5).floor() as i16
}

/// A periodic Hann window between the samples, Q12.
fn window(len: usize) -> Vec<i16> {
    let angle = f64::from((std::f64::consts::PI * 2.0 / len as f64) as f32);
    let value = |n: usize| (0.5 - 0.5 * (angle * (n as f64 + 0.5)).cos()) as f32;
    (0..len).map(|n| fixed(value(n))).collect()
}

/// Factors of the transform and of its last step, Q15.
fn twiddles(fft_len: usize) -> (Vec<Complex16>, Vec<Complex16>) {
    use std::f64::consts::PI;
    let part = |x: f64| (0.5 + f64::from(i16::MAX) * x).floor() as i16;
    let unit = |angle: f64| Complex16 { re: part(angle.cos()), im: part(angle.sin()) };
    let half = fft_len / 2;
    let all = (0..half).map(|k| unit(-2.0 * PI * k as f64 / half as f64)).collect();
    let real = (0..half / 2).map(|k| unit(-PI * ((k + 1) as f64 / half as f64 + 0.5))).collect();
    (all, real)
}

/// Where bands lie on the mel scale `1127 ln(1 + f / 700)`.
struct Mels {
    low: f32,
    /// Peaks of the bands, and one more: the upper foot.
    peaks: Vec<f32>,
    bin_hz: f32,
    first_bin: usize,
}

fn mel(hz: f32) -> f32 {
    (1127.0 * (f64::from(hz) / 700.0).ln_1p()) as f32
}

impl Mels {
    fn new(config: &MicroFrontendConfig, rate_hz: u32, fft_len: usize) -> Self {
        let low = mel(config.low_hz as f32);
        let spacing = (mel(config.high_hz as f32) - low) / (config.channels + 1) as f32;
        let bin_hz = 0.5 * rate_hz as f32 / (fft_len / 2) as f32;
        Self {
            low,
            peaks: (0..=config.channels).map(|band| low + spacing * (band + 1) as f32).collect(),
            bin_hz,
            first_bin: (1.5 + config.low_hz as f32 / bin_hz) as usize,
        }
    }

    fn centres_hz(&self) -> Vec<f32> {
        let hz = |mel: f32| 700.0 * (mel / 1127.0).exp_m1();
        self.peaks[..self.peaks.len() - 1].iter().map(|&peak| hz(peak)).collect()
    }

    /// Bands and their weights, Q12. The bins below a peak fall from the peak before and rise to this one.
    fn bands(&self) -> (Vec<Band>, Vec<Weight>) {
        let (mut bands, mut weights) = (Vec::new(), Vec::new());
        let mut bin = self.first_bin;
        let mut lower = self.low;
        for &peak in &self.peaks {
            let (first_bin, first_weight) = (bin, weights.len());
            while mel(bin as f32 * self.bin_hz) <= peak {
                let share = (peak - mel(bin as f32 * self.bin_hz)) / (peak - lower);
                weights.push(Weight { this: fixed(share), next: fixed(1.0 - share) });
                bin += 1;
            }
            bands.push(Band { first_bin, first_weight, len: bin - first_bin });
            lower = peak;
        }
        (bands, weights)
    }
}

/// Gains `2^21 (noise + offset)^-strength`, at most what 16 bits hold, and the bits that a ratio is shifted by.
fn gain_table(config: &MicroFrontendConfig, fft_len: usize) -> Result<(Box<[i16; GAIN_TABLE_LEN]>, u32), String> {
    let correction = correction_bits(fft_len);
    // A noise estimate is scaled up, but for what the transform took from it.
    let noise_unit = 2_f32.powi(SMOOTHING_BITS as i32 - correction);
    let gain = |noise: u32| {
        let level = noise as f32 / noise_unit + config.gain_offset as f32;
        let gain = (1_u32 << GAIN_BITS) as f32 * level.powf(-config.gain_strength as f32);
        if gain > f32::from(i16::MAX) { i16::MAX } else { (gain + 0.5) as i16 }
    };
    let mut table = Box::new([0; GAIN_TABLE_LEN]);
    (table[0], table[1]) = (gain(0), gain(1));
    for interval in 2..=32 {
        let low = 1_u32 << (interval - 1);
        let high = if interval == 32 { u32::MAX } else { 2 * low };
        let (at_low, at_middle, at_high) = (gain(low), gain(low + low / 2), gain(high));
        let (middle_rise, rise) = (i32::from(at_middle) - i32::from(at_low), i32::from(at_high) - i32::from(at_low));
        let slope = 4 * middle_rise - rise;
        let at = 4 * interval as usize - 6;
        (table[at], table[at + 1], table[at + 2]) = (at_low, slope as i16, (rise - slope) as i16);
    }
    let shift = GAIN_BITS as i32 - correction - RATIO_BITS;
    let shift = u32::try_from(shift).map_err(|_| format!("frame: a transform of {fft_len} is too long for the gain control"))?;
    Ok((table, shift))
}

#[cfg(test)]
mod tests;
