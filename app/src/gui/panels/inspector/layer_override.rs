//! What differs for one layer from the recipe, or for all selected layers at once.

use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui::{DragValue, Role, Stroke, Ui, WidgetInfo, vec2};
use tinsmith_core::graph::{Graph, NodeId};
use tinsmith_core::recipe::{Calibrator, Granularity, LayerOverride, Quantize, Recipe, Scheme};

use super::activations::range_of_output;
use super::group_rule;
use crate::gui::context::PanelCtx;
use crate::gui::kept::{Same, kept};
use crate::gui::panels::recipe::{CALIBRATORS, calibrator_ui};
use crate::gui::theme::{CONTROL_SMALL, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{group_title, label_row, select, text_button};

const AS_IN_RECIPE: &str = "as in the recipe";
const MIXED: &str = "mixed";

/// What several layers have in a place: the same, or not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shared<T> {
    Same(T),
    Mixed,
}

/// What all of these layers have in the place that `get` reads.
fn shared<T: PartialEq>(of: &[LayerOverride], get: impl Fn(&LayerOverride) -> T) -> Shared<T> {
    let mut values = of.iter().map(get);
    match values.next() {
        Some(first) if values.all(|v| v == first) => Shared::Same(first),
        _ => Shared::Mixed,
    }
}

/// Shows the controls of the selected layers, if the recipe quantizes.
pub fn ui(cx: PanelCtx<'_>, recipe: &mut Recipe, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (Some(quantize), Some(float)) = (recipe.quantize_mut(), cx.session.float_graph()) else { return };
    // Thousands of layers may be selected.
    let layers = kept(ui.ctx(), "layers that are quantized", float.clone(), |of| by_name(of.graph()));
    // Nodes that are part of others by then, and those that quantization put in, are nobody's to override.
    let names: Vec<&String> = cx.session.all_selected().filter(|n| layers.contains_key(*n)).collect();
    if names.is_empty() {
        return;
    }
    group_rule(ui);
    let before: Vec<LayerOverride> = names.iter().map(|n| quantize.overrides.get(*n).cloned().unwrap_or_default()).collect();
    let mut own = before.clone();
    let is_untouched = before.iter().all(LayerOverride::is_empty);
    let title = if names.len() == 1 { "This layer".to_owned() } else { format!("These {} layers", names.len()) };
    let about = if is_untouched { AS_IN_RECIPE } else { "otherwise as in the recipe" };
    group_title(ui, &title, Type::Small.text(about, p.text_weak), |ui| {
        if !is_untouched && text_button(ui, "Clear all").clicked() {
            own.fill(LayerOverride::default());
        }
    });
    let have_weights = names.iter().any(|n| layers.get(*n).is_some_and(|id| float.graph().node(*id).op.has_weights()));
    let width = (ui.available_width() - 84.0).max(80.0);
    ui.push_id("override", |ui| {
        scheme_ui(&mut own, width, ui);
        if have_weights {
            granularity_ui(&mut own, width, ui);
        }
        own_calibrator_ui(&mut own, width, ui);
        clip_ui(cx, &names, &mut own, ui);
    });
    if own != before {
        for (name, own) in names.iter().zip(own) {
            put(quantize, name, own);
        }
    }
}

/// Layers of a graph by their names.
fn by_name(graph: &Graph) -> HashMap<String, NodeId> {
    // Backwards: of several of one name the first counts, as everywhere.
    graph.node_ids().rev().map(|id| (graph.node(id).name.clone(), id)).collect()
}

/// Sets what differs for a layer; what differs in nothing is no entry.
pub fn put(quantize: &mut Quantize, name: &str, own: LayerOverride) {
    if own.is_empty() {
        quantize.overrides.remove(name);
    } else {
        quantize.overrides.insert(name.to_owned(), own);
    }
}

/// A choice for all layers; "mixed" is offered only while it is so.
fn choice_ui<T: PartialEq + Clone>(
    ui: &mut Ui,
    name: &str,
    of: Shared<Option<T>>,
    offered: &[(T, &str)],
    width: f32,
) -> Option<Option<T>> {
    let mut options = vec![(Shared::Same(None), AS_IN_RECIPE)];
    options.extend(offered.iter().map(|(v, words)| (Shared::Same(Some(v.clone())), *words)));
    if of == Shared::Mixed {
        options.insert(0, (Shared::Mixed, MIXED));
    }
    let mut chosen = of;
    let is_changed = select(ui, name, &mut chosen, &options, width).changed();
    match chosen {
        Shared::Same(value) if is_changed => Some(value),
        Shared::Same(_) | Shared::Mixed => None,
    }
}

fn scheme_ui(own: &mut [LayerOverride], width: f32, ui: &mut Ui) {
    let schemes = Scheme::ALL.map(|scheme| (scheme, scheme.name()));
    let of = shared(own, |o| o.scheme);
    if let Some(scheme) = label_row(ui, "Scheme", |ui| choice_ui(ui, "Layer scheme", of, &schemes, width)) {
        own.iter_mut().for_each(|o| o.scheme = scheme);
    }
}

