//! A quantized graph as a compact model file for Tinsmith's own runtime, [`tinsmith_runtime::model`].
//!
//! What the nodes compute is taken from the integer executor, so that the file holds the very parameters whose results were
//! measured here. Write only: a `.tflite` file is what a model is kept in.

mod coding;
mod layers;
mod notes;
mod program;
#[cfg(test)]
mod tests;

pub use coding::{Coding, Encoding};
pub use notes::files;

use tinsmith_runtime::fixed_point::{Affine, Rounding};
use tinsmith_runtime::model::{Element, HEADER_BYTES, MAGIC, Model, ModelError, VERSION};

use self::program::{Pool, Record};
use crate::execute::ExecuteError;
use crate::execute::int8;
use crate::execute::int8::program::{Place, Program, ProgramStep};
use crate::graph::{Graph, NodeId, TensorId};
use crate::measure::arena;
use crate::tensor::{ElementType, Tensor};

/// A compact model file, and where its bytes went.
#[derive(Clone, Debug, PartialEq)]
pub struct CompactModel {
    /// The file.
    pub bytes: Vec<u8>,
    /// Each tensor of weights, in the order of the nodes.
    pub weights: Vec<CodedTensor>,
    /// Bytes of RAM that activations take.
    pub arena_bytes: usize,
    /// Bytes of RAM that decoding, and the state of an LSTM, take beside the arena.
    pub workspace_bytes: usize,
}

/// How one tensor of weights was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodedTensor {
    /// Which tensor of the graph.
    pub tensor: TensorId,
    /// The coding that its content chose.
    pub encoding: Encoding,
    /// Number of weights.
    pub values: usize,
    /// Bytes that they take, tables included.
    pub bytes: usize,
}

impl CompactModel {
    /// Bytes that all weights take.
    pub fn weights_bytes(&self) -> u64 {
        self.weights.iter().map(|tensor| tensor.bytes as u64).sum()
    }
}

/// Why a graph has no compact model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CompactError {
    /// The runtime has no kernel for a node, as it stands.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The runtime's kernels for compact models take 8-bit activations.
    #[error(
        "node \"{node}\" has int16 activations, the compact model's runtime computes with int8; give the layer an int8 scheme, \
         or export a .tflite file for TensorFlow Lite Micro"
    )]
    Int16 {
        /// Which node.
        node: String,
    },
    /// The runtime has no such input or output.
    #[error("{place} \"{tensor}\" is {element}, the runtime has int8, uint8, int16, int32 and float32")]
    Element {
        /// Input or output.
        place: &'static str,
        /// Name of the tensor.
        tensor: String,
        /// Its type.
        element: &'static str,
    },
    /// The runtime's reader does not take what was written: the model exceeds its limits.
    #[error("node \"{node}\" exceeds what the runtime takes: {source}")]
    Node {
        /// Which node.
        node: String,
        /// What the reader says.
        source: ModelError,
    },
    /// The same, of the whole model.
    #[error("the model exceeds what the runtime takes: {0}")]
    Model(ModelError),
}

/// Writes `graph` for Tinsmith's runtime, with weights in the shortest of the codings that `coding` allows. The same graph gives
/// the same bytes.
///
/// # Errors
/// [`CompactError`] names the node, input or output that the runtime lacks: float layers, layers with 16-bit activations.
pub fn compact(graph: &Graph, coding: Coding) -> Result<CompactModel, CompactError> {
    let rounding = Rounding::default();
    let program = int8::program(graph, rounding)?;
    let offsets = arena::place(program.buffers.iter().map(|span| (span.first, span.last, span.bytes)));
    let mut writer = Writer {
        graph,
        program: &program,
        offsets,
        coding,
        pool: Pool::default(),
        nodes: Record::default(),
        of_node: Vec::new(),
        weights: Vec::new(),
    };
    program.steps.iter().try_for_each(|step| writer.step(step))?;
    let mut whole = Record::default();
    writer.ports(&mut whole, "input", &graph.inputs, &program.inputs)?;
    writer.ports(&mut whole, "output", &graph.outputs, &program.outputs)?;
    whole.varint(writer.of_node.len());
    whole.0.extend(&writer.nodes.0);
    let bytes = file(rounding, &whole.0, &writer.pool.bytes);
    let model = Model::parse(&bytes).map_err(|source| writer.refused(source))?;
    let (arena_bytes, workspace_bytes) = (model.arena_bytes(), model.workspace_bytes());
    Ok(CompactModel { weights: writer.weights, arena_bytes, workspace_bytes, bytes })
}

/// Weights in channels of `channel_len` as a compact model has them: the shortest coding that `coding` allows, and its bytes.
pub fn code_weights(values: &[i8], channel_len: usize, coding: Coding) -> (Encoding, Vec<u8>) {
    let coded = coding::encode(values, channel_len, coding);
    (coded.encoding, coded.bytes)
}

