//! The help page: every command with its shortcut, and what the mouse and the keys do in the panels. Made from the list of commands.

use eframe::egui::{Align, Align2, Context, Layout, ScrollArea, Ui, Vec2, Window, vec2};

use crate::gui::command::{Action, Group};
use crate::gui::theme::{Palette, Type, small_caps};

const WIDTH: f32 = 760.0;
/// In less the page is one column.
const ROOM_FOR_TWO: f32 = 600.0;

/// What needs no command.
const GESTURES: [(&str, &str); 14] = [
    ("Hold B", "shows the model as it came"),
    ("Arrow keys", "walk the graph along its edges"),
    ("Click, Ctrl+click", "selects a layer, adds it to the selection"),
    ("Drag, wheel, pinch", "moves and zooms the graph"),
    ("Drag over a plot", "zooms into it; double-click shows all of it again"),
    ("Right-click a plot", "copies its data or saves it as a picture"),
    ("Drag a slider, wheel on it", "changes the value; double-click goes back to the default"),
    ("Type into a number field", "sets a value exactly"),
    ("Drag the clip of a layer's output", "sets its range; arrow keys do the same"),
    ("Drag a panel's header", "moves the panel; on another one they become tabs"),
    ("Drag where panels meet", "resizes them"),
    ("F6, Shift+F6", "goes from panel to panel"),
    ("Tab, Shift+Tab, Space", "goes from control to control, presses it"),
    ("Drop a file anywhere", "opens a model, a project or data"),
];

/// The page's state.
#[derive(Debug, Default)]
pub struct HelpPanel {
    /// Whether it is shown.
    pub is_open: bool,
}

impl HelpPanel {
    /// Shows the page, if it is open. Escape closes it.
    pub fn ui(&mut self, ctx: &Context) {
        let mut is_open = self.is_open;
        if is_open && super::is_escaped(ctx) {
            is_open = false;
        }
        let room = ctx.content_rect().size() - vec2(96.0, 160.0);
        Window::new("Help")
            .open(&mut is_open)
            .default_width(WIDTH.min(room.x))
            .anchor(Align2::CENTER_CENTER, Vec2::ZERO)
            .collapsible(false)
            .resizable(false)
            .show(ctx, |ui| {
                ui.set_width(WIDTH.min(room.x));
                ScrollArea::vertical().max_height(room.y.min(560.0)).auto_shrink([false, true]).show(ui, contents_ui);
            });
        self.is_open = is_open;
    }
}

fn contents_ui(ui: &mut Ui) {
    // The scroll bar lies over the margin, not over the keys.
    let all = ui.available_width() - 12.0;
    if all < ROOM_FOR_TWO {
        column_ui(ui, all, |ui| {
            for group in [Group::File, Group::Edit, Group::Look, Group::Help, Group::View] {
                group_ui(ui, group);
            }
            gestures_ui(ui);
        });
        return;
    }
    let width = (all - 24.0) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 24.0;
        column_ui(ui, width, |ui| {
            for group in [Group::File, Group::Edit, Group::Look, Group::Help] {
                group_ui(ui, group);
            }
        });
        column_ui(ui, width, |ui| {
            group_ui(ui, Group::View);
            gestures_ui(ui);
        });
    });
}

fn gestures_ui(ui: &mut Ui) {
    let p = Palette::of(ui);
    title_ui(ui, "Mouse and keys");
    for (gesture, what) in GESTURES {
        ui.label(Type::SmallMedium.text(gesture, p.text));
        ui.label(Type::Caption.text(what, p.text_weak));
    }
}

fn column_ui(ui: &mut Ui, width: f32, contents: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 2.0;
        contents(ui);
    });
}

fn title_ui(ui: &mut Ui, title: &str) {
    let p = Palette::of(ui);
    ui.add_space(10.0);
    ui.label(small_caps(title, p.text_weak));
    ui.add_space(2.0);
}

fn group_ui(ui: &mut Ui, group: Group) {
    let p = Palette::of(ui);
    title_ui(ui, group.title());
    for action in Action::ALL.into_iter().filter(|a| a.about().group == group) {
        let keys = action.keys(ui.ctx());
        ui.horizontal(|ui| {
            ui.label(Type::Small.text(action.name(), p.text)).on_hover_text(action.about().what);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(Type::Mono.text(keys, p.text_weak));
            });
        });
    }
}
