//! What real files do that a tidy reader would not expect, each reproduced in a small file; and every operator there and back.

use flatbuffers::{FlatBufferBuilder, WIPOffset};

use super::schema::{self, BuiltinOperator, BuiltinOptions, FullyConnectedOptionsWeightsFormat};
use super::{ExportOptions, export};
use crate::formats::import_bytes;
use crate::graph::{Graph, MemoryPlan, Node, Severity};
use crate::ops::{self, Activation, BinaryKind, Op, Padding, PoolKind, ReduceKind};
use crate::quant::Quantization;
use crate::tensor::{Data, ElementType, Tensor};
use crate::test_graph::{Chain, constant};

/// A dense layer of 4 inputs and 2 outputs as a file, with what is odd about it.
struct Odd {
    builtin_code: BuiltinOperator,
    deprecated_code: i8,
    custom_code: Option<&'static str>,
    weights_format: FullyConnectedOptionsWeightsFormat,
    activations: schema::TensorType,
    weights_outside: bool,
    weights_sparse: bool,
    bias_axis: i32,
    batch: i32,
    batch_signature: i32,
    n_subgraphs: usize,
}

impl Default for Odd {
    fn default() -> Self {
        Self {
            builtin_code: BuiltinOperator::FULLY_CONNECTED,
            deprecated_code: 9,
            custom_code: None,
            weights_format: FullyConnectedOptionsWeightsFormat::DEFAULT,
            activations: schema::TensorType::INT8,
            weights_outside: false,
            weights_sparse: false,
            bias_axis: 0,
            batch: 1,
            batch_signature: 1,
            n_subgraphs: 1,
        }
    }
}

const WEIGHTS: [i8; 8] = [1, -2, 3, -4, 5, -6, 7, -8];

impl Odd {
    fn file(&self) -> Vec<u8> {
        let mut b = FlatBufferBuilder::new();
        let buffers = self.buffers(&mut b);
        let tensors = self.tensors(&mut b);
        let operators = self.operators(&mut b);
        let inputs = b.create_vector(&[0i32]);
        let outputs = b.create_vector(&[3i32]);
        let args = schema::SubGraphArgs {
            tensors: Some(tensors),
            inputs: Some(inputs),
            outputs: Some(outputs),
            operators: Some(operators),
            name: None,
        };
        let subgraph = schema::SubGraph::create(&mut b, &args);
        let subgraphs = Some(b.create_vector(&vec![subgraph; self.n_subgraphs]));
        let custom_code = self.custom_code.map(|code| b.create_string(code));
        let args = schema::OperatorCodeArgs {
            deprecated_builtin_code: self.deprecated_code,
            custom_code,
            version: 1,
            builtin_code: self.builtin_code,
        };
        let code = schema::OperatorCode::create(&mut b, &args);
        let operator_codes = Some(b.create_vector(&[code]));
        let args = schema::ModelArgs { version: 3, operator_codes, subgraphs, buffers: Some(buffers), ..Default::default() };
        let model = schema::Model::create(&mut b, &args);
        b.finish(model, Some("TFL3"));
        let mut file = b.finished_data().to_vec();
        if self.weights_outside {
            self.move_outside(&mut file);
        }
        file
    }

