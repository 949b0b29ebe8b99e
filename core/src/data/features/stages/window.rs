//! Windows of a long recording.

use serde::{Deserialize, Serialize};

use super::{Signal, StageProblem, Work, bounded, rows_in, series_rate_hz};
use crate::settings::{Parameter, Settings, number, switch};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CutWindows {
    /// Length of a window, milliseconds.
    pub length_ms: f64,
    /// Share of a window that the next one sees as well, per cent.
    pub overlap_percent: f64,
    /// What is left at the end becomes a window as well, filled with zeros.
    pub pad: bool,
}

impl Default for CutWindows {
    fn default() -> Self {
        Self { length_ms: 1e3, overlap_percent: 50.0, pad: false }
    }
}

impl Settings for CutWindows {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            number(["length", "Length", "Length of a window.", "ms"], 1.0..=600_000.0, 10.0, |s| &mut s.length_ms),
            number(["overlap", "Overlap", "Share of a window that the next one sees as well.", "%"], 0.0..=99.0, 1.0, |s| {
                &mut s.overlap_percent
            }),
            switch("pad", "Fill the last", "What is left at the end becomes a window, filled with zeros.", |s| &mut s.pad),
        ]
    }
}

impl CutWindows {
    /// First rows of the windows of a recording.
    fn starts(&self, n_rows: usize, len: usize) -> impl ExactSizeIterator<Item = usize> {
        let step = ((len as f64 * (1.0 - self.overlap_percent / 100.0)).round() as usize).max(1);
        let whole = n_rows.checked_sub(len).map_or(0, |rest| rest / step + 1);
        let rest_begins = whole * step;
        // What the last whole window has not seen is a rest.
        let has_rest = if whole == 0 { n_rows > 0 } else { rest_begins - step + len < n_rows };
        let n = whole + usize::from(self.pad && has_rest);
        (0..n).map(move |index| index * step)
    }
}

impl Work for CutWindows {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        let (len, n_rows, width) = (rows_in(self.length_ms, rate_hz), signal.n_rows(), signal.channels.len());
        let starts = self.starts(n_rows, len);
        if starts.len() == 0 {
            return Err(StageProblem::TooShort(format!(
                "the recording of {:.0} ms is shorter than a window of {} ms; take a shorter window or set pad=on",
                signal.seconds() * 1e3,
                self.length_ms
            )));
        }
        bounded(&[starts.len(), len, width], "overlap less")?;
        let window = |start: usize| {
            let mut values = signal.values[start * width..(start + len).min(n_rows) * width].to_vec();
            values.resize(len * width, 0.0);
            Signal { values, ..Signal::series(rate_hz, signal.channels.clone(), Vec::new()) }
        };
        Ok(starts.map(window).collect())
    }
}