fn granularity_ui(own: &mut [LayerOverride], width: f32, ui: &mut Ui) {
    let granularities = [(Granularity::PerTensor, "per-tensor"), (Granularity::PerChannel, "per-channel")];
    let of = shared(own, |o| o.granularity);
    if let Some(granularity) = label_row(ui, "Granularity", |ui| choice_ui(ui, "Layer granularity", of, &granularities, width)) {
        own.iter_mut().for_each(|o| o.granularity = granularity);
    }
}

fn own_calibrator_ui(own: &mut [LayerOverride], width: f32, ui: &mut Ui) {
    let of = shared(own, |o| o.calibrator);
    if let Shared::Same(Some(mut calibrator)) = of {
        let before: Calibrator = calibrator;
        calibrator_ui("Layer calibrator", &mut calibrator, ui);
        let mut chosen = Some(calibrator);
        if text_button(ui, "Calibrator as in the recipe").clicked() {
            chosen = None;
        }
        if chosen != Some(before) {
            own.iter_mut().for_each(|o| o.calibrator = chosen);
        }
        return;
    }
    if let Some(chosen) = label_row(ui, "Calibrator", |ui| choice_ui(ui, "Layer calibrator", of, &CALIBRATORS, width)) {
        own.iter_mut().for_each(|o| o.calibrator = chosen);
    }
}

/// The ends of the output's range as numbers: typed, or dragged sideways.
fn clip_ui(cx: PanelCtx<'_>, names: &[&String], own: &mut [LayerOverride], ui: &mut Ui) {
    let p = Palette::of(ui);
    // What a layer has now: its own range, else the calibrator's.
    let candidate = cx.session.candidate();
    let in_candidate =
        candidate.map(|c| kept(ui.ctx(), "layers of the candidate", Same(Arc::clone(c)), |of| by_name(&of.0.graph)));
    let applied = |name: &str| range_of_output(&candidate?.graph, *in_candidate.as_ref()?.get(name)?);
    let now = |name: &str, o: &LayerOverride| o.clip.or_else(|| applied(name));
    let ranges: Vec<Option<(f32, f32)>> = names.iter().zip(own.iter()).map(|(n, o)| now(n, o)).collect();
    let Some(first) = ranges.iter().flatten().next().copied() else { return };
    label_row(ui, "Output clip", |ui| {
        let visuals = &mut ui.visuals_mut().widgets;
        for state in [&mut visuals.inactive, &mut visuals.hovered] {
            state.weak_bg_fill = p.sunken;
            state.bg_stroke = Stroke::new(1.0, p.line);
        }
        for (is_lower, name) in [(true, "Lower clip number"), (false, "Upper clip number")] {
            let end = |r: (f32, f32)| if is_lower { r.0 } else { r.1 };
            let is_mixed = ranges.iter().any(|r| r.map(end) != Some(end(first)));
            let mut value = end(first);
            if field_ui(ui, &mut value, is_mixed, is_lower, name) {
                for (o, range) in own.iter_mut().zip(&ranges) {
                    let range = range.unwrap_or(first);
                    o.clip = Some(if is_lower { (value, range.1) } else { (range.0, value) });
                }
            }
        }
        if own.iter().any(|o| o.clip.is_some()) {
            if text_button(ui, "Calibrated").on_hover_text("Let the calibrator choose the range again").clicked() {
                own.iter_mut().for_each(|o| o.clip = None);
            }
        } else {
            ui.label(Type::Caption.text("calibrated", p.text_faint));
        }
    });
}

/// A number field; true once another number was entered. Zero has to stay representable.
fn field_ui(ui: &mut Ui, value: &mut f32, is_mixed: bool, is_lower: bool, name: &str) -> bool {
    let before = *value;
    let range = if is_lower { f32::MIN..=0.0 } else { 0.0..=f32::MAX };
    let speed = (value.abs() * 0.005).max(1e-4);
    let words = move |x: f64, _: std::ops::RangeInclusive<usize>| if is_mixed { MIXED.to_owned() } else { units::real(x) };
    let field = DragValue::new(value).range(range).speed(speed).custom_formatter(words).update_while_editing(false);
    let response = ui.add_sized(vec2(64.0, CONTROL_SMALL), field);
    response.widget_info(|| {
        let mut info = WidgetInfo::drag_value(ui.is_enabled(), f64::from(before));
        info.role = Role::SpinButton;
        info.label = Some(name.to_owned());
        info
    });
    *value != before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_layers_is_mixed() {
        let int8 = LayerOverride { scheme: Some(Scheme::Int8), ..LayerOverride::default() };
        assert_eq!(shared(&[int8.clone(), int8.clone()], |o| o.scheme), Shared::Same(Some(Scheme::Int8)));
        assert_eq!(shared(&[int8, LayerOverride::default()], |o| o.scheme), Shared::Mixed);
    }

    #[test]
    fn what_no_longer_differs_is_taken_out() {
        let mut quantize = Quantize::default();
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let own = LayerOverride { scheme: Some(Scheme::Float32), ..LayerOverride::default() };
        [&a, &b].into_iter().for_each(|name| put(&mut quantize, name, own.clone()));
        assert_eq!(quantize.overrides.len(), 2);
        [&a, &b].into_iter().for_each(|name| put(&mut quantize, name, LayerOverride::default()));
        assert!(quantize.overrides.is_empty());
    }
}
