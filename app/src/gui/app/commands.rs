//! Running the commands that panels, shortcuts and menus left.

use eframe::egui::{Context, ThemePreference, ViewportCommand};

use super::App;
use crate::gui::candidates;
use crate::gui::command::{Action, Command, Shown};
use crate::gui::dialogs::Wanted;
use crate::gui::graph_view::select::{Walk, walk};
use crate::gui::notice::Kind;
use crate::gui::panels::graph::PICTURE;
use crate::gui::picture::{Format, Request};
use crate::gui::session::Leaving;
use crate::gui::settings::Settings;
use crate::gui::workspace::Workspace;
use crate::worker::sample_project;

impl App {
    pub(super) fn run(&mut self, command: Command, ctx: &Context) {
        match command {
            Command::Do(action) => {
                if action.is_enabled(&self.session) {
                    self.act(action, ctx);
                }
            }
            Command::OpenPath(path) => self.leave_for(Leaving::Open(path), ctx),
            Command::OpenWith(path, import) => self.open_with(path, import),
            Command::SayLayout(layout) => {
                self.session.edit.layout = layout;
                self.edited(ctx);
            }
            Command::Select(name) => self.select(name),
            Command::SelectAlso(name) => self.session.select_also(name),
            Command::Walk(direction) => self.walk(direction),
            Command::Show(shown) => self.session.shown = shown,
            Command::ShowBoth(both) => self.show_both(both),
            Command::Set(settings) => self.set(settings, ctx),
            Command::TogglePane(pane) => self.dock.toggle(self.session.workspace, pane),
            Command::Cancel => {
                self.worker.cancel();
                self.stop_remaking();
                if let Some(activity) = self.session.activity.take() {
                    let title = format!("Cancelled: {}", activity.label);
                    self.session.notices.add(Kind::Done, title, activity.kept(), None);
                    self.session.message = "cancelled".to_owned();
                }
            }
            Command::Dismiss(id) => self.session.notices.dismiss(id),
            Command::SaveTo(path) => self.save_to(path),
            Command::ChooseExportFolder => self.pick(Wanted::ExportFolder),
            Command::ExportTo(folder) => self.export_to(folder),
            Command::Recover(take) => self.recover(take, ctx),
            Command::Need(need) => self.session.on_demand.need(need),
            Command::ChooseExport(choice) => self.session.on_demand.export = choice,
            Command::CompareWith(recipe) => self.session.on_demand.comparison.compared_with = recipe,
            Command::Lower(goal) => self.lower(goal),
            Command::StopLowering => self.stop_lowering(),
            Command::SavePicture(request) => {
                self.session.picture = Some(request);
                ctx.request_repaint();
            }
            Command::TakePicture(taken) => self.take_picture(*taken, ctx),
            Command::Explain(quantity) => self.session.explained = quantity,
            Command::Capture(ask) => self.capture(ask, ctx),
            Command::Live(ask) => self.live(ask, ctx),
            Command::Unsaved(answer) => self.answer(answer, ctx),
        }
    }

