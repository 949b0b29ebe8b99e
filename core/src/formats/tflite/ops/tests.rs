//! Every operator as a model of its own: what LiteRT and TensorFlow Lite Micro make of the exported file is what runs here.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use crate::data::{self, DataSet, Split, feed, npy};
use crate::execute::float::Prepared;
use crate::formats::tflite::{ExportOptions, export};
use crate::graph::{Graph, TensorId};
use crate::ops::*;
use crate::progress::Cancel;
use crate::tensor::{Data, ElementType, Tensor};
use crate::test_graph::{Chain, constant, values};

const SAMPLES: usize = 3;

/// A model, and whether TFLM has the operator.
struct Case {
    name: String,
    graph: Graph,
    in_tflm: bool,
}

fn integers(graph: &mut Graph, shape: &[usize], values: &[i32]) -> TensorId {
    let data: std::sync::Arc<[i32]> = values.into();
    graph.add_tensor(Tensor::constant("i", shape, Data::I32(data)))
}

fn floats(graph: &mut Graph, values: &[f32]) -> TensorId {
    let data: std::sync::Arc<[f32]> = values.into();
    graph.add_tensor(Tensor::constant("f", [values.len()], Data::F32(data)))
}

fn state(graph: &mut Graph, units: usize) -> TensorId {
    graph.add_tensor(Tensor { is_variable: true, ..Tensor::activation("state", ElementType::F32, [1, units]) })
}

/// Collects cases.
#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    /// A node that reads the model's input at position `at` among `others`, which are made with the graph.
    fn add(
        &mut self,
        name: &str,
        shape: &[usize],
        op: Op,
        in_tflm: bool,
        operands: impl Fn(&mut Graph, TensorId) -> Vec<Option<TensorId>>,
    ) {
        self.several(name, shape, op, in_tflm, 1, operands);
    }

    fn several(
        &mut self,
        name: &str,
        shape: &[usize],
        op: Op,
        in_tflm: bool,
        n_outputs: usize,
        operands: impl Fn(&mut Graph, TensorId) -> Vec<Option<TensorId>>,
    ) {
        let mut chain = Chain::new(shape);
        let inputs = operands(&mut chain.graph, chain.last);
        let outputs = chain.nodes(op, inputs, n_outputs);
        chain.graph.outputs = outputs;
        crate::graph::check(&chain.graph).unwrap();
        self.0.push(Case { name: name.into(), graph: chain.graph, in_tflm });
    }

    /// A node with one operand and constants behind it.
    fn then(&mut self, name: &str, shape: &[usize], op: Op, in_tflm: bool, constants: impl Fn(&mut Graph) -> Vec<TensorId>) {
        self.add(name, shape, op, in_tflm, |graph, x| [x].into_iter().chain(constants(graph)).map(Some).collect());
    }
}

fn elementwise(cases: &mut Cases) {
    let kinds = [
        (BinaryKind::Div, true),
        (BinaryKind::Minimum, true),
        (BinaryKind::Maximum, true),
        (BinaryKind::SquaredDifference, true),
        (BinaryKind::Pow, false),
    ];
    for (kind, in_tflm) in kinds {
        let activation = if kind.fuses_activation() { Activation::Relu6 } else { Activation::None };
        let op = Op::Binary(Binary { kind, activation });
        let name = op.name().to_owned();
        cases.add(&name, &[1, 3, 4], op.clone(), in_tflm, |graph, x| {
            let exponents = floats(graph, &[2.0, 1.0, -2.0, 3.0]);
            vec![Some(x), Some(exponents)]
        });
        if kind != BinaryKind::Pow {
            cases.add(&format!("{name}-both"), &[1, 3, 4], op, in_tflm, |graph, x| {
                let other = graph.add_tensor(Tensor::activation("other", ElementType::F32, [1, 3, 4]));
                graph.inputs.push(other);
                vec![Some(x), Some(other)]
            });
        }
    }
    let functions = [
        (Unary::Elu, true),
        (Unary::Gelu { approximate: true }, false),
        (Unary::Gelu { approximate: false }, false),
        (Unary::Relu0To1, false),
        (Unary::Exp, true),
        (Unary::Neg, true),
        (Unary::Abs, true),
        (Unary::Square, true),
        (Unary::Log, true),
        (Unary::Sqrt, true),
        (Unary::Rsqrt, true),
    ];
    for (function, in_tflm) in functions {
        let op = Op::Unary(function);
        let exact = if function == (Unary::Gelu { approximate: false }) { "-exact" } else { "" };
        cases.then(&format!("{}{exact}", op.name()), &[1, 2, 40], op, in_tflm, |_| vec![]);
    }
    cases.then("LOG_SOFTMAX", &[1, 4, 5], Op::LogSoftmax(LogSoftmax), true, |_| vec![]);
    cases.then("PRELU", &[1, 3, 4, 5], Op::PRelu(PRelu), true, |graph| vec![constant(graph, &[1, 1, 5], 3)]);
    for kind in [ReduceKind::Max, ReduceKind::Min, ReduceKind::Prod] {
        let op = Op::Reduce(Reduce { kind, keep_dims: true });
        let name = op.name().to_owned();
        cases.then(&name, &[1, 3, 4, 5], op, kind != ReduceKind::Prod, |graph| vec![integers(graph, &[2], &[1, 2])]);
    }
}

