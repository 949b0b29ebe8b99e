//! The one graph that every format becomes and that every figure is computed from.
//!
//! Nodes stand in execution order. Layout is NHWC, batch is 1. Tensors keep the order in which they are exported, because
//! TensorFlow Lite Micro's memory planner breaks ties by tensor index.
//!
//! Knows tensors and operators; never a file format, a recipe or an executor.

mod check;
mod compact;
mod text;

use std::sync::Arc;

pub use check::{CheckError, check};
pub(crate) use compact::compact;
pub use text::dump;

use crate::ops::Op;
use crate::tensor::Tensor;

/// Index of a tensor in [`Graph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub u32);

/// Index of a node in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl TensorId {
    /// The id of the tensor at `index`.
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a graph holds fewer than 2^32 tensors"))
    }
    /// Position in [`Graph::tensors`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl NodeId {
    /// The id of the node at `index`.
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a graph holds fewer than 2^32 nodes"))
    }
    /// Position in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One application of an operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique in the graph and stable under rewrites: layer overrides of a recipe refer to it.
    pub name: String,
    /// What it computes, with its attributes.
    pub op: Op,
    /// Operands in the order of the TFLite operator; `None` where an optional one is left out (a missing bias).
    pub inputs: Vec<Option<TensorId>>,
    /// Results.
    pub outputs: Vec<TensorId>,
    /// Names of the nodes of the *source* graph that this one stands for (itself, or those merged into it).
    pub sources: Vec<String>,
}

/// A named entry point of a TFLite file: names for inputs and outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// `serving_default` for most converters.
    pub key: String,
    /// Name and tensor of each input.
    pub inputs: Vec<(String, TensorId)>,
    /// Name and tensor of each output.
    pub outputs: Vec<(String, TensorId)>,
}

/// Something that the user should know about a graph: found at import or left by a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The node it is about; `None` for the whole model.
    pub node: Option<NodeId>,
    /// How grave.
    pub severity: Severity,
    /// One plain sentence that says what was found and what follows.
    pub text: String,
}

/// How grave a [`Note`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// May surprise: results differ between runtimes, weights are already quantized.
    Warning,
    /// Something cannot be done with this model.
    Obstacle,
}

/// Where each activation lies in the arena: TFLM reads it from the `OfflineMemoryAllocation` metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Byte offset for each tensor of the graph; `None` where the planner of the runtime decides.
    pub offsets: Arc<[Option<u32>]>,
}

/// Where the axes of inputs and outputs stand in another order in the source file: images are channels last here whatever they
/// are there.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SourceOrder {
    /// For each input: axis `i` of the tensor is axis `order[i]` of the file. Empty where the orders are the same.
    pub inputs: Vec<Vec<usize>>,
    /// The same for each output.
    pub outputs: Vec<Vec<usize>>,
}

impl SourceOrder {
    /// The order of one input's axes in the file; empty where it is that of the tensor.
    pub fn input(&self, index: usize) -> &[usize] {
        self.inputs.get(index).map_or(&[], Vec::as_slice)
    }
}

/// A network: tensors, and nodes in execution order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Graph {
    /// Name for people; the file's stem after import.
    pub name: String,
    /// The description string of the source file.
    pub description: String,
    /// All tensors, constants among them.
    pub tensors: Vec<Tensor>,
    /// All nodes, each after those it reads from.
    pub nodes: Vec<Node>,
    /// Tensors that the caller supplies.
    pub inputs: Vec<TensorId>,
    /// Tensors that the caller reads.
    pub outputs: Vec<TensorId>,
    /// Named entry points, if the file has any.
    pub signatures: Vec<Signature>,
    /// In which order the source file has the axes of inputs and outputs.
    pub source_order: SourceOrder,
    /// A fixed arena plan, exported with the model.
    pub memory_plan: Option<MemoryPlan>,
    /// What the user should know.
    pub notes: Vec<Note>,
}

impl Graph {
    /// The tensor with this id. Ids come from the same graph, so a miss is a bug.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.index()]
    }

    /// The node with this id. Ids come from the same graph, so a miss is a bug.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Some of the nodes as a graph of their own, with the same tensors under the same ids.
    pub fn part(&self, nodes: Vec<Node>, inputs: Vec<TensorId>, outputs: Vec<TensorId>) -> Self {
        Self { name: self.name.clone(), tensors: self.tensors.clone(), nodes, inputs, outputs, ..Self::default() }
    }

    /// Ids of all nodes in execution order.
    pub fn node_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId::new)
    }

    /// Ids of all tensors.
    pub fn tensor_ids(&self) -> impl DoubleEndedIterator<Item = TensorId> + use<> {
        (0..self.tensors.len()).map(TensorId::new)
    }

    /// Operand `index` of a node; `None` if it is left out.
    pub fn input(&self, node: &Node, index: usize) -> Option<&Tensor> {
        Some(self.tensor((*node.inputs.get(index)?)?))
    }

    /// Result `index` of a node.
    pub fn output(&self, node: &Node, index: usize) -> Option<&Tensor> {
        Some(self.tensor(*node.outputs.get(index)?))
    }

    /// The node with this name.
    pub fn node_named(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|n| n.name == name).map(NodeId::new)
    }

    /// For each tensor the node that makes it; `None` for inputs, constants and tensors nobody makes.
    pub fn producers(&self) -> Vec<Option<NodeId>> {
        let mut producers = vec![None; self.tensors.len()];
        for id in self.node_ids() {
            for output in &self.node(id).outputs {
                producers[output.index()] = Some(id);
            }
        }
        producers
    }

    /// For each tensor the nodes that read it, in execution order.
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut consumers = vec![Vec::new(); self.tensors.len()];
        for id in self.node_ids() {
            for input in self.node(id).inputs.iter().flatten() {
                let list: &mut Vec<NodeId> = &mut consumers[input.index()];
                if list.last() != Some(&id) {
                    list.push(id);
                }
            }
        }
        consumers
    }

    /// Adds a tensor and says where it went.
    pub fn add_tensor(&mut self, tensor: Tensor) -> TensorId {
        self.tensors.push(tensor);
        TensorId::new(self.tensors.len() - 1)
    }

    /// Whether the graph computes with integers from end to end (QUANTIZE and DEQUANTIZE at the ends aside): every node that
    /// holds weights has integer activations.
    pub fn is_integer(&self) -> bool {
        let mut weighted = self.nodes.iter().filter(|n| n.op.has_weights()).peekable();
        let mut any_integer = self.tensors.iter().filter(|t| !t.is_constant()).any(|t| t.quantization.is_some());
        if weighted.peek().is_some() {
            any_integer = weighted.all(|n| {
                self.input(n, 0).is_some_and(|t| t.quantization.is_some() && t.element != crate::tensor::ElementType::F32)
            });
        }
        any_integer
    }
}
