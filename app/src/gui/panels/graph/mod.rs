//! The layer graph: colours boxes by the chosen figure, with its legend; a click selects, `/` searches, carets collapse blocks.

mod against;
mod colour;
mod legend;
mod scene;
mod search;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use eframe::egui::epaint::ClippedShape;
use eframe::egui::layers::ShapeIdx;
use eframe::egui::{Align2, Color32, Context, Popup, Pos2, Rect, Role, Sense, Shape, Ui, Vec2, WidgetInfo, vec2};
use tinsmith_core::graph::NodeId;

pub use colour::{ColourBy, SQNR_BETTER, SQNR_WORSE, heat_of_sqnr, sqnr};

use crate::gui::command::{Command, Shown};
use crate::gui::context::PanelCtx;
use crate::gui::graph_view::draw::{Touched, draw};
use crate::gui::graph_view::glide::Glide;
use crate::gui::graph_view::layout::Layout;
use crate::gui::graph_view::mini_map::MiniMap;
use crate::gui::graph_view::pen::{Drawing, drawing};
use crate::gui::graph_view::picture::Picture as _;
use crate::gui::graph_view::view::{Detail, View};
use crate::gui::icons;
use crate::gui::picture::{self, Format, Taken};
use crate::gui::theme::{Palette, Type, small_caps};
use crate::gui::units;
use crate::gui::widgets::{icon_button, panel_header, segmented, select};
use scene::{Given, Scene};
use search::Search;

/// A layout that takes less than this is waited for without a word.
const PATIENCE_S: f64 = 0.15;
/// With less room left in the header, what the panel is about goes first.
const ROOM_FOR_LABEL: f32 = 190.0;
/// In less the choices of the header are in a menu.
const ROOM_FOR_CHOICES: f32 = 330.0;
/// What is left of the old picture's colours while a new one is laid out.
const OLD_PICTURE: f32 = 0.4;

/// What a picture of the graph is called.
pub const PICTURE: &str = "Graph";

/// The panel's view state.
#[derive(Default)]
pub struct GraphPanel {
    colour_by: ColourBy,
    view: Option<View>,
    /// Size of the canvas when last shown; the layout is made for it.
    pub canvas: Vec2,
    /// Names of the first nodes of collapsed blocks; the layout is made for them.
    pub collapsed: Arc<BTreeSet<String>>,
    /// The whole graph is in view and stays so when the canvas grows.
    is_fitted: bool,
    /// What was fitted into which canvas.
    fitted: Option<(Rect, Vec2)>,
    scene: Option<Scene>,
    /// What was selected when boxes were last marked.
    selection: Vec<String>,
    search: Search,
    mini_map: MiniMap,
    glide: Glide,
    /// Where the canvas looked before it was told to look elsewhere.
    look_from: Option<View>,
    waiting_since_s: Option<f64>,
}

impl GraphPanel {
    /// Shows the whole graph from the next frame on.
    pub fn fit(&mut self) {
        self.look_from = self.view.take();
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
        self.view.map(|view| view.zoom)
    }

    /// Moves so that the selected node is in view.
    pub fn reveal(&mut self, layout: &Layout, node: NodeId) {
        let rect = layout.box_of(node).map(|i| layout.placed[i].rect);
        if let (Some(view), Some(rect)) = (&mut self.view, rect) {
            let before = *view;
            view.reveal(self.canvas, rect);
            self.look_from = Some(before).filter(|before| before != view);
        }
    }

