//! The model on the board: loading it, whether it computes the same, how long it takes, what memory is left, what the board says.

use eframe::egui::{CornerRadius, Frame, Label, Margin, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_plot::{Bar, BarChart, Span};
use tinsmith_core::live::LatencyFigures;
use tinsmith_core::measure::Estimate;
use tinsmith_runtime::link::Stats;

use super::battery::BatteryView;
use super::{Nothing, ask, filled, with_shown};
use crate::capture::{Link, Seen, Station};
use crate::device::{Way, remedy};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::live::Ask;
use crate::gui::plots::{Axis, Frame as PlotFrame, Marks, Table, View, actions};
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{button, group_title, panel_header, primary_button, progress_bar, rule, sentence_row, value_row};
use crate::live::{OnBoard, Shown};

const NAME: &str = "Latency plot";
/// Columns of the histogram.
const COLUMNS: usize = 60;
/// Lines of the log that are shown.
const LINES: usize = 40;

/// The panel's view state.
#[derive(Debug, Default)]
pub struct BoardPanel {
    view: View,
    battery: BatteryView,
}

impl BoardPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let station = cx.session.capture.station();
        let about = station.map_or_else(String::new, |station| station.seen().board.name.clone());
        panel_header(ui, "On the board", &about, |ui| actions(cx, &mut self.view, NAME, ui));
        let words = "The board is chosen as the input.";
        let nothing = Nothing { title: "No board", words, offers: false };
        let Some(station) = station else {
            return with_shown(cx, ui, nothing, |_, _| {});
        };
        with_shown(cx, ui, nothing, |shown, ui| {
            ScrollArea::vertical().id_salt("on the board").auto_shrink([false, false]).show(ui, |ui| {
                let margin = Margin { left: PANEL_PADDING, right: PANEL_PADDING, top: 10, bottom: 12 };
                Frame::new().inner_margin(margin).show(ui, |ui| self.contents_ui(cx, station, shown, ui));
            });
        });
    }

    fn contents_ui(&mut self, cx: PanelCtx<'_>, station: &Station, shown: &Shown, ui: &mut Ui) {
        let (way, link, stats, model, is_simulated) = {
            let seen = station.seen();
            (seen.way, seen.link.clone(), seen.stats, seen.model, seen.board.firmware.starts_with("simulated"))
        };
        let p = Palette::of(ui);
        ui.spacing_mut().item_spacing.y = 4.0;
        match (&link, way) {
            (Link::Failed(why), _) => {
                sentence_row(ui, icons::WARNING, p.red, why, false);
            }
            (_, Some(Way::Lines)) => {
                let words = "This board prints plain lines. Firmware that speaks the device link runs models.";
                sentence_row(ui, icons::INFO, p.text_faint, words, false);
            }
            (_, None) => {
                ui.label(Type::Small.text("The input has not said yet who it is.", p.text_weak));
            }
            (_, Some(Way::Frames)) => {
                load_ui(cx, &shown.board, ui);
                section(ui);
                check_ui(cx, &shown.board, ui);
                section(ui);
                self.latency_ui(cx, &shown.board, is_simulated, ui);
                section(ui);
                memory_ui(cx, stats, model.map(|model| model.arena_bytes), ui);
                section(ui);
                self.battery.ui(cx, ui);
            }
        }
        section(ui);
        log_ui(&station.seen(), ui);
    }

    fn latency_ui(&mut self, cx: PanelCtx<'_>, board: &OnBoard, is_simulated: bool, ui: &mut Ui) {
        let p = Palette::of(ui);
        let figures = board.latencies.figures();
        group_title(
            ui,
            "Latency",
            Type::Small.text(format!("{} runs, measured", units::exact(figures.count)), p.text_weak),
            |_| {},
        );
        if figures.count == 0 {
            let words = "Check the board, or run the windows there too, and its times are counted here.";
            ui.add(Label::new(Type::Small.text(words, p.text_weak)).wrap());
            return;
        }
        percentiles_ui(&figures, ui);
        if is_simulated {
            let words = "This board is simulated: its times are this computer's. The estimate is of the chosen board.";
            ui.add(Label::new(Type::Caption.text(words, p.amber)).wrap());
        }
        let statics = cx.session.figures.candidate_static.value.as_ref();
        self.histogram_ui(cx, board.latencies.recent(), statics.and_then(|statics| statics.latency_us.as_ref()), ui);
        if let Some(us) = statics.and_then(|statics| statics.features()?.input_us.as_ref()) {
            let words = format!("est. {}", units::microseconds(us.value).joined());
            value_row(ui, "Features of a whole window", &words).on_hover_text(&*us.source);
        }
        busy_ui(cx, &figures, ui);
    }

    fn histogram_ui(&mut self, cx: PanelCtx<'_>, recent: &[u32], estimate: Option<&Estimate>, ui: &mut Ui) {
        let p = Palette::of(ui);
        let (low, high) = recent.iter().fold((u32::MAX, 0), |(low, high), us| (low.min(*us), high.max(*us)));
        let ms = |us: f64| us / 1e3;
        let (mut from, mut to) = (ms(low.into()), ms(high.into()));
        if let Some(estimate) = estimate {
            (from, to) = (from.min(ms(estimate.low)), to.max(ms(estimate.high)));
        }
        let room = ((to - from) * 0.06).max(0.01);
        let (from, to) = ((from - room).max(0.0), to + room);
        let width = (to - from) / COLUMNS as f64;
        let mut counts = vec![0_u64; COLUMNS];
        recent.iter().for_each(|us| counts[(((ms((*us).into()) - from) / width) as usize).min(COLUMNS - 1)] += 1);
        let most = self.view.scale.position(counts.iter().copied().max().unwrap_or(0) as f64);
        let row = |i: usize| {
            vec![
                format!("{:.3}", from + width * i as f64),
                format!("{:.3}", from + width * (i + 1) as f64),
                counts[i].to_string(),
            ]
        };
        let frame = PlotFrame {
            name: NAME,
            subject: "runs",
            summary: format!("{} runs from {:.2} to {:.2} ms", recent.len(), ms(low.into()), ms(high.into())),
            height: 128.0,
            axes: [Axis::new("ms", Marks::Real), Axis::new("runs", Marks::Count(self.view.scale))],
            ranges: [(from, to), (0.0, most.max(1.0) * 1.1)],
            table: Table::new(&["from, ms", "to, ms", "runs"], COLUMNS, row),
        };
        let scale = self.view.scale;
        let bars: Vec<Bar> = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(i, count)| {
                Bar::new(from + width * (i as f64 + 0.5), scale.position(*count as f64))
                    .width(width * 0.86)
                    .fill(p.accent)
                    .stroke(Stroke::NONE)
            })
            .collect();
        let estimated = estimate.map(|estimate| ms(estimate.low)..=ms(estimate.high));
        frame.show(
            cx,
            &mut self.view,
            ui,
            move |plot| {
                if let Some(range) = estimated {
                    plot.span(Span::new("estimate", range).fill(p.amber_soft.gamma_multiply(0.6)).border_color(p.amber));
                }
                plot.bar_chart(BarChart::new("runs", bars).color(p.accent).allow_hover(false));
            },
            |_, canvas| {
                let at = canvas.pointer?.x;
                let i = ((at - from) / width).max(0.0) as usize;
                let count = counts.get(i)?;
                let (left, right) = (from + width * i as f64, from + width * (i + 1) as f64);
                Some(crate::gui::plots::Reading {
                    text: format!("{left:.2} to {right:.2} ms: {count} runs"),
                    span: Some((left, right)),
                })
            },
        );
        if let Some(estimate) = estimate {
            let words = format!("est. {:.2} ms, {:.2} to {:.2}", ms(estimate.value), ms(estimate.low), ms(estimate.high));
            ui.label(Type::Caption.text(words, p.amber)).on_hover_text(&*estimate.source);
        }
    }
}

