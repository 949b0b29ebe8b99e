//! Every net in every format gets exactly as many test samples right as was measured where it comes from.

use std::fs;
use std::path::{Path, PathBuf};

use tinsmith_core::data::{self, DataSet, Split, Values};
use tinsmith_core::execute::float::Prepared;
use tinsmith_core::formats::import;
use tinsmith_core::progress::Cancel;
use tinsmith_tests::shared;

/// Test samples of a net as its input takes them, with their classes.
struct TestSplit {
    x: Vec<f32>,
    classes: Vec<usize>,
}

impl TestSplit {
    /// From the net's own file, or that of the net it is made from.
    fn of(folder: &Path, net: &str) -> Self {
        let own = folder.join(format!("{net}_data.npz"));
        let path = if own.exists() { own } else { folder.with_file_name("fsdd_dscnn").join("fsdd_dscnn_data.npz") };
        let set = data::open(&path).unwrap_or_else(|error| panic!("{error}"));
        let samples = set.samples_of(Some(Split::Test)).expect("a test split");
        let labels = set.labels.as_deref().expect("labels");
        let classes = samples.iter().map(|&sample| labels[sample] as usize).collect();
        let values = samples.iter().flat_map(|&sample| reals(&set, sample));
        // The pictures of this net are stored small: every pixel three times, divided by 255.
        let x = if net == "mbv1_025_96" {
            let small: Vec<f32> = values.collect();
            small.chunks_exact(32 * 32 * 3).flat_map(enlarged).collect()
        } else {
            values.collect()
        };
        Self { x, classes }
    }
}

fn reals(set: &DataSet, sample: usize) -> Vec<f32> {
    let range = sample * set.sample_len()..(sample + 1) * set.sample_len();
    match &set.values {
        Values::F32(x) => x[range].to_vec(),
        Values::U8(x) => x[range].iter().map(|&value| value.into()).collect(),
        other => panic!("{} values of another type", other.len()),
    }
}

fn enlarged(picture: &[f32]) -> impl Iterator<Item = f32> {
    (0..96 * 96 * 3).map(|i| {
        let (y, x, channel) = (i / (96 * 3), i / 3 % 96, i % 3);
        picture[(y / 3 * 32 + x / 3) * 3 + channel] / 255.0
    })
}

/// The float files of a net that the measurements name, with what was measured.
fn measured(folder: &Path, net: &str) -> Vec<(PathBuf, f64)> {
    let text = fs::read_to_string(folder.join(format!("{net}.json"))).expect("measurements");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut files = Vec::new();
    for (file, figure) in json["measured"].as_object().expect("a list of files") {
        let names = match file.as_str() {
            "keras (Keras 3)" => vec![format!("{net}.keras"), format!("{net}.h5")],
            "keras2.h5 (Keras 2)" => vec![format!("{net}_keras2.h5")],
            // Whoever quantized a net rounds in a way of its own.
            file if file.contains("int8") || file.contains("int16") => vec![],
            file => vec![file.to_owned()],
        };
        // The autoencoder is measured in another way.
        if let Some(figure) = figure.as_f64() {
            files.extend(names.into_iter().map(|name| (folder.join(name), figure)));
        }
    }
    files
}

#[test]
fn every_format_of_a_net_has_its_accuracy() {
    let Some(models) = shared("data/models") else { return };
    let (mut n_files, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(models).expect("a folder") {
        let folder = entry.expect("an entry").path();
        let net = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let split = TestSplit::of(&folder, &net);
        for (path, expected) in measured(&folder, &net) {
            let graph = import(&path).unwrap_or_else(|error| panic!("{error}")).graph;
            // tf2onnx keeps an LSTM as a Loop, which is shown but not run.
            let Ok(prepared) = Prepared::new(&graph) else {
                assert!(graph.name.starts_with("gesture_lstm_tf2onnx"), "{} does not run", path.display());
                continue;
            };
            let x = in_order_of(&graph.tensor(graph.inputs[0]).shape, &split);
            let outputs = prepared.run(&[x], &Cancel::new()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let n_classes = prepared.output_lens()[0];
            let found = outputs[0].chunks_exact(n_classes).map(class_of);
            let correct = found.zip(&split.classes).filter(|(found, class)| found == *class).count();
            let accuracy = correct as f64 / split.classes.len() as f64;
            if (accuracy - expected).abs() > 0.000_051 {
                wrong.push(format!("{}: {accuracy:.4}, measured {expected}", path.display()));
            }
            n_files += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{n_files} files");
    assert!(n_files > 50, "only {n_files} files");
}

/// The samples as they are: every graph has its images channels last, as the samples have.
fn in_order_of<'a>(input: &[usize], split: &'a TestSplit) -> &'a [f32] {
    assert_eq!(input.iter().product::<usize>() * split.classes.len(), split.x.len());
    &split.x
}

fn class_of(outputs: &[f32]) -> usize {
    let best = |best: usize, i: usize| if outputs[i] > outputs[best] { i } else { best };
    (0..outputs.len()).fold(0, best)
}
