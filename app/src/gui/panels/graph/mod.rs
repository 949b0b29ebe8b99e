//! The layer graph: colours boxes by the chosen figure, with its legend; a click selects, `/` searches, carets collapse blocks. Shows
//! the source, the candidate, or both side by side.

mod against;
mod colour;
mod legend;
mod pane;
mod places;
mod scene;
mod search;
mod strip;
mod tell;

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::epaint::ClippedShape;
use eframe::egui::layers::ShapeIdx;
use eframe::egui::{Context, Popup, Rect, Shape, Ui, UiBuilder};

pub use colour::{ColourBy, SQNR_BETTER, SQNR_WORSE, heat_of_sqnr, sqnr};

use crate::gui::command::{Command, Shown};
use crate::gui::context::PanelCtx;
use crate::gui::graph_view::draw::Touched;
use crate::gui::graph_view::layout::Layout;
use crate::gui::graph_view::pen::{Drawing, drawing};
use crate::gui::icons;
use crate::gui::picture::{self, Format, Taken};
use crate::gui::session::Session;
use crate::gui::theme::{Palette, Type, small_caps};
use crate::gui::units;
use crate::gui::widgets::{icon_button, panel_header, segmented, select};
use crate::worker::LayoutKey;
use pane::Pane;
use places::{BESIDE, MAIN, Place, places};
use scene::{Given, Scene};
use search::Search;

/// With less room left in the header, what the panel is about goes first.
const ROOM_FOR_LABEL: f32 = 190.0;
/// In less the choices of the header are in a menu.
const ROOM_FOR_CHOICES: f32 = 370.0;

/// What a picture of the graph is called.
pub const PICTURE: &str = "Graph";

/// The panel's view state.
#[derive(Default)]
pub struct GraphPanel {
    colour_by: ColourBy,
    /// Names of the first nodes of collapsed blocks; the layouts are made for them.
    collapsed: Arc<BTreeSet<String>>,
    /// By slot of a [`Place`].
    panes: [Pane; 2],
    /// The slot of the graph that the rest of the window is about.
    active: usize,
    search: Search,
}

impl GraphPanel {
    /// Shows whole graphs from the next frame on.
    pub fn fit(&mut self) {
        self.panes.iter_mut().for_each(Pane::fit);
    }

    /// Opens the search field over the graph.
    pub fn search(&mut self) {
        self.search.open();
    }

    /// Whether the search field is open.
    pub fn is_searching(&self) -> bool {
        self.search.is_open()
    }

    /// Screen points a graph unit, 1 in natural size; `None` before anything was shown.
    pub fn zoom(&self) -> Option<f32> {
        self.panes[self.active].zoom()
    }

    /// Moves so that the selected node is in view, and what stands for it in the other graph.
    pub fn reveal(&mut self) {
        self.panes.iter_mut().for_each(Pane::reveal);
    }

    /// The layouts that are needed for what is on screen, that of the selection first.
    pub fn layouts_wanted(&self, session: &Session) -> Vec<LayoutKey> {
        let key = |which: Shown, slot: usize| {
            let graph = session.ref_to(which)?;
            let key = LayoutKey { graph, collapsed: Arc::clone(&self.collapsed), canvas: self.panes[slot].canvas };
            Some(key).filter(|key| key.canvas.min_elem() > 0.0)
        };
        if !session.shows_both_now() {
            return key(session.shown_now(), MAIN).into_iter().collect();
        }
        key(Shown::Candidate, MAIN).into_iter().chain(key(Shown::Source, BESIDE)).collect()
    }

    /// The whole graph as it would be painted in its natural size, for a file; `None` before anything was shown.
    pub fn drawing(&self, ctx: &Context) -> Option<Drawing> {
        let scene = self.scene()?;
        Some(drawing(ctx, ctx.theme(), &scene.given.layout, scene))
    }

