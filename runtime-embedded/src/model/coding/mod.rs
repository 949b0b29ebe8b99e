//! How weights lie in a file, and their decoding, one output channel after the other, into a small workspace.
//!
//! Weights are `[channels, channel_len]` int8 values in order. The first byte says how they lie:
//!
//! | byte | coding | what follows | bits a weight |
//! | --- | --- | --- | --- |
//! | 0 | raw | values | 8 |
//! | 1 | int4 | values in -8..=7, two to a byte, the first in the high half | 4 |
//! | 2 | ternary | 3 values; base-3 digits, five to a byte, the first least significant | 1.6 |
//! | 3 | palette | index bits (0 to 7), number of values, values; indices | index bits |
//! | 4 | blocks | for each block of 32 values of a channel (the last may be shorter): factor 1..=15 in 4 bits, then quotients in -8..=7 in 4 bits: value = quotient × factor | 4.125 |
//! | 5 | sparse | a bit for each value, 1 where it is not zero; the values that are not zero | 1 + 8 × density |
//! | 6 | sparse palette | index bits, number of values, values; a bit for each value as above; indices of those that are not zero | 1 + index bits × density |
//! | 7 | prefix code | code; codes | near the entropy, at least 1 |
//! | 8 | runs | longest run; code of run lengths; code of values; for each value that is not zero the number of zeros before it and the value, as codes; the longest run has no value behind it | near the entropy |
//!
//! A code is its longest length in bits, how many codes each length has, from 1, and the symbols in canonical order (values as
//! their two's complement); the decoder of these is in `huffman`. Bits are taken from the most significant of each byte down; the
//! last byte is filled up with zeros.
//!
//! Why runs and a prefix code rather than an arithmetic code: after pruning most values are zero, and a prefix code spends
//! a whole bit on each. Runs of zeros take that away; what remains above the entropy is one or two hundredths of a bit a weight,
//! which a range coder would gain at the price of a multiplication and a search for each weight, zeros among them. Here
//! zeros cost a store.

mod bits;
mod huffman;

pub use huffman::MAX_CODE_BITS;

use bits::Bits;
use huffman::Code;

use super::read::{Fault, Reader, product};

/// Values that share a factor under [`tag::BLOCKS`].
pub const BLOCK_LEN: usize = 32;

/// First byte of coded weights.
pub mod tag {
    /// One value a byte.
    pub const RAW: u8 = 0;
    /// Two values a byte.
    pub const INT4: u8 = 1;
    /// Five values a byte.
    pub const TERNARY: u8 = 2;
    /// Indices into a short list of values.
    pub const PALETTE: u8 = 3;
    /// Quotients with a shared factor.
    pub const BLOCKS: u8 = 4;
    /// Bitmap and values.
    pub const SPARSE: u8 = 5;
    /// Bitmap and indices.
    pub const SPARSE_PALETTE: u8 = 6;
    /// Canonical prefix code.
    pub const PREFIX: u8 = 7;
    /// Run lengths of zeros, and values, in canonical prefix codes.
    pub const RUNS: u8 = 8;
}

/// Coded weights of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    coded: &'a [u8],
    channels: usize,
    channel_len: usize,
}

impl<'a> Weights<'a> {
    /// Weights of `channels` times `channel_len` values, coded as the module's table says. What [`Weights::check`] looks at is not
    /// looked at.
    ///
    /// # Errors
    /// In a few words what is wrong.
    pub fn new(coded: &'a [u8], channels: usize, channel_len: usize) -> Result<Self, &'static str> {
        product(&[channels, channel_len])?;
        let weights = Self { coded, channels, channel_len };
        weights.decoder()?;
        Ok(weights)
    }

    /// Whether there are exactly as many codes as values; decodes everything once where only that tells.
    ///
    /// # Errors
    /// In a few words what is wrong. Nothing panics on weights that were not checked: they decode to other values.
    pub fn check(&self) -> Result<(), &'static str> {
        self.decoder()?.check(self.channels, self.channel_len)
    }

    /// Bytes of workspace that one channel takes while it is decoded; raw weights are read where they lie.
    pub fn workspace_bytes(&self) -> usize {
        if self.coded.first() == Some(&tag::RAW) { 0 } else { self.channel_len }
    }

    /// Values of one channel.
    pub fn channel_len(&self) -> usize {
        self.channel_len
    }

    /// Decodes from the first channel on.
    ///
    /// # Errors
    /// As [`Weights::new`], which has seen to it.
    pub fn decoder(&self) -> Result<Decoder<'a>, &'static str> {
        Ok(Decoder { state: State::read(self.coded, self.channels * self.channel_len)?, channel_len: self.channel_len })
    }
}

