//! The window as a whole: takes what the worker sends, shows the panels, runs the commands they left, and turns a difference in the
//! edit into a job. Each frame only paints and compares.
//!
//! | module | what lives there |
//! | --- | --- |
//! | this | state, one frame, what the worker sends |
//! | [`capture`] | running what the panels of recording ask for |
//! | [`commands`] | running commands |
//! | [`features`] | making samples of recordings anew |
//! | [`files`] | opening, saving, exporting, what to do with unsaved work |
//! | [`input`] | dropped files, shortcuts, keys |
//! | [`live`] | the live demo |
//! | [`pictures`] | saving what is on screen |

mod capture;
mod commands;
mod features;
mod files;
mod input;
mod live;
mod lowering;
mod pictures;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{CentralPanel, Context, Frame, Margin, Panel, Ui, ViewportCommand, Visuals};

use super::capture::{Ask, Source};
use super::command::{Command, Commands, Shown};
use super::context::PanelCtx;
use super::dialogs::{self, Picker, Wanted};
use super::notice::Kind;
use super::on_demand::{self, Order};
use super::panels::activity::ActivityPanel;
use super::panels::ask_extents::ExtentsPrompt;
use super::panels::ask_path::PathPrompt;
use super::panels::help::HelpPanel;
use super::panels::palette::CommandPalette;
use super::panels::{drop_overlay, first_run, metrics, notices, rail, status, top_bar, unsaved};
use super::room::Room;
use super::session::{Edit, Leaving, Session};
use super::settings::Kept;
use super::theme::{Palette, RAIL, STATUS_LINE, TOP_BAR, install};
use super::workspace::dock::Dock;
use super::workspace::panes::Panels;
use crate::cli::folder::is_beside;
use crate::worker::{Claim, DetailRequest, DistributionsOf, Event, FloatGraph, GraphRef, LayoutKey, MAX_SHOWN, Wake, Worker};

/// Seconds after an edit until it is autosaved.
const AUTOSAVE_DELAY_S: f64 = 4.0;
/// A canvas that differs by less than this fraction keeps its layout.
const CANVAS_TOLERANCE: f32 = 0.12;

/// The window's state.
pub struct App {
    session: Session,
    worker: Worker,
    commands: Commands,
    dock: Dock,
    panels: Panels,
    palette: CommandPalette,
    activity: ActivityPanel,
    help: HelpPanel,
    revision: u64,
    /// Samples that are being made of recordings.
    remaking: Option<features::Remaking>,
    layouts_asked: Vec<LayoutKey>,
    distributions_asked: Option<DistributionsOf>,
    advice_asked: Option<FloatGraph>,
    /// The graph that the selection is of.
    selection_of: Option<GraphRef>,
    autosave_at_s: Option<f64>,
    /// Held while this window is the one that autosaves.
    claim: Option<Claim>,
    /// What to do once the project is saved.
    after_save: Option<Leaving>,
    may_close: bool,
    /// Who is asked for files and folders.
    picker: Picker,
    prompt: PathPrompt,
    extents: ExtentsPrompt,
    /// Something had the focus at the end of the last frame: by the time shortcuts are heard, Escape has taken it away.
    had_focus: bool,
    title: String,
}

