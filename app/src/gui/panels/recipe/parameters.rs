//! Controls of a step, drawn from its description.

use eframe::egui::{Label, Ui};
use tinsmith_core::optimize::{ParameterInfo, ParameterKind, parameter, set_parameter};
use tinsmith_core::recipe::Step;

use crate::gui::steps;
use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::{Slider, label_row, select, slider, switch};

/// Shows everything that can be set.
pub(super) fn parameters_ui(step: &mut Step, ui: &mut Ui) {
    for of in steps::described(step).map_or(&[][..], |info| &info.parameters) {
        let Some(word) = parameter(step, of.key) else { continue };
        let chosen = match &of.kind {
            ParameterKind::Switch => switch_ui(of, &word, ui),
            ParameterKind::Number { min, max, step } => number_ui(of, &word, (*min, *max, *step), ui),
            ParameterKind::Choice { choices } => {
                let keys: Vec<&str> = choices.iter().map(|choice| choice.key).collect();
                choice_ui(of, &word, &keys, ui)
            }
            // Samples end where the data does: what is counted has a card of its own.
            ParameterKind::Count { .. } | ParameterKind::Numbers { .. } => None,
        };
        if let Some(chosen) = chosen {
            // The control offers only what can be set.
            let _ = set_parameter(step, of.key, &chosen);
        }
    }
}

/// Titles of switches are sentences: they take the rest of the line, as the card's own title does.
fn switch_ui(of: &ParameterInfo, word: &str, ui: &mut Ui) -> Option<String> {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        let mut on = word == "on";
        let is_changed = switch(ui, &mut on, of.title).on_hover_text(of.help).changed();
        ui.add(Label::new(Type::Small.text(of.title, p.text_weak)).truncate()).on_hover_text(of.help);
        is_changed.then(|| if on { "on" } else { "off" }.to_owned())
    })
    .inner
}

fn number_ui(of: &ParameterInfo, word: &str, (min, max, step): (f64, f64, f64), ui: &mut Ui) -> Option<String> {
    let default = of.default.parse().unwrap_or(min);
    let decimals = if step.fract() == 0.0 { 0 } else { 2 };
    let control = Slider { name: of.title, range: min..=max, default, step, decimals, unit: of.unit };
    let mut value = word.parse().unwrap_or(default);
    let response = label_row(ui, of.title, |ui| slider(ui, &mut value, &control)).on_hover_text(of.help);
    response.changed().then(|| format!("{value:.decimals$}"))
}

fn choice_ui(of: &ParameterInfo, word: &str, keys: &[&str], ui: &mut Ui) -> Option<String> {
    let options: Vec<(String, &str)> = keys.iter().map(|key| ((*key).to_owned(), *key)).collect();
    let mut chosen = word.to_owned();
    let response = label_row(ui, of.title, |ui| {
        let width = ui.available_width();
        select(ui, of.title, &mut chosen, &options, width)
    });
    response.on_hover_text(of.help).changed().then_some(chosen)
}
