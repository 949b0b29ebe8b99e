//! Whole models through calibration and quantization, judged on samples that calibration never saw.

use super::*;
use crate::data::feed::{meaning, real_samples};
use crate::data::{DataSet, Split};
use crate::execute::executor::Executor;
use crate::measure::AccuracyFigures;
use crate::measure::accuracy::{Truth, accuracy};
use crate::ops::Op;
use crate::progress::Cancel;
use crate::quant::Quantization;
use crate::recipe::{Calibrator, Entry, Quantize, Scheme, WeightRounding};
use crate::tensor::{Data, Tensor};
use crate::test_data::shared;
use crate::test_graph::Chain;

pub(super) struct Bench {
    pub graph: Graph,
    data: DataSet,
    calibration: Calibration,
}

impl Bench {
    /// A model and its data below the shared folder; `None`, loudly, where they are absent.
    pub fn open(model: &str, data: &str) -> Option<Self> {
        let graph = crate::formats::import(&shared(model)?).unwrap().graph;
        Some(Self::of(graph, &shared(data)?))
    }

    /// The sample network of the repository.
    fn sample() -> Self {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/samples/keyword");
        let graph = crate::formats::import(&folder.join("keyword_float32.tflite")).unwrap().graph;
        Self::of(graph, &folder.join("keyword.npz"))
    }

    fn of(graph: Graph, data: &std::path::Path) -> Self {
        let data = crate::data::open(data).unwrap();
        let samples = Self::reals_of(&graph, &data, Split::Calibration);
        let calibration = calibrate(&graph, &[&samples], None, &Cancel::new()).unwrap();
        Self { graph, data, calibration }
    }

    fn reals_of(graph: &Graph, data: &DataSet, split: Split) -> Vec<f32> {
        let input = graph.tensor(graph.inputs[0]);
        real_samples(data, meaning(data, input), &data.samples_of(Some(split)).unwrap(), input).unwrap()
    }

    pub fn apply(&self, settings: Quantize) -> Candidate {
        let recipe = Recipe { steps: vec![Entry { enabled: true, step: Step::Quantize(settings) }] };
        apply(&recipe, &self.graph, Some(&self.calibration)).unwrap()
    }

    /// The candidate whose weights the calibration samples round.
    fn apply_rounded(&self, settings: Quantize) -> Candidate {
        let (samples, never) = (Self::reals_of(&self.graph, &self.data, Split::Calibration), Cancel::new());
        let rounded = round_weights(&self.graph, &settings, &self.calibration, &[&samples], &never, &mut |_, _| {}).unwrap();
        let calibration = self.calibration.clone().with_rounded(rounded);
        let recipe = Recipe { steps: vec![Entry { enabled: true, step: Step::Quantize(settings) }] };
        apply(&recipe, &self.graph, Some(&calibration)).unwrap()
    }

    /// What `steps` make of the model before it is quantized, and the candidate of that.
    pub fn apply_after(&self, steps: &[&str], settings: Quantize) -> Candidate {
        let steps = steps.iter().map(|text| parse_step(text).unwrap()).chain([Step::Quantize(settings)]);
        let recipe = Recipe { steps: steps.map(|step| Entry { enabled: true, step }).collect() };
        let samples = Self::reals_of(&self.graph, &self.data, Split::Calibration);
        let never = Cancel::new();
        let observations = Observations { inputs: &[&samples], absorbed: None, pruned: None, cancel: &never };
        let rewritten = rewrite(&recipe, &self.graph, &observations).unwrap();
        let calibration = calibrate(&rewritten.graph, &[&samples], None, &never).unwrap();
        complete(&recipe, Arc::new(rewritten), Some(&calibration)).unwrap()
    }

    /// The test samples.
    pub fn test_samples(&self) -> Vec<f32> {
        Self::reals_of(&self.graph, &self.data, Split::Test)
    }

    pub fn judge(&self, candidate: &Candidate) -> AccuracyFigures {
        let reals = Self::reals_of(&self.graph, &self.data, Split::Test);
        let float = crate::execute::float::Prepared::new(&self.graph).unwrap().run(&[&reals], &Cancel::new()).unwrap().remove(0);
        let test = self.data.samples_of(Some(Split::Test)).unwrap();
        let labels: Vec<u32> = test.iter().map(|&i| self.data.labels.as_ref().unwrap()[i]).collect();
        let truth = Truth { labels: Some(&labels), n_classes: None, float_outputs: Some(&float) };
        let executor = Executor::new(&candidate.graph).unwrap();
        let bytes = executor.inputs()[0].bytes_from_real(&reals);
        let output = executor.run_real(&[&bytes], test.len(), &Cancel::new()).unwrap().remove(0);
        let len = output.len() / test.len();
        let run = |samples: std::ops::Range<usize>| Ok(output[samples.start * len..samples.end * len].to_vec());
        accuracy(test.len(), len, truth, true, run, |_| {}).unwrap()
    }
}

