//! The candidates of the project side by side: what each costs, how well it does, whether it fits.

use eframe::egui::{
    Align, Align2, Frame, Label, Layout, Margin, Rect, Role, Sense, Stroke, TextEdit, Ui, WidgetInfo, pos2, vec2,
};
use egui_extras::{Column, TableBuilder};

use crate::gui::candidates::{Candidate, Which, candidates, choose, compared, free_name, is_labelled, keep, shown};
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::on_demand::Need;
use crate::gui::session::Edit;
use crate::gui::theme::{CONTROL, Palette, TABLE_HEADER, Type};
use crate::gui::units::{self, NONE};
use crate::gui::widgets::{button, empty_state, header_line, icon_button, is_tabbed, open_cell, small_icon, text_in};

const ROW: f32 = 26.0;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Col {
    Mark,
    Name,
    Scheme,
    Size,
    Ram,
    Macs,
    Latency,
    Energy,
    Quality,
    Change,
    Fits,
}

impl Col {
    /// Columns, their width, and the width of panel from which on they are shown.
    const ALL: [(Self, f32, f32); 11] = [
        (Self::Mark, 20.0, 0.0),
        (Self::Name, 0.0, 0.0),
        (Self::Scheme, 168.0, 900.0),
        (Self::Size, 64.0, 0.0),
        (Self::Ram, 64.0, 400.0),
        (Self::Macs, 62.0, 640.0),
        (Self::Latency, 112.0, 500.0),
        (Self::Energy, 66.0, 760.0),
        (Self::Quality, 62.0, 320.0),
        (Self::Change, 48.0, 560.0),
        (Self::Fits, 104.0, 700.0),
    ];

    fn is_number(self) -> bool {
        !matches!(self, Self::Mark | Self::Name | Self::Scheme | Self::Fits)
    }
}

/// The panel's view state.
#[derive(Debug, Default)]
pub struct CandidatesPanel {
    /// What the recipe is to be kept as; `None` for the name that offers itself.
    name: Option<String>,
}

impl CandidatesPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, edit: &mut Edit, ui: &mut Ui) {
        if cx.session.open.is_none() {
            return;
        }
        cx.send(Command::Need(Need::Candidates));
        let all = candidates(cx.session);
        self.header_ui(cx, edit, &all, ui);
        let labelled = is_labelled(cx.session);
        let (table, foot) = {
            let rect = ui.available_rect_before_wrap();
            let foot = if rect.height() > 150.0 { 28.0 } else { 0.0 };
            rect.split_top_bottom_at_y(rect.bottom() - foot)
        };
        ui.scope_builder(eframe::egui::UiBuilder::new().max_rect(table), |ui| {
            Frame::new().inner_margin(Margin { left: 10, right: 12, ..Margin::ZERO }).show(ui, |ui| {
                table_ui(cx, edit, &all, labelled, ui);
            });
        });
        ui.advance_cursor_after_rect(foot);
        if foot.height() > 0.0 {
            foot_ui(ui, foot, all.len() == 2 && edit.variants.is_empty());
        }
    }

    fn header_ui(&mut self, cx: PanelCtx<'_>, edit: &mut Edit, all: &[Candidate], ui: &mut Ui) {
        let p = Palette::of(ui);
        let n_test = cx.session.open.as_ref().and_then(|o| o.data.as_ref()).map(|d| d.roles.test.len());
        let about = match n_test {
            Some(n) if n > 0 => format!("{}, all on {} test samples", all.len(), units::exact(n as u64)),
            _ => format!("{}, no test samples", all.len()),
        };
        let which = shown(cx.session);
        header_line(ui, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon_button(ui, icons::COPY, "Copy the candidates").clicked() {
                    ui.ctx().copy_text(as_text(all));
                }
                match which {
                    Which::Kept(i) => {
                        if icon_button(ui, icons::TRASH, "Remove this candidate").clicked() && i < edit.variants.len() {
                            edit.variants.remove(i);
                        }
                    }
                    Which::Unkept => self.keep_ui(cx, edit, ui),
                    Which::Source => {}
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    if !is_tabbed(ui) {
                        ui.label(Type::SmallTitle.text("Candidates", p.text));
                    }
                    ui.add(Label::new(Type::Small.text(about, p.text_weak)).truncate());
                });
            });
        });
    }

    fn keep_ui(&mut self, cx: PanelCtx<'_>, edit: &mut Edit, ui: &mut Ui) {
        let wide = ui.available_width() > 400.0;
        let mut name = self.name.clone().unwrap_or_else(|| free_name(edit));
        let wants = button(ui, if wide { "Keep as a candidate" } else { "Keep" }).clicked();
        if wide {
            let field = TextEdit::singleline(&mut name)
                .font(Type::Small.font())
                .align(Align2::LEFT_CENTER)
                .margin(Margin::symmetric(8, 1))
                .char_limit(48);
            let response = ui.add_sized(vec2(160.0, CONTROL), field).accessible_name("Name of the candidate");
            if response.changed() {
                self.name = Some(name.clone());
            }
        }
        if wants {
            let taken = name.trim().is_empty() || edit.variants.iter().any(|v| v.name == name.trim());
            let name = if taken { free_name(edit) } else { name.trim().to_owned() };
            keep(cx.session, edit, &name);
            self.name = None;
        }
    }
}

