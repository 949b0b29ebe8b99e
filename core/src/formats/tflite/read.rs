//! The checked flatbuffer as a graph.
//!
//! Two passes keep the file honest: the verifier of the flatbuffers crate proves that every offset, vector and string lies
//! within the file; this module proves that every index and length means something, and charges what it allocates.

use std::collections::HashMap;

use flatbuffers::{ErrorTraceDetail, InvalidFlatbuffer, VerifierOptions};

use super::super::budget::Budget;
use super::super::error::{Trouble, quoted};
use super::super::names::Names;
use super::constants::Constants;
use super::names::node_name;
use super::schema::{self, BuiltinOperator, TensorType};
use super::{metadata, ops, quantization};
use crate::graph::{self, Graph, Node, NodeId, Note, Severity, Signature, TensorId};
use crate::ops::{Op, Unknown, hybrid};
use crate::tensor::{Data, ElementType, Tensor};

/// The most bytes that one activation may take: runtimes count them in 32 bits.
const MAX_ACTIVATION_BYTES: usize = i32::MAX as usize;
/// What a node and what is said about it take here, about.
const NODE_BYTES: usize = 512;

/// Turns the bytes of a file into a graph.
///
/// # Errors
/// [`Trouble`] at the first contradiction.
pub(in crate::formats) fn import(bytes: &[u8]) -> Result<Graph, Trouble> {
    let model = verified(bytes)?;
    if model.version() != 3 {
        return Err(Trouble::malformed("model", format!("schema version {}", model.version()), "version 3"));
    }
    let Some(subgraph) = model.subgraphs().filter(|list| !list.is_empty()).map(|list| list.get(0)) else {
        return Err(Trouble::malformed("model", "no subgraph", "at least one"));
    };
    let mut budget = Budget::for_file(bytes);
    let constants = Constants::locate(bytes, &model, &mut budget)?;
    let mut reader = Reader { model, subgraph, budget, constants, graph: Graph::default() };
    reader.tensors()?;
    reader.nodes()?;
    reader.asymmetric_inputs();
    reader.ends()?;
    reader.signatures()?;
    reader.whole_model();
    reader.without_intermediates();
    Ok(reader.graph)
}

/// The model, every offset checked.
fn verified(bytes: &[u8]) -> Result<schema::Model<'_>, Trouble> {
    let limits = VerifierOptions {
        // Model, subgraph, operator, options; tensor, quantization, details: nothing nests deeper.
        max_depth: 12,
        // Every table is named by an offset of four bytes, and hardly any is named twice.
        max_tables: bytes.len() / 2,
        max_apparent_size: bytes.len().saturating_mul(16).saturating_add(64 << 10),
        ignore_missing_null_terminator: false,
    };
    flatbuffers::root_with_opts::<schema::Model<'_>>(&limits, bytes).map_err(|invalid| {
        let (place, found) = explain(&invalid);
        Trouble::malformed(place, found, "an intact flatbuffer")
    })
}

/// Where the verifier stumbled, as a path of fields, and over what.
fn explain(invalid: &InvalidFlatbuffer) -> (String, String) {
    use InvalidFlatbuffer as I;
    let (trace, found) = match invalid {
        I::MissingRequiredField { required, error_trace } => (Some(error_trace), format!("no field {required}")),
        I::InconsistentUnion { field, error_trace, .. } => {
            (Some(error_trace), format!("{field} has a type without a value or a value without a type"))
        }
        I::Utf8Error { error_trace, .. } => (Some(error_trace), "text that is not UTF-8".into()),
        I::MissingNullTerminator { error_trace, .. } => (Some(error_trace), "text without its end".into()),
        I::Unaligned { position, error_trace, .. } => (Some(error_trace), format!("an unaligned offset to byte {position}")),
        I::RangeOutOfBounds { range, error_trace } => {
            (Some(error_trace), format!("bytes {} to {}, which are not in the file", range.start, range.end))
        }
        I::SignedOffsetOutOfBounds { position, error_trace, .. } => {
            (Some(error_trace), format!("an offset at byte {position} that points out of the file"))
        }
        I::TooManyTables | I::ApparentSizeTooLarge => (None, "far more contents than a file of this length holds".into()),
        I::DepthLimitReached => (None, "tables nested too deep".into()),
    };
    let mut place = String::from("model");
    for step in trace.map_or(&[][..], |trace| trace.as_ref()).iter().rev() {
        match step {
            ErrorTraceDetail::TableField { field_name, .. } => place = format!("{place}.{field_name}"),
            ErrorTraceDetail::VectorElement { index, .. } => place = format!("{place}[{index}]"),
            ErrorTraceDetail::UnionVariant { variant, .. } => place = format!("{place} as {variant}"),
        }
    }
    (place, found)
}