impl App {
    /// Sets up fonts and themes and starts the threads; opens `path` if there is one.
    pub fn new(ctx: &Context, path: Option<PathBuf>) -> Self {
        install(ctx);
        let waker = ctx.clone();
        let wake: Wake = Arc::new(move || waker.request_repaint());
        let prompt = PathPrompt::default();
        let picker = if dialogs::has_native() { Arc::new(dialogs::native) } else { prompt.picker(Arc::clone(&wake)) };
        let worker = Worker::start(wake);
        let commands = Commands::default();
        if let Some(path) = path {
            commands.send(Command::OpenPath(path));
        }
        Self {
            session: Session::default(),
            worker,
            commands,
            dock: Dock::default(),
            panels: Panels::default(),
            palette: CommandPalette::default(),
            activity: ActivityPanel::default(),
            help: HelpPanel::default(),
            revision: 0,
            remaking: None,
            layouts_asked: Vec::new(),
            distributions_asked: None,
            advice_asked: None,
            selection_of: None,
            autosave_at_s: None,
            claim: None,
            after_save: None,
            may_close: false,
            picker,
            prompt,
            extents: ExtentsPrompt::default(),
            had_focus: false,
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

    /// From now on files and folders are picked by this, not with the dialogs of the system.
    pub fn pick_with(&mut self, picker: Picker) {
        self.picker = picker;
    }

    /// From now on files and folders are asked for in the window, as where the system has no dialogs.
    pub fn pick_by_typing(&mut self, ctx: &Context) {
        let waker = ctx.clone();
        self.picker = self.prompt.picker(Arc::new(move || waker.request_repaint()));
    }

    /// Asks for no file any more and leaves the sample alone: for whoever tries the window without a person before it.
    pub fn forbid_dialogs(&self) {
        self.worker.forbid_dialogs();
    }

    /// Takes up what was kept for the user.
    pub fn restore(&mut self, kept: Kept, ctx: &Context) {
        kept.settings.apply(ctx);
        self.session.workspace = kept.settings.workspace;
        self.session.settings = kept.settings;
        self.session.recent = kept.recent;
        self.dock.restore(kept.layouts);
    }

    /// What to keep for the user.
    pub fn kept(&self) -> Kept {
        let mut settings = self.session.settings.clone();
        settings.workspace = self.session.workspace;
        Kept { settings, layouts: self.dock.changed(), recent: self.session.recent.clone() }
    }

    /// Takes what happened since the last frame. Paints nothing.
    pub fn step(&mut self, ctx: &Context) {
        let events: Vec<Event> = self.worker.events().collect();
        for event in events {
            self.take(event, ctx);
        }
        self.follow_capture(ctx);
        self.follow_live(ctx);
        self.take_input(ctx);
        if self.autosave_at_s.is_some_and(|at| ctx.time() >= at) {
            self.autosave_at_s = None;
            self.autosave();
        }
    }

    /// Shows everything and runs what the panels asked for.
    pub fn show(&mut self, ui: &mut Ui) {
        let mut edit = self.session.edit.clone();
        self.frame_ui(&mut edit, ui);
        let ctx = ui.ctx().clone();
        self.over_ui(&ctx);
        self.take_edit(edit, &ctx);
        let commands = self.commands.take();
        self.miss_picture(&commands);
        for command in commands {
            self.run(command, &ctx);
        }
        self.follow_graph();
        self.ask_for_details();
        self.ask_on_demand();
        self.session.feed_history(ctx.time());
        if self.session.is_in_flux() {
            // The history waits for the edit to come to rest, so one more frame is needed although nothing moves.
            ctx.request_repaint_after_secs(0.6);
        }
        if let Some(at) = self.autosave_at_s {
            // In every frame anew: a wish for a later frame is forgotten with the next one that comes.
            ctx.request_repaint_after_secs((at - ctx.time()).max(0.0) as f32 + 0.05);
        }
        self.had_focus = ctx.memory(|m| m.focused().is_some());
        self.set_title(&ctx);
    }

    fn frame_ui(&mut self, edit: &mut Edit, ui: &mut Ui) {
        let p = Palette::of(ui);
        let undo_name = self.session.undo_name();
        let cx = PanelCtx { session: &self.session, commands: &self.commands };
        // The ground of panels is what the window is cleared with: painting it again would cost a frame of software rendering dear.
        let plain = Frame::NONE;
        let shown = self.dock.shown(self.session.workspace);
        Panel::top("top bar")
            .exact_size(TOP_BAR)
            .frame(plain)
            .show(ui, |ui| top_bar::ui(cx, edit, undo_name.as_deref(), &shown, ui));
        Panel::bottom("status line")
            .exact_size(STATUS_LINE)
            .frame(plain.inner_margin(Margin::symmetric(8, 0)))
            .show(ui, |ui| status::ui(cx, undo_name.as_deref(), ui));
        Panel::left("rail").exact_size(RAIL).resizable(false).frame(plain).show(ui, |ui| rail::ui(cx, ui));
        if notices::is_recovery_offered(cx) {
            Panel::top("recovery").frame(plain).show(ui, |ui| notices::recovery_ui(cx, ui));
        }
        if self.session.open.is_none() {
            CentralPanel::default().frame(plain.fill(p.bg)).show(ui, |ui| first_run::ui(cx, ui));
            return;
        }
        Panel::top("metrics").exact_size(metrics::height(Room::of(ui.ctx()))).frame(plain).show(ui, |ui| metrics::ui(cx, ui));
        let workspace = self.session.workspace;
        CentralPanel::default().frame(plain).show(ui, |ui| self.dock.ui(workspace, &mut self.panels, cx, edit, ui));
    }

    /// What lies over the panels. None of it takes the focus by itself, except what was asked for.
    fn over_ui(&mut self, ctx: &Context) {
        let cx = PanelCtx { session: &self.session, commands: &self.commands };
        notices::ui(cx, ctx);
        self.activity.ui(cx, ctx);
        self.help.ui(ctx);
        self.palette.ui(cx, ctx);
        unsaved::ui(cx, ctx);
        self.extents.ui(cx, ctx);
        self.prompt.ui(ctx);
        drop_overlay::ui(cx, ctx);
    }

    fn set_title(&mut self, ctx: &Context) {
        let mark = if self.session.is_unsaved() { " •" } else { "" };
        let title = match &self.session.open {
            Some(_) => format!("{}{mark} - Tinsmith", self.session.name()),
            None => "Tinsmith".to_owned(),
        };
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    // ---------------------------------------------------------------------------------------------------- edits

    /// A difference from what was shown is the edit.
    pub fn take_edit(&mut self, edit: Edit, ctx: &Context) {
        if edit != self.session.edit {
            let before = std::mem::replace(&mut self.session.edit, edit);
            self.session.turns.edited(self.session.n_clip_edits(), &before);
            self.edited(ctx);
        }
    }

    fn edited(&mut self, ctx: &Context) {
        self.autosave_at_s = Some(ctx.time() + AUTOSAVE_DELAY_S);
        self.start_job();
    }

    fn start_job(&mut self) {
        self.stop_lowering();
        if self.remakes_samples() {
            return;
        }
        let (Some(device), Some(open)) = (self.session.device(), &mut self.session.open) else { return };
        open.lay_out(self.session.edit.layout);
        self.revision += 1;
        let job = open.job(&self.session.edit, device);
        self.session.figures.expect_all();
        self.worker.preview(self.revision, job);
    }

    // ---------------------------------------------------------------------------------------------------- worker

    fn take(&mut self, event: Event, ctx: &Context) {
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
                    self.session.measured = Some(self.session.edit.clone());
                    self.session.message = "up to date".to_owned();
                } else if figures.failure.is_some() {
                    self.session.message = "the recipe gives no candidate".to_owned();
                }
            }
            // Results of older recipes are nobody's any more.
            Event::Preview(..) | Event::Failed(..) | Event::Ended(_) => {}
            Event::Layout(key, layout) if self.layouts_asked.contains(&key) => self.session.take_layout(key.graph, layout),
            Event::Layout(..) => {}
            Event::Distributions(distributions) => self.session.distributions = Some(distributions),
            Event::Advice(of, advice) => self.session.advice = Some((of, advice)),
            Event::Answer(basis, answer) => self.session.on_demand.take(&basis, answer),
            Event::Compared(basis, compared) => self.session.on_demand.take_compared(&basis, compared),
            Event::Lowered(revision, lowered) if revision == self.revision => self.take_lowered(lowered, ctx),
            Event::Lowered(..) => {}
            Event::Opened(path, result) => self.opened(path, *result, ctx),
            Event::Remade(remade) => self.take_remade(*remade),
            Event::Saved { is_autosave, result } => self.saved(is_autosave, *result),
            Event::Exported(Ok((folder, files))) => {
                let beside = files.iter().filter(|file| is_beside(Path::new(file))).count();
                let kept = match beside {
                    0 => String::new(),
                    1 => "; 1 edited file stays, the new one lies beside it as .new".to_owned(),
                    n => format!("; {n} edited files stay, the new ones lie beside them as .new"),
                };
                self.session.message = format!("exported {} files to {}{kept}", files.len(), folder.display());
                self.session.notices.add(Kind::Done, self.session.message.clone(), files.join(", "), None);
                self.session.on_demand.exported = Some((folder, files));
            }
            Event::Exported(Err(text)) => {
                let again = Some(("Choose another folder", Command::ChooseExportFolder));
                self.complain("Nothing was exported", text, again);
            }
            // Who does not say where to save does not want to leave either.
            Event::NothingPicked => self.after_save = None,
            Event::Picked(Wanted::OpenFile | Wanted::OpenData, path) => self.commands.send(Command::OpenPath(path)),
            Event::Picked(Wanted::SaveProject(_), path) => self.commands.send(Command::SaveTo(path)),
            Event::Picked(Wanted::ListenFile, path) => self.commands.send(Command::Capture(Ask::Listen(Source::File(path)))),
            Event::Picked(Wanted::ClipFolder, folder) => self.commands.send(Command::Capture(Ask::UseFolder(folder))),
            Event::Picked(Wanted::ExportFolder, folder) => self.commands.send(Command::ExportTo(folder)),
            // Whoever saves a picture asks by himself and goes on by himself.
            Event::Picked(Wanted::SavePicture(_), _) => {}
            Event::PictureSaved(Ok(path)) => {
                self.session.message = format!("saved {}", path.display());
                self.session.notices.add(Kind::Done, self.session.message.clone(), "", None);
            }
            Event::PictureSaved(Err(text)) => self.complain("The picture was not saved", text, None),
        }
    }

