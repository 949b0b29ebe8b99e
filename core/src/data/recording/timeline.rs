//! When each instant was, and where instants are missing.

use super::clip::{Cause, Gap};

/// After how many microseconds a 32-bit clock begins anew: boards' clocks often have no more bits.
const WRAP_US: f64 = 4_294_967_296.0;
/// How far ahead a clock of 32 bits may be once it has begun anew; beyond, it was set back.
const WRAP_SLACK_US: f64 = 600e6;
/// A time stamp so much off is jitter, whatever the rate.
const JITTER_US: f64 = 5_000.0;
/// Or so many instants.
const JITTER_INSTANTS: f64 = 3.0;

/// What is known of a block when it arrives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamp {
    /// Time of its first instant on the board's clock.
    pub time_us: u64,
    /// Instants that the board dropped before it.
    pub dropped: u32,
    /// Frames went missing since the sensor's last block; they may be another sensor's.
    pub lost: bool,
    /// The cable was pulled since.
    pub reconnected: bool,
    /// When it arrived, on any clock of the studio.
    pub arrival_us: u64,
}

/// Where a block lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Time of its first instant: the board's clock, made monotonic.
    pub time_us: f64,
    /// What is missing before it.
    pub gap: Option<Gap>,
}

/// The instants of one sensor.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    /// Microseconds from one instant to the next.
    period_us: f64,
    /// Instants so far.
    instants: u64,
    last: Option<Last>,
    /// Added to the board's clock since it jumped back or began anew.
    offset_us: f64,
}

/// The block before.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// When the instant after it is due.
    due_us: f64,
    /// Its length.
    duration_us: f64,
    arrival_us: u64,
}

impl Timeline {
    /// A sensor of so many instants a second.
    pub fn new(rate_hz: f64) -> Self {
        Self { period_us: 1e6 / rate_hz, instants: 0, last: None, offset_us: 0.0 }
    }

    /// Microseconds from one instant to the next.
    pub fn period_us(&self) -> f64 {
        self.period_us
    }

    /// Takes the next block, of `n_instants`.
    pub fn place(&mut self, stamp: Stamp, n_instants: usize) -> Placed {
        let mut time_us = stamp.time_us as f64 + self.offset_us;
        let mut gap = None;
        if let Some(last) = self.last {
            let (missing, cause);
            (time_us, missing, cause) = self.compare(last, time_us, stamp);
            gap = cause.map(|cause| Gap { at: self.instants, missing, time_us: last.due_us.max(0.0) as u64, cause });
        }
        self.offset_us = time_us - stamp.time_us as f64;
        // Jitter of more than a period must not put an instant before the one before.
        time_us = self.last.map_or(time_us, |last| time_us.max(last.due_us - 0.9 * self.period_us));
        let duration_us = n_instants as f64 * self.period_us;
        self.last = Some(Last { due_us: time_us + duration_us, duration_us, arrival_us: stamp.arrival_us });
        self.instants += n_instants as u64;
        Placed { time_us, gap }
    }

    /// When the block really was, how many instants are missing before it, and why, if any are or the clock jumped.
    fn compare(&self, last: Last, time_us: f64, stamp: Stamp) -> (f64, u64, Option<Cause>) {
        let jitter_us = JITTER_US.max(JITTER_INSTANTS * self.period_us);
        let mut time_us = time_us;
        let late = |time_us: f64| time_us - last.due_us;
        if late(time_us) < -jitter_us && (-jitter_us..WRAP_SLACK_US).contains(&late(time_us + WRAP_US)) && !stamp.reconnected {
            time_us += WRAP_US;
        }
        if late(time_us) < -jitter_us {
            // The clock was set back. Only the studio's clock says how long a cable was out.
            let away_us = if stamp.reconnected { stamp.arrival_us.saturating_sub(last.arrival_us) as f64 } else { 0.0 };
            let away_us = (away_us - last.duration_us).max(f64::from(stamp.dropped) * self.period_us);
            let cause = if stamp.reconnected { Cause::Unplugged } else { Cause::ClockBack };
            return (last.due_us + away_us, (away_us / self.period_us).round() as u64, Some(cause));
        }
        let missing = (late(time_us) / self.period_us).round().max(0.0) as u64;
        let dropped = u64::from(stamp.dropped);
        // Frames that were lost may have been another sensor's: then this one's clock goes on as if nothing was.
        let is_ours = missing > 0 && late(time_us) > last.duration_us / 2.0;
        match () {
            () if stamp.reconnected => (time_us, missing.max(dropped), Some(Cause::Unplugged)),
            () if stamp.lost && is_ours => (time_us, missing.max(dropped), Some(Cause::Link)),
            () if dropped > 0 => (time_us, dropped, Some(Cause::Board)),
            () if late(time_us) > jitter_us => (time_us, missing, Some(Cause::ClockAhead)),
            () => (time_us, 0, None),
        }
    }
}
