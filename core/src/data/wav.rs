//! Reads sound from WAV files: PCM of 8, 16, 24 or 32 bits, or 32-bit float.
//!
//! Compressed WAV (mu-law, ADPCM, …) is refused by name, never taken for PCM. Nothing is resampled here. The chunks are
//! walked by hand because `hound`, which the tests write with, loses its way after a chunk of odd length.

use std::io;
use std::path::Path;

use thiserror::Error;

use super::{DataError, DataProblem, read_limited};

/// A recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Instants a second, at least 1.
    pub rate_hz: u32,
    /// Channels, at least 1.
    pub n_channels: usize,
    /// `[instants, n_channels]`, in [-1, 1]; float files may go beyond.
    pub samples: Vec<f32>,
}

impl Sound {
    /// The mean of the channels, `[instants]`.
    pub fn mono(&self) -> Vec<f32> {
        let n_channels = self.n_channels.max(1);
        let mean = |instant: &[f32]| instant.iter().sum::<f32>() / n_channels as f32;
        self.samples.chunks_exact(n_channels).map(mean).collect()
    }
}

/// What is wrong with a WAV file.
#[derive(Debug, Error)]
pub enum WavProblem {
    /// Not RIFF/WAVE, or its parts contradict one another.
    #[error("not a sound WAV file: {0}")]
    Malformed(String),
    /// A format code other than PCM or float.
    #[error("format {code:#06x} ({name}) is not supported; convert the file to 16-bit PCM")]
    Compressed {
        /// The code in the file.
        code: u16,
        /// What the code stands for.
        name: &'static str,
    },
    /// Samples of a width that is not supported.
    #[error("{bits} bits a sample, expected PCM of 8, 16, 24 or 32 bits or 32-bit float; convert the file to 16-bit PCM")]
    Width {
        /// Bits a sample in the header.
        bits: u16,
    },
    /// The file ends before the samples that its header declares.
    #[error("the header declares {declared} bytes of samples, {present} are there; the recording is cut off")]
    CutOff {
        /// Bytes of samples in the file.
        present: usize,
        /// Bytes of samples the header declares.
        declared: u32,
    },
    /// A float sample that is no number.
    #[error("sample {index} is {value}, expected a finite number")]
    NotFinite {
        /// Position of the sample, counted over all channels.
        index: usize,
        /// NaN or an infinity.
        value: f32,
    },
}

/// What a writer that cannot go back leaves as the length of the data: everything up to the end.
const LENGTH_UNKNOWN: u32 = u32::MAX;

const CODE_PCM: u16 = 1;
const CODE_FLOAT: u16 = 3;
const CODE_EXTENSIBLE: u16 = 0xFFFE;

/// Reads a recording.
///
/// # Errors
/// [`DataError`] names the file and what is wrong with it.
pub fn read_wav(path: &Path) -> Result<Sound, DataError> {
    let sound = read_limited(path).and_then(|bytes| Ok(sound_from_wav(&bytes)?));
    sound.map_err(|problem| problem.of(path))
}

/// Decodes the bytes of a WAV file. Takes at most four times the memory of `bytes`, whatever the header claims.
///
/// # Errors
/// [`WavProblem`] says what is wrong.
pub fn sound_from_wav(bytes: &[u8]) -> Result<Sound, WavProblem> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(malformed("expected RIFF and WAVE at its start"));
    }
    let mut format = None;
    let mut rest = &bytes[12..];
    loop {
        let Some((header, body)) = rest.split_first_chunk::<8>() else {
            let missing = if format.is_some() { "data" } else { "fmt" };
            return Err(malformed(format!("it has no {missing} chunk")));
        };
        let [a, b, c, d, length @ ..] = *header;
        let (kind, length) = ([a, b, c, d], u32::from_le_bytes(length));
        if kind == *b"data" {
            let format: Format = format.ok_or_else(|| malformed("data comes before any fmt chunk"))?;
            return format.decode(data_bytes(body, length)?);
        }
        let Some(content) = body.get(..length as usize) else {
            let name = String::from_utf8_lossy(&kind).escape_debug().to_string();
            return Err(malformed(format!("chunk '{name}' of {length} bytes goes beyond the end of the file")));
        };
        if kind == *b"fmt " {
            format = Some(Format::parse(content)?);
        }
        // A chunk of odd length is followed by a pad byte.
        rest = body.get(content.len().next_multiple_of(2)..).unwrap_or_default();
    }
}

