//! A switch between a few alternatives, all of them visible.

use eframe::egui::{Align2, CornerRadius, Rect, Response, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::button::focus_ring;
use crate::gui::theme::{CONTROL_SMALL, Palette, RADIUS_CONTROL, Type};

/// Beside the words of a part; less where the whole would not fit.
const PADDING: f32 = 8.0;
const LEAST_PADDING: f32 = 3.0;

/// Shows `options` side by side, the chosen one raised. Each is found by its own words.
pub fn segmented<T: PartialEq + Copy>(ui: &mut Ui, value: &mut T, options: &[(T, &str)]) -> Response {
    segmented_named(ui, "", value, options)
}

/// The same where several switches have the same words: `name` goes before them for screen readers.
pub fn segmented_named<T: PartialEq + Copy>(ui: &mut Ui, name: &str, value: &mut T, options: &[(T, &str)]) -> Response {
    let p = Palette::of(ui);
    let font = Type::Small.font();
    let text_width = |text: &str| ui.painter().layout_no_wrap(text.to_owned(), font.clone(), p.text).size().x;
    let texts: Vec<f32> = options.iter().map(|(_, text)| text_width(text)).collect();
    let spare = ui.available_width() - texts.iter().sum::<f32>();
    let padding = (spare / (2 * options.len().max(1)) as f32).floor().clamp(LEAST_PADDING, PADDING);
    let widths: Vec<f32> = texts.iter().map(|text| (text + 2.0 * padding).round()).collect();
    let size = vec2(widths.iter().sum(), CONTROL_SMALL);
    let (rect, mut response) = ui.allocate_exact_size(size, Sense::hover());
    let radius = CornerRadius::same(RADIUS_CONTROL);
    ui.painter().rect_filled(rect, radius, p.control);
    let mut left = rect.left();
    for (&(option, text), width) in options.iter().zip(widths) {
        let part = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
        left += width;
        let part_response = ui.interact(part, response.id.with(text), Sense::click());
        if part_response.clicked() && *value != option {
            *value = option;
            response.mark_changed();
        }
        let chosen = *value == option;
        part_response.widget_info(|| {
            let words = if name.is_empty() { text.to_owned() } else { format!("{name} {text}") };
            WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), chosen, words)
        });
        if chosen {
            ui.painter().rect(part, radius, p.segment, (1.0, p.card_line), StrokeKind::Inside);
        }
        if part_response.has_focus() {
            focus_ring(ui, part, p.accent);
        }
        let lit = chosen || part_response.hovered();
        let colour = if lit { p.text } else { p.text_weak };
        let font = if chosen { Type::SmallMedium.font() } else { font.clone() };
        ui.painter().text(part.center(), Align2::CENTER_CENTER, text, font, colour);
    }
    response
}
