//! The last seconds: what was measured, what was heard, and every class as it came and went.

use eframe::egui::epaint::Mesh;
use eframe::egui::{
    Align2, Color32, CornerRadius, PopupAnchor, Pos2, Rect, Role, Sense, Shape, Stroke, Tooltip, Ui, WidgetInfo, pos2, vec2,
};
use tinsmith_core::live::{Event, Reading, top};

use super::now::number;
use super::{Nothing, ask, with_shown};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::live::Ask;
use crate::gui::plots::trace::{joined, quad};
use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::{icon_button, panel_header, segmented_named, sentence_row, text_in};
use crate::live::{Outline, Point, Shown, State};

/// Seconds that are seen.
const SPAN_S: f64 = 12.0;
/// Width of the names of classes.
const NAMES: f32 = 76.0;
/// Height of the signal.
const SIGNAL: f32 = 56.0;
/// Height of the line of events.
const FLAGS: f32 = 26.0;
/// Height of the line of seconds.
const SECONDS: f32 = 20.0;

/// How probabilities are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// A band for each class, as wide as it is likely.
    #[default]
    Ribbons,
    /// Curves over each other.
    Lines,
    /// A row of colour for each class.
    Heat,
}

/// The panel's view state.
#[derive(Debug, Default)]
pub struct ProbabilitiesPanel {
    view: View,
}

/// The time that is seen, and where it lies across.
struct Time {
    /// The newest instant, in seconds of the sensor.
    now_s: f64,
    area: Rect,
}

impl Time {
    fn x(&self, time_s: f64) -> f32 {
        self.area.right() - ((self.now_s - time_s) / SPAN_S) as f32 * self.area.width()
    }

    fn at(&self, x: f32) -> f64 {
        self.now_s - f64::from((self.area.right() - x) / self.area.width()) * SPAN_S
    }

    /// The points that are seen, with one more on the left that the curves come from.
    fn points<'a>(&self, shown: &'a Shown) -> Vec<&'a Point> {
        let first = shown.points.partition_point(|point| point.time_s < self.now_s - SPAN_S).saturating_sub(1);
        shown.points.range(first..).collect()
    }
}

impl ProbabilitiesPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let is_paused = cx.session.live.is_paused;
        panel_header(ui, "Probabilities", "candidate filled, as it came outlined", |ui| {
            if cx.session.live.listener.is_some() {
                let (icon, name) = if is_paused { (icons::PLAY, "Go on") } else { (icons::PAUSE, "Pause") };
                if icon_button(ui, icon, name).clicked() {
                    ask(cx, Ask::Pause(!is_paused));
                }
            }
            segmented_named(
                ui,
                "Probabilities as",
                &mut self.view,
                &[(View::Ribbons, "ribbons"), (View::Lines, "lines"), (View::Heat, "heat")],
            );
        });
        let view = self.view;
        let words = "Choose an input on the left. What the model makes of it goes by here.";
        let nothing = Nothing { title: "Nothing is listened to", words, offers: true };
        with_shown(cx, ui, nothing, |shown, ui| {
            if let State::Failed(why) = &shown.state {
                let p = Palette::of(ui);
                ui.add_space(12.0);
                sentence_row(ui, icons::WARNING, p.red, why, false);
                return;
            }
            show(shown, view, cx.session.live.settings.decision.limit(shown.labels.len()), ui);
        });
    }
}

