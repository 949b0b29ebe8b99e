//! Counts frames that did not arrive, by the numbers of those that did.

/// The numbers of one sender's frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequence {
    expected: Option<u16>,
    lost: u64,
}

impl Sequence {
    /// Takes the next frame's number. How many frames are missing before it.
    ///
    /// A number that lies behind what is expected, by less than half of all numbers, is that of a sender that began anew: nothing
    /// is known to be missing.
    pub fn next(&mut self, number: u16) -> u16 {
        let ahead = number.wrapping_sub(self.expected.unwrap_or(number));
        let missing = if ahead < 1 << 15 { ahead } else { 0 };
        self.expected = Some(number.wrapping_add(1));
        self.lost += u64::from(missing);
        missing
    }

    /// Begins anew, as after a cable was pulled. What was lost stays counted.
    pub fn restart(&mut self) {
        self.expected = None;
    }

    /// How many frames are missing in all.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}
