//! The clips as a table: label, outline, split, length, what is wrong; and what can be done with those that are selected.

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::{Align, Key, Label, Layout, Rect, Role, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2};
use egui_extras::{Column, TableBuilder, TableRow};
use tinsmith_core::data::level::{Trouble, decibels};
use tinsmith_core::data::library::{Item, Kind, Library};

use super::ask;
use crate::gui::capture::{Ask, ClipEdit, Digest, MOST_KEPT, Word};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::plots::trace::trace_ui;
use crate::gui::theme::{Palette, TABLE_HEADER, TABLE_ROW, Type};
use crate::gui::units;
use crate::gui::widgets::{button, empty_state, icon_button, open_cell, panel_header, select, sideways, text_in};

/// The table is not squeezed below this.
const LEAST_WIDTH: f32 = 616.0;
/// Between columns.
const GAP: f32 = 8.0;
/// Beside the rows.
const SCROLL_BAR: f32 = 10.0;

/// A column.
struct Col {
    name: &'static str,
    /// Numbers stand at the right.
    right: bool,
    /// The least width, and its share of what is left.
    width: f32,
    share: f32,
}

const fn col(name: &'static str, right: bool, width: f32, share: f32) -> Col {
    Col { name, right, width, share }
}

/// The columns.
const COLUMNS: [Col; 8] = [
    col("   Clip", false, 94.0, 3.0),
    col("Label", false, 66.0, 1.0),
    col("Candidate", false, 98.0, 1.0),
    col("Outline", false, 72.0, 2.0),
    col("Split", false, 62.0, 0.5),
    col("Length", true, 52.0, 0.5),
    col("Peak", true, 54.0, 0.5),
    col("Note", false, 62.0, 2.0),
];

/// The panel's view state.
#[derive(Debug, Default)]
pub struct ClipsPanel {
    /// Only clips of this label; empty for all.
    label: String,
    /// What clips are to be called.
    renamed: String,
    /// The clip that a click with Shift reaches from.
    anchor: Option<usize>,
    /// Clips that are listed, newest first, and of which index and label.
    listed: Option<(Arc<Library>, String, Arc<[usize]>)>,
    /// The part of the selected clip that is kept, as fractions.
    keep: (f32, f32),
    keep_of: Option<usize>,
}

