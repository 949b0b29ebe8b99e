//! The compact model file and its interpreter: no allocation, no unsafe code, weights decoded while the model runs.
//!
//! A file is made for the device: every parameter is computed, every activation has its place in the arena, shapes are there only
//! as far as kernels need them. [`Model::parse`] checks all of it once; a file that it accepts runs without a panic, whoever
//! wrote it.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | `TNSM` |
//! | 1 | version: 1 |
//! | 1 | type of activations: 0 is int8 (others may come) |
//! | 1 | rounding of requantization: 0 double, 1 single |
//! | 1 | zero |
//! | 4 | bytes of the program, uint32 |
//! | 4 | bytes of the data, uint32 |
//! | … | program: number of inputs, inputs; number of outputs, outputs; number of nodes, nodes |
//! | … | data: whatever the program refers to, each piece once |
//!
//! Numbers of several bytes are little-endian. In the program, counts, extents, offsets and lengths are *varints* (unsigned LEB128
//! of at most 31 bits), strides zigzag varints.
//!
//! | piece | bytes |
//! | --- | --- |
//! | slot | offset in the arena, length in bytes |
//! | data | offset in the data, length in bytes |
//! | operand | twice the length, plus 1 for data; offset |
//! | multiplier | mantissa int32, shift int8; see [`crate::fixed_point::Multiplier`] |
//! | clamp | smallest int8, largest int8 |
//! | nhwc | batch, height, width, channels |
//! | window | size, stride, dilation, padding before: vertical and horizontal each |
//! | walk | rank, origin; extent and stride of each axis |
//! | port | element type (0 int8, 1 uint8, 2 int16, 3 int32, 4 float32), scale float32, zero point int32, operand |
//! | bias | bytes of one (0 for none), data: `[channels]` integers of so many bytes |
//! | layer | data: multipliers, one or one a channel; bias; data: weights as in [`coding`] |
//!
//! A node is its tag, the slot of its result, its operand, and:
//!
//! | tag | node | what follows |
//! | --- | --- | --- |
//! | 0 | convolution | nhwc of input and of output, channels of a group, window, zero points of input and output (int8 each), clamp, layer |
//! | 1 | depthwise convolution | nhwc of input and of output, window, zero points, clamp, layer |
//! | 2 | fully connected | rows, inputs, outputs, zero points, clamp, layer |
//! | 3, 4 | sum, difference | right operand, walks over left and right, three zero points, three multipliers, clamp |
//! | 5 | product | right operand, walks over left and right, three zero points, multiplier, clamp |
//! | 6, 7 | average, maximum of a window | nhwc of input and of output, window, clamp |
//! | 8 | mean, sum | walks over the axes that stay and those that go, zero points, multiplier |
//! | 9 | softmax | length of a row, multiplier |
//! | 10 | function of one int8 | data: 256 results |
//! | 11 | gather | walk over the operand's bytes |
//! | 12 | pad | walk over the result's bytes, the byte around |
//! | 13 | join | blocks, length of a block of the result, of the operand, offset in the block: one node for each operand |
//! | 14 | split | blocks, length of a block of the operand, of the result, offset: one node for each result |
//! | 15 | nearest-neighbour resize | batch, input rows, input columns, bytes of a pixel, data: row coordinates, column coordinates (uint16) |
//! | 16 | LSTM | steps, inputs, units, zero points of input and hidden state, 11 multipliers, power of the cell's scale (int8), bound of the cell, data: four input weights, four recurrent weights; four biases |
//! | 17, 18 | quantize, dequantize | scale, zero point int32, integer type |
//! | 19 | requantize | zero points int32, multiplier, integer types of operand and result |
//!
//! Multipliers of an LSTM are those of [`crate::kernels::lstm::LstmParams`] in its order.

pub mod coding;
mod layer;
mod node;
mod read;
mod recurrent;
mod run;

pub use node::tag;
pub use read::MULTIPLIER_BYTES;

use core::fmt;

use crate::fixed_point::Rounding;
use node::Node;
use read::{Fault, Reader};

