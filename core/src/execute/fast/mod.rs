//! Host versions of kernels that use the machine's vector instructions, chosen at run time, with a portable fallback.
//!
//! The only place outside the firmware's kernels where `unsafe` is allowed, each use with its proof. Integer kernels here are
//! bit-identical to those of `tinsmith_runtime`; property tests hold them to it.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;
pub mod conv2d;
#[allow(unsafe_code)]
pub mod depthwise_conv2d;
#[allow(unsafe_code)]
pub mod depthwise_f32;
#[allow(unsafe_code)]
pub mod elementwise;
pub mod fully_connected;
#[allow(unsafe_code)]
mod gemm;
mod image;
pub mod int16;
mod isa;
#[allow(unsafe_code)]
mod lanes;
#[allow(unsafe_code)]
pub mod matmul_f32;
#[cfg(target_arch = "aarch64")]
#[allow(unsafe_code)]
mod neon;
pub mod pool2d;
#[allow(unsafe_code)]
mod portable;
pub mod reduce;
pub mod simd_f32;
pub mod softmax;

pub use isa::Isa;

#[cfg(test)]
mod tests;
