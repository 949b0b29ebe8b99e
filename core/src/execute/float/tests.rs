//! Small graphs against formulas written out in double precision. Whole models are held to LiteRT's outputs in the tests crate.

use super::*;
use crate::ops::*;
use crate::progress::Cancelled;
use crate::tensor::ElementType;
use crate::test_graph::{Chain, constant, small_net, values};

fn run(graph: &Graph, input: &[f32]) -> Vec<f32> {
    Prepared::new(graph).unwrap().run(&[input], &Cancel::new()).unwrap().remove(0)
}

/// Convolution by definition. Depthwise is the grouped case of one input channel a group, its weights `[1, h, w, c_out]`.
#[derive(Clone, Copy)]
struct Case {
    image: [usize; 3],
    window: [usize; 2],
    c_out: usize,
    groups: usize,
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
    depthwise: bool,
}

fn by_definition(case: Case, x: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let Case { image: [h, w, c_in], window: [kh, kw], c_out, groups, stride, dilation, padding, depthwise } = case;
    let (out_h, top, _) = padding.resolve(h, kh, stride[0], dilation[0]).unwrap();
    let (out_w, left, _) = padding.resolve(w, kw, stride[1], dilation[1]).unwrap();
    let (group_in, group_out) = (c_in / groups, c_out / groups);
    let mut output = Vec::new();
    for (y, x0, c) in (0..out_h * out_w * c_out).map(|i| (i / c_out / out_w, i / c_out % out_w, i % c_out)) {
        let mut sum = f64::from(bias[c]);
        for (ky, kx, k) in (0..kh * kw * group_in).map(|i| (i / group_in / kw, i / group_in % kw, i % group_in)) {
            let row = (y * stride[0] + ky * dilation[0]).checked_sub(top).filter(|&r| r < h);
            let column = (x0 * stride[1] + kx * dilation[1]).checked_sub(left).filter(|&r| r < w);
            let (Some(row), Some(column)) = (row, column) else { continue };
            let value = x[(row * w + column) * c_in + c / group_out * group_in + k];
            let tap = ky * kw + kx;
            let weight = if depthwise { weights[tap * c_out + c] } else { weights[(c * kh * kw + tap) * group_in + k] };
            sum += f64::from(value) * f64::from(weight);
        }
        output.push(sum.max(0.0) as f32);
    }
    output
}

#[test]
fn convolutions_equal_their_definition() {
    let base = Case {
        image: [7, 6, 4],
        window: [3, 3],
        c_out: 8,
        groups: 1,
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::Same,
        depthwise: false,
    };
    let cases = [
        base,
        Case { padding: Padding::Valid, ..base },
        Case { stride: [2, 2], ..base },
        Case { stride: [3, 1], window: [2, 4], ..base },
        Case { dilation: [2, 2], ..base },
        Case { window: [1, 1], stride: [2, 2], c_out: 33, ..base },
        Case { image: [7, 6, 1], window: [5, 2], c_out: 20, ..base },
        Case { groups: 2, ..base },
        Case { depthwise: true, groups: 4, c_out: 4, ..base },
        Case { depthwise: true, groups: 4, c_out: 12, stride: [2, 1], ..base },
        Case { depthwise: true, groups: 1, image: [7, 6, 1], c_out: 5, ..base },
        Case { depthwise: true, groups: 4, c_out: 4, dilation: [2, 2], padding: Padding::Valid, ..base },
    ];
    for case in cases {
        let Case { image: [h, w, c_in], window: [kh, kw], c_out, groups, .. } = case;
        let mut chain = Chain::new(&[1, h, w, c_in]);
        let shape = if case.depthwise { [1, kh, kw, c_out] } else { [c_out, kh, kw, c_in / groups] };
        let (weights, bias) = (constant(&mut chain.graph, &shape, 1), constant(&mut chain.graph, &[c_out], 2));
        let (stride, dilation, padding, activation) = (case.stride, case.dilation, case.padding, Activation::Relu);
        let op = match case.depthwise {
            true => {
                Op::DepthwiseConv2d(DepthwiseConv2d { stride, dilation, padding, activation, depth_multiplier: c_out / c_in })
            }
            false => Op::Conv2d(Conv2d { stride, dilation, padding, activation }),
        };
        let graph = chain.then(op, &[weights, bias]).finish();
        let x = values(3 * h * w * c_in, 3);
        let floats = |id: TensorId| graph.tensor(id).data.as_ref().unwrap().as_f32().unwrap().to_vec();
        let (weights, bias) = (floats(weights), floats(bias));
        let expected = x.chunks(h * w * c_in).flat_map(|x| by_definition(case, x, &weights, &bias));
        let actual = run(&graph, &x);
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() < 1e-5, "{a} for {e}: depthwise {}, window {:?}", case.depthwise, case.window);
        }
    }
}

