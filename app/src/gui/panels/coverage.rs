//! On how few calibration samples each tensor's range hangs: what another recording might move, or an outlier has spoiled.

use std::sync::Arc;

use eframe::egui::{CornerRadius, Frame, Margin, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::graph::{Graph, NodeId};
use tinsmith_core::measure::coverage::{Coverage, End, FEW};

use super::graph::short_name;
use super::offer_data;
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::kept::{Same, kept};
use crate::gui::on_demand::Need;
use crate::gui::theme::{PANEL_PADDING, Palette, TABLE_HEADER, Type};
use crate::gui::units;
use crate::gui::widgets::{empty_state, focus_ring, icon_button, panel_header, sentence_row, text_in};
use crate::worker::RangesSeen;

/// Height of a tensor's lines.
const ROW: f32 = 44.0;

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let data = cx.session.open.as_ref().and_then(|open| open.data.as_ref());
    let has_data = data.is_some_and(|data| !data.roles.calibration.is_empty());
    if has_data {
        cx.send(Command::Need(Need::Coverage));
    }
    let answer = cx.session.on_demand.coverage.value.as_deref().filter(|_| has_data);
    let seen = answer.and_then(|answer| answer.as_ref().ok());
    let graph = cx.session.open.as_ref().map(|open| &open.source.graph);
    let about = seen.map_or_else(String::new, run_words);
    panel_header(ui, "Coverage", &about, |ui| {
        let Some((seen, graph)) = seen.zip(graph) else { return };
        if icon_button(ui, icons::COPY, "Copy the ranges").clicked() {
            ui.ctx().copy_text(as_text(seen, graph));
        }
    });
    match (seen, graph) {
        (Some(seen), Some(graph)) if !seen.tensors.is_empty() => ranges_ui(cx, seen, graph, ui),
        (Some(_), _) => {
            empty_state(ui, icons::GRID_FOUR, "No ranges", "Every tensor has one and the same value in all samples.", None);
        }
        _ => missing_ui(cx, has_data, answer.and_then(|answer| answer.as_ref().err()), ui),
    }
}

fn run_words(seen: &RangesSeen) -> String {
    let calibrate = units::exact(seen.n_calibrate as u64);
    match seen.n_run < seen.n_calibrate {
        true => format!("the first {} of {calibrate} samples that calibrate", units::exact(seen.n_run as u64)),
        false => format!("{calibrate} samples that calibrate"),
    }
}

/// Why there is nothing to see, and what to do.
fn missing_ui(cx: PanelCtx<'_>, has_data: bool, why: Option<&String>, ui: &mut Ui) {
    if has_data {
        let words = why.map_or("The samples that calibrate are being run.", String::as_str);
        empty_state(ui, icons::GRID_FOUR, "No ranges", words, None);
        return;
    }
    let words = "Samples that calibrate show which tensors' ranges hang on how few of them.";
    offer_data(cx, icons::DATABASE, "No data yet", words, ui);
}

fn ranges_ui(cx: PanelCtx<'_>, seen: &RangesSeen, graph: &Arc<Graph>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let makers = kept(ui.ctx(), "makers of tensors", Same(Arc::clone(graph)), |graph| graph.0.producers());
    Frame::new().inner_margin(Margin { left: PANEL_PADDING, right: PANEL_PADDING, top: 8, bottom: 6 }).show(ui, |ui| {
        let (n_few, n) = (seen.n_few(), seen.tensors.len());
        let words = match n_few {
            0 => format!("Each end of all {n} ranges is reached by {FEW} samples or more."),
            _ => format!("{n_few} of {n} ranges hang on fewer than {FEW} samples. Calibrate with more, or clip what is rare."),
        };
        let (icon, ink) = if n_few == 0 { (icons::CHECK, p.green) } else { (icons::WARNING, p.amber) };
        sentence_row(ui, icon, ink, &words, false);
    });
    ui.spacing_mut().item_spacing.y = 0.0;
    let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), TABLE_HEADER), Sense::hover());
    let head = head.shrink2(vec2(f32::from(PANEL_PADDING), 0.0));
    text_in(ui, head, false, "Output of", Type::Caption, p.text_faint);
    text_in(ui, head, true, "Goes with one sample", Type::Caption, p.text_faint);
    let n = seen.tensors.len();
    ScrollArea::vertical().id_salt("coverage").auto_shrink([false, false]).show_rows(ui, ROW, n, |ui, rows| {
        for tensor in rows.filter_map(|row| seen.tensors.get(row)) {
            let maker = makers.get(tensor.tensor.index()).copied().flatten();
            row_ui(cx, tensor, &Named { graph, maker }, seen.n_run, ui);
        }
    });
}