/// Where the decoding of some weights stands.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    state: State<'a>,
    channel_len: usize,
}

impl<'a> Decoder<'a> {
    /// The next channel: in `room`, which is at least as long as [`Weights::workspace_bytes`], or where it lies in the file.
    pub fn channel<'w>(&mut self, room: &'w mut [i8]) -> &'w [i8]
    where
        'a: 'w,
    {
        if let State::Raw(values) = &mut self.state {
            let (channel, rest) = values.split_at(self.channel_len.min(values.len()));
            *values = rest;
            return channel;
        }
        let room = &mut room[..self.channel_len];
        self.state.fill(room);
        room
    }

    fn check(&mut self, channels: usize, channel_len: usize) -> Result<(), Fault> {
        let is_spent = match &mut self.state {
            // Their lengths follow from the number of values.
            State::Raw(_) | State::Int4(_) | State::Ternary(_) | State::Palette(_) => true,
            state => {
                for _ in 0..channels {
                    let mut left = channel_len;
                    while left > 0 {
                        // A whole number of blocks, so that none is cut.
                        let mut part = [0; BLOCK_LEN * 2];
                        let part = &mut part[..left.min(BLOCK_LEN * 2)];
                        state.fill(part);
                        left -= part.len();
                    }
                }
                state.is_spent()
            }
        };
        if is_spent { Ok(()) } else { Err("coded weights are not as long as they should be") }
    }
}

