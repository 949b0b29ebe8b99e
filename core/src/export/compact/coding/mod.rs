//! How a tensor's weights are written: every coding that can hold them is tried, the shortest is taken.
//!
//! What each looks like is said in [`tinsmith_runtime::model::coding`], which reads them.

mod entropy;
mod fixed;
#[cfg(test)]
pub(super) mod tests;

use std::fmt;

use tinsmith_runtime::model::coding::tag;

/// Which codings are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    /// One value a byte: nothing to decode.
    None,
    /// Only codings with a fixed number of bits: quick to decode.
    Fixed,
    /// All, entropy codes among them: shortest.
    #[default]
    Entropy,
}

/// A way to lay weights out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// One value a byte.
    Raw,
    /// Two values a byte.
    Int4,
    /// Three values, five to a byte.
    Ternary,
    /// Few values: so many bits of index for each; one bit is binary.
    Palette(u8),
    /// Small quotients, and a factor for 32 of them.
    Blocks,
    /// A bitmap of what is not zero, and bytes.
    Sparse,
    /// A bitmap of what is not zero, and indices of so many bits.
    SparsePalette(u8),
    /// Canonical prefix code over values.
    Prefix,
    /// Prefix codes over run lengths of zeros and over values.
    Runs,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw => f.write_str("int8"),
            Self::Int4 => f.write_str("int4"),
            Self::Ternary => f.write_str("ternary"),
            Self::Palette(0) => f.write_str("constant"),
            Self::Palette(1) => f.write_str("binary"),
            Self::Palette(bits) => write!(f, "palette of {bits} bits"),
            Self::Blocks => f.write_str("4 bits with a factor for 32"),
            Self::Sparse => f.write_str("sparse"),
            Self::SparsePalette(bits) => write!(f, "sparse palette of {bits} bits"),
            Self::Prefix => f.write_str("prefix code"),
            Self::Runs => f.write_str("runs and prefix code"),
        }
    }
}

/// Weights as they stand in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coded {
    pub(super) encoding: Encoding,
    pub(super) bytes: Vec<u8>,
}

/// The shortest form of `values`, which are channels of `channel_len`; among equals the one that is quicker to decode.
pub(super) fn encode(values: &[i8], channel_len: usize, coding: Coding) -> Coded {
    let mut best = Coded { encoding: Encoding::Raw, bytes: fixed::raw(values) };
    let mut offer = |candidate: Option<Coded>| {
        if let Some(candidate) = candidate.filter(|candidate| candidate.bytes.len() < best.bytes.len()) {
            best = candidate;
        }
    };
    if coding != Coding::None {
        let census = Census::of(values);
        FIXED.iter().for_each(|encode| offer(encode(values, channel_len, &census)));
        if coding == Coding::Entropy {
            ENTROPY.iter().for_each(|encode| offer(encode(values, channel_len, &census)));
        }
    }
    best
}

/// Writes values, channels of the given length, in one way; `None` if it cannot hold them.
type Encode = fn(&[i8], usize, &Census) -> Option<Coded>;

/// Quickest to decode first.
const FIXED: [Encode; 6] = [fixed::int4, fixed::palette, fixed::ternary, fixed::blocks, fixed::sparse_palette, fixed::sparse];
const ENTROPY: [Encode; 2] = [entropy::runs, entropy::prefix];

/// How often each value occurs.
struct Census {
    counts: [u64; 256],
}

impl Census {
    fn of(values: &[i8]) -> Self {
        let mut counts = [0; 256];
        values.iter().for_each(|value| counts[usize::from(*value as u8)] += 1);
        Self { counts }
    }

    /// The values that occur, smallest first.
    fn distinct(&self) -> Vec<i8> {
        (i8::MIN..=i8::MAX).filter(|value| self.counts[usize::from(*value as u8)] > 0).collect()
    }
}

/// The bits of an index into `n` values; `None` if a palette cannot have as many.
fn index_bits(n: usize) -> Option<u8> {
    (0..=7).find(|bits| n <= 1 << bits)
}

/// Bits from the most significant of each byte down; the last byte is filled up with zeros.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are taken; 0 where it is full.
    taken: u32,
}

impl BitWriter {
    /// The lowest `n` bits of `value`.
    fn put(&mut self, value: u32, n: u32) {
        for bit in (0..n).rev() {
            if self.taken == 0 {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("a byte was pushed");
            *last |= ((value >> bit & 1) as u8) << (7 - self.taken);
            self.taken = (self.taken + 1) % 8;
        }
    }
}
