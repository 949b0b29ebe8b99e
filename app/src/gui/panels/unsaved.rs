//! The one question that waits for an answer: what becomes of unsaved changes.

use eframe::egui::{Align, Context, Key, Layout, vec2};

use crate::gui::command::{Command, Unsaved};
use crate::gui::context::PanelCtx;
use crate::gui::session::Leaving;
use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::{button, primary_button, question, text_button};

/// Asks, if somebody is about to leave unsaved changes behind. Escape stays.
pub fn ui(cx: PanelCtx<'_>, ctx: &Context) {
    let Some(leaving) = &cx.session.leaving else { return };
    let answer = |answer| cx.send(Command::Unsaved(answer));
    let shown = question(ctx, "unsaved changes").show(ctx, |ui| {
        let p = Palette::of(ui);
        ui.set_width(420.0);
        ui.label(Type::FigureSmall.text(format!("Save the changes to {}?", cx.session.name()), p.text));
        let next = match leaving {
            Leaving::Open(path) => format!("{} will be opened in its place.", path.display()),
            Leaving::Close => "The project will be closed.".to_owned(),
            Leaving::Quit => "Tinsmith will end.".to_owned(),
        };
        ui.label(Type::Small.text(next, p.text_weak));
        ui.add_space(12.0);
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 32.0), Layout::right_to_left(Align::Center), |ui| {
            let save = primary_button(ui, "Save");
            if ui.memory(|m| m.focused().is_none()) {
                save.request_focus();
            }
            if save.clicked() {
                answer(Unsaved::Save);
            }
            if button(ui, "Do not save").clicked() {
                answer(Unsaved::Discard);
            }
            if text_button(ui, "Stay here").clicked() {
                answer(Unsaved::Stay);
            }
        });
    });
    if shown.backdrop_response.clicked() || ctx.input(|i| i.key_pressed(Key::Escape)) {
        answer(Unsaved::Stay);
    }
}
