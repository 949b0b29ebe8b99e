//! The handles at the ends of an output's range: dragged, moved by arrow keys, put back to the calibrator's by a double click. Only
//! what is let go, or confirmed with Enter, becomes an override: until then nothing is computed.

use eframe::egui::{Response, Ui};
use tinsmith_core::recipe::{LayerOverride, Recipe};

use super::grip::{Presses, dragged_to, grip_ui, presses};
use super::layer_override::put;
use crate::gui::plots::Canvas;

/// One press of an arrow key moves a handle by this part of the range.
const KEY_STEP: f32 = 0.01;

/// The range while one of its ends is being moved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClipDrag {
    /// Whose range it is.
    layer: String,
    /// Where the ends are now.
    range: Option<(f32, f32)>,
    by_keys: bool,
}

impl ClipDrag {
    /// Where the ends of this layer's range are now. What was moved of another layer and not confirmed is forgotten: it must not
    /// land on this one.
    pub fn range_of(&mut self, layer: &str) -> Option<(f32, f32)> {
        if self.layer != layer {
            *self = Self { layer: layer.to_owned(), ..Self::default() };
        }
        self.range
    }

    fn move_to(&mut self, range: (f32, f32), by_keys: bool) {
        (self.range, self.by_keys) = (Some(range), by_keys);
    }

    /// Ends the movement; where it ended.
    fn end(&mut self) -> Option<(f32, f32)> {
        self.by_keys = false;
        self.range.take()
    }
}

/// The two ends of a range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Lower,
    Upper,
}

impl End {
    /// The range with this end moved. Zero has to stay representable: padding and ReLU depend on it.
    fn moved(self, range: (f32, f32), to: f32) -> (f32, f32) {
        match self {
            Self::Lower => (to.min(0.0), range.1),
            Self::Upper => (range.0, to.max(0.0)),
        }
    }

    fn of(self, range: (f32, f32)) -> f32 {
        if self == Self::Lower { range.0 } else { range.1 }
    }
}

/// A line with a grip at each end of the range. `apply` takes the range that was chosen, or `None` for the calibrator's.
pub fn handles_ui(
    drag: &mut ClipDrag,
    range: (f32, f32),
    seen: (f32, f32),
    canvas: &Canvas<'_>,
    ui: &mut Ui,
    mut apply: impl FnMut(Option<(f32, f32)>),
) {
    for (end, name) in [(End::Lower, "Lower clip"), (End::Upper, "Upper clip")] {
        let response = grip_ui(f64::from(end.of(range)), name, canvas, ui);
        if let Some(x) = dragged_to(&response, canvas) {
            drag.move_to(end.moved(range, x as f32), false);
        }
        if response.double_clicked() {
            drag.end();
            apply(None);
        }
        let is_confirmed = keys_ui(drag, end, range, seen, &response, ui);
        if (response.drag_stopped() || is_confirmed)
            && let Some(clip) = drag.end()
            && clip.1 > clip.0
        {
            apply(Some(clip));
        }
    }
}

/// Arrows move, Escape puts back; true once the range is confirmed, by Enter or by going on to something else.
fn keys_ui(drag: &mut ClipDrag, end: End, range: (f32, f32), seen: (f32, f32), response: &Response, ui: &Ui) -> bool {
    if response.lost_focus() && drag.by_keys {
        return true;
    }
    let Some(Presses { steps, enter, escape }) = presses(response, ui) else { return false };
    if steps != 0.0 {
        let step = (seen.1 - seen.0).max(f32::MIN_POSITIVE) * KEY_STEP;
        let moved = end.moved(drag.range.unwrap_or(range), end.of(range) + steps * step);
        drag.move_to(moved, true);
    }
    if escape && drag.range.is_none() {
        response.surrender_focus();
    } else if escape {
        drag.end();
    }
    enter && drag.by_keys
}

/// Sets or clears the range of a layer.
pub fn set_clip(recipe: &mut Recipe, node: &str, clip: Option<(f32, f32)>) {
    let Some(quantize) = recipe.quantize_mut() else { return };
    let own = quantize.overrides.get(node).cloned().unwrap_or_default();
    put(quantize, node, LayerOverride { clip, ..own });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_stays_inside_the_range() {
        assert_eq!(End::Lower.moved((-1.0, 2.0), 0.5), (0.0, 2.0));
        assert_eq!(End::Upper.moved((-1.0, 2.0), 1.5), (-1.0, 1.5));
    }

    #[test]
    fn a_range_that_was_moved_stays_with_its_layer() {
        let mut drag = ClipDrag::default();
        assert_eq!(drag.range_of("first"), None);
        drag.move_to((-1.0, 2.0), true);
        assert_eq!(drag.range_of("first"), Some((-1.0, 2.0)));
        assert_eq!((drag.range_of("second"), drag.by_keys), (None, false));
        assert_eq!(drag.range_of("first"), None);
    }

    #[test]
    fn a_cleared_clip_leaves_no_override() {
        let mut recipe = Recipe::int8();
        set_clip(&mut recipe, "conv", Some((-1.0, 1.0)));
        assert_eq!(recipe.quantize().unwrap().overrides["conv"].clip, Some((-1.0, 1.0)));
        set_clip(&mut recipe, "conv", None);
        assert_eq!(recipe, Recipe::int8());
    }
}
