//! What can be exported, whether the device can run it, and the one button that writes it.

use eframe::egui::{Align, Button, Frame, Label, Layout, Margin, Rect, ScrollArea, Sense, TextEdit, Ui, UiBuilder, pos2, vec2};
use tinsmith_core::graph::Severity;
use tinsmith_core::preview::Target;

use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::on_demand::{ExportChoice, Need};
use crate::gui::panels::failure;
use crate::gui::panels::status::describe;
use crate::gui::theme::{CONTROL, PANEL_PADDING, Palette, Type};
use crate::gui::units::{self, NONE};
use crate::gui::widgets::{elided, group_title, panel_header, rule, sentence_row, switch, text_in};
use crate::worker::DryFile;

const ROW: f32 = 44.0;
/// Room of the button and the line below it.
const FOOT: f32 = 84.0;

/// So many notes on what a board cannot run are told one by one.
const MAX_NOTES: usize = 24;

/// What a target is for: icon, name, what it is for.
fn about(target: Target) -> (&'static str, &'static str, &'static str) {
    match target {
        Target::Tflite => (icons::FILE, ".tflite", "for TFLM and others"),
        Target::C => (icons::FILE_CODE, "C sources for TFLM", "array, ops, self test"),
        Target::Tinsmith => (icons::FILE, ".tin", "for Tinsmith's own runtime"),
        Target::EspIdf => (icons::CPU, "ESP-IDF project", "ESP32 with sensors and model"),
        Target::Arduino => (icons::CPU, "Arduino sketch", "ESP32 with sensors and model"),
    }
}

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    if cx.session.open.is_none() {
        return;
    }
    cx.send(Command::Need(Need::DryRun));
    let device = cx.session.device().map_or_else(String::new, |d| format!(", for {}", d.name));
    panel_header(ui, "Targets", &format!("{}{device}", describe(cx.session)), |_| {});
    let mut choice = cx.session.on_demand.export.clone();
    let all = ui.available_rect_before_wrap();
    let foot_height = FOOT.min(all.height() / 2.0);
    let (body, foot) = all.split_top_bottom_at_y(all.bottom() - foot_height);
    ui.scope_builder(UiBuilder::new().max_rect(body), |ui| {
        ScrollArea::vertical().id_salt("targets").auto_shrink([false, false]).show(ui, |ui| body_ui(cx, &mut choice, ui));
    });
    let inner = foot.shrink2(vec2(f32::from(PANEL_PADDING), 6.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| foot_ui(cx, &choice, ui));
    ui.advance_cursor_after_rect(all);
    if choice != cx.session.on_demand.export {
        cx.send(Command::ChooseExport(choice));
    }
}

fn body_ui(cx: PanelCtx<'_>, choice: &mut ExportChoice, ui: &mut Ui) {
    ui.spacing_mut().item_spacing.y = 0.0;
    for target in Target::ALL {
        target_ui(cx, target, choice, ui);
    }
    Frame::new().inner_margin(Margin::symmetric(PANEL_PADDING, 8)).show(ui, |ui| {
        rule(ui);
        ui.add_space(8.0);
        group_title(ui, "Options", "", |_| {});
        name_ui(cx, choice, ui);
        ui.add_space(8.0);
        rule(ui);
        ui.add_space(8.0);
        group_title(ui, "Legal on this target", "", |_| {});
        ui.spacing_mut().item_spacing.y = 4.0;
        legal_ui(cx, ui);
    });
}

fn files(cx: PanelCtx<'_>, target: Target) -> Option<&Result<Vec<DryFile>, String>> {
    let dry_run = cx.session.on_demand.dry_run.value.as_deref()?;
    dry_run.targets.iter().find(|(of, _)| *of == target).map(|(_, files)| files)
}

fn target_ui(cx: PanelCtx<'_>, target: Target, choice: &mut ExportChoice, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (icon, name, about) = about(target);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let mut is_on = choice.targets.contains(&target);
    if is_on {
        ui.painter().rect_filled(rect, 0.0, p.accent_soft);
    }
    let inner = rect.shrink2(vec2(f32::from(PANEL_PADDING), 4.0));
    let (icon_ink, ink) = if is_on { (p.accent_text, p.text) } else { (p.text_weak, p.text_weak) };
    ui.painter().text(
        pos2(inner.left() + 8.0, inner.top() + 11.0),
        eframe::egui::Align2::CENTER_CENTER,
        icon,
        Type::Icon.font(),
        icon_ink,
    );
    let at = Rect::from_min_size(pos2(inner.right() - 26.0, inner.top() + 4.0), vec2(26.0, 14.0));
    let mut cell = ui.new_child(UiBuilder::new().max_rect(at).id_salt(name));
    if switch(&mut cell, &mut is_on, &format!("Write {name}")).changed() {
        choice.targets.retain(|t| *t != target);
        if is_on {
            choice.targets.push(target);
            choice.targets.sort_by_key(|t| Target::ALL.iter().position(|other| other == t));
        }
    }
    let (bytes, count) = match files(cx, target) {
        None => (NONE.to_owned(), String::new()),
        Some(Err(_)) => ("cannot".to_owned(), "see below".to_owned()),
        Some(Ok(files)) => {
            let n = files.len();
            (total(files), if n == 1 { "1 file".to_owned() } else { format!("{n} files") })
        }
    };
    let line =
        |y: f32, left: f32, right: f32| Rect::from_min_max(pos2(left, inner.top() + y), pos2(right, inner.top() + y + 18.0));
    let (left, right) = (inner.left() + 24.0, inner.right() - 36.0);
    text_in(ui, line(2.0, left, right - 62.0), false, name, Type::BodyMedium, ink);
    text_in(ui, line(2.0, right - 62.0, right), true, &bytes, Type::Small, p.text_weak);
    text_in(ui, line(19.0, left, right - 54.0), false, about, Type::Caption, p.text_weak);
    text_in(ui, line(19.0, right - 54.0, right), true, &count, Type::Caption, p.text_weak);
}

