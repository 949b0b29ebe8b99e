//! A data set as a folder: an index, `dataset.ron`, and its samples beside it as WAV, CSV, NPY and PNG.
//!
//! The index is all that is in memory; samples are read when they are wanted ([`Reader`]). It is a plain value whose items
//! are shared: an edit ([`edit`]) gives a new index and leaves the old one, so undo is the previous value, even of 100,000
//! items.
//!
//! | part | what |
//! | --- | --- |
//! | [`file`] | `dataset.ron` |
//! | [`read`] | one sample from the disk |
//! | [`edit`] | relabel, trim, split, delete, purge |
//! | [`filter`] | which items, and how they are spread over classes and splits |
//! | [`split`] | training, calibration and test |
//! | [`check`] | leaks, doubles, classes that are short of samples |
//! | [`subset`] | fewer items, by count or by what they cover |
//! | [`windows`] | pieces of one length, cut from recordings |
//! | [`tensors`] | the [`DataSet`](super::DataSet) that models are calibrated and measured with |

pub mod check;
pub mod edit;
pub mod file;
pub mod filter;
pub mod read;
pub mod split;
pub mod subset;
pub mod tensors;
#[cfg(test)]
mod tests;
pub mod windows;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use file::{INDEX, VERSION};
pub use read::{Reader, Sample};
pub use windows::Window;

use super::{Axis, Split};

/// What the samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Sound, as WAV.
    Sound,
    /// Recordings of any sensor, as CSV.
    Series,
    /// Pictures, as PNG.
    Image,
    /// Arrays of one shape, as rows of NPY files.
    Tensor,
}

/// An index: what the samples are and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Library {
    /// [`VERSION`] of the program that wrote it.
    pub version: u32,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// What the samples are.
    pub kind: Kind,
    /// Instants a second of recordings, where all have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_hz: Option<f64>,
    /// What recordings measure; empty for images and tensors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<Axis>,
    /// Integer tensors: `real = (x - zero_point) * scale`. `None` for values that are real as they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f32>,
    /// See [`Library::scale`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub zero_point: i32,
    /// How recordings become samples of one length; `None` to take them whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The classes, in the order of a model's outputs.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The samples.
    #[serde(default)]
    pub items: Vec<Arc<Item>>,
    /// Files that deleted items referred to: they stay until [`edit::purge`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// One sample: a file, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Item {
    /// Path from the folder, with forward slashes.
    pub file: String,
    /// First instant, and the one after the last. Of an NPY file: its row and the next; of a picture: 0 and 1.
    pub span: (u64, u64),
    /// Its class; one of [`Library::labels`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it is for; without one it is for training once any item has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Who or what it was recorded of, at one time: items of one group are alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whatever people want to remember.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(zero_point: &i32) -> bool {
    *zero_point == 0
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sound, Self::Series, Self::Image, Self::Tensor];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Series => "series",
            Self::Image => "image",
            Self::Tensor => "tensor",
        }
    }

    /// The kind with this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a sample has instants that follow one another.
    pub fn is_recorded(self) -> bool {
        matches!(self, Self::Sound | Self::Series)
    }
}

impl Item {
    /// How many instants it has.
    pub fn len(&self) -> u64 {
        self.span.1.saturating_sub(self.span.0)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For people: `clips/yes.wav`, `clips/long.wav [800..1600]`.
    pub fn name(&self) -> String {
        match self.span {
            (0, _) => self.file.clone(),
            (start, end) => format!("{} [{start}..{end}]", self.file),
        }
    }
}

impl Library {
    /// An index without items.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            name: name.into(),
            kind,
            rate_hz: None,
            axes: Vec::new(),
            scale: None,
            zero_point: 0,
            window: None,
            labels: Vec::new(),
            items: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// Names the classes that items have and [`Library::labels`] lacks: behind those that are there, in the order of
    /// [`class_order`].
    pub fn complete_labels(&mut self) {
        let known: HashSet<&str> = self.labels.iter().map(String::as_str).collect();
        let found: HashSet<&str> = self.items.iter().filter_map(|item| item.label.as_deref()).collect();
        let missing = class_order(found.difference(&known).copied(), self.labels.is_empty());
        self.labels.extend(missing);
    }

    /// The index of each class by its name.
    pub fn classes(&self) -> HashMap<&str, u32> {
        self.labels.iter().map(String::as_str).zip(0..).collect()
    }

    /// What may not be parted: a number for each item, the same for items of one recording or one group, in the order of first
    /// appearance. Without `by_group` recordings alone count. Pictures and tensors are no recordings.
    pub fn units(&self, by_group: bool) -> Vec<usize> {
        let mut sets = DisjointSets::default();
        let mut files = HashMap::new();
        let mut groups = HashMap::new();
        for (index, item) in self.items.iter().enumerate() {
            sets.add();
            if self.kind.is_recorded() {
                let first = *files.entry(item.file.as_str()).or_insert(index);
                sets.join(first, index);
            }
            if let Some(group) = item.group.as_deref().filter(|_| by_group) {
                let first = *groups.entry(group).or_insert(index);
                sets.join(first, index);
            }
        }
        (0..self.items.len()).map(|index| sets.root(index)).collect()
    }
}

/// Class names in the order that models have them: where all are numbers, every number from 0 to the highest, so that a class
/// is its number; else by the alphabet, as Keras sorts folders.
pub(in crate::data) fn class_order<'a>(names: impl Iterator<Item = &'a str>, may_number: bool) -> Vec<String> {
    /// More classes than any net for a microcontroller tells apart.
    const MOST_NUMBERED: usize = 10_000;
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let number = |name: &&str| name.parse::<usize>().ok().filter(|n| *n < MOST_NUMBERED && n.to_string() == **name);
    let numbers: Option<Vec<usize>> = names.iter().map(number).collect();
    match numbers.as_deref().and_then(|numbers| numbers.iter().max()) {
        Some(&highest) if may_number => (0..=highest).map(|n| n.to_string()).collect(),
        _ => names.into_iter().map(str::to_owned).collect(),
    }
}

/// Sets of numbers that grow together. Source: Tarjan, union by halving paths to the lowest member.
#[derive(Debug, Default)]
struct DisjointSets(Vec<usize>);

impl DisjointSets {
    fn add(&mut self) {
        self.0.push(self.0.len());
    }

    /// The lowest number of a set.
    fn root(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]];
            index = self.0[index];
        }
        index
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}