    fn buffers<'a>(&self, b: &mut FlatBufferBuilder<'a>) -> WIPOffset<Buffers<'a>> {
        let empty = schema::Buffer::create(b, &schema::BufferArgs::default());
        let weights = if self.weights_outside {
            schema::Buffer::create(b, &schema::BufferArgs { data: None, offset: 0xf00d, size: 8 })
        } else {
            let data = Some(b.create_vector(&WEIGHTS.map(|w| w as u8)));
            schema::Buffer::create(b, &schema::BufferArgs { data, ..Default::default() })
        };
        let data = Some(b.create_vector(&[100i32, -100].map(i32::to_le_bytes).concat()));
        let bias = schema::Buffer::create(b, &schema::BufferArgs { data, ..Default::default() });
        b.create_vector(&[empty, weights, bias])
    }

    /// Puts the weights behind the flatbuffer and their place into the field that was written with a mark.
    fn move_outside(&self, file: &mut Vec<u8>) {
        let mark = 0xf00d_u64.to_le_bytes();
        let at = file.windows(8).position(|window| window == mark).expect("the mark is in the file");
        let offset = file.len() as u64;
        file[at..at + 8].copy_from_slice(&offset.to_le_bytes());
        file.extend(WEIGHTS.map(|w| w as u8));
    }

    fn tensors<'a>(&self, b: &mut FlatBufferBuilder<'a>) -> WIPOffset<Tensors<'a>> {
        let sparsity = self.weights_sparse.then(|| schema::SparsityParameters::create(b, &Default::default()));
        let rows: [Row<'_>; 4] = [
            (&[self.batch, 4], self.activations, 0, &[0.5], 0),
            (&[2, 4], schema::TensorType::INT8, 1, &[0.25, 0.125], 0),
            (&[2], schema::TensorType::INT32, 2, &[0.125, 0.0625], self.bias_axis),
            (&[self.batch, 2], self.activations, 0, &[1.0], 0),
        ];
        let mut tensors = Vec::new();
        for (index, (shape, type_, buffer, scales, quantized_dimension)) in rows.into_iter().enumerate() {
            let scale = Some(b.create_vector(scales));
            let zero_point = Some(b.create_vector(&vec![0i64; scales.len()]));
            let args = schema::QuantizationParametersArgs { scale, zero_point, quantized_dimension, ..Default::default() };
            let quantization = Some(schema::QuantizationParameters::create(b, &args));
            let signature: Vec<i32> = if buffer == 0 { vec![self.batch_signature, shape[1]] } else { shape.to_vec() };
            let args = schema::TensorArgs {
                shape: Some(b.create_vector(shape)),
                type_,
                buffer,
                quantization: quantization.filter(|_| type_ != schema::TensorType::FLOAT32),
                sparsity: sparsity.filter(|_| index == 1),
                shape_signature: Some(b.create_vector(&signature)),
                ..Default::default()
            };
            tensors.push(schema::Tensor::create(b, &args));
        }
        b.create_vector(&tensors)
    }

    fn operators<'a>(&self, b: &mut FlatBufferBuilder<'a>) -> WIPOffset<Operators<'a>> {
        let args = schema::FullyConnectedOptionsArgs { weights_format: self.weights_format, ..Default::default() };
        let options = schema::FullyConnectedOptions::create(b, &args);
        let args = schema::OperatorArgs {
            inputs: Some(b.create_vector(&[0i32, 1, 2])),
            outputs: Some(b.create_vector(&[3i32])),
            builtin_options_type: BuiltinOptions::FullyConnectedOptions,
            builtin_options: Some(options.as_union_value()),
            ..Default::default()
        };
        let operator = schema::Operator::create(b, &args);
        b.create_vector(&[operator])
    }

    fn graph(&self) -> Graph {
        import_bytes("odd", &self.file()).unwrap_or_else(|error| panic!("{error}")).graph
    }
}

/// Shape, type, buffer, scales and their axis.
type Row<'a> = (&'a [i32], schema::TensorType, u32, &'a [f32], i32);
type Buffers<'a> = flatbuffers::Vector<'a, flatbuffers::ForwardsUOffset<schema::Buffer<'a>>>;
type Tensors<'a> = flatbuffers::Vector<'a, flatbuffers::ForwardsUOffset<schema::Tensor<'a>>>;
type Operators<'a> = flatbuffers::Vector<'a, flatbuffers::ForwardsUOffset<schema::Operator<'a>>>;

fn is_dense(graph: &Graph) -> bool {
    matches!(graph.nodes[0].op, Op::FullyConnected(_)) && graph.tensors[1].data == Some(Data::I8(WEIGHTS.into()))
}

