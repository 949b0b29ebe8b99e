//! What is stored beside the samples of a recording.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tinsmith_runtime::link;

use super::{RecordingError, at};

/// The version of the file.
const VERSION: u32 = 1;
/// The largest file that is read.
const MAX_BYTES: u64 = 64 << 20;
/// The most gaps that are listed; beyond, they are counted.
pub(super) const MAX_GAPS: usize = 10_000;

/// What a sensor measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Acceleration, rotation.
    Imu,
    /// Anything else.
    #[default]
    Other,
}

/// How a value comes from the board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// Two's complement, 16 bits, little-endian.
    I16,
    /// IEEE 754 single precision, little-endian.
    #[default]
    F32,
}

impl Encoding {
    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Self::I16 => 2,
            Self::F32 => 4,
        }
    }

    /// The values of some bytes, as numbers of steps.
    pub fn values(self, bytes: &[u8]) -> impl Iterator<Item = f32> {
        bytes.chunks_exact(self.bytes()).map(move |value| match *value {
            [a, b] => f32::from(i16::from_le_bytes([a, b])),
            [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
            _ => 0.0,
        })
    }
}

/// One of the values that a sensor measures at an instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelInfo {
    /// Its name.
    pub name: String,
    /// Its unit; empty where it is not known.
    pub unit: String,
    /// Real units of a step.
    pub step: f32,
}

/// A sensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SensorInfo {
    /// What the board names it by.
    pub id: u8,
    /// What people name it by, unlike every other of the board.
    pub name: String,
    /// What it measures.
    pub kind: Kind,
    /// Instants a second, as the board says; of plain lines, as measured.
    pub rate_hz: f64,
    /// How values come.
    pub encoding: Encoding,
    /// What it measures at each instant.
    pub channels: Vec<ChannelInfo>,
}

impl SensorInfo {
    /// A microphone of 16 bits.
    pub fn sound(id: u8, channels: Vec<String>, rate_hz: f64) -> Self {
        let channel = |name| ChannelInfo { name, unit: "full scale".to_owned(), step: 1.0 / 32768.0 };
        let channels = channels.into_iter().map(channel).collect();
        Self { id, name: "audio".to_owned(), kind: Kind::Audio, rate_hz, encoding: Encoding::I16, channels }
    }

    /// Bytes of an instant.
    pub fn instant_bytes(&self) -> usize {
        self.encoding.bytes() * self.channels.len().max(1)
    }

    /// Instants as they came, in real units, `[time, channels]`.
    pub fn real_values(&self, instants: &[u8]) -> Vec<f32> {
        let steps = self.channels.iter().map(|channel| channel.step).cycle();
        self.encoding.values(instants).zip(steps).map(|(value, step)| value * step).collect()
    }
}

/// A board, and its sensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BoardInfo {
    /// Its name.
    pub name: String,
    /// Its own number; 0 for none.
    pub number: u64,
    /// The version of its firmware.
    pub firmware: String,
    /// Its sensors, each with a name of its own.
    pub sensors: Vec<SensorInfo>,
}

impl BoardInfo {
    /// What a board says of itself.
    pub fn new(name: &str, number: u64, firmware: &str, sensors: link::List<'_, link::Sensor<'_>>) -> Self {
        let mut board =
            Self { name: name.to_owned(), number, firmware: firmware.to_owned(), sensors: Vec::with_capacity(sensors.len()) };
        for sensor in sensors.iter() {
            let plain = sensor.kind.name();
            let taken = board.sensors.iter().any(|other: &SensorInfo| other.name == plain);
            let name = if taken { format!("{plain}{}", sensor.id) } else { plain.to_owned() };
            board.sensors.push(SensorInfo::new(name, &sensor));
        }
        board
    }

    /// Whether this is the same piece of hardware, as far as it says.
    pub fn is_same(&self, other: &Self) -> bool {
        self.number == other.number && self.name == other.name
    }
}

impl SensorInfo {
    fn new(name: String, sensor: &link::Sensor<'_>) -> Self {
        let channel = |channel: link::Channel<'_>| ChannelInfo {
            name: channel.name.to_owned(),
            unit: channel.unit.to_owned(),
            step: channel.step,
        };
        Self {
            id: sensor.id,
            name,
            kind: match sensor.kind {
                link::SensorKind::Audio => Kind::Audio,
                link::SensorKind::Imu => Kind::Imu,
                link::SensorKind::Other => Kind::Other,
            },
            rate_hz: f64::from(sensor.rate_mhz) / 1000.0,
            encoding: match sensor.format {
                link::Format::I16 => Encoding::I16,
                link::Format::F32 => Encoding::F32,
            },
            channels: sensor.channels.iter().map(channel).collect(),
        }
    }
}

/// Why instants are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The board dropped them, because the link was too slow; or this computer what its microphone heard.
    Board,
    /// Frames were lost or damaged on the way.
    Link,
    /// The cable was pulled, or the board was off.
    Unplugged,
    /// Time stamps jumped ahead, with no frame lost.
    ClockAhead,
    /// Time stamps jumped back. Times go on from where they were.
    ClockBack,
}

