//! Cancelling long work and telling how far it is: the only link between a computation and whoever waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often work that waits looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(2);

/// A flag that the owner of a computation raises when nobody wants its result any more. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    is_raised: Arc<AtomicBool>,
    not_before: Option<Instant>,
}

impl Cancel {
    /// A flag that nobody has raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that nobody has raised, for work that took the place of other work: likely something moves, and more will follow.
    /// What takes long is not begun for so long, see [`settle`](Self::settle).
    pub fn unless_followed_within(pause: Duration) -> Self {
        Self { not_before: Some(Instant::now() + pause), ..Self::default() }
    }

    /// Raises the flag: work that checks it stops soon.
    pub fn cancel(&self) {
        self.is_raised.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is up.
    pub fn is_cancelled(&self) -> bool {
        self.is_raised.load(Ordering::Relaxed)
    }

    /// `Err(Cancelled)` once the flag is up, for use with `?` between nodes and batches.
    ///
    /// # Errors
    /// [`Cancelled`] if the flag is up.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Waits, where more work is expected to follow, until that has not come: called before what takes longer than the
    /// next piece of work is away, which would only take the processor from whoever moves something.
    ///
    /// # Errors
    /// [`Cancelled`] if the flag is up, or goes up meanwhile.
    pub fn settle(&self) -> Result<(), Cancelled> {
        loop {
            self.check()?;
            let left = self.not_before.map_or(Duration::ZERO, |start| start.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(LOOK));
        }
    }
}

/// The work was cancelled; it left nothing behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_is_followed_while_it_waits_is_not_begun() {
        let cancel = Cancel::unless_followed_within(Duration::from_secs(3600));
        let of_work = cancel.clone();
        let work = std::thread::spawn(move || of_work.settle());
        assert!(!work.is_finished());
        cancel.cancel();
        assert_eq!(work.join().expect("it ends"), Err(Cancelled));
    }

    #[test]
    fn work_that_follows_nothing_is_begun_at_once() {
        assert_eq!(Cancel::new().settle(), Ok(()));
        assert_eq!(Cancel::unless_followed_within(Duration::ZERO).settle(), Ok(()));
    }
}
