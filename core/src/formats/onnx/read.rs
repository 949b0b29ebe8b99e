//! The file as a graph: inputs, nodes in order, outputs.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::super::budget::Budget;
use super::super::error::{Trouble, quoted};
use super::super::options::OpenDims;
use super::builder::{Builder, Fail, Value};
use super::call::Call;
use super::proto::{self, Attribute, Dimension, Node, ValueInfo};
use super::tensors::{Tensors, element, extents};
use super::view::View;
use super::{ends, fold, integers, ops, order};
use crate::graph::{self, Graph, Severity};
use crate::ops::{Op, Unknown};
use crate::tensor::{ElementType, Tensor};

/// The oldest set of operators that is read.
const OLDEST_OPSET: i64 = 7;
/// The newest set of operators whose meaning is known.
const NEWEST_OPSET: i64 = 26;

/// Turns the bytes of a file into a graph; `folder` is where it lies, `dims` the extents that it leaves open.
///
/// # Errors
/// [`Trouble`] at the first contradiction, or for what no graph can show.
pub(in crate::formats) fn import(bytes: &[u8], folder: Option<&Path>, dims: OpenDims) -> Result<Graph, Trouble> {
    let model = proto::Model::read(bytes)?;
    check_opset(&model)?;
    let mut budget = Budget::for_file(bytes);
    let graph = model.graph.ok_or_else(|| Trouble::malformed("model", "no graph", "one"))?;
    let graph = proto::Graph::read(graph, &mut budget)?;
    if graph.n_sparse > 0 {
        return Err(Trouble::Unsupported {
            place: "graph".into(),
            what: "it has sparse initializers, which are not read".into(),
            remedy: "export the model with dense weights".into(),
        });
    }
    let tensors = Tensors { folder, n_other_floats: 0, outside_bytes: 0 };
    let order = order::sorted(&graph)?;
    let infos = graph.values.iter().chain(&graph.outputs).map(|info| (info.name, info)).collect();
    let outputs = graph.outputs.iter().map(|output| output.name).collect();
    let mut reader = Reader {
        graph: &graph,
        order,
        infos,
        outputs,
        tensors,
        dims,
        builder: Builder::new(budget),
        values: HashMap::new(),
        unread: HashMap::new(),
        opset: model.opset,
        first_unknown: None,
        n_known: 0,
    };
    reader.initializers()?;
    reader.inputs()?;
    for index in std::mem::take(&mut reader.order.nodes) {
        reader.node(&graph.nodes[index])?;
    }
    reader.outputs()?;
    reader.whole_model(&model)
}

fn check_opset(model: &proto::Model<'_>) -> Result<(), Trouble> {
    let unsupported =
        |what: String, remedy: &str| Err(Trouble::Unsupported { place: "model".into(), what, remedy: remedy.into() });
    if model.graph.is_some() && model.opset < OLDEST_OPSET {
        let what = format!("operator set {} is older than {OLDEST_OPSET}", model.opset);
        return unsupported(what, "convert it with onnx.version_converter, or export it again");
    }
    Ok(())
}

/// A file on its way into a graph.
struct Reader<'g, 'a> {
    graph: &'g proto::Graph<'a>,
    order: order::Order<'g>,
    /// What the file says of values, by name.
    infos: HashMap<&'g str, &'g ValueInfo<'a>>,
    outputs: HashSet<&'g str>,
    tensors: Tensors<'g>,
    /// The extents that the file leaves open.
    dims: OpenDims,
    builder: Builder,
    /// What values are, until their last reader has come.
    values: HashMap<&'g str, Value>,
    /// How many readers are still to come.
    unread: HashMap<&'g str, usize>,
    opset: i64,
    /// The first operator that is not known.
    first_unknown: Option<(String, String)>,
    n_known: usize,
}

impl<'g, 'a> Reader<'g, 'a> {
    fn initializers(&mut self) -> Result<(), Trouble> {
        self.unread = self.order.readers.iter().map(|(&name, readers)| (name, readers.len())).collect();
        for tensor in &self.graph.initializers {
            let is_read = self.unread.contains_key(tensor.name) || self.outputs.contains(tensor.name);
            if is_read {
                let constant = self.tensors.decode(tensor, &mut self.builder.budget)?;
                let value = self.builder.known(constant);
                if self.values.insert(tensor.name, value).is_some() {
                    return Err(Trouble::malformed(format!("tensor {}", quoted(tensor.name)), "two of this name", "one"));
                }
            }
        }
        Ok(())
    }

