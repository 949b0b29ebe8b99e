//! The range of each output channel, widest first, beside the one range that per-tensor quantization would give them all.

use eframe::egui::{Align2, Color32, Rect, Stroke, Ui, pos2, vec2};
use egui_plot::{Bar, BarChart, HLine, LineStyle};
use tinsmith_core::measure::weights::{ChannelStats, WeightStats};
use tinsmith_core::recipe::{Granularity, Quantize};

use super::outlines::{names_ui, paint_lines};
use super::{group_rule, short_name};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::plots::{Axis, Canvas, Frame, Marks, Reading, Table, View, actions, series_colour};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{group_title, small_icon};
use crate::worker::Distributions;

const NAME: &str = "Channel ranges plot";
const HEIGHT: f32 = 140.0;
/// More channels than this are sampled: bars would be narrower than a pixel.
const MAX_BARS: usize = 256;
/// From so many unused bits on, a scale for each channel is worth a word.
const MANY_BITS: f64 = 1.0;

/// Shows the ranges, if the layer has several channels. The float weights are shown where they are known: they say what
/// quantization had to cover.
pub fn ui(cx: PanelCtx<'_>, view: &mut View, of: &Distributions, ui: &mut Ui) {
    let Some(stats) = stats_of(of) else { return };
    let n = stats.channels.len();
    if n < 2 {
        return;
    }
    let p = Palette::of(ui);
    group_rule(ui);
    let every = n.div_ceil(MAX_BARS);
    let sampled = if every > 1 { format!(", 1 in {every} shown") } else { String::new() };
    let others: Vec<(&Distributions, &WeightStats)> = of.also.iter().filter_map(|d| Some((d, stats_of(d)?))).collect();
    let about = match others.len() {
        0 => format!("{n} channels, widest first{sampled}"),
        k => format!("{} layers, widest first", k + 1),
    };
    group_title(ui, "Channel ranges", Type::Small.text(about, p.text_weak), |ui| actions(cx, view, NAME, ui));
    if others.is_empty() {
        bars_ui(cx, view, of, stats, every, ui);
        advice_ui(cx, &of.node, stats, ui);
    } else {
        let all: Vec<(&Distributions, &WeightStats)> = std::iter::once((of, stats)).chain(others).collect();
        lines_ui(cx, view, &all, ui);
    }
}

fn stats_of(of: &Distributions) -> Option<&WeightStats> {
    of.baseline.as_ref().or(of.candidate.as_ref()).map(|w| &w.stats)
}

fn bars_ui(cx: PanelCtx<'_>, view: &mut View, of: &Distributions, stats: &WeightStats, every: usize, ui: &mut Ui) {
    let p = Palette::of(ui);
    let sorted: Vec<(usize, ChannelStats)> =
        stats.by_range.iter().rev().step_by(every).map(|&i| (i, stats.channels[i])).collect();
    // What the candidate stores lies in front of what the float weights reach.
    let stored =
        of.candidate.as_ref().map(|w| &w.stats).filter(|s| of.baseline.is_some() && s.channels.len() == stats.channels.len());
    let (behind, chart) = charts(&sorted, stats, stored, p);
    let widest = f64::from(stats.min.abs().max(stats.max.abs()));
    let right = sorted.len() as f64;
    let frame = Frame {
        name: NAME,
        subject: &of.node,
        summary: sentence(stats),
        height: HEIGHT,
        axes: [Axis::new("channel", Marks::None), Axis::new("weights, real value", Marks::Real)],
        ranges: [(-1.0, right), (-widest * 1.3, widest * 1.3)],
        table: channel_table(stats, stored),
    };
    let limit = p.text_weak;
    frame.show(
        cx,
        view,
        ui,
        |plot| {
            if let Some(behind) = behind {
                plot.bar_chart(behind);
            }
            plot.bar_chart(chart);
            for y in [widest, -widest] {
                let line = HLine::new("", y).color(limit).width(1.0).style(LineStyle::dashed_dense());
                plot.hline(line.allow_hover(false));
            }
        },
        |ui, canvas| {
            words_ui(stats, widest, every, canvas, ui);
            let i = canvas.pointer?.x.round();
            let (channel, c) = sorted.get(usize::try_from(i as i64).ok()?)?;
            let outlier = if c.is_outlier { ", an outlier" } else { "" };
            let range = |c: &ChannelStats| format!("{} to {}", units::real(f64::from(c.min)), units::real(f64::from(c.max)));
            let text = match stored {
                Some(s) => {
                    format!("channel {channel}{outlier}\nfloat: {}\ncandidate: {}", range(c), range(&s.channels[*channel]))
                }
                None => format!("channel {channel}: {}{outlier}", range(c)),
            };
            Some(Reading { text, span: Some((i - 0.5, i + 0.5)) })
        },
    );
}

