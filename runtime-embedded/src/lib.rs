//! Integer kernels for microcontrollers: slices in, slices out, no allocation, no standard library.
//!
//! These are the one definition of the project's arithmetic. Their bytes equal those of TensorFlow Lite Micro as it is
//! built by default. Nothing here is optimised: faster host versions live beside the studio's executor and are held to these.
//! [`model`] runs a whole network with them from a compact file; [`link`] is how a board and the studio talk. Nothing here
//! knows graphs or hosts.
//!
//! Floating point appears only where TensorFlow Lite Micro itself uses it: when parameters are *prepared* from scales
//! (constructors named `prepare` or `from_real`) and in `quantize` and `dequantize`, whose operands are floats.
#![no_std]

pub mod activation;
pub mod element;
pub mod fixed_point;
pub mod frontend;
pub mod kernels;
pub mod link;
pub mod lookup;
pub mod model;
pub mod shape;
pub mod transcendental;
