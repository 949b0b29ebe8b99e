//! Where bytes, time and error sit: a bar for each layer and quantity, the source in grey behind the candidate in colour.

mod rows;

use eframe::egui::{Align, Frame, Layout, Margin, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use egui_extras::{Column, TableBuilder};

use self::rows::{By, Figure, Row, Rows, Total};
use super::graph::{heat_of_sqnr, short_name, sqnr};
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, TABLE_HEADER, TABLE_ROW, Type};
use crate::gui::units::{self, NONE};
use crate::gui::widgets::{empty_state, header_line, icon_button, is_tabbed, open_cell, segmented, sideways, text_in, twin_bar};

/// Room of a number right of its bar.
const NUMBER: f32 = 60.0;
const BAR: f32 = 8.0;

/// With less than bytes, MACs, time and error the table would not say where anything sits: it scrolls.
const LEAST_WIDTH: f32 = 480.0;

/// A column, and what rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Col {
    /// In order of execution.
    #[default]
    Layer,
    /// Weights and biases.
    Bytes,
    /// Multiply-accumulates.
    Macs,
    /// Estimated time.
    Latency,
    /// Bytes of the output.
    Output,
    /// Quantization error.
    Sqnr,
}

impl Col {
    /// Columns with the width of panel from which on they are shown.
    const ALL: [(Self, f32); 6] = [
        (Self::Layer, 0.0),
        (Self::Bytes, 0.0),
        (Self::Macs, 380.0),
        (Self::Latency, 480.0),
        (Self::Output, 600.0),
        (Self::Sqnr, 300.0),
    ];

    fn heading(self, by: By) -> &'static str {
        match (self, by) {
            (Self::Layer, By::Layers) => "Layer",
            (Self::Layer, By::Ops) => "Op",
            (Self::Bytes, _) => "Bytes",
            (Self::Macs, _) => "MACs",
            (Self::Latency, _) => "Latency",
            (Self::Output, _) => "Output",
            (Self::Sqnr, _) => "SQNR dB",
        }
    }

    fn figure(self, row: &Row) -> Figure {
        match self {
            Self::Bytes => row.bytes,
            Self::Macs => row.macs,
            Self::Latency => row.latency_us,
            Self::Output => row.output,
            Self::Layer | Self::Sqnr => Figure::default(),
        }
    }

    fn words(self, value: f64) -> String {
        match self {
            Self::Bytes | Self::Output => units::bytes(value as u64).joined(),
            Self::Macs => units::count(value as u64).joined(),
            Self::Latency => units::microseconds(value).joined(),
            Self::Layer | Self::Sqnr => String::new(),
        }
    }
}

/// The panel's view state.
#[derive(Debug, Default)]
pub struct WhereItSitsPanel {
    by: By,
    sorted_by: Col,
    /// The largest at the top.
    descending: bool,
    rows: Rows,
    followed: Option<String>,
}

