//! The files that an export would write, and the text of one of them, before anything is written.

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Align, Color32, FontId, Frame, Layout, Margin, Rect, Role, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use tinsmith_core::preview::Target;

use crate::gui::c_words::{Word, words};
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::on_demand::Need;
use crate::gui::theme::{PANEL_PADDING, Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{empty_state, header_line, icon_button, select, text_in};
use crate::worker::DryFile;

/// Width of the list of files.
const LIST: f32 = 228.0;
/// Narrower panels choose the file from a drop-down.
const NARROW: f32 = 440.0;
const LINE: f32 = 19.0;
const ROW: f32 = 22.0;
/// Bytes in a line of a file that is no text.
const HEX: usize = 16;

/// The panel's view state.
#[derive(Debug, Default)]
pub struct FilesPanel {
    /// Name of the file that is read.
    chosen: String,
}

impl FilesPanel {
    /// Shows the panel.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        cx.send(Command::Need(Need::DryRun));
        let files = shown_files(cx);
        if !files.iter().any(|f| f.name == self.chosen) {
            // A header says most of what there is to know; of a whole project, its README.
            let tells = |f: &&&DryFile| f.name.ends_with(".h") || f.name.ends_with("README.md");
            let first = files.iter().find(tells).or(files.first());
            self.chosen = first.map_or_else(String::new, |f| f.name.clone());
        }
        let is_narrow = ui.available_width() < NARROW;
        self.header_ui(&files, is_narrow, ui);
        if files.is_empty() {
            let export = &cx.session.on_demand;
            let words = match (&cx.session.figures.failure, &export.dry_run.value) {
                (Some(why), _) => why.as_str(),
                (None, None) => "They are made as soon as the candidate is.",
                (None, Some(_)) => "Switch on a target to see what it would write.",
            };
            empty_state(ui, icons::FILE_CODE, "No files", words, None);
            return;
        }
        let all = ui.available_rect_before_wrap();
        ui.advance_cursor_after_rect(all);
        let content = if is_narrow {
            all
        } else {
            let (list, content) = all.split_left_right_at_x(all.left() + LIST);
            self.list_ui(cx, &files, list, ui);
            let p = Palette::of(ui);
            ui.painter().vline(content.left(), content.y_range(), eframe::egui::Stroke::new(1.0, p.line));
            content
        };
        if let Some(file) = files.iter().find(|f| f.name == self.chosen) {
            let p = Palette::of(ui);
            ui.painter().rect_filled(content, 0.0, p.sunken);
            ui.scope_builder(UiBuilder::new().max_rect(content), |ui| content_ui(file, ui));
        }
    }

    fn header_ui(&mut self, files: &[&DryFile], is_narrow: bool, ui: &mut Ui) {
        let p = Palette::of(ui);
        let bytes: u64 = files.iter().map(|f| f.bytes.len() as u64).sum();
        let about =
            if files.is_empty() { String::new() } else { format!("{}, {}", count(files.len()), units::bytes(bytes).joined()) };
        header_line(ui, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let file = files.iter().find(|f| f.name == self.chosen);
                if let Some(file) = file.filter(|f| f.lines.is_some())
                    && icon_button(ui, icons::COPY, "Copy the file").clicked()
                {
                    ui.ctx().copy_text(String::from_utf8_lossy(&file.bytes).into_owned());
                }
                if is_narrow && !files.is_empty() {
                    let options: Vec<(String, &str)> = files.iter().map(|f| (f.name.clone(), f.name.as_str())).collect();
                    let width = (ui.available_width() - 48.0).clamp(60.0, 180.0);
                    select(ui, "File shown", &mut self.chosen, &options, width);
                } else if let Some(file) = file {
                    ui.label(Type::Small.text(&file.name, p.text_weak));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.label(Type::SmallTitle.text("Files", p.text));
                    if !is_narrow {
                        ui.label(Type::Small.text(about, p.text_weak));
                    }
                });
            });
        });
    }

    fn list_ui(&mut self, cx: PanelCtx<'_>, files: &[&DryFile], list: Rect, ui: &mut Ui) {
        ui.scope_builder(UiBuilder::new().max_rect(list), |ui| {
            ScrollArea::vertical().id_salt("files").auto_shrink([false, false]).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.add_space(6.0);
                folder_row(ui, &cx.session.export_name());
                let mut folder = "";
                for file in files {
                    let own = file.name.rsplit_once('/').map_or("", |(folder, _)| folder);
                    if own != folder {
                        folder = own;
                        folder_row(ui, own);
                    }
                    if file_row(ui, file, file.name == self.chosen) {
                        self.chosen.clone_from(&file.name);
                    }
                }
            });
        });
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 file".to_owned() } else { format!("{n} files") }
}

/// The files of the targets that are switched on.
fn shown_files(cx: PanelCtx<'_>) -> Vec<&DryFile> {
    let on_demand = &cx.session.on_demand;
    let is_on = |target: &Target| on_demand.export.targets.contains(target);
    let targets = on_demand.dry_run.value.as_deref().map(|d| d.targets.as_slice()).unwrap_or_default();
    targets.iter().filter(|(target, _)| is_on(target)).filter_map(|(_, files)| files.as_ref().ok()).flatten().collect()
}

fn icon_at(ui: &Ui, x: f32, row: Rect, icon: &str, colour: Color32) {
    let at = pos2(x, row.center().y);
    ui.painter().text(at, eframe::egui::Align2::CENTER_CENTER, icon, Type::IconSmall.font(), colour);
}

