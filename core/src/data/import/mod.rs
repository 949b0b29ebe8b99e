//! Data sets of all sorts, by content and not by name.
//!
//! | format | file | becomes |
//! | --- | --- | --- |
//! | WAV | [`wav`] | a sound |
//! | FLAC, MP3 | [`packed`] | a sound |
//! | CSV, TSV, serial logs | [`text`] | recordings |
//! | Edge Impulse JSON and CBOR | [`edge_impulse`] | a sound or a recording |
//! | PNG, JPEG, BMP | [`image`] | a picture |
//! | NPZ, NPY | [`npz`](super::npz), [`npy`](super::npy) | arrays |
//! | IDX | [`idx`] | arrays |
//! | headerless numbers | [`raw`] | arrays |
//!
//! [`decode`] reads one file; [`folder`] reads all of a folder and writes a data set as a [`library`](super::library). Any of
//! them may be packed with gzip.

pub mod edge_impulse;
pub mod folder;
pub mod idx;
pub mod image;
pub mod labels;
pub mod packed;
pub mod raw;
mod sources;
#[cfg(test)]
mod tests;
pub mod text;

use std::io::Read;

pub use self::raw::Raw;
pub use folder::{Imported, Options, import};

use super::library::Kind;
use super::wav::{self, Sound};
use super::{DataProblem, DataSet, Signal, read_bytes, samples_from};
use edge_impulse::Recording;
use image::Picture;
use text::Noise;

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// A sound.
    Sound(Sound),
    /// Recordings, at least one.
    Series {
        /// One for each part of a log.
        signals: Vec<Signal>,
        /// Lines that held no numbers.
        left_out: usize,
    },
    /// A picture.
    Picture(Picture),
    /// Arrays of one shape, at least one.
    Arrays(Box<DataSet>),
}

impl Decoded {
    /// What samples of it are.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sound(_) => Kind::Sound,
            Self::Series { .. } => Kind::Series,
            Self::Picture(_) => Kind::Image,
            Self::Arrays(_) => Kind::Tensor,
        }
    }
}

/// Reads the bytes of a file. With `raw` they are headerless numbers, whatever they begin as: that may be chance.
///
/// # Errors
/// [`DataProblem`], in a line: what is wrong with it, by its format.
pub fn decode(bytes: &[u8], noise: Noise, raw: Option<&Raw>) -> Result<Decoded, DataProblem> {
    match (raw, bytes) {
        (Some(raw), _) => Ok(Decoded::Arrays(Box::new(raw.read(bytes)?))),
        (None, [0x1F, 0x8B, ..]) => plain(&inflated(bytes)?, noise),
        (None, _) => plain(bytes, noise),
    }
}

fn plain(bytes: &[u8], noise: Noise) -> Result<Decoded, DataProblem> {
    if bytes.is_empty() {
        return Err(DataProblem::UnknownFormat("the file is empty".into()));
    }
    if bytes.starts_with(b"RIFF") || bytes.starts_with(b"RIFX") {
        return Ok(Decoded::Sound(wav::sound_from_wav(bytes)?));
    }
    if bytes.starts_with(b"PK") || bytes[0] == 0x93 {
        return Ok(Decoded::Arrays(Box::new(read_bytes(String::new(), bytes)?)));
    }
    if image::is_image(bytes) {
        return Ok(Decoded::Picture(image::decode(bytes)?));
    }
    if let Some(encoding) = edge_impulse::encoding_of(bytes) {
        return Ok(match edge_impulse::read(bytes, encoding)? {
            Recording::Sound(sound) => Decoded::Sound(sound),
            Recording::Series(signal) => Decoded::Series { signals: vec![signal], left_out: 0 },
        });
    }
    if let Some(format) = packed::format_of(bytes) {
        return Ok(Decoded::Sound(packed::decode(bytes, format)?));
    }
    if idx::is_idx(bytes) {
        let (values, shape) = samples_from("x", idx::read(bytes)?, None)?;
        let hash = *blake3::hash(bytes).as_bytes();
        return Ok(Decoded::Arrays(Box::new(DataSet::plain(String::new(), shape, values, hash))));
    }
    if !text::is_text(bytes) {
        let known = "WAV, FLAC, MP3, CSV, PNG, JPEG, BMP, NPZ, NPY, IDX or Edge Impulse's JSON or CBOR";
        let trouble = format!("it is none of {known}; of headerless numbers say the shape and the type (--shape, --dtype)");
        return Err(DataProblem::UnknownFormat(trouble));
    }
    let table = text::table(bytes, noise)?;
    Ok(Decoded::Series { signals: table.signals()?, left_out: table.left_out })
}

/// Unpacks gzip, in proportion to the file.
fn inflated(bytes: &[u8]) -> Result<Vec<u8>, DataProblem> {
    const FREE_BYTES: u64 = 16 << 20;
    const MAX_INFLATION: u64 = 50;
    let limit = (bytes.len() as u64).saturating_mul(MAX_INFLATION).max(FREE_BYTES);
    let mut unpacked = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(bytes).take(limit + 1).read_to_end(&mut unpacked);
    let broken = |trouble| DataProblem::Broken { format: "gzip file", trouble };
    read.map_err(|error| broken(error.to_string()))?;
    if unpacked.len() as u64 > limit {
        return Err(broken(format!("it unpacks to more than {limit} bytes; unpack it first")));
    }
    Ok(unpacked)
}
