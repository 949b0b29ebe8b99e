//! What is being recorded, and where to: the input that is listened to, the data set that grows, what the user has set. No widget
//! in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tinsmith_core::data::features::Pipeline;
use tinsmith_core::data::library::Library;
use tinsmith_core::data::recording::{Kind, SensorInfo};

use crate::capture::{Collection, Order, Plan, Start, Station};
use crate::device::ports::{Port, Watch};
use crate::loudspeaker::Playing;
use crate::microphone::MicrophoneInfo;

mod clips;
mod stages;

pub use clips::{Digest, Digests, MOST_KEPT};
pub use stages::{Made as MadeStages, Question as StagesQuestion, Stages, fitted};

/// Something that can be listened to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The board on this port.
    Port(String),
    /// The microphone of this name.
    Microphone(String),
    /// A board that this window simulates.
    Simulated,
    /// The same, but it measures what is in this file, over and over.
    File(PathBuf),
}

/// What begins a clip, as it is chosen; the numbers are kept beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartOn {
    /// It sounds or moves.
    #[default]
    Level,
    /// A key.
    Key,
    /// A beat.
    Beat,
}

/// What the user has set for recording.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordSettings {
    /// Labels, with commas between them.
    pub labels: String,
    /// How many clips of each.
    pub wanted: usize,
    /// In which order they are asked for.
    pub order: Order,
    /// Seconds of a clip.
    pub seconds: f64,
    /// What begins one.
    pub start: StartOn,
    /// From where on it sounds, in dB of full scale.
    pub threshold_db: f64,
    /// From where on it moves, in the unit of the sensor; what suits the unit if nobody has said.
    pub threshold: Option<f64>,
    /// Seconds from one clip to the next.
    pub beat_s: f64,
    /// Who is recorded.
    pub person: String,
    /// Record the other sensors along.
    pub all_sensors: bool,
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self {
            labels: "yes, no".to_owned(),
            wanted: 20,
            order: Order::default(),
            seconds: 1.0,
            start: StartOn::default(),
            threshold_db: -38.0,
            threshold: None,
            beat_s: 3.0,
            person: String::new(),
            all_sensors: true,
        }
    }
}

impl RecordSettings {
    /// The labels, each once.
    pub fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = Vec::new();
        for label in self.labels.split(',').map(str::trim).filter(|label| !label.is_empty()) {
            if !labels.iter().any(|known| known == label) {
                labels.push(label.to_owned());
            }
        }
        labels
    }

    /// What a session of this sensor is to do.
    pub fn plan(&self, sensor: &SensorInfo) -> Plan {
        let start = match self.start {
            StartOn::Level if sensor.kind == Kind::Audio => Start::Level(10_f64.powf(self.threshold_db / 20.0) as f32),
            StartOn::Level => Start::Level(self.threshold.unwrap_or_else(|| usual_threshold(sensor)) as f32),
            StartOn::Key => Start::Key,
            StartOn::Beat => Start::Beat(self.beat_s.max(self.seconds)),
        };
        Plan {
            sensor: sensor.id,
            seconds: self.seconds,
            start,
            labels: self.labels(),
            wanted: self.wanted,
            order: self.order,
            person: self.person.trim().to_owned(),
            all_sensors: self.all_sensors,
        }
    }
}

/// What panels ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// A panel that lists inputs is on screen.
    Watch,
    /// Look again which microphones there are.
    LookAgain,
    /// Listen to this input, and to no other.
    Listen(Source),
    /// Ask for a file to listen to.
    ChooseFile,
    /// Listen to nothing.
    LetGo,
    /// Take clips of this sensor.
    Choose(u8),
    /// The user has set this.
    Set(RecordSettings),
    /// Begin a session.
    Begin,
    /// End it.
    End,
    /// Begin no clip for the time being, or go on.
    Pause(bool),
    /// Go on with the next label.
    Skip,
    /// A clip begins now.
    Press,
    /// The newest clip was no good.
    Discard,
    /// Ask for the folder that clips go into.
    ChooseFolder,
    /// Clips go into this folder.
    UseFolder(PathBuf),
    /// These clips are selected.
    Select(Vec<usize>),
    /// A panel shows what the stages make of the selected clip.
    ShowStages,
    /// Make the statistics that a stage asks for.
    Fit,
    /// Play this clip.
    Play(usize),
    /// Be quiet.
    Quiet,
    /// The index is edited.
    Edit(ClipEdit),
    /// The data set is what the model is calibrated and measured with.
    UseAsData,
}

/// An edit of the index.
#[derive(Clone, Debug, PartialEq)]
pub enum ClipEdit {
    /// Give clips a label.
    Label(Vec<usize>, String),
    /// Take clips out.
    Delete(Vec<usize>),
    /// Keep these instants of a clip, counted from its start.
    Trim(usize, u64, u64),
    /// Make two of a clip.
    SplitAt(usize, u64),
    /// Put all clips into splits by these fractions.
    Split(tinsmith_core::data::library::split::Plan),
}

/// Something that lives as long as this does, such as a simulated board.
pub struct Alive(#[allow(dead_code, reason = "it is only kept")] Box<dyn std::any::Any>);

impl Alive {
    /// Keeps it.
    pub fn new(kept: impl std::any::Any) -> Self {
        Self(Box::new(kept))
    }
}

impl std::fmt::Debug for Alive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alive")
    }
}

