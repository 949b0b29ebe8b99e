//! Frames: kind, sequence, payload, checked by a CRC.

use core::fmt;

use super::cobs::{Decoded, Encoder, Unstuffer};
use super::crc::{crc16, crc16_of};
use super::{MAX_FRAME, MAX_PAYLOAD};

/// Why a frame or message was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The buffer is too short.
    Room,
    /// The payload is longer than [`MAX_PAYLOAD`].
    Payload,
    /// A text or list has more than 255 bytes or members.
    Count,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Room => "the buffer for a frame is too short",
            Self::Payload => "a payload of more than 4096 bytes; send it in pieces",
            Self::Count => "a text or list of more than 255",
        })
    }
}

impl core::error::Error for EncodeError {}

/// Encodes a frame into `out`, its zero included. The bytes written, at most [`super::encoded_len`].
///
/// # Errors
/// `out` is too short, or `payload` too long.
pub fn encode_frame(kind: u8, sequence: u16, payload: &[u8], out: &mut [u8]) -> Result<usize, EncodeError> {
    if payload.len() > MAX_PAYLOAD {
        return Err(EncodeError::Payload);
    }
    let [low, high] = sequence.to_le_bytes();
    let head = [kind, low, high];
    let mut encoder = Encoder::new(out)?;
    encoder.push(&head)?;
    encoder.push(payload)?;
    encoder.push(&crc16_of([&head, payload]).to_le_bytes())?;
    encoder.finish()
}

/// A frame whose CRC is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the payload is; see [`super::Report`] and [`super::Command`].
    pub kind: u8,
    /// The sender's count of its frames.
    pub sequence: u16,
    /// At most [`MAX_PAYLOAD`] bytes.
    pub payload: &'a [u8],
}

/// What is wrong with the bytes up to a zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadFrame {
    /// The CRC is not that of the bytes.
    Crc,
    /// More bytes than a frame may have, or than the decoder's buffer.
    TooLong,
    /// No COBS, or fewer bytes than the shortest frame.
    Malformed,
}

/// How many frames were bad, by what was wrong. Counts stop at their largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BadFrames {
    /// [`BadFrame::Crc`].
    pub crc: u32,
    /// [`BadFrame::TooLong`].
    pub too_long: u32,
    /// [`BadFrame::Malformed`].
    pub malformed: u32,
}

impl BadFrames {
    /// All of them.
    pub fn total(&self) -> u32 {
        self.crc.saturating_add(self.too_long).saturating_add(self.malformed)
    }

    fn count(&mut self, bad: BadFrame) {
        let count = match bad {
            BadFrame::Crc => &mut self.crc,
            BadFrame::TooLong => &mut self.too_long,
            BadFrame::Malformed => &mut self.malformed,
        };
        *count = count.saturating_add(1);
    }
}

/// Finds frames in a stream of bytes. `B` is the buffer, an array or a borrowed slice; [`MAX_FRAME`] bytes take every frame, fewer
/// only shorter ones.
#[derive(Clone, Debug)]
pub struct Decoder<B> {
    buffer: B,
    len: usize,
    unstuffer: Unstuffer,
    /// The bytes since the last zero are more than fit.
    overflowed: bool,
    /// Something came since the last zero.
    begun: bool,
    bad: BadFrames,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Decoder<B> {
    /// A decoder that may meet the stream anywhere: up to the first zero it is out of step.
    pub fn new(buffer: B) -> Self {
        Self { buffer, len: 0, unstuffer: Unstuffer::default(), overflowed: false, begun: false, bad: BadFrames::default() }
    }

    /// Takes a byte. A frame, or what is wrong with it, at the zero that ends it.
    pub fn push(&mut self, byte: u8) -> Option<Result<Frame<'_>, BadFrame>> {
        if byte == 0 {
            return self.end();
        }
        self.begun = true;
        if let Decoded::Byte(byte) = self.unstuffer.push(byte) {
            match self.buffer.as_mut().get_mut(self.len) {
                Some(place) if self.len < MAX_FRAME => {
                    *place = byte;
                    self.len += 1;
                }
                _ => self.overflowed = true,
            }
        }
        None
    }

    /// How many frames were bad so far.
    pub fn bad(&self) -> BadFrames {
        self.bad
    }

    fn end(&mut self) -> Option<Result<Frame<'_>, BadFrame>> {
        let (len, unstuffer) = (self.len, self.unstuffer);
        let (begun, overflowed) = (self.begun, self.overflowed);
        (self.len, self.unstuffer, self.begun, self.overflowed) = (0, Unstuffer::default(), false, false);
        if !begun {
            return None;
        }
        let bytes = &self.buffer.as_ref()[..len];
        let frame = match (overflowed, unstuffer.is_whole()) {
            (true, _) => Err(BadFrame::TooLong),
            (false, false) => Err(BadFrame::Malformed),
            (false, true) => check(bytes),
        };
        if let Err(bad) = frame {
            self.bad.count(bad);
        }
        Some(frame)
    }
}

/// A frame of these decoded bytes.
fn check(bytes: &[u8]) -> Result<Frame<'_>, BadFrame> {
    let (content, crc) = bytes.split_last_chunk::<2>().ok_or(BadFrame::Malformed)?;
    let (&[kind, low, high], payload) = content.split_first_chunk().ok_or(BadFrame::Malformed)?;
    if crc16(content) != u16::from_le_bytes(*crc) {
        return Err(BadFrame::Crc);
    }
    Ok(Frame { kind, sequence: u16::from_le_bytes([low, high]), payload })
}