/// A file on its way into a graph.
struct Reader<'a> {
    model: schema::Model<'a>,
    subgraph: schema::SubGraph<'a>,
    budget: Budget,
    constants: Constants<'a>,
    graph: Graph,
}

impl<'a> Reader<'a> {
    fn note(&mut self, node: Option<NodeId>, severity: Severity, text: String) {
        self.graph.notes.push(Note { node, severity, text });
    }

    fn tensors(&mut self) -> Result<(), Trouble> {
        let n = self.subgraph.tensors().map_or(0, |list| list.len());
        self.budget.charge(n.saturating_mul(size_of::<Tensor>()), || format!("the list of {n} tensors"))?;
        self.graph.tensors.reserve_exact(n);
        let made_elsewhere = self.tensors_made();
        for (index, tensor) in self.subgraph.tensors().iter().flatten().enumerate() {
            let made = made_elsewhere.get(index).copied().unwrap_or(false);
            let tensor = self.tensor(index, &tensor, made)?;
            self.graph.tensors.push(tensor);
        }
        Ok(())
    }

    /// For each tensor whether a node makes it or the caller supplies it.
    fn tensors_made(&self) -> Vec<bool> {
        let mut made = vec![false; self.subgraph.tensors().map_or(0, |list| list.len())];
        let outputs = self.subgraph.operators().into_iter().flatten().filter_map(|operator| operator.outputs());
        for id in self.subgraph.inputs().into_iter().chain(outputs).flatten() {
            if let Some(slot) = usize::try_from(id).ok().and_then(|id| made.get_mut(id)) {
                *slot = true;
            }
        }
        made
    }

    fn tensor(&mut self, index: usize, file: &schema::Tensor<'a>, made: bool) -> Result<Tensor, Trouble> {
        let name = file.name().unwrap_or_default();
        let place = || format!("tensor {index} {}", quoted(name));
        let n_axes = file.shape().map_or(0, |shape| shape.len());
        self.budget.charge(name.len() + n_axes * size_of::<usize>(), place)?;
        let bytes = self.constants.bytes(file.buffer(), place)?;
        let shape = self.shape(index, file, !bytes.is_empty())?;
        let is_sparse = file.sparsity().is_some();
        let element = if is_sparse { ElementType::Other(file.type_().0) } else { element_from(file.type_()) };
        let read = quantization::read(file, &shape, &mut self.budget, place)?;
        self.note_quantization(index, name, &read);
        if is_sparse {
            let text = format!(
                "Tensor {} is stored sparse, which Tinsmith does not read: layers that use it cannot be run, \
                                measured or exported. Convert the model without sparse storage.",
                quoted(name)
            );
            self.note(None, Severity::Obstacle, text);
        }
        let mut tensor = Tensor {
            name: name.to_owned(),
            shape,
            element,
            quantization: read.quantization,
            data: None,
            is_variable: file.is_variable(),
        };
        let n = tensor.n_elements();
        tensor.data = self.data(bytes, element, n, made || file.is_variable(), place)?;
        if tensor.data.is_none() && element.bits().is_some() && element.byte_len(n).is_none_or(|len| len > MAX_ACTIVATION_BYTES) {
            let found = format!("shape {:?}", tensor.shape);
            return Err(Trouble::malformed(place(), found, "a tensor of less than 2 GiB"));
        }
        Ok(tensor)
    }

