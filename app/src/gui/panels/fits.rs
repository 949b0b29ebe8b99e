//! Whether the candidate fits the board: flash and RAM by section against what the board has, and the plan of the arena.

use eframe::egui::{
    Align, Align2, Color32, CornerRadius, Frame, Layout, Margin, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2,
    vec2,
};
use tinsmith_core::measure::StaticFigures;

use super::memory;
use crate::gui::command::Shown;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::plots::View;
use crate::gui::room::LEAST_WORDS;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{Known, badge, empty_state, known, known_briefly, panel_header, rule, text_in};

/// The least height of the plan of the arena; below, the panel scrolls.
const PLAN: f32 = 168.0;
const BAR: f32 = 20.0;

/// A part of the memory.
struct Section {
    name: &'static str,
    bytes: u64,
}

/// One of the two memories.
struct Memory {
    name: &'static str,
    sections: Vec<Section>,
    /// What the board has.
    board: u64,
    /// What is not in the sections, in a sentence.
    note: String,
    is_exact: bool,
}

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, view: &mut View, ui: &mut Ui) {
    let device = cx.session.device();
    // While there is no candidate, or B is held.
    let is_source = cx.session.shown_now() == Shown::Source;
    let about = match &device {
        Some(d) if is_source => format!("{}, the source by section", d.name),
        Some(d) => format!("{}, by section", d.name),
        None => "no board".to_owned(),
    };
    let figures = &cx.session.figures;
    let fresh = if is_source { &figures.baseline_static } else { &figures.candidate_static };
    panel_header(ui, "Fits", &about, |ui| {
        // Beside tabs there may be room for the mark alone.
        let show = if ui.available_width() < LEAST_WORDS { known_briefly } else { known };
        show(ui, &fresh.known());
    });
    let (Some(statics), Some(device)) = (cx.session.shown_static(), device) else {
        let why = cx.session.figures.failure.as_deref().unwrap_or("The figures arrive as soon as they are measured.");
        empty_state(ui, icons::MEMORY, "Not measured yet", why, None);
        return;
    };
    ScrollArea::vertical().id_salt("fits").auto_shrink([false, false]).show(ui, |ui| {
        let whole = ui.available_height();
        let top = ui.cursor().top();
        Frame::new().inner_margin(Margin::symmetric(PANEL_PADDING, 10)).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            for memory in memories(statics, device.flash_bytes, device.ram_bytes) {
                memory_ui(&memory, ui);
                ui.add_space(10.0);
            }
        });
        rule(ui);
        let plan = statics.arena.lifetimes.len();
        let words = format!("{plan} tensors, 16-byte aligned");
        panel_header(ui, "Arena plan", &words, |ui| {
            known(ui, if statics.arena.exact { &Known::Exact } else { &Known::Estimate });
        });
        let height = (whole - (ui.cursor().top() - top)).max(PLAN);
        ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
            ui.set_min_height(height);
            memory::timeline_ui(cx, view, ui);
        });
    });
}

fn memories(statics: &StaticFigures, flash: u64, ram: u64) -> [Memory; 2] {
    let section = |name, bytes| Section { name, bytes };
    let (size, arena) = (&statics.size, &statics.arena);
    let set_up = arena.arena_mcu32_bytes.saturating_sub(arena.activations_bytes + arena.persistent_mcu32_bytes);
    [
        Memory {
            name: "Flash",
            sections: vec![
                section("weights", size.weights_bytes),
                section("biases", size.bias_bytes),
                section("graph, scales", size.structure_bytes),
                section("other constants", size.other_constants_bytes),
            ],
            board: flash,
            note:
                "The model. Code is not counted: the runtime and its kernels come on top, and golden samples if they are linked."
                    .to_owned(),
            is_exact: true,
        },
        Memory {
            name: "RAM",
            sections: vec![
                section("activations", arena.activations_bytes),
                section("persistent", arena.persistent_mcu32_bytes),
                section("set-up only", set_up),
            ],
            board: ram,
            note: if arena.exact {
                "The arena with reference kernels. Stack, and scratch of CMSIS-NN or ESP-NN, come on top.".to_owned()
            } else {
                "At least: what kernels unknown here take beside their tensors is left out.".to_owned()
            },
            is_exact: arena.exact,
        },
    ]
}