fn section(ui: &mut Ui) {
    ui.add_space(6.0);
    rule(ui);
    ui.add_space(6.0);
}

fn load_ui(cx: PanelCtx<'_>, board: &OnBoard, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        let is_candidate = board.runs.is_some_and(|(_, is_candidate)| is_candidate);
        let words = if is_candidate { "Load again" } else { "Load to board" };
        let wants = ui.add_enabled_ui(board.loading.is_none(), |ui| {
            let pressed = if is_candidate { button(ui, words) } else { primary_button(ui, words) };
            pressed.clicked()
        });
        if wants.inner {
            ask(cx, Ask::Load);
        }
        if button(ui, "Reset statistics").clicked() {
            ask(cx, Ask::Clear);
        }
    });
    let line = match (board.loading, board.runs) {
        (Some(_), _) => "The candidate is being sent.".to_owned(),
        (None, None) => "The board runs no model.".to_owned(),
        (None, Some((hash, is_candidate))) => {
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("Board runs {} {hash}", if is_candidate { "this candidate" } else { "another model," })
        }
    };
    ui.add(Label::new(Type::Small.text(line, p.text_weak)).wrap());
    if let Some((took, at)) = board.loaded {
        let words = format!("loaded in {:.1} s, without reflashing, {} ago", took.as_secs_f64(), units::duration(at.elapsed()));
        ui.label(Type::Caption.text(words, p.text_faint));
    }
    if let Some(status) = board.refused {
        let words = format!("The board does not take it: {status}. What helps: {}.", remedy(status));
        sentence_row(ui, icons::WARNING, p.red, &words, false);
    }
    if let Some(why) = &board.trouble {
        sentence_row(ui, icons::WARNING, p.amber, why, false);
    }
}