#[test]
fn a_sample_does_not_depend_on_its_neighbours() {
    let graph = small_net();
    let x = values(77 * 90, 5);
    let together = run(&graph, &x);
    let alone: Vec<f32> = x.chunks(90).flat_map(|x| run(&graph, x)).collect();
    assert_eq!(together, alone);
    let sums = together.chunks(7).map(|p| p.iter().sum::<f32>());
    sums.for_each(|sum| assert!((sum - 1.0).abs() < 1e-6));
}

#[test]
fn every_activation_is_observed_once_a_block() {
    let graph = small_net();
    let x = values(10 * 90, 6);
    let prepared = Prepared::new(&graph).unwrap();
    let see = |seen: &mut Vec<(u32, Range<usize>, usize)>, id: TensorId, samples: Range<usize>, values: &[f32]| {
        seen.push((id.0, samples, values.len()));
    };
    let blocks = prepared.observe(&[&x], 8, &Cancel::new(), Vec::new, see).unwrap();
    let lens: Vec<(u32, usize)> = blocks[0].iter().map(|(id, _, len)| (*id, len / 8)).collect();
    assert_eq!(lens, [(0, 90), (6, 120), (7, 120), (8, 7), (9, 7)]);
    assert_eq!(blocks[1][4], (9, 8..10, 14));
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let graph = small_net();
    let prepared = Prepared::new(&graph).unwrap();
    assert!(matches!(prepared.run(&[&[0.0; 91]], &Cancel::new()), Err(ExecuteError::Input(_))));
    assert!(matches!(prepared.run(&[], &Cancel::new()), Err(ExecuteError::Input(_))));
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(prepared.run(&[&[0.0; 90]], &cancel), Err(ExecuteError::Cancelled(Cancelled)));
}

#[test]
fn integer_activations_are_refused_by_name() {
    let mut graph = small_net();
    graph.tensors[6].element = ElementType::I8;
    let error = Prepared::new(&graph).unwrap_err().to_string();
    assert!(error.contains("node 0 \"n0\" (CONV_2D)") && error.contains("int8"), "{error}");
}

/// The outputs of LiteRT 2.3's reference kernels, recorded by `tests/peers/float.py --golden`.
#[test]
fn whole_models_equal_litert() {
    let models = [
        "mlperf_tiny/kws/kws_model_float32",
        "mlperf_tiny/ad/ad01_fp32",
        "models/digits_cnn/digits_cnn_float32",
        "models/wand_conv1d/wand_conv1d_float32",
        "models/fsdd_dscnn/fsdd_dscnn_float16",
        "models/fsdd_dscnn/fsdd_dscnn_dynamic",
        "mlperf_tiny/kws/kws_ref_model_float32",
        "mlperf_tiny/ad/model_ToyCar_quant",
        "models/gesture_lstm/gesture_lstm_float32",
    ];
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/float");
    for model in models {
        let Some(path) = crate::test_data::shared(&format!("data/{model}.tflite")) else { continue };
        let graph = crate::formats::import(&path).unwrap().graph;
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let floats = |kind: &str| match crate::data::open(&golden.join(format!("{stem}.{kind}.npy"))).unwrap().values {
            crate::data::Values::F32(values) => values,
            other => panic!("{other:?}"),
        };
        let (expected, actual) = (floats("y"), run(&graph, &floats("x")));
        assert_eq!(expected.len(), actual.len());
        let largest = expected.iter().fold(1.0f32, |m, x| m.max(x.abs()));
        let error = expected.iter().zip(&actual).map(|(e, a)| (e - a).abs()).fold(0.0, f32::max);
        assert!(error <= 1e-5 * largest, "{model}: {error} of {largest}");
    }
}

/// A constant of values without their signs.
fn magnitudes(graph: &mut Graph, n: usize, seed: usize) -> TensorId {
    let data: std::sync::Arc<[f32]> = values(n, seed).into_iter().map(f32::abs).collect();
    graph.add_tensor(crate::tensor::Tensor::constant("c", [n], crate::tensor::Data::F32(data)))
}

