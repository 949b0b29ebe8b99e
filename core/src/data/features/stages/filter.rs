//! The Butterworth filter.

use serde::{Deserialize, Serialize};

use super::{Choice, Signal, StageProblem, Work, series_rate_hz};
use crate::data::features::butterworth::{Band, Sections};
use crate::settings::{Parameter, Settings, chosen, named, number, switch, whole};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Which frequencies pass.
    pub band: Band,
    /// Lower cut of a high-pass or band-pass, Hz.
    pub low_hz: f64,
    /// Upper cut of a low-pass or band-pass, Hz.
    pub high_hz: f64,
    /// Order; a band-pass has twice as many poles.
    pub order: u32,
    /// Forwards and backwards: no delay, but only where the whole recording is there.
    pub zero_phase: bool,
}

const BANDS: &[Choice] = &[
    Choice { key: "low-pass", help: "frequencies below high pass" },
    Choice { key: "high-pass", help: "frequencies above low pass" },
    Choice { key: "band-pass", help: "frequencies between low and high pass" },
];

impl Default for Filter {
    fn default() -> Self {
        Self { band: Band::LowPass, low_hz: 1.0, high_hz: 20.0, order: 4, zero_phase: false }
    }
}

impl Settings for Filter {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            chosen(
                "band",
                "Band",
                "Which frequencies pass.",
                BANDS,
                named!(band, { Band::LowPass => "low-pass", Band::HighPass => "high-pass", Band::BandPass => "band-pass" }),
            ),
            number(["low", "Low", "Lower cut of a high-pass or band-pass.", "Hz"], 0.001..=96_000.0, 0.1, |s| &mut s.low_hz),
            number(["high", "High", "Upper cut of a low-pass or band-pass.", "Hz"], 0.001..=96_000.0, 0.1, |s| &mut s.high_hz),
            whole(["order", "Order", "Steepness; a band-pass has twice as many poles.", ""], 1..=8, |s| &mut s.order),
            switch(
                "zero-phase",
                "Zero phase",
                "Forwards and backwards: no delay, twice the attenuation; a device cannot do it while it listens.",
                |s| &mut s.zero_phase,
            ),
        ]
    }
}

impl Filter {
    /// The filter for this rate.
    ///
    /// # Errors
    /// [`StageProblem::Setting`] if a cut is not below half the rate, or the cuts are in the wrong order.
    pub fn sections(&self, rate_hz: f64) -> Result<Sections, StageProblem> {
        let half = rate_hz / 2.0;
        let wrong = |key: &str, value: f64, expected: String| {
            Err(StageProblem::Setting(format!("{key} is {value} Hz, expected {expected}")))
        };
        if self.band != Band::HighPass && self.high_hz >= half {
            return wrong("high", self.high_hz, format!("below half the rate, {half} Hz"));
        }
        let below = if self.band == Band::BandPass { self.high_hz } else { half };
        if self.band != Band::LowPass && self.low_hz >= below {
            return wrong("low", self.low_hz, format!("below {below} Hz"));
        }
        Ok(Sections::butterworth(self.band, self.order, (self.low_hz / half, self.high_hz / half)))
    }
}

impl Work for Filter {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        let sections = self.sections(rate_hz)?;
        let filtered = |channel: &[f32]| {
            let samples: Vec<f64> = channel.iter().copied().map(f64::from).collect();
            let made = if self.zero_phase { sections.zero_phase(&samples) } else { sections.causal(&samples) };
            made.into_iter().map(|x| x as f32).collect()
        };
        Ok(vec![signal.map_channels(rate_hz, filtered)])
    }
}