fn check_ui(cx: PanelCtx<'_>, board: &OnBoard, ui: &mut Ui) {
    let p = Palette::of(ui);
    let runs = board.runs.is_some_and(|(_, is_candidate)| is_candidate);
    let (same, done) = board.check.map_or(board.windows, |check| (check.same, check.done));
    ui.horizontal(|ui| {
        let (icon, ink) = match (done, same == done) {
            (0, _) => (icons::INFO, p.text_faint),
            (_, true) => (icons::CHECK, p.green),
            (_, false) => (icons::X, p.red),
        };
        ui.label(Type::Icon.text(icon, ink));
        let words = if done == 0 { units::NONE.to_owned() } else { format!("{} / {}", units::exact(same), units::exact(done)) };
        ui.label(Type::Figure.text(words, ink));
        ui.label(Type::SmallMedium.text("device agrees", p.text));
    });
    let what = match (board.check, board.windows.1) {
        (Some(_), _) => "test samples sent to the board, every output byte compared",
        (None, 0) => "nothing was compared yet",
        (None, _) => "windows that ran here and there, every output byte compared",
    };
    ui.label(Type::Caption.text(what, p.text_faint));
    if let Some(check) = board.check.filter(|check| check.done < check.total) {
        progress_bar(ui, Some(check.done as f32 / check.total.max(1) as f32), ui.available_width(), "Checking the board");
    }
    if board.check.is_some() && board.windows.1 > 0 {
        let (same, all) = board.windows;
        value_row(ui, "Windows the same", &format!("{} of {}", units::exact(same), units::exact(all)));
    }
    if board.left_out > 0 {
        value_row(ui, "Windows while it was busy", &units::exact(board.left_out));
    }
    let is_under_way = board.check.is_some_and(|check| check.done < check.total);
    let wants = ui.add_enabled_ui(runs && !is_under_way, |ui| {
        let words = if board.check.is_some() { "Check again" } else { "Check the board" };
        button(ui, words).on_disabled_hover_text("Load this candidate first").clicked()
    });
    if wants.inner {
        ask(cx, Ask::Check);
    }
}

