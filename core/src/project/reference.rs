//! References from a project to the files it is about: relative, with forward slashes, and the hash of what was there.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ProjectTrouble;

/// A file that a project refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReference {
    /// Path from the project's folder, with forward slashes.
    pub path: String,
    /// blake3 of the file, in hexadecimal digits.
    pub hash: String,
}

/// Whether files outside the project's folder may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// No: the project may come from anybody.
    Refuse,
    /// The user picked them, or trusts the project.
    Allow,
}

/// Folders that hold one of these may be referred to by the projects below them.
const MARKERS: [&str; 2] = [".git", ".tinsmith"];

impl FileReference {
    /// A reference from a project at `project` to `file`, whose content has this hash.
    pub fn new(project: &Path, file: &Path, hash: &[u8; 32]) -> Self {
        let folder = absolute(folder_of(project));
        let file = absolute(file);
        // Another drive has no relative path.
        let path = relative(&folder, &file).unwrap_or(file);
        let parts: Vec<String> = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        let path = if path.is_absolute() { path.to_string_lossy().into_owned() } else { parts.join("/") };
        Self { path, hash: hex(hash) }
    }

    /// Where the file is. `what` is what errors call it.
    ///
    /// # Errors
    /// [`ProjectTrouble::Outside`], [`ProjectTrouble::Missing`].
    pub fn resolve(&self, project: &Path, what: &'static str, outside: Outside) -> Result<PathBuf, ProjectTrouble> {
        let folder = absolute(folder_of(project));
        let path = folder.join(&self.path);
        let refused = || ProjectTrouble::Outside { path: self.path.clone() };
        let root = root_of(&folder);
        // Before the disk is asked: an absolute path may name another machine.
        if outside == Outside::Refuse && !normal(&path).starts_with(normal(&root)) {
            return Err(refused());
        }
        let real = path.canonicalize().map_err(|_| ProjectTrouble::Missing { what, path: self.path.clone() })?;
        // And after: a link may lead anywhere.
        let real_root = root.canonicalize()?;
        if outside == Outside::Refuse && !real.starts_with(real_root) {
            return Err(refused());
        }
        Ok(normal(&path))
    }

    /// Checks that the file is still the one that was referred to.
    ///
    /// # Errors
    /// [`ProjectTrouble::Changed`].
    pub fn check(&self, what: &'static str, found: &[u8; 32], remedy: &'static str) -> Result<(), ProjectTrouble> {
        let found = hex(found);
        if found.eq_ignore_ascii_case(&self.hash) {
            return Ok(());
        }
        let short = |hash: &str| hash.chars().take(12).collect();
        let (found, expected) = (short(&found), short(&self.hash));
        Err(ProjectTrouble::Changed { what, path: self.path.clone(), found, expected, remedy })
    }
}

/// A hash as hexadecimal digits.
pub fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

/// The folder that a project's references may not leave.
fn root_of(folder: &Path) -> PathBuf {
    let marked = folder.ancestors().find(|above| MARKERS.iter().any(|marker| above.join(marker).exists()));
    marked.unwrap_or(folder).to_owned()
}

fn folder_of(project: &Path) -> &Path {
    project.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn absolute(path: &Path) -> PathBuf {
    normal(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// Without `.` and `..`, by the path's text alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// The way from one absolute folder to an absolute path; `None` if they share no root.
fn relative(folder: &Path, path: &Path) -> Option<PathBuf> {
    let common = folder.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return None;
    }
    let up = folder.components().skip(common).map(|_| Component::ParentDir);
    Some(up.chain(path.components().skip(common)).collect())
}
