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
/// Boards' clocks differ from the rates that they state by no more than this part.
const DRIFT: f64 = 0.02;
/// Over how long the rate is measured at least; jitter is a small part of it.
const MEASURE_US: f64 = 2e6;
/// A rate that was measured over so long is not measured anew over less.
const LONG_US: f64 = 30e6;

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
    /// Microseconds from one of its instants to the next.
    pub period_us: f64,
    /// What is missing before it.
    pub gap: Option<Gap>,
}

/// The instants of one sensor.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    /// Microseconds from one instant to the next, as the board states.
    stated_us: f64,
    /// The same as measured by its clock, once that has gone evenly for a while.
    period_us: f64,
    /// Over how long that was measured.
    measured_us: f64,
    /// Since when the clock has gone evenly, and the instants since then.
    even: Option<(f64, u64)>,
    /// Instants so far.
    instants: u64,
    last: Option<Last>,
    /// Added to the board's clock since it jumped back or began anew.
    offset_us: f64,
}

/// The block before.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// When the instant after it is due, by its time stamp.
    due_us: f64,
    /// The same by the time that it was given, which is never before the instants before it.
    end_us: f64,
    /// Its length.
    duration_us: f64,
    arrival_us: u64,
}

impl Timeline {
    /// A sensor of so many instants a second.
    pub fn new(rate_hz: f64) -> Self {
        let period_us = 1e6 / rate_hz;
        Self { stated_us: period_us, period_us, measured_us: 0.0, even: None, instants: 0, last: None, offset_us: 0.0 }
    }

    /// Microseconds from one instant to the next: as the board states, or as its time stamps say.
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
        self.measure(time_us, n_instants, gap.is_some());
        let duration_us = n_instants as f64 * self.period_us;
        let due_us = time_us + duration_us;
        // Jitter of more than a period, or a clock that goes faster than stated, must not put an instant before the one before: the
        // block begins later then, and its instants lie closer, so that the next is on time again.
        time_us = self.last.map_or(time_us, |last| time_us.max(last.end_us - 0.9 * self.period_us));
        let period_us = ((due_us - time_us) / n_instants.max(1) as f64).max(0.1 * self.period_us);
        let end_us = time_us + n_instants as f64 * period_us;
        self.last = Some(Last { due_us, end_us, duration_us, arrival_us: stamp.arrival_us });
        self.instants += n_instants as u64;
        Placed { time_us, period_us, gap }
    }

    /// Follows a clock that does not go at the rate that the board states. What is missing is no sign of that.
    fn measure(&mut self, time_us: f64, n_instants: usize, is_gap: bool) {
        let (since_us, instants) = self.even.filter(|_| !is_gap).unwrap_or((time_us, 0));
        self.even = Some((since_us, instants + n_instants as u64));
        let span_us = time_us - since_us;
        let period_us = span_us / instants as f64;
        if span_us >= self.measured_us.clamp(MEASURE_US, LONG_US) && (period_us / self.stated_us - 1.0).abs() <= DRIFT {
            (self.period_us, self.measured_us) = (period_us, span_us);
        }
    }

    /// When the block really was, how many instants are missing before it, and why, if any are or the clock jumped.
    fn compare(&self, last: Last, time_us: f64, stamp: Stamp) -> (f64, u64, Option<Cause>) {
        // The longer a block, the more of a clock that goes otherwise than stated is seen at its end.
        let drift_us = if self.measured_us > 0.0 { 0.0 } else { DRIFT * last.duration_us };
        let jitter_us = JITTER_US.max(JITTER_INSTANTS * self.period_us) + drift_us;
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
