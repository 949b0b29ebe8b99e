//! What comes from outside the panels: dropped files, shortcuts, keys of the graph, the wish to close the window.

use std::path::PathBuf;

use eframe::egui::{Context, Key, Popup, ViewportCommand};

use super::App;
use crate::gui::command::{Action, Command};
use crate::gui::graph_view::select::Walk;
use crate::gui::session::Leaving;

impl App {
    pub(super) fn take_input(&mut self, ctx: &Context) {
        if ctx.input(|i| i.viewport().close_requested()) && !self.may_close && self.session.is_unsaved() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.session.leaving = Some(Leaving::Quit);
        }
        let dropped: Vec<PathBuf> = ctx.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        for path in dropped {
            self.commands.send(Command::OpenPath(path));
        }
        if self.session.leaving.is_some() || self.extents.is_open() {
            // The question has to be answered first.
            return;
        }
        self.take_shortcuts(ctx);
        let is_free = self.session.open.is_some() && !ctx.text_edit_focused();
        self.session.hold_baseline = is_free && ctx.input(|i| i.key_down(Key::B) && i.modifiers.is_none());
        if ctx.memory(|m| m.focused().is_none()) && self.session.selection.is_some() {
            self.take_walk(ctx);
        }
    }

    fn take_shortcuts(&mut self, ctx: &Context) {
        // Escape lets go of what has the focus and closes what lies on top before it means anything to what lies below.
        let has_overlay = self.had_focus
            || self.panels.graph.is_searching()
            || self.palette.is_open()
            || self.help.is_open
            || self.activity.is_open
            || self.session.explained.is_some()
            || Popup::is_any_open(ctx);
        // Longest first: Ctrl+Shift+S also holds Ctrl+S.
        let mut actions = Action::ALL;
        actions.sort_by_key(|a| a.shortcut().map_or(0, |s| usize::from(!s.modifiers.shift)));
        for action in actions {
            let Some(shortcut) = action.shortcut() else { continue };
            // Letters without a modifier belong to whoever is being typed into, and so does what every text field knows itself.
            let is_of_text = matches!(action, Action::SelectAll | Action::Undo | Action::Redo);
            let is_text = shortcut.modifiers.is_none() || is_of_text;
            if is_text && (ctx.text_edit_focused() || (has_overlay && shortcut.logical_key == Key::Escape)) {
                continue;
            }
            if action.is_enabled(&self.session) && ctx.input_mut(|i| i.consume_shortcut(&shortcut)) {
                self.commands.act(action);
            }
        }
    }

    fn take_walk(&self, ctx: &Context) {
        let walks = [
            (Key::ArrowUp, Walk::Up),
            (Key::ArrowDown, Walk::Down),
            (Key::ArrowLeft, Walk::Left),
            (Key::ArrowRight, Walk::Right),
        ];
        for (key, direction) in walks {
            if ctx.input(|i| i.key_pressed(key) && i.modifiers.is_none()) {
                self.commands.send(Command::Walk(direction));
            }
        }
    }
}