fn the_note(graph: &Graph) -> (Severity, &str) {
    assert_eq!(graph.notes.len(), 1, "{:?}", graph.notes);
    (graph.notes[0].severity, &graph.notes[0].text)
}

#[test]
fn a_plain_file_has_no_notes() {
    let graph = Odd::default().graph();
    assert!(is_dense(&graph) && graph.notes.is_empty(), "{:?}", graph.notes);
    assert_eq!(graph.nodes[0].name, "fully_connected");
    assert_eq!(graph.tensors[1].quantization.as_ref().and_then(|q| q.axis), Some(0));
}

#[test]
fn old_files_hold_the_operator_code_in_the_field_of_one_byte_only() {
    assert!(is_dense(&Odd { builtin_code: BuiltinOperator::ADD, ..Odd::default() }.graph()));
}

#[test]
fn an_operator_beyond_127_is_named() {
    let graph = Odd { builtin_code: BuiltinOperator::ATAN2, deprecated_code: 127, ..Odd::default() }.graph();
    assert_eq!(graph.nodes[0].op.name(), "ATAN2");
    let (severity, text) = the_note(&graph);
    assert!(severity == Severity::Obstacle && text.contains("ATAN2") && text.contains("cannot be run"), "{text}");
    let error = export(&graph, &ExportOptions::default()).expect_err("not known").to_string();
    assert!(error.contains("ATAN2") && error.contains("layer \"atan2\""), "{error}");
}

#[test]
fn a_custom_operator_is_shown_by_its_own_name() {
    let graph =
        Odd { builtin_code: BuiltinOperator::CUSTOM, deprecated_code: 32, custom_code: Some("Mine"), ..Odd::default() }.graph();
    assert!(matches!(&graph.nodes[0].op, Op::Unknown(op) if op.is_custom && op.name == "Mine"));
    assert!(the_note(&graph).1.contains("custom operator Mine"));
}

#[test]
fn shuffled_weights_are_refused_by_name() {
    let graph = Odd { weights_format: FullyConnectedOptionsWeightsFormat::SHUFFLED4x16INT8, ..Odd::default() }.graph();
    assert!(matches!(graph.nodes[0].op, Op::Unknown(_)));
    assert!(the_note(&graph).1.contains("shuffled weights"));
}

#[test]
fn constants_outside_the_flatbuffer_are_read_and_exported_inside() {
    let graph = Odd { weights_outside: true, ..Odd::default() }.graph();
    assert!(is_dense(&graph));
    assert!(the_note(&graph).1.contains("outside the flatbuffer"));
    let file = export(&graph, &ExportOptions::default()).expect("a dense layer");
    assert!(import_bytes("export", &file).expect("our own file").graph.notes.is_empty());
}

#[test]
fn constants_that_lie_beyond_the_file_are_refused() {
    let mut file = Odd { weights_outside: true, ..Odd::default() }.file();
    file.truncate(file.len() - 1);
    let error = import_bytes("cut.tflite", &file).expect_err("a byte is missing").to_string();
    assert!(error.starts_with("cut.tflite: buffer 1: 8 bytes at offset"), "{error}");
}

#[test]
fn a_bias_with_an_axis_that_is_not_there_is_read_along_the_one_that_is() {
    let graph = Odd { bias_axis: 3, ..Odd::default() }.graph();
    assert_eq!(graph.tensors[2].quantization.as_ref().and_then(|q| q.axis), Some(0));
    let (severity, text) = the_note(&graph);
    assert!(severity == Severity::Warning && text.contains("LiteRT refuses"), "{text}");
}

#[test]
fn a_dynamic_batch_becomes_one() {
    for (batch, batch_signature) in [(1, -1), (0, -1), (-1, -1), (0, 1)] {
        let graph = Odd { batch, batch_signature, ..Odd::default() }.graph();
        assert_eq!(graph.tensors[0].shape, [1, 4], "{batch} {batch_signature}");
        assert!(graph.notes.is_empty(), "{:?}", graph.notes);
    }
}

