//! Accelerometer and gyroscope (and magnetometer) become an orientation.

use serde::{Deserialize, Serialize};

use super::{Choice, Signal, StageProblem, Work, series_rate_hz};
use crate::data::Axis;
use crate::data::features::axes::{Sensor, axes};
use crate::data::features::orientation::{Quaternion, Vector, heading, tilt, wrapped};
use crate::settings::{Parameter, Settings, chosen, named, number};

/// Settings of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orientation {
    /// How the sensors are fused.
    pub fusion: Fusion,
    /// How long the gyroscope alone is believed, seconds: the complementary filter's time constant.
    pub trust_s: f64,
    /// Weight of Madgwick's correction, radians a second.
    pub beta: f64,
    /// Unit of a gyroscope whose channels do not say theirs.
    pub gyro: AngularUnit,
}

/// How sensors are fused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fusion {
    /// Fast changes from the gyroscope, slow ones from the accelerometer.
    Complementary,
    /// Madgwick's gradient descent on a quaternion.
    Madgwick,
}

/// Unit of an angular velocity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AngularUnit {
    /// Degrees a second.
    Degrees,
    /// Radians a second.
    Radians,
}

const FUSIONS: &[Choice] = &[
    Choice { key: "complementary", help: "fast changes from the gyroscope, slow ones from the accelerometer" },
    Choice { key: "madgwick", help: "gradient descent on a quaternion" },
];
const UNITS: &[Choice] = &[Choice { key: "deg/s", help: "degrees a second" }, Choice { key: "rad/s", help: "radians a second" }];

impl Default for Orientation {
    fn default() -> Self {
        Self { fusion: Fusion::Complementary, trust_s: 0.5, beta: 0.1, gyro: AngularUnit::Degrees }
    }
}

impl Settings for Orientation {
    fn parameters() -> Vec<Parameter<Self>> {
        vec![
            chosen(
                "fusion",
                "Fusion",
                "How the sensors are fused.",
                FUSIONS,
                named!(fusion, { Fusion::Complementary => "complementary", Fusion::Madgwick => "madgwick" }),
            ),
            number(
                ["trust", "Trust", "How long the gyroscope alone is believed (complementary).", "s"],
                0.001..=100.0,
                0.1,
                |s| &mut s.trust_s,
            ),
            number(["beta", "Beta", "Weight of the correction (Madgwick).", "rad/s"], 0.0..=10.0, 0.01, |s| &mut s.beta),
            chosen(
                "gyro",
                "Gyroscope",
                "Unit of a gyroscope whose channels do not say theirs.",
                UNITS,
                named!(gyro, { AngularUnit::Degrees => "deg/s", AngularUnit::Radians => "rad/s" }),
            ),
        ]
    }
}

/// What the sensors feel at an instant: gyroscope in radians a second.
struct Felt {
    acc: Vector,
    gyro: Vector,
    mag: Option<Vector>,
}

impl Orientation {
    /// Radians a second of one unit of this channel.
    fn radians(&self, unit: &str) -> f64 {
        let degree = std::f64::consts::PI / 180.0;
        match (unit.trim().to_lowercase().as_str(), self.gyro) {
            ("rad/s", _) => 1.0,
            ("mdps", _) => degree / 1e3,
            ("deg/s" | "°/s" | "dps", _) | (_, AngularUnit::Degrees) => degree,
            (_, AngularUnit::Radians) => 1.0,
        }
    }

    /// The orientation after `seconds`.
    fn next(&self, before: Quaternion, felt: &Felt, seconds: f64) -> Quaternion {
        if self.fusion == Fusion::Madgwick {
            return before.madgwick(felt.gyro, felt.acc, felt.mag, self.beta, seconds);
        }
        let [roll, pitch, yaw] = before.madgwick(felt.gyro, felt.acc, felt.mag, 0.0, seconds).angles();
        let trust = self.trust_s / (self.trust_s + seconds);
        let towards = |turned: f64, seen: f64| turned + (1.0 - trust) * wrapped(seen - turned);
        let Some(seen) = tilt(felt.acc) else { return Quaternion::from_angles([roll, pitch, yaw]) };
        let north = felt.mag.and_then(|mag| heading(mag, seen)).unwrap_or(yaw);
        Quaternion::from_angles([towards(roll, seen.0), towards(pitch, seen.1), towards(yaw, north)])
    }
}

impl Work for Orientation {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let rate_hz = series_rate_hz(signal)?;
        let missing = || StageProblem::Form {
            expected: "accelerometer and gyroscope channels (three each; name their units, or order them so)",
            found: "a recording without",
        };
        let acc = axes(signal, Sensor::Accelerometer).ok_or_else(missing)?;
        let gyro = axes(signal, Sensor::Gyroscope).ok_or_else(missing)?;
        let mag = axes(signal, Sensor::Magnetometer);
        let factor = self.radians(&signal.channels[gyro[0]].unit);
        let mut orientation = None;
        let mut values = Vec::with_capacity(signal.n_rows() * 3);
        for instant in signal.values.chunks_exact(signal.channels.len()) {
            let vector = |axes: [usize; 3]| axes.map(|axis| f64::from(instant[axis]));
            let felt = Felt { acc: vector(acc), gyro: vector(gyro).map(|x| x * factor), mag: mag.map(vector) };
            let next = match orientation {
                None => first(&felt),
                Some(before) => self.next(before, &felt, 1.0 / rate_hz),
            };
            orientation = Some(next);
            values.extend(next.angles().map(|angle| angle.to_degrees() as f32));
        }
        let channels = ["roll", "pitch", "yaw"].map(|name| Axis::new(name, "deg")).to_vec();
        Ok(vec![Signal::series(rate_hz, channels, values)])
    }
}

/// Where a board lies that has not moved yet.
fn first(felt: &Felt) -> Quaternion {
    let (roll, pitch) = tilt(felt.acc).unwrap_or_default();
    let yaw = felt.mag.and_then(|mag| heading(mag, (roll, pitch))).unwrap_or(0.0);
    Quaternion::from_angles([roll, pitch, yaw])
}
