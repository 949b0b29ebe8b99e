//! Whole networks with half of their channels cut, through quantization to the file: what is read back is what the preview measured, and
//! TensorFlow Lite Micro runs it to the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tinsmith_core::data::npy::{self, Elements};
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::execute::float::Prepared;
use tinsmith_core::formats;
use tinsmith_core::graph::{Graph, check};
use tinsmith_core::measure::device::devices;
use tinsmith_core::measure::{StaticFigures, parameters, static_figures};
use tinsmith_core::ops::Operands;
use tinsmith_core::optimize::{Candidate, Observations, StepOutcome, calibrate, complete, parse_step, rewrite};
use tinsmith_core::preview::exported;
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::{Entry, Recipe};
use tinsmith_tests::hostile::Mutations;
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
    let recipe = recipe(&STEPS);
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

fn recipe(steps: &[&str]) -> Recipe {
    let steps = steps.iter().map(|text| Entry { enabled: true, step: parse_step(text).expect("a step") });
    Recipe { steps: steps.collect() }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<PathBuf> = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    all.sort();
    all
}

#[test]
fn every_float_model_can_be_pruned() {
    let folders = [shared("data/mlperf_tiny"), shared("data/models")];
    let (mut n_pruned, mut n_kept) = (0, 0);
    for path in folders.iter().flatten().flat_map(|folder| files(folder)) {
        let Ok(import) = formats::import(&path) else { continue };
        let graph = import.graph;
        let Ok(before) = Prepared::new(&graph) else { continue };
        for steps in
            [&["prune-channels:fraction=0.5"][..], &["fuse-batch-norm", "clean-up", "prune-channels:fraction=0.5,scope=global"]]
        {
            let rewritten = rewrite(&recipe(steps), &graph, &Observations::none()).expect("it can be rewritten");
            let narrow = &rewritten.graph;
            check(narrow).expect("well formed");
            for node in &narrow.nodes {
                let shapes = node.op.facts().output_shapes(&Operands::new(narrow, node));
                let declared = node.outputs.iter().map(|id| &narrow.tensor(*id).shape);
                assert!(shapes.is_ok_and(|shapes| shapes.iter().eq(declared)), "{}: {}", path.display(), node.name);
            }
            let after = Prepared::new(narrow).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(
                (before.input_lens(), before.output_lens()),
                (after.input_lens(), after.output_lens()),
                "{}",
                path.display()
            );
            let zeros: Vec<Vec<f32>> = after.input_lens().iter().map(|&n| vec![0.0; n]).collect();
            let zeros: Vec<&[f32]> = zeros.iter().map(Vec::as_slice).collect();
            after.run(&zeros, &Cancel::new()).expect("it runs");
            let report = rewritten.steps.last().expect("a report");
            match report.outcome {
                StepOutcome::Applied => n_pruned += 1,
                StepOutcome::Skipped => n_kept += 1,
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            eprintln!("{name}: {}", report.text);
        }
    }
    if folders.iter().all(Option::is_some) {
        assert!(n_pruned > 100 && n_pruned > 5 * n_kept, "{n_pruned} pruned, {n_kept} not");
    }
}

#[test]
fn damaged_models_are_pruned_or_left_alone() {
    let mut n_pruned = 0;
    let models = ["digits_cnn/digits_cnn_float32.tflite", "gesture_lstm_unrolled/gesture_lstm_unrolled_float32.tflite"];
    for path in models.iter().filter_map(|model| shared(&format!("data/models/{model}"))) {
        let sound = fs::read(&path).expect("the model can be read");
        for bytes in Mutations::new(&sound, 5).take(400) {
            let Ok(import) = formats::import_bytes("damaged.tflite", &bytes) else { continue };
            let pruned = rewrite(&recipe(&["prune-channels:fraction=0.5"]), &import.graph, &Observations::none());
            n_pruned += usize::from(pruned.is_ok_and(|rewritten| rewritten.steps[0].outcome == StepOutcome::Applied));
        }
        assert!(n_pruned > 20, "only {n_pruned} damaged models were pruned");
    }
}