#[test]
fn a_hybrid_model_says_that_it_is_no_float_model() {
    let graph = Odd { activations: schema::TensorType::FLOAT32, ..Odd::default() }.graph();
    let (severity, text) = the_note(&graph);
    assert!(severity == Severity::Warning && text.contains("not a float model"), "{text}");
}

#[test]
fn sparse_weights_are_shown_but_not_read() {
    let graph = Odd { weights_sparse: true, ..Odd::default() }.graph();
    assert!(the_note(&graph).1.contains("stored sparse"));
    let error = export(&graph, &ExportOptions::default()).expect_err("unreadable weights").to_string();
    assert!(error.contains("stored sparse"), "{error}");
}

#[test]
fn further_subgraphs_are_mentioned() {
    assert!(the_note(&Odd { n_subgraphs: 3, ..Odd::default() }.graph()).1.contains("3 subgraphs"));
}

#[test]
fn constants_start_at_multiples_of_sixteen_and_equal_ones_lie_there_once() {
    let graph = Odd::default().graph();
    let once = export(&graph, &ExportOptions::default()).expect("a dense layer");
    let at = |file: &[u8]| {
        let places = file.windows(8).enumerate().filter(|(_, w)| *w == WEIGHTS.map(|w| w as u8));
        places.map(|(at, _)| at).collect::<Vec<_>>()
    };
    assert!(matches!(at(&once)[..], [place] if place % 16 == 0));
    // The same layer again, with weights of its own that are equal.
    let mut twice = graph.clone();
    let weights = twice.add_tensor(graph.tensors[1].clone());
    let bias = twice.add_tensor(graph.tensors[2].clone());
    let output = twice.add_tensor(graph.tensors[3].clone());
    let mut node = graph.nodes[0].clone();
    (node.name, node.inputs, node.outputs) = ("again".into(), vec![node.inputs[0], Some(weights), Some(bias)], vec![output]);
    twice.nodes.push(node);
    twice.outputs.push(output);
    let file = export(&twice, &ExportOptions::default()).expect("two dense layers");
    assert_eq!(at(&file).len(), 1);
    assert!(file.len() < once.len() + 200, "{} and {}", once.len(), file.len());
}

#[test]
fn an_arena_plan_survives_and_follows_the_tensors_that_are_kept() {
    let mut graph = Odd::default().graph();
    graph.memory_plan = Some(MemoryPlan { offsets: [Some(16), None, None, Some(0)].into() });
    let file = export(&graph, &ExportOptions::default()).expect("a dense layer");
    assert_eq!(import_bytes("export", &file).expect("our own file").graph.memory_plan, graph.memory_plan);
    // A tensor that nothing refers to is left out, and its entry with it.
    graph.tensors.insert(3, Tensor::activation("unused", ElementType::I8, [9]));
    graph.nodes[0].outputs[0].0 = 4;
    graph.outputs[0].0 = 4;
    graph.memory_plan = Some(MemoryPlan { offsets: [Some(16), None, None, Some(999), Some(0)].into() });
    let again = import_bytes("export", &export(&graph, &ExportOptions::default()).expect("a dense layer")).expect("ours").graph;
    assert_eq!(
        (again.tensors.len(), again.memory_plan),
        (4, Some(MemoryPlan { offsets: [Some(16), None, None, Some(0)].into() }))
    );
}

#[test]
fn scales_of_biases_can_be_left_out_where_weights_have_them_per_channel() {
    let graph = Odd::default().graph();
    let options = ExportOptions { strip_bias_scales: true, ..ExportOptions::default() };
    let file = export(&graph, &options).expect("a dense layer");
    let again = import_bytes("export", &file).expect("our own file").graph;
    assert_eq!(again.tensors[2].quantization, None);
    assert_eq!(again.tensors[1].quantization, graph.tensors[1].quantization);
}

