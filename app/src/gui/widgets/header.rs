//! Headers, tabs and label columns of panels.

use eframe::egui::{
    Align, Id, Label, Layout, Rect, Response, RichText, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::button::focus_ring;
use crate::gui::room::LEAST_WORDS;
use crate::gui::theme::{LABEL_COLUMN, PANEL_HEADER, PANEL_PADDING, Palette, Type};

/// Tag of a `ui` whose panel is one of several tabs: its header is the line of tabs above it, and the value is where they end.
pub const TABBED: &str = "tabbed";

/// Whether the panel is one of several tabs.
pub fn is_tabbed(ui: &Ui) -> bool {
    ui.stack().iter().any(|level| level.tags().contains(TABBED))
}

/// A panel's header: title, then what it is about; `actions` are set from the right. Where the panel is a tab, the tab is the
/// title, and the rest is set into the line of tabs.
pub fn panel_header(ui: &mut Ui, title: &str, about: &str, actions: impl FnOnce(&mut Ui)) {
    let p = Palette::of(ui);
    let about = Type::Small.text(about, p.text_weak);
    let is_first = ui.cursor().top() <= ui.max_rect().top() + 1.0;
    let tabs_end = ui.stack().iter().find_map(|level| level.tags().get_downcast::<f32>(TABBED).copied());
    if let Some(tabs_end) = tabs_end.filter(|_| is_first) {
        return tab_line(ui, tabs_end, about, actions);
    }
    header_line(ui, |ui| title_line(ui, title, about, actions));
}

/// What a tabbed panel has to say beside the tabs above it.
fn tab_line(ui: &mut Ui, tabs_end: f32, about: RichText, actions: impl FnOnce(&mut Ui)) {
    let panel = ui.max_rect();
    let left = tabs_end.min(panel.right() - 2.0 * f32::from(PANEL_PADDING));
    let line = Rect::from_min_max(pos2(left, panel.top() - PANEL_HEADER), pos2(panel.right(), panel.top() - 1.0));
    let inner = line.shrink2(vec2(f32::from(PANEL_PADDING), 0.0));
    let mut line_ui = ui.new_child(UiBuilder::new().max_rect(inner).layout(Layout::right_to_left(Align::Center)));
    line_ui.set_clip_rect(line);
    actions(&mut line_ui);
    if !about.is_empty() && line_ui.available_width() >= LEAST_WORDS {
        line_ui.add(Label::new(about).truncate());
    }
}

/// Actions take their room first; what is left is the title's.
fn title_line(ui: &mut Ui, title: &str, about: RichText, actions: impl FnOnce(&mut Ui)) {
    let p = Palette::of(ui);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        actions(ui);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.label(Type::SmallTitle.text(title, p.text));
            if !about.is_empty() && ui.available_width() >= LEAST_WORDS / 2.0 {
                ui.add(Label::new(about).truncate());
            }
        });
    });
}

/// A line of header height with a rule below.
pub fn header_line(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), PANEL_HEADER), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, p.line));
    let inner = rect.shrink2(vec2(f32::from(PANEL_PADDING), 0.0));
    let mut line = ui.new_child(UiBuilder::new().max_rect(inner).layout(Layout::left_to_right(Align::Center)));
    contents(&mut line);
}

/// One tab of a header line; underlined when chosen. With an id of its own it can be dragged.
pub fn tab_ui(ui: &mut Ui, id: Option<Id>, chosen: bool, text: &str) -> Response {
    let p = Palette::of(ui);
    let font = if chosen { Type::SmallTitle } else { Type::Small };
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font.font(), p.text);
    let (rect, own) = ui.allocate_exact_size(vec2(galley.size().x + 4.0, PANEL_HEADER), Sense::hover());
    let response = match id {
        Some(id) => ui.interact(rect, id, Sense::click_and_drag()),
        None => ui.interact(rect, own.id, Sense::click()),
    };
    response.widget_info(|| WidgetInfo::selected(Role::Tab, ui.is_enabled(), chosen, text));
    let colour = if chosen || response.hovered() || response.has_focus() { p.text } else { p.text_weak };
    ui.painter().galley_with_override_text_color(rect.center() - galley.size() / 2.0, galley, colour);
    if chosen {
        let line = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 2.0), rect.max);
        ui.painter().rect_filled(line, 0.0, p.accent);
    }
    if response.has_focus() {
        focus_ring(ui, rect.shrink2(vec2(0.0, 4.0)), p.accent);
    }
    response
}

/// A group's title inside a panel, with what it is about and an action at the right.
pub fn group_title(ui: &mut Ui, title: &str, about: impl Into<RichText>, actions: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.set_min_height(20.0);
        title_line(ui, title, about.into(), actions);
    });
}

/// A label in the label column, then a control in the rest of the line.
pub fn label_row<R>(ui: &mut Ui, label: &str, control: impl FnOnce(&mut Ui) -> R) -> R {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        let (rect, _) = ui.allocate_exact_size(vec2(LABEL_COLUMN - 8.0, 24.0), Sense::hover());
        let mut cell = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
        cell.add(Label::new(Type::Small.text(label, p.text_weak)).truncate());
        control(ui)
    })
    .inner
}

/// A line across the panel.
pub fn rule(ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().hline(ui.clip_rect().x_range(), rect.center().y, Stroke::new(1.0, p.line));
}
