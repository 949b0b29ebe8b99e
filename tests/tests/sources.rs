//! One network in every format that it was saved in: rewritten, quantized and exported it is the same small file, and TensorFlow Lite
//! Micro computes what was predicted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tinsmith_core::data::npy::{self, Elements};
use tinsmith_core::data::{DataSet, feed};
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::measure::AccuracyFigures;
use tinsmith_core::measure::device::devices;
use tinsmith_core::ops::Op;
use tinsmith_core::optimize::{Candidate, suggested_recipe};
use tinsmith_core::preview::{Engine, Event, Job, Side, Source, exported, only_input, roles};
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::{Granularity, Recipe, Step};
use tinsmith_tests::{peers_python, root, shared};

/// Networks with data of their own.
const NETS: [&str; 7] =
    ["digits_ae", "digits_cnn", "digits_mlp", "fsdd_dscnn", "gesture_lstm", "gesture_lstm_unrolled", "wand_conv1d"];

/// Test samples that TensorFlow Lite Micro runs of each file; its interpreter is slow.
const SAMPLES: usize = 20;

/// What the engine says of a job.
struct Outcome {
    candidate: Arc<Candidate>,
    file: Vec<u8>,
    accuracy: [Option<AccuracyFigures>; 2],
}

fn run(source: Source, data: Option<Arc<DataSet>>, recipe: impl Fn(&Source) -> Recipe) -> (Job, Outcome) {
    let recipe = recipe(&source);
    let job = Job { source: Arc::new(source), data, ranges: None, recipe, device: devices()[0].clone() };
    let (mut candidate, mut accuracy) = (None, [None, None]);
    let ran = Engine::new().run(&job, &Cancel::new(), &mut |event| match event {
        Event::Candidate(made) => candidate = Some(made),
        Event::Accuracy { side: Side::Baseline, figures } => accuracy[0] = Some(figures),
        Event::Accuracy { side: Side::Candidate, figures } => accuracy[1] = Some(figures),
        _ => {}
    });
    ran.unwrap_or_else(|error| panic!("{}: {error}", job.source.path.display()));
    let candidate: Arc<Candidate> = candidate.expect("a candidate is told");
    let file = exported(&candidate.graph).unwrap();
    (job, Outcome { candidate, file, accuracy })
}

/// Keras and ONNX files of a network, but for those that are integers already and that which holds a Loop.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wanted = [".keras", ".h5", ".onnx"].iter().any(|suffix| name.ends_with(suffix));
        wanted && !name.contains("_ort_q") && !name.starts_with("gesture_lstm_tf2onnx")
    });
    files.sort();
    files
}

#[test]
fn every_format_becomes_the_file_that_tensorflow_makes_or_a_smaller_one() {
    let Some(models) = shared("data/models") else { return };
    let python = peers_python();
    let mut n_files = 0;
    for net in NETS {
        let folder = models.join(net);
        let data = Arc::new(tinsmith_core::data::open(&folder.join(format!("{net}_data.npz"))).unwrap());
        let theirs = folder.join(format!("{net}_int8.tflite"));
        let theirs_bytes = fs::metadata(&theirs).unwrap().len();
        let their_nodes = Source::open(&theirs).unwrap().graph.nodes.len();
        for path in sources(&folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let (job, outcome) = run(Source::open(&path).unwrap(), Some(data.clone()), |source| suggested_recipe(&source.graph));
            let candidate = &outcome.candidate;
            for report in &candidate.steps {
                assert!(report.output_change.is_none_or(|change| change < 1e-5), "{name}: {report:?}");
            }
            let left =
                candidate.rewritten.graph.nodes.iter().filter(|node| matches!(node.op, Op::BatchNorm(_) | Op::Identity(_)));
            assert_eq!(left.count(), 0, "{name}");
            let (nodes, bytes) = (candidate.graph.nodes.len(), outcome.file.len() as u64);
            assert!(nodes <= their_nodes, "{name}: {nodes} operators, TensorFlow's converter makes {their_nodes}");
            assert!(bytes * 100 <= theirs_bytes * 102, "{name}: {bytes} bytes, TensorFlow's converter makes {theirs_bytes}");
            let [before, after] = outcome.accuracy.each_ref().map(|figures| figures.as_ref().and_then(AccuracyFigures::top1));
            match (before, after) {
                (Some(before), Some(after)) => assert!(before - after < 0.02, "{name}: from {before} to {after}"),
                // The autoencoder names no classes: its outputs, pixels from 0 to 1, stay near the float model's.
                _ => {
                    let apart = outcome.accuracy[1].as_ref().and_then(|figures| figures.mean_abs_difference);
                    assert!(net == "digits_ae" && apart.is_some_and(|apart| apart < 0.02), "{name}: {apart:?} from float");
                }
            }
            let parity = python.as_deref().map(|python| parity(python, &job, &outcome, &name));
            println!(
                "{name}: {nodes} of {their_nodes} operators, {bytes} of {theirs_bytes} bytes, {before:?} -> {after:?}, {parity:?}"
            );
            n_files += 1;
        }
    }
    assert!(n_files >= 40, "only {n_files} files");
}

