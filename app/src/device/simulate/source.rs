//! What a simulated sensor measures: a file, over and over, or something made up. Either is a function of the instant alone.

use std::f64::consts::TAU;
use std::path::Path;

use tinsmith_core::data::Axis;
use tinsmith_core::data::lines::{Beginning, LineReader};
use tinsmith_core::data::recording::{ChannelInfo, Encoding, Kind, SensorInfo};
use tinsmith_core::data::wav::read_wav;

use crate::device::DeviceError;

/// Instants a second of motion whose file does not say.
const MOTION_HZ: f64 = 200.0;
/// The largest table of numbers that is read.
const MAX_BYTES: u64 = 256 << 20;
/// Metres per second squared of a step: a range of 4 g in 16 bits.
const ACCELERATION_STEP: f32 = 9.806_65 / 8192.0;
/// Degrees a second of a step: a range of 500 degrees a second in 16 bits.
const ROTATION_STEP: f32 = 1.0 / 65.5;

/// Where a sensor's values come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// These bytes, an instant after another, over and over.
    Table(Vec<u8>),
    /// Tones of 440 Hz and 1 kHz in turn, a second each, with a little noise. 16 kHz.
    Tones,
    /// Rest and gestures in turn, two seconds each: a circle, a shake, a flick. 200 Hz.
    Gestures,
}

impl Source {
    /// Appends an instant of a sensor.
    pub fn write(&self, index: u64, instant_bytes: usize, out: &mut Vec<u8>) {
        match self {
            Self::Table(bytes) => {
                let instants = (bytes.len() / instant_bytes).max(1) as u64;
                let start = (index % instants) as usize * instant_bytes;
                out.extend(&bytes[start..start + instant_bytes]);
            }
            Self::Tones => out.extend(tone(index).to_le_bytes()),
            Self::Gestures => motion(index).iter().for_each(|value| out.extend(value.to_le_bytes())),
        }
    }

    /// A sensor that measures what is in a file: sound of a WAV file, motion of a table of numbers.
    pub fn file(path: &Path) -> Result<(SensorInfo, Self), DeviceError> {
        let is_sound = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"));
        if is_sound { Self::sound(path) } else { Self::motion(path) }
    }

    /// A microphone that hears a WAV file.
    pub fn sound(path: &Path) -> Result<(SensorInfo, Self), DeviceError> {
        let sound = read_wav(path).map_err(|error| DeviceError::Simulate(error.to_string()))?;
        if sound.samples.is_empty() {
            return Err(DeviceError::Simulate(format!("{}: there is no sound in it", path.display())));
        }
        let names =
            (0..sound.n_channels).map(|i| if sound.n_channels == 1 { "sound".to_owned() } else { format!("sound{}", i + 1) });
        let steps = sound.samples.iter().map(|sample| (sample * 32768.0).round() as i16);
        let bytes = steps.flat_map(i16::to_le_bytes).collect();
        Ok((SensorInfo::sound(1, names.collect(), f64::from(sound.rate_hz)), Self::Table(bytes)))
    }

    /// A microphone that hears tones.
    pub fn tones() -> (SensorInfo, Self) {
        (SensorInfo::sound(1, vec!["sound".to_owned()], 16_000.0), Self::Tones)
    }

    /// A motion sensor that is moved as a table of numbers says. A column of times gives the rate.
    pub fn motion(path: &Path) -> Result<(SensorInfo, Self), DeviceError> {
        let failed = |what: String| DeviceError::Simulate(format!("{}: {what}", path.display()));
        let too_large = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len() > MAX_BYTES;
        if too_large {
            return Err(failed(format!("larger than {} MiB, cut it", MAX_BYTES >> 20)));
        }
        let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        let mut reader = LineReader::new(Beginning::Line);
        let mut rows: Vec<Vec<f64>> = Vec::new();
        reader.push(&bytes, |row| rows.push(row.to_vec()));
        reader.finish(|row| rows.push(row.to_vec()));
        let n_columns = reader.columns().ok_or_else(|| failed("no lines of numbers in it".to_owned()))?;
        rows.retain(|row| row.len() == n_columns);
        let time = reader.names().iter().position(|name| name.to_lowercase().contains("time")).filter(|_| n_columns > 1);
        let rate_hz = time.and_then(|column| rate_of(&rows, column, &reader.names()[column])).unwrap_or(MOTION_HZ);
        let columns: Vec<usize> = (0..n_columns).filter(|column| Some(*column) != time).collect();
        let named = |column: usize| reader.names().get(column).cloned().unwrap_or_else(|| format!("value{}", column + 1));
        let channel = |column: &usize| {
            let axis = Axis::from_heading(&named(*column));
            ChannelInfo { name: axis.name, unit: axis.unit, step: 1.0 }
        };
        let channels = columns.iter().map(channel).collect();
        let sensor = SensorInfo { id: 2, name: "imu".to_owned(), kind: Kind::Imu, rate_hz, encoding: Encoding::F32, channels };
        let values = rows.iter().flat_map(|row| columns.iter().map(|column| row[*column] as f32));
        Ok((sensor, Self::Table(values.flat_map(f32::to_le_bytes).collect())))
    }

