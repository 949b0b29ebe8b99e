//! Sixteen 32-bit integers side by side: what every vector kernel is written in, whatever the registers' width.
//!
//! A kernel is one generic function over [`Lanes`]; a wrapper for each instruction set compiles it with that set enabled
//! ([`dispatch`]). An implementation holds nothing but the instructions. Kernels call them from `#[inline(always)]` functions
//! and never from closures, which would not take on the wrapper's instruction set and turn each instruction into a call.

use tinsmith_runtime::fixed_point::{Multiplier, Rounding};

/// Lanes of one vector: output channels, or neighbours in a buffer.
pub(super) const N_LANES: usize = 16;

/// Sixteen integers in memory, where no vector crosses a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Stored(pub(super) [i32; N_LANES]);

/// Vector instructions on sixteen lanes.
///
/// # Safety
/// Every function may only be called on a processor that has the implementation's instructions, from a function that is
/// compiled with them. Pointers are valid for the number of elements that each function names; no alignment is needed.
pub(super) trait Lanes {
    /// Sixteen 32-bit integers.
    type I32: Copy;
    /// Weights of sixteen channels, four taps each.
    type Weights: Copy;
    /// Four input values, the same for every channel.
    type Taps: Copy;
    /// The fields of a [`Scale`] that a double rounding needs, in registers.
    type Factors: Copy;
    /// What a tap is too large by when [`Lanes::dot`] multiplies it: taps are stored as `value + 128` in a byte.
    const TAP_OFFSET: i32;

    /// `value` in each lane.
    unsafe fn splat(value: i32) -> Self::I32;
    /// Sixteen integers from memory.
    unsafe fn load(from: *const i32) -> Self::I32;
    /// Sixteen integers to memory.
    unsafe fn store(value: Self::I32, to: *mut i32);
    /// Sixteen bytes from memory, widened with their sign.
    unsafe fn load_i8(from: *const i8) -> Self::I32;
    /// The lowest byte of each lane to sixteen bytes of memory. Lanes hold values of `i8`.
    unsafe fn store_i8(value: Self::I32, to: *mut i8);
    /// Lane by lane; wraps.
    unsafe fn add(a: Self::I32, b: Self::I32) -> Self::I32;
    /// Lane by lane; wraps.
    unsafe fn sub(a: Self::I32, b: Self::I32) -> Self::I32;
    /// Sixteen bytes from memory as the second factor of [`Lanes::multiply_add`].
    unsafe fn load_factor(from: *const i8) -> Self::I32;
    /// `sum + value * factor`, lane by lane; `value` is of [`Lanes::load_i8`], `factor` of [`Lanes::load_factor`].
    unsafe fn multiply_add(sum: Self::I32, value: Self::I32, factor: Self::I32) -> Self::I32;
    /// Lane by lane.
    unsafe fn clamp(value: Self::I32, min: Self::I32, max: Self::I32) -> Self::I32;
    /// `[16][4]` weights from 64 bytes of memory.
    unsafe fn load_weights(from: *const i8) -> Self::Weights;
    /// Four taps from 4 bytes of memory.
    unsafe fn load_taps(from: *const u8) -> Self::Taps;
    /// `sum + taps . weights`, lane by lane, exactly.
    unsafe fn dot(sum: Self::I32, taps: Self::Taps, weights: Self::Weights) -> Self::I32;
    /// Loads a scale; once for many values.
    unsafe fn factors(scale: &Scale) -> Self::Factors;
    /// [`Multiplier::apply`] with [`Rounding::Double`], each lane with its own multiplier.
    unsafe fn scale_double(value: Self::I32, factors: Self::Factors) -> Self::I32;

    /// [`Multiplier::apply`], each lane with its own multiplier; `factors` are those of `scale`.
    #[inline(always)]
    unsafe fn scale(value: Self::I32, scale: &Scale, factors: Self::Factors, rounding: Rounding) -> Self::I32 {
        match rounding {
            // SAFETY: as this function.
            Rounding::Double => unsafe { Self::scale_double(value, factors) },
            Rounding::Single => {
                let mut lanes = [0_i32; N_LANES];
                // SAFETY: as this function; the array holds sixteen integers.
                unsafe { Self::store(value, lanes.as_mut_ptr()) };
                for (index, lane) in lanes.iter_mut().enumerate() {
                    let raised = i64::from(lane.wrapping_shl(scale.raise[index] as u32));
                    let total = scale.total[index] as u32;
                    let product = raised * i64::from(scale.mantissa[index]);
                    *lane = (product.wrapping_add(1 << (total - 1)) >> total) as i32;
                }
                // SAFETY: likewise.
                unsafe { Self::load(lanes.as_ptr()) }
            }
        }
    }
}

