//! Matrix product behind CONV_2D and FULLY_CONNECTED in floats: `output[row, c] = clamp(bias[c] + Σ_k x[row, k] · weights[c, k])`.
//!
//! Rows are not copied together first: row `r` consists of *taps*, runs of `tap_len` values at given distances from where the
//! row starts, so that the pixels under a convolution's window are read where they lie.
//!
//! ```text
//! image (padded)   . . . . . . .        window 2x2, c_in = 1: taps [0, 7], tap_len 2
//!                  . a b . . . .        row = a b c d
//!                  . c d . . . .
//! ```
//!
//! Weights are packed once into panels of 8 to 32 output channels, `[panel, k, channel]`. A tile of rows times a panel is summed
//! in registers, over `k` in order: a result does not depend on which rows stand beside it.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::simd_f32::{Level, PORTABLE_FUSED, SimdF32, clamp, multiply_add};

/// Weights `[c_out, k]` and biases, rearranged for [`matmul`].
#[derive(Clone, Debug)]
pub struct PackedWeights {
    simd: SimdF32,
    /// `[n_panels, k, width]`, zeros beyond `c_out`.
    panels: Vec<f32>,
    /// `[n_panels * width]`, zeros beyond `c_out`.
    bias: Vec<f32>,
    width: usize,
    k: usize,
    c_out: usize,
}

/// Where the rows of the left matrix lie in a slice.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Where each row of one sample starts.
    pub starts: &'a [usize],
    /// Distance from one sample to the next.
    pub sample_stride: usize,
    /// Number of samples.
    pub n_samples: usize,
    /// Distances of the taps from the start of the row.
    pub taps: &'a [usize],
    /// Values of one tap.
    pub tap_len: usize,
}

/// Where the rows of the result go and what they are clamped to.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Distance from one row to the next.
    pub row_stride: usize,
    /// Where the first row starts.
    pub offset: usize,
    /// Lowest and highest value of a result.
    pub clamp: (f32, f32),
}

impl Rows<'_> {
    /// Rows of all samples.
    fn count(&self) -> usize {
        self.starts.len() * self.n_samples
    }

    /// Where rows `first` and following start; beyond the last one the last one's start again.
    fn starts_from<const ROWS: usize>(&self, first: usize) -> [usize; ROWS] {
        let (n, last) = (self.starts.len(), self.count() - 1);
        std::array::from_fn(|r| {
            let row = (first + r).min(last);
            row / n * self.sample_stride + self.starts[row % n]
        })
    }
}

impl PackedWeights {
    /// Packs `weights: [c_out, k]` and `bias: [c_out]` (zeros if `None`) for the instructions of `simd`.
    pub fn new(simd: SimdF32, weights: &[f32], bias: Option<&[f32]>, c_out: usize, k: usize) -> Self {
        let width = match simd.level() {
            // Two registers a row, or one where the second would be empty.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 if c_out > 16 && c_out != 48 => 32,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => 16,
            Level::Portable | Level::Plain => 8,
        };
        let n_panels = c_out.div_ceil(width);
        let mut panels = vec![0.0; n_panels * k * width];
        for (c, row) in weights.chunks_exact(k.max(1)).take(c_out).enumerate() {
            let panel = &mut panels[(c / width) * k * width..];
            for (i, &value) in row.iter().enumerate() {
                panel[i * width + c % width] = value;
            }
        }
        let mut padded_bias = vec![0.0; n_panels * width];
        if let Some(bias) = bias {
            padded_bias[..c_out].copy_from_slice(&bias[..c_out]);
        }
        Self { simd, panels, bias: padded_bias, width, k, c_out }
    }
}

/// Multiplies the rows in `x` with `weights` into `output`.
///
/// # Panics
/// If a row or a result lies outside its slice, or `rows.taps` times `tap_len` is not the `k` of the weights.
pub fn matmul(x: &[f32], rows: Rows<'_>, weights: &PackedWeights, output: &mut [f32], target: Target) {
    assert_eq!(rows.taps.len() * rows.tap_len, weights.k, "a row is as long as the weights");
    match weights.simd.level() {
        // SAFETY: only `SimdF32::available` makes a `SimdF32` of this level, after it found these features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe {
            match weights.width {
                32 => matmul_avx512::<12, 2>(x, rows, weights, output, target),
                _ => matmul_avx512::<14, 1>(x, rows, weights, output, target),
            }
        },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { matmul_avx2::<6, 2>(x, rows, weights, output, target) },
        Level::Portable => matmul_tiled::<4, 8, PORTABLE_FUSED>(x, rows, weights, output, target),
        Level::Plain => matmul_tiled::<4, 8, false>(x, rows, weights, output, target),
    }
}

