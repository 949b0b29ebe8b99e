//! Why the recipe gives no candidate, and what can be done about it: in the recipe and where files would be written.

use eframe::egui::Ui;

use super::layout_choice;
use crate::gui::command::Action;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::Palette;
use crate::gui::widgets::{button, sentence_row};

/// Shows the reason and its remedies.
pub fn ui(cx: PanelCtx<'_>, why: &str, ui: &mut Ui) {
    sentence_row(ui, icons::WARNING, Palette::of(ui).amber, why, false);
    let has_data = cx.session.open.as_ref().is_some_and(|o| o.data.is_some());
    if !has_data && button(ui, Action::ChooseData.name()).clicked() {
        cx.commands.act(Action::ChooseData);
    }
    if cx.session.is_layout_asked() {
        ui.add_space(4.0);
        layout_choice::ui(cx, ui);
    }
}
