//! What accuracy costs: every candidate as a disc, and the front beyond which nothing is cheaper and better at once.

use eframe::egui::{Align2, Frame as Margins, Margin, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::candidates::nothing_to_compare;
use crate::gui::candidates::{Candidate, candidates, choose};
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::on_demand::Need;
use crate::gui::plots::{Axis, Frame, Marks, Table, View, actions};
use crate::gui::session::Edit;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{panel_header, select};

const NAME: &str = "Trade-off plot";

/// What the accuracy is set against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Cost {
    #[default]
    Size,
    Ram,
    Macs,
    Latency,
}

impl Cost {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Size, "size"), (Self::Ram, "RAM"), (Self::Macs, "MACs"), (Self::Latency, "latency")];

    /// In the unit of the axis.
    fn of(self, candidate: &Candidate) -> Option<f64> {
        match self {
            Self::Size => candidate.size_bytes().map(|n| n as f64 / 1024.0),
            Self::Ram => candidate.ram_bytes().map(|n| n as f64 / 1024.0),
            Self::Macs => candidate.macs().map(|n| n as f64 / 1e6),
            Self::Latency => candidate.latency_us().map(|us| us / 1e3),
        }
    }

    fn axis(self) -> &'static str {
        match self {
            Self::Size => "size, KB",
            Self::Ram => "RAM, KB",
            Self::Macs => "M MACs",
            Self::Latency => "latency est., ms",
        }
    }
}

/// The panel's view state.
#[derive(Debug, Default)]
pub struct TradeoffPanel {
    cost: Cost,
    view: View,
}

/// A candidate on the plot.
struct Dot<'a> {
    candidate: &'a Candidate,
    x: f64,
    y: f64,
    is_front: bool,
}

impl TradeoffPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, edit: &mut Edit, ui: &mut Ui) {
        cx.send(Command::Need(Need::Candidates));
        let all = candidates(cx.session);
        let (base, candidate) = cx.session.accuracies();
        let labelled = base.or(candidate).is_none_or(|a| a.top1_correct.is_some());
        let dots = dots(&all, self.cost, labelled);
        let n_front = dots.iter().filter(|d| d.is_front).count();
        panel_header(ui, "Trade-off", &format!("{n_front} on the front"), |ui| {
            actions(cx, &mut self.view, NAME, ui);
            select(ui, "Cost", &mut self.cost, &Cost::ALL, 84.0);
        });
        if dots.len() < 2 {
            nothing_to_compare(ui);
            return;
        }
        if let Some(chosen) = self.plot_ui(cx, &dots, labelled, ui) {
            choose(edit, chosen);
        }
    }

    /// The candidate that was clicked.
    fn plot_ui<'a>(&mut self, cx: PanelCtx<'_>, dots: &[Dot<'a>], labelled: bool, ui: &mut Ui) -> Option<&'a Candidate> {
        let ends = |of: fn(&Dot<'_>) -> f64| {
            let (low, high) = dots.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            let room = ((high - low) * 0.14).max(high.abs() * 0.004).max(1e-6);
            (low - room, high + room)
        };
        let cost = self.cost;
        let quality = if labelled { "accuracy, %" } else { "as float, %" };
        let row = |i: usize| {
            let dot = &dots[i];
            let ram = dot.candidate.ram_bytes().map_or_else(String::new, |n| n.to_string());
            vec![dot.candidate.name.clone(), format!("{:.3}", dot.x), format!("{:.2}", dot.y), ram]
        };
        let frame = Frame {
            name: NAME,
            subject: cost.axis(),
            summary: format!("{} candidates by {} and {quality}; the disc is the RAM", dots.len(), cost.axis()),
            height: (ui.available_height() - 8.0).max(120.0),
            axes: [Axis::new(cost.axis(), Marks::Real), Axis::new(quality, Marks::Real)],
            ranges: [ends(|d| d.x), ends(|d| d.y)],
            table: Table::new(&["candidate", cost.axis(), quality, "RAM, bytes"], dots.len(), row),
        };
        let mut clicked = None;
        let margin = Margin { left: 8, right: 12, top: 4, bottom: 4 };
        Margins::new().inner_margin(margin).show(ui, |ui| {
            frame.show(
                cx,
                &mut self.view,
                ui,
                |_| {},
                |ui, canvas| {
                    let at = |d: &Dot<'_>| pos2(canvas.x(d.x), canvas.y(d.y));
                    front_ui(ui, canvas.rect(), dots.iter().filter(|d| d.is_front).map(at).collect());
                    for (i, dot) in dots.iter().enumerate() {
                        if dot_ui(ui, canvas.rect(), at(dot), dot, i) {
                            clicked = Some(dot.candidate);
                        }
                    }
                    None
                },
            );
        });
        clicked
    }
}

