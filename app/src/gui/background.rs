//! Work on a thread of its own whose result is wanted once, or not any more.

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use eframe::egui::Context;

/// A result that is on its way, or nothing.
#[derive(Debug)]
pub struct Background<T>(Option<Receiver<T>>);

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
        thread::spawn(move || {
            // Nobody may want it any more.
            if sender.send(work()).is_ok() {
                waker.request_repaint();
            }
        });
        Self(Some(receiver))
    }

    /// Whether something is on its way.
    pub fn is_busy(&self) -> bool {
        self.0.is_some()
    }

    /// The result, once it is there.
    pub fn take(&mut self) -> Option<T> {
        let result = self.0.as_ref()?.try_recv().ok()?;
        self.0 = None;
        Some(result)
    }
}
