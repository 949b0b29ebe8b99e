//! What can be done with any plot: a small menu, and the same on right click.

use eframe::egui::{Popup, Ui};

use super::View;
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::picture::{Format, Request};
use crate::gui::widgets::icon_button;

/// The button that opens the menu of the plot called `name`.
pub fn actions(cx: PanelCtx<'_>, view: &mut View, name: &str, ui: &mut Ui) {
    let button = icon_button(ui, icons::DOTS_THREE, &format!("{name} actions"));
    Popup::menu(&button).show(|ui| menu_ui(cx, view, name, ui));
}

pub(super) fn menu_ui(cx: PanelCtx<'_>, view: &mut View, name: &str, ui: &mut Ui) {
    ui.set_min_width(132.0);
    if ui.button("Copy data").clicked() {
        view.copy = true;
        ui.close();
    }
    if view.as_table {
        if ui.button("Show as a plot").clicked() {
            view.as_table = false;
            ui.close();
        }
        return;
    }
    if ui.button("Show as a table").clicked() {
        view.as_table = true;
        ui.close();
    }
    ui.separator();
    for (format, words) in [(Format::Svg, "Save as SVG"), (Format::Png, "Save as PNG")] {
        if ui.button(words).clicked() {
            cx.send(Command::SavePicture(Request { name: name.to_owned(), format, to: None }));
            ui.close();
        }
    }
}
