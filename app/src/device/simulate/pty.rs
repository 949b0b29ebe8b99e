//! A pseudo-terminal: this side of it is the board, the other one a port.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::ioctl_fionbio;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Both ends.
#[derive(Debug)]
pub struct Pty {
    master: File,
    /// Kept open so that settings stay, and reading goes on, while nobody has the port open.
    _terminal: OwnedFd,
    path: PathBuf,
}

impl Pty {
    pub fn open() -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        ioctl_fionbio(&master, true)?;
        let path = PathBuf::from(OsStr::from_bytes(ptsname(&master, Vec::new())?.as_bytes()));
        let terminal = open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        // Bytes pass as they are: no echo, no line editing.
        let mut settings = tcgetattr(&terminal)?;
        settings.make_raw();
        tcsetattr(&terminal, OptionalActions::Now, &settings)?;
        Ok(Self { master: master.into(), _terminal: terminal, path })
    }

    /// The port that others open.
    pub fn terminal(&self) -> &Path {
        &self.path
    }

    /// What has arrived; does not wait.
    pub fn read(&self, buffer: &mut [u8]) -> usize {
        (&self.master).read(buffer).unwrap_or(0)
    }

    /// Sends what fits; does not wait.
    pub fn write(&self, bytes: &[u8]) -> usize {
        (&self.master).write(bytes).unwrap_or(0)
    }

    /// Waits until something arrives, or there is room to send if that `matters`.
    pub fn wait(&self, matters: bool, patience: Duration) {
        let room = if matters { PollFlags::OUT } else { PollFlags::empty() };
        let nanoseconds = i64::from(patience.subsec_nanos());
        // An error is a wait that was short.
        let _ = poll(&mut [PollFd::new(&self.master, PollFlags::IN | room)], Some(&Timespec { tv_sec: 0, tv_nsec: nanoseconds }));
    }
}