fn percentiles_ui(figures: &LatencyFigures, ui: &mut Ui) {
    let p = Palette::of(ui);
    let LatencyFigures { mean_us, p50_us, p95_us, p99_us, max_us, .. } = *figures;
    let all = [("mean", mean_us), ("p50", p50_us), ("p95", p95_us), ("p99", p99_us), ("max", max_us)];
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 36.0), Sense::hover());
    let words: Vec<String> = all.iter().map(|(name, us)| format!("{name} {us} µs")).collect();
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words.join(", ")));
    let width = rect.width() / all.len() as f32;
    for (i, (name, us)) in all.iter().enumerate() {
        let left = rect.left() + width * i as f32;
        let like = units::microseconds(f64::from(*us));
        let number = ui.painter().layout_no_wrap(like.number.clone(), Type::FigureSmall.font(), p.text);
        let unit = ui.painter().layout_no_wrap(like.unit.to_owned(), Type::Caption.font(), p.text_faint);
        let x = left + number.size().x + 3.0;
        let name = ui.painter().layout_no_wrap((*name).to_owned(), Type::Caption.font(), p.text_faint);
        ui.painter().galley(pos2(left, rect.top()), name, p.text_faint);
        ui.painter().galley(pos2(left, rect.top() + 15.0), number, p.text);
        ui.painter().galley(pos2(x, rect.top() + 19.0), unit, p.text_faint);
    }
    response.on_hover_text(words.join(", "));
}

/// How much of a stride the model takes.
fn busy_ui(cx: PanelCtx<'_>, figures: &LatencyFigures, ui: &mut Ui) {
    let stride_us = cx.session.live.settings.stride_ms * 1e3;
    let share = f64::from(figures.mean_us) / stride_us;
    bar_row(ui, "Model in a stride", &format!("{} busy", units::percent(share).joined()), share as f32);
}

/// A name, what it amounts to, and a bar of it.
fn bar_row(ui: &mut Ui, name: &str, value: &str, share: f32) {
    let p = Palette::of(ui);
    value_row(ui, name, value);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    ui.painter().rect_filled(rect, CornerRadius::same(2), p.plot);
    let colour = if share > 1.0 { p.red } else { p.accent };
    let bar: Rect = filled(rect, share);
    ui.painter().rect_filled(bar, CornerRadius::same(2), colour);
}

fn memory_ui(cx: PanelCtx<'_>, stats: Option<Stats>, loaded_arena: Option<u32>, ui: &mut Ui) {
    let Some(stats) = stats else {
        ui.label(Type::Small.text("The board has not said yet how its memory is.", Palette::of(ui).text_weak));
        return;
    };
    let used = u64::from(if stats.arena_bytes > 0 { stats.arena_bytes } else { loaded_arena.unwrap_or(0) });
    let ram = cx.session.device().map_or(0, |device| device.ram_bytes);
    let of = |n: u64| units::bytes(n).joined();
    bar_row(ui, "Arena", &format!("{} of {} RAM", of(used), of(ram)), used as f32 / ram.max(1) as f32);
    let free = u64::from(stats.free_heap_bytes);
    let heap = ram.saturating_sub(used).max(free);
    bar_row(ui, "Heap", &format!("{} free", of(free)), 1.0 - free as f32 / heap.max(1) as f32);
    if stats.dropped > 0 {
        value_row(ui, "Instants dropped by the board", &units::exact(stats.dropped.into()));
    }
}

fn log_ui(seen: &Seen, ui: &mut Ui) {
    let p = Palette::of(ui);
    group_title(ui, "Board log", "", |_| {});
    if seen.log.is_empty() {
        ui.label(Type::Small.text("It has said nothing.", p.text_faint));
    }
    ui.spacing_mut().item_spacing.y = 2.0;
    for (after, line) in seen.log.iter().rev().take(LINES) {
        ui.add(Label::new(Type::Mono.text(format!("{:>8.3}  {line}", after.as_secs_f64()), p.text_weak)).truncate());
    }
}