/// The bytes of a WAV file: 16-bit PCM where that loses nothing, else 32-bit floats.
///
/// # Errors
/// [`DataProblem::Io`]: more than 4 GiB, no channels, or more of them or a higher rate than the header can hold.
pub fn write(sound: &Sound) -> Result<Vec<u8>, DataProblem> {
    const FULL_SCALE: f32 = 32_768.0;
    let is_whole = |x: &f32| (x * FULL_SCALE).fract() == 0.0 && (-1.0..1.0).contains(x);
    let is_pcm = sound.samples.iter().all(is_whole);
    let (bits_per_sample, sample_format) = if is_pcm { (16, hound::SampleFormat::Int) } else { (32, hound::SampleFormat::Float) };
    let of_hound = |error: hound::Error| DataProblem::Io(io::Error::other(error));
    let channels = u16::try_from(sound.n_channels).map_err(|_| DataProblem::Io(io::Error::other("too many channels")))?;
    // The header has the bytes of an instant in 16 bits, those of a second in 32.
    let instant_bytes = channels.checked_mul(4).ok_or_else(|| DataProblem::Io(io::Error::other("too many channels")))?;
    if sound.rate_hz.checked_mul(instant_bytes.into()).is_none() {
        return Err(DataProblem::Io(io::Error::other(format!("{} Hz is too high a rate", sound.rate_hz))));
    }
    let spec = hound::WavSpec { channels, sample_rate: sound.rate_hz, bits_per_sample, sample_format };
    let mut file = io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).map_err(of_hound)?;
    for &x in &sound.samples {
        let written = if is_pcm { writer.write_sample((x * FULL_SCALE) as i16) } else { writer.write_sample(x) };
        written.map_err(of_hound)?;
    }
    writer.finalize().map_err(of_hound)?;
    Ok(file.into_inner())
}

fn malformed(what: impl Into<String>) -> WavProblem {
    WavProblem::Malformed(what.into())
}

/// The samples' bytes, `declared` of them.
fn data_bytes(body: &[u8], declared: u32) -> Result<&[u8], WavProblem> {
    if declared == LENGTH_UNKNOWN {
        return Ok(body);
    }
    body.get(..declared as usize).ok_or(WavProblem::CutOff { present: body.len(), declared })
}

/// How samples are stored.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    /// Offset binary, 128 is zero.
    Pcm8,
    /// Two's complement, 2 to 4 bytes.
    Pcm {
        n_bytes: usize,
    },
    Float32,
}

/// The fmt chunk.
#[derive(Debug, Clone, Copy)]
struct Format {
    encoding: Encoding,
    n_channels: usize,
    rate_hz: u32,
}

impl Format {
    /// Source of the layout: Microsoft's `WAVEFORMATEX` and `WAVEFORMATEXTENSIBLE`.
    fn parse(chunk: &[u8]) -> Result<Self, WavProblem> {
        let u16_at = |at: usize| chunk.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
        let u16_at = |at| u16_at(at).ok_or_else(|| malformed(format!("its fmt chunk has only {} bytes", chunk.len())));

        let mut code = u16_at(0)?;
        let n_channels = usize::from(u16_at(2)?);
        let rate_hz = u32::from(u16_at(4)?) | u32::from(u16_at(6)?) << 16;
        let block_align = usize::from(u16_at(12)?);
        let bits = u16_at(14)?;
        if code == CODE_EXTENSIBLE {
            code = u16_at(24)?;
        }

        let (encoding, sample_bytes) = match (code, bits) {
            (CODE_PCM, 8) => (Encoding::Pcm8, 1),
            (CODE_PCM, 16 | 24 | 32) => (Encoding::Pcm { n_bytes: usize::from(bits / 8) }, usize::from(bits / 8)),
            (CODE_FLOAT, 32) => (Encoding::Float32, 4),
            (CODE_PCM | CODE_FLOAT, bits) => return Err(WavProblem::Width { bits }),
            (code, _) => return Err(WavProblem::Compressed { code, name: name_of_code(code) }),
        };
        if n_channels == 0 || rate_hz == 0 {
            return Err(malformed(format!("it declares {n_channels} channels at {rate_hz} Hz")));
        }
        if block_align != n_channels * sample_bytes {
            return Err(malformed(format!(
                "its block is {block_align} bytes, expected {n_channels} channels of {sample_bytes} bytes"
            )));
        }
        Ok(Self { encoding, n_channels, rate_hz })
    }

    fn decode(&self, data: &[u8]) -> Result<Sound, WavProblem> {
        let sample_bytes = match self.encoding {
            Encoding::Pcm8 => 1,
            Encoding::Pcm { n_bytes } => n_bytes,
            Encoding::Float32 => 4,
        };
        let block = sample_bytes * self.n_channels;
        if !data.len().is_multiple_of(block) {
            return Err(malformed(format!("{} bytes of samples are not a whole number of {block}-byte blocks", data.len())));
        }
        let samples: Vec<f32> = match self.encoding {
            Encoding::Pcm8 => data.iter().map(|&byte| (f32::from(byte) - 128.0) / 128.0).collect(),
            Encoding::Pcm { n_bytes } => data.chunks_exact(n_bytes).map(real_from_pcm).collect(),
            Encoding::Float32 => data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        };
        if let Some(index) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(WavProblem::NotFinite { index, value: samples[index] });
        }
        Ok(Sound { rate_hz: self.rate_hz, n_channels: self.n_channels, samples })
    }
}

/// Little-endian two's complement of 2 to 4 bytes, full scale is 1.
fn real_from_pcm(bytes: &[u8]) -> f32 {
    // Put at the top of 32 bits, every width has the same sign bit and the same full scale.
    let mut wide = [0; 4];
    wide[4 - bytes.len()..].copy_from_slice(bytes);
    (f64::from(i32::from_le_bytes(wide)) / 2_147_483_648.0) as f32
}

fn name_of_code(code: u16) -> &'static str {
    match code {
        0x0002 => "Microsoft ADPCM",
        0x0006 => "A-law",
        0x0007 => "mu-law",
        0x0011 => "IMA ADPCM",
        0x0031 => "GSM 6.10",
        0x0055 => "MP3",
        0x00FF => "AAC",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests;