    /// What the caller supplies. Old files list the initializers among the inputs.
    fn inputs(&mut self) -> Result<(), Trouble> {
        let initializers: HashSet<&str> = self.graph.initializers.iter().map(|tensor| tensor.name).collect();
        for input in self.graph.inputs.iter().filter(|input| !initializers.contains(input.name)) {
            let shape = input_shape(input, &self.dims)?;
            let n = shape.iter().try_fold(4usize, |n, &extent| n.checked_mul(extent));
            if n.is_none_or(|n| n == 0 || n > i32::MAX as usize) {
                let found = format!("shape {shape:?}");
                return Err(Trouble::malformed(format!("input {}", quoted(input.name)), found, "a tensor of less than 2 GiB"));
            }
            let element = element(input.data_type).ok_or_else(|| Trouble::Unsupported {
                place: format!("input {}", quoted(input.name)),
                what: format!("values of ONNX type {} are not read", input.data_type),
                remedy: "export the model with float32 inputs".into(),
            })?;
            let order = ends::input_order(self.graph, &self.order, input.name, &shape);
            let tensor = Tensor::activation(input.name, element, order.iter().map(|&axis| shape[axis]).collect::<Vec<_>>());
            let id = self.builder.graph.add_tensor(tensor);
            self.builder.graph.inputs.push(id);
            self.builder.graph.source_order.inputs.push(if order.is_sorted() { vec![] } else { order.clone() });
            let view = ends::view_of(id, &order);
            if !order.is_sorted() {
                let text = format!(
                    "The input {} is {shape:?} in the file, channels first; here it is {:?}, channels last, and so are images \
                     everywhere in the graph. Data in the order of the file are put in this order.",
                    quoted(input.name),
                    self.builder.shape_of(id)
                );
                self.builder.note(Severity::Info, text);
            }
            self.values.insert(input.name, Value::Tensor(view));
        }
        Ok(())
    }

    fn node(&mut self, node: &'g Node<'a>) -> Result<(), Trouble> {
        if node.op_type.is_empty() || node.outputs.iter().all(|output| output.is_empty()) {
            return Err(Trouble::malformed(node.place(), "no operator or no result", "both"));
        }
        let name = if node.name.is_empty() {
            node.outputs.iter().find(|o| !o.is_empty()).copied().unwrap_or_default()
        } else {
            node.name
        };
        self.builder.begin(name, node.place());
        let attributes = node.attributes.iter().map(|bytes| Attribute::read(bytes)).collect::<Result<Vec<_>, _>>()?;
        let inputs = node.inputs.iter().map(|name| self.values.get(name).cloned()).collect();
        let readers = self.order.readers.get(node.outputs[0]).into_iter().flatten();
        let readers = readers.take(8).map(|&index| self.graph.nodes[index].op_type).collect();
        let first = node.inputs.first();
        let call = Call {
            node,
            attributes: attributes.into(),
            own_axis: None,
            inputs,
            opset: self.opset,
            readers,
            is_output: self.outputs.contains(node.outputs[0]),
            used: node.outputs.iter().map(|name| self.unread.contains_key(name) || self.outputs.contains(name)).collect(),
            is_only_reader: first.is_some_and(|name| {
                self.order.readers.get(name).is_some_and(|list| list.len() == 1) && !self.outputs.contains(name)
            }),
        };
        let results = match self.results(&call) {
            Ok(results) => {
                self.n_known += 1;
                results
            }
            Err(Fail::Refuse(reason)) => self.unknown(&call, &reason)?,
            Err(Fail::Broken(trouble)) => return Err(trouble),
        };
        for (&output, value) in node.outputs.iter().zip(results).filter(|(name, _)| !name.is_empty()) {
            self.rename(output, &value);
            if self.unread.contains_key(output) || self.outputs.contains(output) {
                self.values.insert(output, value);
            }
        }
        for &input in node.inputs.iter().filter(|name| !name.is_empty()) {
            let Some(left) = self.unread.get_mut(input) else { continue };
            *left = left.saturating_sub(1);
            if *left == 0 && !self.outputs.contains(input) {
                self.values.remove(input);
            }
        }
        Ok(())
    }

