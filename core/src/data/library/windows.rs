//! Pieces of one length, cut from recordings.

use serde::{Deserialize, Serialize};

use super::{Item, Library};

/// How recordings become samples of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Instants of a sample.
    pub length: u64,
    /// Instants from the start of one to the start of the next.
    pub stride: u64,
    /// What to do with an item that is shorter: fill it up with zeros at its end, or leave it out.
    #[serde(default)]
    pub pad: bool,
}

impl Window {
    /// How many windows an item of so many instants has.
    pub fn count(&self, n_instants: u64) -> u64 {
        match n_instants.checked_sub(self.length) {
            Some(rest) => rest / self.stride.max(1) + 1,
            None => u64::from(self.pad && n_instants > 0),
        }
    }
}

/// A sample of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Index of the item.
    pub item: usize,
    /// Its first instant in the file.
    pub start: u64,
    /// The one after its last that is there; less than a window's length where the item is shorter.
    pub end: u64,
}

impl Library {
    /// How many samples the items make.
    pub fn n_pieces(&self) -> u64 {
        self.items.iter().map(|item| self.pieces_of(item)).fold(0, u64::saturating_add)
    }

    fn pieces_of(&self, item: &Item) -> u64 {
        self.cutting().map_or(1, |window| window.count(item.len()))
    }

    /// The window, where the samples are recordings.
    pub(super) fn cutting(&self) -> Option<Window> {
        self.window.filter(|_| self.kind.is_recorded())
    }

    /// The samples that the items make, in the order of the items. Each lies within one item, and so in one split: items of one
    /// recording are kept together by [`split`](super::split).
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        let window = self.cutting();
        self.items.iter().enumerate().flat_map(move |(index, item)| {
            let (first, last) = item.span;
            let (n, stride, length) = window.map_or((1, 0, item.len()), |w| (w.count(item.len()), w.stride, w.length));
            (0..n).map(move |i| {
                let start = first + i * stride;
                Piece { item: index, start, end: start.saturating_add(length).min(last) }
            })
        })
    }
}
