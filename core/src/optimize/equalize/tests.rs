use super::*;
use crate::execute::float::Prepared;
use crate::optimize::tests::Bench;
use crate::progress::Cancel;
use crate::recipe::{Granularity, Quantize};

/// The largest difference between a step's outputs and those before, relative to the largest output.
fn largest_change(before: &Graph, after: &Graph, inputs: &[f32]) -> f32 {
    let run = |graph: &Graph| Prepared::new(graph).unwrap().run(&[inputs], &Cancel::new()).unwrap();
    let (expected, found) = (run(before), run(after));
    let pairs = || expected.iter().flatten().zip(found.iter().flatten());
    let largest = pairs().fold(0.0f32, |most, (e, _)| most.max(e.abs()));
    pairs().fold(0.0f32, |most, (e, f)| most.max((e - f).abs())) / largest
}

#[test]
fn figures() {
    let models = [
        ("data/models/fsdd_dscnn_skewed/fsdd_dscnn_skewed_float32.tflite", "data/models/fsdd_dscnn/fsdd_dscnn_data.npz"),
        ("data/models/fsdd_dscnn/fsdd_dscnn_float32.tflite", "data/models/fsdd_dscnn/fsdd_dscnn_data.npz"),
        ("data/models/digits_cnn/digits_cnn_float32.tflite", "data/models/digits_cnn/digits_cnn_data.npz"),
        ("data/models/digits_mlp/digits_mlp_float32.tflite", "data/models/digits_mlp/digits_mlp_data.npz"),
        ("data/models/wand_conv1d/wand_conv1d_float32.tflite", "data/models/wand_conv1d/wand_conv1d_data.npz"),
        ("data/mlperf_tiny/kws/kws_model_float32.tflite", "data/kws01/kws01.npz"),
    ];
    for (model, data) in models {
        let Some(bench) = Bench::open(model, data) else { continue };
        eprintln!("== {model}");
        for steps in [&[][..], &["equalize"], &["absorb-bias"], &["equalize", "absorb-bias"], &["equalize:replace-relu6=on"]] {
            for granularity in [Granularity::PerChannel, Granularity::PerTensor] {
                for correct_bias in [false, true] {
                    let settings = Quantize { granularity, correct_bias, ..Quantize::default() };
                    let candidate = bench.apply_after(steps, settings);
                    let figures = bench.judge(&candidate);
                    if granularity == Granularity::PerChannel && !correct_bias {
                        for step in &candidate.rewritten.steps {
                            eprintln!("  {:?} {}", step.output_change, step.text);
                        }
                    }
                    eprintln!(
                        "{steps:?} {granularity:?} correct {correct_bias}: top1 {:?} agree {:?} dp {:?}",
                        figures.top1(),
                        figures.agreement(),
                        figures.mean_abs_difference
                    );
                }
            }
        }
        let graph = bench.apply_after(&["equalize"], Quantize::default()).rewritten.graph.clone();
        eprintln!("change {}", largest_change(&bench.graph, &graph, &bench.test_samples()));
    }
}
