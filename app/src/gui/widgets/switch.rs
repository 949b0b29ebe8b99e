//! A switch: something is on or off at once.

use eframe::egui::{CornerRadius, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::button::focus_ring;
use crate::gui::theme::Palette;

/// A switch. `name` says what it switches.
pub fn switch(ui: &mut Ui, on: &mut bool, name: &str) -> Response {
    let p = Palette::of(ui);
    let (rect, mut response) = ui.allocate_exact_size(vec2(26.0, 14.0), Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::selected(Role::Switch, ui.is_enabled(), *on, name));
    if ui.is_rect_visible(rect) {
        let t = ui.ctx().animate_bool(response.id, *on);
        ui.painter().rect_filled(rect, CornerRadius::same(7), p.base_fill.lerp_to_gamma(p.accent, t));
        let x = eframe::egui::lerp(rect.left() + 7.0..=rect.right() - 7.0, t);
        let knob = if *on { p.on_accent } else { p.panel };
        ui.painter().circle_filled(pos2(x, rect.center().y), 5.0, knob);
        if response.has_focus() {
            focus_ring(ui, rect.expand(2.0), p.accent);
        }
    }
    response
}
