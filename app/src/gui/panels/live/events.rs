//! What was heard, newest first.

use std::collections::{HashSet, VecDeque};

use eframe::egui::{Align2, CornerRadius, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::data::segment::Span;

use super::now::number;
use super::{Nothing, ask, filled, with_shown};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::kept::{Same, kept};
use crate::gui::live::Ask;
use crate::gui::theme::{PANEL_PADDING, Palette, TABLE_HEADER, TABLE_ROW, Type};
use crate::gui::units;
use crate::gui::widgets::{icon_button, panel_header, sentence_row, switch, text_in};
use crate::live::{Heard, Shown};

/// Width of what keeps an event.
const KEEP: f32 = 28.0;

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let n = cx.session.live.listener.as_ref().map(|listener| listener.shown().counts.events);
    panel_header(ui, "Events", &n.map_or_else(String::new, units::exact), |ui| {
        let Some(listener) = &cx.session.live.listener else { return };
        if icon_button(ui, icons::COPY, "Copy the events").clicked() {
            ui.ctx().copy_text(as_text(&listener.shown()));
        }
        keep_all_ui(cx, ui);
    });
    let mut kept_now = VecDeque::new();
    if let Some(station) = cx.session.capture.station() {
        let seen = station.seen();
        kept_now.clone_from(&seen.kept);
        if let Some(trouble) = &seen.trouble {
            sentence_row(ui, icons::WARNING, Palette::of(ui).red, trouble, false);
        }
    }
    // A clip may have been deleted in Data since, or Data may show another folder.
    let of = (cx.session.capture.library().map(Same), kept_now);
    let collection = cx.session.capture.collection.as_ref();
    let kept = kept(ui.ctx(), "kept events", of, |(_, kept)| collection.map_or_else(HashSet::new, |all| all.still_has(kept)));
    let nothing = Nothing { title: "No events yet", words: "What is heard is listed here.", offers: false };
    with_shown(cx, ui, nothing, |shown, ui| table_ui(cx, shown, &kept, ui));
}

fn keep_all_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let mut keeps = cx.session.live.keeps_all;
    let help =
        "Each event becomes a clip of the data set in Data: its window, with what was heard as its label, to be put right there";
    ui.label(Type::Small.text("Keep as clips", Palette::of(ui).text_weak)).on_hover_text(help);
    if switch(ui, &mut keeps, "Keep as clips").on_hover_text(help).changed() {
        ask(cx, Ask::KeepAll(keeps));
    }
}

/// Where the columns of a line lie.
struct Columns {
    time: Rect,
    candidate: Rect,
    baseline: Rect,
    board: Rect,
    note: Rect,
    keep: Rect,
}

impl Columns {
    fn of(line: Rect) -> Self {
        let inner = line.shrink2(vec2(f32::from(PANEL_PADDING), 0.0));
        let has_note = inner.width() > 520.0;
        let note_width = if has_note { 64.0 } else { 0.0 };
        let (time_width, board_width) = (64.0, 68.0);
        let each = ((inner.width() - time_width - board_width - note_width - KEEP) / 2.0).max(40.0);
        let mut x = inner.left();
        let mut next = |width: f32| {
            let cell = Rect::from_min_max(pos2(x, line.top()), pos2(x + width - 8.0, line.bottom()));
            x += width;
            cell
        };
        Self {
            time: next(time_width),
            candidate: next(each),
            baseline: next(each),
            board: next(board_width),
            note: next(note_width),
            keep: next(KEEP),
        }
    }
}

fn table_ui(cx: PanelCtx<'_>, shown: &Shown, kept: &HashSet<(u8, Span)>, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), TABLE_HEADER), Sense::hover());
    let columns = Columns::of(head);
    text_in(ui, columns.time, false, "Time", Type::Caption, p.text_faint);
    text_in(ui, columns.candidate, false, "Candidate", Type::Caption, p.accent_text);
    text_in(ui, columns.baseline, false, "As it came", Type::Caption, p.text_faint);
    text_in(ui, columns.board, true, "Board", Type::Caption, p.text_faint);
    let n = shown.events.len();
    ScrollArea::vertical().id_salt("events").auto_shrink([false, false]).show_rows(ui, TABLE_ROW, n, |ui, rows| {
        for heard in rows.filter_map(|row| shown.events.get(n - 1 - row)) {
            let line = line_ui(shown, heard, ui);
            keep_ui(cx, shown, heard, kept.contains(&heard.window), line, ui);
        }
    });
}

