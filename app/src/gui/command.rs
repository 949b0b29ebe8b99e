//! The one list of commands: it feeds menus, palette, shortcuts, tooltips and the help page, in the order shown.
//!
//! Edits to the model are not here: they are edits to the recipe. Commands open, save, export, select and show.

use std::cell::RefCell;
use std::path::PathBuf;

use eframe::egui::{Context, Key, KeyboardShortcut, Modifiers};
use tinsmith_core::data::Layout;
use tinsmith_core::formats::ImportOptions;
use tinsmith_core::preview::progressive::Goal;
use tinsmith_core::recipe::Recipe;

use super::capture::Ask;
use super::graph_view::select::Walk;
use super::icons;
use super::live;
use super::on_demand::{ExportChoice, Need};
use super::picture::{Request, Taken};
use super::session::Session;
use super::settings::Settings;
use super::workspace::{Pane, Workspace};

/// Something that happens once, at the end of the frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// One of the named actions.
    Do(Action),
    /// Open a model, a project or data.
    OpenPath(PathBuf),
    /// Open the same with this said of what the model leaves open.
    OpenWith(PathBuf, ImportOptions),
    /// The samples have their channels here.
    SayLayout(Option<Layout>),
    /// Select a node by name, or nothing.
    Select(Option<String>),
    /// Add a node to the selection, or take it out.
    SelectAlso(String),
    /// Move the selection along an edge.
    Walk(Walk),
    /// Show another graph.
    Show(Shown),
    /// Show source and candidate side by side, or one of them.
    ShowBoth(bool),
    /// Look and move like this.
    Set(Settings),
    /// Put a panel into the workspace, or take it out.
    TogglePane(Pane),
    /// Stop what the worker is doing.
    Cancel,
    /// Put away the notice with this number.
    Dismiss(u64),
    /// Write the project to this file.
    SaveTo(PathBuf),
    /// Ask where to write the export.
    ChooseExportFolder,
    /// Write the export into this folder.
    ExportTo(PathBuf),
    /// Take the autosaved project, or drop it.
    Recover(bool),
    /// What to do with unsaved changes before going on.
    Unsaved(Unsaved),
    /// Save what is painted under a name as a picture.
    SavePicture(Request),
    /// The picture that was asked for.
    TakePicture(Box<Taken>),
    /// Say what makes up a figure, or no longer.
    Explain(Option<Quantity>),
    /// A panel on screen shows this: have it computed. Sent in every frame.
    Need(Need),
    /// What an export writes.
    ChooseExport(ExportChoice),
    /// Compare the candidate on screen with this one.
    CompareWith(Option<Recipe>),
    /// Lower the bits of the recipe step by step while this holds.
    Lower(Goal),
    /// Leave the recipe as it is.
    StopLowering,
    /// Something about recording.
    Capture(Ask),
    /// Something about the live demo.
    Live(live::Ask),
}

/// What to do with unsaved changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// Write them, then go on.
    Save,
    /// Go on without them.
    Discard,
    /// Stay.
    Stay,
}

impl Command {
    /// What a click on a layer asks for: with Ctrl or Shift it joins the selection.
    pub fn select(name: &str, modifiers: Modifiers) -> Self {
        let name = name.to_owned();
        if modifiers.command || modifiers.shift { Self::SelectAlso(name) } else { Self::Select(Some(name)) }
    }
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
    /// The project that comes with the program.
    OpenSample,
    /// Write the project.
    Save,
    /// Write the project under another name.
    SaveAs,
    /// Back to the first page.
    Close,
    /// End the program.
    Quit,
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
    /// The recipe that the model was opened with.
    ResetRecipe,
    /// Select every layer.
    SelectAll,
    /// Select the layer with most weights.
    SelectHeaviest,
    /// Select nothing.
    SelectNone,
    /// A workspace.
    Go(Workspace),
    /// Show the source, or the candidate.
    SwitchGraph,
    /// Source and candidate side by side, or one of them.
    BothGraphs,
    /// Show the whole graph.
    Fit,
    /// Find layers in the graph.
    SearchGraph,
    /// Collapse all blocks of the graph, or expand them.
    ToggleBlocks,
    /// Save the whole graph as a picture.
    SaveGraphSvg,
    /// Save what is in view of the graph as a picture.
    SaveGraphPng,
    /// Find an action or a layer by name.
    Search,
    /// Show the candidate before.
    PreviousCandidate,
    /// Show the next candidate.
    NextCandidate,
    /// What is running and what failed.
    Activity,
    /// The workspace as it came.
    ResetLayout,
    /// From system to light to dark.
    NextTheme,
    /// Text and lines at full strength.
    HighContrast,
    /// Nothing glides.
    ReducedMotion,
    /// Everything larger.
    Larger,
    /// Everything smaller.
    Smaller,
    /// As the system says.
    NormalSize,
    /// The whole screen.
    FullScreen,
    /// All commands with their shortcuts.
    Help,
}

