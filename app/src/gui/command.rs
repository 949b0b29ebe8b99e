//! The one list of commands: it feeds menus, shortcuts and tooltips, in the order shown.
//!
//! Edits to the model are not here: they are edits to the recipe. Commands open, save, export, select and show.

use std::cell::RefCell;
use std::path::PathBuf;

use eframe::egui::{Key, KeyboardShortcut, Modifiers, ThemePreference};

use super::graph_view::select::Walk;
use super::icons;
use super::picture::{Request, Taken};

/// Something that happens once, at the end of the frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// One of the named actions.
    Do(Action),
    /// Open a model, a project or data.
    OpenPath(PathBuf),
    /// Select a node by name, or nothing.
    Select(Option<String>),
    /// Add a node to the selection, or take it out.
    SelectAlso(String),
    /// Move the selection along an edge.
    Walk(Walk),
    /// Show another graph.
    Show(Shown),
    /// Show this theme.
    SetTheme(ThemePreference),
    /// Stop what the worker is doing.
    Cancel,
    /// Put away the notice at this position.
    Dismiss(usize),
    /// Write the project to this file.
    SaveTo(PathBuf),
    /// Ask where to write the export.
    ChooseExportFolder,
    /// Write the export into this folder.
    ExportTo(PathBuf),
    /// Take the autosaved project, or drop it.
    Recover(bool),
    /// Save what is painted under a name as a picture.
    SavePicture(Request),
    /// The picture that was asked for.
    TakePicture(Box<Taken>),
    /// Say what makes up a figure, or no longer.
    Explain(Option<Quantity>),
}

/// A figure of the strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Flash.
    Size,
    /// Arena.
    Ram,
    /// Multiply-accumulates.
    Macs,
    /// Time of an inference.
    Latency,
    /// Energy of an inference.
    Energy,
    /// Right answers, or agreement with the float model.
    Accuracy,
}

/// Which graph the canvas and the table show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Shown {
    /// The source as it came.
    Source,
    /// What the recipe makes of it.
    #[default]
    Candidate,
}

/// An action with a name, a shortcut and an icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// File dialog for a model, project or data set.
    Open,
    /// Write the project.
    Save,
    /// Write the project under another name.
    SaveAs,
    /// File dialog for a data set.
    ChooseData,
    /// Go on without data.
    RemoveData,
    /// Choose what to write for the firmware.
    Export,
    /// Back to the previous recipe.
    Undo,
    /// Forward again.
    Redo,
    /// Show the whole graph.
    Fit,
    /// From system to light to dark.
    NextTheme,
    /// Find an action or a layer by name.
    Search,
}

impl Action {
    /// All actions in the order in which menus show them.
    pub const ALL: [Self; 11] = [
        Self::Open,
        Self::Save,
        Self::SaveAs,
        Self::ChooseData,
        Self::RemoveData,
        Self::Export,
        Self::Undo,
        Self::Redo,
        Self::Fit,
        Self::NextTheme,
        Self::Search,
    ];

    /// The words on its button.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "Open a file",
            Self::Save => "Save",
            Self::SaveAs => "Save as",
            Self::ChooseData => "Choose data",
            Self::RemoveData => "Remove data",
            Self::Export => "Export",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::Fit => "Fit the graph",
            Self::NextTheme => "Change theme",
            Self::Search => "Search or command",
        }
    }

    /// Its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Open => icons::FOLDER_OPEN,
            Self::Save | Self::SaveAs => icons::FLOPPY_DISK,
            Self::ChooseData => icons::DATABASE,
            Self::RemoveData => icons::X,
            Self::Export => icons::EXPORT,
            Self::Undo => icons::ARROW_U_UP_LEFT,
            Self::Redo => icons::ARROW_U_UP_RIGHT,
            Self::Fit => icons::CORNERS_OUT,
            Self::NextTheme => icons::CIRCLE_HALF,
            Self::Search => icons::MAGNIFYING_GLASS,
        }
    }

    /// Its shortcut.
    pub fn shortcut(self) -> Option<KeyboardShortcut> {
        let control = |key| KeyboardShortcut::new(Modifiers::COMMAND, key);
        let shifted = |key| KeyboardShortcut::new(Modifiers::COMMAND | Modifiers::SHIFT, key);
        match self {
            Self::Open => Some(control(Key::O)),
            Self::Save => Some(control(Key::S)),
            Self::SaveAs => Some(shifted(Key::S)),
            Self::Export => Some(control(Key::E)),
            Self::Undo => Some(control(Key::Z)),
            Self::Redo => Some(control(Key::Y)),
            Self::Fit => Some(KeyboardShortcut::new(Modifiers::NONE, Key::F)),
            Self::Search => Some(control(Key::K)),
            Self::ChooseData | Self::RemoveData | Self::NextTheme => None,
        }
    }
}

/// Where panels leave their commands until the end of the frame.
#[derive(Debug, Default)]
pub struct Commands(RefCell<Vec<Command>>);

impl Commands {
    /// Leaves a command.
    pub fn send(&self, command: Command) {
        self.0.borrow_mut().push(command);
    }

    /// Leaves an action.
    pub fn act(&self, action: Action) {
        self.send(Command::Do(action));
    }

    /// Everything left so far, in order.
    pub fn take(&self) -> Vec<Command> {
        self.0.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actions_share_a_shortcut() {
        for (i, a) in Action::ALL.iter().enumerate() {
            for b in &Action::ALL[i + 1..] {
                assert!(a.shortcut().is_none() || a.shortcut() != b.shortcut(), "{a:?} and {b:?}");
            }
        }
    }
}
