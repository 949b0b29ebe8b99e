//! Fewer items that stand for all: so many of each class, by chance.

use super::Library;
use super::split::chance;
use crate::data::Split;

impl Library {
    /// `count` of the items at `among`, or all if there are no more: in turn one of each class, by chance within a class.
    /// In the order of the items.
    pub fn chosen(&self, among: &[usize], count: usize, seed: u64) -> Vec<usize> {
        let mut classes = self.by_label(among);
        for items in &mut classes {
            items.sort_by_cached_key(|&item| chance(seed, &self.items[item]));
        }
        let longest = classes.iter().map(Vec::len).max().unwrap_or(0);
        let turns = (0..longest).flat_map(|turn| classes.iter().filter_map(move |items| items.get(turn).copied()));
        let mut chosen: Vec<usize> = turns.take(count).collect();
        chosen.sort_unstable();
        chosen
    }

    /// The items that may calibrate: all that do not test.
    pub fn not_tests(&self) -> Vec<usize> {
        (0..self.items.len()).filter(|&index| self.items[index].split != Some(Split::Test)).collect()
    }

    /// Makes the items at `which` the calibration split: what was in it before goes to training.
    #[must_use]
    pub fn calibrated_by(&self, which: &[usize]) -> Self {
        let in_it = |index: &usize| self.items[*index].split == Some(Split::Calibration);
        let before: Vec<usize> = (0..self.items.len()).filter(in_it).collect();
        self.with_split(&before, Some(Split::Train)).with_split(which, Some(Split::Calibration))
    }
}
