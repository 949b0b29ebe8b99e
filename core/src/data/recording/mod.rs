//! Recording what boards measure: samples reach the disk as they arrive, and every gap is found, counted and stored.
//!
//! A clip is two files of one name. Sound is a WAV file, everything else a CSV file with a column `time_us` in front; the
//! [`Clip`] beside it (`.ron`) says what was measured, when, and what is missing. The WAV header and the clip are brought up to
//! date at least once a second, so that a process that is killed loses no more than that, and [`recover`] opens what is there.
//! Memory does not grow with the length of a recording.
//!
//! | file | what it is about |
//! | --- | --- |
//! | `clip` | what is stored beside the samples |
//! | `sequence`, `timeline` | lost frames; gaps, and time stamps that jump or wrap |
//! | `anchors` | time stamps of many instants in few numbers |
//! | `pace` | when instants were that bear no time stamps |
//! | `writer`, `recorder` | one clip; all sensors of a board |
//! | `recover` | reading back, whatever happened |

mod anchors;
mod clip;
mod pace;
mod recorder;
mod recover;
mod sequence;
mod timeline;
mod writer;

pub use anchors::Anchors;
pub use clip::{BoardInfo, Cause, ChannelInfo, Clip, Counts, Encoding, Ended, Gap, Kind, SensorInfo};
pub use pace::Pace;
pub use recorder::{Block, Recorder, RecorderSettings};
pub use recover::{Recording, recover};
pub use sequence::Sequence;
pub use timeline::{Placed, Stamp, Timeline};
pub use writer::{ClipSummary, ClipWriter};

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A recording that cannot be written or read.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The disk is at fault.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The board has no sensor that is wanted.
    #[error("{0}")]
    NoSensor(String),
    /// A clip has reached the size that readers take.
    #[error("{}: the clip has reached {} GiB, begin another", path.display(), super::MAX_FILE_BYTES >> 30)]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file is no recording.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Names the file that an error of the system is about.
fn at(path: &Path) -> impl Fn(io::Error) -> RecordingError + '_ {
    |error| RecordingError::Io { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests;
