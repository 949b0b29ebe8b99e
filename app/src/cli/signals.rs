//! Recordings that are named on the command line: WAV, NPY, tables of numbers, and folders of them.

use std::fs;
use std::path::{Path, PathBuf};

use tinsmith_core::data::features::{Channel, Signal};
use tinsmith_core::data::{npy, read_limited, wav};

use super::{Failure, paths};

/// A recording and where it came from.
pub struct Recording {
    pub file: PathBuf,
    pub signal: Signal,
}

/// Reads files, and the recordings of folders in the order of their names. `rate_hz` is for files that do not say theirs.
pub fn read_all(inputs: &[PathBuf], rate_hz: Option<f64>) -> Result<Vec<Recording>, Failure> {
    let mut files = Vec::new();
    for input in inputs {
        if !paths::existing(input)?.is_dir() {
            files.push(input.clone());
            continue;
        }
        let entries = fs::read_dir(input).map_err(|error| Failure::at(input, error))?;
        let mut found: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_recording(path)).collect();
        if found.is_empty() {
            return Err(Failure::at(
                input,
                "there are no .wav, .npy, .csv, .tsv or .txt files in this folder itself; name the folders in it",
            ));
        }
        found.sort();
        files.append(&mut found);
    }
    files.into_iter().map(|file| Ok(Recording { signal: read(&file, rate_hz)?, file })).collect()
}

fn is_recording(path: &Path) -> bool {
    let is_known = |extension: &std::ffi::OsStr| {
        ["wav", "npy", "csv", "tsv", "txt"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    };
    path.extension().is_some_and(is_known) && path.file_name().is_some_and(|name| name != "labels.csv")
}

fn read(path: &Path, rate_hz: Option<f64>) -> Result<Signal, Failure> {
    let bytes = read_limited(path).map_err(|problem| problem.of(path))?;
    if bytes.starts_with(b"RIFF") {
        let sound = wav::sound_from_wav(&bytes).map_err(|problem| Failure::at(path, problem))?;
        let channels = match sound.n_channels {
            1 => vec![Channel::new("sound", "")],
            n => (1..=n).map(|index| Channel::new(format!("sound {index}"), "")).collect(),
        };
        return Ok(Signal::series(sound.rate_hz.into(), channels, sound.samples));
    }
    let Some(rate_hz) = rate_hz else {
        return Err(Failure::at(
            path,
            "this kind of file does not say how many samples a second it holds; say it with --rate HZ",
        ));
    };
    let (channels, values) = if bytes.starts_with(b"\x93NUMPY") { from_npy(&bytes) } else { from_text(&bytes) }
        .map_err(|trouble| Failure::at(path, trouble))?;
    Ok(Signal::series(rate_hz, channels, values))
}

fn numbered(n: usize) -> Vec<Channel> {
    (1..=n).map(|index| Channel::new(format!("channel {index}"), "")).collect()
}

/// `[time]` or `[time, channels]`.
fn from_npy(bytes: &[u8]) -> Result<(Vec<Channel>, Vec<f32>), String> {
    let array = npy::read(bytes).map_err(|problem| problem.to_string())?;
    let n = match array.shape.as_slice() {
        [_] => 1,
        [_, n] if *n > 0 => *n,
        shape => return Err(format!("its shape is {shape:?}, expected [time] or [time, channels]")),
    };
    let values = array.elements.to_f64().ok_or_else(|| format!("it holds {}, expected numbers", array.elements.type_name()))?;
    Ok((numbered(n), values.into_iter().map(|x| x as f32).collect()))
}

/// Rows of numbers, a comma, semicolon, tab or space between them; the first row may name the columns.
fn from_text(bytes: &[u8]) -> Result<(Vec<Channel>, Vec<f32>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "neither WAV nor NPY nor text".to_owned())?;
    let mut rows = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let cells = |line: &str| -> Vec<String> {
        let by = |c: char| matches!(c, ',' | ';' | '\t') || (c == ' ' && !line.contains([',', ';', '\t']));
        line.trim().split(by).map(|cell| cell.trim().to_owned()).collect()
    };
    let Some((_, first)) = rows.peek() else { return Err("it holds no rows".into()) };
    let first = cells(first);
    let is_header = first.iter().any(|cell| cell.parse::<f32>().is_err());
    let channels = if is_header { first.iter().map(|cell| headed(cell)).collect() } else { numbered(first.len()) };
    let mut values = Vec::new();
    for (number, line) in rows.skip(usize::from(is_header)) {
        let row = cells(line);
        if row.len() != channels.len() {
            return Err(format!("line {} has {} columns, expected {}", number + 1, row.len(), channels.len()));
        }
        for cell in row {
            let value: f32 = cell.parse().map_err(|_| format!("line {}: \"{cell}\" is no number", number + 1))?;
            values.push(value);
        }
    }
    Ok((channels, values))
}

/// `acc x (m/s²)` or `acc x [m/s²]`.
fn headed(cell: &str) -> Channel {
    let split = cell.strip_suffix([')', ']']).and_then(|rest| rest.rsplit_once(['(', '[']));
    let (name, unit) = split.unwrap_or((cell, ""));
    Channel::new(name.trim(), unit.trim())
}
