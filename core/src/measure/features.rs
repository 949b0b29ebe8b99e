//! What a front end costs on the device: memory exactly, operations counted in the code that is exported, time estimated.
//!
//! On small cores features can cost more than the network.

use std::ops::Add;

use super::Estimate;
use super::device::Device;
use crate::data::features::{FramesOf, FrontEnd};
use crate::export::features::{FeatureExportError, FeaturePlan, Step};

/// Operations of the generated code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Operations {
    /// Multiplications with an addition.
    pub macs: u64,
    /// Single additions, products, divisions, moves.
    pub elementwise: u64,
    /// Square roots and logarithms, which the C library computes.
    pub functions: u64,
}

impl Add for Operations {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            macs: self.macs + other.macs,
            elementwise: self.elementwise + other.elementwise,
            functions: self.functions + other.functions,
        }
    }
}

/// What a front end costs.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureFigures {
    /// RAM: the state. Exact.
    pub ram_bytes: u64,
    /// Flash: the tables, without code. Exact.
    pub table_bytes: u64,
    /// For each instant that comes in.
    pub instant: Operations,
    /// For each time that values come out, beside those of the instants.
    pub frame: Operations,
    /// Instants from one frame to the next.
    pub step: usize,
    /// Microseconds of a frame with its instants; `None` if nobody has measured floats on the device.
    pub frame_us: Option<Estimate>,
    /// Share of the time that the processor spends on it while it listens; `None` likewise.
    pub load: Option<Estimate>,
}

/// What the features before a model cost.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontEndFigures {
    /// Each time values come out.
    pub each: FeatureFigures,
    /// How often values come out for one input of the model.
    pub frames: usize,
    /// Microseconds of the features of one whole input: what an inference takes beside the model's own time where nothing is kept from
    /// the input before. Who keeps frames spends [`FeatureFigures::load`]. `None` like [`FeatureFigures::frame_us`].
    pub input_us: Option<Estimate>,
}

/// Costs of a front end on `device`.
///
/// # Errors
/// [`FeatureExportError`] names the stage that a device cannot run.
pub fn front_end_figures(front_end: &FrontEnd, device: &Device) -> Result<FrontEndFigures, FeatureExportError> {
    let plan = FeaturePlan::of(front_end)?;
    let each = feature_figures(&plan, device);
    let frames = front_end.n_values.div_ceil(plan.n_values().max(1));
    let input_us = each.frame_us.as_ref().map(|us| us.times(frames as f64));
    Ok(FrontEndFigures { each, frames, input_us })
}

/// What an elementary function takes, in elementary operations: a polynomial and the taking apart of a number. A guess from the
/// usual C libraries, which is why the spread below is wide.
const FUNCTION_OPERATIONS: f64 = 30.0;

/// Nobody has measured this code on boards: by how much more than what was measured its estimate may be wrong.
const UNMEASURED_SPREAD: f64 = 2.0;

/// Costs of `plan` on `device`.
pub fn feature_figures(plan: &FeaturePlan, device: &Device) -> FeatureFigures {
    let (instant, frame) = (instant_operations(plan), frame_operations(plan));
    let step = plan.frame.as_ref().map_or(1, |frame| frame.mfcc.config().frame_step);
    let all = Operations {
        macs: frame.macs + instant.macs * step as u64,
        elementwise: frame.elementwise + instant.elementwise * step as u64,
        functions: frame.functions + instant.functions * step as u64,
    };
    let frame_us = device.float_code().map(|code| {
        let others = all.elementwise as f64 + all.functions as f64 * FUNCTION_OPERATIONS;
        let value = (all.macs as f64 * code.mac + others * code.other) / device.clock_mhz;
        let spread = code.spread * UNMEASURED_SPREAD;
        let source = format!(
            "operations counted in the generated C, {} at {} MHz; not measured on a board, so that the interval is {UNMEASURED_SPREAD} \
             times as wide. {}",
            device.name, device.clock_mhz, code.source
        );
        Estimate { value, low: value / spread, high: value * spread, source: source.into() }
    });
    let load = frame_us.as_ref().map(|us| us.times(plan.rate_hz / step as f64 / 1e6));
    FeatureFigures { ram_bytes: plan.ram_bytes(), table_bytes: plan.table_bytes(), instant, frame, step, frame_us, load }
}

fn steps_operations(steps: &[Step], width: &mut u64) -> Operations {
    let mut all = Operations::default();
    for step in steps {
        match step {
            Step::Mono => {
                all.elementwise += *width;
                *width = 1;
            }
            // A section is five products.
            Step::Filter(sections) => all.macs += 5 * sections.0.len() as u64 * *width,
            Step::Normalise(_) => all.elementwise += 2 * *width,
        }
    }
    all
}

fn instant_operations(plan: &FeaturePlan) -> Operations {
    let mut width = plan.n_channels as u64;
    let mut all = steps_operations(&plan.each, &mut width);
    // Each float is moved in, and moved on.
    all.elementwise += plan.n_channels as u64 + width;
    all
}

