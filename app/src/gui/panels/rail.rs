//! The strip of workspaces at the left.

use eframe::egui::{Align2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::gui::command::Action;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, RAIL, Type};

const ITEM: f32 = 56.0;

/// Shows the workspaces that there are.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let is_open = cx.session.open.is_some();
    item(ui, icons::SLIDERS_HORIZONTAL, "Optimize", is_open, is_open);
    if item(ui, icons::CPU, "Export", false, is_open) {
        cx.commands.act(Action::Export);
    }
}

fn item(ui: &mut Ui, icon: &str, name: &str, is_active: bool, is_enabled: bool) -> bool {
    let p = Palette::of(ui);
    let sense = if is_enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(RAIL, ITEM), sense);
    response.widget_info(|| WidgetInfo::selected(Role::Tab, is_enabled, is_active, format!("Workspace {name}")));
    let colour = match (is_active, is_enabled) {
        (true, _) => p.text,
        (false, true) if response.hovered() || response.has_focus() => p.text,
        (false, true) => p.text_weak,
        (false, false) => p.base_fill,
    };
    if is_active {
        let bar = Rect::from_min_size(pos2(rect.left(), rect.top() + 8.0), vec2(2.0, ITEM - 16.0));
        ui.painter().rect_filled(bar, 0.0, p.accent);
    }
    let icon_colour = if is_active { p.accent_text } else { colour };
    let at = |y: f32| pos2(rect.center().x, rect.top() + y);
    ui.painter().text(at(20.0), Align2::CENTER_CENTER, icon, Type::IconRail.font(), icon_colour);
    ui.painter().text(at(41.0), Align2::CENTER_CENTER, name, Type::Caption.font(), colour);
    response.clicked()
}
