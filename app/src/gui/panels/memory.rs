//! When each activation is alive and where it lies in the arena: why the peak is where it is, and what a better plan saves.

use std::sync::Arc;

use eframe::egui::{
    Align, Align2, Color32, CornerRadius, Frame as Margins, Key, Layout, Margin, Rect, Role, Sense, Shape, Stroke, StrokeKind,
    Ui, WidgetInfo, accesskit, pos2, vec2,
};
use tinsmith_core::graph::{Graph, NodeId};
use tinsmith_core::measure::{ArenaFigures, Lifetime};

use super::graph::short_name;
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::kept::{Same, kept};
use crate::gui::plots::{Axis, Canvas, Frame, Marks, Reading, Table, View, actions};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{elided, empty_state, panel_header};

/// On a narrower timeline the lines say what they are and no more.
const ROOM_FOR_WORDS: f32 = 300.0;
const NAME: &str = "Memory timeline";
/// Bars smaller than this are painted, read by the pointer and listed in the table, but not stopped at by the keyboard.
const MIN_FOCUSABLE: f32 = 6.0;

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, view: &mut View, ui: &mut Ui) {
    panel_header(ui, "Memory timeline", "", |_| {});
    if cx.session.shown_static().is_some() {
        timeline_ui(cx, view, ui);
    } else {
        empty_state(ui, icons::MEMORY, "Not measured yet", "The timeline arrives as soon as the model is measured.", None);
    }
}

/// Shows the timeline over the rest of the panel.
pub fn timeline_ui(cx: PanelCtx<'_>, view: &mut View, ui: &mut Ui) {
    let (Some(graph), Some(statics)) = (cx.session.graph_ref(), cx.session.shown_statics()) else { return };
    let arena = &statics.arena;
    if arena.lifetimes.is_empty() || arena.activations_bytes == 0 {
        empty_state(ui, icons::MEMORY, "No activations", "This model keeps nothing in the arena.", None);
        return;
    }
    let of = (graph.clone(), Same(Arc::clone(statics)));
    let facts = kept(ui.ctx(), "memory timeline", of, |(graph, statics)| Facts::new(graph.graph(), &statics.0.arena));
    let timeline = Timeline { graph: graph.graph(), arena, facts: &facts };
    Margins::new().inner_margin(Margin { left: 12, right: 12, top: 2, bottom: 4 }).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        timeline.words_ui(cx, view, ui);
        timeline.plot_ui(cx, view, ui);
    });
}

/// What there is to know of a graph's lifetimes.
struct Facts {
    n_ops: usize,
    /// The first op during which most is alive.
    peak: usize,
    /// Who made each tensor.
    makers: Vec<Option<NodeId>>,
}

impl Facts {
    fn new(graph: &Graph, arena: &ArenaFigures) -> Self {
        let n_ops = graph.nodes.len().max(1);
        let producers = graph.producers();
        let maker = |life: &Lifetime| producers.get(life.tensor.index()).copied().flatten();
        Self { n_ops, peak: peak_op(&arena.lifetimes, n_ops), makers: arena.lifetimes.iter().map(maker).collect() }
    }
}

/// Lifetimes with the names of those who made them.
struct Timeline<'a> {
    graph: &'a Graph,
    arena: &'a ArenaFigures,
    facts: &'a Facts,
}

