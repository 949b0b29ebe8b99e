//! What the candidate takes for what: a row for each class as it is, a column for each class as it is said.

use std::sync::Arc;

use eframe::egui::epaint::TextShape;
use eframe::egui::{Align2, Color32, Galley, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::offer_data;
use super::status::describe;
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::on_demand::Need;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{elided, empty_state, icon_button, known, panel_header, segmented, text_in};
use crate::worker::Confusion;

/// Room of the figures at the right.
const RECALL: f32 = 48.0;
/// Room of the names below, which stand upright where columns are narrow.
const BELOW: f32 = 64.0;

/// What the cells say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum View {
    /// How often.
    #[default]
    Counts,
    /// How much more often than the source.
    Difference,
}

/// The panel's view state.
#[derive(Debug, Default)]
pub struct ConfusionPanel {
    view: View,
}

impl ConfusionPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        cx.send(Command::Need(Need::Confusion));
        let answer = cx.session.candidate().and_then(|c| cx.session.on_demand.comparison.confusion(c));
        let confusion = answer.and_then(Result::ok);
        let candidate = &cx.session.figures.candidate;
        let about = match self.view {
            View::Counts => format!("{}, rows are, columns said", describe(cx.session)),
            View::Difference => format!("{}, more or fewer than the source", describe(cx.session)),
        };
        panel_header(ui, "Confusion", &about, |ui| {
            let Some(confusion) = confusion else { return };
            if candidate.is_stale {
                known(ui, &candidate.known());
            }
            if icon_button(ui, icons::COPY, "Copy the counts").clicked() {
                ui.ctx().copy_text(as_text(confusion));
            }
            if confusion.of_source.is_some() {
                segmented(ui, &mut self.view, &[(View::Counts, "count"), (View::Difference, "difference")]);
            }
        });
        match confusion {
            Some(confusion) => matrix_ui(confusion, self.view, ui),
            None => missing_ui(cx, answer.and_then(Result::err), ui),
        }
    }
}

/// Why there is no matrix, and what to do.
fn missing_ui(cx: PanelCtx<'_>, why: Option<&str>, ui: &mut Ui) {
    let data = cx.session.open.as_ref().and_then(|o| o.data.as_ref());
    if data.is_none() {
        let words = "Labelled samples show what is taken for what.";
        offer_data(cx, icons::DATABASE, "No data yet", words, ui);
        return;
    }
    let words = why.or(cx.session.figures.failure.as_deref()).unwrap_or("The test samples are being counted.");
    empty_state(ui, icons::GRID_FOUR, "No matrix", words, None);
}

fn matrix_ui(confusion: &Confusion, view: View, ui: &mut Ui) {
    let p = Palette::of(ui);
    let n = confusion.classes.len();
    let all = ui.available_rect_before_wrap();
    ui.advance_cursor_after_rect(all);
    let name_width = confusion.classes.iter().map(|name| width(ui, name)).fold(24.0, f32::max).min(all.width() * 0.28);
    // Names below take no more than a third.
    let below = (name_width + 8.0).min(BELOW).min(all.height() / 3.0);
    let below = if below < 40.0 { 8.0 } else { below };
    let grid = Rect::from_min_max(
        pos2(all.left() + 12.0 + name_width + 8.0, all.top() + 22.0),
        pos2(all.right() - RECALL, all.bottom() - below),
    );
    let cell = vec2(grid.width() / n as f32, (grid.height() / n as f32).min(30.0));
    if cell.x < 3.0 || cell.y < 3.0 {
        let words = "too small to show";
        ui.painter().text(all.center(), Align2::CENTER_CENTER, words, Type::Caption.font(), p.text_weak);
        return;
    }
    let most = (0..n).flat_map(|r| (0..n).map(move |c| (r, c))).map(|at| worse(confusion, view, at)).max().unwrap_or(0).max(1);
    for row in 0..n {
        let y = grid.top() + cell.y * row as f32;
        let line = |left: f32, right: f32| Rect::from_min_max(pos2(left, y), pos2(right, y + cell.y));
        if cell.y >= 10.0 {
            text_in(ui, line(all.left() + 12.0, grid.left() - 8.0), true, &confusion.classes[row], Type::Caption, p.text_weak);
            let recall = confusion.recall(row).map_or_else(|| units::NONE.to_owned(), |r| format!("{:.1}", r * 100.0));
            text_in(ui, line(grid.right() + 4.0, all.right() - 8.0), true, &recall, Type::Caption, p.text_weak);
        }
        for column in 0..n {
            let rect = Rect::from_min_size(pos2(grid.left() + cell.x * column as f32, y), cell).shrink(0.75);
            cell_ui(confusion, view, (row, column), most, rect, ui);
        }
    }
    if view == View::Difference && confusion.of_source.as_ref() == Some(&confusion.counts) {
        let words = "the source takes every class for the same ones as often";
        ui.painter().text(grid.center(), Align2::CENTER_CENTER, words, Type::Small.font(), p.text_weak);
    }
    let bottom = grid.top() + cell.y * n as f32;
    // All one way: where one is turned, all are.
    let is_turned = confusion.classes.iter().any(|name| width(ui, name) > cell.x);
    for (column, name) in confusion.classes.iter().enumerate().filter(|_| below > 8.0) {
        let at = pos2(grid.left() + cell.x * (column as f32 + 0.5), bottom + 4.0);
        let room = if is_turned { below - 6.0 } else { cell.x };
        let galley = elided(ui, name, Type::Caption, p.text_weak, room);
        if !is_turned {
            ui.painter().galley(at - vec2(galley.size().x / 2.0, 0.0), galley, p.text_weak);
        } else if cell.x >= 10.0 {
            ui.painter().add(turned(at, galley, p.text_weak));
        }
    }
    let at = pos2(all.right() - 8.0, all.top() + 5.0);
    ui.painter().text(at, Align2::RIGHT_TOP, "recall %", Type::Caption.font(), p.text_faint);
}

