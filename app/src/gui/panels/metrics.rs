//! The strip of figures that is always visible: candidate against baseline, and how each figure is known.

use eframe::egui::{
    Align, CornerRadius, Frame, Layout, Margin, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2,
    vec2,
};
use tinsmith_core::measure::device::Device;
use tinsmith_core::measure::{AccuracyFigures, Estimate, StaticFigures};

use super::explain::{self, size_facts, sizes_of};
use super::status::describe;
use crate::gui::command::{Command, Quantity};
use crate::gui::context::PanelCtx;
use crate::gui::figures::half_width;
use crate::gui::icons;
use crate::gui::room::Room;
use crate::gui::session::difference;
use crate::gui::theme::{METRICS_STRIP, METRICS_STRIP_SMALL, Palette, Type, small_caps};
use crate::gui::units::{self, Figure, NONE};
use crate::gui::widgets::{Change, Known, change, fits, is_copied, known, known_briefly, progress_bar, small_icon};

const CANDIDATE_WIDTH: f32 = 212.0;
const CANDIDATE_NARROW: f32 = 164.0;

/// One cell of the strip.
struct Metric {
    quantity: Quantity,
    name: &'static str,
    /// The source's figure in the candidate's unit; `None` if there is nothing to compare with.
    baseline: Option<String>,
    /// The candidate's; `None` shows a dash.
    figure: Option<Figure>,
    /// After the unit: `±1.9`.
    spread: Option<String>,
    known: Known,
    change: Option<Change>,
    /// Whether it fits the board, in words.
    fits: Option<(bool, String)>,
    /// Beside the change: `ESP-NN`; why there is no figure, if there is none.
    about: String,
    /// The tooltip: exact figures, what they are made of, why there are none.
    explanation: String,
}

impl Metric {
    /// The figure with all that goes with it, for where the strip has not the room.
    fn in_full(&self) -> String {
        let Some(figure) = &self.figure else { return String::new() };
        let before = self.baseline.as_ref().map_or_else(String::new, |b| format!("{b} → "));
        let spread = self.spread.as_ref().map_or_else(String::new, |s| format!(" {s}"));
        let change = match &self.change {
            Some(Change::Down(by)) => format!(", {by} less than the source"),
            Some(Change::Up(by)) => format!(", {by} more than the source"),
            Some(Change::None) => ", as the source".to_owned(),
            None => String::new(),
        };
        let fits = self.fits.as_ref().map_or_else(String::new, |(_, words)| format!(", {words}"));
        format!("{before}{}{spread}{change}{fits}", figure.joined())
    }
}

/// How a cell is laid out: margins left and right; top and height of its three lines.
struct Measures {
    margins: [f32; 2],
    lines: [(Line, f32, f32); 3],
}

impl Measures {
    fn of(room: Room) -> Self {
        let usual = [(Line::Name, 6.0, 16.0), (Line::Figure, 22.0, 24.0), (Line::About, 45.0, 16.0)];
        match room {
            Room::Narrow => {
                let lines = [(Line::Name, 4.0, 14.0), (Line::Figure, 17.0, 18.0), (Line::About, 35.0, 14.0)];
                Self { margins: [8.0, 6.0], lines }
            }
            Room::Medium => Self { margins: [12.0, 8.0], lines: usual },
            Room::Usual | Room::Wide => Self { margins: [14.0, 10.0], lines: usual },
        }
    }
}

/// Height of the strip.
pub fn height(room: Room) -> f32 {
    if room == Room::Narrow { METRICS_STRIP_SMALL } else { METRICS_STRIP }
}

/// Shows the strip. In little room its cells keep figure, unit, mark and change; the baseline and the words are in the tooltip.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    let metrics = [size(cx), ram(cx), macs(cx), latency(cx), energy(cx), accuracy(cx)];
    let room = Room::of(ui.ctx());
    let first = match room {
        Room::Narrow | Room::Medium => 0.0,
        Room::Usual => CANDIDATE_NARROW,
        Room::Wide => CANDIDATE_WIDTH,
    };
    let cell = ((ui.available_width() - first) / metrics.len() as f32).floor();
    ui.horizontal(|ui| {
        if first > 0.0 {
            candidate_ui(cx, ui, first);
        }
        for metric in &metrics {
            let response = metric_ui(cx, ui, cell, metric);
            explain_ui(cx, metric, &response, ui);
        }
    });
}

