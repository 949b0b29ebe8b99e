//! The threads behind the window: one keeps previews fresh, one lays out graphs and counts histograms, and short-lived ones lower bits, open,
//! save, export and wait for file dialogs. The window only ever drains [`Worker::events`].
//!
//! The preview thread holds one job, not a queue: a newer one takes its place and cancels the work on the older. Everything is
//! handed over as immutable snapshots; nothing is locked while work goes on. The wake-up function is all it knows of the window.

mod attempt;
mod claim;
mod comparison;
mod coverage;
mod demand;
mod details;
mod files;
mod jobs;
mod layouts;
mod lowering;
mod priority;
mod same;
mod slot;
mod source_facts;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, unbounded};
use tinsmith_core::data::features::Pipeline;
use tinsmith_core::formats::ImportOptions;
use tinsmith_core::optimize::Advice;
use tinsmith_core::preview::progressive::Goal;
use tinsmith_core::preview::{self, Job};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::Outside;

pub use attempt::attempt;
pub use claim::Claim;
pub use comparison::{CompareRequest, Compared, Confusion, Measured};
pub use coverage::{CoverageRequest, RangesSeen};
pub use demand::{Answer, Basis, DryFile, DryRun, Question, Taken, Trial};
pub use details::{
    ActivationStatistics, DetailRequest, Distributions, DistributionsOf, FloatGraph, GraphRef, LayoutKey, MAX_SHOWN, Weights,
};
pub use files::{AskedExtent, ExportRequest, Opened, Remade, SaveRequest, Saved, project_beside, sample_project, samples_at};
pub use lowering::Lowered;
pub use same::same;
pub use source_facts::{FactsQuestion, Finding, Kind, SourceFacts, Tone};

use crate::gui::dialogs::{Picker, Wanted};
use crate::gui::graph_view::layout::Layout;
use crate::gui::picture::{Content, Request};

/// Everything that can wake the window.
#[derive(Debug)]
pub enum Event {
    /// A result for the job with this revision.
    Preview(u64, preview::Event),
    /// The job with this revision could not be done; why, for people.
    Failed(u64, String),
    /// The job with this revision ended: done, failed or cancelled.
    Ended(u64),
    /// Where the nodes of a graph lie.
    Layout(LayoutKey, Arc<Layout>),
    /// Histograms of a layer.
    Distributions(Arc<Distributions>),
    /// Which steps would help a float graph.
    Advice(FloatGraph, Vec<Advice>),
    /// A file was opened, or why not.
    Opened(PathBuf, Box<Result<Opened, String>>),
    /// Samples were made of recordings anew.
    Remade(Box<Remade>),
    /// The project or its autosaved copy was written, or why not.
    Saved {
        /// It was the copy.
        is_autosave: bool,
        /// What was written.
        result: Box<Result<Saved, String>>,
    },
    /// These files were exported into this folder, or why not.
    Exported(Result<(PathBuf, Vec<String>), String>),
    /// What was wanted, and what was picked.
    Picked(Wanted, PathBuf),
    /// What was wanted was not picked.
    NothingPicked,
    /// What a panel on screen needed, and what it was made from.
    Answer(Basis, Answer),
    /// A figure of a stored candidate.
    Compared(Basis, Compared),
    /// What came of lowering the bits of the job with this revision.
    Lowered(u64, Lowered),
    /// A picture was written to this file, or why not.
    PictureSaved(Result<PathBuf, String>),
}

/// Wakes the window from another thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Where threads leave their results.
#[derive(Clone)]
pub(crate) struct Outbox {
    events: Sender<Event>,
    wake: Wake,
}

impl Outbox {
    pub(crate) fn send(&self, event: Event) {
        // The window is gone: nobody is left to tell.
        if self.events.send(event).is_ok() {
            (self.wake)();
        }
    }
}

/// The threads, seen from the window.
pub struct Worker {
    events: Receiver<Event>,
    outbox: Outbox,
    jobs: slot::Slot<jobs::Numbered>,
    details: details::Details,
    demands: Sender<(Basis, Question)>,
    comparison: slot::Slot<CompareRequest>,
    coverage: slot::Slot<CoverageRequest>,
    no_dialogs: AtomicBool,
}

impl Worker {
    /// Starts the threads. `wake` is called, from any of them, after each event.
    pub fn start(wake: Wake) -> Self {
        priority::spread_politely();
        let (sender, events) = unbounded();
        let outbox = Outbox { events: sender, wake };
        let jobs = jobs::start(outbox.clone());
        let details = details::start(outbox.clone());
        let demands = demand::start(outbox.clone());
        let comparison = comparison::start(outbox.clone());
        let coverage = coverage::start(outbox.clone());
        Self { events, outbox, jobs, details, demands, comparison, coverage, no_dialogs: AtomicBool::new(false) }
    }