impl Timeline<'_> {
    fn name(&self, i: usize) -> String {
        self.facts.makers[i].map_or_else(|| "input".to_owned(), |id| short_name(&self.graph.node(id).name))
    }

    fn is_at_peak(&self, i: usize) -> bool {
        let life = &self.arena.lifetimes[i];
        life.first_node <= self.facts.peak && self.facts.peak <= life.last_node
    }

    /// Where the peak is, and what another plan would change.
    fn words_ui(&self, cx: PanelCtx<'_>, view: &mut View, ui: &mut Ui) {
        let p = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                actions(cx, view, NAME, ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.label(Type::Small.text("Peak at", p.text_weak));
                    let node = self.graph.node(NodeId(self.facts.peak as u32));
                    let words = format!("op {}, {}", self.facts.peak + 1, short_name(&node.name));
                    if ui.link(Type::SmallMedium.text(words, p.accent_text)).clicked() {
                        cx.send(Command::Select(Some(node.name.clone())));
                    }
                    ui.add_space(8.0);
                    let rest = Type::Small.text(plan_words(self.arena), p.text_weak);
                    ui.add(eframe::egui::Label::new(rest).truncate());
                });
            });
        });
    }

    fn plot_ui(&self, cx: PanelCtx<'_>, view: &mut View, ui: &mut Ui) {
        let total = self.arena.arena_mcu32_bytes.max(self.arena.activations_bytes);
        let frame = Frame {
            name: NAME,
            subject: &self.graph.name,
            summary: format!(
                "{} tensors over {} ops, peak {} bytes at op {}, {}",
                self.arena.lifetimes.len(),
                self.facts.n_ops,
                units::exact(self.arena.activations_bytes),
                self.facts.peak + 1,
                plan_words(self.arena)
            ),
            height: ui.available_height().max(80.0),
            axes: [Axis::new("op, in the order of the schedule", Marks::Whole), Axis::new("arena, bytes", Marks::Bytes)],
            ranges: [(0.5, self.facts.n_ops as f64 + 0.5), (0.0, total as f64 * 1.04)],
            table: Table::new(
                &["tensor of", "bytes", "offset, bytes", "first op", "last op", "at the peak"],
                self.arena.lifetimes.len(),
                |i| {
                    let life = &self.arena.lifetimes[i];
                    let at_peak = if self.is_at_peak(i) { "yes" } else { "no" };
                    let numbers = [life.bytes, life.offset, life.first_node as u64 + 1, life.last_node as u64 + 1];
                    let cells = std::iter::once(self.name(i)).chain(numbers.map(|n| n.to_string()));
                    cells.chain([at_peak.to_owned()]).collect()
                },
            ),
        };
        frame.show(
            cx,
            view,
            ui,
            |_| {},
            |ui, canvas| {
                self.lines_ui(canvas, ui);
                self.bars_ui(cx, canvas, ui);
                self.marks_ui(canvas, ui);
                let at = canvas.pointer?;
                let i = self.at(at.x, at.y)?;
                Some(Reading { text: self.words(i), span: None })
            },
        );
    }

    fn words(&self, i: usize) -> String {
        let life = &self.arena.lifetimes[i];
        format!(
            "{}: {} bytes at {}, alive from op {} to {}",
            self.name(i),
            units::exact(life.bytes),
            units::exact(life.offset),
            life.first_node + 1,
            life.last_node + 1
        )
    }

    /// The bar that holds a point.
    fn at(&self, op: f64, bytes: f64) -> Option<usize> {
        self.arena.lifetimes.iter().position(|l| {
            let (from, to) = span(l);
            from <= op && op < to && l.offset as f64 <= bytes && bytes < (l.offset + l.bytes) as f64
        })
    }

    fn bars_ui(&self, cx: PanelCtx<'_>, canvas: &Canvas<'_>, ui: &Ui) {
        let p = Palette::of(ui);
        let frame = canvas.rect();
        let painter = ui.painter_at(frame);
        let pointed = canvas.pointer.and_then(|at| self.at(at.x, at.y));
        let selected = cx.session.selected_node();
        for (i, life) in self.arena.lifetimes.iter().enumerate() {
            let rect = bar(life, canvas);
            if !rect.intersects(frame) {
                continue;
            }
            let (fill, ink) = if self.is_at_peak(i) { (p.accent, p.on_accent) } else { (p.accent_line, p.text) };
            painter.rect_filled(rect, CornerRadius::same(2), fill);
            let seen = rect.intersect(frame);
            let has_focus = seen.size().min_elem() >= MIN_FOCUSABLE && self.focusable_ui(cx, i, seen, ui);
            let is_selected = self.facts.makers[i].is_some() && self.facts.makers[i] == selected;
            if is_selected || has_focus || pointed == Some(i) {
                let width = if has_focus { 2.0 } else { 1.5 };
                painter.rect_stroke(rect, CornerRadius::same(2), Stroke::new(width, p.text), StrokeKind::Inside);
            }
            if seen.width() > 36.0 && seen.height() > 13.0 {
                let at = seen.left_center() + vec2(6.0, 0.0);
                let clip = ui.painter_at(seen.shrink2(vec2(4.0, 0.0)));
                clip.text(at, Align2::LEFT_CENTER, self.name(i), Type::Caption.font(), ink);
            }
        }
        let is_clicked = canvas.response.clicked();
        if let Some(i) = pointed.filter(|_| is_clicked) {
            self.select(cx, i);
        }
    }

    /// Lets the keyboard and screen readers at a bar; the pointer stays the plot's. Returns whether it has the focus.
    fn focusable_ui(&self, cx: PanelCtx<'_>, i: usize, rect: Rect, ui: &Ui) -> bool {
        let id = ui.scope_id().with(("life", self.arena.lifetimes[i].tensor));
        let response = ui.interact(rect, id, Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, self.words(i)));
        let has_focus = response.has_focus();
        let is_chosen = ui.input(|input| {
            let pressed = has_focus && (input.key_pressed(Key::Enter) || input.key_pressed(Key::Space));
            pressed || input.has_accesskit_action_request(id, accesskit::Action::Click)
        });
        if is_chosen {
            self.select(cx, i);
        }
        has_focus
    }

    fn select(&self, cx: PanelCtx<'_>, i: usize) {
        if let Some(id) = self.facts.makers[i] {
            cx.send(Command::Select(Some(self.graph.node(id).name.clone())));
        }
    }

    /// The whole arena, the plan's height, and the height that no plan can go below.
    fn lines_ui(&self, canvas: &Canvas<'_>, ui: &Ui) {
        let p = Palette::of(ui);
        let frame = canvas.rect();
        let painter = ui.painter_at(frame);
        let a = self.arena;
        let (top, plan) = (canvas.y(a.arena_mcu32_bytes as f64), canvas.y(a.activations_bytes as f64));
        let band = Rect::from_min_max(pos2(frame.left(), top), pos2(frame.right(), plan));
        painter.rect_filled(band, 0.0, p.base_soft.gamma_multiply(0.6));
        painter.hline(frame.x_range(), top, Stroke::new(1.25, p.text_weak));
        let dashed = |y: f32, colour: Color32, dash: f32| {
            Shape::dashed_line(&[pos2(frame.left(), y), pos2(frame.right(), y)], Stroke::new(1.0, colour), dash, dash)
        };
        painter.extend(dashed(plan, p.text_weak, 4.0));
        if a.lower_bound_bytes != a.activations_bytes {
            painter.extend(dashed(canvas.y(a.lower_bound_bytes as f64), p.base, 2.0));
        }
    }

    /// What the lines are, over the bars.
    fn marks_ui(&self, canvas: &Canvas<'_>, ui: &Ui) {
        let p = Palette::of(ui);
        let frame = canvas.rect();
        let painter = ui.painter_at(frame);
        let write = |y: f32, align: Align2, ground: Color32, words: String| {
            let galley = elided(ui, &words, Type::Caption, p.text_weak, frame.width() - 12.0);
            let place = align.anchor_size(pos2(frame.right() - 6.0, y), galley.size());
            painter.rect_filled(place.expand2(vec2(3.0, 0.0)), 2.0, ground.gamma_multiply(0.85));
            painter.galley(place.min, galley, p.text_weak);
        };
        let a = self.arena;
        let y = |bytes: u64| canvas.y(bytes as f64);
        let (top, plan) = (y(a.arena_mcu32_bytes), y(a.activations_bytes));
        let clear = Color32::TRANSPARENT;
        let exact = if a.exact { "" } else { ", some kernels unknown" };
        write(top + 2.0, Align2::RIGHT_TOP, clear, format!("arena {} bytes{exact}", units::exact(a.arena_mcu32_bytes)));
        if plan - top > 30.0 {
            let rest = units::exact(a.arena_mcu32_bytes.saturating_sub(a.activations_bytes));
            write(plan - 2.0, Align2::RIGHT_BOTTOM, clear, format!("persistent part and set-up {rest} bytes"));
        }
        let at_bound = a.lower_bound_bytes == a.activations_bytes;
        let words = if at_bound && frame.width() > ROOM_FOR_WORDS { ", no plan can do with less" } else { "" };
        let activations = units::exact(a.activations_bytes);
        write(plan + 2.0, Align2::RIGHT_TOP, p.plot, format!("activations {activations} bytes{words}"));
        if !at_bound {
            let least = units::exact(a.lower_bound_bytes);
            write(
                y(a.lower_bound_bytes) + 16.0,
                Align2::RIGHT_TOP,
                p.plot,
                format!("no plan can do with less than {least} bytes"),
            );
        }
    }
}

