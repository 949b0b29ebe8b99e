//! Small graphs: where conversions go, which scales are shared, that the result computes what the float graph does.

use super::*;
use crate::execute::executor::Executor;
use crate::graph::Node;
use crate::ops::{Activation, Concatenation, FullyConnected, LeakyRelu, Op, Unary};
use crate::optimize::calibrate;
use crate::progress::Cancel;
use crate::recipe::{LayerOverride, Scheme};
use crate::tensor::ElementType;
use crate::test_graph::{Chain, constant, small_net, values};

const SAMPLES: usize = 40;

fn samples(graph: &Graph) -> Vec<f32> {
    values(SAMPLES * graph.tensor(graph.inputs[0]).n_elements(), 11)
}

fn quantized(graph: &Graph, settings: &Quantize) -> Applied {
    let calibration = calibrate(graph, &[&samples(graph)], None, &Cancel::new()).unwrap();
    let applied = quantize(graph, settings, Some(&calibration)).unwrap();
    crate::graph::check(&applied.graph).unwrap();
    assert_eq!(applied.origin.len(), applied.graph.tensors.len());
    applied
}

/// Largest difference between the outputs of two graphs on the same real samples.
fn difference(float: &Graph, candidate: &Graph) -> f32 {
    let outputs = |graph: &Graph| {
        let executor = Executor::new(graph).unwrap();
        let bytes = executor.inputs()[0].bytes_from_real(&samples(float));
        executor.run_real(&[&bytes], SAMPLES, &Cancel::new()).unwrap().remove(0)
    };
    outputs(float).iter().zip(outputs(candidate)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node: &Node| node.op.name()).collect()
}

fn layer(settings: LayerOverride) -> Quantize {
    Quantize { overrides: [("n0".to_owned(), settings)].into(), ..Quantize::default() }
}

