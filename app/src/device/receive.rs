//! Bytes from a board into blocks of instants, other reports, and counts of what went wrong.

use std::collections::HashMap;
use std::io::Write;

use serde::Serialize;
use tinsmith_core::data::lines::{Beginning, LineReader};
use tinsmith_core::data::recording::{Block, BoardInfo, ChannelInfo, Counts, Encoding, Kind, Pace, SensorInfo, Sequence, Stamp};
use tinsmith_runtime::link::{BadFrames, Command, Decoder, MAX_ENCODED, MAX_FRAME, MAX_PAYLOAD, Report};

use super::Way;

/// What has come through a port, and what went wrong, since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LinkCounts {
    /// Bytes.
    pub bytes: u64,
    /// Sound frames.
    pub frames: u64,
    /// Frames whose checksum was wrong.
    pub bad_crc: u64,
    /// Frames that were too long.
    pub too_long: u64,
    /// Frames that were none.
    pub malformed: u64,
    /// Frames that did not arrive, or were bad.
    pub lost_frames: u64,
    /// Sound frames that say nothing that is known here.
    pub unknown: u64,
    /// Readings of plain lines.
    pub rows: u64,
    /// Lines that were no readings.
    pub skipped_lines: u64,
    /// Readings of plain lines a second, as measured.
    pub rate_hz: Option<f64>,
}

impl LinkCounts {
    /// What a clip keeps of it, since it had been `before`.
    pub fn since(&self, before: &Self) -> Counts {
        Counts {
            crc: self.bad_crc.saturating_sub(before.bad_crc),
            too_long: self.too_long.saturating_sub(before.too_long),
            malformed: self.malformed.saturating_sub(before.malformed),
            lost_frames: self.lost_frames.saturating_sub(before.lost_frames),
            skipped_lines: self.skipped_lines.saturating_sub(before.skipped_lines),
        }
    }

    fn set_bad(&mut self, bad: BadFrames) {
        (self.bad_crc, self.too_long, self.malformed) = (bad.crc.into(), bad.too_long.into(), bad.malformed.into());
    }
}