/// A cell of three lines: names, the figure, what goes with it.
fn cell_ui(ui: &mut Ui, width: f32, name: &str, sense: Sense, mut line: impl FnMut(&mut Ui, Line)) -> Response {
    let p = Palette::of(ui);
    let room = Room::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(width, height(room)), sense);
    if sense.senses_click() && response.hovered() {
        ui.painter().rect_filled(rect, 0.0, p.raised);
    }
    ui.painter().vline(rect.right() - 0.5, rect.y_range(), Stroke::new(1.0, p.line));
    let measures = Measures::of(room);
    let (left, right) = (rect.left() + measures.margins[0], rect.right() - measures.margins[1]);
    for (of, top, height) in measures.lines {
        let at = Rect::from_min_max(pos2(left, rect.top() + top), pos2(right, rect.top() + top + height));
        let align = if of == Line::Figure { Align::Max } else { Align::Center };
        let builder = UiBuilder::new().max_rect(at).layout(Layout::left_to_right(align)).id_salt((name, top as u32));
        let mut child = ui.new_child(builder);
        child.set_clip_rect(rect.intersect(child.clip_rect()));
        child.spacing_mut().item_spacing.x = 4.0;
        child.spacing_mut().interact_size.y = 0.0;
        line(&mut child, of);
    }
    response
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Name,
    Figure,
    About,
}

fn candidate_ui(cx: PanelCtx<'_>, ui: &mut Ui, width: f32) {
    let p = Palette::of(ui);
    let held = is_of_source(cx);
    let is_alone = held && !cx.session.hold_baseline;
    let response = cell_ui(ui, width, "candidate", Sense::hover(), |ui, line| match line {
        Line::Name => {
            ui.label(small_caps(if held { "Source" } else { "Candidate" }, p.text_weak));
        }
        Line::Figure => {
            let words = if held { "as it came".to_owned() } else { describe(cx.session) };
            let colour = if held { p.base } else { p.accent_text };
            ui.add(eframe::egui::Label::new(Type::FigureSmall.text(words, colour)).truncate());
        }
        Line::About => {
            if is_alone {
                ui.label(Type::Caption.text("no candidate yet", p.amber));
                return;
            }
            ui.label(Type::Caption.text("against the source, hold", p.text_faint));
            ui.label(Type::Caption.text("B", p.text));
        }
    });
    response.on_hover_text("What the recipe makes of the model, compared with the model as it came. Hold B to see the source.");
}

fn metric_ui(cx: PanelCtx<'_>, ui: &mut Ui, width: f32, metric: &Metric) -> Response {
    let p = Palette::of(ui);
    let ink = if metric.known == Known::Stale { p.text_faint } else { p.text };
    let room = Room::of(ui.ctx());
    let response = cell_ui(ui, width, metric.name, Sense::click(), |ui, line| match line {
        Line::Name if room == Room::Narrow => {
            ui.label(Type::Caption.text(metric.name, p.text_weak));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| known_briefly(ui, &metric.known));
        }
        Line::Name => {
            ui.label(small_caps(metric.name, p.text_weak));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| known(ui, &metric.known));
        }
        Line::Figure => figure_ui(ui, metric, ink),
        Line::About => about_ui(cx, ui, metric),
    });
    let is_open = cx.session.explained == Some(metric.quantity);
    if is_open || response.has_focus() {
        let (colour, outline) =
            if response.has_focus() { (p.accent, response.rect.shrink(2.0)) } else { (p.line_strong, response.rect) };
        ui.painter().rect_stroke(outline, CornerRadius::same(4), Stroke::new(1.5, colour), StrokeKind::Inside);
    }
    let value = metric.figure.as_ref().map_or_else(|| NONE.to_owned(), Figure::joined);
    let words = format!("{} {value}{}", metric.name, metric.spread.as_ref().map_or_else(String::new, |s| format!(" {s}")));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_open, &words));
    let all = || format!("{words}\n{}", metric.explanation);
    if is_copied(ui, response.hovered() || response.has_focus()) {
        ui.ctx().copy_text(all());
    }
    response.context_menu(|ui| {
        if ui.button("Copy figure").clicked() {
            ui.ctx().copy_text(all());
            ui.close();
        }
    });
    if metric.explanation.is_empty() || is_open {
        return response;
    }
    response.on_hover_ui(|ui| {
        ui.label(Type::SmallTitle.text(format!("{} {value}", metric.name), p.text));
        if room < Room::Usual && metric.figure.is_some() {
            ui.label(Type::Small.text(metric.in_full(), p.text));
        }
        ui.label(Type::Small.text(&metric.explanation, p.text_weak));
        ui.label(Type::Small.text("Click to see what makes it up", p.text_faint));
    })
}