/// The first bytes of a file.
pub const MAGIC: [u8; 4] = *b"TNSM";
/// The version of the format that is read.
pub const VERSION: u8 = 1;
/// Bytes before the program.
pub const HEADER_BYTES: usize = 16;

/// Why bytes are no model that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// They do not begin as a model does.
    NotAModel,
    /// They are of another version of the format.
    Version(u8),
    /// Activations are of a type that has no kernels here.
    Activations(u8),
    /// There are more or fewer bytes than the header says.
    Length,
    /// Something before the nodes is wrong.
    Ports(&'static str),
    /// A node is wrong.
    Node {
        /// Which, from 0.
        index: usize,
        /// What about it.
        fault: &'static str,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAModel => write!(f, "not a compact model: it does not begin with TNSM"),
            Self::Version(version) => write!(f, "a compact model of version {version}, this runtime reads version {VERSION}"),
            Self::Activations(code) => write!(f, "activations of type {code}, this runtime has int8 (0)"),
            Self::Length => write!(f, "the compact model is not as long as its header says"),
            Self::Ports(fault) => write!(f, "inputs and outputs: {fault}"),
            Self::Node { index, fault } => write!(f, "node {index}: {fault}"),
        }
    }
}

impl core::error::Error for ModelError {}

/// Why a model did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunError {
    /// The arena is shorter than [`Model::arena_bytes`].
    Arena,
    /// The workspace is shorter than [`Model::workspace_bytes`].
    Workspace,
    /// There is not one buffer of the right length for each input and output.
    Buffers,
    /// The file is not what it was when it was parsed.
    Changed,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arena => "the arena is too small",
            Self::Workspace => "the workspace is too small",
            Self::Buffers => "inputs or outputs have other lengths than the model's",
            Self::Changed => "the model has changed since it was parsed",
        })
    }
}

impl core::error::Error for RunError {}

/// Type of an input, an output, or either end of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Two's complement, 8 bits.
    I8 = 0,
    /// Unsigned, 8 bits.
    U8 = 1,
    /// Two's complement, 16 bits.
    I16 = 2,
    /// Two's complement, 32 bits.
    I32 = 3,
    /// IEEE 754 single precision.
    F32 = 4,
}

impl Element {
    fn read(r: &mut Reader<'_>) -> Result<Self, Fault> {
        match r.u8()? {
            0 => Ok(Self::I8),
            1 => Ok(Self::U8),
            2 => Ok(Self::I16),
            3 => Ok(Self::I32),
            4 => Ok(Self::F32),
            _ => Err("a type is not known"),
        }
    }

    fn read_integer(r: &mut Reader<'_>) -> Result<Self, Fault> {
        Self::read(r).and_then(|element| if element == Self::F32 { Err("it converts from float to float") } else { Ok(element) })
    }

    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
        }
    }
}

/// An input or output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Port {
    /// Type of its elements.
    pub element: Element,
    /// Length of its buffer; elements are little-endian.
    pub bytes: usize,
    /// Real units of a step; 0 for plain numbers.
    pub scale: f32,
    /// The integer that stands for 0.0.
    pub zero_point: i32,
}

/// A piece of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    offset: usize,
    len: usize,
}

impl Slot {
    fn end(self) -> usize {
        self.offset + self.len
    }
}

/// Where bytes to read are.
#[derive(Clone, Copy, Debug)]
enum Operand<'a> {
    Arena(Slot),
    Constant(&'a [u8]),
}

impl Operand<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Arena(slot) => slot.len,
            Self::Constant(bytes) => bytes.len(),
        }
    }

    /// Refuses an operand that a node would overwrite while it reads it.
    fn check_apart(&self, output: Slot) -> Result<(), Fault> {
        match self {
            Self::Arena(slot) if slot.offset < output.end() && output.offset < slot.end() => {
                Err("its operand lies in its result")
            }
            _ => Ok(()),
        }
    }
}

/// What nodes are read with.
#[derive(Clone, Copy, Debug)]
struct Context<'a> {
    data: &'a [u8],
    rounding: Rounding,
}

