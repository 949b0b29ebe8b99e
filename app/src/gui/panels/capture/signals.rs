//! What is measured now: what to say or do, the sound as waveform and spectrogram, every other sensor as strips.

use std::collections::HashMap;

use eframe::egui::{
    Align2, Color32, ColorImage, CornerRadius, Pos2, Rect, Role, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui,
    WidgetInfo, pos2, vec2,
};
use tinsmith_core::data::level::{Level, decibels};
use tinsmith_core::data::recording::Kind;

use super::ask;
use crate::capture::{Link, Seen, Spectrogram, Start, Track, n_heard};
use crate::gui::capture::{Ask, Source};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::plots::trace::{Span, joined, trace_ui};
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{empty_state, icon_button, panel_header, segmented_named, text_in};

/// Room for the numbers at the left.
const GUTTER: f32 = 52.0;
/// Height of what is to be said.
const PROMPT: f32 = 64.0;
/// Height of the line of times.
const TIMES: f32 = 18.0;
/// Quieter than this is black in the spectrogram, in dB of full scale.
const FLOOR_DB: f32 = -90.0;

/// The panel's view state.
pub struct SignalsPanel {
    /// Seconds in view.
    seconds: f64,
    /// Where each sensor was when the picture was halted.
    halted: Option<Vec<(u8, u64)>>,
    /// Of each sensor that hears.
    pictures: HashMap<u8, (PictureKey, TextureHandle)>,
}

/// Of what the picture of the spectrogram was painted: its first and last column, and the theme.
type PictureKey = (u64, u64, bool);

impl Default for SignalsPanel {
    fn default() -> Self {
        Self { seconds: 8.0, halted: None, pictures: HashMap::new() }
    }
}

