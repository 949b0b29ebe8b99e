//! Squarified treemaps: rectangles of given areas that fill a rectangle and are as near to squares as can be.
//!
//! Source: M. Bruls, K. Huizing, J. J. van Wijk, "Squarified Treemaps", 2000: along the shorter side, rows are filled for as long as
//! their worst aspect ratio gets better.

use eframe::egui::{Rect, pos2};

/// A rectangle for each weight, in the same order; an empty one for weights that are not above zero.
pub fn squarify(weights: &[f64], within: Rect) -> Vec<Rect> {
    let mut rects = vec![Rect::from_min_size(within.min, eframe::egui::Vec2::ZERO); weights.len()];
    let mut order: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0 && weights[i].is_finite()).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let total: f64 = order.iter().map(|&i| weights[i]).sum();
    if total <= 0.0 || within.width() <= 0.0 || within.height() <= 0.0 {
        return rects;
    }
    let scale = f64::from(within.width()) * f64::from(within.height()) / total;
    let areas: Vec<f64> = order.iter().map(|&i| weights[i] * scale).collect();
    let mut free = Free { x: within.left().into(), y: within.top().into(), w: within.width().into(), h: within.height().into() };
    let mut next = 0;
    while next < areas.len() {
        let n = row_length(&areas[next..], free.w.min(free.h));
        for (index, rect) in order[next..next + n].iter().zip(free.take_row(&areas[next..next + n])) {
            rects[*index] = rect;
        }
        next += n;
    }
    rects
}

/// How many of the areas make the first row along a side.
fn row_length(areas: &[f64], side: f64) -> usize {
    let mut sum = areas[0];
    let mut n = 1;
    // Areas come in descending order: the first is the largest of the row, the last the smallest.
    while n < areas.len() && worst(sum + areas[n], areas[0], areas[n], side) <= worst(sum, areas[0], areas[n - 1], side) {
        sum += areas[n];
        n += 1;
    }
    n
}

/// The worst aspect ratio in a row of this sum.
fn worst(sum: f64, largest: f64, smallest: f64, side: f64) -> f64 {
    let (s2, w2) = (sum * sum, side * side);
    (w2 * largest / s2).max(s2 / (w2 * smallest))
}

/// What is not filled yet.
struct Free {
    x: f64,
    y: f64,
    w: f64,
    h: f64,
}

impl Free {
    /// Fills a row along the shorter side.
    fn take_row(&mut self, areas: &[f64]) -> Vec<Rect> {
        let sum: f64 = areas.iter().sum();
        let upright = self.w >= self.h;
        let side = if upright { self.h } else { self.w };
        let depth = if side > 0.0 { sum / side } else { 0.0 };
        let mut at = 0.0;
        let rects = areas
            .iter()
            .map(|area| {
                let length = if depth > 0.0 { area / depth } else { 0.0 };
                let (x, y, w, h) =
                    if upright { (self.x, self.y + at, depth, length) } else { (self.x + at, self.y, length, depth) };
                at += length;
                Rect::from_min_max(pos2(x as f32, y as f32), pos2((x + w) as f32, (y + h) as f32))
            })
            .collect();
        if upright {
            self.x += depth;
            self.w = (self.w - depth).max(0.0);
        } else {
            self.y += depth;
            self.h = (self.h - depth).max(0.0);
        }
        rects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(rect: &Rect) -> f64 {
        f64::from(rect.width()) * f64::from(rect.height())
    }

    /// Weights of some hundred layers, from a few bytes to megabytes.
    fn weights(n: usize) -> Vec<f64> {
        let mut state = 12_345u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f64
        };
        (0..n).map(|i| if i % 7 == 3 { 0.0 } else { next().powf(1.5) + 1.0 }).collect()
    }

    #[test]
    fn areas_are_in_proportion_and_fill_the_rectangle() {
        let within = Rect::from_min_max(pos2(10.0, 20.0), pos2(410.0, 300.0));
        for n in [1, 2, 13, 400] {
            let weights = weights(n);
            let rects = squarify(&weights, within);
            let total: f64 = weights.iter().sum();
            for (weight, rect) in weights.iter().zip(&rects) {
                let expected = weight / total * area(&within);
                assert!((area(rect) - expected).abs() < 0.5 + 0.01 * expected, "{rect:?} for {weight} of {total}");
                assert!(*weight == 0.0 || within.expand(0.01).contains_rect(*rect));
            }
            let sum: f64 = rects.iter().map(area).sum();
            assert!((sum - area(&within)).abs() < 1.0, "{sum}");
        }
    }

    #[test]
    fn no_two_overlap() {
        let within = Rect::from_min_max(pos2(0.0, 0.0), pos2(640.0, 360.0));
        let rects = squarify(&weights(300), within);
        for (i, a) in rects.iter().enumerate() {
            for b in &rects[i + 1..] {
                let common = a.intersect(*b);
                let overlap = common.width().max(0.0) * common.height().max(0.0);
                assert!(overlap < 0.01, "{a:?} and {b:?} share {overlap}");
            }
        }
    }

    #[test]
    fn nothing_to_show_takes_no_room() {
        let within = Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 100.0));
        assert!(squarify(&[], within).is_empty());
        assert!(squarify(&[0.0, f64::NAN], within).iter().all(|r| area(r) == 0.0));
    }
}
