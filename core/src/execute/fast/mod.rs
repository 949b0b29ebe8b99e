//! Host versions of kernels that use the machine's vector instructions, chosen at run time, with a portable fallback.
//!
//! The only place outside the firmware's kernels where `unsafe` is allowed, each use with its proof. Integer kernels here are
//! bit-identical to those of `tinsmith_runtime`; property tests hold them to it.

pub mod conv2d;
pub mod depthwise_conv2d;
#[allow(unsafe_code)]
pub mod depthwise_f32;
pub mod elementwise;
pub mod fully_connected;
mod isa;
#[allow(unsafe_code)]
pub mod matmul_f32;
pub mod simd_f32;

pub use isa::Isa;