fn show(shown: &Shown, view: View, threshold: f32, ui: &mut Ui) {
    let (all, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let heard = shown.points.back().map_or_else(String::new, |point| {
        let (class, value) = top(&point.mean);
        format!("{} {}", shown.label(class), number(value))
    });
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Probabilities of the last 12 s, now {heard}")));
    if !ui.is_rect_visible(all) || all.width() < NAMES + 60.0 || all.height() < 60.0 {
        return;
    }
    let inner = Rect::from_min_max(pos2(all.left() + NAMES, all.top() + 8.0), pos2(all.right() - 24.0, all.bottom() - SECONDS));
    let signal_height = if inner.height() > 220.0 { SIGNAL } else { 0.0 };
    let (signal, rest) = inner.split_top_bottom_at_y(inner.top() + signal_height);
    let (flags, lanes) = rest.split_top_bottom_at_y(rest.top() + FLAGS);
    let time = Time { now_s: shown.now_s, area: inner };
    grid_ui(&time, lanes, ui);
    if signal_height > 0.0 {
        signal_ui(shown, &time, signal, ui);
    }
    flags_ui(shown, &time, flags, lanes, ui);
    let points = time.points(shown);
    let painter = LanesPainter { shown, time: &time, points: &points, lanes };
    match view {
        View::Ribbons => painter.ribbons(ui),
        View::Lines => painter.lines(threshold, ui),
        View::Heat => painter.heat(ui),
    }
    if let Some(at) = response.hover_pos().filter(|at| inner.contains(*at)) {
        reading_ui(shown, &time, &points, at, ui);
    }
}

/// Seconds as lines down, with their numbers below.
fn grid_ui(time: &Time, lanes: Rect, ui: &Ui) {
    let p = Palette::of(ui);
    ui.painter().rect_filled(time.area, 0.0, p.plot);
    for back in (0..=SPAN_S as i32).step_by(2) {
        let x = time.x(time.now_s - f64::from(back));
        ui.painter().vline(x, lanes.y_range(), Stroke::new(1.0, p.grid));
        let words = match back {
            0 => "now".to_owned(),
            back if f64::from(back) == SPAN_S => format!("\u{2212}{back} s"),
            back => format!("\u{2212}{back}"),
        };
        ui.painter().text(pos2(x, lanes.bottom() + 4.0), Align2::CENTER_TOP, words, Type::Caption.font(), p.text_faint);
    }
}

/// The first channel, as large as it gets.
fn signal_ui(shown: &Shown, time: &Time, rect: Rect, ui: &Ui) {
    let p = Palette::of(ui);
    let name = Rect::from_min_max(pos2(rect.left() - NAMES, rect.top()), pos2(rect.left() - 8.0, rect.bottom()));
    let chosen = shown.chosen.and_then(|(sensor, _)| shown.choices.iter().find(|choice| choice.sensor == sensor));
    text_in(ui, name, true, chosen.map_or("", |choice| &choice.name), Type::Caption, p.text_faint);
    let seen: Vec<&(f64, f32, f32)> = shown.outline.columns.iter().filter(|column| column.0 >= time.now_s - SPAN_S).collect();
    let mut ranges: Vec<(f32, f32)> = seen.iter().map(|(_, low, high)| (*low, *high)).collect();
    joined(&mut ranges);
    let (low, high) = seen.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), column| (l.min(column.1), h.max(column.2)));
    if low > high {
        return;
    }
    // Quiet noise is not blown up to the whole height.
    let (middle, half) = ((low + high) / 2.0, ((high - low) / 2.0).max(0.02));
    let y = |value: f32| rect.center().y - (value - middle) / half * (rect.height() / 2.0 - 2.0);
    let mut mesh = Mesh::default();
    for (i, (low, high)) in ranges.into_iter().enumerate() {
        let begins = seen[i].0;
        // A sensor may measure less often than a column is long: a column reaches to the next one, unless something is missing.
        let next = seen.get(i + 1).map_or(begins, |next| next.0).min(begins + 10.0 * Outline::COLUMN_S);
        let (left, right) = (time.x(begins), time.x(next.max(begins + Outline::COLUMN_S)));
        let (left, right) = (left.max(rect.left()), right.min(rect.right()));
        let (top, bottom) = (y(high), y(low) + 1.0);
        quad(&mut mesh, [pos2(left, top), pos2(right, top), pos2(right, bottom), pos2(left, bottom)], p.base);
    }
    ui.painter_at(rect).add(Shape::mesh(mesh));
}