/// From where to where a tensor is alive, ops counted from one, each half an op wide to both sides.
fn span(life: &Lifetime) -> (f64, f64) {
    (life.first_node as f64 + 0.5, life.last_node as f64 + 1.5)
}

fn bar(life: &Lifetime, canvas: &Canvas<'_>) -> Rect {
    let (from, to) = span(life);
    let (top, bottom) = (canvas.y((life.offset + life.bytes) as f64), canvas.y(life.offset as f64));
    let rect = Rect::from_min_max(pos2(canvas.x(from), top), pos2(canvas.x(to), bottom));
    // A gap between neighbours, where there is room for one.
    rect.shrink(if rect.size().min_elem() > 3.0 { 0.5 } else { 0.0 })
}

/// The first op during which most bytes are alive.
pub fn peak_op(lifetimes: &[Lifetime], n_ops: usize) -> usize {
    let mut changes = vec![0i64; n_ops + 1];
    for life in lifetimes {
        changes[life.first_node.min(n_ops)] += life.bytes as i64;
        changes[(life.last_node + 1).min(n_ops)] -= life.bytes as i64;
    }
    let (mut now, mut most, mut at) = (0, i64::MIN, 0);
    for (op, change) in changes.iter().take(n_ops).enumerate() {
        now += change;
        if now > most {
            (most, at) = (now, op);
        }
    }
    at
}

