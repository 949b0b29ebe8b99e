//! The graph as it grows: nodes with inferred shapes, constants in the order that the graph wants, values rearranged.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::budget::Budget;
use super::super::error::Trouble;
use super::super::names::Names;
use super::tensors::Constant;
use super::view::{Move, View, arrangement};
use super::{integers, permute};
use crate::graph::{Graph, Node, NodeId, Note, Severity, TensorId};
use crate::ops::{Op, OpError, Operands, Reshape, Transpose};
use crate::quant::Quantization;
use crate::tensor::{Data, ElementType, Tensor};

/// The most bytes that one activation may take: runtimes count them in 32 bits.
const MAX_ACTIVATION_BYTES: usize = i32::MAX as usize;

/// Why a node does not become what it should.
#[derive(Debug)]
pub(super) enum Fail {
    /// Sound, but not supported: the node is shown as an unknown operator, with this reason.
    Refuse(String),
    /// The file contradicts itself.
    Broken(Trouble),
}

impl From<Trouble> for Fail {
    fn from(trouble: Trouble) -> Self {
        Self::Broken(trouble)
    }
}

/// [`Fail::Refuse`] from a reason.
pub(super) fn refuse<T>(reason: impl Into<String>) -> Result<T, Fail> {
    Err(Fail::Refuse(reason.into()))
}

/// A value of the source, as far as it is known.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Known while importing. The number tells constants apart.
    Constant(Arc<Constant>, usize),
    /// Computed at run time.
    Tensor(View),
    /// Computed at run time by something that is not known, so that its shape is not either.
    Shapeless(TensorId),
}

/// A graph that grows.
pub(super) struct Builder {
    pub(super) graph: Graph,
    pub(super) budget: Budget,
    /// What the nodes to come are called and stand for, and what the source calls them in messages.
    name: String,
    source: String,
    place: String,
    names: Names,
    n_constants: usize,
    /// Tensors that are there already: the rearranged values of others, and constants in some order.
    arranged: HashMap<(TensorId, Vec<Vec<usize>>), TensorId>,
    constants: HashMap<(usize, Vec<usize>, Vec<usize>), TensorId>,
}