/// What was heard, above a line at the time.
fn flags_ui(shown: &Shown, time: &Time, flags: Rect, lanes: Rect, ui: &Ui) {
    let p = Palette::of(ui);
    let mut seen: Vec<&Event> =
        shown.events.iter().map(|heard| &heard.event).filter(|event| event.time_s >= time.now_s - SPAN_S).collect();
    // Where two have no room beside each other, the likelier one has its badge.
    seen.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let mut taken: Vec<Rect> = Vec::new();
    for event in seen {
        let (ink, ground, line) = match event.differs {
            true => (p.amber, p.amber_soft, p.amber),
            false => (p.accent_text, p.accent_soft, p.accent),
        };
        let x = time.x(event.time_s);
        let points = [pos2(x, flags.bottom()), pos2(x, lanes.bottom())];
        ui.painter().extend(Shape::dashed_line(&points, Stroke::new(1.0, line), 2.0, 3.0));
        let words = format!("{} {}", shown.label(event.class), number(event.probability));
        let galley = ui.painter().layout_no_wrap(words, Type::Caption.font(), ink);
        let width = galley.size().x + 12.0;
        let left = (x - width / 2.0).clamp(flags.left(), (flags.right() - width).max(flags.left()));
        let badge = Rect::from_min_size(pos2(left, flags.center().y - 9.0), vec2(width, 18.0));
        if taken.iter().any(|other| other.expand(1.0).intersects(badge)) {
            continue;
        }
        taken.push(badge);
        ui.painter().rect_filled(badge, CornerRadius::same(3), ground);
        ui.painter().galley(badge.center() - galley.size() / 2.0, galley, ink);
    }
}

struct LanesPainter<'a> {
    shown: &'a Shown,
    time: &'a Time,
    points: &'a [&'a Point],
    lanes: Rect,
}

impl LanesPainter<'_> {
    /// What is drawn at full size: 1, and of a distance the greatest so far.
    fn full(&self) -> f32 {
        if self.shown.reading == Reading::Distance { self.shown.most.max(f32::MIN_POSITIVE) } else { 1.0 }
    }

    fn lane(&self, class: usize) -> Rect {
        let height = self.lanes.height() / self.shown.labels.len().max(1) as f32;
        Rect::from_min_size(pos2(self.lanes.left(), self.lanes.top() + height * class as f32), vec2(self.lanes.width(), height))
    }

    /// Names of the classes left of their lanes, as many as have room; the one on top is emphasized.
    fn names(&self, ui: &Ui) {
        let p = Palette::of(ui);
        let on_top = self.points.last().map(|point| top(&point.mean).0);
        let every = (13.0 / self.lane(0).height().max(0.1)).ceil().max(1.0) as usize;
        for class in (0..self.shown.labels.len()).step_by(every) {
            let lane = self.lane(class);
            let place = Rect::from_min_max(pos2(lane.left() - NAMES, lane.top()), pos2(lane.left() - 8.0, lane.bottom()));
            let (kind, ink) = if on_top == Some(class) { (Type::SmallTitle, p.accent_text) } else { (Type::Small, p.text_weak) };
            text_in(ui, place, true, self.shown.label(class), kind, ink);
        }
    }

    fn ribbons(&self, ui: &Ui) {
        let p = Palette::of(ui);
        self.names(ui);
        let painter = ui.painter_at(self.lanes);
        let full = self.full();
        for class in 0..self.shown.labels.len() {
            let lane = self.lane(class);
            painter.hline(lane.x_range(), lane.center().y, Stroke::new(1.0, p.grid));
            let half = |value: f32| (value / full).clamp(0.0, 1.0) * (lane.height() / 2.0 - 1.5);
            let fill = if self.shown.quiet.get(class) == Some(&true) { p.accent_line } else { p.accent };
            let band: Vec<(f32, f32)> = self.of(class, |point| &point.mean).map(|(x, value)| (x, half(value))).collect();
            painter.add(Shape::mesh(ribbon(&band, lane.center().y, fill)));
            for side in [-1.0, 1.0] {
                let edge =
                    self.of(class, |point| &point.baseline).map(|(x, value)| pos2(x, lane.center().y + side * half(value)));
                painter.add(Shape::line(edge.collect(), Stroke::new(1.0, p.base)));
            }
        }
    }

    fn lines(&self, threshold: f32, ui: &Ui) {
        let p = Palette::of(ui);
        let (painter, full) = (ui.painter_at(self.lanes), self.full());
        let y = |value: f32| self.lanes.bottom() - (value / full).clamp(0.0, 1.0) * (self.lanes.height() - 2.0) - 1.0;
        for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
            painter.hline(self.lanes.x_range(), y(share * full), Stroke::new(1.0, p.grid));
            let place = pos2(self.lanes.left() - 8.0, y(share * full));
            ui.painter().text(place, Align2::RIGHT_CENTER, number(share * full), Type::Caption.font(), p.text_faint);
        }
        if threshold <= full {
            let line = [pos2(self.lanes.left(), y(threshold)), pos2(self.lanes.right(), y(threshold))];
            painter.extend(Shape::dashed_line(&line, Stroke::new(1.0, p.text_weak), 2.0, 2.0));
        }
        let on_top = self.points.last().map(|point| top(&point.mean).0);
        for class in 0..self.shown.labels.len() {
            let curve = |of: fn(&Point) -> &[f32]| self.of(class, of).map(|(x, value)| pos2(x, y(value))).collect::<Vec<_>>();
            painter.add(Shape::line(curve(|point| &point.baseline), Stroke::new(1.0, p.base_fill)));
            let colour = if self.shown.quiet.get(class) == Some(&true) { p.accent_line } else { p.accent };
            let line = curve(|point| &point.mean);
            // The highest place of a curve is where its name is looked for.
            let peak = line.iter().copied().min_by(|a, b| a.y.total_cmp(&b.y)).filter(|peak| peak.y < y(0.4 * full));
            painter.add(Shape::line(line, Stroke::new(1.5, colour)));
            if let Some(peak) = peak {
                let ink = if on_top == Some(class) { p.accent_text } else { p.text_weak };
                let place = pos2(peak.x.clamp(self.lanes.left() + 24.0, self.lanes.right() - 24.0), peak.y + 2.0);
                painter.text(place, Align2::CENTER_TOP, self.shown.label(class), Type::Caption.font(), ink);
            }
        }
    }

    fn heat(&self, ui: &Ui) {
        let p = Palette::of(ui);
        self.names(ui);
        let mut mesh = Mesh::default();
        for pair in self.points.windows(2) {
            let (left, right) = (self.time.x(pair[0].time_s).max(self.lanes.left()), self.time.x(pair[1].time_s));
            for (class, value) in pair[1].mean.iter().enumerate() {
                let lane = self.lane(class).shrink2(vec2(0.0, 0.5));
                let corners =
                    [pos2(left, lane.top()), pos2(right, lane.top()), pos2(right, lane.bottom()), pos2(left, lane.bottom())];
                quad(&mut mesh, corners, p.heat_at(value / self.full()));
            }
        }
        ui.painter_at(self.lanes).add(Shape::mesh(mesh));
    }

    /// Where a class's values lie across, and what they are.
    fn of<'a>(&'a self, class: usize, of: impl Fn(&'a Point) -> &'a [f32] + 'a) -> impl Iterator<Item = (f32, f32)> + 'a {
        self.points.iter().filter_map(move |point| Some((self.time.x(point.time_s), *of(point).get(class)?)))
    }
}

