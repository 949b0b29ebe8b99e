//! Channels that are cut together or not at all: disjoint sets, each with why it has to stay, if it has to.

use std::sync::Arc;

/// A channel, one of those of its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Unit(usize);

/// The sets.
#[derive(Debug, Default)]
pub(super) struct Units {
    parents: Vec<usize>,
    /// Why a set stays, at its root.
    fixed: Vec<Option<Arc<str>>>,
}

impl Units {
    /// `n` new channels, each a set of its own.
    pub fn add(&mut self, n: usize) -> Vec<Unit> {
        self.add_all(n, None)
    }

    /// `n` new channels that cannot be cut.
    pub fn add_fixed(&mut self, n: usize, why: &Arc<str>) -> Vec<Unit> {
        self.add_all(n, Some(why))
    }

    fn add_all(&mut self, n: usize, why: Option<&Arc<str>>) -> Vec<Unit> {
        let first = self.parents.len();
        self.parents.extend(first..first + n);
        self.fixed.resize(first + n, why.cloned());
        (first..first + n).map(Unit).collect()
    }

    /// The channel that stands for its set: the first that was added.
    pub fn root(&self, unit: Unit) -> Unit {
        let mut at = unit.0;
        while self.parents[at] != at {
            at = self.parents[at];
        }
        Unit(at)
    }

    /// The same, which makes the way shorter for those that ask again.
    fn root_mut(&mut self, unit: Unit) -> usize {
        let mut at = unit.0;
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    /// Makes one set of two; if one of them stays, both do.
    pub fn unite(&mut self, a: Unit, b: Unit) {
        let (a, b) = (self.root_mut(a), self.root_mut(b));
        if a == b {
            return;
        }
        let (first, second) = (a.min(b), a.max(b));
        let why = self.fixed[second].take();
        self.fixed[first] = self.fixed[first].take().or(why);
        self.parents[second] = first;
    }

    /// Says of a channel, and so of its set, why it stays. The first reason is kept.
    pub fn fix(&mut self, unit: Unit, why: &Arc<str>) {
        let root = self.root_mut(unit);
        self.fixed[root].get_or_insert_with(|| why.clone());
    }

    /// Why a channel stays; `None` if it can be cut.
    pub fn fixed(&self, unit: Unit) -> Option<&Arc<str>> {
        self.fixed[self.root(unit).0].as_ref()
    }
}