#[test]
fn int4_weights_come_back() {
    let mut graph = Odd::default().graph();
    graph.tensors[1].element = ElementType::I4;
    graph.tensors[1].data = Some(Data::I4([1, -2, 3, -4, 5, -6, 7, -8].into()));
    let file = export(&graph, &ExportOptions::default()).expect("a dense layer");
    assert_eq!(import_bytes("export", &file).expect("our own file").graph.tensors, graph.tensors);
}

/// A layer of every operator that states how its float activations are quantized, with the versions that it has without and
/// with a zero point.
fn hybrid_layers(asymmetric: bool) -> Vec<(Graph, [i32; 2])> {
    let integers = |chain: &mut Chain, shape: &[usize], quantization: Quantization| {
        let data = Data::I8(vec![1; shape.iter().product()].into());
        let quantization = quantization.with_asymmetric_inputs(asymmetric);
        chain.graph.add_tensor(Tensor::constant("w", shape, data).quantized(quantization))
    };
    let state = |chain: &mut Chain| {
        let state = Tensor::activation("h", ElementType::F32, [1, 2]);
        chain.graph.add_tensor(Tensor { is_variable: true, ..state })
    };
    let one = Quantization::per_tensor(0.5, 0);
    let mut all = Vec::new();
    for (quantization, versions) in [(one.clone(), [3, 9]), (Quantization::per_channel([0.5, 2.0], 0), [12, 12])] {
        let mut chain = Chain::new(&[1, 3]);
        let (weights, bias) = (integers(&mut chain, &[2, 3], quantization), constant(&mut chain.graph, &[2], 1));
        let op = Op::FullyConnected(ops::FullyConnected { keep_num_dims: false, activation: Activation::None });
        all.push((chain.then(op, &[weights, bias]).finish(), versions));
    }
    let mut chain = Chain::new(&[1, 2, 3]);
    let weights = integers(&mut chain, &[1, 3, 2], one.clone());
    let product = Op::BatchMatMul(ops::BatchMatMul { adj_x: false, adj_y: false });
    all.push((chain.then(product, &[weights]).finish(), [1, 4]));
    let mut chain = Chain::new(&[1, 2, 3]);
    let weights = [[2, 3], [2, 2]].map(|shape| integers(&mut chain, &shape, one.clone()));
    let (bias, state_id) = (constant(&mut chain.graph, &[2], 1), state(&mut chain));
    let rnn = Op::SimpleRnn(ops::SimpleRnn { activation: Activation::Tanh, time_major: false });
    all.push((chain.then(rnn, &[weights[0], weights[1], bias, state_id]).finish(), [2, 3]));
    let mut chain = Chain::new(&[1, 2, 3]);
    let input = [(); 4].map(|()| integers(&mut chain, &[2, 3], one.clone()));
    let recurrent = [(); 4].map(|()| integers(&mut chain, &[2, 2], one.clone()));
    let bias = [1, 2, 3, 4].map(|seed| constant(&mut chain.graph, &[2], seed));
    let states = [(); 2].map(|()| state(&mut chain));
    let operands = ops::LstmWeights { input, recurrent, bias }.operands(chain.last, states[0], states[1]);
    let lstm = Op::Lstm(ops::Lstm { activation: Activation::Tanh, cell_clip: 0.0, time_major: false });
    chain.last = chain.nodes(lstm, operands, 1)[0];
    all.push((chain.finish(), [2, 3]));
    all
}

#[test]
fn how_float_activations_are_quantized_comes_back() {
    for asymmetric in [false, true] {
        for (graph, versions) in hybrid_layers(asymmetric) {
            let name = graph.nodes[0].op.name();
            let file = export(&graph, &ExportOptions::default()).unwrap_or_else(|error| panic!("{error}"));
            let again = import_bytes("export", &file).unwrap_or_else(|error| panic!("{error}")).graph;
            let stated = |graph: &Graph| {
                let quantizations = graph.tensors.iter().filter_map(|t| t.quantization.as_ref());
                quantizations.map(|q| q.asymmetric_inputs).collect::<Vec<_>>()
            };
            assert_eq!(stated(&again), stated(&graph), "{name}");
            let model = flatbuffers::root::<schema::Model<'_>>(&file).expect("our own file");
            let version = model.operator_codes().expect("one operator").get(0).version();
            assert_eq!(version, versions[usize::from(asymmetric)], "{name}");
        }
    }
}

