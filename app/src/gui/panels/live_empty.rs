//! What stands in the Live workspace: that it is not there yet, and what proves a model today.

use eframe::egui::{Align, Layout, Ui, UiBuilder, vec2};

use super::what_next::quoted;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::{button, icon_button, panel_header};

const WIDTH: f32 = 440.0;

/// Shows the panel; true if the Data workspace is wanted.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) -> bool {
    let p = Palette::of(ui);
    panel_header(ui, "Live", "not in this version", |_| {});
    let all = ui.available_rect_before_wrap();
    ui.advance_cursor_after_rect(all);
    let width = WIDTH.min(all.width() - 32.0);
    let height = 236.0_f32.min(all.height());
    let top = ((all.height() - height) / 2.5).max(8.0);
    let page = eframe::egui::Rect::from_min_size(all.min + vec2((all.width() - width) / 2.0, top), vec2(width, height));
    let mut wants_data = false;
    ui.scope_builder(UiBuilder::new().max_rect(page), |ui| {
        ui.label(Type::IconRail.text(icons::BROADCAST, p.text_faint));
        ui.label(Type::BodyMedium.text("Running a model live is not in this version", p.text));
        ui.add_space(4.0);
        ui.label(Type::Small.text(
            "Nothing here listens to a microphone or talks to a board. What can be known without either is measured: \
             accuracy comes from the test samples of a data set, run in the arithmetic of the device.",
            p.text_weak,
        ));
        ui.add_space(12.0);
        ui.label(Type::SmallTitle.text("What can be done today", p.text));
        let project = cx.session.open.as_ref().and_then(|o| o.project.as_ref());
        let name = project.and_then(|path| path.file_name()).map_or_else(|| "PROJECT.ron".into(), |n| n.to_string_lossy());
        let line = format!("tinsmith run {}", quoted(&name));
        ui.horizontal(|ui| {
            ui.label(Type::Mono.text("$", p.text_faint));
            ui.label(Type::Mono.text(&line, p.text));
            if icon_button(ui, icons::COPY, &format!("Copy: {line}")).clicked() {
                ui.ctx().copy_text(line.clone());
            }
        });
        ui.label(Type::Caption.text("runs the whole test set without a window and prints every figure", p.text_weak));
        ui.add_space(12.0);
        ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
            wants_data = button(ui, "Look at single samples").on_hover_text("Opens the Data workspace").clicked();
        });
    });
    wants_data
}
