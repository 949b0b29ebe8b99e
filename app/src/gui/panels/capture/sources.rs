//! Inputs: boards on ports, a simulated board; of the one that is listened to its sensors and how well it arrives.

use eframe::egui::{CornerRadius, Frame, Label, Margin, Rect, Response, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::data::recording::{Kind, SensorInfo};

use super::ask;
use crate::capture::{Link, Seen, Track};
use crate::device::Way;
use crate::device::ports::{Port, PortKind};
use crate::gui::capture::{Ask, Source};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{button, icon_button, panel_header, rule, sentence_row, text_in, value_row};
use crate::microphone::MicrophoneInfo;

/// Height of an input and of a sensor.
const ROW: f32 = 42.0;

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    ask(cx, Ask::Watch);
    let capture = &cx.session.capture;
    let listening = capture.listening.as_ref();
    panel_header(ui, "Sources", "", |ui| {
        if listening.is_some() && icon_button(ui, icons::PLUGS, "Let go of the input").clicked() {
            ask(cx, Ask::LetGo);
        }
        if icon_button(ui, icons::ARROW_CLOCKWISE, "Look for microphones again").clicked() {
            ask(cx, Ask::LookAgain);
        }
    });
    ScrollArea::vertical().id_salt("sources").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let own = listening.and_then(|listening| listening.own_port.as_deref());
        vanished_ui(cx, ui);
        for microphone in capture.microphones.iter().flatten() {
            microphone_ui(cx, microphone, ui);
        }
        for port in &capture.ports {
            // The board that this window simulates is shown as such, not as a port.
            if own != Some(port.path.as_str()) {
                port_ui(cx, port, ui);
            }
        }
        simulated_ui(cx, ui);
        file_ui(cx, ui);
        let has_board = capture.ports.iter().any(|port| port.kind != PortKind::Simulated);
        if listening.is_none() && !has_board && capture.microphones.as_ref().is_some_and(Vec::is_empty) {
            Frame::new().inner_margin(Margin::symmetric(PANEL_PADDING, 8)).show(ui, |ui| {
                let words = "No board is plugged in, and there is no microphone. A board shows up here by itself.";
                ui.add(Label::new(Type::Small.text(words, Palette::of(ui).text_faint)).wrap());
            });
        }
    });
}

/// What is listened to stays to be seen where its plug was pulled: it is waited for, or says what is wrong.
fn vanished_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let capture = &cx.session.capture;
    let Some(listening) = &capture.listening else { return };
    let (icon, path, is_there) = match &listening.source {
        Source::Port(path) => (icons::USB, path, capture.ports.iter().any(|port| port.path == *path)),
        Source::Microphone(name) => {
            (icons::MICROPHONE, name, capture.microphones.iter().flatten().any(|microphone| microphone.name == *name))
        }
        Source::Simulated | Source::File(_) => return,
    };
    if !is_there {
        let board = listening.station.seen().board.name.clone();
        let name = if board.is_empty() { path } else { &board };
        input_ui(cx, &listening.source, icon, name, path, ui);
    }
}

fn microphone_ui(cx: PanelCtx<'_>, microphone: &MicrophoneInfo, ui: &mut Ui) {
    let source = Source::Microphone(microphone.name.clone());
    let most = f64::from(*microphone.rates_hz.end()) / 1000.0;
    let about = format!("{}up to {most} kHz, resampled to 16 kHz", if microphone.is_default { "default, " } else { "" });
    input_ui(cx, &source, icons::MICROPHONE, &microphone.name, &about, ui);
}

fn port_ui(cx: PanelCtx<'_>, port: &Port, ui: &mut Ui) {
    let source = Source::Port(port.path.clone());
    let icon = if port.kind == PortKind::Simulated { icons::MONITOR } else { icons::USB };
    input_ui(cx, &source, icon, &port.name, &port.path, ui);
}