    /// A motion sensor that makes gestures.
    pub fn gestures() -> (SensorInfo, Self) {
        let channel = |name: &&str| {
            let (unit, step) = if name.starts_with('a') { ("m/s2", ACCELERATION_STEP) } else { ("deg/s", ROTATION_STEP) };
            ChannelInfo { name: (*name).to_owned(), unit: unit.to_owned(), step }
        };
        let channels = ["ax", "ay", "az", "gx", "gy", "gz"].iter().map(channel).collect();
        let (name, kind) = ("imu".to_owned(), Kind::Imu);
        (SensorInfo { id: 2, name, kind, rate_hz: MOTION_HZ, encoding: Encoding::I16, channels }, Self::Gestures)
    }
}

/// Rows a second by a column of times, in the unit that its name says; milliseconds if it says none.
fn rate_of(rows: &[Vec<f64>], column: usize, name: &str) -> Option<f64> {
    let units_a_second = match name.to_lowercase() {
        name if name.contains("us") || name.contains("micro") => 1e6,
        name if name.ends_with("_s") || name.contains("sec") && !name.contains("ms") => 1.0,
        _ => 1e3,
    };
    let span = rows.last()?[column] - rows.first()?[column];
    let rate_hz = (rows.len() - 1) as f64 * units_a_second / span;
    // A thousandth is the unit of the link.
    (0.001..100_000.0).contains(&rate_hz).then(|| (rate_hz * 1000.0).round() / 1000.0)
}

/// Sound at 16 kHz.
fn tone(index: u64) -> i16 {
    let frequency_hz = if (index / 16_000).is_multiple_of(2) { 440.0 } else { 1000.0 };
    let phase = TAU * frequency_hz * (index % 16_000) as f64 / 16_000.0;
    (8000.0 * phase.sin() + 200.0 * unit_noise(index)) as i16
}

/// Acceleration and rotation at 200 Hz, in steps.
fn motion(index: u64) -> [i16; 6] {
    let (turn, at) = (index / 800, index % 800);
    let mut acceleration = [0.0, 0.0, 9.806_65];
    let mut rotation = [0.0; 3];
    if at >= 400 {
        let (t, whole) = ((at - 400) as f64 / 200.0, (at - 400) as f64 / 400.0);
        let swell = (TAU / 2.0 * whole).sin();
        match turn % 3 {
            0 => {
                acceleration[0] += 6.0 * swell * (TAU * t).cos();
                acceleration[1] += 6.0 * swell * (TAU * t).sin();
                rotation[2] = 90.0 * swell;
            }
            1 => {
                acceleration[0] += 12.0 * swell * (TAU * 4.0 * t).sin();
                rotation[1] = 60.0 * swell * (TAU * 4.0 * t).cos();
            }
            _ => {
                acceleration[2] += 15.0 * (-30.0 * (whole - 0.5).powi(2)).exp();
                rotation[0] = 300.0 * swell * (TAU * whole).sin();
            }
        }
    }
    let step = |i: usize, value: f64, step: f32, noise: f64| {
        ((value + noise * unit_noise(6 * index + i as u64)) / f64::from(step)).round() as i16
    };
    let [ax, ay, az] = [0, 1, 2].map(|i| step(i, acceleration[i], ACCELERATION_STEP, 0.05));
    let [gx, gy, gz] = [0, 1, 2].map(|i| step(i + 3, rotation[i], ROTATION_STEP, 0.5));
    [ax, ay, az, gx, gy, gz]
}

/// Between -1 and 1, the same for the same number.
fn unit_noise(number: u64) -> f64 {
    (noise(number) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Any 64 bits, the same for the same number. Source: SplitMix64 (Steele, Lea and Flood, 2014).
pub fn noise(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
