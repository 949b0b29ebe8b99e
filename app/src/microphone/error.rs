//! What can be wrong with a microphone, and what to do about it.

use thiserror::Error;
use tinsmith_core::data::resample::ResampleProblem;

/// A microphone that cannot be heard. Each is one line that names the remedy.
#[derive(Debug, Error)]
pub enum MicrophoneError {
    /// This build has no sound.
    #[error("this build has no microphones; build it with the feature audio (cargo build -p tinsmith --features audio)")]
    NotBuilt,
    /// The default one does not open.
    #[error("there is no microphone: {reason}; plug one in, and see that the sound server (PipeWire, PulseAudio) runs")]
    Absent {
        /// What the system says.
        reason: String,
    },
    /// None has this name.
    #[error("there is no microphone {name}; {}", if known.is_empty() { "none is plugged in".to_owned() } else { format!("there are: {}", known.join(", ")) })]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// Another program has it.
    #[error("{name}: the microphone is busy: another program listens to it; close it there")]
    Busy {
        /// The microphone.
        name: String,
    },
    /// The user may not.
    #[error(
        "{name}: permission denied; allow this program to listen in the privacy settings of the system, on Linux join the group \
         audio (sudo usermod -aG audio $USER) and log in again"
    )]
    Permission {
        /// The microphone.
        name: String,
    },
    /// It does not open for another reason.
    #[error("{name}: it does not open: {reason}; choose another microphone, see tinsmith device ports")]
    Open {
        /// The microphone.
        name: String,
        /// What the system says.
        reason: String,
    },
    /// It has not so many channels.
    #[error("{name}: there is no channel {channel}, it has {has}; count from 1")]
    Channel {
        /// The microphone.
        name: String,
        /// What was asked for, counted from 1.
        channel: u32,
        /// How many there are.
        has: u16,
    },
    /// Nothing comes.
    #[error("{name}: the microphone says nothing at all; unplug it and plug it in again, or choose another")]
    Silent {
        /// The microphone.
        name: String,
    },
    /// It went.
    #[error("{name}: the microphone went away: {reason}; plug it in again")]
    Gone {
        /// The microphone.
        name: String,
        /// What the system says.
        reason: String,
    },
    /// The wanted rate cannot be.
    #[error(transparent)]
    Rate(#[from] ResampleProblem),
}
