//! The table of layers.

use eframe::egui::{Align, CornerRadius, Frame, Label, Layout, Margin, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use egui_extras::{Column, TableBuilder};
use tinsmith_core::graph::NodeId;
use tinsmith_core::measure::{LayerFigures, StaticFigures};

use super::graph::{heat_of_sqnr, short_name, sqnr};
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, TABLE_HEADER, TABLE_ROW, Type};
use crate::gui::units::{self, NONE};
use crate::gui::widgets::{empty_state, icon_button, open_cell, panel_header, sideways};

/// The panel's view state.
#[derive(Debug, Default)]
pub struct LayersPanel {
    /// The row last scrolled to, so that the table follows the selection but can be scrolled away from it.
    followed: Option<String>,
}

/// The table is not squeezed to less: it scrolls.
const LEAST_WIDTH: f32 = 520.0;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Col {
    Index,
    Layer,
    Op,
    Output,
    Scheme,
    Weights,
    Macs,
    Latency,
    Sqnr,
    Clipped,
}

impl Col {
    /// All columns with the width of panel from which on they are shown.
    const ALL: [(Self, f32); 10] = [
        (Self::Index, 0.0),
        (Self::Layer, 0.0),
        (Self::Op, 0.0),
        (Self::Output, 780.0),
        (Self::Scheme, 700.0),
        (Self::Weights, 0.0),
        (Self::Macs, 0.0),
        (Self::Latency, 0.0),
        (Self::Sqnr, 0.0),
        (Self::Clipped, 580.0),
    ];

    fn heading(self) -> &'static str {
        match self {
            Self::Index => "#",
            Self::Layer => "Layer",
            Self::Op => "Op",
            Self::Output => "Output",
            Self::Scheme => "Scheme",
            Self::Weights => "Weights",
            Self::Macs => "MACs",
            Self::Latency => "Latency est.",
            Self::Sqnr => "SQNR dB",
            Self::Clipped => "Clipped",
        }
    }

    /// Numbers are set from the right.
    fn is_number(self) -> bool {
        matches!(self, Self::Weights | Self::Macs | Self::Latency | Self::Sqnr | Self::Clipped)
    }

    /// `None` takes what the others leave.
    fn width(self, panel: f32) -> Option<f32> {
        match self {
            Self::Index => Some(32.0),
            Self::Layer => None,
            Self::Op => Some(if panel > 900.0 { 132.0 } else { 108.0 }),
            Self::Output => Some(72.0),
            Self::Scheme => Some(78.0),
            Self::Weights => Some(62.0),
            Self::Macs => Some(if panel > 720.0 { 92.0 } else { 54.0 }),
            Self::Latency => Some(74.0),
            Self::Sqnr => Some(58.0),
            Self::Clipped => Some(58.0),
        }
    }
}

