//! The preview thread: newest job wins.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tinsmith_core::preview::{Engine, Job, PreviewError};
use tinsmith_core::progress::Cancel;

use super::slot::Slot;
use super::{Event, Outbox, words};

/// A job and its revision: larger is newer, events carry it.
pub(super) type Numbered = (u64, Job);

pub(super) fn start(outbox: Outbox) -> Slot<Numbered> {
    let slot = Slot::new();
    let of_thread: Slot<Numbered> = slot.clone();
    std::thread::spawn(move || {
        super::priority::give_way();
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
        Ok(Err(error)) => outbox.send(Event::Failed(revision, words::of_preview(&error))),
        Err(_) => {
            *engine = Engine::new();
            let text = "the program made a mistake while working on this recipe; undo the last change and report it";
            outbox.send(Event::Failed(revision, text.to_owned()));
        }
    }
}
