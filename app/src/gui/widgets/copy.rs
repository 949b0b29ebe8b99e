//! Ctrl+C on anything that shows figures.

use eframe::egui::{Event, Ui};

/// Whether the user copies what lies under the pointer or has the focus. What is typed into comes first.
pub fn is_copied(ui: &Ui, is_meant: bool) -> bool {
    is_meant && !ui.ctx().text_edit_focused() && ui.input(|i| i.events.iter().any(|e| matches!(e, Event::Copy)))
}
