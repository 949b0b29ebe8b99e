//! What is heard now, what is listened to, how it is decided.

use std::ops::RangeInclusive;

use eframe::egui::{CornerRadius, Frame, Margin, Rect, Role, ScrollArea, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::live::{DecisionSettings, Reading, USUAL_THRESHOLD, top};

use super::{Nothing, ask, filled, with_shown};
use crate::device::ports::PortKind;
use crate::gui::capture::{Ask as Capture, Capture as CaptureState, Source};
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::live::Ask;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{
    Slider, button, group_title, icon_button, label_row, panel_header, rule, segmented_named, select, sentence_row, slider,
    text_in, value_row,
};
use crate::live::{Front, Settings, Shown, State, Suggested};

/// Height of a class.
const ROW: f32 = 19.0;
/// Width of the names of classes.
const NAMES: f32 = 64.0;
/// Width of the probabilities.
const NUMBERS: f32 = 40.0;

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    cx.send(Command::Capture(Capture::Watch));
    let before = &cx.session.live.settings;
    let about = format!("every {:.0} ms, {} averaged", before.stride_ms, before.decision.average);
    panel_header(ui, "Now", &about, |_| {});
    let mut settings = before.clone();
    ScrollArea::vertical().id_salt("now").auto_shrink([false, false]).show(ui, |ui| {
        Frame::new().inner_margin(Margin { left: PANEL_PADDING, right: PANEL_PADDING, top: 10, bottom: 12 }).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let words = "Choose the input below: a microphone, a board, a simulated one, or a file.";
            let nothing = Nothing { title: "Nothing is heard", words, offers: false };
            with_shown(cx, ui, nothing, |shown, ui| now_ui(shown, &settings, ui));
            section(ui);
            input_ui(cx, &mut settings, ui);
            section(ui);
            decision_ui(cx, &mut settings, ui);
            section(ui);
            counts_ui(cx, ui);
        });
    });
    if settings != *before {
        ask(cx, Ask::Set(settings));
    }
}

fn section(ui: &mut Ui) {
    ui.add_space(6.0);
    rule(ui);
    ui.add_space(6.0);
}

fn now_ui(shown: &Shown, settings: &Settings, ui: &mut Ui) {
    let p = Palette::of(ui);
    if let State::Failed(why) = &shown.state {
        sentence_row(ui, icons::WARNING, p.red, why, false);
        return;
    }
    let Some(point) = shown.points.back() else {
        let words = if shown.state == State::Paused { "Paused." } else { "Waiting for the first window." };
        ui.label(Type::Headline.text(units::NONE, p.text_faint));
        ui.label(Type::Small.text(words, p.text_weak));
        return;
    };
    let (class, value) = top(&point.mean);
    let threshold = settings.decision.limit(point.mean.len());
    let is_heard = value >= threshold && shown.quiet.get(class) != Some(&true);
    let (ink, number_ink) = if is_heard { (p.text, p.accent_text) } else { (p.text_weak, p.text_faint) };
    ui.horizontal(|ui| {
        ui.label(Type::Headline.text(shown.label(class), ink));
        ui.label(Type::Figure.text(number(value), number_ink));
    });
    let how = match (threshold.is_finite(), value >= threshold) {
        (false, _) => "no threshold is set".to_owned(),
        (true, true) => format!("above {}", number(threshold)),
        (true, false) => format!("below {}", number(threshold)),
    };
    let words = format!("for {:.1} s, {how}", point.since_s.max(0.0));
    ui.label(Type::Small.text(words, p.text_weak));
    ui.add_space(6.0);
    ui.spacing_mut().item_spacing.y = 0.0;
    let full = if shown.reading == Reading::Distance { shown.most.max(f32::MIN_POSITIVE) } else { 1.0 };
    let top_y = ui.cursor().top();
    let mut tracks = Rect::NOTHING;
    for (index, &value) in point.mean.iter().enumerate() {
        let baseline = point.baseline.get(index).copied();
        tracks = tracks.union(class_ui(shown, index, (value, baseline), index == class && is_heard, full, ui));
    }
    if threshold.is_finite() && threshold <= full {
        let x = tracks.left() + tracks.width() * threshold / full;
        let line = [pos2(x, top_y), pos2(x, tracks.bottom() + 4.0)];
        ui.painter().extend(Shape::dashed_line(&line, Stroke::new(1.0, p.text_weak), 2.0, 2.0));
    }
}

