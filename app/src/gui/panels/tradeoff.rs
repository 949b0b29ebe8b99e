//! What accuracy costs: every candidate as a disc, and the front beyond which nothing is cheaper and better at once.

use eframe::egui::{Frame as Margins, Margin, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::candidates::nothing_to_compare;
use super::offer_data;
use crate::gui::candidates::{Candidate, candidates, choose, is_labelled};
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::on_demand::Need;
use crate::gui::plots::{Axis, Frame, Marks, Table, View, actions};
use crate::gui::session::Edit;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{empty_state, panel_header, select};

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
        let labelled = is_labelled(cx.session);
        let dots = dots(&all, self.cost, labelled);
        let n_front = dots.iter().filter(|d| d.is_front).count();
        panel_header(ui, "Trade-off", &format!("{n_front} on the front"), |ui| {
            actions(cx, &mut self.view, NAME, ui);
            select(ui, "Cost", &mut self.cost, &Cost::ALL, 84.0);
        });
        if all.len() < 2 {
            nothing_to_compare(ui);
            return;
        }
        if dots.len() < 2 {
            return unmeasured_ui(cx, ui);
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
                    let front = front_line(canvas.rect(), dots.iter().filter(|d| d.is_front).map(at));
                    front_ui(ui, canvas.rect(), &front);
                    for (i, dot) in dots.iter().enumerate() {
                        if dot_ui(ui, canvas.rect(), at(dot), dot, i) {
                            clicked = Some(dot.candidate);
                        }
                    }
                    names_ui(ui, canvas.rect(), dots, &front, at);
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
            let (x, y) = (cost.of(candidate)?, candidate.quality(labelled)? * 100.0);
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

/// There are candidates, but no two of them have a place on the plot.
fn unmeasured_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let data = cx.session.open.as_ref().and_then(|o| o.data.as_ref());
    if data.is_some_and(|d| !d.roles.test.is_empty()) {
        let words = "Candidates appear here as soon as two of them are measured.";
        empty_state(ui, icons::SCALES, "Not measured yet", words, None);
        return;
    }
    let words = "What a candidate costs is set against its accuracy, which takes test samples.";
    offer_data(cx, icons::DATABASE, "No test samples", words, ui);
}

/// A step line: up to the next candidate, nothing costs less and does better.
fn front_line(frame: Rect, points: impl Iterator<Item = Pos2>) -> Vec<Pos2> {
    let mut line: Vec<Pos2> = Vec::new();
    for point in points {
        if let Some(last) = line.last() {
            line.push(pos2(point.x, last.y));
        }
        line.push(point);
    }
    line.extend(line.last().map(|last| pos2(frame.right(), last.y)));
    line
}

fn front_ui(ui: &Ui, frame: Rect, line: &[Pos2]) {
    let p = Palette::of(ui);
    let painter = ui.painter_at(frame);
    for pair in line.windows(2).filter(|pair| pair[0].y == pair[1].y) {
        let below = Rect::from_min_max(pair[0], pos2(pair[1].x, frame.bottom()));
        painter.rect_filled(below, 0.0, p.accent.gamma_multiply(0.06));
    }
    painter.add(Shape::line(line.to_vec(), Stroke::new(1.5, p.accent)));
}

/// True if it was clicked.
fn dot_ui(ui: &mut Ui, frame: Rect, at: Pos2, dot: &Dot<'_>, index: usize) -> bool {
    let p = Palette::of(ui);
    if !frame.expand(1.0).contains(at) {
        return false;
    }
    let candidate = dot.candidate;
    let radius = radius(candidate);
    let response = ui.interact(Rect::from_center_size(at, vec2(22.0, 22.0)), ui.scope_id().with(("dot", index)), Sense::click());
    let words = format!(
        "{}: {}, {:.1} %{}",
        candidate.name,
        candidate.size_bytes().map_or_else(String::new, |n| units::bytes(n).joined()),
        dot.y,
        if candidate.is_stale || candidate.is_quality_stale { ", being measured" } else { "" }
    );
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, candidate.is_shown, format!("Disc {words}")));
    let painter = ui.painter_at(frame);
    let fill = match (candidate.is_shown, dot.is_front) {
        (true, _) => p.accent,
        (false, true) => p.accent_line,
        (false, false) => p.base_fill,
    };
    painter.circle(at, radius, fill, Stroke::new(1.0, if dot.is_front { p.accent } else { p.base }));
    if candidate.is_shown || response.hovered() || response.has_focus() {
        painter.circle_stroke(at, radius + 3.0, Stroke::new(1.5, if candidate.is_shown { p.accent } else { p.text }));
    }
    response.on_hover_text(words).clicked()
}

fn radius(candidate: &Candidate) -> f32 {
    let kilobytes = candidate.ram_bytes().unwrap_or(0) as f32 / 1024.0;
    (3.0 + 0.55 * kilobytes.sqrt()).min(16.0)
}

/// Names beside the discs, where they cover neither a disc nor the front nor another name; the one on screen chooses first. A name that finds no
/// place is left to the tooltip.
fn names_ui(ui: &Ui, frame: Rect, dots: &[Dot<'_>], front: &[Pos2], at: impl Fn(&Dot<'_>) -> Pos2) {
    let p = Palette::of(ui);
    let mut taken: Vec<Rect> =
        dots.iter().map(|d| Rect::from_center_size(at(d), Vec2::splat(2.0 * radius(d.candidate)))).collect();
    taken.extend(front.windows(2).map(|pair| Rect::from_two_pos(pair[0], pair[1]).expand(1.0)));
    let mut order: Vec<&Dot<'_>> = dots.iter().filter(|d| frame.contains(at(d))).collect();
    order.sort_by_key(|d| (!d.candidate.is_shown, !d.is_front));
    for dot in order {
        let (kind, ink) = match (dot.candidate.is_shown, dot.is_front) {
            (true, _) => (Type::SmallMedium, p.accent_text),
            (false, true) => (Type::Small, p.text),
            (false, false) => (Type::Small, p.text_weak),
        };
        let galley = ui.painter().layout_no_wrap(dot.candidate.name.clone(), kind.font(), ink);
        let is_free = |place: &Rect| frame.contains_rect(*place) && !taken.iter().any(|t| t.intersects(*place));
        let places = places(at(dot), radius(dot.candidate) + 6.0, galley.size());
        if let Some(place) = places.into_iter().find(is_free) {
            ui.painter().galley(place.min, galley, ink);
            taken.push(place);
        }
    }
}

/// Where a name of this size may stand, the best first.
fn places(centre: Pos2, distance: f32, size: Vec2) -> Vec<Rect> {
    let (dx, dy) = (distance + size.x / 2.0, distance + size.y / 2.0);
    let sides = [
        (dx, 0.0),
        (-dx, 0.0),
        (0.0, -dy),
        (0.0, dy),
        (dx, -dy),
        (dx, dy),
        (-dx, -dy),
        (-dx, dy),
        (dx, 2.0 * dy),
        (-dx, -2.0 * dy),
    ];
    sides.iter().map(|&(x, y)| Rect::from_center_size(centre + vec2(x, y), size)).collect()
}
