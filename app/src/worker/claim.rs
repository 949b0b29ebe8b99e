//! Which window autosaves a project: the one that opened it first. Another window on the same file says so and keeps its hands off.

use std::fs::{File, create_dir_all};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// A claim on a project; it ends with the value, and with the process whatever happens to it.
#[derive(Debug)]
pub struct Claim {
    project: PathBuf,
    _lock: File,
}

impl Claim {
    /// Claims a project that no other window has. The lock lies in the user's temporary folder, so that nothing is left beside the
    /// project. Where no lock can be had at all, nobody is there to fight with.
    pub fn of(project: &Path) -> Option<Self> {
        let folder = std::env::temp_dir().join("tinsmith-open");
        create_dir_all(&folder).ok()?;
        let lock = File::create(folder.join(name_of(project))).ok()?;
        lock.try_lock().ok()?;
        Some(Self { project: project.to_owned(), _lock: lock })
    }

    /// Whether it is on this project.
    pub fn is_on(&self, project: &Path) -> bool {
        self.project == project
    }
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
