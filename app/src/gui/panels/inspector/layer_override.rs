//! What differs for one layer from the recipe.

use eframe::egui::Ui;
use tinsmith_core::graph::NodeId;
use tinsmith_core::recipe::{Granularity, LayerOverride, Recipe, Scheme};

use super::group_rule;
use crate::gui::context::PanelCtx;
use crate::gui::panels::recipe::{CALIBRATORS, calibrator_ui};
use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::{group_title, label_row, select, text_button};

/// Shows the controls of the selected layer, if the recipe quantizes.
pub fn ui(cx: PanelCtx<'_>, node: NodeId, recipe: &mut Recipe, ui: &mut Ui) {
    let p = Palette::of(ui);
    let Some(graph) = cx.session.graph() else { return };
    let node = graph.node(node);
    let Some(quantize) = recipe.quantize_mut() else { return };
    // Nodes that quantization put in are nobody's to override.
    let in_source = cx.session.open.as_ref().is_some_and(|o| o.source.graph.node_named(&node.name).is_some());
    if !in_source {
        return;
    }
    group_rule(ui);
    let mut own = quantize.overrides.get(&node.name).cloned().unwrap_or_default();
    let before = own.clone();
    let mut clear = false;
    let about = if own.is_empty() { "as in the recipe" } else { "otherwise as in the recipe" };
    group_title(ui, "This layer", Type::Small.text(about, p.text_weak), |ui| {
        if !before.is_empty() {
            clear = text_button(ui, "Clear all").clicked();
        }
    });
    let width = (ui.available_width() - 84.0).max(80.0);
    ui.push_id("override", |ui| {
        label_row(ui, "Scheme", |ui| {
            let options = [(None, "as in the recipe"), (Some(Scheme::Int8), "int8"), (Some(Scheme::Float32), "float32")];
            select(ui, "Layer scheme", &mut own.scheme, &options, width)
        });
        if node.op.has_weights() {
            label_row(ui, "Granularity", |ui| {
                let options = [
                    (None, "as in the recipe"),
                    (Some(Granularity::PerTensor), "per-tensor"),
                    (Some(Granularity::PerChannel), "per-channel"),
                ];
                select(ui, "Layer granularity", &mut own.granularity, &options, width)
            });
        }
        own_calibrator_ui(&mut own, width, ui);
    });
    if clear {
        own = LayerOverride::default();
    }
    if own != before {
        if own.is_empty() {
            quantize.overrides.remove(&node.name);
        } else {
            quantize.overrides.insert(node.name.clone(), own);
        }
    }
}

fn own_calibrator_ui(own: &mut LayerOverride, width: f32, ui: &mut Ui) {
    match &mut own.calibrator {
        None => {
            label_row(ui, "Calibrator", |ui| {
                let mut chosen = None;
                let mut options = vec![(None, "as in the recipe")];
                options.extend(CALIBRATORS.iter().map(|(c, name)| (Some(*c), *name)));
                select(ui, "Layer calibrator", &mut chosen, &options, width);
                own.calibrator = chosen;
            });
        }
        Some(calibrator) => {
            calibrator_ui("Layer calibrator", calibrator, ui);
            if text_button(ui, "Calibrator as in the recipe").clicked() {
                own.calibrator = None;
            }
        }
    }
}
