//! What is heard at the microphone's rate, as blocks at the wanted rate.

use tinsmith_core::data::recording::{Block, Stamp};
use tinsmith_core::data::resample::{ResampleProblem, Resampler};

/// The one sensor's id.
pub const SENSOR: u8 = 1;

/// What a microphone gave at once.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Instants that were lost before it.
    pub lost: u64,
    /// One value an instant, from -1 to 1.
    pub values: Vec<f32>,
}

/// What came of waiting for a microphone.
#[derive(Debug)]
#[cfg_attr(not(feature = "audio"), expect(dead_code, reason = "a build without sound hears nothing"))]
pub enum Heard {
    /// Sound.
    Chunk(Chunk),
    /// Nothing so far.
    Nothing,
    /// It is gone, and this is what the system says.
    Gone(String),
}

/// The instants of a microphone since it was opened. Times are counted in instants, so they go as evenly as the microphone's clock
/// does; only how long it was away is measured by the clock of this computer.
pub struct Track {
    native_hz: f64,
    rate_hz: f64,
    resampler: Resampler,
    /// When the first instant was since which nothing is missing.
    began_us: f64,
    /// Instants since then, as they came and as they were told.
    came: u64,
    told: u64,
    /// What happened before the next block.
    stamp: Stamp,
    values: Vec<f32>,
    bytes: Vec<u8>,
}

impl Track {
    /// Of a microphone that gives `native_hz` instants a second where `rate_hz` are wanted.
    pub fn new(native_hz: f64, rate_hz: f64) -> Result<Self, ResampleProblem> {
        Ok(Self {
            native_hz,
            rate_hz,
            resampler: Resampler::new(native_hz, rate_hz, 1)?,
            began_us: 0.0,
            came: 0,
            told: 0,
            stamp: Stamp::default(),
            values: Vec::new(),
            bytes: Vec::new(),
        })
    }

