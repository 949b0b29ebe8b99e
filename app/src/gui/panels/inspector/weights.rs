//! The histogram of a layer's weights: in real units over the baseline's, in the codes they are spent on, or several layers as
//! outlines over each other.

use eframe::egui::{Align2, Color32, Stroke, Ui, pos2, vec2};
use egui_plot::{Bar, BarChart, VLine};
use tinsmith_core::measure::weights::{CodeStats, Histogram};

use super::outlines::{self, Outline};
use super::{group_rule, short_name};
use crate::gui::context::PanelCtx;
use crate::gui::plots::{Axis, Canvas, Frame, Marks, Reading, Scale, Table, View, actions, scale_switch, series_colour};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{group_title, segmented};
use crate::worker::{Distributions, Weights};

const NAME: &str = "Weights plot";
const HEIGHT: f32 = 164.0;
/// What pruning took lies over what is left, which shows through.
const MASK_OPACITY: f32 = 0.7;

/// What the horizontal axis counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Units {
    /// Real values.
    #[default]
    Real,
    /// Integer codes.
    Codes,
}

/// What is chosen for this plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeightsView {
    units: Units,
    plot: View,
}

/// Shows the histogram of the layer's weights, if it has weights.
pub fn ui(cx: PanelCtx<'_>, view: &mut WeightsView, of: &Distributions, ui: &mut Ui) {
    let Some(shown) = of.candidate.as_ref().or(of.baseline.as_ref()) else { return };
    let p = Palette::of(ui);
    group_rule(ui);
    let several = outlines(of, p);
    let is_several = several.len() > 1;
    let codes = shown.stats.codes.as_ref().filter(|_| !is_several);
    let about = match codes {
        _ if is_several => format!("{} layers", several.len()),
        Some(c) => format!("{}, {} of {} codes used", shown.element.name(), n_used(c), n_available(c)),
        None => format!("{}, {} values", shown.element.name(), units::exact(shown.stats.n as u64)),
    };
    group_title(ui, "Weights", Type::Small.text(about, p.text_weak), |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        actions(cx, &mut view.plot, NAME, ui);
        ui.push_id("weights scale", |ui| scale_switch(ui, NAME, &mut view.plot.scale));
        if codes.is_some() {
            segmented(ui, &mut view.units, &[(Units::Real, "real"), (Units::Codes, "codes")]);
        }
    });
    match codes {
        _ if is_several => {
            let axes = ["weight, real value", "of 10,000 weights"];
            return outlines::ui(cx, &mut view.plot, NAME, &of.node, axes, several, ui);
        }
        Some(codes) if view.units == Units::Codes => codes_ui(cx, &mut view.plot, &of.node, codes, ui),
        _ => real_ui(cx, &mut view.plot, of, shown, ui),
    }
    caption_ui(shown, of.masked.as_ref().filter(|_| !is_several), ui);
}

/// The weights of each layer that has some.
fn outlines(of: &Distributions, p: &Palette) -> Vec<Outline> {
    let all = std::iter::once(of).chain(&of.also);
    let weights = all.filter_map(|d| Some((d, d.candidate.as_ref().or(d.baseline.as_ref())?)));
    let outline = |(i, (d, w)): (usize, (&Distributions, &Weights))| {
        let h = &w.stats.histogram;
        Outline {
            name: short_name(&d.node),
            colour: series_colour(p, i),
            low: f64::from(h.low),
            bin: bin_width(h),
            counts: h.counts.clone(),
        }
    };
    weights.enumerate().map(outline).collect()
}

/// Codes that occur. Symmetric quantization leaves the lowest code of a type out.
fn n_used(codes: &CodeStats) -> usize {
    codes.counts.iter().filter(|&&n| n > 0).count()
}

fn n_available(codes: &CodeStats) -> usize {
    codes.counts.len() - usize::from(codes.low < 0 && codes.lowest_used > codes.low)
}