    fn act(&mut self, action: Action, ctx: &Context) {
        match action {
            Action::Open => self.pick(Wanted::OpenFile),
            Action::OpenSample if self.worker.asks_nobody() => {}
            Action::OpenSample => match sample_project() {
                Some(path) => self.leave_for(Leaving::Open(path), ctx),
                None => self.complain(
                    "The sample is not beside this program",
                    "It is in the source folder under projects: keyword.ron".to_owned(),
                    None,
                ),
            },
            Action::ChooseData => self.pick(Wanted::OpenData),
            Action::RemoveData => self.set_data(None, ctx),
            Action::Save => self.save(),
            Action::SaveAs => self.save_as(),
            Action::Close => self.leave_for(Leaving::Close, ctx),
            Action::Quit => self.leave_for(Leaving::Quit, ctx),
            Action::Export if self.session.workspace == Workspace::Export => self.pick(Wanted::ExportFolder),
            Action::Export => self.go(Workspace::Export),
            Action::Undo | Action::Redo => self.turn_back(action == Action::Undo, ctx),
            Action::ResetRecipe => {
                if let Some(open) = &self.session.open {
                    self.session.edit.recipe.clone_from(&open.first);
                    self.edited(ctx);
                }
            }
            Action::SelectAll => self.session.select_all(),
            Action::SelectHeaviest => {
                self.session.select_heaviest();
                self.panels.graph.reveal();
            }
            Action::SelectNone => self.select(None),
            Action::Go(workspace) => self.session.workspace = workspace,
            Action::SwitchGraph => {
                self.session.shown = match self.session.shown {
                    Shown::Source => Shown::Candidate,
                    Shown::Candidate => Shown::Source,
                };
            }
            Action::BothGraphs => self.show_both(!self.session.shows_both),
            Action::PreviousCandidate | Action::NextCandidate => {
                candidates::step(&mut self.session, action == Action::NextCandidate);
                self.edited(ctx);
            }
            Action::Fit => self.panels.graph.fit(),
            Action::SearchGraph => self.panels.graph.search(),
            Action::ToggleBlocks => self.panels.graph.toggle_blocks(),
            Action::SaveGraphSvg => self.save_graph(Format::Svg),
            Action::SaveGraphPng => self.save_graph(Format::Png),
            Action::Search => self.palette.toggle(),
            Action::Activity => self.activity.is_open = !self.activity.is_open,
            Action::ResetLayout => self.dock.reset(self.session.workspace),
            Action::Help => self.help.is_open = !self.help.is_open,
            Action::FullScreen => {
                let is_full = ctx.input(|i| i.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!is_full));
            }
            Action::NextTheme
            | Action::HighContrast
            | Action::ReducedMotion
            | Action::Larger
            | Action::Smaller
            | Action::NormalSize => self.look(action, ctx),
        }
    }

    /// In the workspace Data it is clips that are edited, elsewhere the recipe.
    fn turn_back(&mut self, is_undo: bool, ctx: &Context) {
        let clips = if is_undo { self.session.undone_clips() } else { self.session.redone_clips() };
        if let Some(clips) = clips {
            if is_undo {
                self.session.undo_clips(&clips);
            } else {
                self.session.redo_clips(&clips);
            }
            self.session.capture.selected.clear();
            return;
        }
        if is_undo {
            self.session.undo()
        } else {
            self.session.redo()
        }
        self.edited(ctx);
    }

    fn save_graph(&self, format: Format) {
        self.commands.send(Command::SavePicture(Request { name: PICTURE.to_owned(), format, to: None }));
    }

    fn look(&mut self, action: Action, ctx: &Context) {
        let mut settings = self.session.settings.clone();
        match action {
            Action::NextTheme => {
                settings.theme = match settings.theme {
                    ThemePreference::System => ThemePreference::Light,
                    ThemePreference::Light => ThemePreference::Dark,
                    ThemePreference::Dark => ThemePreference::System,
                };
            }
            Action::HighContrast => settings.high_contrast = !settings.high_contrast,
            Action::ReducedMotion => settings.reduced_motion = !settings.reduced_motion,
            Action::Larger => settings.step_scale(1.0),
            Action::Smaller => settings.step_scale(-1.0),
            _ => settings.scale = 1.0,
        }
        self.set(settings, ctx);
    }

    fn set(&mut self, settings: Settings, ctx: &Context) {
        settings.apply(ctx);
        self.session.settings = settings;
    }

    pub(super) fn go(&mut self, workspace: Workspace) {
        self.session.workspace = workspace;
    }

    /// One graph after two, or two after one, is looked at as a whole.
    fn show_both(&mut self, both: bool) {
        if self.session.shows_both != both {
            self.session.shows_both = both;
            self.panels.graph.fit();
        }
    }

    pub(super) fn select(&mut self, name: Option<String>) {
        self.session.select_only(name);
        self.session.follow_selection();
        self.panels.graph.reveal();
    }

    fn walk(&mut self, direction: Walk) {
        let (Some(graph), Some(at)) = (self.session.graph(), self.session.selected_node()) else { return };
        let Some(next) = walk(graph, at, direction) else { return };
        let name = graph.node(next).name.clone();
        self.select(Some(name));
    }

    /// Something failed: it is said once, with what can be done.
    pub(super) fn complain(&mut self, title: &str, text: String, remedy: Option<(&str, Command)>) {
        title.clone_into(&mut self.session.message);
        self.session.notices.add(Kind::Error, title, text, remedy);
    }
}