impl Cause {
    /// A few words for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Board => "dropped where it was measured: the link or this computer is too slow",
            Self::Link => "lost or damaged on the way",
            Self::Unplugged => "the cable was pulled",
            Self::ClockAhead => "the board's clock jumped ahead",
            Self::ClockBack => "the board's clock jumped back",
        }
    }
}

/// A place where instants are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Instants that are stored before it.
    pub at: u64,
    /// How many are missing.
    pub missing: u64,
    /// When the first of them was due.
    pub time_us: u64,
    /// Why.
    pub cause: Cause,
}

/// How a clip ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// As it was meant to.
    Stopped,
    /// The cable was pulled and the board did not come back.
    Unplugged,
    /// The disk was full, or the file as long as it may be.
    Disk,
}

/// What went wrong on the way, since the recording began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Frames whose checksum was wrong.
    pub crc: u64,
    /// Frames that were too long.
    pub too_long: u64,
    /// Frames that were none.
    pub malformed: u64,
    /// Frames that did not arrive, or were bad.
    pub lost_frames: u64,
    /// Lines that were no readings.
    pub skipped_lines: u64,
}

/// What is stored beside the samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clip {
    /// The version of the file.
    pub version: u32,
    /// What was recorded.
    pub label: Option<String>,
    /// The board's name.
    pub board: String,
    /// The version of its firmware.
    pub firmware: String,
    /// The sensor.
    pub sensor: SensorInfo,
    /// When the recording began, in microseconds since 1970.
    pub started_unix_us: u64,
    /// Instants that are stored.
    pub instants: u64,
    /// Index and time of some instants, the others lie on straight lines between them. The board's clock, made monotonic.
    pub times: Vec<(u64, u64)>,
    /// Where instants are missing, in order; at most 10,000 places.
    pub gaps: Vec<Gap>,
    /// At how many places instants are missing.
    pub n_gaps: u64,
    /// How many instants are missing.
    pub missing: u64,
    /// What went wrong on the way.
    pub counts: Counts,
    /// How it ended; nothing while it is being recorded, and where the program was killed.
    pub ended: Option<Ended>,
}

impl Clip {
    /// A clip of a sensor, with nothing in it.
    pub fn new(board: &BoardInfo, sensor: SensorInfo, label: Option<String>, started_unix_us: u64) -> Self {
        let (name, firmware) = (board.name.clone(), board.firmware.clone());
        Self { version: VERSION, label, board: name, firmware, sensor, started_unix_us, ..Self::default() }
    }

    /// Adds a gap. Whether it is listed, not only counted.
    pub(super) fn add_gap(&mut self, gap: Gap) -> bool {
        self.n_gaps += 1;
        // A clock gone mad may skip any number.
        self.missing = self.missing.saturating_add(gap.missing);
        let is_listed = self.gaps.len() < MAX_GAPS;
        if is_listed {
            self.gaps.push(gap);
        }
        is_listed
    }

    /// When an instant was, in microseconds of the board's clock; `None` where no times are stored.
    pub fn time_us(&self, index: u64) -> Option<f64> {
        let after = self.times.partition_point(|(anchor, _)| *anchor <= index);
        let (start, end) = match (self.times.get(after.wrapping_sub(1)), self.times.get(after)) {
            (Some(start), Some(end)) => (*start, *end),
            // Beyond the last anchor, or with a single one, the sensor's own rate goes on.
            (Some(start), None) | (None, Some(start)) => {
                let period_us = if self.sensor.rate_hz > 0.0 { 1e6 / self.sensor.rate_hz } else { 0.0 };
                return Some(start.1 as f64 + (index as f64 - start.0 as f64) * period_us);
            }
            (None, None) => return None,
        };
        let part = (index - start.0) as f64 / (end.0 - start.0).max(1) as f64;
        Some(start.1 as f64 + part * (end.1 as f64 - start.1 as f64))
    }

    /// Reads it.
    ///
    /// # Errors
    /// There is none, or it is no clip.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let malformed = |problem| RecordingError::Malformed { path: path.to_owned(), problem };
        if fs::metadata(path).map_err(at(path))?.len() > MAX_BYTES {
            return Err(malformed("too large for the description of a clip".to_owned()));
        }
        let text = fs::read_to_string(path).map_err(at(path))?;
        let clip: Self = ron::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        if clip.version > VERSION {
            return Err(malformed(format!("a clip of version {}, this program reads {VERSION}: update it", clip.version)));
        }
        Ok(clip)
    }

    /// Writes it whole or not at all. It reaches the disk when the system likes: a process that is killed loses nothing.
    pub(super) fn write(&self, path: &Path) -> Result<(), RecordingError> {
        let problem = |error: ron::Error| RecordingError::Malformed { path: path.to_owned(), problem: error.to_string() };
        let text = ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::default().depth_limit(3)).map_err(problem)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".clip").tempfile_in(folder).map_err(at(path))?;
        file.write_all(text.as_bytes()).map_err(at(path))?;
        file.persist(path).map(drop).map_err(|error| at(path)(error.error))
    }
}
