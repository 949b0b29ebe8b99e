//! Files that are written into a folder, one after the other, each whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use tinsmith_core::export::NamedFile;
use tinsmith_core::project::file::{remove_leftovers, write_atomically};

use super::Failure;

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

/// Writes files of an export, each into the folder of its own that its name says. Which they became.
pub fn write_all(folder: &Path, files: Vec<NamedFile>) -> Result<Vec<PathBuf>, Failure> {
    let one = |file: NamedFile| {
        let path = folder.join(file.name);
        make(path.parent().unwrap_or(folder))?;
        write(path, &file.bytes)
    };
    files.into_iter().map(one).collect()
}

/// A line for each file: `wrote firmware/model.h`.
pub fn wrote(files: &[PathBuf]) -> String {
    files.iter().map(|file| format!("wrote {}\n", file.display())).collect()
}
