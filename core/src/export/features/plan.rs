//! What of a pipeline runs on the device, with its tables.

use super::FeatureExportError;
use crate::data::features::{FramesOf, FrontEnd, Normalise, Pipeline, Sections, Stage, StageProblem};

/// A pipeline that takes instants as they come.
pub struct FeaturePlan {
    /// Instants a second.
    pub rate_hz: f64,
    /// Floats of an instant.
    pub n_channels: usize,
    /// What is done to each instant.
    pub each: Vec<Step>,
    /// What is made of frames; `None` where instants come out as they are.
    pub frame: Option<FramesOf>,
    /// What is done to what comes out.
    pub after: Vec<Step>,
    /// Whether what follows sees pieces in the studio, where the device runs on.
    is_cut: bool,
}

/// Something done to a few floats.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Their mean, one float.
    Mono,
    /// A filter of each.
    Filter(Sections),
    /// `(x - centre) / spread` of each.
    Normalise(Vec<(f64, f64)>),
}

impl FeaturePlan {
    /// What the device runs of `pipeline` on recordings of this rate and number of channels. Stages that only choose which part
    /// of a recording is looked at (clip, window) are the firmware's: it keeps as many frames as the model takes.
    ///
    /// # Errors
    /// [`FeatureExportError`] names the stage that a device cannot run, or whose settings do not fit.
    pub fn new(pipeline: &Pipeline, rate_hz: f64, n_channels: usize) -> Result<Self, FeatureExportError> {
        let mut plan = Self { rate_hz, n_channels, each: Vec::new(), frame: None, after: Vec::new(), is_cut: false };
        let mut width = n_channels;
        for (index, stage) in pipeline.stages.iter().enumerate() {
            plan.add(stage, &mut width).map_err(|trouble| FeatureExportError {
                number: index + 1,
                name: stage.name(),
                trouble,
            })?;
        }
        Ok(plan)
    }

    /// [`FeaturePlan::new`] for the recordings that a front end is fed.
    ///
    /// # Errors
    /// As [`FeaturePlan::new`].
    pub fn of(front_end: &FrontEnd) -> Result<Self, FeatureExportError> {
        Self::new(&front_end.pipeline, front_end.rate_hz, front_end.n_channels)
    }

    fn add(&mut self, stage: &Stage, width: &mut usize) -> Result<(), String> {
        let said = |problem: StageProblem| problem.to_string();
        match stage {
            Stage::Clip(_) | Stage::Window(_) => {
                self.is_cut = true;
                Ok(())
            }
            Stage::Resample(settings) if settings.rate_hz == self.rate_hz => Ok(()),
            Stage::Resample(settings) => Err(format!(
                "the device would have to resample; record at {} Hz, or take the stage out and train at {} Hz",
                settings.rate_hz, self.rate_hz
            )),
            Stage::Normalise(settings) => self.add_normalise(settings, *width).map_err(said),
            _ if self.frame.is_some() => Err("nothing but normalise may follow the spectrum".into()),
            Stage::Mono(_) => {
                self.each.push(Step::Mono);
                *width = 1;
                Ok(())
            }
            Stage::Filter(settings) if settings.zero_phase => {
                Err("it would have to know the future; set zero-phase=off, and train with that".into())
            }
            Stage::Filter(_) if self.is_cut => {
                Err("here it starts afresh with each piece, which a device that runs on does not; put it before clip and window"
                    .into())
            }
            Stage::Filter(settings) => {
                self.each.push(Step::Filter(single_precision(settings.sections(self.rate_hz).map_err(said)?)?));
                Ok(())
            }
            Stage::LogMel(_) | Stage::Mfcc(_) => {
                let frame = checked_frame(stage.frames_of(self.rate_hz).map_err(said)?, *width)?;
                *width = frame.n_values();
                self.frame = Some(frame);
                Ok(())
            }
            _ => {
                Err("the C code has filter, mono, log-mel, mfcc and normalise; leave it out, or write it in the firmware".into())
            }
        }
    }

