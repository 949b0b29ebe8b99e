//! The histogram of a layer's weights: in real units over the baseline's, or in the codes they are spent on.

use eframe::egui::Ui;
use egui_plot::{Bar, BarChart, VLine};
use tinsmith_core::measure::weights::CodeStats;

use super::group_rule;
use crate::gui::plots::{ground, plot, value_axis};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{group_title, segmented};
use crate::worker::{Distributions, Weights};

const HEIGHT: f32 = 132.0;

/// What the horizontal axis counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Units {
    /// Real values.
    #[default]
    Real,
    /// Integer codes.
    Codes,
}

/// Shows the histogram of the layer's weights, if it has weights.
pub fn ui(chosen: &mut Units, of: &Distributions, ui: &mut Ui) {
    let Some(shown) = of.candidate.as_ref().or(of.baseline.as_ref()) else { return };
    let p = Palette::of(ui);
    group_rule(ui);
    let codes = shown.stats.codes.as_ref();
    let about = match codes {
        Some(c) => format!("{}, {} of {} codes used", shown.element.name(), n_used(c), n_available(c)),
        None => format!("{}, {} values", shown.element.name(), units::exact(shown.stats.n as u64)),
    };
    group_title(ui, "Weights", Type::Small.text(about, p.text_weak), |ui| {
        if codes.is_some() {
            segmented(ui, chosen, &[(Units::Real, "real"), (Units::Codes, "codes")]);
        }
    });
    match codes {
        Some(codes) if *chosen == Units::Codes => codes_ui(codes, ui),
        _ => real_ui(of, shown, ui),
    }
    caption_ui(shown, ui);
}

/// Codes that occur. Symmetric quantization leaves the lowest code of a type out.
fn n_used(codes: &CodeStats) -> usize {
    codes.counts.iter().filter(|&&n| n > 0).count()
}

fn n_available(codes: &CodeStats) -> usize {
    codes.counts.len() - usize::from(codes.low < 0 && codes.lowest_used > codes.low)
}

fn real_ui(of: &Distributions, shown: &Weights, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (low, high) = (f64::from(shown.stats.min), f64::from(shown.stats.max));
    let reach = low.abs().max(high.abs()).max(f64::MIN_POSITIVE) * 1.04;
    let mut charts = Vec::new();
    // The baseline behind in grey; the candidate in front, where there is one.
    if let Some(base) = of.baseline.as_ref().filter(|_| of.candidate.is_some()) {
        charts.push(bars("float", base, p.base_soft, 1.0));
    }
    charts.push(bars(if of.candidate.is_some() { "candidate" } else { "source" }, shown, p.accent, 0.72));
    let canvas = plot(p, "weights, real", HEIGHT)
        .include_x(-reach)
        .include_x(reach)
        .custom_x_axes(vec![value_axis(p)])
        .label_formatter(|_| None);
    ground(ui, |ui| {
        canvas.show(ui, |plot| {
            for chart in charts {
                plot.bar_chart(chart);
            }
            for x in [low, high] {
                plot.vline(VLine::new("", x).color(p.accent_text).width(1.0));
            }
        });
    });
}

fn bars(name: &'static str, of: &Weights, colour: eframe::egui::Color32, width: f64) -> BarChart {
    let h = &of.stats.histogram;
    let peak = h.counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let low = f64::from(h.low);
    let bin = (f64::from(h.high) - low) / h.counts.len().max(1) as f64;
    let bar = |(i, &n): (usize, &u64)| Bar::new(low + (i as f64 + 0.5) * bin, n as f64 / peak).width(bin * width).fill(colour);
    let (counts, total) = (h.counts.clone(), of.stats.n as u64);
    BarChart::new(name, h.counts.iter().enumerate().map(bar).collect()).color(colour).element_formatter(Box::new(
        move |bar, _| {
            let i = ((bar.argument - low) / bin) as usize;
            let n = units::exact(counts.get(i).copied().unwrap_or(0));
            let from = low + i as f64 * bin;
            format!("{name}: {n} of {} between {} and {}", units::exact(total), units::real(from), units::real(from + bin))
        },
    ))
}

fn codes_ui(codes: &CodeStats, ui: &mut Ui) {
    let p = Palette::of(ui);
    let peak = codes.counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let code = |i: usize| f64::from(codes.low) + i as f64;
    let last = codes.counts.len().saturating_sub(1);
    let saturated = |i: usize| (i <= 1 && codes.n_saturated_low > 0) || (i == last && codes.n_saturated_high > 0);
    let bars = codes.counts.iter().enumerate().map(|(i, &n)| {
        let fill = if saturated(i) { p.amber } else { p.accent };
        Bar::new(code(i), n as f64 / peak).width(0.72).fill(fill)
    });
    let (counts, low) = (codes.counts.clone(), codes.low);
    let chart = BarChart::new("codes", bars.collect()).color(p.accent).element_formatter(Box::new(move |bar, _| {
        let i = (bar.argument - f64::from(low)) as usize;
        format!("code {:.0}: {}", bar.argument, units::exact(counts.get(i).copied().unwrap_or(0)))
    }));
    let canvas = plot(p, "weights, codes", HEIGHT)
        .include_x(code(0) - 1.0)
        .include_x(code(last) + 1.0)
        .custom_x_axes(vec![value_axis(p)])
        .label_formatter(|_| None);
    ground(ui, |ui| canvas.show(ui, |plot| plot.bar_chart(chart)));
}

fn caption_ui(shown: &Weights, ui: &mut Ui) {
    let p = Palette::of(ui);
    let mut words = vec![format!("{:.1} % zero", shown.stats.sparsity() * 100.0)];
    if let Some(codes) = &shown.stats.codes {
        words.push(format!("{} codes unused", n_available(codes).saturating_sub(n_used(codes))));
        words.push(format!(
            "{} at the low end, {} at the high end",
            units::exact(codes.n_saturated_low),
            units::exact(codes.n_saturated_high)
        ));
    }
    if let Some(step) = shown.step {
        words.push(format!("step at most {}", units::real(f64::from(step))));
    }
    if shown.stats.n_non_finite > 0 {
        words.push(format!("{} not finite", units::exact(shown.stats.n_non_finite as u64)));
    }
    ui.label(Type::Caption.text(words.join(", "), p.text_weak));
}
