//! The layer graph: colours boxes by the chosen quantity, with its legend; a click selects.

use eframe::egui::{Align2, Color32, CornerRadius, Rect, Ui, Vec2, pos2, vec2};
use tinsmith_core::graph::{Graph, NodeId, Severity};
use tinsmith_core::ops::{Op, Operands};

use crate::gui::command::{Command, Shown};
use crate::gui::context::PanelCtx;
use crate::gui::graph_view::draw::{BoxLook, View, draw};
use crate::gui::graph_view::layout::{Item, Layout};
use crate::gui::icons;
use crate::gui::theme::{Palette, Type};
use crate::gui::units::{self, NONE};
use crate::gui::widgets::{icon_button, panel_header, segmented, select};

/// SQNR at both ends of the scale, dB.
const SQNR_WORSE: f64 = 20.0;
const SQNR_BETTER: f64 = 36.0;

/// What colours the boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ColourBy {
    /// Signal-to-quantization-noise ratio.
    #[default]
    Error,
    /// Multiply-accumulates.
    Macs,
    /// Bytes of weights and biases.
    Size,
    /// What the operator is.
    Kind,
}

const COLOURS: [(ColourBy, &str); 4] =
    [(ColourBy::Error, "quantization error"), (ColourBy::Macs, "MACs"), (ColourBy::Size, "size"), (ColourBy::Kind, "op kind")];

/// The panel's view state.
#[derive(Debug, Default)]
pub struct GraphPanel {
    colour_by: ColourBy,
    view: Option<View>,
    /// Size of the canvas when last shown; the layout is made for it.
    pub canvas: Vec2,
    /// The whole graph is in view and stays so when the canvas grows.
    is_fitted: bool,
    fitted_bounds: Option<Rect>,
}

impl GraphPanel {
    /// Shows the whole graph from the next frame on.
    pub fn fit(&mut self) {
        self.view = None;
    }

    /// Moves so that the selected node is in view.
    pub fn reveal(&mut self, layout: &Layout, node: NodeId) {
        let rect = layout.placed.iter().find(|p| p.item == Item::Node(node)).map(|p| p.rect);
        if let (Some(view), Some(rect)) = (&mut self.view, rect) {
            view.reveal(self.canvas, rect);
        }
    }

    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        self.header_ui(cx, ui);
        let canvas = ui.available_rect_before_wrap();
        ui.advance_cursor_after_rect(canvas);
        let p = Palette::of(ui);
        ui.painter().rect_filled(canvas, 0.0, p.sunken);
        let resized = self.canvas != canvas.size();
        self.canvas = canvas.size();
        let (Some(graph), Some(layout)) = (cx.session.graph(), &cx.session.layout) else { return };
        let n_nodes = layout.placed.iter().filter(|p| matches!(p.item, Item::Node(_))).count();
        if n_nodes != graph.nodes.len() {
            // The layout of the new graph is on its way.
            return;
        }
        if self.view.is_none() || (self.is_fitted && (resized || self.fitted_bounds != Some(layout.bounds))) {
            self.view = Some(View::fit(layout.bounds, canvas.size()));
            self.is_fitted = true;
            self.fitted_bounds = Some(layout.bounds);
        }
        let mut view = self.view.unwrap_or_else(|| View::fit(layout.bounds, canvas.size()));
        let scale = Scale::new(cx, self.colour_by);
        let selected = cx.session.selected_node().map(NodeId::index);
        let shape_of = |edge: usize| units::shape(&graph.tensor(layout.edges[edge].tensor).shape);
        let look = |i: usize| look_of(cx, graph, layout.placed[i].item, &scale, p);
        let touched = draw(ui, canvas, &mut view, layout, selected, shape_of, look);
        self.is_fitted &= self.view == Some(view);
        self.view = Some(view);
        if let Some(Item::Node(id)) = touched.clicked.map(|i| layout.placed[i].item) {
            cx.send(Command::Select(Some(graph.node(id).name.clone())));
        } else if touched.cleared {
            cx.send(Command::Select(None));
        }
        legend_ui(ui, canvas, &scale, layout, view);
        let zoom = format!("{:.0} %", view.zoom * 100.0);
        let corner = canvas.right_bottom() - vec2(12.0, 10.0);
        ui.painter().text(corner, Align2::RIGHT_BOTTOM, zoom, Type::Caption.font(), p.text_faint);
    }

    fn header_ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let p = Palette::of(ui);
        let about = cx.session.graph().map_or_else(String::new, |g| format!("{} ops", g.nodes.len()));
        panel_header(ui, "Graph", &about, |ui| {
            if icon_button(ui, icons::CORNERS_OUT, "Fit the graph (F)").clicked() {
                self.fit();
            }
            let mut shown = cx.session.shown_now();
            let options = [(Shown::Source, "source"), (Shown::Candidate, "candidate")];
            if segmented(ui, &mut shown, &options).changed() {
                cx.send(Command::Show(shown));
            }
            ui.add_space(4.0);
            select(ui, "Colour by", &mut self.colour_by, &COLOURS, 148.0);
            ui.label(Type::Small.text("Colour by", p.text_weak));
        });
    }
}

