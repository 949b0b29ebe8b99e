//! What can be seen of a station at any time.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tinsmith_core::data::recording::BoardInfo;
use tinsmith_core::data::segment::Span;
use tinsmith_runtime::link::{Loaded, Stats};

use super::cutter::Cutter;
use super::track::Track;
use crate::device::{LinkCounts, Way};

/// Lines of the board's log that are kept.
const MOST_LINES: usize = 200;
/// Stretches that are remembered as kept.
const MOST_KEPT: usize = 512;

/// How an input is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// It is asked who it is.
    #[default]
    Connecting,
    /// It measures.
    Connected,
    /// Its cable was pulled; it is looked for.
    Away,
    /// It is gone for good; why, and what to do.
    Failed(String),
}

/// What was made a clip of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptStretch {
    /// The sensor, and the numbers of its ring.
    pub window: (u8, Span),
    /// The file of the clip.
    pub clip: PathBuf,
}

/// Everything that is known of an input and what it measured.
#[derive(Debug)]
pub struct Seen {
    /// How it is.
    pub link: Link,
    /// How it talks, once that is known.
    pub way: Option<Way>,
    /// Who it is.
    pub board: BoardInfo,
    /// Its model.
    pub model: Option<Loaded>,
    /// Its sensors.
    pub tracks: Vec<Track>,
    /// What came and what went wrong.
    pub counts: LinkCounts,
    /// What running its model took.
    pub stats: Option<Stats>,
    /// What it said, with the time since the input was opened.
    pub log: VecDeque<(Duration, String)>,
    /// The session that is under way.
    pub cutter: Option<Cutter>,
    /// What was made clips of by hand; the newest last.
    pub kept: VecDeque<KeptStretch>,
    /// Since when everything is recorded.
    pub recording_since: Option<Instant>,
    /// What went wrong last.
    pub trouble: Option<String>,
    /// When the input was opened.
    pub began: Instant,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            link: Link::default(),
            way: None,
            board: BoardInfo::default(),
            model: None,
            tracks: Vec::new(),
            counts: LinkCounts::default(),
            stats: None,
            log: VecDeque::new(),
            cutter: None,
            kept: VecDeque::new(),
            recording_since: None,
            trouble: None,
            began: Instant::now(),
        }
    }
}

impl Seen {
    /// A sensor by its id.
    pub fn track(&self, sensor: u8) -> Option<&Track> {
        self.tracks.iter().find(|track| track.info().id == sensor)
    }

    /// Remembers what became a clip.
    pub(super) fn kept(&mut self, stretch: KeptStretch) {
        self.kept.push_back(stretch);
        self.kept.drain(..self.kept.len().saturating_sub(MOST_KEPT));
    }

    /// Remembers a line.
    pub(super) fn say(&mut self, line: String) {
        self.log.push_back((self.began.elapsed(), line));
        while self.log.len() > MOST_LINES {
            self.log.pop_front();
        }
    }
}
