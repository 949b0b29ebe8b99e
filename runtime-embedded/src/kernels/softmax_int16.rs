//! Softmax of 16-bit values over the last axis: two tables, and straight lines between their entries.

use crate::fixed_point::{Multiplier, Rounding, round_half_away};

/// Entries of a table: both ends of 512 pieces.
const ENTRIES: usize = 513;
/// Real difference to the row's maximum at which the table of exponentials ends.
const RANGE: f64 = 10.0;
/// Longest row whose sum of exponentials stays within 32 bits.
const MAX_DEPTH: usize = 1 << 16;

/// `32768 * exp(10 * (i / 512 - 1))`, each less half the error that a straight line to the next one has in the middle.
///
/// Source: TensorFlow Lite `common.h`, `gen_lut`; held to what TensorFlow Lite Micro's SOFTMAX returns for all 65,536
/// differences.
#[rustfmt::skip]
const EXP: [i16; ENTRIES] = [
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3,
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6,
    6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 8, 8,
    8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 10, 10, 10, 10, 10, 11, 11,
    11, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15,
    15, 16, 16, 16, 17, 17, 17, 18, 18, 18, 19, 19, 19, 20, 20, 21, 21,
    21, 22, 22, 23, 23, 24, 24, 25, 25, 26, 26, 27, 27, 28, 28, 29, 29,
    30, 30, 31, 32, 32, 33, 34, 34, 35, 36, 36, 37, 37, 38, 39, 40, 40,
    42, 42, 43, 44, 45, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56,
    57, 59, 60, 60, 62, 63, 65, 65, 67, 68, 69, 71, 73, 74, 75, 77, 78,
    80, 81, 83, 85, 86, 88, 90, 92, 93, 95, 97, 99, 101, 103, 105, 107, 109,
    112, 114, 116, 118, 121, 123, 126, 128, 131, 133, 135, 139, 141, 144, 147, 149, 152,
    155, 158, 162, 165, 168, 171, 174, 178, 181, 185, 189, 192, 196, 200, 204, 208, 212,
    217, 221, 225, 230, 234, 239, 243, 248, 253, 258, 263, 268, 273, 279, 284, 290, 296,
    302, 308, 314, 320, 327, 333, 340, 346, 353, 360, 366, 374, 381, 389, 397, 404, 413,
    421, 429, 437, 446, 455, 464, 473, 482, 492, 501, 511, 522, 532, 543, 553, 564, 575,
    586, 598, 610, 622, 634, 646, 659, 672, 685, 699, 713, 727, 741, 756, 771, 786, 801,
    817, 833, 850, 866, 884, 901, 919, 937, 955, 974, 993, 1013, 1033, 1053, 1074, 1095, 1117,
    1139, 1161, 1184, 1207, 1232, 1256, 1281, 1306, 1332, 1358, 1385, 1412, 1440, 1468, 1497, 1527, 1557,
    1587, 1619, 1651, 1683, 1716, 1750, 1785, 1820, 1856, 1892, 1930, 1968, 2006, 2046, 2087, 2128, 2170,
    2212, 2256, 2300, 2346, 2392, 2439, 2488, 2537, 2587, 2638, 2690, 2743, 2796, 2852, 2908, 2966, 3024,
    3084, 3145, 3207, 3270, 3334, 3400, 3467, 3535, 3605, 3677, 3749, 3822, 3898, 3975, 4053, 4133, 4214,
    4297, 4383, 4469, 4557, 4647, 4739, 4833, 4927, 5024, 5124, 5225, 5328, 5433, 5541, 5649, 5761, 5875,
    5991, 6109, 6230, 6352, 6477, 6605, 6736, 6868, 7004, 7141, 7282, 7427, 7572, 7722, 7874, 8030, 8188,
    8350, 8514, 8683, 8854, 9028, 9206, 9387, 9572, 9762, 9954, 10151, 10351, 10555, 10763, 10976, 11191, 11412,
    11637, 11867, 12102, 12341, 12583, 12831, 13085, 13342, 13606, 13874, 14148, 14427, 14711, 15002, 15297, 15599, 15907,
    16221, 16541, 16867, 17199, 17539, 17884, 18237, 18597, 18964, 19338, 19719, 20108, 20505, 20909, 21322, 21742, 22171,
    22608, 23054, 23509, 23973, 24445, 24928, 25419, 25921, 26432, 26953, 27485, 28027, 28580, 29143, 29718, 30304, 30902,
    31512, 32133, 32767,
];

/// `32768 / (1 + i / 512)`, corrected likewise.
const RECIPROCAL: [i16; ENTRIES] = reciprocals();

const fn reciprocals() -> [i16; ENTRIES] {
    let mut table = [0; ENTRIES];
    let mut index = 0;
    while index < ENTRIES {
        let value = round_half_away(at_piece(index, 0.0));
        let bias = if index + 1 == ENTRIES {
            0
        } else {
            let line = round_half_away((at_piece(index + 1, 0.0) + value as f32) / 2.0);
            round_half_away((line - round_half_away(at_piece(index, 0.5))) as f32 / 2.0)
        };
        let corrected = value - bias;
        table[index] = if corrected > i16::MAX as i32 { i16::MAX } else { corrected as i16 };
        index += 1;
    }
    table
}

