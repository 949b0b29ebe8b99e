//! The range of each output channel, widest first, beside the one range that per-tensor quantization would give them all.

use eframe::egui::{Align2, Ui};
use egui_plot::{Bar, BarChart, HLine, LineStyle, PlotPoint, Text};
use tinsmith_core::measure::weights::{ChannelStats, WeightStats};

use super::group_rule;
use crate::gui::plots::{ground, plot, value_axis_y};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::group_title;
use crate::worker::Distributions;

const HEIGHT: f32 = 112.0;
/// More channels than this are sampled: bars would be narrower than a pixel.
const MAX_BARS: usize = 256;

/// Shows the ranges, if the layer has several channels. The float weights are shown where they are known: they say what
/// quantization had to cover.
pub fn ui(of: &Distributions, ui: &mut Ui) {
    let Some(shown) = of.baseline.as_ref().or(of.candidate.as_ref()) else { return };
    let stats = &shown.stats;
    let n = stats.channels.len();
    if n < 2 {
        return;
    }
    let p = Palette::of(ui);
    group_rule(ui);
    let every = n.div_ceil(MAX_BARS);
    let sampled = if every > 1 { format!(", 1 in {every} shown") } else { String::new() };
    group_title(ui, "Channel ranges", Type::Small.text(format!("{n} channels, widest first{sampled}"), p.text_weak), |_| {});
    let sorted: Vec<(usize, ChannelStats)> =
        stats.by_range.iter().rev().step_by(every).map(|&i| (i, stats.channels[i])).collect();
    let bars = sorted.iter().enumerate().map(|(i, (_, c))| {
        let colour = if c.is_outlier { p.amber } else { p.accent };
        Bar::new(i as f64, f64::from(c.max - c.min)).base_offset(f64::from(c.min)).width(0.66).fill(colour)
    });
    let chart = BarChart::new("channels", bars.collect()).color(p.accent);
    let named = sorted.clone();
    let chart = chart.element_formatter(Box::new(move |bar, _| {
        let Some((channel, c)) = named.get(bar.argument.round() as usize) else { return String::new() };
        let outlier = if c.is_outlier { ", an outlier" } else { "" };
        format!("channel {channel}: {} to {}{outlier}", units::real(f64::from(c.min)), units::real(f64::from(c.max)))
    }));
    let widest = f64::from(stats.min.abs().max(stats.max.abs()));
    let right = sorted.len() as f64;
    let canvas = plot(p, "channels", HEIGHT)
        .include_y(widest * 1.12)
        .include_y(-widest * 1.12)
        .include_x(-1.0)
        .include_x(right)
        .show_axes([false, true])
        .show_grid([false, true])
        .custom_y_axes(vec![value_axis_y(p)])
        .label_formatter(|_| None);
    ground(ui, |ui| {
        canvas.show(ui, |plot| {
            plot.bar_chart(chart);
            for y in [widest, -widest] {
                plot.hline(HLine::new("", y).color(p.text_weak).width(1.0).style(LineStyle::dashed_dense()));
            }
            let words = Type::Caption.text(format!("per-tensor ±{}", units::real(widest)), p.text_weak);
            let at = PlotPoint::new(right - 0.5, widest * 0.97);
            plot.text(Text::new("", at, words).anchor(Align2::RIGHT_TOP));
        });
    });
    ui.label(Type::Caption.text(sentence(stats), p.text_weak));
}

/// What one range for all costs: a channel half as wide has one bit less.
fn sentence(stats: &WeightStats) -> String {
    let waste = format!("one range for all leaves {:.1} bits unused in the median channel", stats.wasted_bits);
    let outliers: Vec<String> =
        stats.by_range.iter().rev().filter(|&&i| stats.channels[i].is_outlier).map(usize::to_string).collect();
    match outliers.len() {
        0 => format!("No outliers; {waste}."),
        1 => format!("Channel {} is an outlier; {waste}.", outliers[0]),
        n if n <= 4 => format!("Channels {} are outliers; {waste}.", outliers.join(", ")),
        n => format!("{n} channels are outliers; {waste}."),
    }
}
