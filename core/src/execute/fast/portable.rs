//! Lanes without vector instructions: arrays and loops, which compilers turn into whatever the target's baseline has.

use super::lanes::{Lanes, N_LANES, Scale};

/// See [`Lanes`].
pub(super) struct Portable;

impl Lanes for Portable {
    type I32 = [i32; N_LANES];
    type Weights = [[i8; 4]; N_LANES];
    type Taps = [u8; 4];
    type Factors = Scale;
    const TAP_OFFSET: i32 = 128;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Self::I32 {
        [value; N_LANES]
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self::I32 {
        // SAFETY: the caller's pointer is valid for sixteen integers.
        unsafe { from.cast::<Self::I32>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(value: Self::I32, to: *mut i32) {
        // SAFETY: the caller's pointer is valid for sixteen integers.
        unsafe { to.cast::<Self::I32>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const i8) -> Self::I32 {
        // SAFETY: the caller's pointer is valid for sixteen bytes.
        unsafe { from.cast::<[i8; N_LANES]>().read_unaligned() }.map(i32::from)
    }

    #[inline(always)]
    unsafe fn store_i8(value: Self::I32, to: *mut i8) {
        // SAFETY: the caller's pointer is valid for sixteen bytes.
        unsafe { to.cast::<[i8; N_LANES]>().write_unaligned(value.map(|lane| lane as i8)) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::I32, b: Self::I32) -> Self::I32 {
        zip(a, b, i32::wrapping_add)
    }

    #[inline(always)]
    unsafe fn sub(a: Self::I32, b: Self::I32) -> Self::I32 {
        zip(a, b, i32::wrapping_sub)
    }

    #[inline(always)]
    unsafe fn load_factor(from: *const i8) -> Self::I32 {
        // SAFETY: as this function.
        unsafe { Self::load_i8(from) }
    }

    #[inline(always)]
    unsafe fn multiply_add(sum: Self::I32, value: Self::I32, factor: Self::I32) -> Self::I32 {
        zip(sum, zip(value, factor, i32::wrapping_mul), i32::wrapping_add)
    }

    #[inline(always)]
    unsafe fn clamp(value: Self::I32, min: Self::I32, max: Self::I32) -> Self::I32 {
        zip(zip(value, min, i32::max), max, i32::min)
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const i8) -> Self::Weights {
        // SAFETY: the caller's pointer is valid for 64 bytes.
        unsafe { from.cast::<Self::Weights>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_taps(from: *const u8) -> Self::Taps {
        // SAFETY: the caller's pointer is valid for 4 bytes.
        unsafe { from.cast::<Self::Taps>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn dot(mut sum: Self::I32, taps: Self::Taps, weights: Self::Weights) -> Self::I32 {
        for (sum, weights) in sum.iter_mut().zip(weights) {
            for (tap, weight) in taps.into_iter().zip(weights) {
                *sum = sum.wrapping_add(i32::from(tap) * i32::from(weight));
            }
        }
        sum
    }

    #[inline(always)]
    unsafe fn factors(scale: &Scale) -> Scale {
        *scale
    }

    #[inline(always)]
    unsafe fn scale_double(mut value: Self::I32, scale: Scale) -> Self::I32 {
        for (index, lane) in value.iter_mut().enumerate() {
            let raised = i64::from(lane.wrapping_shl(scale.left[index] as u32));
            let high = ((raised * i64::from(scale.mantissa[index]) + (1 << 30)) >> 31) as i32;
            let rounded = high.wrapping_add(scale.half[index]).wrapping_add((high >> 31) & scale.tie[index]);
            *lane = rounded >> scale.right[index];
        }
        value
    }
}

#[inline(always)]
fn zip(mut a: [i32; N_LANES], b: [i32; N_LANES], function: impl Fn(i32, i32) -> i32) -> [i32; N_LANES] {
    for (a, b) in a.iter_mut().zip(b) {
        *a = function(*a, b);
    }
    a
}
