//! Boxes that glide from where they were to where they are: a layout never jumps.

use std::collections::HashMap;

use eframe::egui::{Context, Pos2, Rect, Vec2};

use super::view::View;
use crate::gui::theme::EASE_S;

/// A movement that began a moment ago.
#[derive(Clone, Debug, Default)]
pub struct Glide {
    began_s: f64,
    /// For each box how far from its place it began.
    offsets: Vec<Vec2>,
    /// Where the canvas looked.
    view: Option<View>,
}

impl Glide {
    /// Begins to move boxes to their new places from where boxes of the same name were. `boxes` yields name and new place.
    pub fn begin<'a>(
        now_s: f64,
        before: &HashMap<&str, Pos2>,
        boxes: impl Iterator<Item = (&'a str, Pos2)>,
        view: Option<View>,
    ) -> Self {
        let offsets = boxes.map(|(name, at)| before.get(name).map_or(Vec2::ZERO, |was| *was - at)).collect();
        Self { began_s: now_s, offsets, view }
    }

    /// Begins to move what the canvas looks at. Boxes that begin to move in the same frame go on.
    pub fn look(self, now_s: f64, from: View) -> Self {
        let offsets = if self.began_s == now_s { self.offsets } else { Vec::new() };
        Self { began_s: now_s, offsets, view: Some(from) }
    }

    /// How much of the way is done, 1 at rest. Asks for another frame until then; with reduced motion there is no way to go.
    pub fn progress(&self, ctx: &Context) -> f32 {
        if ctx.global_style().animation_time == 0.0 {
            return 1.0;
        }
        let t = ((ctx.time() - self.began_s) / f64::from(EASE_S)).clamp(0.0, 1.0) as f32;
        if t < 1.0 {
            ctx.request_repaint();
        }
        // Fast first, then slower and slower.
        1.0 - (1.0 - t).powi(3)
    }

    /// How clearly edges are seen: they come when boxes arrive.
    pub fn edge_clarity(&self, progress: f32) -> f32 {
        if self.offsets.is_empty() { 1.0 } else { progress }
    }

    /// Where a box is on the way to its place.
    pub fn on_the_way(&self, i: usize, place: Rect, progress: f32) -> Rect {
        self.offsets.get(i).map_or(place, |offset| place.translate(*offset * (1.0 - progress)))
    }

    /// Where the canvas looks on the way to `view`.
    pub fn looking(&self, view: View, progress: f32) -> View {
        self.view.filter(|_| progress < 1.0).map_or(view, |from| from.towards(view, progress))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{RawInput, pos2, vec2};

    fn progress_at(ctx: &Context, glide: &Glide, time: f64) -> f32 {
        ctx.begin_pass(RawInput { time: Some(time), ..RawInput::default() });
        let progress = glide.progress(ctx);
        ctx.end_pass().textures_delta.clear();
        progress
    }

    #[test]
    fn a_fit_in_the_frame_of_a_new_layout_lets_the_boxes_go_on() {
        let before = HashMap::from([("a", pos2(0.0, 0.0))]);
        let begun = || Glide::begin(10.0, &before, [("a", pos2(100.0, 0.0))].into_iter(), None);
        let from = View::fit(Rect::from_min_size(Pos2::ZERO, Vec2::splat(10.0)), Vec2::splat(100.0));
        assert_eq!(begun().look(10.0, from).offsets, begun().offsets);
        assert!(begun().look(10.1, from).offsets.is_empty());
    }

    #[test]
    fn boxes_arrive_after_a_moment_and_at_once_with_reduced_motion() {
        let ctx = Context::default();
        let before = HashMap::from([("a", pos2(0.0, 0.0))]);
        let boxes = [("a", pos2(100.0, 0.0)), ("new", pos2(5.0, 5.0))];
        let glide = Glide::begin(10.0, &before, boxes.into_iter(), None);
        let place = Rect::from_center_size(pos2(100.0, 0.0), vec2(10.0, 10.0));
        let t = progress_at(&ctx, &glide, 10.0);
        assert_eq!(glide.on_the_way(0, place, t).center(), pos2(0.0, 0.0));
        assert_eq!(glide.on_the_way(1, place, t), place, "what was nowhere does not move");
        let t = progress_at(&ctx, &glide, 10.2);
        assert_eq!(glide.on_the_way(0, place, t), place);
        ctx.all_styles_mut(|style| style.animation_time = 0.0);
        assert_eq!(progress_at(&ctx, &glide, 10.0), 1.0);
    }
}
