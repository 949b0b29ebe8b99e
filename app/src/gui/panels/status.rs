//! The line at the bottom: what is running, what the model is, what undo would take back.

use std::sync::Arc;

use eframe::egui::{Align, Layout, Ui};
use tinsmith_core::graph::Graph;

use crate::gui::command::{Action, Command};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::kept::{Same, kept};
use crate::gui::notice::Kind;
use crate::gui::session::Session;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{icon_button, progress_bar, text_icon_button};

/// Shows the line. `undo_name` is what undo would take back.
pub fn ui(cx: PanelCtx<'_>, undo_name: Option<&str>, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.add_space(4.0);
        match &cx.session.activity {
            Some(activity) => {
                ui.label(Type::Small.text(capitalized(&activity.words()), p.text_weak));
                progress_bar(ui, activity.fraction(), 84.0, "Progress");
                if icon_button(ui, icons::X, "Cancel").clicked() {
                    cx.send(Command::Cancel);
                }
            }
            None => {
                ui.label(Type::Small.text(&cx.session.message, p.text_weak));
            }
        }
        if let Some(words) = about_model(cx.session, ui) {
            ui.separator();
            ui.spacing_mut().item_spacing.x = 16.0;
            for word in words {
                ui.label(Type::Small.text(word, p.text_weak));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(4.0);
            let n_failed = cx.session.notices.shown().filter(|n| n.kind == Kind::Error).count();
            let colour = if n_failed > 0 { p.red } else { p.text_faint };
            let name = if n_failed > 0 { format!("Activity, {n_failed} failed") } else { Action::Activity.name().to_owned() };
            if text_icon_button(ui, icons::LIST_BULLETS, &name, colour).clicked() {
                cx.commands.act(Action::Activity);
            }
            let words = undo_name.map_or_else(|| format!("Tinsmith {}", env!("CARGO_PKG_VERSION")), |n| format!("undo: {n}"));
            ui.label(Type::Small.text(words, p.text_faint));
        });
    });
}

/// Trained numbers of a graph.
fn parameters(graph: &Graph) -> u64 {
    let weights = graph.nodes.iter().filter(|n| n.op.has_weights()).flat_map(|n| n.inputs.iter().skip(1).flatten());
    let mut ids: Vec<_> = weights.collect();
    ids.sort_unstable();
    ids.dedup();
    ids.iter().map(|&&id| graph.tensor(id)).filter(|t| t.is_constant()).map(|t| t.n_elements() as u64).sum()
}

fn about_model(session: &Session, ui: &Ui) -> Option<Vec<String>> {
    let open = session.open.as_ref()?;
    let source = &open.source.graph;
    let n = kept(ui.ctx(), "parameters of the source", Same(Arc::clone(&open.source)), |of| parameters(&of.0.graph));
    let ops = match session.candidate() {
        Some(c) if c.graph.nodes.len() != source.nodes.len() => format!("{} → {} ops", source.nodes.len(), c.graph.nodes.len()),
        _ => format!("{} ops", source.nodes.len()),
    };
    Some(vec![ops, format!("{} parameters", units::count(*n).joined()), describe(session)])
}

/// The candidate in a few words: `int8 per-channel`.
pub fn describe(session: &Session) -> String {
    use tinsmith_core::recipe::{Granularity, Scheme, Step};
    let quantize = session.edit.recipe.steps.iter().find_map(|e| match &e.step {
        Step::Quantize(q) if e.enabled => Some(q),
        _ => None,
    });
    let source_is_integer = session.open.as_ref().is_some_and(|o| o.source.graph.is_integer());
    match quantize {
        _ if source_is_integer => "int8 as it came".to_owned(),
        Some(q) if q.scheme == Scheme::Int8 => match q.granularity {
            Granularity::PerChannel => "int8 per-channel".to_owned(),
            Granularity::PerTensor => "int8 per-tensor".to_owned(),
        },
        _ => "float32".to_owned(),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
