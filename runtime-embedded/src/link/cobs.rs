//! COBS: bytes of any value without zeros among them.

use super::EncodeError;

/// The longest block: 254 bytes that are not zero, with no zero after them.
const FULL: u8 = 255;

/// Writes bytes so that none is zero. The byte before each block says how far it is to the next.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut [u8],
    /// Where the length of the block that is being written goes.
    head: usize,
    len: usize,
}

impl<'a> Encoder<'a> {
    pub fn new(out: &'a mut [u8]) -> Result<Self, EncodeError> {
        let mut encoder = Self { out, head: 0, len: 0 };
        encoder.put(1)?;
        Ok(encoder)
    }

    pub fn push(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        for &byte in bytes {
            // Only where more follows: a full block at the very end needs no other.
            if self.out[self.head] == FULL {
                self.begin_block()?;
            }
            match byte {
                0 => self.begin_block()?,
                byte => {
                    self.put(byte)?;
                    self.out[self.head] += 1;
                }
            }
        }
        Ok(())
    }

    /// Ends with a zero. The bytes written.
    pub fn finish(mut self) -> Result<usize, EncodeError> {
        self.put(0)?;
        Ok(self.len)
    }

    fn begin_block(&mut self) -> Result<(), EncodeError> {
        self.head = self.len;
        self.put(1)
    }

    fn put(&mut self, byte: u8) -> Result<(), EncodeError> {
        *self.out.get_mut(self.len).ok_or(EncodeError::Room)? = byte;
        self.len += 1;
        Ok(())
    }
}

/// What a byte that is not zero means to a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// This byte.
    Byte(u8),
    /// No byte: the head of the first block, or of one behind a full one.
    Nothing,
}

/// Reads a frame's bytes one by one, up to its zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unstuffer {
    /// Bytes until the next head of a block.
    left: u8,
    /// The block that is being read is full, or there is none: no zero lies between it and the next.
    seamless: bool,
    started: bool,
}

impl Unstuffer {
    /// A byte that is not zero.
    pub fn push(&mut self, byte: u8) -> Decoded {
        if self.left > 0 {
            self.left -= 1;
            return Decoded::Byte(byte);
        }
        let is_zero = self.started && !self.seamless;
        *self = Self { left: byte - 1, seamless: byte == FULL, started: true };
        if is_zero { Decoded::Byte(0) } else { Decoded::Nothing }
    }

    /// Whether a frame may end here: not within a block.
    pub fn is_whole(&self) -> bool {
        self.left == 0
    }
}
