//! A model in the forms that boards read.

use std::sync::Arc;

use tinsmith_core::export::compact::{Coding, CompactError, compact};
use tinsmith_core::formats::tflite::{ExportOptions, export};
use tinsmith_core::graph::Graph;
use tinsmith_runtime::link::{Loaded, Status, content_hash};

/// The same model as firmware with Tinsmith's own runtime and firmware with TensorFlow Lite Micro read it. Which one a board has is
/// found out by sending: it refuses the other form.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// The compact form first; the .tflite form, unless there is only the compact one.
    forms: Vec<([u8; 8], Arc<[u8]>)>,
}

impl ModelFile {
    /// A compact model as it is. It cannot be made into the other form.
    pub fn compact(bytes: Vec<u8>) -> Self {
        Self { forms: vec![(content_hash(&bytes), bytes.into())] }
    }

    /// Both forms of a graph; `tflite` is what was compiled into the firmware, to the byte, if there is such a file. What cannot be
    /// written as .tflite has the compact form alone.
    ///
    /// # Errors
    /// Tinsmith's runtime cannot take it.
    pub fn of(graph: &Graph, tflite: Option<Vec<u8>>) -> Result<Self, CompactError> {
        let tflite = tflite.or_else(|| export(graph, &ExportOptions::default()).ok());
        let forms = std::iter::once(compact(graph, Coding::Entropy)?.bytes).chain(tflite);
        Ok(Self { forms: forms.map(|bytes| (content_hash(&bytes), bytes.into())).collect() })
    }

    /// The forms in the order in which they are tried, each with its hash.
    pub fn forms(&self) -> &[([u8; 8], Arc<[u8]>)] {
        &self.forms
    }

    /// Whether it is this model that has the hash.
    pub fn has(&self, hash: [u8; 8]) -> bool {
        self.forms.iter().any(|(form, _)| *form == hash)
    }

    /// Whether it is this model that a board runs.
    pub fn is(&self, loaded: Option<Loaded>) -> bool {
        loaded.is_some_and(|loaded| self.has(loaded.hash))
    }
}

/// What can be done about a model that a board refuses.
pub fn remedy(refused: Status) -> &'static str {
    match refused {
        Status::Memory => "make the model's arena smaller, or flash firmware that has more memory for it",
        Status::Length => "make the model smaller, or flash firmware that has more room for it",
        Status::Model => "flash firmware of this version of Tinsmith with the operators of this model; Export makes it",
        Status::Unsupported => "flash firmware that takes models by the device link; Export makes it",
        Status::Hash | Status::Offset => {
            "something was lost on the way; load it again, by another cable or port if it is lost again"
        }
        Status::Done | Status::NoModel | Status::Sensor | Status::Failed => "press the board's reset button and load it again",
    }
}
