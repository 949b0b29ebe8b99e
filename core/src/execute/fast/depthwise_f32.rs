//! DEPTHWISE_CONV_2D in floats on an image that is padded already: channels are summed side by side in registers.
//!
//! ```text
//! output[p, c] = clamp(bias[c] + Σ_t x[start(p) + tap(t) + c] · weights[t, c])
//! ```

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::simd_f32::{Level, PORTABLE_FUSED, SimdF32, clamp, multiply_add};

/// Operands of a depthwise convolution with as many output channels as input channels.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise<'a> {
    /// Where each output pixel's window starts in the image.
    pub starts: &'a [usize],
    /// Distances of the window's taps from its start.
    pub taps: &'a [usize],
    /// `[taps, channels]`.
    pub weights: &'a [f32],
    /// `[channels]`.
    pub bias: &'a [f32],
    /// Lowest and highest value of a result.
    pub clamp: (f32, f32),
}

/// Runs it on one image `x` into `output: [starts, channels]`.
///
/// # Panics
/// If a window or a result lies outside its slice.
pub fn depthwise(simd: SimdF32, x: &[f32], operands: Depthwise<'_>, output: &mut [f32]) {
    match simd.level() {
        // SAFETY: only `SimdF32::available` makes a `SimdF32` of this level, after it found these features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { depthwise_avx512(x, operands, output) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { depthwise_avx2(x, operands, output) },
        Level::Portable => depthwise_blocked::<8, PORTABLE_FUSED>(x, operands, output),
        Level::Plain => depthwise_blocked::<8, false>(x, operands, output),
    }
}

