//! The controls of packing.

use eframe::egui::Ui;
use tinsmith_core::recipe::Pack;

use crate::gui::context::PanelCtx;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{label_row, switch};

/// Shows the controls of packing.
pub(super) fn pack_ui(cx: PanelCtx<'_>, pack: &mut Pack, ui: &mut Ui) {
    let p = Palette::of(ui);
    label_row(ui, "Strip names", |ui| switch(ui, &mut pack.strip_names, "Strip names"))
        .on_hover_text("Leaves out tensor names, signatures and descriptions: they take flash and no runtime needs them.");
    label_row(ui, "Plan memory", |ui| {
        let response = switch(ui, &mut pack.plan_memory, "Plan memory");
        if let Some(arena) = cx.session.figures.candidate_static.value.as_ref().map(|s| &s.arena) {
            let saved = arena.greedy_bytes.saturating_sub(arena.best_bytes);
            let words =
                if saved == 0 { "as the runtime plans".to_owned() } else { format!("saves {}", units::bytes(saved).joined()) };
            ui.label(Type::Caption.text(words, p.text_weak));
        }
        response
    })
    .on_hover_text("Writes the better arena plan into the file, which TensorFlow Lite Micro then follows.");
}
