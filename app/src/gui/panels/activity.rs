//! What is running, what failed and what was done, newest first.

use eframe::egui::{Align2, Context, ScrollArea, Ui, Window, vec2};

use super::notices::card_ui;
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::notice::Kind;
use crate::gui::theme::{Palette, STATUS_LINE, Type, small_caps};
use crate::gui::widgets::{icon_button, progress_bar, rule, small_icon};

const WIDTH: f32 = 420.0;

/// The list's state.
#[derive(Debug, Default)]
pub struct ActivityPanel {
    /// Whether it is shown.
    pub is_open: bool,
}

impl ActivityPanel {
    /// Shows the list over the lower left corner, if it is open. Escape closes it.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ctx: &Context) {
        let mut is_open = self.is_open;
        if is_open && super::is_escaped(ctx) {
            is_open = false;
        }
        Window::new("Activity")
            .open(&mut is_open)
            .anchor(Align2::LEFT_BOTTOM, vec2(64.0, -STATUS_LINE - 12.0))
            .collapsible(false)
            .resizable(false)
            .show(ctx, |ui| {
                ui.set_width(WIDTH);
                running_ui(cx, ui);
                happened_ui(cx, ui);
            });
        self.is_open = is_open;
    }
}

fn running_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.label(small_caps("Running", p.text_weak));
    let opening = cx.session.opening.as_ref().map(|path| format!("opening {}", path.display()));
    if cx.session.activity.is_none() && opening.is_none() {
        let is_lacking = cx.session.open.is_some() && !cx.session.figures.is_complete;
        let words = if is_lacking { "Nothing; some figures are missing." } else { "Nothing; all figures are up to date." };
        ui.label(Type::Small.text(words, p.text_faint));
    }
    if let Some(words) = opening {
        ui.label(Type::Small.text(words, p.text));
    }
    if let Some(activity) = &cx.session.activity {
        ui.horizontal(|ui| {
            ui.label(Type::Small.text(activity.words(), p.text));
            progress_bar(ui, activity.fraction(), 120.0, "Progress of the activity");
            if icon_button(ui, icons::X, "Cancel the activity").clicked() {
                cx.send(Command::Cancel);
            }
        });
    }
    ui.add_space(8.0);
    rule(ui);
    ui.add_space(4.0);
}

fn happened_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.label(small_caps("Before", p.text_weak));
    if cx.session.notices.all().is_empty() {
        ui.label(Type::Small.text("What is saved, exported, cancelled or fails is listed here.", p.text_faint));
    }
    ScrollArea::vertical().max_height((ui.ctx().content_rect().height() - 240.0).min(320.0)).auto_shrink([false, true]).show(
        ui,
        |ui| {
            for of in cx.session.notices.all().iter().rev() {
                if !of.is_dismissed {
                    card_ui(cx, of, ui);
                    continue;
                }
                let (icon, colour) = match of.kind {
                    Kind::Done => (icons::CHECK, p.green),
                    Kind::Warning => (icons::WARNING, p.amber),
                    Kind::Error => (icons::X, p.red),
                };
                ui.horizontal_top(|ui| {
                    small_icon(ui, icon, colour);
                    ui.vertical(|ui| {
                        ui.label(Type::Small.text(&of.title, p.text));
                        if !of.text.is_empty() {
                            ui.label(Type::Caption.text(&of.text, p.text_faint));
                        }
                    });
                });
            }
        },
    );
}
