//! Which vector instructions this machine has.

/// A set of vector instructions that this machine has: a value exists only after the processor was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(Kind);

/// The sets that kernels are written for, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// No instruction beyond the target's baseline.
    Portable,
    /// 128-bit registers, 64-bit ARM.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// 256-bit registers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 256-bit registers with dot products of bytes.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// 512-bit registers with dot products of bytes.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Isa {
    /// The best set that this machine has.
    pub fn detect() -> Self {
        Self::available().pop().unwrap_or_else(Self::portable)
    }

    /// No vector instruction beyond the target's baseline: runs everywhere.
    pub fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// Every set that this machine has, worst first.
    pub fn available() -> Vec<Self> {
        let mut sets = vec![Kind::Portable];
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            sets.push(Kind::Neon);
        }
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            sets.push(Kind::Avx2);
            if is_x86_feature_detected!("avxvnni") {
                sets.push(Kind::AvxVnni);
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                sets.push(Kind::Avx512Vnni);
            }
        }
        sets.into_iter().map(Self).collect()
    }

    /// The name that processors' manuals use.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => "NEON",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => "AVX-VNNI",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => "AVX-512 VNNI",
        }
    }

    pub(super) fn kind(self) -> Kind {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_set_is_available() {
        let sets = Isa::available();
        assert_eq!(sets[0], Isa::portable());
        assert!(sets.contains(&Isa::detect()));
        eprintln!("this machine has: {:?}", sets.iter().map(|isa| isa.name()).collect::<Vec<_>>());
    }
}
