//! Controls of a recipe step or a feature stage, drawn from its description.

use eframe::egui::{Label, Role, TextEdit, Ui, WidgetInfo};
use tinsmith_core::optimize::{ParameterInfo, ParameterKind};

use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::{Slider, label_row, select, slider, switch};

/// What can be set, word by word.
pub trait Settable {
    /// What a parameter is set to; `None` if there is no such parameter.
    fn word(&self, key: &str) -> Option<String>;
    /// Sets it. Whether it can be that.
    fn set_word(&mut self, key: &str, word: &str) -> bool;
}

/// Shows everything that can be set.
pub fn parameters_ui(of: &mut impl Settable, parameters: &[ParameterInfo], ui: &mut Ui) {
    for info in parameters {
        let Some(word) = of.word(info.key) else { continue };
        let chosen = match &info.kind {
            ParameterKind::Switch => switch_ui(info, &word, ui),
            ParameterKind::Number { min, max, step } => number_ui(info, &word, (*min, *max, *step), ui),
            ParameterKind::Choice { choices } => {
                let keys: Vec<&str> = choices.iter().map(|choice| choice.key).collect();
                choice_ui(info, &word, &keys, ui)
            }
            ParameterKind::Numbers { min, max } => {
                numbers_ui(of, info, &word, (*min, *max), ui);
                None
            }
            // Samples end where the data does: what is counted has a card of its own.
            ParameterKind::Count { .. } => None,
        };
        if let Some(chosen) = chosen {
            // The other controls offer only what can be set.
            of.set_word(info.key, &chosen);
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

/// Numbers with spaces between them. What is being typed may be no number yet: it is taken when the field is left, and stays there, with
/// what is expected, if it cannot be taken.
fn numbers_ui(of: &mut impl Settable, info: &ParameterInfo, word: &str, (min, max): (f64, f64), ui: &mut Ui) {
    let p = Palette::of(ui);
    // Belongs to what is set: where that changes otherwise, what was typed is of something else.
    let id = ui.make_persistent_id(("numbers", info.key, word));
    let typed: Option<String> = ui.data(|data| data.get_temp(id));
    let mut text = typed.clone().unwrap_or_else(|| word.to_owned());
    let field = label_row(ui, info.title, |ui| {
        let field = TextEdit::singleline(&mut text).hint_text("not known yet").font(Type::Small.font());
        ui.add(field.desired_width(f32::INFINITY))
    });
    field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, info.title));
    if field.changed() {
        ui.data_mut(|data| data.insert_temp(id, text.clone()));
    }
    let is_left = field.lost_focus();
    let has_focus = field.has_focus();
    field.on_hover_text(info.help);
    if is_left && (text == word || of.set_word(info.key, &text)) {
        ui.data_mut(|data| data.remove::<String>(id));
    } else if typed.is_some() && !has_focus {
        let expected = format!("expected numbers from {min} to {max}, with spaces between them");
        ui.add(Label::new(Type::Caption.text(expected, p.amber)).wrap());
    }
}