fn key_words() -> Option<Bench> {
    Bench::open("data/mlperf_tiny/kws/kws_model_float32.tflite", "data/kws01/kws01.npz")
}

/// Agreement with the float net on test samples, nearest and adaptive.
fn roundings(bench: &Bench, scheme: Scheme) -> [f64; 2] {
    let nearest = Quantize { scheme, ..Quantize::default() };
    let adaptive = Quantize { rounding: WeightRounding::Adaptive, ..nearest.clone() };
    let agreements = [bench.apply(nearest), bench.apply_rounded(adaptive)].map(|made| bench.judge(&made).agreement().unwrap());
    eprintln!("{}: nearest {:.4}, adaptive {:.4}", scheme.name(), agreements[0], agreements[1]);
    agreements
}

/// Nearest .9700 and .2167, adaptive .9867 and .9133.
#[test]
fn adaptive_rounding_brings_the_sample_net_nearer_to_float() {
    let bench = Bench::sample();
    let [nearest, adaptive] = roundings(&bench, Scheme::Int4);
    assert!(adaptive > nearest + 0.01, "{adaptive}, nearest {nearest}");
    let [nearest, adaptive] = roundings(&bench, Scheme::Ternary);
    assert!(adaptive > nearest + 0.6, "{adaptive}, nearest {nearest}");
}

/// Nearest .9556, adaptive .9844; ai-edge-quantizer's int4 with int8 activations .9422.
#[test]
fn adaptive_rounding_keeps_key_words_with_4_bits() {
    let Some(bench) = key_words() else { return };
    let [_, adaptive] = roundings(&bench, Scheme::Int4);
    assert!(adaptive >= 0.978, "{adaptive}");
}

/// The default recipe on the key words, against TensorFlow's converter: agreement .9922, mean |dp| .00231, accuracy .9133.
#[test]
fn key_words_keep_their_quality() {
    let Some(bench) = key_words() else { return };
    let judge = |name: &str, settings| {
        let figures = bench.judge(&bench.apply(settings));
        let figures = (figures.agreement().unwrap(), figures.mean_abs_difference.unwrap(), figures.top1().unwrap());
        eprintln!("{name}: agreement {:.4}, mean |dp| {:.5}, accuracy {:.4}", figures.0, figures.1, figures.2);
        figures
    };
    // TensorFlow's converter, the best of the peers on these samples: .9922, .00231, .9133.
    let (agreement, dp, top1) = judge("min/max", Quantize::default());
    assert!(agreement > 0.9922 && dp < 0.00231 && top1 > 0.9133, "{agreement} {dp} {top1}");
    let percentile = Quantize { calibrator: Calibrator::Percentile { keep: 99.99 }, ..Quantize::default() };
    let (agreement, dp, top1) = judge("percentile 99.99", percentile);
    assert!(agreement > 0.9956 && dp < 0.0018 && top1 > 0.9133, "{agreement} {dp} {top1}");
}

/// Dense layer, identity, normalization, identity, which is an output as well as what follows.
fn unfinished() -> Graph {
    use crate::test_graph::{Chain, constant};
    let mut chain = Chain::new(&[1, 4]);
    let weights = constant(&mut chain.graph, &[6, 4], 1);
    let parameters = [2, 3, 4].map(|seed| constant(&mut chain.graph, &[6], seed));
    let variance: std::sync::Arc<[f32]> = [0.5, 1.0, 2.0, 0.25, 3.0, 4.0].into();
    let variance = chain.graph.add_tensor(crate::tensor::Tensor::constant("v", [6], crate::tensor::Data::F32(variance)));
    let [gamma, beta, mean] = parameters;
    let dense = crate::ops::FullyConnected { keep_num_dims: false, activation: crate::ops::Activation::None };
    let identity = || Op::Identity(crate::ops::Identity);
    let chain = chain
        .then(Op::FullyConnected(dense), &[weights])
        .then(identity(), &[])
        .then(Op::BatchNorm(crate::ops::BatchNorm { epsilon: 0.001 }), &[gamma, beta, mean, variance])
        .then(identity(), &[]);
    let middle = chain.last;
    let mut graph = chain.then(Op::Softmax(crate::ops::Softmax { beta: 1.0 }), &[]).finish();
    graph.outputs.push(middle);
    graph
}

