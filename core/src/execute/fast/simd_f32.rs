//! Which vector instructions this machine has for floats, found once at run time.

/// The vector instructions that the float kernels are compiled for. Only [`SimdF32::available`] makes one, so that whoever
/// holds it knows that the machine has them.
///
/// Sums take the same order at every level; with fused multiply-add their last bits may differ from those without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimdF32(Level);

/// See [`SimdF32`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// 16 lanes, 32 registers, fused multiply-add (x86-64 AVX-512F).
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 8 lanes, 16 registers, fused multiply-add (x86-64 AVX2 and FMA).
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Whatever the target always has: SSE2 on x86-64, NEON on AArch64.
    Portable,
    /// As portable, but never fused.
    Plain,
}

impl SimdF32 {
    /// The best level of this machine.
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// All levels of this machine, best first.
    pub fn available() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            // AVX2 and FMA are asked for too: the compiler may use both where AVX-512 is enabled.
            let avx2 = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
            if avx2 && std::arch::is_x86_feature_detected!("avx512f") {
                levels.push(Self(Level::Avx512));
            }
            if avx2 {
                levels.push(Self(Level::Avx2));
            }
        }
        levels.push(Self(Level::Portable));
        levels
    }

    /// Products are rounded before they are added, on every machine, as plain C does it: for sums that have to come out to the
    /// last bit like those of another program.
    pub fn plain() -> Self {
        Self(Level::Plain)
    }

    pub(super) fn level(self) -> Level {
        self.0
    }
}

/// `a * b + c`, fused where the caller's instructions have it: without them a fused product would be a library call.
#[inline(always)]
pub(super) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// `x` between `low` and `high`; NaN stays. Written so that it compiles to one minimum and one maximum.
#[inline(always)]
pub(super) fn clamp(x: f32, (low, high): (f32, f32)) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// Whether the target always has fused multiply-add.
pub(super) const PORTABLE_FUSED: bool = cfg!(target_arch = "aarch64");