    /// The graph that the rest of the window is about.
    fn scene(&self) -> Option<&Scene> {
        self.panes[self.active].scene.as_ref()
    }

    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        self.header_ui(cx, ui);
        let canvas = ui.available_rect_before_wrap();
        ui.advance_cursor_after_rect(canvas);
        ui.painter().rect_filled(canvas, 0.0, Palette::of(ui).sunken);
        self.search.take_shortcut(ui);
        // What the last frame painted: its notes are those of this one, nearly always.
        let scenes: Vec<&Scene> = self.panes.iter().filter_map(|pane| pane.scene.as_ref()).collect();
        let strip = strip::height(&scenes);
        let places = places(cx, canvas, strip);
        self.prepare(cx, ui, &places);
        let from = picture::mark(ui);
        for place in &places {
            // Each has its own ids: what is in both graphs has the same place in both.
            ui.scope_builder(UiBuilder::new().id_salt(place.slot).max_rect(place.canvas), |ui| self.place_ui(cx, ui, place));
        }
        if places.iter().any(|place| !place.has_legend) {
            let scenes: Vec<&Scene> = self.panes.iter().filter_map(|pane| pane.scene.as_ref()).collect();
            strip::ui(ui, places::legend_place(canvas, strip), &scenes);
        }
        self.picture_ui(cx, ui, from, canvas);
    }

    /// Takes what is to be painted in this frame.
    fn prepare(&mut self, cx: PanelCtx<'_>, ui: &Ui, places: &[Place]) {
        if places.len() == 1 {
            self.panes[BESIDE] = Pane::default();
        }
        for place in places {
            let given = Given::now(cx, place.which, self.colour_by, ui);
            let pane = &mut self.panes[place.slot];
            pane.canvas = place.canvas.size();
            pane.has_legend = place.has_legend;
            let is_changed = pane.take(given, cx, ui.ctx());
            let is_active = place.which == cx.session.shown_now();
            if is_active && (is_changed || self.active != place.slot) {
                self.active = place.slot;
                pane.scene.iter().for_each(|scene| self.search.renew(scene));
            }
            let found = self.search.found().filter(|_| is_active);
            pane.mark(cx, found, is_changed);
        }
        // Equal colours mean equal figures.
        let most = self.panes.iter().filter_map(|pane| pane.scene.as_ref()).map(|scene| scene.own_most).fold(0.0, f64::max);
        self.panes.iter_mut().for_each(|pane| pane.share_scale(most));
    }

    fn place_ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui, place: &Place) {
        places::title_ui(cx, ui, place);
        let is_active = self.active == place.slot;
        let taken = self.search.place(place.canvas).filter(|_| is_active);
        let touched = self.panes[place.slot].ui(ui, place.canvas, taken);
        let Some(scene) = &self.panes[place.slot].scene else { return self.wait(cx, ui, place) };
        if is_active {
            let searched = self.search.ui(ui, place.canvas, scene);
            if let Some(node) = searched.go_to.and_then(|node| scene.given.graph.graph().nodes.get(node)) {
                cx.send(Command::Select(Some(node.name.clone())));
            }
            send_touched(cx, scene, place, touched);
            if searched.is_changed {
                self.panes[place.slot].mark(cx, self.search.found(), true);
            }
        } else {
            send_touched(cx, scene, place, touched);
        }
        if let Some(block) = touched.toggled {
            self.toggle(place.slot, block);
        }
        self.wait(cx, ui, place);
    }

    /// Says that the graph is being laid out, while it is.
    fn wait(&mut self, cx: PanelCtx<'_>, ui: &mut Ui, place: &Place) {
        let pane = &mut self.panes[place.slot];
        match cx.session.ref_to(place.which).filter(|graph| cx.session.layout_for(graph).is_none()) {
            Some(graph) => pane.waiting_ui(ui, place.canvas, graph.graph().nodes.len()),
            None => pane.is_not_waiting(),
        }
    }

    /// Hands over a picture if one is wanted: the whole graph in its natural size as SVG, what is in view as PNG.
    fn picture_ui(&self, cx: PanelCtx<'_>, ui: &Ui, from: ShapeIdx, canvas: Rect) {
        let Some(request) = cx.session.picture.as_ref().filter(|r| r.name == PICTURE) else { return };
        let Some(drawing) = self.drawing(ui.ctx()).filter(|_| request.format == Format::Svg) else {
            return picture::take(cx, ui, PICTURE, from, canvas, Palette::of(ui).sunken);
        };
        let rect = drawing.bounds;
        let ground = Shape::rect_filled(rect, 0.0, drawing.ground);
        let shapes: Vec<ClippedShape> =
            std::iter::once(ground).chain(drawing.shapes).map(|shape| ClippedShape::new(rect, shape)).collect();
        let svg = Some(picture::svg(&shapes, rect));
        cx.send(Command::TakePicture(Box::new(Taken { request: request.clone(), rect, svg })));
    }

    // ------------------------------------------------------------------------------------------------------ blocks

    /// Collapses a block, or opens it.
    fn toggle(&mut self, slot: usize, block: usize) {
        let Some(name) = self.panes[slot].scene.as_ref().and_then(|s| s.block_key(block)) else { return };
        let mut collapsed = BTreeSet::clone(&self.collapsed);
        if !collapsed.remove(&name) {
            collapsed.insert(name);
        }
        self.collapsed = Arc::new(collapsed);
    }

    /// Collapses all blocks, or expands them if none is left open.
    pub fn toggle_blocks(&mut self) {
        let scenes = || self.panes.iter().filter_map(|pane| pane.scene.as_ref());
        let all = scenes().flat_map(|scene| (0..scene.given.layout.blocks.len()).filter_map(|block| scene.block_key(block)));
        let is_any_open = scenes().any(|scene| is_any_open(&scene.given.layout));
        self.collapsed = Arc::new(if is_any_open { all.collect() } else { BTreeSet::new() });
    }

    fn blocks_button(&mut self, ui: &mut Ui) {
        let layouts = || self.panes.iter().filter_map(|pane| pane.scene.as_ref()).map(|scene| &*scene.given.layout);
        if layouts().all(|layout| layout.blocks.is_empty()) {
            return;
        }
        let is_any_open = layouts().any(is_any_open);
        let (icon, name) = if is_any_open { (icons::STACK, "Collapse blocks") } else { (icons::ROWS, "Expand blocks") };
        if icon_button(ui, icon, name).clicked() {
            self.toggle_blocks();
        }
    }

    // ------------------------------------------------------------------------------------------------------ header

    fn header_ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let p = Palette::of(ui);
        let about = about(cx);
        panel_header(ui, "Graph", &about, |ui| {
            if icon_button(ui, icons::CORNERS_OUT, "Fit the graph (F)").clicked() {
                self.fit();
            }
            if icon_button(ui, icons::MAGNIFYING_GLASS, "Search the graph (/)").clicked() {
                self.search.open();
            }
            if ui.available_width() < ROOM_FOR_CHOICES {
                self.choices_menu(cx, ui);
                return;
            }
            self.blocks_button(ui);
            let mut chosen = chosen(cx);
            let n_choices = if cx.session.candidate().is_some() { CHOICES.len() } else { CHOICES.len() - 1 };
            if segmented(ui, &mut chosen, &CHOICES[..n_choices]).changed() {
                choose(cx, chosen);
            }
            ui.add_space(4.0);
            select(ui, "Colour by", &mut self.colour_by, &ColourBy::ALL, 132.0);
            if ui.available_width() > ROOM_FOR_LABEL {
                ui.label(Type::Small.text("Colour by", p.text_weak));
            }
        });
    }
}