fn simulated_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    input_ui(cx, &Source::Simulated, icons::MONITOR, "Simulated board", "hears tones, makes gestures: try without hardware", ui);
}

/// A recording that is played as if a board measured it: another one can be chosen at any time.
fn file_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let playing = cx.session.capture.listening.as_ref().map(|listening| &listening.source);
    if let Some(source @ Source::File(path)) = playing {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        input_ui(cx, source, icons::FILE, &name, "played over and over", ui);
    }
    let about = "WAV, or a table of numbers";
    if row_ui(ui, icons::FOLDER_OPEN, ("Play a file", about), ("", Palette::of(ui).text_faint), false, 0.0, "Play a file")
        .clicked()
    {
        ask(cx, Ask::ChooseFile);
    }
}

fn input_ui(cx: PanelCtx<'_>, source: &Source, icon: &str, name: &str, about: &str, ui: &mut Ui) {
    let p = Palette::of(ui);
    let listening = cx.session.capture.listening.as_ref().filter(|listening| listening.source == *source);
    let seen = listening.map(|listening| listening.station.seen());
    let is_opening = cx.session.capture.opening.as_ref().is_some_and(|(of, _)| of == source);
    let (state, colour) = match seen.as_ref().map(|seen| &seen.link) {
        None if is_opening => ("connecting…", p.text_weak),
        None => ("", p.text_faint),
        Some(Link::Connecting) => ("connecting…", p.text_weak),
        Some(Link::Connected) => ("connected", p.accent_text),
        Some(Link::Away) => ("away", p.amber),
        Some(Link::Failed(_)) => ("failed", p.red),
    };
    let words = if state.is_empty() { format!("Listen to {name}") } else { format!("{name}, {state}") };
    let response = row_ui(ui, icon, (name, about), (state, colour), false, 0.0, &words);
    if response.clicked() && !is_opening && (listening.is_none() || matches!(state, "failed")) {
        ask(cx, Ask::Listen(source.clone()));
    }
    let Some(seen) = seen else {
        rule(ui);
        return;
    };
    let margin = Margin { left: 36, right: PANEL_PADDING, top: 4, bottom: 8 };
    if let Link::Failed(why) = &seen.link {
        Frame::new().inner_margin(margin).show(ui, |ui| {
            sentence_row(ui, icons::WARNING, p.red, why, false);
            if button(ui, "Try again").clicked() {
                ask(cx, Ask::Listen(source.clone()));
            }
        });
    }
    for track in &seen.tracks {
        sensor_ui(cx, &seen, track, ui);
    }
    Frame::new().inner_margin(margin).show(ui, |ui| counts_ui(cx, &seen, ui));
    rule(ui);
}

fn sensor_ui(cx: PanelCtx<'_>, seen: &Seen, track: &Track, ui: &mut Ui) {
    let p = Palette::of(ui);
    let info = track.info();
    let chosen = cx.session.capture.sensor_of(&seen.board.sensors).is_some_and(|sensor| sensor.id == info.id);
    let is_recorded = seen.cutter.as_ref().is_some_and(|c| c.plan.sensor == info.id || c.plan.all_sensors);
    let (state, colour) = match (is_recorded && seen.recording_since.is_some(), chosen) {
        (true, _) => ("recording", p.accent_text),
        (false, true) => ("chosen", p.text_weak),
        (false, false) => ("", p.text_faint),
    };
    let icon = if info.kind == Kind::Audio { icons::MICROPHONE } else { icons::VECTOR_THREE };
    let words = format!("Take clips of {}", info.name);
    let response = row_ui(ui, icon, (&info.name, &about(info)), (state, colour), chosen, 20.0, &words);
    if response.clicked() && seen.cutter.is_none() {
        ask(cx, Ask::Choose(info.id));
    }
}

