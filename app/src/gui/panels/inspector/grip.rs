//! A line with a grip in a plot, moved by the pointer or by arrow keys.

use eframe::egui::{
    CornerRadius, CursorIcon, EventFilter, Id, Key, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use crate::gui::plots::Canvas;
use crate::gui::theme::Palette;

/// Shows a grip at `value` of the horizontal axis. `name` is what it is called to those who do not see it.
pub fn grip_ui(value: f64, name: &str, canvas: &Canvas<'_>, ui: &Ui) -> Response {
    let p = Palette::of(ui);
    let frame = canvas.rect();
    let x = canvas.x(value).clamp(frame.left(), frame.right());
    ui.painter().vline(x, frame.y_range(), Stroke::new(1.5, p.accent_text));
    let grip = Rect::from_center_size(pos2(x, frame.center().y), vec2(10.0, 20.0));
    let id: Id = ui.scope_id().with(name);
    let response = ui.interact(grip.expand(3.0), id, Sense::click_and_drag()).on_hover_cursor(CursorIcon::ResizeHorizontal);
    response.widget_info(|| WidgetInfo::slider(true, value, name));
    ui.painter().rect_filled(grip, CornerRadius::same(3), p.accent);
    for dx in [-1.5, 1.5] {
        ui.painter().vline(x + dx, grip.center().y - 4.0..=grip.center().y + 4.0, Stroke::new(1.0, p.on_accent));
    }
    if response.has_focus() {
        ui.painter().rect_stroke(grip.expand(1.0), CornerRadius::same(4), Stroke::new(1.5, p.text), StrokeKind::Outside);
    }
    response
}

/// Where the pointer drags a grip to, on the horizontal axis.
pub fn dragged_to(response: &Response, canvas: &Canvas<'_>) -> Option<f64> {
    let at = response.interact_pointer_pos().filter(|_| response.dragged())?;
    Some(canvas.transform.value_from_position(pos2(at.x, canvas.rect().center().y)).x)
}

/// Keys pressed while a grip has the focus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Presses {
    /// Arrows to the right less arrows to the left, ten times with Shift.
    pub steps: f32,
    /// Enter.
    pub enter: bool,
    /// Escape.
    pub escape: bool,
}

/// The keys for this grip; `None` while another has the focus.
pub fn presses(response: &Response, ui: &Ui) -> Option<Presses> {
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, escape: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    Some(ui.input(|i| {
        let steps = i.num_presses(Key::ArrowRight) as f32 - i.num_presses(Key::ArrowLeft) as f32;
        let steps = steps * if i.modifiers.shift { 10.0 } else { 1.0 };
        Presses { steps, enter: i.key_pressed(Key::Enter), escape: i.key_pressed(Key::Escape) }
    }))
}
