//! Integer kernels for microcontrollers: slices in, slices out, no allocation, no standard library.
//!
//! These are the one definition of the project's arithmetic. Their bytes equal those of TensorFlow Lite Micro as it is
//! built by default. Nothing here knows graphs, files or hosts.
#![no_std]
