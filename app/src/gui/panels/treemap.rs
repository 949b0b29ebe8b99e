//! The bytes of the exported file as areas: which layers the flash goes to, coloured by what they lose.

use std::sync::Arc;

use eframe::egui::{CornerRadius, Id, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};
use tinsmith_core::measure::StaticFigures;

use super::graph::{SQNR_BETTER, SQNR_WORSE, heat_of_sqnr, short_name, sqnr};
use crate::gui::command::{Command, Shown};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::squarify::squarify;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{elided, empty_state, panel_header, segmented};

/// More areas than this are not told apart; the smallest are put together.
const MAX_CELLS: usize = 160;

/// What areas stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Quantity {
    #[default]
    Bytes,
    Macs,
}

/// One area.
#[derive(Clone, Debug, PartialEq)]
struct Cell {
    /// Words on it.
    name: String,
    /// The layer to select; `None` for what belongs to no layer.
    node: Option<String>,
    /// Index of the layer, to find its error.
    index: Option<usize>,
    amount: u64,
}

/// The panel's view state.
#[derive(Debug, Default)]
pub struct TreemapPanel {
    quantity: Quantity,
    made: Option<Made>,
}

/// The areas, and what they were made from.
#[derive(Debug)]
struct Made {
    statics: Arc<StaticFigures>,
    quantity: Quantity,
    map: Rect,
    cells: Vec<(Cell, Rect)>,
}

impl TreemapPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let figures = &cx.session.figures;
        let statics = match cx.session.shown_now() {
            Shown::Candidate => figures.candidate_static.value.as_ref(),
            Shown::Source => figures.baseline_static.value.as_ref(),
        };
        let about = statics.map_or_else(String::new, |s| match self.quantity {
            Quantity::Bytes => format!("area, {}", words(self.quantity, s.size.file_bytes)),
            Quantity::Macs => format!("area, {}", words(self.quantity, s.macs)),
        });
        let title = if self.quantity == Quantity::Bytes { "Bytes" } else { "MACs" };
        panel_header(ui, title, &about, |ui| {
            segmented(ui, &mut self.quantity, &[(Quantity::Bytes, "bytes"), (Quantity::Macs, "MACs")]);
        });
        let Some(statics) = statics else {
            let why = figures.failure.as_deref().unwrap_or("The figures arrive as soon as they are measured.");
            empty_state(ui, icons::SQUARES_FOUR, "Not measured yet", why, None);
            return;
        };
        if self.quantity == Quantity::Macs && statics.macs == 0 {
            empty_state(ui, icons::SQUARES_FOUR, "No MACs", "No op of this model multiplies and accumulates.", None);
            return;
        }
        let all = ui.available_rect_before_wrap();
        ui.advance_cursor_after_rect(all);
        let (map, legend) = all.shrink(12.0).split_top_bottom_at_y(all.bottom() - 28.0);
        self.lay_out(statics, map);
        let Some(made) = &self.made else { return };
        for (i, (cell, rect)) in made.cells.iter().enumerate() {
            cell_ui(cx, ui, cell, self.quantity, *rect, ui.scope_id().with(("area", i)));
        }
        legend_ui(cx, ui, legend);
    }

    fn lay_out(&mut self, statics: &Arc<StaticFigures>, map: Rect) {
        let is_made = |made: &Made| Arc::ptr_eq(&made.statics, statics) && made.quantity == self.quantity && made.map == map;
        if self.made.as_ref().is_some_and(is_made) {
            return;
        }
        let cells = cells(statics, self.quantity);
        let weights: Vec<f64> = cells.iter().map(|c| c.amount as f64).collect();
        let rects = squarify(&weights, map);
        let cells = cells.into_iter().zip(rects).collect();
        self.made = Some(Made { statics: Arc::clone(statics), quantity: self.quantity, map, cells });
    }
}

fn cells(statics: &StaticFigures, quantity: Quantity) -> Vec<Cell> {
    let amount = |layer: &tinsmith_core::measure::LayerFigures| match quantity {
        Quantity::Bytes => layer.weights_bytes + layer.bias_bytes,
        Quantity::Macs => layer.macs,
    };
    let layers = statics.layers.iter().enumerate().filter(|(_, layer)| amount(layer) > 0);
    let mut cells: Vec<Cell> = layers
        .map(|(index, layer)| Cell {
            name: short_name(&layer.name),
            node: Some(layer.name.clone()),
            index: Some(index),
            amount: amount(layer),
        })
        .collect();
    cells.sort_by_key(|cell| std::cmp::Reverse(cell.amount));
    if cells.len() > MAX_CELLS {
        let rest = cells.split_off(MAX_CELLS - 1);
        let sum = rest.iter().map(|c| c.amount).sum();
        cells.push(Cell { name: format!("{} smaller layers", rest.len()), node: None, index: None, amount: sum });
    }
    if quantity == Quantity::Bytes {
        // Shared constants are counted for each layer that reads them, so this is what the file holds besides any layer.
        let amount = statics.size.structure_bytes + statics.size.other_constants_bytes;
        cells.push(Cell { name: "graph".to_owned(), node: None, index: None, amount });
    }
    cells
}

fn words(quantity: Quantity, amount: u64) -> String {
    match quantity {
        Quantity::Bytes => units::bytes(amount).joined(),
        Quantity::Macs => format!("{} MACs", units::count(amount).joined()),
    }
}