impl SignalsPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let station = cx.session.capture.station();
        let seen = station.map(|station| station.seen());
        let about = seen.as_ref().map_or("", |seen| seen.board.name.as_str());
        panel_header(ui, "Signals", about, |ui| {
            if seen.is_some() {
                self.actions_ui(seen.as_deref(), ui);
            }
        });
        let Some(seen) = seen else {
            let words = "A board, or one that is simulated: what it measures is drawn here as it comes.";
            let tried = empty_state(ui, icons::WAVEFORM, "Nothing is listened to", words, Some("Try without hardware"));
            if tried.is_some_and(|response| response.clicked()) {
                ask(cx, Ask::Listen(Source::Simulated));
            }
            return;
        };
        if seen.tracks.is_empty() {
            let (title, words) = match &seen.link {
                Link::Failed(why) => ("The input is gone", why.as_str()),
                _ => ("Asking who it is", "Many boards start anew when their port is opened; that takes a second or two."),
            };
            empty_state(ui, icons::PLUGS, title, words, None);
            return;
        }
        let all = ui.available_rect_before_wrap();
        ui.advance_cursor_after_rect(all);
        let prompt = Rect::from_min_size(all.min, vec2(all.width(), PROMPT.min(all.height())));
        prompt_ui(cx, &seen, prompt, ui);
        let below = Rect::from_min_max(pos2(all.left(), prompt.bottom()), all.max).shrink2(vec2(10.0, 6.0));
        if below.height() > 60.0 {
            self.tracks_ui(cx, &seen, below, ui);
        }
        if self.halted.is_none() && seen.link == Link::Connected {
            ui.ctx().request_repaint_after_secs(0.033);
        }
    }

    fn actions_ui(&mut self, seen: Option<&Seen>, ui: &mut Ui) {
        let (icon, name) = if self.halted.is_some() { (icons::PLAY, "Go on") } else { (icons::PAUSE, "Halt the picture") };
        if icon_button(ui, icon, name).clicked() {
            let ends = |seen: &Seen| seen.tracks.iter().map(|track| (track.info().id, track.ring.end())).collect();
            self.halted = if self.halted.is_some() { None } else { seen.map(ends) };
        }
        segmented_named(ui, "Seconds in view", &mut self.seconds, &[(4.0, "4 s"), (8.0, "8 s"), (20.0, "20 s")]);
    }

    fn tracks_ui(&mut self, cx: PanelCtx<'_>, seen: &Seen, rect: Rect, ui: &mut Ui) {
        let plots = Rect::from_min_max(rect.min, rect.max - vec2(0.0, TIMES));
        let shares: Vec<(usize, f32)> = seen.tracks.iter().enumerate().map(|(i, track)| (i, share_of(track))).collect();
        let whole: f32 = shares.iter().map(|(_, share)| share).sum();
        let mut top = plots.top();
        for (index, share) in shares {
            let height = plots.height() * share / whole.max(1.0);
            let track = &seen.tracks[index];
            let part = Rect::from_min_size(pos2(plots.left(), top), vec2(plots.width(), height - 6.0));
            let end =
                self.halted.as_ref().and_then(|ends| ends.iter().find(|(id, _)| *id == track.info().id)).map(|(_, end)| *end);
            let end = end.unwrap_or(track.ring.end());
            let instants = (self.seconds * track.info().rate_hz).round().max(1.0) as u64;
            let span = Span::new(end, instants, (part.width() - GUTTER).max(8.0) as u64);
            match track.info().kind {
                Kind::Audio => self.sound_ui(cx, seen, track, &span, part, ui),
                _ => strips_ui(cx, seen, track, &span, part, ui),
            }
            top += height;
        }
        times_ui(ui, Rect::from_min_max(pos2(rect.left() + GUTTER, plots.bottom()), rect.max), self.seconds);
    }

    /// A waveform above its spectrogram.
    fn sound_ui(&mut self, cx: PanelCtx<'_>, seen: &Seen, track: &Track, span: &Span, rect: Rect, ui: &mut Ui) {
        let p = Palette::of(ui);
        let (upper, lower) = rect.split_top_bottom_at_fraction(0.44);
        let upper = Rect::from_min_max(upper.min + vec2(GUTTER, 0.0), upper.max);
        plot_ground(ui, upper, &[(-1.0, "−1"), (0.0, "0"), (1.0, "1")], (-1.05, 1.05), "full scale");
        let ranges = ranges_of(track, span, 0);
        clips_ui(cx, seen, track, span, upper, ui);
        trace_ui(ui, upper, &ranges, (-1.05, 1.05), p.base);
        gaps_ui(ui, track, span, upper);
        let peak = ranges.iter().filter(|(low, high)| low <= high).fold(0.0_f32, |most, (low, high)| most.max(-low).max(*high));
        let words = format!("Waveform of {}, {} seconds, peak {:.0} dB", track.info().name, self.seconds, decibels(peak));
        told(ui, upper, &format!("waveform {}", track.info().id), &words);
        let lower = Rect::from_min_max(lower.min + vec2(GUTTER, 6.0), lower.max);
        if let Some(spectrogram) = track.spectrogram.as_ref().filter(|_| lower.height() > 24.0) {
            self.spectrogram_ui(track.info().id, spectrogram, span, lower, ui);
            gaps_ui(ui, track, span, lower);
        }
    }

    fn spectrogram_ui(&mut self, sensor: u8, spectrogram: &Spectrogram, span: &Span, rect: Rect, ui: &mut Ui) {
        let most_khz = spectrogram.frequency_hz(spectrogram.n_bins() - 1) / 1000.0;
        let ticks: Vec<(f32, String)> =
            (0..=4).map(|i| most_khz * f64::from(i) / 4.0).map(|khz| (khz as f32, format!("{khz}"))).collect();
        let ticks: Vec<(f32, &str)> = ticks.iter().map(|(khz, text)| (*khz, text.as_str())).collect();
        plot_ground(ui, rect, &ticks, (0.0, most_khz as f32), "kHz");
        let (first, columns) = spectrogram.columns();
        let hop = spectrogram.hop() as u64;
        // Only the columns whose middle is in view.
        let from = (span.first() / hop).max(first);
        let to = (span.end() / hop).min(first + columns.len() as u64);
        if from >= to {
            return;
        }
        let key = (from, to, ui.visuals().dark_mode);
        let image =
            || paint(columns.range((from - first) as usize..(to - first) as usize), spectrogram.n_bins(), Palette::of(ui));
        let load = || (key, ui.ctx().load_texture(format!("spectrogram {sensor}"), image(), TextureOptions::LINEAR));
        let (of, texture) = self.pictures.entry(sensor).or_insert_with(load);
        if *of != key {
            texture.set(image(), TextureOptions::LINEAR);
            *of = key;
        }
        let at =
            Rect::from_min_max(pos2(span.x(rect, from * hop), rect.top()), pos2(span.x(rect, (to + 1) * hop), rect.bottom()));
        let painter = ui.painter_at(rect);
        painter.image(texture.id(), at, Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)), Color32::WHITE);
        self.read_ui(sensor, spectrogram, span, rect, ui);
    }

    /// What is under the pointer: the frequency and how loud it is.
    fn read_ui(&self, sensor: u8, spectrogram: &Spectrogram, span: &Span, rect: Rect, ui: &mut Ui) {
        let (first, columns) = spectrogram.columns();
        let response = ui.interact(rect, ui.scope_id().with(("spectrogram", sensor)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Spectrogram, {} seconds", self.seconds)));
        let Some(at) = response.hover_pos() else { return };
        let up = f64::from((rect.bottom() - at.y) / rect.height());
        let bin = (up * (spectrogram.n_bins() - 1) as f64).round() as usize;
        let share = f64::from((at.x - rect.left()) / rect.width());
        let instant = span.start as f64 + share * (span.step * span.columns) as f64;
        let column = (instant / spectrogram.hop() as f64) as u64;
        let value = column.checked_sub(first).and_then(|column| columns.get(column as usize)?.get(bin));
        if let Some(value) = value {
            response.on_hover_text_at_pointer(format!("{:.0} Hz\n{value:.0} dB", spectrogram.frequency_hz(bin)));
        }
    }
}

/// How much room a sensor needs beside the others.
fn share_of(track: &Track) -> f32 {
    if track.info().kind == Kind::Audio { 3.0 } else { groups(track).len().max(1) as f32 }
}

fn paint<'a>(columns: impl ExactSizeIterator<Item = &'a Vec<f32>>, n_bins: usize, p: &Palette) -> ColorImage {
    let width = columns.len();
    let mut pixels = vec![Color32::BLACK; width * n_bins];
    for (x, column) in columns.enumerate() {
        for (bin, db) in column.iter().enumerate() {
            let share = ((db - FLOOR_DB) / -FLOOR_DB).clamp(0.0, 1.0);
            pixels[(n_bins - 1 - bin) * width + x] = p.heat_at(share);
        }
    }
    ColorImage::new([width, n_bins], pixels)
}

