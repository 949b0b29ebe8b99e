//! The thread: takes what it is told, follows the sensor, looks after the board.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use tinsmith_core::live::Step;

use super::follow::Follower;
use super::on_board::BoardRunner;
use super::setup::Setup;
use super::shown::{Heard, Shown, State};
use super::suggest::Suggesting;
use crate::capture::{Station, Wake};
use crate::device::Event;

/// How often the sensor's newest instants are looked at.
const TICK: Duration = Duration::from_millis(20);

enum Ask {
    Set(Box<Setup>),
    Pause(bool),
    Clear,
    Load,
    Check,
}

/// The live demo, for as long as this lives. Everything can be asked from any thread, and nothing here waits.
#[derive(Debug)]
pub struct Listener {
    asks: Sender<Ask>,
    shown: Arc<Mutex<Shown>>,
}

impl Listener {
    /// Begins to listen. `wake` is called when something was heard, or something is wrong.
    pub fn start(setup: Setup, wake: Wake) -> Self {
        let (asks, asked) = channel();
        let shown = Arc::new(Mutex::new(Shown::default()));
        let seen = Arc::clone(&shown);
        // It ends by itself when nobody can ask it any more.
        thread::spawn(move || Thread::new(setup, seen, wake).run(&asked));
        Self { asks, shown }
    }

    /// What can be seen of it now. Held only as long as it takes to read.
    pub fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on with this. Where only the decision differs, it goes on; else it begins anew.
    pub fn set(&self, setup: Setup) {
        self.send(Ask::Set(Box::new(setup)));
    }

    /// Takes no notice of what is measured until this is taken back.
    pub fn pause(&self, is_paused: bool) {
        self.send(Ask::Pause(is_paused));
    }

    /// Begins all counts anew, those of the board as well.
    pub fn clear(&self) {
        self.send(Ask::Clear);
    }

    /// Sends the candidate to the board.
    pub fn load(&self) {
        self.send(Ask::Load);
    }

    /// Sends test samples to the board and compares its outputs with the studio's own.
    pub fn check(&self) {
        self.send(Ask::Check);
    }

    fn send(&self, ask: Ask) {
        // The thread ends only with this.
        let _ = self.asks.send(ask);
    }
}

struct Thread {
    setup: Setup,
    shown: Arc<Mutex<Shown>>,
    wake: Wake,
    /// What the station tells; nothing if it is gone.
    events: Option<Receiver<Arc<Event>>>,
    follower: Follower,
    board: BoardRunner,
    suggesting: Suggesting,
    is_paused: bool,
}

impl Thread {
    fn new(setup: Setup, shown: Arc<Mutex<Shown>>, wake: Wake) -> Self {
        let events = setup.station.upgrade().map(|station| station.listen());
        let suggesting = Suggesting::start(&setup);
        let (follower, board) = (Follower::default(), BoardRunner::default());
        Self { setup, shown, wake, events, follower, board, suggesting, is_paused: false }
    }

    fn run(mut self, asked: &Receiver<Ask>) {
        loop {
            match asked.recv_timeout(TICK) {
                Ok(ask) => self.take(ask),
                Err(RecvTimeoutError::Timeout) => self.tick(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Set(setup) => self.set(*setup),
            Ask::Pause(is_paused) => {
                self.is_paused = is_paused;
                self.follower.leap();
            }
            Ask::Clear => {
                self.follower = Follower::default();
                if let Some(station) = self.setup.station.upgrade() {
                    self.board.clear(&station);
                }
                self.seen(|shown, board| {
                    shown.clear();
                    board.show(&mut shown.board);
                });
            }
            Ask::Load => {
                if let Some(station) = self.setup.station.upgrade() {
                    self.board.load(&station, &self.setup);
                }
            }
            Ask::Check => self.board.check(&self.setup),
        }
        (self.wake)();
    }

    fn set(&mut self, setup: Setup) {
        if !Weak::ptr_eq(&setup.station, &self.setup.station) {
            self.events = setup.station.upgrade().map(|station| station.listen());
            self.board = BoardRunner::default();
        }
        if !setup.has_same_data(&self.setup) {
            self.board.forget_samples();
        }
        if !setup.has_same_data(&self.setup) || !Arc::ptr_eq(&setup.candidate, &self.setup.candidate) {
            self.suggesting = Suggesting::start(&setup);
        }
        if setup.has_same_models(&self.setup) {
            self.follower.decide(&setup.settings);
        } else {
            self.follower = Follower::default();
            self.board.forget_candidate(&setup, &self.setup);
            self.seen(|shown, _| shown.clear());
        }
        self.setup = setup;
    }

    /// Follows the sensor and the board for a moment.
    fn tick(&mut self) {
        let Some(station) = self.setup.station.upgrade() else { return };
        self.hear(&station);
        self.board.tick(&station, &self.setup);
        let outcome = if self.is_paused { Ok(None) } else { self.follower.follow(|| station.seen(), &self.setup, &self.shown) };
        let (state, steps) = match outcome {
            Ok(None) if self.is_paused => (State::Paused, Vec::new()),
            Ok(None) => (State::Waiting, Vec::new()),
            Ok(Some(steps)) => (State::Listening, steps),
            Err(why) => (State::Failed(why), Vec::new()),
        };
        let suggested = self.suggesting.made();
        let mut changed = steps.iter().any(|step| step.decision.event.is_some());
        self.keep(&station, &steps);
        for step in steps {
            self.board.run(&station, &self.setup, step);
        }
        self.seen(|shown, board| {
            changed |= shown.state != state || shown.suggested != suggested;
            (shown.state, shown.suggested) = (state, suggested);
            board.show(&mut shown.board);
        });
        if changed {
            (self.wake)();
        }
    }

    /// Has clips made of what these steps heard, if that is wanted.
    fn keep(&self, station: &Station, steps: &[Step]) {
        let Some(collection) = self.setup.keep.as_ref().and_then(Weak::upgrade) else { return };
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = |heard: &&Heard| steps.iter().any(|step| step.number == heard.event.step);
        for heard in shown.events.iter().filter(is_new) {
            station.keep(shown.stretch(heard), Arc::clone(&collection));
        }
    }

    /// Takes what the board said.
    fn hear(&mut self, station: &Station) {
        let events: Vec<Arc<Event>> = self.events.iter().flat_map(Receiver::try_iter).collect();
        for event in events {
            if let Some((step, us)) = self.board.hear(station, &event) {
                self.seen(|shown, _| {
                    let of_step = shown.events.iter_mut().rev().find(|heard| heard.event.step == step);
                    of_step.into_iter().for_each(|heard| heard.board_us = Some(us));
                });
            }
        }
    }

    fn seen(&self, change: impl FnOnce(&mut Shown, &BoardRunner)) {
        change(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner), &self.board);
    }
}
