//! Asking the user for a file or a folder. The window says what is [`Wanted`]; who picks is handed to it, so that tests can pick
//! too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rfd::FileDialog;
use tinsmith_core::formats::suffixes;

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
    /// The folder that clips go into.
    ClipFolder,
    /// A recording that a simulated board plays.
    ListenFile,
    /// Where to write a picture, suggested under this name.
    SavePicture(String),
}

impl Wanted {
    /// What is asked, as the title of a dialog.
    pub fn title(&self) -> &'static str {
        match self {
            Self::OpenFile => "Open a model, a project or a data set",
            Self::OpenData => "Choose data",
            Self::SaveProject(_) => "Save the project",
            Self::ListenFile => "Choose a recording to play",
            Self::ClipFolder => "Choose a folder for clips",
            Self::ExportFolder => "Choose a folder for the export",
            Self::SavePicture(_) => "Save the picture",
        }
    }
}

/// Picks what is wanted, or nothing. It returns once that is decided, so it runs on a thread of its own.
pub type Picker = Arc<dyn Fn(&Wanted) -> Option<PathBuf> + Send + Sync>;

/// Whether the system has dialogs. Without a portal and without `zenity` a Linux has none, and says nothing of it when asked.
pub fn has_native() -> bool {
    if cfg!(not(all(unix, not(target_os = "macos")))) {
        return true;
    }
    let folders = |variable: &str, default: &str| {
        let list = std::env::var_os(variable).filter(|v| !v.is_empty()).unwrap_or_else(|| default.into());
        std::env::split_paths(&list).collect::<Vec<_>>()
    };
    let has_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
        || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists());
    let has_portal = || folders("XDG_DATA_DIRS", "/usr/local/share:/usr/share").iter().any(|f| f.join(PORTAL).exists());
    has_bus && has_portal() || folders("PATH", "").iter().any(|f| f.join("zenity").is_file())
}

/// Where the session bus finds the portal, below a folder of shared data.
/// Source: D-Bus specification, "Message bus starting services".
const PORTAL: &str = "dbus-1/services/org.freedesktop.portal.Desktop.service";

/// Suffixes of samples; the last is that of a data set's index, which stands for its folder.
const DATA: &[&str] = &["npz", "npy", "ron"];

/// Picks with the dialogs of the system.
pub fn native(wanted: &Wanted) -> Option<PathBuf> {
    let dialog = FileDialog::new().set_title(wanted.title());
    match wanted {
        Wanted::OpenFile => open_file(dialog),
        Wanted::OpenData => dialog.add_filter("Data", DATA).pick_file(),
        Wanted::SaveProject(suggested) => save_project(dialog, suggested),
        Wanted::ListenFile => dialog.add_filter("Recordings", &["wav", "csv", "tsv", "txt", "log"]).pick_file(),
        Wanted::ExportFolder | Wanted::ClipFolder => dialog.pick_folder(),
        Wanted::SavePicture(name) => save_picture(dialog, name),
    }
}

fn open_file(dialog: FileDialog) -> Option<PathBuf> {
    let models: Vec<&str> = suffixes().collect();
    let dialog = dialog
        .add_filter("All that Tinsmith opens", &[models.as_slice(), &["ron", "npz", "npy"]].concat())
        .add_filter("Models", &models)
        .add_filter("Projects", &["ron"])
        .add_filter("Data", DATA);
    dialog.pick_file()
}

fn save_project(dialog: FileDialog, suggested: &Path) -> Option<PathBuf> {
    let mut dialog = dialog.add_filter("Projects", &["ron"]);
    if let Some(folder) = suggested.parent() {
        dialog = dialog.set_directory(folder);
    }
    if let Some(name) = suggested.file_name() {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    dialog.save_file()
}

fn save_picture(dialog: FileDialog, name: &str) -> Option<PathBuf> {
    let extension = name.rsplit('.').next().unwrap_or_default();
    dialog.set_file_name(name).add_filter("Pictures", &[extension]).save_file()
}