impl ClipsPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let capture = &cx.session.capture;
        let library = capture.library();
        let n = library.as_ref().map_or(0, |library| library.items.len());
        let about = if n == 0 { String::new() } else { format!("{}, newest first", units::exact(n as u64)) };
        panel_header(ui, "Clips", &about, |ui| self.actions_ui(cx, library.as_deref(), ui));
        let Some(library) = library.filter(|library| !library.items.is_empty()) else {
            let words = "They show here as they are cut, and are on the disk at once. A folder of clips, or of files to import, can be opened, too.";
            let chosen = empty_state(ui, icons::WAVEFORM, "No clips", words, Some("Choose a folder"));
            if chosen.is_some_and(|response| response.clicked()) {
                ask(cx, Ask::ChooseFolder);
            }
            return;
        };
        self.list(&library);
        if !capture.selected.is_empty() {
            self.selection_ui(cx, &library, ui);
        }
        sideways(ui, LEAST_WIDTH, |ui| self.table_ui(cx, &library, ui));
    }

    fn actions_ui(&mut self, cx: PanelCtx<'_>, library: Option<&Library>, ui: &mut Ui) {
        let capture = &cx.session.capture;
        ui.add_enabled_ui(!capture.selected.is_empty(), |ui| {
            let name = "Delete the selected clips";
            if icon_button(ui, icons::TRASH, name).on_disabled_hover_text("Select clips first").clicked() {
                ask(cx, Ask::Edit(ClipEdit::Delete(capture.selected.clone())));
            }
        });
        let labels = library.map(|library| library.labels.clone()).unwrap_or_default();
        if labels.is_empty() {
            return;
        }
        let mut options = vec![(String::new(), "all labels")];
        options.extend(labels.iter().map(|label| (label.clone(), label.as_str())));
        select(ui, "Only clips of a label", &mut self.label, &options, 104.0);
    }

    /// Which clips are listed; only anew when that may have changed.
    fn list(&mut self, library: &Arc<Library>) {
        let is_same = self.listed.as_ref().is_some_and(|(of, label, _)| Arc::ptr_eq(of, library) && *label == self.label);
        if !is_same {
            let wanted =
                |index: &usize| self.label.is_empty() || library.items[*index].label.as_deref() == Some(self.label.as_str());
            let listed = (0..library.items.len()).rev().filter(wanted).collect();
            self.listed = Some((Arc::clone(library), self.label.clone(), listed));
        }
    }

    /// What can be done with the selected clips.
    fn selection_ui(&mut self, cx: PanelCtx<'_>, library: &Library, ui: &mut Ui) {
        let p = Palette::of(ui);
        let selected = &cx.session.capture.selected;
        ui.horizontal(|ui| {
            ui.set_min_height(30.0);
            ui.spacing_mut().item_spacing.x = 8.0;
            ui.add_space(12.0);
            ui.label(Type::Small.text(format!("{} selected", selected.len()), p.text_weak));
            let field = TextEdit::singleline(&mut self.renamed).hint_text("label").font(Type::Small.font()).desired_width(90.0);
            let field = ui.add(field);
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "New label"));
            let label = self.renamed.trim();
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            ui.add_enabled_ui(!label.is_empty(), |ui| {
                if button(ui, "Label").clicked() || (entered && !label.is_empty()) {
                    ask(cx, Ask::Edit(ClipEdit::Label(selected.clone(), label.to_owned())));
                }
            });
            let one = selected.first().copied().filter(|_| selected.len() == 1 && library.kind.is_recorded());
            if let Some((index, item)) = one.and_then(|index| Some((index, library.items.get(index)?))) {
                self.trim_ui(cx, index, item, library.kind == Kind::Sound, ui);
            }
        });
    }

    /// The outline of a clip, its ends to be dragged.
    fn trim_ui(&mut self, cx: PanelCtx<'_>, index: usize, item: &Item, is_sound: bool, ui: &mut Ui) {
        let p = Palette::of(ui);
        if self.keep_of != Some(index) {
            (self.keep, self.keep_of) = ((0.0, 1.0), Some(index));
        }
        let width = (ui.available_width() - 150.0).clamp(60.0, 320.0);
        if is_sound {
            play_ui(cx, index, ui);
        }
        let (rect, response) = ui.allocate_exact_size(vec2(width, 24.0), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, "The part of the clip that is kept: drag its ends"));
        if let Some(at) = response.interact_pointer_pos() {
            let share = ((at.x - rect.left()) / rect.width()).clamp(0.0, 1.0);
            let is_start = (share - self.keep.0).abs() < (share - self.keep.1).abs();
            let end = if is_start { &mut self.keep.0 } else { &mut self.keep.1 };
            *end = share;
        }
        ui.painter().rect_filled(rect, 2.0, p.plot);
        if let Some(digest) = cx.session.capture.digests.of(item) {
            outline_ui(ui, rect.shrink2(vec2(0.0, 2.0)), digest, p.base);
        }
        let x = |share: f32| rect.left() + rect.width() * share;
        let kept = Rect::from_min_max(pos2(x(self.keep.0), rect.top()), pos2(x(self.keep.1), rect.bottom()));
        ui.painter().rect_filled(kept, 2.0, p.accent.gamma_multiply(0.18));
        for edge in [kept.left(), kept.right()] {
            ui.painter().vline(edge, rect.y_range(), eframe::egui::Stroke::new(2.0, p.accent));
        }
        if let Some(played) = cx.session.capture.played.as_ref().filter(|played| played.index == index) {
            ui.painter().vline(x(played.playing.progress()), rect.y_range(), eframe::egui::Stroke::new(1.0, p.text));
            ui.ctx().request_repaint_after_secs(0.03);
        }
        let at = |share: f32| (f64::from(share) * item.len() as f64).round() as u64;
        let (start, end) = (at(self.keep.0), at(self.keep.1));
        let is_less = start < end && (start > 0 || end < item.len());
        ui.add_enabled_ui(is_less, |ui| {
            if button(ui, "Trim").on_hover_text("Keeps what is between the ends; the file stays as it is").clicked() {
                ask(cx, Ask::Edit(ClipEdit::Trim(index, start, end)));
                self.keep_of = None;
            }
        });
        ui.add_enabled_ui(start > 0 && start < item.len(), |ui| {
            if button(ui, "Part").on_hover_text("Makes two clips, parted at the left end").clicked() {
                ask(cx, Ask::Edit(ClipEdit::SplitAt(index, start)));
                self.keep_of = None;
            }
        });
    }

    fn table_ui(&mut self, cx: PanelCtx<'_>, library: &Arc<Library>, ui: &mut Ui) {
        let p = Palette::of(ui);
        ui.spacing_mut().item_spacing = vec2(GAP, 0.0);
        ui.visuals_mut().selection.bg_fill = p.accent_soft;
        ui.visuals_mut().widgets.hovered.bg_fill = p.raised;
        ui.visuals_mut().widgets.noninteractive.bg_stroke = eframe::egui::Stroke::NONE;
        let clip = ui.clip_rect();
        let Some(listed) = self.listed.as_ref().map(|(_, _, listed)| Arc::clone(listed)) else { return };
        let mut on_screen = Vec::new();
        let mut clicked = None;
        let taken = COLUMNS.iter().map(|col| col.width + GAP).sum::<f32>();
        let left = (ui.available_width() - SCROLL_BAR - taken).max(0.0);
        let all = COLUMNS.iter().map(|col| col.share).sum::<f32>();
        let width = |col: &Col| (col.width + left * col.share / all).floor();
        let table = COLUMNS.iter().fold(TableBuilder::new(ui), |table, col| table.column(Column::exact(width(col)).clip(true)));
        table
            .id_salt("clips")
            .sense(Sense::click())
            .auto_shrink([false, false])
            .cell_layout(Layout::left_to_right(Align::Center))
            .header(TABLE_HEADER, |mut row| {
                for Col { name, right, .. } in &COLUMNS {
                    open_cell(&mut row, clip, |ui| cell(ui, *right, name, Type::Small, p.text_faint));
                }
            })
            .body(|mut body| {
                let visible = body.ui_mut().clip_rect();
                body.rows(TABLE_ROW + 2.0, listed.len(), |mut row| {
                    let (place, index) = (row.index(), listed[row.index()]);
                    on_screen.push(index);
                    if row_ui(cx, library, index, visible, &mut row) {
                        clicked = Some(place);
                    }
                });
            });
        ask(cx, Ask::ShowWords(on_screen.clone()));
        // What is on screen first, then the others, as many as are kept.
        let most = listed.len().min(MOST_KEPT / 2);
        let others = if cx.session.capture.digests.n_known() < most { most } else { 0 };
        cx.session.capture.digests.want(library, on_screen.into_iter().chain(listed.iter().copied().take(others)));
        if let Some(place) = clicked {
            self.select(cx, &listed, place, ui);
        }
    }

    /// A click selects one, with Ctrl one more or less, with Shift all up to there.
    fn select(&mut self, cx: PanelCtx<'_>, listed: &[usize], place: usize, ui: &Ui) {
        let modifiers = ui.input(|i| i.modifiers);
        let mut selected = cx.session.capture.selected.clone();
        let index = listed[place];
        match self.anchor.filter(|anchor| modifiers.shift && *anchor < listed.len()) {
            Some(anchor) => selected = listed[anchor.min(place)..=anchor.max(place)].iter().copied().collect(),
            None if modifiers.command => {
                if !selected.remove(&index) {
                    selected.insert(index);
                }
            }
            None => selected = BTreeSet::from([index]),
        }
        if !modifiers.shift {
            self.anchor = Some(place);
        }
        ask(cx, Ask::Select(selected));
    }
}