impl WhereItSitsPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        self.header_ui(cx, ui);
        let Some(total) = self.rows.update(cx.session, self.by, self.sorted_by, self.descending) else {
            let why = cx.session.figures.failure.as_deref().unwrap_or("The figures arrive as soon as they are measured.");
            empty_state(ui, icons::TABLE, "Not measured yet", why, None);
            return;
        };
        Frame::new().inner_margin(Margin { left: 12, right: 12, ..Margin::ZERO }).show(ui, |ui| {
            sideways(ui, LEAST_WIDTH, |ui| self.table_ui(cx, &total, ui));
        });
    }

    fn header_ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let p = Palette::of(ui);
        header_line(ui, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon_button(ui, icons::COPY, "Copy where it sits").clicked() {
                    ui.ctx().copy_text(self.rows.as_text());
                }
                segmented(ui, &mut self.by, &[(By::Layers, "layers"), (By::Ops, "ops")]);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    if !is_tabbed(ui) {
                        ui.label(Type::SmallTitle.text("Where it sits", p.text));
                    }
                    if cx.session.candidate().is_some() && ui.available_width() > 150.0 {
                        ui.spacing_mut().item_spacing.x = 4.0;
                        ui.label(Type::Small.text("source grey,", p.text_weak));
                        ui.label(Type::Small.text("candidate", p.accent_text));
                    }
                });
            });
        });
    }

    fn table_ui(&mut self, cx: PanelCtx<'_>, total: &Total, ui: &mut Ui) {
        let p = Palette::of(ui);
        ui.spacing_mut().item_spacing = vec2(12.0, 0.0);
        ui.visuals_mut().selection.bg_fill = p.accent_soft;
        ui.visuals_mut().widgets.hovered.bg_fill = p.raised;
        ui.visuals_mut().widgets.noninteractive.bg_stroke = eframe::egui::Stroke::NONE;
        let width = ui.available_width();
        let columns: Vec<Col> = Col::ALL.iter().filter(|(_, from)| width >= *from).map(|(col, _)| *col).collect();
        let n_bars = columns.iter().filter(|c| !matches!(c, Col::Layer | Col::Sqnr)).count() as f32;
        // A quarter for the names, the rest for the bars, in equal parts.
        let names = (width * 0.22).max(72.0);
        let sqnr_width = if columns.contains(&Col::Sqnr) { 70.0 } else { 0.0 };
        let bar_width = ((width - names - sqnr_width) / n_bars - 12.0).clamp(NUMBER, 170.0).floor();
        let mut table = table(&columns, bar_width, ui);
        let follow = self.followed != cx.session.selection;
        self.followed.clone_from(&cx.session.selection);
        if let Some(row) = self.followed.as_ref().filter(|_| follow).and_then(|name| self.rows.position(name)) {
            table = table.scroll_to_row(row, None);
        }
        let (mut sorted_by, mut descending) = (self.sorted_by, self.descending);
        let n = self.rows.all().len();
        table
            .header(TABLE_HEADER, |mut line| {
                for &col in &columns {
                    line.col(|ui| {
                        let sort = (sorted_by == col).then_some(descending);
                        if heading_ui(ui, col.heading(self.by), col != Col::Layer, sort, col == Col::Latency) {
                            // A second click turns the order round; numbers start with the largest.
                            descending = if sorted_by == col { !descending } else { col != Col::Layer };
                            sorted_by = col;
                        }
                    });
                }
            })
            .body(|mut body| {
                let visible = body.ui_mut().clip_rect();
                body.rows(TABLE_ROW, n + 1, |mut line| {
                    let Some(row) = self.rows.all().get(line.index()) else {
                        for &col in &columns {
                            open_cell(&mut line, visible, |ui| total_ui(ui, col, total, width));
                        }
                        return;
                    };
                    let is_selected = row.nodes.iter().all(|name| cx.session.is_selected(name)) && !row.nodes.is_empty();
                    line.set_selected(is_selected);
                    for &col in &columns {
                        open_cell(&mut line, visible, |ui| cell_ui(ui, col, row, total, is_selected));
                    }
                    let response = line.response();
                    let words = format!("Bytes and time of {}", row.name);
                    response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &words));
                    if response.clicked() {
                        select(cx, row, response.ctx.input(|i| i.modifiers.command));
                    }
                });
            });
        (self.sorted_by, self.descending) = (sorted_by, descending);
    }
}

/// The table without its rows.
fn table<'a>(columns: &[Col], bar_width: f32, ui: &'a mut Ui) -> TableBuilder<'a> {
    let table = TableBuilder::new(ui)
        .id_salt("where it sits")
        .sense(Sense::click())
        .auto_shrink([false, false])
        .cell_layout(Layout::left_to_right(Align::Center));
    columns.iter().fold(table, |table, col| match col {
        Col::Layer => table.column(Column::remainder().at_least(64.0).clip(true)),
        Col::Sqnr => table.column(Column::exact(58.0)),
        _ => table.column(Column::exact(bar_width)),
    })
}

/// Selects the row's layers; with Ctrl besides what is selected, or takes them out if all of them are.
fn select(cx: PanelCtx<'_>, row: &Row, also: bool) {
    let is_selected = |name: &String| also && cx.session.is_selected(name);
    let goes = row.nodes.iter().all(is_selected);
    for (i, name) in row.nodes.iter().filter(|name| goes || !is_selected(name)).enumerate() {
        let alone = i == 0 && !also;
        cx.send(if alone { Command::Select(Some(name.clone())) } else { Command::SelectAlso(name.clone()) });
    }
}