/// What the float weights reach, where something lies in front of it, and what lies there.
fn charts(
    sorted: &[(usize, ChannelStats)],
    stats: &WeightStats,
    stored: Option<&WeightStats>,
    p: &Palette,
) -> (Option<BarChart>, BarChart) {
    let front = |channel: usize| stored.map_or(stats.channels[channel], |s| s.channels[channel]);
    let bar = |i: usize, c: &ChannelStats, width: f64, colour: Color32| {
        let bar = Bar::new(i as f64, f64::from(c.max - c.min)).base_offset(f64::from(c.min));
        bar.width(width).fill(colour).stroke(Stroke::NONE)
    };
    let chart = |bars: Vec<Bar>, colour| BarChart::new("", bars).color(colour).allow_hover(false);
    let bars = sorted.iter().enumerate().map(|(i, (channel, c))| {
        let colour = if c.is_outlier { p.amber } else { p.accent };
        bar(i, &front(*channel), 0.66, colour)
    });
    let behind = stored.map(|_| {
        let bars = sorted.iter().enumerate().map(|(i, (_, c))| bar(i, c, 1.0, p.base_fill));
        chart(bars.collect(), p.base_fill)
    });
    (behind, chart(bars.collect(), p.accent))
}

/// What the dashed lines are and what they cost, and behind the outliers, which come first, how far they reach.
fn words_ui(stats: &WeightStats, widest: f64, every: usize, canvas: &Canvas<'_>, ui: &Ui) {
    let p = Palette::of(ui);
    let frame = canvas.rect();
    let painter = ui.painter_at(frame);
    let write = |y: f32, align: Align2, words: String| {
        painter.text(pos2(frame.right() - 4.0, y), align, words, Type::Caption.font(), p.text_weak);
    };
    let (top, bottom) = (canvas.y(widest), canvas.y(-widest));
    write(top - 1.0, Align2::RIGHT_BOTTOM, format!("per-tensor ±{}", units::real(widest)));
    let waste = format!("leaves {:.1} bits unused in the median channel", stats.wasted_bits);
    write(bottom + 1.0, Align2::RIGHT_TOP, waste);
    if let Some(words) = outliers(stats) {
        // Of several channels only one has a bar.
        let after = stats.channels.iter().filter(|c| c.is_outlier).count().div_ceil(every) as f64;
        // On a ground of its own: it lies over the bars.
        let galley = painter.layout_no_wrap(words, Type::Caption.font(), p.amber);
        let left = (canvas.x(after) + 4.0).min(frame.right() - 4.0 - galley.size().x);
        let place = Rect::from_min_size(pos2(left, top + 3.0), galley.size());
        painter.rect_filled(place.expand2(vec2(3.0, 0.0)), 2.0, p.plot.gamma_multiply(0.85));
        painter.galley(place.min, galley, p.amber);
    }
}

/// The channel of this rank, of which the widest has 0.
fn ranked(stats: &WeightStats, rank: usize) -> usize {
    stats.by_range[stats.by_range.len() - 1 - rank]
}

/// Several layers: how fast their ranges fall from the widest channel to the narrowest.
fn lines_ui(cx: PanelCtx<'_>, view: &mut View, all: &[(&Distributions, &WeightStats)], ui: &mut Ui) {
    let p = Palette::of(ui);
    let magnitude = |s: &WeightStats, rank: usize| f64::from(s.channels[ranked(s, rank)].magnitude());
    let percent = |s: &WeightStats, rank: usize| rank as f64 / (s.channels.len().max(2) - 1) as f64 * 100.0;
    let lines: Vec<(Vec<[f64; 2]>, Color32)> = all
        .iter()
        .enumerate()
        .map(|(k, (_, s))| {
            let every = s.channels.len().div_ceil(MAX_BARS).max(1);
            let points = (0..s.channels.len()).step_by(every).map(|r| [percent(s, r), magnitude(s, r)]);
            (points.collect(), series_colour(p, k))
        })
        .collect();
    let most = all.iter().map(|(_, s)| magnitude(s, 0)).fold(0.0, f64::max);
    let rows: Vec<(usize, usize)> =
        all.iter().enumerate().flat_map(|(k, (_, s))| (0..s.channels.len()).map(move |r| (k, r))).collect();
    let frame = Frame {
        name: NAME,
        subject: &all[0].0.node,
        summary: format!("channel ranges of {} layers over each other", all.len()),
        height: HEIGHT,
        axes: [Axis::new("channels, % of the layer, widest first", Marks::Percent), Axis::new("magnitude, real", Marks::Real)],
        ranges: [(-1.0, 106.0), (0.0, most * 1.08)],
        table: Table::new(&["layer", "channel", "min, real", "max, real"], rows.len(), |row| {
            let (k, rank) = rows[row];
            let (d, s) = all[k];
            let channel = ranked(s, rank);
            let c = &s.channels[channel];
            vec![short_name(&d.node), channel.to_string(), c.min.to_string(), c.max.to_string()]
        }),
    };
    frame.show(
        cx,
        view,
        ui,
        |plot| paint_lines(lines, plot),
        |ui, canvas| {
            let names: Vec<String> = all.iter().map(|(d, _)| short_name(&d.node)).collect();
            names_ui(names.iter().enumerate().map(|(k, name)| (name.as_str(), series_colour(p, k))), canvas, ui);
            let x = canvas.pointer?.x;
            let read = |(d, s): &(&Distributions, &WeightStats)| {
                let rank = (x / 100.0 * (s.channels.len() - 1) as f64).round().clamp(0.0, (s.channels.len() - 1) as f64) as usize;
                let channel = ranked(s, rank);
                format!("{}, channel {channel}: up to {}", short_name(&d.node), units::real(magnitude(s, rank)))
            };
            Some(Reading { text: all.iter().map(read).collect::<Vec<_>>().join("\n"), span: Some((x, x)) })
        },
    );
}

