//! From recordings that one board made of several sensors at one time to samples of them all.
//!
//! What was recorded together shares the moment at which it began; each such session is aligned by the board's clock. Samples are cut
//! from labelled spans of it: from the clips of a data set that were recorded meanwhile, or from the whole of a recording that has a
//! label of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Span, Track, common, starts, window};
use crate::data::features::{self, Pipeline};
use crate::data::library::file::{RECORDINGS, is_library};
use crate::data::library::tensors::check_size;
use crate::data::library::{Item, Library, class_order};
use crate::data::npz::together;
use crate::data::recording::{Clip, Recording, RecordingError, recover};
use crate::data::{Axis, DataError, DataProblem, DataSet, Signal, Split, Values, rate_of};
use crate::progress::Cancel;

/// Rates of one sensor that differ by more than this part of them are not taken for one.
const SAME_RATE: f64 = 0.01;

/// Microseconds by which a clip may seem to be written after its end: a board takes a moment to begin, a clip to be cut.
const CLOCKS_APART_US: f64 = 3e6;

/// What a clock may run slow by, as a part of the time: far more than a resonator's.
const CLOCKS_APART: f64 = 0.02;

/// How recordings become samples.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Names or ids of the sensors, in the order of the model's inputs; empty for all, in the board's order.
    pub sensors: Vec<String>,
    /// Milliseconds of a sample.
    pub length_ms: f64,
    /// Milliseconds from the start of a sample to the start of the next.
    pub stride_ms: f64,
    /// Whether samples are taken in which instants are missing.
    pub with_gaps: bool,
    /// The name or id of a sensor, and what becomes of each of its windows; without any they stay as they were measured.
    pub features: Vec<(String, Pipeline)>,
}

/// Samples of several sensors.
#[derive(Clone, Debug)]
pub struct Aligned {
    /// What each sensor measured, `x0`, `x1`, …, with the labels and splits that are known.
    pub set: DataSet,
    /// The sensor of each input, and its rate in Hz.
    pub sensors: Vec<(String, f64)>,
    /// When each sample began, in milliseconds of its board's clock.
    pub times_ms: Vec<f64>,
    /// What each sample must not be parted from: of one person where that is known, else of one clip or recording.
    pub groups: Vec<String>,
    /// What makes no samples.
    pub left_out: LeftOut,
}

/// What makes no samples, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Windows in which instants are missing.
    pub with_gaps: usize,
    /// Clips that are shorter than a window, or were not measured by all sensors.
    pub short: usize,
    /// Clips without a label, among others that have one.
    pub unlabelled: usize,
    /// Clips of a data set of which it is not known when they were recorded, or with which session.
    pub timeless: usize,
    /// Recordings without all of the sensors.
    pub sessions: usize,
}

/// Recordings that began together, of different sensors of one board.
#[derive(Debug, Default)]
struct Session {
    /// The samples' file of each, and its clip.
    recordings: Vec<(PathBuf, Clip)>,
    /// What samples are cut from; empty for all of it.
    spans: Vec<Labelled>,
    /// It lies in a data set, whose clips alone are labelled.
    has_clips: bool,
}

impl Session {
    /// Whether it is known of some part what it is.
    fn is_labelled(&self) -> bool {
        match self.has_clips {
            true => self.spans.iter().any(|span| span.label.is_some()),
            false => self.recordings.iter().any(|(_, clip)| clip.label.is_some()),
        }
    }

    /// Whether the times of a clip count from where those of the session do. A board that restarted meanwhile counts from 0 again: by
    /// its clock much less has passed than by this computer's.
    fn is_of_one_clock(&self, clip: &Clip, began_unix_us: u64) -> bool {
        let first_us = self.recordings.iter().filter_map(|(_, recording)| recording.time_us(0)).reduce(f64::min);
        let (Some(first_us), Some(end_us)) = (first_us, clip.time_us(clip.instants)) else { return false };
        let by_board_us = end_us - first_us;
        let by_computer_us = clip.started_unix_us.saturating_sub(began_unix_us) as f64;
        by_computer_us <= by_board_us + CLOCKS_APART_US + CLOCKS_APART * by_board_us.abs()
    }
}

