//! Lanes in four 128-bit registers of 64-bit ARM.

use std::arch::aarch64::*;

use super::lanes::{Lanes, Scale};

/// See [`Lanes`]. Needs NEON.
pub(super) struct Neon;

/// Lanes 0 to 3, 4 to 7, 8 to 11, 12 to 15.
type Quad = [int32x4_t; 4];

/// An instruction on four registers. A closure would not be compiled with the caller's instructions.
macro_rules! each {
    ($function:ident, $a:expr, $b:expr) => {
        [$function($a[0], $b[0]), $function($a[1], $b[1]), $function($a[2], $b[2]), $function($a[3], $b[3])]
    };
}

/// A [`Scale`] in registers.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    left: Quad,
    mantissa: Quad,
    half: Quad,
    tie: Quad,
    right: Quad,
}

// SAFETY of every block below: the caller runs on a processor with NEON, and its pointers are valid for the bytes that the
// trait names; these loads and stores need no alignment.
impl Lanes for Neon {
    type I32 = Quad;
    /// Four channels of four taps in each register.
    type Weights = [int8x16_t; 4];
    type Taps = int8x8_t;
    type Factors = Factors;
    // Products are of signed bytes: loading taps takes the offset away.
    const TAP_OFFSET: i32 = 0;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Quad {
        // SAFETY: see above.
        unsafe { [vdupq_n_s32(value); 4] }
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Quad {
        // SAFETY: see above.
        unsafe { [vld1q_s32(from), vld1q_s32(from.add(4)), vld1q_s32(from.add(8)), vld1q_s32(from.add(12))] }
    }

    #[inline(always)]
    unsafe fn store(value: Quad, to: *mut i32) {
        // SAFETY: see above.
        unsafe {
            for (index, part) in value.into_iter().enumerate() {
                vst1q_s32(to.add(4 * index), part);
            }
        }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const i8) -> Quad {
        // SAFETY: see above.
        unsafe {
            let bytes = vld1q_s8(from);
            let (low, high) = (vmovl_s8(vget_low_s8(bytes)), vmovl_s8(vget_high_s8(bytes)));
            [
                vmovl_s16(vget_low_s16(low)),
                vmovl_s16(vget_high_s16(low)),
                vmovl_s16(vget_low_s16(high)),
                vmovl_s16(vget_high_s16(high)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_i8(value: Quad, to: *mut i8) {
        // SAFETY: see above.
        unsafe {
            let low = vcombine_s16(vmovn_s32(value[0]), vmovn_s32(value[1]));
            let high = vcombine_s16(vmovn_s32(value[2]), vmovn_s32(value[3]));
            vst1q_s8(to, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
        }
    }

    #[inline(always)]
    unsafe fn add(a: Quad, b: Quad) -> Quad {
        // SAFETY: see above.
        unsafe { each!(vaddq_s32, a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: Quad, b: Quad) -> Quad {
        // SAFETY: see above.
        unsafe { each!(vsubq_s32, a, b) }
    }

    #[inline(always)]
    unsafe fn load_factor(from: *const i8) -> Quad {
        // SAFETY: see above.
        unsafe { Self::load_i8(from) }
    }

    #[inline(always)]
    unsafe fn multiply_add(sum: Quad, value: Quad, factor: Quad) -> Quad {
        // SAFETY: see above.
        unsafe {
            let products = each!(vmulq_s32, value, factor);
            each!(vaddq_s32, sum, products)
        }
    }

    #[inline(always)]
    unsafe fn clamp(value: Quad, min: Quad, max: Quad) -> Quad {
        // SAFETY: see above.
        unsafe {
            let raised = each!(vmaxq_s32, value, min);
            each!(vminq_s32, raised, max)
        }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const i8) -> Self::Weights {
        // SAFETY: see above.
        unsafe { [vld1q_s8(from), vld1q_s8(from.add(16)), vld1q_s8(from.add(32)), vld1q_s8(from.add(48))] }
    }

    #[inline(always)]
    unsafe fn load_taps(from: *const u8) -> Self::Taps {
        // SAFETY: see above.
        unsafe { vreinterpret_s8_u32(vdup_n_u32(from.cast::<u32>().read_unaligned() ^ 0x8080_8080)) }
    }

    #[inline(always)]
    unsafe fn dot(sum: Quad, taps: Self::Taps, weights: Self::Weights) -> Quad {
        // SAFETY: see above. A product of bytes fits 16 bits, and two of them are summed in 32: nothing saturates.
        unsafe {
            let mut sum = sum;
            for (sum, weights) in sum.iter_mut().zip(weights) {
                let low = vpaddlq_s16(vmull_s8(taps, vget_low_s8(weights)));
                let high = vpaddlq_s16(vmull_s8(taps, vget_high_s8(weights)));
                *sum = vaddq_s32(*sum, vpaddq_s32(low, high));
            }
            sum
        }
    }

    #[inline(always)]
    unsafe fn factors(scale: &Scale) -> Factors {
        // SAFETY: see above; every field of `scale` is sixteen integers.
        unsafe {
            Factors {
                left: Self::load(scale.left.as_ptr()),
                mantissa: Self::load(scale.mantissa.as_ptr()),
                half: Self::load(scale.half.as_ptr()),
                tie: Self::load(scale.tie.as_ptr()),
                right: Self::load(scale.right.as_ptr()),
            }
        }
    }

    #[inline(always)]
    unsafe fn scale_double(value: Quad, factors: Factors) -> Quad {
        // SAFETY: see above.
        unsafe {
            let mut value = value;
            for (index, part) in value.iter_mut().enumerate() {
                let high = vqrdmulhq_s32(vshlq_s32(*part, factors.left[index]), factors.mantissa[index]);
                let tie = vandq_s32(vshrq_n_s32::<31>(high), factors.tie[index]);
                let rounded = vaddq_s32(vaddq_s32(high, factors.half[index]), tie);
                *part = vshlq_s32(rounded, vnegq_s32(factors.right[index]));
            }
            value
        }
    }
}
