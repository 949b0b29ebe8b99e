//! Where the canvas looks, and how much is painted from there.

use eframe::egui::{Pos2, Rect, Vec2};

/// How far out and in one can go.
pub const ZOOM: std::ops::RangeInclusive<f32> = 0.01..=3.0;
const MARGIN: f32 = 24.0;
/// Width that is kept free for the legend at the left, if there is room.
const LEGEND: f32 = 204.0;
/// Heights that are kept free for it above, and for other notes below, if there is no room at the left.
const ABOVE: f32 = 76.0;
const BELOW: f32 = 28.0;
/// Boxes may be smaller by this much so that the legend covers none.
const LEGEND_IS_WORTH: f32 = 0.82;

/// How much is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Boxes and lines without words, as one mesh.
    Far,
    /// What each node does.
    Kinds,
    /// Names and figures.
    Names,
    /// Shapes on edges as well.
    All,
}

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
    pub fn whole(bounds: Rect, canvas: Vec2) -> Self {
        let zoom = zoom_into(bounds, canvas);
        Self { origin: bounds.center() - canvas / (2.0 * zoom), zoom }
    }

    /// The same with room for the legend, if there is enough.
    pub fn fit(bounds: Rect, canvas: Vec2) -> Self {
        let whole = zoom_into(bounds, canvas);
        let beside_legend = zoom_into(bounds, canvas - Vec2::new(LEGEND, 0.0));
        if canvas.x > 2.0 * LEGEND && beside_legend >= LEGEND_IS_WORTH * whole {
            let spare = canvas.x - bounds.width() * beside_legend;
            let left = (spare / 2.0).max(LEGEND);
            let mut origin = bounds.center() - canvas / (2.0 * beside_legend);
            origin.x = bounds.left() - left / beside_legend;
            return Self { origin, zoom: beside_legend };
        }
        let below_legend = zoom_into(bounds, canvas - Vec2::new(0.0, ABOVE + BELOW));
        if canvas.y > 2.0 * ABOVE && below_legend >= LEGEND_IS_WORTH * whole {
            let spare = (canvas.y - ABOVE - BELOW - bounds.height() * below_legend).max(0.0);
            let mut origin = bounds.center() - canvas / (2.0 * below_legend);
            origin.y = bounds.top() - (ABOVE + spare / 2.0) / below_legend;
            return Self { origin, zoom: below_legend };
        }
        Self::whole(bounds, canvas)
    }

    /// How much is painted from here.
    pub fn detail(self) -> Detail {
        match self.zoom {
            z if z < 0.36 => Detail::Far,
            z if z < 0.52 => Detail::Kinds,
            z if z < 0.62 => Detail::Names,
            _ => Detail::All,
        }
    }

    /// The part of the graph in view.
    pub fn seen(self, canvas: Vec2) -> Rect {
        Rect::from_min_size(self.origin, canvas / self.zoom)
    }

    /// Screen position of a graph point.
    pub fn to_screen(self, canvas: Rect, at: Pos2) -> Pos2 {
        canvas.min + (at - self.origin) * self.zoom
    }

    /// Screen position of a part of the graph.
    pub fn rect_to_screen(self, canvas: Rect, rect: Rect) -> Rect {
        Rect::from_min_max(self.to_screen(canvas, rect.min), self.to_screen(canvas, rect.max))
    }

    /// Graph point at a screen position.
    pub fn to_graph(self, canvas: Rect, at: Pos2) -> Pos2 {
        self.origin + (at - canvas.min) / self.zoom
    }

    /// Part of the graph under a part of the screen.
    pub fn rect_to_graph(self, canvas: Rect, rect: Rect) -> Rect {
        Rect::from_min_max(self.to_graph(canvas, rect.min), self.to_graph(canvas, rect.max))
    }

    /// Looks at this point.
    pub fn centre_on(&mut self, canvas: Vec2, at: Pos2) {
        self.origin = at - canvas / (2.0 * self.zoom);
    }

    /// Moves so that `rect` is in view, if it isn't.
    pub fn reveal(&mut self, canvas: Vec2, rect: Rect) {
        if !self.seen(canvas).shrink(MARGIN / self.zoom).contains_rect(rect) {
            self.centre_on(canvas, rect.center());
        }
    }

    /// Between this view (`t` = 0) and another (`t` = 1).
    pub fn towards(self, other: Self, t: f32) -> Self {
        Self { origin: self.origin.lerp(other.origin, t), zoom: self.zoom + (other.zoom - self.zoom) * t }
    }
}

/// The zoom with which all of `bounds` is in view.
fn zoom_into(bounds: Rect, canvas: Vec2) -> f32 {
    let room = (canvas - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(16.0));
    let zoom = (room.x / bounds.width().max(1.0)).min(room.y / bounds.height().max(1.0)).min(1.0);
    zoom.clamp(*ZOOM.start(), *ZOOM.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{pos2, vec2};

    #[test]
    fn fitting_shows_everything_and_never_enlarges() {
        let bounds = Rect::from_min_size(pos2(-10.0, 5.0), vec2(2000.0, 400.0));
        let canvas = Rect::from_min_size(pos2(300.0, 100.0), vec2(800.0, 500.0));
        let view = View::fit(bounds, canvas.size());
        assert!(canvas.contains_rect(view.rect_to_screen(canvas, bounds)));
        let small = View::fit(Rect::from_min_size(pos2(0.0, 0.0), vec2(10.0, 10.0)), canvas.size());
        assert_eq!(small.zoom, 1.0);
    }

    #[test]
    fn the_legend_has_room_at_the_left_or_above() {
        let canvas = vec2(600.0, 380.0);
        let three_columns = Rect::from_min_size(pos2(0.0, 0.0), vec2(760.0, 340.0));
        let shown = View::fit(three_columns, canvas).rect_to_screen(Rect::from_min_size(pos2(0.0, 0.0), canvas), three_columns);
        assert!(shown.top() >= ABOVE + MARGIN - 1.0 && shown.bottom() <= canvas.y - BELOW, "{shown:?}");
        let one_column = Rect::from_min_size(pos2(0.0, 0.0), vec2(200.0, 340.0));
        let shown = View::fit(one_column, canvas).rect_to_screen(Rect::from_min_size(pos2(0.0, 0.0), canvas), one_column);
        assert!(shown.left() >= LEGEND, "{shown:?}");
    }

    #[test]
    fn screen_and_graph_are_each_others_inverse() {
        let canvas = Rect::from_min_size(pos2(300.0, 100.0), vec2(800.0, 500.0));
        let view = View { origin: pos2(12.0, -7.0), zoom: 0.4 };
        let at = pos2(100.0, 50.0);
        assert!(view.to_graph(canvas, view.to_screen(canvas, at)).distance(at) < 1e-3);
    }
}
