//! The window as a whole: takes what the worker sends, shows the panels, runs the commands they left, and turns a difference in the
//! edit into a job. Each frame only paints and compares.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{CentralPanel, Context, Frame, Key, Margin, Panel, ThemePreference, Ui};
use tinsmith_core::preview::{OpenedProject, roles};
use tinsmith_core::project::{Outside, Project, discard_autosave};

use super::command::{Action, Command, Commands};
use super::context::PanelCtx;
use super::dialogs;
use super::graph_view::select::{Walk, walk};
use super::panels::export::ExportPanel;
use super::panels::graph::GraphPanel;
use super::panels::inspector::InspectorPanel;
use super::panels::layers::LayersPanel;
use super::panels::palette::CommandPalette;
use super::panels::{first_run, metrics, notices, rail, recipe, status, top_bar};
use super::session::{Edit, LoadedData, Open, SavedState, Session, default_device, first_recipe};
use super::theme::{METRICS_STRIP, PANEL_HEADER, Palette, RAIL, STATUS_LINE, TOP_BAR, install};
use super::widgets::Notice;
use crate::worker::{
    DetailRequest, Event, ExportRequest, LayoutKey, Opened, Picked, SaveRequest, Saved, Wake, Worker, project_beside,
};

/// Seconds after an edit until it is autosaved.
const AUTOSAVE_DELAY_S: f64 = 4.0;
const MAX_RECENT: usize = 8;
/// A canvas that differs by less than this fraction keeps its layout.
const CANVAS_TOLERANCE: f32 = 0.12;

/// The window's state.
pub struct App {
    session: Session,
    worker: Worker,
    commands: Commands,
    graph: GraphPanel,
    layers: LayersPanel,
    inspector: InspectorPanel,
    export: ExportPanel,
    palette: CommandPalette,
    revision: u64,
    layout_asked: Option<LayoutKey>,
    distributions_asked: Option<(String, usize)>,
    autosave_at_s: Option<f64>,
    title: String,
}

impl App {
    /// Sets up fonts and themes and starts the threads; opens `path` if there is one.
    pub fn new(ctx: &Context, path: Option<PathBuf>) -> Self {
        install(ctx);
        let waker = ctx.clone();
        let wake: Wake = Arc::new(move || waker.request_repaint());
        let worker = Worker::start(wake);
        let mut session = Session::default();
        let commands = Commands::default();
        if let Some(path) = path {
            session.message = format!("opening {}", path.display());
            commands.send(Command::OpenPath(path));
        }
        Self {
            session,
            worker,
            commands,
            graph: GraphPanel::default(),
            layers: LayersPanel::default(),
            inspector: InspectorPanel::default(),
            export: ExportPanel::default(),
            palette: CommandPalette::default(),
            revision: 0,
            layout_asked: None,
            distributions_asked: None,
            autosave_at_s: None,
            title: String::new(),
        }
    }

    /// Everything there is to show.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Leaves a command as a panel would; it runs at the end of the next frame.
    pub fn send(&self, command: Command) {
        self.commands.send(command);
    }

    /// Remembers these files as recently opened.
    pub fn set_recent(&mut self, recent: Vec<PathBuf>) {
        self.session.recent = recent;
    }

    /// Takes what happened since the last frame. Paints nothing.
    pub fn step(&mut self, ctx: &Context) {
        let events: Vec<Event> = self.worker.events().collect();
        for event in events {
            self.take(event);
        }
        self.take_input(ctx);
        if self.autosave_at_s.is_some_and(|at| ctx.time() >= at) {
            self.autosave_at_s = None;
            self.save_to(true, None);
        }
    }

    /// Shows everything and runs what the panels asked for.
    pub fn show(&mut self, ui: &mut Ui) {
        let mut edit = self.session.edit.clone();
        let undo_name = self.session.undo_name();
        self.frame_ui(&mut edit, undo_name.as_deref(), ui);
        let ctx = ui.ctx().clone();
        let cx = PanelCtx { session: &self.session, commands: &self.commands };
        self.export.ui(cx, &ctx);
        self.palette.ui(cx, &ctx);
        self.take_edit(edit, &ctx);
        for command in self.commands.take() {
            self.run(command, &ctx);
        }
        self.ask_for_details();
        self.session.feed_history(ctx.time());
        if self.session.is_in_flux() {
            // The history waits for the edit to come to rest, so one more frame is needed although nothing moves.
            ctx.request_repaint_after_secs(0.6);
        }
        self.set_title(&ctx);
    }

