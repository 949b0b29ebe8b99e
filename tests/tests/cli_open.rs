//! What a model's file and a data set leave open, said on the command line and kept in a project.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tinsmith_core::data::{self, Layout, npy};
use tinsmith_core::formats::ImportOptions;
use tinsmith_core::measure::device::devices;
use tinsmith_core::preview::{Job, Source, open_project, project_of};
use tinsmith_core::project::Outside;
use tinsmith_core::recipe::Recipe;
use tinsmith_tests::made::{self, constant, node, port};
use tinsmith_tests::program::{json, refusal, tinsmith};

/// A file in the folder, and its name for the command line.
fn written(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("room for a file");
    path.to_str().expect("temporary folders have plain names").to_owned()
}

/// A model whose input has an open batch, an open extent with a name and one without.
fn open_model() -> Vec<u8> {
    let input = port("x", &[Err("batch"), Err("time"), Err(""), Ok(3)]);
    made::onnx(&[node("Relu", &["x"], &["y"])], &[], &[input], &[port("y", &[])])
}

/// A convolution over 2 channels of 2×2 pixels, channels first: samples may be either way round.
fn square_model() -> Vec<u8> {
    let weights: Vec<u8> = [1.0_f32, 0.0].into_iter().flat_map(f32::to_le_bytes).collect();
    let input = port("x", &[Ok(1), Ok(2), Ok(2), Ok(2)]);
    let weights = constant("w", &[1, 2, 1, 1], 1, &weights);
    made::onnx(&[node("Conv", &["x", "w"], &["y"])], &[weights], &[input], &[port("y", &[])])
}

/// One sample of the numbers 0 to 7.
fn square_samples() -> Vec<u8> {
    let values: Vec<u8> = (0..8).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let mut file = Vec::new();
    npy::write(&mut file, "<f4", &[1, 2, 2, 2], &values).expect("memory");
    file
}

#[test]
fn open_extents_are_asked_for_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = written(folder.path(), "open.onnx", &open_model());
    let line = refusal(&["inspect", &model]);
    assert!(line.contains("axis 1 (\"time\")") && line.contains("--dim time=N"), "{line}");
    let line = refusal(&["inspect", &model, "--dim", "time=5"]);
    assert!(line.contains("--dim x:2=N"), "{line}");
    let report = json(&["inspect", &model, "--dim", "time=5", "--dim", "x:2=7", "--json"]);
    assert_eq!(report["inputs"][0]["shape"], serde_json::json!([1, 5, 7, 3]));
    let line = refusal(&["inspect", &model, "--dim", "time=5", "--dim", "x:2=7", "--dim", "tiem=5"]);
    assert!(line.contains("--dim tiem: the model leaves no extent of this name open; it leaves open batch, time, x:2"), "{line}");
    let out = folder.path().join("firmware");
    let out = out.to_str().expect("a plain name");
    json(&["export", &model, "--dim", "time=5", "--dim", "x:2=7", "--target", "tflite", "--out", out, "--json"]);
    assert_eq!(
        json(&["inspect", &format!("{out}/open.tflite"), "--json"])["inputs"][0]["shape"],
        serde_json::json!([1, 5, 7, 3])
    );
    let usage = tinsmith(&["inspect", &model, "--dim", "time"]);
    assert_eq!(usage.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&usage.stderr).contains("expected NAME=VALUE"));
}

#[test]
fn an_ambiguous_layout_is_asked_for_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = written(folder.path(), "square.onnx", &square_model());
    let samples = written(folder.path(), "square.npy", &square_samples());
    let outputs = folder.path().join("out.npy");
    let dump = outputs.to_str().expect("a plain name");
    let line = refusal(&["evaluate", &model, "--data", &samples]);
    assert!(line.contains("square.npy") && line.contains("--layout nchw or --layout nhwc"), "{line}");
    for (layout, expected) in [("nchw", [0.0, 1.0, 2.0, 3.0]), ("nhwc", [0.0, 2.0, 4.0, 6.0])] {
        json(&["evaluate", &model, "--data", &samples, "--layout", layout, "--dump-outputs", dump, "--json"]);
        let array = npy::read(&fs::read(&outputs).expect("outputs")).expect("an array");
        assert_eq!(array.elements.to_f64(), Some(expected.to_vec()), "{layout}");
    }
    let quantized = folder.path().join("int8.tflite");
    let quantized = quantized.to_str().expect("a plain name");
    assert!(refusal(&["quantize", &model, "--calibrate", &samples, "-o", quantized]).contains("--layout nchw"));
    json(&["quantize", &model, "--calibrate", &samples, "--layout", "nchw", "-o", quantized, "--json"]);
}

/// A project with what its files leave open, as a teammate gets it.
fn project(folder: &Path, model: &str, samples: &str, import: ImportOptions, layout: Option<Layout>) -> PathBuf {
    let mut set = data::open(Path::new(samples)).expect("samples");
    set.layout = layout;
    let source = Source::open_with(Path::new(model), import).expect("a model");
    let job = Job {
        source: Arc::new(source),
        data: Some(Arc::new(set)),
        ranges: None,
        recipe: Recipe::default(),
        device: devices()[0].clone(),
    };
    let path = folder.join("project.ron");
    project_of(&path, &job, Some(Path::new(samples)), None, None).write(&path).expect("a project");
    path
}

#[test]
fn a_project_keeps_what_was_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = written(folder.path(), "square.onnx", &square_model());
    let samples = written(folder.path(), "square.npy", &square_samples());
    let silent = project(folder.path(), &model, &samples, ImportOptions::default(), None);
    let path = silent.to_str().expect("a plain name");
    assert!(refusal(&["run", path]).contains("--layout nchw"));
    json(&["run", path, "--layout", "nchw", "--json"]);
    assert!(refusal(&["run", path]).contains("--layout nchw"), "nothing is kept without --save");
    json(&["run", path, "--layout", "nchw", "--save", "--json"]);
    json(&["run", path, "--json"]);
    assert_eq!(open_project(&silent, Outside::Refuse).expect("a project").job.data.expect("data").layout, Some(Layout::Nchw));

    let model = written(folder.path(), "open.onnx", &open_model());
    let mut zeros = Vec::new();
    npy::write(&mut zeros, "<f4", &[1, 5, 7, 3], &[0; 5 * 7 * 3 * 4]).expect("memory");
    let samples = written(folder.path(), "open.npy", &zeros);
    let dims = [("time".to_owned(), 5), ("x:2".to_owned(), 7)].into();
    let said = project(folder.path(), &model, &samples, ImportOptions { dims }, None);
    let job = open_project(&said, Outside::Refuse).expect("a project").job;
    assert_eq!(job.source.graph.tensor(job.source.graph.inputs[0]).shape, [1, 5, 7, 3]);
    json(&["run", said.to_str().expect("a plain name"), "--json"]);
}
