//! What feature stages make of a clip, computed in the background.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::Context;
use tinsmith_core::data::Split;
use tinsmith_core::data::features::{Pieces, Pipeline, Signal};
use tinsmith_core::data::library::{Item, Library, Reader, Sample};
use tinsmith_core::progress::Cancel;

use crate::gui::background::Background;

/// The most clips that statistics are made of.
const MOST_FITTED: usize = 4000;
/// The most values of them: they are in memory together.
const MOST_VALUES: usize = 100_000_000;

/// A clip of a data set, and the stages that it goes through.
#[derive(Clone, Debug)]
pub struct Question {
    /// The folder of the data set.
    pub folder: PathBuf,
    /// Its index.
    pub library: Arc<Library>,
    /// The clip.
    pub item: Arc<Item>,
    /// The stages.
    pub pipeline: Pipeline,
}

impl Question {
    fn is(&self, other: &Self) -> bool {
        self.folder == other.folder && self.item == other.item && self.pipeline == other.pipeline
    }
}

/// What became of a clip.
#[derive(Debug)]
pub struct Made {
    /// What was asked.
    pub of: Question,
    /// The clip itself, and what each stage made of it; or why not.
    pub outcome: Result<(Signal, Vec<Pieces>), String>,
}

/// The newest answer, and the question on its way.
#[derive(Debug, Default)]
pub struct Stages {
    asked: Option<(Question, Cancel, Background<Made>)>,
    made: Option<Arc<Made>>,
}

impl Stages {
    /// Asks, unless that was asked already; what was asked before is nobody's any more.
    pub fn ask(&mut self, question: Question, ctx: &Context) {
        let is_known = self.made.as_ref().is_some_and(|made| made.of.is(&question));
        let is_asked = self.asked.as_ref().map_or(is_known, |(asked, ..)| asked.is(&question));
        if is_asked {
            return;
        }
        self.forget();
        let cancel = Cancel::new();
        let (of, stopped) = (question.clone(), cancel.clone());
        let making = Background::start(ctx, move || Made { outcome: make(&of, &stopped), of });
        self.asked = Some((question, cancel, making));
    }

    /// Takes the answer, if it is there.
    pub fn take(&mut self) {
        if let Some(made) = self.asked.as_mut().and_then(|(_, _, making)| making.take()) {
            (self.made, self.asked) = (Some(Arc::new(made)), None);
        }
    }

    /// The newest answer.
    pub fn made(&self) -> Option<&Arc<Made>> {
        self.made.as_ref()
    }

    fn forget(&mut self) {
        if let Some((_, cancel, _)) = self.asked.take() {
            cancel.cancel();
        }
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.forget();
    }
}

fn make(of: &Question, cancel: &Cancel) -> Result<(Signal, Vec<Pieces>), String> {
    let signal = signal(&mut Reader::new(&of.folder), &of.library, &of.item)?;
    let made = of.pipeline.run(&signal, cancel).map_err(|error| error.to_string())?;
    Ok((signal, made))
}

pub(super) fn signal(reader: &mut Reader, library: &Library, item: &Item) -> Result<Signal, String> {
    match reader.read(library, item).map_err(|error| error.to_string())? {
        Sample::Signal(recording) => {
            let unknown = || format!("{}: nobody says how many instants a second it has", item.file);
            Signal::recorded(recording, library.rate_hz).ok_or_else(unknown)
        }
        Sample::Array { .. } => Err(format!("{}: it is no recording", item.file)),
    }
}

/// The same stages with the statistics of a data set: of what is to train and calibrate, or of everything in a set without splits.
///
/// # Errors
/// A clip that cannot be read, or that a stage cannot take; in one line.
pub fn fitted(folder: &std::path::Path, library: &Library, pipeline: &Pipeline, cancel: &Cancel) -> Result<Pipeline, String> {
    let mut reader = Reader::new(folder);
    let mut of: Vec<(u64, &Arc<Item>)> = (0..).zip(&library.items).filter(|(_, item)| item.split != Some(Split::Test)).collect();
    // Clips often lie label by label: fewer than all are taken from all over. Multiples of the golden ratio are spread evenly.
    of.sort_by_key(|(index, _)| index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (mut signals, mut n_values) = (Vec::new(), 0);
    for (_, item) in of.into_iter().take(MOST_FITTED) {
        let signal = signal(&mut reader, library, item)?;
        n_values += signal.values.len();
        if n_values > MOST_VALUES && !signals.is_empty() {
            break;
        }
        signals.push(signal);
    }
    let mut fitted = pipeline.clone();
    fitted.fit(&signals, cancel).map_err(|error| error.to_string())?;
    Ok(fitted)
}