    fn frame_ui(&mut self, edit: &mut Edit, undo_name: Option<&str>, ui: &mut Ui) {
        let p = Palette::of(ui);
        let cx = PanelCtx { session: &self.session, commands: &self.commands };
        let plain = |fill| Frame::new().fill(fill);
        Panel::top("top bar").exact_size(TOP_BAR).frame(plain(p.panel)).show(ui, |ui| top_bar::ui(cx, edit, ui));
        Panel::bottom("status line")
            .exact_size(STATUS_LINE)
            .frame(plain(p.panel).inner_margin(Margin::symmetric(8, 0)))
            .show(ui, |ui| status::ui(cx, undo_name, ui));
        Panel::left("rail").exact_size(RAIL).resizable(false).frame(plain(p.panel)).show(ui, |ui| rail::ui(cx, ui));
        if notices::any(cx) {
            Panel::top("notices").frame(plain(p.panel)).show(ui, |ui| notices::ui(cx, ui));
        }
        if self.session.open.is_none() {
            CentralPanel::default().frame(plain(p.bg)).show(ui, |ui| first_run::ui(cx, ui));
            return;
        }
        Panel::top("metrics").exact_size(METRICS_STRIP).frame(plain(p.panel)).show(ui, |ui| metrics::ui(cx, ui));
        let wide = ui.available_width() > 1360.0;
        Panel::left("recipe")
            .default_size(if wide { 296.0 } else { 268.0 })
            .size_range(240.0..=420.0)
            .frame(plain(p.panel))
            .show(ui, |ui| recipe::ui(cx, &mut edit.recipe, ui));
        Panel::right("inspector")
            .default_size(if wide { 376.0 } else { 320.0 })
            .size_range(280.0..=560.0)
            .frame(plain(p.panel))
            .show(ui, |ui| self.inspector.ui(cx, &mut edit.recipe, ui));
        let height = (ui.available_height() * 0.36).clamp(160.0, 336.0);
        Panel::bottom("layers")
            .default_size(height)
            .size_range(PANEL_HEADER + 60.0..=800.0)
            .frame(plain(p.panel))
            .show(ui, |ui| self.layers.ui(cx, ui));
        CentralPanel::default().frame(plain(p.panel)).show(ui, |ui| self.graph.ui(cx, ui));
    }

