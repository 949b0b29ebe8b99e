//! Below the cards: steps that the recipe does not have yet.

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{Button, Popup, Response, Ui};
use tinsmith_core::optimize::StepInfo;
use tinsmith_core::recipe::Recipe;

use crate::gui::icons;
use crate::gui::steps;
use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::text_icon_button;

const MENU: f32 = 300.0;

/// Offers the steps that are missing; each goes where it belongs.
pub(super) fn add_ui(recipe: &mut Recipe, ui: &mut Ui) {
    let missing: Vec<&StepInfo> = steps::missing(recipe).collect();
    if missing.is_empty() {
        return;
    }
    let p = Palette::of(ui);
    let button = text_icon_button(ui, icons::PLUS, "Add step", p.text_weak);
    Popup::menu(&button).width(MENU).show(|ui| {
        for info in missing {
            if step_ui(info, ui).clicked() {
                steps::add(recipe, info.name);
                ui.close();
            }
        }
    });
}

/// A step as a line of the menu: its title, and below what it does.
fn step_ui(info: &StepInfo, ui: &mut Ui) -> Response {
    let p = Palette::of(ui);
    let mut words = LayoutJob::default();
    words.append(info.title, 0.0, TextFormat::simple(Type::SmallTitle.font(), p.text));
    words.append(&format!("\n{}", info.help), 0.0, TextFormat::simple(Type::Caption.font(), p.text_weak));
    let button = Button::new(words).wrap().min_size(eframe::egui::vec2(ui.available_width(), 0.0));
    ui.add(button).accessible_name(format!("Add {}", info.title))
}
