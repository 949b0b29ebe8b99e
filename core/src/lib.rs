//! Graph, formats, optimization, execution, measurement and export of neural networks for microcontrollers.
//!
//! One model's way through the house:
//!
//! ```text
//! file -> formats::import -> Graph -> optimize (recipe steps in order) -> Graph -+-> execute  accuracy, SQNR
//!                                                                               +-> measure  size, MACs, arena, latency
//!                                                                               +-> export   .tflite, C header
//! ```
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`tensor`], [`quant`] | shapes, element types, scales and zero points: plain data |
//! | [`graph`] | `Graph`, `Node`, ids, the well-formedness check |
//! | [`ops`] | what each operator *is*: attributes, shape rule, cost |
//! | [`formats`] | bytes <-> `Graph`; never optimizes or executes |
//! | [`recipe`], [`optimize`] | recipe steps as plain values; `Graph -> Graph`; never files |
//! | [`execute`] | graph + samples -> outputs, in float or in the device's integers; knows no format |
//! | [`measure`] | size, MACs, arena, latency, energy, accuracy; reads a graph, changes nothing |
//! | [`data`] | samples, labels, splits; data sets as folders, importers, features |
//! | [`export`] | graph -> named bytes; the caller writes them |
//! | [`preview`] | the stages of one edit and their keys |
//! | [`live`] | a stream of samples, what models say of it, and events |
//! | [`project`] | the `.ron` file |
//! | [`files`] | files that are written whole or not at all |
//!
//! Architecture invariant: nothing here prints, opens a window or a port, or imports from the `app` crate.
#![warn(missing_docs)]

extern crate alloc; // The code that flatc generates for `formats::tflite` names it.

pub mod data;
pub mod execute;
pub mod export;
pub mod files;
pub mod formats;
pub mod graph;
pub mod live;
pub mod measure;
pub mod ops;
pub mod optimize;
pub mod preview;
pub mod progress;
pub mod project;
pub mod quant;
pub mod recipe;
mod settings;
pub mod tensor;

#[cfg(test)]
mod test_data;
#[cfg(test)]
mod test_graph;
