//! Asking how large the extents are that a model's file leaves open.

use std::path::{Path, PathBuf};

use eframe::egui::{Align, Align2, Context, Key, Label, Layout, Response, ScrollArea, TextEdit, Ui, vec2};
use tinsmith_core::formats::{ImportOptions, OpenExtent};

use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::theme::{Palette, Type};
use crate::gui::units;
use crate::gui::widgets::{primary_button, question, text_button};
use crate::worker::AskedExtent;

const WIDTH: f32 = 420.0;
const FIELD: f32 = 96.0;
/// A model with more open extents than fit is asked for by scrolling.
const MOST_HEIGHT: f32 = 320.0;

/// Asks about one model at a time.
#[derive(Debug, Default)]
pub struct ExtentsPrompt {
    question: Option<Question>,
}

/// The model that is asked about.
#[derive(Debug)]
struct Question {
    path: PathBuf,
    fields: Vec<Field>,
    /// Why the model was not opened with what was said.
    trouble: Option<String>,
    /// It is being opened with what was said.
    is_reading: bool,
}

/// An extent and what stands in its field.
#[derive(Debug)]
struct Field {
    extent: OpenExtent,
    text: String,
    /// It is what the model's project says.
    is_known: bool,
}

/// What the user decided.
enum Answer {
    Open,
    Cancel,
}

impl ExtentsPrompt {
    /// Asks for extents of the model or of the project at `path`. What was already said of the same file stays.
    pub fn ask(&mut self, path: PathBuf, extents: Vec<AskedExtent>) {
        let old = self.question.take().filter(|question| question.path == path);
        let mut fields = old.map_or_else(Vec::new, |question| question.fields);
        fields.retain(|field| extents.iter().all(|asked| asked.extent.name != field.extent.name));
        fields.extend(extents.into_iter().map(|AskedExtent { extent, known }| Field {
            extent,
            text: known.map_or_else(String::new, |value| value.to_string()),
            is_known: known.is_some(),
        }));
        self.question = Some(Question { path, fields, trouble: None, is_reading: false });
    }

    /// Shows why the file was not opened with what was said; whether it was asked about.
    pub fn refuse(&mut self, path: &Path, why: &str) -> bool {
        let Some(question) = self.question.as_mut().filter(|question| question.path == path) else { return false };
        // The title names the file already.
        let why = why.strip_prefix(&format!("{}: ", path.display())).unwrap_or(why);
        (question.trouble, question.is_reading) = (Some(why.to_owned()), false);
        true
    }

    /// Asks no more.
    pub fn forget(&mut self) {
        self.question = None;
    }

    /// Whether an answer is waited for.
    pub fn is_open(&self) -> bool {
        self.question.is_some()
    }

    /// Asks, if there is something to ask. Enter opens, Escape cancels.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ctx: &Context) {
        let Some(asked) = &mut self.question else { return };
        let mut answer = None;
        let shown = question(ctx, "open extents").show(ctx, |ui| answer = asked.ui(ui));
        if shown.backdrop_response.clicked() || ctx.input(|i| i.key_pressed(Key::Escape)) {
            answer = Some(Answer::Cancel);
        }
        match answer {
            // It cannot be called back.
            _ if asked.is_reading => {}
            Some(Answer::Open) => {
                asked.is_reading = true;
                cx.send(Command::OpenWith(asked.path.clone(), asked.said()));
            }
            Some(Answer::Cancel) => self.question = None,
            None => {}
        }
    }
}

