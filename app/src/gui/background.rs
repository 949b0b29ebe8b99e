//! Work on a thread of its own whose result is wanted once, or not any more.

use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use eframe::egui::Context;

use crate::worker::attempt;

/// A result that is on its way, or nothing.
#[derive(Debug)]
pub struct Background<T>(Option<(Receiver<T>, JoinHandle<()>)>);

impl<T> Default for Background<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Send + 'static> Background<T> {
    /// Starts the work, and wakes the window when it is done.
    pub fn start(ctx: &Context, work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        let waker = ctx.clone();
        let thread = thread::spawn(move || {
            // Nobody may want it any more.
            if sender.send(work()).is_ok() {
                waker.request_repaint();
            }
        });
        Self(Some((receiver, thread)))
    }

    /// Whether something is on its way.
    pub fn is_busy(&self) -> bool {
        self.0.is_some()
    }

    /// The result, once it is there.
    pub fn take(&mut self) -> Option<T> {
        let (receiver, _) = self.0.as_ref()?;
        let result = receiver.try_recv().ok()?;
        self.0 = None;
        Some(result)
    }

    /// The result is not wanted any more: the thread, for whoever has to wait until what it holds is free.
    pub fn abandon(self) -> Option<JoinHandle<()>> {
        self.0.map(|(_, thread)| thread)
    }
}

impl<T: Send + 'static> Background<Result<T, String>> {
    /// The same of work that may fail: a mistake of the program is told like any other failure.
    pub fn attempt(ctx: &Context, work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Self {
        Self::start(ctx, || attempt("over this", work))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_as_a_failure() {
        let mut work = Background::<Result<(), String>>::attempt(&Context::default(), || panic!("for this test"));
        let told = loop {
            match work.take() {
                Some(told) => break told,
                None => thread::yield_now(),
            }
        };
        assert!(told.unwrap_err().contains("report it") && !work.is_busy());
    }

    #[test]
    fn what_nobody_wants_any_more_is_let_go_of_in_its_thread() {
        let held = std::sync::Arc::new(());
        let in_thread = std::sync::Arc::clone(&held);
        Background::start(&Context::default(), move || in_thread).abandon().expect("a thread").join().expect("it ends");
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
    }
}