fn memory_ui(memory: &Memory, ui: &mut Ui) {
    let p = Palette::of(ui);
    let total: u64 = memory.sections.iter().map(|s| s.bytes).sum();
    title_ui(memory, total, ui);
    bar_ui(memory, total, ui);
    let colours = colours(p);
    // Two columns, as in the picture, where there is room.
    let n_columns = if ui.available_width() > 330.0 { 2 } else { 1 };
    let shown: Vec<(usize, &Section)> = memory.sections.iter().enumerate().filter(|(_, s)| s.bytes > 0).collect();
    for line in shown.chunks(n_columns) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
        let width = (rect.width() - 24.0 * (n_columns - 1) as f32) / n_columns as f32;
        for (column, (index, section)) in line.iter().enumerate() {
            let left = rect.left() + column as f32 * (width + 24.0);
            section_ui(ui, Rect::from_min_size(pos2(left, rect.top()), vec2(width, 18.0)), section, colours[index % 4]);
        }
    }
    ui.label(Type::Caption.text(&memory.note, p.text_faint));
}

fn title_ui(memory: &Memory, total: u64, ui: &mut Ui) {
    let p = Palette::of(ui);
    let fits = total <= memory.board;
    let figure = units::bytes(total);
    let board = units::short(&units::bytes(memory.board));
    let words = format!("{} {} of {board}, {}", memory.name, figure.joined(), if fits { "fits" } else { "over" });
    let line = vec2(ui.available_width(), 22.0);
    let response = ui.allocate_ui_with_layout(line, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_height(22.0);
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.spacing_mut().interact_size.y = 0.0;
        ui.label(Type::BodyMedium.text(memory.name, p.text));
        ui.label(Type::FigureSmall.text(&figure.number, p.text));
        ui.label(Type::Small.text(format!("{} of {board}", figure.unit), p.text_weak));
        if fits {
            badge(ui, Some(icons::CHECK), "fits", p.green, p.green_soft);
        } else {
            let over = format!("over {}", units::bytes(total - memory.board).joined());
            badge(ui, Some(icons::X), &over, p.red, p.red_soft);
        }
        if !memory.is_exact {
            ui.label(Type::Caption.text("est.", p.amber));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let share = total as f64 / memory.board.max(1) as f64;
            if ui.available_width() > 170.0 {
                let (rect, _) = ui.allocate_exact_size(vec2(72.0, 4.0), Sense::hover());
                ui.painter().rect_filled(rect, CornerRadius::same(2), p.plot);
                let width = (rect.width() * share.min(1.0) as f32).max(1.5);
                let colour = if fits { p.accent } else { p.red };
                ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(width, 4.0)), CornerRadius::same(2), colour);
            }
            if ui.available_width() > 90.0 {
                ui.label(Type::Caption.text(format!("{} of the board", units::percent(share).joined()), p.text_weak));
            }
        });
    });
    response.response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
}

