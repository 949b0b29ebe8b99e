//! Microphones of this computer. To whoever asks, one is a board with a single sensor: it takes the same requests and tells the
//! same events as [`crate::device::Connection`].
//!
//! | file | what it is about |
//! | --- | --- |
//! | `sound` | the sound system: which microphones there are, opening one (feature `audio`) |
//! | `mute` | the same in a build without that feature: there are none |
//! | `track` | what is heard at the microphone's rate, as blocks at the wanted rate, with times |
//! | `worker` | the thread: asks, answers, records, comes back after the cable was pulled |
//! | `error` | what can be wrong, and what to do about it |

mod error;
#[cfg_attr(not(feature = "audio"), path = "mute.rs")]
mod sound;
mod track;
mod worker;

use std::ops::{Deref, DerefMut, RangeInclusive};
use std::time::Duration;

use serde::Serialize;

pub use error::MicrophoneError;
pub use sound::list;

use crate::device::Talk;

/// The rate of most networks that listen, Hz.
const USUAL_HZ: f64 = 16_000.0;

/// Which of a microphone's channels is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channel {
    /// The mean of all.
    #[default]
    Mean,
    /// One of them, counted from 0.
    Only(u16),
}

/// Which microphone, and how it is heard.
#[derive(Clone, Debug)]
pub struct MicrophoneSettings {
    /// Its name, or the sound system's name for it; the default one where there is none.
    pub name: Option<String>,
    /// Instants a second that are wanted, Hz. The microphone is opened at its own rate.
    pub rate_hz: f64,
    /// Which channel.
    pub channel: Channel,
    /// How long it may say nothing at all.
    pub patience: Duration,
    /// Look for it again when it has gone; else that is the end.
    pub reconnect: bool,
    /// Leave no block out, however slow whoever polls is. What does not fit into memory meanwhile is lost, and counted.
    pub lossless: bool,
}

impl Default for MicrophoneSettings {
    fn default() -> Self {
        let patience = Duration::from_secs(5);
        Self { name: None, rate_hz: USUAL_HZ, channel: Channel::Mean, patience, reconnect: true, lossless: false }
    }
}

/// A microphone that there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MicrophoneInfo {
    /// Its name, unlike every other's.
    pub name: String,
    /// The one that is heard where none is named.
    pub is_default: bool,
    /// Rates that it can be opened at, Hz.
    pub rates_hz: RangeInclusive<u32>,
    /// How many channels it can be opened with.
    pub channels: RangeInclusive<u16>,
}

/// A microphone, for as long as this lives.
#[derive(Debug)]
pub struct Microphone(Talk);

impl Microphone {
    /// Opens a microphone. Returns at once; the first event is [`crate::device::Event::Connected`] or
    /// [`crate::device::Event::Failed`].
    pub fn open(settings: MicrophoneSettings) -> Self {
        Self(Talk::start(settings.lossless, |ears| worker::run(settings, ears)))
    }
}

impl Deref for Microphone {
    type Target = Talk;

    fn deref(&self) -> &Talk {
        &self.0
    }
}

impl DerefMut for Microphone {
    fn deref_mut(&mut self) -> &mut Talk {
        &mut self.0
    }
}
