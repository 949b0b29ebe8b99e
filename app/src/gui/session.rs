//! What is open, how it is being changed, and everything known about it so far. No widget in it.

mod history;

pub use history::Turns;

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::util::undoer::{Settings as UndoSettings, Undoer};
use tinsmith_core::data::features::Pipeline;
use tinsmith_core::data::library::file::is_library;
use tinsmith_core::data::{self, DataSet};
use tinsmith_core::formats::ImportOptions;
use tinsmith_core::graph::{Graph, NodeId};
use tinsmith_core::measure::device::{Device, device, devices};
use tinsmith_core::measure::{AccuracyFigures, LayerError, LayerErrors, LayerFigures, StaticFigures};
use tinsmith_core::optimize::{Advice, Candidate, suggested_recipe};
use tinsmith_core::preview::{Job, Roles, Source, StoredRanges, is_layout_open, roles};
use tinsmith_core::project::{Project, Variant};
use tinsmith_core::recipe::Recipe;

use super::capture::Capture;
use super::command::{Quantity, Shown};
use super::figures::{Activity, Figures};
use super::graph_view::layout::Layout;
use super::lineage::{Lineage, LineageMemo};
use super::live::LiveDemo;
use super::lowering::Lowering;
use super::notice::Notices;
use super::on_demand::OnDemand;
use super::picture;
use super::settings::Settings;
use super::steps;
use super::workspace::Workspace;
use crate::worker::{Distributions, FloatGraph, GraphRef, project_beside, samples_at};

/// What undo goes back over.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// The steps.
    pub recipe: Recipe,
    /// Id of the board.
    pub device: String,
    /// Candidates that were set aside.
    pub variants: Vec<Variant>,
    /// Where samples have their channels, if their shape does not tell.
    pub layout: Option<data::Layout>,
    /// What becomes of recordings before the model sees them. A change makes the samples anew.
    pub features: Option<Pipeline>,
}

impl Edit {
    /// A recipe for the board that a new project starts with.
    pub fn new(recipe: Recipe) -> Self {
        Self { recipe, device: default_device(), variants: Vec::new(), layout: None, features: None }
    }
}

/// A data set as it was opened.
#[derive(Clone, Debug)]
pub struct LoadedData {
    /// Where it was read from.
    pub path: PathBuf,
    /// The samples.
    pub set: Arc<DataSet>,
    /// What they are used for.
    pub roles: Roles,
    /// The stages that they were opened with: those of samples that are no recordings mean nothing.
    pub features: Option<Pipeline>,
}

impl LoadedData {
    /// Samples that were opened with these stages.
    pub fn new(path: PathBuf, set: Arc<DataSet>, features: Option<Pipeline>) -> Self {
        Self { path, roles: roles(&set), set, features }
    }

    /// Whether other samples have to be made for these stages.
    pub fn is_outdated(&self, features: Option<&Pipeline>) -> bool {
        self.features.as_ref() != features && is_library(&self.path)
    }
}

/// What is open.
#[derive(Clone, Debug)]
pub struct Open {
    /// The model.
    pub source: Arc<Source>,
    /// The project's file; `None` if it was never saved.
    pub project: Option<PathBuf>,
    /// Its data.
    pub data: Option<LoadedData>,
    /// The edit as it was last read or written.
    pub saved: Option<SavedState>,
    /// Ranges that the project keeps.
    pub ranges: Option<Arc<StoredRanges>>,
    /// What the project's file said: notes and variants are kept when it is written again.
    pub before: Option<Arc<Project>>,
    /// The recipe that a model like this starts with.
    pub first: Recipe,
}

impl Open {
    /// A model by itself, which would start with the recipe `first`.
    pub fn new(source: Arc<Source>, first: Recipe) -> Self {
        Self { source, project: None, data: None, saved: None, ranges: None, before: None, first }
    }

    /// The project's file, or the one that it would get.
    pub fn project_file(&self) -> PathBuf {
        self.project.clone().unwrap_or_else(|| project_beside(&self.source.path))
    }

