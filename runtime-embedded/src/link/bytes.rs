//! Reading and writing the fields of a payload, every length checked.

use super::{EncodeError, MessageError};

/// What is left of a payload that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], MessageError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(MessageError::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(MessageError::Length)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Result<u8, MessageError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Result<u16, MessageError> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, MessageError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, MessageError> {
        self.array().map(u64::from_le_bytes)
    }

    /// 0 or 1.
    pub fn flag(&mut self) -> Result<bool, MessageError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(MessageError::Value),
        }
    }

    pub fn text(&mut self) -> Result<&'a str, MessageError> {
        let len = self.u8()?;
        utf8(self.take(usize::from(len))?)
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// Refuses bytes that nothing is known about.
    pub fn end(self) -> Result<(), MessageError> {
        if self.0.is_empty() { Ok(()) } else { Err(MessageError::Length) }
    }
}

pub fn utf8(bytes: &[u8]) -> Result<&str, MessageError> {
    core::str::from_utf8(bytes).map_err(|_| MessageError::Text)
}

/// A payload that is written.
#[derive(Debug)]
pub struct Output<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> Output<'a> {
    pub fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let place = self.out.get_mut(self.len..).and_then(|rest| rest.get_mut(..bytes.len())).ok_or(EncodeError::Room)?;
        place.copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    pub fn u8(&mut self, value: u8) -> Result<(), EncodeError> {
        self.put(&[value])
    }

    pub fn u16(&mut self, value: u16) -> Result<(), EncodeError> {
        self.put(&value.to_le_bytes())
    }

    pub fn u32(&mut self, value: u32) -> Result<(), EncodeError> {
        self.put(&value.to_le_bytes())
    }

    pub fn u64(&mut self, value: u64) -> Result<(), EncodeError> {
        self.put(&value.to_le_bytes())
    }

    /// How many there are of something that at most 255 may be of.
    pub fn count(&mut self, count: usize) -> Result<(), EncodeError> {
        u8::try_from(count).map_err(|_| EncodeError::Count).and_then(|count| self.u8(count))
    }

    pub fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        self.count(text.len())?;
        self.put(text.as_bytes())
    }
}
