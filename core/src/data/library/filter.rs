//! Which items, and how they are spread over classes and splits.

use std::collections::{BTreeMap, HashMap};

use super::{Item, Library};
use crate::data::Split;

/// What items are looked for; an empty filter is for all.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this class; `Some(None)` for those without one.
    pub label: Option<Option<String>>,
    /// Of this split; `Some(None)` for those in none.
    pub split: Option<Option<Split>>,
    /// Of this group; `Some(None)` for those of none.
    pub group: Option<Option<String>>,
    /// With this text in the file's name or in the note, in capitals or not.
    pub text: String,
}

/// How many items and instants one class has.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ClassCount {
    /// The class; `None` for items without one.
    pub label: Option<String>,
    /// Items in no split, for training, for calibration, for tests.
    pub items: [usize; 4],
    /// Instants of all of them.
    pub instants: u64,
}

impl ClassCount {
    /// Items in any split and none.
    pub fn total(&self) -> usize {
        self.items.iter().sum()
    }
}

impl Filter {
    /// Whether it is for this item. `text` is in lower case already.
    fn takes(&self, item: &Item, text: &str) -> bool {
        let holds = |name: &str| name.to_lowercase().contains(text);
        self.label.as_ref().is_none_or(|label| *label == item.label)
            && self.split.is_none_or(|split| split == item.split)
            && self.group.as_ref().is_none_or(|group| *group == item.group)
            && (text.is_empty() || holds(&item.file) || holds(&item.note))
    }
}

impl Library {
    /// Indices of the items that a filter takes.
    pub fn filtered(&self, filter: &Filter) -> Vec<usize> {
        let text = filter.text.to_lowercase();
        let taken = self.items.iter().enumerate().filter(|(_, item)| filter.takes(item, &text));
        taken.map(|(index, _)| index).collect()
    }

    /// The balance of the classes, in their order; last what has no label, if anything has none.
    pub fn balance(&self) -> Vec<ClassCount> {
        let start = self.labels.iter().map(|label| ClassCount { label: Some(label.clone()), ..ClassCount::default() });
        let mut counts: Vec<ClassCount> = start.chain([ClassCount::default()]).collect();
        let classes = self.classes();
        let none = self.labels.len();
        for item in &self.items {
            let class = item.label.as_deref().and_then(|label| classes.get(label)).map_or(none, |&class| class as usize);
            let split = match item.split {
                None => 0,
                Some(Split::Train) => 1,
                Some(Split::Calibration) => 2,
                Some(Split::Test) => 3,
            };
            counts[class].items[split] += 1;
            counts[class].instants = counts[class].instants.saturating_add(item.len());
        }
        if counts[none].total() == 0 {
            counts.pop();
        }
        counts
    }

    /// The groups with the number of their items, by name.
    pub fn groups(&self) -> BTreeMap<&str, usize> {
        let mut groups = BTreeMap::new();
        for group in self.items.iter().filter_map(|item| item.group.as_deref()) {
            *groups.entry(group).or_default() += 1;
        }
        groups
    }

    /// For each class, or none, its items.
    pub(super) fn by_label(&self, among: &[usize]) -> Vec<Vec<usize>> {
        let mut rows: HashMap<Option<&str>, usize> = HashMap::new();
        let mut classes: Vec<Vec<usize>> = Vec::new();
        for &index in among {
            let n = classes.len();
            let row = *rows.entry(self.items[index].label.as_deref()).or_insert(n);
            if row == n {
                classes.push(Vec::new());
            }
            classes[row].push(index);
        }
        classes
    }
}
