//! The line at the bottom: what is running, what the model is, what undo would take back.

use eframe::egui::{Align, Color32, Label, Layout, Ui};
use tinsmith_core::live::LatencyFigures;

use crate::gui::candidates::scheme_words;
use crate::gui::command::{Action, Command};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::notice::Kind;
use crate::gui::session::Session;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{elided, icon_button, progress_bar, text_icon_button};
use crate::gui::workspace::Workspace;

/// Between the facts about the model.
const GAP: f32 = 16.0;
/// Room of the progress bar and its button.
const PROGRESS: f32 = 132.0;
/// Room of the button at the right beyond its words.
const BUTTON: f32 = 48.0;
/// Longer words about what undo takes back are cut in narrow windows.
const LONGEST_UNDO: f32 = 160.0;

/// Shows the line. `undo_name` is what undo would take back.
pub fn ui(cx: PanelCtx<'_>, undo_name: Option<&str>, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.add_space(4.0);
        let n_failed = cx.session.notices.shown().filter(|n| n.kind == Kind::Error).count();
        let name = if n_failed > 0 { format!("Activity, {n_failed} failed") } else { Action::Activity.name().to_owned() };
        let undo = undo_name.map_or_else(|| format!("Tinsmith {}", env!("CARGO_PKG_VERSION")), |n| format!("undo: {n}"));
        // What is at the right keeps its room, but for long words; then comes what happens, then of the model what finds room.
        let end = ui.max_rect().right() - width_of(ui, &name) - width_of(ui, &undo).min(LONGEST_UNDO) - BUTTON;
        if let Some(words) = recording(cx.session) {
            ui.add(Label::new(Type::Small.text(words, p.accent_text)));
        }
        match &cx.session.activity {
            Some(activity) => {
                cut_label(ui, &capitalized(&activity.words()), end - PROGRESS);
                progress_bar(ui, activity.fraction(), 84.0, "Progress");
                if icon_button(ui, icons::X, "Cancel").clicked() {
                    cx.send(Command::Cancel);
                }
            }
            None => {
                let live = about_live(cx.session);
                cut_label(ui, live.as_ref().unwrap_or(&cx.session.message), end);
            }
        }
        if let Some(words) = about_model(cx.session) {
            let has_room = |ui: &Ui, word: &str| ui.cursor().left() + width_of(ui, word) + GAP < end;
            if words.first().is_some_and(|word| has_room(ui, word)) {
                ui.separator();
            }
            ui.spacing_mut().item_spacing.x = GAP;
            for word in words {
                if !has_room(ui, &word) {
                    break;
                }
                ui.label(Type::Small.text(word, p.text_weak));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(4.0);
            let colour = if n_failed > 0 { p.red } else { p.text_faint };
            if text_icon_button(ui, icons::LIST_BULLETS, &name, colour).clicked() {
                cx.commands.act(Action::Activity);
            }
            ui.add(Label::new(Type::Small.text(undo, p.text_faint)).truncate());
        });
    });
}

/// How long it has been recorded, while it is; in every workspace, since samples go to the disk all the while.
fn recording(session: &Session) -> Option<String> {
    let seen = session.capture.station()?.seen();
    let seconds = seen.recording_since?.elapsed().as_secs();
    let gaps: u64 = seen.tracks.iter().map(|track| track.n_gaps).sum();
    let lost = if gaps > 0 { format!(", {gaps} gaps") } else { String::new() };
    Some(format!("recording, {} min {} s{lost}", seconds / 60, seconds % 60))
}

fn width_of(ui: &Ui, words: &str) -> f32 {
    ui.painter().layout_no_wrap(words.to_owned(), Type::Small.font(), Color32::PLACEHOLDER).size().x
}

/// Words that end at `end` if they are longer.
fn cut_label(ui: &mut Ui, words: &str, end: f32) {
    let galley = elided(ui, words, Type::Small, Palette::of(ui).text_weak, end - ui.cursor().left());
    ui.label(galley);
}

/// What the live demo takes, while it is looked at.
fn about_live(session: &Session) -> Option<String> {
    let listener = session.live.listener.as_ref().filter(|_| session.workspace == Workspace::Live)?;
    let shown = listener.shown();
    let step = |figures: LatencyFigures, what: &str| {
        let is_known = figures.count > 0;
        is_known.then(|| format!("{what} {}", units::microseconds(figures.mean_us.into()).joined()))
    };
    let began = format!("live, {}", units::duration(shown.began.elapsed()));
    let (here, there) = (shown.latencies.figures(), shown.board.latencies.figures());
    let words = [Some(began), step(here, "a step here"), step(there, "on the board")];
    Some(words.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn about_model(session: &Session) -> Option<Vec<String>> {
    let open = session.open.as_ref()?;
    let source = &open.source.graph;
    let ops = match session.candidate() {
        Some(c) if c.graph.nodes.len() != source.nodes.len() => format!("{} → {} ops", source.nodes.len(), c.graph.nodes.len()),
        _ => format!("{} ops", source.nodes.len()),
    };
    // Counted by the worker; until then there is nothing to say.
    let counted = session.figures.baseline_static.value.as_ref();
    let parameters = counted.map(|s| format!("{} parameters", units::count(s.parameters).joined()));
    Some([Some(ops), parameters, Some(describe(session))].into_iter().flatten().collect())
}

/// The candidate in a few words: `int8 per-channel`.
pub fn describe(session: &Session) -> String {
    use tinsmith_core::recipe::Step;
    let quantize = session.edit.recipe.steps.iter().find_map(|e| match &e.step {
        Step::Quantize(q) if e.enabled => Some(q),
        _ => None,
    });
    let source_is_integer = session.open.as_ref().is_some_and(|o| o.source.graph.is_integer());
    match quantize {
        _ if source_is_integer => "int8 as it came".to_owned(),
        Some(q) => scheme_words(q),
        None => "float32".to_owned(),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
