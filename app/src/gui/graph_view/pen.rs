//! Painting a laid-out graph into shapes. Needs no panel and no pointer, so that a whole graph can be painted for a file as well.

use std::f32::consts::FRAC_PI_2;
use std::sync::Arc;

use eframe::egui::epaint::TextShape;
use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{
    Align2, Color32, Context, CornerRadius, FontId, Galley, Mesh, Pos2, Rect, Shape, Stroke, StrokeKind, Theme, Vec2, pos2, vec2,
};

use super::layout::{Bracket, Edge, Item, Label, Layout};
use super::picture::{Emphasis, Ground, Outline, Picture, Words};
use super::view::{Detail, View};
use crate::gui::icons;
use crate::gui::theme::{Palette, Type};

const CORNER: f32 = 6.0;
/// Width of the bar on a box that differs, and of the gap before it.
const CHANGED: f32 = 3.0;
/// An edge is pointed at from so far.
const REACH: f32 = 5.0;
const BOX_RADIUS: f32 = 5.0;
/// Corners of edges are curves of so many parts.
const CURVE: usize = 4;
/// Seen from so far that the gaps between boxes are a pixel or two, lines from one box to the next are lost in them.
const ZOOM_LINES: f32 = 0.05;
/// What is left of colours of what is not searched for.
const FAINT: f32 = 0.34;
const MARGIN: f32 = 24.0;

/// A picture of a whole graph, larger than any window.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// What is painted, from back to front.
    pub shapes: Vec<Shape>,
    /// Around everything, from 0.
    pub bounds: Rect,
    /// The ground it is painted on.
    pub ground: Color32,
}

/// Paints a whole graph in its natural size, for a file.
pub fn drawing(ctx: &Context, theme: Theme, layout: &Layout, picture: &impl Picture) -> Drawing {
    let p = Palette::named(theme, false);
    let bounds = layout.bounds.expand(MARGIN + 24.0);
    let view = View { origin: bounds.min, zoom: 1.0 };
    let canvas = Rect::from_min_size(Pos2::ZERO, bounds.size());
    let mut pen = Pen::new(ctx, p, view, canvas, 1.0);
    let everything = |n: usize| (0..n).collect::<Vec<usize>>();
    pen.edges(layout, picture, &everything(layout.edges.len()));
    pen.brackets(layout);
    for (i, placed) in layout.placed.iter().enumerate() {
        pen.node(placed.item, view.rect_to_screen(canvas, placed.rect), &picture.ground(i), picture.words(i), Mood::default());
    }
    Drawing { shapes: pen.out, bounds: canvas, ground: p.sunken }
}

/// How a box is at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mood {
    pub emphasis: Emphasis,
    pub is_hovered: bool,
    pub has_focus: bool,
}

/// Turns boxes and edges into shapes.
pub(super) struct Pen<'a> {
    ctx: &'a Context,
    p: &'static Palette,
    view: View,
    canvas: Rect,
    /// How clearly edges are seen: they fade in while boxes glide to their places.
    edge_clarity: f32,
    pub out: Vec<Shape>,
}

impl<'a> Pen<'a> {
    pub fn new(ctx: &'a Context, p: &'static Palette, view: View, canvas: Rect, edge_clarity: f32) -> Self {
        Self { ctx, p, view, canvas, edge_clarity, out: Vec::new() }
    }

    fn at(&self, point: Pos2) -> Pos2 {
        self.view.to_screen(self.canvas, point)
    }

    // ------------------------------------------------------------------------------------------------------ near

    /// Lines, arrows and, from near, shapes.
    pub fn edges(&mut self, layout: &Layout, picture: &impl Picture, which: &[usize]) {
        let has_words = self.view.detail() == Detail::All;
        for &i in which {
            let edge = &layout.edges[i];
            let (from, to) = (picture.emphasis(edge.from), picture.emphasis(edge.to));
            let is_touched = from.is_selected || to.is_selected;
            let is_faint = from.is_faint && to.is_faint;
            self.edge(
                edge,
                if is_touched { self.p.base } else { self.p.axis }.gamma_multiply(clarity(is_faint) * self.edge_clarity),
            );
            if let Some(label) = edge.label.filter(|_| has_words) {
                let colour = self.p.text_faint.gamma_multiply(clarity(is_faint) * self.edge_clarity);
                self.edge_words(label, picture.edge_words(i), colour);
            }
        }
    }

