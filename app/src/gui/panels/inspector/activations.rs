//! What a layer's output was seen to be over the calibration samples, and the range that quantization gives it. The ends of the range
//! can be dragged: that writes an override for this layer.

use eframe::egui::{Align2, CornerRadius, CursorIcon, Id, Pos2, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_plot::{Bar, BarChart, PlotTransform};
use tinsmith_core::graph::NodeId;
use tinsmith_core::recipe::{LayerOverride, Recipe};

use super::group_rule;
use crate::gui::context::PanelCtx;
use crate::gui::plots::{ground, plot, value_axis};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{group_title, text_button};
use crate::worker::{ActivationStatistics, Distributions};

const HEIGHT: f32 = 112.0;

/// The range while one of its ends is being dragged; it becomes an override when the pointer lets go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClipDrag(Option<(f32, f32)>);

/// Shows the histogram of the output with its clip.
pub fn ui(drag: &mut ClipDrag, cx: PanelCtx<'_>, node: NodeId, of: &Distributions, recipe: &mut Recipe, ui: &mut Ui) {
    let p = Palette::of(ui);
    group_rule(ui);
    let Some(seen) = &of.activation else {
        group_title(ui, "Output range", Type::Small.text("", p.text_weak), |_| {});
        ui.label(Type::Small.text("Not calibrated: choose data to see which values occur.", p.text_faint));
        return;
    };
    let quantized = cx.session.candidate().and_then(|c| {
        let node = c.graph.node_named(&of.node)?;
        c.graph.output(c.graph.node(node), 0)?.quantization.clone()
    });
    let applied = quantized.as_ref().map(|q| {
        let real = |code| q.real_from_quantized(code, 0);
        (real(-128), real(127), format!("scale {}, zero point {}", units::real(f64::from(q.scale())), q.zero_point()))
    });
    let words = applied.as_ref().map_or_else(|| "float32".to_owned(), |a| a.2.clone());
    let name = of.node.clone();
    let has_clip = recipe.quantize().and_then(|q| q.overrides.get(&name)).is_some_and(|o| o.clip.is_some());
    group_title(ui, "Output range", Type::Small.text("log count", p.text_weak), |ui| {
        if has_clip && text_button(ui, "Clear").on_hover_text("Let the calibrator choose the range again").clicked() {
            set_clip(recipe, &name, None);
        }
        ui.label(Type::Caption.text(words, p.accent_text));
    });
    let range = drag.0.or(applied.map(|a| (a.0, a.1)));
    let transform = histogram_ui(seen, range, ui);
    let Some(range) = range else { return };
    let is_output_quantized = cx.session.graph().is_some_and(|g| node.index() < g.nodes.len());
    if is_output_quantized {
        handles_ui(drag, range, &transform, ui, |clip| set_clip(recipe, &name, Some(clip)));
    }
    ui.label(Type::Caption.text(sentence(seen, range), p.text_weak));
}

fn histogram_ui(seen: &ActivationStatistics, range: Option<(f32, f32)>, ui: &mut Ui) -> PlotTransform {
    let p = Palette::of(ui);
    let most = seen.bins.iter().map(|b| b.1).max().unwrap_or(1).max(1);
    let log = |n: u64| (n as f64 + 1.0).ln() / (most as f64 + 1.0).ln();
    let inside = |x: f64| range.is_none_or(|(low, high)| x >= f64::from(low) - seen.bin_width && x <= f64::from(high));
    let bars = seen.bins.iter().filter(|b| b.1 > 0).map(|&(x, n)| {
        let fill = if inside(x) { p.accent } else { p.base_fill };
        Bar::new(x + seen.bin_width / 2.0, log(n)).width(seen.bin_width * 0.8).fill(fill)
    });
    let counts = seen.bins.clone();
    let width = seen.bin_width;
    let chart = BarChart::new("output", bars.collect()).color(p.accent).element_formatter(Box::new(move |bar, _| {
        let x = bar.argument - width / 2.0;
        let n = counts.iter().find(|b| (b.0 - x).abs() < width / 2.0).map_or(0, |b| b.1);
        format!("{} between {} and {}", units::exact(n), units::real(x), units::real(x + width))
    }));
    let room = f64::from(seen.high - seen.low).max(f64::MIN_POSITIVE) * 0.04;
    let canvas = plot(p, "activations", HEIGHT)
        .include_x(f64::from(seen.low) - room)
        .include_x(f64::from(seen.high) + room)
        .custom_x_axes(vec![value_axis(p)])
        .label_formatter(|_| None);
    ground(ui, |ui| canvas.show(ui, |plot| plot.bar_chart(chart)).transform)
}

/// A line with a grip at each end of the range.
fn handles_ui(drag: &mut ClipDrag, range: (f32, f32), transform: &PlotTransform, ui: &mut Ui, mut apply: impl FnMut((f32, f32))) {
    let p = Palette::of(ui);
    let frame = *transform.frame();
    let x_of = |value: f32| transform.position_from_point_x(f64::from(value)).clamp(frame.left(), frame.right());
    for (end, name) in [(0, "Lower clip"), (1, "Upper clip")] {
        let value = if end == 0 { range.0 } else { range.1 };
        let x = x_of(value);
        ui.painter().vline(x, frame.y_range(), Stroke::new(1.5, p.accent_text));
        let grip = Rect::from_center_size(pos2(x, frame.center().y), vec2(10.0, 20.0));
        let id: Id = ui.scope_id().with(name);
        let response = ui.interact(grip.expand(3.0), id, Sense::drag()).on_hover_cursor(CursorIcon::ResizeHorizontal);
        response.widget_info(|| WidgetInfo::slider(true, f64::from(value), name));
        ui.painter().rect_filled(grip, CornerRadius::same(3), p.accent);
        for dx in [-1.5, 1.5] {
            ui.painter().vline(x + dx, grip.center().y - 4.0..=grip.center().y + 4.0, Stroke::new(1.0, p.on_accent));
        }
        if let Some(Pos2 { x, .. }) = response.interact_pointer_pos().filter(|_| response.dragged()) {
            let at = transform.value_from_position(pos2(x, frame.center().y)).x as f32;
            // Zero has to stay representable: padding and ReLU depend on it.
            drag.0 = Some(if end == 0 { (at.min(0.0), range.1) } else { (range.0, at.max(0.0)) });
        }
        if response.drag_stopped()
            && let Some(clip) = drag.0.take()
            && clip.1 > clip.0
        {
            apply(clip);
        }
        let align = if end == 0 { Align2::LEFT_TOP } else { Align2::RIGHT_TOP };
        let side = if end == 0 { 8.0 } else { -8.0 };
        let at = pos2(x + side, frame.top() + 2.0);
        ui.painter().text(at, align, units::real(f64::from(value)), Type::Caption.font(), p.accent_text);
    }
}

fn set_clip(recipe: &mut Recipe, node: &str, clip: Option<(f32, f32)>) {
    let Some(quantize) = recipe.quantize_mut() else { return };
    let entry = quantize.overrides.entry(node.to_owned()).or_insert_with(LayerOverride::default);
    entry.clip = clip;
    if entry.is_empty() {
        quantize.overrides.remove(node);
    }
}

fn sentence(seen: &ActivationStatistics, (low, high): (f32, f32)) -> String {
    let beyond: u64 =
        seen.bins.iter().filter(|(x, _)| *x >= f64::from(high) || x + seen.bin_width <= f64::from(low)).map(|b| b.1).sum();
    let total: u64 = seen.bins.iter().map(|b| b.1).sum();
    let share = beyond as f64 / total.max(1) as f64 * 100.0;
    let mut words = format!(
        "seen {} to {} over {} samples; about {share:.2} % beyond the range",
        units::real(f64::from(seen.low)),
        units::real(f64::from(seen.high)),
        seen.n_samples
    );
    if seen.n_samples > 10 && seen.samples_near_ends.1 == 1 {
        words += "; a single sample reaches the upper end";
    }
    words
}
