//! The graph as it grows: values on their way from layer to layer, nodes with names of their own, constants.
//!
//! Keras has sequences of shape `[1, t, c]` where convolution and pooling on a microcontroller want `[1, h, w, c]`. A value
//! of that shape is held as a sequence or as an image of one row, `[1, 1, t, c]`, whichever a layer made, and is reshaped
//! only when another layer needs the other form: a plain stack of Conv1D layers has a single reshape, at its front.

use std::collections::HashMap;

use super::super::budget::Budget;
use super::super::error::{Trouble, quoted};
use super::super::names::{self, Names};
use super::super::options::OpenDims;
use crate::graph::{Graph, Node, NodeId, Note, Severity, TensorId};
use crate::ops::{Op, Operands, Reshape};
use crate::tensor::{Data, ElementType, Tensor};

/// The most bytes that one activation may take: runtimes count them in 32 bits.
const MAX_ACTIVATION_BYTES: usize = i32::MAX as usize;
/// What a node and what is said about it take, about.
const NODE_BYTES: usize = 512;
/// What a small constant takes, about.
const CONSTANT_BYTES: usize = 256;

/// A result of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value(usize);

/// The tensors that a value is held in.
struct Forms {
    /// The shape that Keras states, with batch 1.
    shape: Vec<usize>,
    /// With that shape.
    plain: Option<TensorId>,
    /// As an image of one row.
    image: Option<TensorId>,
}

/// How the tensors of a value lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// With the shape that Keras states.
    Plain,
    /// A sequence as an image of one row.
    Image,
}

/// A graph under construction.
pub(super) struct Builder {
    pub(super) graph: Graph,
    pub(super) budget: Budget,
    /// The extents that the file leaves open.
    pub(super) dims: OpenDims,
    values: Vec<Forms>,
    names: Names,
    /// Written by Keras 2: some functions meant something else then.
    pub(super) is_keras_2: bool,
    /// Weights that are in the graph already: layers can be applied more than once.
    weights: HashMap<String, TensorId>,
}

impl Builder {
    pub(super) fn new(budget: Budget, dims: OpenDims, is_keras_2: bool) -> Self {
        Self {
            graph: Graph::default(),
            budget,
            dims,
            values: Vec::new(),
            names: Names::default(),
            is_keras_2,
            weights: HashMap::new(),
        }
    }

    /// A new input of the graph.
    ///
    /// # Errors
    /// It is too large.
    pub(super) fn input(&mut self, name: &str, shape: Vec<usize>) -> Result<Value, Trouble> {
        let id = self.activation(name.to_owned(), shape)?;
        self.graph.inputs.push(id);
        Ok(self.value(id))
    }

    /// A value held in a tensor that has the shape Keras states.
    pub(super) fn value(&mut self, id: TensorId) -> Value {
        let shape = self.graph.tensor(id).shape.clone();
        self.values.push(Forms { shape, plain: Some(id), image: None });
        Value(self.values.len() - 1)
    }

    /// A value held in a tensor of this form.
    pub(super) fn value_as(&mut self, id: TensorId, form: Form) -> Value {
        match (form, self.graph.tensor(id).shape.as_slice()) {
            (Form::Image, &[n, 1, t, c]) => {
                self.values.push(Forms { shape: vec![n, t, c], plain: None, image: Some(id) });
                Value(self.values.len() - 1)
            }
            _ => self.value(id),
        }
    }

    /// The shape of a value as Keras states it, with batch 1.
    pub(super) fn shape(&self, value: Value) -> &[usize] {
        &self.values[value.0].shape
    }

    /// A tensor that holds the value, in the form that costs nothing.
    pub(super) fn cheapest(&self, value: Value) -> Form {
        if self.values[value.0].plain.is_some() { Form::Plain } else { Form::Image }
    }

    /// A tensor that holds the value in this form; `layer` is whom a reshape is for.
    ///
    /// # Errors
    /// The graph grows too large.
    pub(super) fn tensor(&mut self, value: Value, form: Form, layer: &str) -> Result<TensorId, Trouble> {
        let forms = &self.values[value.0];
        let (here, shape) = match form {
            Form::Plain => (forms.plain, forms.shape.clone()),
            Form::Image => match forms.shape.as_slice() {
                &[n, t, c] => (forms.image, vec![n, 1, t, c]),
                _ => (forms.plain, forms.shape.clone()),
            },
        };
        if let Some(id) = here {
            return Ok(id);
        }
        let (role, other) = if form == Form::Plain { ("squeeze", forms.image) } else { ("expand", forms.plain) };
        let id = self.reshape(layer, role, other, &shape)?;
        let forms = &mut self.values[value.0];
        *(if form == Form::Plain { &mut forms.plain } else { &mut forms.image }) = Some(id);
        Ok(id)
    }

    /// A node that gives a tensor another shape.
    ///
    /// # Errors
    /// The shape does not fit.
    pub(super) fn reshape(
        &mut self,
        layer: &str,
        role: &str,
        input: Option<TensorId>,
        shape: &[usize],
    ) -> Result<TensorId, Trouble> {
        let extents: Vec<i32> = shape.iter().map(|&extent| i32::try_from(extent).unwrap_or(i32::MAX)).collect();
        let new_shape = self.integers(layer, "shape", &extents)?;
        self.node(layer, role, Op::Reshape(Reshape { new_shape: Vec::new() }), vec![input, Some(new_shape)])
    }

