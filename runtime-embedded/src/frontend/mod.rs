//! The integer front end of TensorFlow Lite Micro's keyword models ("micro frontend"): a frame of 16-bit sound becomes one number
//! for each mel band.
//!
//! ```text
//! samples ─▶ window ─▶ FFT ─▶ |X|² ─▶ bands ─▶ square root ─▶ noise reduction ─▶ gain control ─▶ logarithm
//!  i16        Q12      i16    u32      u64        u32          running estimate     (PCAN)          u16
//! ```
//!
//! All arithmetic is on integers; tables are made on the host from floats and handed in. Frames are scaled up by a power of two
//! before the transform, as far as 16 bits go, and down again after the square root.
//!
//! Source of the arithmetic: TensorFlow's `lite/experimental/microfrontend`, whose numbers these equal.

mod bands;
mod fft;
mod reduction;

pub use bands::{Band, Weight};
pub use fft::Complex16;
pub use reduction::{GAIN_TABLE_LEN, Gain, NoiseReduction};

use fft::real_transform;
use reduction::logarithm;

/// Bits behind the point of window and band weights.
pub const WEIGHT_BITS: u32 = 12;

/// What the host makes of the settings.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// What samples are multiplied with, Q12; as long as a frame.
    pub window: &'a [i16],
    /// `exp(-2 pi i k / n)` for `k` in `0..n`, where `n` is half the transform's length, Q15.
    pub twiddles: &'a [Complex16],
    /// `exp(-pi i ((k + 1) / n + 1/2))` for `k` in `0..n / 2`, Q15.
    pub real_twiddles: &'a [Complex16],
    /// One more than there are channels: the first only hands on to the second.
    pub bands: &'a [Band],
    /// Weights of all bands, one after another.
    pub weights: &'a [Weight],
    /// Subtracts what is always there.
    pub noise: NoiseReduction,
    /// Automatic gain; `None` for none.
    pub gain: Option<Gain<'a>>,
    /// The result is the logarithm times two to the power of this; `None` for no logarithm.
    pub log_shift: Option<u32>,
}

/// Memory that a front end works in, the caller's.
#[derive(Debug)]
pub struct Memory<'a> {
    /// Half the transform's length.
    pub input: &'a mut [Complex16],
    /// Half the transform's length and one.
    pub spectrum: &'a mut [Complex16],
    /// What is always there in each channel. Zero before the first frame; belongs to the stream of frames.
    pub estimates: &'a mut [u32],
}

/// Tables, memory or a frame do not fit one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

impl Tables<'_> {
    /// Channels that come out.
    pub fn n_channels(&self) -> usize {
        self.bands.len().saturating_sub(1)
    }

    /// Length of the transform.
    pub fn fft_len(&self) -> usize {
        2 * self.twiddles.len()
    }

    /// Whether the tables fit one another.
    fn fit(&self) -> bool {
        let half = self.twiddles.len();
        let bands_fit = self.bands.iter().all(|band| {
            band.first_bin.checked_add(band.len).is_some_and(|end| end <= half + 1)
                && band.first_weight.checked_add(band.len).is_some_and(|end| end <= self.weights.len())
        });
        half.is_power_of_two()
            && half <= 1 << 15
            && self.real_twiddles.len() >= half / 2
            && self.window.len() <= 2 * half
            && bands_fit
            && self.noise.smoothing_bits < 32
            && self.gain.is_none_or(|gain| gain.shift < 64)
            && self.log_shift.is_none_or(|shift| shift < 32)
    }
}

/// What the transform's scaling takes from the numbers, in bits: the logarithm and the gain put it back.
pub fn correction_bits(fft_len: usize) -> i32 {
    bit_length(fft_len as u64) as i32 - 1 - (WEIGHT_BITS / 2) as i32
}

/// Bits of a number without leading zeros.
fn bit_length(x: u64) -> u32 {
    u64::BITS - x.leading_zeros()
}

/// Makes the features of one frame, `[channels]`.
///
/// # Errors
/// [`Misfit`] if the frame is not as long as the window, `out` has not a place for each channel, memory is too small, or the
/// tables contradict one another.
pub fn frame(tables: &Tables<'_>, memory: &mut Memory<'_>, samples: &[i16], out: &mut [u16]) -> Result<(), Misfit> {
    let (half, n_channels) = (tables.twiddles.len(), tables.n_channels());
    let has_memory = memory.input.len() >= half && memory.spectrum.len() > half && memory.estimates.len() >= n_channels;
    if !tables.fit() || !has_memory || samples.len() != tables.window.len() || out.len() != n_channels {
        return Err(Misfit);
    }
    let shift = windowed(tables.window, samples, &mut memory.input[..half]);
    let spectrum = &mut memory.spectrum[..=half];
    real_transform(&memory.input[..half], spectrum, tables.twiddles, tables.real_twiddles);

    let correction = correction_bits(tables.fft_len());
    let mut handed_on = 0;
    for (index, band) in tables.bands.iter().enumerate() {
        let (sum, next) = band.sum(spectrum, tables.weights);
        let (sum, root_of) = (sum.wrapping_add(handed_on), index.checked_sub(1));
        handed_on = next;
        let Some(channel) = root_of else { continue };
        let signal = bands::square_root(sum) >> shift;
        let estimate = &mut memory.estimates[channel];
        let cleaned = tables.noise.apply(channel, signal, estimate);
        let gained = tables.gain.map_or(cleaned, |gain| gain.apply(cleaned, *estimate));
        out[channel] = tables.log_shift.map_or(gained, |log| logarithm(gained, correction, log)).min(u32::from(u16::MAX)) as u16;
    }
    Ok(())
}