impl<'a> Context<'a> {
    fn data(&self, r: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
        let (offset, len) = (r.varint()?, r.varint()?);
        self.piece(offset, len)
    }

    fn piece(&self, offset: usize, len: usize) -> Result<&'a [u8], Fault> {
        self.data.get(offset..).and_then(|rest| rest.get(..len)).ok_or("it refers to data beyond the end")
    }

    fn slot(&self, r: &mut Reader<'a>) -> Result<Slot, Fault> {
        place(r.varint()?, r.extent()?)
    }

    fn operand(&self, r: &mut Reader<'a>) -> Result<Operand<'a>, Fault> {
        let (length, offset) = (r.extent()?, r.varint()?);
        match (length / 2, length % 2) {
            (0, _) => Err("a tensor is empty"),
            (len, 0) => place(offset, len).map(Operand::Arena),
            (len, _) => self.piece(offset, len).map(Operand::Constant),
        }
    }

    fn port(&self, r: &mut Reader<'a>) -> Result<(Port, Operand<'a>), Fault> {
        let (element, affine) = (Element::read(r)?, r.affine()?);
        let operand = self.operand(r)?;
        let bytes = operand.len();
        Ok((Port { element, bytes, scale: affine.scale, zero_point: affine.zero_point }, operand))
    }
}

/// A piece of the arena, whose end is a number of 31 bits.
fn place(offset: usize, len: usize) -> Result<Slot, Fault> {
    match offset.checked_add(len) {
        Some(end) if end <= i32::MAX as usize => Ok(Slot { offset, len }),
        _ => Err("a tensor lies beyond any arena"),
    }
}

/// A model whose bytes have been checked. It borrows them: they stay in flash.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    cx: Context<'a>,
    inputs: Ports<'a>,
    outputs: Ports<'a>,
    nodes: Reader<'a>,
    n_nodes: usize,
    arena_bytes: usize,
    workspace_bytes: usize,
}

/// Inputs or outputs, as they lie in the file.
#[derive(Clone, Copy, Debug)]
struct Ports<'a> {
    n: usize,
    reader: Reader<'a>,
}

impl<'a> Ports<'a> {
    /// Those at the reader, which they leave behind, and the end of the last of them in the arena.
    fn read(r: &mut Reader<'a>, cx: &Context<'a>) -> Result<(Self, usize), Fault> {
        let n = r.varint()?;
        let ports = Self { n, reader: *r };
        let mut end = 0;
        for _ in 0..n {
            let (port, operand) = cx.port(r)?;
            if !port.bytes.is_multiple_of(port.element.bytes()) {
                return Err("a tensor's length does not fit its type");
            }
            if let Operand::Arena(slot) = operand {
                end = end.max(slot.end());
            }
        }
        Ok((ports, end))
    }

    fn iter(self, cx: Context<'a>) -> impl Iterator<Item = (Port, Operand<'a>)> {
        let mut reader = self.reader;
        (0..self.n).map_while(move |_| cx.port(&mut reader).ok())
    }
}