/// The input that is listened to.
#[derive(Debug)]
pub struct Listening {
    /// Which it is.
    pub source: Source,
    /// The thread that listens.
    pub station: Arc<Station>,
    /// The port of the board that is simulated for it.
    pub own_port: Option<String>,
    /// That board.
    _simulator: Option<Alive>,
}

impl Listening {
    /// Listens with `station`; a board that is simulated for it on a port lives as long as this.
    pub fn new(source: Source, station: Arc<Station>, simulated: Option<(String, Alive)>) -> Self {
        let (own_port, simulator) = simulated.unzip();
        Self { source, station, own_port, _simulator: simulator }
    }
}

/// Where a data set was made and what was left out, or why none was.
pub type Imported = Result<(PathBuf, Vec<String>), String>;

/// Everything about recording that panels show.
#[derive(Debug, Default)]
pub struct Capture {
    /// Looks which ports there are, once anybody wants to know.
    pub watch: Option<Watch>,
    /// The ports.
    pub ports: Vec<Port>,
    /// The microphones, once they are known.
    pub microphones: Option<Vec<MicrophoneInfo>>,
    /// Where they come from: each is opened for a moment, which takes its time.
    pub looking: Option<Receiver<Vec<MicrophoneInfo>>>,
    /// The input.
    pub listening: Option<Listening>,
    /// The sensor that clips are taken of.
    pub sensor: Option<u8>,
    /// What the user has set.
    pub settings: RecordSettings,
    /// The data set that clips go into.
    pub collection: Option<Arc<Collection>>,
    /// What is known of its clips.
    pub digests: Digests,
    /// Clips that are selected, by their place in the index.
    pub selected: Vec<usize>,
    /// What is being played.
    pub playing: Option<Playing>,
    /// What the stages make of the selected clip.
    pub stages: Stages,
    /// A folder of files that is being made a data set: where to, and what was left out.
    pub importing: Option<Receiver<Imported>>,
    /// Statistics that are being made.
    pub fitting: Option<Receiver<Result<Pipeline, String>>>,
}

impl Capture {
    /// The thread that listens.
    pub fn station(&self) -> Option<&Arc<Station>> {
        self.listening.as_ref().map(|listening| &listening.station)
    }

    /// The clips.
    pub fn library(&self) -> Option<Arc<Library>> {
        self.collection.as_ref()?.library()
    }

    /// The sensor that clips are taken of: the chosen one, else the first.
    pub fn sensor_of(&self, sensors: &[SensorInfo]) -> Option<SensorInfo> {
        sensors.iter().find(|sensor| Some(sensor.id) == self.sensor).or(sensors.first()).cloned()
    }

    /// Whether a session is under way.
    pub fn is_recording(&self) -> bool {
        self.station().is_some_and(|station| station.seen().cutter.is_some())
    }
}

/// What a hand that moves exceeds and one at rest does not, in the unit of the sensor: a tenth of gravity, or of what a sensor of
/// 16 bits spans at most if its unit says nothing.
pub fn usual_threshold(sensor: &SensorInfo) -> f64 {
    let first = sensor.channels.first();
    match first.map_or("", |channel| channel.unit.as_str()) {
        "m/s2" | "m/s²" => 1.0,
        "g" => 0.1,
        "mg" => 100.0,
        "deg/s" | "dps" => 20.0,
        _ => first.map_or(0.1, |channel| f64::from(channel.step) * 3276.8),
    }
}

/// Where clips go unless the user says otherwise: beside the project.
pub fn folder_beside(project: &Path) -> PathBuf {
    let stem = project.file_stem().map_or_else(|| "project".into(), |stem| stem.to_string_lossy());
    project.with_file_name(format!("{stem}-clips"))
}

#[cfg(test)]
mod tests {
    use tinsmith_core::data::recording::ChannelInfo;

    use super::*;

    #[test]
    fn labels_are_parted_at_commas_and_each_is_there_once() {
        let settings = RecordSettings { labels: " yes,no ,, yes,go".to_owned(), ..RecordSettings::default() };
        assert_eq!(settings.labels(), ["yes", "no", "go"]);
        assert_eq!(folder_beside(Path::new("a/keyword.ron")), Path::new("a/keyword-clips"));
    }

    #[test]
    fn a_threshold_is_of_the_sensor() {
        let settings = RecordSettings { threshold_db: -20.0, threshold: Some(2.5), ..RecordSettings::default() };
        let in_g = ChannelInfo { name: "x".to_owned(), unit: "g".to_owned(), step: 1e-4 };
        let sensor = |kind| SensorInfo { kind, ..SensorInfo::default() };
        assert_eq!(settings.plan(&sensor(Kind::Audio)).start, Start::Level(0.1));
        assert_eq!(settings.plan(&sensor(Kind::Imu)).start, Start::Level(2.5));
        let unsaid =
            RecordSettings::default().plan(&SensorInfo { channels: vec![in_g], kind: Kind::Imu, ..SensorInfo::default() });
        assert_eq!(unsaid.start, Start::Level(0.1));
        let beat = RecordSettings { start: StartOn::Beat, beat_s: 0.5, seconds: 2.0, ..settings };
        assert_eq!(beat.plan(&sensor(Kind::Imu)).start, Start::Beat(2.0), "clips do not overlap");
    }
}
