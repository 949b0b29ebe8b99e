//! The model on the board: loading it, running windows and test samples there, and holding each output against the studio's own.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tinsmith_core::graph::Graph;
use tinsmith_core::live::{Latencies, Step};
use tinsmith_runtime::link::Status;

use super::check::Samples;
use super::setup::Setup;
use super::shown::{Checked, OnBoard};
use crate::capture::Station;
use crate::device::{Agreement, Event, ModelFile, Request, Way};

/// Windows that the board may still have to answer for; it gets no more meanwhile.
const MOST_WAITING: usize = 4;
/// How often the board is asked what it counted.
const ASK_STATS: Duration = Duration::from_secs(1);

/// What is asked of the board and what it answers.
#[derive(Debug, Default)]
pub struct BoardRunner {
    /// The candidate as the board takes it; made when it is needed.
    file: Option<Result<Arc<ModelFile>, String>>,
    /// What the board runs, as far as it is known.
    runs: Option<[u8; 8]>,
    windows: Agreement,
    /// The step of each window that the board runs.
    steps: HashMap<u32, u64>,
    check: Option<Check>,
    latencies: Latencies,
    left_out: u64,
    /// What is being sent, in the order in which the board answers.
    loading: VecDeque<Load>,
    loaded: Option<(Duration, Instant)>,
    refused: Option<Status>,
    trouble: Option<String>,
    asked: Option<Instant>,
    is_met: bool,
}

/// A model on its way to the board.
#[derive(Clone, Debug)]
struct Load {
    file: Arc<ModelFile>,
    /// In which of its forms.
    form: usize,
    since: Instant,
}

/// Test samples on their way.
#[derive(Debug)]
struct Check {
    agreement: Agreement,
    /// Those that have not been sent.
    left: Samples,
    total: u64,
}

impl BoardRunner {
    /// Another candidate: what was found out is of the one before. What is on its way arrives all the same.
    pub fn forget_candidate(&mut self, setup: &Setup, before: &Setup) {
        if !Arc::ptr_eq(&setup.candidate, &before.candidate) {
            (self.file, self.check) = (None, None);
            (self.loaded, self.refused, self.trouble) = (None, None, None);
            (self.windows, self.latencies, self.left_out) = (Agreement::default(), Latencies::default(), 0);
            self.steps.clear();
        }
    }

    /// Other samples: what the board said to those before is not about these.
    pub fn forget_samples(&mut self) {
        self.check = None;
    }

    /// Counts begin anew, on the board too.
    pub fn clear(&mut self, station: &Station) {
        (self.latencies, self.left_out) = (Latencies::default(), 0);
        (self.windows, self.check) = (Agreement::default(), None);
        self.steps.clear();
        station.ask(Request::GetStats(true));
    }

    /// Sends the candidate.
    pub fn load(&mut self, station: &Station, setup: &Setup) {
        match self.file(&setup.candidate.graph) {
            Ok(file) => {
                (self.refused, self.trouble) = (None, None);
                self.send(station, Load { file, form: 0, since: Instant::now() });
            }
            Err(why) => self.trouble = Some(why),
        }
    }

    /// Sends one of the forms of a model. Whether there is such a form.
    fn send(&mut self, station: &Station, load: Load) -> bool {
        let Some((_, bytes)) = load.file.forms().get(load.form) else { return false };
        station.ask(Request::Load(Arc::clone(bytes)));
        self.loading.push_back(load);
        true
    }

    /// Sends test samples.
    pub fn check(&mut self, setup: &Setup) {
        match Samples::of(setup) {
            Ok(left) => {
                let total = left.len() as u64;
                self.check = Some(Check { agreement: Agreement::default(), left, total });
                self.trouble = None;
            }
            Err(why) => self.trouble = Some(why.to_string()),
        }
    }

    /// Runs a window on the board as well, if that is wanted and it runs this candidate.
    pub fn run(&mut self, station: &Station, setup: &Setup, step: Step) {
        if !setup.settings.on_board || !self.is_candidate() {
            return;
        }
        if self.windows.waiting() >= MOST_WAITING {
            self.left_out += 1;
            return;
        }
        let (number, request) = self.windows.ask(step.candidate.input, step.candidate.output);
        self.steps.insert(number, step.number);
        station.ask(request);
    }