/// A part of a session that is one thing.
#[derive(Debug)]
struct Labelled {
    span: Span,
    label: Option<String>,
    split: Option<Split>,
    group: String,
}

/// What began together: the data set if it lies in one, the board, microseconds since 1970.
type Began = (PathBuf, String, u64);

/// Samples of what recordings in `paths` hold: files that were recorded, folders of such files, or data sets with the recordings of
/// their sessions.
///
/// # Errors
/// [`DataError`]: no recordings of two sensors that ran together, or no window of them; a file that cannot be read or does not say
/// when it was recorded; recordings of unlike rates or channels; [`DataProblem::Cancelled`] soon after `cancel` is raised.
pub fn align(paths: &[PathBuf], settings: &Settings, cancel: &Cancel) -> Result<Aligned, DataError> {
    let first = paths.first().map_or(Path::new("."), PathBuf::as_path);
    let Found { sessions, labels, mut left_out } = found(paths)?;
    let inputs = inputs(&sessions, settings).map_err(|problem| problem.of(first))?;
    let mut samples = Samples::new(inputs, settings, sessions.iter().any(Session::is_labelled));
    for session in &sessions {
        cancel.check().map_err(|cancelled| DataProblem::from(cancelled).of(first))?;
        samples.add(session, &mut left_out, cancel)?;
    }
    samples.finish(labels, left_out).map_err(|problem| problem.of(first))
}

/// What is to be aligned.
struct Found {
    /// The earliest first, with the clips that were cut meanwhile.
    sessions: Vec<Session>,
    /// The classes of data sets, in their order.
    labels: Vec<String>,
    left_out: LeftOut,
}

fn found(paths: &[PathBuf]) -> Result<Found, DataError> {
    let mut sessions: BTreeMap<Began, Session> = BTreeMap::new();
    let (mut labels, mut left_out) = (Vec::new(), LeftOut::default());
    for path in paths {
        let has_clips = is_library(path);
        let folder = if has_clips { path.join(RECORDINGS) } else { path.clone() };
        let set = if has_clips { path.clone() } else { PathBuf::new() };
        let files = if path.is_dir() { recordings_in(&folder)? } else { vec![path.clone()] };
        for file in files {
            let clip = Clip::read(&file.with_extension("ron")).map_err(|error| untimed(&file, &error))?;
            let session = sessions.entry((set.clone(), clip.board.clone(), clip.started_unix_us)).or_default();
            session.has_clips = has_clips;
            if session.recordings.iter().all(|(other, _)| *other != file) {
                session.recordings.push((file, clip));
            }
        }
        if has_clips {
            let library = Library::open(path)?;
            for item in &library.items {
                left_out.timeless += usize::from(!place(&mut sessions, path, item));
            }
            let new = library.labels.into_iter().filter(|label| !labels.contains(label)).collect::<Vec<_>>();
            labels.extend(new);
        }
    }
    let mut sessions: Vec<Session> = sessions.into_values().collect();
    sessions.iter_mut().for_each(|session| session.recordings.sort_by_key(|(_, clip)| clip.sensor.id));
    Ok(Found { sessions, labels, left_out })
}

/// The samples' files below a folder that have a clip beside them.
fn recordings_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let of_folder = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let remedy = "record with tinsmith device session, without --alone, so that the other sensors are recorded along";
            DataProblem::UnknownFormat(format!("there is no such folder; {remedy}")).of(folder)
        }
        _ => DataProblem::Io(error).of(folder),
    };
    let entries = std::fs::read_dir(folder).map_err(of_folder)?;
    let is_recording = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "wav" || extension == "csv") && path.with_extension("ron").exists()
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_recording).collect();
    files.sort();
    Ok(files)
}

fn untimed(file: &Path, error: &RecordingError) -> DataError {
    let remedy = "it is aligned by the times in the .ron file that tinsmith device record writes beside it";
    DataProblem::Unlike(format!("it is not known when it was recorded: {error}; {remedy}")).of(file)
}