/// `16 kHz, i16, 1 channel`.
fn about(info: &SensorInfo) -> String {
    let rate = if info.rate_hz >= 1000.0 { format!("{} kHz", info.rate_hz / 1000.0) } else { format!("{:.4} Hz", info.rate_hz) };
    let rate = rate.replace(".0000", "");
    let n = info.channels.len();
    let channels = if n == 1 { "1 channel".to_owned() } else { format!("{n} channels") };
    let mut units: Vec<&str> =
        info.channels.iter().map(|channel| channel.unit.as_str()).filter(|unit| !unit.is_empty()).collect();
    units.dedup();
    [rate, channels, units.join(", ")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn counts_ui(cx: PanelCtx<'_>, seen: &Seen, ui: &mut Ui) {
    let p = Palette::of(ui);
    if seen.link == Link::Connecting {
        return;
    }
    let counts = &seen.counts;
    let bad = counts.bad_crc + counts.too_long + counts.malformed;
    match seen.way {
        Some(Way::Lines) => {
            value_row(ui, "lines", &format!("{}, {} skipped", units::exact(counts.rows), units::exact(counts.skipped_lines)));
        }
        _ => {
            let words = format!("{}, {} bad", units::exact(counts.frames), units::exact(bad));
            value_row(ui, "frames", &words).on_hover_text("Frames that came, and those whose checksum or form was wrong");
        }
    }
    let chosen = cx.session.capture.sensor_of(&seen.board.sensors).and_then(|sensor| seen.track(sensor.id));
    if let Some(track) = chosen {
        let rate = track.true_rate_hz().map_or_else(|| units::NONE.to_owned(), |rate| format!("{rate:.1} Hz"));
        value_row(ui, "true rate", &rate).on_hover_text("Instants a second by the board's own clock");
        let jitter = track.jitter_ms().map_or_else(|| units::NONE.to_owned(), |jitter| format!("{jitter:.1} ms"));
        value_row(ui, "jitter, p99", &jitter).on_hover_text("How much 99 of 100 time stamps are off at most");
        let lost = match track.n_gaps {
            0 => "nothing".to_owned(),
            1 => format!("{} in 1 gap", units::exact(track.missing)),
            n => format!("{} in {} gaps", units::exact(track.missing), units::exact(n)),
        };
        let row = value_row(ui, if track.n_gaps == 0 { "lost" } else { "" }, if track.n_gaps == 0 { &lost } else { "" });
        if track.n_gaps > 0 {
            text_in(ui, row.rect, false, "lost", Type::Small, p.text_weak);
            text_in(ui, row.rect, true, &lost, Type::Small, p.red);
        }
    }
}

/// An icon, a name above what it is about, a state at the right.
fn row_ui(
    ui: &mut Ui,
    icon: &str,
    (name, about): (&str, &str),
    (state, colour): (&str, eframe::egui::Color32),
    chosen: bool,
    indent: f32,
    words: &str,
) -> Response {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), chosen, words));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    if chosen {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, p.accent_soft);
    } else if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, p.raised);
    }
    let left = rect.left() + f32::from(PANEL_PADDING) + indent;
    let right = rect.right() - f32::from(PANEL_PADDING);
    let line = |top: f32, from: f32, to: f32| Rect::from_min_max(pos2(from, top), pos2(to, top + 16.0));
    let ink = if chosen { p.accent_text } else { p.text_weak };
    text_in(ui, Rect::from_min_size(pos2(left, rect.top() + 4.0), vec2(18.0, 18.0)), false, icon, Type::Icon, ink);
    let state_width = ui.painter().layout_no_wrap(state.to_owned(), Type::Caption.font(), colour).size().x;
    text_in(ui, line(rect.top() + 5.0, left + 26.0, right - state_width - 8.0), false, name, Type::SmallMedium, p.text);
    text_in(ui, line(rect.top() + 5.0, right - state_width, right), true, state, Type::Caption, colour);
    text_in(ui, line(rect.top() + 21.0, left + 26.0, right), false, about, Type::Caption, p.text_weak);
    response
}
