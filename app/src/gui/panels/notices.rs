//! What the user should know: errors on top, then what was found in the model.

use eframe::egui::Ui;

use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::{button, notice, text_button};

/// Shows all notices above the workspace; takes no room if there are none.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    if cx.session.recovery.is_some() {
        recovery_ui(cx, ui);
    }
    for (i, of) in cx.session.notices.iter().enumerate() {
        if notice(ui, of) {
            cx.send(Command::Dismiss(i));
        }
        ui.add_space(1.0);
    }
}

/// Offers what was autosaved before the program ended unexpectedly.
fn recovery_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    eframe::egui::Frame::new().fill(p.amber_soft).inner_margin(eframe::egui::Margin::symmetric(14, 8)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(Type::Title.text("Changes were not saved last time", p.text));
            ui.label(Type::Small.text("The program ended with a recipe that is newer than the file.", p.text_weak));
            if button(ui, "Recover them").clicked() {
                cx.send(Command::Recover(true));
            }
            if text_button(ui, "Drop them").clicked() {
                cx.send(Command::Recover(false));
            }
        });
    });
}

/// Whether anything is shown.
pub fn any(cx: PanelCtx<'_>) -> bool {
    cx.session.recovery.is_some() || !cx.session.notices.is_empty()
}