/// Multipliers of sixteen lanes, taken apart the way vector instructions want them.
///
/// A double rounding is `(h + half + (h < 0 ? tie : 0)) >> right` with `h` the high half of the product of
/// `value << left` and `mantissa`: adding a half and, below zero, subtracting one sends ties away from zero.
/// The sum must not overflow: `|value << left| < 2^30` wherever `right > 0`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Scale {
    pub(super) mantissa: [i32; N_LANES],
    pub(super) left: [i32; N_LANES],
    pub(super) right: [i32; N_LANES],
    pub(super) half: [i32; N_LANES],
    /// -1 where `right > 0`, else 0.
    pub(super) tie: [i32; N_LANES],
    /// For a single rounding: the shift before the product, and the one after it.
    raise: [i32; N_LANES],
    total: [i32; N_LANES],
}

impl Scale {
    /// The scales of sixteen lanes. Each value is first shifted left by `raise` bits.
    pub(super) fn new(multipliers: &[Multiplier; N_LANES], raise: i32) -> Self {
        let each = |part: &dyn Fn(Multiplier) -> i32| multipliers.map(part);
        Self {
            mantissa: each(&|m| m.mantissa()),
            left: each(&|m| m.shift().max(0) + raise),
            right: each(&|m| (-m.shift()).max(0)),
            half: each(&|m| if m.shift() < 0 { 1 << (-m.shift() - 1) } else { 0 }),
            tie: each(&|m| if m.shift() < 0 { -1 } else { 0 }),
            raise: [raise; N_LANES],
            total: each(&|m| 31 - m.shift()),
        }
    }
}

/// Calls `$kernel::<L>(..)` with the lanes of an [`super::isa::Kind`], compiled for its instructions.
///
/// The kernel is `#[inline(always)]`, so that its body takes on the wrapper's instructions.
macro_rules! dispatch {
    ($isa:expr, $kernel:ident($($name:ident: $type:ty),* $(,)?)) => {{
        use $crate::execute::fast::isa::Kind;
        match $isa.kind() {
            // SAFETY: the portable lanes need no instruction; the rest is the caller's proof for the kernel.
            Kind::Portable => unsafe { $kernel::<$crate::execute::fast::portable::Portable>($($name),*) },
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => {
                #[target_feature(enable = "neon")]
                unsafe fn neon($($name: $type),*) {
                    // SAFETY: compiled with NEON; the rest is the caller's proof for the kernel.
                    unsafe { $kernel::<$crate::execute::fast::neon::Neon>($($name),*) }
                }
                // SAFETY: an `Isa` of this kind exists only where the processor has NEON.
                unsafe { neon($($name),*) }
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => {
                #[target_feature(enable = "avx2")]
                unsafe fn avx2($($name: $type),*) {
                    // SAFETY: compiled with AVX2; the rest is the caller's proof for the kernel.
                    unsafe { $kernel::<$crate::execute::fast::avx2::Avx2>($($name),*) }
                }
                // SAFETY: an `Isa` of this kind exists only where the processor has AVX2.
                unsafe { avx2($($name),*) }
            }
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => {
                #[target_feature(enable = "avx2,avxvnni")]
                unsafe fn avx_vnni($($name: $type),*) {
                    // SAFETY: compiled with AVX-VNNI; the rest is the caller's proof for the kernel.
                    unsafe { $kernel::<$crate::execute::fast::avx2::AvxVnni>($($name),*) }
                }
                // SAFETY: an `Isa` of this kind exists only where the processor has AVX2 and AVX-VNNI.
                unsafe { avx_vnni($($name),*) }
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
                unsafe fn avx512($($name: $type),*) {
                    // SAFETY: compiled with AVX-512 VNNI; the rest is the caller's proof for the kernel.
                    unsafe { $kernel::<$crate::execute::fast::avx512::Avx512>($($name),*) }
                }
                // SAFETY: an `Isa` of this kind exists only where the processor has these four.
                unsafe { avx512($($name),*) }
            }
        }
    }};
}
pub(super) use dispatch;
