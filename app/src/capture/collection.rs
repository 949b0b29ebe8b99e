//! The data set that clips go into: a folder with an index, edited with undo and written in the background.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tinsmith_core::data::library::file::{self, CLIPS};
use tinsmith_core::data::library::{Item, Kind, Library};
use tinsmith_core::data::recording::{self, Clip, ClipSummary, Recording, SensorInfo};
use tinsmith_core::data::segment::Span;
use tinsmith_core::data::{Axis, DataError, DataProblem};

use super::seen::KeptStretch;

/// Edits that can be undone.
const MOST_UNDO: usize = 200;
/// Items of all the indices that undo goes back to: of a large data set fewer edits can be undone.
const MOST_UNDO_ITEMS: usize = 2_000_000;
/// How long an index that could not be written waits before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// A data set that grows.
#[derive(Debug)]
pub struct Collection {
    folder: PathBuf,
    shared: Arc<Shared>,
    saver: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    library: Option<Arc<Library>>,
    past: Vec<Version>,
    /// How many versions before these cannot be gone back to any more.
    forgotten: usize,
    future: Vec<Version>,
    /// What has to be written.
    unsaved: bool,
    /// It is being written.
    saving: bool,
    /// Why it could not be written the last time.
    trouble: Option<String>,
    closing: bool,
}

/// The index before an edit, and what the edit did.
#[derive(Clone, Debug)]
struct Version {
    library: Option<Arc<Library>>,
    what: String,
}

impl Collection {
    /// Opens the data set in `folder`, or begins one there with its first clip. Clips that were recorded but are not in the index,
    /// because the program was killed, are taken in.
    ///
    /// # Errors
    /// There is an index that cannot be read.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let library = if file::is_library(folder) { Some(Library::open(folder)?) } else { None };
        let shared = Arc::new(Shared::default());
        let saved = Arc::clone(&shared);
        let to = folder.to_owned();
        let saver = Some(thread::spawn(move || save(&saved, &to)));
        let collection = Self { folder: folder.to_owned(), shared, saver };
        collection.state().library = library.map(Arc::new);
        collection.adopt();
        Ok(collection)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where clips are recorded to.
    pub fn clips(&self) -> PathBuf {
        self.folder.join(CLIPS)
    }

    /// The index as it is now; nothing before the first clip.
    pub fn library(&self) -> Option<Arc<Library>> {
        self.state().library.clone()
    }

    /// Why the index could not be written the last time.
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// Waits until the index is written, or could not be. Why not.
    pub fn flush(&self) -> Option<String> {
        let is_busy = |state: &mut State| (state.unsaved || state.saving) && state.trouble.is_none();
        let state = self.shared.changed.wait_while(self.state(), is_busy).unwrap_or_else(PoisonError::into_inner);
        state.trouble.clone()
    }

    /// Whether what a sensor measures can go into this data set.
    ///
    /// # Errors
    /// [`DataProblem::Unlike`] says what is in it.
    pub fn check(&self, sensor: &SensorInfo) -> Result<(), DataProblem> {
        fits(self.library().as_deref(), sensor)
    }

    /// Adds a clip that was recorded.
    pub fn add(&self, sensor: &SensorInfo, clip: &ClipSummary, label: &str, group: Option<&str>) {
        let Some(item) = self.item(&clip.path, clip.instants, Some(label), group) else { return };
        let name = item.name();
        self.change(format!("record {name}"), |library| self.with(library, sensor, item));
    }

    /// An index with one item more, of a sensor that can go into it.
    fn with(&self, library: Option<Library>, sensor: &SensorInfo, item: Item) -> Library {
        let mut library = library.unwrap_or_else(|| Library::new(kind_of(sensor), self.name()));
        if library.items.is_empty() {
            (library.kind, library.axes, library.rate_hz) = (kind_of(sensor), axes_of(sensor), Some(sensor.rate_hz));
        }
        if let Some(label) = item.label.as_ref().filter(|label| !library.labels.contains(label)) {
            library.labels.push(label.clone());
        }
        library.items.push(Arc::new(item));
        library
    }

