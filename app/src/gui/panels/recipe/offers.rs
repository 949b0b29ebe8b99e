//! Steps that would help, each a line with one button.

use eframe::egui::{CornerRadius, Frame, Label, Margin, Ui};
use tinsmith_core::recipe::Recipe;

use crate::gui::icons;
use crate::gui::offers::{Offer, take};
use crate::gui::theme::{Palette, RADIUS_CARD, Type};
use crate::gui::widgets::{button, small_icon};

/// Shows what is offered; a click puts it into the recipe.
pub fn offers_ui(offers: &[Offer], recipe: &mut Recipe, ui: &mut Ui) {
    let p = Palette::of(ui);
    for offer in offers {
        let frame = Frame::new().fill(p.accent_soft).corner_radius(CornerRadius::same(RADIUS_CARD));
        frame.inner_margin(Margin::symmetric(10, 8)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.horizontal_top(|ui| {
                small_icon(ui, icons::INFO, p.accent_text);
                ui.add(Label::new(Type::Caption.text(&offer.words, p.text)).wrap()).on_hover_text(&offer.why);
            });
            let pressed = button(ui, "Add to the recipe").on_hover_text(&offer.why);
            if pressed.accessible_name(format!("Add to the recipe: {}", offer.words)).clicked() {
                take(recipe, offer);
            }
        });
    }
}