impl GraphPanel {
    /// What the header has no room for.
    fn choices_menu(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let button = icon_button(ui, icons::DOTS_THREE, "What the graph shows");
        Popup::menu(&button).show(|ui| {
            let p = Palette::of(ui);
            let mut chosen = chosen(cx);
            let n_choices = if cx.session.candidate().is_some() { CHOICES.len() } else { CHOICES.len() - 1 };
            for (of, name) in &CHOICES[..n_choices] {
                if ui.radio_value(&mut chosen, *of, *name).clicked() {
                    choose(cx, *of);
                }
            }
            ui.separator();
            ui.label(small_caps("Colour by", p.text_weak));
            for (of, name) in ColourBy::ALL {
                ui.radio_value(&mut self.colour_by, of, name);
            }
            ui.separator();
            self.blocks_button(ui);
        });
    }
}

/// What can be on screen: one of the graphs, or both.
const CHOICES: [(Option<Shown>, &str); 3] =
    [(Some(Shown::Source), "source"), (Some(Shown::Candidate), "candidate"), (None, "both")];

fn chosen(cx: PanelCtx<'_>) -> Option<Shown> {
    Some(cx.session.shown_now()).filter(|_| !cx.session.shows_both_now())
}

fn choose(cx: PanelCtx<'_>, choice: Option<Shown>) {
    cx.send(Command::ShowBoth(choice.is_none()));
    if let Some(shown) = choice {
        cx.send(Command::Show(shown));
    }
}