    fn results(&mut self, call: &Call<'_, 'a>) -> Result<Vec<Value>, Fail> {
        if ops::is_integer_operator(call) {
            return Ok(vec![ops::integer_operator(&mut self.builder, call)?]);
        }
        if !call.node.is_standard() {
            return super::builder::refuse(format!("of the domain {} is not known", quoted(call.node.domain)));
        }
        if call.node.op_type == "Constant" {
            let constant = super::constant_node(call, &mut self.tensors, &mut self.builder.budget)?;
            return Ok(vec![self.builder.known(constant)]);
        }
        if let Some(results) = fold::fold(&mut self.builder, call)? {
            return Ok(results);
        }
        if call.inputs.iter().any(|input| matches!(input, Some(Value::Shapeless(_)))) {
            return super::builder::refuse("reads a value whose shape is not known");
        }
        let results = ops::import(&mut self.builder, call)?;
        let left = call.node.outputs.iter().skip(results.len());
        match left.copied().find(|output| self.unread.contains_key(output) || self.outputs.contains(output)) {
            Some(output) => super::builder::refuse(format!("gives out {} as well, which is not supported", quoted(output))),
            None => Ok(results),
        }
    }

    /// Tensors are called as in the source where that is plain.
    fn rename(&mut self, name: &str, value: &Value) {
        let Value::Tensor(view) = value else { return };
        let is_last = view.id.index() + 1 == self.builder.graph.tensors.len();
        let is_result = self.builder.graph.nodes.last().is_some_and(|node| node.outputs.contains(&view.id));
        if is_result && (is_last || self.outputs.contains(name)) {
            self.builder.graph.tensors[view.id.index()].name = name.to_owned();
        }
    }

    /// A node that is only shown.
    fn unknown(&mut self, call: &Call<'_, 'a>, reason: &str) -> Result<Vec<Value>, Trouble> {
        let node = call.node;
        let operator: String = node.op_type.chars().take(64).collect();
        let waits = call.inputs.iter().any(|input| matches!(input, Some(Value::Shapeless(_))));
        let (severity, what) = if waits {
            (Severity::Warning, format!("The operator {operator} comes after one that is not imported: {reason}."))
        } else {
            self.first_unknown.get_or_insert_with(|| (node.place(), format!("the operator {operator} {reason}")));
            (Severity::Obstacle, format!("The operator {operator} {reason}."))
        };
        self.builder.note_next(severity, format!("{what} The layer is shown, but the model cannot be run or exported."));
        let mut inputs = Vec::with_capacity(call.inputs.len());
        for (index, input) in call.inputs.iter().enumerate() {
            inputs.push(match input {
                None => None,
                Some(Value::Tensor(view)) => Some(view.id),
                Some(Value::Shapeless(id)) => Some(*id),
                Some(Value::Constant(constant, number)) => {
                    let id = self.builder.constant_plain(call.name(index), (constant, *number));
                    Some(id.map_err(|fail| match fail {
                        Fail::Broken(trouble) => trouble,
                        Fail::Refuse(what) => Trouble::malformed(node.place(), what, "a constant"),
                    })?)
                }
            });
        }
        let results: Vec<Value> = node.outputs.iter().map(|name| self.declared(name)).collect();
        let ids = results.iter().filter_map(|value| match value {
            Value::Tensor(view) => Some(view.id),
            Value::Shapeless(id) => Some(*id),
            Value::Constant(..) => None,
        });
        let op = Op::Unknown(Unknown { name: operator, is_custom: !node.is_standard() });
        self.builder.emit_unknown(op, inputs, ids.collect());
        Ok(results)
    }

