//! All sensors of a board, each a clip.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::clip::{BoardInfo, Clip, Counts, Ended, SensorInfo};
use super::timeline::{Stamp, Timeline};
use super::writer::{ClipSummary, ClipWriter};
use super::{RecordingError, at};

/// What is recorded, and where to.
#[derive(Clone, Debug, Default)]
pub struct RecorderSettings {
    /// The folder; made if need be.
    pub folder: PathBuf,
    /// What is recorded: the beginning of the files' names.
    pub label: Option<String>,
    /// Names or ids of the sensors; empty for all.
    pub sensors: Vec<String>,
    /// Ends a clip after so many instants' time; what comes later is left out.
    pub seconds: Option<f64>,
}

impl RecorderSettings {
    /// The sensors of a board that are to be recorded.
    ///
    /// # Errors
    /// There is none.
    pub fn sensors_of<'a>(&self, board: &'a BoardInfo) -> Result<Vec<&'a SensorInfo>, RecordingError> {
        let named = |sensor: &SensorInfo| self.sensors.iter().any(|name| *name == sensor.name || *name == sensor.id.to_string());
        let wanted: Vec<&SensorInfo> = board.sensors.iter().filter(|sensor| self.sensors.is_empty() || named(sensor)).collect();
        if !wanted.is_empty() {
            return Ok(wanted);
        }
        let names: Vec<&str> = board.sensors.iter().map(|sensor| sensor.name.as_str()).collect();
        Err(RecordingError::NoSensor(match &names[..] {
            [] => "the board has no sensors; flash firmware that has some".to_owned(),
            names => format!("the board has no sensor {}, it has {}", self.sensors.join(", "), names.join(", ")),
        }))
    }
}

/// A block of one sensor's instants.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Which sensor.
    pub sensor: u8,
    /// When, and what is missing.
    pub stamp: Stamp,
    /// The instants, as they came.
    pub instants: &'a [u8],
}

/// Records some sensors of a board.
#[derive(Debug)]
pub struct Recorder {
    tracks: Vec<Track>,
}

#[derive(Debug)]
struct Track {
    writer: ClipWriter,
    timeline: Timeline,
    /// Instants left to record.
    left: u64,
}

impl Recorder {
    /// Begins a clip for each sensor that is wanted.
    ///
    /// # Errors
    /// None is wanted, or a file cannot be written.
    pub fn new(settings: RecorderSettings, board: &BoardInfo) -> Result<Self, RecordingError> {
        std::fs::create_dir_all(&settings.folder).map_err(at(&settings.folder))?;
        let wanted = settings.sensors_of(board)?;
        let started_unix_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_micros() as u64);
        let prefix = free_prefix(&settings)?;
        let track = |sensor: &SensorInfo| {
            let clip = Clip::new(board, sensor.clone(), settings.label.clone(), started_unix_us);
            let writer = ClipWriter::create(&settings.folder, &format!("{prefix}_{}", sensor.name), clip)?;
            let left = settings.seconds.map_or(u64::MAX, |seconds| (seconds * sensor.rate_hz).round() as u64);
            Ok(Track { writer, timeline: Timeline::new(sensor.rate_hz), left })
        };
        let tracks = wanted.into_iter().map(track).collect::<Result<_, RecordingError>>()?;
        Ok(Self { tracks })
    }

    /// The sensors that are recorded, and the file of each.
    pub fn files(&self) -> Vec<(u8, PathBuf)> {
        self.tracks.iter().map(|track| (track.writer.clip().sensor.id, track.writer.path().to_owned())).collect()
    }

    /// Whether every clip is as long as it was to be.
    pub fn is_full(&self) -> bool {
        self.tracks.iter().all(|track| track.left == 0)
    }

    /// How many instants the other clips lack, once some clip is as long as it was to be.
    pub fn lacks(&self) -> Option<u64> {
        let is_any_full = self.tracks.iter().any(|track| track.left == 0);
        is_any_full.then(|| self.tracks.iter().fold(0, |sum: u64, track| sum.saturating_add(track.left)))
    }

    /// Adds a block. Instants of other sensors are left out, as are bytes that are no whole instant.
    ///
    /// # Errors
    /// The disk is full.
    pub fn add(&mut self, block: &Block<'_>) -> Result<(), RecordingError> {
        let wanted = |track: &&mut Track| track.writer.clip().sensor.id == block.sensor;
        let Some(track) = self.tracks.iter_mut().find(wanted) else { return Ok(()) };
        let instant_bytes = track.writer.clip().sensor.instant_bytes();
        let n_instants = ((block.instants.len() / instant_bytes) as u64).min(track.left) as usize;
        if n_instants == 0 {
            return Ok(());
        }
        let placed = track.timeline.place(block.stamp, n_instants);
        track.left -= n_instants as u64;
        track.writer.append(placed, &block.instants[..n_instants * instant_bytes])
    }

    /// Counts what went wrong on the link.
    pub fn count(&mut self, counts: Counts) {
        self.tracks.iter_mut().for_each(|track| track.writer.clip_mut().counts = counts);
    }

    /// Brings the files up to date; see [`ClipWriter::tick`].
    ///
    /// # Errors
    /// The disk is full.
    pub fn tick(&mut self) -> Result<(), RecordingError> {
        self.tracks.iter_mut().try_for_each(|track| track.writer.tick())
    }

    /// Ends all clips.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(self, ended: Ended) -> Result<Vec<ClipSummary>, RecordingError> {
        self.tracks.into_iter().map(|track| track.writer.finish(ended)).collect()
    }
}

/// The beginning of names that no file in the folder has: the label and the first free number.
fn free_prefix(settings: &RecorderSettings) -> Result<String, RecordingError> {
    let plain = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let label: String =
        settings.label.as_deref().filter(|label| !label.is_empty()).unwrap_or("clip").chars().map(plain).collect();
    let mut largest = 0;
    for entry in std::fs::read_dir(&settings.folder).map_err(at(&settings.folder))? {
        let name = entry.map_err(at(&settings.folder))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&label)?.strip_prefix('_')?.split_once('_')?.0.parse().ok());
        largest = number.unwrap_or(0_u32).max(largest);
    }
    Ok(format!("{label}_{:03}", largest.saturating_add(1)))
}