impl Builder {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            graph: Graph::default(),
            budget,
            name: String::new(),
            source: String::new(),
            place: String::new(),
            names: Names::default(),
            n_constants: 0,
            arranged: HashMap::new(),
            constants: HashMap::new(),
        }
    }

    /// Says which node of the source the nodes to come stand for.
    pub(super) fn begin(&mut self, source: &str, place: String) {
        self.name = clean(source);
        self.source = source.trim_start_matches('/').to_owned();
        self.place = place;
    }

    /// The name of that node in the source.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// A note about the node that comes next.
    pub(super) fn note_next(&mut self, severity: Severity, text: String) {
        let node = Some(NodeId::new(self.graph.nodes.len()));
        self.graph.notes.push(Note { node, severity, text });
    }

    /// A note about the whole model.
    pub(super) fn note(&mut self, severity: Severity, text: String) {
        self.graph.notes.push(Note { node: None, severity, text });
    }

    pub(super) fn shape_of(&self, id: TensorId) -> &[usize] {
        &self.graph.tensor(id).shape
    }

    /// The shape of a view in the source.
    pub(super) fn shape(&self, view: &View) -> Vec<usize> {
        view.shape(self.shape_of(view.id))
    }

    pub(super) fn element(&self, view: &View) -> ElementType {
        self.graph.tensor(view.id).element
    }

    pub(super) fn quantization(&self, view: &View) -> Option<&Quantization> {
        self.graph.tensor(view.id).quantization.as_ref()
    }

    /// Says what the values of a tensor are.
    pub(super) fn retype(&mut self, id: TensorId, element: ElementType, quantization: Option<Quantization>) {
        let tensor = &mut self.graph.tensors[id.index()];
        (tensor.element, tensor.quantization) = (element, quantization);
    }

    /// Gives a constant its number.
    pub(super) fn numbered(&mut self, constant: Constant) -> (Arc<Constant>, usize) {
        self.n_constants += 1;
        (Arc::new(constant), self.n_constants)
    }

    /// A constant as a value.
    pub(super) fn known(&mut self, constant: Constant) -> Value {
        let (constant, number) = self.numbered(constant);
        Value::Constant(constant, number)
    }

    /// A node that makes one tensor of the element type of its first operand that is computed at run time.
    pub(super) fn emit(&mut self, op: Op, inputs: Vec<Option<TensorId>>) -> Result<TensorId, Fail> {
        Ok(self.emit_many("", op, inputs, 1)?[0])
    }

    /// A helper of the node proper, named after it.
    pub(super) fn emit_helper(&mut self, suffix: &str, op: Op, inputs: Vec<Option<TensorId>>) -> Result<TensorId, Fail> {
        Ok(self.emit_many(suffix, op, inputs, 1)?[0])
    }

    /// A node with `n_outputs` results, whose shapes the operator tells.
    pub(super) fn emit_many(
        &mut self,
        suffix: &str,
        op: Op,
        inputs: Vec<Option<TensorId>>,
        n_outputs: usize,
    ) -> Result<Vec<TensorId>, Fail> {
        let tensors = || inputs.iter().flatten().map(|&id| self.graph.tensor(id));
        let data = tensors().find(|tensor| !tensor.is_constant()).or_else(|| tensors().next());
        let element = data.map_or(ElementType::F32, |tensor| tensor.element);
        let quantization = data.and_then(|tensor| tensor.quantization.clone());
        let quantization = quantization.filter(|q| q.axis.is_none() && integers::only_moves(&op));
        let name = self.unique(suffix);
        let outputs: Vec<TensorId> = (0..n_outputs)
            .map(|index| {
                let name = if index == 0 { name.clone() } else { format!("{name}:{index}") };
                let mut tensor = Tensor::activation(name, element, []);
                tensor.quantization.clone_from(&quantization);
                self.graph.add_tensor(tensor)
            })
            .collect();
        let node = Node { sources: vec![self.source.clone()], name, op, inputs, outputs: outputs.clone() };
        let shapes = node.op.facts().output_shapes(&Operands::new(&self.graph, &node)).map_err(|error| self.misfit(&error))?;
        for (&id, shape) in outputs.iter().zip(shapes) {
            if shape.contains(&0) {
                return refuse(format!("makes a result of shape {shape:?}, which holds no values"));
            }
            let tensor = &mut self.graph.tensors[id.index()];
            tensor.shape = shape;
            let n_bytes = tensor.element.byte_len(tensor.n_elements());
            if n_bytes.is_none_or(|n| n > MAX_ACTIVATION_BYTES) {
                let found = format!("a result of shape {:?}", tensor.shape);
                return Err(Trouble::malformed(self.place.clone(), found, "a tensor of less than 2 GiB").into());
            }
        }
        self.graph.nodes.push(node);
        Ok(outputs)
    }

    /// A node without a result of known shape.
    pub(super) fn emit_unknown(&mut self, op: Op, inputs: Vec<Option<TensorId>>, outputs: Vec<TensorId>) {
        let name = self.unique("");
        self.graph.nodes.push(Node { sources: vec![self.source.clone()], name, op, inputs, outputs });
    }

    /// Operands that contradict the operator.
    pub(super) fn misfit(&self, error: &OpError) -> Fail {
        self.broken(error.to_string())
    }

    /// The node contradicts itself.
    pub(super) fn broken(&self, what: impl Into<String>) -> Fail {
        let remedy = "no runtime can run this: export the model again".into();
        Fail::Broken(Trouble::Unsupported { place: self.place.clone(), what: what.into(), remedy })
    }

    /// A name for a node that no other has.
    fn unique(&mut self, suffix: &str) -> String {
        let base = if suffix.is_empty() { self.name.clone() } else { format!("{}/{suffix}", self.name) };
        self.names.unique(base)
    }

    /// A small constant of integers, as operands of TFLite operators are.
    pub(super) fn integers(&mut self, what: &str, values: &[i64]) -> Result<TensorId, Fail> {
        let list: Option<Vec<i32>> = values.iter().map(|&v| i32::try_from(v).ok()).collect();
        let list = list.ok_or_else(|| self.broken(format!("{what} of {:?}", &values[..values.len().min(8)])))?;
        self.budget.charge(list.len() * 4, || what.into())?;
        let name = format!("{}/{what}", self.name);
        Ok(self.graph.add_tensor(Tensor::constant(name, [list.len()], Data::I32(list.into()))))
    }

    /// Gives a list of pairs the shape of pairs.
    pub(super) fn as_pairs(&mut self, id: TensorId) -> TensorId {
        let tensor = &mut self.graph.tensors[id.index()];
        tensor.shape = vec![tensor.n_elements() / 2, 2];
        id
    }

    /// Gives a constant another shape of as many elements.
    pub(super) fn set_shape(&mut self, id: TensorId, shape: Vec<usize>) {
        self.graph.tensors[id.index()].shape = shape;
    }

    /// Gives a list of one the shape of a scalar.
    pub(super) fn as_scalar(&mut self, id: TensorId) {
        self.graph.tensors[id.index()].shape.clear();
    }

    /// A constant that is made here, as a tensor of the graph.
    pub(super) fn floats(&mut self, what: &str, shape: Vec<usize>, values: Vec<f32>) -> Result<TensorId, Fail> {
        self.budget.charge(values.len() * 4, || what.into())?;
        let name = format!("{}/{what}", self.name);
        Ok(self.graph.add_tensor(Tensor::constant(name, shape, Data::F32(values.into()))))
    }

    /// A constant of the source as a tensor: read as `split`, its axes permuted, then called `shape`.
    pub(super) fn constant(
        &mut self,
        name: &str,
        value: (&Constant, usize),
        split: &[usize],
        permutation: &[usize],
        shape: Vec<usize>,
    ) -> Result<TensorId, Fail> {
        let (constant, number) = value;
        // What is copied is the values' order: axes of extent 1 and joined axes make no difference to it.
        let moved = !permute::is_in_order(split, permutation);
        let key = (number, if moved { split.iter().chain(permutation).copied().collect() } else { vec![] }, shape.clone());
        if let Some(&id) = self.constants.get(&key) {
            return Ok(id);
        }
        let data = if moved {
            self.budget.charge(constant.data.len() * bytes_of(&constant.data), || name.into())?;
            permute::data(&constant.data, split, permutation)
        } else {
            constant.data.clone()
        };
        let quantization = match &constant.quantization {
            Some(of) => Some(moved_axes(of, &constant.shape, split, permutation, &shape).map_err(Fail::Refuse)?),
            None => None,
        };
        let id = self.graph.add_tensor(Tensor { quantization, ..Tensor::constant(name, shape, data) });
        self.constants.insert(key, id);
        Ok(id)
    }

    /// A constant of the source as it is.
    pub(super) fn constant_plain(&mut self, name: &str, value: (&Constant, usize)) -> Result<TensorId, Fail> {
        let shape = value.0.shape.clone();
        let order: Vec<usize> = (0..shape.len()).collect();
        self.constant(name, value, &shape, &order, shape.clone())
    }

    /// A tensor with the values of `id` in the order `target` (see [`arrangement`]); `id` itself if they are in that order.
    pub(super) fn arrange(&mut self, id: TensorId, target: &[Vec<usize>]) -> Result<TensorId, Fail> {
        let todo = arrangement(self.shape_of(id), target);
        if todo == Move::None {
            return Ok(id);
        }
        let key = (id, target.to_vec());
        if let Some(&there) = self.arranged.get(&key) {
            return Ok(there);
        }
        let there = match todo {
            Move::None => id,
            Move::Reshape(shape) => self.reshape(id, &shape)?,
            Move::Transpose { permutation, shape } => {
                let axes: Vec<i64> = permutation.iter().map(|&axis| axis as i64).collect();
                let axes = self.integers("permutation", &axes)?;
                let id = self.emit_helper("transpose", Op::Transpose(Transpose), vec![Some(id), Some(axes)])?;
                if self.shape_of(id) == shape { id } else { self.reshape(id, &shape)? }
            }
        };
        self.arranged.insert(key, there);
        Ok(there)
    }

    /// The values of a view in an order of the axes of the source.
    pub(super) fn arrange_axes(&mut self, view: &View, order: &[Vec<usize>]) -> Result<TensorId, Fail> {
        self.arrange(view.id, &view.target(order))
    }

    /// The value as a tensor whose axes are those of the source.
    pub(super) fn plain(&mut self, view: &View) -> Result<View, Fail> {
        let order: Vec<Vec<usize>> = (0..view.rank()).map(|axis| vec![axis]).collect();
        Ok(View::plain(self.arrange_axes(view, &order)?, view.rank()))
    }

    /// A node that gives a tensor another shape.
    pub(super) fn reshape(&mut self, id: TensorId, shape: &[usize]) -> Result<TensorId, Fail> {
        let wanted: Vec<i64> = shape.iter().map(|&extent| extent as i64).collect();
        let wanted = self.integers("shape", &wanted)?;
        self.emit_helper("reshape", Op::Reshape(Reshape { new_shape: vec![] }), vec![Some(id), Some(wanted)])
    }
}