/// Whether weights were put at this end of the codes for want of any beyond. Types with a sign have two codes at the lower end:
/// symmetric quantization leaves the lowest out.
fn is_saturated(codes: &CodeStats, i: usize) -> bool {
    let n_lowest = if codes.low < 0 { 2 } else { 1 };
    (i < n_lowest && codes.n_saturated_low > 0) || (i + 1 == codes.counts.len() && codes.n_saturated_high > 0)
}

fn bin_width(h: &Histogram) -> f64 {
    (f64::from(h.high) - f64::from(h.low)) / h.counts.len().max(1) as f64
}

/// The edges of a bin.
fn edges(h: &Histogram, i: usize) -> (f64, f64) {
    let (low, width) = (f64::from(h.low), bin_width(h));
    (low + i as f64 * width, low + (i + 1) as f64 * width)
}

/// The bin that a value lies in.
fn bin_at(h: &Histogram, x: f64) -> Option<usize> {
    let i = ((x - f64::from(h.low)) / bin_width(h)).floor();
    (i >= 0.0 && (i as usize) < h.counts.len()).then_some(i as usize)
}

fn real_ui(cx: PanelCtx<'_>, view: &mut View, of: &Distributions, shown: &Weights, ui: &mut Ui) {
    let p = Palette::of(ui);
    let scale = view.scale;
    // The baseline behind in grey; the candidate in front, where there is one.
    let base = of.baseline.as_ref().filter(|_| of.candidate.is_some());
    let front_name = if of.candidate.is_some() { "candidate" } else { "source" };
    let masked = of.masked.as_ref().filter(|_| of.candidate.is_some());
    let layers = base.map(|b| ("float", b)).into_iter().chain(masked.map(|m| ("pruned", m)));
    let layers: Vec<(&str, &Weights)> = layers.chain([(front_name, shown)]).collect();
    let (low, high) = (f64::from(shown.stats.min), f64::from(shown.stats.max));
    let reach = low.abs().max(high.abs()).max(f64::MIN_POSITIVE) * 1.04;
    let most = layers.iter().flat_map(|(_, w)| &w.stats.histogram.counts).copied().max().unwrap_or(0).max(1);
    let frame = Frame {
        name: NAME,
        subject: &of.node,
        summary: summary(shown),
        height: HEIGHT,
        axes: [Axis::new("weight, real value", Marks::Real), Axis::new("weights in a bin", Marks::Count(scale))],
        ranges: [(-reach, reach), (0.0, scale.position(most as f64))],
        table: real_table(&layers),
    };
    let baseline = base.map(|b| bars(b, scale, 1.0, p.base_soft));
    let mask = masked.map(|m| bars(m, scale, 1.0, p.amber.gamma_multiply(MASK_OPACITY)));
    let front = bars(shown, scale, 0.72, p.accent);
    let (edge, ink) = (p.accent_text, p.text_weak);
    frame.show(
        cx,
        view,
        ui,
        |plot| {
            if let Some(chart) = baseline {
                plot.bar_chart(chart);
            }
            plot.bar_chart(front);
            if let Some(chart) = mask {
                plot.bar_chart(chart);
            }
            for x in [low, high] {
                plot.vline(VLine::new("", x).color(edge).width(1.0).allow_hover(false));
            }
        },
        |ui, canvas| {
            if let Some(base) = base {
                tops_ui(&base.stats.histogram, scale, canvas, p.base, ui);
            }
            ends_ui(shown, canvas, edge, ink, ui);
            read_bins(&layers, canvas.pointer?.x)
        },
    );
}

/// What the ends of the range are, and how many weights were put there.
fn ends_ui(shown: &Weights, canvas: &Canvas<'_>, edge: Color32, ink: Color32, ui: &Ui) {
    let frame = canvas.rect();
    let painter = ui.painter_at(frame);
    let codes = shown.stats.codes.as_ref();
    let ends = [
        (shown.stats.min, codes.map(|c| c.n_saturated_low), Align2::LEFT_TOP, 5.0),
        (shown.stats.max, codes.map(|c| c.n_saturated_high), Align2::RIGHT_TOP, -5.0),
    ];
    for (value, n, align, aside) in ends {
        let at = pos2(canvas.x(f64::from(value)) + aside, frame.top() + 3.0);
        painter.text(at, align, units::real(f64::from(value)), Type::Caption.font(), edge);
        if let Some(n) = n {
            painter.text(at + vec2(0.0, 13.0), align, format!("{} at the end", units::exact(n)), Type::Caption.font(), ink);
        }
    }
}