fn ranges_of(track: &Track, span: &Span, channel: usize) -> Vec<(f32, f32)> {
    let n_channels = track.info().channels.len().max(1);
    let first = span.first().max(track.ring.first());
    let mut ranges = span.ranges(&track.ring.values(first, span.end()), first, n_channels, channel);
    // Single values are joined by a line.
    if span.step > 1 {
        joined(&mut ranges);
    }
    ranges
}

/// The channels of a sensor by their unit: its name and the places of the channels.
fn groups(track: &Track) -> Vec<(String, Vec<usize>)> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, channel) in track.info().channels.iter().enumerate() {
        match groups.last_mut() {
            // More than four curves over each other cannot be told apart.
            Some((unit, of)) if *unit == channel.unit && of.len() < 4 => of.push(index),
            _ => groups.push((channel.unit.clone(), vec![index])),
        }
    }
    groups
}

fn strips_ui(cx: PanelCtx<'_>, seen: &Seen, track: &Track, span: &Span, rect: Rect, ui: &mut Ui) {
    let p = Palette::of(ui);
    let groups = groups(track);
    let height = rect.height() / groups.len().max(1) as f32;
    let colours = [p.series[0], p.series[1], p.series[2], p.series[3]];
    for (row, (unit, channels)) in groups.iter().enumerate() {
        let top = rect.top() + height * row as f32;
        let strip = Rect::from_min_max(pos2(rect.left() + GUTTER, top), pos2(rect.right(), top + height - 6.0));
        let all: Vec<Vec<(f32, f32)>> = channels.iter().map(|&channel| ranges_of(track, span, channel)).collect();
        let (low, high) = bounds(all.iter().flatten().copied());
        let ticks: Vec<(f32, String)> =
            ticks(low, high).into_iter().map(|(at, step)| (at, units::tick(at.into(), step))).collect();
        let ticks: Vec<(f32, &str)> = ticks.iter().map(|(at, text)| (*at, text.as_str())).collect();
        plot_ground(ui, strip, &ticks, (low, high), unit);
        clips_ui(cx, seen, track, span, strip, ui);
        for (ranges, colour) in all.iter().zip(colours) {
            trace_ui(ui, strip, ranges, (low, high), colour);
        }
        gaps_ui(ui, track, span, strip);
        let mut left = strip.left() + 6.0;
        let mut names = Vec::new();
        for (&channel, colour) in channels.iter().zip(colours) {
            let name = track.info().channels[channel].name.as_str();
            names.push(name);
            let drawn = ui.painter().text(pos2(left, strip.top() + 3.0), Align2::LEFT_TOP, name, Type::Caption.font(), colour);
            left = drawn.right() + 8.0;
        }
        if row == 0
            && let Some(words) = upright(track, channels)
        {
            let at = pos2(left + 8.0, strip.top() + 3.0);
            ui.painter().text(at, Align2::LEFT_TOP, words, Type::Caption.font(), p.text_faint);
        }
        told(
            ui,
            strip,
            &format!("strip {} {row}", track.info().id),
            &format!("{} of {}, {unit}", names.join(", "), track.info().name),
        );
    }
}

