//! From a graph to steps: which nodes have to run, where every value lies, which kernel runs what.

use std::collections::HashMap;

use super::kernel::{self, Operand, Sums, data_operands, is_alias};
use super::{Port, Prepared, Step};
use crate::execute::ExecuteError;
use crate::execute::fast::simd_f32::SimdF32;
use crate::execute::pool::Pool;
use crate::graph::{Graph, NodeId, TensorId};
use crate::ops::hybrid::dynamic_range;
use crate::ops::{Lstm, Op, Operands};
use crate::tensor::ElementType;

/// More activation memory for one sample is refused.
const MAX_SAMPLE_BYTES: usize = 1 << 30;

/// So many bytes of activations are worked on at a time: they should stay in a core's second-level cache.
const BLOCK_BYTES: usize = 512 << 10;

/// No more samples at a time than this, lest few samples keep few threads busy.
const MAX_BLOCK: usize = 32;

pub(super) fn prepare(graph: &Graph, simd: SimdF32) -> Result<Prepared, ExecuteError> {
    let live = live_nodes(graph);
    check_tensors(graph, &live)?;
    let mut places = Places::new(graph, &live)?;
    let inputs = graph.inputs.iter().map(|&id| places.port(graph, id)).collect::<Result<Vec<_>, _>>()?;
    let as_reference = graph.nodes.iter().any(|node| dynamic_range(graph, node).is_some());
    let sums = Sums { simd, as_reference };
    let mut steps = Vec::new();
    for (id, _) in graph.node_ids().zip(&live).filter(|(_, live)| **live) {
        if let Some(step) = places.step(graph, id, sums)? {
            steps.push(step);
        }
    }
    let outputs = graph.outputs.iter().map(|&id| places.port(graph, id)).collect::<Result<Vec<_>, _>>()?;
    let sample_bytes: usize = places.slots.iter().map(|len| len * size_of::<f32>()).sum();
    let block = (BLOCK_BYTES / sample_bytes.max(1)).clamp(1, MAX_BLOCK);
    Ok(Prepared { steps, inputs, outputs, slots: places.slots, block, scratch: Pool::default() })
}

/// Nodes whose results reach an output as data. One that only computes a shape does not: shapes are known already.
fn live_nodes(graph: &Graph) -> Vec<bool> {
    let mut wanted = vec![false; graph.tensors.len()];
    graph.outputs.iter().for_each(|id| wanted[id.index()] = true);
    let mut live = vec![false; graph.nodes.len()];
    for (node, live) in graph.nodes.iter().zip(&mut live).rev() {
        *live = node.outputs.iter().any(|id| wanted[id.index()]);
        if *live {
            // Stored weights may be the result of a node too: a DEQUANTIZE of half floats.
            let [weights, biases] = node.op.trained_operands();
            for operand in data_operands(&node.op, node.inputs.len()).into_iter().chain(weights).chain(biases) {
                if let Some(Some(id)) = node.inputs.get(operand) {
                    wanted[id.index()] = true;
                }
            }
        }
    }
    live
}

/// Whether a node only makes a stored constant real: half-float weights behind a DEQUANTIZE.
fn is_stored_constant(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    matches!(node.op, Op::Dequantize(_)) && graph.input(node, 0).is_some_and(|t| t.is_constant())
}

/// Every live activation is a float tensor of known, sensible extent that its operator agrees with.
fn check_tensors(graph: &Graph, live: &[bool]) -> Result<(), ExecuteError> {
    for &id in &graph.inputs {
        let tensor = graph.tensor(id);
        if tensor.element != ElementType::F32 {
            let trouble = format!("the model's input \"{}\" is {}, not float32", tensor.name, tensor.element.name());
            return Err(ExecuteError::Input(trouble));
        }
        if tensor.n_elements() == 0 {
            return Err(ExecuteError::Input(format!("the model's input \"{}\" holds no values", tensor.name)));
        }
    }
    let mut bytes = graph.inputs.iter().map(|&id| graph.tensor(id).n_bytes()).fold(0usize, usize::saturating_add);
    for (id, _) in graph.node_ids().zip(live).filter(|(_, live)| **live) {
        let node = graph.node(id);
        let shapes = node.op.facts().output_shapes(&Operands::new(graph, node));
        let shapes = shapes.map_err(|source| ExecuteError::op(graph, id, source))?;
        let unsupported = |reason: String| Err(ExecuteError::unsupported(graph, id, reason));
        if shapes.len() != node.outputs.len() {
            return unsupported(format!("it makes {} results, the file lists {}", shapes.len(), node.outputs.len()));
        }
        for (shape, &output) in shapes.iter().zip(&node.outputs) {
            let tensor = graph.tensor(output);
            let n = tensor.n_elements();
            if shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) != Some(n) {
                return unsupported(format!("its result has shape {shape:?}, but the file says {:?}", tensor.shape));
            }
            if n == 0 {
                return unsupported("its result holds no values".into());
            }
            if tensor.element != ElementType::F32 {
                return unsupported(format!("its result is {}; only float32 runs in floats", tensor.element.name()));
            }
            bytes = bytes.saturating_add(n.saturating_mul(size_of::<f32>()));
        }
    }
    match bytes {
        0..=MAX_SAMPLE_BYTES => Ok(()),
        _ => Err(ExecuteError::TooLarge { bytes, limit: MAX_SAMPLE_BYTES }),
    }
}