    /// Those of these stretches whose clips the index still has.
    pub fn still_has<'a>(&self, kept: impl IntoIterator<Item = &'a KeptStretch>) -> HashSet<(u8, Span)> {
        let named = kept.into_iter().filter_map(|kept| Some((self.relative(&kept.clip)?, kept.window)));
        let windows: HashMap<String, (u8, Span)> = named.collect();
        let Some(library) = self.library().filter(|_| !windows.is_empty()) else { return HashSet::new() };
        library.items.iter().filter_map(|item| windows.get(&item.file).copied()).collect()
    }

    /// Takes out a clip that was recorded to this path.
    pub fn discard(&self, path: &Path) {
        let Some(file) = self.relative(path) else { return };
        self.edit(format!("discard {file}"), |library| {
            let which: Vec<usize> = (0..library.items.len()).filter(|&i| library.items[i].file == file).collect();
            library.without(&which)
        });
    }

    /// Edits the index. `what` names the edit for undo.
    pub fn edit(&self, what: impl Into<String>, edit: impl FnOnce(&Library) -> Library) {
        let Some(before) = self.library() else { return };
        self.change(what.into(), |now| edit(now.as_ref().unwrap_or(&before)));
    }

    /// How many edits there were that were not undone.
    pub fn n_edits(&self) -> usize {
        let state = self.state();
        state.forgotten + state.past.len()
    }

    /// What undo takes back.
    pub fn undo_name(&self) -> Option<String> {
        self.state().past.last().map(|version| version.what.clone())
    }

    /// What redo brings back.
    pub fn redo_name(&self) -> Option<String> {
        self.state().future.last().map(|version| version.what.clone())
    }

    /// Takes the last edit back. Gives its name.
    pub fn undo(&self) -> Option<String> {
        self.turn(|state| (&mut state.past, &mut state.future))
    }

    /// Brings back what was undone last.
    pub fn redo(&self) -> Option<String> {
        self.turn(|state| (&mut state.future, &mut state.past))
    }

    fn turn(&self, piles: impl FnOnce(&mut State) -> (&mut Vec<Version>, &mut Vec<Version>)) -> Option<String> {
        let mut state = self.state();
        let now = state.library.clone();
        let (from, to) = piles(&mut state);
        let version = from.pop()?;
        to.push(Version { library: now.clone(), what: version.what.clone() });
        state.library = now.map(|now| Arc::new(without_new_files(&now, version.library.as_deref())));
        self.written(state);
        Some(version.what)
    }

    fn change(&self, what: String, change: impl FnOnce(Option<Library>) -> Library) {
        let mut state = self.state();
        let before = state.library.clone();
        let after = change(before.as_deref().cloned());
        if before.as_deref() == Some(&after) {
            return;
        }
        state.library = Some(Arc::new(after));
        state.past.push(Version { library: before, what });
        let n_items = state.library.as_ref().map_or(1, |library| library.items.len().max(1));
        let most = (MOST_UNDO_ITEMS / n_items).clamp(1, MOST_UNDO);
        let over = state.past.len().saturating_sub(most);
        state.past.drain(..over);
        state.forgotten += over;
        state.future.clear();
        self.written(state);
    }

    /// Has the index written.
    fn written(&self, mut state: MutexGuard<'_, State>) {
        state.unsaved = true;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Takes in clips that are on the disk and nowhere in the index.
    fn adopt(&self) {
        let Ok(entries) = std::fs::read_dir(self.clips()) else { return };
        let library = self.library();
        let items = library.iter().flat_map(|library| library.items.iter().map(|item| item.file.as_str()));
        let known: HashSet<&str> =
            items.chain(library.iter().flat_map(|library| library.removed.iter().map(String::as_str))).collect();
        let is_clip = |path: &PathBuf| path.extension().is_some_and(|e| e == "wav" || e == "csv");
        let is_new = |path: &PathBuf| self.relative(path).is_some_and(|file| !known.contains(file.as_str()));
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_clip).filter(is_new).collect();
        paths.sort();
        let mut grown = library.as_deref().cloned();
        for path in &paths {
            // What cannot be read is no clip of ours, or has nothing in it.
            let Ok(Recording { clip: Clip { label, sensor, instants, .. }, .. }) = recording::recover(path) else { continue };
            let label = label.as_deref().unwrap_or("unlabelled");
            let Some(item) = self.item(path, instants, Some(label), None).filter(|item| !item.is_empty()) else { continue };
            if fits(grown.as_ref(), &sensor).is_ok() {
                grown = Some(self.with(grown, &sensor, item));
            }
        }
        if let Some(grown) = grown.filter(|grown| library.as_deref() != Some(grown)) {
            self.change("take in clips".to_owned(), |_| grown);
        }
    }

    fn item(&self, path: &Path, instants: u64, label: Option<&str>, group: Option<&str>) -> Option<Item> {
        Some(Item {
            file: self.relative(path)?,
            span: (0, instants),
            label: label.map(str::to_owned),
            group: group.filter(|group| !group.is_empty()).map(str::to_owned),
            ..Item::default()
        })
    }

    /// A path from the folder, with forward slashes.
    fn relative(&self, path: &Path) -> Option<String> {
        let parts: Option<Vec<&str>> = path.strip_prefix(&self.folder).ok()?.iter().map(|part| part.to_str()).collect();
        Some(parts?.join("/"))
    }

    fn name(&self) -> String {
        self.folder.file_name().map_or_else(|| "recorded".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Collection {
    /// What is not written yet is written.
    fn drop(&mut self) {
        self.state().closing = true;
        self.shared.changed.notify_all();
        if let Some(saver) = self.saver.take() {
            let _ = saver.join();
        }
    }
}

/// An older index, which remembers the files of clips that came later as removed: they stay, but are not taken in again.
fn without_new_files(now: &Library, older: Option<&Library>) -> Library {
    let mut older = older.cloned().unwrap_or_else(|| Library { items: Vec::new(), removed: Vec::new(), ..now.clone() });
    let known: HashSet<&str> =
        older.items.iter().map(|item| item.file.as_str()).chain(older.removed.iter().map(String::as_str)).collect();
    let files = now.items.iter().map(|item| &item.file).chain(&now.removed);
    let mut gone: Vec<String> = files.filter(|file| !known.contains(file.as_str())).cloned().collect();
    gone.sort_unstable();
    gone.dedup();
    older.removed.extend(gone);
    older
}

/// Writes the index whenever it has changed. What could not be written is tried again until it is, or nobody wants it any more.
fn save(shared: &Shared, folder: &Path) {
    loop {
        let lock = || shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |state: &mut State| !state.unsaved && !state.closing;
        let mut state = shared.changed.wait_while(lock(), waits).unwrap_or_else(PoisonError::into_inner);
        if !state.unsaved {
            return;
        }
        (state.unsaved, state.saving) = (false, true);
        let library = state.library.clone();
        drop(state);
        let trouble = library.and_then(|library| {
            let made = std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()));
            made.and_then(|()| library.save(folder).map_err(|error| error.to_string())).err()
        });
        let mut state = lock();
        (state.saving, state.unsaved) = (false, state.unsaved || trouble.is_some());
        state.trouble = trouble;
        shared.changed.notify_all();
        if state.trouble.is_some() {
            if state.closing {
                return;
            }
            let _ = shared.changed.wait_timeout_while(state, RETRY, |state| !state.closing);
        }
    }
}

