//! Where samples have their channels, asked where their shape does not tell.

use eframe::egui::Ui;
use tinsmith_core::data::Layout;

use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::widgets::segmented;

/// Lets the user say it; nothing is chosen until then.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let mut layout = cx.session.edit.layout;
    let options = [(Some(Layout::Nchw), "channels first"), (Some(Layout::Nhwc), "channels last")];
    if segmented(ui, &mut layout, &options).changed() {
        cx.send(Command::SayLayout(layout));
    }
}