    fn edge(&mut self, edge: &Edge, colour: Color32) {
        let points: Vec<Pos2> = rounded(&edge.corners).into_iter().map(|at| self.at(at)).collect();
        self.arrow(&points, colour);
        let width = if edge.is_skip { 1.0 } else { 1.25 };
        self.out.push(Shape::line(points, Stroke::new(width, colour)));
    }

    fn arrow(&mut self, points: &[Pos2], colour: Color32) {
        let [.., before, tip] = points else { return };
        let along = (*tip - *before).normalized() * 7.0 * self.view.zoom.clamp(0.3, 1.0);
        let side = along.rot90() * (3.0 / 7.0);
        let triangle = vec![*tip, *tip - along + side, *tip - along - side];
        self.out.push(Shape::convex_polygon(triangle, colour, Stroke::NONE));
    }

    fn edge_words(&mut self, label: Label, words: &str, colour: Color32) {
        let at = self.at(label.at());
        let galley = self.galley(words, self.font(Type::Edge), colour);
        match label {
            Label::LeftOf(_) => self.galley_at(at, Align2::RIGHT_CENTER, galley, colour),
            Label::RightOf(_) => self.galley_at(at, Align2::LEFT_CENTER, galley, colour),
            Label::Along(_) => self.upright(at, galley, FRAC_PI_2, colour),
        }
    }

    /// The edge whose words or line are at this point of the screen.
    pub fn edge_at(&self, layout: &Layout, picture: &impl Picture, at: Pos2) -> Option<usize> {
        let point = self.view.to_graph(self.canvas, at);
        let reach = REACH / self.view.zoom;
        let edges = layout.edge_index.meeting(Rect::from_center_size(point, Vec2::splat(2.0 * reach)));
        let has_words = self.view.detail() == Detail::All;
        let is_on_words = |i: usize| {
            let label = layout.edges[i].label.filter(|_| has_words);
            label.is_some_and(|label| self.words_place(label, picture.edge_words(i)).contains(at))
        };
        let is_on_line = |i: usize| {
            let mut parts = layout.edges[i].corners.windows(2);
            parts.any(|ends| Rect::from_two_pos(ends[0], ends[1]).expand(reach).contains(point))
        };
        let find = |is_on: &dyn Fn(usize) -> bool| edges.iter().copied().find(|i| is_on(*i));
        find(&is_on_words).or_else(|| find(&is_on_line))
    }

    fn words_place(&self, label: Label, words: &str) -> Rect {
        let at = self.at(label.at());
        let size = self.galley(words, self.font(Type::Edge), self.p.text).size();
        match label {
            Label::LeftOf(_) => Align2::RIGHT_CENTER.anchor_size(at, size),
            Label::RightOf(_) => Align2::LEFT_CENTER.anchor_size(at, size),
            Label::Along(_) => Rect::from_center_size(at, vec2(size.y, size.x)),
        }
    }