fn frame_operations(plan: &FeaturePlan) -> Operations {
    let mut width = plan.n_values() as u64;
    let after = steps_operations(&plan.after, &mut width);
    let Some(frame) = &plan.frame else { return after };
    spectrum_operations(frame) + after
}

fn spectrum_operations(frame: &FramesOf) -> Operations {
    let config = frame.mfcc.config();
    let (half, frame_len) = (config.fft_len as u64 / 2, config.frame_len as u64);
    let kept = frame_len.saturating_sub(config.frame_step as u64);
    // A butterfly is four products with an addition and four additions; there are half/2 in each of log2(half) passes.
    let butterflies = half / 2 * u64::from(half.ilog2());
    // The last pass: ten additions and halvings, then eight products, for each pair of bins.
    let pairs = half / 2;
    let weights: u64 = frame.mfcc.bands().iter().map(|band| band.weights.len() as u64).sum();
    let n_mels = config.n_mels as u64;
    let cosines = if frame.has_cosines { n_mels * config.n_coefficients as u64 } else { 0 };
    let roots = if config.spectrum == crate::data::features::Spectrum::Magnitude { weights } else { 0 };
    Operations {
        macs: 4 * butterflies + 8 * pairs + weights + cosines,
        // Cleared, windowed, put in order, and what stays is moved to the front.
        elementwise: config.fft_len as u64 + frame_len + 2 * half + kept + 4 * butterflies + 10 * pairs,
        functions: n_mels + roots,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::features::{Pipeline, preset};
    use crate::measure::device::device;

    #[test]
    fn keyword_features_cost_what_their_code_does() {
        let plan = FeaturePlan::new(&preset("keyword").unwrap(), 16_000.0, 1).unwrap();
        let board = device("nano33ble").unwrap();
        let figures = feature_figures(&plan, &board);
        // 480 samples, a transform of 512, 40 bands, two counters.
        assert_eq!(figures.ram_bytes, 4 * (480 + 512 + 40 + 2));
        assert_eq!((figures.step, figures.frame.functions), (320, 40));
        let butterflies = 128 * 8;
        assert!(figures.frame.macs > 4 * butterflies + 400 && figures.frame.macs < 10_000, "{:?}", figures.frame);
        let estimate = figures.frame_us.unwrap();
        assert!(estimate.low < estimate.value && estimate.value < estimate.high);
        assert!(estimate.source.contains("not measured on a board"));
        assert!((figures.load.unwrap().value - estimate.value / 20_000.0).abs() < 1e-9);
    }

    #[test]
    fn a_whole_input_costs_its_frames() {
        let front_end =
            |pipeline: &str| FrontEnd { pipeline: preset(pipeline).unwrap(), rate_hz: 16_000.0, n_channels: 1, n_values: 490 };
        let on = |board: &str| front_end_figures(&front_end("keyword"), &device(board).unwrap()).unwrap();
        let figures = on("esp32-s3");
        let (frame, input) = (figures.each.frame_us.unwrap(), figures.input_us.unwrap());
        assert_eq!((figures.frames, input.value), (49, frame.value * 49.0));
        // Plain C of ESP-DSP needs 35,562 cycles for the transform alone, and the estimate is of more.
        assert!((35_562.0 / 240.0..5.0 * 35_562.0 / 240.0).contains(&frame.value), "{frame:?}");
        assert!(input.low < input.value && input.source.contains("ESP-DSP"));
        assert!(on("esp32-c3").input_us.unwrap().value > 10.0 * input.value, "it has no floating-point unit");
        let refused = front_end_figures(&front_end("micro-frontend"), &device("esp32").unwrap()).unwrap_err();
        assert_eq!((refused.number, refused.name), (4, "micro-frontend"));
    }

    #[test]
    fn what_follows_the_spectrum_costs_all_of_its_operations() {
        let mut plan = FeaturePlan::new(&preset("keyword").unwrap(), 16_000.0, 1).unwrap();
        let spectrum = frame_operations(&plan);
        let filter = FeaturePlan::new(&Pipeline::parse(&["filter:order=4"]).unwrap(), 100.0, 1).unwrap();
        plan.after.extend(filter.each);
        let values = plan.n_values() as u64;
        assert_eq!(frame_operations(&plan), Operations { macs: spectrum.macs + 2 * 5 * values, ..spectrum });
        plan.after.push(Step::Normalise(Vec::new()));
        assert_eq!(frame_operations(&plan).elementwise, spectrum.elementwise + 2 * values);
    }

    #[test]
    fn a_filter_costs_its_sections() {
        let plan = FeaturePlan::new(&Pipeline::parse(&["filter:order=4"]).unwrap(), 100.0, 6).unwrap();
        let board = device("rp2040").unwrap();
        let figures = feature_figures(&plan, &board);
        assert_eq!(figures.frame_us, None, "nobody has measured floats on it");
        assert_eq!((figures.instant.macs, figures.ram_bytes, figures.table_bytes), (2 * 5 * 6, 4 * (2 * 2 * 6 + 2), 4 * 10));
    }
}
