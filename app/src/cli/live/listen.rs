//! What is done with each piece of a stream: through the models, to whoever reads, and to the board.

use tinsmith_core::live::{Latencies, Live as Listener, Step};
use tinsmith_runtime::link::Status;

use super::Live;
use super::models::Models;
use super::tell::{Teller, Trace};
use crate::cli::Failure;
use crate::cli::device::board::Board;
use crate::cli::messages::Messages;
use crate::device::ModelFile;
use crate::device::{Agreement, Answer, Event};
use crate::timed_steps::timed_steps;

/// Windows that a board may still have to answer for; it gets no more meanwhile.
const MAX_WAITING: usize = 4;

/// The model on a board.
#[derive(Default)]
pub struct OnBoard {
    pub agreement: Agreement,
    pub latencies: Latencies,
    /// Windows that it did not get, because it was busy with those before.
    pub left_out: u64,
    /// The first answer that was none.
    refused: Option<Status>,
}

/// A stream that is being listened to.
pub struct Listening<'a> {
    options: &'a Live,
    models: &'a Models,
    live: Listener,
    messages: Messages,
    teller: Teller<'a>,
    trace: Option<Trace>,
    /// Whole steps on this computer.
    pub latencies: Latencies,
    board: OnBoard,
    /// Where the stream began.
    began: u64,
    missing: u64,
    /// Of an autoencoder: least, sum and greatest of its distances.
    distances: Option<[f64; 3]>,
}

impl<'a> Listening<'a> {
    pub fn new(options: &'a Live, live: Listener, models: &'a Models, messages: Messages) -> Result<Self, Failure> {
        let trace = options.trace.as_deref().map(|path| Trace::create(path, &models.labels)).transpose()?;
        Ok(Self {
            options,
            models,
            live,
            messages,
            teller: Teller { labels: &models.labels, is_silent: options.json, began_s: 0.0 },
            trace,
            latencies: Latencies::default(),
            board: OnBoard::default(),
            began: 0,
            missing: 0,
            distances: None,
        })
    }

    pub fn messages(&self) -> Messages {
        self.messages
    }

    pub fn runs_on_board(&self) -> bool {
        self.options.on_board
    }

    /// Sends the candidate to the board.
    pub fn load(&self, board: &Board) -> Result<(), Failure> {
        let file = ModelFile::of(&self.models.candidate, None).map_err(|error| Failure::at(&self.options.file, error))?;
        board.load(&file, self.messages).map(drop)
    }

    /// The first instant has this number.
    pub fn begin_at(&mut self, instant: u64) {
        self.began = instant;
        self.teller.began_s = instant as f64 / self.live.front().sensor().rate_hz;
        self.live.front_mut().begin_at(instant);
    }

    pub fn gap(&mut self, missing: u64) {
        self.missing = self.missing.saturating_add(missing);
        self.live.gap(missing);
    }

    /// Whether as much was heard as was asked for.
    pub fn is_over(&self) -> bool {
        self.options.seconds.is_some_and(|seconds| self.seconds() >= seconds)
    }

    /// Seconds of the stream so far.
    fn seconds(&self) -> f64 {
        let front = self.live.front();
        front.position().saturating_sub(self.began) as f64 / front.sensor().rate_hz
    }

    /// Takes the next instants. With a board the windows that they complete are run there as well.
    pub fn take(&mut self, instants: &[f32], board: Option<&Board>) -> Result<(), Failure> {
        let steps = timed_steps(&mut self.live, instants).map_err(|error| Failure::at(&self.options.file, error))?;
        for (step, us) in steps {
            self.latencies.add(us);
            self.tell(&step)?;
            if let Some(board) = board.filter(|_| self.options.on_board) {
                self.ask(step, board)?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, step: &Step) -> Result<(), Failure> {
        if let [distance] = step.candidate.values[..] {
            let distance = f64::from(distance);
            let [least, sum, most] = self.distances.unwrap_or([f64::INFINITY, 0.0, 0.0]);
            self.distances = Some([least.min(distance), sum + distance, most.max(distance)]);
        }
        self.trace.as_mut().map_or(Ok(()), |trace| trace.add(step))?;
        step.decision.event.as_ref().map_or(Ok(()), |event| self.teller.event(event))
    }

    fn ask(&mut self, step: Step, board: &Board) -> Result<(), Failure> {
        if self.options.wav.is_some() || self.options.csv.is_some() {
            // A recording can wait.
            self.wait_for(board, MAX_WAITING - 1)?;
        }
        if self.board.agreement.waiting() >= MAX_WAITING {
            self.board.left_out += 1;
            return Ok(());
        }
        let (_, request) = self.board.agreement.ask(step.candidate.input, step.candidate.output);
        board.input.ask(request);
        Ok(())
    }

    /// Waits until the board has at most `left` windows to answer for.
    pub fn wait_for(&mut self, board: &Board, left: usize) -> Result<(), Failure> {
        while self.board.agreement.waiting() > left {
            let messages = self.messages;
            let answer = board.answer(messages, |event| self.board.agreement.take(&event))?;
            self.note(answer);
        }
        Ok(())
    }

    /// What a board says beside samples.
    pub fn hear(&mut self, event: &Event) {
        if let Some(answer) = self.board.agreement.take(event) {
            self.note(answer);
        }
    }

    fn note(&mut self, answer: Answer) {
        if answer.status == Status::Done {
            self.board.latencies.add(answer.latency_us);
        } else {
            self.board.refused.get_or_insert(answer.status);
        }
    }

    /// Writes the last of the trace and prints the summary.
    ///
    /// # Errors
    /// The board's outputs are not all the same.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.trace.as_mut().map_or(Ok(()), Trace::finish)?;
        let summary = self.summary();
        if self.options.json {
            summary.print_json()?
        } else {
            summary.print()?
        }
        let (same, answered) = self.board.agreement.counts();
        if same == answered {
            return Ok(());
        }
        let why = self.board.refused.map_or_else(String::new, |status| format!("; the first it could not run: {status}"));
        Err(Failure::new(format!("the board computes other outputs for {} of {answered} windows{why}", answered - same)))
    }

    fn summary(&self) -> super::tell::Summary<'_> {
        let mean = |[least, sum, most]: [f64; 3]| [least, sum / self.live.steps().0.max(1) as f64, most];
        super::tell::Summary {
            labels: &self.models.labels,
            live: &self.live,
            seconds: self.seconds(),
            missing: self.missing,
            latency: self.latencies.figures(),
            distances: self.distances.map(mean),
            board: self.options.on_board.then_some(&self.board),
        }
    }
}
