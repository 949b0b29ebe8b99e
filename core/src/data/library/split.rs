//! Training, calibration and test: by chance, in fixed proportions for every class, and without parting what is alike.
//!
//! Chance is a hash of the seed and an item's place, so that a seed gives the same splits on every machine, in whatever order
//! the items are listed.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Item, Library};
use crate::data::{DataProblem, Split};

/// What may not be parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Items of one recording.
    Recordings,
    /// Items of one recording, and those of one group: no person is in two splits.
    Groups,
}

/// How to split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Fraction of each class for tests, 0 to 1.
    pub test: f64,
    /// Fraction of each class for calibration, 0 to 1; the rest is for training.
    pub calibration: f64,
    /// What may not be parted.
    pub keep: Keep,
    /// Another seed gives other splits.
    pub seed: u64,
}

const SPLITS: [Split; 3] = [Split::Train, Split::Calibration, Split::Test];

impl Library {
    /// Puts every item into a split. Recordings or groups go whole, the largest first, each to where it brings the classes
    /// closest to the fractions; where all are of one item, every class has its fractions but for rounding.
    ///
    /// # Errors
    /// [`DataProblem::Unlike`] if the fractions are none, or there are fewer recordings or groups than splits.
    pub fn split(&self, plan: &Plan) -> Result<Self, DataProblem> {
        // What is left of a sum of fractions is hardly ever nothing.
        let rest = 1.0 - plan.test - plan.calibration;
        let train = if rest.abs() < 1e-9 { 0.0 } else { rest };
        let fractions = [train, plan.calibration, plan.test];
        if !(fractions.iter().all(|f| (-1e-9..=1.0).contains(f))) {
            let (test, calibration) = (plan.test, plan.calibration);
            let trouble = format!("{test} for tests and {calibration} for calibration, expected fractions of at most 1 in sum");
            return Err(DataProblem::Unlike(trouble));
        }
        let units = self.ordered_units(plan);
        let wanted = fractions.iter().filter(|f| **f > 0.0).count();
        if units.len() < wanted {
            let what = if plan.keep == Keep::Groups { "groups" } else { "recordings" };
            let trouble = format!("{} {what} cannot fill {wanted} splits; record more, or say which are which", units.len());
            return Err(DataProblem::Unlike(trouble));
        }
        let classes = self.by_label(&(0..self.items.len()).collect::<Vec<_>>());
        let mut class_of = vec![0; self.items.len()];
        classes.iter().enumerate().for_each(|(class, items)| items.iter().for_each(|&item| class_of[item] = class));
        // How many items of each class are still wanted in each split.
        let mut missing = fractions.map(|f| classes.iter().map(|items| items.len() as f64 * f).collect::<Vec<f64>>());

        let mut placed = Vec::with_capacity(units.len());
        for unit in &units {
            let mut counts: HashMap<usize, f64> = HashMap::new();
            unit.iter().for_each(|&item| *counts.entry(class_of[item]).or_default() += 1.0);
            let mut counts: Vec<(usize, f64)> = counts.into_iter().collect();
            counts.sort_unstable_by_key(|(class, _)| *class);
            // What the squares of what is missing become less or more by.
            let cost = |split: usize| counts.iter().map(|&(class, n)| n * (n - 2.0 * missing[split][class])).sum::<f64>();
            let may = (0..SPLITS.len()).filter(|&split| fractions[split] > 0.0);
            let best = may.min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(0);
            counts.iter().for_each(|&(class, n)| missing[best][class] -= n);
            placed.push(best);
        }
        fill_empty(&mut placed, fractions);
        let mut library = self.clone();
        for (unit, split) in units.iter().zip(placed) {
            unit.iter().for_each(|&item| Arc::make_mut(&mut library.items[item]).split = Some(SPLITS[split]));
        }
        Ok(library)
    }

    /// What goes whole, as lists of items: the largest first, chance among equals.
    fn ordered_units(&self, plan: &Plan) -> Vec<Vec<usize>> {
        let mut units: HashMap<usize, Vec<usize>> = HashMap::new();
        for (item, unit) in self.units(plan.keep == Keep::Groups).into_iter().enumerate() {
            units.entry(unit).or_default().push(item);
        }
        // By the least of the items' keys: it does not depend on the order of the items.
        let key = |items: &[usize]| items.iter().map(|&item| chance(plan.seed, &self.items[item])).min();
        let mut units: Vec<Vec<usize>> = units.into_values().collect();
        units.sort_by_cached_key(|items| (std::cmp::Reverse(items.len()), key(items)));
        units
    }
}

/// Gives every split that is wanted at least one of the units, which are sorted by size: the smallest of the split that has most.
/// A few large groups come closer to the fractions without, but a split that is empty is no use to anybody.
fn fill_empty(placed: &mut [usize], fractions: [f64; 3]) {
    let n_in = |placed: &[usize], split: usize| placed.iter().filter(|&&s| s == split).count();
    for empty in (0..SPLITS.len()).filter(|&split| fractions[split] > 0.0) {
        if n_in(placed, empty) > 0 {
            continue;
        }
        let fullest = (0..SPLITS.len()).max_by_key(|&split| n_in(placed, split)).unwrap_or(0);
        if let Some(smallest) = placed.iter_mut().rev().find(|split| **split == fullest) {
            *smallest = empty;
        }
    }
}

/// A random key of an item, the same on every machine.
pub(super) fn chance(seed: u64, item: &Item) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(&item.span.0.to_le_bytes()).update(item.file.as_bytes());
    *hasher.finalize().as_bytes()
}
