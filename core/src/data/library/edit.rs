//! Edits: each gives a new index and leaves the old one, so that undo is the previous value. Files are touched by [`purge`]
//! alone.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::resolve;
use super::{Item, Library};
use crate::data::{DataError, DataProblem, Split};

impl Library {
    /// Changes the items at `which`; indices beyond the last are nobody's.
    fn changed(&self, which: &[usize], change: impl Fn(&mut Item)) -> Self {
        let mut library = self.clone();
        for &index in which {
            if let Some(item) = library.items.get_mut(index) {
                change(Arc::make_mut(item));
            }
        }
        library
    }

    /// Gives items a label, or none. A class that was not there comes last, so that the others keep their numbers.
    #[must_use]
    pub fn relabelled(&self, which: &[usize], label: Option<&str>) -> Self {
        let mut library = self.changed(which, |item| item.label = label.map(str::to_owned));
        if let Some(label) = label.filter(|label| !library.labels.iter().any(|known| known == label)) {
            library.labels.push(label.to_owned());
        }
        library
    }

    /// Puts items into a split, or none.
    #[must_use]
    pub fn with_split(&self, which: &[usize], split: Option<Split>) -> Self {
        self.changed(which, |item| item.split = split)
    }

    /// Says of whom items were recorded.
    #[must_use]
    pub fn with_group(&self, which: &[usize], group: Option<&str>) -> Self {
        self.changed(which, |item| item.group = group.map(str::to_owned))
    }

    /// Keeps `start..end` of an item, counted from its own start; unchanged if nothing of it would be left.
    #[must_use]
    pub fn trimmed(&self, index: usize, start: u64, end: u64) -> Self {
        self.changed(&[index], |item| {
            let (first, last) = item.span;
            let end = first.saturating_add(end).min(last);
            let start = first.saturating_add(start);
            if start < end {
                item.span = (start, end);
            }
        })
    }

    /// Makes two of an item, the second from the instant `at` on, counted from its own start; unchanged if one of them would be
    /// empty.
    #[must_use]
    pub fn split_at(&self, index: usize, at: u64) -> Self {
        let Some(item) = self.items.get(index).filter(|item| at > 0 && at < item.len()) else { return self.clone() };
        let mut library = self.clone();
        let middle = item.span.0 + at;
        let part = |span| Arc::new(Item { span, ..Item::clone(item) });
        let parts = [part((item.span.0, middle)), part((middle, item.span.1))];
        library.items.splice(index..=index, parts);
        library
    }

    /// Takes items out. Their files stay until [`purge`].
    #[must_use]
    pub fn without(&self, which: &[usize]) -> Self {
        let which: HashSet<usize> = which.iter().copied().collect();
        let mut library = self.clone();
        let mut index = 0..;
        library.items.retain(|_| index.next().is_none_or(|i| !which.contains(&i)));
        let left: HashSet<&str> = library.items.iter().map(|item| item.file.as_str()).collect();
        let known: HashSet<&str> = self.removed.iter().map(String::as_str).collect();
        let gone = self.items.iter().map(|item| item.file.as_str());
        let mut gone: Vec<String> =
            gone.filter(|file| !left.contains(file) && !known.contains(file)).map(str::to_owned).collect();
        gone.sort_unstable();
        gone.dedup();
        library.removed.extend(gone);
        library
    }

    /// Keeps the items at `which`, in their own order.
    #[must_use]
    pub fn only(&self, which: &[usize]) -> Self {
        let which: HashSet<usize> = which.iter().copied().collect();
        let others: Vec<usize> = (0..self.items.len()).filter(|index| !which.contains(index)).collect();
        self.without(&others)
    }

    /// A data set of the item at `index` alone, whose other files are nobody's: to read its sample, at no cost of the others.
    ///
    /// # Panics
    /// There is no such item.
    #[must_use]
    pub fn one(&self, index: usize) -> Self {
        let (name, axes, labels) = (self.name.clone(), self.axes.clone(), self.labels.clone());
        let items = vec![Arc::clone(&self.items[index])];
        Self { name, axes, labels, items, removed: Vec::new(), ..*self }
    }
}

/// Removes the files of deleted items from the disk, but for those that an item has again, and writes the index without them.
/// Gives the index and how many files went.
///
/// # Errors
/// [`DataError`] names the file that cannot be removed; those before it are gone, and the index still names it.
pub fn purge(folder: &Path, library: &Library) -> Result<(Library, usize), DataError> {
    // An index that was edited by hand may name one file in two ways.
    let real = |file: &str| -> Result<PathBuf, DataProblem> { Ok(resolve(folder, file)?.canonicalize()?) };
    let mut files: Vec<&str> = library.items.iter().map(|item| item.file.as_str()).collect();
    files.dedup();
    let in_use: HashSet<PathBuf> = files.into_iter().filter_map(|file| real(file).ok()).collect();
    let mut n_removed = 0;
    for file in &library.removed {
        let removed = real(file)
            .and_then(|path| if in_use.contains(&path) { Ok(false) } else { Ok(fs::remove_file(path).map(|()| true)?) });
        match removed {
            Ok(went) => n_removed += usize::from(went),
            // Somebody else was quicker.
            Err(DataProblem::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(problem) => return Err(problem.of(&folder.join(file))),
        }
    }
    let purged = Library { removed: Vec::new(), ..library.clone() };
    purged.save(folder)?;
    Ok((purged, n_removed))
}
