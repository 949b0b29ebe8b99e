//! What is to be recorded, and the buttons.

use eframe::egui::{Frame, Key, Label, Margin, Role, ScrollArea, TextEdit, Ui, WidgetInfo};
use tinsmith_core::data::recording::{Kind, SensorInfo};

use super::ask;
use crate::capture::{Link, MOST_CLIP_S, Order, RecordSettings, Seen, StartOn, usual_threshold};
use crate::gui::capture::Ask;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::widgets::{
    Slider, button, icon_button, label_row, panel_header, primary_button, segmented_named, sentence_row, slider, switch,
};

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let capture = &cx.session.capture;
    let folder = capture.collection.as_ref().map(|collection| collection.folder());
    let name = folder.and_then(|folder| folder.file_name()).map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    panel_header(ui, "Record", &name, |ui| {
        if icon_button(ui, icons::FOLDER_OPEN, "Choose the folder that clips go into").clicked() {
            ask(cx, Ask::ChooseFolder);
        }
    });
    let station = capture.station();
    let seen = station.map(|station| station.seen());
    let sensor = seen.as_ref().and_then(|seen| capture.sensor_of(&seen.board.sensors));
    let is_recording = seen.as_ref().is_some_and(|seen| seen.cutter.is_some());
    ScrollArea::vertical().id_salt("record").auto_shrink([false, false]).show(ui, |ui| {
        let margin = Margin { left: PANEL_PADDING, right: PANEL_PADDING, top: 6, bottom: 8 };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let mut settings = capture.settings.clone();
            ui.add_enabled_ui(!is_recording, |ui| settings_ui(&mut settings, sensor.as_ref(), ui));
            if settings != capture.settings {
                ask(cx, Ask::Set(settings.clone()));
            }
            ui.add_space(6.0);
            match (&seen, &sensor) {
                (Some(seen), Some(_)) if is_recording => running_ui(cx, seen, ui),
                (Some(seen), Some(_)) if matches!(seen.link, Link::Failed(_)) => {
                    let words = "The input is gone: open it again above, or choose another.";
                    sentence_row(ui, icons::PLUGS, Palette::of(ui).red, words, false);
                }
                (_, Some(sensor)) => begin_ui(cx, &settings, sensor, ui),
                _ => {
                    let words = "Choose a source above; the simulated board needs no hardware.";
                    sentence_row(ui, icons::INFO, Palette::of(ui).text_weak, words, false);
                }
            }
            if let Some(trouble) = seen.as_ref().and_then(|seen| seen.trouble.as_deref()) {
                ui.add_space(4.0);
                sentence_row(ui, icons::WARNING, Palette::of(ui).red, trouble, false);
            }
            if let Some(trouble) = capture.collection.as_ref().and_then(|collection| collection.trouble()) {
                ui.add_space(4.0);
                sentence_row(ui, icons::WARNING, Palette::of(ui).red, &format!("not saved: {trouble}"), false);
            }
        });
    });
}

fn text_ui(ui: &mut Ui, text: &mut String, hint: &str, name: &str) {
    let field = TextEdit::singleline(text).hint_text(hint).font(Type::Small.font()).desired_width(f32::INFINITY);
    ui.add(field).widget_info(|| WidgetInfo::labeled(Role::TextInput, true, name));
}

fn settings_ui(settings: &mut RecordSettings, sensor: Option<&SensorInfo>, ui: &mut Ui) {
    let is_sound = sensor.is_none_or(|sensor| sensor.kind == Kind::Audio);
    label_row(ui, "Labels", |ui| text_ui(ui, &mut settings.labels, "yes, no, unknown", "Labels, with commas between them"));
    let mut wanted = settings.wanted as f64;
    label_row(ui, "Of each", |ui| {
        let of = Slider { name: "Clips of each label", range: 1.0..=200.0, default: 20.0, step: 1.0, decimals: 0, unit: "" };
        slider(ui, &mut wanted, &of)
    });
    settings.wanted = wanted.round().max(1.0) as usize;
    label_row(ui, "Order", |ui| {
        segmented_named(ui, "Order", &mut settings.order, &[(Order::OneByOne, "one by one"), (Order::InTurn, "in turn")])
    });
    label_row(ui, "Clip", |ui| {
        let range = 0.1..=MOST_CLIP_S;
        slider(
            ui,
            &mut settings.seconds,
            &Slider { name: "Length of a clip", range, default: 1.0, step: 0.1, decimals: 2, unit: "s" },
        )
    });
    let on = if is_sound { "sound" } else { "motion" };
    label_row(ui, "Start on", |ui| {
        let options = [(StartOn::Level, on), (StartOn::Key, "key"), (StartOn::Beat, "beat")];
        segmented_named(ui, "Start on", &mut settings.start, &options)
    });
    start_ui(settings, sensor, is_sound, ui);
    label_row(ui, "Person", |ui| text_ui(ui, &mut settings.person, "who is recorded", "Person: splits can keep people apart"));
    label_row(ui, "Also keep", |ui| {
        switch(ui, &mut settings.all_sensors, "Record all sensors");
        ui.label(Type::Small.text("the other sensors, too", Palette::of(ui).text_weak));
    });
}