/// Whether what a sensor measures can go into a data set.
fn fits(library: Option<&Library>, sensor: &SensorInfo) -> Result<(), DataProblem> {
    let Some(library) = library.filter(|library| !library.items.is_empty()) else { return Ok(()) };
    let (kind, axes) = (kind_of(sensor), axes_of(sensor));
    let is_same = library.kind == kind && (library.axes.is_empty() || library.axes.len() == axes.len());
    let is_in_time = library.rate_hz.is_none_or(|rate| (rate - sensor.rate_hz).abs() <= 0.01 * rate);
    if is_same && is_in_time {
        return Ok(());
    }
    let rate = library.rate_hz.map_or_else(String::new, |rate| format!(" at {rate} Hz"));
    Err(DataProblem::Unlike(format!(
        "the data set holds {}{rate} of {} channels, the sensor {} gives {} at {} Hz of {}; record into another folder",
        library.kind.name(),
        library.axes.len(),
        sensor.name,
        kind.name(),
        sensor.rate_hz,
        axes.len(),
    )))
}

fn kind_of(sensor: &SensorInfo) -> Kind {
    if sensor.kind == recording::Kind::Audio { Kind::Sound } else { Kind::Series }
}

fn axes_of(sensor: &SensorInfo) -> Vec<Axis> {
    match kind_of(sensor) {
        Kind::Sound => Axis::unnamed(sensor.channels.len()),
        _ => sensor.channels.iter().map(|channel| Axis::new(channel.name.clone(), channel.unit.clone())).collect(),
    }
}
