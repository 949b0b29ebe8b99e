//! In place of the sound system, in a build without the feature `audio`.

use std::time::Duration;

use super::track::{Chunk, Heard};
use super::{MicrophoneError, MicrophoneInfo, MicrophoneSettings};

/// The microphones: none.
pub fn list() -> Vec<MicrophoneInfo> {
    Vec::new()
}

/// A microphone that is open: there is none.
pub enum Source {}

impl Source {
    pub fn open(_: &MicrophoneSettings) -> Result<Self, MicrophoneError> {
        Err(MicrophoneError::NotBuilt)
    }

    pub fn name(&self) -> &str {
        match *self {}
    }

    pub fn rate_hz(&self) -> f64 {
        match *self {}
    }

    pub fn wait(&self, _: Duration) -> Heard {
        match *self {}
    }

    pub fn done(&self, _: Chunk) {}
}
