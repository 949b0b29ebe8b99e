//! Opening, saving and exporting, and what becomes of unsaved work.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{Context, ViewportCommand};
use tinsmith_core::data::DataSet;
use tinsmith_core::data::features::Pipeline;
use tinsmith_core::data::library::file::is_library;
use tinsmith_core::formats::ImportOptions;
use tinsmith_core::graph::Severity;
use tinsmith_core::preview::OpenedProject;
use tinsmith_core::project::{FileReference, Outside, Project, discard_autosave};
use tinsmith_core::recipe::Recipe;

use super::App;
use crate::gui::capture::Ask;
use crate::gui::command::{Action, Command, Unsaved};
use crate::gui::dialogs::Wanted;
use crate::gui::notice::Kind;
use crate::gui::session::{Edit, Leaving, LoadedData, Open, SavedState, default_device};
use crate::gui::workspace::Workspace;
use crate::worker::{Claim, ExportRequest, Opened, SaveRequest, Saved, samples_at};

const MAX_RECENT: usize = 8;

impl App {
    // ---------------------------------------------------------------------------------------------------- leaving

    /// Goes on to something else, after asking what to do with unsaved changes.
    pub(super) fn leave_for(&mut self, leaving: Leaving, ctx: &Context) {
        if leaving.loses_changes() && self.session.is_unsaved() {
            self.session.leaving = Some(leaving);
        } else {
            self.leave(leaving, ctx);
        }
    }

