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
mod tests;
