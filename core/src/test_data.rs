//! Finds the models and recordings that are shared between checkouts but not part of the repository.

use std::path::{Path, PathBuf};

/// `relative` below the folder that `TINSMITH_SHARED` names, or else `../shared` beside the repository. Where it is absent,
/// `None`, and a loud line that the test is skipped.
pub(crate) fn shared(relative: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TINSMITH_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let path = folder.join(relative);
    let found = path.exists();
    if !found {
        eprintln!("SKIP: no {}; set TINSMITH_SHARED to the folder that holds {relative}", path.display());
    }
    found.then_some(path)
}
