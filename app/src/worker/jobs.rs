//! The preview thread: newest job wins.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tinsmith_core::preview::{Engine, Job, PreviewError};
use tinsmith_core::progress::Cancel;

use super::{Event, Outbox};

/// A job and its revision: larger is newer, events carry it.
type Numbered = (u64, Job);

/// The one place where the next job lies.
#[derive(Clone)]
pub(super) struct Slot(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: Option<Numbered>,
    running: Option<Cancel>,
    is_closed: bool,
}

impl Slot {
    pub(super) fn put(&self, job: Numbered) {
        let mut state = self.lock();
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
    fn take(&self) -> Option<(Numbered, Cancel)> {
        let mut state = self.lock();
        state.running = None;
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(job) = state.next.take() {
                let cancel = Cancel::new();
                state.running = Some(cancel.clone());
                return Some((job, cancel));
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole after every statement, so a panic elsewhere leaves nothing half done.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cancel_running(state: &mut State) {
    if let Some(cancel) = state.running.take() {
        cancel.cancel();
    }
}

pub(super) fn start(outbox: Outbox) -> Slot {
    let slot = Slot(Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() }));
    let of_thread = slot.clone();
    std::thread::spawn(move || {
        let mut engine = Engine::new();
        while let Some(((revision, job), cancel)) = of_thread.take() {
            run(&mut engine, revision, &job, &cancel, &outbox);
            outbox.send(Event::Ended(revision));
        }
    });
    slot
}

fn run(engine: &mut Engine, revision: u64, job: &Job, cancel: &Cancel, outbox: &Outbox) {
    let mut tell = |event| outbox.send(Event::Preview(revision, event));
    // A mistake in the core must not leave the window waiting for ever: it is told like any other failure.
    let done = catch_unwind(AssertUnwindSafe(|| engine.run(job, cancel, &mut tell)));
    match done {
        Ok(Ok(()) | Err(PreviewError::Cancelled(_))) => {}
        Ok(Err(error)) => outbox.send(Event::Failed(revision, error.to_string())),
        Err(_) => {
            *engine = Engine::new();
            let text = "the program made a mistake while working on this recipe; undo the last change and report it";
            outbox.send(Event::Failed(revision, text.to_owned()));
        }
    }
}