/// Puts the clip of an item where it belongs: into the last session that had begun when it was written. Whether there is one.
fn place(sessions: &mut BTreeMap<Began, Session>, set: &Path, item: &Item) -> bool {
    let Ok(clip) = Clip::read(&set.join(&item.file).with_extension("ron")) else { return false };
    let Some(span) = span_of(&clip, item.span) else { return false };
    let (from, to) = [0, clip.started_unix_us].map(|time| (set.to_owned(), clip.board.clone(), time)).into();
    let Some(((.., began), session)) = sessions.range_mut(from..=to).next_back() else { return false };
    if !session.is_of_one_clock(&clip, *began) {
        return false;
    }
    let group = item.group.clone().unwrap_or_else(|| item.file.clone());
    session.spans.push(Labelled { span, label: item.label.clone(), split: item.split, group });
    true
}

/// From the first of these instants of a clip to the end of the last.
fn span_of(clip: &Clip, (first, end): (u64, u64)) -> Option<Span> {
    let rate_hz = Some(clip.sensor.rate_hz).filter(|rate| *rate > 0.0)?;
    let start_ms = clip.time_us(first)? / 1000.0;
    let last_ms = clip.time_us(end.checked_sub(1)?)? / 1000.0;
    // By a clock that runs fast a clip of a second lasts a little less, and is one of a second all the same.
    let by_rate_ms = start_ms + end.saturating_sub(first) as f64 * 1000.0 / rate_hz;
    Some(Span { start_ms, end_ms: by_rate_ms.max(last_ms + 1000.0 / rate_hz) })
}

/// The sensors of which there are recordings, as their boards name them.
struct Sensors<'a>(BTreeSet<(u8, &'a str)>);

impl<'a> Sensors<'a> {
    fn of(sessions: &'a [Session]) -> Self {
        let all = sessions.iter().flat_map(|session| &session.recordings);
        Self(all.map(|(_, clip)| (clip.sensor.id, clip.sensor.name.as_str())).collect())
    }

    /// All, in the board's order.
    fn names(&self) -> Vec<&'a str> {
        // Two boards may have given a sensor two numbers.
        let mut seen = BTreeSet::new();
        self.0.iter().map(|(_, name)| *name).filter(|name| seen.insert(*name)).collect()
    }

    /// The one that is named, or numbered.
    fn named(&self, wanted: &str) -> Result<&'a str, DataProblem> {
        let is_it = |(id, name): &&(u8, &str)| *name == wanted || id.to_string() == wanted;
        let none =
            || DataProblem::Unlike(format!("no recording of a sensor {wanted} is there, but of {}", self.names().join(", ")));
        Ok(self.0.iter().find(is_it).ok_or_else(none)?.1)
    }

    /// The chosen ones, each once.
    fn chosen(&self, wanted: &[String]) -> Result<Vec<&'a str>, DataProblem> {
        let names: Vec<&str> = match wanted {
            [] => self.names(),
            wanted => wanted.iter().map(|wanted| self.named(wanted)).collect::<Result<_, DataProblem>>()?,
        };
        match names.as_slice() {
            [] => {
                let remedy = "make some with tinsmith device record";
                Err(DataProblem::Unlike(format!("there are no recordings with a .ron file beside them; {remedy}")))
            }
            [one] => Err(DataProblem::Unlike(format!(
                "samples would be of {one} alone, expected two sensors or more; name more with --sensors, or record without --sensor"
            ))),
            names => match (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
                Some(twice) => Err(DataProblem::Unlike(format!("{} is named twice, expected each sensor once", names[twice]))),
                None => Ok(names.to_vec()),
            },
        }
    }
}

/// What samples are made of: the sensors, and what becomes of the windows of each.
fn inputs(sessions: &[Session], settings: &Settings) -> Result<Vec<Input>, DataProblem> {
    let all = Sensors::of(sessions);
    let input = |sensor: &str| Input { sensor: sensor.to_owned(), ..Input::default() };
    let mut inputs: Vec<Input> = all.chosen(&settings.sensors)?.into_iter().map(input).collect();
    for (wanted, pipeline) in &settings.features {
        let name = all.named(wanted)?;
        let Some(input) = inputs.iter_mut().find(|input| input.sensor == name) else {
            let of = inputs.iter().map(|input| input.sensor.as_str()).collect::<Vec<_>>().join(", ");
            return Err(DataProblem::Unlike(format!("features are given for {name}, the samples are of {of}")));
        };
        if input.features.replace(pipeline.clone()).is_some() {
            return Err(DataProblem::Unlike(format!("features are given for {name} twice, expected once")));
        }
    }
    Ok(inputs)
}

