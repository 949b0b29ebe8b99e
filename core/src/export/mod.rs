//! What firmware includes: a graph and its bytes become named files. The caller writes them.
//!
//! Reproducible: the same project gives the same bytes, so nothing here knows a date, a path or a machine.

mod board;
mod c_header;
mod c_text;
pub mod compact;
pub mod features;
mod ops;

pub use board::{Framework, board_project};
pub use c_header::{Firmware, Golden, c_header};

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// Name; with folders of its own, divided by `/`, if it belongs to a project of several.
    pub name: String,
    /// Contents.
    pub bytes: Vec<u8>,
}

/// Why a graph cannot become firmware files.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// TensorFlow Lite Micro cannot register this operator.
    #[error("node \"{node}\": TensorFlow Lite Micro has no operator {op}; take it out of the model")]
    Operator {
        /// Which node.
        node: String,
        /// Its operator.
        op: String,
    },
    /// A type that no C type stands for.
    #[error("{place} \"{tensor}\" is {element}, which firmware cannot pass; choose int8, uint8 or float32 inputs and outputs")]
    Element {
        /// Input or output.
        place: &'static str,
        /// Name of the tensor.
        tensor: String,
        /// Its type.
        element: &'static str,
    },
    /// Golden samples do not fit the model.
    #[error("golden sample {sample}: {place} has {found} bytes, the model's has {expected}")]
    Golden {
        /// Which sample, from 0.
        sample: usize,
        /// Input or output and its index.
        place: String,
        /// Bytes given.
        found: usize,
        /// Bytes of the tensor.
        expected: usize,
    },
    /// A front end does not fit what the board measures, or what the model takes.
    #[error("the front end does not fit: {0}")]
    FrontEnd(String),
    /// A front end is made for another rate than the board measures at.
    #[error(
        "the features are for {wanted_hz} Hz, and the firmware's {sensor} measures at {given_hz}; train with recordings of that \
         rate, or export C sources and feed them in firmware of your own"
    )]
    Rate {
        /// Which sensor.
        sensor: &'static str,
        /// What the features are made for.
        wanted_hz: f64,
        /// What the sensor gives.
        given_hz: f64,
    },
    /// Two files would have the same name.
    #[error("two files would be called {0}; give the model another name")]
    SameName(String),
    /// The model has no inputs or no outputs.
    #[error("the model has no {0}, so firmware could not call it")]
    NoInterface(&'static str),
}

/// The model itself as a file called after `name`.
pub fn tflite(name: &str, bytes: Vec<u8>) -> NamedFile {
    NamedFile { name: format!("{}.tflite", c_text::identifier(name)), bytes }
}