fn table_ui(cx: PanelCtx<'_>, edit: &mut Edit, all: &[Candidate], labelled: bool, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
    ui.visuals_mut().selection.bg_fill = p.accent_soft;
    ui.visuals_mut().widgets.hovered.bg_fill = p.raised;
    ui.visuals_mut().widgets.noninteractive.bg_stroke = Stroke::NONE;
    let width = ui.available_width();
    let columns: Vec<(Col, f32)> = Col::ALL.iter().filter(|c| width >= c.2).map(|c| (c.0, c.1)).collect();
    let table = TableBuilder::new(ui)
        .id_salt("candidates")
        .sense(Sense::click())
        .auto_shrink([false, false])
        .cell_layout(Layout::left_to_right(Align::Center));
    let table = columns.iter().fold(table, |table, (col, width)| match col {
        Col::Name => table.column(Column::remainder().at_least(80.0).clip(true)),
        _ => table.column(Column::exact(*width)),
    });
    let device = cx.session.device();
    let compared_with = compared(cx.session, all).map(|c| c.which);
    table
        .header(TABLE_HEADER, |mut line| {
            for &(col, _) in &columns {
                line.col(|ui| heading_ui(ui, col, labelled, device.as_ref().map_or("", |d| d.name.as_str())));
            }
        })
        .body(|mut body| {
            let visible = body.ui_mut().clip_rect();
            body.rows(ROW, all.len(), |mut line| {
                let candidate = &all[line.index()];
                line.set_selected(candidate.is_shown);
                for &(col, _) in &columns {
                    open_cell(&mut line, visible, |ui| match col {
                        Col::Mark => mark_ui(cx, candidate, Some(candidate.which) == compared_with, ui),
                        _ => cell_ui(cx, candidate, &all[0], col, labelled, ui),
                    });
                }
                let response = line.response();
                let words = format!("Candidate {}", candidate.name);
                response.widget_info(|| WidgetInfo::selected(Role::Row, true, candidate.is_shown, &words));
                let response = match freshness(candidate) {
                    Some(why) => response.on_hover_text(why),
                    None => response,
                };
                if response.clicked() {
                    choose(edit, candidate);
                }
            });
        });
}

/// What faint figures are.
fn freshness(candidate: &Candidate) -> Option<&'static str> {
    match (candidate.is_stale, candidate.is_quality_stale && candidate.quality(true).or(candidate.quality(false)).is_some()) {
        (true, _) => Some("Faint figures are from an earlier measurement; new ones are on their way."),
        (false, true) => Some("The test samples are still being counted."),
        (false, false) => None,
    }
}

