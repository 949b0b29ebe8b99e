//! Progress on a terminal; silence in a pipe or a log.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A line on stderr that is rewritten as work goes on, at most ten times a second.
#[derive(Debug)]
pub struct Progress {
    is_terminal: bool,
    last: Mutex<Option<Instant>>,
}

impl Progress {
    /// Progress on this process's stderr.
    pub fn new() -> Self {
        Self { is_terminal: std::io::stderr().is_terminal(), last: Mutex::new(None) }
    }

    /// Shows how far a piece of work is. May be called from any thread.
    pub fn show(&self, what: &str, done: usize, total: usize) {
        if !self.is_terminal {
            return;
        }
        let Ok(mut last) = self.last.lock() else { return };
        if last.is_some_and(|at| at.elapsed() < Duration::from_millis(100)) {
            return;
        }
        *last = Some(Instant::now());
        let _ = write!(std::io::stderr(), "\r\x1b[K{what} {done} / {total}");
    }

    /// A message that stays, whoever is watching.
    pub fn note(&self, text: &str) {
        self.clear();
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    fn clear(&self) {
        if self.last.lock().is_ok_and(|mut last| last.take().is_some()) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    /// Leaves a clean line behind.
    fn drop(&mut self) {
        self.clear();
    }
}