    /// From now on the samples have their channels here.
    pub fn lay_out(&mut self, layout: Option<data::Layout>) {
        let Some(data) = self.data.as_mut().filter(|data| data.set.layout != layout) else { return };
        data.set = Arc::new(DataSet::clone(&data.set).laid_out(layout));
        // They are those of samples that were read in another way.
        self.ranges = None;
    }

    /// Whether shapes do not tell where samples have their channels.
    pub fn is_layout_open(&self) -> bool {
        let graph = &self.source.graph;
        self.data.as_ref().is_some_and(|data| is_layout_open(&data.set, graph))
    }

    /// Everything that the figures of an edit are made from.
    pub fn job(&self, edit: &Edit, device: Arc<Device>) -> Job {
        Job {
            source: Arc::clone(&self.source),
            data: self.data.as_ref().map(|d| Arc::clone(&d.set)),
            ranges: self.ranges.clone(),
            recipe: edit.recipe.clone(),
            device,
        }
    }
}

/// Something that takes the open project's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Another file.
    Open(PathBuf),
    /// The first page.
    Close,
    /// Nothing: the program ends.
    Quit,
}

impl Leaving {
    /// Whether the recipe on screen goes away. Data is only added to it.
    pub fn loses_changes(&self) -> bool {
        let Self::Open(path) = self else { return true };
        samples_at(path).is_none()
    }
}

/// What the project's file says.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedState {
    /// Recipe and board.
    pub edit: Edit,
    /// Path of the data.
    pub data: Option<PathBuf>,
    /// What is said of extents that the model leaves open.
    pub import: ImportOptions,
}

/// Everything the panels show.
#[derive(Debug)]
pub struct Session {
    /// What is open; `None` shows the first page.
    pub open: Option<Open>,
    /// The recipe and board on screen.
    pub edit: Edit,
    /// Every figure known so far.
    pub figures: Figures,
    /// Name of the selected node.
    pub selection: Option<String>,
    /// Names of nodes selected besides it: the controls edit them all.
    pub also_selected: BTreeSet<String>,
    /// Which graph is chosen to be shown.
    pub shown: Shown,
    /// Source and candidate are shown side by side; the rest of the window is about [`Session::shown`].
    pub shows_both: bool,
    /// Shows the source while B is held.
    pub hold_baseline: bool,
    /// Where the shown graph's nodes lie.
    pub layout: Option<Arc<Layout>>,
    /// Which graph the layout is of.
    pub layout_of: Option<GraphRef>,
    /// Where the nodes of the other graph lie, if both are shown.
    pub layout_beside: Option<(GraphRef, Arc<Layout>)>,
    /// Histograms of the selected node.
    pub distributions: Option<Arc<Distributions>>,
    /// Which steps would help a float graph.
    pub advice: Option<(FloatGraph, Vec<Advice>)>,
    /// Results that only some panels need.
    pub on_demand: OnDemand,
    /// What is recorded.
    pub capture: Capture,
    /// The live demo.
    pub live: LiveDemo,
    /// Progressive quantization, while it goes on.
    pub lowering: Option<Lowering>,
    /// What happened and should be known.
    pub notices: Notices,
    /// The workspace on screen.
    pub workspace: Workspace,
    /// How the window looks and moves.
    pub settings: Settings,
    /// What is being read from disk.
    pub opening: Option<PathBuf>,
    /// Where the user is going, while it is asked what to do with unsaved changes.
    pub leaving: Option<Leaving>,
    /// Another window has the project open: that one autosaves.
    pub is_elsewhere: bool,
    /// The project's file must not be written.
    pub is_read_only: bool,
    /// What the worker is doing.
    pub activity: Option<Activity>,
    /// What happened last, for the status line.
    pub message: String,
    /// Work on this model that was never saved.
    pub recovery: Option<Box<Project>>,
    /// Recently opened files, newest first.
    pub recent: Vec<PathBuf>,
    /// The picture that is wanted, until it is taken.
    pub picture: Option<picture::Request>,
    /// The figure that is being explained.
    pub explained: Option<Quantity>,
    /// The edit that the newest complete figures belong to.
    pub measured: Option<Edit>,
    lineages: LineageMemo,
    undoer: Undoer<Edit>,
    /// Whether the clips or the project are the next to be undone.
    pub turns: Turns,
    /// For which edit the name of what undo takes back was found.
    undo_named: Option<(Edit, String)>,
}