fn heading_ui(ui: &Ui, col: Col, labelled: bool, device: &str) {
    let p = Palette::of(ui);
    let words = match col {
        Col::Mark => "",
        Col::Change => "points",
        Col::Name => "Name",
        Col::Scheme => "Scheme",
        Col::Size => "Size",
        Col::Ram => "RAM",
        Col::Macs => "MACs",
        Col::Latency => "Latency",
        Col::Energy => "Energy",
        Col::Quality if labelled => "Accuracy",
        Col::Quality => "As float",
        Col::Fits => device,
    };
    let mut rect = ui.max_rect();
    if matches!(col, Col::Latency | Col::Energy) {
        text_in(ui, rect, true, "est.", Type::Small, p.amber);
        rect.max.x -= 24.0;
    }
    text_in(ui, rect, col.is_number(), words, Type::Small, p.text_faint);
}

/// A disc for the one on screen, a ring for the one it is compared with; a click compares.
fn mark_ui(cx: PanelCtx<'_>, candidate: &Candidate, is_compared: bool, ui: &mut Ui) {
    let p = Palette::of(ui);
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.scope_id().with(("compare", candidate.which)), Sense::click());
    response
        .widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_compared, format!("Compare with {}", candidate.name)));
    let centre = pos2(rect.left() + 8.0, rect.center().y);
    if candidate.is_shown {
        ui.painter().circle_filled(centre, 3.5, p.accent);
    }
    if is_compared {
        ui.painter().circle_stroke(centre, if candidate.is_shown { 6.0 } else { 3.5 }, Stroke::new(1.5, p.base));
    } else if response.hovered() || response.has_focus() {
        ui.painter().circle_stroke(centre, 5.5, Stroke::new(1.0, p.text_faint));
    }
    if response.on_hover_text("Compare the candidate on screen with this one").clicked() {
        cx.send(Command::CompareWith(candidate.recipe.clone()));
    }
}

fn cell_ui(cx: PanelCtx<'_>, candidate: &Candidate, source: &Candidate, col: Col, labelled: bool, ui: &mut Ui) {
    let p = Palette::of(ui);
    let rect = ui.max_rect();
    let is_stale = if col == Col::Quality { candidate.is_quality_stale } else { candidate.is_stale };
    let ink = if is_stale { p.text_faint } else { p.text };
    let number = |words: Option<String>| {
        let colour = if words.is_some() { ink } else { p.text_faint };
        text_in(ui, rect, true, words.as_deref().unwrap_or(NONE), Type::Small, colour);
    };
    match col {
        Col::Mark => {}
        Col::Name => {
            let colour = if candidate.is_shown { p.accent_text } else { p.text };
            text_in(ui, rect, false, &candidate.name, Type::SmallMedium, colour);
        }
        Col::Scheme => match &candidate.failure {
            Some(why) => text_in(ui, rect, false, why, Type::Small, p.amber),
            None => text_in(ui, rect, false, &candidate.about, Type::Small, p.text_weak),
        },
        Col::Size => number(candidate.size_bytes().map(|n| units::bytes(n).joined())),
        Col::Ram => number(candidate.ram_bytes().map(|n| units::bytes(n).joined())),
        Col::Macs => number(candidate.macs().map(|n| units::count(n).joined())),
        Col::Latency => number(candidate.latency_us().map(|us| {
            let figure = units::microseconds(us);
            let spread = candidate.latency().map(|e| units::in_unit_of((e.high - e.low) / 2.0, &figure));
            match spread {
                Some(spread) => format!("{} ±{spread} {}", figure.number, figure.unit),
                None => figure.joined(),
            }
        })),
        Col::Energy => number(candidate.energy_uj().map(|uj| units::microjoules(uj).joined())),
        Col::Quality => number(candidate.quality(labelled).map(|q| units::percent(q).joined())),
        Col::Change => {
            if let (Some(before), Some(after)) = (source.quality(labelled), candidate.quality(labelled))
                && candidate.which != Which::Source
            {
                points_ui(ui, rect, (after - before) * 100.0);
            }
        }
        Col::Fits => fits_ui(cx, candidate, ui),
    }
}

