//! Empty, running and failed: states that are designed, never left over.

use eframe::egui::{Align, CornerRadius, Frame, Layout, Margin, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::mark::small_icon;
use crate::gui::icons;
use crate::gui::theme::{Palette, Type};

/// What a panel shows that has nothing to show: an icon, what this is, and what to do. Returns the button's response.
pub fn empty_state(ui: &mut Ui, icon: &str, title: &str, text: &str, action: Option<&str>) -> Option<Response> {
    let p = Palette::of(ui);
    ui.vertical_centered(|ui| {
        let lines = if action.is_some() { 112.0 } else { 76.0 };
        ui.add_space(((ui.available_height() - lines) / 2.5).clamp(8.0, 200.0));
        ui.label(Type::IconRail.text(icon, p.text_faint));
        ui.label(Type::BodyMedium.text(title, p.text));
        ui.label(Type::Small.text(text, p.text_weak));
        action.map(|text| {
            ui.add_space(8.0);
            super::button(ui, text)
        })
    })
    .inner
}

/// A bar that fills; `None` for work of unknown length, shown as an empty track.
pub fn progress_bar(ui: &mut Ui, fraction: Option<f32>, width: f32, name: &str) -> Response {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 4.0), Sense::hover());
    let percent = fraction.map(|f| f64::from(f) * 100.0);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
        info.value = percent;
        info
    });
    ui.painter().rect_filled(rect, CornerRadius::same(2), p.control_hover);
    let to = rect.left() + rect.width() * fraction.unwrap_or(0.0).clamp(0.0, 1.0);
    ui.painter().rect_filled(Rect::from_min_max(rect.min, pos2(to, rect.bottom())), CornerRadius::same(2), p.accent);
    response
}

/// Something the user should know, and what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Red with a bar for what failed, amber for what may surprise.
    pub is_error: bool,
    /// What happened: `kws_v3.onnx was not opened`.
    pub title: String,
    /// Where, what was expected, what to do.
    pub text: String,
}

/// Shows a notice with its actions; true once it is to be put away.
pub fn notice(ui: &mut Ui, of: &Notice) -> bool {
    let p = Palette::of(ui);
    let (colour, ground) = if of.is_error { (p.red, p.red_soft) } else { (p.amber, p.amber_soft) };
    let mut dismissed = false;
    let response = Frame::new()
        .fill(ground)
        .inner_margin(Margin { left: 14, right: 8, top: 8, bottom: 8 })
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.horizontal_top(|ui| {
                small_icon(ui, icons::WARNING, colour);
                ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                    dismissed = super::icon_button(ui, icons::X, "Dismiss").clicked();
                    if super::text_button(ui, "Copy details").clicked() {
                        ui.ctx().copy_text(format!("{}\n{}", of.title, of.text));
                    }
                    ui.with_layout(Layout::top_down(Align::Min), |ui| {
                        ui.label(Type::Title.text(&of.title, p.text));
                        if !of.text.is_empty() {
                            ui.label(Type::Small.text(&of.text, p.text_weak));
                        }
                    });
                });
            });
        })
        .response;
    let bar = Rect::from_min_max(response.rect.min, pos2(response.rect.left() + 2.0, response.rect.bottom()));
    ui.painter().rect_filled(bar, 0.0, colour);
    dismissed
}
