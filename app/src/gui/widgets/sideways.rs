//! What is wider than its panel.

use eframe::egui::{Rect, ScrollArea, Ui, UiBuilder, vec2};

/// Shows contents that take at least this width: where the panel is narrower, it scrolls sideways.
pub fn sideways(ui: &mut Ui, least: f32, contents: impl FnOnce(&mut Ui)) {
    if ui.available_width() >= least {
        return contents(ui);
    }
    let height = ui.available_height();
    ScrollArea::horizontal().id_salt("sideways").auto_shrink([false, false]).show(ui, |ui| {
        let all = Rect::from_min_size(ui.cursor().min, vec2(least, height));
        ui.scope_builder(UiBuilder::new().max_rect(all), contents);
    });
}
