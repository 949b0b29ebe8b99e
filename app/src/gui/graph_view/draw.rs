//! Painting a laid-out graph: pan, zoom, culling. Knows boxes, colours and words; what they mean is the panel's business.

use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Key, PointerButton, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use super::layout::{Item, Layout};
use crate::gui::theme::{Palette, Type};

const ZOOM: std::ops::RangeInclusive<f32> = 0.02..=3.0;
/// Below these zooms less is written on a box.
const ZOOM_NAME: f32 = 0.34;
const ZOOM_DETAIL: f32 = 0.55;
const ZOOM_SHAPES: f32 = 0.62;
/// Seen from so far that boxes are a few pixels, single boxes need no response of their own: clicks are found by position.
const MAX_RESPONSES: usize = 800;
const MARGIN: f32 = 24.0;
/// Width that is kept free for the legend at the left, if there is room.
const LEGEND: f32 = 200.0;

/// Where the canvas looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Graph point at the canvas' top left.
    pub origin: Pos2,
    /// Screen points a graph unit.
    pub zoom: f32,
}

impl View {
    /// Everything in view, never larger than life.
    pub fn fit(bounds: Rect, canvas: Vec2) -> Self {
        let room = (canvas - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(16.0));
        let zoom = (room.x / bounds.width().max(1.0)).min(room.y / bounds.height().max(1.0)).min(1.0);
        let zoom = zoom.clamp(*ZOOM.start(), *ZOOM.end());
        let mut origin = bounds.center() - canvas / (2.0 * zoom);
        let spare = canvas.x - bounds.width() * zoom;
        if spare > LEGEND + MARGIN {
            // Room is left anyway: the legend gets it.
            origin.x = bounds.left() - (spare / 2.0).max(LEGEND) / zoom;
        }
        Self { origin, zoom }
    }

    /// Screen position of a graph point.
    pub fn to_screen(self, canvas: Rect, at: Pos2) -> Pos2 {
        canvas.min + (at - self.origin) * self.zoom
    }

    fn rect_to_screen(self, canvas: Rect, rect: Rect) -> Rect {
        Rect::from_min_max(self.to_screen(canvas, rect.min), self.to_screen(canvas, rect.max))
    }

    fn to_graph(self, canvas: Rect, at: Pos2) -> Pos2 {
        self.origin + (at - canvas.min) / self.zoom
    }

    /// Moves so that `rect` is in view, if it isn't.
    pub fn reveal(&mut self, canvas: Vec2, rect: Rect) {
        let seen = Rect::from_min_size(self.origin, canvas / self.zoom).shrink(MARGIN / self.zoom);
        if !seen.contains_rect(rect) {
            self.origin = rect.center() - canvas / (2.0 * self.zoom);
        }
    }
}

/// How a box looks.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxLook {
    /// First line.
    pub title: String,
    /// Second line.
    pub about: String,
    /// At the right of the first line; empty for nothing.
    pub value: String,
    /// Ground.
    pub fill: Color32,
    /// Text.
    pub ink: Color32,
    /// An amber outline: something cannot be done with this node.
    pub is_obstacle: bool,
}

/// What happened on the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Box clicked.
    pub clicked: Option<usize>,
    /// Box under the pointer.
    pub hovered: Option<usize>,
    /// Clicked beside all boxes.
    pub cleared: bool,
}