/// A recording that is aligned.
struct Aligning {
    path: PathBuf,
    signal: Signal,
    start_ms: f64,
    /// Where instants are missing.
    gaps: Vec<Span>,
}

impl Aligning {
    fn read(path: &Path) -> Result<Self, DataError> {
        let Recording { clip, values, times_us } = recover(path).map_err(|error| of_recording(path, error))?;
        let n = clip.instants;
        let times_ms: Option<Vec<f64>> = match times_us.is_empty() {
            true => (0..n).map(|i| Some(clip.time_us(i)? / 1000.0)).collect(),
            false => Some(times_us.iter().map(|time_us| *time_us as f64 / 1000.0).collect()),
        };
        let timed = times_ms.filter(|times| !times.is_empty());
        let mut times_ms =
            timed.ok_or_else(|| DataProblem::Unlike("it holds nothing, or no times to align it by".into()).of(path))?;
        let start_ms = times_ms[0];
        times_ms.iter_mut().for_each(|time| *time -= start_ms);
        let rate_hz = Some(clip.sensor.rate_hz).filter(|rate| *rate > 0.0).or_else(|| rate_of(&times_ms));
        let axes = clip.sensor.channels.iter().map(|channel| Axis::new(channel.name.clone(), channel.unit.clone())).collect();
        let period_ms = rate_hz.map_or(0.0, |rate| 1000.0 / rate);
        let gap = |gap: &crate::data::recording::Gap| {
            let start_ms = gap.time_us as f64 / 1000.0;
            Span { start_ms, end_ms: start_ms + gap.missing as f64 * period_ms }
        };
        let mut gaps: Vec<Span> = clip.gaps.iter().map(gap).collect();
        if clip.n_gaps > gaps.len() as u64 {
            // There are more, nobody knows where: no instant after the last that is listed is sure.
            let start_ms = gaps.last().map_or(f64::NEG_INFINITY, |gap| gap.end_ms);
            gaps.push(Span { start_ms, end_ms: f64::INFINITY });
        }
        Ok(Self { path: path.to_owned(), signal: Signal { rate_hz, axes, times_ms: Some(times_ms), values }, start_ms, gaps })
    }

    fn track(&self) -> Track<'_> {
        Track { signal: &self.signal, start_ms: self.start_ms }
    }
}

fn of_recording(path: &Path, error: RecordingError) -> DataError {
    match error {
        RecordingError::Io { error, .. } => DataProblem::Io(error).of(path),
        RecordingError::Malformed { problem, .. } => DataProblem::Unlike(problem).of(path),
        other => DataProblem::Unlike(other.to_string()).of(path),
    }
}

/// The samples so far.
struct Samples<'a> {
    settings: &'a Settings,
    /// What has no label is left out.
    is_labelled: bool,
    inputs: Vec<Input>,
    about: Vec<About>,
    n_values: u64,
}

/// What is known of a sample.
struct About {
    label: Option<String>,
    split: Option<Split>,
    group: String,
    start_ms: f64,
}

