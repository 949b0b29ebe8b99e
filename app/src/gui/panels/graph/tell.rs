//! What the pointer is on, in words beside it.

use eframe::egui::{PopupAnchor, Tooltip, Ui};

use super::scene::Scene;
use crate::gui::graph_view::picture::Picture as _;
use crate::gui::theme::{Palette, Type};

/// Says what a box is, where it is too small for words.
pub(super) fn of_box(ui: &Ui, scene: &Scene, i: usize) {
    let words = scene.words(i);
    let value = if words.value.is_empty() { String::new() } else { format!(", {}", words.value) };
    say(ui, &words.title, &[format!("{}{value}", words.about)]);
}

/// Says what flows along an edge, and how far it is from the float model.
pub(super) fn of_edge(ui: &Ui, scene: &Scene, edge: usize) {
    let (title, about) = scene.edge_about(edge);
    say(ui, &title, &about);
}

fn say(ui: &Ui, title: &str, lines: &[String]) {
    let p = Palette::of(ui);
    let id = ui.scope_id().with("graph hint");
    Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, PopupAnchor::Pointer).gap(12.0).show(|ui| {
        ui.label(Type::SmallTitle.text(title, p.text));
        for line in lines {
            ui.label(Type::Caption.text(line, p.text_weak));
        }
    });
}