fn movement(cases: &mut Cases) {
    let amounts = |graph: &mut Graph| integers(graph, &[4, 2], &[0, 0, 1, 2, 2, 0, 0, 0]);
    cases.then("PADV2", &[1, 3, 4, 2], Op::PadV2(PadV2), true, |graph| vec![amounts(graph), floats(graph, &[-7.5])]);
    for with_edge in [false, true] {
        let op = Op::MirrorPad(MirrorPad { with_edge });
        cases.then(&format!("MIRROR_PAD-{with_edge}"), &[1, 3, 4, 2], op, true, |graph| vec![amounts(graph)]);
    }
    cases.then("SLICE", &[1, 3, 4, 2], Op::Slice(Slice), true, |graph| {
        vec![integers(graph, &[4], &[0, 1, 0, 1]), integers(graph, &[4], &[1, 2, -1, 1])]
    });
    cases.several("SPLIT_V", &[1, 3, 7, 2], Op::SplitV(SplitV { n_splits: 3 }), true, 3, |graph, x| {
        vec![Some(x), Some(integers(graph, &[3], &[2, -1, 1])), Some(integers(graph, &[], &[2]))]
    });
    cases.several("UNPACK", &[1, 3, 2, 2], Op::Unpack(Unpack { axis: -3, n_parts: 3 }), true, 3, |_, x| vec![Some(x)]);
    cases.then("GATHER", &[1, 5, 2], Op::Gather(Gather { axis: 1, batch_dims: 0 }), true, |graph| {
        vec![integers(graph, &[2, 2], &[4, 0, 2, 2])]
    });
    for (align_corners, half_pixel_centers) in [(false, false), (true, false), (false, true)] {
        let op = Op::ResizeBilinear(ResizeBilinear { align_corners, half_pixel_centers });
        let name = format!("RESIZE_BILINEAR-{align_corners}-{half_pixel_centers}");
        cases.then(&name, &[1, 3, 4, 2], op.clone(), true, |graph| vec![integers(graph, &[2], &[7, 6])]);
        cases.then(&format!("{name}-down"), &[1, 9, 7, 2], op, true, |graph| vec![integers(graph, &[2], &[4, 3])]);
    }
}

fn products(cases: &mut Cases) {
    for (adj_x, adj_y) in [(false, false), (true, false), (false, true)] {
        let op = Op::BatchMatMul(BatchMatMul { adj_x, adj_y });
        let [left, right] = [if adj_x { [1, 2, 4, 3] } else { [1, 2, 3, 4] }, if adj_y { [1, 2, 5, 4] } else { [1, 2, 4, 5] }];
        cases.add(&format!("BATCH_MATMUL-{adj_x}-{adj_y}"), &left, op, true, |graph, x| {
            let other = graph.add_tensor(Tensor::activation("other", ElementType::F32, right));
            graph.inputs.push(other);
            vec![Some(x), Some(other)]
        });
    }
    let transposed = [
        ("same", Padding::Same, [2, 2], [1, 8, 6, 5], Activation::None, true),
        ("same-odd", Padding::Same, [2, 2], [1, 7, 5, 5], Activation::Relu, true),
        ("same-one", Padding::Same, [1, 1], [1, 4, 3, 5], Activation::Relu6, false),
        ("valid", Padding::Valid, [2, 1], [1, 9, 4, 5], Activation::None, true),
        ("valid-wide", Padding::Valid, [3, 4], [1, 13, 11, 5], Activation::None, false),
    ];
    for (name, padding, stride, output, activation, has_bias) in transposed {
        let op = Op::TransposeConv(TransposeConv { stride, padding, activation });
        cases.add(&format!("TRANSPOSE_CONV-{name}"), &[1, 4, 3, 4], op, true, |graph, x| {
            let shape = integers(graph, &[4], &output);
            let (weights, bias) = (constant(graph, &[5, 3, 2, 4], 1), constant(graph, &[5], 2));
            vec![Some(shape), Some(weights), Some(x), Some(bias)].into_iter().take(if has_bias { 4 } else { 3 }).collect()
        });
    }
}

