//! What to type once the files are written: lines that are true for just these files, each to copy.

use eframe::egui::{Align, Frame, Layout, Margin, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::data::Split;
use tinsmith_core::preview::Target;

use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::on_demand::Need;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::widgets::{empty_state, icon_button, panel_header, text_in};
use crate::worker::DryFile;

const LINE: f32 = 24.0;

/// A line to type, or a line of code to add.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Next {
    /// `$` for the shell, nothing for code.
    prompt: &'static str,
    text: String,
    about: &'static str,
}

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    cx.send(Command::Need(Need::DryRun));
    panel_header(ui, "What to type next", "in a shell, then in the firmware", |_| {});
    let lines = lines(cx);
    if lines.is_empty() {
        empty_state(ui, icons::TERMINAL, "Nothing yet", "Lines appear here once there is something to export.", None);
        return;
    }
    ScrollArea::vertical().id_salt("next").auto_shrink([false, false]).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(PANEL_PADDING, 8)).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for line in &lines {
                line_ui(line, ui);
            }
        });
    });
}

fn line_ui(line: &Next, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &line.text));
    response.on_hover_text(format!("{}\n{}", line.text, line.about));
    let cell = |left: f32, right: f32| Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
    text_in(ui, cell(rect.left(), rect.left() + 14.0), false, line.prompt, Type::Mono, p.text_faint);
    // What it does stands beside it where there is room for both.
    let about = if rect.width() > 460.0 { 168.0 } else { 0.0 };
    let button = rect.right() - LINE;
    text_in(ui, cell(rect.left() + 16.0, button - about - 8.0), false, &line.text, Type::Mono, p.text);
    if about > 0.0 {
        text_in(ui, cell(button - about, button - 8.0), false, line.about, Type::Caption, p.text_weak);
    }
    let mut at = ui.new_child(
        eframe::egui::UiBuilder::new()
            .max_rect(cell(button, rect.right()))
            .layout(Layout::left_to_right(Align::Center))
            .id_salt(&line.text),
    );
    let copy = icon_button(&mut at, icons::COPY, &format!("Copy: {}", line.text));
    if copy.clicked() {
        ui.ctx().copy_text(line.text.clone());
    }
}

fn lines(cx: PanelCtx<'_>) -> Vec<Next> {
    let on_demand = &cx.session.on_demand;
    let Some(dry_run) = on_demand.dry_run.value.as_deref() else { return Vec::new() };
    let is_on = |target: &Target| on_demand.export.targets.contains(target);
    let files: Vec<&DryFile> =
        dry_run.targets.iter().filter(|(t, _)| is_on(t)).filter_map(|(_, files)| files.as_ref().ok()).flatten().collect();
    let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
    let folder = on_demand.exported.as_ref().map(|(folder, _)| folder.display().to_string());
    let data = cx.session.open.as_ref().and_then(|o| o.data.as_ref());
    let data = data.filter(|d| d.set.splits.as_ref().is_some_and(|s| s.contains(&Split::Test)));
    let data = data.map(|d| d.path.display().to_string());
    let mut lines: Vec<Next> = folder.iter().map(|f| shell(format!("cd {}", quoted(f)), "")).collect();
    lines.extend(next(&names, data.as_deref()));
    lines.extend(boards(&names, &cx.session.device().map_or_else(String::new, |device| device.id.clone())));
    lines
}

/// What can be done with the projects for boards among these files. `device` is the board that figures are for.
fn boards(names: &[&str], device: &str) -> Vec<Next> {
    let chip = if device.starts_with("esp32") { device.replace('-', "") } else { "esp32".to_owned() };
    let has = |name: &str| names.contains(&name);
    let mut lines = Vec::new();
    if has("esp-idf/CMakeLists.txt") {
        lines.push(shell(format!("(cd esp-idf && idf.py set-target {chip} && idf.py -p PORT flash)"), "ESP-IDF 5.3 or later"));
    }
    if has("TinsmithBoard/TinsmithBoard.ino") {
        let usb = if chip == "esp32" { "" } else { "CDCOnBoot=cdc," };
        let board = format!("esp32:esp32:{chip}:{usb}DebugLevel=none");
        lines.push(shell(format!("arduino-cli compile -u -p PORT -b {board} TinsmithBoard"), "ESP32 core 3.0 or later"));
    }
    if !lines.is_empty() {
        lines.push(shell("tinsmith device monitor PORT".to_owned(), "what the board says"));
    }
    lines
}