/// The product for one kind of vector registers. A macro, because instructions can only be inlined into functions that name
/// their feature themselves.
#[cfg(target_arch = "x86_64")]
macro_rules! vector_matmul {
    ($matmul:ident, $tile:ident, $features:literal, $lanes:literal, $vector:ident, $load:ident, $store:ident, $splat:ident,
     $multiply_add:ident, $max:ident, $min:ident) => {
        /// See [`matmul`]: `ROWS` rows times `VECTORS` registers of channels at a time. The last tile repeats its last row and
        /// drops what it computes for it.
        #[target_feature(enable = $features)]
        fn $matmul<const ROWS: usize, const VECTORS: usize>(
            x: &[f32],
            rows: Rows<'_>,
            weights: &PackedWeights,
            output: &mut [f32],
            target: Target,
        ) {
            let width = VECTORS * $lanes;
            assert_eq!(weights.width, width);
            let mut narrow = vec![0.0; ROWS * width];
            for first in (0..rows.count()).step_by(ROWS) {
                let starts = rows.starts_from::<ROWS>(first);
                let n_rows = (rows.count() - first).min(ROWS);
                for (p, panel) in weights.panels.chunks_exact(weights.k * width).enumerate() {
                    let channel = p * width;
                    let bias = &weights.bias[channel..][..width];
                    let to = &mut output[target.offset + first * target.row_stride + channel..];
                    let n_channels = (weights.c_out - channel).min(width);
                    if n_channels == width {
                        let (n, stride) = (n_rows, target.row_stride);
                        $tile::<ROWS, VECTORS>(x, &starts, rows, panel, bias, target.clamp, to, stride, n);
                        continue;
                    }
                    $tile::<ROWS, VECTORS>(x, &starts, rows, panel, bias, target.clamp, &mut narrow, width, n_rows);
                    for (to, sum) in to.chunks_mut(target.row_stride).zip(narrow.chunks_exact(width)).take(n_rows) {
                        to[..n_channels].copy_from_slice(&sum[..n_channels]);
                    }
                }
            }
        }

        /// One tile, `[ROWS, VECTORS * lanes]`, summed in registers and clamped; the first `n_rows` of its rows go to `output`,
        /// `stride` apart.
        #[allow(clippy::too_many_arguments)]
        #[target_feature(enable = $features)]
        fn $tile<const ROWS: usize, const VECTORS: usize>(
            x: &[f32],
            starts: &[usize; ROWS],
            rows: Rows<'_>,
            panel: &[f32],
            bias: &[f32],
            clamp: (f32, f32),
            output: &mut [f32],
            stride: usize,
            n_rows: usize,
        ) {
            let (width, tap_len) = (VECTORS * $lanes, rows.tap_len);
            assert!(bias.len() == width && panel.len() == rows.taps.len() * tap_len * width);
            // Plain loops: a closure that needs these instructions could not be inlined into `array::from_fn`.
            let mut w = [$splat(0.0); VECTORS];
            for v in 0..VECTORS {
                // SAFETY: `bias` holds `VECTORS` registers, as asserted.
                w[v] = unsafe { $load(bias.as_ptr().add(v * $lanes)) };
            }
            let mut sums = [w; ROWS];
            for (&tap, panel) in rows.taps.iter().zip(panel.chunks_exact(tap_len * width)) {
                let mut runs: [&[f32]; ROWS] = [&[]; ROWS];
                for r in 0..ROWS {
                    runs[r] = &x[starts[r] + tap..][..tap_len];
                }
                for k in 0..tap_len {
                    for v in 0..VECTORS {
                        // SAFETY: `panel` holds `tap_len` times `VECTORS` registers.
                        w[v] = unsafe { $load(panel.as_ptr().add(k * width + v * $lanes)) };
                    }
                    for r in 0..ROWS {
                        // SAFETY: every run holds `tap_len` values.
                        let value = $splat(unsafe { *runs[r].get_unchecked(k) });
                        for v in 0..VECTORS {
                            sums[r][v] = $multiply_add(value, w[v], sums[r][v]);
                        }
                    }
                }
            }
            let (low, high) = ($splat(clamp.0), $splat(clamp.1));
            for (r, sum) in sums.iter().enumerate().take(n_rows) {
                let to = &mut output[r * stride..][..width];
                for (v, &sum) in sum.iter().enumerate() {
                    // With the sum second, NaN stays, as in `simd_f32::clamp`.
                    let clamped = $min(high, $max(low, sum));
                    // SAFETY: `to` holds `VECTORS` registers.
                    unsafe { $store(to.as_mut_ptr().add(v * $lanes), clamped) };
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
vector_matmul!(
    matmul_avx512,
    tile_avx512,
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
vector_matmul!(
    matmul_avx2,
    tile_avx2,
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

/// `ROWS` rows times `WIDTH` channels at a time; the last tile repeats its last row and drops what it computes for it.
#[inline(always)]
fn matmul_tiled<const ROWS: usize, const WIDTH: usize, const FUSED: bool>(
    x: &[f32],
    rows: Rows<'_>,
    weights: &PackedWeights,
    output: &mut [f32],
    target: Target,
) {
    assert_eq!(weights.width, WIDTH);
    for first in (0..rows.count()).step_by(ROWS) {
        let n = (rows.count() - first).min(ROWS);
        let starts = rows.starts_from::<ROWS>(first);
        for (p, panel) in weights.panels.chunks_exact(weights.k * WIDTH).enumerate() {
            let channel = p * WIDTH;
            let bias: &[f32; WIDTH] = weights.bias[channel..][..WIDTH].try_into().expect("biases are padded to whole panels");
            let sums = tile::<ROWS, WIDTH, FUSED>(x, &starts, rows.taps, rows.tap_len, panel, bias);
            let n_channels = (weights.c_out - channel).min(WIDTH);
            for (r, sum) in sums.iter().enumerate().take(n) {
                let to = &mut output[target.offset + (first + r) * target.row_stride + channel..][..n_channels];
                store(to, sum, target.clamp);
            }
        }
    }
}

#[inline(always)]
fn tile<const ROWS: usize, const WIDTH: usize, const FUSED: bool>(
    x: &[f32],
    starts: &[usize; ROWS],
    taps: &[usize],
    tap_len: usize,
    panel: &[f32],
    bias: &[f32; WIDTH],
) -> [[f32; WIDTH]; ROWS] {
    let mut sums = [*bias; ROWS];
    for (&tap, panel) in taps.iter().zip(panel.chunks_exact(tap_len * WIDTH)) {
        // Equal lengths, said once, spare a bounds check for every product.
        let runs: [&[f32]; ROWS] = std::array::from_fn(|r| &x[starts[r] + tap..][..tap_len]);
        for (k, weights) in panel.chunks_exact(WIDTH).enumerate().take(tap_len) {
            for r in 0..ROWS {
                let value = runs[r][k];
                for c in 0..WIDTH {
                    sums[r][c] = multiply_add::<FUSED>(value, weights[c], sums[r][c]);
                }
            }
        }
    }
    sums
}

#[inline(always)]
fn store<const WIDTH: usize>(to: &mut [f32], sum: &[f32; WIDTH], range: (f32, f32)) {
    if to.len() == WIDTH {
        for c in 0..WIDTH {
            to[c] = clamp(sum[c], range);
        }
    } else {
        for (to, sum) in to.iter_mut().zip(sum) {
            *to = clamp(*sum, range);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    /// Sums in double precision, index by index.
    fn reference(x: &[f32], rows: Rows<'_>, weights: &[f32], bias: &[f32], c_out: usize, clamp: (f32, f32)) -> Vec<f32> {
        let k = rows.taps.len() * rows.tap_len;
        let mut output = Vec::new();
        for sample in 0..rows.n_samples {
            for start in rows.starts {
                let at = |i: usize| sample * rows.sample_stride + start + rows.taps[i / rows.tap_len] + i % rows.tap_len;
                for c in 0..c_out {
                    let sum: f64 = (0..k).map(|i| f64::from(x[at(i)]) * f64::from(weights[c * k + i])).sum();
                    output.push(((sum + f64::from(bias[c])) as f32).clamp(clamp.0, clamp.1));
                }
            }
        }
        output
    }

    #[test]
    fn every_level_computes_the_same_product() {
        let starts: Vec<usize> = (0..7).map(|r| r * 3).collect();
        for (c_out, taps, tap_len) in
            [(1, vec![0], 5), (12, vec![0, 20], 9), (16, vec![0], 64), (40, vec![0, 9, 30], 3), (64, vec![4], 33)]
        {
            let rows = Rows { starts: &starts, sample_stride: 101, n_samples: 5, taps: &taps, tap_len };
            let (x, k) = (values(5 * 101 + 101, 1), taps.len() * tap_len);
            let (weights, bias) = (values(c_out * k, 2), values(c_out, 3));
            let target = Target { row_stride: c_out, offset: 0, clamp: (-0.9, 2.0) };
            let expected = reference(&x, rows, &weights, &bias, c_out, target.clamp);
            for simd in SimdF32::available() {
                let packed = PackedWeights::new(simd, &weights, Some(&bias), c_out, k);
                let mut output = vec![f32::NAN; expected.len()];
                matmul(&x, rows, &packed, &mut output, target);
                for (a, b) in output.iter().zip(&expected) {
                    assert!((a - b).abs() < 2e-5, "{simd:?}, {c_out} channels: {a} for {b}");
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours() {
        let (x, weights) = (values(50 * 30, 4), values(20 * 30, 5));
        let starts: Vec<usize> = (0..50).map(|r| r * 30).collect();
        for simd in SimdF32::available() {
            let packed = PackedWeights::new(simd, &weights, None, 20, 30);
            let run = |starts: &[usize]| {
                let rows = Rows { starts, sample_stride: 0, n_samples: 1, taps: &[0], tap_len: 30 };
                let mut output = vec![0.0; starts.len() * 20];
                let target = Target { row_stride: 20, offset: 0, clamp: (f32::NEG_INFINITY, f32::INFINITY) };
                matmul(&x, rows, &packed, &mut output, target);
                output
            };
            let (together, alone) = (run(&starts), starts.iter().flat_map(|s| run(&[*s])).collect::<Vec<_>>());
            assert_eq!(together, alone);
        }
    }
}