/// `27 → 13 ops`, or `13 ops` where source and candidate have as many.
fn about(cx: PanelCtx<'_>) -> String {
    let Some(graph) = cx.session.graph() else { return String::new() };
    let n = units::exact(graph.nodes.len() as u64);
    let source = cx.session.open.as_ref().map(|o| o.source.graph.nodes.len());
    match (cx.session.shown_now(), source) {
        (Shown::Candidate, Some(from)) if from != graph.nodes.len() => format!("{} → {n} ops", units::exact(from as u64)),
        _ => format!("{n} ops"),
    }
}

/// What is clicked is selected, and what is selected is described: of two graphs the one that was clicked in.
fn send_touched(cx: PanelCtx<'_>, scene: &Scene, place: &Place, touched: Touched) {
    let node = touched.clicked.and_then(|i| scene.node_of(i));
    let name = node.map(|id| scene.given.graph.graph().node(id).name.clone());
    if name.is_some() && place.which != cx.session.shown_now() {
        cx.send(Command::Show(place.which));
    }
    match name {
        Some(name) if touched.is_added => cx.send(Command::SelectAlso(name)),
        Some(name) => cx.send(Command::Select(Some(name))),
        None if touched.cleared && !touched.is_added => cx.send(Command::Select(None)),
        None => {}
    }
}

/// The last parts of a name: converters put whole paths into it.
pub fn short_name(name: &str) -> String {
    let first = name.split(';').next().unwrap_or(name);
    let mut parts = first.rsplit('/');
    match (parts.next(), parts.next()) {
        // A layer of a list of layers: its number alone says little.
        (Some(last), Some(before)) if is_generic(last) && before.parse::<usize>().is_ok() => format!("{before}/{last}"),
        (Some(last), Some(before)) if is_generic(last) && !before.is_empty() => before.to_owned(),
        (Some(last), _) => last.to_owned(),
        (None, _) => name.to_owned(),
    }
}

/// Whether a part of a name is what the operator is called: TensorFlow, then ONNX.
fn is_generic(part: &str) -> bool {
    const TENSORFLOW: [&str; 8] = ["Conv2D", "BiasAdd", "Relu", "Relu6", "depthwise", "MatMul", "FusedBatchNormV3", "Softmax"];
    const ONNX: [&str; 13] = [
        "Conv",
        "ConvTranspose",
        "Gemm",
        "BatchNormalization",
        "Clip",
        "LeakyRelu",
        "PRelu",
        "Sigmoid",
        "HardSigmoid",
        "HardSwish",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
    ];
    TENSORFLOW.contains(&part) || ONNX.contains(&part)
}

fn is_any_open(layout: &Layout) -> bool {
    (0..layout.blocks.len()).any(|block| !layout.is_collapsed(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_called_by_what_tells_them_apart() {
        assert_eq!(short_name("model/conv_1/Relu;model/conv_1/BiasAdd"), "conv_1");
        assert_eq!(short_name("/bn1/BatchNormalization"), "bn1");
        assert_eq!(short_name("/features/4/Conv"), "4/Conv");
        assert_eq!(short_name("/MaxPool"), "MaxPool");
        assert_eq!(short_name("dense"), "dense");
    }
}
