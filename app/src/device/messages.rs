//! What the thread of a board is asked, and what it tells.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use tinsmith_core::data::recording::{Block, BoardInfo, ClipSummary, RecorderSettings, Stamp};
use tinsmith_runtime::link::{Level, Loaded, Stats, Status};

use super::DeviceError;
use super::detect::Way;
use super::receive::LinkCounts;

/// Events that nobody asked for one by one (see [`Event::is_one_of_many`]) that may wait for whoever polls. Further ones are not
/// shown; a recording has the blocks all the same.
const MAX_QUEUED: usize = 4096;

/// Which port, and how.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// The port.
    pub port: String,
    /// Bits a second; both usual rates are tried where there is none.
    pub baud: Option<u32>,
    /// How long a board may take to say who it is. Many start anew when their port is opened.
    pub patience: Duration,
    /// Look for the board again when it has gone; else that is the end.
    pub reconnect: bool,
    /// How long a board whose sensors were started may say nothing. Then its port is opened again: it may have started anew behind a
    /// bridge that did not, and have forgotten what it was asked.
    pub silence: Duration,
    /// Leave no block out, however slow whoever polls is: the board waits.
    pub lossless: bool,
}

impl ConnectionSettings {
    /// The usual way to open a port.
    pub fn new(port: impl Into<String>) -> Self {
        Self {
            port: port.into(),
            baud: None,
            patience: Duration::from_secs(3),
            reconnect: true,
            silence: Duration::from_secs(8),
            lossless: false,
        }
    }
}

/// What the thread is asked to do.
#[derive(Clone, Debug)]
pub enum Request {
    /// Send a sensor's samples. It is asked again when the board comes back.
    Start(u8),
    /// Send no more of them.
    Stop(u8),
    /// Run the model: the request's number, not 0, and the bytes of its inputs.
    Infer(u32, Vec<u8>),
    /// Run the model on what a sensor measures, each so many instants; `None` to end that.
    Watch(Option<(u8, u32)>),
    /// Say what running the model took, and begin to count anew if so.
    GetStats(bool),
    /// Send a compact model and run it from now on.
    Load(Arc<[u8]>),
    /// Record from now on, and start the sensors that are wanted.
    Record(RecorderSettings),
    /// End the recording.
    EndRecording,
}

/// What has happened.
#[derive(Debug)]
pub enum Event {
    /// The board has said who it is: how it talks, at how many bits a second, its sensors, its model.
    Connected {
        /// How it talks.
        way: Way,
        /// Bits a second; 0 for a microphone of this computer.
        baud: u32,
        /// Who it is. Of plain lines the sensors follow, by [`Event::Sensors`].
        board: BoardInfo,
        /// Its model.
        model: Option<Loaded>,
    },
    /// It is clear what is in plain lines.
    Sensors(BoardInfo),
    /// The cable was pulled. The board is looked for.
    Disconnected,
    /// The same board is back.
    Reconnected {
        /// Its model: it may have been switched off, or flashed anew.
        model: Option<Loaded>,
    },
    /// Instants of a sensor, as they came.
    Samples {
        /// Which sensor.
        sensor: u8,
        /// When the first was, and what happened since the sensor's instants before.
        stamp: Stamp,
        /// The instants.
        instants: Vec<u8>,
    },
    /// What the model computed.
    Result {
        /// Which request, 0 for what is watched.
        request: u32,
        /// Whether there is an output.
        status: Status,
        /// How long it took.
        latency_us: u32,
        /// When the first instant of the window was.
        time_us: u64,
        /// The bytes of its outputs.
        output: Vec<u8>,
    },
    /// What running the model took.
    Stats(Stats),
    /// A line of the board's log.
    Log(Level, String),
    /// A command was refused.
    Refused(Status),
    /// The board has so many bytes of a model.
    Loading {
        /// Bytes that it has.
        held: usize,
        /// All bytes.
        total: usize,
    },
    /// A model was sent and runs, or why not.
    Loaded(Status),
    /// What has come so far; several times a second.
    Counts(LinkCounts),
    /// A recording has begun, with these sensors in these files: every block from now on is in it.
    Recording(Vec<(u8, PathBuf)>),
    /// A recording has ended well.
    Recorded(Vec<ClipSummary>),
    /// A recording could not go on; what was on the disk is there.
    RecordingFailed(String),
    /// The end: nothing follows.
    Failed(DeviceError),
}

impl Event {
    /// Whether it may come in any number, whatever is asked.
    pub(super) fn is_one_of_many(&self) -> bool {
        let is_watched = matches!(self, Self::Result { request: 0, .. });
        let is_told_often = matches!(self, Self::Samples { .. } | Self::Loading { .. });
        is_watched || is_told_often || matches!(self, Self::Log(..) | Self::Counts(_) | Self::Refused(_))
    }
}

/// The thread's end of the events.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    pub events: Sender<Event>,
    /// How many of many events wait for whoever polls.
    pub queued: Arc<AtomicUsize>,
    /// Those that were left out.
    pub unseen: Arc<AtomicU64>,
    /// See [`ConnectionSettings::lossless`].
    pub lossless: bool,
}

impl Outbox {
    /// Tells an event, but for one of many where too many wait.
    pub fn send(&self, event: Event) {
        if event.is_one_of_many() {
            return self.offer(|| event);
        }
        self.push(event);
    }

    /// Tells one of many events, unless too many wait.
    pub fn offer(&self, event: impl FnOnce() -> Event) {
        while self.lossless && self.queued.load(Ordering::Relaxed) >= MAX_QUEUED {
            thread::sleep(Duration::from_millis(1));
        }
        if self.queued.load(Ordering::Relaxed) >= MAX_QUEUED {
            self.unseen.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.push(event());
    }

    fn push(&self, event: Event) {
        // Nobody listens any more: the thread is about to be told.
        let _ = self.events.send(event);
    }

    /// Tells a block, unless too many wait.
    pub fn samples(&self, block: &Block<'_>) {
        self.offer(|| Event::Samples { sensor: block.sensor, stamp: block.stamp, instants: block.instants.to_vec() });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn what_nobody_polls_is_bounded_and_counted() {
        let (events, receiver) = channel();
        let outbox = Outbox { events, queued: Arc::default(), unseen: Arc::default(), lossless: false };
        for _ in 0..MAX_QUEUED {
            outbox.offer(|| Event::Log(Level::Warning, "again".to_owned()));
            outbox.offer(|| Event::Counts(LinkCounts::default()));
        }
        assert_eq!(outbox.unseen.load(Ordering::Relaxed), MAX_QUEUED as u64);
        let result = |request| Event::Result { request, status: Status::Done, latency_us: 0, time_us: 0, output: Vec::new() };
        outbox.send(Event::Refused(Status::Failed));
        outbox.send(result(0));
        assert_eq!(outbox.unseen.load(Ordering::Relaxed), MAX_QUEUED as u64 + 2);
        // What was asked for is told, whatever waits.
        outbox.send(result(7));
        let told: Vec<Event> = receiver.try_iter().collect();
        assert_eq!(told.iter().filter(|event| event.is_one_of_many()).count(), MAX_QUEUED);
        assert!(matches!(told.last(), Some(Event::Result { request: 7, .. })));
    }
}
