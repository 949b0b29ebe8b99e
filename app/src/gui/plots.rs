//! How all plots look: ground, grid, axes. Drag zooms, double-click resets, hover reads exact values.

use eframe::egui::{Color32, PointerButton, Rangef, Stroke, Ui, vec2};
use egui_plot::{AxisHints, Plot};

use super::theme::{Palette, Type};
use super::units;

/// A small plot in a panel, as wide as the panel; show it within [`ground`].
pub fn plot(p: &Palette, name: &'static str, height: f32) -> Plot<'static> {
    plane(p, name, height).show_axes([true, false]).show_grid([true, false]).set_margin_fraction(vec2(0.0, 0.02)).include_y(0.0)
}

/// A plot of two quantities, neither of which has to start at zero.
pub fn plane(p: &Palette, name: &'static str, height: f32) -> Plot<'static> {
    Plot::new(name)
        .grid_color(p.grid)
        .grid_fade(0.0)
        .grid_spacing(Rangef::new(24.0, 48.0))
        .height(height)
        .show_crosshair(false)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_axis_zoom_drag(false)
        .allow_boxed_zoom(true)
        .boxed_zoom_pointer_button(PointerButton::Primary)
}

/// Paints what `contents` shows on the ground of plots, without an outline.
pub fn ground<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let p = Palette::of(ui);
    ui.scope(|ui| {
        let visuals = ui.visuals_mut();
        visuals.extreme_bg_color = p.plot;
        visuals.widgets.noninteractive.bg_stroke = Stroke::NONE;
        contents(ui)
    })
    .inner
}

/// A horizontal axis of plain numbers.
pub fn value_axis(p: &Palette) -> AxisHints<'static> {
    axis(AxisHints::new_x(), p.text_faint)
}

/// A vertical axis of plain numbers.
pub fn value_axis_y(p: &Palette) -> AxisHints<'static> {
    axis(AxisHints::new_y(), p.text_faint)
}

fn axis(hints: AxisHints<'static>, colour: Color32) -> AxisHints<'static> {
    hints
        .formatter(|mark, _| units::tick(mark.value, mark.step_size))
        .label_spacing(Rangef::new(32.0, 44.0))
        .tick_label_color(colour)
        .tick_label_font(Type::Caption.font())
}