    /// What happened since the last call.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.try_iter()
    }

    /// Works on this job from now on; work on an older one is cancelled. Events carry `revision`.
    pub fn preview(&self, revision: u64, job: Job) {
        self.jobs.put((revision, job));
    }

    /// Stops work on the current job.
    pub fn cancel(&self) {
        self.jobs.cancel();
    }

    /// Lays out a graph or counts a layer's values.
    pub fn detail(&self, request: DetailRequest) {
        self.details.put(request);
    }

    /// Computes what a panel on screen needs.
    pub fn answer(&self, basis: Basis, question: Question) {
        // The thread ends only with the worker.
        let _ = self.demands.send((basis, question));
    }

    /// Measures stored candidates from now on; work on older ones is cancelled.
    pub fn compare(&self, request: CompareRequest) {
        self.comparison.put(request);
    }

    /// Finds what the ranges of a model hang on; work on an older request is cancelled.
    pub fn cover(&self, request: CoverageRequest) {
        self.coverage.put(request);
    }

    /// Lowers the bits of a job's recipe while `goal` holds. Events carry `revision`; the handle ends it.
    pub fn lower(&self, revision: u64, job: Job, goal: Goal) -> Cancel {
        let cancel = Cancel::new();
        let of_thread = cancel.clone();
        self.spawn(move |outbox| {
            lowering::lower(&job, goal, &of_thread, |lowered| outbox.send(Event::Lowered(revision, lowered)));
        });
        cancel
    }

    /// Opens a model, a project or a data set. `outside` says whether a project may refer to files outside its folder, `import` what
    /// is said of extents that a model leaves open; the recordings of a data set go through `features`.
    pub fn open(&self, path: PathBuf, outside: Outside, import: ImportOptions, features: Option<Pipeline>) {
        self.spawn(move |outbox| {
            let doing = format!("while reading {}", path.display());
            let opened = attempt(&doing, || files::open(&path, outside, import, features));
            outbox.send(Event::Opened(path, Box::new(opened)));
        });
    }

    /// Makes the samples of the recordings at `path` anew; the handle ends it, and then nothing is told.
    pub fn remake(&self, path: PathBuf, features: Option<Pipeline>) -> Cancel {
        let cancel = Cancel::new();
        let of_thread = cancel.clone();
        self.spawn(move |outbox| {
            if let Some(remade) = Remade::make(path, features, &of_thread) {
                outbox.send(Event::Remade(Box::new(remade)));
            }
        });
        cancel
    }

    /// Writes a project.
    pub fn save(&self, request: SaveRequest) {
        let is_autosave = request.is_autosave;
        self.spawn(move |outbox| outbox.send(Event::Saved { is_autosave, result: Box::new(files::save(request)) }));
    }

    /// Writes the candidate for the firmware into a folder.
    pub fn export(&self, folder: PathBuf, request: files::ExportRequest) {
        self.spawn(move |outbox| outbox.send(Event::Exported(files::export(folder, &request))));
    }

    /// Asks for no file any more: for whoever tries the window without a person before it.
    pub fn forbid_dialogs(&self) {
        self.no_dialogs.store(true, Ordering::Relaxed);
    }

    /// Whether nobody sits before the window.
    pub fn asks_nobody(&self) -> bool {
        self.no_dialogs.load(Ordering::Relaxed)
    }

    /// Asks for a file or a folder on a thread of its own.
    pub fn pick(&self, wanted: Wanted, picker: Picker) {
        if self.asks_nobody() {
            return self.outbox.send(Event::NothingPicked);
        }
        self.spawn(move |outbox| {
            let path = picker(&wanted);
            outbox.send(path.map_or(Event::NothingPicked, |path| Event::Picked(wanted, path)));
        });
    }

    /// What to call, from any thread, once the picture that was asked for is there: asks where to, if need be, and writes it.
    pub fn picture_saver(&self, request: Request, picker: Picker) -> impl FnOnce(Content) + Send + 'static {
        let outbox = self.outbox.clone();
        let picker = if self.asks_nobody() { Arc::new(|_: &Wanted| None) } else { picker };
        move |content| {
            std::thread::spawn(move || {
                if let Some(saved) = files::save_picture(&request, content, &picker) {
                    outbox.send(Event::PictureSaved(saved));
                }
            });
        }
    }

    fn spawn(&self, work: impl FnOnce(Outbox) + Send + 'static) {
        let outbox = self.outbox.clone();
        std::thread::spawn(move || work(outbox));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs.close();
        self.comparison.close();
        self.coverage.close();
    }
}