/// Every operator, with attributes that are nobody's default, there and back.
#[test]
fn every_operator_comes_back() {
    let activation = Activation::Relu6;
    let (stride, dilation, padding) = ([2, 1], [1, 3], Padding::Valid);
    let all = [
        Op::Conv2d(ops::Conv2d { stride, dilation, padding, activation }),
        Op::DepthwiseConv2d(ops::DepthwiseConv2d { stride, dilation, padding, depth_multiplier: 2, activation }),
        Op::FullyConnected(ops::FullyConnected { keep_num_dims: true, activation }),
        Op::Binary(ops::Binary { kind: BinaryKind::Add, activation }),
        Op::Binary(ops::Binary { kind: BinaryKind::Sub, activation: Activation::ReluN1To1 }),
        Op::Binary(ops::Binary { kind: BinaryKind::Mul, activation: Activation::Tanh }),
        Op::Pool2d(ops::Pool2d { kind: PoolKind::Average, window: [2, 3], stride, padding, activation }),
        Op::Pool2d(ops::Pool2d { kind: PoolKind::Max, window: [3, 2], stride, padding: Padding::Same, activation }),
        Op::Reduce(ops::Reduce { kind: ReduceKind::Mean, keep_dims: true }),
        Op::Reduce(ops::Reduce { kind: ReduceKind::Sum, keep_dims: false }),
        Op::Pad(ops::Pad),
        Op::Softmax(ops::Softmax { beta: 0.5 }),
        Op::Unary(ops::Unary::Logistic),
        Op::Unary(ops::Unary::Tanh),
        Op::Unary(ops::Unary::Relu),
        Op::Unary(ops::Unary::Relu6),
        Op::Unary(ops::Unary::ReluN1To1),
        Op::Unary(ops::Unary::HardSwish),
        Op::LeakyRelu(ops::LeakyRelu { alpha: 0.3 }),
        Op::Reshape(ops::Reshape { new_shape: vec![-1, 2] }),
        Op::Reshape(ops::Reshape { new_shape: vec![] }),
        Op::Squeeze(ops::Squeeze { axes: vec![1, -1] }),
        Op::Squeeze(ops::Squeeze { axes: vec![] }),
        Op::ExpandDims(ops::ExpandDims),
        Op::Transpose(ops::Transpose),
        Op::Concatenation(ops::Concatenation { axis: -1, activation }),
        Op::Split(ops::Split { n_splits: 3 }),
        Op::Pack(ops::Pack { axis: 2 }),
        Op::StridedSlice(ops::StridedSlice {
            begin_mask: 1,
            end_mask: 2,
            ellipsis_mask: 4,
            new_axis_mask: 8,
            shrink_axis_mask: 1 << 31,
            offset: true,
        }),
        Op::Shape(ops::Shape),
        Op::Quantize(ops::Quantize),
        Op::Dequantize(ops::Dequantize),
        Op::ResizeNearestNeighbor(ops::ResizeNearestNeighbor { align_corners: true, half_pixel_centers: true }),
        Op::TransposeConv(ops::TransposeConv { stride, padding, activation }),
        Op::BatchMatMul(ops::BatchMatMul { adj_x: true, adj_y: false }),
        Op::BatchMatMul(ops::BatchMatMul { adj_x: false, adj_y: true }),
        Op::PadV2(ops::PadV2),
        Op::MirrorPad(ops::MirrorPad { with_edge: true }),
        Op::MirrorPad(ops::MirrorPad { with_edge: false }),
        Op::LogSoftmax(ops::LogSoftmax),
        Op::PRelu(ops::PRelu),
        Op::SplitV(ops::SplitV { n_splits: 3 }),
        Op::Unpack(ops::Unpack { axis: -1, n_parts: 3 }),
        Op::Slice(ops::Slice),
        Op::Gather(ops::Gather { axis: -2, batch_dims: 1 }),
        Op::Cast(ops::Cast),
        Op::ResizeBilinear(ops::ResizeBilinear { align_corners: true, half_pixel_centers: false }),
        Op::ResizeBilinear(ops::ResizeBilinear { align_corners: false, half_pixel_centers: true }),
        Op::Lstm(ops::Lstm { activation: Activation::Tanh, cell_clip: 10.0, time_major: true }),
        Op::SimpleRnn(ops::SimpleRnn { activation: Activation::Relu, time_major: true }),
    ];
    let kinds = [BinaryKind::Minimum, BinaryKind::Maximum, BinaryKind::Pow, BinaryKind::SquaredDifference];
    let plain = kinds.map(|kind| Op::Binary(ops::Binary { kind, activation: Activation::None }));
    let reduced = [ReduceKind::Max, ReduceKind::Min, ReduceKind::Prod];
    let reduced = reduced.map(|kind| Op::Reduce(ops::Reduce { kind, keep_dims: true }));
    let functions = [
        ops::Unary::Elu,
        ops::Unary::Gelu { approximate: true },
        ops::Unary::Gelu { approximate: false },
        ops::Unary::Relu0To1,
        ops::Unary::Exp,
        ops::Unary::Log,
        ops::Unary::Sqrt,
        ops::Unary::Rsqrt,
        ops::Unary::Neg,
        ops::Unary::Abs,
        ops::Unary::Square,
    ];
    let division = Op::Binary(ops::Binary { kind: BinaryKind::Div, activation });
    let all = all.into_iter().chain(plain).chain(reduced).chain(functions.map(Op::Unary)).chain([division]);
    for op in all {
        for element in [ElementType::F32, ElementType::I8, ElementType::I16] {
            let graph = one_op(op.clone(), element);
            let file = export(&graph, &ExportOptions::default()).unwrap_or_else(|error| panic!("{error}"));
            let again = import_bytes("export", &file).unwrap_or_else(|error| panic!("{error}")).graph;
            // Behind them there may be tensors without elements that hold scales.
            assert_eq!((&again.nodes[0].op, &again.tensors[..3]), (&graph.nodes[0].op, &graph.tensors[..]));
        }
    }
}

