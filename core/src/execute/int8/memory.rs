//! Aligned bytes, and several views into one arena at once.

use std::ops::Range;

use super::Operand;

/// Where the arena begins, and every tensor in it: a cache line, and the widest vector register.
pub(super) const ALIGNMENT: usize = 64;

/// Bytes whose first one lies at a multiple of [`ALIGNMENT`].
#[derive(Debug)]
pub(crate) struct AlignedBytes {
    words: Vec<u64>,
    /// Words to skip until the alignment is met.
    skip: usize,
    len: usize,
}

impl AlignedBytes {
    /// `len` zeros.
    pub(super) fn zeroed(len: usize) -> Self {
        let words = vec![0_u64; (len + ALIGNMENT).div_ceil(8)];
        // A whole line is spare. Should the offset not be computable, the bytes are merely less aligned.
        let skip = Some(words.as_ptr().align_offset(ALIGNMENT)).filter(|skip| *skip < ALIGNMENT / 8).unwrap_or(0);
        Self { words, skip, len }
    }

    /// A copy of `bytes`.
    pub(super) fn copy_of(bytes: &[u8]) -> Self {
        let mut this = Self::zeroed(bytes.len());
        this.bytes_mut().copy_from_slice(bytes);
        this
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words[self.skip..])[..self.len]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words[self.skip..])[..self.len]
    }
}

impl PartialEq for AlignedBytes {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for AlignedBytes {}

/// The arena while one tensor of it is being written: everything before that tensor and everything after.
pub(super) struct Views<'a> {
    before: &'a [u8],
    after: &'a [u8],
    after_start: usize,
}

impl<'a> Views<'a> {
    /// The bytes to write, and a view of the rest.
    pub(super) fn around(arena: &'a mut [u8], output: Range<usize>) -> (&'a mut [u8], Self) {
        let (before, rest) = arena.split_at_mut(output.start);
        let (bytes, after) = rest.split_at_mut(output.len());
        (bytes, Self { before, after, after_start: output.end })
    }

    /// The bytes of sample `sample` of `n`. The plan keeps operands and result apart.
    #[inline]
    pub(super) fn sample<'b>(&'b self, operand: &'b Operand, sample: usize, n: usize) -> &'b [u8] {
        match operand {
            Operand::Arena(slot) => self.range(slot.offset * n + sample * slot.len, slot.len),
            Operand::Constant(bytes) => bytes.bytes(),
        }
    }

    /// The bytes of all `n` samples; those of a constant are the same for each and come once.
    #[inline]
    pub(super) fn all<'b>(&'b self, operand: &'b Operand, n: usize) -> &'b [u8] {
        match operand {
            Operand::Arena(slot) => self.range(slot.offset * n, slot.len * n),
            Operand::Constant(bytes) => bytes.bytes(),
        }
    }

    fn range(&self, start: usize, len: usize) -> &[u8] {
        match start.checked_sub(self.after_start) {
            Some(start) => &self.after[start..start + len],
            None => &self.before[start..start + len],
        }
    }
}
