//! Reading with a limit, and writing so that a crash leaves the old file or the new one, never half of one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::ProjectTrouble;

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

/// Writes a file whole or not at all: into a temporary file beside it, flushed to the disk, then renamed. The permissions of
/// a file that is replaced stay, and so does a symbolic link to it, or to where it will be. What is no file, such as a pipe, is written to as it is.
///
/// # Errors
/// The folder or the file cannot be written; the old file is untouched. A pipe or a device may have taken part of it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let path = &behind_links(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tinsmith-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder).map_err(|error| of_folder(&error, folder))?;
    temporary.write_all(bytes)?;
    if let Ok(replaced) = fs::metadata(path) {
        temporary.as_file().set_permissions(replaced.permissions())?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    // The rename is on the disk once the folder is. Where folders cannot be opened, the file system sees to it.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Where a path leads if it is a symbolic link, even to a file that is not there yet.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    /// As many as systems follow.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        // What is no link leads nowhere else.
        let Ok(target) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other("the links lead round in a circle; remove one of them"))
}

/// Why nothing can be written into a folder, in words that name the folder and not the temporary file.
fn of_folder(error: &io::Error, folder: &Path) -> io::Error {
    let folder = folder.display();
    let words = match error.kind() {
        io::ErrorKind::NotFound => format!("the folder {folder} does not exist; make it first"),
        io::ErrorKind::PermissionDenied => format!("the folder {folder} may not be written; choose another"),
        io::ErrorKind::ReadOnlyFilesystem => format!("the folder {folder} lies on a read-only disk; choose another"),
        kind => format!("the folder {folder} cannot be written: {kind}"),
    };
    io::Error::new(error.kind(), words)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_stays_and_its_file_is_replaced_with_nothing_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link] = ["elsewhere/file", "link"].map(|name| folder.path().join(name));
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        fs::write(&target, b"old").unwrap();
        symlink("elsewhere/file", &link).unwrap();
        write_atomically(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path().join("elsewhere")).unwrap().count(), 1);
    }

    #[test]
    fn a_link_to_a_file_that_is_not_there_yet_stays_and_leads_to_it_then() {
        let folder = tempfile::tempdir().unwrap();
        let [target, near, far] = ["elsewhere/file", "elsewhere/near", "far"].map(|name| folder.path().join(name));
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        symlink("file", &near).unwrap();
        symlink("elsewhere/near", &far).unwrap();
        write_atomically(&far, b"new").unwrap();
        assert!(fs::symlink_metadata(&far).unwrap().is_symlink() && fs::symlink_metadata(&near).unwrap().is_symlink());
        assert!(fs::symlink_metadata(&target).unwrap().is_file());
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn links_in_a_circle_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        symlink("other", &one).unwrap();
        symlink("one", &other).unwrap();
        let words = write_atomically(&one, b"new").unwrap_err().to_string();
        assert!(words.contains("in a circle; remove one") && fs::symlink_metadata(&one).unwrap().is_symlink(), "{words}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(&folder.path().join("gone/file"), b"new").unwrap_err();
        let words = error.to_string();
        assert!(words.contains("gone does not exist; make it first") && !words.contains(".tinsmith-"), "{words}");
    }
}
