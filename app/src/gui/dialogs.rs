//! Asking the user for a file or a folder. The window says what is [`Wanted`]; who picks is handed to it, so that tests can pick
//! too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rfd::FileDialog;

/// A file or folder that the user is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A model, a project or a data set.
    OpenFile,
    /// A data set.
    OpenData,
    /// Where to write the project, suggested as this file.
    SaveProject(PathBuf),
    /// Where to write the export.
    ExportFolder,
    /// Where to write a picture, suggested under this name.
    SavePicture(String),
}

/// Picks what is wanted, or nothing. It returns once that is decided, so it runs on a thread of its own.
pub type Picker = Arc<dyn Fn(&Wanted) -> Option<PathBuf> + Send + Sync>;

/// Picks with the dialogs of the system.
pub fn native(wanted: &Wanted) -> Option<PathBuf> {
    match wanted {
        Wanted::OpenFile => open_file(),
        Wanted::OpenData => FileDialog::new().set_title("Choose data").add_filter("Data", &["npz", "npy"]).pick_file(),
        Wanted::SaveProject(suggested) => save_project(suggested),
        Wanted::ExportFolder => FileDialog::new().set_title("Choose a folder for the export").pick_folder(),
        Wanted::SavePicture(name) => save_picture(name),
    }
}

fn open_file() -> Option<PathBuf> {
    let dialog = FileDialog::new()
        .set_title("Open a model, a project or a data set")
        .add_filter("All that Tinsmith opens", &["tflite", "ron", "npz", "npy"])
        .add_filter("Models", &["tflite"])
        .add_filter("Projects", &["ron"])
        .add_filter("Data", &["npz", "npy"]);
    dialog.pick_file()
}

fn save_project(suggested: &Path) -> Option<PathBuf> {
    let mut dialog = FileDialog::new().set_title("Save the project").add_filter("Projects", &["ron"]);
    if let Some(folder) = suggested.parent() {
        dialog = dialog.set_directory(folder);
    }
    if let Some(name) = suggested.file_name() {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    dialog.save_file()
}

fn save_picture(name: &str) -> Option<PathBuf> {
    let extension = name.rsplit('.').next().unwrap_or_default();
    FileDialog::new().set_title("Save the picture").set_file_name(name).add_filter("Pictures", &[extension]).save_file()
}
