//! What a sensor measured, instant by instant: the common form of sound and of any other recording.

use serde::{Deserialize, Serialize};

use super::wav::Sound;

/// What one column of a recording is.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Axis {
    /// For people and headers: `accel_x`.
    pub name: String,
    /// Unit: `m/s2`; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

/// A recording of one or several axes.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Signal {
    /// Instants a second; `None` where nobody said.
    pub rate_hz: Option<f64>,
    /// What the columns are.
    pub axes: Vec<Axis>,
    /// Milliseconds of each instant, `[instants]`, never going back; `None` where instants follow one another at the rate.
    pub times_ms: Option<Vec<f64>>,
    /// `[instants, axes]`.
    pub values: Vec<f32>,
}

impl Axis {
    /// An axis with a unit.
    pub fn new(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { name: name.into(), unit: unit.into() }
    }

    /// From the head of a column: `accX (m/s2)`, `accX [g]`, or a name alone. Units that people write into names, as in
    /// `accel_ms2_x`, are known as well.
    pub fn from_heading(heading: &str) -> Self {
        const IN_NAMES: [(&str, &str); 6] =
            [("_ms2_", "m/s2"), ("_degs_", "deg/s"), ("_deg_", "deg"), ("_ut_", "uT"), ("_mg_", "mg"), ("_g_", "g")];
        let heading = heading.trim();
        for (open, close) in [('(', ')'), ('[', ']')] {
            let inner = heading.strip_suffix(close).and_then(|rest| rest.rsplit_once(open));
            if let Some((name, unit)) = inner.filter(|(name, _)| !name.trim().is_empty()) {
                return Self::new(name.trim(), unit.trim());
            }
        }
        let padded = format!("_{}_", heading.to_ascii_lowercase());
        let unit = IN_NAMES.iter().find(|(part, _)| padded.contains(part)).map_or("", |(_, unit)| unit);
        Self::new(heading, unit)
    }

    /// The head of its column: `accX (m/s2)`.
    pub fn heading(&self) -> String {
        if self.unit.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, self.unit) }
    }

    /// `n` axes that nobody named: `axis 1`, `axis 2`, …
    pub fn unnamed(n: usize) -> Vec<Self> {
        (1..=n).map(|i| Self::new(format!("axis {i}"), "")).collect()
    }
}

impl Signal {
    /// Number of instants.
    pub fn n_instants(&self) -> usize {
        self.values.len().checked_div(self.axes.len()).unwrap_or(0)
    }

    /// The instants `start..end`, as far as there are so many.
    #[must_use]
    pub fn cut(&self, start: usize, end: usize) -> Self {
        let end = end.min(self.n_instants());
        let start = start.min(end);
        let n_axes = self.axes.len();
        Self {
            rate_hz: self.rate_hz,
            axes: self.axes.clone(),
            times_ms: self.times_ms.as_ref().map(|times| times[start..end].to_vec()),
            values: self.values[start * n_axes..end * n_axes].to_vec(),
        }
    }

    /// When an instant was, in milliseconds from the start of the recording; `None` without times and rate.
    pub fn time_ms(&self, instant: usize) -> Option<f64> {
        match &self.times_ms {
            Some(times) => times.get(instant).copied(),
            None => self.rate_hz.map(|rate| instant as f64 * 1000.0 / rate),
        }
    }
}

/// The mean rate of instants at these times, in Hz; `None` if no time passes, or so much or so little that there is no such number.
pub fn rate_of(times_ms: &[f64]) -> Option<f64> {
    let passed = times_ms.last()? - times_ms.first()?;
    Some((times_ms.len() - 1) as f64 * 1000.0 / passed).filter(|rate| rate.is_finite() && *rate > 0.0)
}

impl From<Sound> for Signal {
    fn from(sound: Sound) -> Self {
        let axes = match sound.n_channels {
            1 => vec![Axis::new("audio", "")],
            n => (1..=n).map(|i| Axis::new(format!("channel {i}"), "")).collect(),
        };
        Self { rate_hz: Some(f64::from(sound.rate_hz)), axes, times_ms: None, values: sound.samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_tell_units_and_come_back() {
        let axis = |heading| Axis::from_heading(heading);
        assert_eq!(axis("accX (m/s2)"), Axis::new("accX", "m/s2"));
        assert_eq!(axis(" gyro [deg/s] "), Axis::new("gyro", "deg/s"));
        assert_eq!(axis("accel_ms2_x"), Axis::new("accel_ms2_x", "m/s2"));
        assert_eq!(axis("mag_uT_y").unit, "uT");
        assert_eq!(axis("(odd)"), Axis::new("(odd)", ""));
        for heading in ["accX (m/s2)", "plain"] {
            assert_eq!(axis(heading).heading(), heading);
        }
    }

    #[test]
    fn a_cut_keeps_times_and_axes() {
        let times_ms = Some(vec![0.0, 5.0, 10.0]);
        let signal = Signal { rate_hz: Some(200.0), axes: Axis::unnamed(2), times_ms, values: vec![1., 2., 3., 4., 5., 6.] };
        let cut = signal.cut(1, 9);
        assert_eq!((cut.n_instants(), cut.values.as_slice()), (2, &[3., 4., 5., 6.][..]));
        assert_eq!(cut.times_ms, Some(vec![5.0, 10.0]));
        assert_eq!(signal.cut(7, 9).n_instants(), 0);
        assert_eq!(rate_of(&[0.0, 5.0, 10.0]), Some(200.0));
        assert_eq!(rate_of(&[3.0]), None);
    }
}