fn recurrent(cases: &mut Cases) {
    for (name, cell_clip, time_major, coupled) in [
        ("plain", 0.0, false, false),
        ("clipped", 0.3, false, false),
        ("time", 10.0, true, false),
        ("coupled", 10.0, false, true),
    ] {
        let op = Op::Lstm(Lstm { activation: Activation::Tanh, cell_clip, time_major });
        let shape: &[usize] = if time_major { &[7, 1, 3] } else { &[1, 7, 3] };
        cases.add(&format!("LSTM-{name}"), shape, op, !coupled, |graph, x| {
            let weights = LstmWeights {
                input: [0, 1, 2, 3].map(|seed| constant(graph, &[5, 3], seed)),
                recurrent: [4, 5, 6, 7].map(|seed| constant(graph, &[5, 5], seed)),
                bias: [8, 9, 10, 11].map(|seed| constant(graph, &[5], seed)),
            };
            let mut operands = weights.operands(x, state(graph, 5), state(graph, 5));
            if coupled {
                [Lstm::INPUT_WEIGHTS, Lstm::RECURRENT_WEIGHTS, Lstm::BIAS].iter().for_each(|&at| operands[at] = None);
            }
            operands
        });
    }
    for (activation, time_major) in [(Activation::Tanh, false), (Activation::Relu6, true)] {
        let op = Op::SimpleRnn(SimpleRnn { activation, time_major });
        let shape: &[usize] = if time_major { &[7, 1, 3] } else { &[1, 7, 3] };
        cases.add(&format!("RNN-{time_major}"), shape, op, false, |graph, x| {
            let (weights, recurrent) = (constant(graph, &[5, 3], 1), constant(graph, &[5, 5], 2));
            vec![Some(x), Some(weights), Some(recurrent), Some(constant(graph, &[5], 3)), Some(state(graph, 5))]
        });
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Cases::default();
    elementwise(&mut cases);
    movement(&mut cases);
    products(&mut cases);
    recurrent(&mut cases);
    cases.0
}

/// Inputs of a case, `[samples, ..]` each. Logarithms and roots want positive ones.
fn inputs(case: &Case) -> Vec<Vec<f32>> {
    let positive = ["LOG", "SQRT", "RSQRT"].contains(&case.name.as_str());
    let value = |x: f32| if positive { x.abs() + 0.01 } else { x * 4.0 };
    let lens = case.graph.inputs.iter().map(|&id| case.graph.tensor(id).n_elements() * SAMPLES);
    lens.enumerate().map(|(seed, len)| values(len, seed + 5).into_iter().map(value).collect()).collect()
}

fn outputs_here(case: &Case, inputs: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    Prepared::new(&case.graph).unwrap_or_else(|e| panic!("{}: {e}", case.name)).run(&inputs, &Cancel::new()).unwrap()
}

fn write_case(case: &Case, inputs: &[Vec<f32>], folder: &Path) {
    let file = export(&case.graph, &ExportOptions::default()).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    std::fs::write(folder.join(format!("{}.tflite", case.name)), file).unwrap();
    for (index, (values, &id)) in inputs.iter().zip(&case.graph.inputs).enumerate() {
        let mut out = File::create(folder.join(format!("{}.x{index}.npy", case.name))).unwrap();
        let shape = [&[SAMPLES], case.graph.tensor(id).shape.as_slice()].concat();
        npy::write(&mut out, "<f4", &shape, bytemuck::cast_slice(values)).unwrap();
    }
}

/// Largest difference to what a runtime made of a case, as a share of the largest value; or its refusal.
fn difference(case: &Case, here: &[Vec<f32>], folder: &Path, runtime: &str) -> Result<f32, String> {
    if let Ok(reason) = std::fs::read_to_string(folder.join(format!("{}.{runtime}.refused", case.name))) {
        return Err(reason);
    }
    let mut worst = 0.0f32;
    for (index, here) in here.iter().enumerate() {
        let bytes = std::fs::read(folder.join(format!("{}.{runtime}.y{index}.npy", case.name))).unwrap();
        let npy::Elements::F32(there) = npy::read(&bytes).unwrap().elements else { panic!("{}: no floats", case.name) };
        assert_eq!(here.len(), there.len(), "{} in {runtime}", case.name);
        let largest = there.iter().fold(1.0f32, |m, x| m.max(x.abs()));
        let error = here.iter().zip(&there).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        worst = worst.max(error / largest);
    }
    Ok(worst)
}

#[test]
fn operators_give_what_other_runtimes_give() {
    let Some(python) = std::env::var_os("TINSMITH_PEERS") else {
        eprintln!("SKIP: no other runtimes to compare with (sh tests/run installs them and sets TINSMITH_PEERS)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let runs: Vec<_> = cases().into_iter().map(|case| (inputs(&case), case)).collect();
    runs.iter().for_each(|(inputs, case)| write_case(case, inputs, folder.path()));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/operators.py");
    assert!(Command::new(python).arg(script).arg(folder.path()).status().unwrap().success());
    let mut troubles = Vec::new();
    for (inputs, case) in &runs {
        let here = outputs_here(case, inputs);
        let litert = difference(case, &here, folder.path(), "litert");
        let tflm = difference(case, &here, folder.path(), "tflm");
        println!("{:36} LiteRT {litert:?}  TFLM {tflm:?}", case.name);
        let is_close = |result: &Result<f32, String>| result.as_ref().is_ok_and(|&error| error < 1e-5);
        if !is_close(&litert) || is_close(&tflm) != case.in_tflm {
            troubles.push(format!("{}: LiteRT {litert:?}, TFLM {tflm:?}", case.name));
        }
    }
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}

#[test]
fn operators_come_back_with_their_operands() {
    for case in cases() {
        let file = export(&case.graph, &ExportOptions::default()).unwrap();
        let again = crate::formats::import_bytes("export", &file).unwrap().graph;
        assert!(again.notes.is_empty(), "{}: {:?}", case.name, again.notes);
        assert_eq!(again.nodes[0].op, case.graph.nodes[0].op, "{}", case.name);
        assert_eq!(again.nodes[0].inputs.len(), case.graph.nodes[0].inputs.len());
        let again = Case { graph: again, ..case };
        let inputs = inputs(&again);
        assert_eq!(
            outputs_here(&again, &inputs),
            outputs_here(&Case { name: again.name.clone(), graph: case.graph, in_tflm: true }, &inputs)
        );
    }
}

/// The recurrent net and its data; `None`, loudly, where they are absent.
fn gesture() -> Option<(std::path::PathBuf, DataSet)> {
    let folder = crate::test_data::shared("data/models/gesture_lstm")?;
    let data = data::open(&folder.join("gesture_lstm_data.npz")).unwrap();
    Some((folder, data))
}

/// What the recipe makes of the float net.
fn quantized_here(folder: &Path, data: &DataSet) -> Graph {
    let float = crate::formats::import(&folder.join("gesture_lstm_float32.tflite")).unwrap().graph;
    let input = float.tensor(float.inputs[0]);
    let samples = data.samples_of(Some(Split::Calibration)).unwrap();
    let reals = feed::real_samples(data, feed::meaning(data, input), &samples, input).unwrap();
    let calibration = crate::optimize::calibrate(&float, &[&reals], None, &Cancel::new()).unwrap();
    let quantize = crate::recipe::Step::Quantize(Default::default());
    let recipe = crate::recipe::Recipe { steps: vec![crate::recipe::Entry { enabled: true, step: quantize }] };
    crate::optimize::apply(&recipe, &float, Some(&calibration)).unwrap().graph
}

/// The first node of its kind as a model of its own, from the model's input on.
fn lstm_alone(whole: &Graph) -> Graph {
    let node = whole.nodes.iter().find(|node| matches!(node.op, Op::Lstm(_))).unwrap().clone();
    Graph { outputs: node.outputs.clone(), nodes: vec![node], signatures: vec![], ..whole.clone() }
}

/// The fused LSTM of a real model, whole sequences, and the classes behind it; as TensorFlow's converter made it and as our
/// quantizer does.
#[test]
fn an_integer_lstm_gives_the_bytes_of_the_device() {
    let Some((folder, data)) = gesture() else { return };
    let theirs = crate::formats::import(&folder.join("gesture_lstm_int8.tflite")).unwrap().graph;
    assert!(theirs.notes.is_empty(), "{:?}", theirs.notes);
    let ours = quantized_here(&folder, &data);
    let cases = [("theirs-alone", lstm_alone(&theirs)), ("ours-alone", lstm_alone(&ours)), ("theirs", theirs), ("ours", ours)];
    let all: Vec<usize> = (0..data.n_samples()).collect();
    let samples = |graph: &Graph| {
        let input = graph.tensor(graph.inputs[0]);
        feed::model_samples(&data, feed::meaning(&data, input), &all, input).unwrap()
    };
    let run = |graph: &Graph| {
        let prepared = crate::execute::int8::Prepared::new(graph, crate::execute::int8::Rounding::Double).unwrap();
        prepared.run_batch(&[&samples(graph)], all.len(), &Cancel::new(), |_| {}).unwrap().remove(0)
    };
    let (test, labels) = (data.samples_of(Some(Split::Test)).unwrap(), data.labels.as_ref().unwrap());
    let class = |p: &[u8]| (0..3).rev().max_by_key(|&i| p[i] as i8).unwrap();
    for (name, graph) in &cases[2..] {
        let y = run(graph);
        let right = test.iter().filter(|&&sample| class(&y[sample * 3..][..3]) == labels[sample] as usize).count();
        println!("{name}: {right} of {} right", test.len());
        assert!(right >= 115, "{name}: {right}, TensorFlow's converter and LiteRT: 115 of 120");
    }
    let Some(python) = std::env::var_os("TINSMITH_PEERS") else {
        eprintln!("SKIP: no other runtimes to compare with (sh tests/run installs them and sets TINSMITH_PEERS)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, graph) in &cases {
        std::fs::write(folder.path().join(format!("{name}.tflite")), export(graph, &ExportOptions::default()).unwrap()).unwrap();
        let mut out = File::create(folder.path().join(format!("{name}.x0.npy"))).unwrap();
        let shape = [&[all.len()], graph.tensor(graph.inputs[0]).shape.as_slice()].concat();
        npy::write(&mut out, "|i1", &shape, &samples(graph)).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/operators.py");
    assert!(Command::new(python).arg(script).arg(folder.path()).status().unwrap().success());
    for (name, graph) in &cases {
        let here = run(graph);
        for runtime in ["tflm", "litert"] {
            let bytes = std::fs::read(folder.path().join(format!("{name}.{runtime}.y0.npy"))).unwrap();
            let npy::Elements::I8(there) = npy::read(&bytes).unwrap().elements else { panic!("no int8") };
            let differing = here.iter().zip(&there).filter(|(a, b)| **a as i8 != **b).count();
            println!("{name}: {differing} of {} values differ from {runtime}", here.len());
            assert!(here.len() == there.len() && (runtime != "tflm" || differing == 0), "{name}: {differing} in {runtime}");
        }
    }
}

/// Files with one byte, word or run changed: refused in words, or run; never a panic.
#[test]
fn damaged_operators_never_panic() {
    const MANY_VALUES: usize = 1 << 16;
    let mut random = 0x2545_f491_4f6c_dd1du64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 33) as usize % below
    };
    let mut n_run = 0;
    for case in cases() {
        let file = export(&case.graph, &ExportOptions::default()).unwrap();
        for _ in 0..300 {
            let mut damaged = file.clone();
            let at = next(damaged.len() - 4) & !3;
            let word = [0, 1, 2, 3, -1, -2, 7, 255, i32::MAX, i32::MIN, 1 << 16][next(11)];
            match next(3) {
                0 => damaged[at + next(4)] ^= 1 << next(8),
                1 => damaged[at..at + 4].copy_from_slice(&word.to_le_bytes()),
                _ => damaged[at] = damaged[at].wrapping_add(1),
            }
            let Ok(import) = crate::formats::import_bytes("damaged", &damaged) else { continue };
            let graph = import.graph;
            if graph.tensors.iter().any(|t| t.n_elements() > MANY_VALUES) {
                continue;
            }
            let candidate = crate::optimize::lowered(&graph);
            let _ = export(&candidate, &ExportOptions::default());
            let _ = crate::execute::int8::Prepared::new(&graph, crate::execute::int8::Rounding::Double);
            if let Ok(prepared) = Prepared::new(&graph) {
                let inputs: Vec<Vec<f32>> = prepared.input_lens().iter().map(|&len| values(len, 1)).collect();
                let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
                let _ = prepared.run(&inputs, &Cancel::new());
                n_run += 1;
            }
        }
    }
    assert!(n_run > 1000, "only {n_run} damaged files were run");
}