fn channel_table<'a>(stats: &'a WeightStats, stored: Option<&'a WeightStats>) -> Table<'a> {
    let mut columns = vec!["channel", "min, real", "max, real", "outlier"];
    if stored.is_some() {
        columns.extend(["candidate min", "candidate max"]);
    }
    Table::new(&columns, stats.channels.len(), move |row| {
        let channel = ranked(stats, row);
        let c = &stats.channels[channel];
        let outlier = if c.is_outlier { "yes" } else { "no" };
        let mut cells = vec![channel.to_string(), c.min.to_string(), c.max.to_string(), outlier.to_owned()];
        cells.extend(stored.into_iter().flat_map(|s| [s.channels[channel].min.to_string(), s.channels[channel].max.to_string()]));
        cells
    })
}

/// `ch 17 and ch 41: 2.4 times the median`.
fn outliers(stats: &WeightStats) -> Option<String> {
    let far: Vec<usize> = stats.by_range.iter().rev().copied().filter(|&i| stats.channels[i].is_outlier).collect();
    let median = stats.channels[stats.by_range[(stats.by_range.len() - 1) / 2]].magnitude();
    let widest = stats.channels[*far.first()?].magnitude();
    let who = match far[..] {
        [a] => format!("ch {a}"),
        [a, b] => format!("ch {a} and ch {b}"),
        _ => format!("{} channels", far.len()),
    };
    let up_to = if far.len() > 1 { "up to " } else { "" };
    (median > 0.0).then(|| format!("{who}: {up_to}{:.1} times the median", widest / median))
}

/// What one range for all costs: a channel half as wide has one bit less.
fn sentence(stats: &WeightStats) -> String {
    let far = outliers(stats).unwrap_or_else(|| "no outliers".to_owned());
    format!(
        "{} channels, {far}, one range for all leaves {:.1} bits unused in the median channel",
        stats.channels.len(),
        stats.wasted_bits
    )
}

/// Says what to do if this layer loses bits to its widest channels.
fn advice_ui(cx: PanelCtx<'_>, node: &str, stats: &WeightStats, ui: &mut Ui) {
    let p = Palette::of(ui);
    let quantize = cx.session.edit.recipe.quantize();
    if stats.wasted_bits < MANY_BITS || !quantize.is_some_and(|q| is_per_tensor(cx, q, node)) {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        small_icon(ui, icons::WARNING, p.amber);
        let words = format!("One scale for all costs the median channel {:.1} bits: choose per-channel here.", stats.wasted_bits);
        ui.label(Type::Caption.text(words, p.amber));
    });
}

fn is_per_tensor(cx: PanelCtx<'_>, quantize: &Quantize, node: &str) -> bool {
    let own = quantize.overrides.get(node).and_then(|o| o.granularity);
    let graph = cx.session.open.as_ref().map(|o| &o.source.graph);
    let is_dense = graph.and_then(|g| Some(g.node(g.node_named(node)?).op.name() == "FULLY_CONNECTED")).unwrap_or(false);
    let general = if is_dense { quantize.fully_connected } else { quantize.granularity };
    own.unwrap_or(general) == Granularity::PerTensor
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinsmith_core::measure::weights::weight_stats;
    use tinsmith_core::tensor::{Data, Tensor};

    #[test]
    fn channels_far_from_the_others_are_named() {
        let mut values = vec![0.25f32; 9];
        values.push(1.0);
        let tensor = Tensor::constant("", [1, 1, 1, 10], Data::F32(values.into()));
        let stats = weight_stats(&tensor, Some(3), 16).unwrap();
        assert_eq!(outliers(&stats).unwrap(), "ch 9: 4.0 times the median");
        assert!(sentence(&stats).contains("2.0 bits unused"));
    }
}