    /// Takes what came, and tells what can be told by now.
    pub fn take(&mut self, chunk: &Chunk, arrival_us: u64, mut heard: impl FnMut(&Block<'_>)) -> Result<(), ResampleProblem> {
        self.stamp.arrival_us = arrival_us;
        if chunk.lost > 0 {
            self.end(&mut heard)?;
            self.skip(chunk.lost as f64 / self.native_hz);
        }
        self.resampler.push(&chunk.values, &mut self.values)?;
        self.came += chunk.values.len() as u64;
        self.tell(&mut heard);
        Ok(())
    }

    /// The microphone is back after so many seconds, at a rate that may be another.
    pub fn back(&mut self, native_hz: f64, seconds: f64, mut heard: impl FnMut(&Block<'_>)) -> Result<(), ResampleProblem> {
        self.end(&mut heard)?;
        self.skip(seconds);
        self.resampler = Resampler::new(native_hz, self.rate_hz, 1)?;
        self.native_hz = native_hz;
        self.stamp.reconnected = true;
        Ok(())
    }

    /// Tells what is still held back.
    fn end(&mut self, heard: &mut impl FnMut(&Block<'_>)) -> Result<(), ResampleProblem> {
        self.resampler.finish(&mut self.values)?;
        self.tell(heard);
        Ok(())
    }

    /// Goes on after a gap.
    fn skip(&mut self, seconds: f64) {
        self.began_us += 1e6 * (self.came as f64 / self.native_hz + seconds);
        (self.came, self.told) = (0, 0);
        self.stamp.dropped = self.stamp.dropped.saturating_add((seconds * self.rate_hz).round() as u32);
    }

    fn tell(&mut self, heard: &mut impl FnMut(&Block<'_>)) {
        if self.values.is_empty() {
            return;
        }
        self.bytes.clear();
        self.bytes.extend(self.values.iter().flat_map(|value| ((value * 32768.0).round() as i16).to_le_bytes()));
        let time_us = (self.began_us + 1e6 * self.told as f64 / self.rate_hz).round() as u64;
        let stamp = Stamp { time_us, ..std::mem::take(&mut self.stamp) };
        heard(&Block { sensor: SENSOR, stamp, instants: &self.bytes });
        self.stamp.arrival_us = stamp.arrival_us;
        self.told += self.values.len() as u64;
        self.values.clear();
    }
}

#[cfg(test)]
mod tests {
    use tinsmith_core::data::recording::{Cause, Timeline};

    use super::*;

    /// What was told: values, gaps as (instants before, missing, cause), and the largest error of a time, in microseconds.
    #[derive(Default)]
    struct Told {
        values: Vec<f32>,
        gaps: Vec<(u64, u64, Cause)>,
        off_us: f64,
    }

    impl Told {
        fn take(&mut self, timeline: &mut Timeline, block: &Block<'_>) {
            let placed = timeline.place(block.stamp, block.instants.len() / 2);
            self.gaps.extend(placed.gap.map(|gap| (gap.at, gap.missing, gap.cause)));
            let missing: u64 = self.gaps.iter().map(|gap| gap.1).sum();
            let due_us = (self.values.len() as u64 + missing) as f64 * timeline.period_us();
            self.off_us = self.off_us.max((placed.time_us - due_us).abs());
            let values = block.instants.chunks_exact(2).map(|value| i16::from_le_bytes([value[0], value[1]]));
            self.values.extend(values.map(|value| f32::from(value) / 32768.0));
        }
    }

    fn tone(from: usize, n: usize) -> Vec<f32> {
        (from..from + n).map(|i| (std::f64::consts::TAU * 440.0 * i as f64 / 48_000.0).sin() as f32 * 0.5).collect()
    }

    #[test]
    fn what_was_lost_is_a_gap_of_its_length_and_what_follows_is_where_it_belongs() {
        let mut track = Track::new(48_000.0, 16_000.0).unwrap();
        let (mut told, mut timeline) = (Told::default(), Timeline::new(16_000.0));
        let mut from = 0;
        for (i, n) in [480, 1_000, 37, 9_600].into_iter().cycle().take(40).enumerate() {
            let lost = if i == 13 { 3_000 } else { 0 };
            from += lost;
            let chunk = Chunk { lost: lost as u64, values: tone(from, n) };
            track.take(&chunk, 0, |block| told.take(&mut timeline, block)).unwrap();
            from += n;
        }
        assert_eq!(told.gaps.len(), 1, "{:?}", told.gaps);
        let (at, missing, cause) = told.gaps[0];
        assert_eq!((missing, cause), (1_000, Cause::Board));
        assert!(told.off_us < 70.0, "{}", told.off_us);
        // Away from the gap, where the filter sees silence, the tone is what it was.
        let expected = |i: u64| (std::f64::consts::TAU * 440.0 * (i as f64) / 16_000.0).sin() * 0.5;
        let is_near_an_end = |i: u64| i.min(i.abs_diff(at)) < 150;
        for (i, value) in told.values.iter().enumerate().map(|(i, value)| (i as u64, f64::from(*value))) {
            let place = if i < at { i } else { i + missing };
            assert!(is_near_an_end(i) || (value - expected(place)).abs() < 2e-3, "{i}: {value}");
        }
    }

    #[test]
    fn a_microphone_that_was_unplugged_comes_back_at_another_rate() {
        let mut track = Track::new(48_000.0, 16_000.0).unwrap();
        let (mut told, mut timeline) = (Told::default(), Timeline::new(16_000.0));
        let second = |n| Chunk { lost: 0, values: vec![0.25; n] };
        track.take(&second(48_000), 1_000_000, |block| told.take(&mut timeline, block)).unwrap();
        track.back(44_100.0, 2.5, |block| told.take(&mut timeline, block)).unwrap();
        assert_eq!(told.values.len(), 16_000, "all that was heard is told before the gap");
        track.take(&second(44_100), 4_500_000, |block| told.take(&mut timeline, block)).unwrap();
        assert_eq!(told.gaps, [(16_000, 40_000, Cause::Unplugged)]);
        assert!(told.off_us < 70.0, "{}", told.off_us);
    }

    #[test]
    fn loud_sound_is_clipped() {
        let mut track = Track::new(16_000.0, 16_000.0).unwrap();
        let mut instants = Vec::new();
        let chunk = Chunk { lost: 0, values: vec![-2.0, -1.0, 0.0, 1.0, f32::NAN] };
        track.take(&chunk, 0, |block| instants.extend(block.instants)).unwrap();
        let values: Vec<i16> = instants.chunks_exact(2).map(|value| i16::from_le_bytes([value[0], value[1]])).collect();
        assert_eq!(values, [-32768, -32768, 0, 32767, 0]);
    }
}
