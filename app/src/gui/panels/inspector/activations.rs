//! What a layer's output was seen to be over the calibration samples, and the range that quantization gives it.

use eframe::egui::{Align2, Color32, Rect, Shape, Stroke, Ui, pos2, vec2};
use egui_plot::{Bar, BarChart};
use tinsmith_core::graph::{Graph, NodeId};
use tinsmith_core::recipe::Recipe;
use tinsmith_core::tensor::ElementType;

use super::clip::{ClipDrag, handles_ui, set_clip};
use super::outlines::{self, Outline};
use super::{group_rule, short_name};
use crate::gui::command::Shown;
use crate::gui::context::PanelCtx;
use crate::gui::plots::{Axis, Canvas, Frame, Marks, Reading, Scale, Table, View, actions, scale_switch, series_colour};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{group_title, text_button};
use crate::worker::{ActivationStatistics, Distributions};

const NAME: &str = "Output range plot";
const HEIGHT: f32 = 152.0;

/// What is chosen for this plot.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputView {
    plot: View,
    drag: ClipDrag,
}

impl Default for OutputView {
    /// Counts on a logarithmic axis: the rare values at the ends are what a range is chosen by.
    fn default() -> Self {
        Self { plot: View::log(), drag: ClipDrag::default() }
    }
}

/// The range that quantization gives the output of a node of the candidate, and how it is stored.
fn applied_range(cx: PanelCtx<'_>, node: &str) -> Option<((f32, f32), String)> {
    let graph = &cx.session.candidate().filter(|_| cx.session.shown_now() == Shown::Candidate)?.graph;
    let node = graph.node_named(node)?;
    let q = graph.output(graph.node(node), 0)?.quantization.as_ref()?;
    let words = format!("scale {}, zero point {}", units::real(f64::from(q.scale())), q.zero_point());
    Some((range_of_output(graph, node)?, words))
}

/// The real values of the lowest and the highest code of a node's output; `None` if it is not quantized.
pub fn range_of_output(graph: &Graph, node: NodeId) -> Option<(f32, f32)> {
    let output = graph.output(graph.node(node), 0)?;
    let q = output.quantization.as_ref()?;
    let (low, high) = match output.element {
        ElementType::U8 => (0, 255),
        ElementType::I16 => (-32_768, 32_767),
        _ => (-128, 127),
    };
    Some((q.real_from_quantized(low, 0), q.real_from_quantized(high, 0)))
}

/// Shows the histogram of the output with its clip.
pub fn ui(cx: PanelCtx<'_>, view: &mut OutputView, node: NodeId, of: &Distributions, recipe: &mut Recipe, ui: &mut Ui) {
    let p = Palette::of(ui);
    group_rule(ui);
    let Some(seen) = &of.activation else {
        group_title(ui, "Output range", Type::Small.text("", p.text_weak), |_| {});
        let why = match cx.session.figures.calibration.value {
            Some(_) => "Not seen: after the recipe nothing computes just this.",
            None => "Not calibrated: choose data to see which values occur.",
        };
        ui.label(Type::Small.text(why, p.text_faint));
        return;
    };
    let several = outlines(of, p);
    if several.len() > 1 {
        let about = format!("{} layers", several.len());
        group_title(ui, "Output range", Type::Small.text(about, p.text_weak), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            actions(cx, &mut view.plot, NAME, ui);
            ui.push_id("output scale", |ui| scale_switch(ui, NAME, &mut view.plot.scale));
        });
        let axes = ["output, real value", "of 10,000 values"];
        return outlines::ui(cx, &mut view.plot, NAME, &of.node, axes, several, ui);
    }
    let applied = applied_range(cx, &of.node);
    let has_clip = recipe.quantize().and_then(|q| q.overrides.get(&of.node)).is_some_and(|o| o.clip.is_some());
    let words = applied.as_ref().map_or_else(|| "float32".to_owned(), |(_, words)| words.clone());
    group_title(ui, "Output range", Type::Caption.text(words, p.accent_text), |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        actions(cx, &mut view.plot, NAME, ui);
        ui.push_id("output scale", |ui| scale_switch(ui, NAME, &mut view.plot.scale));
        if has_clip && text_button(ui, "Clear").on_hover_text("Let the calibrator choose the range again").clicked() {
            set_clip(recipe, &of.node, None);
        }
    });
    let range = view.drag.range_of(&of.node).or(applied.map(|(range, _)| range));
    let can_clip = cx.session.graph().is_some_and(|g| node.index() < g.nodes.len()) && recipe.quantize().is_some();
    Output { of, seen, range, can_clip }.plot_ui(cx, view, recipe, ui);
    if let Some(range) = range {
        ui.label(Type::Caption.text(sentence(seen, range), p.text_weak));
    }
}

