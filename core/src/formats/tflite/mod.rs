//! TensorFlow Lite model files (flatbuffer, schema version 3).
//!
//! | file | what |
//! | --- | --- |
//! | `read` | the checked flatbuffer as a graph |
//! | `write`, `share` | a graph as the smallest file, equal things once |
//! | `constants` | buffers as typed values, each once however many tensors share it |
//! | `quantization` | scales and zero points |
//! | `names` | node names from tensor names |
//! | `ops/` | each operator's import and export side by side |
//! | `metadata` | the arena plan that TFLM reads |
//! | `generated` | accessors made by flatc from `core/schema/tflite.fbs` |
//!
//! Only the first subgraph becomes the graph: operators that call others (IF, WHILE) are unknown ones, so nothing is lost.

mod constants;
#[rustfmt::skip]
#[allow(unsafe_code, missing_docs, unused_imports, unused_extern_crates, clippy::all, clippy::pedantic, rustdoc::all)]
mod generated;
mod metadata;
mod names;
mod ops;
mod quantization;
mod read;
mod share;
#[cfg(test)]
mod tests;
mod write;

use generated::tinsmith::tflite as schema;
pub(super) use read::import;
pub use write::{ExportOptions, export};

/// Name of the format, for people.
pub(super) const NAME: &str = "TensorFlow Lite";

/// How the files' names end.
pub(super) const SUFFIXES: &[&str] = &["tflite"];

/// Bytes 4 to 8 of every file of schema version 3.
const IDENTIFIER: &str = "TFL3";

/// Whether the bytes carry the identifier.
pub(super) fn matches(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(IDENTIFIER.as_bytes())
}