/// A band around `y`, so wide to both sides.
fn ribbon(band: &[(f32, f32)], y: f32, colour: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    for pair in band.windows(2) {
        let ((left, a), (right, b)) = (pair[0], pair[1]);
        if a > 0.3 || b > 0.3 {
            quad(&mut mesh, [pos2(left, y - a), pos2(right, y - b), pos2(right, y + b), pos2(left, y + a)], colour);
        }
    }
    mesh
}

/// What the models said at the time under the pointer.
fn reading_ui(shown: &Shown, time: &Time, points: &[&Point], at: Pos2, ui: &Ui) {
    let wanted_s = time.at(at.x);
    let nearest = points.iter().min_by(|a, b| (a.time_s - wanted_s).abs().total_cmp(&(b.time_s - wanted_s).abs()));
    let Some(point) = nearest else { return };
    let p = Palette::of(ui);
    ui.painter().vline(time.x(point.time_s), time.area.y_range(), Stroke::new(1.0, p.text_weak));
    let mut classes: Vec<usize> = (0..point.mean.len()).collect();
    classes.sort_by(|&a, &b| point.mean[b].total_cmp(&point.mean[a]));
    let line = |&class: &usize| {
        let baseline = point.baseline.get(class).map_or_else(String::new, |value| format!(", as it came {}", number(*value)));
        format!("{} {}{baseline}", shown.label(class), number(point.mean[class]))
    };
    let lines: Vec<String> = classes.iter().take(4).map(line).collect();
    let text = format!("{:.1} s ago\n{}", time.now_s - point.time_s, lines.join("\n"));
    let id = ui.scope_id().with("reading");
    let tooltip = Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, PopupAnchor::Pointer);
    tooltip.gap(12.0).width(440.0).show(|ui| {
        ui.label(Type::Small.text(text, p.text));
    });
}