/// Where every tensor lies. A buffer is used again, for tensors of the same length, once nobody reads it any more.
struct Places {
    /// The tensor whose buffer a tensor shares: itself unless a RESHAPE made it.
    root: Vec<TensorId>,
    /// Uses of each root that are still to come; outputs are used once more, at the end.
    uses: Vec<usize>,
    /// Buffer of each root.
    slot: Vec<Option<usize>>,
    /// Real values of the constants met so far.
    constants: HashMap<TensorId, std::sync::Arc<[f32]>>,
    /// Length of each buffer.
    slots: Vec<usize>,
    free: Vec<usize>,
}

impl Places {
    fn new(graph: &Graph, live: &[bool]) -> Result<Self, ExecuteError> {
        let mut root: Vec<TensorId> = graph.tensor_ids().collect();
        let mut uses = vec![0; graph.tensors.len()];
        for (id, _) in graph.node_ids().zip(live).filter(|(_, live)| **live) {
            let node = graph.node(id);
            for operand in data_operands(&node.op, node.inputs.len()) {
                let missing = || ExecuteError::op(graph, id, crate::ops::OpError::MissingOperand(operand));
                let input = node.inputs.get(operand).copied().flatten().ok_or_else(missing)?;
                if is_alias(&node.op) {
                    root[node.outputs[0].index()] = root[input.index()];
                }
                uses[root[input.index()].index()] += 1;
            }
        }
        graph.outputs.iter().for_each(|id| uses[root[id.index()].index()] += 1);
        let slot = vec![None; graph.tensors.len()];
        Ok(Self { root, uses, slot, constants: HashMap::new(), slots: Vec::new(), free: Vec::new() })
    }

    /// Where a tensor lies; gives it a buffer if it has none.
    fn place(&mut self, graph: &Graph, id: TensorId) -> Result<Operand, String> {
        let root = self.root[id.index()];
        let tensor = graph.tensor(root);
        if let Some(values) = self.constants.get(&root) {
            return Ok(Operand::Constant(values.clone()));
        }
        if tensor.is_constant() {
            let values = super::real_values(tensor)?;
            self.constants.insert(root, values.clone());
            return Ok(Operand::Constant(values));
        }
        let len = tensor.n_elements();
        let slot = match self.slot[root.index()] {
            Some(slot) => slot,
            None => {
                let again = self.free.iter().position(|&slot| self.slots[slot] == len);
                let slot = again.map(|i| self.free.swap_remove(i)).unwrap_or_else(|| {
                    self.slots.push(len);
                    self.slots.len() - 1
                });
                self.slot[root.index()] = Some(slot);
                slot
            }
        };
        Ok(Operand::Activation { slot, len })
    }

    fn port(&mut self, graph: &Graph, id: TensorId) -> Result<Port, ExecuteError> {
        let place = self.place(graph, id).map_err(ExecuteError::Input)?;
        Ok(Port { tensor: id, place, len: graph.tensor(id).n_elements() })
    }

    /// The step of one node; `None` if nothing is to be done at run time.
    fn step(&mut self, graph: &Graph, id: NodeId, sums: Sums) -> Result<Option<Step>, ExecuteError> {
        let node = graph.node(id);
        let unsupported = |reason: String| ExecuteError::unsupported(graph, id, reason);
        if is_stored_constant(graph, id) {
            let input = graph.input(node, 0).expect("a stored constant has an operand");
            let values = super::real_values(input).map_err(unsupported)?;
            self.constants.insert(node.outputs[0], values);
            return Ok(None);
        }
        let ids: Vec<TensorId> = data_operands(&node.op, node.inputs.len()).into_iter().filter_map(|i| node.inputs[i]).collect();
        let operands = ids.iter().map(|&id| self.place(graph, id)).collect::<Result<Vec<_>, _>>().map_err(unsupported)?;
        let kernel = if is_alias(&node.op) {
            None
        } else if operands.iter().all(|operand| matches!(operand, Operand::Constant(_))) && !ids.is_empty() {
            return Err(unsupported("all its operands are constants".into()));
        } else {
            Some(kernel::prepare(graph, id, sums, &|tensor| self.constants.get(&tensor).cloned())?)
        };
        // Results get their buffers before those of the operands are given back: a kernel never reads what it writes.
        let mut outputs = node.outputs.iter().map(|&id| self.port(graph, id)).collect::<Result<Vec<_>, _>>()?;
        outputs.extend(self.trace(graph, id));
        for id in &ids {
            self.release(*id);
        }
        for &output in node.outputs.iter().filter(|output| !is_alias(&node.op) && self.uses[output.index()] == 0) {
            self.slot[output.index()].map(|slot| self.free.push(slot)).unwrap_or_default();
        }
        Ok(Some(Step { kernel, operands, outputs }))
    }

    /// Where the cell states of an LSTM go, of all steps: whoever calibrates wants to see them. Nobody reads them afterwards.
    fn trace(&mut self, graph: &Graph, id: NodeId) -> Option<Port> {
        let node = graph.node(id);
        let tensor = (*node.inputs.get(Lstm::CELL_STATE)?).filter(|_| matches!(node.op, Op::Lstm(_)))?;
        let len = graph.output(node, 0)?.n_elements();
        self.slots.push(len);
        let slot = self.slots.len() - 1;
        self.free.push(slot);
        Some(Port { tensor, place: Operand::Activation { slot, len }, len })
    }

    /// One use of a tensor is done.
    fn release(&mut self, id: TensorId) {
        let root = self.root[id.index()].index();
        self.uses[root] -= 1;
        if self.uses[root] == 0
            && let Some(slot) = self.slot[root]
        {
            self.free.push(slot);
        }
    }
}