/// Bytes that one value takes.
pub(super) fn bytes_of(data: &Data) -> usize {
    data.element().bits().map_or(1, |bits| bits.div_ceil(8))
}

/// A name of the source as one that people read: short, on one line, without the slash that PyTorch puts in front.
fn clean(source: &str) -> String {
    const MOST: usize = 64;
    let n_chars = source.chars().count();
    // The end of a path tells layers apart.
    let tail = source.chars().skip(n_chars.saturating_sub(MOST));
    let name: String = tail.map(|c| if c.is_control() { '_' } else { c }).collect();
    let name = name.trim_start_matches('/').to_owned();
    if name.is_empty() { "node".into() } else { name }
}

/// The quantization of a constant read as `split`, permuted and called `shape`: its axis is found again by what lies behind it.
fn moved_axes(
    quantization: &Quantization,
    source: &[usize],
    split: &[usize],
    permutation: &[usize],
    shape: &[usize],
) -> Result<Quantization, String> {
    let Some(axis) = quantization.axis else { return Ok(quantization.clone()) };
    let n = source[axis];
    let find = |shape: &[usize], behind: usize| {
        (0..shape.len()).find(|&i| shape[i] == n && shape[i + 1..].iter().product::<usize>() == behind)
    };
    let moved = || {
        let part = find(split, source[axis + 1..].iter().product())?;
        let place = permutation.iter().position(|&of| of == part)?;
        find(shape, permutation[place + 1..].iter().map(|&of| split[of]).product())
    };
    let axis = Some(moved().ok_or("has scales along an axis that is joined with another")?);
    Ok(Quantization { axis, ..quantization.clone() })
}
