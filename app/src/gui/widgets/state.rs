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

/// What was done with a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeTouch {
    /// To be put away.
    Dismiss,
    /// The remedy is wanted.
    Remedy,
}

/// Shows a notice as a card: red with a bar for what failed, amber for what may surprise. `remedy` is the button that mends it.
pub fn notice(ui: &mut Ui, is_error: bool, title: &str, text: &str, remedy: Option<&str>) -> Option<NoticeTouch> {
    let p = Palette::of(ui);
    let (colour, ground) = if is_error { (p.red, p.red_soft) } else { (p.amber, p.amber_soft) };
    let mut touch = None;
    let margin = Margin { left: 14, right: 8, top: 8, bottom: 8 };
    let response = Frame::new()
        .fill(ground)
        .inner_margin(margin)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                small_icon(ui, icons::WARNING, colour);
                ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                    if super::icon_button(ui, icons::X, "Dismiss").clicked() {
                        touch = Some(NoticeTouch::Dismiss);
                    }
                    ui.with_layout(Layout::top_down(Align::Min), |ui| {
                        ui.add(eframe::egui::Label::new(Type::Title.text(title, p.text)).wrap());
                        if !text.is_empty() {
                            ui.add(eframe::egui::Label::new(Type::Small.text(text, p.text_weak)).wrap());
                        }
                        ui.horizontal(|ui| {
                            if let Some(remedy) = remedy
                                && super::button(ui, remedy).clicked()
                            {
                                touch = Some(NoticeTouch::Remedy);
                            }
                            if super::text_button(ui, "Copy details").clicked() {
                                ui.ctx().copy_text(format!("{title}\n{text}"));
                            }
                        });
                    });
                });
            });
        })
        .response;
    let bar = Rect::from_min_max(response.rect.min, pos2(response.rect.left() + 2.0, response.rect.bottom()));
    ui.painter().rect_filled(bar, 0.0, colour);
    touch
}
