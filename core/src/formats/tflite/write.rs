//! A graph as the bytes of a file: the smallest that TensorFlow Lite Micro and LiteRT both take.
//!
//! Flash counts, so equal scales, zero points, shapes, options and constants lie in the file once; ranges, empty buffers
//! and tensors that nothing refers to are left out. Constants start at multiples of 16 bytes, counted from the start of the
//! file, and always lie inside the flatbuffer. The same graph gives the same bytes.

use std::collections::HashMap;

use flatbuffers::WIPOffset;

use super::super::error::{FormatError, Trouble, quoted};
use super::schema::{self, BuiltinOperator};
use super::share::Sharing;
use super::{IDENTIFIER, constants, metadata, ops};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::{Op, Operands};
use crate::quant::Quantization;
use crate::tensor::{ElementType, Tensor};

/// What an exported file leaves out or says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Leave out names of tensors, signatures and the description: no runtime on a microcontroller reads them.
    pub strip_names: bool,
    /// Leave out the scales of biases that are quantized per channel. Kernels do not read them (the scale of a bias is that
    /// of the input times that of the weights), but desktop LiteRT then runs those layers without XNNPACK, and other
    /// compilers may ask for them.
    pub strip_bias_scales: bool,
    /// Text to describe the file with; the graph's own if there is none.
    pub description: Option<String>,
}

/// Writes a graph as a TensorFlow Lite file.
///
/// # Errors
/// [`Trouble::Unsupported`] names an operator or a tensor that cannot be written.
pub fn export(graph: &Graph, options: &ExportOptions) -> Result<Vec<u8>, FormatError> {
    let file = if graph.name.is_empty() { "the model" } else { &graph.name };
    Writer::new(graph, options).model().map_err(|trouble| trouble.of(file))
}

type Offsets<'a, T> = Vec<WIPOffset<T>>;

struct Writer<'g> {
    graph: &'g Graph,
    options: &'g ExportOptions,
    out: Sharing<'g>,
    /// The index that each tensor of the graph has in the file; `None` for those left out.
    index_of: Vec<Option<u32>>,
    buffers: Offsets<'g, schema::Buffer<'g>>,
    buffer_of: HashMap<Vec<u8>, u32>,
    codes: Vec<(BuiltinOperator, i32)>,
    quantizations: HashMap<(u32, u32, i32), WIPOffset<schema::QuantizationParameters<'g>>>,
}

impl<'g> Writer<'g> {
    fn new(graph: &'g Graph, options: &'g ExportOptions) -> Self {
        let mut writer = Self {
            graph,
            options,
            out: Sharing::default(),
            index_of: indices(graph, options),
            buffers: Vec::new(),
            buffer_of: HashMap::new(),
            codes: Vec::new(),
            quantizations: HashMap::new(),
        };
        // By convention buffer 0 is empty: it is that of all activations.
        writer.buffer(&[]);
        writer
    }

    fn model(mut self) -> Result<Vec<u8>, Trouble> {
        let buffers = self.kept().map(|(_, tensor)| self.constant(tensor)).collect::<Result<Vec<u32>, _>>()?;
        let metadata = self.metadata()?;
        let tensors = self.kept().zip(buffers).map(|((id, tensor), buffer)| self.tensor(id, tensor, buffer));
        let mut tensors: Offsets<'_, _> = tensors.collect::<Result<_, _>>()?;
        let nodes = self.graph.nodes.iter();
        let operators = nodes.map(|node| {
            let intermediates = self.intermediates(node, &mut tensors)?;
            self.operator(node, intermediates)
        });
        let operators: Offsets<'_, _> = operators.collect::<Result<_, _>>()?;
        let subgraph = self.subgraph(&tensors, &operators);
        let signature_defs = self.signatures();
        let operator_codes = self.operator_codes();
        let description = self.description();

        let builder = &mut self.out.builder;
        let subgraphs = builder.create_vector(&[subgraph]);
        let buffers = builder.create_vector(&self.buffers);
        let args = schema::ModelArgs {
            version: 3,
            operator_codes: Some(operator_codes),
            subgraphs: Some(subgraphs),
            description,
            buffers: Some(buffers),
            metadata,
            signature_defs,
            ..Default::default()
        };
        let model = schema::Model::create(builder, &args);
        Ok(self.out.finish(model, IDENTIFIER))
    }