impl Default for Session {
    /// Nothing open.
    fn default() -> Self {
        Self {
            open: None,
            edit: Edit::new(Recipe::default()),
            figures: Figures::default(),
            selection: None,
            also_selected: BTreeSet::new(),
            shown: Shown::Candidate,
            shows_both: false,
            hold_baseline: false,
            layout: None,
            layout_of: None,
            layout_beside: None,
            distributions: None,
            advice: None,
            on_demand: OnDemand::default(),
            capture: Capture::default(),
            live: LiveDemo::default(),
            lowering: None,
            notices: Notices::default(),
            workspace: Workspace::default(),
            settings: Settings::default(),
            opening: None,
            leaving: None,
            is_elsewhere: false,
            is_read_only: false,
            activity: None,
            message: "ready".to_owned(),
            recovery: None,
            recent: Vec::new(),
            picture: None,
            explained: None,
            measured: None,
            lineages: LineageMemo::default(),
            undoer: new_undoer(),
            turns: Turns::default(),
            undo_named: None,
        }
    }
}

impl Session {
    /// Shows a newly opened model. History starts afresh.
    pub fn show(&mut self, open: Open, edit: Edit) {
        let name = open.source.graph.name.clone();
        self.open = Some(open);
        self.edit = edit;
        self.figures = Figures::default();
        self.select_only(None);
        self.shown = Shown::Candidate;
        (self.layout, self.layout_of) = (None, None);
        (self.shows_both, self.layout_beside) = (false, None);
        (self.distributions, self.advice) = (None, None);
        self.on_demand = OnDemand::default();
        (self.activity, self.picture, self.measured) = (None, None, None);
        self.message = format!("opened {name}");
        // A distance of one model is no probability of another.
        self.live.settings.decision.threshold = None;
        (self.undoer, self.undo_named, self.turns) = (new_undoer(), None, Turns::default());
        self.undoer.add_undo(&self.edit);
    }

    /// Back to the first page.
    pub fn close(&mut self) {
        self.open = None;
        self.figures = Figures::default();
        self.select_only(None);
        (self.layout, self.layout_beside) = (None, None);
        self.distributions = None;
        self.activity = None;
        self.recovery = None;
        self.message = "ready".to_owned();
        (self.undoer, self.undo_named, self.turns) = (new_undoer(), None, Turns::default());
    }

    /// The name in the top bar.
    pub fn name(&self) -> String {
        let Some(open) = &self.open else { return "Tinsmith".to_owned() };
        let path = open.project.as_ref().unwrap_or(&open.source.path);
        path.file_name().map_or_else(|| open.source.graph.name.clone(), |n| n.to_string_lossy().into_owned())
    }

    /// What exported files are called.
    pub fn export_name(&self) -> String {
        let chosen = self.on_demand.export.name.clone().filter(|name| !name.trim().is_empty());
        chosen.unwrap_or_else(|| {
            let name = self.name();
            name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned()
        })
    }

    /// Whether something would be lost by closing.
    pub fn is_unsaved(&self) -> bool {
        let Some(open) = &self.open else { return false };
        open.saved.as_ref() != Some(&self.state_to_save())
    }

    /// What saving would write.
    pub fn state_to_save(&self) -> SavedState {
        let data = self.open.as_ref().and_then(|o| o.data.as_ref()).map(|d| d.path.clone());
        let import = self.open.as_ref().map(|o| o.source.import.clone()).unwrap_or_default();
        SavedState { edit: self.edit.clone(), data, import }
    }

    /// Whether the user has to say where samples have their channels.
    pub fn is_layout_asked(&self) -> bool {
        self.edit.layout.is_none() && self.open.as_ref().is_some_and(Open::is_layout_open)
    }

    /// The chosen board.
    pub fn device(&self) -> Option<Arc<Device>> {
        device(&self.edit.device)
    }