/// What was heard. Where the line is.
fn line_ui(shown: &Shown, heard: &Heard, ui: &mut Ui) -> Rect {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), TABLE_ROW), Sense::hover());
    let event = &heard.event;
    let words = format!("{} {} {}", clock(heard), shown.label(event.class), number(event.probability));
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, format!("Event {words}")));
    if event.number + 1 == shown.counts.events {
        ui.painter().rect_filled(rect, 0.0, p.accent_soft);
    }
    let columns = Columns::of(rect);
    text_in(ui, columns.time, false, &clock(heard), Type::Small, p.text_weak);
    said_ui(ui, columns.candidate, shown.label(event.class), event.probability, (p.text, p.accent));
    if let Some((class, probability)) = event.baseline {
        let ink = if event.differs { p.amber } else { p.text_weak };
        said_ui(ui, columns.baseline, shown.label(class), probability, (ink, p.base));
    }
    let board = heard.board_us.map_or_else(|| units::NONE.to_owned(), |us| units::microseconds(us.into()).joined());
    text_in(ui, columns.board, true, &board, Type::Small, p.text_weak);
    if event.differs {
        text_in(ui, columns.note, false, "differs", Type::Small, p.amber);
    }
    rect
}

/// Makes a clip of an event.
fn keep_ui(cx: PanelCtx<'_>, shown: &Shown, heard: &Heard, is_kept: bool, line: Rect, ui: &mut Ui) {
    let p = Palette::of(ui);
    let cell = Columns::of(line).keep;
    let number = heard.event.number + 1;
    if is_kept {
        let response = ui.interact(cell, ui.scope_id().with(("kept", number)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Event {number} is a clip")));
        ui.painter().text(cell.center(), Align2::CENTER_CENTER, icons::CHECK, Type::IconSmall.font(), p.green);
        response.on_hover_text("It is a clip in Data");
        return;
    }
    let response = ui.interact(cell, ui.scope_id().with(("keep", number)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Keep event {number} as a clip")));
    let ink = if response.hovered() || response.has_focus() { p.text } else { p.text_faint };
    ui.painter().text(cell.center(), Align2::CENTER_CENTER, icons::DOWNLOAD_SIMPLE, Type::IconSmall.font(), ink);
    if response.on_hover_text("Keep it as a clip, to put its label right in Data").clicked() {
        ask(cx, Ask::Keep(shown.stretch(heard)));
    }
}

/// A class, its probability, and a bar of it where there is room.
fn said_ui(ui: &Ui, cell: Rect, class: &str, probability: f32, (ink, colour): (eframe::egui::Color32, eframe::egui::Color32)) {
    let numbers = cell.left() + (cell.width() * 0.45).min(96.0);
    text_in(ui, Rect::from_min_max(cell.min, pos2(numbers, cell.bottom())), false, class, Type::SmallMedium, ink);
    text_in(
        ui,
        Rect::from_min_size(pos2(numbers, cell.top()), vec2(36.0, cell.height())),
        true,
        &number(probability),
        Type::Small,
        ink,
    );
    let bar = Rect::from_min_max(pos2(numbers + 42.0, cell.center().y - 3.0), pos2(cell.right(), cell.center().y + 3.0));
    if bar.width() > 16.0 {
        ui.painter().rect_filled(filled(bar, probability), CornerRadius::same(1), colour);
    }
}

/// Since the demo began: `1:02.4`.
fn clock(heard: &Heard) -> String {
    let seconds = heard.after.as_secs_f64();
    format!("{}:{:04.1}", (seconds / 60.0) as u64, seconds % 60.0)
}

fn as_text(shown: &Shown) -> String {
    let mut text = "time\tcandidate\tprobability\tas it came\tprobability\tboard, us\n".to_owned();
    for heard in shown.events.iter().rev() {
        let event = &heard.event;
        let (class, probability) =
            event.baseline.map_or(("", String::new()), |(class, probability)| (shown.label(class), probability.to_string()));
        let board = heard.board_us.map_or_else(String::new, |us| us.to_string());
        let cells = [&clock(heard), shown.label(event.class), &event.probability.to_string(), class, &probability, &board];
        text.push_str(&cells.join("\t"));
        text.push('\n');
    }
    text
}