/// Which axis points up, while the sensor is at rest: gravity is all that it feels then.
fn upright(track: &Track, channels: &[usize]) -> Option<String> {
    const G: f32 = 9.806_65;
    let unit = &track.info().channels[*channels.first()?].unit;
    let one = match unit.as_str() {
        "m/s2" | "m/s²" => G,
        "g" => 1.0,
        "mg" => 1000.0,
        _ => return None,
    };
    let [x, y, z] = channels.get(..3)? else { return None };
    let n_channels = track.info().channels.len();
    let end = track.ring.end();
    let values = track.ring.values(end.saturating_sub((track.info().rate_hz / 2.0) as u64), end);
    let of = |channel: usize| Level::of(values.iter().skip(channel).step_by(n_channels).copied());
    let levels = [of(*x), of(*y), of(*z)];
    let length = levels.iter().map(|level| level.mean.powi(2)).sum::<f32>().sqrt();
    let moves = levels.iter().map(|level| (level.rms.powi(2) - level.mean.powi(2)).max(0.0)).sum::<f32>().sqrt();
    if (length / one - 1.0).abs() > 0.15 || moves > 0.1 * one {
        return None;
    }
    let (axis, level) = levels.iter().enumerate().max_by(|(_, a), (_, b)| a.mean.abs().total_cmp(&b.mean.abs()))?;
    let tilt = (level.mean.abs() / length).clamp(0.0, 1.0).acos().to_degrees();
    let sign = if level.mean < 0.0 { "−" } else { "+" };
    Some(format!("at rest, {sign}{} up, tilted {tilt:.0}°", ["x", "y", "z"][axis]))
}

/// A little more than the values need.
fn bounds(ranges: impl Iterator<Item = (f32, f32)>) -> (f32, f32) {
    let is_value = |(low, high): &(f32, f32)| low <= high;
    let (low, high) =
        ranges.filter(is_value).fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), (low, high)| (a.min(low), b.max(high)));
    if low > high {
        return (-1.0, 1.0);
    }
    let margin = ((high - low) * 0.08).max(high.abs().max(low.abs()) * 0.02).max(1e-3);
    // Names stand at the top.
    (low - margin, high + 3.0 * margin)
}

/// Two or three round numbers between the two, and the step between them.
fn ticks(low: f32, high: f32) -> Vec<(f32, f64)> {
    let rough = f64::from(high - low) / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|of| of * power).find(|step| *step >= rough).unwrap_or(rough);
    let first = (f64::from(low) / step).ceil() as i64;
    let last = (f64::from(high) / step).floor() as i64;
    (first..=last).take(8).map(|i| ((i as f64 * step) as f32, step)).collect()
}