    /// What the board said. Of a window: its step and how long it took.
    pub fn hear(&mut self, station: &Station, event: &Event) -> Option<(u64, u32)> {
        match event {
            Event::Loaded(status) => self.loaded(station, *status),
            // A model that is on its way is sent again when the board is back. Inputs are too, but perhaps to another model.
            Event::Disconnected => {
                (self.windows, self.check) = (Agreement::default(), None);
                self.steps.clear();
            }
            Event::Failed(_) => self.loading.clear(),
            // It may have been flashed anew meanwhile, and begins with what it was flashed with.
            Event::Reconnected { model } => (self.runs, self.loaded) = (model.map(|model| model.hash), None),
            Event::Result { .. } => {
                let is_window = self.windows.take(event);
                let answer = is_window.or_else(|| self.check.as_mut()?.agreement.take(event))?;
                if answer.status == Status::Done {
                    self.latencies.add(answer.latency_us);
                }
                self.send_check(station);
                return is_window.and_then(|answer| Some((self.steps.remove(&answer.request)?, answer.latency_us)));
            }
            _ => {}
        }
        None
    }

    fn loaded(&mut self, station: &Station, status: Status) {
        let Some(load) = self.loading.pop_front() else { return };
        let is_wanted = self.candidate().is_some_and(|file| Arc::ptr_eq(file, &load.file));
        match status {
            Status::Done => {
                self.runs = load.file.forms().get(load.form).map(|(hash, _)| *hash);
                self.loaded = Some((load.since.elapsed(), Instant::now()));
            }
            // Firmware reads one form or the other.
            Status::Model if is_wanted && self.send(station, Load { form: load.form + 1, ..load }) => {}
            // The board goes on with what it had.
            refused => self.refused = Some(refused).filter(|_| is_wanted),
        }
    }

    /// What is due now and then.
    pub fn tick(&mut self, station: &Station, setup: &Setup) {
        let seen = station.seen();
        let (runs_models, model) = (seen.way == Some(Way::Frames), seen.model);
        drop(seen);
        if !runs_models {
            return;
        }
        if !std::mem::replace(&mut self.is_met, true) && self.runs.is_none() {
            self.runs = model.map(|model| model.hash);
        }
        if self.runs.is_some() && self.file.is_none() {
            // Whether it is this one that it runs.
            let _ = self.file(&setup.candidate.graph);
        }
        if self.asked.is_none_or(|asked| asked.elapsed() >= ASK_STATS) {
            self.asked = Some(Instant::now());
            station.ask(Request::GetStats(false));
        }
        self.send_check(station);
    }

    fn send_check(&mut self, station: &Station) {
        let Some(check) = &mut self.check else { return };
        while check.agreement.waiting() < MOST_WAITING
            && let Some(sample) = check.left.next()
        {
            match sample {
                Ok((input, output)) => station.ask(check.agreement.ask(input, output).1),
                Err(why) => {
                    (self.check, self.trouble) = (None, Some(why.to_string()));
                    return;
                }
            }
        }
    }

    fn file(&mut self, graph: &Graph) -> Result<Arc<ModelFile>, String> {
        let make = || ModelFile::of(graph, None).map(Arc::new).map_err(|error| error.to_string());
        self.file.get_or_insert_with(make).clone()
    }

    /// The candidate's file, if it was made.
    fn candidate(&self) -> Option<&Arc<ModelFile>> {
        self.file.as_ref()?.as_ref().ok()
    }

    fn is_candidate(&self) -> bool {
        self.loading.is_empty() && self.runs.zip(self.candidate()).is_some_and(|(runs, file)| file.has(runs))
    }

    /// Puts what is known where it is seen.
    pub fn show(&self, shown: &mut OnBoard) {
        let checked = |check: &Check| {
            let (same, done) = check.agreement.counts();
            Checked { same, done, total: check.total }
        };
        shown.loading = self.loading.front().map(|load| load.since);
        shown.runs = self.runs.filter(|_| self.loading.is_empty()).map(|hash| (hash, self.is_candidate()));
        (shown.loaded, shown.refused) = (self.loaded, self.refused);
        shown.check = self.check.as_ref().map(checked);
        (shown.windows, shown.left_out) = (self.windows.counts(), self.left_out);
        if shown.latencies.count() != self.latencies.count() {
            shown.latencies.clone_from(&self.latencies);
        }
        shown.trouble.clone_from(&self.trouble);
    }
}
