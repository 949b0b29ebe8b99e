//! Asking for a file by its path, where the system has no dialogs to ask with.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui::text::{CCursor, CCursorRange};
use eframe::egui::text_edit::TextEditState;
use eframe::egui::{Align, Context, Id, Key, Layout, TextEdit, Ui, vec2};

use crate::gui::dialogs::{Picker, Wanted};
use crate::gui::theme::{Palette, Type};
use crate::gui::widgets::{primary_button, question, text_button};
use crate::worker::Wake;

/// A file that somebody waits for.
struct Question {
    wanted: Wanted,
    answer: Sender<Option<PathBuf>>,
}

/// Asks for one path after another.
pub struct PathPrompt {
    questions: Receiver<Question>,
    /// For pickers.
    asker: Arc<Mutex<Sender<Question>>>,
    open: Option<Open>,
}

/// The question on screen.
struct Open {
    question: Question,
    /// What stands in the field.
    text: String,
    /// Why that will not do. Looked up when it changes: a disk may be slow.
    trouble: Option<&'static str>,
    /// The field had the focus before.
    is_begun: bool,
}

impl Default for PathPrompt {
    fn default() -> Self {
        let (asker, questions) = channel();
        Self { questions, asker: Arc::new(Mutex::new(asker)), open: None }
    }
}

impl PathPrompt {
    /// Picks by asking here; it waits for the answer, so it must not be called on the thread of the window.
    pub fn picker(&self, wake: Wake) -> Picker {
        let asker = Arc::clone(&self.asker);
        Arc::new(move |wanted| {
            let (answer, answered) = channel();
            let question = Question { wanted: wanted.clone(), answer };
            asker.lock().unwrap_or_else(PoisonError::into_inner).send(question).ok()?;
            wake();
            answered.recv().ok().flatten()
        })
    }

    /// Asks, if somebody wants to know. Escape answers with nothing.
    pub fn ui(&mut self, ctx: &Context) {
        if self.open.is_none() {
            self.open = self.questions.try_recv().ok().map(Open::new);
        }
        let Some(open) = &mut self.open else { return };
        let mut answer = None;
        let shown = question(ctx, "path").show(ctx, |ui| answer = open.ui(ui));
        if shown.backdrop_response.clicked() || ctx.input(|i| i.key_pressed(Key::Escape)) {
            answer = Some(None);
        }
        if let Some(answer) = answer {
            // Who asked may have gone.
            let _ = open.question.answer.send(answer);
            self.open = None;
        }
    }
}

/// What stands there is a suggestion: whoever types puts something in its place.
fn select_all(ui: &Ui, field: Id, text: &str) {
    let mut state = TextEditState::load(ui.ctx(), field).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()))));
    state.store(ui.ctx(), field);
}

impl Open {
    fn new(question: Question) -> Self {
        let text = suggestion(&question.wanted);
        let trouble = trouble(&question.wanted, &expanded(&text));
        Self { question, text, trouble, is_begun: false }
    }

    /// The answer, once there is one.
    fn ui(&mut self, ui: &mut Ui) -> Option<Option<PathBuf>> {
        let p = Palette::of(ui);
        ui.set_width(460.0);
        ui.label(Type::FigureSmall.text(self.question.wanted.title(), p.text));
        ui.label(Type::Small.text("This system has no file dialog (xdg-desktop-portal or zenity): type the path.", p.text_weak));
        ui.add_space(4.0);
        let field = ui.add(TextEdit::singleline(&mut self.text).desired_width(f32::INFINITY).font(Type::Mono.font()));
        let field = field.accessible_name("Path");
        if field.changed() {
            self.trouble = trouble(&self.question.wanted, &expanded(&self.text));
        }
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        if ui.memory(|m| m.focused().is_none()) && !entered {
            field.request_focus();
            // What was typed since is not to be lost by the next key.
            if !std::mem::replace(&mut self.is_begun, true) {
                select_all(ui, field.id, &self.text);
            }
        }
        ui.label(Type::Small.text(self.trouble.unwrap_or_default(), p.amber));
        ui.add_space(4.0);
        let is_fine = self.trouble.is_none();
        let mut answer = None;
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 32.0), Layout::right_to_left(Align::Center), |ui| {
            if ui.add_enabled_ui(is_fine, |ui| primary_button(ui, "Take it").clicked()).inner || (entered && is_fine) {
                answer = Some(Some(expanded(&self.text)));
            }
            if text_button(ui, "Cancel").clicked() {
                answer = Some(None);
            }
        });
        answer
    }
}

/// What stands in the field at first.
fn suggestion(wanted: &Wanted) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = match wanted {
        Wanted::OpenFile | Wanted::OpenData | Wanted::ListenFile => {
            return format!("{}{}", here.display(), std::path::MAIN_SEPARATOR);
        }
        Wanted::SaveProject(path) => path.clone(),
        Wanted::ExportFolder => here.join("firmware"),
        Wanted::ClipFolder => here.join("clips"),
        Wanted::SavePicture(name) => here.join(name),
    };
    path.display().to_string()
}

/// The path with `~` for the user's folder.
fn expanded(text: &str) -> PathBuf {
    let text = text.trim();
    match (text.strip_prefix('~'), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest.trim_start_matches(['/', '\\'])),
        _ => PathBuf::from(text),
    }
}

/// Why a path will not do.
fn trouble(wanted: &Wanted, path: &Path) -> Option<&'static str> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    match wanted {
        _ if path.as_os_str().is_empty() => Some("No path yet."),
        Wanted::OpenFile | Wanted::OpenData | Wanted::ListenFile if !path.is_file() => Some("There is no such file."),
        Wanted::OpenFile | Wanted::OpenData | Wanted::ListenFile => None,
        Wanted::ExportFolder | Wanted::ClipFolder if path.is_file() => Some("That is a file, not a folder."),
        Wanted::SaveProject(_) | Wanted::SavePicture(_) if path.is_dir() => Some("That is a folder: add the file's name."),
        _ if folder.is_some_and(|f| !f.is_dir()) => Some("The folder it is in does not exist."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_will_not_do_is_said() {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let (file, absent) = (here.join("Cargo.toml"), here.join("absent").join("file.ron"));
        assert_eq!(trouble(&Wanted::OpenFile, &file), None);
        assert!(trouble(&Wanted::OpenFile, &absent).is_some());
        assert!(trouble(&Wanted::ExportFolder, &file).is_some());
        assert_eq!(trouble(&Wanted::ExportFolder, &here.join("new")), None);
        assert!(trouble(&Wanted::SaveProject(PathBuf::new()), &here).is_some());
        assert!(trouble(&Wanted::SaveProject(PathBuf::new()), &absent).is_some());
        assert_eq!(trouble(&Wanted::SavePicture(String::new()), &here.join("graph.svg")), None);
    }
}