fn assert_close(actual: &[f32], expected: &[f32]) {
    assert_eq!(actual.len(), expected.len());
    let error = actual.iter().zip(expected).map(|(a, e)| (a - e).abs()).fold(0.0, f32::max);
    assert!(error < 1e-6, "{actual:?}, expected {expected:?}");
}

/// Outputs of Keras 3.15's GRU layer with the same weights.
#[test]
fn a_gru_equals_that_of_keras() {
    let cases = [
        ((true, false), [0.042_682_48, 0.028_640_76, 0.071_669_22, 0.064_630_34, 0.092_530_68, 0.105_469_6]),
        ((true, true), [0.037_037_78, 0.081_287_4, 0.063_614_14, 0.089_018_29, 0.080_791_58, 0.066_968_35]),
        ((false, false), [0.079_998_91, 0.093_152_61, 0.124_138_4, 0.155_668, 0.151_821_2, 0.205_520_6]),
        ((false, true), [0.062_183_89, 0.149_748_8, 0.106_656_3, 0.180_446_7, 0.136_128_8, 0.164_466]),
    ];
    for ((reset_after, go_backwards), expected) in cases {
        let mut chain = Chain::new(&[1, 3, 2]);
        let bias: &[usize] = if reset_after { &[2, 6] } else { &[6] };
        let weights = [[2, 6].as_slice(), &[2, 6], bias];
        let weights = [0, 1, 2].map(|i| constant(&mut chain.graph, weights[i], i + 1));
        let graph = chain.then(Op::Gru(Gru { reset_after, go_backwards }), &weights).finish();
        assert_close(&run(&graph, &values(6, 5)), &expected);
    }
}

/// Outputs of Keras 3.15's BatchNormalization layer with the same weights.
#[test]
fn batch_normalization_equals_that_of_keras() {
    let mut chain = Chain::new(&[1, 1, 2, 3]);
    let mut parameters: Vec<TensorId> = (1..4).map(|seed| constant(&mut chain.graph, &[3], seed)).collect();
    parameters.push(magnitudes(&mut chain.graph, 3, 4));
    let norm = Op::BatchNorm(BatchNorm { epsilon: 0.25 });
    let graph = chain.then(norm, &parameters).then(Op::Identity(Identity), &[]).finish();
    assert_close(&run(&graph, &values(6, 5)), &[0.519_290_5, 0.487_074, 0.450_523_2, 0.640_816_8, 0.628_388_6, 0.610_215_1]);
}

#[test]
fn gelu_is_x_times_the_normal_distribution() {
    let graph = Chain::new(&[1, 6]).then(Op::Unary(Unary::Gelu { approximate: false }), &[]).finish();
    let expected = [-0.158_655_25, 0.0, 0.345_731_23, 1.954_499_7, -0.000_126_685_3, 50.0];
    assert_close(&run(&graph, &[-1.0, 0.0, 0.5, 2.0, -4.0, 50.0]), &expected);
}

/// The state of a recurrent layer starts anew with each sample. Accuracies are those of Keras and LiteRT.
#[test]
fn whole_test_splits_of_recurrent_nets_are_recognized_as_elsewhere() {
    for (name, expected) in [("gesture_lstm", 116), ("gesture_lstm_unrolled", 118)] {
        let Some(folder) = crate::test_data::shared(&format!("data/models/{name}")) else { return };
        let graph = crate::formats::import(&folder.join(format!("{name}_float32.tflite"))).unwrap().graph;
        let data = crate::data::open(&folder.join(format!("{name}_data.npz"))).unwrap();
        let test = data.samples_of(Some(crate::data::Split::Test)).unwrap();
        let input = graph.tensor(graph.inputs[0]);
        let meaning = crate::data::feed::meaning(&data, input);
        let x = crate::data::feed::real_samples(&data, meaning, &test, input).unwrap();
        let y = run(&graph, &x);
        let labels = data.labels.as_ref().unwrap();
        let class = |p: &[f32]| (0..3).rev().max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap();
        let right = y.chunks(3).zip(&test).filter(|(p, sample)| class(p) == labels[**sample] as usize).count();
        assert_eq!((right, test.len()), (expected, 120), "{name}");
    }
}
