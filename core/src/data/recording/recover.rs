//! Reads a recording back, whatever happened to the program that wrote it.

use std::path::Path;

use super::RecordingError;
use super::clip::{ChannelInfo, Clip, Encoding, Kind};
use super::writer::WAV_HEADER;
use crate::data::lines::{Beginning, LineReader};
use crate::data::read_limited;
use crate::data::wav::sound_from_wav;

/// A recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// What is stored beside it; made from the samples alone where there is nothing.
    pub clip: Clip,
    /// `[instants, channels]`: sound in [-1, 1], anything else in real units.
    pub values: Vec<f32>,
    /// When each instant was, in microseconds; empty for sound, whose clip tells.
    pub times_us: Vec<u64>,
}

/// Opens a `.wav` or `.csv` file that was recorded, up to the last whole instant, even where header and clip are behind.
///
/// # Errors
/// There is no such file, or nothing in it can be read.
pub fn recover(path: &Path) -> Result<Recording, RecordingError> {
    let malformed = |problem: String| RecordingError::Malformed { path: path.to_owned(), problem };
    let bytes = read_limited(path).map_err(|problem| malformed(problem.to_string()))?;
    // A clip that cannot be read is no reason to lose the samples.
    let clip = Clip::read(&path.with_extension("ron")).unwrap_or_default();
    let is_sound = bytes.starts_with(b"RIFF");
    let mut recording = if is_sound { sound(bytes, clip).map_err(malformed)? } else { table(&bytes, clip).map_err(malformed)? };
    let n_channels = recording.clip.sensor.channels.len().max(1);
    recording.clip.instants = (recording.values.len() / n_channels) as u64;
    let instants = recording.clip.instants;
    recording.clip.gaps.retain(|gap| gap.at <= instants);
    Ok(recording)
}

/// Sound, its header brought up to date.
fn sound(mut bytes: Vec<u8>, mut clip: Clip) -> Result<Recording, String> {
    let is_ours = bytes.get(36..40) == Some(b"data");
    let block = bytes.get(32..34).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    if is_ours && block > 0 && bytes.len() >= WAV_HEADER {
        let whole = (bytes.len() - WAV_HEADER) / block * block;
        bytes.truncate(WAV_HEADER + whole);
        bytes[40..44].copy_from_slice(&(whole as u32).to_le_bytes());
    }
    let sound = sound_from_wav(&bytes).map_err(|problem| problem.to_string())?;
    let sensor = &mut clip.sensor;
    if sensor.channels.len() != sound.n_channels {
        let channel = |i| ChannelInfo { name: format!("channel{i}"), unit: String::new(), step: 1.0 };
        sensor.channels = (0..sound.n_channels).map(channel).collect();
        (sensor.kind, sensor.encoding) = (Kind::Audio, Encoding::I16);
    }
    sensor.rate_hz = f64::from(sound.rate_hz);
    Ok(Recording { clip, values: sound.samples, times_us: Vec::new() })
}

/// Rows with a time in front. What comes after the last line break may be half a number.
fn table(bytes: &[u8], mut clip: Clip) -> Result<Recording, String> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut reader = LineReader::new(Beginning::Line);
    let (mut values, mut times_us) = (Vec::new(), Vec::new());
    let mut keep = |row: &[f64]| {
        let Some((time_us, row)) = row.split_first() else { return };
        times_us.push(time_us.max(0.0) as u64);
        values.extend(row.iter().map(|value| *value as f32));
    };
    reader.push(&bytes[..whole], &mut keep);
    reader.finish(&mut keep);
    let Some((first, names)) = reader.names().split_first() else {
        return Err("no readings, expected lines of numbers below a header".to_owned());
    };
    if first != "time_us" {
        return Err(format!("its first column is {first}, expected time_us"));
    }
    if reader.counts().columns > 0 {
        return Err(format!("{} lines have more or fewer values than the others", reader.counts().columns));
    }
    if clip.sensor.channels.len() != names.len() {
        let channel = |name: &String| ChannelInfo { name: name.clone(), unit: String::new(), step: 1.0 };
        clip.sensor.channels = names.iter().map(channel).collect();
    }
    Ok(Recording { clip, values, times_us })
}