fn bars(of: &Weights, scale: Scale, width: f64, colour: Color32) -> BarChart {
    let h = &of.stats.histogram;
    let bin = bin_width(h).max(f64::MIN_POSITIVE);
    let bar = |(i, &n): (usize, &u64)| {
        Bar::new(edges(h, i).0 + bin / 2.0, scale.position(n as f64)).width(bin * width).fill(colour).stroke(Stroke::NONE)
    };
    BarChart::new("", h.counts.iter().enumerate().map(bar).collect()).color(colour).allow_hover(false)
}

/// A line on top of each of the baseline's bars, so that it is seen over the candidate's.
fn tops_ui(h: &Histogram, scale: Scale, canvas: &Canvas<'_>, colour: Color32, ui: &Ui) {
    let painter = ui.painter_at(canvas.rect());
    for (i, &n) in h.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
        let (from, to) = edges(h, i);
        painter.hline(canvas.x(from)..=canvas.x(to), canvas.y(scale.position(n as f64)), Stroke::new(1.0, colour));
    }
}

fn read_bins(layers: &[(&str, &Weights)], x: f64) -> Option<Reading> {
    let mut lines = Vec::new();
    let mut span = None;
    for (name, weights) in layers.iter().rev() {
        let h = &weights.stats.histogram;
        let Some(i) = bin_at(h, x) else { continue };
        let (from, to) = edges(h, i);
        span = span.or(Some((from, to)));
        let n = units::exact(h.counts[i]);
        let all = units::exact(weights.stats.n as u64);
        lines.push(format!("{name}: {n} of {all} weights between {} and {}", units::real(from), units::real(to)));
    }
    (!lines.is_empty()).then(|| Reading { text: lines.join("\n"), span })
}

fn real_table<'a>(layers: &[(&str, &'a Weights)]) -> Table<'a> {
    let histograms: Vec<&Histogram> = layers.iter().rev().map(|(_, w)| &w.stats.histogram).collect();
    // The front one needs no name of its own before its edges.
    let columns = layers.iter().rev().enumerate().flat_map(|(i, (name, _))| {
        let of = if i == 0 { String::new() } else { format!("{name} ") };
        [format!("{of}from, real"), format!("{of}to, real"), format!("{name} weights")]
    });
    let columns: Vec<String> = columns.collect();
    let n_rows = histograms.iter().map(|h| h.counts.len()).max().unwrap_or(0);
    let row = move |i: usize| {
        let cells = histograms.iter().flat_map(|h| match h.counts.get(i) {
            Some(n) => {
                let (from, to) = edges(h, i);
                [(from as f32).to_string(), (to as f32).to_string(), n.to_string()]
            }
            None => [String::new(), String::new(), String::new()],
        });
        cells.collect()
    };
    Table { columns, n_rows, row: Box::new(row) }
}

