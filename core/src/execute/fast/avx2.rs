//! Lanes in two 256-bit registers, with `vpmaddwd` (AVX2) or `vpdpbusd` (AVX-VNNI) for dot products.

use std::arch::x86_64::*;

use super::lanes::{Lanes, Scale};

/// See [`Lanes`]. Needs AVX2.
pub(super) struct Avx2;

/// See [`Lanes`]. Needs AVX2 and AVX-VNNI.
pub(super) struct AvxVnni;

/// Lanes 0 to 7 and 8 to 15.
type Pair = [__m256i; 2];

// SAFETY of every block below: the caller runs on a processor with these instructions, and its pointers are valid for the
// bytes that the trait names; all loads and stores are unaligned ones.
macro_rules! pairs {
    () => {
        type I32 = Pair;
        type Factors = [Factors; 2];
        const TAP_OFFSET: i32 = 128;

        #[inline(always)]
        unsafe fn splat(value: i32) -> Pair {
            // SAFETY: see above.
            unsafe { [_mm256_set1_epi32(value); 2] }
        }

        #[inline(always)]
        unsafe fn load(from: *const i32) -> Pair {
            // SAFETY: see above.
            unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast())] }
        }

        #[inline(always)]
        unsafe fn store(value: Pair, to: *mut i32) {
            // SAFETY: see above.
            unsafe {
                _mm256_storeu_si256(to.cast(), value[0]);
                _mm256_storeu_si256(to.add(8).cast(), value[1]);
            }
        }

        #[inline(always)]
        unsafe fn load_i8(from: *const i8) -> Pair {
            // SAFETY: see above.
            unsafe {
                let low = _mm256_cvtepi8_epi32(_mm_loadl_epi64(from.cast()));
                [low, _mm256_cvtepi8_epi32(_mm_loadl_epi64(from.add(8).cast()))]
            }
        }

        #[inline(always)]
        unsafe fn store_i8(value: Pair, to: *mut i8) {
            // SAFETY: see above. Lanes hold `i8`, so the packs do not saturate; they interleave 128-bit halves, which the
            // permutation undoes.
            unsafe {
                let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(value[0], value[1]));
                let bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
                _mm_storeu_si128(to.cast(), bytes);
            }
        }

        #[inline(always)]
        unsafe fn add(a: Pair, b: Pair) -> Pair {
            // SAFETY: see above.
            unsafe { [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])] }
        }

        #[inline(always)]
        unsafe fn sub(a: Pair, b: Pair) -> Pair {
            // SAFETY: see above.
            unsafe { [_mm256_sub_epi32(a[0], b[0]), _mm256_sub_epi32(a[1], b[1])] }
        }

        #[inline(always)]
        unsafe fn load_factor(from: *const i8) -> Pair {
            // SAFETY: see above. The high half of each lane is zero, so that of its two 16-bit products one counts.
            unsafe {
                let (bytes, low) = (Self::load_i8(from), _mm256_set1_epi32(0xffff));
                [_mm256_and_si256(bytes[0], low), _mm256_and_si256(bytes[1], low)]
            }
        }

        #[inline(always)]
        unsafe fn clamp(value: Pair, min: Pair, max: Pair) -> Pair {
            // SAFETY: see above.
            unsafe {
                let low = _mm256_min_epi32(_mm256_max_epi32(value[0], min[0]), max[0]);
                [low, _mm256_min_epi32(_mm256_max_epi32(value[1], min[1]), max[1])]
            }
        }

        #[inline(always)]
        unsafe fn factors(scale: &Scale) -> [Factors; 2] {
            // SAFETY: see above.
            unsafe { [Factors::load(scale, 0), Factors::load(scale, 8)] }
        }

        #[inline(always)]
        unsafe fn scale_double(value: Pair, factors: [Factors; 2]) -> Pair {
            // SAFETY: see above.
            unsafe { [factors[0].apply(value[0]), factors[1].apply(value[1])] }
        }
    };
}

impl Lanes for Avx2 {
    /// 16-bit weights of taps 0 and 2, then of taps 1 and 3, each for both halves.
    type Weights = [Pair; 2];
    /// 16-bit taps 0 and 2, and 1 and 3.
    type Taps = [__m256i; 2];

    pairs!();

