//! A drop-down choice.

use eframe::egui::{Align2, ComboBox, Response, Ui};

use crate::gui::icons;
use crate::gui::theme::{Palette, Type};

/// A choice of one among `options`. `name` is the accessible name and has to be unique in its panel.
pub fn select<T: PartialEq + Clone>(ui: &mut Ui, name: &str, value: &mut T, options: &[(T, &str)], width: f32) -> Response {
    let p = Palette::of(ui);
    let current = options.iter().find(|(option, _)| option == value).map_or("", |(_, text)| *text);
    let mut changed = false;
    let mut response = ComboBox::from_id_salt(name)
        .width(width)
        .truncate()
        .selected_text(Type::Small.text(current, p.text))
        .icon(|ui, rect, _, _| {
            let colour = Palette::of(ui).text_weak;
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, icons::CARET_DOWN, Type::IconSmall.font(), colour);
        })
        .show_ui(ui, |ui| {
            for (option, text) in options {
                if ui.selectable_label(value == option, *text).clicked() && value != option {
                    *value = option.clone();
                    changed = true;
                }
            }
        })
        .response
        .accessible_name(name);
    if changed {
        response.mark_changed();
    }
    response
}
