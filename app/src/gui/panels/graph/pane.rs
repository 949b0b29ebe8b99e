//! One canvas of the panel: a graph, from where it is looked at, and what of it is marked.

use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui::{Align2, Color32, Context, Pos2, Rect, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

use super::legend;
use super::scene::{Given, Scene};
use super::tell;
use crate::gui::context::PanelCtx;
use crate::gui::graph_view::draw::{Touched, draw};
use crate::gui::graph_view::glide::Glide;
use crate::gui::graph_view::mini_map::MiniMap;
use crate::gui::graph_view::view::{Detail, View};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;

/// A layout that takes less than this is waited for without a word.
const PATIENCE_S: f64 = 0.15;
/// What is left of the old picture's colours while a new one is laid out.
const OLD_PICTURE: f32 = 0.4;

/// The view state of one canvas.
#[derive(Default)]
pub(super) struct Pane {
    /// Size of the canvas when last shown; the layout is made for it.
    pub canvas: Vec2,
    /// Whether the legend stands in a corner of it.
    pub has_legend: bool,
    /// What is painted.
    pub scene: Option<Scene>,
    view: Option<View>,
    /// The whole graph is in view and stays so when the canvas grows.
    is_fitted: bool,
    /// What was fitted into which canvas.
    fitted: Option<(Rect, Vec2)>,
    marked: Option<Marked>,
    mini_map: MiniMap,
    glide: Glide,
    /// Where the canvas looked before it was told to look elsewhere.
    look_from: Option<View>,
    /// The selection comes into view once it is laid out.
    is_reveal_due: bool,
    waiting_since_s: Option<f64>,
}

/// What was selected when boxes were last marked, and whether it was selected in this very graph.
#[derive(PartialEq)]
struct Marked {
    names: Vec<String>,
    is_own: bool,
}

impl Pane {
    /// Shows the whole graph from the next frame on.
    pub fn fit(&mut self) {
        self.look_from = self.view.take().or(self.look_from);
    }

    /// Moves so that the selected node, or what stands for it in this graph, is in view.
    pub fn reveal(&mut self) {
        self.is_reveal_due = true;
    }

    /// Screen points a graph unit, 1 in natural size; `None` before anything was shown.
    pub fn zoom(&self) -> Option<f32> {
        self.view.map(|view| view.zoom)
    }

    /// Takes what is to be painted now; whether boxes look different. Boxes that have moved glide to their new places.
    pub fn take(&mut self, given: Option<Given>, cx: PanelCtx<'_>, ctx: &Context) -> bool {
        let Some(given) = given else {
            if cx.session.layout.is_none() {
                // Another model was opened: its graph is nothing like the old one.
                (self.scene, self.view) = (None, None);
            }
            return false;
        };
        let is_moved = self.scene.as_ref().is_some_and(|scene| !Arc::ptr_eq(&scene.given.layout, &given.layout));
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
        }
        self.fit_if_asked();
        self.reveal_if_asked(cx);
        if let Some(from) = self.look_from.take() {
            self.glide = std::mem::take(&mut self.glide).look(ctx.time(), from);
        }
        is_changed
    }

    fn move_to(&mut self, given: Given, ctx: &Context) {
        let Some(old) = self.scene.take() else { return };
        let new = Scene::new(given);
        let was: HashMap<&str, Pos2> = old.places().collect();
        self.glide = Glide::begin(ctx.time(), &was, new.places(), self.view);
        self.scene = Some(new);
    }

    fn fit_if_asked(&mut self) {
        let Some(scene) = &self.scene else { return };
        let now = (scene.given.layout.bounds, self.canvas);
        if self.view.is_none() || (self.is_fitted && self.fitted != Some(now)) {
            self.view = Some(if self.has_legend { View::fit(now.0, now.1) } else { View::whole(now.0, now.1) });
            self.is_fitted = true;
            self.fitted = Some(now);
        }
    }

    fn reveal_if_asked(&mut self, cx: PanelCtx<'_>) {
        let (true, Some(scene), Some(view)) = (std::mem::take(&mut self.is_reveal_due), &self.scene, &mut self.view) else {
            return;
        };
        let layout = &scene.given.layout;
        if let Some(i) = scene.described(cx.session).and_then(|node| layout.box_of(node)) {
            let before = *view;
            view.reveal(self.canvas, layout.placed[i].rect);
            if before != *view {
                self.look_from = Some(before);
                self.is_fitted = false;
            }
        }
    }

    /// Marks boxes that are selected, or whose counterparts are, and those that are searched for, if anything of that changed.
    pub fn mark(&mut self, cx: PanelCtx<'_>, found: Option<&[usize]>, is_changed: bool) {
        let Some(scene) = &mut self.scene else { return };
        let is_own = scene.is_on(cx.session);
        let is_same =
            self.marked.as_ref().is_some_and(|marked| marked.is_own == is_own && cx.session.all_selected().eq(&marked.names));
        if is_changed || !is_same {
            self.marked = Some(Marked { names: cx.session.all_selected().cloned().collect(), is_own });
            scene.emphasize(&scene.selected(cx.session), found);
        }
    }

    /// Colours boxes on a scale that ends at this figure.
    pub fn share_scale(&mut self, most: f64) {
        if self.scene.as_mut().is_some_and(|scene| scene.share_scale(most)) {
            self.mini_map.forget();
        }
    }

    /// Shows the graph. `taken` is the part of the canvas that will be covered.
    pub fn ui(&mut self, ui: &mut Ui, canvas: Rect, taken: Option<Rect>) -> Touched {
        let (Some(scene), Some(before)) = (&self.scene, self.view) else { return Touched::default() };
        let layout = Arc::clone(&scene.given.layout);
        let mut view = before;
        let name = canvas_name(scene, view);
        let touched = draw(ui, canvas, &mut view, &layout, scene, &self.glide, &name);
        let map = MiniMap::place(canvas, view, &layout);
        if self.has_legend {
            legend::legend_ui(ui, canvas, view, scene, map.into_iter().chain(taken).collect());
        }
        let corner = map.map_or(canvas.right_bottom() - vec2(12.0, 10.0), |map| map.right_top() - vec2(0.0, 6.0));
        zoom_ui(ui, corner, view.zoom);
        let looked = map.and_then(|map| self.mini_map.ui(ui, map, canvas, view, &layout, scene));
        if let Some(at) = looked {
            view.centre_on(canvas.size(), at);
        }
        if let Some(i) = touched.hovered.filter(|_| view.detail() == Detail::Far) {
            tell::of_box(ui, scene, i);
        }
        if let Some(edge) = touched.edge {
            tell::of_edge(ui, scene, edge);
        }
        self.is_fitted &= before == view;
        self.view = Some(view);
        touched
    }

    /// There is a layout now.
    pub fn is_not_waiting(&mut self) {
        self.waiting_since_s = None;
    }

    /// There is no layout of the graph yet: the old picture stays, dimmed after a moment, and the panel says what it waits for.
    pub fn waiting_ui(&mut self, ui: &mut Ui, canvas: Rect, n_nodes: usize) {
        let p = Palette::of(ui);
        let now = ui.ctx().time();
        let since = *self.waiting_since_s.get_or_insert(now);
        if self.scene.is_none() {
            skeleton(ui, canvas, p.panel);
        }
        if now - since < PATIENCE_S {
            return ui.ctx().request_repaint_after_secs((PATIENCE_S - (now - since)) as f32);
        }
        let text = format!("Laying out {} nodes", units::exact(n_nodes as u64));
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
}

/// What the canvas is called: from far out also how single layers are reached.
fn canvas_name(scene: &Scene, view: View) -> String {
    let n = units::exact(scene.given.graph.graph().nodes.len() as u64);
    let what = match scene.given.side() {
        Some(side) => format!("Graph of the {side}, {n} layers"),
        None => format!("Graph, {n} layers"),
    };
    match view.detail() {
        Detail::Far => format!("{what}; zoom in to reach single layers, or use the layers table"),
        _ => what,
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