/// Where a menu and the help page list an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Files.
    File,
    /// The recipe and the selection.
    Edit,
    /// What is on screen.
    View,
    /// How it looks.
    Look,
    /// Help.
    Help,
}

impl Group {
    /// All groups in the order in which they are listed.
    pub const ALL: [Self; 5] = [Self::File, Self::Edit, Self::View, Self::Look, Self::Help];

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::File => "Files",
            Self::Edit => "Recipe and selection",
            Self::View => "View",
            Self::Look => "Look",
            Self::Help => "Help",
        }
    }
}

/// Everything about an action that menus, palette, tooltips and help show.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The words on its button.
    pub name: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Where it is listed.
    pub group: Group,
    /// What it does, where the name does not say it all.
    pub what: &'static str,
}

impl Action {
    /// All actions in the order in which menus show them.
    pub const ALL: [Self; 41] = [
        Self::Open,
        Self::OpenSample,
        Self::Save,
        Self::SaveAs,
        Self::ChooseData,
        Self::RemoveData,
        Self::Export,
        Self::Close,
        Self::Quit,
        Self::Undo,
        Self::Redo,
        Self::ResetRecipe,
        Self::SelectAll,
        Self::SelectHeaviest,
        Self::SelectNone,
        Self::Go(Workspace::Model),
        Self::Go(Workspace::Optimize),
        Self::Go(Workspace::Compare),
        Self::Go(Workspace::Data),
        Self::Go(Workspace::Live),
        Self::Go(Workspace::Export),
        Self::SwitchGraph,
        Self::BothGraphs,
        Self::Fit,
        Self::SearchGraph,
        Self::ToggleBlocks,
        Self::SaveGraphSvg,
        Self::SaveGraphPng,
        Self::Search,
        Self::PreviousCandidate,
        Self::NextCandidate,
        Self::Activity,
        Self::ResetLayout,
        Self::NextTheme,
        Self::HighContrast,
        Self::ReducedMotion,
        Self::Larger,
        Self::Smaller,
        Self::NormalSize,
        Self::FullScreen,
        Self::Help,
    ];

    /// Name, icon, group and what it does.
    pub fn about(self) -> About {
        let of = |group, icon, name, what| About { name, icon, group, what };
        use Group::{Edit, File, Help, Look, View};
        match self {
            Self::Open => of(File, icons::FOLDER_OPEN, "Open a file", "A model, a project or a data set"),
            Self::OpenSample => of(File, icons::FOLDER, "Open the sample", "A key word spotter with its own data"),
            Self::Save => of(File, icons::FLOPPY_DISK, "Save", "Writes the project"),
            Self::SaveAs => of(File, icons::FLOPPY_DISK, "Save as", "Writes the project to another file"),
            Self::ChooseData => of(File, icons::DATABASE, "Choose data", "Samples to calibrate and evaluate with"),
            Self::RemoveData => of(File, icons::X, "Remove data", "Goes on without samples"),
            Self::Export => {
                of(File, icons::EXPORT, "Export", "Files for the firmware; asks for the folder in the workspace Export")
            }
            Self::Close => of(File, icons::X, "Close", "Back to the first page"),
            Self::Quit => of(File, icons::X, "Quit", "Ends the program"),
            Self::Undo => of(Edit, icons::ARROW_U_UP_LEFT, "Undo", "Takes back the last edit"),
            Self::Redo => of(Edit, icons::ARROW_U_UP_RIGHT, "Redo", "Brings back what was undone"),
            Self::ResetRecipe => {
                of(Edit, icons::ARROW_COUNTER_CLOCKWISE, "Reset the recipe", "The steps that the model was opened with")
            }
            Self::SelectAll => of(Edit, icons::STACK, "Select all layers", "What is edited then is edited for all"),
            Self::SelectHeaviest => of(Edit, icons::STACK, "Select the heaviest layer", "The one with most weights"),
            Self::SelectNone => of(Edit, icons::STACK, "Select nothing", ""),
            Self::Go(workspace) => of(View, workspace.icon(), workspace.go(), workspace.question()),
            Self::SwitchGraph => of(View, icons::GIT_DIFF, "Switch source and candidate", "Which graph is on screen"),
            Self::BothGraphs => of(View, icons::COLUMNS, "Source and candidate side by side", "Two graphs, or one again"),
            Self::Fit => of(View, icons::CORNERS_OUT, "Fit the graph", "The whole graph in view"),
            Self::SearchGraph => of(View, icons::MAGNIFYING_GLASS, "Search the graph", "By name, kind or figure: macs>100k"),
            Self::ToggleBlocks => {
                of(View, icons::STACK, "Collapse or expand blocks", "Repeated parts of the graph as one box each")
            }
            Self::SaveGraphSvg => of(View, icons::IMAGE, "Save the graph as SVG", "All of it, in its natural size"),
            Self::SaveGraphPng => of(View, icons::IMAGE, "Save the graph as PNG", "What is in view"),
            Self::Search => of(View, icons::MAGNIFYING_GLASS, "Search or command", "Finds commands and layers by name"),
            Self::PreviousCandidate => of(View, icons::CARET_LEFT, "Previous candidate", "Of those that were kept"),
            Self::NextCandidate => of(View, icons::CARET_RIGHT, "Next candidate", "Of those that were kept"),
            Self::Activity => of(View, icons::LIST_BULLETS, "Activity", "What is running and what failed"),
            Self::ResetLayout => of(View, icons::SQUARES_FOUR, "Reset the layout", "The panels of this workspace as they came"),
            Self::NextTheme => of(Look, icons::CIRCLE_HALF, "Change theme", "As the system says, light, dark"),
            Self::HighContrast => of(Look, icons::EYE, "High contrast", "Text and lines at full strength"),
            Self::ReducedMotion => of(Look, icons::PAUSE, "Reduced motion", "Nothing glides or eases"),
            Self::Larger => of(Look, icons::PLUS, "Larger", "Everything on screen"),
            Self::Smaller => of(Look, icons::MINUS, "Smaller", "Everything on screen"),
            Self::NormalSize => of(Look, icons::TEXT_AA, "Normal size", "As large as the system says"),
            Self::FullScreen => of(Look, icons::MONITOR, "Full screen", ""),
            Self::Help => of(Help, icons::QUESTION, "Help", "All commands with their shortcuts"),
        }
    }

