//! Simulated boards that run on this computer: a small file each, in a folder of the user's own.
//!
//! Beside the file lies a link to the pseudo-terminal, whose name stays the same when a simulated cable is pulled and plugged in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A simulated board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// The port to open.
    pub port: PathBuf,
    /// What it simulates, for people.
    pub board: String,
    /// The process that runs it.
    pub process: u32,
}

/// An entry, which goes when it is dropped.
#[derive(Debug)]
pub struct Entry {
    file: PathBuf,
    simulated: Simulated,
}

impl Entry {
    /// Makes an entry for a board whose pseudo-terminal is `terminal`. Its name begins with `stem` and is no other's.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(stem: &str, board: &str, terminal: &Path) -> io::Result<Self> {
        let folder = folder()?;
        // Of two boards that begin at once, both would take the place of the same dead one.
        let _held = hold(&folder)?;
        let process = std::process::id();
        for number in 1..=999 {
            let (port, file) = (folder.join(format!("{stem}-{number}")), folder.join(format!("{stem}-{number}.json")));
            let free = fs::File::options().write(true).create_new(true).open(&file);
            match free {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !is_stale(&file) => continue,
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Err(_) => {}
            }
            let entry = Self { file, simulated: Simulated { port, board: board.to_owned(), process } };
            fs::write(&entry.file, serde_json::to_vec(&entry.simulated)?)?;
            entry.plug_in(terminal)?;
            return Ok(entry);
        }
        Err(io::Error::other("999 simulated boards are running; stop some"))
    }

    /// The port to open.
    pub fn port(&self) -> &Path {
        &self.simulated.port
    }

    /// Points the port to a pseudo-terminal.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn plug_in(&self, terminal: &Path) -> io::Result<()> {
        self.unplug();
        #[cfg(unix)]
        std::os::unix::fs::symlink(terminal, &self.simulated.port)?;
        #[cfg(not(unix))]
        let _ = terminal;
        Ok(())
    }

    /// Lets the port vanish, as when a cable is pulled.
    pub fn unplug(&self) {
        let _ = fs::remove_file(&self.simulated.port);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.unplug();
        let _ = fs::remove_file(&self.file);
    }
}

/// The simulated boards that run and are plugged in. Entries that a killed process left are removed.
pub fn list() -> Vec<Simulated> {
    let Ok(entries) = folder().and_then(fs::read_dir) else { return Vec::new() };
    let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| is_entry(path));
    let mut found: Vec<Simulated> = files.filter_map(|file| if is_stale(&file) { forget(&file) } else { read(&file) }).collect();
    found.retain(|simulated| simulated.port.exists());
    found.sort_by(|a, b| a.port.cmp(&b.port));
    found
}

fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn read(file: &Path) -> Option<Simulated> {
    let simulated: Simulated = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    (simulated.port == file.with_extension("")).then_some(simulated)
}

/// Whether the process that made an entry is no more. One that is being written is not stale.
fn is_stale(file: &Path) -> bool {
    read(file).is_some_and(|simulated| !runs(simulated.process))
}

fn forget(file: &Path) -> Option<Simulated> {
    let _held = hold(file.parent()?).ok()?;
    // Another board may have taken the place meanwhile.
    if is_stale(file) {
        let _ = fs::remove_file(file.with_extension(""));
        let _ = fs::remove_file(file);
    }
    None
}

/// Keeps everyone else from changing entries until the file is dropped.
fn hold(folder: &Path) -> io::Result<fs::File> {
    let file = fs::File::options().create(true).append(true).open(folder.join("lock"))?;
    file.lock()?;
    Ok(file)
}

#[cfg(unix)]
fn runs(process: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    // One that may not be asked runs all the same.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn runs(_process: u32) -> bool {
    false
}

/// The user's own folder, made if need be. One that somebody else made is refused.
#[cfg(unix)]
fn folder() -> io::Result<PathBuf> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let user = rustix::process::getuid().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
    let folder = runtime.unwrap_or_else(std::env::temp_dir).join(format!("tinsmith-boards-{user}"));
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&folder)?;
    if !found.is_dir() || found.uid() != user {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} is somebody else's", folder.display())));
    }
    Ok(folder)
}

#[cfg(not(unix))]
fn folder() -> io::Result<PathBuf> {
    Err(io::ErrorKind::Unsupported.into())
}
