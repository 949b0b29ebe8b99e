//! The recipe: one card a step, with a switch, its few controls, and what it did.

mod add;
mod card;
mod offers;
mod pack;
mod parameters;
mod quantize;

use eframe::egui::{CornerRadius, Frame, Margin, ScrollArea, Ui};
use tinsmith_core::recipe::Recipe;

pub use offers::offers_ui;
pub use quantize::{CALIBRATORS, calibrator_ui};

use crate::gui::command::Action;
use crate::gui::context::PanelCtx;
use crate::gui::offers::offers;
use crate::gui::panels::failure;
use crate::gui::theme::{Palette, RADIUS_CARD, Type};
use crate::gui::units;
use crate::gui::widgets::{icon_button, panel_header, rule};

/// Shows the recipe and edits it.
pub fn ui(cx: PanelCtx<'_>, recipe: &mut Recipe, ui: &mut Ui) {
    let n = recipe.steps.len();
    let about = if n == 1 { "1 step".to_owned() } else { format!("{n} steps") };
    panel_header(ui, "Recipe", &about, |ui| {
        let reset = Action::ResetRecipe;
        if icon_button(ui, reset.icon(), reset.name()).clicked() {
            cx.commands.act(reset);
        }
    });
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        Frame::new().inner_margin(Margin { left: 8, right: 8, top: 8, bottom: 8 }).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            failure_ui(cx, ui);
            offers_ui(&offers(cx.session, recipe), recipe, ui);
            let mut removed = None;
            let mut shown: Vec<&str> = Vec::with_capacity(n);
            for (i, entry) in recipe.steps.iter_mut().enumerate() {
                // Called by its step and not by its place: a card stays the same card when others come and go.
                let name = entry.step.name();
                let nth = shown.iter().filter(|other| **other == name).count();
                shown.push(name);
                let is_removed = ui.push_id((name, nth), |ui| card::card_ui(cx, i, entry, ui)).inner;
                removed = removed.or(is_removed.then_some(i));
            }
            if let Some(i) = removed {
                recipe.steps.remove(i);
            }
            add::add_ui(recipe, ui);
            totals_ui(cx, ui);
        });
    });
}

/// Why the recipe gives no candidate, and what to do.
fn failure_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let Some(why) = &cx.session.figures.failure else { return };
    Frame::new().fill(p.amber_soft).corner_radius(CornerRadius::same(RADIUS_CARD)).inner_margin(Margin::symmetric(10, 8)).show(
        ui,
        |ui| {
            ui.set_width(ui.available_width());
            failure::ui(cx, why, ui);
        },
    );
}

/// Source and result below the cards.
fn totals_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let figures = &cx.session.figures;
    let (base, candidate) = (figures.baseline_static.value.as_deref(), figures.candidate_static.value.as_deref());
    if base.is_none() && candidate.is_none() {
        return;
    }
    ui.add_space(4.0);
    rule(ui);
    ui.spacing_mut().item_spacing.y = 2.0;
    let rows = [("source", base, p.text_faint), ("after the recipe", candidate, p.accent_text)];
    for (name, statics, colour) in rows {
        ui.horizontal(|ui| {
            ui.label(Type::Caption.text(name, colour));
            ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                let words = statics.map_or_else(
                    || units::NONE.to_owned(),
                    |s| {
                        format!(
                            "{}    {} RAM",
                            units::bytes(s.size.file_bytes).joined(),
                            units::bytes(s.arena.arena_mcu32_bytes).joined()
                        )
                    },
                );
                ui.label(Type::Caption.text(words, colour));
            });
        });
    }
}