    /// A box from near.
    pub fn node(&mut self, item: Item, rect: Rect, ground: &Ground, words: &Words, mood: Mood) {
        let p = self.p;
        let zoom = self.view.zoom;
        let clear = clarity(mood.emphasis.is_faint);
        let is_end = matches!(item, Item::Input(_) | Item::Output(_));
        let radius = if is_end { rect.height() / 2.0 } else { BOX_RADIUS * zoom };
        let radius = CornerRadius::same(radius.clamp(1.0, 40.0) as u8);
        let fill = if mood.is_hovered { ground.fill.lerp_to_gamma(p.text, 0.08) } else { ground.fill }.gamma_multiply(clear);
        if matches!(item, Item::Block(_)) {
            // A pile: there is more underneath.
            for depth in [6.0, 3.0] {
                let under = rect.translate(vec2(depth, depth) * zoom);
                self.out.push(Shape::rect_filled(under, radius, p.sunken));
                self.out.push(Shape::rect_filled(under, radius, fill.gamma_multiply(0.8 - depth / 15.0)));
            }
        }
        self.out.push(Shape::rect_filled(rect, radius, fill));
        if ground.is_changed {
            // Inside the box: at its edge a bar as light as the canvas would look like a smaller box.
            let bar = rect.shrink2(vec2(CHANGED, 2.0 * CHANGED) * zoom);
            let bar = bar.with_max_x(bar.left() + (CHANGED * zoom).max(1.5));
            self.out.push(Shape::rect_filled(bar, 1.0, ground.ink.gamma_multiply(clear)));
        }
        self.outline(rect, radius, ground.outline, clear);
        if mood.emphasis.is_selected || mood.has_focus {
            let grown = CornerRadius::same((BOX_RADIUS * zoom + 3.0).clamp(3.0, 20.0) as u8);
            let colour = if mood.emphasis.is_selected { p.accent } else { p.text_weak };
            self.out.push(Shape::rect_stroke(rect.expand(3.0), grown, Stroke::new(2.0, colour), StrokeKind::Middle));
        }
        let ink = ground.ink.gamma_multiply(clear);
        match (self.view.detail(), is_end) {
            (Detail::Far, _) => {}
            (Detail::Kinds, false) => self.one_line(rect, &words.about, ink),
            (_, true) => self.end_words(rect, words, ink),
            (_, false) => self.two_lines(item, rect, words, ink),
        }
    }

    fn outline(&mut self, rect: Rect, radius: CornerRadius, outline: Outline, clear: f32) {
        let p = self.p;
        let inside = |width, colour: Color32| {
            Shape::rect_stroke(rect, radius, Stroke::new(width, colour.gamma_multiply(clear)), StrokeKind::Inside)
        };
        match outline {
            Outline::None => {}
            Outline::Plain => self.out.push(inside(1.25, p.line_strong)),
            Outline::Obstacle => self.out.push(inside(1.5, p.amber)),
            Outline::Dashed => {
                let r = rect.shrink(0.5);
                let around = [r.left_top(), r.right_top(), r.right_bottom(), r.left_bottom(), r.left_top()];
                let dash = (4.0 * self.view.zoom).clamp(2.0, 4.0);
                let stroke = Stroke::new(1.0, p.line_strong.gamma_multiply(clear));
                self.out.extend(Shape::dashed_line(&around, stroke, dash, dash));
            }
        }
    }

    fn one_line(&mut self, rect: Rect, text: &str, ink: Color32) {
        let pad = 10.0 * self.view.zoom;
        self.cut(pos2(rect.left() + pad, rect.center().y), text, Type::SmallMedium, ink, rect.width() - 2.0 * pad);
    }

    fn end_words(&mut self, rect: Rect, words: &Words, ink: Color32) {
        let pad = 12.0 * self.view.zoom;
        let taken = self.right_text(rect, rect.center().y, &words.about, Type::Caption, ink.gamma_multiply(0.75), pad);
        let width = rect.width() - 2.0 * pad - taken;
        self.cut(pos2(rect.left() + pad, rect.center().y), &words.title, Type::SmallMedium, ink, width);
    }

    fn two_lines(&mut self, item: Item, rect: Rect, words: &Words, ink: Color32) {
        let pad = 10.0 * self.view.zoom;
        let quiet = ink.gamma_multiply(0.85);
        let line = |fraction: f32| rect.top() + rect.height() * fraction;
        // The caret that opens a block stands before its name.
        let indent = if matches!(item, Item::Block(_)) { 16.0 * self.view.zoom } else { 0.0 };
        if indent > 0.0 {
            let font = self.font_of(12.0, Type::IconSmall);
            let galley = self.galley(icons::CARET_RIGHT, font, ink);
            self.galley_at(pos2(rect.left() + pad, line(0.32)), Align2::LEFT_CENTER, galley, ink);
        }
        let taken = self.right_text(rect, line(0.32), &words.value, Type::Small, ink, pad);
        let width = rect.width() - 2.0 * pad - taken - indent;
        self.cut(pos2(rect.left() + pad + indent, line(0.32)), &words.title, Type::SmallTitle, ink, width);
        let taken = self.right_text(rect, line(0.70), &words.aside, Type::Caption, quiet, pad);
        let width = rect.width() - 2.0 * pad - taken;
        self.cut(pos2(rect.left() + pad, line(0.70)), &words.about, Type::Caption, quiet, width);
    }