    /// Adds a node; its name is the layer's, with `role` where the layer is several nodes.
    ///
    /// # Errors
    /// The operands do not fit the operator, or the graph grows too large.
    pub(super) fn node(&mut self, layer: &str, role: &str, op: Op, inputs: Vec<Option<TensorId>>) -> Result<TensorId, Trouble> {
        let mut node = Node { name: String::new(), op, inputs, outputs: Vec::new(), sources: Vec::new() };
        let shapes = node.op.facts().output_shapes(&Operands::new(&self.graph, &node)).map_err(|error| Trouble::Unsupported {
            place: format!("layer {}", quoted(layer)),
            what: format!("{} cannot be made of it: {error}", node.op.name()),
            remedy: "check the layer's settings and its input".into(),
        })?;
        self.budget.charge(NODE_BYTES, || format!("layer {}", quoted(layer)))?;
        node.name = self.name(layer, role);
        node.sources.push(node.name.clone());
        // No layer becomes a node with several results.
        let output = self.activation(node.name.clone(), shapes.into_iter().next().unwrap_or_default())?;
        node.outputs.push(output);
        self.graph.nodes.push(node);
        Ok(output)
    }

    /// Adds a node that is shown but not known, whose result has the shape of its input.
    ///
    /// # Errors
    /// The graph grows too large.
    pub(super) fn unknown(&mut self, layer: &str, role: &str, name: &str, input: TensorId) -> Result<TensorId, Trouble> {
        self.budget.charge(NODE_BYTES, || format!("layer {}", quoted(layer)))?;
        let node_name = self.name(layer, role);
        let shape = self.graph.tensor(input).shape.clone();
        let output = self.activation(node_name.clone(), shape)?;
        let text = format!("{} is not known. The layer is shown, but the model cannot be run or exported.", clean(name));
        let node = Some(NodeId::new(self.graph.nodes.len()));
        self.graph.notes.push(Note { node, severity: Severity::Obstacle, text });
        self.graph.nodes.push(Node {
            sources: vec![node_name.clone()],
            name: node_name,
            op: Op::Unknown(crate::ops::Unknown { name: clean(name), is_custom: false }),
            inputs: vec![Some(input)],
            outputs: vec![output],
        });
        Ok(output)
    }

    fn activation(&mut self, name: String, shape: Vec<usize>) -> Result<TensorId, Trouble> {
        self.budget.charge(size_of::<Tensor>() + name.len(), || format!("layer {}", quoted(&name)))?;
        let tensor = Tensor::activation(name, ElementType::F32, shape);
        let n_bytes = tensor.element.byte_len(tensor.n_elements());
        if tensor.shape.contains(&0) || n_bytes.is_none_or(|n| n > MAX_ACTIVATION_BYTES) {
            let place = format!("layer {}", quoted(&tensor.name));
            return Err(Trouble::malformed(
                place,
                format!("an output of shape {:?}", tensor.shape),
                "less than 2 GiB, and not empty",
            ));
        }
        Ok(self.graph.add_tensor(tensor))
    }

    /// A tensor that a layer keeps from one step of time to the next.
    ///
    /// # Errors
    /// The graph grows too large.
    pub(super) fn variable(&mut self, layer: &str, role: &str, shape: Vec<usize>) -> Result<TensorId, Trouble> {
        let id = self.activation(format!("{layer}/{role}"), shape)?;
        self.graph.tensors[id.index()].is_variable = true;
        Ok(id)
    }

    /// A constant of integers: axes, a shape, paddings.
    ///
    /// # Errors
    /// The graph grows too large.
    pub(super) fn integers(&mut self, layer: &str, role: &str, values: &[i32]) -> Result<TensorId, Trouble> {
        self.integers_shaped(layer, role, vec![values.len()], values)
    }

    /// A constant of integers with a shape.
    ///
    /// # Errors
    /// The graph grows too large.
    pub(super) fn integers_shaped(
        &mut self,
        layer: &str,
        role: &str,
        shape: Vec<usize>,
        values: &[i32],
    ) -> Result<TensorId, Trouble> {
        self.budget.charge(CONSTANT_BYTES + size_of_val(values), || format!("layer {}", quoted(layer)))?;
        Ok(self.graph.add_tensor(Tensor::constant(format!("{layer}/{role}"), shape, Data::I32(values.into()))))
    }

    /// A constant of real numbers.
    ///
    /// # Errors
    /// The graph grows too large.
    pub(super) fn reals(&mut self, layer: &str, role: &str, shape: Vec<usize>, values: &[f32]) -> Result<TensorId, Trouble> {
        self.budget.charge(CONSTANT_BYTES + size_of_val(values), || format!("layer {}", quoted(layer)))?;
        Ok(self.graph.add_tensor(Tensor::constant(format!("{layer}/{role}"), shape, Data::F32(values.into()))))
    }

    /// The weights under this key, if they are in the graph already.
    pub(super) fn known_weights(&self, key: &str) -> Option<TensorId> {
        self.weights.get(key).copied()
    }

    /// Weights of a layer, charged for when they were read.
    pub(super) fn add_weights(&mut self, key: String, shape: Vec<usize>, data: Data) -> TensorId {
        let id = self.graph.add_tensor(Tensor::constant(key.clone(), shape, data));
        self.weights.insert(key, id);
        id
    }

    /// Notes something that the user should know of the whole model.
    pub(super) fn note(&mut self, severity: Severity, text: String) {
        self.graph.notes.push(Note { node: None, severity, text });
    }

    /// A name that no other node has; the same file always gives the same names.
    fn name(&mut self, layer: &str, role: &str) -> String {
        let base = if role.is_empty() { clean(layer) } else { format!("{}/{role}", clean(layer)) };
        self.names.unique(base)
    }
}

/// A name for people; a layer may have none.
fn clean(name: &str) -> String {
    if name.is_empty() { "layer".into() } else { names::clean(name) }
}
