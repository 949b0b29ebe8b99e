//! What is being recorded, and where to: the input that is listened to, the data set that grows, what the user has set. No widget
//! in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use tinsmith_core::data::features::Pipeline;
use tinsmith_core::data::library::Library;
use tinsmith_core::data::library::filter::ClassCount;
use tinsmith_core::data::recording::SensorInfo;

use super::background::Background;
use crate::capture::{Collection, Plan, RecordSettings, Station};
use crate::device::ports::{Port, Watch};
use crate::loudspeaker::Playing;
use crate::microphone::MicrophoneInfo;

mod clips;
mod stages;
mod words;

pub use clips::{Digest, Digests, MOST_KEPT};
pub use stages::{Made as MadeStages, Question as StagesQuestion, Stages, fitted};
pub use words::{Listener as WordsOf, Word, Words};

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
    /// A panel shows how clips are spread over classes, and what is wrong with them.
    ShowCounts,
    /// These clips are selected.
    Select(BTreeSet<usize>),
    /// These clips are on screen, each with what the candidate says of it.
    ShowWords(Vec<usize>),
    /// A panel shows what the stages make of the selected clip.
    ShowStages,
    /// Make the statistics that a stage asks for.
    Fit,
    /// Choose so many clips to calibrate with.
    Calibrate(usize, ChosenBy),
    /// Play this clip.
    Play(usize),
    /// Be quiet.
    Quiet,
    /// The index is edited.
    Edit(ClipEdit),
    /// The data set is what the model is calibrated and measured with.
    UseAsData,
}

/// How clips are chosen that a model is calibrated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenBy {
    /// By chance with this seed, as many of each class.
    Chance(u64),
    /// Those that together cover the ranges of the source model's tensors best.
    Ranges,
}

/// Places of clips in an index, or why there are none, on their way.
pub type Choosing = Background<Result<Vec<usize>, String>>;

/// An edit of the index.
#[derive(Clone, Debug, PartialEq)]
pub enum ClipEdit {
    /// Give clips a label.
    Label(BTreeSet<usize>, String),
    /// Take clips out.
    Delete(BTreeSet<usize>),
    /// Keep these instants of a clip, counted from its start.
    Trim(usize, u64, u64),
    /// Make two of a clip.
    SplitAt(usize, u64),
    /// Put all clips into splits by these fractions.
    Split(tinsmith_core::data::library::split::Plan),
    /// Calibrate with these clips.
    Calibrate(Vec<usize>),
}