/// Paints the graph over `canvas` and moves `view` with drag, wheel and pinch. `look` is asked for visible boxes only.
pub fn draw(
    ui: &mut Ui,
    canvas: Rect,
    view: &mut View,
    layout: &Layout,
    selected: Option<usize>,
    shape_of: impl Fn(usize) -> String,
    look: impl Fn(usize) -> BoxLook,
) -> Touched {
    let background = ui.interact(canvas, ui.scope_id().with("graph canvas"), Sense::click_and_drag());
    background.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Graph"));
    pan_and_zoom(ui, canvas, view, &background);
    let painter = ui.painter_at(canvas);
    let seen = Rect::from_min_size(view.origin, canvas.size() / view.zoom);
    let mut canvas_ui = CanvasUi { ui, painter, canvas, view: *view };
    for (i, edge) in layout.edges.iter().enumerate() {
        if Rect::from_points(&edge.points).expand(8.0).intersects(seen) {
            canvas_ui.edge(edge, selected, || shape_of(i));
        }
    }
    let visible: Vec<usize> = (0..layout.placed.len()).filter(|&i| layout.placed[i].rect.intersects(seen)).collect();
    let mut touched = Touched::default();
    for &i in &visible {
        let placed = &layout.placed[i];
        let rect = canvas_ui.view.rect_to_screen(canvas, placed.rect);
        let look = look(i);
        if visible.len() <= MAX_RESPONSES {
            let response = canvas_ui.ui.interact(rect.intersect(canvas), background.id.with(i), Sense::click());
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected == Some(i), name_of(placed.item, &look)));
            touched.clicked = if response.clicked() { Some(i) } else { touched.clicked };
            touched.hovered = if response.hovered() { Some(i) } else { touched.hovered };
        }
        canvas_ui.node(placed.item, rect, &look, selected == Some(i), touched.hovered == Some(i));
    }
    let view = canvas_ui.view;
    if background.clicked() && touched.clicked.is_none() {
        let at = background.interact_pointer_pos().map(|at| view.to_graph(canvas, at));
        touched.clicked = at.and_then(|at| visible.iter().copied().find(|&i| layout.placed[i].rect.contains(at)));
        touched.cleared = touched.clicked.is_none();
    }
    touched
}

fn name_of(item: Item, look: &BoxLook) -> String {
    match item {
        Item::Node(_) => format!("{}, {}", look.title, look.about),
        Item::Input(_) => format!("Model input {}", look.title),
        Item::Output(_) => format!("Model output {}", look.title),
    }
}

fn pan_and_zoom(ui: &Ui, canvas: Rect, view: &mut View, background: &Response) {
    if background.dragged_by(PointerButton::Primary) || background.dragged_by(PointerButton::Middle) {
        view.origin -= background.drag_delta() / view.zoom;
    }
    let Some(at) = ui.ctx().pointer_hover_pos().filter(|at| canvas.contains(*at)) else { return };
    if !background.contains_pointer() && !background.hovered() {
        return;
    }
    let (pinch, scroll, space) = ui.input(|i| (i.zoom_delta(), i.smooth_scroll_delta(), i.key_down(Key::Space)));
    if space {
        view.origin -= scroll / view.zoom;
        return;
    }
    let factor = pinch * (scroll.y / 240.0).exp();
    if factor != 1.0 {
        let fixed = view.to_graph(canvas, at);
        view.zoom = (view.zoom * factor).clamp(*ZOOM.start(), *ZOOM.end());
        view.origin = fixed - (at - canvas.min) / view.zoom;
    }
}

struct CanvasUi<'a> {
    ui: &'a mut Ui,
    painter: eframe::egui::Painter,
    canvas: Rect,
    view: View,
}