/// Windows a frame, scales it up as far as 16 bits go and lays it out for the transform: two neighbours are one complex number.
/// Returns the bits it was scaled by.
fn windowed(window: &[i16], samples: &[i16], input: &mut [Complex16]) -> u32 {
    let weighted = |(&sample, &weight): (&i16, &i16)| ((i32::from(sample) * i32::from(weight)) >> WEIGHT_BITS) as i16;
    let largest = samples.iter().zip(window).map(weighted).map(|x| x.wrapping_abs()).fold(0, i16::max);
    let shift = 15 - bit_length(largest as u64);
    let scaled = |pair| ((i32::from(weighted(pair))) << shift) as i16;
    input.fill(Complex16::default());
    for (index, pair) in samples.iter().zip(window).enumerate() {
        let place = &mut input[index / 2];
        *(if index % 2 == 0 { &mut place.re } else { &mut place.im }) = scaled(pair);
    }
    shift
}

#[cfg(test)]
mod tests {
    use super::*;

    extern crate std;
    use std::vec;
    use std::vec::Vec;

    fn unit(angle: f64) -> Complex16 {
        let part = |x: f64| (0.5 + 32_767.0 * x).floor() as i16;
        Complex16 { re: part(angle.cos()), im: part(angle.sin()) }
    }

    fn twiddles(fft_len: usize) -> (Vec<Complex16>, Vec<Complex16>) {
        let n = fft_len / 2;
        let all = (0..n).map(|k| unit(-2.0 * std::f64::consts::PI * k as f64 / n as f64)).collect();
        let real = (0..n / 2).map(|k| unit(-std::f64::consts::PI * ((k + 1) as f64 / n as f64 + 0.5))).collect();
        (all, real)
    }

    #[test]
    fn a_tone_lies_in_its_bin() {
        for fft_len in [2_usize, 8, 128, 256, 512, 1024] {
            let (all, real) = twiddles(fft_len);
            let bin = fft_len / 8;
            let sample = |n: usize| (16_000.0 * (2.0 * std::f64::consts::PI * (bin * n) as f64 / fft_len as f64).cos()) as i16;
            let input: Vec<_> = (0..fft_len / 2).map(|k| Complex16 { re: sample(2 * k), im: sample(2 * k + 1) }).collect();
            let mut spectrum = vec![Complex16::default(); fft_len / 2 + 1];
            fft::real_transform(&input, &mut spectrum, &all, &real);
            let power = |x: &Complex16| i64::from(x.re).pow(2) + i64::from(x.im).pow(2);
            let loudest = (0..spectrum.len()).max_by_key(|&k| power(&spectrum[k]));
            assert_eq!(loudest, Some(bin), "{fft_len}");
            // The transform is divided by its length: half the amplitude is left, as the other half is at the negative frequency.
            let expected = if bin == 0 { 16_000 } else { 8_000 };
            assert!((i32::from(spectrum[bin].re) - expected).abs() < 50, "{fft_len}: {:?}", spectrum[bin]);
        }
    }

    #[test]
    fn roots_are_the_nearest() {
        for x in [0_u64, 1, 2, 3, 6, 7, 1 << 20, (1 << 20) + 1025, u64::from(u32::MAX), 1 << 32, 987_654_321_987] {
            let real = (x as f64).sqrt().round() as u64;
            let largest = if x >> 32 == 0 { 65_535 } else { u64::from(u32::MAX) };
            assert_eq!(u64::from(bands::square_root(x)), real.min(largest), "{x}");
        }
        assert_eq!(bands::square_root(u64::MAX), u32::MAX);
    }

    #[test]
    fn logarithms_are_right_to_a_step() {
        for x in [2_u32, 3, 5, 100, 1000, 65_535, 65_536, 1 << 24, (1 << 28) + 12_345] {
            let expected = (f64::from(x).ln() * 64.0).round();
            let found = f64::from(reduction::logarithm(x, 0, 6));
            assert!((found - expected).abs() <= 1.0, "{x}: {found}, expected {expected}");
        }
        assert_eq!((reduction::logarithm(1, 0, 6), reduction::logarithm(0, 3, 6), reduction::logarithm(7, -3, 6)), (0, 0, 0));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (all, real) = twiddles(8);
        let bands = [Band { first_bin: 1, first_weight: 0, len: 2 }, Band { first_bin: 3, first_weight: 0, len: 2 }];
        let weights = [Weight { this: 2048, next: 2048 }; 2];
        let noise = NoiseReduction { smoothing_bits: 10, even_smoothing: 400, odd_smoothing: 983, min_signal_remaining: 819 };
        let tables = Tables {
            window: &[4096; 8],
            twiddles: &all,
            real_twiddles: &real,
            bands: &bands,
            weights: &weights,
            noise,
            gain: None,
            log_shift: Some(6),
        };
        let run = |tables: &Tables<'_>, n_samples: usize, n_out: usize| {
            let (mut input, mut spectrum, mut estimates) = ([Complex16::default(); 4], [Complex16::default(); 5], [0; 1]);
            let mut memory = Memory { input: &mut input, spectrum: &mut spectrum, estimates: &mut estimates };
            frame(tables, &mut memory, &vec![1000; n_samples], &mut vec![0; n_out])
        };
        assert_eq!(run(&tables, 8, 1), Ok(()));
        assert_eq!(run(&tables, 7, 1), Err(Misfit));
        assert_eq!(run(&tables, 8, 2), Err(Misfit));
        let beyond = [bands[0], Band { first_bin: 4, ..bands[1] }];
        assert_eq!(run(&Tables { bands: &beyond, ..tables }, 8, 1), Err(Misfit));
        assert_eq!(run(&Tables { bands: &[], ..tables }, 8, 0), Ok(()));
        assert_eq!(run(&Tables { twiddles: &[], ..tables }, 8, 1), Err(Misfit));
    }
}