/// Something that lives as long as this does, such as a simulated board.
pub struct Alive(#[allow(dead_code, reason = "it is only kept")] Box<dyn std::any::Any + Send>);

impl Alive {
    /// Keeps it.
    pub fn new(kept: impl std::any::Any + Send) -> Self {
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

/// A clip that is played.
#[derive(Debug)]
pub struct PlayedClip {
    /// Its place in the index when it began.
    pub index: usize,
    /// The sound.
    pub playing: Playing,
}

/// How the clips of an index are spread, and what is wrong with it as a whole.
#[derive(Debug)]
pub struct Counts {
    /// The index.
    pub library: Arc<Library>,
    /// How many clips there are of each class, for what.
    pub balance: Vec<ClassCount>,
    /// Whether any clip is in a split.
    pub is_split: bool,
    /// Leaks, classes that are short: a sentence each.
    pub findings: Vec<String>,
}

impl Counts {
    /// Of an index.
    pub fn new(library: Arc<Library>) -> Self {
        let findings = library.findings().iter().map(ToString::to_string).collect();
        let is_split = library.items.iter().any(|item| item.split.is_some());
        Self { balance: library.balance(), is_split, findings, library }
    }
}

/// Everything about recording that panels show.
#[derive(Debug, Default)]
pub struct Capture {
    /// Looks which ports there are, once anybody wants to know.
    pub watch: Option<Watch>,
    /// The ports.
    pub ports: Vec<Port>,
    /// The microphones, once they are known. Each is opened for a moment, which takes its time.
    pub microphones: Option<Vec<MicrophoneInfo>>,
    /// The same, on their way.
    pub looking: Background<Vec<MicrophoneInfo>>,
    /// The input.
    pub listening: Option<Listening>,
    /// An input that is being opened, once the one before has let go.
    pub opening: Option<(Source, Background<Result<Listening, String>>)>,
    /// Inputs that are being let go of.
    pub closing: Vec<JoinHandle<()>>,
    /// The sensor that clips are taken of.
    pub sensor: Option<u8>,
    /// What the user has set.
    pub settings: RecordSettings,
    /// The data set that clips go into.
    pub collection: Option<Arc<Collection>>,
    /// A data set that is being opened.
    pub opening_clips: Background<Result<Collection, String>>,
    /// The data set before the one that is being opened; it comes back if that cannot be.
    pub before: Option<Arc<Collection>>,
    /// Data sets that are being let go of: the index of one may have to be written yet.
    pub closing_clips: Vec<JoinHandle<()>>,
    /// What is to be recorded once the data set is open.
    pub planned: Option<Plan>,
    /// What is known of its clips.
    pub digests: Digests,
    /// What the candidate says of them.
    pub words: Words,
    /// How they are spread.
    pub counts: Option<Arc<Counts>>,
    /// The same, on its way.
    pub counting: Background<Counts>,
    /// Clips that are selected, by their place in the index.
    pub selected: BTreeSet<usize>,
    /// What is being played.
    pub played: Option<PlayedClip>,
    /// What the stages make of the selected clip.
    pub stages: Stages,
    /// A folder of files that is being made a data set.
    pub importing: Background<Imported>,
    /// Stages whose statistics are being made, and the same with them.
    pub fitting: Option<(Pipeline, Background<Result<Pipeline, String>>)>,
    /// Clips that are being chosen to calibrate with, out of this index.
    pub choosing: Option<(Arc<Library>, Choosing)>,
}

impl Drop for Capture {
    /// What is recorded has to be on the disk before the program ends.
    fn drop(&mut self) {
        self.let_go();
        let closing = self.closing.drain(..).chain(self.closing_clips.drain(..));
        closing.for_each(|closing| drop(closing.join()));
    }
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

    /// Lets go of the input on a thread of its own: the disk and the sound system may take their time.
    pub fn let_go(&mut self) {
        self.closing.retain(|closing| !closing.is_finished());
        self.closing.extend(self.opening.take().and_then(|(_, opening)| opening.abandon()));
        if let Some(listening) = self.listening.take() {
            self.closing.push(std::thread::spawn(move || drop(listening)));
        }
    }

    /// Lets go of a data set in the same way.
    pub fn let_go_of_clips(&mut self, clips: Option<Arc<Collection>>) {
        self.closing_clips.retain(|closing| !closing.is_finished());
        self.closing_clips.extend(clips.map(|clips| std::thread::spawn(move || drop(clips))));
    }

    /// What has to end before a data set is opened, lest two write one index: those that are being let go of, and one that is opened
    /// and not wanted any more.
    pub fn other_clips(&mut self) -> Vec<JoinHandle<()>> {
        self.closing_clips.extend(std::mem::take(&mut self.opening_clips).abandon());
        std::mem::take(&mut self.closing_clips)
    }

    /// The clips are another project's: they are not shown any more, and nothing more is recorded into them.
    pub fn forget_clips(&mut self) {
        if let Some(station) = self.station() {
            station.end();
        }
        let (collection, before) = (self.collection.take(), self.before.take());
        self.let_go_of_clips(collection);
        self.let_go_of_clips(before);
        self.closing_clips = self.other_clips();
        self.planned = None;
        (self.counts, self.played, self.fitting) = (None, None, None);
        (self.digests, self.stages, self.selected) = (Digests::default(), Stages::default(), BTreeSet::new());
        self.words = Words::default();
        (self.counting, self.importing) = Default::default();
        self.choosing = None;
    }

    /// Whether a session is under way.
    pub fn is_recording(&self) -> bool {
        self.station().is_some_and(|station| station.seen().cutter.is_some())
    }
}

/// Where clips go unless the user says otherwise: beside the project.
pub fn folder_beside(project: &Path) -> PathBuf {
    let stem = project.file_stem().map_or_else(|| "project".into(), |stem| stem.to_string_lossy());
    project.with_file_name(format!("{stem}-clips"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_go_beside_the_project() {
        assert_eq!(folder_beside(Path::new("a/keyword.ron")), Path::new("a/keyword-clips"));
    }
}
