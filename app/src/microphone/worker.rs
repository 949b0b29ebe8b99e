//! The thread of a microphone: asks, answers, records, comes back after the cable was pulled.

use std::sync::mpsc::TryRecvError;
use std::thread;
use std::time::{Duration, Instant};

use tinsmith_core::data::recording::{Block, BoardInfo, Ended, SensorInfo};
use tinsmith_core::data::resample::ResampleProblem;
use tinsmith_runtime::link::{ALL_SENSORS, Status};

use super::sound::Source;
use super::track::{Chunk, Heard, SENSOR, Track};
use super::{MicrophoneError, MicrophoneSettings};
use crate::device::{Ears, Event, LinkCounts, Recordings, Request, Way};

/// How often requests are looked for where nothing is heard.
const LOOK: Duration = Duration::from_millis(20);
/// How often a microphone that went is looked for.
const SEARCH: Duration = Duration::from_millis(200);
/// How often counts are told.
const TELL: Duration = Duration::from_millis(250);

/// Listens until nobody wants to hear any more.
pub fn run(settings: MicrophoneSettings, ears: Ears) {
    let outbox = ears.outbox.clone();
    if let Err(error) = listen(settings, ears) {
        outbox.send(Event::Failed(error.into()));
    }
}

fn listen(settings: MicrophoneSettings, ears: Ears) -> Result<(), MicrophoneError> {
    let source = Source::open(&settings)?;
    let mut worker = Worker::new(settings, ears, &source)?;
    let board = worker.board.clone();
    worker.ears.outbox.send(Event::Connected { way: Way::Frames, baud: 0, board, model: None });
    let outcome = worker.run(source);
    let ended = if outcome.is_ok() { Ended::Stopped } else { Ended::Unplugged };
    worker.recordings.end(ended, worker.counts);
    outcome
}

struct Worker {
    settings: MicrophoneSettings,
    ears: Ears,
    board: BoardInfo,
    track: Track,
    recordings: Recordings,
    /// Its samples are wanted.
    is_started: bool,
    counts: LinkCounts,
    began: Instant,
    /// When something was heard last, if anything was.
    heard: Option<Instant>,
    told: Instant,
}

impl Worker {
    fn new(settings: MicrophoneSettings, ears: Ears, source: &Source) -> Result<Self, ResampleProblem> {
        let sensor = SensorInfo::sound(SENSOR, vec!["sound".to_owned()], settings.rate_hz);
        Ok(Self {
            board: BoardInfo { name: source.name().to_owned(), sensors: vec![sensor], ..BoardInfo::default() },
            track: Track::new(source.rate_hz(), settings.rate_hz)?,
            recordings: Recordings::new(ears.outbox.clone()),
            settings,
            ears,
            is_started: false,
            counts: LinkCounts::default(),
            began: Instant::now(),
            heard: None,
            told: Instant::now(),
        })
    }

    fn run(&mut self, mut source: Source) -> Result<(), MicrophoneError> {
        while let Some(gone) = self.serve(&source)? {
            drop(source);
            if self.heard.is_none() || !self.settings.reconnect {
                return Err(gone);
            }
            self.ears.outbox.send(Event::Disconnected);
            match self.come_back() {
                Some(again) => source = again,
                None => {
                    self.recordings.end(Ended::Unplugged, self.counts);
                    return Ok(());
                }
            }
            self.ears.outbox.send(Event::Reconnected { model: None });
            let away = self.heard.map_or(0.0, |heard| heard.elapsed().as_secs_f64());
            let heard = &mut Hearers { recordings: &mut self.recordings, ears: &self.ears, is_started: self.is_started };
            self.track.back(source.rate_hz(), away, |block| heard.hear(block))?;
        }
        Ok(())
    }

    /// Until nobody wants it any more, or it has gone.
    fn serve(&mut self, source: &Source) -> Result<Option<MicrophoneError>, ResampleProblem> {
        let name = || source.name().to_owned();
        let opened = Instant::now();
        loop {
            match self.ears.requests.try_recv() {
                Ok(request) => self.act(request),
                Err(TryRecvError::Disconnected) => return Ok(None),
                Err(TryRecvError::Empty) => {}
            }
            match source.wait(LOOK) {
                Heard::Chunk(chunk) => {
                    self.take(&chunk)?;
                    source.done(chunk);
                }
                Heard::Gone(reason) => return Ok(Some(MicrophoneError::Gone { name: name(), reason })),
                Heard::Nothing => {
                    let silent = self.heard.map_or(opened, |heard| heard.max(opened)).elapsed();
                    if silent > self.settings.patience {
                        return Ok(Some(MicrophoneError::Silent { name: name() }));
                    }
                }
            }
            if self.told.elapsed() >= TELL {
                let counts = self.counts;
                self.ears.outbox.offer(|| Event::Counts(counts));
                self.recordings.count(counts);
                self.told = Instant::now();
            }
        }
    }

    /// Waits for the microphone; nothing if it is wanted no longer.
    fn come_back(&mut self) -> Option<Source> {
        loop {
            thread::sleep(SEARCH);
            match self.ears.requests.try_recv() {
                Ok(Request::Record(_)) => {
                    let away = "the microphone is away; plug it in again".to_owned();
                    self.ears.outbox.send(Event::RecordingFailed(away));
                }
                Ok(Request::EndRecording) => self.recordings.end_when_asked(Ended::Unplugged, self.counts),
                Ok(request) => self.act(request),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return None,
            }
            if let Ok(source) = Source::open(&self.settings) {
                return Some(source);
            }
        }
    }

    fn act(&mut self, request: Request) {
        match request {
            Request::Start(SENSOR | ALL_SENSORS) => self.is_started = true,
            Request::Stop(SENSOR | ALL_SENSORS) => self.is_started = false,
            Request::Start(_) | Request::Stop(_) => self.ears.outbox.send(Event::Refused(Status::Sensor)),
            Request::Infer(..) | Request::Load(_) | Request::Watch(_) | Request::GetStats(_) => {
                self.ears.outbox.send(Event::Refused(Status::Unsupported));
            }
            Request::Record(settings) => {
                self.recordings.end(Ended::Stopped, self.counts);
                self.recordings.begin(settings, &self.board, self.counts);
                self.is_started = true;
            }
            Request::EndRecording => self.recordings.end_when_asked(Ended::Stopped, self.counts),
        }
    }

    fn take(&mut self, chunk: &Chunk) -> Result<(), ResampleProblem> {
        self.heard = Some(Instant::now());
        self.counts.frames += 1;
        self.counts.lost_frames += u64::from(chunk.lost > 0);
        self.counts.bytes += std::mem::size_of_val(&chunk.values[..]) as u64;
        let arrival_us = self.began.elapsed().as_micros() as u64;
        let heard = &mut Hearers { recordings: &mut self.recordings, ears: &self.ears, is_started: self.is_started };
        self.track.take(chunk, arrival_us, |block| heard.hear(block))?;
        if self.recordings.is_full() {
            self.recordings.end(Ended::Stopped, self.counts);
        }
        Ok(())
    }
}

/// Who is told what is heard.
struct Hearers<'a> {
    recordings: &'a mut Recordings,
    ears: &'a Ears,
    is_started: bool,
}

impl Hearers<'_> {
    fn hear(&mut self, block: &Block<'_>) {
        self.recordings.add(block);
        if self.is_started {
            self.ears.outbox.samples(block);
        }
    }
}
