//! The panels with the state of their views, and which of them a dock shows where.

use eframe::egui::Ui;

use super::Pane;
use crate::gui::context::PanelCtx;
use crate::gui::panels::candidates::CandidatesPanel;
use crate::gui::panels::capture::classes::ClassesPanel;
use crate::gui::panels::capture::clips::ClipsPanel;
use crate::gui::panels::capture::features::FeaturesPanel;
use crate::gui::panels::capture::signals::SignalsPanel;
use crate::gui::panels::confusion::ConfusionPanel;
use crate::gui::panels::data_set::DataSetPanel;
use crate::gui::panels::files::FilesPanel;
use crate::gui::panels::graph::GraphPanel;
use crate::gui::panels::inspector::InspectorPanel;
use crate::gui::panels::layers::LayersPanel;
use crate::gui::panels::live::board::BoardPanel;
use crate::gui::panels::live::probabilities::ProbabilitiesPanel;
use crate::gui::panels::recipe_diff::RecipeDiffPanel;
use crate::gui::panels::sample::SamplePanel;
use crate::gui::panels::tradeoff::TradeoffPanel;
use crate::gui::panels::treemap::TreemapPanel;
use crate::gui::panels::where_it_sits::WhereItSitsPanel;
use crate::gui::panels::{capture, coverage, fits, live, memory, recipe, source, targets, what_next};
use crate::gui::plots::View;
use crate::gui::session::Edit;

/// All panels.
#[derive(Default)]
pub struct Panels {
    /// The layers as boxes.
    pub graph: GraphPanel,
    layers: LayersPanel,
    inspector: InspectorPanel,
    where_it_sits: WhereItSitsPanel,
    treemap: TreemapPanel,
    candidates: CandidatesPanel,
    tradeoff: TradeoffPanel,
    difference: RecipeDiffPanel,
    signals: SignalsPanel,
    clips: ClipsPanel,
    classes: ClassesPanel,
    features: FeaturesPanel,
    data_set: DataSetPanel,
    sample: SamplePanel,
    confusion: ConfusionPanel,
    probabilities: ProbabilitiesPanel,
    on_board: BoardPanel,
    files: FilesPanel,
    memory: View,
    arena_plan: View,
}

impl Panels {
    /// Shows one of them over the rest of `ui`.
    pub fn ui(&mut self, pane: Pane, cx: PanelCtx<'_>, edit: &mut Edit, ui: &mut Ui) {
        match pane {
            Pane::Recipe => recipe::ui(cx, &mut edit.recipe, ui),
            Pane::Graph => self.graph.ui(cx, ui),
            Pane::Inspector => self.inspector.ui(cx, &mut edit.recipe, ui),
            Pane::Layers => self.layers.ui(cx, ui),
            Pane::Memory => memory::ui(cx, &mut self.memory, ui),
            Pane::Source => source::ui(cx, ui),
            Pane::WhereItSits => self.where_it_sits.ui(cx, ui),
            Pane::Treemap => self.treemap.ui(cx, ui),
            Pane::Candidates => self.candidates.ui(cx, edit, ui),
            Pane::Tradeoff => self.tradeoff.ui(cx, edit, ui),
            Pane::Difference => self.difference.ui(cx, ui),
            Pane::Confusion => self.confusion.ui(cx, ui),
            Pane::Sources => capture::sources::ui(cx, ui),
            Pane::Record => capture::record::ui(cx, ui),
            Pane::Signals => self.signals.ui(cx, ui),
            Pane::Clips => self.clips.ui(cx, ui),
            Pane::Classes => self.classes.ui(cx, ui),
            Pane::Features => self.features.ui(cx, &mut edit.features, ui),
            Pane::DataSet => self.data_set.ui(cx, ui),
            Pane::Sample => self.sample.ui(cx, ui),
            Pane::Coverage => coverage::ui(cx, ui),
            Pane::Now => live::now::ui(cx, ui),
            Pane::Probabilities => self.probabilities.ui(cx, ui),
            Pane::Events => live::events::ui(cx, ui),
            Pane::OnBoard => self.on_board.ui(cx, ui),
            Pane::Targets => targets::ui(cx, ui),
            Pane::Fits => fits::ui(cx, &mut self.arena_plan, ui),
            Pane::Files => self.files.ui(cx, ui),
            Pane::WhatNext => what_next::ui(cx, ui),
        }
    }
}