fn cell_ui(cx: PanelCtx<'_>, ui: &Ui, cell: &Cell, quantity: Quantity, rect: Rect, id: Id) {
    let p = Palette::of(ui);
    let rect = rect.shrink(0.75);
    if rect.width() < 1.0 || rect.height() < 1.0 {
        return;
    }
    let error = cell.index.and_then(|i| cx.session.layer_error(tinsmith_core::graph::NodeId::new(i)));
    let heat = error.map(|e| heat_of_sqnr(e.sqnr_db));
    let (fill, ink) = match (heat, cell.index) {
        (Some(t), _) => (p.heat_at(t), p.heat_ink_at(t)),
        (None, Some(_)) => (p.control_hover, p.text),
        (None, None) => (p.control, p.text_weak),
    };
    let response = ui.interact(rect, id, if cell.node.is_some() { Sense::click() } else { Sense::hover() });
    let amount = words(quantity, cell.amount);
    let said = match error {
        Some(e) => format!("Area {}: {amount}, SQNR {} dB", cell.name, sqnr(e.sqnr_db)),
        None => format!("Area {}: {amount}", cell.name),
    };
    let role = if cell.node.is_some() { Role::Button } else { Role::Label };
    response.widget_info(|| WidgetInfo::labeled(role, true, &said));
    let radius = CornerRadius::same(2);
    ui.painter().rect_filled(rect, radius, fill);
    label_ui(ui, rect, &cell.name, &amount, ink);
    let is_selected = cell.node.as_deref().is_some_and(|name| cx.session.is_selected(name));
    if is_selected {
        ui.painter().rect_stroke(rect, radius, Stroke::new(2.0, p.accent), StrokeKind::Inside);
    } else if response.hovered() && cell.node.is_some() || response.has_focus() {
        ui.painter().rect_stroke(rect, radius, Stroke::new(1.0, p.text), StrokeKind::Inside);
    }
    if response.clicked() {
        let also = ui.input(|i| i.modifiers.command);
        if let Some(name) = &cell.node {
            cx.send(if also { Command::SelectAlso(name.clone()) } else { Command::Select(Some(name.clone())) });
        }
    }
    response.on_hover_text(said);
}

/// Name and amount, as far as there is room for them.
fn label_ui(ui: &Ui, rect: Rect, name: &str, amount: &str, ink: eframe::egui::Color32) {
    let inside = rect.shrink2(vec2(6.0, 4.0));
    if inside.width() < 18.0 || inside.height() < 12.0 {
        return;
    }
    let painter = ui.painter_at(rect);
    let title = elided(ui, name, Type::SmallMedium, ink, inside.width());
    let below = title.size().y;
    painter.galley(inside.min, title, ink);
    if inside.height() > below + 12.0 {
        let figure = elided(ui, amount, Type::Caption, ink, inside.width());
        painter.galley(inside.min + vec2(0.0, below), figure, ink);
    }
}

/// What the colours mean.
fn legend_ui(cx: PanelCtx<'_>, ui: &Ui, rect: Rect) {
    let p = Palette::of(ui);
    let has_errors = cx.session.shown_now() == Shown::Candidate && cx.session.figures.layer_errors.value.is_some();
    let y = rect.bottom() - 6.0;
    let text = |x: f32, align, words: &str| {
        ui.painter().text(eframe::egui::pos2(x, y), align, words, Type::Caption.font(), p.text_faint).right()
    };
    use eframe::egui::Align2;
    if !has_errors {
        text(rect.left(), Align2::LEFT_CENTER, "no quantization error to colour by");
        return;
    }
    let left = text(rect.left(), Align2::LEFT_CENTER, &format!("SQNR {SQNR_BETTER:.0} dB")) + 6.0;
    let bar = Rect::from_min_size(eframe::egui::pos2(left, y - 4.0), vec2(72.0_f32.min(rect.width() / 3.0), 8.0));
    for i in 0..24 {
        let step = bar.width() / 24.0;
        let part = Rect::from_min_size(bar.min + vec2(step * i as f32, 0.0), vec2(step + 0.5, bar.height()));
        ui.painter().rect_filled(part, 0.0, p.heat_at(i as f32 / 23.0));
    }
    text(bar.right() + 6.0, Align2::LEFT_CENTER, &format!("{SQNR_WORSE:.0}, worse"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinsmith_core::graph::NodeId;
    use tinsmith_core::measure::{LayerFigures, SizeFigures};

    fn figures(n: usize) -> StaticFigures {
        let layer = |i: usize| LayerFigures {
            node: NodeId::new(i),
            name: format!("layer_{i}"),
            label: "Conv".into(),
            output_shape: vec![1],
            output_bytes: 1,
            scheme: "int8".into(),
            weights_bytes: 10 + i as u64,
            bias_bytes: 4,
            parameters: 10,
            macs: 100,
            flops: 200,
            latency_us: None,
        };
        let layers: Vec<LayerFigures> = (0..n).map(layer).collect();
        let constants: u64 = layers.iter().map(|l| l.weights_bytes + l.bias_bytes).sum();
        StaticFigures {
            size: SizeFigures { file_bytes: constants + 50, structure_bytes: 50, ..SizeFigures::default() },
            layers,
            ..StaticFigures::default()
        }
    }

    #[test]
    fn areas_add_up_to_the_file_however_many_layers_there_are() {
        for n in [0, 1, MAX_CELLS, 5_000] {
            let figures = figures(n);
            let cells = cells(&figures, Quantity::Bytes);
            assert_eq!(cells.iter().map(|c| c.amount).sum::<u64>(), figures.size.file_bytes);
            assert!(cells.len() <= MAX_CELLS + 1);
        }
    }
}