    /// The tensors that the file holds, in the graph's order: TFLM's planner breaks ties by index.
    fn kept(&self) -> impl Iterator<Item = (TensorId, &'g Tensor)> + use<'g> {
        let graph = self.graph;
        let kept: Vec<TensorId> = graph.tensor_ids().filter(|id| self.index_of[id.index()].is_some()).collect();
        kept.into_iter().map(|id| (id, graph.tensor(id)))
    }

    /// The buffer with the values of a tensor: 0 for activations.
    fn constant(&mut self, tensor: &Tensor) -> Result<u32, Trouble> {
        let Some(data) = &tensor.data else { return Ok(0) };
        if let ElementType::Other(code) = tensor.element {
            return Err(Trouble::Unsupported {
                place: format!("tensor {}", quoted(&tensor.name)),
                what: format!("constants of type {code}, or stored sparse, cannot be written"),
                remedy: "convert the original model with dense float32 or integer weights".into(),
            });
        }
        Ok(self.buffer(&constants::to_bytes(data)))
    }

    /// The buffer with these bytes, written if there is none yet.
    fn buffer(&mut self, bytes: &[u8]) -> u32 {
        if let Some(&index) = self.buffer_of.get(bytes) {
            return index;
        }
        let data = (!bytes.is_empty()).then(|| self.out.aligned_bytes(bytes));
        // Right behind the bytes, where alignment would else leave a gap.
        let table = schema::Buffer::create(&mut self.out.builder, &schema::BufferArgs { data, ..Default::default() });
        self.buffers.push(table);
        let index = self.buffers.len() as u32 - 1;
        self.buffer_of.insert(bytes.to_vec(), index);
        index
    }

    fn tensor(&mut self, id: TensorId, tensor: &Tensor, buffer: u32) -> Result<WIPOffset<schema::Tensor<'g>>, Trouble> {
        let place = || format!("tensor {}", quoted(&tensor.name));
        let shape = tensor
            .shape
            .iter()
            .map(|&extent| i32::try_from(extent))
            .collect::<Result<Vec<i32>, _>>()
            .map_err(|_| Trouble::malformed(place(), format!("shape {:?}", tensor.shape), "extents that fit 32 bits"))?;
        // A tensor without a shape is a scalar.
        let shape = (!shape.is_empty()).then(|| self.out.vector(&shape, i32::to_le_bytes));
        let name = (!self.options.strip_names && !tensor.name.is_empty()).then(|| self.out.string(&tensor.name));
        let strip_scales = self.options.strip_bias_scales && self.is_per_channel_bias(id);
        let quantization = tensor.quantization.as_ref().filter(|_| !strip_scales).map(|q| self.quantization(q));
        let args = schema::TensorArgs {
            shape,
            type_: element_to(tensor.element),
            buffer,
            name,
            quantization,
            is_variable: tensor.is_variable,
            ..Default::default()
        };
        Ok(schema::Tensor::create(&mut self.out.builder, &args))
    }

    /// Whether the tensor is nothing but the bias of layers whose weights are quantized per channel.
    fn is_per_channel_bias(&self, id: TensorId) -> bool {
        let graph = self.graph;
        let mut uses = graph.nodes.iter().flat_map(|node| node.inputs.iter().enumerate().map(move |(i, input)| (node, i, input)));
        let is_bias = |(node, operand, _): (&Node, usize, _)| {
            let weights = graph.input(node, 1).and_then(|w| w.quantization.as_ref());
            node.op.has_weights() && operand == 2 && weights.is_some_and(Quantization::is_per_channel)
        };
        graph.tensor(id).quantization.as_ref().is_some_and(Quantization::is_per_channel)
            && uses.all(|(node, operand, &input)| input != Some(id) || is_bias((node, operand, input)))
    }