/// What belongs to what begins a clip.
fn start_ui(settings: &mut RecordSettings, sensor: Option<&SensorInfo>, is_sound: bool, ui: &mut Ui) {
    match settings.start {
        StartOn::Level if is_sound => {
            label_row(ui, "Threshold", |ui| {
                let range = -70.0..=-3.0;
                let of = Slider { name: "Threshold", range, default: -38.0, step: 1.0, decimals: 0, unit: "dB" };
                slider(ui, &mut settings.threshold_db, &of)
            });
        }
        StartOn::Level => {
            let unit = sensor.and_then(|sensor| sensor.channels.first()).map_or("", |channel| channel.unit.as_str());
            let usual = sensor.map_or(1.0, usual_threshold);
            let label = if unit.is_empty() { "Threshold".to_owned() } else { format!("Above, {unit}") };
            label_row(ui, &label, |ui| {
                let (name, range) = ("Threshold", 0.0..=usual * 10.0);
                let mut threshold = settings.threshold.unwrap_or(usual);
                let of = Slider { name, range, default: usual, step: usual / 20.0, decimals: 2, unit: "" };
                if slider(ui, &mut threshold, &of).changed() {
                    settings.threshold = Some(threshold);
                }
            });
        }
        StartOn::Beat => {
            label_row(ui, "Every", |ui| {
                let range = 0.5..=2.0 * MOST_CLIP_S;
                let of = Slider { name: "Seconds from clip to clip", range, default: 3.0, step: 0.5, decimals: 1, unit: "s" };
                slider(ui, &mut settings.beat_s, &of)
            });
        }
        StartOn::Key => {
            label_row(ui, "", |ui| ui.label(Type::Small.text("Space, or the button", Palette::of(ui).text_weak)));
        }
    }
}

fn begin_ui(cx: PanelCtx<'_>, settings: &RecordSettings, sensor: &SensorInfo, ui: &mut Ui) {
    let n = settings.labels().len() * settings.wanted;
    let words = if n == 1 { "Record 1 clip".to_owned() } else { format!("Record {n} clips") };
    ui.add_enabled_ui(n > 0, |ui| {
        if primary_button(ui, &words).on_disabled_hover_text("Say at least one label").clicked() {
            ask(cx, Ask::Begin);
        }
    });
    let (each_s, how) = match settings.start {
        StartOn::Beat => (settings.beat_s.max(settings.seconds), "on the beat"),
        _ => (settings.seconds + 1.0, "at a second between them"),
    };
    let about = format!("of {}, about {:.0} min {how}", sensor.name, (n as f64 * each_s / 60.0).ceil());
    ui.add(Label::new(Type::Caption.text(about, Palette::of(ui).text_faint)).wrap());
}

fn running_ui(cx: PanelCtx<'_>, seen: &Seen, ui: &mut Ui) {
    let Some(cutter) = &seen.cutter else { return };
    let is_done = cutter.session.now().is_none();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        if is_done {
            if primary_button(ui, "End the session").clicked() {
                ask(cx, Ask::End);
            }
        } else {
            let words = if cutter.is_paused { "Go on" } else { "Pause" };
            if primary_button(ui, words).clicked() {
                ask(cx, Ask::Pause(!cutter.is_paused));
            }
            if cutter.plan.start == crate::capture::Start::Key && button(ui, "Record now").clicked() {
                ask(cx, Ask::Press);
            }
            if button(ui, "Skip").on_hover_text("Another label; this one comes again").clicked() {
                ask(cx, Ask::Skip);
            }
            if button(ui, "End").clicked() {
                ask(cx, Ask::End);
            }
        }
        if !cutter.made.is_empty() && button(ui, "Discard last").on_hover_text("Its label is asked for again").clicked() {
            ask(cx, Ask::Discard);
        }
    });
    let is_free = !ui.ctx().text_edit_focused() && ui.memory(|m| m.focused().is_none());
    if cutter.plan.start == crate::capture::Start::Key && is_free && ui.input(|i| i.key_pressed(Key::Space)) {
        ask(cx, Ask::Press);
    }
}
