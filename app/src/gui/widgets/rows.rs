//! Lines of a panel: a name with its value, a sentence with its icon, text that ends in an ellipsis where room ends.

use std::sync::Arc;

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{Align, Color32, CornerRadius, Galley, Layout, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use egui_extras::TableRow;

use super::mark::small_icon;
use crate::gui::theme::{Palette, Type};

/// Height of a line of name and value.
const LINE: f32 = 20.0;

/// One line of text, no wider than `width`.
pub fn elided(ui: &Ui, text: &str, kind: Type, colour: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(kind.font(), colour));
    job.wrap.max_width = width.max(0.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    ui.painter().layout_job(job)
}

/// Paints a line of text in `rect`, from the left or from the right, in the middle of its height.
pub fn text_in(ui: &Ui, rect: Rect, right: bool, text: &str, kind: Type, colour: Color32) {
    let galley = elided(ui, text, kind, colour, rect.width());
    let x = if right { rect.right() - galley.size().x } else { rect.left() };
    ui.painter().galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley, colour);
}

/// A cell that is clipped with the whole table, to `visible`, not for itself: what is in it has to fit or be cut short. Each clip of
/// its own is a draw call, and those of a hundred cells cost more than all else where frames are rendered in software.
pub fn open_cell(row: &mut TableRow<'_, '_>, visible: Rect, add: impl FnOnce(&mut Ui)) {
    row.col(|ui| {
        ui.set_clip_rect(visible);
        add(ui);
    });
}

/// A name at the left, its value at the right.
pub fn value_row(ui: &mut Ui, name: &str, value: &str) -> Response {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    let wide = ui.painter().layout_no_wrap(value.to_owned(), Type::Small.font(), p.text).size().x;
    let name_width = (rect.width() - wide - 8.0).max(rect.width() * 0.3);
    let left = Rect::from_min_size(rect.min, vec2(name_width, LINE));
    let right = Rect::from_min_max(pos2(left.right() + 8.0, rect.top()), rect.max);
    text_in(ui, left, false, name, Type::Small, p.text_weak);
    text_in(ui, right, true, value, Type::Small, p.text);
    response
}

/// A sentence after an icon, over as many lines as it takes. It can be clicked if it leads somewhere.
pub fn sentence_row(ui: &mut Ui, icon: &str, colour: Color32, text: &str, leads_somewhere: bool) -> Response {
    let p = Palette::of(ui);
    let response = ui
        .with_layout(Layout::left_to_right(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            let (at, _) = ui.allocate_exact_size(vec2(12.0, 16.0), Sense::hover());
            let mut mark = ui.new_child(eframe::egui::UiBuilder::new().max_rect(at.translate(vec2(0.0, 2.0))));
            small_icon(&mut mark, icon, colour);
            let width = ui.available_width();
            let galley = ui.painter().layout(text.to_owned(), Type::Small.font(), p.text, width);
            let sense = if leads_somewhere { Sense::click() } else { Sense::hover() };
            let (rect, response) = ui.allocate_exact_size(vec2(width, galley.size().y.max(16.0)), sense);
            let lit = leads_somewhere && (response.hovered() || response.has_focus());
            let ink = if lit { p.text } else { p.text_weak };
            ui.painter().galley_with_override_text_color(rect.min, galley, ink);
            response
        })
        .inner;
    let role = if leads_somewhere { Role::Link } else { Role::Label };
    response.widget_info(|| WidgetInfo::labeled(role, true, text));
    response
}

/// A bar of a table: the baseline in grey, the candidate before it in the accent; both as fractions of the track.
pub fn twin_bar(ui: &Ui, track: Rect, baseline: Option<f32>, candidate: Option<f32>) {
    let p = Palette::of(ui);
    let radius = CornerRadius::same(2);
    ui.painter().rect_filled(track, radius, p.plot);
    let part = |fraction: f32, shrink: f32| {
        let width = (track.width() * fraction.clamp(0.0, 1.0)).max(1.5);
        Rect::from_min_size(track.min + vec2(0.0, shrink), vec2(width, track.height() - 2.0 * shrink))
    };
    if let Some(fraction) = baseline.filter(|f| *f > 0.0) {
        ui.painter().rect_filled(part(fraction, 0.0), radius, p.base_fill);
    }
    if let Some(fraction) = candidate.filter(|f| *f > 0.0) {
        ui.painter().rect_filled(part(fraction, 2.0), CornerRadius::same(1), p.accent);
    }
}

/// Parts side by side, in proportion to a whole.
pub fn stacked_bar(ui: &Ui, rect: Rect, parts: &[(usize, Color32)], whole: usize) {
    let p = Palette::of(ui);
    ui.painter().rect_filled(rect, CornerRadius::same(2), p.plot);
    let mut left = rect.left();
    for (n, colour) in parts.iter().filter(|(n, _)| *n > 0) {
        let width = rect.width() * *n as f32 / whole.max(1) as f32;
        let part = Rect::from_min_size(pos2(left, rect.top()), vec2((width - 1.0).max(1.0), rect.height()));
        ui.painter().rect_filled(part, CornerRadius::same(2), *colour);
        left += width;
    }
}