impl CanvasUi<'_> {
    fn edge(&mut self, edge: &super::layout::Edge, selected: Option<usize>, shape: impl FnOnce() -> String) {
        let p = Palette::of(self.ui);
        let touched = selected.is_some_and(|s| s == edge.from || s == edge.to);
        let colour = if touched { p.base } else { p.axis };
        let width = if edge.is_skip { 1.0 } else { 1.25 };
        let points: Vec<Pos2> = edge.points.iter().map(|&at| self.view.to_screen(self.canvas, at)).collect();
        self.arrow(&points, colour);
        self.painter.add(Shape::line(points, Stroke::new(width, colour)));
        if let Some((at, is_left)) = edge.label.filter(|_| self.view.zoom >= ZOOM_SHAPES) {
            let align = if is_left { Align2::RIGHT_CENTER } else { Align2::LEFT_CENTER };
            let at = self.view.to_screen(self.canvas, at);
            self.painter.text(at, align, shape(), self.font(Type::Edge), p.text_faint);
        }
    }

    fn arrow(&self, points: &[Pos2], colour: Color32) {
        let [.., before, tip] = points else { return };
        let along = (*tip - *before).normalized() * 7.0 * self.view.zoom.clamp(0.3, 1.0);
        let side = along.rot90() * (3.0 / 7.0);
        let triangle = vec![*tip, *tip - along + side, *tip - along - side];
        self.painter.add(Shape::convex_polygon(triangle, colour, Stroke::NONE));
    }

    fn node(&self, item: Item, rect: Rect, look: &BoxLook, is_selected: bool, is_hovered: bool) {
        let p = Palette::of(self.ui);
        let zoom = self.view.zoom;
        let is_node = matches!(item, Item::Node(_));
        let radius = if is_node { 5.0 * zoom } else { rect.height() / 2.0 };
        let radius = CornerRadius::same(radius.clamp(1.0, 40.0) as u8);
        let outline = match (is_node, look.is_obstacle) {
            (_, true) => Stroke::new(1.5, p.amber),
            (true, _) => Stroke::NONE,
            (false, _) => Stroke::new(1.25, p.line_strong),
        };
        let fill = if is_hovered { look.fill.lerp_to_gamma(p.text, 0.08) } else { look.fill };
        self.painter.rect(rect, radius, fill, outline, StrokeKind::Inside);
        if is_selected {
            let grown = CornerRadius::same((5.0 * zoom + 3.0).clamp(3.0, 20.0) as u8);
            self.painter.rect_stroke(rect.expand(3.0), grown, Stroke::new(2.0, p.accent), StrokeKind::Middle);
        }
        if zoom < ZOOM_NAME {
            return;
        }
        let pad = 10.0 * zoom;
        let line = |fraction: f32| rect.top() + rect.height() * fraction;
        if zoom < ZOOM_DETAIL || !is_node {
            let text = if is_node { &look.about } else { &look.title };
            let width = rect.width() - 2.0 * pad - if is_node { 0.0 } else { rect.width() * 0.55 };
            self.line(pos2(rect.left() + pad, line(0.5)), text, self.font(Type::SmallMedium), look.ink, width);
            if !is_node {
                self.right_text(rect, line(0.5), &look.about, Type::Caption, look.ink, pad);
            }
            return;
        }
        let taken = self.right_text(rect, line(0.32), &look.value, Type::Small, look.ink, pad);
        let width = rect.width() - 2.0 * pad - taken;
        self.line(pos2(rect.left() + pad, line(0.32)), &look.title, self.font(Type::SmallTitle), look.ink, width);
        let quiet = look.ink.gamma_multiply(0.85);
        let width = rect.width() - 2.0 * pad;
        self.line(pos2(rect.left() + pad, line(0.70)), &look.about, self.font(Type::Caption), quiet, width);
    }

    /// Sets text from the right and returns the width it takes.
    fn right_text(&self, rect: Rect, y: f32, text: &str, kind: Type, ink: Color32, pad: f32) -> f32 {
        if text.is_empty() {
            return 0.0;
        }
        let at = pos2(rect.right() - pad, y);
        self.painter.text(at, Align2::RIGHT_CENTER, text, self.font(kind), ink).width() + pad / 2.0
    }

    /// One line of text, cut with … where it is too long.
    fn line(&self, left_centre: Pos2, text: &str, font: FontId, ink: Color32, max_width: f32) {
        let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, ink));
        job.wrap = TextWrapping { max_rows: 1, break_anywhere: true, ..TextWrapping::wrap_at_width(max_width.max(8.0)) };
        let galley = self.painter.layout_job(job);
        let at = left_centre - vec2(0.0, galley.size().y / 2.0);
        self.painter.galley(at, galley, ink);
    }

    fn font(&self, kind: Type) -> FontId {
        let mut font = kind.font();
        // Half pixels only: each size of type takes room in the glyph atlas.
        font.size = ((font.size + 0.5) * self.view.zoom * 2.0).round().max(8.0) / 2.0;
        font
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitting_shows_everything_and_never_enlarges() {
        let bounds = Rect::from_min_size(pos2(-10.0, 5.0), vec2(2000.0, 400.0));
        let canvas = Rect::from_min_size(pos2(300.0, 100.0), vec2(800.0, 500.0));
        let view = View::fit(bounds, canvas.size());
        assert!(canvas.contains_rect(view.rect_to_screen(canvas, bounds)));
        let small = View::fit(Rect::from_min_size(pos2(0.0, 0.0), vec2(10.0, 10.0)), canvas.size());
        assert_eq!(small.zoom, 1.0);
    }
}
