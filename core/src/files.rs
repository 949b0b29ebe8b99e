//! Writing so that a crash leaves the old file or the new one, never half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What names of unfinished files and folders begin with.
const UNFINISHED: &str = ".tinsmith-";
/// Where Linux says which process this is, beside all others.
const OWN_PROCESS: &str = "/proc/self";
/// Nothing takes this long to write. What is younger stays: where disks are shared, a process of another machine may write it.
const LONG: Duration = Duration::from_secs(60 * 60);

/// What the name of an unfinished file or folder of this process begins with: the process is named, so that what it leaves when it
/// is killed can be told from what is being written.
pub fn temporary_prefix() -> String {
    // Elsewhere than on Linux nobody could tell whether the process is still there.
    let process = fs::read_link(OWN_PROCESS).unwrap_or_default();
    format!("{UNFINISHED}{}-", process.display())
}

/// Removes unfinished files and folders that processes left in `folder` when they were killed, where the system tells which
/// processes there are. What cannot be removed stays and is in nobody's way.
pub fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        if !entry.file_name().to_str().zip(age).is_some_and(|(name, age)| is_leftover(name, age)) {
            continue;
        }
        let _ = if entry.file_type().is_ok_and(|t| t.is_dir()) {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
    }
}

/// Whether a file of this name and age is unfinished and its process is gone.
fn is_leftover(name: &str, age: Duration) -> bool {
    let process = name.strip_prefix(UNFINISHED).and_then(|rest| rest.split_once('-')).and_then(|(id, _)| id.parse::<u32>().ok());
    let own = Path::new(OWN_PROCESS);
    age > LONG && own.exists() && process.is_some_and(|id| !own.with_file_name(id.to_string()).exists())
}

/// Writes a file whole or not at all: into a temporary file beside it, flushed to the disk, then renamed. The permissions of
/// a file that is replaced stay, and so does a symbolic link to it, or to where it will be. What is no file, such as a pipe, is
/// written to as it is.
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
    let prefix = temporary_prefix();
    builder.prefix(&prefix);
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
    #[cfg(target_os = "linux")]
    fn only_old_files_of_dead_processes_are_left_over() {
        // Linux numbers no process higher than 2^22.
        let (dead, old) = ((1 << 22) + 1, 2 * LONG);
        assert!(is_leftover(&format!(".tinsmith-{dead}-abc"), old));
        assert!(!is_leftover(&format!(".tinsmith-{dead}-abc"), Duration::ZERO));
        assert!(!is_leftover(&format!("{}abc", temporary_prefix()), old));
        assert!(!is_leftover(".tinsmith-abc", old) && !is_leftover(&format!("tinsmith-{dead}-abc"), old));

        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!(".tinsmith-{dead}-abc"));
        for path in [&left, &folder.path().join("model.h")] {
            let file = File::create(path).unwrap();
            file.set_modified(std::time::SystemTime::now() - old).unwrap();
        }
        remove_leftovers(folder.path());
        let kept: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(kept, ["model.h"]);
    }

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