/// The third line: what changed, whether it fits, or how far the figure is.
fn about_ui(cx: PanelCtx<'_>, ui: &mut Ui, metric: &Metric) {
    let p = Palette::of(ui);
    let room = Room::of(ui.ctx());
    let words = |ui: &mut Ui, words: &str| {
        ui.add(eframe::egui::Label::new(Type::Caption.text(words, p.text_weak)).truncate());
    };
    match &metric.known {
        Known::Running(done, total) => {
            let fraction = *done as f32 / (*total).max(1) as f32;
            let width = ui.available_width();
            progress_bar(ui, Some(fraction), width, &format!("{} evaluated", metric.name));
            return;
        }
        Known::Stale => {
            let changed = cx.session.measured.as_ref().map(|from| difference(from, &cx.session.edit));
            return match changed.as_deref() {
                _ if room == Room::Narrow => words(ui, "stale"),
                None | Some("nothing") if cx.session.figures.failure.is_some() => words(ui, "from before it failed"),
                None | Some("nothing") => words(ui, "being measured again"),
                Some(changed) => words(ui, &format!("before {changed}")),
            };
        }
        Known::Exact | Known::Estimate | Known::Missing => {}
    }
    if let Some(of) = &metric.change {
        change(ui, of);
        ui.add_space(4.0);
    }
    if room < Room::Usual && is_of_source(cx) && metric.figure.is_some() {
        // The cell that says so elsewhere is left out.
        ui.label(Type::Caption.text("source", p.base));
    }
    if let Some((ok, of)) = &metric.fits {
        match room {
            Room::Narrow => {
                let (icon, colour) = if *ok { (icons::CHECK, p.green) } else { (icons::X, p.red) };
                small_icon(ui, icon, colour);
            }
            Room::Medium => fits(ui, *ok, if *ok { "fits" } else { "over" }),
            // Its other forms say more than how much flash there is, unless there is too little.
            Room::Usual if *ok && !metric.about.is_empty() => words(ui, &metric.about),
            Room::Usual | Room::Wide => fits(ui, *ok, of),
        }
        if room == Room::Wide && !metric.about.is_empty() {
            words(ui, &metric.about);
        }
    } else if room < Room::Usual && metric.change.is_some() {
        // There is room for one of the two.
    } else if !metric.about.is_empty() {
        words(ui, &metric.about);
    }
}

/// Opens and closes the explanation of a figure, and shows it.
fn explain_ui(cx: PanelCtx<'_>, metric: &Metric, response: &Response, ui: &Ui) {
    let is_open = cx.session.explained == Some(metric.quantity);
    let by_keys = ui.scope_id().with("explained by keys");
    if response.clicked() {
        cx.send(Command::Explain((!is_open).then_some(metric.quantity)));
        // Whoever came by keyboard goes on by keyboard.
        let is_pointer = ui.input(|i| i.pointer.any_click());
        ui.data_mut(|d| d.insert_temp(by_keys, !is_pointer));
        return;
    }
    if is_open {
        let title = metric.figure.as_ref().map_or_else(|| metric.name.to_owned(), |f| format!("{} {}", metric.name, f.joined()));
        let opened = ui.data_mut(|d| d.remove_temp::<bool>(by_keys)).unwrap_or(false);
        explain::ui(cx, metric.quantity, &title, response, opened, ui);
    }
}