    fn data(
        &mut self,
        bytes: &'a [u8],
        element: ElementType,
        n: usize,
        made: bool,
        place: impl Fn() -> String,
    ) -> Result<Option<Data>, Trouble> {
        // A constant without elements (the shape operand of a reshape to a scalar) has an empty buffer, as activations have.
        if bytes.is_empty() && (made || n > 0) {
            return Ok(None);
        }
        self.constants.decode(bytes, element, n, &mut self.budget, place).map(Some)
    }

    /// Extents, with what is only known at run time fixed at 1.
    fn shape(&mut self, index: usize, file: &schema::Tensor<'a>, is_constant: bool) -> Result<Vec<usize>, Trouble> {
        let signature = file.shape_signature();
        let mut dynamic_axis = None;
        let mut shape = Vec::new();
        for (axis, extent) in file.shape().into_iter().flatten().enumerate() {
            let is_dynamic = extent == -1 || signature.is_some_and(|s| axis < s.len() && s.get(axis) == -1);
            let is_unset = extent == -1 || extent == 0 && !is_constant && (axis == 0 || is_dynamic);
            if is_dynamic && axis > 0 {
                dynamic_axis = Some(axis);
            }
            shape.push(match usize::try_from(extent) {
                _ if is_unset => 1,
                Ok(extent) => extent,
                Err(_) => {
                    let place = format!("tensor {index} {}", quoted(file.name().unwrap_or_default()));
                    let found = format!("an extent of {extent} along axis {axis}");
                    return Err(Trouble::malformed(place, found, "0 or more, or -1 for one known at run time"));
                }
            });
        }
        if let Some(axis) = dynamic_axis {
            let name = quoted(file.name().unwrap_or_default());
            let text = format!(
                "The extent of tensor {name} along axis {axis} is known at run time only; {} is assumed. \
                                Convert the model with a fixed input shape if that is wrong.",
                shape[axis]
            );
            self.note(None, Severity::Warning, text);
        }
        Ok(shape)
    }

    fn note_quantization(&mut self, index: usize, name: &str, read: &quantization::Read) {
        if let Some(axis) = read.bad_axis {
            let text = format!(
                "Tensor {index} {} names axis {axis} for its scales but has one axis only; axis 0 is taken. \
                                LiteRT refuses such a file, TensorFlow Lite Micro runs it; an export is right for both.",
                quoted(name)
            );
            self.note(None, Severity::Warning, text);
        }
        if read.has_details {
            let text =
                format!("Tensor {index} {} has blockwise or custom quantization, which Tinsmith does not read.", quoted(name));
            self.note(None, Severity::Obstacle, text);
        }
    }

    fn nodes(&mut self) -> Result<(), Trouble> {
        let n = self.subgraph.operators().map_or(0, |list| list.len());
        self.budget.charge(n.saturating_mul(NODE_BYTES), || format!("the list of {n} operators"))?;
        self.graph.nodes.reserve_exact(n);
        let mut names = Names::default();
        for (index, operator) in self.subgraph.operators().iter().flatten().enumerate() {
            let (n_in, n_out) = (operator.inputs().map_or(0, |l| l.len()), operator.outputs().map_or(0, |l| l.len()));
            self.budget.charge((n_in + n_out) * size_of::<Option<TensorId>>(), || format!("operator {index}"))?;
            let inputs = operator.inputs().into_iter().flatten();
            let inputs = inputs.map(|id| self.operand(index, id)).collect::<Result<Vec<_>, _>>()?;
            let outputs = operator.outputs().into_iter().flatten();
            let outputs = outputs.map(|id| self.id(&format!("operator {index}"), id)).collect::<Result<Vec<_>, _>>()?;
            let op = self.op(index, &operator, &inputs)?;
            let tensor = outputs.first().map_or("", |id| &self.graph.tensor(*id).name);
            let name = names.unique(node_name(&op, tensor));
            self.graph.nodes.push(Node { sources: vec![name.clone()], name, op, inputs, outputs });
        }
        Ok(())
    }