/// Bytes of these files together.
fn total<'a>(files: impl IntoIterator<Item = &'a DryFile>) -> String {
    units::bytes(files.into_iter().map(|f| f.bytes.len() as u64).sum()).joined()
}

fn name_ui(cx: PanelCtx<'_>, choice: &mut ExportChoice, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(CONTROL);
        let label = ui.label(Type::Small.text("Name", p.text_weak));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut name = choice.name.clone().unwrap_or_else(|| cx.session.export_name());
            let field = TextEdit::singleline(&mut name)
                .font(Type::Small.font())
                .desired_width((ui.available_width() - 16.0).clamp(80.0, 160.0))
                .margin(Margin::symmetric(8, 3))
                .char_limit(64);
            if ui.add(field).labelled_by(label.id).changed() {
                choice.name = Some(name);
            }
        });
    });
}

fn legal_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    if let Some(why) = &cx.session.figures.failure {
        failure::ui(cx, why, ui);
        return;
    }
    let (Some(candidate), Some(statics)) = (cx.session.candidate(), cx.session.figures.candidate_static.value.as_deref()) else {
        ui.label(Type::Small.text("The candidate is still being made.", p.text_faint));
        return;
    };
    let n = candidate.graph.nodes.len();
    let mut stopped: Vec<_> =
        statics.obstacles.iter().filter(|o| o.severity == Severity::Obstacle).filter_map(|o| o.node).collect();
    stopped.sort_unstable();
    stopped.dedup();
    let kernel = if candidate.graph.is_integer() { "an int8 kernel" } else { "a kernel" };
    let words = format!("{} of {n} ops have {kernel} in TFLM", n.saturating_sub(stopped.len()));
    let (icon, colour) = if stopped.is_empty() { (icons::CHECK, p.green) } else { (icons::WARNING, p.amber) };
    sentence_row(ui, icon, colour, &words, false);
    for note in statics.obstacles.iter().take(MAX_NOTES) {
        let (icon, colour) = match note.severity {
            Severity::Info => (icons::INFO, p.text_weak),
            Severity::Warning | Severity::Obstacle => (icons::WARNING, p.amber),
        };
        let node = note.node.and_then(|id| candidate.graph.nodes.get(id.index()));
        if sentence_row(ui, icon, colour, &note.text, node.is_some()).clicked()
            && let Some(node) = node
        {
            cx.send(Command::Select(Some(node.name.clone())));
        }
    }
    if statics.obstacles.len() > MAX_NOTES {
        let words = format!("{} more notes like these.", units::exact((statics.obstacles.len() - MAX_NOTES) as u64));
        sentence_row(ui, icons::INFO, p.text_weak, &words, false);
    }
    for target in Target::ALL {
        if let Some(Err(why)) = files(cx, target) {
            sentence_row(ui, icons::WARNING, p.amber, &format!("{}: {why}", about(target).1), false);
        }
    }
}

fn foot_ui(cx: PanelCtx<'_>, choice: &ExportChoice, ui: &mut Ui) {
    let p = Palette::of(ui);
    let figures = &cx.session.figures;
    let is_ready = figures.candidate.value.is_some() && !figures.candidate.is_stale && figures.failure.is_none();
    let why = match (is_ready, choice.targets.is_empty(), &figures.failure) {
        (_, _, Some(why)) => why.as_str(),
        (false, _, None) => "The candidate is still being made.",
        (true, true, None) => "Switch on what to write.",
        (true, false, None) => "",
    };
    let button = Button::new(Type::Title.text("Export to a folder", p.on_accent)).fill(p.accent);
    let size = vec2(ui.available_width(), 32.0);
    let response = ui.add_enabled_ui(why.is_empty(), |ui| ui.add_sized(size, button)).inner;
    if response.on_disabled_hover_text(why).clicked() {
        cx.send(Command::ChooseExportFolder);
    }
    ui.add_space(2.0);
    match &cx.session.on_demand.exported {
        Some((folder, files)) => {
            let n = files.len();
            let count = if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
            let words = format!("last: {count} to {}", folder.display());
            let short = elided(ui, &words, Type::Caption, p.text_weak, ui.available_width());
            ui.label(short).on_hover_text(format!("{}\n{}", folder.display(), files.join("\n")));
        }
        None if !why.is_empty() => {
            ui.add(Label::new(Type::Caption.text(why, p.text_weak)).truncate());
        }
        None if cx.session.on_demand.dry_run.value.is_none() => {
            ui.label(Type::Caption.text("The files are being made.", p.text_weak));
        }
        None => {
            let n: usize = choice.targets.iter().filter_map(|t| files(cx, *t)?.as_ref().ok()).map(Vec::len).sum();
            let all = choice.targets.iter().filter_map(|t| files(cx, *t)?.as_ref().ok()).flatten();
            let words = format!("{n} {}, {}; nothing exported yet", if n == 1 { "file" } else { "files" }, total(all));
            ui.add(Label::new(Type::Caption.text(words, p.text_weak)).truncate());
        }
    }
}
