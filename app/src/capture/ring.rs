//! The newest instants of a sensor, as they came, by number.

use std::collections::VecDeque;

use tinsmith_core::data::recording::{SensorInfo, Stamp};

/// Instants of one sensor and when they were. The oldest go when there is no room.
#[derive(Clone, Debug)]
pub struct Ring {
    info: SensorInfo,
    /// Number of the first instant that is kept.
    first: u64,
    bytes: VecDeque<u8>,
    most_bytes: usize,
    /// Number of the first instant of each block, and what was known of the block.
    blocks: VecDeque<(u64, Stamp)>,
}

/// A part of a ring that lies in one block.
#[derive(Clone, Debug)]
pub struct Run {
    /// When it was; what is missing stands in the first run of a block.
    pub stamp: Stamp,
    /// Its instants.
    pub bytes: Vec<u8>,
}

impl Ring {
    /// Keeps so many seconds.
    pub fn new(info: SensorInfo, seconds: f64) -> Self {
        let instants = (info.rate_hz * seconds).ceil().max(1.0) as usize;
        let most_bytes = instants * info.instant_bytes();
        Self { info, first: 0, bytes: VecDeque::with_capacity(most_bytes), most_bytes, blocks: VecDeque::new() }
    }

    /// The sensor.
    pub fn info(&self) -> &SensorInfo {
        &self.info
    }

    /// Number of the first instant that is kept.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Number of the instant that comes next.
    pub fn end(&self) -> u64 {
        self.first + (self.bytes.len() / self.info.instant_bytes()) as u64
    }

    /// Adds a block; bytes that are no whole instant are left out.
    pub fn push(&mut self, stamp: Stamp, instants: &[u8]) {
        let width = self.info.instant_bytes();
        let whole = instants.len() / width * width;
        if whole == 0 {
            return;
        }
        self.blocks.push_back((self.end(), stamp));
        self.bytes.extend(&instants[..whole]);
        let over = self.bytes.len().saturating_sub(self.most_bytes);
        self.bytes.drain(..over);
        self.first += (over / width) as u64;
        while self.blocks.get(1).is_some_and(|(start, _)| *start <= self.first) {
            self.blocks.pop_front();
        }
    }

    /// The values `[instants, channels]` of the instants from `start` to before `end`, in real units, as far as they are kept.
    pub fn values(&self, start: u64, end: u64) -> Vec<f32> {
        self.info.real_values(&self.bytes(start, end))
    }

    /// The blocks that the instants from `start` to before `end` lie in, cut to them.
    pub fn runs(&self, start: u64, end: u64) -> Vec<Run> {
        let period_us = 1e6 / self.info.rate_hz.max(f64::MIN_POSITIVE);
        let mut runs = Vec::new();
        for (index, &(first, stamp)) in self.blocks.iter().enumerate() {
            let next = self.blocks.get(index + 1).map_or(self.end(), |(next, _)| *next);
            let (from, to) = (first.max(start).max(self.first), next.min(end));
            if from >= to {
                continue;
            }
            // Within a block nothing is missing.
            let stamp = match from - first {
                0 => stamp,
                into => {
                    let time_us = stamp.time_us.saturating_add((into as f64 * period_us).round() as u64);
                    Stamp { time_us, dropped: 0, lost: false, reconnected: false, ..stamp }
                }
            };
            runs.push(Run { stamp, bytes: self.bytes(from, to) });
        }
        runs
    }

    fn bytes(&self, start: u64, end: u64) -> Vec<u8> {
        let (start, end) = (start.max(self.first), end.min(self.end()));
        let at = |number: u64| (number - self.first) as usize * self.info.instant_bytes();
        if start >= end { Vec::new() } else { self.bytes.range(at(start)..at(end)).copied().collect() }
    }
}

#[cfg(test)]
mod tests {
    use tinsmith_core::data::recording::{ChannelInfo, Encoding, Kind};

    use super::*;

    fn ring(seconds: f64) -> Ring {
        let channel = |name: &str| ChannelInfo { name: name.to_owned(), unit: String::new(), step: 0.5 };
        let channels = vec![channel("a"), channel("b")];
        let (kind, encoding) = (Kind::Imu, Encoding::I16);
        Ring::new(SensorInfo { id: 1, name: "imu".to_owned(), kind, rate_hz: 100.0, encoding, channels }, seconds)
    }

    fn instants(from: i16, n: i16) -> Vec<u8> {
        (from..from + n).flat_map(|i| [i, -i]).flat_map(i16::to_le_bytes).collect()
    }

    #[test]
    fn the_newest_instants_are_kept_by_number() {
        let mut ring = ring(0.1);
        for block in 0..5 {
            ring.push(Stamp { time_us: block * 40_000, ..Stamp::default() }, &instants(block as i16 * 4, 4));
        }
        assert_eq!((ring.first(), ring.end()), (10, 20));
        assert_eq!(ring.values(10, 12), [5.0, -5.0, 5.5, -5.5]);
        assert_eq!(ring.values(0, 11), [5.0, -5.0], "what is gone is left out");
        assert!(ring.values(20, 30).is_empty() && ring.values(7, 3).is_empty());
    }

    #[test]
    fn runs_know_when_they_were_and_what_is_missing_before_a_block() {
        let mut ring = ring(1.0);
        ring.push(Stamp { time_us: 1000, ..Stamp::default() }, &instants(0, 10));
        ring.push(Stamp { time_us: 201_000, dropped: 10, ..Stamp::default() }, &instants(10, 10));
        let runs = ring.runs(5, 15);
        let told: Vec<(u64, u32, usize)> =
            runs.iter().map(|run| (run.stamp.time_us, run.stamp.dropped, run.bytes.len())).collect();
        assert_eq!(told, [(51_000, 0, 20), (201_000, 10, 20)]);
    }
}
