//! What the recipe on screen does differently from the candidate it is compared with, in which layers they differ, and what that
//! changes.

mod layers;

use eframe::egui::{Align, Color32, Frame, Layout, Margin, Rect, Role, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use tinsmith_core::recipe::Recipe;

use super::candidates::nothing_to_compare;
use crate::gui::candidates::{Candidate, candidates, compared, is_labelled};
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::line_diff::{Line, line_diff};
use crate::gui::on_demand::Need;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{Change, change, icon_button, panel_header, rule, segmented, text_in};
use layers::LayerList;

const LINE: f32 = 19.0;
const FOOT: f32 = 64.0;

/// The panel's view state: the difference, and the recipes that it is between.
#[derive(Debug, Default)]
pub struct RecipeDiffPanel {
    between: Option<(Recipe, Recipe)>,
    lines: Vec<(Line, String)>,
    layers: LayerList,
    of: Of,
}

/// What is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Of {
    /// What the recipes say.
    #[default]
    Steps,
    /// What they make of the model.
    Layers,
}

impl RecipeDiffPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        cx.send(Command::Need(Need::Candidates));
        let all = candidates(cx.session);
        let (Some(shown), Some(other)) = (all.iter().find(|c| c.is_shown), compared(cx.session, &all)) else { return };
        let differs = shown.which != other.which;
        if differs {
            self.update(other, shown);
        }
        panel_header(ui, "Recipe", &format!("{} → {}", other.name, shown.name), |ui| {
            if !differs {
                return;
            }
            if icon_button(ui, icons::COPY, "Copy the difference").clicked() {
                ui.ctx().copy_text(self.as_text());
            }
            segmented(ui, &mut self.of, &[(Of::Steps, "steps"), (Of::Layers, "layers")]);
        });
        if !differs {
            nothing_to_compare(ui);
            return;
        }
        let all = ui.available_rect_before_wrap();
        ui.advance_cursor_after_rect(all);
        let foot = if all.height() > 2.0 * FOOT { FOOT } else { 0.0 };
        let (body, foot) = all.split_top_bottom_at_y(all.bottom() - foot);
        ui.scope_builder(UiBuilder::new().max_rect(body), |ui| match self.of {
            Of::Steps => self.lines_ui(ui),
            Of::Layers => self.layers.ui(cx, ui),
        });
        if foot.height() > 0.0 {
            ui.scope_builder(UiBuilder::new().max_rect(foot), |ui| changes_ui(cx, other, shown, ui));
        }
    }

    fn update(&mut self, other: &Candidate, shown: &Candidate) {
        let recipe = |c: &Candidate| c.recipe.clone().unwrap_or_default();
        let between = (recipe(other), recipe(shown));
        if self.between.as_ref() != Some(&between) {
            let (before, after) = (as_ron(&between.0), as_ron(&between.1));
            self.lines = line_diff(&before, &after).into_iter().map(|(line, text)| (line, text.to_owned())).collect();
            self.between = Some(between);
        }
        if self.of == Of::Layers {
            self.layers.update(other, shown);
        }
    }

    fn lines_ui(&self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::both().id_salt("difference").auto_shrink([false, false]).show_rows(ui, LINE, self.lines.len(), |ui, rows| {
            for (line, text) in self.lines.get(rows).unwrap_or_default() {
                line_ui(ui, *line, text);
            }
        });
    }

    fn as_text(&self) -> String {
        if self.of == Of::Layers {
            return self.layers.as_text();
        }
        self.lines.iter().map(|(line, text)| format!("{}{text}\n", sign(*line))).collect()
    }
}

fn sign(line: Line) -> &'static str {
    match line {
        Line::Same => " ",
        Line::Removed => "-",
        Line::Added => "+",
    }
}

/// The steps as a project's file has them; what is switched off does nothing and is left out.
fn as_ron(recipe: &Recipe) -> String {
    let style =
        ron::ser::PrettyConfig::new().extensions(ron::extensions::Extensions::IMPLICIT_SOME).indentor("  ").new_line("\n");
    let steps = recipe.steps.iter().filter(|entry| entry.enabled).map(|entry| &entry.step);
    let text = |step| ron::ser::to_string_pretty(step, style.clone()).unwrap_or_default();
    let lines: Vec<String> = steps.map(text).collect();
    // The extension is for files, not for reading.
    lines.join("\n").lines().filter(|line| !line.starts_with("#!")).collect::<Vec<_>>().join("\n")
}

