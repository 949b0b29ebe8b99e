//! What the colours mean, and the marks; in whichever corner of the canvas is free.

use eframe::egui::{Align2, Color32, CornerRadius, Mesh, Painter, Rect, Shape, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

use super::colour::{ColourBy, KINDS, SQNR_BETTER, SQNR_WORSE, kind_tint};
use super::scene::Scene;
use crate::gui::graph_view::layout::Layout;
use crate::gui::graph_view::view::View;
use crate::gui::theme::{Palette, Type};

const INSET: f32 = 16.0;
const WIDTH: f32 = 160.0;
const SMALL_WIDTH: f32 = 120.0;
const BAR: f32 = 8.0;
const LINE: f32 = 16.0;
const TICKS: usize = 5;
/// Room that the zoom in percent takes.
const ZOOM_WIDTH: f32 = 40.0;
/// On a narrower canvas the legend is the scale with its title alone.
const ROOM_FOR_WORDS: f32 = 400.0;

/// Paints legend and notes; `taken` are parts of the canvas that are covered already.
pub(super) fn legend_ui(ui: &Ui, canvas: Rect, view: View, scene: &Scene, mut taken: Vec<Rect>) {
    let p = Palette::of(ui);
    let painter = ui.painter_at(canvas);
    let is_small = canvas.width() < ROOM_FOR_WORDS;
    let width = if is_small { SMALL_WIDTH } else { WIDTH };
    let mut place_for = |size: Vec2| {
        let place = free_place(canvas, view, &scene.given.layout, size, &taken);
        taken.push(place);
        painter.rect_filled(place.expand(2.0), CornerRadius::same(4), p.sunken);
        place
    };
    let by = scene.colour_by();
    let gap = if scene.has_gaps && by != ColourBy::Kind { LINE + 4.0 } else { 0.0 };
    match by {
        ColourBy::Kind => kinds(&painter, p, place_for(vec2(width, LINE * (KINDS.len() + 3) as f32))),
        _ => {
            let ends = if by == ColourBy::Error { 14.0 } else { 0.0 };
            let place = place_for(vec2(width, gap + if is_small { 50.0 } else { 68.0 + ends }));
            scale(&painter, p, place, scene, is_small);
            if gap > 0.0 {
                gap_ui(&painter, p, place, scene.given.gap);
            }
        }
    }
    let notes = &scene.notes;
    if !notes.is_empty() {
        let wide = |text: &str| painter.layout_no_wrap(text.to_owned(), Type::Caption.font(), p.text).size().x;
        let widest = notes.iter().map(|note| wide(note)).fold(width, f32::max);
        let place = place_for(vec2(widest.min(canvas.width() * 0.5), LINE * (notes.len() + 1) as f32));
        words(&painter, place.min, Align2::LEFT_TOP, scene.against_title(), Type::SmallTitle, p.text);
        for (i, note) in notes.iter().enumerate() {
            let at = place.min + vec2(0.0, LINE * (i + 1) as f32 + 2.0);
            words(&painter, at, Align2::LEFT_TOP, note, Type::Caption, p.text_weak);
        }
    }
}

/// Why boxes have no colour, at the bottom of `place`.
fn gap_ui(painter: &Painter, p: &Palette, place: Rect, why: &str) {
    let square = Rect::from_min_size(pos2(place.left(), place.bottom() - 12.0), Vec2::splat(10.0));
    painter.rect_filled(square, CornerRadius::same(2), p.control_hover);
    words(painter, square.right_center() + vec2(8.0, 0.0), Align2::LEFT_CENTER, why, Type::Caption, p.text_weak);
}

/// Of the corners, and the middles above and below, the place that covers least.
fn free_place(canvas: Rect, view: View, layout: &Layout, size: Vec2, taken: &[Rect]) -> Rect {
    let inner = canvas.shrink(INSET);
    let low = inner.bottom() - size.y - 4.0;
    let (left, middle, right) = (inner.left(), inner.center().x - size.x / 2.0, inner.right() - size.x);
    let corners = [
        inner.min,
        pos2(left, low),
        pos2(right, inner.top()),
        // The zoom stands at the lower right: above it, or beside it.
        pos2(right, low - 16.0),
        pos2(right - ZOOM_WIDTH, low),
        pos2(middle, inner.top()),
        pos2(middle, low),
    ];
    let covered = |place: &Rect| {
        let is_taken = taken.iter().any(|t| t.intersects(place.expand(8.0)));
        let under = view.rect_to_graph(canvas, place.expand(4.0));
        (is_taken, layout.box_index.meeting(under).len(), layout.edge_index.meeting(under).len())
    };
    let places = corners.map(|min| Rect::from_min_size(min, size));
    places.into_iter().min_by_key(covered).unwrap_or(places[0])
}

fn scale(painter: &Painter, p: &Palette, place: Rect, scene: &Scene, is_small: bool) {
    let by = scene.colour_by();
    let (title, about) = by.legend();
    words(painter, place.min, Align2::LEFT_TOP, title, Type::SmallTitle, p.text);
    if !is_small {
        words(painter, place.min + vec2(0.0, 16.0), Align2::LEFT_TOP, about, Type::Caption, p.text_weak);
    }
    let top = if is_small { 20.0 } else { 36.0 };
    let bar = Rect::from_min_size(place.min + vec2(0.0, top), vec2(place.width(), BAR));
    painter.add(heat_bar(bar, p, by == ColourBy::Error));
    let below = bar.bottom() + 4.0;
    if by == ColourBy::Error {
        for i in 0..TICKS {
            let share = i as f32 / (TICKS - 1) as f32;
            let tick = SQNR_WORSE + (SQNR_BETTER - SQNR_WORSE) * f64::from(share);
            let align =
                [Align2::LEFT_TOP, Align2::CENTER_TOP, Align2::RIGHT_TOP][usize::from(i > 0) + usize::from(i + 1 == TICKS)];
            words(
                painter,
                pos2(bar.left() + bar.width() * share, below),
                align,
                &format!("{tick:.0}"),
                Type::Caption,
                p.text_weak,
            );
        }
        if is_small {
            return;
        }
        words(painter, pos2(bar.left(), below + 14.0), Align2::LEFT_TOP, "worse", Type::Caption, p.text_weak);
        words(painter, pos2(bar.right(), below + 14.0), Align2::RIGHT_TOP, "better", Type::Caption, p.text_weak);
        return;
    }
    words(painter, pos2(bar.left(), below), Align2::LEFT_TOP, "0", Type::Caption, p.text_weak);
    words(painter, pos2(bar.right(), below), Align2::RIGHT_TOP, &by.words(scene.most), Type::Caption, p.text_weak);
}

/// The scale of colours.
pub(super) fn heat_bar(bar: Rect, p: &Palette, is_reversed: bool) -> Shape {
    let mut mesh = Mesh::default();
    let last = p.heat.len() - 1;
    for i in 0..=last {
        let x = bar.left() + bar.width() * i as f32 / last as f32;
        let colour = p.heat[if is_reversed { last - i } else { i }];
        mesh.colored_vertex(pos2(x, bar.top()), colour);
        mesh.colored_vertex(pos2(x, bar.bottom()), colour);
        if i > 0 {
            let at = 2 * i as u32;
            mesh.add_triangle(at - 2, at - 1, at);
            mesh.add_triangle(at - 1, at, at + 1);
        }
    }
    Shape::mesh(mesh)
}

fn kinds(painter: &Painter, p: &Palette, place: Rect) {
    words(painter, place.min, Align2::LEFT_TOP, ColourBy::Kind.legend().0, Type::SmallTitle, p.text);
    let named = KINDS.iter().map(|&(name, series)| (name, kind_tint(series, p), None));
    let others = [("other", p.control_hover, None), ("no kernel", p.amber_soft, Some(p.amber))];
    for (i, (name, fill, line)) in named.chain(others).enumerate() {
        let y = place.top() + LINE * (i as f32 + 1.0) + 10.0;
        let square = Rect::from_center_size(pos2(place.left() + 5.0, y), Vec2::splat(10.0));
        painter.rect(square, CornerRadius::same(2), fill, Stroke::new(1.0, line.unwrap_or(fill)), StrokeKind::Inside);
        words(painter, pos2(place.left() + 18.0, y), Align2::LEFT_CENTER, name, Type::Caption, p.text_weak);
    }
}

fn words(painter: &Painter, at: eframe::egui::Pos2, align: Align2, text: &str, kind: Type, colour: Color32) {
    painter.text(at, align, text, kind.font(), colour);
}