    fn set_title(&mut self, ctx: &Context) {
        let mark = if self.session.is_unsaved() { " •" } else { "" };
        let title = match &self.session.open {
            Some(_) => format!("{}{mark} - Tinsmith", self.session.name()),
            None => "Tinsmith".to_owned(),
        };
        if title != self.title {
            ctx.send_viewport_cmd(eframe::egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    // ---------------------------------------------------------------------------------------------------- input

    fn take_input(&mut self, ctx: &Context) {
        let dropped: Vec<PathBuf> = ctx.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        for path in dropped {
            self.commands.send(Command::OpenPath(path));
        }
        // Longest first: Ctrl+Shift+S also holds Ctrl+S.
        let mut actions = Action::ALL;
        actions.sort_by_key(|a| a.shortcut().map_or(0, |s| usize::from(!s.modifiers.shift)));
        for action in actions {
            let Some(shortcut) = action.shortcut() else { continue };
            // Letters without a modifier belong to whoever is being typed into.
            if shortcut.modifiers.is_none() && ctx.text_edit_focused() {
                continue;
            }
            if ctx.input_mut(|i| i.consume_shortcut(&shortcut)) {
                self.commands.act(action);
            }
        }
        self.session.hold_baseline = self.session.open.is_some() && !ctx.text_edit_focused() && ctx.input(|i| i.key_down(Key::B));
        if ctx.memory(|m| m.focused().is_none()) && self.session.selection.is_some() {
            let walks = [
                (Key::ArrowUp, Walk::Up),
                (Key::ArrowDown, Walk::Down),
                (Key::ArrowLeft, Walk::Left),
                (Key::ArrowRight, Walk::Right),
            ];
            for (key, direction) in walks {
                if ctx.input(|i| i.key_pressed(key) && i.modifiers.is_none()) {
                    self.commands.send(Command::Walk(direction));
                }
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- edits

    /// A difference from what was shown is the edit.
    fn take_edit(&mut self, edit: Edit, ctx: &Context) {
        if edit != self.session.edit {
            self.session.edit = edit;
            self.edited(ctx);
        }
    }

    fn edited(&mut self, ctx: &Context) {
        self.autosave_at_s = Some(ctx.time() + AUTOSAVE_DELAY_S);
        ctx.request_repaint_after_secs(AUTOSAVE_DELAY_S as f32 + 0.05);
        self.start_job();
    }

    fn start_job(&mut self) {
        let (Some(open), Some(device)) = (&self.session.open, self.session.device()) else { return };
        self.revision += 1;
        let job = open.job(&self.session.edit, device);
        self.session.figures.expect_all();
        self.worker.preview(self.revision, job);
    }

    fn run(&mut self, command: Command, ctx: &Context) {
        match command {
            Command::Do(action) => self.act(action, ctx),
            Command::OpenPath(path) => {
                self.session.message = format!("opening {}", path.display());
                // What was saved or opened here before may refer to files anywhere; a project from elsewhere may not.
                let known = path.canonicalize().is_ok_and(|p| self.session.recent.contains(&p));
                self.worker.open(path, if known { Outside::Allow } else { Outside::Refuse });
            }
            Command::Select(name) => self.select(name),
            Command::SelectAlso(name) => self.session.select_also(name),
            Command::Walk(direction) => self.walk(direction),
            Command::Show(shown) => {
                self.session.shown = shown;
            }
            Command::SetTheme(preference) => ctx.set_theme(preference),
            Command::Cancel => {
                self.worker.cancel();
                self.session.activity = None;
                self.session.message = "cancelled".to_owned();
            }
            Command::Dismiss(i) => {
                if i < self.session.notices.len() {
                    self.session.notices.remove(i);
                }
            }
            Command::SaveTo(path) => self.save_to(false, Some(path)),
            Command::ChooseExportFolder => self.worker.pick(dialogs::export_folder),
            Command::ExportTo(folder) => self.export_to(folder),
            Command::Recover(take) => self.recover(take, ctx),
        }
    }

    fn act(&mut self, action: Action, ctx: &Context) {
        let is_open = self.session.open.is_some();
        match action {
            Action::Open => self.worker.pick(dialogs::open_file),
            Action::ChooseData if is_open => self.worker.pick(dialogs::open_data),
            Action::RemoveData if is_open => self.set_data(None, ctx),
            Action::Save if is_open => self.save(),
            Action::SaveAs if is_open => self.save_as(),
            Action::Export if is_open => self.export.is_open = true,
            Action::Undo if self.session.can_undo() => {
                self.session.undo();
                self.edited(ctx);
            }
            Action::Redo if self.session.can_redo() => {
                self.session.redo();
                self.edited(ctx);
            }
            Action::Fit => self.graph.fit(),
            Action::Search => self.palette.toggle(),
            Action::NextTheme => {
                let next = match ctx.options(|o| o.theme_preference) {
                    ThemePreference::System => ThemePreference::Light,
                    ThemePreference::Light => ThemePreference::Dark,
                    ThemePreference::Dark => ThemePreference::System,
                };
                ctx.set_theme(next);
            }
            _ => {}
        }
    }

    fn select(&mut self, name: Option<String>) {
        self.session.select_only(name);
        let is_current = self.session.layout_of == self.session.graph_ref();
        if let (Some(layout), Some(node)) = (self.session.layout.as_ref().filter(|_| is_current), self.session.selected_node()) {
            self.graph.reveal(layout, node);
        }
    }

    fn walk(&mut self, direction: Walk) {
        let (Some(graph), Some(at)) = (self.session.graph(), self.session.selected_node()) else { return };
        let Some(next) = walk(graph, at, direction) else { return };
        let name = graph.node(next).name.clone();
        self.select(Some(name));
    }

    // ---------------------------------------------------------------------------------------------------- files

    fn save(&mut self) {
        match self.session.open.as_ref().and_then(|o| o.project.clone()) {
            Some(path) => self.save_to(false, Some(path)),
            None => self.save_as(),
        }
    }

    fn save_as(&mut self) {
        let Some(open) = &self.session.open else { return };
        let suggested = open.project.clone().unwrap_or_else(|| project_beside(&open.source.path));
        self.worker.pick(move || dialogs::save_project(&suggested));
    }

    /// Writes the project, or its autosaved copy.
    fn save_to(&mut self, is_autosave: bool, path: Option<PathBuf>) {
        let (Some(open), Some(device)) = (&self.session.open, self.session.device()) else { return };
        if is_autosave && !self.session.is_unsaved() {
            return;
        }
        let own = || open.project.clone().unwrap_or_else(|| project_beside(&open.source.path));
        // Ranges of another recipe's calibrators are of no use to a teammate.
        let calibration = &self.session.figures.calibration;
        let request = SaveRequest {
            path: path.unwrap_or_else(own),
            job: open.job(&self.session.edit, device),
            data_path: open.data.as_ref().map(|d| d.path.clone()),
            calibration: calibration.value.clone().filter(|_| !calibration.is_stale),
            before: open.before.clone(),
            state: self.session.state_to_save(),
            is_autosave,
        };
        self.worker.save(request);
    }

    fn saved(&mut self, is_autosave: bool, result: Result<Saved, String>) {
        match result {
            Ok(_) if is_autosave => {}
            Err(text) if is_autosave => self.session.message = format!("not autosaved: {text}"),
            Ok(Saved { request, project }) => {
                self.session.message = format!("saved {}", request.path.display());
                self.remember(request.path.clone());
                if let Some(open) = &mut self.session.open {
                    open.saved = Some(request.state);
                    open.project = Some(request.path);
                    open.before = Some(project);
                }
            }
            Err(text) => self.complain("The project was not saved", text),
        }
    }

    fn export_to(&mut self, folder: PathBuf) {
        let (Some(open), Some(device)) = (&self.session.open, self.session.device()) else { return };
        let Some(candidate) = self.session.candidate().cloned() else { return };
        let job = open.job(&self.session.edit, device);
        let name = self.session.name();
        let name = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned();
        self.worker.export(folder, ExportRequest { job, candidate, name });
    }

    /// Takes up work that was never saved, or drops it.
    fn recover(&mut self, take: bool, ctx: &Context) {
        let Some(unsaved) = self.session.recovery.take() else { return };
        if take {
            self.session.edit = Edit { recipe: unsaved.recipe, device: unsaved.device.unwrap_or_else(default_device) };
            return self.edited(ctx);
        }
        let Some(open) = &self.session.open else { return };
        let own = open.project.clone().unwrap_or_else(|| project_beside(&open.source.path));
        if let Err(error) = discard_autosave(&own) {
            self.complain("The autosaved copy was not removed", error.to_string());
        }
    }

    fn opened(&mut self, path: PathBuf, result: Result<Opened, String>) {
        self.session.message = "ready".to_owned();
        match result {
            Ok(Opened::Model(source, unsaved)) => {
                let edit = Edit { recipe: first_recipe(&source.graph), device: default_device() };
                let saved = Some(SavedState { edit: edit.clone(), data: None });
                self.session.recovery = unsaved;
                self.remember(path);
                self.show_model(Open { source, project: None, data: None, saved, ranges: None, before: None }, edit);
            }
            Ok(Opened::Data(_)) if self.session.open.is_none() => {
                self.complain(
                    "Open a model first",
                    format!("{} holds samples; they need a model to run through", path.display()),
                );
            }
            Ok(Opened::Data(set)) => self.attach(path, set),
            Ok(Opened::Project(opened, unsaved)) => self.show_project(path, *opened, unsaved),
            Err(text) => {
                let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                self.complain(&format!("{name} was not opened"), text);
            }
        }
    }

    fn show_project(&mut self, path: PathBuf, opened: OpenedProject, unsaved: Option<Box<Project>>) {
        let OpenedProject { project, job, data_path } = opened;
        let data = job.data.zip(data_path).map(|(set, path)| LoadedData { roles: roles(&set), path, set });
        let edit = Edit { recipe: job.recipe, device: job.device.id.clone() };
        let saved = Some(SavedState { edit: edit.clone(), data: data.as_ref().map(|d| d.path.clone()) });
        self.session.recovery = unsaved;
        self.remember(path.clone());
        let before = Some(Arc::new(project));
        self.show_model(Open { source: job.source, project: Some(path), data, saved, ranges: job.ranges, before }, edit);
    }

    fn show_model(&mut self, open: Open, edit: Edit) {
        for note in
            open.source.graph.notes.iter().filter(|n| n.severity > tinsmith_core::graph::Severity::Info && n.node.is_none())
        {
            self.session.notices.push(Notice { is_error: false, title: note.text.clone(), text: String::new() });
        }
        self.session.show(open, edit);
        self.session.select_heaviest();
        self.graph.fit();
        self.layout_asked = None;
        self.distributions_asked = None;
        self.start_job();
    }

    fn attach(&mut self, path: PathBuf, set: Arc<tinsmith_core::data::DataSet>) {
        let data = LoadedData { roles: roles(&set), path, set };
        if let Some(open) = &mut self.session.open {
            open.data = Some(data);
        }
        self.start_job();
    }

    fn set_data(&mut self, data: Option<LoadedData>, ctx: &Context) {
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

    fn complain(&mut self, title: &str, text: String) {
        self.session.message = title.to_owned();
        self.session.notices.push(Notice { is_error: true, title: title.to_owned(), text });
    }

    // ---------------------------------------------------------------------------------------------------- worker

    fn take(&mut self, event: Event) {
        match event {
            Event::Preview(revision, event) if revision == self.revision => {
                let activity = self.session.figures.take(event);
                self.session.activity = activity.or(self.session.activity.take());
            }
            Event::Failed(revision, text) if revision == self.revision => self.session.figures.fail(text),
            Event::Ended(revision) if revision == self.revision => {
                self.session.activity = None;
                let figures = &self.session.figures;
                if figures.is_complete {
                    self.session.message = "up to date".to_owned();
                } else if figures.failure.is_some() {
                    self.session.message = "the recipe gives no candidate".to_owned();
                }
            }
            // Results of older recipes are nobody's any more.
            Event::Preview(..) | Event::Failed(..) | Event::Ended(_) => {}
            Event::Layout(key, layout) if self.layout_asked.as_ref() == Some(&key) => {
                self.session.layout = Some(layout);
                self.session.layout_of = Some(key.graph);
            }
            Event::Layout(..) => {}
            Event::Distributions(distributions) => self.session.distributions = Some(distributions),
            Event::Opened(path, result) => self.opened(path, *result),
            Event::Saved { is_autosave, result } => self.saved(is_autosave, *result),
            Event::Exported(Ok((folder, files))) => {
                self.session.message = format!("exported {} to {}", files.join(", "), folder.display());
            }
            Event::Exported(Err(text)) => self.complain("Nothing was exported", text),
            Event::Picked(Picked::Open(path)) => self.commands.send(Command::OpenPath(path)),
            Event::Picked(Picked::SaveAs(path)) => self.commands.send(Command::SaveTo(path)),
            Event::Picked(Picked::ExportTo(folder)) => self.commands.send(Command::ExportTo(folder)),
        }
    }

    /// Asks for the layout of the graph on screen and the histograms of the selection, if they are not of these.
    fn ask_for_details(&mut self) {
        let Some(open) = &self.session.open else { return };
        if let Some(graph) = self.session.graph_ref() {
            let key = LayoutKey { graph, collapsed: Arc::clone(&self.graph.collapsed), canvas: self.graph.canvas };
            if key.canvas.min_elem() > 0.0
                && !self.layout_asked.as_ref().is_some_and(|asked| asked.serves(&key, CANVAS_TOLERANCE))
            {
                self.layout_asked = Some(key.clone());
                self.worker.detail(DetailRequest::Layout(key));
            }
        }
        let Some(node) = self.session.selection.clone() else { return };
        let candidate = self.session.candidate().cloned();
        let asked = (node.clone(), candidate.as_ref().map_or(0, |c| Arc::as_ptr(c) as usize));
        if self.distributions_asked.as_ref() != Some(&asked) {
            self.distributions_asked = Some(asked);
            let source = Arc::clone(&open.source);
            let calibration = self.session.figures.calibration.value.clone();
            self.worker.detail(DetailRequest::Distributions { node, source, candidate, calibration });
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.step(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, super::RECENT_KEY, &self.session.recent);
    }
}
