//! What is known of clips beyond the index: their outline and what is wrong with them. Read in the background, what is on screen
//! first, and only as many as are looked at are kept.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use tinsmith_core::data::level::{Level, Trouble, troubles};
use tinsmith_core::data::library::{Item, Kind, Library, Reader, Sample};
use tinsmith_core::data::recording::Clip;

use crate::gui::plots::trace::outline;

/// Columns of an outline.
const COLUMNS: usize = 96;
/// Clips that are kept: those of many screens.
pub const MOST_KEPT: usize = 4096;

/// What is known of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// The least and the greatest value of each of the columns, of the channel that changes most.
    pub outline: Vec<(f32, f32)>,
    /// The greatest magnitude of any channel, in full scale or the sensor's unit.
    pub peak: f32,
    /// What is wrong with it.
    pub troubles: Vec<Trouble>,
    /// Why it cannot be read.
    pub failure: Option<String>,
}

/// What a digest is of, a part of a file, as a hash: it is looked for in every frame, for thousands of clips.
pub(super) type Key = u64;

pub(super) fn key(item: &Item) -> Key {
    let mut hasher = DefaultHasher::new();
    (&item.file, item.span).hash(&mut hasher);
    hasher.finish()
}

/// A clip to look at.
type Question = (Arc<Library>, Arc<Item>);

#[derive(Debug, Default)]
struct Slot {
    questions: Mutex<(VecDeque<Question>, bool)>,
    asked: Condvar,
}

/// Clips that were looked at.
#[derive(Debug, Default)]
pub struct Digests {
    kept: HashMap<Key, Arc<Digest>>,
    order: VecDeque<Key>,
    reader: Option<Background>,
}

#[derive(Debug)]
struct Background {
    slot: Arc<Slot>,
    answers: Receiver<(Arc<Item>, Digest)>,
}

impl Drop for Background {
    fn drop(&mut self) {
        self.slot.questions.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.slot.asked.notify_all();
    }
}

impl Digests {
    /// From now on of the data set in `folder`. `wake` is called when something is known.
    pub fn open(&mut self, folder: PathBuf, wake: Arc<dyn Fn() + Send + Sync>) {
        let slot = Arc::new(Slot::default());
        let (sender, answers) = channel();
        let asked = Arc::clone(&slot);
        thread::spawn(move || look(&folder, &asked, &sender, &*wake));
        *self = Self { reader: Some(Background { slot, answers }), ..Self::default() };
    }

    /// What is known of an item.
    pub fn of(&self, item: &Item) -> Option<&Arc<Digest>> {
        self.kept.get(&key(item))
    }

    /// How many clips were looked at and are remembered.
    pub fn n_known(&self) -> usize {
        self.kept.len()
    }

    /// Takes what was found out since.
    pub fn take(&mut self) {
        let Some(reader) = &self.reader else { return };
        for (item, digest) in reader.answers.try_iter() {
            if self.kept.insert(key(&item), Arc::new(digest)).is_none() {
                self.order.push_back(key(&item));
            }
        }
        while self.order.len() > MOST_KEPT {
            self.order.pop_front().map(|key| self.kept.remove(&key));
        }
    }

    /// These items are on screen: they are looked at next, and what was asked before is not.
    pub fn want(&self, library: &Arc<Library>, items: impl Iterator<Item = usize>) {
        let Some(reader) = &self.reader else { return };
        let of = items.filter_map(|index| library.items.get(index)).filter(|item| !self.kept.contains_key(&key(item)));
        let wanted: VecDeque<Question> = of.map(|item| (Arc::clone(library), Arc::clone(item))).collect();
        reader.slot.questions.lock().unwrap_or_else(PoisonError::into_inner).0 = wanted;
        reader.slot.asked.notify_all();
    }
}

fn look(folder: &std::path::Path, slot: &Slot, answers: &Sender<(Arc<Item>, Digest)>, wake: &dyn Fn()) {
    let mut reader = Reader::new(folder);
    loop {
        let questions = slot.questions.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |(questions, is_over): &mut (VecDeque<Question>, bool)| questions.is_empty() && !*is_over;
        let mut questions = slot.asked.wait_while(questions, waits).unwrap_or_else(PoisonError::into_inner);
        if questions.1 {
            return;
        }
        let Some((library, item)) = questions.0.pop_front() else { continue };
        drop(questions);
        let digest = digest(&mut reader, folder, &library, &item);
        if answers.send((item, digest)).is_err() {
            return;
        }
        wake();
    }
}

fn digest(reader: &mut Reader, folder: &std::path::Path, library: &Library, item: &Item) -> Digest {
    let (values, n_channels) = match reader.read(library, item) {
        Ok(Sample::Signal(signal)) => (signal.values, signal.axes.len().max(1)),
        Ok(Sample::Array { values, .. }) => (values.reals(), 1),
        Err(error) => {
            return Digest { outline: Vec::new(), peak: 0.0, troubles: Vec::new(), failure: Some(error.to_string()) };
        }
    };
    let is_sound = library.kind == Kind::Sound;
    let mut troubles = if library.kind.is_recorded() { troubles(&values, n_channels, is_sound) } else { Vec::new() };
    // Gaps stand beside the samples, in what recorded them.
    let clip = Clip::read(&folder.join(&item.file).with_extension("ron"));
    if clip.is_ok_and(|clip| clip.gaps.iter().any(|gap| (item.span.0 + 1..item.span.1).contains(&gap.at))) {
        troubles.push(Trouble::Gap);
    }
    Digest {
        outline: outline(&liveliest(&values, n_channels), COLUMNS),
        peak: Level::of(values.iter().copied()).peak,
        troubles,
        failure: None,
    }
}

/// The values of the channel that spans most.
fn liveliest(values: &[f32], n_channels: usize) -> Vec<f32> {
    let of = |channel: usize| values.iter().skip(channel).step_by(n_channels).copied();
    let span =
        |channel: &usize| of(*channel).fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let wide = |channel: &usize| span(channel).1 - span(channel).0;
    let channel = (0..n_channels).max_by(|a, b| wide(a).total_cmp(&wide(b))).unwrap_or(0);
    of(channel).collect()
}