#[test]
fn what_no_file_holds_is_lowered_at_the_end() {
    let graph = unfinished();
    let x = crate::test_graph::values(40, 7);
    let outputs = |graph: &Graph| crate::execute::float::Prepared::new(graph).unwrap().run(&[&x], &Cancel::new()).unwrap();
    assert!(crate::formats::tflite::export(&graph, &Default::default()).is_err());
    let candidate = apply(&Recipe { steps: vec![] }, &graph, None).unwrap();
    crate::graph::check(&candidate.graph).unwrap();
    let names: Vec<&str> = candidate.graph.nodes.iter().map(|n| n.op.name()).collect();
    assert_eq!(names, ["FULLY_CONNECTED", "MUL", "ADD", "SOFTMAX"]);
    assert_eq!(candidate.graph.nodes[2].name, "n2");
    for (a, b) in outputs(&candidate.graph).iter().flatten().zip(outputs(&graph).iter().flatten()) {
        assert!((a - b).abs() < 1e-6, "{a} for {b}");
    }
    crate::formats::tflite::export(&candidate.graph, &Default::default()).unwrap();
    let origins: Vec<Option<TensorId>> = candidate.graph.outputs.iter().map(|id| candidate.origin[id.index()]).collect();
    assert_eq!(origins, [Some(graph.outputs[0]), Some(graph.outputs[1])]);
}

#[test]
fn what_stays_float_is_named() {
    let graph = unfinished();
    let x = crate::test_graph::values(40, 7);
    let calibration = calibrate(&graph, &[&x], None, &Cancel::new()).unwrap();
    let quantize = Entry { enabled: true, step: Step::Quantize(Quantize::default()) };
    let pack = Entry { enabled: true, step: Step::Pack(Default::default()) };
    let candidate = apply(&Recipe { steps: vec![quantize, pack] }, &graph, Some(&calibration)).unwrap();
    assert!(candidate.steps[0].text.contains("no int8 kernel for n2"), "{}", candidate.steps[0].text);
    let names: Vec<&str> = candidate.graph.nodes.iter().map(|n| n.op.name()).collect();
    assert_eq!(names.iter().filter(|name| ["BATCH_NORM", "IDENTITY"].contains(name)).count(), 0, "{names:?}");
    crate::formats::tflite::export(&candidate.graph, &Default::default()).unwrap();
    Executor::new(&candidate.graph).unwrap();
}

/// Its LSTM becomes the fused one of integers. LiteRT's converter: 115 of 120.
#[test]
fn a_recurrent_net_keeps_its_quality() {
    let (model, data) =
        ("data/models/gesture_lstm/gesture_lstm_float32.tflite", "data/models/gesture_lstm/gesture_lstm_data.npz");
    let Some(bench) = Bench::open(model, data) else { return };
    let candidate = bench.apply(Quantize::default());
    let text = &candidate.steps[0].text;
    assert!(text.contains("5 of 5 layers int8"), "{text}");
    let figures = bench.judge(&candidate);
    assert!(figures.top1().is_some_and(|top1| top1 >= 115.0 / 120.0), "{figures:?}");
    assert!(figures.agreement().is_some_and(|agreement| agreement > 0.98), "{figures:?}");
    crate::formats::tflite::export(&candidate.graph, &Default::default()).unwrap();
}

/// The layer comparison and the calibration see what comes of the quantized activations of a hybrid layer: -55, 200, 100 and 0.
#[test]
fn hybrid_layers_are_compared_and_calibrated_as_they_run() {
    let (x, integers) = ([-55.0, 200.0, 100.4, 0.3], [1, 2, 3, 4, -5, 6, -7, 8]);
    let mut chain = Chain::new(&[1, 4]);
    let weights = Tensor::constant("w", [2, 4], Data::F32(integers.map(|w| f32::from(w) * 0.5).into()));
    let weights = chain.graph.add_tensor(weights);
    let dense = crate::ops::FullyConnected { keep_num_dims: false, activation: crate::ops::Activation::None };
    let float = chain.then(Op::FullyConnected(dense), &[weights]).finish();
    let mut hybrid = float.clone();
    hybrid.tensors[weights.index()] = Tensor::constant("w", [2, 4], Data::I8(integers.into()))
        .quantized(Quantization::per_tensor(0.5, 0).with_asymmetric_inputs(true));

    let origin: Vec<_> = hybrid.tensor_ids().map(Some).collect();
    let errors = crate::measure::error::layer_errors(&float, &hybrid, &origin, &[&x], &Cancel::new()).unwrap();
    let (real, whole) = ([323.7_f64, 387.3_f64], [322.5, 387.5]);
    let noise = (real[0] - whole[0]).powi(2) + (real[1] - whole[1]).powi(2);
    let expected = 10.0 * ((real[0].powi(2) + real[1].powi(2)) / noise).log10();
    let sqnr_db = errors.layers[0].as_ref().unwrap().sqnr_db;
    assert!((sqnr_db - expected).abs() < 1e-2, "{sqnr_db} for {expected}");

    let calibration = calibrate(&hybrid, &[&x], None, &Cancel::new()).unwrap();
    assert_eq!(calibration.range(hybrid.outputs[0], Calibrator::MinMax), Some((0.0, 387.5)));
}
