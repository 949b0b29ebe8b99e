//! One clip on the disk, while it is recorded.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::clip::{Clip, Encoding, Ended, Kind};
use super::timeline::Placed;
use super::{Anchors, RecordingError, at};
use crate::data::MAX_FILE_BYTES;

/// How often header and clip are brought up to date.
const KEEP: Duration = Duration::from_millis(500);
/// Bytes of the header of a WAV file as it is written here.
pub(super) const WAV_HEADER: usize = 44;

/// A clip that is being recorded.
#[derive(Debug)]
pub struct ClipWriter {
    clip: Clip,
    anchors: Anchors,
    path: PathBuf,
    file: File,
    bytes: u64,
    kept: Instant,
    /// Text of a block, before it is written.
    text: Vec<u8>,
}

/// What a clip has become.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClipSummary {
    /// The samples.
    pub path: PathBuf,
    /// The sensor's name.
    pub sensor: String,
    /// Instants that are stored.
    pub instants: u64,
    /// Their length, by the sensor's rate.
    pub seconds: f64,
    /// At how many places instants are missing.
    pub gaps: u64,
    /// How many are missing.
    pub missing: u64,
}

impl ClipWriter {
    /// Begins a clip: `stem` with `.wav` or `.csv`, and `.ron`. Nothing is overwritten.
    ///
    /// # Errors
    /// There is such a file, or it cannot be written.
    pub fn create(folder: &Path, stem: &str, clip: Clip) -> Result<Self, RecordingError> {
        let extension = if clip.sensor.kind == Kind::Audio { "wav" } else { "csv" };
        let path = folder.join(format!("{stem}.{extension}"));
        let file = File::options().write(true).create_new(true).open(&path).map_err(at(&path))?;
        let text = Vec::new();
        let mut writer = Self { clip, anchors: Anchors::default(), path, file, bytes: 0, kept: Instant::now(), text };
        let head = if writer.is_sound() { writer.wav_header() } else { writer.column_names().into_bytes() };
        writer.write(&head)?;
        writer.keep()?;
        Ok(writer)
    }

    /// The samples' file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of it so far; times and gaps up to the last time it was brought up to date.
    pub fn clip(&self) -> &Clip {
        &self.clip
    }

    /// The same, to set what went wrong on the link.
    pub fn clip_mut(&mut self) -> &mut Clip {
        &mut self.clip
    }

    /// Adds the instants of a block, as they came from the board. They are handed to the system at once.
    ///
    /// # Errors
    /// The disk is full, or the file as long as it may be.
    pub fn append(&mut self, placed: Placed, instants: &[u8]) -> Result<(), RecordingError> {
        let n_instants = (instants.len() / self.clip.sensor.instant_bytes()) as u64;
        let (first, time_us, period_us) = (self.clip.instants, placed.time_us, placed.period_us);
        match placed.gap {
            // Beyond the gaps that are listed, anchors may smooth over them: a link that is always bad takes no memory without end.
            Some(gap) if self.clip.add_gap(gap) => self.anchors.jump(first, time_us),
            _ => self.anchors.push(first, time_us),
        }
        if n_instants > 1 {
            self.anchors.push(first + n_instants - 1, time_us + (n_instants - 1) as f64 * period_us);
        }
        if self.is_sound() {
            self.write(instants)?;
        } else {
            let mut text = std::mem::take(&mut self.text);
            text.clear();
            self.rows(&mut text, time_us, period_us, instants);
            let written = self.write(&text);
            self.text = text;
            written?;
        }
        self.clip.instants += n_instants;
        self.tick()
    }

    /// Brings header and clip up to date, if that is due. Call it at least once a second, samples or none.
    ///
    /// # Errors
    /// The disk is full.
    pub fn tick(&mut self) -> Result<(), RecordingError> {
        if self.kept.elapsed() >= KEEP { self.keep() } else { Ok(()) }
    }

