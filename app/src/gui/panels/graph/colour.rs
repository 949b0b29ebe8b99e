//! What colours the boxes: any figure of a layer, on one scale.

use eframe::egui::Color32;
use tinsmith_core::measure::{LayerError, LayerFigures};
use tinsmith_core::ops::Op;

use crate::gui::theme::Palette;
use crate::gui::units::{self, NONE};

/// SQNR at both ends of the scale, dB.
/// The ratio from which on down a layer is coloured as bad as can be, dB.
pub const SQNR_WORSE: f64 = 20.0;
/// The ratio from which on up a layer is coloured as good, dB.
pub const SQNR_BETTER: f64 = 36.0;
/// How much of its series' colour a box takes that is coloured by kind.
const KIND_TINT: f32 = 0.42;

/// What colours the boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ColourBy {
    /// Signal-to-quantization-noise ratio.
    #[default]
    Error,
    /// Share of the output that is clipped.
    Clipped,
    /// Multiply-accumulates.
    Macs,
    /// Bytes of weights and biases.
    Size,
    /// Trained numbers.
    Parameters,
    /// Bytes of the output.
    Output,
    /// Estimated time.
    Latency,
    /// What the operator is.
    Kind,
}

impl ColourBy {
    /// All of them, with the words to choose them by.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Error, "quantization error"),
        (Self::Clipped, "clipped share"),
        (Self::Macs, "MACs"),
        (Self::Size, "size"),
        (Self::Parameters, "parameters"),
        (Self::Output, "output bytes"),
        (Self::Latency, "latency"),
        (Self::Kind, "op kind"),
    ];

    /// Title of the legend, and the unit and kind of the figure.
    pub fn legend(self) -> (&'static str, &'static str) {
        match self {
            Self::Error => ("Quantization error", "SQNR of each output, dB"),
            Self::Clipped => ("Clipped share", "% of the output, against float"),
            Self::Macs => ("MACs of the op", "multiply-accumulates"),
            Self::Size => ("Size of the op", "weights and biases, bytes"),
            Self::Parameters => ("Parameters of the op", "trained numbers"),
            Self::Output => ("Output of the op", "bytes in the arena"),
            Self::Latency => ("Latency of the op", "estimate for the board"),
            Self::Kind => ("Op kind", ""),
        }
    }

    /// The figure of a layer; `None` where there is none.
    pub fn figure(self, layer: Option<&LayerFigures>, error: Option<LayerError>) -> Option<f64> {
        let some = |n: u64| (n > 0).then_some(n as f64);
        match self {
            Self::Error => error.map(|e| e.sqnr_db),
            Self::Clipped => error.map(|e| e.clipped),
            Self::Macs => some(layer?.macs),
            Self::Size => some(layer?.weights_bytes + layer?.bias_bytes),
            Self::Parameters => some(layer?.parameters),
            Self::Output => some(layer?.output_bytes),
            Self::Latency => layer?.latency_us.as_ref().map(|e| e.value),
            Self::Kind => None,
        }
    }

    /// The figure of several layers together: their sum, or the worst of them where a sum means nothing.
    pub fn together(self, figures: impl Iterator<Item = f64>) -> Option<f64> {
        figures.reduce(|a, b| match self {
            Self::Error => a.min(b),
            Self::Clipped => a.max(b),
            _ => a + b,
        })
    }

    /// A figure in words.
    pub fn words(self, figure: f64) -> String {
        match self {
            Self::Error => sqnr(figure),
            Self::Clipped => format!("{:.2} %", figure * 100.0),
            Self::Macs | Self::Parameters => units::count(figure as u64).joined(),
            Self::Size | Self::Output => units::bytes(figure as u64).joined(),
            Self::Latency => units::microseconds(figure).joined(),
            Self::Kind => NONE.to_owned(),
        }
    }

    /// Place of a figure on the heat map, where `most` is the greatest shown.
    pub fn heat(self, figure: f64, most: f64) -> f32 {
        match self {
            Self::Error => heat_of_sqnr(figure),
            _ if most > 0.0 => (figure / most) as f32,
            _ => 0.0,
        }
    }
}

/// An SQNR for people: one decimal; equal outputs have no noise at all.
pub fn sqnr(db: f64) -> String {
    if db.is_finite() { format!("{db:.1}") } else { "equal".to_owned() }
}

/// An SQNR with its unit.
pub(super) fn decibels(db: f64) -> String {
    if db.is_finite() { format!("{} dB", sqnr(db)) } else { sqnr(db) }
}

/// Place of an SQNR on the heat map: much is bad.
pub fn heat_of_sqnr(db: f64) -> f32 {
    ((SQNR_BETTER - db) / (SQNR_BETTER - SQNR_WORSE)).clamp(0.0, 1.0) as f32
}

/// Kinds that have a colour of their own, with their place among the series.
pub(super) const KINDS: [(&str, usize); 3] = [("Conv", 0), ("Depthwise", 1), ("Dense", 2)];

pub(super) fn kind_tint(series: usize, p: &Palette) -> Color32 {
    p.control.lerp_to_gamma(p.series[series], KIND_TINT)
}

pub(super) fn kind_colour(op: &Op, p: &Palette) -> Color32 {
    match op {
        Op::Conv2d(_) => kind_tint(0, p),
        Op::DepthwiseConv2d(_) => kind_tint(1, p),
        Op::FullyConnected(_) => kind_tint(2, p),
        Op::Unknown(_) => p.amber_soft,
        _ => p.control_hover,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_summed_where_a_sum_means_something() {
        let figures = || [31.5, 22.5, 28.0].into_iter();
        assert_eq!(ColourBy::Error.together(figures()), Some(22.5));
        assert_eq!(ColourBy::Clipped.together(figures()), Some(31.5));
        assert_eq!(ColourBy::Macs.together(figures()), Some(82.0));
        assert_eq!(ColourBy::Macs.together(std::iter::empty()), None);
    }

    #[test]
    fn much_is_hot_and_a_high_sqnr_is_not() {
        assert_eq!((ColourBy::Error.heat(40.0, 0.0), ColourBy::Error.heat(10.0, 0.0)), (0.0, 1.0));
        assert_eq!((ColourBy::Macs.heat(50.0, 100.0), ColourBy::Macs.heat(0.0, 0.0)), (0.5, 0.0));
    }
}
