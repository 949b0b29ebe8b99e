//! Native file dialogs. Each blocks until it is closed, so it runs on a thread of its own.

use std::path::{Path, PathBuf};

use rfd::FileDialog;
use tinsmith_core::formats::suffixes;

use crate::worker::Picked;

/// A model, a project or a data set.
pub fn open_file() -> Option<Picked> {
    let models: Vec<&str> = suffixes().collect();
    let dialog = FileDialog::new()
        .set_title("Open a model, a project or a data set")
        .add_filter("All that Tinsmith opens", &[models.as_slice(), &["ron", "npz", "npy"]].concat())
        .add_filter("Models", &models)
        .add_filter("Projects", &["ron"])
        .add_filter("Data", &["npz", "npy"]);
    dialog.pick_file().map(Picked::Open)
}

/// A data set.
pub fn open_data() -> Option<Picked> {
    FileDialog::new().set_title("Choose data").add_filter("Data", &["npz", "npy"]).pick_file().map(Picked::Open)
}

/// Where to write the project.
pub fn save_project(suggested: &Path) -> Option<Picked> {
    let mut dialog = FileDialog::new().set_title("Save the project").add_filter("Projects", &["ron"]);
    if let Some(folder) = suggested.parent() {
        dialog = dialog.set_directory(folder);
    }
    if let Some(name) = suggested.file_name() {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    dialog.save_file().map(Picked::SaveAs)
}

/// Where to write the export.
pub fn export_folder() -> Option<Picked> {
    FileDialog::new().set_title("Choose a folder for the export").pick_folder().map(Picked::ExportTo)
}

/// Where to write a picture, suggested as `name`.
pub fn save_picture(name: &str) -> Option<PathBuf> {
    let extension = name.rsplit('.').next().unwrap_or_default();
    FileDialog::new().set_title("Save the picture").set_file_name(name).add_filter("Pictures", &[extension]).save_file()
}
