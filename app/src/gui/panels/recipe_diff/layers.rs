//! The layers in which two candidates differ, as a list. A click selects the layer.

use std::sync::Arc;

use eframe::egui::{Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::measure::StaticFigures;

use crate::gui::candidates::Candidate;
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::layer_diff::{Fate, LayerChange, layer_diff};
use crate::gui::panels::graph::short_name;
use crate::gui::theme::{PANEL_PADDING, Palette, TABLE_ROW, Type};
use crate::gui::widgets::text_in;

/// What is listed, and between which figures it is the difference.
#[derive(Debug, Default)]
pub(super) struct LayerList {
    between: Option<(Arc<StaticFigures>, Arc<StaticFigures>)>,
    changes: Vec<LayerChange>,
}

impl LayerList {
    /// Compares anew if these are other figures.
    pub(super) fn update(&mut self, other: &Candidate, shown: &Candidate) {
        let Some((before, after)) = other.statics.as_ref().zip(shown.statics.as_ref()) else {
            *self = Self::default();
            return;
        };
        let is_same = |(b, a): &(Arc<StaticFigures>, Arc<StaticFigures>)| Arc::ptr_eq(b, before) && Arc::ptr_eq(a, after);
        if !self.between.as_ref().is_some_and(is_same) {
            self.changes = layer_diff(&before.layers, &after.layers);
            self.between = Some((Arc::clone(before), Arc::clone(after)));
        }
    }

    /// Shows the list.
    pub(super) fn ui(&self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let p = Palette::of(ui);
        if self.changes.is_empty() {
            let words = match self.between {
                Some(_) => "The same layers, with the same operators and shapes.",
                None => "The layers of one of them are still being counted.",
            };
            ui.add_space(8.0);
            ui.horizontal_wrapped(|ui| {
                ui.add_space(f32::from(PANEL_PADDING));
                ui.label(Type::Small.text(words, p.text_weak));
            });
            return;
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        let list = ScrollArea::vertical().id_salt("layers that differ").auto_shrink([false, false]);
        list.show_rows(ui, TABLE_ROW, self.changes.len(), |ui, rows| {
            self.changes.get(rows).unwrap_or_default().iter().for_each(|change| row_ui(cx, change, ui));
        });
    }

    /// The list as text, a line each.
    pub(super) fn as_text(&self) -> String {
        self.changes.iter().map(|c| format!("{}\t{}\t{}\n", mark(c.fate), c.name, c.what)).collect()
    }
}

fn mark(fate: Fate) -> &'static str {
    match fate {
        Fate::Removed => "-",
        Fate::Added => "+",
        Fate::Changed => "~",
    }
}

fn row_ui(cx: PanelCtx<'_>, change: &LayerChange, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), TABLE_ROW), Sense::click());
    let is_selected = cx.session.is_selected(&change.name);
    let words = match change.fate {
        Fate::Removed => "removed",
        Fate::Added => "added",
        Fate::Changed => "changed",
    };
    let spoken = format!("{words} {}, {}", change.name, change.what);
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &spoken));
    let (ground, ink) = match change.fate {
        Fate::Removed => (p.base_soft, p.text),
        Fate::Added => (p.accent_soft, p.accent_text),
        Fate::Changed => (p.panel, p.text),
    };
    ui.painter().rect_filled(rect, 0.0, ground);
    if response.hovered() || response.has_focus() || is_selected {
        ui.painter().rect_filled(rect, 0.0, p.control_hover.gamma_multiply(0.6));
    }
    let inner = rect.shrink2(vec2(f32::from(PANEL_PADDING), 0.0));
    let at =
        |from: f32, to: f32| Rect::from_min_max(pos2(inner.left() + from, rect.top()), pos2(inner.left() + to, rect.bottom()));
    let middle = (inner.width() * 0.36).max(64.0);
    text_in(ui, at(0.0, 12.0), false, mark(change.fate), Type::Mono, ink);
    let kind = if is_selected { Type::SmallTitle } else { Type::Small };
    text_in(ui, at(16.0, middle), false, &short_name(&change.name), kind, ink);
    text_in(ui, at(middle + 8.0, inner.width()), false, &change.what, Type::Small, p.text_weak);
    if response.on_hover_text(&spoken).clicked() {
        cx.send(Command::Select(Some(change.name.clone())));
    }
}
