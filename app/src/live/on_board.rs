//! The model on the board: loading it, running windows and test samples there, and holding each output against the studio's own.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tinsmith_core::execute::executor::Executor;
use tinsmith_core::graph::Graph;
use tinsmith_core::live::{Latencies, Step};
use tinsmith_core::preview::{Inputs, only_input, roles};
use tinsmith_core::progress::Cancel;
use tinsmith_runtime::link::Status;

use super::setup::Setup;
use super::shown::{Checked, OnBoard};
use crate::capture::Station;
use crate::device::{Agreement, Event, ModelFile, Request, Way};

/// Windows that the board may still have to answer for; it gets no more meanwhile.
const MOST_WAITING: usize = 4;
/// Test samples that are sent for a check.
const CHECKED: usize = 200;
/// Requests of a check are numbered from here on.
const CHECKS_FROM: u32 = 1 << 31;
/// How often the board is asked what it counted.
const ASK_STATS: Duration = Duration::from_secs(1);

/// Inputs, each with the output that is due for it.
type Samples = VecDeque<(Vec<u8>, Vec<u8>)>;

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
    /// Since when the candidate is being sent, and in which of its forms.
    loading: Option<(Instant, usize)>,
    loaded: Option<(Duration, Instant)>,
    refused: Option<Status>,
    trouble: Option<String>,
    asked: Option<Instant>,
    is_met: bool,
}

/// Test samples on their way.
#[derive(Debug)]
struct Check {
    agreement: Agreement,
    /// Inputs and the outputs that are due, which have not been sent.
    left: Samples,
    total: u64,
}

impl BoardRunner {
    /// Another candidate: what was found out is of the one before.
    pub fn forget_candidate(&mut self, setup: &Setup, before: &Setup) {
        if !Arc::ptr_eq(&setup.candidate, &before.candidate) {
            (self.file, self.check, self.loading) = (None, None, None);
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
        // What is under way would be taken for what comes.
        (self.windows, self.check) = (Agreement::default(), None);
        self.steps.clear();
        station.ask(Request::GetStats(true));
    }

    /// Sends the candidate.
    pub fn load(&mut self, station: &Station, setup: &Setup) {
        match self.file(&setup.candidate.graph) {
            Ok(file) => {
                self.refused = None;
                self.send(station, &file, Instant::now(), 0);
            }
            Err(why) => self.trouble = Some(why),
        }
    }

    /// Sends one of the forms of the candidate. Whether there is such a form.
    fn send(&mut self, station: &Station, file: &ModelFile, since: Instant, form: usize) -> bool {
        let Some((hash, bytes)) = file.forms().get(form) else { return false };
        (self.loading, self.runs) = (Some((since, form)), Some(*hash));
        station.ask(Request::Load(bytes.clone()));
        true
    }

    /// Sends test samples.
    pub fn check(&mut self, setup: &Setup) {
        match samples(setup) {
            Ok(left) => {
                let total = left.len() as u64;
                self.check = Some(Check { agreement: Agreement::numbered_from(CHECKS_FROM), left, total });
                self.trouble = None;
            }
            Err(why) => self.trouble = Some(why),
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
            // What is on its way to a board that went never arrives.
            Event::Disconnected => {
                self.windows = Agreement::default();
                self.steps.clear();
                (self.check, self.loading) = (None, None);
            }
            // It may have been flashed anew meanwhile, and begins with what it was flashed with.
            Event::Reconnected => (self.runs, self.loaded) = (None, None),
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
        let Some((since, form)) = self.loading.take() else { return };
        let file = self.file.as_ref().and_then(|file| file.as_ref().ok()).cloned();
        match status {
            Status::Done => self.loaded = Some((since.elapsed(), Instant::now())),
            // Firmware reads one form or the other.
            Status::Model if file.is_some_and(|file| self.send(station, &file, since, form + 1)) => {}
            refused => (self.refused, self.runs) = (Some(refused), None),
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
            && let Some((input, output)) = check.left.pop_front()
        {
            station.ask(check.agreement.ask(input, output).1);
        }
    }

    fn file(&mut self, graph: &Graph) -> Result<Arc<ModelFile>, String> {
        let make = || ModelFile::of(graph, None).map(Arc::new).map_err(|error| error.to_string());
        self.file.get_or_insert_with(make).clone()
    }

    fn is_candidate(&self) -> bool {
        let file = self.file.as_ref().and_then(|file| file.as_ref().ok());
        self.loading.is_none() && self.runs.zip(file).is_some_and(|(runs, file)| file.has(runs))
    }

    /// Puts what is known where it is seen.
    pub fn show(&self, shown: &mut OnBoard) {
        let checked = |check: &Check| {
            let (same, done) = check.agreement.counts();
            Checked { same, done, total: check.total }
        };
        shown.loading = self.loading.map(|(since, _)| since);
        shown.runs = self.runs.filter(|_| self.loading.is_none()).map(|hash| (hash, self.is_candidate()));
        (shown.loaded, shown.refused) = (self.loaded, self.refused);
        shown.check = self.check.as_ref().map(checked);
        (shown.windows, shown.left_out) = (self.windows.counts(), self.left_out);
        if shown.latencies.count() != self.latencies.count() {
            shown.latencies.clone_from(&self.latencies);
        }
        shown.trouble.clone_from(&self.trouble);
    }
}

/// Inputs and outputs of the first test samples, as the candidate has them.
fn samples(setup: &Setup) -> Result<Samples, String> {
    let set = setup.data.as_ref().ok_or("there are no samples to send; open a data set")?;
    let test = roles(set).test;
    if test.is_empty() {
        return Err("the data set has no test samples to send".to_owned());
    }
    let made = || -> Result<_, Box<dyn std::error::Error>> {
        let graph = &setup.candidate.graph;
        // A board takes one.
        only_input(graph)?;
        let inputs = Inputs::of(set, &setup.source.graph)?;
        let executor = Executor::new(graph)?;
        let mut made = VecDeque::new();
        for sample in test.iter().take(CHECKED) {
            let input = inputs.bytes(&[*sample], graph)?.concat();
            let output = executor.run(&[&input], 1, &Cancel::new())?.concat();
            made.push_back((input, output));
        }
        Ok(made)
    };
    made().map_err(|error| error.to_string())
}
