//! Recordings and pictures that are named on the command line, and folders of them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use tinsmith_core::data::features::Signal;
use tinsmith_core::data::import::text::Noise;
use tinsmith_core::data::import::{self, Decoded};
use tinsmith_core::data::{self, Axis, npy, read_limited};

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
            return Err(Failure::at(input, "there are no recordings or pictures in this folder itself; name the folders in it"));
        }
        found.sort();
        files.append(&mut found);
    }
    let mut recordings = Vec::new();
    for file in files {
        let signals = read(&file, rate_hz)?;
        recordings.extend(signals.into_iter().map(|signal| Recording { file: file.clone(), signal }));
    }
    Ok(recordings)
}

fn is_recording(path: &Path) -> bool {
    const KNOWN: [&str; 13] = ["wav", "flac", "mp3", "npy", "csv", "tsv", "txt", "json", "cbor", "png", "jpg", "jpeg", "bmp"];
    let is_known = |extension: &OsStr| KNOWN.iter().any(|known| extension.eq_ignore_ascii_case(known));
    path.extension().is_some_and(is_known) && path.file_name().is_some_and(|name| name != "labels.csv")
}

/// The recordings of a file: one, or of a log as many as it has parts.
fn read(path: &Path, rate_hz: Option<f64>) -> Result<Vec<Signal>, Failure> {
    let bytes = read_limited(path).map_err(|problem| problem.of(path))?;
    let recorded = |signals: Vec<data::Signal>| {
        let signals = signals.into_iter().map(|signal| Signal::recorded(signal, rate_hz));
        signals
            .collect::<Option<Vec<Signal>>>()
            .ok_or_else(|| Failure::at(path, "this file does not say how many samples a second it holds; say it with --rate HZ"))
    };
    if bytes.starts_with(b"\x93NUMPY") {
        return recorded(vec![from_npy(&bytes).map_err(|trouble| Failure::at(path, trouble))?]);
    }
    match import::decode(&bytes, Noise::Auto, None).map_err(|problem| problem.of(path))? {
        Decoded::Sound(sound) => recorded(vec![sound.into()]),
        Decoded::Series { signals, .. } => recorded(signals),
        Decoded::Picture(picture) => Ok(vec![Signal::picture(&picture)]),
        Decoded::Arrays(_) => {
            Err(Failure::at(path, "it is a set of samples; features are made of single recordings and pictures"))
        }
    }
}

/// `[time]` or `[time, channels]`. To an importer of data sets the first axis of an array counts samples; here it is time.
fn from_npy(bytes: &[u8]) -> Result<data::Signal, String> {
    let array = npy::read(bytes).map_err(|problem| problem.to_string())?;
    let n = match array.shape.as_slice() {
        [_] => 1,
        [_, n] if *n > 0 => *n,
        shape => return Err(format!("its shape is {shape:?}, expected [time] or [time, channels]")),
    };
    let values = array.elements.to_f64().ok_or_else(|| format!("it holds {}, expected numbers", array.elements.type_name()))?;
    let values = values.into_iter().map(|x| x as f32).collect();
    Ok(data::Signal { rate_hz: None, axes: Axis::unnamed(n), times_ms: None, values })
}