impl Question {
    fn ui(&mut self, ui: &mut Ui) -> Option<Answer> {
        let p = Palette::of(ui);
        ui.set_width(WIDTH);
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.add(Label::new(Type::FigureSmall.text(self.title(), p.text)).wrap());
        let why = "On a microcontroller every extent is a number. The batch is 1; what else is open has to be said.";
        ui.add(Label::new(Type::Small.text(why, p.text_weak)).wrap());
        ui.add_space(8.0);
        let entered = self.fields_ui(ui);
        if let Some(trouble) = &self.trouble {
            ui.add_space(4.0);
            ui.label(Type::SmallMedium.text("Not opened with these numbers", p.red));
            ui.add(Label::new(Type::Small.text(trouble, p.text_weak)).wrap());
        }
        ui.add_space(8.0);
        let is_fine = self.fields.iter().all(|field| field.value().is_some());
        let mut answer = None;
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 32.0), Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            let can_open = is_fine && !self.is_reading;
            let open = ui.add_enabled_ui(can_open, |ui| primary_button(ui, "Open")).inner;
            let is_clicked = open.on_disabled_hover_text("Every extent needs a number.").clicked();
            if can_open && (is_clicked || entered) {
                answer = Some(Answer::Open);
            }
            if ui.add_enabled_ui(!self.is_reading, |ui| text_button(ui, "Cancel")).inner.clicked() {
                answer = Some(Answer::Cancel);
            }
            if self.is_reading {
                ui.label(Type::Small.text("reading the file", p.text_weak));
            }
        });
        answer
    }

    /// A line for each extent; whether Enter was pressed in one of them. The first that has no number yet gets the focus.
    fn fields_ui(&mut self, ui: &mut Ui) -> bool {
        let mut entered = false;
        let is_free = ui.memory(|m| m.focused().is_none());
        let first = self.fields.iter().position(|field| field.value().is_none()).unwrap_or(0);
        ScrollArea::vertical().max_height(MOST_HEIGHT).show(ui, |ui| {
            for (i, field) in self.fields.iter_mut().enumerate() {
                let response = field.ui(ui);
                if response.changed() {
                    // It was about other numbers.
                    self.trouble = None;
                }
                entered |= response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                if is_free && i == first && !self.is_reading {
                    response.request_focus();
                }
            }
        });
        entered
    }

    fn title(&self) -> String {
        let name = self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        match self.fields.len() {
            1 => format!("{name} leaves an extent open"),
            n => format!("{name} leaves {n} extents open"),
        }
    }

    fn said(&self) -> ImportOptions {
        let said = |field: &Field| Some((field.extent.name.clone(), field.value()?));
        ImportOptions { dims: self.fields.iter().filter_map(said).collect() }
    }
}

impl Field {
    fn value(&self) -> Option<usize> {
        self.text.trim().parse().ok().filter(|value| ImportOptions::EXTENTS.contains(value))
    }

    fn ui(&mut self, ui: &mut Ui) -> Response {
        let p = Palette::of(ui);
        let OpenExtent { name, place, axis, is_named } = &self.extent;
        let title = if *is_named { name.clone() } else { format!("Axis {axis} of {place}") };
        let place = format!("axis {axis} of {place}");
        let note = match (self.value(), self.text.trim().is_empty()) {
            (None, false) => (format!("1 to {}, without fractions", units::exact(*ImportOptions::EXTENTS.end() as u64)), p.amber),
            _ if self.is_known && *is_named => (format!("{place}, as its project says"), p.text_weak),
            _ if self.is_known => ("as its project says".to_owned(), p.text_weak),
            _ if *is_named => (place.clone(), p.text_weak),
            _ => ("has no name in the file".to_owned(), p.text_weak),
        };
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 40.0), Layout::right_to_left(Align::Center), |ui| {
            let edit = TextEdit::singleline(&mut self.text)
                .hint_text(Type::Small.text("a number", p.text_faint))
                .align(Align2::LEFT_CENTER)
                .char_limit(12)
                .desired_width(FIELD)
                .font(Type::Mono.font());
            let field = ui.add(edit).accessible_name(format!("Extent {name}"));
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.add_space(4.0);
                ui.add(Label::new(Type::BodyMedium.text(title, p.text)).truncate());
                ui.add(Label::new(Type::Caption.text(note.0, note.1)).truncate());
            });
            field
        })
        .inner
    }
}
