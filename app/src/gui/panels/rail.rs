//! The strip of workspaces at the left.

use eframe::egui::{Align, Align2, Layout, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::gui::command::Action;
use crate::gui::context::PanelCtx;
use crate::gui::theme::{Palette, RAIL, Type};
use crate::gui::widgets::focus_ring;
use crate::gui::workspace::Workspace;

/// Height of a workspace's button; less where the window is too low for all of them.
const ITEM: f32 = 56.0;

/// Shows the workspaces.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let is_open = cx.session.open.is_some();
    let height = (ui.available_height() / Workspace::ALL.len() as f32).floor().min(ITEM);
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        for workspace in Workspace::ALL {
            let is_active = is_open && cx.session.workspace == workspace;
            if item(ui, height, workspace, is_active, is_open) {
                cx.commands.act(Action::Go(workspace));
            }
        }
    });
}

fn item(ui: &mut Ui, height: f32, of: Workspace, is_active: bool, is_enabled: bool) -> bool {
    let p = Palette::of(ui);
    let sense = if is_enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(RAIL, height), sense);
    response.widget_info(|| WidgetInfo::selected(Role::Tab, is_enabled, is_active, format!("Workspace {}", of.name())));
    let colour = match (is_active, is_enabled) {
        (true, _) => p.text,
        (false, true) if response.hovered() || response.has_focus() => p.text,
        (false, true) => p.text_weak,
        (false, false) => p.base_fill,
    };
    if is_active {
        let bar = Rect::from_min_size(pos2(rect.left(), rect.top() + 8.0), vec2(2.0, height - 16.0));
        ui.painter().rect_filled(bar, 0.0, p.accent);
    }
    if response.has_focus() {
        focus_ring(ui, rect.shrink(4.0), p.accent);
    }
    let icon_colour = if is_active { p.accent_text } else { colour };
    let at = |y: f32| pos2(rect.center().x, rect.center().y - ITEM / 2.0 + y);
    ui.painter().text(at(20.0), Align2::CENTER_CENTER, of.icon(), Type::IconRail.font(), icon_colour);
    ui.painter().text(at(41.0), Align2::CENTER_CENTER, of.name(), Type::Caption.font(), colour);
    let keys = Action::Go(of).keys(ui.ctx());
    response.on_hover_text(format!("{} ({keys})", of.question())).clicked()
}