fn width(ui: &Ui, text: &str) -> f32 {
    ui.painter().layout_no_wrap(text.to_owned(), Type::Caption.font(), Color32::WHITE).size().x
}

/// Words that end at `at` and are read from below.
fn turned(at: Pos2, galley: Arc<Galley>, colour: Color32) -> TextShape {
    let start = pos2(at.x - galley.size().y / 2.0, at.y + galley.size().x);
    TextShape::new(start, galley, colour).with_angle(-std::f32::consts::FRAC_PI_2)
}

/// What a cell says: how often, or how much more often than the source.
fn value(confusion: &Confusion, view: View, (row, column): (usize, usize)) -> i64 {
    let count = confusion.counts[row][column] as i64;
    match (&confusion.of_source, view) {
        (Some(before), View::Difference) => count - before[row][column] as i64,
        _ => count,
    }
}

/// How much worse a cell is: mistakes, or fewer samples that are recognised.
fn worse(confusion: &Confusion, view: View, (row, column): (usize, usize)) -> i64 {
    let value = value(confusion, view, (row, column));
    if row != column {
        value
    } else if view == View::Difference {
        -value
    } else {
        0
    }
}

fn cell_ui(confusion: &Confusion, view: View, at: (usize, usize), most: i64, rect: Rect, ui: &Ui) {
    let p = Palette::of(ui);
    let (value, worse, is_right) = (value(confusion, view, at), worse(confusion, view, at), at.0 == at.1);
    if value == 0 && !(is_right && view == View::Counts) {
        ui.painter().rect_filled(rect, 2.0, p.plot);
        return;
    }
    let t = 0.2 + 0.7 * worse as f32 / most as f32;
    let (fill, ink) = if worse > 0 { (p.heat_at(t), p.heat_ink_at(t)) } else { (p.accent_soft, p.accent_text) };
    ui.painter().rect_filled(rect, 2.0, fill);
    if rect.width() >= 14.0 && rect.height() >= 11.0 {
        let words = if view == View::Difference { format!("{value:+}") } else { value.to_string() };
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, words, Type::Caption.font(), ink);
    }
    let response = ui.interact(rect, ui.scope_id().with(at), Sense::hover());
    let words = cell_words(confusion, at);
    response.widget_info(|| WidgetInfo::labeled(Role::Cell, true, &words));
    if response.hovered() {
        ui.painter().rect_stroke(rect, 2.0, Stroke::new(1.0, p.text), StrokeKind::Inside);
    }
    response.on_hover_text(words);
}

/// `right taken for unknown 8 times, by the source 6 times`.
fn cell_words(confusion: &Confusion, (row, column): (usize, usize)) -> String {
    let (is, said) = (&confusion.classes[row], &confusion.classes[column]);
    let times = |n: usize| if n == 1 { "once".to_owned() } else { format!("{n} times") };
    let count = times(confusion.counts[row][column]);
    let words = if row == column { format!("{is} recognised {count}") } else { format!("{is} taken for {said} {count}") };
    match &confusion.of_source {
        Some(before) => format!("{words}, by the source {}", times(before[row][column])),
        None => words,
    }
}

fn as_text(confusion: &Confusion) -> String {
    let mut text = format!("is \\ said\t{}\n", confusion.classes.join("\t"));
    for (name, row) in confusion.classes.iter().zip(&confusion.counts) {
        let counts: Vec<String> = row.iter().map(usize::to_string).collect();
        text += &format!("{name}\t{}\n", counts.join("\t"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_recognised_and_more_mistaken_are_worse() {
        let confusion = Confusion {
            classes: vec!["a".into(), "b".into()],
            counts: vec![vec![7, 3], vec![1, 9]],
            of_source: Some(vec![vec![9, 1], vec![2, 8]]),
            mistakes: Vec::new(),
        };
        let all = [(0, 0), (0, 1), (1, 0), (1, 1)];
        assert_eq!(all.map(|at| worse(&confusion, View::Difference, at)), [2, 2, -1, -1]);
        assert_eq!(all.map(|at| worse(&confusion, View::Counts, at)), [0, 3, 1, 0]);
        assert_eq!(cell_words(&confusion, (1, 0)), "b taken for a once, by the source 2 times");
    }
}