    /// Lines left of blocks, with their names where there is room.
    pub fn brackets(&mut self, layout: &Layout) {
        for bracket in &layout.brackets {
            let (top, bottom) = (self.at(bracket.top), self.at(bracket.bottom));
            let room = Rect::from_min_max(top - vec2(30.0, 0.0), bottom);
            if !room.intersects(self.canvas) {
                continue;
            }
            let colour = self.p.line_strong.gamma_multiply(self.edge_clarity);
            self.out.push(Shape::line_segment([top, bottom], Stroke::new(1.0, colour)));
            if bracket.is_first && self.view.detail() > Detail::Far {
                self.bracket_name(bracket, layout.blocks[bracket.block].number);
            }
        }
    }

    fn bracket_name(&mut self, bracket: &Bracket, number: usize) {
        let colour = self.p.text_faint.gamma_multiply(self.edge_clarity);
        let galley = self.galley(&format!("block {number}"), self.font(Type::Caption), colour);
        let (top, bottom) = (self.at(bracket.top), self.at(bracket.bottom));
        let caret = caret_of(bracket, self.view, self.canvas);
        if bottom.y - caret.bottom() >= galley.size().x {
            let centre = pos2(top.x - 9.0 * self.view.zoom, (caret.bottom() + bottom.y) / 2.0);
            self.upright(centre, galley, -FRAC_PI_2, colour);
        }
        let caret_colour = self.p.text_weak.gamma_multiply(self.edge_clarity);
        let galley = self.galley(icons::CARET_DOWN, self.font_of(11.0, Type::IconSmall), caret_colour);
        self.galley_at(caret.center(), Align2::CENTER_CENTER, galley, caret_colour);
    }

    // ------------------------------------------------------------------------------------------------------ text

    /// Sets text from the right and returns the width it takes.
    fn right_text(&mut self, rect: Rect, y: f32, text: &str, kind: Type, ink: Color32, pad: f32) -> f32 {
        if text.is_empty() {
            return 0.0;
        }
        let galley = self.galley(text, self.font(kind), ink);
        let width = galley.size().x;
        self.galley_at(pos2(rect.right() - pad, y), Align2::RIGHT_CENTER, galley, ink);
        width + pad / 2.0
    }