    fn quantization(&mut self, q: &Quantization) -> WIPOffset<schema::QuantizationParameters<'g>> {
        let zero_points: Vec<i64> = q.zero_points.iter().map(|&z| z.into()).collect();
        let scale = self.out.vector(&q.scales, f32::to_le_bytes);
        let zero_point = self.out.vector(&zero_points, i64::to_le_bytes);
        let quantized_dimension = q.axis.map_or(0, |axis| axis as i32);
        let args = schema::QuantizationParametersArgs {
            scale: Some(scale),
            zero_point: Some(zero_point),
            quantized_dimension,
            ..Default::default()
        };
        let builder = &mut self.out.builder;
        *self
            .quantizations
            .entry((scale.value(), zero_point.value(), quantized_dimension))
            .or_insert_with(|| schema::QuantizationParameters::create(builder, &args))
    }

    /// The output of an integer LSTM, and its quantization.
    fn looked_up_scale(&self, node: &Node) -> Option<(TensorId, Quantization)> {
        let id = *node.outputs.first().filter(|_| matches!(node.op, Op::Lstm(_)))?;
        Some((id, self.graph.tensor(id).quantization.clone()?))
    }

    /// What the kernel of an integer LSTM looks up the scales of its gates in: four tensors that matter only where layers are
    /// normalized, and one that repeats the output's scale. They hold nothing, so a graph has none; runtimes ask for them.
    fn intermediates(
        &mut self,
        node: &Node,
        tensors: &mut Offsets<'g, schema::Tensor<'g>>,
    ) -> Result<Option<WIPOffset<flatbuffers::Vector<'g, i32>>>, Trouble> {
        let Some((id, quantization)) = self.looked_up_scale(node) else { return Ok(None) };
        let first = tensors.len() as i32;
        let gate = Tensor::activation("", ElementType::F32, [0]);
        let hidden = Tensor::activation("", self.graph.tensor(id).element, [0]).quantized(quantization);
        tensors.push(self.tensor(id, &gate, 0)?);
        tensors.push(self.tensor(id, &hidden, 0)?);
        Ok(Some(self.out.vector(&[first, first, first, first, first + 1], i32::to_le_bytes)))
    }

    fn operator(
        &mut self,
        node: &Node,
        intermediates: Option<WIPOffset<flatbuffers::Vector<'g, i32>>>,
    ) -> Result<WIPOffset<schema::Operator<'g>>, Trouble> {
        let operands = Operands::new(self.graph, node);
        let Some(written) = ops::export(&node.op, &operands, &mut self.out) else {
            return Err(unwritable(node));
        };
        let inputs: Vec<i32> = node.inputs.iter().map(|id| id.map_or(-1, |id| self.index(id))).collect();
        let outputs: Vec<i32> = node.outputs.iter().map(|&id| self.index(id)).collect();
        let (options_type, options) = written.options.unzip();
        let args = schema::OperatorArgs {
            opcode_index: self.code_index(written.code, written.version),
            inputs: Some(self.out.vector(&inputs, i32::to_le_bytes)),
            outputs: Some(self.out.vector(&outputs, i32::to_le_bytes)),
            builtin_options_type: options_type.unwrap_or(schema::BuiltinOptions::NONE),
            builtin_options: options.map(WIPOffset::new),
            intermediates,
            ..Default::default()
        };
        Ok(schema::Operator::create(&mut self.out.builder, &args))
    }

    /// One code for each operator, at the highest version that any of its uses asks for.
    fn code_index(&mut self, code: BuiltinOperator, version: i32) -> u32 {
        let index = self.codes.iter().position(|(known, _)| *known == code).unwrap_or_else(|| {
            self.codes.push((code, version));
            self.codes.len() - 1
        });
        self.codes[index].1 = self.codes[index].1.max(version);
        index as u32
    }

    fn operator_codes(&mut self) -> WIPOffset<flatbuffers::Vector<'g, flatbuffers::ForwardsUOffset<schema::OperatorCode<'g>>>> {
        let builder = &mut self.out.builder;
        let codes = self.codes.iter().map(|&(builtin_code, version)| {
            // Readers before 2020 know only the field of one byte; 127 says that the code is larger.
            let deprecated_builtin_code = builtin_code.0.min(127) as i8;
            let args = schema::OperatorCodeArgs { deprecated_builtin_code, version, builtin_code, ..Default::default() };
            schema::OperatorCode::create(builder, &args)
        });
        let codes: Offsets<'_, _> = codes.collect();
        builder.create_vector(&codes)
    }

    fn subgraph(
        &mut self,
        tensors: &[WIPOffset<schema::Tensor<'g>>],
        operators: &[WIPOffset<schema::Operator<'g>>],
    ) -> WIPOffset<schema::SubGraph<'g>> {
        let ids = |list: &[TensorId]| list.iter().map(|&id| self.index(id)).collect::<Vec<i32>>();
        let (inputs, outputs) = (ids(&self.graph.inputs), ids(&self.graph.outputs));
        let args = schema::SubGraphArgs {
            tensors: Some(self.out.builder.create_vector(tensors)),
            inputs: Some(self.out.vector(&inputs, i32::to_le_bytes)),
            outputs: Some(self.out.vector(&outputs, i32::to_le_bytes)),
            operators: Some(self.out.builder.create_vector(operators)),
            name: None,
        };
        schema::SubGraph::create(&mut self.out.builder, &args)
    }

    fn signatures(
        &mut self,
    ) -> Option<WIPOffset<flatbuffers::Vector<'g, flatbuffers::ForwardsUOffset<schema::SignatureDef<'g>>>>> {
        if self.options.strip_names || self.graph.signatures.is_empty() {
            return None;
        }
        let mut tables = Vec::new();
        for signature in &self.graph.signatures {
            let inputs = self.tensor_map(&signature.inputs);
            let outputs = self.tensor_map(&signature.outputs);
            let args = schema::SignatureDefArgs {
                inputs: Some(self.out.builder.create_vector(&inputs)),
                outputs: Some(self.out.builder.create_vector(&outputs)),
                signature_key: Some(self.out.string(&signature.key)),
                subgraph_index: 0,
            };
            tables.push(schema::SignatureDef::create(&mut self.out.builder, &args));
        }
        Some(self.out.builder.create_vector(&tables))
    }

    fn tensor_map(&mut self, entries: &[(String, TensorId)]) -> Offsets<'g, schema::TensorMap<'g>> {
        let mut tables = Vec::new();
        for (name, id) in entries {
            let args = schema::TensorMapArgs { name: Some(self.out.string(name)), tensor_index: self.index(*id) as u32 };
            tables.push(schema::TensorMap::create(&mut self.out.builder, &args));
        }
        tables
    }

    fn metadata(
        &mut self,
    ) -> Result<Option<WIPOffset<flatbuffers::Vector<'g, flatbuffers::ForwardsUOffset<schema::Metadata<'g>>>>>, Trouble> {
        let Some(plan) = &self.graph.memory_plan else { return Ok(None) };
        let kept = self.kept().map(|(id, _)| plan.offsets.get(id.index()).copied().flatten());
        let intermediates = self.graph.nodes.iter().filter(|node| self.looked_up_scale(node).is_some()).flat_map(|_| [None; 2]);
        let kept: Vec<Option<u32>> = kept.chain(intermediates).collect();
        let bytes = metadata::to_bytes(&kept)
            .ok_or_else(|| Trouble::malformed("memory plan", "an offset beyond 31 bits", "one within the arena"))?;
        let buffer = self.buffer(&bytes);
        let name = Some(self.out.string(metadata::NAME));
        let builder = &mut self.out.builder;
        let entry = schema::Metadata::create(builder, &schema::MetadataArgs { name, buffer });
        Ok(Some(builder.create_vector(&[entry])))
    }

    fn description(&mut self) -> Option<WIPOffset<&'g str>> {
        let text = self.options.description.as_ref().unwrap_or(&self.graph.description);
        (!self.options.strip_names && !text.is_empty()).then(|| self.out.string(text))
    }

    /// Index of a tensor in the file; every tensor that is referred to has one.
    fn index(&self, id: TensorId) -> i32 {
        self.index_of[id.index()].map_or(-1, |index| index as i32)
    }
}

