//! What the user should know, as cards in the lower right corner: they take no room from the panels and no focus. Older ones wait
//! in the list of activities.

use eframe::egui::{Align2, Area, Context, Frame, Id, Margin, Order, Ui, vec2};

use crate::gui::command::{Action, Command};
use crate::gui::context::PanelCtx;
use crate::gui::notice::{Kind, Notice};
use crate::gui::room::Room;
use crate::gui::theme::{Palette, STATUS_LINE, Type};
use crate::gui::widgets::{NoticeTouch, button, notice, text_button};

const WIDTH: f32 = 400.0;
/// So many are shown at once.
const MOST: usize = 3;
/// In a lower window only the newest is.
const LOW: f32 = 600.0;

/// Shows the newest notices that are not put away.
pub fn ui(cx: PanelCtx<'_>, ctx: &Context) {
    let shown: Vec<&Notice> = cx.session.notices.shown().collect();
    if shown.is_empty() {
        return;
    }
    Area::new(Id::unique("notices"))
        .order(Order::Foreground)
        .anchor(Align2::RIGHT_BOTTOM, vec2(-12.0, -STATUS_LINE - 12.0))
        .show(ctx, |ui| {
            ui.set_width(WIDTH);
            ui.spacing_mut().item_spacing.y = 8.0;
            let p = Palette::of(ui);
            // A low window would be covered by them.
            let most = if ctx.content_rect().height() < LOW { 1 } else { MOST };
            let rest = shown.len().saturating_sub(most);
            if rest > 0 {
                Frame::popup(ui.style()).inner_margin(Margin::symmetric(14, 4)).show(ui, |ui| {
                    ui.horizontal(|ui| {
                        ui.label(Type::Small.text(format!("{rest} more"), p.text_weak));
                        if text_button(ui, "Show all").clicked() {
                            cx.commands.act(Action::Activity);
                        }
                    });
                });
            }
            for of in &shown[rest..] {
                Frame::popup(ui.style()).inner_margin(Margin::ZERO).show(ui, |ui| card_ui(cx, of, ui));
            }
        });
}

/// One notice with its buttons.
pub fn card_ui(cx: PanelCtx<'_>, of: &Notice, ui: &mut Ui) {
    ui.push_id(of.id, |ui| {
        let remedy = of.remedy.as_ref().map(|(words, _)| words.as_str());
        match notice(ui, of.kind == Kind::Error, &of.title, &of.text, remedy) {
            Some(NoticeTouch::Dismiss) => cx.send(Command::Dismiss(of.id)),
            Some(NoticeTouch::Remedy) => {
                if let Some((_, command)) = &of.remedy {
                    cx.send(command.clone());
                }
                cx.send(Command::Dismiss(of.id));
            }
            None => {}
        }
    });
}

/// Whether there is work that was never saved.
pub fn is_recovery_offered(cx: PanelCtx<'_>) -> bool {
    cx.session.recovery.is_some()
}

/// Offers what was autosaved before the program ended unexpectedly.
pub fn recovery_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    Frame::new().fill(p.amber_soft).inner_margin(Margin::symmetric(14, 8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let why = "The program ended with a recipe that is newer than the file.";
            ui.label(Type::Title.text("Changes were not saved last time", p.text)).on_hover_text(why);
            if Room::of(ui.ctx()) > Room::Narrow {
                ui.label(Type::Small.text(why, p.text_weak));
            }
            if button(ui, "Recover them").clicked() {
                cx.send(Command::Recover(true));
            }
            if text_button(ui, "Drop them").clicked() {
                cx.send(Command::Recover(false));
            }
        });
    });
}
