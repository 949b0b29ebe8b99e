//! Where a layer comes from and what became of it: nodes of the candidate name those of the source that they are made of, and these
//! the one that they are part of.

use eframe::egui::Ui;
use tinsmith_core::graph::{Graph, NodeId};

use crate::gui::command::{Command, Shown};
use crate::gui::context::PanelCtx;
use crate::gui::lineage::Lineage;
use crate::gui::panels::graph::short_name;
use crate::gui::theme::{Palette, Type};

/// Shows the node's counterparts in the other graph, each as a link, and what the file calls it.
pub fn ui(cx: PanelCtx<'_>, node: NodeId, ui: &mut Ui) {
    let Some(open) = &cx.session.open else { return };
    let source = &open.source.graph;
    if let Some((lineage, candidate)) = cx.session.lineage().zip(cx.session.candidate()) {
        match cx.session.shown_now() {
            Shown::Candidate => made_of_ui(cx, source, lineage.made_of(node), &candidate.graph.node(node).name, ui),
            Shown::Source => part_of_ui(cx, &lineage, node, &candidate.graph, ui),
        }
    }
    if cx.session.shown_now() == Shown::Source {
        file_names_ui(source, node, ui);
    }
}

/// What the node on screen is called in the candidate; its own name if it is not in it.
pub fn name_in_candidate(cx: PanelCtx<'_>, node: NodeId) -> Option<String> {
    let own = cx.session.graph()?.node(node).name.clone();
    if cx.session.shown_now() == Shown::Candidate {
        return Some(own);
    }
    let heir = cx.session.lineage().and_then(|lineage| lineage.heir(node)).zip(cx.session.candidate());
    Some(heir.map_or(own, |(heir, candidate)| candidate.graph.node(heir).name.clone()))
}

fn made_of_ui(cx: PanelCtx<'_>, source: &Graph, made_of: &[NodeId], name: &str, ui: &mut Ui) {
    if made_of.is_empty() {
        return says_ui("put in by a step of the recipe", ui);
    }
    let is_itself = made_of.len() == 1 && source.node(made_of[0]).name == name;
    if !is_itself {
        let names = made_of.iter().map(|id| source.node(*id).name.as_str());
        links_ui(cx, "made of", names, Shown::Source, ui);
    }
}

fn part_of_ui(cx: PanelCtx<'_>, lineage: &Lineage, node: NodeId, candidate: &Graph, ui: &mut Ui) {
    match lineage.heir(node) {
        Some(heir) if lineage.made_of(heir).len() > 1 || lineage.origin(heir) != Some(node) => {
            links_ui(cx, "now part of", std::iter::once(candidate.node(heir).name.as_str()), Shown::Candidate, ui);
        }
        Some(_) => {}
        None => says_ui("removed by the recipe", ui),
    }
}

/// What the file calls a node that got another name, or was made of several.
fn file_names_ui(source: &Graph, node: NodeId, ui: &mut Ui) {
    let node = source.node(node);
    if !node.sources.is_empty() && node.sources != [node.name.as_str()] {
        says_ui(&format!("in the file: {}", node.sources.join(", ")), ui);
    }
}

fn says_ui(words: &str, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.label(Type::Caption.text(words, p.text_weak));
}

/// Names of nodes of the other graph; each leads there.
fn links_ui<'a>(cx: PanelCtx<'_>, what: &str, names: impl Iterator<Item = &'a str>, shown: Shown, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = eframe::egui::vec2(8.0, 2.0);
        ui.label(Type::Caption.text(format!("{what}:"), p.text_weak));
        for name in names {
            let link = ui.link(Type::Caption.text(short_name(name), p.accent_text)).on_hover_text(name);
            if link.accessible_name(format!("{what} {name}")).clicked() {
                cx.send(Command::Show(shown));
                cx.send(Command::Select(Some(name.to_owned())));
            }
        }
    });
}
