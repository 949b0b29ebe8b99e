//! Packed sound: FLAC and MP3.

use std::io::Cursor;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use crate::data::wav::Sound;
use crate::data::{DataProblem, MAX_FILE_BYTES};

/// MP3 at its lowest rate, 8 kbit/s at 48 kHz in two channels, unfolds 96 samples for a byte; FLAC packs quiet sound some times tighter.
const MAX_SAMPLES_A_BYTE: usize = 400;
/// A short file of silence may unfold to this.
const FREE_SAMPLES: usize = 1 << 22;
/// What it unfolds to has to be read again as a WAV file of floats.
const MOST_SAMPLES: usize = (MAX_FILE_BYTES / 4) as usize - 64;

/// What packed sound bytes begin as.
pub fn format_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'f', b'L', b'a', b'C', ..] => Some("FLAC"),
        [b'I', b'D', b'3', ..] => Some("MP3"),
        // A frame's eleven bits of sync; then a version and layer III, which a byte order mark does not have.
        [0xFF, second, third, ..] if second & 0xE6 == 0xE2 && second & 0x18 != 0x08 && third >> 4 != 15 => Some("MP3"),
        _ => None,
    }
}

/// Decodes FLAC or MP3.
///
/// # Errors
/// [`DataProblem::Broken`]: damaged from the start, of a changing rate, or unfolding out of proportion. What is damaged in the
/// middle is refused as well: a recording with a hole would be taken for a whole one.
pub fn decode(bytes: &[u8], format: &'static str) -> Result<Sound, DataProblem> {
    let broken = |error: Error| broken(format, error.to_string());
    // The library takes what it reads along.
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes.to_vec())), Default::default());
    let probe = symphonia::default::get_probe();
    let mut reader = probe.probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default()).map_err(broken)?;
    let track = reader.default_track(TrackType::Audio);
    let parameters = track.and_then(|track| Some((track.id, track.codec_params.as_ref()?.audio()?.clone())));
    let (track, parameters) = parameters.ok_or_else(|| self::broken(format, "it has no sound".into()))?;
    let codecs = symphonia::default::get_codecs();
    let mut decoder = codecs.make_audio_decoder(&parameters, &AudioDecoderOptions::default()).map_err(broken)?;

    let mut sound = Sound { rate_hz: 0, n_channels: 0, samples: Vec::new() };
    let most = bytes.len().saturating_mul(MAX_SAMPLES_A_BYTE).clamp(FREE_SAMPLES, MOST_SAMPLES);
    let mut piece: Vec<f32> = Vec::new();
    while let Some(packet) = reader.next_packet().map_err(broken)? {
        if packet.track_id != track {
            continue;
        }
        let decoded = decoder.decode(&packet).map_err(broken)?;
        let (rate_hz, n_channels) = (decoded.spec().rate(), decoded.spec().channels().count());
        if sound.rate_hz == 0 {
            (sound.rate_hz, sound.n_channels) = (rate_hz, n_channels);
        }
        if (sound.rate_hz, sound.n_channels) != (rate_hz, n_channels) {
            return Err(self::broken(format, "its rate or its channels change".into()));
        }
        if sound.samples.len() + decoded.samples_interleaved() > most {
            return Err(self::broken(format, format!("it unfolds to more than {most} samples; cut it")));
        }
        decoded.copy_to_vec_interleaved(&mut piece);
        sound.samples.extend_from_slice(&piece);
    }
    if sound.samples.is_empty() || sound.rate_hz == 0 || sound.n_channels == 0 {
        return Err(self::broken(format, "it has no sound".into()));
    }
    Ok(sound)
}

fn broken(format: &'static str, trouble: String) -> DataProblem {
    DataProblem::Broken { format: if format == "MP3" { "MP3 file" } else { "FLAC file" }, trouble }
}