    /// The whole graph as it would be painted in its natural size, for a file; `None` before anything was shown.
    pub fn drawing(&self, ctx: &Context) -> Option<Drawing> {
        let scene = self.scene.as_ref()?;
        Some(drawing(ctx, ctx.theme(), &scene.given.layout, scene))
    }

    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        self.header_ui(cx, ui);
        let canvas = ui.available_rect_before_wrap();
        ui.advance_cursor_after_rect(canvas);
        ui.painter().rect_filled(canvas, 0.0, Palette::of(ui).sunken);
        self.canvas = canvas.size();
        let given = Given::now(cx, self.colour_by, ui);
        let is_waiting = given.is_none() && cx.session.graph().is_some();
        if let Some(given) = given {
            self.take(given, ui.ctx(), cx);
            self.fit_if_asked(ui.ctx());
        } else if cx.session.layout.is_none() {
            // Another model was opened: its graph is nothing like the old one.
            (self.scene, self.view) = (None, None);
        }
        self.search.take_shortcut(ui);
        let from = picture::mark(ui);
        self.canvas_ui(cx, ui, canvas);
        self.picture_ui(cx, ui, from, canvas);
        if is_waiting {
            self.waiting_ui(cx, ui, canvas);
        } else {
            self.waiting_since_s = None;
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

    // ------------------------------------------------------------------------------------------------------ canvas

    fn canvas_ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui, canvas: Rect) {
        let (Some(scene), Some(before)) = (&self.scene, self.view) else { return };
        let layout = Arc::clone(&scene.given.layout);
        let mut view = before;
        let name = canvas_name(scene, view);
        let touched = draw(ui, canvas, &mut view, &layout, scene, &self.glide, &name);
        let map = MiniMap::place(canvas, view, &layout);
        legend::legend_ui(ui, canvas, view, scene, map.into_iter().chain(self.search.place(canvas)).collect());
        let corner = map.map_or(canvas.right_bottom() - vec2(12.0, 10.0), |map| map.right_top() - vec2(0.0, 6.0));
        zoom_ui(ui, corner, view.zoom);
        let looked = map.and_then(|map| self.mini_map.ui(ui, map, canvas, view, &layout, scene));
        if let Some(at) = looked {
            view.centre_on(canvas.size(), at);
        }
        if let Some(i) = touched.hovered.filter(|_| view.detail() == Detail::Far) {
            tell(ui, scene, i);
        }
        let searched = self.search.ui(ui, canvas, scene);
        if let Some(node) = searched.go_to.and_then(|node| scene.given.graph.graph().nodes.get(node)) {
            cx.send(Command::Select(Some(node.name.clone())));
        }
        send_touched(cx, scene, touched);
        if searched.is_changed {
            self.mark(cx);
        }
        if let Some(block) = touched.toggled {
            self.toggle(block);
        }
        self.is_fitted &= before == view;
        self.view = Some(view);
    }

    /// Takes what is to be painted now. Boxes that have moved glide to their new places.
    fn take(&mut self, given: Given, ctx: &Context, cx: PanelCtx<'_>) {
        let is_moved = self.scene.as_ref().is_some_and(|scene| !Arc::ptr_eq(&scene.given.layout, &given.layout));
        let is_selected_anew = !cx.session.all_selected().eq(&self.selection);
        if is_selected_anew {
            self.selection = cx.session.all_selected().cloned().collect();
        }
        let is_changed = if is_moved {
            self.move_to(given, ctx);
            true
        } else {
            match &mut self.scene {
                Some(scene) => scene.update(given),
                None => {
                    self.scene = Some(Scene::new(given));
                    true
                }
            }
        };
        if is_changed {
            self.mini_map.forget();
            if let Some(scene) = &self.scene {
                self.search.renew(scene);
            }
        }
        if is_changed || is_selected_anew {
            self.mark(cx);
        }
    }

    fn move_to(&mut self, given: Given, ctx: &Context) {
        let Some(old) = self.scene.take() else { return };
        let new = Scene::new(given);
        let was: HashMap<&str, Pos2> = old.places().collect();
        self.glide = Glide::begin(ctx.time(), &was, new.places(), self.view);
        self.scene = Some(new);
    }

    fn fit_if_asked(&mut self, ctx: &Context) {
        let Some(scene) = &self.scene else { return };
        let now = (scene.given.layout.bounds, self.canvas);
        if self.view.is_none() || (self.is_fitted && self.fitted != Some(now)) {
            self.view = Some(View::fit(now.0, now.1));
            self.is_fitted = true;
            self.fitted = Some(now);
        }
        if let Some(from) = self.look_from.take() {
            self.glide = std::mem::take(&mut self.glide).look(ctx.time(), from);
        }
    }

    /// Marks boxes that are selected or searched for.
    fn mark(&mut self, cx: PanelCtx<'_>) {
        let Some(scene) = &mut self.scene else { return };
        let graph = scene.given.graph.graph();
        let nodes = graph.nodes.iter().enumerate().filter(|(_, n)| cx.session.is_selected(&n.name));
        let selected: Vec<usize> = nodes.map(|(i, _)| i).collect();
        scene.emphasize(&selected, self.search.found());
    }