fn figure_ui(ui: &mut Ui, metric: &Metric, ink: eframe::egui::Color32) {
    let p = Palette::of(ui);
    let room = Room::of(ui.ctx());
    let kind = if room == Room::Narrow { Type::FigureSmall } else { Type::Figure };
    let Some(figure) = &metric.figure else {
        ui.label(kind.text(NONE, p.text_faint));
        return;
    };
    let is_stale = metric.known == Known::Stale;
    if let Some(baseline) = metric.baseline.as_ref().filter(|_| room >= Room::Usual) {
        ui.label(Type::Body.text(baseline, if is_stale { p.text_faint } else { p.base }));
        ui.label(Type::Caption.text("→", p.text_faint));
    }
    if matches!(metric.known, Known::Running(..)) {
        // What is not final yet stands on a ground of its own.
        let ground =
            Frame::new().fill(p.control_hover).corner_radius(CornerRadius::same(3)).inner_margin(Margin::symmetric(4, 0));
        ground.show(ui, |ui| ui.label(kind.text(&figure.number, ink)));
    } else {
        ui.label(kind.text(&figure.number, ink));
    }
    ui.label(Type::Small.text(figure.unit, p.text_weak));
    if let Some(spread) = metric.spread.as_ref().filter(|_| room > Room::Narrow) {
        ui.label(Type::Small.text(spread, p.text_weak));
    }
}

fn statics<'a>(cx: PanelCtx<'a>) -> (Option<&'a StaticFigures>, Option<&'a StaticFigures>, Known) {
    let figures = &cx.session.figures;
    let (base, candidate) = (figures.baseline_static.value.as_deref(), figures.candidate_static.value.as_deref());
    if is_of_source(cx) {
        (None, base, figures.baseline_static.known())
    } else {
        (base, candidate, figures.candidate_static.known())
    }
}

/// The source takes the candidate's place while B is held, and where the recipe gives none: what is known is shown.
fn is_of_source(cx: PanelCtx<'_>) -> bool {
    let figures = &cx.session.figures;
    cx.session.hold_baseline || (figures.failure.is_some() && figures.candidate_static.value.is_none())
}

/// Why there is no candidate to show figures of.
fn missing(cx: PanelCtx<'_>) -> String {
    cx.session.figures.failure.clone().unwrap_or_else(|| "not measured yet".to_owned())
}

