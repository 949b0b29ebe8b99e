//! Canonical prefix codes: a table is nothing but how many codes each length has, and the symbols in order of their codes.
//!
//! Decoding needs no tree and no table in RAM: left-aligned, all codes of a length are smaller than all longer ones, so one
//! comparison a bit finds the length. Source: Moffat and Turpin, "On the implementation of minimum redundancy prefix codes",
//! 1997.

use super::bits::Bits;
use crate::model::read::{Fault, Reader};

/// Longest code, in bits.
pub const MAX_CODE_BITS: usize = 15;

/// A code over bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code<'a> {
    /// Symbols, shortest code first.
    symbols: &'a [u8],
    longest: usize,
    /// By length: the first left-aligned pattern of [`MAX_CODE_BITS`] that belongs to a longer code.
    limits: [u16; MAX_CODE_BITS + 1],
    /// By length: what a code is ahead of its symbol's position, wrapping.
    ahead: [u16; MAX_CODE_BITS + 1],
}

impl<'a> Code<'a> {
    /// Longest length, number of codes of each length from 1, symbols. A longest length of zero means one symbol that takes no
    /// bits.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let longest = usize::from(reader.u8()?);
        if longest > MAX_CODE_BITS {
            return Err("a code is too long");
        }
        let counts = reader.take(longest)?;
        let n_symbols = if longest == 0 { 1 } else { counts.iter().map(|count| usize::from(*count)).sum() };
        let mut code = Self { symbols: reader.take(n_symbols)?, longest, limits: [0; 16], ahead: [0; 16] };
        let (mut first, mut position) = (0_u32, 0_u32);
        for (length, count) in (1..).zip(counts) {
            let beyond = first + u32::from(*count);
            let aligned = beyond << (MAX_CODE_BITS - length);
            code.limits[length] = u16::try_from(aligned).ok().filter(|limit| *limit <= 1 << MAX_CODE_BITS).ok_or(INCOMPLETE)?;
            code.ahead[length] = (first as u16).wrapping_sub(position as u16);
            position += u32::from(*count);
            first = beyond << 1;
        }
        // Every pattern of bits is some code.
        if longest > 0 && code.limits[longest] != 1 << MAX_CODE_BITS {
            return Err(INCOMPLETE);
        }
        Ok(code)
    }

    #[inline]
    pub(super) fn decode(&self, bits: &mut Bits<'_>) -> u8 {
        let pattern = bits.peek(MAX_CODE_BITS as u32);
        let mut length = 0;
        if self.longest > 0 {
            length = 1;
            while length < self.longest && pattern >= u32::from(self.limits[length]) {
                length += 1;
            }
        }
        bits.skip(length as u32);
        let code = (pattern >> (MAX_CODE_BITS - length)) as u16;
        self.symbols.get(usize::from(code.wrapping_sub(self.ahead[length]))).copied().unwrap_or(0)
    }
}

const INCOMPLETE: Fault = "a prefix code is not complete";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_codes_are_decoded() {
        // a: 0, b: 10, c: 110, d: 111
        let table = [3, 1, 1, 2, b'a', b'b', b'c', b'd'];
        let code = Code::read(&mut Reader::new(&table)).unwrap();
        let mut bits = Bits::new(&[0b0101_1011, 0b1000_0000]);
        let decoded = [(); 5].map(|()| code.decode(&mut bits));
        assert_eq!(&decoded, b"abcda");
        let one = Code::read(&mut Reader::new(&[0, b'z'])).unwrap();
        assert_eq!(one.decode(&mut Bits::new(&[])), b'z');
    }

    #[test]
    fn codes_that_leave_patterns_out_or_take_too_many_are_refused() {
        for table in [&[2, 1, 1, 1, 2][..], &[1, 3, 1, 2, 3], &[16], &[1, 2, 1], &[3, 1, 1, 3, 0, 0, 0, 0, 0]] {
            assert!(Code::read(&mut Reader::new(table)).is_err(), "{table:?}");
        }
    }
}
