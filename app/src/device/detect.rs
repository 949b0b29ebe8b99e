//! Tells frames and plain lines apart, and says what is wrong where it is neither.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tinsmith_core::data::lines::{Beginning, LineReader};
use tinsmith_core::data::recording::BoardInfo;
use tinsmith_runtime::link::{Command, Decoder, Loaded, MAX_FRAME, PROTOCOL, Report};

use super::DeviceError;
use super::port::OpenPort;
use super::receive::encode_command;

/// The rates that are tried where none is given: that of frames, that of most sketches.
const BAUDS: [u32; 2] = [921_600, 115_200];
/// How long each is tried.
const TURN: Duration = Duration::from_millis(450);
/// How often the board is asked meanwhile.
const ASK: Duration = Duration::from_millis(150);

/// How a board talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// The device link.
    Frames,
    /// Lines of numbers.
    Lines,
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct Detected {
    pub way: Way,
    /// Bits a second.
    pub baud: u32,
    /// What the board says of itself; of plain lines nothing is known.
    pub board: BoardInfo,
    /// The model on the board.
    pub model: Option<Loaded>,
}

/// What is known before a board has said anything.
pub struct Search<'a> {
    /// The port's name.
    pub name: &'a str,
    /// Bits a second; the usual ones are tried where there is none.
    pub baud: Option<u32>,
    pub patience: Duration,
    /// Nobody wants to know any more.
    pub stop: &'a AtomicBool,
}

/// Asks until it is clear who is there, or patience ends.
pub fn detect(port: &mut OpenPort, search: &Search<'_>) -> Result<Detected, DeviceError> {
    let Search { name, baud, patience, stop } = *search;
    let bauds = baud.map_or(BAUDS.to_vec(), |baud| vec![baud]);
    let end = Instant::now() + patience;
    // Of a rate at which anything came: that says more than silence.
    let mut fault = None;
    for &baud in bauds.iter().cycle() {
        port.set_baud(baud);
        let turn = if bauds.len() > 1 { (Instant::now() + TURN).min(end) } else { end };
        let mut signs = Signs::new();
        signs.listen(port, turn, stop).map_err(|_| DeviceError::Gone { port: name.to_owned() })?;
        if let Some(found) = signs.found(name, baud) {
            return found;
        }
        if signs.bytes > 0 || fault.is_none() {
            fault = Some(signs.fault(name, baud));
        }
        if Instant::now() >= end || stop.load(Ordering::Relaxed) {
            break;
        }
    }
    Err(fault.unwrap_or_else(|| DeviceError::Silent { port: name.to_owned(), baud: BAUDS[0] }))
}

/// What a port has sent so far, seen both ways.
struct Signs {
    decoder: Decoder<Vec<u8>>,
    lines: LineReader,
    bytes: u64,
    /// Bytes that a text may hold.
    printable: u64,
    sound_frames: u64,
    hello: Option<(u8, BoardInfo, Option<Loaded>)>,
}

impl Signs {
    fn new() -> Self {
        Self {
            decoder: Decoder::new(vec![0; MAX_FRAME]),
            lines: LineReader::new(Beginning::Anywhere),
            bytes: 0,
            printable: 0,
            sound_frames: 0,
            hello: None,
        }
    }

    /// Until it is clear who is there, or `end`.
    fn listen(&mut self, port: &mut OpenPort, end: Instant, stop: &AtomicBool) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let mut asked: Option<Instant> = None;
        let mut sequence = 0;
        let is_over = || Instant::now() >= end || stop.load(Ordering::Relaxed);
        while !is_over() && self.hello.is_none() && !self.are_lines() {
            if asked.is_none_or(|at| at.elapsed() >= ASK) {
                // The zero ends whatever the board has heard before.
                port.write(&[0])?;
                port.write(&encode_command(&Command::Identify, sequence))?;
                (asked, sequence) = (Some(Instant::now()), sequence + 1);
            }
            let n = port.read(&mut buffer)?;
            self.take(&buffer[..n]);
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.printable += bytes.iter().filter(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | 0x1b | b' '..=b'~')).count() as u64;
        self.lines.push(bytes, |_| {});
        for &byte in bytes {
            let Some(Ok(frame)) = self.decoder.push(byte) else { continue };
            self.sound_frames += 1;
            if let Ok(Report::Hello { protocol, number, board, firmware, sensors, model }) = Report::decode(&frame) {
                self.hello = Some((protocol, BoardInfo::new(board, number, firmware, sensors), model));
            }
        }
    }

    fn is_text(&self) -> bool {
        self.bytes > 0 && self.printable * 10 >= self.bytes * 9
    }

    fn are_lines(&self) -> bool {
        self.lines.counts().rows > 1 && self.is_text() && self.sound_frames == 0
    }

    fn found(&self, port: &str, baud: u32) -> Option<Result<Detected, DeviceError>> {
        if let Some((version, board, model)) = &self.hello {
            let port = port.to_owned();
            return Some(match *version {
                PROTOCOL => Ok(Detected { way: Way::Frames, baud, board: board.clone(), model: *model }),
                version => Err(DeviceError::Protocol { port, version, ours: PROTOCOL }),
            });
        }
        let board = BoardInfo { name: port.to_owned(), ..BoardInfo::default() };
        self.are_lines().then_some(Ok(Detected { way: Way::Lines, baud, board, model: None }))
    }

    fn fault(&self, port: &str, baud: u32) -> DeviceError {
        let (port, bad) = (port.to_owned(), self.decoder.bad());
        match () {
            () if self.bytes == 0 => DeviceError::Silent { port, baud },
            () if self.is_text() => DeviceError::Text { port },
            () if bad.too_long > bad.crc + bad.malformed => DeviceError::LongFrames { port },
            // Bytes of another rate are no COBS; frames with damage are.
            () if bad.crc > bad.malformed => DeviceError::Garbage { port, baud, bad: bad.total() },
            () => DeviceError::WrongBaud { port, baud },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> String {
        let mut signs = Signs::new();
        signs.take(bytes);
        assert!(signs.found("p", 9600).is_none());
        signs.fault("p", 9600).to_string()
    }

    #[test]
    fn each_fault_is_told_apart() {
        let noise: Vec<u8> = (0..4000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut long = vec![7; 6000];
        long.push(0);
        let mut damaged = encode_command(&Command::Identify, 1);
        damaged[1] ^= 0x20;
        for (bytes, word) in [
            (&b""[..], "silent"),
            (b"hello\nready\n", "no lines of numbers"),
            (&noise, "wrong baud"),
            (&long.repeat(3), "4096"),
            (&damaged.repeat(4), "garbage"),
        ] {
            let fault = fault(bytes);
            assert!(fault.contains(word), "{fault}");
        }
    }
}
