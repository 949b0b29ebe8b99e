//! What is always there is taken away, loudness is evened out, and the rest becomes a logarithm.

use super::bit_length;

/// Bits behind the point of smoothing factors.
const SMOOTHING_BITS: u32 = 14;
/// Bits behind the point of the ratio of signal to noise.
const RATIO_BITS: u32 = 12;
/// Bits behind the point of an evened signal.
const GAINED_BITS: u32 = 6;

/// Subtracts a running estimate of the noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoiseReduction {
    /// Bits by which signals are scaled up in the estimate.
    pub smoothing_bits: u32,
    /// How fast the estimate of channels 0, 2, 4, … follows, Q14.
    pub even_smoothing: u16,
    /// That of channels 1, 3, 5, …
    pub odd_smoothing: u16,
    /// What stays of a signal at least, Q14.
    pub min_signal_remaining: u16,
}

impl NoiseReduction {
    /// The signal without noise; the estimate follows.
    pub(super) fn apply(&self, channel: usize, signal: u32, estimate: &mut u32) -> u32 {
        let smoothing = u64::from(if channel.is_multiple_of(2) { self.even_smoothing } else { self.odd_smoothing });
        let scaled = signal.wrapping_shl(self.smoothing_bits);
        let kept = (1_u64 << SMOOTHING_BITS).wrapping_sub(smoothing);
        let next = u64::from(scaled).wrapping_mul(smoothing).wrapping_add(u64::from(*estimate).wrapping_mul(kept));
        *estimate = (next >> SMOOTHING_BITS) as u32;
        let noise = (*estimate).min(scaled);
        let floor = ((u64::from(signal) * u64::from(self.min_signal_remaining)) >> SMOOTHING_BITS) as u32;
        ((scaled - noise) >> self.smoothing_bits).max(floor)
    }
}

/// Numbers of a table of gains: two for the noise levels 0 and 1, then four for each power of two, of which three are used.
pub const GAIN_TABLE_LEN: usize = 4 * 32 - 3;

/// Automatic gain: signals count by their ratio to the noise ("per-channel amplitude normalization").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gain<'a> {
    /// Gain for noise levels: `[0]` and `[1]` for 0 and 1, then for each power of two the gain there, and slope and curvature
    /// up to the next.
    pub table: &'a [i16; GAIN_TABLE_LEN],
    /// Bits by which the product of signal and gain is shifted down to a ratio, Q12.
    pub shift: u32,
}

impl Gain<'_> {
    /// The signal, evened out and compressed.
    pub(super) fn apply(&self, signal: u32, noise: u32) -> u32 {
        // A slope that is too steep for 16 bits makes a gain negative; it then counts as 32 bits without a sign.
        let gain = u64::from(i32::from(self.of(noise)) as u32);
        let ratio = (u64::from(signal).wrapping_mul(gain) >> self.shift) as u32;
        if ratio < 2 << RATIO_BITS {
            return ratio.wrapping_mul(ratio) >> (2 + 2 * RATIO_BITS - GAINED_BITS);
        }
        (ratio >> (RATIO_BITS - GAINED_BITS)) - (1 << GAINED_BITS)
    }

    /// Gain for a noise level, by a parabola between powers of two.
    fn of(&self, noise: u32) -> i16 {
        if noise <= 2 {
            return self.table[noise as usize];
        }
        let interval = bit_length(noise.into());
        let at = 4 * interval as usize - 6;
        let [level, slope, curvature] = [self.table[at], self.table[at + 1], self.table[at + 2]];
        let fraction = if interval < 11 { noise << (11 - interval) } else { noise >> (interval - 11) } & 0x3FF;
        let fraction = fraction as i32;
        let bend = ((i32::from(curvature) * fraction) >> 5) + (i32::from(slope) << 5);
        let rise = (bend.wrapping_mul(fraction).wrapping_add(1 << 14)) >> 15;
        (rise + i32::from(level)) as i16
    }
}

/// `2^shift * ln(x * 2^correction)`; 0 for what is no more than 1.
pub(super) fn logarithm(x: u32, correction: i32, shift: u32) -> u32 {
    /// `ln 2`, Q16.
    const LN_2: u64 = 45_426;
    let x = if correction < 0 { x >> -correction } else { x.wrapping_shl(correction as u32) };
    if x <= 1 {
        return 0;
    }
    let whole = bit_length(x.into()) - 1;
    let base_2 = u64::from((whole << 16) + fraction_of_log2(x, whole));
    let natural = (LN_2 * base_2 + (1 << 15)) >> 16;
    (((natural << shift) + (1 << 15)) >> 16) as u32
}

/// `log2(x) - whole`, Q16, by straight lines between the points of a table.
fn fraction_of_log2(x: u32, whole: u32) -> u32 {
    /// A piece of the table, Q16.
    const PIECE: u32 = 1 << 9;
    let above = x - (1 << whole);
    let above = if whole < 16 { above << (16 - whole) } else { above >> (whole - 16) };
    let piece = (above / PIECE) as usize;
    let (low, high) = (i32::from(LOG2_BEND[piece]), i32::from(LOG2_BEND[piece + 1]));
    let part = ((high - low) * (above % PIECE) as i32) >> 16;
    (above as i32 + low + part) as u32
}

/// `log2(1 + k / 128) - k / 128`, Q16, rounded.
const LOG2_BEND: [u16; 130] = log2_bends();

const fn log2_bends() -> [u16; 130] {
    let mut bends = [0; 130];
    let mut k = 0;
    while k < 128 {
        bends[k] = ((log2_q20(128 + k as u64) + 8) >> 4) as u16 - (k as u16) * 512;
        k += 1;
    }
    bends
}

/// `log2(x / 128)` for `x` in `128..256`, Q20: digit by digit, each by squaring.
const fn log2_q20(x: u64) -> u32 {
    let mut x = (x as u128) << (62 - 7);
    let mut log = 0;
    let mut digit = 0;
    while digit < 20 {
        x = (x * x) >> 62;
        log <<= 1;
        if x >> 63 != 0 {
            x >>= 1;
            log |= 1;
        }
        digit += 1;
    }
    log
}
