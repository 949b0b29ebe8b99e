//! Reads a recording back, whatever happened to the program that wrote it.

use std::path::Path;

use super::RecordingError;
use super::clip::{ChannelInfo, Clip, Encoding, Kind};
use super::writer::WAV_HEADER;
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

/// Rows with a time in front, as they are written here: nothing is guessed, and no row is left out. What comes after the last
/// line break may be half a number.
fn table(bytes: &[u8], mut clip: Clip) -> Result<Recording, String> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let text =
        std::str::from_utf8(&bytes[..whole]).map_err(|_| "no text, expected lines of numbers below a header".to_owned())?;
    let mut lines = text.lines().enumerate();
    let mut names = lines.next().map_or("", |(_, header)| header).split(',');
    let first = names.next().unwrap_or_default();
    if first != "time_us" {
        return Err(format!("its first column is {first}, expected time_us"));
    }
    let names: Vec<&str> = names.collect();
    let (mut values, mut times_us) = (Vec::new(), Vec::new());
    for (i, line) in lines {
        let (time_us, row) = line.split_once(',').unwrap_or((line, ""));
        let before = values.len();
        let time_us = time_us.parse::<f64>().ok().filter(|time_us| time_us.is_finite());
        // A value that is none leaves the row too short.
        values.extend(row.split(',').map_while(|value| value.trim().parse::<f32>().ok()));
        let n_columns = if row.is_empty() { 0 } else { row.split(',').count() };
        match time_us.filter(|_| n_columns == names.len() && values.len() - before == n_columns) {
            Some(time_us) => times_us.push(time_us.max(0.0) as u64),
            None => return Err(format!("line {} is no reading, expected a time and {} numbers", i + 1, names.len())),
        }
    }
    if times_us.is_empty() {
        return Err("no readings, expected lines of numbers below a header".to_owned());
    }
    if clip.sensor.channels.len() != names.len() {
        let channel = |name: &&str| ChannelInfo { name: (*name).to_owned(), unit: String::new(), step: 1.0 };
        clip.sensor.channels = names.iter().map(channel).collect();
    }
    Ok(Recording { clip, values, times_us })
}
