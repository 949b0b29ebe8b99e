//! What makes a measured accuracy or a calibration worth less than it seems: leaks between splits, doubles, classes that are
//! short of samples.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use super::{Item, Library, Reader, Sample};
use crate::data::{DataError, DataProblem, Split, Values};
use crate::progress::Cancel;

/// The largest class may have so many times the items of the smallest.
const MOST_UNEVEN: usize = 5;
/// A class with fewer items in a test split measures nothing.
const FEW: usize = 5;

/// Something to know about a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Items of one recording or of one group are in two splits.
    Leak {
        /// `recording` or `group`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The splits.
        splits: Vec<Split>,
        /// Its items.
        items: Vec<usize>,
    },
    /// Items with the same values, or nearly the same.
    Doubles {
        /// Whether they are equal to the last bit.
        exact: bool,
        /// The items, by name.
        names: Vec<String>,
        /// The items.
        items: Vec<usize>,
        /// Whether they are in different splits, or have different labels.
        harmful: bool,
    },
    /// A class has no or few items in a split that others are in.
    Short {
        /// The split.
        split: Split,
        /// The class.
        label: String,
        /// How many there are.
        items: usize,
    },
    /// Classes differ much in their numbers.
    Uneven {
        /// The largest and its number of items.
        most: (String, usize),
        /// The smallest and its number of items.
        least: (String, usize),
    },
    /// Items without a label in a set that has labels.
    Unlabelled {
        /// How many.
        items: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leak { what, name, splits, items } => {
                let splits: Vec<&str> = splits.iter().map(|split| split.name()).collect();
                let (n, splits) = (items.len(), splits.join(" and "));
                write!(f, "leak: {n} items of {what} {name} are in {splits}; split by {what}")
            }
            Self::Doubles { exact, names, items, harmful } => {
                let (how, n) = (if *exact { "equal" } else { "nearly equal" }, items.len());
                let harm = if *harmful { ", and not all in one split with one label" } else { "" };
                write!(f, "{n} items are {how}{harm}: {}", names.join(", "))
            }
            Self::Short { split, label, items } => write!(f, "class {label} has {items} items for {}", split.name()),
            Self::Uneven { most, least } => {
                write!(f, "class {} has {} items, {} only {}", most.0, most.1, least.0, least.1)
            }
            Self::Unlabelled { items } => write!(f, "{items} items have no label"),
        }
    }
}

impl Library {
    /// What can be told from the index alone: leaks, and classes that are short.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.kind.is_recorded() {
            findings.extend(self.leaks("recording", |index| Some(self.items[index].file.as_str())));
        }
        findings.extend(self.leaks("group", |index| self.items[index].group.as_deref()));
        findings.extend(self.shortages());
        findings
    }

    fn leaks<'a>(&'a self, what: &'static str, name: impl Fn(usize) -> Option<&'a str>) -> Vec<Finding> {
        let mut units: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        (0..self.items.len()).for_each(|i| units.entry(name(i).unwrap_or_default()).or_default().push(i));
        units.remove("");
        let leak = |(name, items): (&str, Vec<usize>)| {
            let splits = self.splits_of(&items);
            (splits.len() > 1).then(|| Finding::Leak { what, name: name.to_owned(), splits, items })
        };
        units.into_iter().filter_map(leak).collect()
    }

    /// The splits that items are in, each once. What is in none is trained with, unless nothing is in any.
    fn splits_of(&self, items: &[usize]) -> Vec<Split> {
        let is_split = self.items.iter().any(|item| item.split.is_some());
        let of = |item: &Item| item.split.or(is_split.then_some(Split::Train));
        let has = |split: &Split| items.iter().any(|&i| of(&self.items[i]) == Some(*split));
        [Split::Train, Split::Calibration, Split::Test].into_iter().filter(has).collect()
    }

    fn shortages(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let balance = self.balance();
        let classes: Vec<(&str, &[usize; 4], usize)> =
            balance.iter().filter_map(|count| Some((count.label.as_deref()?, &count.items, count.total()))).collect();
        let unlabelled = balance.iter().find(|count| count.label.is_none()).map_or(0, super::filter::ClassCount::total);
        if unlabelled > 0 && !classes.is_empty() {
            findings.push(Finding::Unlabelled { items: unlabelled });
        }
        for (column, split, least) in [(1, Split::Train, 1), (2, Split::Calibration, 1), (3, Split::Test, FEW)] {
            let in_use = classes.iter().any(|(_, items, _)| items[column] > 0);
            let short = classes.iter().filter(|(_, items, _)| in_use && items[column] < least);
            findings.extend(short.map(|(label, items, _)| Finding::Short {
                split,
                label: (*label).to_owned(),
                items: items[column],
            }));
        }
        let most = classes.iter().max_by_key(|(_, _, total)| *total);
        let least = classes.iter().min_by_key(|(_, _, total)| *total);
        if let Some((most, least)) = most.zip(least).filter(|(most, least)| most.2 > least.2 * MOST_UNEVEN) {
            let named = |class: &(&str, &[usize; 4], usize)| (class.0.to_owned(), class.2);
            findings.push(Finding::Uneven { most: named(most), least: named(least) });
        }
        findings
    }

    /// Items with equal values, and nearly equal ones. Every item is read. Those that are nearly equal are looked for among the
    /// 16 that come next in loudness, which finds copies at another level or with a little noise in sets of any size, but not
    /// copies that were shifted in time.
    ///
    /// # Errors
    /// [`DataError`] names the file that cannot be read, or that the work was cancelled.
    pub fn doubles(&self, folder: &Path, cancel: &Cancel) -> Result<Vec<Finding>, DataError> {
        let mut reader = Reader::new(folder);
        let mut prints = Vec::with_capacity(self.items.len());
        for item in &self.items {
            cancel.check().map_err(|cancelled| DataProblem::Cancelled(cancelled).of(folder))?;
            prints.push(Print::of(&reader.read(self, item)?));
        }
        let mut equal: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        prints.iter().enumerate().for_each(|(index, print)| equal.entry(print.hash).or_default().push(index));
        let mut sets: Vec<(Vec<usize>, bool)> =
            equal.into_values().filter(|items| items.len() > 1).map(|items| (items, true)).collect();
        sets.extend(near(&prints).into_iter().map(|pair| (pair.to_vec(), false)));
        sets.sort_unstable();
        Ok(sets.into_iter().map(|(items, exact)| self.doubled(items, exact)).collect())
    }

    fn doubled(&self, items: Vec<usize>, exact: bool) -> Finding {
        /// More names than these help nobody.
        const NAMED: usize = 4;
        let names = items.iter().take(NAMED).map(|&i| self.items[i].name()).collect();
        let first = &self.items[items[0]];
        let harmful = items.iter().any(|&i| self.items[i].split != first.split || self.items[i].label != first.label);
        Finding::Doubles { exact, names, items, harmful }
    }
}

