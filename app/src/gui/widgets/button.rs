//! Buttons.

use eframe::egui::{Align2, Button, Color32, CornerRadius, Response, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use crate::gui::theme::{ICON_BUTTON, Palette, RADIUS_CONTROL, Type};

/// A button with words on it.
pub fn button(ui: &mut Ui, text: &str) -> Response {
    let p = Palette::of(ui);
    ui.add(Button::new(Type::SmallMedium.text(text, p.text)))
}

/// The one action a view is for.
pub fn primary_button(ui: &mut Ui, text: &str) -> Response {
    let p = Palette::of(ui);
    ui.add(Button::new(Type::Title.text(text, p.on_accent)).fill(p.accent).min_size(vec2(0.0, 32.0)))
}

/// A button without a ground, for what is rarely needed.
pub fn text_button(ui: &mut Ui, text: &str) -> Response {
    let p = Palette::of(ui);
    ui.add(Button::new(Type::SmallMedium.text(text, p.text_weak)).frame(false))
}

/// A quiet line of an icon and words that can be pressed.
pub fn text_icon_button(ui: &mut Ui, icon: &str, text: &str, colour: Color32) -> Response {
    let words = (Type::IconSmall.text(icon, colour), Type::Small.text(text, colour));
    ui.add(Button::new(words).frame(false)).accessible_name(text)
}

/// A square button with an icon. `name` is what it does: its tooltip and its accessible name.
pub fn icon_button(ui: &mut Ui, icon: &str, name: &str) -> Response {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(ICON_BUTTON, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        let lit = ui.is_enabled() && (response.hovered() || response.has_focus());
        if lit {
            ui.painter().rect_filled(rect, CornerRadius::same(RADIUS_CONTROL), p.control);
        }
        if response.has_focus() {
            focus_ring(ui, rect, p.accent);
        }
        let colour = if !ui.is_enabled() {
            p.base_fill
        } else if lit {
            p.text
        } else {
            p.text_weak
        };
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon, Type::Icon.font(), colour);
    }
    response.on_hover_text(name).on_disabled_hover_text(name)
}

/// A ring around what the keyboard acts on.
pub fn focus_ring(ui: &Ui, rect: eframe::egui::Rect, colour: Color32) {
    let outside = eframe::egui::StrokeKind::Outside;
    ui.painter().rect_stroke(rect, CornerRadius::same(RADIUS_CONTROL), Stroke::new(1.5, colour), outside);
}
