//! The panels with the state of their views, and which of them a dock shows where.

use eframe::egui::Ui;

use super::Pane;
use crate::gui::context::PanelCtx;
use crate::gui::panels::graph::GraphPanel;
use crate::gui::panels::inspector::InspectorPanel;
use crate::gui::panels::layers::LayersPanel;
use crate::gui::panels::{memory, recipe};
use crate::gui::session::Edit;

/// All panels.
#[derive(Debug, Default)]
pub struct Panels {
    /// The layers as boxes.
    pub graph: GraphPanel,
    layers: LayersPanel,
    inspector: InspectorPanel,
}

impl Panels {
    /// Shows one of them over the rest of `ui`.
    pub fn ui(&mut self, pane: Pane, cx: PanelCtx<'_>, edit: &mut Edit, ui: &mut Ui) {
        match pane {
            Pane::Recipe => recipe::ui(cx, &mut edit.recipe, ui),
            Pane::Graph => self.graph.ui(cx, ui),
            Pane::Inspector => self.inspector.ui(cx, &mut edit.recipe, ui),
            Pane::Layers => self.layers.ui(cx, ui),
            Pane::Memory => memory::ui(cx, ui),
        }
    }
}
