//! How a command ends: its exit code and, when it failed, one line on stderr.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::style::{ERROR, plain};

/// What exit codes mean, for help and the manual page.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done; also where whoever reads the output has seen enough (tinsmith … | head)
  1    the input, a file or the disk is at fault; a line on stderr says what, where and what to do
  2    wrong usage
  130  interrupted with Ctrl-C; no half-written file is left";

/// The input, a file or the disk is at fault.
const FAILED: u8 = 1;
/// Ctrl-C: what shells report of a process that ends by SIGINT.
pub const INTERRUPTED: u8 = 130;

/// A command that could not do its work because of what it was given.
#[derive(Debug)]
pub struct Failure {
    message: String,
    is_broken_pipe: bool,
}

impl Failure {
    /// A failure that `message` explains: what, where, what to do. Line breaks become spaces.
    pub fn new(message: impl Into<String>) -> Self {
        let message = message.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Self { message: plain(&message), is_broken_pipe: false }
    }

    /// The same, of a file or a folder: `path: error`.
    pub fn at(path: &Path, error: impl Display) -> Self {
        Self::new(format!("{}: {error}", path.display()))
    }

    /// A file that cannot be written, and why. Where it is a pipe whose reader went away (`-o /dev/stdout | head`), that has seen
    /// enough, as with stdout itself.
    pub fn writing(path: &Path, error: &io::Error) -> Self {
        Self { is_broken_pipe: error.kind() == io::ErrorKind::BrokenPipe, ..Self::at(path, error) }
    }

    /// What, where, what to do, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Every error of the core explains itself in one line.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// What writing to stdout can end in. A reader that went away (`tinsmith … | head`) has seen enough: that is success.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| Failure {
        message: format!("the output cannot be written: {error}"),
        is_broken_pipe: error.kind() == io::ErrorKind::BrokenPipe,
    })
}

/// Prints the failure, if there is one, and says how the process ends.
pub fn report(done: Result<(), Failure>) -> ExitCode {
    match done {
        Err(failure) if !failure.is_broken_pipe => {
            // Nobody is left to tell if stderr is closed.
            let _ = writeln!(anstream::stderr(), "{ERROR}error:{ERROR:#} {}", failure.message);
            ExitCode::from(FAILED)
        }
        _ => ExitCode::SUCCESS,
    }
}
