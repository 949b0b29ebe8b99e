//! Mel bands of a spectrum and their square roots.

use super::bit_length;
use super::fft::Complex16;

/// Neighbouring bins that belong to two bands: falling weights of the one before, rising ones of the one after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// First bin of the spectrum.
    pub first_bin: usize,
    /// Its weight's place among all weights.
    pub first_weight: usize,
    /// Bins.
    pub len: usize,
}

/// Shares of a bin, Q12; together nearly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Weight {
    /// That of this band.
    pub this: i16,
    /// That of the next.
    pub next: i16,
}

impl Band {
    /// The power that this band and the next one have of these bins.
    pub(super) fn sum(&self, spectrum: &[Complex16], weights: &[Weight]) -> (u64, u64) {
        let bins = &spectrum[self.first_bin..self.first_bin + self.len];
        let weights = &weights[self.first_weight..self.first_weight + self.len];
        bins.iter().zip(weights).fold((0, 0), |(this, next), (bin, weight)| {
            let square = |x: i16| (i32::from(x) * i32::from(x)) as u32;
            let power = u64::from(square(bin.re).wrapping_add(square(bin.im)));
            let times = |share: i16| power.wrapping_mul(i64::from(share) as u64);
            (this.wrapping_add(times(weight.this)), next.wrapping_add(times(weight.next)))
        })
    }
}

/// The nearest whole number to the square root; no larger than 16 bits for what fits 32, than 32 for the rest.
pub(super) fn square_root(x: u64) -> u32 {
    let mut rest = x;
    let mut root = 0;
    let mut bit = 1_u64 << (bit_length(x).saturating_sub(1) & !1);
    while bit != 0 {
        if rest >= root + bit {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    let largest = if x >> 32 == 0 { u64::from(u16::MAX) } else { u64::from(u32::MAX) };
    (if rest > root && root != largest { root + 1 } else { root }) as u32
}