/// What was heard.
#[derive(Debug)]
pub enum Heard<'a> {
    /// Instants of a sensor.
    Block(Block<'a>),
    /// Anything else.
    Report(Report<'a>),
}

/// A command as a frame.
pub fn encode_command(command: &Command<'_>, sequence: u16) -> Vec<u8> {
    let (mut scratch, mut out) = (vec![0; MAX_PAYLOAD], vec![0; MAX_ENCODED]);
    let len = command.encode(sequence, &mut scratch, &mut out).unwrap_or_else(|error| {
        // Pieces are cut to fit; everything else is short.
        log::error!("a command that is not sent: {error}");
        0
    });
    out.truncate(len);
    out
}

/// One board's bytes.
#[derive(Debug)]
pub enum Receive {
    /// As frames.
    Frames(Box<Frames>),
    /// As lines.
    Lines(Box<Lines>),
}

impl Receive {
    /// A receiver for a board that talks so.
    pub fn new(way: Way) -> Self {
        match way {
            Way::Frames => Self::Frames(Box::new(Frames::new())),
            Way::Lines => Self::Lines(Box::new(Lines::new())),
        }
    }

    /// Takes bytes that arrived at `arrival_us`.
    pub fn take(&mut self, bytes: &[u8], arrival_us: u64, heard: impl FnMut(Heard<'_>)) {
        match self {
            Self::Frames(frames) => frames.take(bytes, arrival_us, heard),
            Self::Lines(lines) => lines.take(bytes, arrival_us, heard),
        }
    }

    /// The cable was pulled and is back.
    pub fn reconnected(&mut self) {
        match self {
            Self::Frames(frames) => frames.reconnected(),
            Self::Lines(lines) => lines.reconnected(),
        }
    }

    /// What has come, and what went wrong.
    pub fn counts(&self) -> LinkCounts {
        match self {
            Self::Frames(frames) => frames.counts,
            Self::Lines(lines) => lines.counts(),
        }
    }

    /// The sensors, once they are known: those that the board has told of, or the columns of its lines.
    pub fn complete(&mut self, board: &mut BoardInfo) -> bool {
        match self {
            Self::Frames(_) => true,
            Self::Lines(lines) => {
                board.sensors = lines.sensor().into_iter().collect();
                lines.width = board.sensors.first().map(|sensor| sensor.channels.len());
                !board.sensors.is_empty()
            }
        }
    }
}

/// A stream of frames.
#[derive(Debug)]
pub struct Frames {
    decoder: Decoder<Vec<u8>>,
    sequence: Sequence,
    counts: LinkCounts,
    marks: Marks,
}

/// What happened on the way, told to each sensor with its next block: nobody knows whose instants were in what was lost.
#[derive(Debug, Default)]
struct Marks {
    losses: u64,
    reconnections: u64,
    /// Both, as each sensor was told last.
    told: HashMap<u8, (u64, u64)>,
}

impl Marks {
    /// Whether something was lost, and whether the cable was pulled, since the sensor's last block.
    fn tell(&mut self, sensor: u8) -> (bool, bool) {
        let now = (self.losses, self.reconnections);
        let before = self.told.insert(sensor, now).unwrap_or_default();
        (before.0 < now.0, before.1 < now.1)
    }
}

impl Frames {
    fn new() -> Self {
        let decoder = Decoder::new(vec![0; MAX_FRAME]);
        Self { decoder, sequence: Sequence::default(), counts: LinkCounts::default(), marks: Marks::default() }
    }

    fn reconnected(&mut self) {
        self.sequence.restart();
        self.marks.reconnections += 1;
    }

    fn take(&mut self, bytes: &[u8], arrival_us: u64, mut heard: impl FnMut(Heard<'_>)) {
        self.counts.bytes += bytes.len() as u64;
        for &byte in bytes {
            let Some(Ok(frame)) = self.decoder.push(byte) else { continue };
            self.counts.frames += 1;
            self.marks.losses += u64::from(self.sequence.next(frame.sequence) > 0);
            match Report::decode(&frame) {
                Ok(Report::Samples { sensor, time_us, dropped, instants }) => {
                    let (lost, reconnected) = self.marks.tell(sensor);
                    let stamp = Stamp { time_us, dropped, lost, reconnected, arrival_us };
                    heard(Heard::Block(Block { sensor, stamp, instants }));
                }
                Ok(report) => heard(Heard::Report(report)),
                Err(_) => self.counts.unknown += 1,
            }
        }
        self.counts.set_bad(self.decoder.bad());
        self.counts.lost_frames = self.sequence.lost();
    }
}

/// A stream of plain lines: one sensor, whose readings bear no time stamps.
#[derive(Debug)]
pub struct Lines {
    reader: LineReader,
    pace: Pace,
    /// The readings of one arrival, as float32.
    instants: Vec<u8>,
    bytes: u64,
    /// Readings so far, those before the cable was pulled included.
    rows: u64,
    /// Lines that were none, those that the present reader has counted left out.
    skipped: u64,
    /// Values of a reading, once the sensor was told: from then on, others are none of its.
    width: Option<usize>,
    reconnected: bool,
}

impl Lines {
    fn new() -> Self {
        let reader = LineReader::new(Beginning::Anywhere);
        let (pace, instants) = (Pace::default(), Vec::new());
        Self { reader, pace, instants, bytes: 0, rows: 0, skipped: 0, width: None, reconnected: false }
    }

    fn reconnected(&mut self) {
        self.skipped += self.reader.counts().skipped();
        self.reader = LineReader::new(Beginning::Anywhere);
        self.pace.restart();
        self.reconnected = true;
    }

    fn take(&mut self, bytes: &[u8], arrival_us: u64, mut heard: impl FnMut(Heard<'_>)) {
        self.bytes += bytes.len() as u64;
        self.instants.clear();
        let (instants, skipped, width, mut n_rows) = (&mut self.instants, &mut self.skipped, self.width, 0);
        self.reader.push(bytes, |row| {
            if width.is_some_and(|width| width != row.len()) {
                *skipped += 1;
                return;
            }
            n_rows += 1;
            // Writing to memory does not fail.
            row.iter().for_each(|value| drop(instants.write_all(&(*value as f32).to_le_bytes())));
        });
        if n_rows > 0 {
            self.rows += n_rows as u64;
            let time_us = self.pace.arrived(n_rows, arrival_us) as u64;
            let stamp = Stamp { time_us, arrival_us, reconnected: std::mem::take(&mut self.reconnected), ..Stamp::default() };
            heard(Heard::Block(Block { sensor: 0, stamp, instants: &self.instants }));
        }
    }

    fn sensor(&self) -> Option<SensorInfo> {
        let (n_columns, rate_hz) = (self.reader.columns()?, self.pace.rate_hz()?);
        let named = |i: usize| self.reader.names().get(i).cloned().unwrap_or_else(|| format!("value{}", i + 1));
        let channel = |i| ChannelInfo { name: named(i), unit: String::new(), step: 1.0 };
        let channels = (0..n_columns).map(channel).collect();
        Some(SensorInfo { id: 0, name: "lines".to_owned(), kind: Kind::Other, rate_hz, encoding: Encoding::F32, channels })
    }

    fn counts(&self) -> LinkCounts {
        LinkCounts {
            bytes: self.bytes,
            rows: self.rows,
            skipped_lines: self.skipped + self.reader.counts().skipped(),
            rate_hz: self.pace.rate_hz(),
            ..LinkCounts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a line each 10 ms from `from_us` on. Of each block, its instants and whether the cable was out before it.
    fn lines(receive: &mut Receive, from_us: u64, lines: &[&str]) -> Vec<(usize, u64, bool)> {
        let mut blocks = Vec::new();
        for (i, line) in lines.iter().enumerate() {
            receive.take(format!("{line}\n").as_bytes(), from_us + 10_000 * i as u64, |heard| {
                let Heard::Block(block) = heard else { panic!("{heard:?}") };
                blocks.push((block.instants.len(), block.stamp.time_us, block.stamp.reconnected));
            });
        }
        blocks
    }

    #[test]
    fn plain_lines_keep_their_width_and_their_gaps() {
        let mut receive = Receive::new(Way::Lines);
        lines(&mut receive, 0, &["1,2"; 100]);
        let mut board = BoardInfo::default();
        assert!(receive.complete(&mut board));
        assert_eq!(board.sensors[0].channels.len(), 2);
        // Another sketch prints as if it were this one.
        lines(&mut receive, 995_000, &["hello"]);
        let blocks = lines(&mut receive, 1_000_000, &["1,2,3"; 20]);
        assert_eq!(blocks, []);
        let before = receive.counts();
        assert_eq!(before.skipped_lines, 21);
        lines(&mut receive, 1_200_000, &["1,2"; 20]);
        let before_us = 1_390_000;
        receive.reconnected();
        assert_eq!(receive.counts().skipped_lines, 21, "what was skipped before is still counted");
        let blocks = lines(&mut receive, before_us + 5_000_000, &["1,2"; 20]);
        assert_eq!(blocks.iter().map(|block| block.2).filter(|reconnected| *reconnected).count(), 1);
        let (len, time_us, reconnected) = blocks[0];
        assert!(reconnected && len > 0 && len % 8 == 0, "{blocks:?}");
        assert!(time_us.abs_diff(before_us + 5_000_000) < 50_000, "{time_us}");
    }
}
