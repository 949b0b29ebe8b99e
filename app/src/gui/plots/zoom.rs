//! Dragging a box zooms into it; a flat box zooms across only, a narrow one up only.

use eframe::egui::{Id, PointerButton, Pos2, Rect, Stroke, StrokeKind, Ui};
use egui_plot::{PlotBounds, PlotMemory};

use super::Canvas;
use crate::gui::theme::Palette;

/// A box less high or less wide than this leaves that direction as it is.
const LEAST: f32 = 8.0;

/// Shows the box while it is dragged, and zooms the plot with this id once it is let go.
pub(super) fn zoom_ui(plot: Id, canvas: &Canvas<'_>, ui: &Ui) {
    let response = canvas.response;
    let button = PointerButton::Primary;
    let start = plot.with("zoom from");
    if response.drag_started_by(button)
        && let Some(from) = ui.input(|i| i.pointer.press_origin())
    {
        ui.data_mut(|d| d.insert_temp(start, from));
    }
    let is_stopped = response.drag_stopped_by(button);
    if !is_stopped && !response.dragged_by(button) {
        return;
    }
    let from: Option<Pos2> = ui.data(|d| d.get_temp(start));
    let (Some(from), Some(to)) = (from, response.interact_pointer_pos()) else { return };
    let frame = canvas.rect();
    let part = boxed(frame, from, to);
    if !is_stopped {
        let p = Palette::of(ui);
        ui.painter().rect(part, 0.0, p.text.gamma_multiply(0.10), Stroke::new(1.0, p.text), StrokeKind::Inside);
    } else if part != frame
        && let Some(mut memory) = PlotMemory::load(ui.ctx(), plot)
    {
        let low = canvas.transform.value_from_position(part.left_bottom());
        let high = canvas.transform.value_from_position(part.right_top());
        memory.set_bounds(PlotBounds::from_min_max([low.x, low.y], [high.x, high.y]));
        memory.auto_bounds = false.into();
        memory.store(ui.ctx(), plot);
        ui.ctx().request_repaint();
    }
}

/// The part of the frame between two points; all of it in a direction in which they hardly differ.
fn boxed(frame: Rect, from: Pos2, to: Pos2) -> Rect {
    let mut part = Rect::from_two_pos(from, to).intersect(frame);
    if part.width() < LEAST {
        (part.min.x, part.max.x) = (frame.min.x, frame.max.x);
    }
    if part.height() < LEAST {
        (part.min.y, part.max.y) = (frame.min.y, frame.max.y);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    #[test]
    fn a_flat_box_zooms_across_only() {
        let frame = Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 50.0));
        assert_eq!(boxed(frame, pos2(20.0, 20.0), pos2(60.0, 22.0)), Rect::from_min_max(pos2(20.0, 0.0), pos2(60.0, 50.0)));
        assert_eq!(boxed(frame, pos2(60.0, 40.0), pos2(20.0, 10.0)), Rect::from_min_max(pos2(20.0, 10.0), pos2(60.0, 40.0)));
        assert_eq!(boxed(frame, pos2(60.0, 40.0), pos2(61.0, 41.0)), frame);
    }
}