/// A class: its name, a bar of the candidate's mean with the baseline's below, its number. Where its bar can be.
fn class_ui(shown: &Shown, class: usize, said: (f32, Option<f32>), is_heard: bool, full: f32, ui: &mut Ui) -> Rect {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let (value, baseline) = said;
    let name = shown.label(class);
    let words = match baseline {
        Some(baseline) => format!("{name} {}, as it came {}", number(value), number(baseline)),
        None => format!("{name} {}", number(value)),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    let left = rect.left() + NAMES.min(rect.width() * 0.3);
    let track = Rect::from_min_max(pos2(left + 8.0, rect.top() + 3.0), pos2(rect.right() - NUMBERS, rect.bottom() - 3.0));
    let (ink, kind) = if is_heard { (p.accent_text, Type::SmallTitle) } else { (p.text_weak, Type::Small) };
    text_in(ui, Rect::from_min_max(rect.min, pos2(left, rect.bottom())), true, name, kind, ink);
    let (upper, lower) = track.split_top_bottom_at_fraction(0.68);
    ui.painter().rect_filled(track, CornerRadius::same(2), p.plot);
    ui.painter().rect_filled(filled(upper, value / full), CornerRadius::same(2), p.accent);
    let below = filled(lower.shrink2(vec2(0.0, 0.75)), baseline.unwrap_or(0.0) / full);
    ui.painter().rect_filled(below, CornerRadius::same(1), p.base);
    let number_ink = if is_heard { p.text } else { p.text_weak };
    let place = Rect::from_min_max(pos2(track.right(), rect.top()), rect.max);
    text_in(ui, place, true, &number(value), Type::Small, number_ink);
    response.on_hover_text(words);
    track
}

/// A probability with two decimals, a distance with as many as it needs.
pub(super) fn number(value: f32) -> String {
    if (0.0..=1.0).contains(&value) { format!("{value:.2}") } else { units::real(value.into()) }
}

fn input_ui(cx: PanelCtx<'_>, settings: &mut Settings, ui: &mut Ui) {
    group_title(ui, "Input", "", |ui| {
        if icon_button(ui, icons::FOLDER_OPEN, "Play a file").clicked() {
            cx.send(Command::Capture(Capture::ChooseFile));
        }
    });
    let capture = &cx.session.capture;
    let listening = capture.listening.as_ref().map(|listening| listening.source.clone());
    let mut source = listening.clone();
    let sources = sources(capture, listening.as_ref());
    let width = Ui::available_width;
    ui.spacing_mut().item_spacing.y = 6.0;
    let options = as_options(&sources);
    label_row(ui, "Source", |ui| select(ui, "Source", &mut source, &options, width(ui)));
    if source != listening {
        cx.send(Command::Capture(source.map_or(Capture::LetGo, Capture::Listen)));
    }
    let Some(listener) = &cx.session.live.listener else { return };
    let (choices, chosen) = {
        let shown = listener.shown();
        (shown.choices.clone(), shown.chosen)
    };
    if let Some((sensor, front)) = chosen {
        let fitting = choices.iter().filter(|choice| !choice.fronts.is_empty());
        let sensors: Vec<(u8, String)> = fitting.map(|choice| (choice.sensor, choice.name.clone())).collect();
        let mut now = sensor;
        label_row(ui, "Sensor", |ui| select(ui, "Sensor", &mut now, &as_options(&sensors), width(ui)));
        if now != sensor {
            (settings.sensor, settings.front) = (Some(now), Front::Fitting);
        }
        let fronts =
            choices.iter().find(|choice| choice.sensor == sensor).map(|choice| choice.fronts.clone()).unwrap_or_default();
        let fronts: Vec<(Front, String)> = fronts.into_iter().map(|front| (front, front.name().to_owned())).collect();
        let mut now = front;
        label_row(ui, "Features", |ui| select(ui, "Features", &mut now, &as_options(&fronts), width(ui)));
        if now != front {
            settings.front = now;
        }
    }
    label_row(ui, "Run on", |ui| {
        segmented_named(ui, "Run on", &mut settings.on_board, &[(false, "this computer"), (true, "board too")])
            .on_hover_text("On the board each window runs as well, once this candidate is loaded there; outputs are compared.")
    });
}

/// What can be listened to, and what it is called.
fn sources(capture: &CaptureState, listening: Option<&Source>) -> Vec<(Option<Source>, String)> {
    let mut sources = vec![(None, "nothing".to_owned()), (Some(Source::Simulated), "simulated board".to_owned())];
    let microphones = capture.microphones.iter().flatten();
    sources.extend(microphones.map(|microphone| (Some(Source::Microphone(microphone.name.clone())), microphone.name.clone())));
    // The board that this window simulates is there as such, not as a port.
    let has_own = matches!(listening, Some(Source::Simulated | Source::File(_)));
    let ports = capture.ports.iter().filter(|port| !(has_own && port.kind == PortKind::Simulated));
    sources.extend(ports.map(|port| (Some(Source::Port(port.path.clone())), port.name.clone())));
    if let Some(Source::File(path)) = listening {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        sources.push((listening.cloned(), name));
    }
    if listening.is_some() && !sources.iter().any(|(known, _)| known.as_ref() == listening) {
        sources.push((listening.cloned(), "what was chosen".to_owned()));
    }
    sources
}

fn as_options<T: Clone>(named: &[(T, String)]) -> Vec<(T, &str)> {
    named.iter().map(|(value, name)| (value.clone(), name.as_str())).collect()
}

fn decision_ui(cx: PanelCtx<'_>, settings: &mut Settings, ui: &mut Ui) {
    group_title(ui, "Decision", "", |_| {});
    let distance = cx.session.live.listener.as_ref().and_then(|listener| {
        let shown = listener.shown();
        (shown.reading == Reading::Distance).then(|| (shown.most, shown.suggested.clone()))
    });
    let usual = DecisionSettings::default();
    let decision = &mut settings.decision;
    match distance {
        None => {
            let (before, default) = (decision.limit(2), f64::from(USUAL_THRESHOLD));
            let help = "The mean that a class has to reach to be told";
            let threshold = row(ui, "Threshold", before.into(), 0.0..=1.0, (default, 0.05, 2, ""), help);
            set_threshold(decision, before, threshold);
        }
        Some((most, suggested)) => distance_ui(decision, most, suggested, ui),
    }
    let help = "Steps whose mean is taken";
    let average = row(ui, "Average", decision.average as f64, 1.0..=20.0, (usual.average as f64, 1.0, 0, "steps"), help);
    decision.average = average.round() as usize;
    let help = "From one window to the next. Where a step here takes longer than that, the models fall behind; what is more than 2 s old \
                is then left out, and counted below";
    settings.stride_ms = row(ui, "Stride", settings.stride_ms, 20.0..=1000.0, (100.0, 10.0, 0, "ms"), help);
    let help = "After an event nothing is told for so long, and a class only after it was away for so long";
    decision.hold_off_ms = row(ui, "Hold off", decision.hold_off_ms, 0.0..=3000.0, (usual.hold_off_ms, 50.0, 0, "ms"), help);
}

fn row(
    ui: &mut Ui,
    name: &str,
    value: f64,
    range: RangeInclusive<f64>,
    (default, step, decimals, unit): (f64, f64, usize, &str),
    help: &str,
) -> f64 {
    let mut changed = value;
    let of = Slider { name, range, default, step, decimals, unit };
    label_row(ui, name, |ui| slider(ui, &mut changed, &of).on_hover_text(help));
    changed
}

/// Sets it where it was moved: a slider rounds what it only shows.
fn set_threshold(decision: &mut DecisionSettings, before: f32, now: f64) {
    if (now - f64::from(before)).abs() > 1e-6 {
        decision.threshold = Some(now as f32);
    }
}

/// The threshold of an autoencoder: nobody knows what is usual, but the data set says what is suggested.
fn distance_ui(decision: &mut DecisionSettings, most: f32, suggested: Option<Suggested>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let found = suggested.as_ref().and_then(|suggested| suggested.as_ref().ok()).map(|suggestion| suggestion.threshold);
    // How large a distance may be is not known before some were measured. A threshold beyond that ends the range and does not widen
    // it, or it would run away while it is dragged.
    let known = f64::from(most.max(found.unwrap_or(0.0)).max(1e-3)) * 2.0;
    let top = known.max(decision.threshold.unwrap_or(0.0).into());
    let before = decision.threshold.unwrap_or(top as f32);
    let decimals = (3.0 - top.log10().floor()).clamp(0.0, 6.0) as usize;
    let default = found.map_or(top, f64::from);
    let help = "The mean distance that has to be reached to be told";
    let threshold = row(ui, "Threshold", before.into(), 0.0..=top, (default, top / 100.0, decimals, ""), help);
    set_threshold(decision, before, threshold);
    match suggested {
        Some(Ok(suggestion)) => {
            let words = format!("suggested {}", number(suggestion.threshold));
            label_row(ui, "", |ui| {
                let press = ui.add_enabled_ui(decision.threshold != found, |ui| button(ui, "Use").clicked());
                if press.inner {
                    decision.threshold = found;
                }
                ui.label(Type::Small.text(words, p.text_weak)).on_hover_text(suggestion.to_string());
            });
        }
        Some(Err(why)) => {
            let words = format!("No threshold is suggested: {why}");
            sentence_row(ui, icons::INFO, p.text_faint, &words, false);
        }
        None => {}
    }
    if decision.threshold.is_none() {
        sentence_row(ui, icons::INFO, p.amber, "Nothing is told before a threshold is set.", false);
    }
}

fn counts_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let Some(listener) = &cx.session.live.listener else { return };
    let shown = listener.shown();
    group_title(ui, "Since start", units::duration(shown.began.elapsed()), |_| {});
    ui.spacing_mut().item_spacing.y = 0.0;
    let (counts, (steps, same)) = (shown.counts, shown.steps);
    value_row(ui, "Events", &units::exact(counts.events));
    value_row(ui, "Same as it came", &format!("{} of {}", units::exact(counts.same), units::exact(counts.events)))
        .on_hover_text(format!("The model as it came names the same class; in {same} of all {steps} windows"));
    value_row(ui, "Below threshold, not reported", &units::exact(counts.below));
    value_row(ui, "Steps", &units::exact(steps));
    let (missing, left_out) = shown.missing;
    value_row(ui, "Instants lost", &units::exact(missing)).on_hover_text("By the link or the board, while this listened");
    let why = format!(
        "{left_out} would have spanned instants that are missing; {} came while the models here were too far behind: a longer stride \
         gives them time",
        shown.late
    );
    value_row(ui, "Windows left out", &units::exact(left_out + shown.late)).on_hover_text(why);
    let step = shown.latencies.figures();
    value_row(ui, "A step here", &units::microseconds(step.mean_us.into()).joined())
        .on_hover_text(format!("mean; features and both models; p99 {} µs", step.p99_us));
}