/// Section after section over a scale in round numbers; the end of the board where it is in reach.
fn bar_ui(memory: &Memory, total: u64, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), BAR + 18.0), Sense::hover());
    let track = Rect::from_min_size(rect.min, vec2(rect.width(), BAR));
    ui.painter().rect_filled(track, CornerRadius::same(2), p.plot);
    let reach = if total > memory.board || memory.board < 2 * total { total.max(memory.board) } else { total };
    let (step, n) = round_steps(reach);
    let whole = (step * n as u64).max(1);
    let x = |bytes: u64| track.left() + track.width() * bytes as f32 / whole as f32;
    let colours = colours(p);
    let mut at = 0;
    for (i, section) in memory.sections.iter().enumerate().filter(|(_, s)| s.bytes > 0) {
        let part = Rect::from_min_max(pos2(x(at), track.top()), pos2(x(at + section.bytes).max(x(at) + 1.5), track.bottom()));
        let gap = if part.width() > 4.0 { 1.0 } else { 0.0 };
        let shown = Rect::from_min_max(part.min, part.max - vec2(gap, 0.0));
        ui.painter().rect_filled(shown, CornerRadius::same(2), colours[i % 4]);
        let response = ui.interact(part, ui.scope_id().with((memory.name, section.name)), Sense::hover());
        let words = format!("{} {}: {} bytes", memory.name, section.name, units::exact(section.bytes));
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
        response.on_hover_text(words);
        at += section.bytes;
    }
    if memory.board <= whole {
        let colour = if total > memory.board { p.red } else { p.text_weak };
        ui.painter().vline(x(memory.board), track.y_range(), Stroke::new(1.5, colour));
    }
    // Fewer marks where they would run into each other.
    let every = if track.width() / n as f32 > 44.0 { 1 } else { 2 };
    for i in (0..=n).step_by(every) {
        let bytes = step * i as u64;
        let unit = if i + every > n { units::bytes(whole).unit } else { "" };
        let words = format!("{} {unit}", short(bytes, whole));
        let align = if i == 0 {
            Align2::LEFT_TOP
        } else if i == n {
            Align2::RIGHT_TOP
        } else {
            Align2::CENTER_TOP
        };
        ui.painter().text(pos2(x(bytes), track.bottom() + 3.0), align, words.trim_end(), Type::Caption.font(), p.text_faint);
    }
}

/// A mark in the unit of the last one.
fn short(bytes: u64, whole: u64) -> String {
    if bytes == 0 {
        return "0".to_owned();
    }
    let number = units::in_unit_of(bytes as f64, &units::bytes(whole));
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number }
}

/// Steps of a round number of bytes that reach a little beyond `bytes`: how long, and how many.
fn round_steps(bytes: u64) -> (u64, usize) {
    let mut step = 16u64;
    while step * 5 < bytes + bytes / 16 {
        step *= 2;
    }
    let n = (bytes + bytes / 16).div_ceil(step).max(1);
    (step, n as usize)
}

fn section_ui(ui: &Ui, rect: Rect, section: &Section, colour: Color32) {
    let p = Palette::of(ui);
    let square = Rect::from_center_size(pos2(rect.left() + 4.0, rect.center().y), vec2(8.0, 8.0));
    ui.painter().rect_filled(square, CornerRadius::same(2), colour);
    let cell = |left: f32, right: f32| Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
    // Where there is no room for them, the bytes are on the bar's part.
    let has_room = rect.width() >= 250.0;
    let exact = if has_room { rect.right() - 76.0 } else { rect.right() };
    text_in(ui, cell(rect.left() + 16.0, exact - 62.0), false, section.name, Type::Small, p.text_weak);
    text_in(ui, cell(exact - 58.0, exact), true, &units::bytes(section.bytes).joined(), Type::Small, p.text);
    if has_room {
        let bytes = format!("{} B", units::exact(section.bytes));
        text_in(ui, cell(exact + 4.0, rect.right()), true, &bytes, Type::Small, p.text_faint);
    }
}

/// Colours of sections, which mean nothing else.
fn colours(p: &Palette) -> [Color32; 4] {
    [p.accent, p.series[0], p.series[1], p.series[2]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_reach_beyond_the_bytes() {
        for bytes in [0, 1, 15, 1024, 19_864, 93_800, 8 << 20, 1 << 33] {
            let (step, n) = round_steps(bytes);
            assert!(step.is_power_of_two() && step * n as u64 >= bytes && n <= 5, "{bytes}: {n} steps of {step}");
        }
    }
}