/// A clip's row. Whether it was clicked.
fn row_ui(cx: PanelCtx<'_>, library: &Library, index: usize, visible: Rect, row: &mut TableRow<'_, '_>) -> bool {
    let is_selected = cx.session.capture.selected.contains(&index);
    row.set_selected(is_selected);
    let item = &library.items[index];
    for column in 0..COLUMNS.len() {
        open_cell(row, visible, |ui| cell_ui(cx, library, item, column, ui));
    }
    let response = row.response();
    let words = format!("Clip {}, {}", item.name(), item.label.as_deref().unwrap_or("without a label"));
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &words));
    response.clicked()
}

fn play_ui(cx: PanelCtx<'_>, index: usize, ui: &mut Ui) {
    if cx.session.capture.played.is_some() {
        if icon_button(ui, icons::STOP, "Stop").clicked() {
            ask(cx, Ask::Quiet);
        }
    } else if icon_button(ui, icons::PLAY, "Play the clip").clicked() {
        ask(cx, Ask::Play(index));
    }
}

fn cell_ui(cx: PanelCtx<'_>, library: &Library, item: &Item, column: usize, ui: &mut Ui) {
    let p = Palette::of(ui);
    let digest = cx.session.capture.digests.of(item);
    match column {
        0 => {
            let name = item.file.rsplit('/').next().unwrap_or(&item.file);
            let part = if item.span.0 == 0 { String::new() } else { format!(" [{}..]", item.span.0) };
            // Rows of one file differ by their number alone.
            let words = match library.kind {
                Kind::Tensor => format!("   {} of {name}", units::exact(item.span.0 + 1)),
                _ => format!("   {name}{part}"),
            };
            cell(ui, false, &words, Type::Small, p.text);
        }
        1 => match &item.label {
            Some(label) => cell(ui, false, label, Type::SmallMedium, p.text),
            None => cell(ui, false, units::NONE, Type::Small, p.text_faint),
        },
        2 => word_ui(cx, item, ui),
        3 => {
            if let Some(digest) = digest {
                outline_ui(ui, ui.max_rect().shrink2(vec2(0.0, 2.0)), digest, p.base);
            }
        }
        4 => cell(ui, false, item.split.map_or(units::NONE, |split| split.name()), Type::Small, p.text_weak),
        5 => {
            let words = match library.rate_hz {
                Some(rate) => format!("{:.2} s", item.len() as f64 / rate),
                None => item.len().to_string(),
            };
            cell(ui, true, &words, Type::Small, p.text);
        }
        6 => {
            let words = digest.map_or_else(
                || units::NONE.to_owned(),
                |digest| match library.kind {
                    Kind::Sound => format!("{:.1} dB", decibels(digest.peak)),
                    _ => units::real(digest.peak.into()),
                },
            );
            cell(ui, true, &words, Type::Small, p.text);
        }
        _ => {
            let (words, colour) = note(item, digest.map(|digest| &**digest), p);
            cell(ui, false, &words, Type::Small, colour);
        }
    }
}