    /// One line of text, cut with … where it is too long.
    fn cut(&mut self, left_centre: Pos2, text: &str, kind: Type, ink: Color32, max_width: f32) {
        let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(self.font(kind), ink));
        job.wrap = TextWrapping { max_rows: 1, break_anywhere: true, ..TextWrapping::wrap_at_width(max_width.max(8.0)) };
        let galley = self.ctx.fonts_mut(|fonts| fonts.layout_job(job));
        self.galley_at(left_centre, Align2::LEFT_CENTER, galley, ink);
    }

    fn galley(&self, text: &str, font: FontId, ink: Color32) -> Arc<Galley> {
        self.ctx.fonts_mut(|fonts| fonts.layout_no_wrap(text.to_owned(), font, ink))
    }

    fn galley_at(&mut self, at: Pos2, align: Align2, galley: Arc<Galley>, ink: Color32) {
        let rect = align.anchor_size(at, galley.size());
        self.out.push(Shape::galley(rect.min, galley, ink));
    }

    /// Text turned by a quarter around its middle.
    fn upright(&mut self, centre: Pos2, galley: Arc<Galley>, angle: f32, ink: Color32) {
        let corner = centre - galley.size() / 2.0;
        let text = TextShape::new(corner, galley, ink).with_angle_and_anchor(angle, Align2::CENTER_CENTER);
        self.out.push(Shape::Text(text));
    }

    fn font(&self, kind: Type) -> FontId {
        self.font_of(kind.font().size + 0.5, kind)
    }

    fn font_of(&self, size: f32, kind: Type) -> FontId {
        let mut font = kind.font();
        // Half pixels only: each size of type takes room in the glyph atlas.
        font.size = (size * self.view.zoom * 2.0).round().max(8.0) / 2.0;
        font
    }

    // ------------------------------------------------------------------------------------------------------ far

    /// Everything from far out: one mesh, no words.
    pub fn far(&mut self, layout: &Layout, picture: &impl Picture, boxes: &[(usize, Rect)], edges: &[usize]) {
        let mut mesh = Mesh::default();
        mesh.reserve_vertices(4 * (boxes.len() + 3 * edges.len()));
        mesh.reserve_triangles(2 * (boxes.len() + 3 * edges.len()));
        let quiet = self.p.axis.gamma_multiply(0.85 * self.edge_clarity);
        for &i in edges {
            let edge = &layout.edges[i];
            if self.view.zoom < ZOOM_LINES && !edge.is_skip && edge.corners.len() == 2 {
                continue;
            }
            edge.corners.windows(2).for_each(|ends| mesh.add_colored_rect(bar(self.at(ends[0]), self.at(ends[1])), quiet));
        }
        let line = self.p.line_strong.gamma_multiply(self.edge_clarity);
        for bracket in &layout.brackets {
            mesh.add_colored_rect(bar(self.at(bracket.top), self.at(bracket.bottom)), line);
        }
        for &(i, rect) in boxes {
            let (ground, emphasis) = (picture.ground(i), picture.emphasis(i));
            if emphasis.is_selected {
                mesh.add_colored_rect(rect.expand(3.0), self.p.accent);
            } else if ground.outline == Outline::Obstacle {
                mesh.add_colored_rect(rect.expand(1.0), self.p.amber);
            }
            let rect = Rect::from_min_size(rect.min, rect.size().max(Vec2::splat(1.0)));
            mesh.add_colored_rect(rect, ground.fill.gamma_multiply(clarity(emphasis.is_faint)));
            if ground.outline == Outline::Dashed && !emphasis.is_selected && rect.height() > 3.0 {
                dashes_into(&mut mesh, rect, self.p.text_faint.gamma_multiply(clarity(emphasis.is_faint)));
            }
            if ground.is_changed {
                let bar = rect.with_max_x(rect.left() + (0.08 * rect.width()).max(1.0));
                mesh.add_colored_rect(bar, ground.ink.gamma_multiply(clarity(emphasis.is_faint)));
            }
        }
        self.out.push(Shape::mesh(mesh));
    }
}

/// Where the caret of a bracket is clicked, on screen.
pub(super) fn caret_of(bracket: &Bracket, view: View, canvas: Rect) -> Rect {
    let top = view.to_screen(canvas, bracket.top);
    let size = (14.0 * view.zoom).max(8.0);
    Rect::from_min_size(pos2(top.x - 1.5 * view.zoom - size, top.y), Vec2::splat(size))
}

fn clarity(is_faint: bool) -> f32 {
    if is_faint { FAINT } else { 1.0 }
}

/// A line across or down as a rectangle, one pixel wide.
fn bar(a: Pos2, b: Pos2) -> Rect {
    let rect = Rect::from_two_pos(a, b);
    Rect::from_min_size(rect.min, rect.size().max(Vec2::splat(1.0)))
}

/// Lines around a box, broken above and below: what is left of dashes from far out.
fn dashes_into(mesh: &mut Mesh, rect: Rect, colour: Color32) {
    let part = rect.width() / 5.0;
    for y in [rect.top(), rect.bottom() - 1.0] {
        for i in [0.0, 2.0, 4.0] {
            let from = pos2(rect.left() + i * part, y);
            mesh.add_colored_rect(Rect::from_min_size(from, vec2(part, 1.0)), colour);
        }
    }
    for x in [rect.left(), rect.right() - 1.0] {
        mesh.add_colored_rect(Rect::from_min_size(pos2(x, rect.top()), vec2(1.0, rect.height())), colour);
    }
}

