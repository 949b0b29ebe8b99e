//! A thread that is asked by messages and answers by messages: the caller's end of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::messages::{Event, Outbox, Request};

/// A thread that measures, for as long as this lives.
#[derive(Debug)]
pub struct Talk {
    requests: Option<Sender<Request>>,
    events: Receiver<Event>,
    queued: Arc<AtomicUsize>,
    unseen: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The thread's end.
pub(crate) struct Ears {
    /// What is asked. When nobody can ask any more, the thread ends.
    pub requests: Receiver<Request>,
    pub outbox: Outbox,
    /// Nobody waits for what was begun.
    pub stop: Arc<AtomicBool>,
}

impl Talk {
    /// Starts the thread. With `lossless`, see [`super::ConnectionSettings::lossless`].
    pub(crate) fn start(lossless: bool, run: impl FnOnce(Ears) + Send + 'static) -> Self {
        let (sender, events) = channel();
        let (requests, receiver) = channel();
        let (queued, unseen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let outbox = Outbox { events: sender, queued: queued.clone(), unseen: unseen.clone(), lossless };
        let stop = Arc::new(AtomicBool::new(false));
        let ears = Ears { requests: receiver, outbox, stop: stop.clone() };
        let thread = thread::spawn(move || run(ears));
        Self { requests: Some(requests), events, queued, unseen, stop, thread: Some(thread) }
    }

    /// Asks for something. What comes of it is told by events.
    pub fn ask(&self, request: Request) {
        // A thread that has ended has told so.
        let _ = self.requests.as_ref().map(|requests| requests.send(request));
    }

    /// What has happened, if anything. Does not wait.
    pub fn poll(&self) -> Option<Event> {
        self.events.try_recv().ok().inspect(|event| self.taken(event))
    }

    /// The next thing that happens within `patience`.
    pub fn wait(&self, patience: Duration) -> Option<Event> {
        self.events.recv_timeout(patience).ok().inspect(|event| self.taken(event))
    }

    /// Blocks, lines of the log, counts, watched results and refusals that were not shown because nobody polled.
    pub fn unseen(&self) -> u64 {
        self.unseen.load(Ordering::Relaxed)
    }

    /// Ends recording and measuring. Waits for that; events can still be polled.
    pub fn close(&mut self) {
        self.requests = None;
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Whoever waits for room among the events must not wait for ever.
            while !thread.is_finished() {
                self.queued.store(0, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(1));
            }
            let _ = thread.join();
        }
    }

    fn taken(&self, event: &Event) {
        if event.is_one_of_many() {
            let _ = self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| Some(queued.saturating_sub(1)));
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.close();
    }
}
