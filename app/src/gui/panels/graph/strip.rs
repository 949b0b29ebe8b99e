//! The legend of two graphs side by side, and of one in a small panel: a strip below, so that it covers no box.

use eframe::egui::{Align, Color32, Label, Layout, Rect, Sense, Stroke, Ui, UiBuilder, Vec2, vec2};

use super::colour::{ColourBy, KINDS, SQNR_BETTER, SQNR_WORSE, kind_tint};
use super::legend::heat_bar;
use super::scene::Scene;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};

const LINE: f32 = 20.0;
const BAR: Vec2 = vec2(96.0, 8.0);
const GAP: f32 = 8.0;
/// With less room why boxes have no colour is left out.
const ROOM_FOR_GAP: f32 = 112.0;

/// What a strip with these scenes says of marks beside what it says of colours.
fn notes<'s>(scenes: &[&'s Scene]) -> Vec<&'s str> {
    let mut notes: Vec<&str> = Vec::new();
    for note in scenes.iter().flat_map(|scene| &scene.notes) {
        if !notes.contains(&note.as_str()) {
            notes.push(note);
        }
    }
    notes
}

/// Height of the strip: one note stands beside the colours, several have a line of their own.
pub(super) fn height(scenes: &[&Scene]) -> f32 {
    let n_lines = if notes(scenes).len() > 1 { 2.0 } else { 1.0 };
    n_lines * LINE + 4.0
}

/// Shows what colours and marks mean. The scenes share one scale.
pub(super) fn ui(ui: &mut Ui, strip: Rect, scenes: &[&Scene]) {
    let p = Palette::of(ui);
    ui.painter().rect_filled(strip, 0.0, p.panel);
    ui.painter().hline(strip.x_range(), strip.top() + 0.5, Stroke::new(1.0, p.line));
    let inner = strip.shrink2(vec2(f32::from(PANEL_PADDING), 2.0));
    let (first, second) = inner.split_top_bottom_at_y(inner.top() + LINE);
    let notes = notes(scenes);
    let marks_ui = |ui: &mut Ui| _ = ui.add(Label::new(Type::Caption.text(notes.join("; "), p.text_weak)).truncate());
    line(ui, first, "scale", |ui| {
        scale_ui(ui, scenes);
        if let [_] = notes.as_slice() {
            ui.add_space(GAP);
            marks_ui(ui);
        }
    });
    if notes.len() > 1 {
        line(ui, second, "marks", marks_ui);
    }
}

fn line(ui: &mut Ui, rect: Rect, name: &str, contents: impl FnOnce(&mut Ui)) {
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)).id_salt(name);
    let mut inside = ui.new_child(builder);
    inside.spacing_mut().item_spacing.x = GAP;
    contents(&mut inside);
}

fn scale_ui(ui: &mut Ui, scenes: &[&Scene]) {
    let p = Palette::of(ui);
    let Some(scene) = scenes.iter().find(|scene| !scene.is_bare()).or(scenes.first()) else { return };
    let by = scene.colour_by();
    let (title, about) = by.legend();
    ui.label(Type::SmallTitle.text(title, p.text));
    if by == ColourBy::Kind {
        let others = [("other", p.control_hover), ("no kernel", p.amber_soft)];
        let named = KINDS.iter().map(|&(name, series)| (name, kind_tint(series, p)));
        named.chain(others).for_each(|(name, fill)| square_ui(ui, fill, name));
        return;
    }
    let (low, high) = match by {
        ColourBy::Error => (format!("{SQNR_WORSE:.0}"), format!("{SQNR_BETTER:.0} dB")),
        _ => ("0".to_owned(), by.words(scene.most)),
    };
    ui.label(Type::Caption.text(low, p.text_weak));
    let (place, response) = ui.allocate_exact_size(BAR, Sense::hover());
    ui.painter().add(heat_bar(place, p, by == ColourBy::Error));
    response.on_hover_text(about);
    ui.label(Type::Caption.text(high, p.text_weak));
    if let Some(gap) = scenes.iter().find(|scene| scene.has_gaps && ui.available_width() > ROOM_FOR_GAP) {
        ui.add_space(GAP);
        square_ui(ui, p.control_hover, gap.given.gap);
    }
}

fn square_ui(ui: &mut Ui, fill: Color32, name: &str) {
    let p = Palette::of(ui);
    let (square, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().rect_filled(square, 2.0, fill);
    ui.label(Type::Caption.text(name, p.text_weak));
}