    /// Which graph is on screen.
    pub fn shown_now(&self) -> Shown {
        if self.hold_baseline || self.figures.candidate.value.is_none() { Shown::Source } else { self.shown }
    }

    /// The graph on screen.
    pub fn graph(&self) -> Option<&Graph> {
        match self.shown_now() {
            Shown::Candidate => self.candidate().map(|c| &c.graph),
            Shown::Source => self.open.as_ref().map(|o| &*o.source.graph),
        }
    }

    /// The graph on screen, to be kept.
    pub fn graph_ref(&self) -> Option<GraphRef> {
        self.ref_to(self.shown_now())
    }

    /// Source or candidate, to be kept.
    pub fn ref_to(&self, which: Shown) -> Option<GraphRef> {
        match which {
            Shown::Candidate => self.candidate().map(|c| GraphRef::Candidate(Arc::clone(c))),
            Shown::Source => self.open.as_ref().map(|o| GraphRef::Source(Arc::clone(&o.source))),
        }
    }

    /// Whether two graphs are on screen.
    pub fn shows_both_now(&self) -> bool {
        self.shows_both && self.candidate().is_some()
    }

    /// Where the nodes of a graph lie, if it is on screen and laid out.
    pub fn layout_for(&self, graph: &GraphRef) -> Option<&Arc<Layout>> {
        let beside = self.layout_beside.as_ref().filter(|(of, _)| of == graph).map(|(_, layout)| layout);
        self.layout.as_ref().filter(|_| self.layout_of.as_ref() == Some(graph)).or(beside)
    }

    /// Takes where the nodes of a graph on screen lie.
    pub fn take_layout(&mut self, of: GraphRef, layout: Arc<Layout>) {
        if self.shows_both_now() && self.graph_ref().as_ref() != Some(&of) {
            self.layout_beside = Some((of, layout));
        } else {
            (self.layout, self.layout_of) = (Some(layout), Some(of));
            self.layout_beside = self.layout_beside.take().filter(|_| self.shows_both);
        }
    }

    /// What the recipe makes of the model, if that is known.
    pub fn candidate(&self) -> Option<&Arc<Candidate>> {
        self.figures.candidate.value.as_ref()
    }

    /// The graph that is quantized, or will be once there is a candidate.
    pub fn float_graph(&self) -> Option<FloatGraph> {
        let source = || self.open.as_ref().map(|o| FloatGraph::Source(Arc::clone(&o.source)));
        self.candidate().map(|c| FloatGraph::Rewritten(Arc::clone(&c.rewritten))).or_else(source)
    }

    /// Figures of the graph on screen.
    pub fn shown_static(&self) -> Option<&StaticFigures> {
        self.shown_statics().map(|statics| &**statics)
    }

    /// The same, to be kept.
    pub fn shown_statics(&self) -> Option<&Arc<StaticFigures>> {
        match self.shown_now() {
            Shown::Candidate => self.figures.candidate_static.value.as_ref(),
            Shown::Source => self.figures.baseline_static.value.as_ref(),
        }
    }

    /// The selected node in the graph on screen.
    pub fn selected_node(&self) -> Option<NodeId> {
        self.graph()?.node_named(self.selection.as_deref()?)
    }

    /// Figures of a node on screen.
    pub fn layer(&self, node: NodeId) -> Option<&LayerFigures> {
        let layers = &self.shown_static()?.layers;
        // In execution order, one for each node; the id is checked because figures may be a revision older than the graph.
        layers.get(node.index()).filter(|l| l.node == node)
    }

    /// Quantization error of a node of the candidate; none while the source is shown.
    pub fn layer_error(&self, node: NodeId) -> Option<LayerError> {
        let errors: &LayerErrors = self.figures.layer_errors.value.as_deref()?;
        let fits = self.candidate().is_some_and(|c| c.graph.nodes.len() == errors.layers.len());
        let shown = self.shown_now() == Shown::Candidate && fits;
        shown.then(|| errors.layers.get(node.index()).copied().flatten()).flatten()
    }

    /// How well candidate and baseline do.
    pub fn accuracies(&self) -> (Option<&AccuracyFigures>, Option<&AccuracyFigures>) {
        (self.figures.baseline_accuracy.value.as_ref(), self.figures.candidate_accuracy.value.as_ref())
    }