/// True if it was clicked.
fn heading_ui(ui: &mut Ui, words: &str, right: bool, sort: Option<bool>, is_estimate: bool) -> bool {
    let p = Palette::of(ui);
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.scope_id().with(words), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, format!("Sort by {words}")));
    let lit = sort.is_some() || response.hovered() || response.has_focus();
    let ink = if lit { p.text } else { p.text_faint };
    let mut at = rect;
    if right && sort.is_some() {
        at.max.x -= 14.0;
    }
    let mut words_at = at;
    if is_estimate {
        text_in(ui, at, true, "est.", Type::Small, p.amber);
        words_at.max.x -= 24.0;
    }
    text_in(ui, words_at, right, words, Type::Small, ink);
    if let Some(descending) = sort {
        let icon = if descending { icons::CARET_DOWN } else { icons::CARET_UP };
        let width = ui.painter().layout_no_wrap(words.to_owned(), Type::Small.font(), ink).size().x;
        let x = if right { rect.right() - 5.0 } else { (rect.left() + width + 8.0).min(rect.right()) };
        let mut font = Type::IconSmall.font();
        font.size = 11.0;
        ui.painter().text(pos2(x, rect.center().y), eframe::egui::Align2::CENTER_CENTER, icon, font, ink);
    }
    response.on_hover_text("Click to sort, again to turn the order round").clicked()
}

fn cell_ui(ui: &mut Ui, col: Col, row: &Row, total: &Total, is_selected: bool) {
    let p = Palette::of(ui);
    let rect = ui.max_rect();
    match col {
        Col::Layer => {
            let kind = if is_selected { Type::SmallTitle } else { Type::Small };
            text_in(ui, rect, false, short_name(&row.name).as_str(), kind, p.text);
        }
        Col::Sqnr => match row.sqnr_db {
            Some(db) => {
                let square = Rect::from_center_size(pos2(rect.left() + 12.0, rect.center().y), vec2(8.0, 8.0));
                ui.painter().rect_filled(square, 2.0, p.heat_at(heat_of_sqnr(db)));
                text_in(ui, rect, true, &sqnr(db), Type::Small, p.text);
            }
            None => text_in(ui, rect, true, NONE, Type::Small, p.text_faint),
        },
        _ => {
            let figure = col.figure(row);
            let most = total.most(col);
            let number = Rect::from_min_max(pos2(rect.right() - NUMBER, rect.top()), rect.max);
            let track = rect.width() - NUMBER - 4.0;
            if track >= 16.0 {
                let track = Rect::from_center_size(pos2(rect.left() + track / 2.0, rect.center().y), vec2(track, BAR));
                let share = |v: Option<f64>| v.filter(|_| most > 0.0).map(|v| (v / most) as f32);
                twin_bar(ui, track, share(figure.source), share(figure.candidate));
            }
            match figure.shown().filter(|v| *v > 0.0) {
                Some(value) => text_in(ui, number, true, &col.words(value), Type::Small, p.text),
                None => text_in(ui, number, true, NONE, Type::Small, p.text_faint),
            }
        }
    }
}

fn total_ui(ui: &Ui, col: Col, total: &Total, width: f32) {
    let p = Palette::of(ui);
    let rect = ui.max_rect();
    if col == Col::Layer {
        // One line over all columns and the gaps between them.
        let line = Rect::from_min_size(rect.min, vec2(width, 1.0));
        ui.painter().hline(line.x_range(), rect.top() + 0.5, eframe::egui::Stroke::new(1.0, p.line));
    }
    let words = match col {
        Col::Layer => "Total, with graph".to_owned(),
        Col::Bytes => units::bytes(total.file_bytes).joined(),
        Col::Macs => units::count(total.macs).joined(),
        Col::Latency => total.latency_us.map_or_else(|| NONE.to_owned(), |us| units::microseconds(us).joined()),
        Col::Output => format!("{} peak", units::bytes(total.arena_bytes).joined()),
        Col::Sqnr => String::new(),
    };
    text_in(ui, rect, col != Col::Layer, &words, Type::SmallTitle, p.text);
}