/// How many parts of a sample are looked at.
const PARTS: usize = 32;

/// What a sample is recognised by.
struct Print {
    hash: [u8; 32],
    /// Mean magnitude of each of the parts, the largest being 1; zeros for a sample without anything.
    envelope: [f32; PARTS],
    /// Their sum.
    loudness: f32,
    /// How many values it has.
    len: usize,
}

impl Print {
    fn of(sample: &Sample) -> Self {
        let (bytes, reals) = match sample {
            Sample::Signal(signal) => (bytemuck::cast_slice(&signal.values), signal.values.clone()),
            Sample::Array { values, .. } => (values.bytes(), values.reals()),
        };
        let mean = reals.iter().map(|x| f64::from(*x)).sum::<f64>() / reals.len().max(1) as f64;
        let mut envelope = [0.0_f32; PARTS];
        for (part, value) in envelope.iter_mut().enumerate() {
            let of = |part: usize| part * reals.len() / PARTS;
            let piece = &reals[of(part)..of(part + 1)];
            let sum: f64 = piece.iter().map(|x| (f64::from(*x) - mean).abs()).sum();
            *value = (sum / piece.len().max(1) as f64) as f32;
        }
        let most = envelope.iter().copied().fold(0.0, f32::max);
        if most > 0.0 {
            envelope.iter_mut().for_each(|value| *value /= most);
        }
        Self { hash: *blake3::hash(bytes).as_bytes(), envelope, loudness: envelope.iter().sum(), len: reals.len() }
    }
}

/// Pairs of unequal samples of one length whose envelopes are the same within 1 %.
fn near(prints: &[Print]) -> Vec<[usize; 2]> {
    const NEIGHBOURS: usize = 16;
    const CLOSE: f32 = 0.01;
    let mut order: Vec<usize> = (0..prints.len()).filter(|&i| prints[i].loudness > 0.0).collect();
    order.sort_by(|&a, &b| prints[a].loudness.total_cmp(&prints[b].loudness));
    let mut pairs = Vec::new();
    for (at, &a) in order.iter().enumerate() {
        for &b in order[at + 1..].iter().take(NEIGHBOURS) {
            let (one, other) = (&prints[a], &prints[b]);
            let alike = one.envelope.iter().zip(&other.envelope).all(|(x, y)| (x - y).abs() < CLOSE);
            if alike && one.len == other.len && one.hash != other.hash {
                pairs.push([a.min(b), a.max(b)]);
            }
        }
    }
    pairs
}

impl Values {
    /// The values as they lie in memory.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::F32(v) => bytemuck::cast_slice(v),
            Self::I8(v) => bytemuck::cast_slice(v),
            Self::U8(v) => v,
            Self::I16(v) => bytemuck::cast_slice(v),
        }
    }

    /// The values as numbers.
    pub fn reals(&self) -> Vec<f32> {
        match self {
            Self::F32(v) => v.to_vec(),
            Self::I8(v) => v.iter().map(|&x| x.into()).collect(),
            Self::U8(v) => v.iter().map(|&x| x.into()).collect(),
            Self::I16(v) => v.iter().map(|&x| x.into()).collect(),
        }
    }
}