/// What the candidate says of a clip, marked where that is not its label.
fn word_ui(cx: PanelCtx<'_>, item: &Item, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (words, ink) = match cx.session.capture.words.of(item) {
        None => (units::NONE.to_owned(), p.text_faint),
        Some(Word { class: None, value }) => (units::real(f64::from(*value)), p.text_weak),
        Some(Word { class: Some(class), value }) if item.label.as_ref().is_none_or(|label| label == class) => {
            (format!("{class} {value:.2}"), p.text_weak)
        }
        Some(Word { class: Some(class), value }) => (format!("\u{2260} {class} {value:.2}"), p.amber),
    };
    cell(ui, false, &words, Type::Small, ink);
}

/// What is wrong with a clip, or what somebody wrote.
fn note(item: &Item, digest: Option<&Digest>, p: &Palette) -> (String, eframe::egui::Color32) {
    if let Some(failure) = digest.and_then(|digest| digest.failure.as_ref()) {
        return (format!("cannot be read: {failure}"), p.red);
    }
    let troubles = digest.map(|digest| digest.troubles.as_slice()).unwrap_or_default();
    if troubles.is_empty() {
        return (item.note.clone(), p.text_weak);
    }
    let colour = if troubles.contains(&Trouble::Gap) { p.red } else { p.amber };
    (troubles.iter().map(|trouble| trouble.text()).collect::<Vec<_>>().join(", "), colour)
}

fn outline_ui(ui: &Ui, rect: Rect, digest: &Digest, colour: eframe::egui::Color32) {
    let ends = digest.outline.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), (low, high)| (a.min(*low), b.max(*high)));
    if ends.0 > ends.1 {
        return;
    }
    // A quiet clip is to look quiet: sound is drawn around its middle, in at least a tenth of full scale.
    let half = ((ends.1 - ends.0) / 2.0).max(1e-6);
    let middle = (ends.0 + ends.1) / 2.0;
    trace_ui(ui, rect, &digest.outline, (middle - half, middle + half), colour);
}

fn cell(ui: &mut Ui, right: bool, text: &str, kind: Type, colour: eframe::egui::Color32) {
    if right {
        let rect = ui.max_rect();
        text_in(ui, rect, true, text, kind, colour);
    } else {
        ui.add(Label::new(kind.text(text, colour)).truncate().selectable(false));
    }
}