/// The kernel for one kind of vector registers. A macro, because instructions can only be inlined into functions that name their
/// feature themselves.
#[cfg(target_arch = "x86_64")]
macro_rules! vector_depthwise {
    ($depthwise:ident, $block:ident, $features:literal, $lanes:literal, $vector:ident, $load:ident, $store:ident, $splat:ident,
     $multiply_add:ident, $max:ident, $min:ident) => {
        /// See [`depthwise`]: four pixels times two registers of channels at a time; channels that fill no register are left to
        /// shorter registers and the portable kernel, in the same order of sums.
        #[target_feature(enable = $features)]
        fn $depthwise(x: &[f32], operands: Depthwise<'_>, output: &mut [f32]) {
            let (n_pixels, n_channels) = (operands.starts.len(), operands.bias.len());
            let (last_start, last_tap) = (operands.starts.iter().max(), operands.taps.iter().max());
            assert!(last_start.unwrap_or(&0) + last_tap.unwrap_or(&0) + n_channels <= x.len(), "every window lies in the image");
            assert!(operands.weights.len() >= operands.taps.len() * n_channels && output.len() >= n_pixels * n_channels);
            let (mut p, n_fast) = (0, n_channels / $lanes * $lanes);
            while p < n_pixels {
                let n = if p + 4 <= n_pixels { 4 } else { 1 };
                let mut c = 0;
                while c < n_fast {
                    let two = c + 2 * $lanes <= n_fast;
                    match (n, two) {
                        // SAFETY: asserted above; `p + n <= n_pixels`, and the block's channels end at `n_fast` at most.
                        (4, true) => unsafe { $block::<4, 2>(x, operands, p, c, output) },
                        // SAFETY: as above.
                        (4, false) => unsafe { $block::<4, 1>(x, operands, p, c, output) },
                        // SAFETY: as above.
                        (_, true) => unsafe { $block::<1, 2>(x, operands, p, c, output) },
                        // SAFETY: as above.
                        (_, false) => unsafe { $block::<1, 1>(x, operands, p, c, output) },
                    }
                    c += if two { 2 * $lanes } else { $lanes };
                }
                // Half a register of channels, where whole ones are twice as long.
                while c + 8 <= n_channels {
                    match n {
                        // SAFETY: asserted above; `c + 8 <= n_channels`.
                        4 => unsafe { block_avx2::<4, 1>(x, operands, p, c, output) },
                        // SAFETY: as above.
                        _ => unsafe { block_avx2::<1, 1>(x, operands, p, c, output) },
                    }
                    c += 8;
                }
                for c in c..n_channels {
                    (p..p + n).for_each(|p| block::<1, 1, true>(x, operands, p, c, n_channels, output));
                }
                p += n;
            }
        }

        /// # Safety
        /// The windows of pixels `first..first + PIXELS` lie in `x`, their results in `output`; every tap has weights; channels
        /// `channel..channel + VECTORS * lanes` exist.
        #[target_feature(enable = $features)]
        unsafe fn $block<const PIXELS: usize, const VECTORS: usize>(
            x: &[f32],
            operands: Depthwise<'_>,
            first: usize,
            channel: usize,
            output: &mut [f32],
        ) {
            let (n_channels, width) = (operands.bias.len(), VECTORS * $lanes);
            let bias = &operands.bias[channel..][..width];
            // Plain loops: a closure that needs these instructions could not be inlined into `array::from_fn`.
            let mut w = [$splat(0.0); VECTORS];
            for v in 0..VECTORS {
                // SAFETY: `bias` holds `VECTORS` registers.
                w[v] = unsafe { $load(bias.as_ptr().add(v * $lanes)) };
            }
            let mut sums = [w; PIXELS];
            let mut starts = [0; PIXELS];
            for i in 0..PIXELS {
                starts[i] = operands.starts[first + i] + channel;
            }
            for (t, &tap) in operands.taps.iter().enumerate() {
                // SAFETY: by contract tap `t` has `n_channels` weights.
                let weights = unsafe { operands.weights.as_ptr().add(t * n_channels + channel) };
                for v in 0..VECTORS {
                    // SAFETY: of which this block's channels are some.
                    w[v] = unsafe { $load(weights.add(v * $lanes)) };
                }
                for i in 0..PIXELS {
                    for v in 0..VECTORS {
                        // SAFETY: by contract the window lies in `x`.
                        let value = unsafe { $load(x.as_ptr().add(starts[i] + tap + v * $lanes)) };
                        sums[i][v] = $multiply_add(value, w[v], sums[i][v]);
                    }
                }
            }
            let (low, high) = ($splat(operands.clamp.0), $splat(operands.clamp.1));
            for (i, sum) in sums.iter().enumerate() {
                let to = &mut output[(first + i) * n_channels + channel..][..width];
                for (v, &sum) in sum.iter().enumerate() {
                    // With the sum second, NaN stays, as in `simd_f32::clamp`.
                    // SAFETY: `to` holds `VECTORS` registers.
                    unsafe { $store(to.as_mut_ptr().add(v * $lanes), $min(high, $max(low, sum))) };
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
vector_depthwise!(
    depthwise_avx512,
    block_avx512,
    "avx512f,avx2,fma",
    16,
    __m512,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_max_ps,
    _mm512_min_ps
);
#[cfg(target_arch = "x86_64")]
vector_depthwise!(
    depthwise_avx2,
    block_avx2,
    "avx2,fma",
    8,
    __m256,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_max_ps,
    _mm256_min_ps
);

/// Four pixels times `WIDTH` channels at a time, then what is left.
#[inline(always)]
fn depthwise_blocked<const WIDTH: usize, const FUSED: bool>(x: &[f32], operands: Depthwise<'_>, output: &mut [f32]) {
    let n_channels = operands.bias.len();
    let mut p = 0;
    while p < operands.starts.len() {
        if p + 4 <= operands.starts.len() {
            pixels::<4, WIDTH, FUSED>(x, operands, p, n_channels, output);
            p += 4;
        } else {
            pixels::<1, WIDTH, FUSED>(x, operands, p, n_channels, output);
            p += 1;
        }
    }
}

#[inline(always)]
fn pixels<const PIXELS: usize, const WIDTH: usize, const FUSED: bool>(
    x: &[f32],
    operands: Depthwise<'_>,
    first: usize,
    n_channels: usize,
    output: &mut [f32],
) {
    let mut c = 0;
    while c + WIDTH <= n_channels {
        block::<PIXELS, WIDTH, FUSED>(x, operands, first, c, n_channels, output);
        c += WIDTH;
    }
    while c + 8 <= n_channels {
        block::<PIXELS, 8, FUSED>(x, operands, first, c, n_channels, output);
        c += 8;
    }
    while c < n_channels {
        block::<PIXELS, 1, FUSED>(x, operands, first, c, n_channels, output);
        c += 1;
    }
}

#[inline(always)]
fn block<const PIXELS: usize, const WIDTH: usize, const FUSED: bool>(
    x: &[f32],
    operands: Depthwise<'_>,
    first: usize,
    channel: usize,
    n_channels: usize,
    output: &mut [f32],
) {
    let bias: &[f32; WIDTH] = operands.bias[channel..][..WIDTH].try_into().expect("the slice has this length");
    let mut sums = [*bias; PIXELS];
    let starts: [usize; PIXELS] = std::array::from_fn(|i| operands.starts[first + i] + channel);
    for (&tap, weights) in operands.taps.iter().zip(operands.weights.chunks_exact(n_channels)) {
        let weights = &weights[channel..][..WIDTH];
        for i in 0..PIXELS {
            let values = &x[starts[i] + tap..][..WIDTH];
            for c in 0..WIDTH {
                sums[i][c] = multiply_add::<FUSED>(values[c], weights[c], sums[i][c]);
            }
        }
    }
    for (i, sum) in sums.iter().enumerate() {
        let to = &mut output[(first + i) * n_channels + channel..][..WIDTH];
        for c in 0..WIDTH {
            to[c] = clamp(sum[c], operands.clamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_and_width_equals_the_formula() {
        for n_channels in [1, 7, 8, 19, 64] {
            let value = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 50.0;
            let image: Vec<f32> = (0..6 * 6 * n_channels).map(value).collect();
            let starts: Vec<usize> = (0..4 * 4).map(|p| ((p / 4) * 6 + p % 4) * n_channels).collect();
            let taps: Vec<usize> = (0..9).map(|t| ((t / 3) * 6 + t % 3) * n_channels).collect();
            let weights: Vec<f32> = (0..9 * n_channels).map(|i| value(i + 5)).collect();
            let bias: Vec<f32> = (0..n_channels).map(|i| value(i + 9)).collect();
            let operands = Depthwise { starts: &starts, taps: &taps, weights: &weights, bias: &bias, clamp: (-1.0, 2.0) };
            for simd in SimdF32::available() {
                let mut output = vec![f32::NAN; 16 * n_channels];
                depthwise(simd, &image, operands, &mut output);
                for (i, &actual) in output.iter().enumerate() {
                    let (p, c) = (i / n_channels, i % n_channels);
                    let product = |t: usize| f64::from(image[starts[p] + taps[t] + c]) * f64::from(weights[t * n_channels + c]);
                    let expected = (f64::from(bias[c]) + (0..9).map(product).sum::<f64>()).clamp(-1.0, 2.0);
                    assert!(
                        (f64::from(actual) - expected).abs() < 1e-5,
                        "{simd:?}, {n_channels} channels: {actual} for {expected}"
                    );
                }
            }
        }
    }
}