fn codes_ui(cx: PanelCtx<'_>, view: &mut View, node: &str, codes: &CodeStats, ui: &mut Ui) {
    let p = Palette::of(ui);
    let scale = view.scale;
    let most = codes.counts.iter().copied().max().unwrap_or(1).max(1);
    let (low, last) = (codes.low, codes.counts.len().saturating_sub(1));
    let code = |i: usize| f64::from(low) + i as f64;
    let bars = codes.counts.iter().enumerate().map(|(i, &n)| {
        let fill = if is_saturated(codes, i) { p.amber } else { p.accent };
        Bar::new(code(i), scale.position(n as f64)).width(0.72).fill(fill).stroke(Stroke::NONE)
    });
    let chart = BarChart::new("", bars.collect()).color(p.accent).allow_hover(false);
    let frame = Frame {
        name: NAME,
        subject: node,
        summary: format!(
            "codes from {} to {} are used, {} of {} of them",
            codes.lowest_used,
            codes.highest_used,
            n_used(codes),
            n_available(codes)
        ),
        height: HEIGHT,
        axes: [Axis::new("code", Marks::Whole), Axis::new("weights of this code", Marks::Count(scale))],
        ranges: [(code(0) - 1.0, code(last) + 1.0), (0.0, scale.position(most as f64))],
        table: Table::new(&["code", "weights"], codes.counts.len(), move |i| {
            vec![(i64::from(low) + i as i64).to_string(), codes.counts[i].to_string()]
        }),
    };
    frame.show(
        cx,
        view,
        ui,
        |plot| plot.bar_chart(chart),
        |_, canvas| {
            let x = canvas.pointer?.x.round();
            let n = codes.counts.get(usize::try_from((x - f64::from(low)) as i64).ok()?)?;
            Some(Reading { text: format!("code {x:.0}: {} weights", units::exact(*n)), span: Some((x - 0.5, x + 0.5)) })
        },
    );
}

fn summary(shown: &Weights) -> String {
    let s = &shown.stats;
    format!(
        "{} weights from {} to {}, mean {}, standard deviation {}, {:.1} % zero",
        units::exact(s.n as u64),
        units::real(f64::from(s.min)),
        units::real(f64::from(s.max)),
        units::real(s.mean),
        units::real(s.deviation),
        s.sparsity() * 100.0
    )
}

fn caption_ui(shown: &Weights, masked: Option<&Weights>, ui: &mut Ui) {
    let p = Palette::of(ui);
    if let Some(Weights { stats, .. }) = masked {
        let (n, low, high) = (units::exact(stats.n as u64), f64::from(stats.min), f64::from(stats.max));
        let words = format!("{n} pruned, which were {} to {}: in amber", units::real(low), units::real(high));
        ui.label(Type::Caption.text(words, p.amber));
    }
    let mut words = vec![format!("{:.1} % zero", shown.stats.sparsity() * 100.0)];
    if let Some(codes) = &shown.stats.codes {
        let unused = n_available(codes).saturating_sub(n_used(codes));
        words.push(format!("{unused} {} unused", if unused == 1 { "code" } else { "codes" }));
    }
    if let Some(step) = shown.step {
        words.push(format!("step at most {}", units::real(f64::from(step))));
    }
    if shown.stats.n_non_finite > 0 {
        words.push(format!("{} not finite", units::exact(shown.stats.n_non_finite as u64)));
    }
    ui.label(Type::Caption.text(words.join(", "), p.text_weak));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_codes_have_one_lowest_code() {
        use tinsmith_core::tensor::{Data, Tensor};
        let codes = |data| {
            tinsmith_core::measure::weights::weight_stats(&Tensor::constant("", [4], data), None, 8).unwrap().codes.unwrap()
        };
        let saturated = |codes: &CodeStats| (0..codes.counts.len()).filter(|&i| is_saturated(codes, i)).collect::<Vec<_>>();
        assert_eq!(saturated(&codes(Data::U8([0, 1, 7, 255].into()))), [0, 255]);
        assert_eq!(saturated(&codes(Data::I8([-127, 1, 7, 127].into()))), [0, 1, 255]);
        assert!(saturated(&codes(Data::U8([1, 1, 7, 254].into()))).is_empty());
    }

    #[test]
    fn values_fall_into_the_bin_between_its_edges() {
        let h = Histogram { low: -1.0, high: 1.0, counts: vec![3, 5, 7, 9] };
        assert_eq!(edges(&h, 1), (-0.5, 0.0));
        assert_eq!((bin_at(&h, -0.25), bin_at(&h, -1.1), bin_at(&h, 1.2)), (Some(1), None, None));
    }
}