    fn add_normalise(&mut self, settings: &Normalise, width: usize) -> Result<(), StageProblem> {
        let steps = if self.frame.is_some() { &mut self.after } else { &mut self.each };
        steps.push(Step::Normalise(settings.columns(width)?));
        Ok(())
    }

    /// Floats of an instant behind the steps on it.
    fn width(&self) -> usize {
        if self.each.contains(&Step::Mono) { 1 } else { self.n_channels }
    }

    /// Floats that come out at once.
    pub fn n_values(&self) -> usize {
        self.frame.as_ref().map_or(self.width(), FramesOf::n_values)
    }

    /// The filters, each with the number of channels that it sees.
    pub fn filters(&self) -> Vec<(&Sections, usize)> {
        let mut width = self.n_channels;
        let seen = self.each.iter().filter_map(|step| match step {
            Step::Mono => {
                width = 1;
                None
            }
            Step::Filter(sections) => Some((sections, width)),
            Step::Normalise(_) => None,
        });
        seen.collect()
    }

    /// Bytes of the state: samples of a frame, the transform, the bands, what filters remember, two counters. Exact: everything
    /// in it is 4 bytes wide.
    pub fn ram_bytes(&self) -> u64 {
        let filters: usize = self.filters().iter().map(|(sections, width)| 2 * sections.0.len() * width).sum();
        let frame = self.frame.as_ref().map_or(0, |frame| {
            let config = frame.mfcc.config();
            config.frame_len + config.fft_len + config.n_mels
        });
        4 * (filters + frame + 2) as u64
    }

    /// Bytes of the tables, in flash.
    pub fn table_bytes(&self) -> u64 {
        let filters: usize = self.filters().iter().map(|(sections, _)| 5 * sections.0.len()).sum();
        let steps = self.each.iter().chain(&self.after);
        let normalise: usize = steps.map(|step| if let Step::Normalise(columns) = step { 2 * columns.len() } else { 0 }).sum();
        let frame = self.frame.as_ref().map_or(0, |frame| {
            let (config, bands) = (frame.mfcc.config(), frame.mfcc.bands());
            let weights: usize = bands.iter().map(|band| band.weights.len()).sum();
            // Two 16-bit numbers say where a band lies.
            let cosines = if frame.has_cosines { config.n_coefficients * config.n_mels } else { 0 };
            config.frame_len + config.fft_len + weights + bands.len() + cosines
        });
        4 * (filters + normalise + frame) as u64
    }
}

/// Refuses filters that floats of 24 bits are too coarse for. The poles of a section lie the nearer to 1 the lower the cut: then
/// `1 + a1 + a2` is a small difference of large numbers. Measured on noise of amplitude 1 through low-pass and high-pass filters of
/// order 2 to 8: from 1e-4 on (cuts above 0.0016 of the rate) they stay within 4e-4 of double precision, at 1.5e-7 they are 0.1 off.
fn single_precision(sections: Sections) -> Result<Sections, String> {
    const LEAST: f64 = 1e-4;
    if sections.0.iter().any(|section| section.a.iter().sum::<f64>() < LEAST) {
        return Err("the cut is too low for single precision at this rate; filter at a lower rate, or cut higher".into());
    }
    Ok(sections)
}

fn checked_frame(frame: FramesOf, width: usize) -> Result<FramesOf, String> {
    let config = frame.mfcc.config();
    if width != 1 {
        return Err(format!("{width} channels come in; put mono before it"));
    }
    if !config.fft_len.is_power_of_two() || config.fft_len < 4 {
        return Err(format!("fft is {}, expected a power of two from 4", config.fft_len));
    }
    if frame.mfcc.bands().iter().all(|band| band.weights.is_empty()) {
        return Err("no bin of the spectrum lies in any band; take a longer fft or fewer mels".into());
    }
    Ok(frame)
}
