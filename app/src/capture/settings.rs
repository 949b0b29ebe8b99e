//! What is to be recorded, as the window and the command line have it set.

use tinsmith_core::data::recording::{Encoding, Kind, SensorInfo};

use super::cutter::{Plan, Start};
use super::session::Order;

/// What begins a clip, as it is chosen; the numbers are kept beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartOn {
    /// It sounds or moves.
    #[default]
    Level,
    /// A key.
    Key,
    /// A beat.
    Beat,
}

/// What the user has set for recording.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordSettings {
    /// Labels, with commas between them.
    pub labels: String,
    /// How many clips of each.
    pub wanted: usize,
    /// In which order they are asked for.
    pub order: Order,
    /// Seconds of a clip.
    pub seconds: f64,
    /// What begins one.
    pub start: StartOn,
    /// From where on it sounds, in dB of full scale.
    pub threshold_db: f64,
    /// From where on it moves, in the unit of the sensor; what suits the unit if nobody has said.
    pub threshold: Option<f64>,
    /// Seconds from one clip to the next.
    pub beat_s: f64,
    /// Who is recorded.
    pub person: String,
    /// Record the other sensors along.
    pub all_sensors: bool,
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self {
            labels: "yes, no".to_owned(),
            wanted: 20,
            order: Order::default(),
            seconds: 1.0,
            start: StartOn::default(),
            threshold_db: -38.0,
            threshold: None,
            beat_s: 3.0,
            person: String::new(),
            all_sensors: true,
        }
    }
}

impl RecordSettings {
    /// The labels, each once.
    pub fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = Vec::new();
        for label in self.labels.split(',').map(str::trim).filter(|label| !label.is_empty()) {
            if !labels.iter().any(|known| known == label) {
                labels.push(label.to_owned());
            }
        }
        labels
    }

    /// What a session of this sensor is to do.
    pub fn plan(&self, sensor: &SensorInfo) -> Plan {
        let start = match self.start {
            StartOn::Level if sensor.kind == Kind::Audio => Start::Level(10_f64.powf(self.threshold_db / 20.0) as f32),
            StartOn::Level => Start::Level(self.threshold.unwrap_or_else(|| usual_threshold(sensor)) as f32),
            StartOn::Key => Start::Key,
            StartOn::Beat => Start::Beat(self.beat_s.max(self.seconds)),
        };
        Plan {
            sensor: sensor.id,
            seconds: self.seconds,
            start,
            labels: self.labels(),
            wanted: self.wanted,
            order: self.order,
            person: self.person.trim().to_owned(),
            all_sensors: self.all_sensors,
        }
    }
}

/// What a hand that moves exceeds and one at rest does not, in the unit of the sensor: a tenth of gravity; of a unit that says nothing a
/// tenth of what 16 bits span, or 1.
pub fn usual_threshold(sensor: &SensorInfo) -> f64 {
    let first = sensor.channels.first();
    match first.map_or("", |channel| channel.unit.as_str()) {
        "m/s2" | "m/s²" => 1.0,
        "g" => 0.1,
        "mg" => 100.0,
        "deg/s" | "dps" => 20.0,
        _ if sensor.encoding == Encoding::I16 => first.map_or(1.0, |channel| f64::from(channel.step) * 3276.8),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use tinsmith_core::data::recording::ChannelInfo;

    use super::*;

    #[test]
    fn labels_are_parted_at_commas_and_each_is_there_once() {
        let settings = RecordSettings { labels: " yes,no ,, yes,go".to_owned(), ..RecordSettings::default() };
        assert_eq!(settings.labels(), ["yes", "no", "go"]);
    }

    #[test]
    fn a_threshold_is_of_the_sensor() {
        let settings = RecordSettings { threshold_db: -20.0, threshold: Some(2.5), ..RecordSettings::default() };
        let in_g = ChannelInfo { name: "x".to_owned(), unit: "g".to_owned(), step: 1e-4 };
        let sensor = |kind| SensorInfo { kind, ..SensorInfo::default() };
        assert_eq!(settings.plan(&sensor(Kind::Audio)).start, Start::Level(0.1));
        assert_eq!(settings.plan(&sensor(Kind::Imu)).start, Start::Level(2.5));
        let unsaid =
            RecordSettings::default().plan(&SensorInfo { channels: vec![in_g], kind: Kind::Imu, ..SensorInfo::default() });
        assert_eq!(unsaid.start, Start::Level(0.1));
        let beat = RecordSettings { start: StartOn::Beat, beat_s: 0.5, seconds: 2.0, ..settings };
        assert_eq!(beat.plan(&sensor(Kind::Imu)).start, Start::Beat(2.0), "clips do not overlap");
    }
}