    /// Ends the clip.
    ///
    /// # Errors
    /// The disk is full. What was brought up to date before stays.
    pub fn finish(mut self, ended: Ended) -> Result<ClipSummary, RecordingError> {
        self.clip.ended = Some(ended);
        self.keep()?;
        self.file.sync_all().map_err(at(&self.path))?;
        let rate_hz = self.clip.sensor.rate_hz;
        Ok(ClipSummary {
            seconds: if rate_hz > 0.0 { self.clip.instants as f64 / rate_hz } else { 0.0 },
            path: self.path,
            sensor: self.clip.sensor.name,
            instants: self.clip.instants,
            gaps: self.clip.n_gaps,
            missing: self.clip.missing,
        })
    }

    fn is_sound(&self) -> bool {
        self.clip.sensor.kind == Kind::Audio
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), RecordingError> {
        if self.bytes + bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(RecordingError::Full { path: self.path.clone() });
        }
        self.file.write_all(bytes).map_err(at(&self.path))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn keep(&mut self) -> Result<(), RecordingError> {
        if self.is_sound() {
            let header = self.wav_header();
            let rewrite = |file: &mut File| {
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&header)?;
                file.seek(SeekFrom::End(0))
            };
            rewrite(&mut self.file).map_err(at(&self.path))?;
        }
        self.clip.times = self.anchors.points();
        self.clip.write(&self.path.with_extension("ron"))?;
        self.kept = Instant::now();
        Ok(())
    }

    /// A header for the samples that are there. Source of the layout: Microsoft's `WAVEFORMATEX`.
    fn wav_header(&self) -> Vec<u8> {
        let sensor = &self.clip.sensor;
        let (n_channels, width) = (sensor.channels.len().max(1) as u32, sensor.encoding.bytes() as u32);
        let rate_hz = sensor.rate_hz.round().max(1.0) as u32;
        let code: u16 = if sensor.encoding == Encoding::I16 { 1 } else { 3 };
        // The size of a file is checked against a limit below 2^32.
        let data = (self.bytes as u32).saturating_sub(WAV_HEADER as u32);
        let mut header = Vec::with_capacity(WAV_HEADER);
        header.extend(b"RIFF");
        header.extend((data + WAV_HEADER as u32 - 8).to_le_bytes());
        header.extend(b"WAVEfmt ");
        header.extend(16_u32.to_le_bytes());
        header.extend(code.to_le_bytes());
        header.extend((n_channels as u16).to_le_bytes());
        header.extend(rate_hz.to_le_bytes());
        header.extend(rate_hz.saturating_mul(n_channels * width).to_le_bytes());
        header.extend(((n_channels * width) as u16).to_le_bytes());
        header.extend((8 * width as u16).to_le_bytes());
        header.extend(b"data");
        header.extend(data.to_le_bytes());
        header
    }

    fn column_names(&self) -> String {
        // Other programs take semicolons for separators, too.
        let plain = |name: &str| name.replace(|c: char| matches!(c, ',' | ';' | '"') || c.is_control(), "_");
        let names = self.clip.sensor.channels.iter().map(|channel| plain(&channel.name));
        std::iter::once("time_us".to_owned()).chain(names).collect::<Vec<_>>().join(",") + "\n"
    }

    /// Time and real values of each instant.
    fn rows(&self, text: &mut Vec<u8>, time_us: f64, period_us: f64, instants: &[u8]) {
        let sensor = &self.clip.sensor;
        for (i, instant) in instants.chunks_exact(sensor.instant_bytes()).enumerate() {
            let time_us = (time_us + i as f64 * period_us).round().max(0.0) as u64;
            // Writing to memory does not fail.
            let _ = write!(text, "{time_us}");
            for (value, channel) in sensor.encoding.values(instant).zip(&sensor.channels) {
                let _ = write!(text, ",{}", value * channel.step);
            }
            text.push(b'\n');
        }
    }
}