/// The ground of a plot with lines at the ticks, their numbers and the unit at its left.
fn plot_ground(ui: &Ui, rect: Rect, ticks: &[(f32, &str)], (low, high): (f32, f32), unit: &str) {
    let p = Palette::of(ui);
    ui.painter().rect_filled(rect, CornerRadius::same(2), p.plot);
    // Numbers stand within the height of the plot, which has to have room for one.
    for (at, text) in ticks.iter().filter(|_| rect.height() > 12.0) {
        let y = rect.bottom() - rect.height() * (at - low) / (high - low).max(f32::MIN_POSITIVE);
        ui.painter().hline(rect.x_range(), y, Stroke::new(1.0, p.grid));
        let at = pos2(rect.left() - 6.0, y.clamp(rect.top() + 5.0, rect.bottom() - 5.0));
        ui.painter().text(at, Align2::RIGHT_CENTER, text, Type::Caption.font(), p.text_faint);
    }
    if rect.height() > 48.0 {
        let galley = ui.painter().layout_no_wrap(unit.to_owned(), Type::Caption.font(), p.text_faint);
        let at = pos2(rect.left() - GUTTER + 2.0, rect.center().y + galley.size().x / 2.0);
        let shape = eframe::egui::epaint::TextShape::new(at, galley, p.text_faint).with_angle(-std::f32::consts::FRAC_PI_2);
        ui.painter().add(shape);
    }
}

/// What a plot shows, for who cannot see it.
fn told(ui: &Ui, rect: Rect, id: &str, words: &str) {
    let response = ui.interact(rect, ui.scope_id().with(id), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words));
}

fn times_ui(ui: &Ui, rect: Rect, seconds: f64) {
    let p = Palette::of(ui);
    let step = if seconds > 10.0 { 4.0 } else { 1.0 };
    for i in 0..=(seconds / step) as u32 {
        let before = f64::from(i) * step;
        let x = rect.right() - rect.width() * (before / seconds) as f32;
        let text = if i == 0 { "now".to_owned() } else { format!("−{before} s") };
        let align = match x {
            x if x > rect.right() - 16.0 => Align2::RIGHT_TOP,
            x if x < rect.left() + 16.0 => Align2::LEFT_TOP,
            _ => Align2::CENTER_TOP,
        };
        ui.painter().text(pos2(x, rect.top() + 2.0), align, text, Type::Caption.font(), p.text_faint);
    }
}

/// Clips of the session, made and under way.
fn clips_ui(_: PanelCtx<'_>, seen: &Seen, track: &Track, span: &Span, rect: Rect, ui: &Ui) {
    let p = Palette::of(ui);
    let Some(cutter) = seen.cutter.as_ref().filter(|cutter| cutter.plan.sensor == track.info().id) else { return };
    let painter = ui.painter_at(rect);
    let made = cutter.made.iter().map(|made| (made.span, Some(made.label.as_str())));
    for ((start, end), label) in made.chain(cutter.waiting.iter().map(|&span| (span, None))) {
        if end < span.first() || start > span.end() {
            continue;
        }
        let area = Rect::from_min_max(pos2(span.x(rect, start), rect.top()), pos2(span.x(rect, end), rect.bottom()));
        painter.rect(area, CornerRadius::ZERO, p.accent_soft, Stroke::new(1.0, p.accent_line), StrokeKind::Inside);
        if let Some(label) = label {
            painter.text(area.left_bottom() + vec2(4.0, -3.0), Align2::LEFT_BOTTOM, label, Type::Caption.font(), p.accent_text);
        }
    }
}

/// Where instants are missing.
fn gaps_ui(ui: &Ui, track: &Track, span: &Span, rect: Rect) {
    let p = Palette::of(ui);
    let painter = ui.painter_at(rect);
    let shown: Vec<_> = track.gaps.iter().filter(|gap| gap.at > span.first() && gap.at < span.end()).collect();
    let mut taken = rect.left();
    for (i, gap) in shown.iter().enumerate() {
        let x = span.x(rect, gap.at);
        let bar = Rect::from_min_max(pos2(x - 2.0, rect.top()), pos2(x + 2.0, rect.bottom()));
        painter.rect_filled(bar, CornerRadius::ZERO, p.red.gamma_multiply(0.6));
        let ms = gap.missing as f64 * 1000.0 / track.info().rate_hz;
        let words = format!("gap, {ms:.0} ms, {} lost", units::exact(gap.missing));
        let galley = painter.layout_no_wrap(words, Type::Caption.font(), p.red);
        // Beside the bar where there is room, so that the words of near gaps do not lie over each other.
        let room = shown.get(i + 1).map_or(rect.right(), |next| span.x(rect, next.at) - 2.0);
        let (size, y) = (galley.size(), rect.bottom() - 3.0 - galley.size().y);
        let left = if x + 5.0 + size.x <= room { x + 5.0 } else { x - 5.0 - size.x };
        if left >= taken {
            painter.galley(pos2(left, y), galley, p.red);
            taken = left + size.x + 4.0;
        }
        taken = taken.max(x + 4.0);
    }
}

