//! How long a battery lasts that a board listens on.
//!
//! Two figures that hold whatever the firmware does between two runs of the model, because that is not measured: a board that
//! never sleeps, as the exported firmware, whose microphone has to be read all the time; and the most that sleep could bring, if it
//! took nothing.

use super::Estimate;
use super::device::Power;

/// Supply behind a linear regulator, as development boards have it: what the board takes, the battery gives, whatever its voltage.
const SUPPLY_V: f64 = 3.3;

/// How long a battery lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Battery {
    /// Milliamperes while the processor computes.
    pub current_ma: Estimate,
    /// Hours if it never sleeps.
    pub awake_h: Estimate,
    /// Hours if it took nothing while it does not compute: more is not to be had.
    pub most_h: f64,
}

/// A battery of `capacity_mah` on a board that computes for the part `busy` of the time, 0 to 1. Sensors, radio and the battery's own
/// losses are not in it.
pub fn battery(capacity_mah: f64, power: &Power, busy: f64) -> Battery {
    let ma = |mw: f64| mw / SUPPLY_V;
    let source = || format!("{} mW at {SUPPLY_V} V ({})", power.mw, power.source).into();
    let hours = |mw: f64| capacity_mah / ma(mw);
    Battery {
        current_ma: Estimate { value: ma(power.mw), low: ma(power.low_mw), high: ma(power.high_mw), source: source() },
        awake_h: Estimate { value: hours(power.mw), low: hours(power.high_mw), high: hours(power.low_mw), source: source() },
        most_h: hours(power.low_mw) / busy.clamp(f64::MIN_POSITIVE, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_power_empties_it_sooner_and_sleep_helps_by_the_time_that_is_slept() {
        let power = Power { mw: 66.0, low_mw: 33.0, high_mw: 132.0, source: "meter".into() };
        let battery = battery(1000.0, &power, 0.25);
        assert_eq!((battery.current_ma.value, battery.current_ma.low, battery.current_ma.high), (20.0, 10.0, 40.0));
        assert_eq!((battery.awake_h.value, battery.awake_h.low, battery.awake_h.high), (50.0, 25.0, 100.0));
        assert_eq!(battery.most_h, 400.0);
        assert_eq!(super::battery(1000.0, &power, 7.0).most_h, 100.0, "who is late does not sleep");
    }
}