/// The same in the two or three words that a cell has room for.
fn missing_briefly(cx: PanelCtx<'_>) -> &'static str {
    if cx.session.figures.failure.is_some() { "no candidate" } else { "not measured yet" }
}

/// Why there is no accuracy, as briefly.
fn no_accuracy(cx: PanelCtx<'_>) -> &'static str {
    match cx.session.open.as_ref().and_then(|o| o.data.as_ref()) {
        None => "no data",
        Some(data) if data.roles.test.is_empty() => "no test samples",
        Some(_) => missing_briefly(cx),
    }
}

fn counted(
    cx: PanelCtx<'_>,
    (quantity, name): (Quantity, &'static str),
    value: impl Fn(&StaticFigures) -> u64,
    show: impl Fn(u64) -> Figure,
    explain: impl Fn(&StaticFigures) -> String,
) -> Metric {
    let (base, candidate, known) = statics(cx);
    let figure = candidate.map(|c| show(value(c)));
    let baseline = base.zip(figure.as_ref()).map(|(b, f)| units::in_unit_of(value(b) as f64, f));
    let change = base.zip(candidate).map(|(b, c)| Change::relative(value(b) as f64, value(c) as f64));
    let explanation = candidate.map_or_else(|| missing(cx), explain);
    let about = if candidate.is_some() { "" } else { missing_briefly(cx) }.to_owned();
    Metric { quantity, name, baseline, figure, spread: None, known, change, fits: None, about, explanation }
}

fn size(cx: PanelCtx<'_>) -> Metric {
    let mut metric = counted(
        cx,
        (Quantity::Size, "Size"),
        |s| s.size.file_bytes,
        units::bytes,
        |s| {
            let z = &s.size;
            format!(
                "{} bytes, the exported file\nweights {}, biases {}, other constants {}, structure {}",
                units::exact(z.file_bytes),
                units::exact(z.weights_bytes),
                units::exact(z.bias_bytes),
                units::exact(z.other_constants_bytes),
                units::exact(z.structure_bytes)
            )
        },
    );
    let needed = statics(cx).1.map(|s| s.size.file_bytes);
    metric.fits = fits_board(cx, needed, |d| d.flash_bytes);
    if let Some(sizes) = sizes_of(cx) {
        metric.explanation.push_str(&format!("\n{}", size_facts(sizes).join("\n")));
        if let Some(figure) = &metric.figure {
            let short = |n: u64| units::in_unit_of(n as f64, figure);
            metric.about = match &sizes.compact {
                Ok(compact) => format!("gz {} · tin {}", short(sizes.gzip_bytes), short(compact.bytes)),
                Err(_) => format!("gz {}", short(sizes.gzip_bytes)),
            };
        }
    }
    metric
}

fn ram(cx: PanelCtx<'_>) -> Metric {
    let mut metric = counted(
        cx,
        (Quantity::Ram, "RAM"),
        |s| s.arena.arena_mcu32_bytes,
        units::bytes,
        |s| {
            let a = &s.arena;
            format!(
                "{} bytes: the smallest arena that TensorFlow Lite Micro starts with on a 32-bit processor\n\
             activations {} ({} by its own planner, no plan can do with less than {}), persistent part {}\n\
             on a 64-bit host {}",
                units::exact(a.arena_mcu32_bytes),
                units::exact(a.activations_bytes),
                units::exact(a.greedy_bytes),
                units::exact(a.lower_bound_bytes),
                units::exact(a.persistent_mcu32_bytes),
                units::exact(a.arena_host64_bytes)
            )
        },
    );
    let of = statics(cx).1;
    metric.explanation.extend(of.and_then(|s| explain::features::ram(cx, s)).map(|words| format!("\n{words}")));
    let needed = of.map(StaticFigures::whole_ram_bytes);
    metric.fits = fits_board(cx, needed, |d| d.ram_bytes);
    metric
}

fn fits_board(cx: PanelCtx<'_>, needed: Option<u64>, has: impl Fn(&Device) -> u64) -> Option<(bool, String)> {
    let (needed, has) = (needed?, has(&*cx.session.device()?));
    Some(if needed <= has {
        let all = units::bytes(has);
        (true, format!("fits {} {}", all.number.trim_end_matches(".00").trim_end_matches(".0"), all.unit))
    } else {
        (false, format!("over by {}", units::bytes(needed - has).joined()))
    })
}

fn macs(cx: PanelCtx<'_>) -> Metric {
    counted(
        cx,
        (Quantity::Macs, "MACs"),
        |s| s.macs,
        units::count,
        |s| {
            format!(
                "{} multiply-accumulates, {} operations\n{} parameters",
                units::exact(s.macs),
                units::exact(s.flops),
                units::exact(s.parameters)
            )
        },
    )
}

fn estimated(
    cx: PanelCtx<'_>,
    (quantity, name): (Quantity, &'static str),
    of: impl Fn(&StaticFigures) -> Option<&Estimate>,
    show: impl Fn(f64) -> Figure,
) -> Metric {
    let (base, candidate, known) = statics(cx);
    let estimate = candidate.and_then(&of);
    let before = base.and_then(&of);
    let figure = estimate.map(|e| show(e.value));
    let baseline = before.zip(figure.as_ref()).map(|(b, f)| units::in_unit_of(b.value, f));
    let spread = estimate.zip(figure.as_ref()).map(|(e, f)| format!("±{}", units::in_unit_of((e.high - e.low) / 2.0, f)));
    let change = before.zip(estimate).map(|(b, e)| Change::relative(b.value, e.value));
    let known = match (estimate, known) {
        (None, _) => Known::Missing,
        (Some(_), Known::Exact) => Known::Estimate,
        (Some(_), other) => other,
    };
    let explanation = match estimate {
        Some(e) => {
            format!("between {} and {}, four times out of five\n{}", show(e.low).joined(), show(e.high).joined(), e.source)
        }
        None if candidate.is_none() => missing(cx),
        None => match cx.session.device() {
            None => "No board is chosen.".to_owned(),
            Some(d) => format!("The table of {} has no rate for this model.", d.name),
        },
    };
    let about = match (estimate, cx.session.device()) {
        (Some(_), _) => "",
        (None, _) if candidate.is_none() => missing_briefly(cx),
        (None, None) => "no board",
        (None, Some(_)) => "no rate for this model",
    };
    Metric { quantity, name, baseline, figure, spread, known, change, fits: None, about: about.to_owned(), explanation }
}

fn latency(cx: PanelCtx<'_>) -> Metric {
    let mut metric = estimated(cx, (Quantity::Latency, "Latency"), |s| s.latency_us.as_ref(), units::microseconds);
    if let Some(device) = cx.session.device().filter(|_| metric.figure.is_some()) {
        metric.about.clone_from(&device.name);
    }
    let of = statics(cx).1;
    metric.explanation.extend(of.and_then(|s| explain::features::time(cx, s)).map(|words| format!("\n{words}")));
    if let Some(us) = of.and_then(|s| s.features()?.input_us.as_ref()) {
        metric.about = format!("+ features {}", units::microseconds(us.value).joined());
    }
    metric
}

fn energy(cx: PanelCtx<'_>) -> Metric {
    let mut metric = estimated(cx, (Quantity::Energy, "Energy"), |s| s.energy_uj.as_ref(), units::microjoules);
    if metric.figure.is_some() {
        metric.about = "an inference".to_owned();
    }
    metric
}

/// Top-1 accuracy where there are labels, else agreement with the float model, and which of the two it is.
fn accuracy(cx: PanelCtx<'_>) -> Metric {
    let (base, mut candidate) = cx.session.accuracies();
    let mut fresh = &cx.session.figures.candidate_accuracy;
    if cx.session.hold_baseline {
        (candidate, fresh) = (base, &cx.session.figures.baseline_accuracy);
    }
    let labelled = candidate.or(base).is_some_and(|a| a.top1_correct.is_some());
    let fraction = |a: &AccuracyFigures| if labelled { a.top1() } else { a.agreement() };
    let figure = candidate.and_then(fraction).map(units::percent);
    // A baseline over other samples than the candidate's would mislead.
    let before = base.filter(|b| labelled && b.is_complete() && !cx.session.hold_baseline).and_then(fraction);
    let known = match candidate {
        _ if figure.is_none() => Known::Missing,
        Some(a) if !fresh.is_stale && !a.is_complete() => Known::Running(a.done, a.total),
        _ => fresh.known(),
    };
    let change = before.zip(candidate.filter(|c| c.is_complete()).and_then(fraction)).map(|(b, c)| points(b, c));
    let about = match candidate {
        Some(_) if figure.is_none() => "no labelled data".to_owned(),
        Some(a) if labelled => format!("{} of {}", a.top1_correct.unwrap_or(0), a.done),
        Some(a) => format!("{} of {} as float", a.agree_with_float.unwrap_or(0), a.done),
        None => no_accuracy(cx).to_owned(),
    };
    // How far the figure may still move.
    let spread = candidate.filter(|_| matches!(known, Known::Running(..))).and_then(|a| {
        let right = if labelled { a.top1_correct? } else { a.agree_with_float? };
        Some(format!("±{:.1}", half_width(right, a.done) * 100.0))
    });
    Metric {
        quantity: Quantity::Accuracy,
        name: if labelled || candidate.is_none() { "Accuracy" } else { "Agreement" },
        baseline: before.map(|b| format!("{:.1}", b * 100.0)),
        figure,
        spread,
        known,
        change,
        fits: None,
        about,
        explanation: explain_accuracy(cx, candidate, labelled),
    }
}

fn points(before: f64, after: f64) -> Change {
    let points = format!("{:.1}", (after - before).abs() * 100.0);
    match (points == "0.0", after < before) {
        (true, _) => Change::None,
        (false, true) => Change::Down(points),
        (false, false) => Change::Up(points),
    }
}

fn explain_accuracy(cx: PanelCtx<'_>, candidate: Option<&AccuracyFigures>, labelled: bool) -> String {
    let Some(a) = candidate else {
        let has_data = cx.session.open.as_ref().is_some_and(|o| o.data.is_some());
        return if has_data { missing(cx) } else { "No data is chosen: nothing to evaluate on.".to_owned() };
    };
    let what = if labelled {
        "Top-1: samples whose largest output is the label."
    } else {
        "The data has no labels: samples on which candidate and float model agree."
    };
    let mut lines = vec![what.to_owned(), format!("{} of {} test samples run, in the device's own arithmetic", a.done, a.total)];
    if let Some(agree) = a.agreement() {
        lines.push(format!("agrees with float on {}", units::percent(agree).joined()));
    }
    if !a.is_complete() {
        lines.push("± is half of the 95 % score interval (Wilson 1927)".to_owned());
    }
    if let Some(d) = a.mean_abs_difference {
        lines.push(format!("mean difference of the outputs {}", units::real(d)));
    }
    lines.join("\n")
}