    /// There is no layout of the graph yet: the old picture stays, dimmed after a moment, and the panel says what it waits for.
    fn waiting_ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui, canvas: Rect) {
        let p = Palette::of(ui);
        let now = ui.ctx().time();
        let since = *self.waiting_since_s.get_or_insert(now);
        if self.scene.is_none() {
            skeleton(ui, canvas, p.panel);
        }
        if now - since < PATIENCE_S {
            return ui.ctx().request_repaint_after_secs((PATIENCE_S - (now - since)) as f32);
        }
        let n = cx.session.graph().map_or(0, |g| g.nodes.len() as u64);
        let text = format!("Laying out {} nodes", units::exact(n));
        let galley = ui.painter().layout_no_wrap(text.clone(), Type::Small.font(), p.text_weak);
        let place = Rect::from_center_size(canvas.center(), galley.size() + vec2(24.0, 12.0));
        if self.scene.is_some() {
            ui.painter().rect_filled(canvas, 0.0, p.sunken.gamma_multiply(1.0 - OLD_PICTURE));
        }
        ui.painter().rect_filled(place, 4.0, p.raised);
        ui.painter().galley(place.center() - galley.size() / 2.0, galley, p.text_weak);
        let response = ui.interact(place, ui.scope_id().with("laying out"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    }

    // ------------------------------------------------------------------------------------------------------ blocks

    /// Collapses a block, or opens it.
    fn toggle(&mut self, block: usize) {
        let Some(name) = self.scene.as_ref().and_then(|s| s.block_key(block)) else { return };
        let mut collapsed = BTreeSet::clone(&self.collapsed);
        if !collapsed.remove(&name) {
            collapsed.insert(name);
        }
        self.collapsed = Arc::new(collapsed);
    }

    /// Collapses all blocks, or expands them if none is left open.
    pub fn toggle_blocks(&mut self) {
        let Some(scene) = &self.scene else { return };
        let all = (0..scene.given.layout.blocks.len()).filter_map(|block| scene.block_key(block));
        self.collapsed = Arc::new(if is_any_open(&scene.given.layout) { all.collect() } else { BTreeSet::new() });
    }

    fn blocks_button(&mut self, ui: &mut Ui) {
        let Some(layout) = self.scene.as_ref().map(|s| &s.given.layout).filter(|l| !l.blocks.is_empty()) else { return };
        let (icon, name) = if is_any_open(layout) { (icons::STACK, "Collapse blocks") } else { (icons::ROWS, "Expand blocks") };
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
            let mut shown = cx.session.shown_now();
            let options = [(Shown::Source, "source"), (Shown::Candidate, "candidate")];
            if segmented(ui, &mut shown, &options).changed() {
                cx.send(Command::Show(shown));
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
            let mut shown = cx.session.shown_now();
            for (of, name) in [(Shown::Source, "source"), (Shown::Candidate, "candidate")] {
                if ui.radio_value(&mut shown, of, name).clicked() {
                    cx.send(Command::Show(of));
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

/// What the canvas is called: from far out also how single layers are reached.
fn canvas_name(scene: &Scene, view: View) -> String {
    let n = units::exact(scene.given.graph.graph().nodes.len() as u64);
    match view.detail() {
        Detail::Far => format!("Graph, {n} layers; zoom in to reach single layers, or use the layers table"),
        _ => format!("Graph, {n} layers"),
    }
}

fn send_touched(cx: PanelCtx<'_>, scene: &Scene, touched: Touched) {
    let node = touched.clicked.and_then(|i| scene.node_of(i));
    let name = node.map(|id| scene.given.graph.graph().node(id).name.clone());
    match name {
        Some(name) if touched.is_added => cx.send(Command::SelectAlso(name)),
        Some(name) => cx.send(Command::Select(Some(name))),
        None if touched.cleared && !touched.is_added => cx.send(Command::Select(None)),
        None => {}
    }
}

/// The zoom in percent, on a ground of its own: there may be boxes behind it.
fn zoom_ui(ui: &Ui, right_bottom: Pos2, zoom: f32) {
    let p = Palette::of(ui);
    let galley = ui.painter().layout_no_wrap(format!("{:.0} %", zoom * 100.0), Type::Caption.font(), p.text_faint);
    let place = Align2::RIGHT_BOTTOM.anchor_size(right_bottom, galley.size());
    ui.painter().rect_filled(place.expand(2.0), 2.0, p.sunken);
    ui.painter().galley(place.min, galley, p.text_faint);
}

/// Says what the pointer is on, where boxes are too small for words.
fn tell(ui: &Ui, scene: &Scene, i: usize) {
    let p = Palette::of(ui);
    let words = scene.words(i);
    let id = ui.scope_id().with("graph hint");
    eframe::egui::Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, eframe::egui::PopupAnchor::Pointer).gap(12.0).show(
        |ui| {
            ui.label(Type::SmallTitle.text(&words.title, p.text));
            let value = if words.value.is_empty() { String::new() } else { format!(", {}", words.value) };
            ui.label(Type::Caption.text(format!("{}{value}", words.about), p.text_weak));
        },
    );
}

/// Boxes where a graph will be.
fn skeleton(ui: &Ui, canvas: Rect, colour: Color32) {
    let size = vec2(180.0, 40.0);
    for row in 0..4 {
        for column in 0..3 {
            let offset = vec2((column as f32 - 1.0) * 250.0, (row as f32 - 1.5) * 72.0);
            ui.painter_at(canvas).rect_filled(Rect::from_center_size(canvas.center() + offset, size), 5.0, colour);
        }
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