/// What one sensor has measured so far.
#[derive(Default)]
struct Input {
    sensor: String,
    features: Option<Pipeline>,
    rate_hz: f64,
    n_axes: usize,
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl<'a> Samples<'a> {
    fn new(inputs: Vec<Input>, settings: &'a Settings, is_labelled: bool) -> Self {
        Self { settings, is_labelled, inputs, about: Vec::new(), n_values: 0 }
    }

    /// Adds the windows of a session.
    fn add(&mut self, session: &Session, left_out: &mut LeftOut, cancel: &Cancel) -> Result<(), DataError> {
        let file = |input: &Input| session.recordings.iter().find(|(_, clip)| clip.sensor.name == input.sensor);
        let Some(recordings) = self.inputs.iter().map(file).collect::<Option<Vec<_>>>() else {
            left_out.sessions += 1;
            return Ok(());
        };
        if session.has_clips && session.spans.is_empty() {
            // What nothing was cut from need not be read.
            return Ok(());
        }
        let mut read = Vec::with_capacity(recordings.len());
        for (input, (path, _)) in self.inputs.iter_mut().zip(&recordings) {
            let mut recording = Aligning::read(path)?;
            input.take_rate(&mut recording.signal).map_err(|problem| problem.of(path))?;
            read.push(recording);
        }
        let (path, clip) = recordings[0];
        let spans = if session.has_clips { None } else { Some(whole(&read, path, clip).map_err(|problem| problem.of(path))?) };
        for labelled in spans.as_ref().unwrap_or(&session.spans) {
            if self.is_labelled && labelled.label.is_none() {
                left_out.unlabelled += 1;
                continue;
            }
            self.cut(&read, labelled, left_out, cancel)?;
        }
        Ok(())
    }

    /// Adds the windows of one span.
    fn cut(&mut self, read: &[Aligning], of: &Labelled, left_out: &mut LeftOut, cancel: &Cancel) -> Result<(), DataError> {
        let of_first = |problem: DataProblem| problem.of(&read[0].path);
        let tracks: Vec<Track<'_>> = read.iter().map(Aligning::track).collect();
        let Settings { length_ms, stride_ms, with_gaps, .. } = *self.settings;
        let starts = starts(&tracks, of.span, length_ms, stride_ms).map_err(of_first)?;
        left_out.short += usize::from(starts.is_empty());
        for start_ms in starts {
            cancel.check().map_err(|cancelled| of_first(cancelled.into()))?;
            let is_in = |gap: &Span| gap.start_ms < start_ms + length_ms && gap.end_ms > start_ms;
            if !with_gaps && read.iter().any(|recording| recording.gaps.iter().any(is_in)) {
                left_out.with_gaps += 1;
                continue;
            }
            let signals = window(&tracks, start_ms, length_ms).map_err(of_first)?;
            for ((input, signal), recording) in self.inputs.iter_mut().zip(signals).zip(read) {
                let n = input.push(signal, cancel).map_err(|problem| problem.of(&recording.path))?;
                self.n_values = self.n_values.saturating_add(n);
            }
            check_size(self.n_values).map_err(of_first)?;
            self.about.push(About { label: of.label.clone(), split: of.split, group: of.group.clone(), start_ms });
        }
        Ok(())
    }

    /// `labels` are the classes that are known already.
    fn finish(self, labels: Vec<String>, left_out: LeftOut) -> Result<Aligned, DataProblem> {
        let Self { settings, is_labelled, inputs, about, .. } = self;
        if about.is_empty() {
            return Err(DataProblem::Unlike(none(settings, left_out)));
        }
        let sensors = inputs.iter().map(|input| (input.sensor.clone(), input.rate_hz)).collect();
        let known: BTreeSet<&str> = labels.iter().map(String::as_str).collect();
        let new: BTreeSet<&str> =
            about.iter().filter_map(|of| of.label.as_deref()).filter(|label| !known.contains(label)).collect();
        let names = [labels.clone(), class_order(new.into_iter(), labels.is_empty())].concat();
        let classes: BTreeMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let class = |of: &About| of.label.as_deref().and_then(|label| classes.get(label)).copied().unwrap_or(0);
        let is_split = about.iter().any(|of| of.split.is_some());
        let set = DataSet {
            labels: is_labelled.then(|| about.iter().map(class).collect()),
            label_names: if is_labelled { names.clone() } else { Vec::new() },
            splits: is_split.then(|| about.iter().map(|of| of.split.unwrap_or(Split::Train)).collect()),
            ..together(inputs.into_iter().enumerate().map(|(index, input)| input.array(index)).collect())?
        };
        let times_ms = about.iter().map(|of| of.start_ms).collect();
        Ok(Aligned { set, sensors, times_ms, groups: about.into_iter().map(|of| of.group).collect(), left_out })
    }
}

/// All of the time that the recordings of a session share.
fn whole(read: &[Aligning], path: &Path, clip: &Clip) -> Result<Vec<Labelled>, DataProblem> {
    let tracks: Vec<Track<'_>> = read.iter().map(Aligning::track).collect();
    let span = common(&tracks)?.unwrap_or(Span { start_ms: 0.0, end_ms: 0.0 });
    let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let group = stem.strip_suffix(&format!("_{}", clip.sensor.name)).map_or_else(|| stem.clone(), str::to_owned);
    Ok(vec![Labelled { span, label: clip.label.clone(), split: None, group }])
}

/// Why there are no samples, and what helps.
fn none(settings: &Settings, left_out: LeftOut) -> String {
    let LeftOut { with_gaps, short, timeless, sessions, .. } = left_out;
    let reason = match (with_gaps, short, sessions, timeless) {
        (1.., ..) => "instants are missing in every one; take them all the same with --with-gaps, or record again",
        (_, 1.., ..) => "clips and recordings are shorter, or the sensors did not run at one time; take a shorter --length",
        (_, _, 1.., _) => "no recordings of all the sensors began together; record without --sensor",
        _ => "no clip says when it was recorded, or in which session; record with tinsmith device session",
    };
    format!("no window of {} ms: {reason}", settings.length_ms)
}

impl Input {
    /// Windows have as many instants in all sessions: by the rate of the first.
    fn take_rate(&mut self, signal: &mut Signal) -> Result<(), DataProblem> {
        let rate_hz = signal.rate_hz.ok_or_else(|| DataProblem::Unlike("it has no rate; it cannot be aligned".into()))?;
        if self.n_axes == 0 {
            (self.rate_hz, self.n_axes) = (rate_hz, signal.axes.len());
        }
        if self.n_axes != signal.axes.len() || (rate_hz - self.rate_hz).abs() > SAME_RATE * self.rate_hz {
            let (n, rate, expected) = (signal.axes.len(), self.rate_hz, self.n_axes);
            let trouble =
                format!("it has {n} channels at {rate_hz} Hz, those before it {expected} at {rate} Hz; align them apart");
            return Err(DataProblem::Unlike(trouble));
        }
        signal.rate_hz = Some(self.rate_hz);
        Ok(())
    }

