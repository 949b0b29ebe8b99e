//! Which window autosaves a project: the one that opened it first. Another window on the same file says so and keeps its hands off.

use std::fs::{File, TryLockError, create_dir_all};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

/// A claim on a project; it ends with the value, and with the process whatever happens to it.
#[derive(Debug)]
pub struct Claim {
    project: PathBuf,
    /// Locked while the claim lasts; `None` where the system gives no lock.
    _lock: Option<File>,
}

impl Claim {
    /// Claims a project; `None` if another window has it. The lock lies in the user's own folder, so that nothing is left beside
    /// the project and no other user stands in the way. Where no lock can be had at all, the project is claimed without one:
    /// better two windows that autosave than none.
    pub fn of(project: &Path) -> Option<Self> {
        let lock = lock_file(project).ok();
        let is_taken = lock.as_ref().is_some_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
        (!is_taken).then(|| Self { project: project.to_owned(), _lock: lock })
    }

    /// Whether it is on this project.
    pub fn is_on(&self, project: &Path) -> bool {
        self.project == project
    }
}

fn lock_file(project: &Path) -> io::Result<File> {
    let folder = eframe::storage_dir("tinsmith").unwrap_or_else(std::env::temp_dir).join("open");
    create_dir_all(&folder)?;
    File::create(folder.join(name_of(project)))
}

/// The same for every way to write the same path.
fn name_of(project: &Path) -> String {
    let whole = std::path::absolute(project).unwrap_or_else(|_| project.to_owned());
    let folder = whole.parent().and_then(|p| p.canonicalize().ok());
    let path = folder.zip(whole.file_name()).map_or(whole.clone(), |(folder, name)| folder.join(name));
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    format!("{:016x}.lock", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_claimed_once_and_free_again_afterwards() {
        let project = std::env::temp_dir().join(format!("tinsmith-claim-{}.ron", std::process::id()));
        let first = Claim::of(&project).expect("nobody has it");
        assert!(first.is_on(&project) && Claim::of(&project).is_none());
        drop(first);
        assert!(Claim::of(&project).is_some());
    }
}
