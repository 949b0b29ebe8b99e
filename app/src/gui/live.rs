//! The live demo as the window has it: what the user has set, and the thread that listens. No widget in it.

use crate::capture::Stretch;
use crate::live::{Listener, Settings, Setup};

/// What panels ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// The user has set this.
    Set(Settings),
    /// Take no notice of what is measured, or go on.
    Pause(bool),
    /// Begin all counts anew.
    Clear,
    /// Send the candidate to the board.
    Load,
    /// Send test samples to the board and compare.
    Check,
    /// Make a clip of this.
    Keep(Stretch),
    /// Make clips of all events from now on, or no more.
    KeepAll(bool),
}

/// Everything about the live demo that panels show.
#[derive(Debug, Default)]
pub struct LiveDemo {
    /// What the user has set.
    pub settings: Settings,
    /// It takes no notice of what is measured.
    pub is_paused: bool,
    /// Events become clips.
    pub keeps_all: bool,
    /// What is to become clips once the data set is open.
    pub to_keep: Vec<Stretch>,
    /// The thread, while there is an input to listen to and a candidate to listen with.
    pub listener: Option<Listener>,
    /// What the thread works with.
    setup: Option<Setup>,
}

impl LiveDemo {
    /// Has the thread work with this from now on; without anything it ends. `start` begins one.
    pub fn follow(&mut self, wanted: Option<Setup>, start: impl FnOnce(Setup) -> Listener) {
        let is_new = match (&wanted, &self.setup) {
            (Some(wanted), Some(setup)) => !wanted.is_same(setup),
            (None, None) => false,
            _ => true,
        };
        if !is_new {
            return;
        }
        match (&wanted, &self.listener) {
            (None, _) => {
                (self.listener, self.is_paused, self.keeps_all) = (None, false, false);
                self.to_keep.clear();
            }
            (Some(wanted), Some(listener)) => listener.set(wanted.clone()),
            (Some(wanted), None) => self.listener = Some(start(wanted.clone())),
        }
        self.setup = wanted;
    }
}
