//! A recording on a thread of its own: a disk that hesitates does not keep the port waiting.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tinsmith_core::data::recording::{Block, BoardInfo, Counts, Ended, Recorder, RecorderSettings, RecordingError, Stamp};

use super::messages::{Event, Outbox};
use super::receive::LinkCounts;

/// Blocks that may wait for the disk; then the port waits, and the board drops and counts what it cannot hold.
const QUEUE: usize = 2048;
/// How often the files are brought up to date where nothing arrives.
const TICK: Duration = Duration::from_millis(200);
/// How long sensors that say nothing are waited for, once another's clip is as long as it was to be.
const PATIENCE: Duration = Duration::from_secs(5);

enum Message {
    Block { sensor: u8, stamp: Stamp, instants: Vec<u8> },
    Counts(Counts),
    End(Ended),
}

/// A recording that is under way. When it ends, for whatever reason, the event [`Event::Recorded`] or
/// [`Event::RecordingFailed`] says so.
struct Recording {
    messages: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl Recording {
    /// Begins, and tells so by [`Event::Recording`].
    pub fn start(settings: RecorderSettings, board: &BoardInfo, outbox: Outbox) -> Result<Self, RecordingError> {
        let recorder = Recorder::new(settings, board)?;
        outbox.send(Event::Recording(recorder.files()));
        let (messages, receiver) = sync_channel(QUEUE);
        let thread = thread::spawn(move || outbox.send(run(recorder, &receiver)));
        Ok(Self { messages, thread: Some(thread) })
    }

    /// Adds a block. Whether the recording still goes on.
    pub fn add(&self, block: &Block<'_>) -> bool {
        let (sensor, stamp) = (block.sensor, block.stamp);
        self.messages.send(Message::Block { sensor, stamp, instants: block.instants.to_vec() }).is_ok()
    }

    /// Counts what went wrong on the link.
    pub fn count(&self, counts: Counts) {
        // One that has ended counts no more.
        let _ = self.messages.send(Message::Counts(counts));
    }

    /// Ends it and waits until everything is on the disk.
    pub fn end(mut self, ended: Ended) {
        let _ = self.messages.send(Message::End(ended));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The recording that is under way, if one is.
pub(crate) struct Recordings {
    outbox: Outbox,
    recording: Option<Recording>,
    /// It takes no more blocks.
    is_full: bool,
    /// The counts when it began.
    before: LinkCounts,
}

impl Recordings {
    /// None is.
    pub fn new(outbox: Outbox) -> Self {
        Self { outbox, recording: None, is_full: false, before: LinkCounts::default() }
    }

    /// Begins one, or tells why not. What went wrong on the link so far is none of it.
    pub fn begin(&mut self, settings: RecorderSettings, board: &BoardInfo, counts: LinkCounts) {
        self.before = counts;
        match Recording::start(settings, board, self.outbox.clone()) {
            Ok(recording) => self.recording = Some(recording),
            Err(error) => self.outbox.send(Event::RecordingFailed(error.to_string())),
        }
    }

    /// Adds a block.
    pub fn add(&mut self, block: &Block<'_>) {
        self.is_full |= self.recording.as_ref().is_some_and(|recording| !recording.add(block));
    }

    /// Whether it is as long as it was to be, or the disk is full. It is time to end it.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Counts what went wrong on the link.
    pub fn count(&self, counts: LinkCounts) {
        if let Some(recording) = &self.recording {
            recording.count(counts.since(&self.before));
        }
    }

    /// Whoever asks waits for an answer, even where nothing is being recorded.
    pub fn end_when_asked(&mut self, ended: Ended, counts: LinkCounts) {
        if self.recording.is_none() {
            self.outbox.send(Event::Recorded(Vec::new()));
        }
        self.end(ended, counts);
    }

    /// Ends it.
    pub fn end(&mut self, ended: Ended, counts: LinkCounts) {
        self.count(counts);
        self.is_full = false;
        if let Some(recording) = self.recording.take() {
            recording.end(ended);
        }
    }
}

fn run(mut recorder: Recorder, messages: &Receiver<Message>) -> Event {
    let outcome = record(&mut recorder, messages, PATIENCE);
    let ended = outcome.as_ref().copied().unwrap_or(Ended::Disk);
    match (outcome, recorder.finish(ended)) {
        (Ok(_), Ok(clips)) => Event::Recorded(clips),
        (Err(error), _) | (_, Err(error)) => Event::RecordingFailed(error.to_string()),
    }
}

/// Until it is ended, or as long as it was to be but for sensors that have been silent for `patience`.
fn record(recorder: &mut Recorder, messages: &Receiver<Message>, patience: Duration) -> Result<Ended, RecordingError> {
    let (mut lacks, mut since) = (None, Instant::now());
    while !recorder.is_full() && (lacks.is_none() || since.elapsed() < patience) {
        match messages.recv_timeout(TICK) {
            Ok(Message::Block { sensor, stamp, instants }) => recorder.add(&Block { sensor, stamp, instants: &instants })?,
            Ok(Message::Counts(counts)) => recorder.count(counts),
            Ok(Message::End(ended)) => return Ok(ended),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(Ended::Stopped),
        }
        // A clip whose sensor is silent is kept up to date as well.
        recorder.tick()?;
        if recorder.lacks() != lacks {
            (lacks, since) = (recorder.lacks(), Instant::now());
        }
    }
    Ok(Ended::Stopped)
}

#[cfg(test)]
mod tests {
    use tinsmith_core::data::recording::{ChannelInfo, SensorInfo};

    use super::*;

    #[test]
    fn a_sensor_that_says_nothing_does_not_keep_a_recording_from_its_end() {
        let channels = vec![ChannelInfo { name: "x".to_owned(), unit: String::new(), step: 1.0 }];
        let sensor = |id, name: &str| SensorInfo {
            id,
            name: name.to_owned(),
            rate_hz: 10.0,
            channels: channels.clone(),
            ..Default::default()
        };
        let board = BoardInfo { sensors: vec![sensor(1, "alive"), sensor(2, "dead")], ..BoardInfo::default() };
        let folder = tempfile::tempdir().unwrap();
        let settings = RecorderSettings { folder: folder.path().to_owned(), seconds: Some(0.1), ..RecorderSettings::default() };
        let mut recorder = Recorder::new(settings, &board).unwrap();
        let (messages, receiver) = sync_channel(QUEUE);
        messages.send(Message::Block { sensor: 1, stamp: Stamp::default(), instants: vec![0; 4] }).unwrap();
        // The sender lives on: only patience ends it.
        assert_eq!(record(&mut recorder, &receiver, Duration::from_millis(300)).unwrap(), Ended::Stopped);
        drop(messages);
        let clips = recorder.finish(Ended::Stopped).unwrap();
        assert_eq!(clips.iter().map(|clip| clip.instants).collect::<Vec<_>>(), [1, 0]);
    }
}