/// How many points better or worse, with a triangle.
fn points_ui(ui: &mut Ui, rect: Rect, points: f64) {
    use crate::gui::widgets::{Change, change};
    let words = format!("{:.1}", points.abs());
    let of = match (words == "0.0", points < 0.0) {
        (true, _) => Change::None,
        (false, true) => Change::Down(words),
        (false, false) => Change::Up(words),
    };
    let mut cell = ui
        .new_child(eframe::egui::UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)).id_salt("points"));
    cell.spacing_mut().item_spacing.x = 4.0;
    cell.add_space(6.0);
    change(&mut cell, &of);
}

fn fits_ui(cx: PanelCtx<'_>, candidate: &Candidate, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (Some(device), Some(size), Some(ram)) = (cx.session.device(), candidate.size_bytes(), candidate.ram_bytes()) else {
        text_in(ui, ui.max_rect(), false, NONE, Type::Small, p.text_faint);
        return;
    };
    ui.spacing_mut().item_spacing.x = 4.0;
    let over = over_words(size.saturating_sub(device.flash_bytes), ram.saturating_sub(device.ram_bytes));
    let (icon, colour) = if over.is_none() { (icons::CHECK, p.green) } else { (icons::X, p.red) };
    small_icon(ui, icon, colour);
    let words = over.as_deref().unwrap_or("fits");
    ui.add(Label::new(Type::Small.text(words, colour)).truncate());
}

/// By how much flash and RAM are not enough; `None` if both are. Two memories are two figures: their bytes do not compare.
fn over_words(flash: u64, ram: u64) -> Option<String> {
    let over = [("flash", flash), ("RAM", ram)].into_iter().filter(|(_, bytes)| *bytes > 0);
    let words: Vec<String> = over.map(|(what, bytes)| format!("{what} +{}", units::bytes(bytes).joined())).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn foot_ui(ui: &mut Ui, foot: Rect, is_alone: bool) {
    let p = Palette::of(ui);
    let inner = foot.shrink2(vec2(16.0, 0.0));
    if is_alone {
        let words = "Keep the recipe as a candidate, change it, and see both here.";
        text_in(ui, inner, false, words, Type::Caption, p.text_weak);
        return;
    }
    let y = inner.center().y;
    ui.painter().circle_filled(pos2(inner.left() + 3.0, y), 3.5, p.accent);
    let at = |left: f32| Rect::from_min_max(pos2(inner.left() + left, inner.top()), inner.max);
    text_in(ui, at(12.0), false, "on screen", Type::Caption, p.text_weak);
    ui.painter().circle_stroke(pos2(inner.left() + 79.0, y), 3.5, Stroke::new(1.5, p.base));
    text_in(ui, at(88.0), false, "compared with", Type::Caption, p.text_weak);
    text_in(ui, at(176.0), false, "[ and ] step through candidates", Type::Caption, p.text_faint);
}

/// The table with tabs between cells, for a spreadsheet.
fn as_text(all: &[Candidate]) -> String {
    let mut text =
        "name\tscheme\tsize, bytes\tRAM, bytes\tMACs\tlatency, us\tenergy, uJ\taccuracy\tagreement with float\n".to_owned();
    fn cell<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(String::new, |v| v.to_string())
    }
    for c in all {
        text += &format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
            c.name,
            c.about,
            cell(c.size_bytes()),
            cell(c.ram_bytes()),
            cell(c.macs()),
            cell(c.latency_us()),
            cell(c.energy_uj()),
            cell(c.quality(true)),
            cell(c.quality(false))
        );
    }
    text
}

/// What stands in the place of panels that compare while nothing is there to compare.
pub fn nothing_to_compare(ui: &mut Ui) {
    let words = "Keep a recipe as a candidate, or change the recipe: two are needed.";
    empty_state(ui, icons::SCALES, "Nothing to compare yet", words, None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_told_memory_by_memory() {
        assert_eq!(over_words(0, 0), None);
        assert_eq!(over_words(0, 512).as_deref(), Some("RAM +512 B"));
        assert_eq!(over_words(2048, 512).as_deref(), Some("flash +2.00 KB, RAM +512 B"));
    }
}