    fn op(&mut self, index: usize, operator: &schema::Operator<'a>, inputs: &[Option<TensorId>]) -> Result<Op, Trouble> {
        let codes = self.model.operator_codes();
        let code = codes.filter(|codes| (operator.opcode_index() as usize) < codes.len()).ok_or_else(|| {
            let n_codes = codes.map_or(0, |codes| codes.len());
            Trouble::malformed(
                format!("operator {index}"),
                format!("code {}", operator.opcode_index()),
                format!("one of the {n_codes} codes"),
            )
        })?;
        let code = code.get(operator.opcode_index() as usize);
        // Writers before 2020 knew only the field of one byte; newer ones put 127 there where the code is larger.
        let builtin = BuiltinOperator(code.builtin_code().0.max(code.deprecated_builtin_code().into()));
        if builtin == BuiltinOperator::CUSTOM {
            let name = code.custom_code().unwrap_or("CUSTOM").chars().take(64).collect();
            return Ok(Op::Unknown(Unknown { name, is_custom: true }));
        }
        let operand_1 = inputs.get(1).copied().flatten();
        let has_constant_operand_1 = operand_1.is_some_and(|id| self.graph.tensor(id).is_constant());
        let source = ops::Source { operator: *operator, code: builtin, has_constant_operand_1 };
        ops::import(&source).or_else(|ops::Refusal(reason)| {
            let text =
                format!("{} {reason}. The layer is shown, but the model cannot be run or exported.", ops::code_name(builtin));
            self.note(Some(NodeId::new(index)), Severity::Obstacle, text);
            Ok(ops::unknown(builtin))
        })
    }

    /// Marks the weights whose float activations LiteRT quantizes with a zero point. Weights that two layers share get a copy where
    /// only one of them asks for that; the file holds their values once all the same.
    fn asymmetric_inputs(&mut self) {
        let mut stated: HashMap<TensorId, bool> = HashMap::new();
        for (index, operator) in self.subgraph.operators().iter().flatten().enumerate() {
            let node = &self.graph.nodes[index];
            if !hybrid::is_hybrid(&self.graph, node) {
                continue;
            }
            let asymmetric = ops::states_asymmetric_inputs(&operator);
            for id in hybrid::weight_ids(&self.graph, node).collect::<Vec<_>>() {
                let mut weights = self.graph.tensor(id).clone();
                weights.quantization = weights.quantization.map(|q| q.with_asymmetric_inputs(asymmetric));
                if *stated.entry(id).or_insert(asymmetric) == asymmetric {
                    self.graph.tensors[id.index()] = weights;
                } else {
                    let copy = self.graph.add_tensor(weights);
                    let inputs = &mut self.graph.nodes[index].inputs;
                    inputs.iter_mut().filter(|input| **input == Some(id)).for_each(|input| *input = Some(copy));
                }
            }
        }
    }

    fn operand(&self, index: usize, id: i32) -> Result<Option<TensorId>, Trouble> {
        if id == -1 { Ok(None) } else { self.id(&format!("operator {index}"), id).map(Some) }
    }

    fn id(&self, place: &str, id: i32) -> Result<TensorId, Trouble> {
        let n_tensors = self.graph.tensors.len();
        match usize::try_from(id) {
            Ok(index) if index < n_tensors => Ok(TensorId::new(index)),
            _ => Err(Trouble::malformed(place, format!("tensor {id}"), format!("one of the {n_tensors} tensors"))),
        }
    }

