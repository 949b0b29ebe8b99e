//! Everything about the selected layer: its weights in real units and in codes, its channels, its output, and what differs for it
//! from the recipe.

mod activations;
mod channels;
mod layer_override;
mod weights;

use eframe::egui::{Align, Frame, Layout, Margin, ScrollArea, Ui};
use tinsmith_core::graph::NodeId;
use tinsmith_core::recipe::Recipe;

use super::graph::{short_name, sqnr};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, Type};
use crate::gui::units::{self, NONE};
use crate::gui::widgets::{empty_state, panel_header, rule};

/// The panel's view state.
#[derive(Debug, Default)]
pub struct InspectorPanel {
    units: weights::Units,
    clip_drag: activations::ClipDrag,
}

impl InspectorPanel {
    /// Shows the panel; edits the overrides of the recipe.
    pub fn ui(&mut self, cx: PanelCtx<'_>, recipe: &mut Recipe, ui: &mut Ui) {
        let node = cx.session.selected_node();
        let name = cx.session.selection.as_deref().map_or_else(String::new, short_name);
        panel_header(ui, "Inspector", &name, |_| {});
        let Some(node) = node else {
            let (title, why) = match &cx.session.selection {
                Some(_) => ("Not in this graph", "The recipe merged or removed the layer; show the source to see it."),
                None => ("No layer selected", "Click a box in the graph or a row of the table."),
            };
            empty_state(ui, icons::CHART_BAR, title, why, None);
            return;
        };
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 6.0;
                facts_ui(cx, node, ui);
                let shown = cx.session.distributions.as_deref().filter(|d| Some(&d.node) == cx.session.selection.as_ref());
                if let Some(distributions) = shown {
                    weights::ui(&mut self.units, distributions, ui);
                    channels::ui(distributions, ui);
                    activations::ui(&mut self.clip_drag, cx, node, distributions, recipe, ui);
                }
                layer_override::ui(cx, node, recipe, ui);
            });
        });
    }
}

/// What it is, in four figures and a sentence.
fn facts_ui(cx: PanelCtx<'_>, node: NodeId, ui: &mut Ui) {
    let p = Palette::of(ui);
    let Some(graph) = cx.session.graph() else { return };
    let layer = cx.session.layer(node);
    let error = cx.session.layer_error(node);
    let op = layer.map_or_else(|| graph.node(node).op.name().to_owned(), |l| l.label.clone());
    let output = graph.output(graph.node(node), 0).map_or_else(|| NONE.to_owned(), |t| units::shape(&t.shape));
    let share = |of: u64, all: u64| if all > 0 { format!(", {:.0} %", of as f64 / all as f64 * 100.0) } else { String::new() };
    let facts = [
        (op, output),
        ("Weights".to_owned(), layer.map_or_else(|| NONE.to_owned(), |l| format!("{} B", units::exact(l.weights_bytes)))),
        (
            "MACs".to_owned(),
            layer
                .zip(cx.session.shown_static())
                .map_or_else(|| NONE.to_owned(), |(l, s)| format!("{}{}", units::count(l.macs).joined(), share(l.macs, s.macs))),
        ),
        ("SQNR".to_owned(), error.map_or_else(|| NONE.to_owned(), |e| format!("{} dB", sqnr(e.sqnr_db)))),
    ];
    let width = ui.available_width() / 4.0 - 8.0;
    ui.horizontal(|ui| {
        for (name, value) in facts {
            ui.allocate_ui_with_layout(eframe::egui::vec2(width, 34.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.add(eframe::egui::Label::new(Type::Caption.text(name, p.text_weak)).truncate());
                ui.add(eframe::egui::Label::new(Type::SmallMedium.text(value, p.text)).truncate());
            });
        }
    });
    for note in graph.notes.iter().filter(|n| n.node == Some(node)) {
        ui.label(Type::Caption.text(&note.text, p.amber));
    }
    if let Some(words) = remark(cx, node) {
        ui.label(Type::Caption.text(words, p.text_weak));
    }
}

/// What stands out about this layer.
fn remark(cx: PanelCtx<'_>, node: NodeId) -> Option<String> {
    let mut remarks = Vec::new();
    if let (Some(errors), Some(own)) = (cx.session.figures.layer_errors.value.as_deref(), cx.session.layer_error(node)) {
        let all: Vec<f64> = errors.layers.iter().flatten().map(|e| e.sqnr_db).collect();
        if all.len() > 1 && all.iter().all(|&db| own.sqnr_db <= db) {
            remarks.push(format!("Lowest SQNR of {}.", all.len()));
        }
    }
    if let Some(statics) = cx.session.shown_static() {
        let at = |op: usize| {
            let alive = statics.arena.lifetimes.iter().filter(move |l| l.first_node <= op && op <= l.last_node);
            alive.map(|l| l.bytes).sum::<u64>()
        };
        let here = at(node.index());
        let most = (0..statics.layers.len()).map(at).max().unwrap_or(0);
        if here > 0 && here == most {
            remarks.push(format!("Memory peaks here: {} bytes alive.", units::exact(here)));
        }
    }
    (!remarks.is_empty()).then(|| remarks.join(" "))
}

/// A rule above a group of the inspector.
fn group_rule(ui: &mut Ui) {
    ui.add_space(2.0);
    rule(ui);
    ui.add_space(2.0);
}
