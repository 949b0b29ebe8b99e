//! Reading with a limit, and writing whole files ([`files`](crate::files)).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::ProjectTrouble;
pub use crate::files::{remove_leftovers, temporary_prefix, write_atomically};

/// Reads a text file of at most `limit` bytes.
pub(super) fn read_text(path: &Path, limit: u64) -> Result<String, ProjectTrouble> {
    let file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    if size_bytes > limit {
        return Err(ProjectTrouble::TooLarge { size_bytes });
    }
    let mut bytes = Vec::with_capacity(size_bytes as usize);
    file.take(limit).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| ProjectTrouble::Syntax("it is not text".into()))
}