    /// Inputs and outputs of the model.
    fn ends(&mut self) -> Result<(), Trouble> {
        let n_ends = [self.subgraph.inputs(), self.subgraph.outputs()].iter().flatten().map(|list| list.len()).sum::<usize>();
        self.budget.charge(n_ends * size_of::<TensorId>(), || "the lists of inputs and outputs".into())?;
        let ids = |list: Option<flatbuffers::Vector<'a, i32>>, place: &str| {
            list.into_iter().flatten().map(|id| self.id(place, id)).collect::<Result<Vec<_>, _>>()
        };
        let inputs = ids(self.subgraph.inputs(), "the list of inputs")?;
        let outputs = ids(self.subgraph.outputs(), "the list of outputs")?;
        (self.graph.inputs, self.graph.outputs) = (inputs, outputs);
        Ok(())
    }

    fn signatures(&mut self) -> Result<(), Trouble> {
        for signature in self.model.signature_defs().iter().flatten().filter(|s| s.subgraph_index() == 0) {
            let key = signature.signature_key().unwrap_or_default();
            let place = || format!("signature {}", quoted(key));
            self.budget.charge(size_of::<Signature>() + key.len(), place)?;
            let inputs = self.tensor_map(signature.inputs(), place)?;
            let outputs = self.tensor_map(signature.outputs(), place)?;
            self.graph.signatures.push(Signature { key: key.to_owned(), inputs, outputs });
        }
        Ok(())
    }

    fn tensor_map(
        &mut self,
        list: Option<flatbuffers::Vector<'a, flatbuffers::ForwardsUOffset<schema::TensorMap<'a>>>>,
        place: impl Fn() -> String,
    ) -> Result<Vec<(String, TensorId)>, Trouble> {
        let mut map = Vec::new();
        for entry in list.into_iter().flatten() {
            let name = entry.name().unwrap_or_default();
            self.budget.charge(size_of::<(String, TensorId)>() + name.len(), &place)?;
            // An index beyond `i32` is beyond the tensors as well.
            let id = self.id(&place(), i32::try_from(entry.tensor_index()).unwrap_or(i32::MAX))?;
            map.push((name.to_owned(), id));
        }
        Ok(map)
    }

    /// Takes out the tensors in which the kernel of an integer LSTM looks up scales: they hold nothing, and an export has its own.
    fn without_intermediates(&mut self) {
        let mut looked_up = vec![false; self.graph.tensors.len()];
        let lists = self.subgraph.operators().into_iter().flatten().filter_map(|operator| operator.intermediates());
        for id in lists.flatten() {
            if let Some(slot) = usize::try_from(id).ok().and_then(|id| looked_up.get_mut(id)) {
                *slot = true;
            }
        }
        if looked_up.contains(&true) {
            graph::compact(&mut self.graph, &looked_up);
        }
    }

    /// What is said of the file as a whole.
    fn whole_model(&mut self) {
        self.graph.description = self.model.description().unwrap_or_default().to_owned();
        match metadata::read(&self.model, &self.constants, self.graph.tensors.len()) {
            Ok(plan) => self.graph.memory_plan = plan,
            Err(why) => self.note(None, Severity::Warning, format!("The arena plan in the file is left out: {why}.")),
        }
        if self.constants.n_outside > 0 {
            let text = format!(
                "{} constants lie outside the flatbuffer, where TensorFlow Lite Micro does not look: it runs this \
                                file without an error, on garbage. An export has them inside.",
                self.constants.n_outside
            );
            self.note(None, Severity::Warning, text);
        }
        let n_subgraphs = self.model.subgraphs().map_or(0, |list| list.len());
        if n_subgraphs > 1 {
            let text = format!("The file has {n_subgraphs} subgraphs; the first one is shown.");
            self.note(None, Severity::Warning, text);
        }
    }
}

/// The element type of a tensor in the file; those that Tinsmith does not compute with keep their number.
fn element_from(file: TensorType) -> ElementType {
    match file {
        TensorType::FLOAT32 => ElementType::F32,
        TensorType::FLOAT16 => ElementType::F16,
        TensorType::INT4 => ElementType::I4,
        TensorType::INT8 => ElementType::I8,
        TensorType::UINT8 => ElementType::U8,
        TensorType::INT16 => ElementType::I16,
        TensorType::INT32 => ElementType::I32,
        TensorType::INT64 => ElementType::I64,
        TensorType::BOOL => ElementType::Bool,
        other => ElementType::Other(other.0),
    }
}
