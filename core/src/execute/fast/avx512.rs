//! Lanes in one 512-bit register, with `vpdpbusd` for dot products.

use std::arch::x86_64::*;

use super::lanes::{Lanes, Scale};

/// See [`Lanes`]. Needs AVX-512 F, BW, VL and VNNI.
pub(super) struct Avx512;

/// A [`Scale`] in registers.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    left: __m512i,
    /// Mantissas of the even lanes in the low halves of 64 bits (the high halves hold anything), and of the odd lanes.
    even: __m512i,
    odd: __m512i,
    half: __m512i,
    tie: __m512i,
    right: __m512i,
}

// SAFETY of every block below: the caller runs on a processor with these instructions, and its pointers are valid for the
// bytes that the trait names; all loads and stores are unaligned ones.
impl Lanes for Avx512 {
    type I32 = __m512i;
    type Weights = __m512i;
    type Taps = __m512i;
    type Factors = Factors;
    // `vpdpbusd` multiplies unsigned by signed bytes and adds to 32 bits without saturating.
    const TAP_OFFSET: i32 = 128;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Self::I32 {
        // SAFETY: see above.
        unsafe { _mm512_set1_epi32(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self::I32 {
        // SAFETY: see above.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(value: Self::I32, to: *mut i32) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_si512(to.cast(), value) }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const i8) -> Self::I32 {
        // SAFETY: see above.
        unsafe { _mm512_cvtepi8_epi32(_mm_loadu_si128(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store_i8(value: Self::I32, to: *mut i8) {
        // SAFETY: see above.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(value)) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::I32, b: Self::I32) -> Self::I32 {
        // SAFETY: see above.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: Self::I32, b: Self::I32) -> Self::I32 {
        // SAFETY: see above.
        unsafe { _mm512_sub_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn load_factor(from: *const i8) -> Self::I32 {
        // SAFETY: see above. The high half of each lane is zero, so that of its two 16-bit products one counts.
        unsafe { _mm512_and_si512(Self::load_i8(from), _mm512_set1_epi32(0xffff)) }
    }

    #[inline(always)]
    unsafe fn multiply_add(sum: Self::I32, value: Self::I32, factor: Self::I32) -> Self::I32 {
        // SAFETY: see above.
        unsafe { _mm512_dpwssd_epi32(sum, value, factor) }
    }

    #[inline(always)]
    unsafe fn clamp(value: Self::I32, min: Self::I32, max: Self::I32) -> Self::I32 {
        // SAFETY: see above.
        unsafe { _mm512_min_epi32(_mm512_max_epi32(value, min), max) }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const i8) -> Self::Weights {
        // SAFETY: see above.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_taps(from: *const u8) -> Self::Taps {
        // SAFETY: see above.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn dot(sum: Self::I32, taps: Self::Taps, weights: Self::Weights) -> Self::I32 {
        // SAFETY: see above.
        unsafe { _mm512_dpbusd_epi32(sum, taps, weights) }
    }

    #[inline(always)]
    unsafe fn factors(scale: &Scale) -> Factors {
        // SAFETY: see above; every field of `scale` is sixteen integers.
        unsafe {
            let even = Self::load(scale.mantissa.as_ptr());
            Factors {
                left: Self::load(scale.left.as_ptr()),
                even,
                odd: _mm512_srli_epi64::<32>(even),
                half: Self::load(scale.half.as_ptr()),
                tie: Self::load(scale.tie.as_ptr()),
                right: Self::load(scale.right.as_ptr()),
            }
        }
    }

    #[inline(always)]
    unsafe fn scale_double(value: Self::I32, factors: Factors) -> Self::I32 {
        // SAFETY: see above.
        unsafe {
            let value = _mm512_sllv_epi32(value, factors.left);
            let nudge = _mm512_set1_epi64(1 << 30);
            let even = _mm512_add_epi64(_mm512_mul_epi32(value, factors.even), nudge);
            let odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64::<32>(value), factors.odd), nudge);
            // Bits 31 to 62 of each product, the even ones to the low half of a 64-bit lane, the odd ones to the high half.
            let high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64::<31>(even), _mm512_slli_epi64::<1>(odd));
            let tie = _mm512_and_si512(_mm512_srai_epi32::<31>(high), factors.tie);
            let rounded = _mm512_add_epi32(_mm512_add_epi32(high, factors.half), tie);
            _mm512_srav_epi32(rounded, factors.right)
        }
    }
}
