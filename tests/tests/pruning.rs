//! Whole networks with half of their channels cut, through quantization to the file: what is read back is what the preview measured, and
//! TensorFlow Lite Micro runs it to the same bytes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tinsmith_core::data::npy::{self, Elements};
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::formats;
use tinsmith_core::graph::{Graph, check};
use tinsmith_core::measure::device::devices;
use tinsmith_core::measure::{StaticFigures, parameters, static_figures};
use tinsmith_core::optimize::{Candidate, Observations, calibrate, complete, parse_step, rewrite};
use tinsmith_core::preview::exported;
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::{Entry, Recipe};
use tinsmith_tests::{peers_python, shared};

const STEPS: [&str; 6] =
    ["fuse-batch-norm", "clean-up", "prune-channels:fraction=0.5,multiple=4", "equalize", "quantize", "pack:strip-names=off"];

/// Model, and the interval that its inputs come from.
const MODELS: [(&str, (f32, f32)); 4] = [
    ("mlperf_tiny/kws/kws_model_float32.tflite", (-50.0, 80.0)),
    ("mlperf_tiny/ic/pretrainedResnet.tflite", (0.0, 255.0)),
    ("models/mbv1_025_96/mbv1_025_96_float32.tflite", (0.0, 1.0)),
    ("models/wand_conv1d/wand_conv1d_float32.tflite", (-2.0, 2.0)),
];

/// Numbers in an interval without a pattern that matters.
fn samples(graph: &Graph, (low, high): (f32, f32), n_samples: usize) -> Vec<f32> {
    let n = graph.tensor(graph.inputs[0]).n_elements() * n_samples;
    let mut state = 0x2545_F491_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..n).map(|_| low + (high - low) * next()).collect()
}

fn pruned(graph: &Graph, x: &[f32]) -> Candidate {
    let steps = STEPS.iter().map(|text| Entry { enabled: true, step: parse_step(text).expect("a step") });
    let recipe = Recipe { steps: steps.collect() };
    let (inputs, never) = ([x], Cancel::new());
    let observations = Observations { inputs: &inputs, absorbed: None, pruned: None, cancel: &never };
    let rewritten = rewrite(&recipe, graph, &observations).expect("it can be pruned");
    let calibration = calibrate(&rewritten.graph, &inputs, None, &never).expect("it can be calibrated");
    complete(&recipe, Arc::new(rewritten), Some(&calibration)).expect("it can be quantized")
}

fn figures(graph: &Graph, bytes: &[u8]) -> StaticFigures {
    static_figures(graph, bytes.len() as u64, &devices()[0])
}

/// Outputs of a file, an integer model's, on inputs as it takes them, by TensorFlow Lite Micro.
fn outputs_there(python: &Path, file: &[u8], inputs: &[u8], n_samples: usize) -> Elements {
    let folder = tempfile::tempdir().expect("a folder");
    let [model, there, here] = ["model.tflite", "outputs.npy", "inputs.npy"].map(|name| folder.path().join(name));
    fs::write(&model, file).expect("written");
    let shape = [n_samples, inputs.len() / n_samples];
    npy::write(&mut fs::File::create(&here).expect("a file"), "|i1", &shape, inputs).expect("written");
    let script = tinsmith_tests::root().join("tests/peers/tflm_outputs.py");
    let status = Command::new(python).arg(script).args([&model, &here, &there]).status().expect("Python starts");
    assert!(status.success());
    npy::read(&fs::read(there).expect("outputs")).expect("an array").elements
}

#[test]
fn half_of_the_channels_go_and_the_file_is_what_was_predicted() {
    let python = peers_python();
    for (model, interval) in MODELS {
        let Some(path) = shared(&format!("data/{model}")) else { continue };
        let graph = formats::import(&path).expect("a model").graph;
        let candidate = pruned(&graph, &samples(&graph, interval, 24));
        let text = &candidate.steps.iter().find(|report| report.name == "prune-channels").expect("a report").text;
        check(&candidate.graph).expect("well formed");
        let bytes = exported(&candidate.graph).expect("it can be written");
        let read = formats::import_bytes("model.tflite", &bytes).expect("it can be read").graph;

        let (source, here, again) = (figures(&graph, &[]), figures(&candidate.graph, &bytes), figures(&read, &bytes));
        assert_eq!((here.parameters, here.macs), (again.parameters, again.macs), "{model}");
        assert_eq!((here.size, here.arena), (again.size, again.arena), "{model}");
        assert_eq!(here.parameters, parameters(&read), "{model}");
        eprintln!(
            "{model}: parameters {} to {}, MACs {} to {}; {text}",
            source.parameters, here.parameters, source.macs, here.macs
        );
        assert!(here.parameters * 10 < source.parameters * 6 && here.macs * 10 < source.macs * 6, "{model}: {text}");

        let executor = Executor::new(&read).expect("it runs");
        let inputs = executor.inputs()[0].bytes_from_real(&samples(&graph, interval, 8));
        let outputs = executor.run(&[&inputs], 8, &Cancel::new()).expect("it runs").remove(0);
        assert!(outputs.iter().any(|byte| *byte != outputs[0]), "{model}: all outputs are alike");
        if let Some(python) = &python {
            let Elements::I8(there) = outputs_there(python, &bytes, &inputs, 8) else {
                panic!("{model}: outputs of another type")
            };
            assert_eq!(outputs.iter().map(|byte| *byte as i8).collect::<Vec<_>>(), there, "{model}");
        }
    }
}