    /// A result of which only the file itself says what it is.
    fn declared(&mut self, name: &str) -> Value {
        let info = self.infos.get(name);
        let element = info.and_then(|info| element(info.data_type)).unwrap_or(ElementType::F32);
        let shape = info.and_then(|info| info.shape.as_ref()).and_then(|shape| {
            let fixed = |(axis, dim): (usize, &Dimension<'_>)| match dim {
                Dimension::Fixed(extent) if *extent > 0 => Some(*extent),
                _ if axis == 0 => Some(1),
                _ => None,
            };
            extents(&shape.iter().enumerate().map(fixed).collect::<Option<Vec<i64>>>()?)
        });
        let small = shape.filter(|shape| shape.iter().product::<usize>() <= i32::MAX as usize / 8);
        let is_known = small.is_some();
        let shape = small.unwrap_or_default();
        let rank = shape.len();
        let id = self.builder.graph.add_tensor(Tensor::activation(name, element, shape));
        if is_known { Value::Tensor(View::plain(id, rank)) } else { Value::Shapeless(id) }
    }

    fn outputs(&mut self) -> Result<(), Trouble> {
        for output in &self.graph.outputs {
            let place = || format!("output {}", quoted(output.name));
            let value = self.values.get(output.name).cloned();
            let value = value.ok_or_else(|| Trouble::malformed(place(), "a value that nothing makes", "the result of a node"))?;
            self.builder.begin(output.name, place());
            let id = ends::output(&mut self.builder, output.name, &value).map_err(|fail| match fail {
                Fail::Broken(trouble) => trouble,
                Fail::Refuse(what) => Trouble::malformed(place(), what, "a result that can be given out"),
            })?;
            self.builder.graph.outputs.push(id);
        }
        Ok(())
    }

    /// What is said of the file as a whole.
    fn whole_model(mut self, model: &proto::Model<'_>) -> Result<Graph, Trouble> {
        if let Some((place, what)) = self.first_unknown.take().filter(|_| self.n_known == 0) {
            let remedy = "nothing of this model can be shown: export it with standard operators".into();
            return Err(Trouble::Unsupported { place, what, remedy });
        }
        if self.builder.graph.outputs.is_empty() {
            return Err(Trouble::malformed("graph", "no output", "at least one"));
        }
        if model.opset > NEWEST_OPSET {
            let text = format!(
                "The model names operator set {}, newer than the ones that are known (up to {NEWEST_OPSET}).",
                model.opset
            );
            self.builder.note(Severity::Warning, text);
        }
        if self.tensors.n_other_floats > 0 {
            let text = format!("{} constants of another float type are read as float32.", self.tensors.n_other_floats);
            self.builder.note(Severity::Info, text);
        }
        if model.n_functions > 0 {
            let text = format!("The file defines {} operators of its own, which are not read.", model.n_functions);
            self.builder.note(Severity::Warning, text);
        }
        self.builder.graph.description = model.description.chars().take(1000).collect();
        if self.builder.graph.description.is_empty() && !model.producer.is_empty() {
            self.builder.graph.description = format!("Made by {}", model.producer.chars().take(100).collect::<String>());
        }
        let mut graph = integers::joined(self.builder.graph);
        let all = vec![true; graph.tensors.len()];
        graph::compact(&mut graph, &all);
        Ok(graph)
    }
}

/// The shape of an input: the batch is 1 where it is not fixed; what else is open has to be said.
fn input_shape(input: &ValueInfo<'_>, open: &OpenDims) -> Result<Vec<usize>, Trouble> {
    let place = || format!("input {}", quoted(input.name));
    let shape = input.shape.as_ref().ok_or_else(|| Trouble::Unsupported {
        place: place(),
        what: "its shape is not in the file".into(),
        remedy: "export the model with a fixed input shape".into(),
    })?;
    let mut dims = Vec::with_capacity(shape.len());
    for (axis, dim) in shape.iter().enumerate() {
        dims.push(match dim {
            Dimension::Fixed(extent) if *extent > 0 => *extent,
            Dimension::Named(name) if axis == 0 => open.get(input.name, axis, name).map_or(1, |extent| extent as i64),
            _ if axis == 0 => 1,
            Dimension::Fixed(extent) if *extent < -1 => {
                return Err(Trouble::malformed(place(), format!("an extent of {extent} along axis {axis}"), "1 or more"));
            }
            dim => {
                let name = if let Dimension::Named(name) = dim { name } else { "" };
                open.needed(&place(), input.name, axis, name) as i64
            }
        });
    }
    extents(&dims).ok_or_else(|| Trouble::malformed(place(), "a shape that is too large", "fewer elements"))
}
