//! A board without hardware: a pseudo-terminal that behaves as the board does, and goes wrong when asked to.
//!
//! The board itself ([`Board`]) is a function of commands and time; this file is the thread that runs it, its clock, its transmit
//! buffer and its cable.

mod board;
mod faults;
mod inference;
mod pty;
mod source;

pub use board::{Board, BoardSettings, SensorSettings};
pub use faults::Fault;
pub use source::Source;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tinsmith_runtime::link::{Decoder, MAX_FRAME};

use super::registry::Entry;
use super::{DeviceError, Way};
use faults::Faults;
use pty::Pty;

/// What waits in the board until the link takes it: two seconds of sound.
const BUFFER_BYTES: usize = 64 << 10;
/// The clock moves in steps no longer than this.
const STEP_US: u64 = 20_000;
/// How long the thread sleeps when nothing is due.
const REST: Duration = Duration::from_millis(2);

/// How fast a simulated board's time goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many of its seconds in one of ours.
    Times(f64),
    /// As fast as whoever listens takes it. While no sensor is on, real time.
    Max,
}

/// What is simulated.
#[derive(Debug)]
pub struct SimulatorSettings {
    /// The board.
    pub board: BoardSettings,
    /// How it talks.
    pub way: Way,
    /// How fast its time goes.
    pub speed: Speed,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Which of many ways it goes wrong in; the same again for the same number.
    pub seed: u64,
}

/// A simulated board, for as long as this lives.
#[derive(Debug)]
pub struct Simulator {
    port: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts it. Its port is listed by [`super::ports::list`].
    ///
    /// # Errors
    /// The system has no pseudo-terminal left, or the model cannot be run.
    pub fn start(settings: SimulatorSettings) -> Result<Self, DeviceError> {
        let failed = |error: std::io::Error| DeviceError::Simulate(format!("a simulated board cannot be started: {error}"));
        let pty = Pty::open().map_err(failed)?;
        let stem = settings.board.id.clone();
        let entry = Entry::new(&stem, &settings.board.name, pty.terminal()).map_err(failed)?;
        let port = entry.port().to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let mut cable = Cable::new(settings, pty, entry)?;
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                cable.turn();
            }
        });
        Ok(Self { port, stop, thread: Some(thread) })
    }

    /// The port to open.
    pub fn port(&self) -> &Path {
        &self.port
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The board, its clock, and what lies between it and whoever listens.
struct Cable {
    board: Board,
    way: Way,
    speed: Speed,
    faults: Faults,
    entry: Entry,
    /// Nothing while it is pulled.
    pty: Option<Pty>,
    decoder: Decoder<Vec<u8>>,
    buffer: VecDeque<u8>,
    now_us: u64,
    looked: Instant,
    /// When the cable is plugged in again.
    away_until_us: u64,
}

impl Cable {
    fn new(settings: SimulatorSettings, pty: Pty, entry: Entry) -> Result<Self, DeviceError> {
        let mut board = Board::new(settings.board)?;
        if settings.way == Way::Lines {
            board.start_all(0);
        }
        Ok(Self {
            board,
            way: settings.way,
            speed: settings.speed,
            faults: Faults::new(&settings.faults, settings.seed),
            entry,
            pty: Some(pty),
            decoder: Decoder::new(vec![0; MAX_FRAME]),
            buffer: VecDeque::new(),
            now_us: 0,
            looked: Instant::now(),
            away_until_us: 0,
        })
    }

    /// Listens, lets time pass, talks.
    fn turn(&mut self) {
        self.listen();
        let end_us = self.now_us + self.passed_us();
        let rests = end_us == self.now_us;
        while self.now_us < end_us {
            let step_us = (end_us - self.now_us).min(STEP_US);
            self.now_us += step_us;
            self.pass(step_us);
            self.talk();
        }
        self.talk();
        if rests {
            match &self.pty {
                Some(pty) => pty.wait(!self.buffer.is_empty(), REST),
                None => thread::sleep(REST),
            }
        }
    }

    /// How much time passes in this turn.
    fn passed_us(&mut self) -> u64 {
        let real_us = self.looked.elapsed().as_micros() as f64;
        let times = match self.speed {
            Speed::Times(times) => times,
            Speed::Max if self.board.is_active() => {
                self.looked = Instant::now();
                // A slow link is slow in the board's own time; any other is waited for.
                return if self.buffer.is_empty() || self.faults.limits() { STEP_US } else { 0 };
            }
            Speed::Max => 1.0,
        };
        if real_us * times < 1000.0 {
            return 0;
        }
        self.looked = Instant::now();
        (real_us * times) as u64
    }

    fn listen(&mut self) {
        let mut bytes = [0; 4096];
        let Some(pty) = &self.pty else { return };
        let n = pty.read(&mut bytes);
        for &byte in &bytes[..n] {
            if let Some(Ok(frame)) = self.decoder.push(byte)
                && self.way == Way::Frames
            {
                self.board.command(&frame, self.now_us);
            }
        }
        self.post();
    }

    /// What the board measures and says in the last `step_us`.
    fn pass(&mut self, step_us: u64) {
        self.faults.pass(step_us, self.board.is_active());
        self.handle_plug();
        if self.faults.restarts() {
            self.buffer.clear();
            self.board.stop_all();
        }
        while self.board.due_us().is_some_and(|due_us| due_us <= self.now_us) {
            let has_room = self.buffer.len() < BUFFER_BYTES && self.pty.is_some();
            match self.way {
                Way::Frames => self.board.measure(has_room),
                Way::Lines => self.board.print(has_room),
            }
            self.post();
        }
    }

    /// Pulls the cable, or plugs it in.
    fn handle_plug(&mut self) {
        if self.pty.is_some() && self.faults.pulls_the_cable() {
            self.away_until_us = self.now_us + faults::AWAY_US;
            self.pty = None;
            self.entry.unplug();
            self.buffer.clear();
            if self.way == Way::Frames {
                self.board.stop_all();
            }
        }
        if self.pty.is_none() && self.now_us >= self.away_until_us {
            let plugged = Pty::open().and_then(|pty| self.entry.plug_in(pty.terminal()).map(|()| pty));
            // Without a pseudo-terminal it is tried again in the next step.
            self.pty = plugged.ok();
        }
    }

    /// Puts what the board says into its transmit buffer.
    fn post(&mut self) {
        for message in self.board.said() {
            let message = self.faults.message(message);
            if self.pty.is_some() {
                self.buffer.extend(message);
            }
        }
    }

    /// Sends what the link takes.
    fn talk(&mut self) {
        let Some(pty) = &self.pty else { return };
        while !self.buffer.is_empty() {
            let (front, _) = self.buffer.as_slices();
            let allowed = self.faults.allows(front.len());
            let sent = pty.write(&front[..allowed]);
            if sent == 0 {
                return;
            }
            self.faults.sent(sent);
            self.buffer.drain(..sent);
        }
    }
}