    /// Asks for what the panels of this frame need and was not asked for yet.
    fn ask_on_demand(&mut self) {
        for order in on_demand::orders(&mut self.session) {
            match order {
                Order::Ask(basis, question) => self.worker.answer(basis, question),
                Order::Compare(request) => self.worker.compare(request),
                Order::Cover(request) => self.worker.cover(request),
            }
        }
    }

    /// Another graph is on screen: what is selected there is what became of the selection. A look at the source while B is held changes
    /// nothing.
    fn follow_graph(&mut self) {
        let graph = self.session.graph_ref();
        if !self.session.hold_baseline && graph != self.selection_of {
            self.session.follow_selection();
            self.selection_of = graph;
        }
    }

    /// Asks for the layouts of the graphs on screen and the histograms of the selection, if they are not of these.
    fn ask_for_details(&mut self) {
        let Some(open) = &self.session.open else { return };
        let keys = self.panels.graph.layouts_wanted(&self.session);
        let is_served = |key: &LayoutKey| self.layouts_asked.iter().any(|asked| asked.serves(key, CANVAS_TOLERANCE));
        if !keys.iter().all(is_served) {
            self.layouts_asked.clone_from(&keys);
            self.worker.detail(DetailRequest::Layouts(keys));
        }
        let float = self.session.float_graph();
        if let Some(of) = float.filter(|of| self.advice_asked.as_ref() != Some(of)) {
            self.advice_asked = Some(of.clone());
            self.worker.detail(DetailRequest::Advice(of));
        }
        let nodes: Vec<String> = self.session.all_selected().take(MAX_SHOWN).cloned().collect();
        if nodes.is_empty() {
            return;
        }
        let calibration = self.session.figures.calibration.value.clone();
        let of = DistributionsOf {
            nodes,
            source: Arc::clone(&open.source),
            candidate: self.session.candidate().filter(|_| self.session.shown_now() == Shown::Candidate).cloned(),
            calibration,
        };
        if self.distributions_asked.as_ref() != Some(&of) {
            self.distributions_asked = Some(of.clone());
            self.worker.detail(DetailRequest::Distributions(of));
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

    fn clear_color(&self, visuals: &Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        self.kept().write(storage);
    }
}