    /// Selects the heaviest layer, so that the inspector has something to show.
    pub fn select_heaviest(&mut self) {
        let Some(graph) = self.graph() else { return };
        let weights = |id: NodeId| {
            let node = graph.node(id);
            if node.op.has_weights() { graph.input(node, 1).map_or(0, |t| t.n_elements()) } else { 0 }
        };
        let heaviest = graph.node_ids().max_by_key(|&id| (weights(id), std::cmp::Reverse(id)));
        let name = heaviest.map(|id| graph.node(id).name.clone());
        self.select_only(name);
    }

    /// Selects this node alone, or nothing.
    pub fn select_only(&mut self, name: Option<String>) {
        self.selection = name;
        self.also_selected.clear();
    }

    /// What became of each node of the source in the candidate, and what each node there was made of; `None` without a candidate.
    pub fn lineage(&self) -> Option<Arc<Lineage>> {
        Some(self.lineages.of(&self.open.as_ref()?.source, self.candidate()?))
    }

    /// Selects in the graph on screen what became of selected nodes that are only in the other one, or what they were made of.
    pub fn follow_selection(&mut self) {
        let (Some(open), Some(candidate), Some(graph)) = (&self.open, self.candidate(), self.graph()) else { return };
        let here: HashSet<&str> = graph.nodes.iter().map(|n| n.name.as_str()).collect();
        if self.all_selected().all(|name| here.contains(name.as_str())) {
            return;
        }
        let source = &open.source.graph;
        let Some(lineage) = self.lineage() else { return };
        let counterpart = |name: &str| match self.shown_now() {
            Shown::Candidate => source.node_named(name).and_then(|id| lineage.heir(id)),
            Shown::Source => candidate.graph.node_named(name).and_then(|id| lineage.origin(id)),
        };
        let follow = |name: &String| {
            let other = Some(name).filter(|name| !here.contains(name.as_str())).and_then(|name| counterpart(name));
            other.map_or_else(|| name.clone(), |id| graph.node(id).name.clone())
        };
        let selection = self.selection.as_ref().map(follow);
        let also: BTreeSet<String> = self.also_selected.iter().map(follow).filter(|n| Some(n) != selection.as_ref()).collect();
        (self.selection, self.also_selected) = (selection, also);
    }

    /// Adds a node to the selection, or takes it out. The node added last is the one that the inspector describes.
    pub fn select_also(&mut self, name: String) {
        if self.selection.as_ref() == Some(&name) {
            self.selection = self.also_selected.pop_first();
        } else if !self.also_selected.remove(&name) {
            self.also_selected.extend(self.selection.replace(name));
        }
    }

    /// Selects every node on screen; the inspector goes on describing the one that it describes.
    pub fn select_all(&mut self) {
        let Some(graph) = self.graph() else { return };
        let names: Vec<String> = graph.nodes.iter().map(|n| n.name.clone()).collect();
        let shown = self.selection.take().filter(|name| names.contains(name)).or_else(|| names.first().cloned());
        self.also_selected = names.into_iter().filter(|name| Some(name) != shown.as_ref()).collect();
        self.selection = shown;
    }

    /// Whether a node is selected, alone or among others.
    pub fn is_selected(&self, name: &str) -> bool {
        self.selection.as_deref() == Some(name) || self.also_selected.contains(name)
    }

    /// Names of all selected nodes, the one that the inspector describes first.
    pub fn all_selected(&self) -> impl Iterator<Item = &String> {
        self.selection.iter().chain(&self.also_selected)
    }

    /// Tells the history what is on screen now, once a frame.
    pub fn feed_history(&mut self, time_s: f64) {
        if self.open.is_some() {
            self.undoer.feed_state(time_s, &self.edit);
        }
    }

    /// Whether the history waits for an edit to come to rest.
    pub fn is_in_flux(&self) -> bool {
        self.undoer.is_in_flux()
    }
}

/// The board that a new project starts with: the first of the list.
pub fn default_device() -> String {
    devices().first().map_or_else(String::new, |d| d.id.clone())
}