/// The quantity that colours boxes, with its ends.
struct Scale {
    by: ColourBy,
    /// Greatest value on screen.
    most: f64,
}

impl Scale {
    fn new(cx: PanelCtx<'_>, by: ColourBy) -> Self {
        let layers = cx.session.shown_static().map(|s| s.layers.as_slice()).unwrap_or_default();
        let most = match by {
            ColourBy::Macs => layers.iter().map(|l| l.macs).max(),
            ColourBy::Size => layers.iter().map(|l| l.weights_bytes + l.bias_bytes).max(),
            ColourBy::Error | ColourBy::Kind => None,
        };
        Self { by, most: most.unwrap_or(0) as f64 }
    }

    /// Words and place on the heat map for a node; `None` where the quantity does not exist.
    fn value(&self, cx: PanelCtx<'_>, node: NodeId) -> Option<(String, f32)> {
        let share = |n: u64, words: String| (n > 0 && self.most > 0.0).then(|| (words, (n as f64 / self.most) as f32));
        match self.by {
            ColourBy::Error => cx.session.layer_error(node).map(|e| (sqnr(e.sqnr_db), heat_of_sqnr(e.sqnr_db))),
            ColourBy::Macs => cx.session.layer(node).and_then(|l| share(l.macs, units::count(l.macs).joined())),
            ColourBy::Size => {
                let bytes = |l: &tinsmith_core::measure::LayerFigures| l.weights_bytes + l.bias_bytes;
                cx.session.layer(node).and_then(|l| share(bytes(l), units::bytes(bytes(l)).joined()))
            }
            ColourBy::Kind => None,
        }
    }
}

/// An SQNR for people: one decimal; equal outputs have no noise at all.
pub fn sqnr(db: f64) -> String {
    if db.is_finite() { format!("{db:.1}") } else { "equal".to_owned() }
}

/// Place of an SQNR on the heat map: much is bad.
pub fn heat_of_sqnr(db: f64) -> f32 {
    ((SQNR_BETTER - db) / (SQNR_BETTER - SQNR_WORSE)).clamp(0.0, 1.0) as f32
}

fn look_of(cx: PanelCtx<'_>, graph: &Graph, item: Item, scale: &Scale, p: &Palette) -> BoxLook {
    let plain = |title: String, about: String, fill: Color32| BoxLook {
        title,
        about,
        value: String::new(),
        fill,
        ink: p.text,
        is_obstacle: false,
    };
    let id = match item {
        Item::Node(id) => id,
        Item::Input(t) | Item::Output(t) => {
            let tensor = graph.tensor(t);
            let title = if matches!(item, Item::Input(_)) { "input" } else { "output" };
            return plain(title.to_owned(), format!("{}, {}", tensor.element.name(), units::shape(&tensor.shape)), p.sunken);
        }
    };
    let node = graph.node(id);
    let activation = node.op.facts().activation().name();
    let label = node.op.facts().label(&Operands::new(graph, node));
    let about = if activation.is_empty() || label.contains(activation) { label } else { format!("{label}, {activation}") };
    let title = short_name(&node.name);
    let is_obstacle = graph.notes.iter().any(|n| n.node == Some(id) && n.severity == Severity::Obstacle);
    let (value, fill, ink) = match (scale.by, scale.value(cx, id)) {
        (ColourBy::Kind, _) => (String::new(), kind_colour(&node.op, p), p.text),
        (_, Some((words, t))) => (words, p.heat_at(t), p.heat_ink_at(t)),
        (_, None) => (NONE.to_owned(), p.control_hover, p.text_weak),
    };
    BoxLook { title, about, value, fill, ink, is_obstacle }
}

/// The last parts of a name: converters put whole paths into it.
pub fn short_name(name: &str) -> String {
    let first = name.split(';').next().unwrap_or(name);
    let mut parts = first.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(last), Some(before)) if is_generic(last) => before.to_owned(),
        (Some(last), _) => last.to_owned(),
        (None, _) => name.to_owned(),
    }
}