/// Why a node cannot be written, and what to do.
fn unwritable(node: &Node) -> Trouble {
    let name = node.op.name();
    let (what, remedy) = match &node.op {
        Op::Unknown(_) => (
            format!("operator {name} is not known and cannot be written"),
            "use the original file, or a model without this operator",
        ),
        Op::BatchNorm(_) | Op::Identity(_) => (
            format!("{name} is no TensorFlow Lite operator"),
            "export what a recipe makes of the model: it is folded or lowered there",
        ),
        _ => (
            format!("{name} is no TensorFlow Lite operator"),
            "use an LSTM in its place, or unroll it (Keras: unroll=True, batch_size=1), convert that to .tflite and open the result",
        ),
    };
    Trouble::Unsupported { place: format!("layer {}", quoted(&node.name)), what, remedy: remedy.into() }
}

/// For each tensor its index in the file: all that something refers to, in the graph's order.
fn indices(graph: &Graph, options: &ExportOptions) -> Vec<Option<u32>> {
    let mut used = vec![false; graph.tensors.len()];
    let operands = graph.nodes.iter().flat_map(|node| node.inputs.iter().flatten().chain(&node.outputs));
    let signatures = graph.signatures.iter().filter(|_| !options.strip_names);
    let named = signatures.flat_map(|s| s.inputs.iter().chain(&s.outputs)).map(|(_, id)| id);
    for id in graph.inputs.iter().chain(&graph.outputs).chain(operands).chain(named) {
        used[id.index()] = true;
    }
    let mut next = 0..;
    used.into_iter().map(|used| used.then(|| next.next()).flatten()).collect()
}

/// The number of an element type in the file.
pub(super) fn element_to(element: ElementType) -> schema::TensorType {
    match element {
        ElementType::F32 => schema::TensorType::FLOAT32,
        ElementType::F16 => schema::TensorType::FLOAT16,
        ElementType::I4 => schema::TensorType::INT4,
        ElementType::I8 => schema::TensorType::INT8,
        ElementType::U8 => schema::TensorType::UINT8,
        ElementType::I16 => schema::TensorType::INT16,
        ElementType::I32 => schema::TensorType::INT32,
        ElementType::I64 => schema::TensorType::INT64,
        ElementType::Bool => schema::TensorType::BOOL,
        ElementType::Other(code) => schema::TensorType(code),
    }
}