    /// The words on its button.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// Its icon.
    pub fn icon(self) -> &'static str {
        self.about().icon
    }

    /// Its shortcut.
    pub fn shortcut(self) -> Option<KeyboardShortcut> {
        let control = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        let shifted = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND | Modifiers::SHIFT, key));
        let plain = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        match self {
            Self::Open => control(Key::O),
            Self::Save => control(Key::S),
            Self::SaveAs => shifted(Key::S),
            Self::ChooseData => shifted(Key::O),
            Self::Export => control(Key::E),
            Self::Close => control(Key::W),
            Self::Quit => control(Key::Q),
            Self::Undo => control(Key::Z),
            Self::Redo => control(Key::Y),
            Self::SelectAll => control(Key::A),
            Self::SelectNone => plain(Key::Escape),
            Self::Go(Workspace::Model) => control(Key::Num1),
            Self::Go(Workspace::Optimize) => control(Key::Num2),
            Self::Go(Workspace::Compare) => control(Key::Num3),
            Self::Go(Workspace::Data) => control(Key::Num4),
            Self::Go(Workspace::Live) => control(Key::Num5),
            Self::Go(Workspace::Export) => control(Key::Num6),
            Self::SwitchGraph => plain(Key::S),
            Self::BothGraphs => plain(Key::D),
            Self::Fit => plain(Key::F),
            Self::Search => control(Key::K),
            Self::Activity => shifted(Key::A),
            Self::Larger => control(Key::Plus),
            Self::Smaller => control(Key::Minus),
            Self::NormalSize => control(Key::Num0),
            Self::FullScreen => plain(Key::F11),
            Self::Help => plain(Key::F1),
            Self::PreviousCandidate => plain(Key::OpenBracket),
            Self::NextCandidate => plain(Key::CloseBracket),
            // The panel itself hears /.
            Self::SearchGraph
            | Self::ToggleBlocks
            | Self::SaveGraphSvg
            | Self::SaveGraphPng
            | Self::OpenSample
            | Self::RemoveData
            | Self::ResetRecipe
            | Self::SelectHeaviest
            | Self::ResetLayout
            | Self::NextTheme
            | Self::HighContrast
            | Self::ReducedMotion => None,
        }
    }

    /// Its shortcut in words, as the system writes them; empty if it has none.
    pub fn keys(self, ctx: &Context) -> String {
        self.shortcut().map(|shortcut| ctx.format_shortcut(&shortcut)).unwrap_or_default()
    }

    /// Whether it can be done now.
    pub fn is_enabled(self, session: &Session) -> bool {
        let is_open = session.open.is_some();
        match self {
            Self::Undo => session.can_undo(),
            Self::Redo => session.can_redo(),
            Self::RemoveData => session.open.as_ref().is_some_and(|o| o.data.is_some()),
            Self::SelectNone => session.selection.is_some(),
            Self::BothGraphs => session.candidate().is_some(),
            Self::Open
            | Self::OpenSample
            | Self::Quit
            | Self::Search
            | Self::Activity
            | Self::NextTheme
            | Self::HighContrast
            | Self::ReducedMotion
            | Self::Larger
            | Self::Smaller
            | Self::NormalSize
            | Self::FullScreen
            | Self::Help => true,
            _ => is_open,
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
    fn no_two_actions_share_a_shortcut_or_a_name() {
        for (i, a) in Action::ALL.iter().enumerate() {
            for b in &Action::ALL[i + 1..] {
                assert!(a.shortcut().is_none() || a.shortcut() != b.shortcut(), "{a:?} and {b:?}");
                assert!(a.name() != b.name(), "{a:?} and {b:?}");
            }
        }
    }
}