fn outlines(of: &Distributions, p: &Palette) -> Vec<Outline> {
    let all = std::iter::once(of).chain(&of.also).filter_map(|d| Some((d, d.activation.as_ref()?)));
    let outline = |(i, (d, a)): (usize, (&Distributions, &ActivationStatistics))| Outline {
        name: short_name(&d.node),
        colour: series_colour(p, i),
        low: a.bins.first().map_or(0.0, |b| b.0),
        bin: a.bin_width,
        counts: a.bins.iter().map(|b| b.1).collect(),
    };
    all.enumerate().map(outline).collect()
}

/// What a layer puts out, and the range that it gets.
struct Output<'a> {
    of: &'a Distributions,
    seen: &'a ActivationStatistics,
    range: Option<(f32, f32)>,
    /// The range can be chosen.
    can_clip: bool,
}

impl Output<'_> {
    fn plot_ui(&self, cx: PanelCtx<'_>, view: &mut OutputView, recipe: &mut Recipe, ui: &mut Ui) {
        let Self { of, seen, range, can_clip } = *self;
        let p = Palette::of(ui);
        let scale = view.plot.scale;
        let room = f64::from(seen.high - seen.low).max(f64::MIN_POSITIVE) * 0.04;
        let most = seen.bins.iter().map(|b| b.1).max().unwrap_or(1).max(1);
        let frame = Frame {
            name: NAME,
            subject: &of.node,
            summary: format!(
                "output from {} to {} over {} calibration samples",
                units::real(f64::from(seen.low)),
                units::real(f64::from(seen.high)),
                seen.n_samples
            ),
            height: HEIGHT,
            axes: [Axis::new("output, real value", Marks::Real), Axis::new("values in a bin", Marks::Count(scale))],
            ranges: [(f64::from(seen.low) - room, f64::from(seen.high) + room), (0.0, scale.position(most as f64))],
            table: Table::new(&["from, real", "to, real", "values"], seen.bins.len(), |i| {
                let (x, n) = seen.bins[i];
                vec![(x as f32).to_string(), ((x + seen.bin_width) as f32).to_string(), n.to_string()]
            }),
        };
        let chart = bars(seen, range, scale, p);
        let drag = &mut view.drag;
        frame.show(
            cx,
            &mut view.plot,
            ui,
            |plot| plot.bar_chart(chart),
            |ui, canvas| {
                max_ui(seen, range, canvas, ui);
                if let Some(range) = range {
                    veil_ui(range, canvas, ui);
                    ends_ui(seen, range, canvas, ui);
                    if can_clip {
                        let calibrated = (seen.low.min(0.0), seen.high.max(0.0));
                        handles_ui(drag, range, calibrated, canvas, ui, |clip| set_clip(recipe, &of.node, clip));
                    }
                }
                let x = canvas.pointer?.x;
                let (from, n) = seen.bins.iter().copied().find(|b| b.0 <= x && x < b.0 + seen.bin_width)?;
                let to = from + seen.bin_width;
                let text = format!("{} values between {} and {}", units::exact(n), units::real(from), units::real(to));
                Some(Reading { text, span: Some((from, to)) })
            },
        );
    }
}

fn bars(seen: &ActivationStatistics, range: Option<(f32, f32)>, scale: Scale, p: &Palette) -> BarChart {
    let bars = seen.bins.iter().filter(|b| b.1 > 0).map(|&(x, n)| {
        let is_inside = range.is_none_or(|range| !is_beyond(x, seen.bin_width, range));
        let fill = if is_inside { p.accent } else { p.base_fill };
        let bar = Bar::new(x + seen.bin_width / 2.0, scale.position(n as f64));
        bar.width(seen.bin_width * 0.8).fill(fill).stroke(Stroke::NONE)
    });
    BarChart::new("", bars.collect()).color(p.accent).allow_hover(false)
}

/// A dotted mark at the largest value seen, where that is not the end of the range anyhow.
fn max_ui(seen: &ActivationStatistics, range: Option<(f32, f32)>, canvas: &Canvas<'_>, ui: &Ui) {
    let p = Palette::of(ui);
    let frame = canvas.rect();
    let x = canvas.x(f64::from(seen.high));
    if range.is_some_and(|r| (canvas.x(f64::from(r.1)) - x).abs() < 24.0) || !frame.x_range().contains(x) {
        return;
    }
    let (top, bottom) = (frame.center().y, frame.bottom());
    let painter = ui.painter_at(frame);
    painter.extend(Shape::dashed_line(&[pos2(x, top + 16.0), pos2(x, bottom)], Stroke::new(1.0, p.text_weak), 2.0, 2.0));
    let words = format!("max {}", units::real(f64::from(seen.high)));
    painter.text(pos2(x + 2.0, top + 2.0), Align2::RIGHT_TOP, words, Type::Caption.font(), p.text_weak);
}

