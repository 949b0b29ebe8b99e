//! What goes into a feature stage and comes out of it.

use crate::data::import::image::Picture;
use crate::data::{self, Axis};

/// A recording, or what stages made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Rows of `values` a second: instants of a series, frames of a map. 0 where time means nothing.
    pub rate_hz: f64,
    /// What the values are.
    pub form: Form,
    /// The last axis, at least one.
    pub channels: Vec<Axis>,
    /// Row-major, of [`Signal::shape`].
    pub values: Vec<f32>,
}

/// What the values of a signal are.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// `[time, channels]`.
    Series,
    /// `[frames, bins, channels]`.
    Map {
        /// Where each bin lies: a frequency, or a number from 0.
        bins: Vec<f32>,
        /// Unit of the bins; empty for numbers.
        unit: &'static str,
    },
    /// `[height, width, channels]`.
    Picture {
        /// Pixels of a line.
        width: usize,
    },
    /// `[rows, channels]`: figures that sum a series up.
    Table {
        /// What each row is.
        rows: Vec<String>,
    },
}

impl Form {
    /// For people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Series => "a series in time",
            Self::Map { .. } => "a feature map",
            Self::Picture { .. } => "a picture",
            Self::Table { .. } => "a table of figures",
        }
    }
}

impl Signal {
    /// A series in time, `[time, channels]`.
    pub fn series(rate_hz: f64, channels: Vec<Axis>, values: Vec<f32>) -> Self {
        Self { rate_hz, form: Form::Series, channels, values }
    }

    /// A sound of one channel.
    pub fn sound(rate_hz: u32, values: Vec<f32>) -> Self {
        Self::series(rate_hz.into(), vec![Axis::new("sound", "")], values)
    }

    /// A recording at its own rate or, where it does not say one, at `rate_hz`; `None` if neither is known.
    pub fn recorded(recording: data::Signal, rate_hz: Option<f64>) -> Option<Self> {
        Some(Self::series(recording.rate_hz.or(rate_hz)?, recording.axes, recording.values))
    }

    /// A picture, its values from 0 to 255.
    pub fn picture(picture: &Picture) -> Self {
        let names: &[&str] = if picture.channels == 1 { &["grey"] } else { &["red", "green", "blue"] };
        Self {
            rate_hz: 0.0,
            form: Form::Picture { width: picture.width },
            channels: names.iter().map(|name| Axis::new(*name, "")).collect(),
            values: picture.pixels.iter().copied().map(f32::from).collect(),
        }
    }

    /// `[rows, (bins or pixels,) channels]`.
    pub fn shape(&self) -> Vec<usize> {
        let channels = self.channels.len();
        let rows = |columns: usize| self.values.len().checked_div(columns).unwrap_or(0);
        match &self.form {
            Form::Series => vec![rows(channels), channels],
            Form::Map { bins, .. } => vec![rows(bins.len().saturating_mul(channels)), bins.len(), channels],
            Form::Picture { width } => vec![rows(width.saturating_mul(channels)), *width, channels],
            Form::Table { rows } => vec![rows.len(), channels],
        }
    }

    /// Instants, frames or lines.
    pub fn n_rows(&self) -> usize {
        self.shape()[0]
    }

    /// Seconds from the first row to behind the last; 0 where time means nothing.
    pub fn seconds(&self) -> f64 {
        if self.rate_hz > 0.0 { self.n_rows() as f64 / self.rate_hz } else { 0.0 }
    }

    /// Whether the fields fit together.
    pub fn is_sound(&self) -> bool {
        let known_rate = self.rate_hz.is_finite() && self.rate_hz >= 0.0;
        let product = self.shape().iter().try_fold(1_usize, |product, &axis| product.checked_mul(axis));
        known_rate && !self.channels.is_empty() && product == Some(self.values.len())
    }

    /// Values of one channel of a series, `[time]`.
    pub fn channel(&self, index: usize) -> Vec<f32> {
        self.values.iter().skip(index).step_by(self.channels.len().max(1)).copied().collect()
    }

    /// A series of the same channels, each made of the old one; all come out equally long.
    pub(super) fn map_channels(&self, rate_hz: f64, mut make: impl FnMut(&[f32]) -> Vec<f32>) -> Self {
        let made: Vec<Vec<f32>> = (0..self.channels.len()).map(|index| make(&self.channel(index))).collect();
        let n_rows = made.first().map_or(0, Vec::len);
        let values = (0..n_rows).flat_map(|row| made.iter().map(move |channel| channel[row])).collect();
        Self { rate_hz, form: Form::Series, channels: self.channels.clone(), values }
    }

    /// A map of the same channels: `make` gives `[frames, bins]` for each channel of this series.
    pub(super) fn map_frames(&self, rate_hz: f64, form: Form, make: impl FnMut(&[f32]) -> Vec<f32>) -> Self {
        // Channels lie last in a series as in a map, so that one is made like the other.
        Self { form, ..self.map_channels(rate_hz, make) }
    }
}
