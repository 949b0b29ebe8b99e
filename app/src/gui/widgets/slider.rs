//! A slider with its number beside it: drag, wheel, type, arrow keys, double-click to default.

use std::ops::RangeInclusive;

use eframe::egui::{
    CornerRadius, DragValue, Key, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, lerp, pos2, remap_clamp, vec2,
};

use crate::gui::theme::{CONTROL_SMALL, Palette};

const KNOB_RADIUS: f32 = 6.0;
const FIELD_WIDTH: f32 = 60.0;

/// What a slider sets.
#[derive(Clone, Debug)]
pub struct Slider<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// Least and greatest value.
    pub range: RangeInclusive<f64>,
    /// Where double-click goes.
    pub default: f64,
    /// One press of an arrow key.
    pub step: f64,
    /// Decimals shown.
    pub decimals: usize,
    /// Unit after the number; may be empty.
    pub unit: &'a str,
}

/// Shows track and number field over the width that is left.
pub fn slider(ui: &mut Ui, value: &mut f64, of: &Slider<'_>) -> Response {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let width = (ui.available_width() - FIELD_WIDTH - 8.0).max(32.0);
        let before = *value;
        let track = track_ui(ui, value, of, width);
        let field = field_ui(ui, value, of);
        let mut both = track | field;
        if *value != before {
            both.mark_changed();
        }
        both
    })
    .inner
}

fn track_ui(ui: &mut Ui, value: &mut f64, of: &Slider<'_>, width: f32) -> Response {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, CONTROL_SMALL), Sense::click_and_drag());
    let (low, high) = (*of.range.start(), *of.range.end());
    let ends = rect.left() + KNOB_RADIUS..=rect.right() - KNOB_RADIUS;
    if let Some(at) = response.interact_pointer_pos()
        && (response.dragged() || response.clicked())
    {
        let t = remap_clamp(at.x, ends.clone(), 0.0..=1.0);
        *value = rounded(lerp(low..=high, f64::from(t)), of);
    }
    if response.double_clicked() {
        *value = of.default;
    }
    if response.has_focus() {
        let presses = |key| ui.input(|i| i.num_presses(key)) as f64;
        let steps = presses(Key::ArrowRight) - presses(Key::ArrowLeft);
        *value = (*value + steps * of.step).clamp(low, high);
    }
    if response.hovered() {
        // The wheel is the slider's while the pointer is on it, so the panel behind must not scroll.
        let notches = ui.input_mut(|i| {
            let y = i.smooth_scroll_delta().y;
            i.smooth_scroll_delta.y = 0.0;
            y
        });
        if notches != 0.0 {
            *value = rounded(*value + f64::from(notches.signum()) * of.step, of).clamp(low, high);
        }
    }
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), *value, of.name));
    let x_of = |v: f64| lerp(ends.clone(), remap_clamp(v, low..=high, 0.0..=1.0) as f32);
    let (x, y) = (x_of(*value), rect.center().y);
    let bar = |from: f32, to: f32| Rect::from_min_max(pos2(from, y - 1.0), pos2(to, y + 1.0));
    ui.painter().rect_filled(bar(*ends.start(), *ends.end()), CornerRadius::same(1), p.control_hover);
    ui.painter().rect_filled(bar(*ends.start(), x), CornerRadius::same(1), p.accent);
    let default_x = x_of(of.default);
    ui.painter().vline(default_x, y - 4.0..=y + 4.0, Stroke::new(1.0, p.axis));
    let knob = if ui.visuals().dark_mode { p.text } else { p.accent };
    ui.painter().circle_filled(pos2(x, y), KNOB_RADIUS, knob);
    if response.has_focus() {
        ui.painter().circle_stroke(pos2(x, y), KNOB_RADIUS + 2.0, Stroke::new(1.5, p.accent));
    }
    response
}

fn field_ui(ui: &mut Ui, value: &mut f64, of: &Slider<'_>) -> Response {
    let p = Palette::of(ui);
    let suffix = if of.unit.is_empty() { String::new() } else { format!(" {}", of.unit) };
    ui.scope(|ui| {
        let visuals = &mut ui.visuals_mut().widgets;
        for state in [&mut visuals.inactive, &mut visuals.hovered] {
            state.weak_bg_fill = p.sunken;
            state.bg_stroke = Stroke::new(1.0, p.line);
        }
        let field = DragValue::new(value)
            .range(of.range.clone())
            .speed(of.step)
            .fixed_decimals(of.decimals)
            .suffix(suffix)
            .update_while_editing(false);
        let response = ui.add_sized(vec2(FIELD_WIDTH, CONTROL_SMALL), field);
        response.widget_info(|| {
            let mut info = WidgetInfo::drag_value(ui.is_enabled(), 0.0);
            info.role = Role::SpinButton;
            info.value = None;
            info.label = Some(format!("{} number", of.name));
            info
        });
        response
    })
    .inner
}

fn rounded(value: f64, of: &Slider<'_>) -> f64 {
    let unit = 10f64.powi(of.decimals as i32);
    (value * unit).round() / unit
}