fn shell(text: String, about: &'static str) -> Next {
    Next { prompt: "$", text, about }
}

fn code(text: String, about: &'static str) -> Next {
    Next { prompt: "", text, about }
}

/// What can be done with files of these names.
fn next(names: &[&str], data: Option<&str>) -> Vec<Next> {
    let mut lines = Vec::new();
    // Projects for boards keep their model in folders of their own.
    let with = |suffix: &str| names.iter().find(|n| n.ends_with(suffix) && !n.contains('/')).copied();
    if let Some(model) = with(".tflite") {
        let model = quoted(model);
        lines.push(shell(format!("tinsmith inspect {model}"), "layers, MACs, arena"));
        if let Some(data) = data {
            let text = format!("tinsmith evaluate {model} --data {} --split test", quoted(data));
            lines.push(shell(text, "the accuracy of this very file"));
        }
    }
    if let Some(source) = with("_model.c") {
        lines.push(shell(format!("cc -std=c11 -c {}", quoted(source)), "the model, no library needed"));
    }
    if let (Some(source), Some(header)) = (with("_tflm.cc"), with("_model.h")) {
        let name = header.trim_end_matches("_model.h");
        let upper = name.to_ascii_uppercase();
        let includes = ["", "/third_party/flatbuffers/include", "/third_party/gemmlowp"].map(|at| format!("-I \"$TFLM{at}\""));
        // TFLM's structures have another layout without the macro.
        let text = format!("c++ -std=c++17 -DTF_LITE_STATIC_MEMORY {} -c {}", includes.join(" "), quoted(source));
        lines.push(shell(text, "$TFLM: a generated TFLM tree"));
        lines.push(code(format!("#include \"{header}\""), "C or C++"));
        lines.push(code(format!("alignas(16) static uint8_t arena[{upper}_ARENA_BYTES];"), "C++, or C11 with stdalign.h"));
        lines.push(code(format!("{name}_init(arena, sizeof arena);"), "once; 0 if all is well"));
        lines.push(code(format!("{name}_self_test();"), "golden samples that differ: 0"));
    }
    lines
}

/// A path as a shell takes it.
pub fn quoted(path: &str) -> String {
    let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+,:@".contains(c));
    if is_plain { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_only_files_that_are_written() {
        let only_model: Vec<String> = next(&["a.tflite"], None).into_iter().map(|n| n.text).collect();
        assert_eq!(only_model, ["tinsmith inspect a.tflite"]);
        let all = next(&["a.tflite", "a_model.h", "a_model.c", "a_ops.h", "a_tflm.cc"], Some("/my data/x.npz"));
        assert!(all.iter().any(|n| n.text == "tinsmith evaluate a.tflite --data '/my data/x.npz' --split test"));
        assert!(all.iter().any(|n| n.text == "a_self_test();"));
        assert!(next(&[], None).is_empty());
        let project = ["esp-idf/CMakeLists.txt", "esp-idf/main/a_model.c", "TinsmithBoard/TinsmithBoard.ino"];
        assert!(next(&project, None).is_empty());
        assert!(boards(&["a_model.c"], "esp32-s3").is_empty());
        let lines = boards(&project, "esp32-s3");
        assert!(lines[0].text.contains("set-target esp32s3") && lines[1].text.contains("esp32s3:CDCOnBoot=cdc"));
    }

    #[test]
    fn paths_are_quoted_as_a_shell_takes_them() {
        assert_eq!(quoted("/plain/path_1.npz"), "/plain/path_1.npz");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