impl<'a> Model<'a> {
    /// Checks every offset, length and extent of a file, and decodes its entropy-coded weights once to see that they are whole.
    ///
    /// # Errors
    /// What is wrong, and with which node.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(ModelError::NotAModel)?;
        let [m0, m1, m2, m3, version, activations, rounding, reserved, lengths @ ..] = *header;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(ModelError::NotAModel);
        }
        match (version, activations) {
            (VERSION, 0) => {}
            (VERSION, other) => return Err(ModelError::Activations(other)),
            (other, _) => return Err(ModelError::Version(other)),
        }
        let rounding = match (rounding, reserved) {
            (0, 0) => Rounding::Double,
            (1, 0) => Rounding::Single,
            _ => return Err(ModelError::Ports("its rounding is not known")),
        };
        let lengths = u64::from_le_bytes(lengths);
        let (program_len, data_len) = (lengths & 0xffff_ffff, lengths >> 32);
        if rest.len() as u64 != program_len + data_len {
            return Err(ModelError::Length);
        }
        // Not longer than what is there.
        let (program, data) = rest.split_at(program_len as usize);
        Self::read(program, Context { data, rounding })
    }

    fn read(program: &'a [u8], cx: Context<'a>) -> Result<Self, ModelError> {
        let mut r = Reader::new(program);
        let (inputs, inputs_end) = Ports::read(&mut r, &cx).map_err(ModelError::Ports)?;
        let (outputs, outputs_end) = Ports::read(&mut r, &cx).map_err(ModelError::Ports)?;
        let n_nodes = r.varint().map_err(ModelError::Ports)?;
        let mut model =
            Self { cx, inputs, outputs, nodes: r, n_nodes, arena_bytes: inputs_end.max(outputs_end), workspace_bytes: 0 };
        for index in 0..n_nodes {
            model.check_node(&mut r).map_err(|fault| ModelError::Node { index, fault })?;
        }
        if r.rest().is_empty() { Ok(model) } else { Err(ModelError::Length) }
    }

    /// Checks the node at the reader, and makes room for it.
    fn check_node(&mut self, r: &mut Reader<'a>) -> Result<(), Fault> {
        let node = Node::read(r, &self.cx)?;
        node.check()?;
        self.workspace_bytes = self.workspace_bytes.max(node.workspace_bytes()?);
        let other = match &node.op {
            node::Op::Add(_, _, right) | node::Op::Mul(_, _, right) => Some(right),
            _ => None,
        };
        let ends = [Some(&node.input), other].into_iter().flatten().filter_map(|operand| match operand {
            Operand::Arena(slot) => Some(slot.end()),
            Operand::Constant(_) => None,
        });
        self.arena_bytes = ends.fold(self.arena_bytes.max(node.output.end()), usize::max);
        Ok(())
    }

    /// Bytes that activations take.
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// Bytes that the node takes that takes most: one channel of weights, the state of an LSTM.
    pub fn workspace_bytes(&self) -> usize {
        self.workspace_bytes
    }

    /// The inputs, in order.
    pub fn inputs(&self) -> impl Iterator<Item = Port> {
        self.inputs.iter(self.cx).map(|(port, _)| port)
    }

    /// The outputs, in order.
    pub fn outputs(&self) -> impl Iterator<Item = Port> {
        self.outputs.iter(self.cx).map(|(port, _)| port)
    }

    /// Runs once. `arena` and `workspace` may hold anything and lie at any address.
    ///
    /// * `inputs`, `outputs`: one buffer of [`Port::bytes`] for each
    ///
    /// # Errors
    /// [`RunError`] before anything is computed, but for [`RunError::Changed`].
    pub fn run(
        &self,
        arena: &mut [u8],
        workspace: &mut [u8],
        inputs: &[&[u8]],
        outputs: &mut [&mut [u8]],
    ) -> Result<(), RunError> {
        let arena = arena.get_mut(..self.arena_bytes).ok_or(RunError::Arena)?;
        let workspace = workspace.get_mut(..self.workspace_bytes).ok_or(RunError::Workspace)?;
        let fit_in = self.inputs().map(|port| port.bytes).eq(inputs.iter().map(|bytes| bytes.len()));
        let fit_out = self.outputs().map(|port| port.bytes).eq(outputs.iter().map(|bytes| bytes.len()));
        if !fit_in || !fit_out {
            return Err(RunError::Buffers);
        }
        for ((_, operand), bytes) in self.inputs.iter(self.cx).zip(inputs) {
            if let Operand::Arena(slot) = operand {
                arena[slot.offset..slot.end()].copy_from_slice(bytes);
            }
        }
        let mut nodes = self.nodes;
        for _ in 0..self.n_nodes {
            let node = Node::read(&mut nodes, &self.cx).map_err(|_| RunError::Changed)?;
            node.run(arena, workspace).map_err(|_| RunError::Changed)?;
        }
        for ((_, operand), bytes) in self.outputs.iter(self.cx).zip(outputs) {
            match operand {
                Operand::Arena(slot) => bytes.copy_from_slice(&arena[slot.offset..slot.end()]),
                Operand::Constant(value) => bytes.copy_from_slice(value),
            }
        }
        Ok(())
    }
}