/// The folder of the files below it.
fn folder_row(ui: &mut Ui, name: &str) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(LIST, ROW), Sense::hover());
    icon_at(ui, rect.left() + 16.0, rect, icons::FOLDER_OPEN, p.text_weak);
    let place = Rect::from_min_max(pos2(rect.left() + 30.0, rect.top()), rect.max);
    text_in(ui, place, false, name, Type::Small, p.text);
}

/// True if it was clicked.
fn file_row(ui: &mut Ui, file: &DryFile, is_chosen: bool) -> bool {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(LIST, ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::TreeItem, true, is_chosen, format!("File {}", file.name)));
    if is_chosen {
        ui.painter().rect_filled(rect, 0.0, p.accent_soft);
    } else if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 0.0, p.raised);
    }
    let (icon, kind, ink) = match (is_chosen, file.lines.is_some()) {
        (true, _) => (icons::FILE, Type::SmallTitle, p.accent_text),
        (false, true) => (icons::FILE, Type::Small, p.text_weak),
        (false, false) => (icons::PACKAGE, Type::Small, p.text_weak),
    };
    icon_at(ui, rect.left() + 34.0, rect, icon, ink);
    let size = Rect::from_min_max(pos2(rect.right() - 64.0, rect.top()), pos2(rect.right() - 10.0, rect.bottom()));
    let name = Rect::from_min_max(pos2(rect.left() + 48.0, rect.top()), pos2(size.left() - 4.0, rect.bottom()));
    text_in(ui, name, false, file.name.rsplit('/').next().unwrap_or_default(), kind, ink);
    text_in(ui, size, true, &units::bytes(file.bytes.len() as u64).joined(), Type::Caption, p.text_faint);
    response.on_hover_text(format!("{}, {} bytes", file.name, units::exact(file.bytes.len() as u64))).clicked()
}

/// The text with line numbers, or the bytes; only what is in view is laid out.
fn content_ui(file: &DryFile, ui: &mut Ui) {
    let p = Palette::of(ui);
    let code = FontId::new(11.5, Type::Mono.font().family);
    let n_lines = file.lines.as_ref().map_or_else(|| file.bytes.len().div_ceil(HEX) + 2, Vec::len);
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    Frame::new().inner_margin(Margin { left: 0, right: 0, top: 6, bottom: 0 }).show(ui, |ui| {
        ScrollArea::both().id_salt(("content", &file.name)).auto_shrink([false, false]).show_rows(
            ui,
            LINE,
            n_lines,
            |ui, rows| {
                for row in rows {
                    let line = match &file.lines {
                        Some(_) => code_line(row, file.line(row), &code, p),
                        None => hex_line(file, row, &code, p),
                    };
                    let galley = ui.painter().layout_job(line);
                    let width = galley.size().x + f32::from(PANEL_PADDING) + 24.0;
                    let (rect, _) = ui.allocate_exact_size(vec2(width, LINE), Sense::hover());
                    let y = rect.center().y - galley.size().y / 2.0;
                    ui.painter().galley(pos2(rect.left() + f32::from(PANEL_PADDING), y), galley, p.text);
                }
            },
        );
    });
}

fn line_of(pieces: impl IntoIterator<Item = (String, Color32)>, font: &FontId) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = f32::INFINITY;
    for (text, colour) in pieces {
        job.append(&text, 0.0, TextFormat::simple(font.clone(), colour));
    }
    job
}

fn code_line(row: usize, line: &str, font: &FontId, p: &Palette) -> LayoutJob {
    let number = std::iter::once((format!("{:>5}  ", row + 1), p.text_faint));
    // Fonts have no glyph for a tab.
    let pieces = words(line).into_iter().map(|(word, text)| (text.replace('\t', "    "), word_colour(word, p)));
    line_of(number.chain(pieces), font)
}

fn word_colour(word: Word, p: &Palette) -> Color32 {
    match word {
        Word::Plain => p.text,
        Word::Keyword => p.series[1],
        Word::Number => p.series[0],
        Word::Text => p.accent_text,
        Word::Comment => p.text_faint,
        Word::Directive => p.series[2],
    }
}

/// What the file is, then its bytes: offset, hexadecimal digits, printable characters.
fn hex_line(file: &DryFile, row: usize, font: &FontId, p: &Palette) -> LayoutJob {
    let Some(index) = row.checked_sub(2) else {
        let what = match (row, file.bytes.get(4..8)) {
            (0, Some(b"TFL3")) => {
                format!("TensorFlow Lite model, identifier TFL3, {} bytes", units::exact(file.bytes.len() as u64))
            }
            (0, _) => format!("binary, {} bytes", units::exact(file.bytes.len() as u64)),
            _ => String::new(),
        };
        return line_of([(what, p.text_weak)], font);
    };
    let start = index * HEX;
    let bytes = file.bytes.get(start..(start + HEX).min(file.bytes.len())).unwrap_or_default();
    let mut digits = String::new();
    for i in 0..HEX {
        digits += &bytes.get(i).map_or_else(|| "   ".to_owned(), |b| format!("{b:02x} "));
        digits += if i == HEX / 2 - 1 { " " } else { "" };
    }
    let shown: String = bytes.iter().map(|b| if (0x20..0x7f).contains(b) { char::from(*b) } else { '.' }).collect();
    line_of([(format!("{start:08x}  "), p.text_faint), (digits, p.text), (format!(" {shown}"), p.text_weak)], font)
}