/// A tensor's name, and that of the layer it comes from.
struct Named<'a> {
    graph: &'a Graph,
    maker: Option<NodeId>,
}

impl Named<'_> {
    fn layer(&self) -> Option<&str> {
        self.maker.map(|id| self.graph.node(id).name.as_str())
    }

    fn short(&self) -> String {
        self.layer().map_or_else(|| "input".to_owned(), short_name)
    }
}

fn row_ui(cx: PanelCtx<'_>, tensor: &Coverage, named: &Named<'_>, n_run: usize, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let name = named.short();
    let stake = units::percent(tensor.at_stake().into()).joined();
    let words = format!(
        "{name}: {stake} of its range hangs on one sample\n{}\n{}",
        end_words("Lowest", &tensor.low, n_run),
        end_words("Highest", &tensor.high, n_run)
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, words.replace('\n', ", ")));
    if !ui.is_rect_visible(rect) {
        return;
    }
    let layer = named.layer();
    if layer.is_some_and(|layer| cx.session.is_selected(layer)) {
        ui.painter().rect_filled(rect, 0.0, p.accent_soft);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 0.0, p.raised);
    }
    if response.has_focus() {
        focus_ring(ui, rect, p.accent);
    }
    let inner = rect.shrink2(vec2(f32::from(PANEL_PADDING), 4.0));
    let line = |top: f32, height: f32| Rect::from_min_size(pos2(inner.left(), top), vec2(inner.width(), height));
    let is_few = tensor.hangs_on_few();
    let title = line(inner.top(), 16.0);
    text_in(ui, title.with_max_x(inner.right() - 56.0), false, &name, Type::SmallMedium, p.text);
    text_in(ui, title, true, &stake, Type::Small, if is_few { p.amber } else { p.text_weak });
    range_ui(ui, line(inner.top() + 18.0, 5.0), tensor);
    let ends = line(inner.top() + 24.0, 12.0);
    text_in(ui, ends.with_max_x(ends.center().x), false, &brief(&tensor.low), Type::Caption, ink(&tensor.low, p));
    text_in(ui, ends.with_min_x(ends.center().x), true, &brief(&tensor.high), Type::Caption, ink(&tensor.high, p));
    if response.clicked()
        && let Some(layer) = layer
    {
        cx.send(Command::Select(Some(layer.to_owned())));
    }
    response.on_hover_text(words);
}

/// The range, and at its ends what would go with one sample.
fn range_ui(ui: &Ui, track: Rect, tensor: &Coverage) {
    let p = Palette::of(ui);
    let width = tensor.high.value - tensor.low.value;
    let part = |lost: f32| track.width() * if width > 0.0 { (lost / width).clamp(0.0, 1.0) } else { 0.0 };
    let (low, high) = (part(tensor.low.without - tensor.low.value), part(tensor.high.value - tensor.high.without));
    ui.painter().rect_filled(track, CornerRadius::same(2), p.base_fill);
    for rect in [track.with_max_x(track.left() + low), track.with_min_x(track.right() - high)] {
        if rect.width() >= 0.5 {
            ui.painter().rect_filled(rect, CornerRadius::same(2), p.amber);
        }
    }
}

fn ink(end: &End, p: &Palette) -> eframe::egui::Color32 {
    if end.hangs_on_few() { p.amber } else { p.text_faint }
}

fn brief(end: &End) -> String {
    format!("{} by {}", units::real(end.value.into()), units::exact(end.n_reaching as u64))
}

fn end_words(name: &str, end: &End, n_run: usize) -> String {
    // As the panel of samples counts them.
    let samples: Vec<String> = end.reached_by.iter().map(|sample| units::exact(*sample as u64 + 1)).collect();
    let more = if end.n_reaching > samples.len() { " and others" } else { "" };
    let samples = format!("sample {}{more}", samples.join(", "));
    let value = units::real(end.value.into());
    let reached = format!(
        "{name} {value}, reached by {} of {} ({samples})",
        units::exact(end.n_reaching as u64),
        units::exact(n_run as u64)
    );
    if end.without == end.value { reached } else { format!("{reached}; without the first {}", units::real(end.without.into())) }
}

fn as_text(seen: &RangesSeen, graph: &Graph) -> String {
    let mut text = "tensor\tlowest\treached by\twithout\thighest\treached by\twithout\tat stake\n".to_owned();
    for tensor in &seen.tensors {
        let end = |end: &End| format!("{}\t{}\t{}", end.value, end.n_reaching, end.without);
        let name = &graph.tensor(tensor.tensor).name;
        text.push_str(&format!("{name}\t{}\t{}\t{}\n", end(&tensor.low), end(&tensor.high), tensor.at_stake()));
    }
    text
}
