//! What is known of one sensor while it measures.

use std::collections::VecDeque;

use tinsmith_core::data::recording::{Kind, SensorInfo, Stamp, Timeline};

use super::ring::Ring;
use super::spectrogram::Spectrogram;

/// Seconds that are kept of each sensor.
pub const KEPT_S: f64 = 30.0;
/// Gaps that are remembered; the others are counted.
const MOST_GAPS: usize = 256;
/// Blocks of which it is known how much their time stamps were off.
const MOST_LATE: usize = 1024;

/// A place where instants are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveGap {
    /// Number of the instant after it.
    pub at: u64,
    /// How many are missing.
    pub missing: u64,
}

/// One sensor.
#[derive(Clone, Debug)]
pub struct Track {
    /// Its newest instants.
    pub ring: Ring,
    /// Of sound: what tones are in it.
    pub spectrogram: Option<Spectrogram>,
    /// The newest gaps.
    pub gaps: VecDeque<LiveGap>,
    /// At how many places instants are missing since the sensor was started.
    pub n_gaps: u64,
    /// How many instants are missing.
    pub missing: u64,
    timeline: Timeline,
    /// How much time stamps were off, in microseconds.
    late_us: VecDeque<f32>,
    /// When its first instant was, and the one after its newest.
    span_us: Option<(f64, f64)>,
}

impl Track {
    /// A sensor that has measured nothing yet.
    pub fn new(info: SensorInfo) -> Self {
        let spectrogram = (info.kind == Kind::Audio).then(|| Spectrogram::new(info.rate_hz, KEPT_S));
        Self {
            timeline: Timeline::new(info.rate_hz),
            ring: Ring::new(info, KEPT_S),
            spectrogram,
            gaps: VecDeque::new(),
            n_gaps: 0,
            missing: 0,
            late_us: VecDeque::new(),
            span_us: None,
        }
    }

    /// The sensor.
    pub fn info(&self) -> &SensorInfo {
        self.ring.info()
    }

    /// Takes a block. Gives its values, `[instants, channels]` in real units.
    pub fn push(&mut self, stamp: Stamp, instants: &[u8]) -> Vec<f32> {
        let at = self.ring.end();
        self.ring.push(stamp, instants);
        let n = self.ring.end() - at;
        if n == 0 {
            return Vec::new();
        }
        let placed = self.timeline.place(stamp, n as usize);
        if let Some(gap) = placed.gap {
            self.n_gaps += 1;
            self.missing = self.missing.saturating_add(gap.missing);
            self.gaps.push_back(LiveGap { at, missing: gap.missing });
            self.gaps.keep_newest(MOST_GAPS);
        }
        let end_us = placed.time_us + n as f64 * placed.period_us;
        if let Some((_, due_us)) = self.span_us.filter(|_| placed.gap.is_none()) {
            self.late_us.push_back((placed.time_us - due_us) as f32);
            self.late_us.keep_newest(MOST_LATE);
        }
        self.span_us = Some((self.span_us.map_or(placed.time_us, |(start, _)| start), end_us));
        let values = self.ring.values(at, at + n);
        if let Some(spectrogram) = &mut self.spectrogram {
            let n_channels = self.ring.info().channels.len().max(1);
            let first: Vec<f32> = values.iter().step_by(n_channels).copied().collect();
            spectrogram.push(&first);
        }
        values
    }

    /// Instants a second by the board's own clock; nothing before two seconds have passed.
    pub fn true_rate_hz(&self) -> Option<f64> {
        let (start, end) = self.span_us.filter(|(start, end)| end - start > 2e6)?;
        Some((self.ring.end() + self.missing) as f64 * 1e6 / (end - start))
    }

    /// How much 99 of 100 time stamps are off at most, in milliseconds.
    pub fn jitter_ms(&self) -> Option<f32> {
        let mut off: Vec<f32> = self.late_us.iter().map(|late| late.abs()).collect();
        let at = (off.len() * 99 / 100).min(off.len().checked_sub(1)?);
        Some(*off.select_nth_unstable_by(at, f32::total_cmp).1 / 1000.0)
    }
}

/// Keeping only the newest.
trait Newest {
    fn keep_newest(&mut self, most: usize);
}

impl<T> Newest for VecDeque<T> {
    fn keep_newest(&mut self, most: usize) {
        self.drain(..self.len().saturating_sub(most));
    }
}

#[cfg(test)]
mod tests {
    use tinsmith_core::data::recording::{ChannelInfo, Encoding};

    use super::*;

    #[test]
    fn gaps_rate_and_jitter_are_those_of_the_time_stamps() {
        let channels = vec![ChannelInfo { name: "x".to_owned(), unit: "g".to_owned(), step: 0.1 }];
        let info =
            SensorInfo { id: 2, name: "imu".to_owned(), kind: Kind::Imu, rate_hz: 100.0, encoding: Encoding::I16, channels };
        let mut track = Track::new(info);
        let block = |at: u64, dropped| Stamp { time_us: at * 10_000, dropped, ..Stamp::default() };
        for at in (0..300).step_by(10) {
            assert_eq!(track.push(block(at, 0), &[1; 20]).len(), 10);
        }
        track.push(block(320, 20), &[1; 20]);
        assert_eq!(track.gaps, [LiveGap { at: 300, missing: 20 }]);
        assert_eq!((track.n_gaps, track.missing), (1, 20));
        assert!((track.true_rate_hz().unwrap() - 100.0).abs() < 1e-6);
        assert!(track.jitter_ms().unwrap() < 1e-3);
    }
}
