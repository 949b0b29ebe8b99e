//! Ctrl-C ends a command at once and leaves no half-written file.
//!
//! Until something is being written the system's own way to end a process is all that is needed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use tinsmith_core::project::file::{remove_leftovers, temporary_prefix};

use super::Failure;
use super::outcome::INTERRUPTED;

/// Folders whose files are not finished. Locked while files are written in one go: Ctrl-C waits these milliseconds.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    static HANDLER: Once = Once::new();
    // Where no handler can be set, Ctrl-C ends the process as it does anyway.
    HANDLER.call_once(|| {
        let _ = ctrlc::set_handler(|| {
            when_written().iter().flat_map(|unfinished| unfinished.iter()).for_each(|folder| remove(folder));
            process::exit(INTERRUPTED.into());
        });
    });
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ctrl-C was pressed in a command that ends by itself when asked to.
static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C is only noted: the command looks for it by [`requested`] and ends what it is doing.
pub fn catch() {
    // Where no handler can be set, Ctrl-C ends the process, and what is on the disk by then opens all the same.
    let _ = ctrlc::set_handler(|| {
        // Pressed again, it ends the process.
        if REQUESTED.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
    });
}

/// Whether Ctrl-C was pressed since [`catch`].
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// What Ctrl-C asked for is being done.
pub fn done() {
    REQUESTED.store(false, Ordering::Relaxed);
}

/// The unfinished folders once nothing is being written; `None` if that takes longer than people wait: whoever reads a pipe
/// that is written to may never come.
fn when_written() -> Option<MutexGuard<'static, Vec<PathBuf>>> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let start = Instant::now();
    loop {
        match UNFINISHED.try_lock() {
            Ok(unfinished) => return Some(unfinished),
            Err(TryLockError::Poisoned(error)) => return Some(error.into_inner()),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(5)),
            Err(TryLockError::WouldBlock) => return None,
        }
    }
}

/// Removes a folder that a thread may still be adding files to.
fn remove(folder: &Path) {
    const TRIES: usize = 10;
    let _ = (0..TRIES).find(|_| fs::remove_dir_all(folder).is_ok());
}

/// Writes files that take little time: Ctrl-C comes before or after, not in between, unless the writing hangs.
pub fn whole<T>(write: impl FnOnce() -> T) -> T {
    let _held = unfinished();
    write()
}

/// A folder for files that take long to write. They appear where they belong when all are finished, or not at all.
#[derive(Debug)]
pub struct Draft {
    folder: tempfile::TempDir,
    target: PathBuf,
}

impl Draft {
    /// Files for the folder `target`, which is made if need be.
    pub fn new(target: &Path) -> io::Result<Self> {
        fs::create_dir_all(target)?;
        remove_leftovers(target);
        let mut unfinished = unfinished();
        let folder = tempfile::Builder::new().prefix(&temporary_prefix()).tempdir_in(target)?;
        unfinished.push(folder.path().to_owned());
        Ok(Self { folder, target: target.to_owned() })
    }

    /// Where a file of this name is written to.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Moves all files to where they belong.
    pub fn finish(self) -> Result<(), Failure> {
        whole(|| {
            for entry in fs::read_dir(self.folder.path())? {
                let entry = entry?;
                fs::rename(entry.path(), self.target.join(entry.file_name()))?;
            }
            Ok(())
        })
        .map_err(|error: io::Error| Failure::at(&self.target, error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        unfinished().retain(|folder| folder != self.folder.path());
    }
}