fn is_generic(part: &str) -> bool {
    ["Conv2D", "BiasAdd", "Relu", "Relu6", "depthwise", "MatMul", "FusedBatchNormV3", "Softmax"].contains(&part)
}

fn kind_colour(op: &Op, p: &Palette) -> Color32 {
    let tint = |i: usize| p.control.lerp_to_gamma(p.series[i], 0.42);
    match op {
        Op::Conv2d(_) => tint(0),
        Op::DepthwiseConv2d(_) => tint(1),
        Op::FullyConnected(_) => tint(2),
        Op::Unknown(_) => p.amber_soft,
        _ => p.control_hover,
    }
}

fn legend_ui(ui: &Ui, canvas: Rect, scale: &Scale, layout: &Layout, view: View) {
    let p = Palette::of(ui);
    let painter = ui.painter_at(canvas);
    // In whichever upper corner is free, else the lower left.
    let size = vec2(176.0, 70.0);
    let corner = |x: f32, y: f32| Rect::from_min_size(pos2(x, y), size);
    let places = [
        corner(canvas.left() + 12.0, canvas.top() + 8.0),
        corner(canvas.right() - 188.0, canvas.top() + 8.0),
        corner(canvas.left() + 12.0, canvas.bottom() - 76.0),
        corner(canvas.right() - 188.0, canvas.bottom() - 100.0),
    ];
    let covered = |place: &Rect| {
        let boxes = layout.placed.iter().map(|b| (view.to_screen(canvas, b.rect.min), view.to_screen(canvas, b.rect.max)));
        boxes.filter(|(min, max)| Rect::from_min_max(*min, *max).intersects(*place)).count()
    };
    let place = places.into_iter().min_by_key(covered).unwrap_or(places[0]);
    painter.rect_filled(place.expand(4.0), CornerRadius::same(4), p.sunken.gamma_multiply(0.92));
    let text = |at, align, words: &str, kind: Type, colour| painter.text(at, align, words, kind.font(), colour);
    let (title, about, low, high) = match scale.by {
        ColourBy::Error => ("Quantization error", "SQNR, dB, against float", "20 worse".to_owned(), "36 better".to_owned()),
        ColourBy::Macs => ("MACs of the op", "", "0".to_owned(), units::count(scale.most as u64).joined()),
        ColourBy::Size => ("Weights and biases", "", "0".to_owned(), units::bytes(scale.most as u64).joined()),
        ColourBy::Kind => return kind_legend(ui, place),
    };
    text(place.min, Align2::LEFT_TOP, title, Type::SmallTitle, p.text);
    text(place.min + vec2(0.0, 15.0), Align2::LEFT_TOP, about, Type::Caption, p.text_weak);
    let bar = Rect::from_min_size(place.min + vec2(0.0, if about.is_empty() { 20.0 } else { 34.0 }), vec2(160.0, 8.0));
    let n = 32;
    for i in 0..n {
        let t = i as f32 / (n - 1) as f32;
        let part = Rect::from_min_size(
            pos2(bar.left() + bar.width() * i as f32 / n as f32, bar.top()),
            vec2(bar.width() / n as f32 + 0.5, 8.0),
        );
        let t = if scale.by == ColourBy::Error { 1.0 - t } else { t };
        painter.rect_filled(part, 0.0, p.heat_at(t));
    }
    text(bar.left_bottom() + vec2(0.0, 3.0), Align2::LEFT_TOP, &low, Type::Caption, p.text_weak);
    text(bar.right_bottom() + vec2(0.0, 3.0), Align2::RIGHT_TOP, &high, Type::Caption, p.text_weak);
}

fn kind_legend(ui: &Ui, place: Rect) {
    let p = Palette::of(ui);
    let kinds = [("Conv", 0), ("Depthwise", 1), ("Dense", 2)];
    for (i, (name, series)) in kinds.into_iter().enumerate() {
        let y = place.top() + 8.0 + i as f32 * 18.0;
        let square = Rect::from_center_size(pos2(place.left() + 6.0, y), Vec2::splat(10.0));
        ui.painter().rect_filled(square, CornerRadius::same(2), p.control.lerp_to_gamma(p.series[series], 0.42));
        ui.painter().text(pos2(place.left() + 18.0, y), Align2::LEFT_CENTER, name, Type::Small.font(), p.text_weak);
    }
}
