//! What the candidate says of clips that are on screen, found out in the background: beside its label, a wrong answer is seen at once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::Context;
use tinsmith_core::data::Axis;
use tinsmith_core::data::features::Pipeline;
use tinsmith_core::data::feed;
use tinsmith_core::data::library::tensors::tensors;
use tinsmith_core::data::library::{Item, Kind, Library, Reader};
use tinsmith_core::live::{FrontEnd, Runner, Sensor, top};
use tinsmith_core::optimize::Candidate;
use tinsmith_core::preview::{Source, only_input};
use tinsmith_core::progress::Cancel;

use super::clips::{Key, MOST_KEPT, key};
use super::stages::signal;
use crate::gui::background::Background;
use crate::live::fitting;

/// Clips that are listened to at once, so that words come as they are found.
const AT_ONCE: usize = 32;

/// What the candidate says of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// The class, if classes are told apart and have names.
    pub class: Option<String>,
    /// Its probability, or an autoencoder's distance.
    pub value: f32,
}

/// Who is asked, about which data set.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The model.
    pub candidate: Arc<Candidate>,
    /// What it was made of, which says what integer samples mean.
    pub source: Arc<Source>,
    /// What clips go through before, if the project says so.
    pub features: Option<Pipeline>,
    /// Names of the classes.
    pub names: Vec<String>,
    /// The folder of the clips.
    pub folder: PathBuf,
}

/// What the clips of a data set are, which says how they are listened to. A folder that was emptied may hold something else.
#[derive(Debug, PartialEq)]
struct Measured(Kind, Vec<Axis>, Option<f64>);

impl Listener {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.candidate, &other.candidate)
            && (&self.features, &self.names, &self.folder) == (&other.features, &other.names, &other.folder)
    }
}

/// A model with the front end for recordings, or nothing if they become nothing that it takes. Pictures and arrays are fed as they are.
type Ready = Arc<Option<(Runner, Option<FrontEnd>)>>;

/// Words that were found.
type Found = (Ready, Vec<(Key, Option<Word>)>);

/// What is known.
#[derive(Debug, Default)]
pub struct Words {
    by: Option<(Listener, Measured)>,
    ready: Option<Ready>,
    /// Of a clip that cannot be listened to: nothing.
    known: HashMap<Key, Option<Word>>,
    finding: Background<Found>,
    cancel: Cancel,
}

impl Words {
    /// What is said of an item.
    pub fn of(&self, item: &Item) -> Option<&Word> {
        self.known.get(&key(item))?.as_ref()
    }

    /// These items are on screen.
    pub fn want(&mut self, by: Listener, library: &Arc<Library>, items: &[usize], ctx: &Context) {
        let of = Measured(library.kind, library.axes.clone(), library.rate_hz);
        if self.by.as_ref().is_none_or(|(before, before_of)| !before.is(&by) || *before_of != of) {
            *self = Self::default();
            self.by = Some((by.clone(), of));
        }
        let is_unknown = |index: &usize| library.items.get(*index).is_some_and(|item| !self.known.contains_key(&key(item)));
        let unknown: Vec<usize> = items.iter().copied().filter(is_unknown).take(AT_ONCE).collect();
        if unknown.is_empty() || self.finding.is_busy() {
            return;
        }
        let (ready, library, cancel) = (self.ready.clone(), Arc::clone(library), self.cancel.clone());
        self.finding = Background::start(ctx, move || {
            let ready = ready.unwrap_or_else(|| Arc::new(make_ready(&by, &library)));
            let mut reader = Reader::new(&by.folder);
            let wanted = unknown.into_iter().take_while(|_| !cancel.is_cancelled());
            let found =
                wanted.map(|index| (key(&library.items[index]), word(&by, &ready, &mut reader, &library, index))).collect();
            (ready, found)
        });
    }

    /// Takes what was found since.
    pub fn take(&mut self) {
        let Some((ready, found)) = self.finding.take() else { return };
        if self.known.len() > MOST_KEPT {
            self.known.clear();
        }
        self.ready = Some(ready);
        self.known.extend(found);
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn make_ready(by: &Listener, library: &Library) -> Option<(Runner, Option<FrontEnd>)> {
    let runner = Runner::new(&by.candidate.graph).ok()?;
    if !library.kind.is_recorded() {
        return Some((runner, None));
    }
    let sensor = Sensor { rate_hz: library.rate_hz?, channels: library.axes.clone() };
    let pipeline = fitting(by.features.as_ref(), &sensor, runner.input()).first()?.pipeline(by.features.as_ref());
    // Clips are listened to one by one: whatever the stride is.
    let front = FrontEnd::new(pipeline, sensor, runner.input(), 1.0).ok()?;
    Some((runner, Some(front)))
}

fn word(by: &Listener, ready: &Ready, reader: &mut Reader, library: &Library, index: usize) -> Option<Word> {
    let (runner, front) = ready.as_ref().as_ref()?;
    let said = match front {
        Some(front) => {
            let signal = signal(reader, library, &library.items[index]).ok()?;
            runner.run(&front.features(&signal.values).ok()?).ok()?
        }
        None => {
            let set = tensors(&by.folder, &library.one(index), None, &Cancel::new()).ok()?.set;
            let meaning = feed::meaning(&set, only_input(&by.source.graph).ok()?);
            runner.run_sample(&set, meaning, 0).ok()?
        }
    };
    let (class, value) = top(&said.values);
    // Names that are more than the classes are those of something else.
    let n = said.values.len();
    let class = by.names.get(class).filter(|_| n > 1 && by.names.len() <= n).cloned();
    Some(Word { class, value })
}
