//! The one place where a thread's next job lies: the newest job wins, and putting it there cancels the one being worked on.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tinsmith_core::progress::Cancel;

/// A job that took the place of an unfinished one waits so long before what takes long: as many frames as a drag may pause for.
const PAUSE: Duration = Duration::from_millis(60);

/// Holds one job; shared by who puts and who takes.
pub(super) struct Slot<T>(Arc<Shared<T>>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    next: Option<T>,
    running: Option<Cancel>,
    /// The next job took the place of one that was not done.
    displaces: bool,
    is_closed: bool,
}

impl<T> Slot<T> {
    pub(super) fn new() -> Self {
        let state = State { next: None, running: None, displaces: false, is_closed: false };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }

    pub(super) fn put(&self, job: T) {
        let mut state = self.lock();
        state.displaces = state.running.is_some() || state.next.is_some();
        state.next = Some(job);
        cancel_running(&mut state);
        drop(state);
        self.0.changed.notify_one();
    }

    pub(super) fn cancel(&self) {
        let mut state = self.lock();
        state.next = None;
        cancel_running(&mut state);
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        cancel_running(&mut state);
        drop(state);
        self.0.changed.notify_one();
    }

    /// Waits for a job; `None` once the window is gone.
    pub(super) fn take(&self) -> Option<(T, Cancel)> {
        let mut state = self.lock();
        state.running = None;
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(job) = state.next.take() {
                let cancel = if state.displaces { Cancel::unless_followed_within(PAUSE) } else { Cancel::new() };
                state.running = Some(cancel.clone());
                return Some((job, cancel));
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // The state is whole after every statement, so a panic elsewhere leaves nothing half done.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cancel_running<T>(state: &mut State<T>) {
    if let Some(cancel) = state.running.take() {
        cancel.cancel();
    }
}