/// The recipe of a newly opened model: rewrite and quantize what is float, pack what is an integer model already. It tries steps that
/// rewrite, so a frame must not wait for it.
pub fn first_recipe(graph: &Graph) -> Recipe {
    let mut recipe = suggested_recipe(graph);
    if graph.is_integer() {
        recipe.steps.retain(|entry| entry.step.name() == "pack");
    }
    recipe
}

fn new_undoer() -> Undoer<Edit> {
    Undoer::with_settings(UndoSettings { max_undos: 200, stable_time: 0.5, auto_save_interval: 10.0 })
}

/// What was edited, in a word or two: the name of the first thing that differs.
pub fn difference(from: &Edit, to: &Edit) -> String {
    use tinsmith_core::recipe::Step;
    if from.device != to.device {
        return format!("board {}", device(&to.device).map_or_else(|| to.device.clone(), |d| d.name.clone()));
    }
    if from.layout != to.layout {
        return "place of the channels".to_owned();
    }
    if from.features != to.features {
        return "features".to_owned();
    }
    if let Some(change) = steps::list_change(&from.recipe, &to.recipe) {
        return change;
    }
    if from.variants != to.variants && from.recipe == to.recipe {
        return "candidates".to_owned();
    }
    for (a, b) in from.recipe.steps.iter().zip(&to.recipe.steps) {
        match (&a.step, &b.step) {
            (Step::Quantize(a), Step::Quantize(b)) if a != b => {
                let changed = [
                    (a.scheme != b.scheme, "scheme"),
                    (a.granularity != b.granularity, "granularity"),
                    (a.fully_connected != b.fully_connected, "dense granularity"),
                    (a.weight_range != b.weight_range, "weight range"),
                    (a.rounding != b.rounding, "rounding"),
                    (a.calibrator != b.calibrator, "calibrator"),
                    (a.symmetric != b.symmetric, "symmetric"),
                    (a.io != b.io, "input and output"),
                    (a.correct_bias != b.correct_bias, "bias correction"),
                    (a.samples != b.samples, "samples"),
                ];
                let name = changed.iter().find(|(differs, _)| *differs).map_or("override", |(_, name)| name);
                return name.to_owned();
            }
            (Step::Pack(a), Step::Pack(b)) if a != b => {
                return if a.strip_names == b.strip_names { "memory plan" } else { "names" }.to_owned();
            }
            _ => {
                if let Some(change) = steps::entry_change(a, b) {
                    return change;
                }
            }
        }
    }
    "nothing".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinsmith_core::recipe::{Granularity, Scheme};

    fn edit() -> Edit {
        Edit::new(Recipe::int8())
    }

    #[test]
    fn several_layers_are_selected_one_after_another() {
        let mut session = Session::default();
        for name in ["a", "b", "c"] {
            session.select_also(name.to_owned());
        }
        assert_eq!(session.all_selected().collect::<Vec<_>>(), ["c", "a", "b"]);
        session.select_also("c".to_owned());
        assert_eq!(session.all_selected().collect::<Vec<_>>(), ["a", "b"]);
        session.select_also("b".to_owned());
        session.select_also("a".to_owned());
        assert_eq!(session.all_selected().count(), 0);
    }

    #[test]
    fn edits_are_named_by_what_differs() {
        let mut to = edit();
        assert_eq!(difference(&edit(), &to), "nothing");
        to.recipe.quantize_mut().unwrap().granularity = Granularity::PerTensor;
        assert_eq!(difference(&edit(), &to), "granularity");
        to.recipe.quantize_mut().unwrap().scheme = Scheme::Float32;
        assert_eq!(difference(&edit(), &to), "scheme");
        to.layout = Some(data::Layout::Nchw);
        assert_eq!(difference(&edit(), &to), "place of the channels");
        to.features = Some(Pipeline::default());
        to.layout = None;
        assert_eq!(difference(&edit(), &to), "features");
        to.device = "rp2040".to_owned();
        assert_eq!(difference(&edit(), &to), "board Raspberry Pi Pico (RP2040)");
    }
}
