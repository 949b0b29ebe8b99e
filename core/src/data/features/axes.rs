//! Which channels of a recording are accelerometer, gyroscope and magnetometer.

use super::signal::Signal;

/// A kind of sensor with three axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sensor {
    Accelerometer,
    Gyroscope,
    Magnetometer,
}

impl Sensor {
    /// The sensor whose channels have this unit.
    fn of_unit(unit: &str) -> Option<Self> {
        Some(match unit.trim().to_lowercase().as_str() {
            "g" | "mg" | "m/s²" | "m/s2" | "m/s^2" => Self::Accelerometer,
            "rad/s" | "deg/s" | "°/s" | "dps" | "mdps" => Self::Gyroscope,
            "ut" | "µt" | "μt" | "gauss" | "mgauss" => Self::Magnetometer,
            _ => return None,
        })
    }
}

/// The first three channels of a sensor, by their units; where no channel's unit is known, channels are taken to be accelerometer,
/// gyroscope, magnetometer, three each.
pub(super) fn axes(signal: &Signal, sensor: Sensor) -> Option<[usize; 3]> {
    let kinds: Vec<Option<Sensor>> = signal.channels.iter().map(|channel| Sensor::of_unit(&channel.unit)).collect();
    if kinds.iter().all(Option::is_none) {
        let first = match sensor {
            Sensor::Accelerometer => 0,
            Sensor::Gyroscope => 3,
            Sensor::Magnetometer => 6,
        };
        return (kinds.len() >= first + 3).then(|| [first, first + 1, first + 2]);
    }
    let mut of = kinds.iter().enumerate().filter(|(_, kind)| **kind == Some(sensor)).map(|(index, _)| index);
    Some([of.next()?, of.next()?, of.next()?])
}
