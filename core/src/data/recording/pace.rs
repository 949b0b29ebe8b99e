//! When readings were that bear no time stamps, by when they arrived. They arrive in bursts, and late, never early.

use std::collections::VecDeque;

/// Arrivals that are remembered.
const MAX_POINTS: usize = 48;
/// Arrivals closer together than this are one.
const SPACING_US: u64 = 100_000;

/// The rate of readings, measured as the median of the slopes between arrivals (Theil and Sen): a burst, or a pause in the
/// program, is among the slopes that the median leaves out.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// Readings so far and when the last of them arrived.
    points: VecDeque<(u64, u64)>,
    readings: u64,
    /// Microseconds from one reading to the next.
    period_us: Option<f64>,
    last_us: f64,
}

impl Pace {
    /// `n` readings arrived at `arrival_us`. When the first of them was, in microseconds; later ones follow at
    /// [`Pace::rate_hz`]. Times never go back.
    pub fn arrived(&mut self, n: usize, arrival_us: u64) -> f64 {
        let first = self.readings;
        self.readings += n as u64;
        if self.points.back().is_none_or(|(_, last_us)| arrival_us >= last_us + SPACING_US) {
            self.points.push_back((self.readings, arrival_us));
            if self.points.len() > MAX_POINTS {
                self.points.pop_front();
            }
            self.measure();
        }
        let period_us = self.period_us.unwrap_or(0.0);
        let time_us = self.fitted(first + 1).unwrap_or(arrival_us as f64).max(self.last_us);
        self.last_us = time_us + n as f64 * period_us * 0.5;
        time_us
    }

    /// Readings were missed: those before say no longer when the next ones were, but how fast they come.
    pub fn restart(&mut self) {
        self.points.clear();
    }

    /// Readings a second, once it can be told.
    pub fn rate_hz(&self) -> Option<f64> {
        self.period_us.map(|period_us| 1e6 / period_us)
    }

    /// When a reading was, by the line with the median slope through the median point.
    fn fitted(&self, reading: u64) -> Option<f64> {
        let period_us = self.period_us?;
        let starts = self.points.iter().map(|&(readings, time_us)| time_us as f64 - readings as f64 * period_us);
        Some(median(starts.collect())? + reading as f64 * period_us)
    }

    fn measure(&mut self) {
        let mut slopes = Vec::new();
        for (i, later) in self.points.iter().enumerate() {
            let pairs = self.points.iter().take(i).filter(|earlier| earlier.0 < later.0);
            slopes.extend(pairs.map(|earlier| (later.1 - earlier.1) as f64 / (later.0 - earlier.0) as f64));
        }
        if self.points.len() >= 4 {
            self.period_us = median(slopes).filter(|period_us| *period_us > 0.0);
        }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    Some(*values.select_nth_unstable_by(middle, f64::total_cmp).1)
}