/// Its channels are scaled apart: TensorFlow's converter makes 26.67 % of it per channel, 10 % per tensor, of 98.67 %.
#[test]
fn equalization_wins_back_what_skewed_channels_lose_in_every_format() {
    let (Some(folder), Some(data)) =
        (shared("data/models/fsdd_dscnn_skewed"), shared("data/models/fsdd_dscnn/fsdd_dscnn_data.npz"))
    else {
        return;
    };
    let data = Arc::new(tinsmith_core::data::open(&data).unwrap());
    let python = peers_python();
    let mut files = sources(&folder);
    files.push(folder.join("fsdd_dscnn_skewed_float32.tflite"));
    assert!(files.len() >= 6, "{files:?}");
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let cases = [
            (Granularity::PerChannel, true, 0.98..=1.0),
            (Granularity::PerTensor, true, 0.95..=1.0),
            (Granularity::PerChannel, false, 0.0..=0.5),
            (Granularity::PerTensor, false, 0.0..=0.2),
        ];
        for (granularity, equalized, expected) in cases {
            let recipe = |source: &Source| {
                let mut recipe = suggested_recipe(&source.graph);
                if equalized {
                    recipe.put(Step::Equalize(Default::default()));
                }
                recipe.quantize_mut().expect("it quantizes").granularity = granularity;
                recipe
            };
            let (job, outcome) = run(Source::open(&path).unwrap(), Some(data.clone()), recipe);
            let top1 = outcome.accuracy[1].as_ref().and_then(AccuracyFigures::top1).expect("the data have labels");
            assert!(expected.contains(&top1), "{name}, {granularity:?}, equalized {equalized}: {top1}");
            for report in &outcome.candidate.steps {
                assert!(report.output_change.is_none_or(|change| change < 1e-5), "{name}: {report:?}");
            }
            let parity = python.as_deref().filter(|_| equalized).map(|python| parity(python, &job, &outcome, &name));
            println!("{name}, {granularity:?}, equalized {equalized}: {top1}, {parity:?}");
        }
    }
}

/// Runs the file in TensorFlow Lite Micro; how many bytes were compared.
fn parity(python: &Path, job: &Job, outcome: &Outcome, name: &str) -> usize {
    let data = job.data.as_deref().expect("the job has data");
    let graph = &outcome.candidate.graph;
    let test = roles(data).test;
    let chosen = &test[..test.len().min(SAMPLES)];
    let meaning = feed::meaning(data, only_input(&job.source.graph).unwrap());
    let input = only_input(graph).unwrap();
    let bytes = feed::model_samples(data, meaning, chosen, input).unwrap();
    let here = Executor::new(graph).unwrap().run(&[&bytes], chosen.len(), &Cancel::new()).unwrap().remove(0);

    let temporary = tempfile::tempdir().unwrap();
    let [model, inputs, there] = ["model.tflite", "inputs.npy", "there.npy"].map(|file| temporary.path().join(file));
    fs::write(&model, &outcome.file).unwrap();
    npy::write(&mut fs::File::create(&inputs).unwrap(), "|i1", &[chosen.len(), input.n_elements()], &bytes).unwrap();
    let script = root().join("tests/peers/tflm_outputs.py");
    let status = Command::new(python).arg(script).args([&model, &inputs, &there]).status().expect("Python starts");
    assert!(status.success(), "{name}");
    let there = npy::read(&fs::read(&there).unwrap()).unwrap();
    let Elements::I8(there) = there.elements else { panic!("{name}: {} outputs", there.elements.type_name()) };
    let here: Vec<i8> = here.into_iter().map(|byte| byte as i8).collect();
    assert_eq!(here, *there, "{name}");
    here.len()
}