impl LayersPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let n_selected = cx.session.all_selected().count();
        let n_ops = cx.session.graph().map_or(0, |g| g.nodes.len());
        panel_header(ui, "Layers", &format!("{n_ops} ops, {n_selected} selected"), |ui| {
            if let Some(statics) = cx.session.shown_static()
                && icon_button(ui, icons::COPY, "Copy the table").clicked()
            {
                ui.ctx().copy_text(as_text(cx, statics));
            }
        });
        let Some(statics) = cx.session.shown_static() else {
            let why = cx.session.figures.failure.as_deref().unwrap_or("The figures arrive as soon as they are measured.");
            empty_state(ui, icons::TABLE, "Not measured yet", why, None);
            return;
        };
        let margin = Margin { right: 10, ..Margin::ZERO };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            sideways(ui, LEAST_WIDTH, |ui| self.table_ui(cx, statics, ui));
        });
    }

    fn table_ui(&mut self, cx: PanelCtx<'_>, statics: &StaticFigures, ui: &mut Ui) {
        let p = Palette::of(ui);
        let selected = cx.session.selected_node();
        let most_macs = statics.layers.iter().map(|l| l.macs).max().unwrap_or(0);
        ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
        ui.visuals_mut().selection.bg_fill = p.accent_soft;
        ui.visuals_mut().widgets.hovered.bg_fill = p.raised;
        let (panel, panel_clip) = (ui.available_width(), ui.clip_rect());
        let columns: Vec<Col> = Col::ALL.iter().filter(|(_, from)| panel >= *from).map(|(col, _)| *col).collect();
        // The table's own rule between rows and header is not this window's.
        ui.visuals_mut().widgets.noninteractive.bg_stroke = eframe::egui::Stroke::NONE;
        let table = TableBuilder::new(ui)
            .id_salt("layers")
            .sense(Sense::click())
            .auto_shrink([false, false])
            .cell_layout(Layout::left_to_right(Align::Center));
        let mut table = columns.iter().fold(table, |table, col| match col.width(panel) {
            Some(width) => table.column(Column::exact(width)),
            None => table.column(Column::remainder().at_least(72.0).clip(true)),
        });
        let follow = selected.filter(|_| self.followed != cx.session.selection);
        if let Some(id) = follow {
            table = table.scroll_to_row(id.index(), None);
        }
        self.followed.clone_from(&cx.session.selection);
        let n = statics.layers.len();
        table
            .header(TABLE_HEADER, |mut row| {
                for &col in &columns {
                    open_cell(&mut row, panel_clip, |ui| {
                        let inset = if col == Col::Index { "   " } else { "" };
                        cell(ui, col.is_number(), &format!("{inset}{}", col.heading()), Type::Small, p.text_faint);
                    });
                }
            })
            .body(|mut body| {
                let visible = body.ui_mut().clip_rect();
                body.rows(TABLE_ROW, n + 1, |mut row| match statics.layers.get(row.index()) {
                    Some(layer) => {
                        let is_selected = cx.session.is_selected(&layer.name);
                        row.set_selected(is_selected);
                        for &col in &columns {
                            open_cell(&mut row, visible, |ui| layer_ui(cx, layer, col, most_macs, ui));
                        }
                        let response = row.response();
                        response
                            .widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, format!("Layer {}", layer.name)));
                        if response.clicked() {
                            cx.send(Command::select(&layer.name, response.ctx.input(|i| i.modifiers)));
                        }
                    }
                    None => {
                        for &col in &columns {
                            open_cell(&mut row, visible, |ui| {
                                cell(ui, col.is_number(), &total(statics, col), Type::SmallTitle, p.text)
                            });
                        }
                    }
                });
            });
    }
}

fn layer_ui(cx: PanelCtx<'_>, layer: &LayerFigures, col: Col, most_macs: u64, ui: &mut Ui) {
    let p = Palette::of(ui);
    let error = cx.session.layer_error(layer.node);
    match col {
        Col::Index => cell(ui, false, &format!("   {}", layer.node.index() + 1), Type::Small, p.text_faint),
        Col::Layer => {
            let is_selected = cx.session.is_selected(&layer.name);
            let is_overridden = cx.session.edit.recipe.quantize().is_some_and(|q| q.overrides.contains_key(&layer.name));
            let kind = if is_selected { Type::SmallTitle } else { Type::Small };
            let mark = if is_overridden { " •" } else { "" };
            cell(ui, false, &format!("{}{mark}", short_name(&layer.name)), kind, p.text);
        }
        Col::Op => cell(ui, false, &layer.label, Type::Small, p.text_weak),
        Col::Output => cell(ui, false, &units::shape(&layer.output_shape), Type::Small, p.text_weak),
        Col::Scheme => cell(ui, false, &layer.scheme, Type::Small, p.text_weak),
        Col::Weights if layer.weights_bytes == 0 => cell(ui, true, NONE, Type::Small, p.text_faint),
        Col::Weights => cell(ui, true, &format!("{} B", units::exact(layer.weights_bytes)), Type::Small, p.text),
        Col::Macs => macs_ui(ui, layer.macs, most_macs, p),
        Col::Latency => {
            let words = layer.latency_us.as_ref().map_or_else(|| NONE.to_owned(), |e| units::microseconds(e.value).joined());
            cell(ui, true, &words, Type::Small, p.text);
        }
        Col::Sqnr => sqnr_ui(ui, error.map(|e| e.sqnr_db), p),
        Col::Clipped => {
            let words = error.map_or_else(|| NONE.to_owned(), |e| format!("{:.2} %", e.clipped * 100.0));
            cell(ui, true, &words, Type::Small, p.text_weak);
        }
    }
}