/// `32768 / (1 + x)` in single precision, `x` being `offset` into piece `index`.
const fn at_piece(index: usize, offset: f32) -> f32 {
    1.0 / (1.0 + (index as f32 + offset) / 512.0) * 32768.0
}

/// The value at `position`: 9 bits of index, 7 bits of fraction, from -32768.
fn between(table: &[i16; ENTRIES], position: i16) -> i16 {
    let index = (256 + (position >> 7)) as usize;
    let (low, high) = (i32::from(table[index]), i32::from(table[index + 1]));
    let fraction = i32::from(position & 0x7f);
    (low + (((high - low) * fraction + 64) >> 7)) as i16
}

/// What [`softmax`] needs to know beside its buffers. The output's scale is 1/32768, its zero point 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftmaxParams {
    /// Elements of one row.
    pub depth: usize,
    /// Brings a difference of quantized values to units of `10 / 65535`.
    pub multiplier: Multiplier,
    /// How differences are rescaled.
    pub rounding: Rounding,
}

impl SoftmaxParams {
    /// Parameters for rows of `depth` values; `None` if `beta * input_scale` is out of all proportion or a row is longer than
    /// 65,536 values.
    ///
    /// Source: TensorFlow Lite Micro `softmax_common.cc`.
    pub fn prepare(depth: usize, beta: f32, input_scale: f32, rounding: Rounding) -> Option<Self> {
        let real = f64::from(input_scale) * f64::from(beta) / (RANGE / 65535.0);
        let multiplier = Multiplier::from_real(real, rounding)?;
        (depth <= MAX_DEPTH).then_some(Self { depth, multiplier, rounding })
    }

    /// `exp` in units of 2^-15 of a difference to the row's maximum, which is at most 0.
    #[inline]
    fn exp_of_difference(&self, difference: i32) -> i16 {
        let scaled = self.multiplier.apply(difference, self.rounding);
        let centred = scaled.saturating_add(32767).clamp(i16::MIN.into(), i16::MAX.into());
        between(&EXP, centred as i16)
    }
}

/// `output = exp(beta * x) / sum over the row of exp(beta * x)`, row by row.
///
/// * `input`: int16 `[rows, depth]`
/// * `output`: int16 `[rows, depth]`, scale 1/32768, zero point 0
///
/// Source: TensorFlow Lite `reference/softmax.h`, `SoftmaxInt16`.
pub fn softmax(params: &SoftmaxParams, input: &[i16], output: &mut [i16]) {
    if params.depth == 0 {
        return;
    }
    for (row, out) in input.chunks_exact(params.depth).zip(output.chunks_exact_mut(params.depth)) {
        let max = row.iter().copied().max().unwrap_or(0);
        let mut sum = 0_i32;
        for (value, out) in row.iter().zip(out.iter_mut()) {
            *out = params.exp_of_difference(i32::from(*value) - i32::from(max));
            sum = sum.wrapping_add(i32::from(*out));
        }
        let (reciprocal, shift) = reciprocal(sum);
        for out in out {
            let share = (i32::from(*out) * i32::from(reciprocal) + (1 << (shift - 1))) >> shift;
            *out = share.clamp(0, i16::MAX.into()) as i16;
        }
    }
}

/// The reciprocal of a row's sum, in units of 2^-15: a mantissa, and the bits by which its product with an exponential is too
/// large. The maximum's own exponential makes the sum at least 2^14.
fn reciprocal(sum: i32) -> (i16, u32) {
    let leading_zeros = (sum as u32).leading_zeros().clamp(1, 17);
    // A sum in [1, 2) in units of 2^-16, and how far it is from the middle.
    let normalized = ((i64::from(sum) << (leading_zeros - 1)) + (1 << 13)) >> 14;
    let centred = (normalized - (1 << 15) - (1 << 16)).clamp(i16::MIN.into(), i16::MAX.into());
    (between(&RECIPROCAL, centred as i16), 31 - leading_zeros)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn shares_are_close_to_what_they_stand_for() {
        let params = SoftmaxParams::prepare(4, 1.0, 2e-4, Rounding::Double).unwrap();
        let input = [-32768, -1000, 0, 12345];
        let mut output = [0; 4];
        softmax(&params, &input, &mut output);
        let exps = input.map(|x| (f64::from(x) * f64::from(2e-4_f32)).exp());
        for (share, exp) in output.iter().zip(exps) {
            let error = f64::from(*share) / 32768.0 - exp / exps.iter().sum::<f64>();
            assert!(error.abs() < 2e-4, "{share} is off by {error}");
        }
    }

    #[test]
    fn rows_of_any_length_are_safe() {
        let params = SoftmaxParams::prepare(MAX_DEPTH, 1.0, 1e-9, Rounding::Double).unwrap();
        let (input, mut output) = (std::vec![7; MAX_DEPTH], std::vec![9; MAX_DEPTH]);
        softmax(&params, &input, &mut output);
        assert!(output.iter().all(|share| (0..=1).contains(share)));
        assert_eq!(SoftmaxParams::prepare(MAX_DEPTH + 1, 1.0, 1e-9, Rounding::Double), None);
    }
}