#[derive(Clone, Debug)]
enum State<'a> {
    Raw(&'a [i8]),
    Int4(Bits<'a>),
    Ternary(Ternary<'a>),
    Palette(Palette<'a>),
    Blocks(Bits<'a>),
    Sparse(Bits<'a>, Bits<'a>),
    SparsePalette(Bits<'a>, Palette<'a>),
    Prefix(Code<'a>, Bits<'a>),
    Runs(Runs<'a>),
}

impl<'a> State<'a> {
    fn read(coded: &'a [u8], n: usize) -> Result<Self, Fault> {
        let mut reader = Reader::new(coded);
        let tag = reader.u8()?;
        let state = match tag {
            tag::RAW => Self::Raw(bytemuck::cast_slice(reader.take(n)?)),
            tag::INT4 => Self::Int4(Bits::new(reader.take(n.div_ceil(2))?)),
            tag::TERNARY => Self::Ternary(Ternary::read(&mut reader, n)?),
            tag::PALETTE => {
                let mut palette = Palette::read(&mut reader)?;
                palette.indices = Bits::new(reader.take(product(&[n, palette.index_bits as usize])?.div_ceil(8))?);
                Self::Palette(palette)
            }
            tag::SPARSE => {
                let mask = reader.take(n.div_ceil(8))?;
                return Ok(Self::Sparse(Bits::new(mask), Bits::new(reader.rest())));
            }
            tag::SPARSE_PALETTE => {
                let mut palette = Palette::read(&mut reader)?;
                let mask = reader.take(n.div_ceil(8))?;
                palette.indices = Bits::new(reader.rest());
                return Ok(Self::SparsePalette(Bits::new(mask), palette));
            }
            tag::BLOCKS => return Ok(Self::Blocks(Bits::new(reader.rest()))),
            tag::PREFIX => {
                let code = Code::read(&mut reader)?;
                return Ok(Self::Prefix(code, Bits::new(reader.rest())));
            }
            tag::RUNS => return Ok(Self::Runs(Runs::read(&mut reader)?)),
            _ => return Err("its weights are coded in a way that is not known"),
        };
        if reader.rest().is_empty() { Ok(state) } else { Err("coded weights are too long") }
    }

    /// The next values. Except for the last piece of a channel, `out` is a whole number of blocks long.
    fn fill(&mut self, out: &mut [i8]) {
        match self {
            Self::Raw(values) => {
                let (now, rest) = values.split_at(out.len().min(values.len()));
                out[..now.len()].copy_from_slice(now);
                *values = rest;
            }
            Self::Int4(bits) => out.iter_mut().for_each(|out| *out = nibble(bits)),
            Self::Ternary(ternary) => out.iter_mut().for_each(|out| *out = ternary.next()),
            Self::Palette(palette) => out.iter_mut().for_each(|out| *out = palette.next()),
            Self::Blocks(bits) => {
                for block in out.chunks_mut(BLOCK_LEN) {
                    let factor = bits.take(4) as i8;
                    // At most 8 times 15.
                    block.iter_mut().for_each(|out| *out = nibble(bits) * factor);
                }
            }
            Self::Sparse(mask, values) => fill_sparse(mask, out, || values.take(8) as i8),
            Self::SparsePalette(mask, palette) => fill_sparse(mask, out, || palette.next()),
            Self::Prefix(code, bits) => out.iter_mut().for_each(|out| *out = code.decode(bits) as i8),
            Self::Runs(runs) => runs.fill(out),
        }
    }

    /// Whether every bit was used, once all values are decoded.
    fn is_spent(&self) -> bool {
        match self {
            Self::Raw(values) => values.is_empty(),
            Self::Int4(bits) | Self::Blocks(bits) | Self::Prefix(_, bits) | Self::Sparse(_, bits) => bits.is_spent(),
            Self::Ternary(ternary) => ternary.bytes.is_empty(),
            Self::Palette(palette) => palette.indices.is_spent(),
            Self::SparsePalette(_, palette) => palette.indices.is_spent(),
            Self::Runs(runs) => runs.bits.is_spent(),
        }
    }
}

/// Four bits with a sign.
#[inline]
fn nibble(bits: &mut Bits<'_>) -> i8 {
    ((bits.take(4) as i8) << 4) >> 4
}

/// Zeros where the mask has none, the next value elsewhere.
#[inline]
fn fill_sparse(mask: &mut Bits<'_>, out: &mut [i8], mut next: impl FnMut() -> i8) {
    for out in out {
        *out = if mask.take(1) == 1 { next() } else { 0 };
    }
}

#[derive(Clone, Debug)]
struct Ternary<'a> {
    values: [i8; 3],
    bytes: &'a [u8],
    /// Digits of the present byte that are left, as a number.
    digits: u8,
    n_digits: u8,
}

impl<'a> Ternary<'a> {
    fn read(reader: &mut Reader<'a>, n: usize) -> Result<Self, Fault> {
        let values = [reader.i8()?, reader.i8()?, reader.i8()?];
        Ok(Self { values, bytes: reader.take(n.div_ceil(5))?, digits: 0, n_digits: 0 })
    }

    #[inline]
    fn next(&mut self) -> i8 {
        if self.n_digits == 0 {
            if let Some((byte, rest)) = self.bytes.split_first() {
                (self.digits, self.bytes) = (*byte, rest);
            }
            self.n_digits = 5;
        }
        let digit = self.digits % 3;
        self.digits /= 3;
        self.n_digits -= 1;
        self.values[usize::from(digit)]
    }
}

#[derive(Clone, Debug)]
struct Palette<'a> {
    index_bits: u32,
    values: &'a [i8],
    indices: Bits<'a>,
}

impl<'a> Palette<'a> {
    /// All but the indices.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let index_bits = u32::from(reader.u8()?);
        let n_values = usize::from(reader.u8()?);
        if index_bits > 7 || n_values == 0 || n_values > 1 << index_bits {
            return Err("a palette has too many values, or none");
        }
        Ok(Self { index_bits, values: bytemuck::cast_slice(reader.take(n_values)?), indices: Bits::new(&[]) })
    }

    #[inline]
    fn next(&mut self) -> i8 {
        // An index beyond the end can stand in a forged file only.
        self.values.get(self.indices.take(self.index_bits) as usize).copied().unwrap_or(0)
    }
}

#[derive(Clone, Debug)]
struct Runs<'a> {
    longest: u8,
    run_code: Code<'a>,
    value_code: Code<'a>,
    bits: Bits<'a>,
    /// Zeros that come next.
    zeros: usize,
    /// Whether a value follows them.
    is_value_due: bool,
}

impl<'a> Runs<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let longest = reader.u8()?;
        if longest == 0 {
            return Err("the longest run of zeros has none");
        }
        let (run_code, value_code) = (Code::read(reader)?, Code::read(reader)?);
        let bits = Bits::new(reader.rest());
        Ok(Self { longest, run_code, value_code, bits, zeros: 0, is_value_due: false })
    }

    fn fill(&mut self, mut out: &mut [i8]) {
        while !out.is_empty() {
            if self.zeros > 0 {
                let (zeros, rest) = out.split_at_mut(self.zeros.min(out.len()));
                zeros.fill(0);
                self.zeros -= zeros.len();
                out = rest;
            } else if self.is_value_due {
                out[0] = self.value_code.decode(&mut self.bits) as i8;
                self.is_value_due = false;
                out = &mut out[1..];
            } else {
                let run = self.run_code.decode(&mut self.bits);
                self.zeros = usize::from(run);
                self.is_value_due = run < self.longest;
            }
        }
    }
}