fn total(statics: &StaticFigures, col: Col) -> String {
    match col {
        Col::Layer => "Total".to_owned(),
        Col::Weights => format!("{} B", units::exact(statics.layers.iter().map(|l| l.weights_bytes).sum())),
        Col::Macs => units::count(statics.macs).joined(),
        Col::Latency => statics.latency_us.as_ref().map_or_else(|| NONE.to_owned(), |e| units::microseconds(e.value).joined()),
        Col::Index | Col::Op | Col::Output | Col::Scheme | Col::Sqnr | Col::Clipped => String::new(),
    }
}

fn macs_ui(ui: &mut Ui, macs: u64, most: u64, p: &Palette) {
    let rect = ui.max_rect();
    if macs == 0 || most == 0 {
        return cell(ui, true, NONE, Type::Small, p.text_faint);
    }
    let room = rect.width() - 56.0;
    if room > 8.0 {
        let width = (room * macs as f32 / most as f32).max(1.5);
        let right = rect.right() - 52.0;
        let bar = Rect::from_min_max(pos2(right - width, rect.center().y - 3.0), pos2(right, rect.center().y + 3.0));
        ui.painter().rect_filled(bar, CornerRadius::same(1), p.accent_line);
    }
    cell(ui, true, &units::count(macs).joined(), Type::Small, p.text);
}

fn sqnr_ui(ui: &mut Ui, db: Option<f64>, p: &Palette) {
    let Some(db) = db else { return cell(ui, true, NONE, Type::Small, p.text_faint) };
    let rect = ui.max_rect();
    let square = Rect::from_center_size(pos2(rect.left() + 8.0, rect.center().y), vec2(8.0, 8.0));
    ui.painter().rect_filled(square, CornerRadius::same(2), p.heat_at(heat_of_sqnr(db)));
    cell(ui, true, &sqnr(db), Type::Small, p.text);
}

fn cell(ui: &mut Ui, right: bool, text: &str, kind: Type, colour: eframe::egui::Color32) {
    let label = Label::new(kind.text(text, colour)).truncate().selectable(false);
    if right {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.add(label));
    } else {
        ui.add(label);
    }
}

/// The table with tabs between cells, for a spreadsheet.
fn as_text(cx: PanelCtx<'_>, statics: &StaticFigures) -> String {
    let mut text = "#\tlayer\top\toutput\tscheme\tweights, bytes\tMACs\tlatency, us\tSQNR, dB\tclipped\n".to_owned();
    for layer in &statics.layers {
        let error = |f: &dyn Fn(tinsmith_core::measure::LayerError) -> f64| {
            cx.session.layer_error(layer.node).map_or_else(String::new, |e| f(e).to_string())
        };
        let latency = layer.latency_us.as_ref().map_or_else(String::new, |e| e.value.to_string());
        let NodeId(index) = layer.node;
        text += &format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{latency}\t{}\t{}\n",
            index + 1,
            layer.name,
            layer.label,
            units::shape(&layer.output_shape),
            layer.scheme,
            layer.weights_bytes,
            layer.macs,
            error(&|e| e.sqnr_db),
            error(&|e| e.clipped)
        );
    }
    text
}