/// How things are, and what to say or do, in its colour.
fn prompt(seen: &Seen, is_sound: bool, p: &Palette) -> (String, String, Color32) {
    let plain = |caption: &str, words: &str, colour| (caption.to_owned(), words.to_owned(), colour);
    let cutter = match (&seen.link, &seen.cutter) {
        (Link::Failed(_), _) => return plain("gone", "The input is gone: see Sources", p.red),
        (Link::Away, Some(_)) => return plain("away", "Plug it in again, it goes on", p.amber),
        (Link::Away, None) => return plain("away", "Plug it in again", p.amber),
        (_, None) => return plain("ready", "Say what to record at the left", p.text_weak),
        (_, Some(cutter)) => cutter,
    };
    match (cutter.session.now(), cutter.is_paused) {
        (None, _) => plain("done", "All clips are there", p.accent_text),
        (Some(now), true) => plain("paused", &now.label, p.text_weak),
        (Some(now), false) => {
            let caption = cutter.counts_down_s().map_or_else(|| "now".to_owned(), |s| format!("in {:.0} s", s.ceil()));
            let verb = if is_sound { "Say" } else { "Make" };
            (caption, format!("{verb} “{}”", now.label), p.accent_text)
        }
    }
}

/// What to say or do, how many there are, how loud it is.
fn prompt_ui(cx: PanelCtx<'_>, seen: &Seen, rect: Rect, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.painter().rect_filled(rect, CornerRadius::ZERO, p.raised);
    let inner = rect.shrink2(vec2(14.0, 8.0));
    let third = inner.width() / 3.0;
    let sensor = cx.session.capture.sensor_of(&seen.board.sensors);
    let is_sound = sensor.as_ref().is_none_or(|sensor| sensor.kind == Kind::Audio);
    let (caption, words, colour) = prompt(seen, is_sound, p);
    let left = Rect::from_min_size(inner.min, vec2(third * 1.3, inner.height()));
    ui.painter().text(left.min, Align2::LEFT_TOP, caption.to_uppercase(), Type::Caption.font(), p.text_faint);
    let big = if seen.cutter.is_some() { Type::Figure } else { Type::BodyMedium };
    text_in(ui, Rect::from_min_max(left.min + vec2(0.0, 14.0), left.max), false, &words, big, colour);
    let response = ui.interact(left, ui.scope_id().with("prompt"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{caption}: {words}")));
    let middle = Rect::from_min_size(pos2(left.right() + 8.0, inner.top()), vec2(third * 0.9, inner.height()));
    progress_ui(seen, middle, ui);
    let right = Rect::from_min_max(pos2(middle.right() + 12.0, inner.top()), inner.max);
    level_ui(cx, seen, sensor.as_ref().and_then(|sensor| seen.track(sensor.id)), right, ui);
}

fn progress_ui(seen: &Seen, rect: Rect, ui: &Ui) {
    let p = Palette::of(ui);
    let Some(cutter) = &seen.cutter else { return };
    let prompts = cutter.session.prompts();
    let (done, wanted) = prompts.iter().fold((0, 0), |(done, wanted), prompt| (done + prompt.done, wanted + prompt.wanted));
    let now = cutter.session.now();
    let words = now.map_or_else(|| format!("{done} of {wanted}"), |now| format!("{} of {}", now.done + 1, now.wanted));
    text_in(ui, Rect::from_min_size(rect.min, vec2(rect.width(), 18.0)), false, &words, Type::BodyMedium, p.text);
    let all = format!("{done} of {wanted} in all");
    text_in(ui, Rect::from_min_size(rect.min, vec2(rect.width(), 18.0)), true, &all, Type::Caption, p.text_weak);
    let (of_done, of_wanted) = now.map_or((done, wanted), |now| (now.done, now.wanted));
    let n = of_wanted.min(40);
    let width = rect.width() / n.max(1) as f32;
    for i in 0..n {
        let at = Rect::from_min_size(pos2(rect.left() + width * i as f32, rect.top() + 26.0), vec2((width - 2.0).max(1.0), 7.0));
        let colour = match i * of_wanted / n.max(1) {
            i if i < of_done => p.accent,
            i if i == of_done && !cutter.waiting.is_empty() => p.text,
            _ => p.control_hover,
        };
        ui.painter().rect_filled(at, CornerRadius::same(1), colour);
    }
}

/// How loud it is now, and how loud it was at most in the last second; where clips begin.
fn level_ui(cx: PanelCtx<'_>, seen: &Seen, track: Option<&Track>, rect: Rect, ui: &Ui) {
    const QUIETEST_DB: f32 = -60.0;
    let p = Palette::of(ui);
    let Some(track) = track.filter(|_| rect.width() > 60.0) else { return };
    let (end, rate) = (track.ring.end(), track.info().rate_hz);
    let recent = |seconds: f64| track.ring.values(end.saturating_sub((rate * seconds) as u64), end);
    let top = Rect::from_min_size(rect.min, vec2(rect.width(), 16.0));
    text_in(ui, top, false, "level", Type::Caption, p.text_weak);
    let bar = Rect::from_min_size(rect.min + vec2(0.0, 22.0), vec2(rect.width(), 10.0));
    let starts = cx.session.capture.settings.plan(track.info()).start;
    let starts = if let Start::Level(level) = seen.cutter.as_ref().map_or(starts, |cutter| cutter.plan.start) {
        Some(level)
    } else {
        None
    };
    let (now, peak, threshold, words) = if track.info().kind == Kind::Audio {
        let share = |level: f32| ((decibels(level) - QUIETEST_DB) / -QUIETEST_DB).clamp(0.0, 1.0);
        let (now, peak) = (Level::of(recent(0.05)), Level::of(recent(1.0)));
        let clipped = if peak.clipped > 0 { ", clipped" } else { "" };
        (share(now.rms), share(peak.peak), starts.map(share), format!("peak {:.1} dB{clipped}", peak.peak_db()))
    } else {
        let (now, peak) = motion(track);
        let most = starts.unwrap_or(peak).max(f32::MIN_POSITIVE) * 4.0;
        let share = |level: f32| (level / most).clamp(0.0, 1.0);
        let unit = track.info().channels.first().map_or("", |channel| channel.unit.as_str());
        (share(now), share(peak), starts.map(share), format!("moves {now:.2} {unit}"))
    };
    text_in(ui, top, true, &words, Type::Caption, p.text_weak);
    let (segments, gap) = (30, 1.0);
    let width = bar.width() / segments as f32;
    for i in 0..segments {
        let at = Rect::from_min_size(pos2(bar.left() + width * i as f32, bar.top()), vec2((width - gap).max(1.0), bar.height()));
        let part = (i as f32 + 0.5) / segments as f32;
        let colour = if part <= now { p.accent } else { p.control_hover };
        ui.painter().rect_filled(at, CornerRadius::ZERO, colour);
    }
    let mark = |share: f32, colour: Color32| {
        let x = bar.left() + bar.width() * share;
        ui.painter().vline(x, bar.expand2(vec2(0.0, 2.0)).y_range(), Stroke::new(1.5, colour));
    };
    mark(peak, p.text);
    if let Some(threshold) = threshold {
        mark(threshold, p.amber);
    }
}

/// How much a sensor moves: root mean square about its mean over the newest tenth of a second, and the most of the last second.
fn motion(track: &Track) -> (f32, f32) {
    let (end, rate) = (track.ring.end(), track.info().rate_hz);
    let n_channels = track.info().channels.len().max(1);
    let n = n_heard(track.info());
    let values = track.ring.values(end.saturating_sub(rate as u64), end);
    let means: Vec<f32> =
        (0..n).map(|channel| Level::of(values.iter().skip(channel).step_by(n_channels).copied()).mean).collect();
    let level = |part: &[f32]| {
        let off = part.chunks_exact(n_channels).flat_map(|row| row.iter().zip(&means).map(|(value, mean)| value - mean));
        Level::of(off).rms
    };
    let tenth = ((rate / 10.0) as usize).max(1) * n_channels;
    let peak = values.chunks(tenth).map(level).fold(0.0, f32::max);
    (level(&values[values.len().saturating_sub(tenth)..]), peak)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks(-1.0, 1.0).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert!(ticks(9.0, 10.5).iter().all(|(at, _)| (9.0..=10.5).contains(at)));
        assert!(!ticks(1e-3, 2e-3).is_empty());
    }
}
