//! Files that are written into a folder, one after the other, each whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use tinsmith_core::export::NamedFile;
use tinsmith_core::project::file::{remove_leftovers, write_atomically};

use super::Failure;

/// What is added to the name of a file whose place is taken.
const BESIDE: &str = "new";

/// Makes a folder if need be, and clears it of what killed processes left there.
pub fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::writing(folder, &error))?;
    remove_leftovers(folder);
    Ok(())
}

/// Writes a file, and says which it became.
pub fn write(path: PathBuf, bytes: &[u8]) -> Result<PathBuf, Failure> {
    write_atomically(&path, bytes).map_err(|error| Failure::writing(&path, &error))?;
    Ok(path)
}

/// Writes files of an export, each into the folder of its own that its name says. Which they became: one that is meant to be edited,
/// and has been, stays, and the new one is written beside it.
pub fn write_all(folder: &Path, files: Vec<NamedFile>) -> Result<Vec<PathBuf>, Failure> {
    let one = |file: NamedFile| {
        let path = folder.join(&file.name);
        make(path.parent().unwrap_or(folder))?;
        let is_kept = file.is_for_editing() && fs::read(&path).is_ok_and(|there| there != file.bytes);
        write(if is_kept { beside(&path) } else { path }, &file.bytes)
    };
    files.into_iter().map(one).collect()
}

/// Where a file is written whose place is taken.
fn beside(path: &Path) -> PathBuf {
    path.with_added_extension(BESIDE)
}

/// Whether a file that was written lies beside one that stayed.
pub fn is_beside(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == BESIDE)
}

/// A line for each file: `wrote firmware/model.h`.
pub fn wrote(files: &[PathBuf]) -> String {
    let line = |file: &PathBuf| {
        let why = if is_beside(file) { ": the one that is there was edited, and stays" } else { "" };
        format!("wrote {}{why}\n", file.display())
    };
    files.iter().map(line).collect()
}
