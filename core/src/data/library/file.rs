//! `dataset.ron`: the version first, an item a line, in a stable order.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::{Item, Library};
use crate::data::{DataError, DataProblem};
use crate::files::write_atomically;

/// The name of the index in the folder of a data set.
pub const INDEX: &str = "dataset.ron";

/// The folder beside the index in which recorded clips lie.
pub const CLIPS: &str = "clips";

/// The folder beside the index in which is what all sensors measured while clips were cut.
pub const RECORDINGS: &str = "recordings";

/// The version that this program writes.
pub const VERSION: u32 = 1;

/// The most bytes that are read of an index: two million items.
const MAX_INDEX_BYTES: u64 = 256 << 20;

impl Library {
    /// Reads the index of the data set in `folder`.
    ///
    /// # Errors
    /// The index is missing, of a newer program, no index, or refers to files outside of the folder.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(INDEX);
        let text = read_text(&path).map_err(|problem| problem.of(&path))?;
        Self::from_ron(&text).map_err(|problem| problem.of(&path))
    }

    /// Parses an index.
    ///
    /// # Errors
    /// [`DataProblem::Newer`] before anything else of it is looked at; [`DataProblem::Broken`] with line and column, or with the
    /// item at fault.
    pub fn from_ron(text: &str) -> Result<Self, DataProblem> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let syntax = |error: ron::error::SpannedError| broken(error.to_string());
        let Versioned { version } = ron::from_str(text).map_err(syntax)?;
        if version > VERSION {
            return Err(DataProblem::Newer { found: version, known: VERSION });
        }
        let mut library: Self = ron::from_str(text).map_err(syntax)?;
        for item in &library.items {
            check(item)?;
            if !library.kind.is_recorded() && item.len() != 1 {
                let (file, (start, end)) = (&item.file, item.span);
                return Err(broken(format!(
                    "its item \"{file}\" spans {start} to {end}, expected one row of an array, or one picture"
                )));
            }
        }
        if i16::try_from(library.zero_point).is_err() {
            return Err(broken(format!("its zero point is {}, expected one of 16 bits", library.zero_point)));
        }
        let wrong = |rate: f64| !(rate.is_finite() && rate > 0.0);
        if library.rate_hz.is_some_and(wrong) || library.scale.is_some_and(|scale| wrong(scale.into())) {
            return Err(broken("its rate and its scale have to be positive numbers"));
        }
        if library.window.is_some_and(|window| window.length == 0 || window.stride == 0) {
            return Err(broken("its window has to have a length and a stride above 0"));
        }
        library.complete_labels();
        Ok(library)
    }

    /// The text of the index. Equal indices give equal text.
    ///
    /// # Errors
    /// [`DataProblem::Broken`] if a value cannot be written, which no index should hold.
    pub fn to_ron(&self) -> Result<String, DataProblem> {
        let style =
            ron::ser::PrettyConfig::new().extensions(ron::extensions::Extensions::IMPLICIT_SOME).depth_limit(2).new_line("\n");
        let text = ron::ser::to_string_pretty(self, style).map_err(|error| broken(error.to_string()))?;
        Ok(text + "\n")
    }

    /// Writes the index into `folder`, whole or not at all.
    ///
    /// # Errors
    /// [`DataProblem::Io`].
    pub fn save(&self, folder: &Path) -> Result<(), DataError> {
        let path = folder.join(INDEX);
        let text = self.to_ron().map_err(|problem| problem.of(&path))?;
        write_atomically(&path, text.as_bytes()).map_err(|error| DataProblem::Io(error).of(&path))
    }
}

/// Whether a folder holds a data set.
pub fn is_library(folder: &Path) -> bool {
    folder.join(INDEX).is_file()
}

/// Where a file of the index is: below the folder, whatever links there are.
///
/// # Errors
/// [`DataProblem::Io`] if it is not there, [`DataProblem::Broken`] if it lies elsewhere.
pub fn resolve(folder: &Path, file: &str) -> Result<PathBuf, DataProblem> {
    if !is_below(file) {
        return Err(outside(file));
    }
    let path = folder.join(file);
    let real = path.canonicalize()?;
    if real.starts_with(folder.canonicalize()?) { Ok(path) } else { Err(outside(file)) }
}

/// A path without its extension.
pub(crate) fn stem_of(path: &str) -> &str {
    path.rsplit_once('.').filter(|(_, end)| !end.contains('/')).map_or(path, |(stem, _)| stem)
}

/// A path that none of `taken` is, which it joins: `stem.extension`, else `stem-2.extension` and on.
pub(crate) fn free_name(stem: &str, extension: &str, taken: &mut HashSet<String>) -> String {
    let suffixes = std::iter::once(String::new()).chain((2_usize..).map(|n| format!("-{n}")));
    let mut names = suffixes.map(|suffix| format!("{stem}{suffix}.{extension}"));
    // Some systems tell no capitals from small letters.
    names.find(|name| taken.insert(name.to_lowercase())).unwrap_or_default()
}

/// Writes a new file below a folder, and makes the folders on the way. What is there already may be a recording that nobody can make
/// again: it stays, and that is an error.
pub(crate) fn write_below(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), DataError> {
    let path = folder.join(name);
    if path.symlink_metadata().is_ok() {
        return Err(DataProblem::UnknownFormat("there is such a file already; choose another folder".into()).of(&path));
    }
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| write_atomically(&path, bytes)).map_err(|error| DataProblem::Io(error).of(&path))
}

fn check(item: &Item) -> Result<(), DataProblem> {
    if !is_below(&item.file) {
        return Err(outside(&item.file));
    }
    if item.is_empty() {
        return Err(broken(format!("its item \"{}\" spans {} to {}, which is nothing", item.file, item.span.0, item.span.1)));
    }
    Ok(())
}

/// Whether a path stays below where it starts, by its text alone.
fn is_below(file: &str) -> bool {
    !file.is_empty() && Path::new(file).components().all(|part| matches!(part, Component::Normal(_)))
}

fn outside(file: &str) -> DataProblem {
    broken(format!("its item \"{}\" lies outside of the folder; put the file into it", file.escape_debug()))
}

fn broken(trouble: impl Into<String>) -> DataProblem {
    DataProblem::Broken { format: "index of a data set", trouble: trouble.into() }
}

fn read_text(path: &Path) -> Result<String, DataProblem> {
    let size_bytes = fs::metadata(path)?.len();
    if size_bytes > MAX_INDEX_BYTES {
        return Err(DataProblem::TooLarge { size_bytes, limit: MAX_INDEX_BYTES });
    }
    let mut text = String::with_capacity(size_bytes as usize);
    File::open(path)?.take(MAX_INDEX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
