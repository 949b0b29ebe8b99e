//! A session at work: finds clips in what a sensor measures and writes them.

use std::path::PathBuf;

use tinsmith_core::data::recording::{
    Block, BoardInfo, ClipSummary, Ended, Kind, Recorder, RecorderSettings, RecordingError, SensorInfo,
};
use tinsmith_core::data::segment::{Cut, Segmenter, Span, Trigger};

use super::ring::{Ring, Run};
use super::session::{Order, Session};
use super::track::KEPT_S;

/// The longest clip: it has to be there whole when it is cut, with what came before.
pub const MOST_CLIP_S: f64 = KEPT_S / 2.0;
/// The part of a clip that lies before the level rose.
const LEAD: f64 = 0.2;
/// Clips that are remembered as made.
const MOST_MADE: usize = 64;

/// What begins a clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Sound or motion above this, in the unit of the sensor's first channel; of sound a fraction of full scale.
    Level(f32),
    /// A key.
    Key,
    /// So many seconds after the last one.
    Beat(f64),
}

/// What to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The sensor that clips are cut from.
    pub sensor: u8,
    /// Seconds of a clip.
    pub seconds: f64,
    /// What begins one.
    pub start: Start,
    /// What is asked for.
    pub labels: Vec<String>,
    /// How many of each.
    pub wanted: usize,
    /// In which order.
    pub order: Order,
    /// Who is recorded; empty if that does not matter.
    pub person: String,
    /// Record what the other sensors measure meanwhile, too.
    pub all_sensors: bool,
}

/// A clip that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its first instant and the one after its last, by the numbers of the sensor's ring.
    pub span: Span,
    /// Its label.
    pub label: String,
    /// What is on the disk.
    pub clip: ClipSummary,
}

/// A session, and the clips that it waits for.
#[derive(Clone, Debug)]
pub struct Cutter {
    /// What is recorded.
    pub plan: Plan,
    /// What is asked for, and how many there are.
    pub session: Session,
    /// No clip begins for the time being.
    pub is_paused: bool,
    /// Clips that have begun and are not whole yet.
    pub waiting: Vec<Span>,
    /// Clips that were made, the newest last; of a long session only the newest.
    pub made: Vec<Made>,
    /// How many were made and not discarded.
    pub n_made: usize,
    segmenter: Segmenter,
    rate_hz: f64,
}

impl Cutter {
    /// Begins with the next instant of `ring`.
    pub fn new(plan: Plan, ring: &Ring) -> Self {
        let info = ring.info();
        let instants = |seconds: f64| (seconds * info.rate_hz).round().max(1.0) as u64;
        let length = instants(plan.seconds.clamp(0.02, MOST_CLIP_S));
        let trigger = match plan.start {
            Start::Level(level) => Trigger::Level(level),
            Start::Key => Trigger::Key,
            Start::Beat(seconds) => Trigger::Beat(instants(seconds)),
        };
        let cut = Cut { trigger, length, lead: (length as f64 * LEAD) as u64 };
        let segmenter = Segmenter::new(cut, info.rate_hz, info.channels.len(), n_heard(info), ring.end());
        let session = Session::new(&plan.labels, plan.wanted, plan.order);
        Self {
            plan,
            session,
            is_paused: false,
            waiting: Vec::new(),
            made: Vec::new(),
            n_made: 0,
            segmenter,
            rate_hz: info.rate_hz,
        }
    }

    /// The level of the newest instants, in the unit of [`Start::Level`].
    pub fn level(&self) -> f32 {
        self.segmenter.level()
    }

    /// Seconds until the next clip begins by itself; nothing while one is being recorded.
    pub fn counts_down_s(&self) -> Option<f64> {
        let is_waiting = self.waiting.is_empty() && !self.is_paused && self.session.now().is_some();
        Some(self.segmenter.until_beat().filter(|_| is_waiting)? as f64 / self.rate_hz)
    }

    /// Takes the values of a block.
    pub fn push(&mut self, values: &[f32]) {
        let begun = self.segmenter.push(values);
        if !self.is_paused && self.session.now().is_some() {
            self.waiting.extend(begun);
        }
    }

    /// Somebody says: now.
    pub fn press(&mut self) {
        if !self.is_paused && self.session.now().is_some() {
            self.waiting.extend(self.segmenter.press());
        }
    }

    /// Another label. What has begun is of the one before, and is given up with it.
    pub fn skip(&mut self) {
        self.waiting.clear();
        self.segmenter.give_up();
        self.session.skip();
    }

    /// Clips that are whole now. Those that nobody asked for any more are left out.
    pub fn whole(&mut self, ring: &Ring, board: &BoardInfo) -> Vec<Piece> {
        let (whole, waiting) = self.waiting.iter().partition(|(_, end)| *end <= ring.end());
        self.waiting = waiting;
        let whole: Vec<Span> = whole;
        let person = &self.plan.person;
        let piece = |span| Some(Piece::new(ring, span, board, (self.session.recorded()?, person.clone())));
        whole.into_iter().filter_map(piece).collect()
    }

    /// Forgets the newest clip: its label is asked for again.
    pub fn forget(&mut self) -> Option<Made> {
        let made = self.made.pop()?;
        self.n_made -= 1;
        self.session.discarded(&made.label);
        Some(made)
    }

    /// Remembers what was made.
    pub fn remember(&mut self, made: Made) {
        self.n_made += 1;
        self.made.push(made);
        self.made.drain(..self.made.len().saturating_sub(MOST_MADE));
    }
}

/// How many channels make the level: those before the first with another unit, so that an acceleration is not mixed with a rotation.
pub fn n_heard(info: &SensorInfo) -> usize {
    let unit = info.channels.first().map(|channel| channel.unit.as_str());
    match info.kind {
        Kind::Audio => 1,
        _ => info.channels.iter().take_while(|channel| Some(channel.unit.as_str()) == unit).count().min(3),
    }
}

/// A clip that is whole, taken out of its ring: to be written without keeping anybody waiting.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Where it was in the ring.
    pub span: Span,
    /// What it is.
    pub label: String,
    /// Of whom; empty if that does not matter.
    pub person: String,
    sensor: SensorInfo,
    board: BoardInfo,
    runs: Vec<Run>,
}

impl Piece {
    /// Takes a span out of a ring.
    pub fn new(ring: &Ring, span: Span, board: &BoardInfo, (label, person): (String, String)) -> Self {
        Self { span, label, person, sensor: ring.info().clone(), board: board.clone(), runs: ring.runs(span.0, span.1) }
    }

    /// What measured it.
    pub fn sensor(&self) -> &SensorInfo {
        &self.sensor
    }

    /// Writes it as a clip of its own into a folder, with the gaps that are in it.
    ///
    /// # Errors
    /// As a recording.
    pub fn write(&self, folder: PathBuf) -> Result<ClipSummary, RecordingError> {
        let id = self.sensor.id;
        let label = Some(self.label.clone());
        let settings = RecorderSettings { folder, label, sensors: vec![id.to_string()], seconds: None };
        let mut recorder = Recorder::new(settings, &self.board)?;
        for run in &self.runs {
            recorder.add(&Block { sensor: id, stamp: run.stamp, instants: &run.bytes })?;
        }
        let clips = recorder.finish(Ended::Stopped)?;
        clips.into_iter().next().ok_or_else(|| RecordingError::NoSensor(format!("no sensor {}", self.sensor.name)))
    }
}
