//! Is a graph well formed? Always asked after import; after each recipe step in debug builds and tests.
//!
//! 1. Every tensor id named by a node, an input, an output or a signature exists.
//! 2. A tensor's element count fits `usize`; its values, if it has any, are as many as its shape says and of its type.
//! 3. Every tensor is made by at most one node, and none of a constant, a graph input.
//! 4. A node reads only constants, variables, graph inputs and results of earlier nodes: no cycles, execution order holds.
//! 5. Every graph output is made by a node, or is an input or a constant.
//! 6. Node names are not empty and unique.
//! 7. Quantization: as many zero points as scales, scales finite and not negative; per-channel: the axis exists and there
//!    is a scale for each index along it.
//! 8. A memory plan has one entry for each tensor.
//!
//! That an operator's operands fit its attributes is the operator's own matter ([`crate::ops::Op::output_shapes`]); an
//! import may hold nodes that break them, so that the window can show a model that cannot run.

use std::collections::HashSet;

use super::{Graph, NodeId, TensorId};

/// What is wrong with a graph.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CheckError {
    /// Rule 1.
    #[error("{place} names tensor {id}, but the model has {n_tensors} tensors")]
    NoSuchTensor {
        /// Who names it.
        place: String,
        /// The index that does not exist.
        id: u32,
        /// How many there are.
        n_tensors: usize,
    },
    /// Rule 2.
    #[error("tensor {index} \"{name}\": {trouble}")]
    BadTensor {
        /// Index of the tensor.
        index: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        trouble: String,
    },
    /// Rules 3 to 6.
    #[error("node {index} \"{name}\": {trouble}")]
    BadNode {
        /// Index of the node in execution order.
        index: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        trouble: String,
    },
    /// Rules 5 and 8.
    #[error("{0}")]
    BadGraph(String),
}

/// Checks the rules at the top of this module.
///
/// # Errors
/// The first rule that is broken, with the place.
pub fn check(graph: &Graph) -> Result<(), CheckError> {
    check_ids(graph)?;
    for id in graph.tensor_ids() {
        check_tensor(graph, id)?;
    }
    check_order(graph)?;
    check_names(graph)?;
    if let Some(plan) = &graph.memory_plan
        && plan.offsets.len() != graph.tensors.len()
    {
        return Err(CheckError::BadGraph(format!(
            "the memory plan has {} entries for {} tensors",
            plan.offsets.len(),
            graph.tensors.len()
        )));
    }
    Ok(())
}

fn check_ids(graph: &Graph) -> Result<(), CheckError> {
    let n_tensors = graph.tensors.len();
    let exists = |id: TensorId, place: &dyn Fn() -> String| {
        if id.index() < n_tensors { Ok(()) } else { Err(CheckError::NoSuchTensor { place: place(), id: id.0, n_tensors }) }
    };
    for &id in &graph.inputs {
        exists(id, &|| "the list of inputs".into())?;
    }
    for &id in &graph.outputs {
        exists(id, &|| "the list of outputs".into())?;
    }
    for node in &graph.nodes {
        for &id in node.inputs.iter().flatten().chain(&node.outputs) {
            exists(id, &|| format!("node \"{}\"", node.name))?;
        }
    }
    for signature in &graph.signatures {
        for (_, id) in signature.inputs.iter().chain(&signature.outputs) {
            exists(*id, &|| format!("signature \"{}\"", signature.key))?;
        }
    }
    Ok(())
}

fn check_tensor(graph: &Graph, id: TensorId) -> Result<(), CheckError> {
    let tensor = graph.tensor(id);
    let bad = |trouble: String| CheckError::BadTensor { index: id.index(), name: tensor.name.clone(), trouble };
    let n = tensor.n_elements();
    if n == usize::MAX || tensor.element.bits().is_some() && tensor.element.byte_len(n).is_none() {
        return Err(bad(format!("shape {:?} holds more elements than can be counted", tensor.shape)));
    }
    if let Some(data) = &tensor.data {
        if data.element() != tensor.element {
            return Err(bad(format!("is {} but its values are {}", tensor.element.name(), data.element().name())));
        }
        if tensor.element.bits().is_some() && data.len() != n {
            return Err(bad(format!("shape {:?} holds {n} elements, its values are {}", tensor.shape, data.len())));
        }
    }
    let Some(q) = &tensor.quantization else { return Ok(()) };
    if q.scales.is_empty() || q.scales.len() != q.zero_points.len() {
        return Err(bad(format!("{} scales, {} zero points", q.scales.len(), q.zero_points.len())));
    }
    if let Some(s) = q.scales.iter().find(|s| !s.is_finite() || **s < 0.0) {
        return Err(bad(format!("a scale of {s}")));
    }
    match q.axis {
        None if q.scales.len() != 1 => Err(bad(format!("{} scales without an axis", q.scales.len()))),
        Some(axis) if tensor.shape.get(axis) != Some(&q.scales.len()) => {
            Err(bad(format!("{} scales along axis {axis} of shape {:?}", q.scales.len(), tensor.shape)))
        }
        _ => Ok(()),
    }
}

fn check_order(graph: &Graph) -> Result<(), CheckError> {
    let mut made: Vec<bool> = graph.tensors.iter().map(|t| t.is_constant() || t.is_variable).collect();
    for &input in &graph.inputs {
        made[input.index()] = true;
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        let bad = |trouble: String| CheckError::BadNode { index, name: node.name.clone(), trouble };
        if let Some(id) = node.inputs.iter().flatten().find(|id| !made[id.index()]) {
            return Err(bad(format!("reads tensor {} before any node has made it", id.0)));
        }
        for output in &node.outputs {
            if made[output.index()] {
                return Err(bad(format!("writes tensor {}, which something else has made already", output.0)));
            }
            made[output.index()] = true;
        }
    }
    match graph.outputs.iter().find(|o| !made[o.index()]) {
        Some(o) => Err(CheckError::BadGraph(format!("output tensor {} is made by no node", o.0))),
        None => Ok(()),
    }
}

fn check_names(graph: &Graph) -> Result<(), CheckError> {
    let mut seen = HashSet::with_capacity(graph.nodes.len());
    for id in graph.node_ids() {
        let name = graph.node(id).name.as_str();
        if name.is_empty() || !seen.insert(name) {
            let trouble = if name.is_empty() { "has no name" } else { "shares its name with another node" };
            return Err(CheckError::BadNode { index: NodeId::index(id), name: name.into(), trouble: trouble.into() });
        }
    }
    Ok(())
}