/// A polyline with its corners rounded.
fn rounded(corners: &[Pos2]) -> Vec<Pos2> {
    let mut out = Vec::with_capacity(corners.len() * (CURVE + 1));
    for (i, &corner) in corners.iter().enumerate() {
        let (Some(&before), Some(&after)) = (i.checked_sub(1).and_then(|j| corners.get(j)), corners.get(i + 1)) else {
            out.push(corner);
            continue;
        };
        let radius = CORNER.min(before.distance(corner) / 2.0).min(after.distance(corner) / 2.0);
        let (start, end) = (corner + (before - corner).normalized() * radius, corner + (after - corner).normalized() * radius);
        // A quadratic curve with the corner as its handle.
        for step in 0..=CURVE {
            let t = step as f32 / CURVE as f32;
            out.push(start.lerp(corner, t).lerp(corner.lerp(end, t), t));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::gui::graph_view::layout::layout;
    use crate::gui::graph_view::test_nets::{Kind, chain_of};
    use crate::gui::theme;
    use eframe::egui::RawInput;
    use tinsmith_core::progress::Cancel;

    struct Plain(Words);

    impl Picture for Plain {
        fn ground(&self, _: usize) -> Ground {
            Ground { fill: Color32::GRAY, ink: Color32::WHITE, outline: Outline::Dashed, is_changed: true }
        }
        fn words(&self, _: usize) -> &Words {
            &self.0
        }
        fn edge_words(&self, _: usize) -> &str {
            "8×8×4"
        }
        fn emphasis(&self, _: usize) -> Emphasis {
            Emphasis::default()
        }
    }

    fn painting(paint: impl FnOnce(&Context, &Layout, &Plain)) {
        use Kind::{Conv, Depthwise, Mean, Pointwise};
        let graph = chain_of(&[Conv, Depthwise, Pointwise, Depthwise, Pointwise, Depthwise, Pointwise, Mean]);
        let collapsed = BTreeSet::from(["n3".to_owned()]);
        let layout = layout(&graph, &collapsed, vec2(800.0, 500.0), &Cancel::new()).unwrap();
        let ctx = Context::default();
        theme::install(&ctx);
        ctx.begin_pass(RawInput::default());
        let text = |text: &str| text.to_owned();
        let words = Words { title: text("name"), about: text("Conv"), value: text("1"), aside: text("8"), name: text("name") };
        paint(&ctx, &layout, &Plain(words));
        ctx.end_pass().textures_delta.clear();
    }

    fn n_texts(shapes: &[Shape]) -> usize {
        shapes.iter().filter(|s| matches!(s, Shape::Text(_))).count()
    }

    #[test]
    fn a_drawing_holds_the_whole_graph() {
        painting(|ctx, layout, picture| {
            let drawing = drawing(ctx, Theme::Dark, layout, picture);
            let outside =
                drawing.shapes.iter().map(Shape::visual_bounding_rect).filter(|r| !drawing.bounds.expand(1.0).contains_rect(*r));
            assert_eq!(outside.count(), 0);
            assert!(n_texts(&drawing.shapes) > 3 * layout.placed.len());
        });
    }

    #[test]
    fn from_far_out_everything_is_one_mesh() {
        painting(|ctx, layout, picture| {
            let canvas = Rect::from_min_size(Pos2::ZERO, vec2(800.0, 500.0));
            let view = View { origin: layout.bounds.min, zoom: 0.1 };
            let mut pen = Pen::new(ctx, Palette::named(Theme::Light, false), view, canvas, 1.0);
            let boxes: Vec<(usize, Rect)> =
                layout.placed.iter().map(|p| view.rect_to_screen(canvas, p.rect)).enumerate().collect();
            pen.far(layout, picture, &boxes, &[0, 1, 2]);
            assert!(
                matches!(pen.out.as_slice(), [Shape::Mesh(mesh)] if mesh.is_valid() && mesh.vertices.len() >= 4 * boxes.len())
            );
        });
    }
}
