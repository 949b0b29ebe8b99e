//! One step as a card: a switch, its controls, what it did.

use eframe::egui::{Align, Color32, CornerRadius, Frame, Label, Layout, Margin, Sense, Stroke, Ui, vec2};
use tinsmith_core::optimize::{StepOutcome, StepReport};
use tinsmith_core::recipe::{Entry, Step};

use super::{pack, parameters, quantize};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::steps;
use crate::gui::theme::{Palette, RADIUS_CARD, Type};
use crate::gui::widgets::{icon_button, small_icon, switch};

/// Outputs that change by more than this, relative to the largest, changed by more than rounding.
const ROUNDING: f32 = 1e-5;

/// Shows a step; whether it is to be removed.
pub(super) fn card_ui(cx: PanelCtx<'_>, index: usize, entry: &mut Entry, ui: &mut Ui) -> bool {
    let p = Palette::of(ui);
    let report = report_of(cx, index, entry.step.name());
    Frame::new()
        .fill(p.raised)
        .stroke(Stroke::new(1.0, p.card_line))
        .corner_radius(CornerRadius::same(RADIUS_CARD))
        .inner_margin(Margin::symmetric(10, 8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 4.0;
            let (is_open, is_removed) = head_ui(cx, entry, report, ui);
            if !entry.enabled {
                return is_removed;
            }
            match &mut entry.step {
                Step::Quantize(q) => quantize::quantize_ui(cx, q, ui),
                Step::Pack(pack) => pack::pack_ui(cx, pack, ui),
                step if is_open => parameters::parameters_ui(step, ui),
                _ => {}
            }
            if let Some(report) = report {
                report_ui(cx, report, entry.step.is_rewrite() && !is_open, ui);
            }
            is_removed
        })
        .inner
}

/// What is known of a step. While a step that was added or removed is being worked on, the others are where they were before.
fn report_of<'a>(cx: PanelCtx<'a>, index: usize, name: &str) -> Option<&'a StepReport> {
    let reports = &cx.session.candidate()?.steps;
    let named = || reports.iter().filter(|report| report.name == name);
    named().find(|report| report.index == index).or_else(|| named().next())
}

/// Switch and title, and at the right what became of the step; whether its controls are shown, and whether it is to be removed.
fn head_ui(cx: PanelCtx<'_>, entry: &mut Entry, report: Option<&StepReport>, ui: &mut Ui) -> (bool, bool) {
    let p = Palette::of(ui);
    let info = steps::described(&entry.step);
    let title = steps::title(&entry.step);
    let is_rewrite = entry.step.is_rewrite();
    let has_controls = is_rewrite && entry.enabled && info.is_some_and(|info| !info.parameters.is_empty());
    let row = ui.horizontal(|ui| {
        ui.set_min_height(22.0);
        switch(ui, &mut entry.enabled, &format!("{title} on"));
        let colour = if entry.enabled { p.text } else { p.text_faint };
        ui.label(Type::Title.text(title, colour)).on_hover_text(info.map_or("", |info| info.help));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let is_removed = is_rewrite && icon_button(ui, icons::X, &format!("Remove {title}")).clicked();
            let is_open = has_controls && opened(title, ui);
            let about = if entry.enabled { about(cx, report) } else { "off" };
            ui.add_space(if is_rewrite { 2.0 } else { 0.0 });
            // Where there is no room, the words below have to do.
            let width = ui.painter().layout_no_wrap(about.to_owned(), Type::Caption.font(), p.text_weak).size().x;
            if width + 8.0 <= ui.available_width() {
                ui.label(Type::Caption.text(about, p.text_weak));
            }
            (is_open, is_removed)
        })
        .inner
    });
    row.inner
}

/// A caret that opens the controls of a step, and whether they are open. Steps that rewrite floats are rarely set otherwise.
fn opened(title: &str, ui: &mut Ui) -> bool {
    let id = ui.scope_id().with("controls");
    let mut is_open = ui.data(|data| data.get_temp(id).unwrap_or(false));
    let (icon, name) = match is_open {
        true => (icons::CARET_UP, format!("Hide what {title} does")),
        false => (icons::CARET_DOWN, format!("Choose what {title} does")),
    };
    if icon_button(ui, icon, &name).clicked() {
        is_open = !is_open;
        ui.data_mut(|data| data.insert_temp(id, is_open));
    }
    is_open
}

/// Whether a step could not do what it is for; else it did, or there was nothing to do.
fn is_obstructed(cx: PanelCtx<'_>, report: &StepReport) -> bool {
    let is_rewrite = steps::known().iter().take_while(|info| info.name != "quantize").any(|info| info.name == report.name);
    let is_of_floats = cx.session.open.as_ref().is_some_and(|o| !o.source.graph.is_integer());
    report.outcome == StepOutcome::Skipped && !(is_rewrite && is_of_floats)
}

fn about(cx: PanelCtx<'_>, report: Option<&StepReport>) -> &'static str {
    match report {
        Some(report) if is_obstructed(cx, report) => "cannot apply",
        Some(report) if report.outcome == StepOutcome::Skipped => "nothing to do",
        Some(_) => "applied",
        None => "",
    }
}

/// What the step did, or why it could not.
fn report_ui(cx: PanelCtx<'_>, report: &StepReport, is_first: bool, ui: &mut Ui) {
    let p = Palette::of(ui);
    // The title says so already.
    let has_words = !report.text.is_empty() && report.text != about(cx, Some(report));
    if !has_words && report.output_change.is_none() {
        return;
    }
    if !is_first {
        rule(ui);
    }
    let quiet = if cx.session.figures.candidate.is_stale { p.text_faint } else { p.text_weak };
    if has_words {
        let is_obstructed = is_obstructed(cx, report);
        let ink = if is_obstructed { p.amber } else { quiet };
        sentence_ui(&report.text, is_obstructed, ink, ui);
    }
    if let Some(change) = report.output_change {
        let is_much = change > ROUNDING;
        let ink = if is_much { p.amber } else { quiet };
        sentence_ui(&change_words(change), is_much, ink, ui);
    }
}

fn sentence_ui(text: &str, is_warning: bool, ink: Color32, ui: &mut Ui) {
    ui.horizontal_top(|ui| {
        if is_warning {
            small_icon(ui, icons::WARNING, ink);
        }
        ui.add(Label::new(Type::Caption.text(text, ink)).wrap());
    });
}

/// `outputs change by at most 3.1e-7`, relative to the largest output.
fn change_words(change: f32) -> String {
    match change {
        0.0 => "outputs stay the same to the last bit".to_owned(),
        change if change < 1e-3 => format!("outputs change by at most {change:.1e}"),
        change => format!("outputs change by at most {:.1} %", change * 100.0),
    }
}

fn rule(ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 5.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, p.line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_its_own_size() {
        assert_eq!(change_words(3.1e-7), "outputs change by at most 3.1e-7");
        assert_eq!(change_words(0.0), "outputs stay the same to the last bit");
        assert_eq!(change_words(0.014), "outputs change by at most 1.4 %");
    }
}