fn file(rounding: Rounding, program: &[u8], data: &[u8]) -> Vec<u8> {
    let rounding = match rounding {
        Rounding::Double => 0,
        Rounding::Single => 1,
    };
    let mut bytes = Vec::with_capacity(HEADER_BYTES + program.len() + data.len());
    bytes.extend(MAGIC);
    bytes.extend([VERSION, 0, rounding, 0]);
    // Beyond 4 GB the reader finds another length.
    bytes.extend((program.len() as u32).to_le_bytes());
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(program);
    bytes.extend(data);
    bytes
}

/// A file in the making.
struct Writer<'a> {
    graph: &'a Graph,
    program: &'a Program<'a>,
    /// Of each buffer in the arena.
    offsets: Vec<u64>,
    coding: Coding,
    pool: Pool,
    nodes: Record,
    /// For each node written the node of the graph that it stands for.
    of_node: Vec<NodeId>,
    weights: Vec<CodedTensor>,
}

impl Writer<'_> {
    /// A node from the step's first operand to its first result; `write` adds what its kind has beside those.
    fn node(&mut self, step: &ProgramStep<'_>, tag: u8, write: impl FnOnce(&mut Self, &mut Record)) {
        self.node_between(step, tag, (step.outputs[0].1, &step.inputs[0]), write);
    }

    /// The same with a result and an operand of the caller's choice.
    fn node_between(
        &mut self,
        step: &ProgramStep<'_>,
        tag: u8,
        (output, input): (usize, &Place),
        write: impl FnOnce(&mut Self, &mut Record),
    ) {
        let mut record = Record::default();
        record.u8(tag);
        record.varints(&[self.offset(output), self.program.buffers[output].bytes]);
        self.operand(&mut record, input);
        write(self, &mut record);
        self.nodes.0.extend(record.0);
        self.of_node.push(step.node);
    }

    fn offset(&self, buffer: usize) -> usize {
        usize::try_from(self.offsets[buffer]).unwrap_or(usize::MAX)
    }

    fn operand(&mut self, record: &mut Record, place: &Place) {
        let (is_data, offset) = match place {
            Place::Buffer(buffer) => (0, self.offset(*buffer)),
            Place::Constant(value) => (1, self.pool.place(value.bytes().to_vec())),
        };
        record.varints(&[self.place_bytes(place).saturating_mul(2) + is_data, offset]);
    }

    /// Where a piece of data is.
    fn data(&mut self, record: &mut Record, piece: Vec<u8>) {
        let len = piece.len();
        let offset = if len == 0 { 0 } else { self.pool.place(piece) };
        record.varints(&[offset, len]);
    }

    fn place_bytes(&self, place: &Place) -> usize {
        match place {
            Place::Buffer(buffer) => self.program.buffers[*buffer].bytes,
            Place::Constant(value) => value.bytes().len(),
        }
    }

    fn operand_id(&self, step: &ProgramStep<'_>, index: usize) -> Option<TensorId> {
        *self.graph.node(step.node).inputs.get(index)?
    }

    fn ports(&mut self, record: &mut Record, kind: &'static str, ids: &[TensorId], places: &[Place]) -> Result<(), CompactError> {
        record.varint(ids.len());
        for (id, place) in ids.iter().zip(places) {
            let tensor = self.graph.tensor(*id);
            record.u8(element(tensor, kind)? as u8);
            let quantization = tensor.quantization.as_ref();
            let affine = quantization.map(|q| Affine { scale: q.scale(), zero_point: q.zero_point() });
            record.affine(affine.unwrap_or(Affine { scale: 0.0, zero_point: 0 }));
            self.operand(record, place);
        }
        Ok(())
    }

    fn refused(&self, source: ModelError) -> CompactError {
        match source {
            ModelError::Node { index, .. } if index < self.of_node.len() => {
                CompactError::Node { node: self.graph.node(self.of_node[index]).name.clone(), source }
            }
            _ => CompactError::Model(source),
        }
    }
}

fn element(tensor: &Tensor, place: &'static str) -> Result<Element, CompactError> {
    match tensor.element {
        ElementType::I8 => Ok(Element::I8),
        ElementType::U8 | ElementType::Bool => Ok(Element::U8),
        ElementType::I16 => Ok(Element::I16),
        ElementType::I32 => Ok(Element::I32),
        ElementType::F32 => Ok(Element::F32),
        ElementType::F16 | ElementType::I4 | ElementType::I64 | ElementType::Other(_) => {
            Err(CompactError::Element { place, tensor: tensor.name.clone(), element: tensor.element.name() })
        }
    }
}