    /// Adds a window, or its features. How many values that is.
    fn push(&mut self, signal: Signal, cancel: &Cancel) -> Result<u64, DataProblem> {
        let (shape, values) = match &self.features {
            None => (vec![signal.n_instants(), signal.axes.len()], signal.values),
            Some(pipeline) => made(pipeline, signal, cancel)?,
        };
        if self.values.is_empty() {
            self.shape = shape;
        } else if self.shape != shape {
            let trouble = format!("a window of {} has shape {shape:?}, those before it {:?}", self.sensor, self.shape);
            return Err(DataProblem::Unlike(trouble));
        }
        self.values.extend_from_slice(&values);
        Ok(values.len() as u64)
    }

    /// All samples, as an array of a data set.
    fn array(self, index: usize) -> DataSet {
        let set = DataSet::plain("aligned".to_owned(), self.shape, Values::F32(self.values.into()), [0; 32]);
        DataSet { array: format!("x{index}"), ..set }
    }
}

/// The features of a window: one sample.
fn made(pipeline: &Pipeline, signal: Signal, cancel: &Cancel) -> Result<(Vec<usize>, Vec<f32>), DataProblem> {
    let unknown = || DataProblem::Unlike("it has no rate; features cannot be made of it".into());
    let signal = features::Signal::recorded(signal, None).ok_or_else(unknown)?;
    let samples = pipeline.features(&signal, cancel)?;
    let [sample] = samples.as_slice() else {
        let n = samples.len();
        return Err(DataProblem::Unlike(format!(
            "features make {n} samples of a window, expected one; take their window stage out"
        )));
    };
    Ok((sample.shape(), sample.values.clone()))
}

#[cfg(test)]
mod tests;
