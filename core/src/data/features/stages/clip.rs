//! A recording of exactly one length.

use serde::{Deserialize, Serialize};

use super::{Choice, Signal, StageProblem, Work, bounded, rows_in, series_rate_hz};
use crate::data::features::mfcc::fit_clip_at;
use crate::settings::{Parameter, Settings, chosen, named, number};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clip {
    /// Length, milliseconds.
    pub length_ms: f64,
    /// Which part stays.
    pub align: Align,
}

/// Which part of a recording stays, or where it lies among zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Align {
    /// The beginning.
    Start,
    /// The middle; an odd sample is cut or filled on the right.
    Middle,
    /// The end.
    End,
}

const ALIGNS: &[Choice] = &[
    Choice { key: "middle", help: "cut or filled evenly on both sides" },
    Choice { key: "start", help: "cut or filled behind" },
    Choice { key: "end", help: "cut or filled in front" },
];

impl Default for Clip {
    fn default() -> Self {
        Self { length_ms: 1e3, align: Align::Middle }
    }
}

impl Settings for Clip {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            number(["length", "Length", "Length of the clip.", "ms"], 1.0..=600_000.0, 10.0, |s| &mut s.length_ms),
            chosen(
                "align",
                "Keep",
                "Which part of the recording stays.",
                ALIGNS,
                named!(align, { Align::Middle => "middle", Align::Start => "start", Align::End => "end" }),
            ),
        ]
    }
}

impl Work for Clip {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        let n_rows = rows_in(self.length_ms, rate_hz);
        bounded(&[n_rows, signal.channels.len()], "take a shorter clip")?;
        let front = |n: usize| match self.align {
            Align::Start => 0,
            Align::Middle => n / 2,
            Align::End => n,
        };
        Ok(vec![signal.map_channels(rate_hz, |channel| fit_clip_at(channel, n_rows, front))])
    }
}