/// What the range cuts off lies under a veil.
fn veil_ui((low, high): (f32, f32), canvas: &Canvas<'_>, ui: &Ui) {
    let p = Palette::of(ui);
    let frame = canvas.rect();
    let veil: Color32 = p.base.gamma_multiply(0.10);
    let at = |value: f32| canvas.x(f64::from(value)).clamp(frame.left(), frame.right());
    for side in
        [Rect::from_min_max(frame.min, pos2(at(low), frame.bottom())), Rect::from_min_max(pos2(at(high), frame.top()), frame.max)]
    {
        ui.painter().rect_filled(side, 0.0, veil);
    }
}

/// The ends of the range in numbers, and below the upper one how much lies beyond either.
fn ends_ui(seen: &ActivationStatistics, range: (f32, f32), canvas: &Canvas<'_>, ui: &Ui) {
    let p = Palette::of(ui);
    let frame = canvas.rect();
    let painter = ui.painter_at(frame);
    let (beyond, all) = beyond(seen, range);
    for (value, is_lower) in [(range.0, true), (range.1, false)] {
        let x = canvas.x(f64::from(value)).clamp(frame.left(), frame.right());
        // Where there is room: right of the line, else left of it.
        let is_right = x < frame.right() - 84.0;
        let (align, aside) = if is_right { (Align2::LEFT_TOP, 8.0) } else { (Align2::RIGHT_TOP, -8.0) };
        let at = pos2(x + aside, frame.top() + 2.0);
        painter.text(at, align, units::real(f64::from(value)), Type::Caption.font(), p.accent_text);
        if !is_lower && beyond > 0 {
            let share = beyond as f64 / all as f64 * 100.0;
            let words = format!("{share:.2} % clipped");
            painter.text(at + vec2(0.0, 13.0), align, words, Type::Caption.font(), p.text_weak);
        }
    }
}

/// Whether a bin that begins at `x` lies outside the range with all of its width.
fn is_beyond(x: f64, width: f64, (low, high): (f32, f32)) -> bool {
    x >= f64::from(high) || x + width <= f64::from(low)
}

/// Values outside the range, as the bins tell, of how many.
fn beyond(seen: &ActivationStatistics, range: (f32, f32)) -> (u64, u64) {
    let beyond = seen.bins.iter().filter(|(x, _)| is_beyond(*x, seen.bin_width, range)).map(|b| b.1).sum();
    let all: u64 = seen.bins.iter().map(|b| b.1).sum();
    (beyond, all.max(1))
}

fn sentence(seen: &ActivationStatistics, range: (f32, f32)) -> String {
    let (n_beyond, all) = beyond(seen, range);
    let mut words = format!(
        "seen {} to {} over {} samples; about {:.2} % beyond the range",
        units::real(f64::from(seen.low)),
        units::real(f64::from(seen.high)),
        seen.n_samples,
        n_beyond as f64 / all as f64 * 100.0
    );
    if seen.n_samples > 10 && seen.samples_near_ends.1 == 1 {
        words += "; a single sample reaches the upper end";
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_an_output_is_that_of_its_type() {
        use crate::gui::graph_view::test_nets::{Kind, chain_of};
        use tinsmith_core::quant::Quantization;
        let mut graph = chain_of(&[Kind::Mean]);
        let (node, output) = (NodeId(0), graph.nodes[0].outputs[0].index());
        assert_eq!(range_of_output(&graph, node), None);
        for (element, zero_point, range) in [(ElementType::I8, 0, (-64.0, 63.5)), (ElementType::U8, 128, (-64.0, 63.5))] {
            graph.tensors[output].element = element;
            graph.tensors[output].quantization = Some(Quantization::per_tensor(0.5, zero_point));
            assert_eq!(range_of_output(&graph, node), Some(range));
        }
    }

    #[test]
    fn bins_beyond_the_range_are_counted() {
        let seen = ActivationStatistics {
            low: -1.0,
            high: 3.0,
            bins: vec![(-1.0, 1), (0.0, 90), (1.0, 7), (2.0, 2)],
            bin_width: 1.0,
            n_samples: 20,
            samples_near_ends: (1, 1),
        };
        assert_eq!(beyond(&seen, (-1.0, 3.0)), (0, 100));
        assert_eq!(beyond(&seen, (0.0, 2.0)), (3, 100));
        assert!(sentence(&seen, (0.0, 2.0)).contains("about 3.00 % beyond the range; a single sample"));
    }
}