#[test]
fn a_net_becomes_integers_throughout() {
    let graph = small_net();
    let applied = quantized(&graph, &Quantize::default());
    assert_eq!(names(&applied.graph), ["CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]);
    let tensor = |i: usize| &applied.graph.tensors[i];
    assert_eq!(tensor(2).quantization.as_ref().unwrap().axis, Some(0), "biases are per channel along their only axis");
    assert_eq!(tensor(6).quantization, tensor(7).quantization, "a reshape keeps scale and zero point");
    let output = tensor(9).quantization.as_ref().unwrap();
    assert_eq!((output.scale(), output.zero_point()), (1.0 / 256.0, -128), "the specification fixes a softmax's");
    assert!(applied.graph.is_integer());
    let difference = difference(&graph, &applied.graph);
    assert!(difference < 0.1, "{difference}");
}

#[test]
fn ends_are_what_was_asked_for() {
    let graph = small_net();
    for (io, element, first, last) in
        [(IoType::Float32, ElementType::F32, "QUANTIZE", "DEQUANTIZE"), (IoType::UInt8, ElementType::U8, "QUANTIZE", "QUANTIZE")]
    {
        let applied = quantized(&graph, &Quantize { io, ..Quantize::default() });
        let names = names(&applied.graph);
        assert_eq!((names[0], names[names.len() - 1], names.len()), (first, last, 6));
        for id in [applied.graph.inputs[0], applied.graph.outputs[0]] {
            assert_eq!(applied.graph.tensor(id).element, element);
        }
        let difference = difference(&graph, &applied.graph);
        assert!(difference < 0.1, "{io:?}: {difference}");
    }
}

#[test]
fn a_layer_kept_in_floats_is_fenced_by_conversions_and_runs() {
    let graph = small_net();
    let all_integer = difference(&graph, &quantized(&graph, &Quantize::default()).graph);
    let keep = LayerOverride { scheme: Some(Scheme::Float32), ..LayerOverride::default() };
    let applied = quantized(&graph, &layer(keep));
    let expected = ["DEQUANTIZE", "CONV_2D", "QUANTIZE", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"];
    assert_eq!(names(&applied.graph), expected);
    assert_eq!(applied.graph.tensors[1].element, ElementType::F32, "its weights stay floats");
    assert!(difference(&graph, &applied.graph) <= all_integer + 0.004);
}

fn wide() -> Quantize {
    Quantize { scheme: Scheme::Int16x8, ..Quantize::default() }
}

fn of_scheme(scheme: Scheme) -> LayerOverride {
    LayerOverride { scheme: Some(scheme), ..LayerOverride::default() }
}

fn elements(graph: &Graph, node: usize) -> Vec<ElementType> {
    let node = &graph.nodes[node];
    node.inputs.iter().flatten().chain(&node.outputs).map(|id| graph.tensor(*id).element).collect()
}

#[test]
fn sixteen_bits_are_symmetric_and_nearer() {
    let graph = small_net();
    let applied = quantized(&graph, &wide());
    assert_eq!(names(&applied.graph), ["CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]);
    use ElementType::{I8, I16, I64};
    assert_eq!(elements(&applied.graph, 0), [I16, I8, I64, I16]);
    assert_eq!(elements(&applied.graph, 2), [I16, I8, I64, I16]);
    let activations = applied.graph.tensors.iter().filter(|tensor| tensor.element == I16);
    assert!(activations.map(|tensor| tensor.quantization.as_ref().unwrap()).all(|q| q.zero_point() == 0));
    let output = applied.graph.tensor(applied.graph.outputs[0]).quantization.clone().unwrap();
    assert_eq!(output.scale(), 1.0 / 32768.0, "the specification fixes a softmax's");
    let [wide, narrow] = [&applied, &quantized(&graph, &Quantize::default())].map(|applied| difference(&graph, &applied.graph));
    assert!(wide < narrow / 2.0, "{wide} in 16 bits, {narrow} in 8");
    assert!(applied.text.starts_with("4 of 4 layers int16,"), "{}", applied.text);
}

#[test]
fn ends_of_16_bit_layers_are_what_was_asked_for() {
    let graph = small_net();
    for (io, element, first, last) in [
        (IoType::Float32, ElementType::F32, &["QUANTIZE"][..], &["DEQUANTIZE"][..]),
        // TensorFlow Lite Micro has no kernel between int16 and uint8.
        (IoType::UInt8, ElementType::U8, &["QUANTIZE", "QUANTIZE"], &["QUANTIZE", "QUANTIZE"]),
    ] {
        let applied = quantized(&graph, &Quantize { io, ..wide() });
        let names = names(&applied.graph);
        assert_eq!((&names[..first.len()], &names[names.len() - last.len()..]), (first, last));
        for id in [applied.graph.inputs[0], applied.graph.outputs[0]] {
            assert_eq!(applied.graph.tensor(id).element, element);
        }
        assert!(difference(&graph, &applied.graph) < 0.05, "{io:?}");
    }
}

#[test]
fn widths_meet_in_conversions() {
    let graph = small_net();
    let settings = Quantize { overrides: [("n0".to_owned(), of_scheme(Scheme::Int4))].into(), ..wide() };
    let applied = quantized(&graph, &settings);
    assert_eq!(names(&applied.graph), ["CONV_2D", "QUANTIZE", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]);
    assert_eq!(elements(&applied.graph, 1), [ElementType::I8, ElementType::I16]);
    assert_eq!(applied.graph.tensor(applied.graph.inputs[0]).element, ElementType::I8, "as the first layer computes");
    assert!(applied.text.starts_with("3 of 4 layers int16, 1 int8 (weights int8 in 1, int4 in 1),"), "{}", applied.text);

    let applied = quantized(&graph, &layer(of_scheme(Scheme::Int16x8)));
    assert_eq!(names(&applied.graph), ["CONV_2D", "QUANTIZE", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]);
    assert_eq!(elements(&applied.graph, 1), [ElementType::I16, ElementType::I8]);
    assert!(difference(&graph, &applied.graph) < 0.1);

    let settings = Quantize { overrides: [("n0".to_owned(), of_scheme(Scheme::Float32))].into(), ..wide() };
    let applied = quantized(&graph, &settings);
    assert_eq!(names(&applied.graph), ["DEQUANTIZE", "CONV_2D", "QUANTIZE", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]);
    assert_eq!(applied.graph.tensor(applied.graph.inputs[0]).element, ElementType::I16, "as the other layers compute");
}

#[test]
fn what_has_no_16_bit_kernel_is_int8_and_named() {
    let chain = Chain::new(&[1, 8]).then(Op::LeakyRelu(LeakyRelu { alpha: 0.1 }), &[]).then(Op::Unary(Unary::HardSwish), &[]);
    let graph = chain.then(Op::Unary(Unary::Logistic), &[]).finish();
    let applied = quantized(&graph, &wide());
    assert_eq!(names(&applied.graph), ["LEAKY_RELU", "QUANTIZE", "HARD_SWISH", "QUANTIZE", "LOGISTIC"]);
    assert_eq!(elements(&applied.graph, 2), [ElementType::I8; 2]);
    assert_eq!(elements(&applied.graph, 4), [ElementType::I16; 2]);
    let name = &graph.nodes[1].name;
    assert!(applied.text.contains(&format!("no int16 kernel for {name}, which")), "{}", applied.text);
    assert!(difference(&graph, &applied.graph) < 0.05);
}

#[test]
fn layers_of_16_bits_have_biases_of_64() {
    let mut chain = Chain::new(&[1, 8]);
    let input = chain.last;
    let weights = constant(&mut chain.graph, &[4, 8], 3);
    let dense = Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None });
    chain.last = chain.node(dense, &[input, weights]);
    let graph = chain.finish();
    let applied = quantized(&graph, &Quantize { correct_bias: false, ..wide() });
    let bias = applied.graph.input(&applied.graph.nodes[0], 2).expect("LiteRT wants one");
    assert_eq!(bias.data, Some(crate::tensor::Data::I64([0; 4].into())));
    assert!(difference(&graph, &applied.graph) < 0.02);
}

#[test]
fn ranges_of_16_bits_are_stored_whatever_the_calibrator() {
    let graph = small_net();
    let settings = Quantize { calibrator: Calibrator::Mse, ..wide() };
    let calibration = calibrate(&graph, &[&samples(&graph)], None, &Cancel::new()).unwrap();
    let restored = Calibration::from_ranges(calibration.ranges_for(&settings));
    let fresh = quantize(&graph, &settings, Some(&calibration)).unwrap();
    assert_eq!(quantize(&graph, &settings, Some(&restored)).unwrap().graph, fresh.graph);
    assert_eq!(fresh.graph, quantize(&graph, &wide(), Some(&calibration)).unwrap().graph, "nothing is clipped");
}

#[test]
fn a_clip_sets_the_range_and_bounds_the_layer() {
    let graph = small_net();
    let clip = LayerOverride { clip: Some((0.0, 0.51)), ..LayerOverride::default() };
    let applied = quantized(&graph, &layer(clip));
    let q = applied.graph.tensors[6].quantization.as_ref().unwrap();
    assert_eq!((q.scale(), q.zero_point()), (0.51 / 255.0, -128));
    let backwards = layer(LayerOverride { clip: Some((1.0, -1.0)), ..LayerOverride::default() });
    let calibration = calibrate(&graph, &[&samples(&graph)], None, &Cancel::new()).unwrap();
    assert!(matches!(quantize(&graph, &backwards, Some(&calibration)), Err(OptimizeError::Setting { .. })));
}

#[test]
fn without_ranges_it_says_so() {
    assert!(matches!(quantize(&small_net(), &Quantize::default(), None), Err(OptimizeError::NotCalibrated)));
}

#[test]
fn an_integer_model_stays_as_it_is() {
    let graph = quantized(&small_net(), &Quantize::default()).graph;
    let again = quantize(&graph, &Quantize::default(), None).unwrap();
    assert_eq!((again.outcome, again.graph), (StepOutcome::Skipped, graph));
}

#[test]
fn stored_ranges_give_the_same_graph() {
    let graph = small_net();
    let settings = Quantize { calibrator: Calibrator::Mse, ..Quantize::default() };
    let calibration = calibrate(&graph, &[&samples(&graph)], None, &Cancel::new()).unwrap();
    let text = ron::to_string(&calibration.ranges_for(&settings)).unwrap();
    let restored = Calibration::from_ranges(ron::from_str(&text).unwrap());
    let fresh = quantize(&graph, &settings, Some(&calibration)).unwrap();
    assert_eq!(quantize(&graph, &settings, Some(&restored)).unwrap().graph, fresh.graph);
    let other = Quantize { calibrator: Calibrator::MinMax, ..Quantize::default() };
    assert!(matches!(quantize(&graph, &other, Some(&restored)), Err(OptimizeError::Calibration(_))));
}

#[test]
fn a_clamp_keeps_the_scale_and_costs_no_codes() {
    let chain = Chain::new(&[1, 8]).then(Op::Unary(Unary::Relu6), &[]);
    let graph = chain.then(Op::LeakyRelu(LeakyRelu { alpha: 0.1 }), &[]).finish();
    let applied = quantized(&graph, &Quantize::default());
    let q = |i: usize| applied.graph.tensors[i].quantization.clone().unwrap();
    assert_eq!(q(0), q(1), "TFLM's RELU6 keeps the input's scale");
    assert_eq!(q(0).zero_point(), -128, "what is below zero is clamped anyway");
    assert!(difference(&graph, &applied.graph) < 0.01);
}

#[test]
fn parts_of_a_concatenation_share_a_scale_or_are_rescaled() {
    let mut chain = Chain::new(&[1, 8]);
    let input = chain.last;
    let weights = constant(&mut chain.graph, &[4, 8], 3);
    let dense = Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None });
    let wide = chain.node(dense, &[input, weights]);
    let sigmoid = chain.node(Op::Unary(Unary::Logistic), &[input]);
    let joined = Op::Concatenation(Concatenation { axis: 1, activation: Activation::None });
    chain.last = chain.node(joined, &[wide, sigmoid]);
    let graph = chain.finish();
    let applied = quantized(&graph, &Quantize::default());
    assert_eq!(names(&applied.graph), ["FULLY_CONNECTED", "LOGISTIC", "QUANTIZE", "CONCATENATION"]);
    let node = &applied.graph.nodes[3];
    for part in 0..2 {
        let (part, whole) = (applied.graph.input(node, part).unwrap(), applied.graph.output(node, 0).unwrap());
        assert_eq!(part.quantization, whole.quantization);
    }
    assert!(difference(&graph, &applied.graph) < 0.05);
}

#[test]
fn weights_shared_by_two_layers_get_a_bias_each() {
    let mut chain = Chain::new(&[1, 8]);
    let input = chain.last;
    let (weights, bias) = (constant(&mut chain.graph, &[8, 8], 3), constant(&mut chain.graph, &[8], 4));
    let dense = || Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::Relu });
    let once = chain.node(dense(), &[input, weights, bias]);
    chain.last = chain.node(dense(), &[once, weights, bias]);
    let graph = chain.finish();
    let applied = quantized(&graph, &Quantize { correct_bias: false, ..Quantize::default() });
    let operand = |node: usize, i: usize| applied.graph.nodes[node].inputs[i];
    assert_eq!(operand(0, 1), operand(1, 1));
    assert_ne!(operand(0, 2), operand(1, 2));
    assert!(difference(&graph, &applied.graph) < 0.1);
}
