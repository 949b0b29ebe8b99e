//! Bits of a byte string, the most significant of each byte first.

/// A cursor over bits. Beyond the end it reads zeros and remembers that it did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits read ahead, at the top.
    buffer: u32,
    /// How many bits the buffer holds.
    filled: u32,
    /// Of the bits ever put in the buffer, those that no byte held.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, buffer: 0, filled: 0, made_up: 0 }
    }

    /// The next `n` bits, at most 16, without taking them.
    #[inline]
    pub(super) fn peek(&mut self, n: u32) -> u32 {
        while self.filled < n {
            let byte = match self.bytes.split_first() {
                Some((byte, rest)) => {
                    self.bytes = rest;
                    *byte
                }
                None => {
                    self.made_up = self.made_up.saturating_add(8);
                    0
                }
            };
            self.buffer |= u32::from(byte) << (24 - self.filled);
            self.filled += 8;
        }
        // Shifted in two steps: a shift by 32 is none.
        self.buffer >> 1 >> (31 - n)
    }

    /// Takes `n` bits that [`Bits::peek`] has seen.
    #[inline]
    pub(super) fn skip(&mut self, n: u32) {
        self.buffer <<= n;
        self.filled -= n;
    }

    /// The next `n` bits, at most 16.
    #[inline]
    pub(super) fn take(&mut self, n: u32) -> u32 {
        let bits = self.peek(n);
        self.skip(n);
        bits
    }

    /// Whether all that is left is less than a byte: nothing was read beyond the end, and nothing remains unread.
    pub(super) fn is_spent(&self) -> bool {
        self.bytes.is_empty() && self.made_up <= self.filled && self.filled - self.made_up < 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_from_the_top() {
        let mut bits = Bits::new(&[0b1010_0001, 0xf0]);
        assert_eq!([bits.take(1), bits.take(3), bits.take(0), bits.take(8)], [1, 0b010, 0, 0x1f]);
        assert!(bits.is_spent());
        assert_eq!(bits.take(4), 0);
        assert!(bits.is_spent());
        assert_eq!(bits.take(1), 0);
        assert!(!bits.is_spent());
        assert!(!Bits::new(&[0]).is_spent());
    }
}
