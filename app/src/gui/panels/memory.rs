//! When each activation is alive and where it lies in the arena: why the peak is where it is.

use eframe::egui::{Align2, CornerRadius, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::measure::{Lifetime, StaticFigures};

use super::graph::short_name;
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{elided, empty_state};

const LEFT: f32 = 52.0;
const BOTTOM: f32 = 22.0;
const TOP: f32 = 22.0;
const TICKS: u64 = 3;

/// Shows the timeline over the rest of the panel.
pub fn ui(cx: PanelCtx<'_>, statics: &StaticFigures, ui: &mut Ui) {
    let (Some(graph), arena) = (cx.session.graph(), &statics.arena) else { return };
    if arena.lifetimes.is_empty() || arena.activations_bytes == 0 {
        empty_state(ui, icons::MEMORY, "No activations", "This model keeps nothing in the arena.", None);
        return;
    }
    let p = Palette::of(ui);
    let (all, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let plot = Rect::from_min_max(all.min + vec2(LEFT, TOP), all.max - vec2(16.0, BOTTOM));
    ui.painter().rect_filled(plot, 0.0, p.plot);
    let n_ops = graph.nodes.len().max(1);
    let peak = arena.activations_bytes;
    let x = |op: usize| plot.left() + plot.width() * op as f32 / n_ops as f32;
    let y = |bytes: u64| plot.bottom() - plot.height() * bytes as f32 / peak as f32;
    axes_ui(ui, plot, n_ops, peak);
    // Blocks that lie at the top at the moment of the peak decide how much RAM is needed.
    let peak_op = (0..n_ops).max_by_key(|&op| (alive(&arena.lifetimes, op).map(|l| l.bytes).sum::<u64>(), std::cmp::Reverse(op)));
    let producers = graph.producers();
    for life in &arena.lifetimes {
        let rect = Rect::from_min_max(
            pos2(x(life.first_node), y(life.offset + life.bytes)),
            pos2(x(life.last_node + 1), y(life.offset)),
        )
        .shrink(0.5);
        let maker = producers.get(life.tensor.index()).copied().flatten();
        let name = maker.map_or_else(|| "input".to_owned(), |id| short_name(&graph.node(id).name));
        let at_peak = peak_op.is_some_and(|op| life.first_node <= op && op <= life.last_node);
        let (fill, ink) = if at_peak { (p.accent, p.on_accent) } else { (p.accent_line, p.text) };
        let response = ui.interact(rect, ui.scope_id().with(("life", life.tensor)), Sense::click());
        let words = format!(
            "{name}: {} bytes at {}, alive from op {} to {}",
            units::exact(life.bytes),
            units::exact(life.offset),
            life.first_node + 1,
            life.last_node + 1
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &words));
        ui.painter().rect_filled(rect, CornerRadius::same(2), fill);
        let is_selected = maker.is_some() && maker == cx.session.selected_node();
        if is_selected || response.hovered() {
            ui.painter().rect_stroke(rect, CornerRadius::same(2), Stroke::new(1.5, p.text), StrokeKind::Inside);
        }
        if rect.width() > 36.0 && rect.height() > 13.0 {
            let painter = ui.painter_at(rect.shrink2(vec2(4.0, 0.0)));
            painter.text(rect.left_center() + vec2(6.0, 0.0), Align2::LEFT_CENTER, name, Type::Caption.font(), ink);
        }
        if response.clicked()
            && let Some(id) = maker
        {
            cx.send(Command::Select(Some(graph.node(id).name.clone())));
        }
        response.on_hover_text(words);
    }
    let words = format!(
        "peak {} bytes{}; by the runtime's own planner {}, no plan can do with less than {}",
        units::exact(peak),
        peak_op.map_or_else(String::new, |op| format!(", op {}", op + 1)),
        units::exact(arena.greedy_bytes),
        units::exact(arena.lower_bound_bytes)
    );
    let galley = elided(ui, &words, Type::Caption, p.text_weak, plot.width());
    ui.painter().galley(pos2(plot.left(), all.top() + 4.0), galley, p.text_weak);
}

fn alive(lifetimes: &[Lifetime], op: usize) -> impl Iterator<Item = &Lifetime> {
    lifetimes.iter().filter(move |l| l.first_node <= op && op <= l.last_node)
}

fn axes_ui(ui: &Ui, plot: Rect, n_ops: usize, peak: u64) {
    let p = Palette::of(ui);
    let text = |at, align, words: String| ui.painter().text(at, align, words, Type::Caption.font(), p.text_faint);
    for tick in 0..=TICKS {
        let bytes = peak * tick / TICKS;
        let y = plot.bottom() - plot.height() * tick as f32 / TICKS as f32;
        ui.painter().hline(plot.x_range(), y, Stroke::new(1.0, p.grid));
        text(pos2(plot.left() - 6.0, y), Align2::RIGHT_CENTER, units::bytes(bytes).joined());
    }
    let dashes = Shape::dashed_line(&[plot.left_top(), plot.right_top()], Stroke::new(1.0, p.text_weak), 4.0, 4.0);
    ui.painter().extend(dashes);
    // Every op where there is room, else every second, fifth, tenth …
    let room = (plot.width() / 24.0).max(1.0) as usize;
    let every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].into_iter().find(|e| n_ops / e <= room).unwrap_or(1000);
    for op in (0..n_ops).step_by(every) {
        let x = plot.left() + plot.width() * (op as f32 + 0.5) / n_ops as f32;
        text(pos2(x, plot.bottom() + 4.0), Align2::CENTER_TOP, (op + 1).to_string());
    }
    text(pos2(plot.left() - 6.0, plot.bottom() + 4.0), Align2::RIGHT_TOP, "op".to_owned());
}
