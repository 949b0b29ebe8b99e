//! Everything about the selected layer: its weights in real units and in codes, its channels, its output, and what differs for it
//! from the recipe.

mod activations;
mod channels;
mod clip;
mod grip;
mod importance;
mod layer_override;
mod lineage;
mod outlines;
mod weights;

use eframe::egui::{Align, Frame, Layout, Margin, ScrollArea, Sense, Ui, vec2};
use tinsmith_core::graph::NodeId;
use tinsmith_core::measure::{LayerErrors, StaticFigures};
use tinsmith_core::recipe::Recipe;

use super::graph::{short_name, sqnr};
use super::memory::peak_op;
use super::recipe::offers_ui;
use crate::gui::command::{Command, Shown};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::kept::{Same, kept};
use crate::gui::offers::offers_for;
use crate::gui::plots::View;
use crate::gui::theme::{Palette, Type};
use crate::gui::units::{self, NONE};
use crate::gui::widgets::{empty_state, group_title, panel_header, rule};
use crate::worker::MAX_SHOWN;

/// The panel's view state.
#[derive(Debug, Default)]
pub struct InspectorPanel {
    weights: weights::WeightsView,
    channels: View,
    output: activations::OutputView,
    importance: importance::ImportanceView,
}

impl InspectorPanel {
    /// Shows the panel; edits the overrides of the recipe.
    pub fn ui(&mut self, cx: PanelCtx<'_>, recipe: &mut Recipe, ui: &mut Ui) {
        let node = cx.session.selected_node();
        let name = match cx.session.all_selected().count() {
            n if n > 1 => format!("{n} layers"),
            _ => cx.session.selection.as_deref().map_or_else(String::new, short_name),
        };
        panel_header(ui, "Inspector", &name, |_| {});
        let Some(node) = node else {
            return nothing_ui(cx, ui);
        };
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 6.0;
                facts_ui(cx, node, ui);
                lineage::ui(cx, node, ui);
                if let Some(name) = lineage::name_in_candidate(cx, node) {
                    offers_ui(&offers_for(cx.session, recipe, &name), recipe, ui);
                }
                self.plots_ui(cx, node, recipe, ui);
                if let Some(name) = lineage::name_in_candidate(cx, node) {
                    importance::ui(cx, &mut self.importance, &name, recipe, ui);
                }
                layer_override::ui(cx, recipe, ui);
            });
        });
    }

    /// The plots of the selection. While they are being counted, those of the last one stay, dimmed.
    fn plots_ui(&mut self, cx: PanelCtx<'_>, node: NodeId, recipe: &mut Recipe, ui: &mut Ui) {
        let p = Palette::of(ui);
        let Some(of) = cx.session.distributions.as_deref() else { return skeleton_ui(ui) };
        let selected: Vec<&String> = cx.session.all_selected().take(MAX_SHOWN).collect();
        let shown = std::iter::once(&of.node).chain(of.also.iter().map(|d| &d.node));
        let is_current = selected.iter().copied().eq(shown);
        if !is_current {
            ui.label(Type::Caption.text("counting the values", p.text_faint));
        }
        let many = cx.session.all_selected().count();
        if many > MAX_SHOWN {
            ui.label(Type::Caption.text(format!("plots show {MAX_SHOWN} of {many} layers"), p.text_weak));
        }
        ui.scope(|ui| {
            if !is_current {
                ui.disable();
            }
            weights::ui(cx, &mut self.weights, of, ui);
            channels::ui(cx, &mut self.channels, of, ui);
            activations::ui(cx, &mut self.output, node, of, recipe, ui);
        });
    }
}

/// Nothing is selected, or nothing that the graph on screen has.
fn nothing_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let (title, why, other) = match (&cx.session.selection, cx.session.shown_now()) {
        (None, _) => ("No layer selected", "Click a box in the graph or a row of the table.", None),
        (_, Shown::Candidate) => ("Not in this graph", "The recipe removed the layer.", Some(("Show the source", Shown::Source))),
        (_, Shown::Source) => {
            ("Not in this graph", "A step of the recipe put the layer in.", Some(("Show the candidate", Shown::Candidate)))
        }
    };
    let pressed = empty_state(ui, icons::CHART_BAR, title, why, other.map(|(words, _)| words));
    if let (Some(pressed), Some((_, shown))) = (pressed, other)
        && pressed.clicked()
    {
        cx.send(Command::Show(shown));
    }
}

/// Where plots will be, once there is something to plot.
fn skeleton_ui(ui: &mut Ui) {
    let p = Palette::of(ui);
    for (title, height) in [("Weights", 132.0), ("Channel ranges", 112.0), ("Output range", 112.0)] {
        group_rule(ui);
        group_title(ui, title, Type::Small.text("counting the values", p.text_faint), |_| {});
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
        ui.painter().rect_filled(rect, 2.0, p.plot);
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
    if cx.session.all_selected().count() > 1 {
        let name = short_name(&graph.node(node).name);
        ui.label(Type::Caption.text(format!("{name}, selected last; plots and controls are for all"), p.text_weak));
    }
    let macs = layer.zip(cx.session.shown_static());
    let facts = [
        (op, output),
        ("Weights".to_owned(), layer.map_or_else(|| NONE.to_owned(), |l| format!("{} B", units::exact(l.weights_bytes)))),
        (
            format!("MACs{}", macs.map_or_else(String::new, |(l, s)| share(l.macs, s.macs))),
            macs.map_or_else(|| NONE.to_owned(), |(l, _)| units::count(l.macs).joined()),
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
    let errors = cx.session.figures.layer_errors.value.clone().filter(|_| error.is_some());
    let of = (node, errors.map(Same), cx.session.shown_statics().cloned().map(Same));
    let words = kept(ui.ctx(), "inspector remark", of, |(node, errors, statics)| {
        remark(*node, errors.as_ref().map(|e| &*e.0), statics.as_ref().map(|s| &*s.0))
    });
    if let Some(words) = &*words {
        ui.label(Type::Caption.text(words, p.text_weak));
    }
}

/// What stands out about this layer.
fn remark(node: NodeId, errors: Option<&LayerErrors>, statics: Option<&StaticFigures>) -> Option<String> {
    let mut remarks = Vec::new();
    if let Some((errors, own)) = errors.and_then(|errors| Some((errors, errors.layers.get(node.index())?.as_ref()?))) {
        let all: Vec<f64> = errors.layers.iter().flatten().map(|e| e.sqnr_db).collect();
        if all.len() > 1 && all.iter().all(|&db| own.sqnr_db <= db) {
            remarks.push(format!("Lowest SQNR of {}.", all.len()));
        }
    }
    if let Some(statics) = statics {
        let at = |op: usize| {
            let alive = statics.arena.lifetimes.iter().filter(move |l| l.first_node <= op && op <= l.last_node);
            alive.map(|l| l.bytes).sum::<u64>()
        };
        let here = at(node.index());
        let most = at(peak_op(&statics.arena.lifetimes, statics.layers.len()));
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
