//! Edge Impulse's data acquisition format: recordings as JSON or CBOR.
//!
//! ```text
//! { "protected": { "ver": "v1", "alg": "none" },
//!   "signature": "…",
//!   "payload": { "device_type": "…", "interval_ms": 10,
//!                "sensors": [ { "name": "accX", "units": "m/s2" }, … ],
//!                "values": [ [ -9.81, … ], … ] } }
//! ```
//!
//! With a single sensor `values` may hold bare numbers; sound has the unit `wav` and 16-bit integers. Signatures are not checked:
//! they prove who recorded, not that the numbers are sound. Source: Edge Impulse, "Data acquisition format".

use serde::{Deserialize, Serialize};

use crate::data::wav::Sound;
use crate::data::{Axis, DataProblem, Signal};

/// The unit of sound.
const WAV: &str = "wav";
/// Sound at full scale.
const FULL_SCALE: f32 = 32_768.0;

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Recording {
    /// Of a microphone.
    Sound(Sound),
    /// Of any sensor.
    Series(Signal),
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Text.
    Json,
    /// Binary.
    Cbor,
}

#[derive(Serialize, Deserialize)]
struct File {
    protected: Protected,
    #[serde(default)]
    signature: String,
    payload: Payload,
}

#[derive(Serialize, Deserialize)]
struct Protected {
    ver: String,
    #[serde(default)]
    alg: String,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    #[serde(default)]
    device_type: String,
    interval_ms: f64,
    sensors: Vec<Sensor>,
    values: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Sensor {
    name: String,
    #[serde(default)]
    units: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Row {
    Instant(Vec<f64>),
    Number(f64),
}

/// Which encoding bytes begin as; `None` if they are of neither.
pub fn encoding_of(bytes: &[u8]) -> Option<Encoding> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    if text.first() == Some(&b'{') {
        return Some(Encoding::Json);
    }
    let start = &bytes[..bytes.len().min(1024)];
    let names = |word: &[u8]| start.windows(word.len()).any(|window| window == word);
    // A CBOR map, of a known length or not.
    let is_map = bytes.first().is_some_and(|byte| byte & 0xE0 == 0xA0);
    (is_map && (names(b"protected") || names(b"payload"))).then_some(Encoding::Cbor)
}

/// Reads a recording.
///
/// # Errors
/// [`DataProblem::Broken`]: no such file, a version that is not known, or rows of another length than there are sensors.
pub fn read(bytes: &[u8], encoding: Encoding) -> Result<Recording, DataProblem> {
    let file: File = match encoding {
        Encoding::Json => {
            let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            serde_json::from_slice(text).map_err(|error| broken(error.to_string()))?
        }
        Encoding::Cbor => ciborium::from_reader(bytes).map_err(|error| broken(format!("{error}").replace('\n', " ")))?,
    };
    if file.protected.ver != "v1" {
        return Err(broken(format!("its version is \"{}\", expected v1", file.protected.ver.escape_debug())));
    }
    let payload = file.payload;
    let n_axes = payload.sensors.len();
    if n_axes == 0 || payload.values.is_empty() {
        return Err(broken(format!("it has {n_axes} sensors and {} rows of values", payload.values.len())));
    }
    let mut values = Vec::with_capacity(payload.values.len() * n_axes);
    for (index, row) in payload.values.iter().enumerate() {
        let row = match row {
            Row::Instant(row) => row.as_slice(),
            Row::Number(number) => std::slice::from_ref(number),
        };
        if row.len() != n_axes || row.iter().any(|x| !(*x as f32).is_finite()) {
            return Err(broken(format!("row {index} of its values is not {n_axes} finite numbers, one for each sensor")));
        }
        values.extend(row.iter().map(|x| *x as f32));
    }
    if !(payload.interval_ms.is_finite() && payload.interval_ms > 0.0) {
        return Err(broken(format!("its interval is {} ms, expected more than 0", payload.interval_ms)));
    }
    let rate_hz = 1000.0 / payload.interval_ms;
    // 62.5 us is a whole rate that text may round.
    let whole_hz = rate_hz.round();
    let rate_hz = if (rate_hz / whole_hz - 1.0).abs() < 1e-4 { whole_hz } else { rate_hz };
    if payload.sensors.iter().all(|sensor| sensor.units == WAV) && (1.0..=1e6).contains(&whole_hz) {
        let samples = values.iter().map(|x| x / FULL_SCALE).collect();
        return Ok(Recording::Sound(Sound { rate_hz: whole_hz as u32, n_channels: n_axes, samples }));
    }
    let axes = payload.sensors.into_iter().map(|sensor| Axis::new(sensor.name, sensor.units)).collect();
    Ok(Recording::Series(Signal { rate_hz: Some(rate_hz), axes, times_ms: None, values }))
}

/// Writes a recording, unsigned.
///
/// # Errors
/// [`DataProblem::Unlike`]: the rate is not known.
pub fn write(recording: &Recording, encoding: Encoding) -> Result<Vec<u8>, DataProblem> {
    let (rate_hz, sensors, n_axes, values): (f64, Vec<Sensor>, usize, Vec<f64>) = match recording {
        Recording::Sound(sound) => {
            let sensor = |channel| Sensor { name: format!("audio{channel}"), units: WAV.into() };
            let names = if sound.n_channels == 1 {
                vec![Sensor { name: "audio".into(), units: WAV.into() }]
            } else {
                (1..=sound.n_channels).map(sensor).collect()
            };
            let whole = |x: &f32| f64::from((x * FULL_SCALE).round().clamp(-FULL_SCALE, FULL_SCALE - 1.0));
            (sound.rate_hz.into(), names, sound.n_channels, sound.samples.iter().map(whole).collect())
        }
        Recording::Series(signal) => {
            let Some(rate_hz) = signal.rate_hz else {
                return Err(DataProblem::Unlike("its rate is not known; import it again with --rate".into()));
            };
            let sensor = |axis: &Axis| Sensor { name: axis.name.clone(), units: axis.unit.clone() };
            // Through text, so that 0.1 stays 0.1.
            let short = |x: &f32| x.to_string().parse().unwrap_or(f64::from(*x));
            (rate_hz, signal.axes.iter().map(sensor).collect(), signal.axes.len(), signal.values.iter().map(short).collect())
        }
    };
    let row = |row: &[f64]| if n_axes == 1 { Row::Number(row[0]) } else { Row::Instant(row.to_vec()) };
    let file = File {
        protected: Protected { ver: "v1".into(), alg: "none".into() },
        signature: "0".repeat(64),
        payload: Payload {
            device_type: "TINSMITH".into(),
            interval_ms: 1000.0 / rate_hz,
            sensors,
            values: values.chunks_exact(n_axes.max(1)).map(row).collect(),
        },
    };
    match encoding {
        Encoding::Json => serde_json::to_vec(&file).map_err(|error| broken(error.to_string())),
        Encoding::Cbor => {
            let mut bytes = Vec::new();
            ciborium::into_writer(&file, &mut bytes).map_err(|error| broken(error.to_string()))?;
            Ok(bytes)
        }
    }
}

fn broken(trouble: String) -> DataProblem {
    DataProblem::Broken { format: "data acquisition file", trouble }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"{ "protected": { "ver": "v1", "alg": "HS256", "iat": 1700000000 }, "signature": "00", "payload": {
        "device_name": "01:02", "device_type": "BENCH", "interval_ms": 20,
        "sensors": [ { "name": "gyrX", "units": "deg/s" }, { "name": "gyrY", "units": "deg/s" } ],
        "values": [ [ 1, -2.5 ], [ 0.5, 3 ] ] } }"#;

    fn series(n_axes: usize) -> Recording {
        let values = (0..6).map(|i| i as f32 * 0.1 - 0.2).collect();
        let axes = (0..n_axes).map(|i| Axis::new(format!("a{i}"), "g")).collect();
        Recording::Series(Signal { rate_hz: Some(62.5), axes, times_ms: None, values })
    }

    #[test]
    fn the_published_form_is_read() {
        assert_eq!(encoding_of(EXAMPLE.as_bytes()), Some(Encoding::Json));
        let Recording::Series(signal) = read(EXAMPLE.as_bytes(), Encoding::Json).unwrap() else { panic!("no sound") };
        assert_eq!((signal.rate_hz, signal.values.as_slice()), (Some(50.0), &[1.0, -2.5, 0.5, 3.0][..]));
        assert_eq!(signal.axes[1], Axis::new("gyrY", "deg/s"));
    }

    #[test]
    fn recordings_come_back_from_both_encodings() {
        let samples = vec![0.5, -1.0, 0.25, 0.0];
        let sound = |n_channels| Recording::Sound(Sound { rate_hz: 16_000, n_channels, samples: samples.clone() });
        for recording in [series(2), series(1), sound(1), sound(2)] {
            for encoding in [Encoding::Json, Encoding::Cbor] {
                let file = write(&recording, encoding).unwrap();
                assert_eq!(encoding_of(&file), Some(encoding));
                assert_eq!(read(&file, encoding).unwrap(), recording);
            }
        }
    }

    #[test]
    fn broken_files_are_refused_in_a_line() {
        let cases = [
            (EXAMPLE.replace("\"v1\"", "\"v9\""), "version"),
            (EXAMPLE.replace("[ 0.5, 3 ]", "[ 0.5 ]"), "row 1"),
            (EXAMPLE.replace("[ 0.5, 3 ]", "[ 0.5, null ]"), "did not match"),
            (EXAMPLE.replace("20,", "0,"), "interval"),
            (EXAMPLE.replace("[ 0.5, 3 ]", "[ 0.5, 1e300 ]"), "row 1"),
            (EXAMPLE[..200].to_owned(), "EOF"),
            ("{}".to_owned(), "missing field"),
        ];
        for (text, words) in cases {
            let error = read(text.as_bytes(), Encoding::Json).unwrap_err().to_string();
            assert!(error.contains(words) && error.lines().count() == 1, "{error}");
        }
        let cbor = write(&series(2), Encoding::Cbor).unwrap();
        for n in 0..cbor.len() {
            assert!(read(&cbor[..n], Encoding::Cbor).is_err());
        }
        // An array that declares 2^63 elements, and a thousand arrays in one another.
        let start = b"\xA1\x67payload";
        for end in [&[0x9B, 0x80, 0, 0, 0, 0, 0, 0, 0][..], &[0x81; 1000][..]] {
            assert!(read(&[&start[..], end].concat(), Encoding::Cbor).is_err());
        }
    }
}