    #[inline(always)]
    unsafe fn multiply_add(sum: Pair, value: Pair, factor: Pair) -> Pair {
        // SAFETY: see above.
        unsafe {
            let products = [_mm256_madd_epi16(value[0], factor[0]), _mm256_madd_epi16(value[1], factor[1])];
            Self::add(sum, products)
        }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const i8) -> Self::Weights {
        // SAFETY: see above.
        unsafe {
            let bytes = Self::load(from.cast());
            let raised = [_mm256_slli_epi16::<8>(bytes[0]), _mm256_slli_epi16::<8>(bytes[1])];
            let even = [_mm256_srai_epi16::<8>(raised[0]), _mm256_srai_epi16::<8>(raised[1])];
            [even, [_mm256_srai_epi16::<8>(bytes[0]), _mm256_srai_epi16::<8>(bytes[1])]]
        }
    }

    #[inline(always)]
    unsafe fn load_taps(from: *const u8) -> Self::Taps {
        // SAFETY: see above.
        unsafe {
            let taps = from.cast::<u32>().read_unaligned();
            let (even, odd) = (taps & 0x00ff_00ff, taps >> 8 & 0x00ff_00ff);
            [_mm256_set1_epi32(even as i32), _mm256_set1_epi32(odd as i32)]
        }
    }

    #[inline(always)]
    unsafe fn dot(sum: Pair, taps: Self::Taps, weights: Self::Weights) -> Pair {
        // SAFETY: see above. Products of 16-bit numbers are summed in 32 bits, unlike those of `vpmaddubsw`, which saturates.
        unsafe {
            let even = [_mm256_madd_epi16(taps[0], weights[0][0]), _mm256_madd_epi16(taps[0], weights[0][1])];
            let odd = [_mm256_madd_epi16(taps[1], weights[1][0]), _mm256_madd_epi16(taps[1], weights[1][1])];
            Self::add(sum, Self::add(even, odd))
        }
    }
}

impl Lanes for AvxVnni {
    type Weights = Pair;
    type Taps = __m256i;

    pairs!();

    #[inline(always)]
    unsafe fn multiply_add(sum: Pair, value: Pair, factor: Pair) -> Pair {
        // SAFETY: see above.
        unsafe {
            let low = _mm256_dpwssd_avx_epi32(sum[0], value[0], factor[0]);
            [low, _mm256_dpwssd_avx_epi32(sum[1], value[1], factor[1])]
        }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const i8) -> Self::Weights {
        // SAFETY: see above.
        unsafe { Self::load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_taps(from: *const u8) -> Self::Taps {
        // SAFETY: see above.
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn dot(sum: Pair, taps: Self::Taps, weights: Self::Weights) -> Pair {
        // SAFETY: see above. `vpdpbusd` multiplies unsigned by signed bytes and adds to 32 bits without saturating.
        unsafe { [_mm256_dpbusd_avx_epi32(sum[0], taps, weights[0]), _mm256_dpbusd_avx_epi32(sum[1], taps, weights[1])] }
    }
}

/// Eight lanes of a [`Scale`] in registers.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    left: __m256i,
    /// Mantissas of the even lanes in the low halves of 64 bits (the high halves hold anything), and of the odd lanes.
    even: __m256i,
    odd: __m256i,
    half: __m256i,
    tie: __m256i,
    right: __m256i,
}

impl Factors {
    /// Lanes `first` to `first + 7`; `first` is 0 or 8.
    #[inline(always)]
    unsafe fn load(scale: &Scale, first: usize) -> Self {
        // SAFETY: see above; every field of `scale` is sixteen integers.
        unsafe {
            let even = _mm256_loadu_si256(scale.mantissa.as_ptr().add(first).cast());
            Self {
                left: _mm256_loadu_si256(scale.left.as_ptr().add(first).cast()),
                even,
                odd: _mm256_srli_epi64::<32>(even),
                half: _mm256_loadu_si256(scale.half.as_ptr().add(first).cast()),
                tie: _mm256_loadu_si256(scale.tie.as_ptr().add(first).cast()),
                right: _mm256_loadu_si256(scale.right.as_ptr().add(first).cast()),
            }
        }
    }

    /// Eight lanes of [`Lanes::scale_double`].
    #[inline(always)]
    unsafe fn apply(self, value: __m256i) -> __m256i {
        // SAFETY: see above.
        unsafe {
            let value = _mm256_sllv_epi32(value, self.left);
            let nudge = _mm256_set1_epi64x(1 << 30);
            let even = _mm256_add_epi64(_mm256_mul_epi32(value, self.even), nudge);
            let odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64::<32>(value), self.odd), nudge);
            // Bits 31 to 62 of each product, the even ones to the low half of a 64-bit lane, the odd ones to the high half.
            let high = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<31>(even), _mm256_slli_epi64::<1>(odd));
            let tie = _mm256_and_si256(_mm256_srai_epi32::<31>(high), self.tie);
            let rounded = _mm256_add_epi32(_mm256_add_epi32(high, self.half), tie);
            _mm256_srav_epi32(rounded, self.right)
        }
    }
}