fn line_ui(ui: &mut Ui, line: Line, text: &str) {
    let p = Palette::of(ui);
    let ink = match line {
        Line::Same => p.text_weak,
        Line::Removed => p.text,
        Line::Added => p.accent_text,
    };
    let galley = ui.painter().layout_no_wrap(text.to_owned(), Type::Mono.font(), ink);
    let width = (galley.size().x + 40.0).max(ui.available_width());
    let (rect, response) = ui.allocate_exact_size(vec2(width, LINE), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{}{text}", sign(line))));
    match line {
        Line::Same => {}
        Line::Removed => _ = ui.painter().rect_filled(rect, 0.0, p.base_soft),
        Line::Added => _ = ui.painter().rect_filled(rect, 0.0, p.accent_soft),
    }
    let mark = Rect::from_min_size(rect.min + vec2(12.0, 0.0), vec2(12.0, LINE));
    text_in(ui, mark, false, sign(line), Type::Mono, ink);
    ui.painter().galley(pos2(rect.left() + 28.0, rect.center().y - galley.size().y / 2.0), galley, ink);
}

/// What the difference changes: a column for each figure.
fn changes_ui(cx: PanelCtx<'_>, other: &Candidate, shown: &Candidate, ui: &mut Ui) {
    let p = Palette::of(ui);
    rule(ui);
    let labelled = is_labelled(cx.session);
    let number = |n: Option<u64>| n.map(|n| n as f64);
    let bytes = |d: f64| units::bytes(d as u64).joined();
    let count = |d: f64| units::count(d as u64).joined();
    let time = |d: f64| units::microseconds(d).joined();
    let pair = |of: fn(&Candidate) -> Option<u64>| number(of(other)).zip(number(of(shown)));
    Frame::new().inner_margin(Margin::symmetric(PANEL_PADDING, 6)).show(ui, |ui| {
        // A column for each has to have some width.
        if ui.available_width() < 120.0 {
            return;
        }
        ui.columns(5, |columns| {
            // What is not of just these two recipes is faint.
            let ink = |is_stale: bool| if is_stale { p.text_faint } else { p.text };
            let of = ink(other.is_stale || shown.is_stale);
            figure_ui(&mut columns[0], "Size", pair(Candidate::size_bytes), bytes, of);
            figure_ui(&mut columns[1], "RAM", pair(Candidate::ram_bytes), bytes, of);
            figure_ui(&mut columns[2], "MACs", pair(Candidate::macs), count, of);
            figure_ui(&mut columns[3], "Latency", other.latency_us().zip(shown.latency_us()), time, of);
            columns[3].label(Type::Caption.text("est.", p.amber));
            let both = other.quality(labelled).zip(shown.quality(labelled));
            let is_stale = other.is_quality_stale || shown.is_quality_stale;
            let points = both.map(|(b, a)| (a - b) * 100.0);
            let amount = points.map_or_else(|| units::NONE.to_owned(), |d| signed(d, |d| format!("{d:.1}")));
            change_ui(&mut columns[4], if labelled { "Accuracy" } else { "As float" }, &amount, None, ink(is_stale));
            columns[4].label(Type::Caption.text("points", p.text_weak));
        });
    });
}

/// With a sign; in words if what is shown of it is nothing.
fn signed(difference: f64, words: impl Fn(f64) -> String) -> String {
    let words = words(difference.abs());
    if words.chars().filter(char::is_ascii_digit).all(|c| c == '0') {
        return "same".to_owned();
    }
    format!("{}{words}", if difference < 0.0 { '-' } else { '+' })
}

fn figure_ui(ui: &mut Ui, name: &str, both: Option<(f64, f64)>, words: impl Fn(f64) -> String, ink: Color32) {
    let amount = both.map_or_else(|| units::NONE.to_owned(), |(before, after)| signed(after - before, words));
    change_ui(ui, name, &amount, both.map(|(before, after)| Change::relative(before, after)), ink);
}

fn change_ui(ui: &mut Ui, name: &str, amount: &str, of: Option<Change>, ink: Color32) {
    let p = Palette::of(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.label(Type::Caption.text(name, p.text_weak));
    ui.add(eframe::egui::Label::new(Type::SmallTitle.text(amount, ink)).truncate());
    if let Some(of) = of.filter(|of| *of != Change::None) {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            change(ui, &of);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_and_none_is_said() {
        let bytes = |d: f64| units::bytes(d as u64).joined();
        assert_eq!(signed(-8396.0, bytes), "-8.20 KB");
        assert_eq!(signed(512.0, bytes), "+512 B");
        assert_eq!(signed(0.0, bytes), "same");
        assert_eq!(signed(-0.04, |d| format!("{d:.1}")), "same");
    }

    #[test]
    fn a_step_that_is_off_does_not_count_as_a_difference() {
        let mut off = Recipe::int8();
        off.steps.iter_mut().for_each(|entry| entry.enabled = false);
        assert_eq!(as_ron(&off), as_ron(&Recipe::default()));
        assert!(as_ron(&Recipe::int8()).contains("granularity: PerChannel"));
    }
}