    fn leave(&mut self, leaving: Leaving, ctx: &Context) {
        if leaving.loses_changes() {
            // It is another model that is wanted now.
            self.extents.forget();
        }
        match leaving {
            Leaving::Open(path) => self.open_with(path, ImportOptions::default()),
            Leaving::Close => {
                self.worker.cancel();
                self.stop_remaking();
                // What still arrives for it is nobody's any more.
                self.revision += 1;
                self.layouts_asked.clear();
                (self.distributions_asked, self.claim) = (None, None);
                self.session.capture.forget_clips();
                self.session.close();
            }
            Leaving::Quit => {
                self.may_close = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    /// The question about unsaved changes was answered.
    pub(super) fn answer(&mut self, answer: Unsaved, ctx: &Context) {
        let Some(leaving) = self.session.leaving.take() else { return };
        match answer {
            Unsaved::Stay => {}
            Unsaved::Discard => {
                if let Some(open) = self.session.open.as_ref().filter(|_| !self.session.is_elsewhere) {
                    // They are not wanted: the next start must not offer them. What cannot be removed is only offered once more.
                    let _ = discard_autosave(&open.project_file());
                }
                self.leave(leaving, ctx);
            }
            Unsaved::Save => {
                self.after_save = Some(leaving);
                self.save();
            }
        }
    }

    /// Asks the user for a file or a folder; what is picked comes as an event.
    pub(super) fn pick(&self, wanted: Wanted) {
        self.worker.pick(wanted, Arc::clone(&self.picker));
    }

    // ---------------------------------------------------------------------------------------------------- opening

    /// Opens a file with what was said of the extents that its model leaves open.
    pub(super) fn open_with(&mut self, path: PathBuf, import: ImportOptions) {
        self.session.message = format!("opening {}", path.display());
        self.session.opening = Some(path.clone());
        // What was saved or opened here before may refer to files anywhere; a project from elsewhere may not.
        let known = path.canonicalize().is_ok_and(|p| self.session.recent.contains(&p));
        let outside = if known { Outside::Allow } else { Outside::Refuse };
        self.worker.open(path, outside, import, self.session.edit.features.clone());
    }

    pub(super) fn opened(&mut self, path: PathBuf, result: Result<Opened, String>, ctx: &Context) {
        self.session.message = "ready".to_owned();
        if self.session.opening.as_ref() == Some(&path) {
            self.session.opening = None;
        }
        match result {
            Ok(Opened::Model(source, first, unsaved)) => {
                let edit = Edit::new(first.clone());
                let saved = Some(SavedState { edit: edit.clone(), data: None, import: source.import.clone() });
                self.session.recovery = unsaved;
                self.remember(path);
                // A new model is first made smaller; a project comes back to where the user was.
                self.go(Workspace::Optimize);
                self.show_model(Open { saved, ..Open::new(source, first) }, edit);
            }
            Ok(Opened::Data(..)) if self.session.open.is_none() => {
                let text = format!("{} holds samples; they need a model to run through", path.display());
                self.complain("Open a model first", text, Some((Action::Open.name(), Command::Do(Action::Open))));
            }
            Ok(Opened::Data(set, features)) => self.attach(path, set, features, ctx),
            Ok(Opened::Project(opened, first, unsaved)) => self.show_project(path, *opened, first, unsaved),
            Ok(Opened::Asks(extents)) => {
                self.session.message = format!("{} leaves extents open", path.display());
                self.extents.ask(path, extents);
            }
            Err(text) if self.extents.refuse(&path, &text) => {}
            Err(text) => {
                let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                self.complain(&format!("{name} was not opened"), text, Some(("Try again", Command::OpenPath(path))));
            }
        }
    }

    fn show_project(&mut self, path: PathBuf, opened: OpenedProject, first: Recipe, unsaved: Option<Box<Project>>) {
        let OpenedProject { project, job, data_path } = opened;
        let features = project.features.clone();
        let data = job.data.zip(data_path).map(|(set, path)| LoadedData::new(path, set, features.clone()));
        let edit = Edit {
            recipe: job.recipe,
            device: job.device.id.clone(),
            variants: project.variants.clone(),
            layout: project.layout,
            features,
        };
        let data_path = data.as_ref().map(|d| d.path.clone());
        let saved = Some(SavedState { edit: edit.clone(), data: data_path, import: project.import.clone() });
        self.session.recovery = unsaved;
        self.remember(path.clone());
        let before = Some(Arc::new(project));
        self.show_model(Open { source: job.source, project: Some(path), data, saved, ranges: job.ranges, before, first }, edit);
    }

    fn show_model(&mut self, open: Open, edit: Edit) {
        self.extents.forget();
        for note in open.source.graph.notes.iter().filter(|n| n.severity > Severity::Info && n.node.is_none()) {
            self.session.notices.add(Kind::Warning, note.text.clone(), "", None);
        }
        let project = open.project_file();
        self.session.capture.forget_clips();
        if let Some(data) = open.data.as_ref().filter(|data| is_library(&data.path)) {
            self.commands.send(Command::Capture(Ask::UseFolder(data.path.clone())));
        }
        self.session.show(open, edit);
        self.session.select_heaviest();
        self.claim(&project);
        if self.session.is_elsewhere {
            // Another window is at work on it: what lies autosaved is that window's.
            self.session.recovery = None;
        }
        self.panels.graph.fit();
        self.layouts_asked.clear();
        self.distributions_asked = None;
        self.start_job();
    }

    /// Sees to it that only one window autosaves a project.
    fn claim(&mut self, project: &Path) {
        if !self.claim.as_ref().is_some_and(|claim| claim.is_on(project)) {
            self.claim = None;
            self.claim = Claim::of(project);
        }
        self.session.is_elsewhere = self.claim.is_none();
        self.session.is_read_only = std::fs::metadata(project).is_ok_and(|m| m.permissions().readonly());
    }

    /// Takes samples for the model that is open.
    fn attach(&mut self, path: PathBuf, set: Arc<DataSet>, features: Option<Pipeline>, ctx: &Context) {
        let path = samples_at(&path).unwrap_or(path);
        let data = LoadedData::new(path, Arc::clone(&set), features);
        if let Some(open) = &mut self.session.open {
            let before = open.data.replace(data);
            let is_alike =
                |before: &LoadedData| before.set.arrays().map(|a| &a.sample_shape).eq(set.arrays().map(|a| &a.sample_shape));
            if before.is_some_and(|before| !is_alike(&before)) {
                // What was said of other samples says nothing about these.
                self.session.edit.layout = None;
            }
        }
        self.edited(ctx);
    }

    pub(super) fn set_data(&mut self, data: Option<LoadedData>, ctx: &Context) {
        if let Some(open) = &mut self.session.open {
            open.data = data;
        }
        self.edited(ctx);
    }

    fn remember(&mut self, path: PathBuf) {
        let path = path.canonicalize().unwrap_or(path);
        self.session.recent.retain(|p| *p != path);
        self.session.recent.insert(0, path);
        self.session.recent.truncate(MAX_RECENT);
    }

    // ---------------------------------------------------------------------------------------------------- saving

    pub(super) fn save(&mut self) {
        match self.session.open.as_ref().and_then(|o| o.project.clone()).filter(|_| !self.session.is_read_only) {
            Some(path) => self.save_to(path),
            None => self.save_as(),
        }
    }

    pub(super) fn save_as(&mut self) {
        let Some(open) = &self.session.open else { return };
        self.pick(Wanted::SaveProject(open.project_file()));
    }

    /// Writes the project.
    pub(super) fn save_to(&mut self, path: PathBuf) {
        if let Some(request) = self.save_request(path, false) {
            self.worker.save(request);
        }
    }

    /// Writes the project's autosaved copy, if this window is the one that does.
    pub(super) fn autosave(&mut self) {
        let Some(path) = self.session.open.as_ref().map(Open::project_file) else { return };
        // The other window may be closed by now.
        self.claim(&path);
        if self.session.is_unsaved()
            && !self.session.is_elsewhere
            && let Some(request) = self.save_request(path, true)
        {
            self.worker.save(request);
        }
    }

    fn save_request(&self, path: PathBuf, is_autosave: bool) -> Option<SaveRequest> {
        let (open, device) = (self.session.open.as_ref()?, self.session.device()?);
        // Ranges of another recipe's calibrators are of no use to a teammate.
        let calibration = &self.session.figures.calibration;
        Some(SaveRequest {
            path,
            job: open.job(&self.session.edit, device),
            data_path: open.data.as_ref().map(|d| d.path.clone()),
            calibration: calibration.value.clone().filter(|_| !calibration.is_stale),
            before: open.before.clone(),
            state: self.session.state_to_save(),
            is_autosave,
        })
    }

    pub(super) fn saved(&mut self, is_autosave: bool, result: Result<Saved, String>) {
        match result {
            Ok(_) if is_autosave => {}
            Err(text) if is_autosave => self.session.message = format!("not autosaved: {text}"),
            Ok(Saved { request, project }) => {
                self.session.message = format!("saved {}", request.path.display());
                self.session.notices.add(Kind::Done, self.session.message.clone(), "", None);
                self.remember(request.path.clone());
                self.claim(&request.path);
                if let Some(open) = &mut self.session.open {
                    open.saved = Some(request.state);
                    open.project = Some(request.path);
                    open.before = Some(project);
                }
                if let Some(leaving) = self.after_save.take() {
                    self.commands.send(match leaving {
                        Leaving::Open(path) => Command::OpenPath(path),
                        Leaving::Close => Command::Do(Action::Close),
                        Leaving::Quit => Command::Do(Action::Quit),
                    });
                }
            }
            Err(text) => {
                self.after_save = None;
                let elsewhere = Some((Action::SaveAs.name(), Command::Do(Action::SaveAs)));
                self.complain("The project was not saved", text, elsewhere);
            }
        }
    }

    pub(super) fn export_to(&mut self, folder: PathBuf) {
        let (Some(open), Some(device)) = (&self.session.open, self.session.device()) else { return };
        let Some(candidate) = self.session.candidate().cloned() else { return };
        let job = open.job(&self.session.edit, device);
        let (name, targets) = (self.session.export_name(), self.session.on_demand.export.targets.clone());
        self.worker.export(folder, ExportRequest { job, candidate, name, targets });
    }

    /// Takes up work that was never saved, or drops it.
    pub(super) fn recover(&mut self, take: bool, ctx: &Context) {
        let Some(unsaved) = self.session.recovery.take() else { return };
        if take {
            let Project { recipe, device, variants, layout, data, features, .. } = *unsaved;
            let device = device.unwrap_or_else(default_device);
            self.session.edit = Edit { recipe, device, variants, layout, features };
            self.recover_data(data);
            return self.edited(ctx);
        }
        let Some(open) = &self.session.open else { return };
        if let Err(error) = discard_autosave(&open.project_file()) {
            self.complain("The autosaved copy was not removed", error.to_string(), None);
        }
    }

    /// Opens the data set of work that is taken up again.
    fn recover_data(&mut self, data: Option<FileReference>) {
        let Some((open, reference)) = self.session.open.as_ref().zip(data) else { return };
        let outside = Outside::Refuse;
        match reference.resolve(&open.project_file(), "data set", outside) {
            Ok(path) if open.data.as_ref().is_some_and(|data| data.path == path) => {}
            Ok(path) => self.worker.open(path, outside, ImportOptions::default(), self.session.edit.features.clone()),
            Err(trouble) => {
                let choose = (Action::ChooseData.name(), Command::Do(Action::ChooseData));
                self.complain("The data set was not opened again", trouble.to_string(), Some(choose));
            }
        }
    }
}