/// What the better plan saves over the runtime's own.
pub fn plan_words(arena: &ArenaFigures) -> String {
    let (own, best) = (arena.greedy_bytes, arena.best_bytes);
    if best >= own {
        return format!("TFLM's own plan {} B, no better one found", units::exact(own));
    }
    let is_used = if arena.activations_bytes <= best { ", in the file" } else { "" };
    let (own, best, saved) = (units::exact(own), units::exact(best), units::exact(own - best));
    format!("TFLM's own plan {own} B, best plan found {best} B{is_used}: saves {saved} B")
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Context, RawInput};
    use tinsmith_core::graph::{Node, TensorId};
    use tinsmith_core::ops::{Dequantize, Op};
    use tinsmith_core::tensor::{ElementType, Tensor};

    use crate::gui::command::Commands;
    use crate::gui::session::Session;

    fn life(first_node: usize, last_node: usize, bytes: u64) -> Lifetime {
        Lifetime { tensor: TensorId(0), first_node, last_node, bytes, offset: 0 }
    }

    /// A chain of ops, each of which makes one tensor that the next two read.
    fn chain(n: usize) -> (Graph, ArenaFigures) {
        let node = |i: usize| Node {
            name: format!("op {i}"),
            op: Op::Dequantize(Dequantize),
            inputs: vec![Some(TensorId::new(i))],
            outputs: vec![TensorId::new(i + 1)],
            sources: Vec::new(),
        };
        let tensor = |i: usize| Tensor::activation(format!("t{i}"), ElementType::F32, [16]);
        let graph = Graph {
            nodes: (0..n).map(node).collect(),
            tensors: (0..=n).map(tensor).collect(),
            inputs: vec![TensorId(0)],
            ..Graph::default()
        };
        let life = |i: usize| Lifetime {
            tensor: TensorId::new(i + 1),
            first_node: i,
            last_node: (i + 2).min(n - 1),
            bytes: 64,
            offset: (i % 3) as u64 * 64,
        };
        let lifetimes = (0..n).map(life).collect();
        (graph, ArenaFigures { activations_bytes: 192, arena_mcu32_bytes: 1000, lifetimes, ..ArenaFigures::default() })
    }

    /// How many bars the keyboard can reach, and the milliseconds that a frame took.
    fn frame_of(n: usize) -> (usize, f64) {
        let (graph, arena) = chain(n);
        let (session, commands) = (Session::default(), Commands::default());
        let ctx = Context::default();
        crate::gui::theme::install(&ctx);
        ctx.enable_accesskit();
        let mut view = View::default();
        let (mut reachable, mut ms) = (0, 0.0);
        for _ in 0..3 {
            let start = std::time::Instant::now();
            let input =
                RawInput { screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1000.0, 400.0))), ..RawInput::default() };
            let mut output = ctx.run_ui(input, |ui| {
                let cx = PanelCtx { session: &session, commands: &commands };
                let facts = Facts::new(&graph, &arena);
                Timeline { graph: &graph, arena: &arena, facts: &facts }.plot_ui(cx, &mut view, ui);
            });
            ms = start.elapsed().as_secs_f64() * 1e3;
            output.textures_delta.clear();
            let nodes = output.platform_output.accesskit_update.map(|u| u.nodes).unwrap_or_default();
            reachable = nodes.iter().filter(|(_, node)| node.label().is_some_and(|l| l.contains("64 bytes at"))).count();
        }
        (reachable, ms)
    }

    #[test]
    fn bars_are_reached_one_by_one_only_while_they_can_be_seen_one_by_one() {
        assert_eq!(frame_of(20).0, 20);
        let (reachable, ms) = frame_of(5_000);
        assert_eq!(reachable, 0);
        println!("a frame with 5,000 tensors: {ms:.1} ms");
    }

    #[test]
    fn the_peak_is_the_first_op_with_most_alive() {
        let lives = [life(0, 1, 100), life(1, 2, 50), life(2, 3, 100), life(3, 3, 40)];
        assert_eq!(peak_op(&lives, 4), 1);
        assert_eq!(peak_op(&[], 3), 0);
    }

    #[test]
    fn a_better_plan_says_what_it_saves() {
        let mut arena =
            ArenaFigures { greedy_bytes: 24_000, best_bytes: 22_100, activations_bytes: 24_000, ..ArenaFigures::default() };
        assert_eq!(plan_words(&arena), "TFLM's own plan 24,000 B, best plan found 22,100 B: saves 1,900 B");
        arena.best_bytes = 24_000;
        assert_eq!(plan_words(&arena), "TFLM's own plan 24,000 B, no better one found");
    }
}
