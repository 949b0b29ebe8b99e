//! How long runs take: mean and maximum of all, percentiles of the newest, in bounded memory.

use serde::Serialize;

/// Runs that are remembered for percentiles.
const REMEMBERED: usize = 4096;

/// How long runs took.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    /// The newest, in a ring.
    recent: Vec<u32>,
    /// The same in order, so that figures can be read as often as one likes.
    sorted: Vec<u32>,
    count: u64,
    sum_us: u64,
    max_us: u32,
}

/// Figures of latencies, in microseconds; 0 before the first run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LatencyFigures {
    /// Runs in all.
    pub count: u64,
    /// Mean of all.
    pub mean_us: u32,
    /// Half of the newest 4,096 took no longer.
    pub p50_us: u32,
    /// 95 % of them.
    pub p95_us: u32,
    /// 99 % of them.
    pub p99_us: u32,
    /// The longest of all.
    pub max_us: u32,
}

impl Latencies {
    /// Adds a run.
    pub fn add(&mut self, latency_us: u32) {
        if self.recent.len() < REMEMBERED {
            self.recent.push(latency_us);
        } else {
            let oldest = std::mem::replace(&mut self.recent[(self.count % REMEMBERED as u64) as usize], latency_us);
            self.sorted.remove(self.sorted.partition_point(|&us| us < oldest));
        }
        self.sorted.insert(self.sorted.partition_point(|&us| us < latency_us), latency_us);
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(latency_us.into());
        self.max_us = self.max_us.max(latency_us);
    }

    /// Runs in all.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The newest, at most 4,096, in no order.
    pub fn recent(&self) -> &[u32] {
        &self.recent
    }

    /// Mean, percentiles (nearest rank) and maximum.
    pub fn figures(&self) -> LatencyFigures {
        let at = |p: usize| (self.sorted.len() * p).div_ceil(100).saturating_sub(1);
        let percentile = |p: usize| self.sorted.get(at(p)).copied().unwrap_or(0);
        LatencyFigures {
            count: self.count,
            mean_us: self.sum_us.checked_div(self.count).unwrap_or(0) as u32,
            p50_us: percentile(50),
            p95_us: percentile(95),
            p99_us: percentile(99),
            max_us: self.max_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut latencies = Latencies::default();
        (1..=200).rev().for_each(|us| latencies.add(us));
        let figures = latencies.figures();
        assert_eq!((figures.count, figures.mean_us, figures.max_us), (200, 100, 200));
        assert_eq!((figures.p50_us, figures.p95_us, figures.p99_us), (100, 190, 198));
        assert_eq!(Latencies::default().figures(), LatencyFigures::default());
    }

    #[test]
    fn percentiles_are_of_the_newest_and_the_maximum_of_all() {
        let mut latencies = Latencies::default();
        latencies.add(9000);
        (0..2 * REMEMBERED).for_each(|_| latencies.add(10));
        let figures = latencies.figures();
        assert_eq!((figures.count, figures.p99_us, figures.max_us), (2 * REMEMBERED as u64 + 1, 10, 9000));
        assert_eq!(latencies.recent().len(), REMEMBERED);
        // In whatever order they come and go.
        (0..REMEMBERED as u32 * 3 / 2).for_each(|i| latencies.add(i * 7919 % 5003));
        let mut sorted = latencies.recent().to_vec();
        sorted.sort_unstable();
        let figures = latencies.figures();
        let ranks = [50, 95, 99].map(|p: usize| sorted[(REMEMBERED * p).div_ceil(100) - 1]);
        assert_eq!([figures.p50_us, figures.p95_us, figures.p99_us], ranks);
    }
}