fn dots<'a>(all: &'a [Candidate], cost: Cost, labelled: bool) -> Vec<Dot<'a>> {
    let mut dots: Vec<Dot<'a>> = all
        .iter()
        .filter_map(|candidate| {
            let (x, y) = (cost.of(candidate)?, candidate.quality(labelled).or_else(|| as_itself(candidate, labelled))? * 100.0);
            Some(Dot { candidate, x, y, is_front: false })
        })
        .collect();
    dots.sort_by(|a, b| a.x.total_cmp(&b.x).then(b.y.total_cmp(&a.y)));
    let mut best = f64::NEG_INFINITY;
    for dot in &mut dots {
        dot.is_front = dot.y > best;
        best = best.max(dot.y);
    }
    dots
}

/// The source agrees with itself.
fn as_itself(candidate: &Candidate, labelled: bool) -> Option<f64> {
    (!labelled && candidate.recipe.is_none() && candidate.accuracy.is_some()).then_some(1.0)
}

/// A step line: up to the next candidate, nothing costs less and does better.
fn front_ui(ui: &Ui, frame: Rect, points: Vec<Pos2>) {
    let p = Palette::of(ui);
    let painter = ui.painter_at(frame);
    let mut line: Vec<Pos2> = Vec::new();
    for point in points {
        if let Some(last) = line.last() {
            line.push(pos2(point.x, last.y));
        }
        line.push(point);
    }
    let Some(last) = line.last().copied() else { return };
    line.push(pos2(frame.right(), last.y));
    for pair in line.windows(2).filter(|pair| pair[0].y == pair[1].y) {
        let below = Rect::from_min_max(pair[0], pos2(pair[1].x, frame.bottom()));
        painter.rect_filled(below, 0.0, p.accent.gamma_multiply(0.06));
    }
    painter.add(Shape::line(line, Stroke::new(1.5, p.accent)));
}

/// True if it was clicked.
fn dot_ui(ui: &mut Ui, frame: Rect, at: Pos2, dot: &Dot<'_>, index: usize) -> bool {
    let p = Palette::of(ui);
    if !frame.expand(1.0).contains(at) {
        return false;
    }
    let candidate = dot.candidate;
    let kilobytes = candidate.ram_bytes().unwrap_or(0) as f32 / 1024.0;
    let radius = (3.0 + 0.55 * kilobytes.sqrt()).min(16.0);
    let response = ui.interact(Rect::from_center_size(at, vec2(22.0, 22.0)), ui.scope_id().with(("dot", index)), Sense::click());
    let words = format!(
        "{}: {}, {:.1} %",
        candidate.name,
        candidate.size_bytes().map_or_else(String::new, |n| units::bytes(n).joined()),
        dot.y
    );
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, candidate.is_shown, format!("Disc {words}")));
    let painter = ui.painter_at(frame);
    let (fill, ink) = match (candidate.is_shown, dot.is_front) {
        (true, _) => (p.accent, p.accent_text),
        (false, true) => (p.accent_line, p.text),
        (false, false) => (p.base_fill, p.text_weak),
    };
    painter.circle(at, radius, fill, Stroke::new(1.0, if dot.is_front { p.accent } else { p.base }));
    if candidate.is_shown || response.hovered() || response.has_focus() {
        painter.circle_stroke(at, radius + 3.0, Stroke::new(1.5, if candidate.is_shown { p.accent } else { p.text }));
    }
    // Names stand inside the frame.
    let right = at.x < frame.center().x;
    let align = if right { Align2::LEFT_CENTER } else { Align2::RIGHT_CENTER };
    let dx = if right { radius + 7.0 } else { -radius - 7.0 };
    let font = if candidate.is_shown { Type::SmallMedium } else { Type::Caption };
    // Neighbours take turns above and below, so that names do not run into each other.
    let dy = if index.is_multiple_of(2) { -8.0 } else { 9.0 };
    painter.text(at + vec2(dx, dy), align, &candidate.name, font.font(), ink);
    response.on_hover_text(words).clicked()
}