#[test]
fn what_the_format_lacks_is_refused_by_name() {
    let all = [
        Op::BatchNorm(ops::BatchNorm { epsilon: 0.1 }),
        Op::Identity(ops::Identity),
        Op::Gru(ops::Gru { reset_after: true, go_backwards: false }),
    ];
    for op in all {
        let error = export(&one_op(op.clone(), ElementType::F32), &ExportOptions::default()).unwrap_err().to_string();
        assert!(error.contains("layer \"y\"") && error.contains(op.name()), "{error}");
    }
}

/// One operator with two operands and a result; whether they fit it is not asked.
fn one_op(op: Op, element: ElementType) -> Graph {
    let tensor = |name: &str| {
        let tensor = Tensor::activation(name, element, [1, 4, 4, 2]);
        if element == ElementType::F32 { tensor } else { tensor.quantized(Quantization::per_tensor(0.5, -3)) }
    };
    let mut graph = Graph::default();
    let (a, b, y) = (graph.add_tensor(tensor("a")), graph.add_tensor(tensor("b")), graph.add_tensor(tensor("y")));
    graph.inputs = vec![a, b];
    graph.outputs = vec![y];
    graph.nodes.push(Node { name: "y".into(), op, inputs: vec![Some(a), Some(b)], outputs: vec![y], sources: vec![] });
    graph
}
