use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{hdf5, import};
use crate::formats::{ImportOptions, import_bytes, import_bytes_with};
use crate::graph::{Graph, Severity};
use crate::ops::Op;

/// A `.keras` file of a model whose layers have no weights.
fn file(class: &str, config: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let config = format!(r#"{{"class_name": "{class}", "config": {config}}}"#);
    let members = [
        ("metadata.json", br#"{"keras_version": "3.15.1"}"#.to_vec()),
        ("config.json", config.into_bytes()),
        ("model.weights.h5", hdf5::empty()),
    ];
    // As Keras does; a member that is much shorter packed is taken for a bomb.
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in members {
        zip.start_file(name, stored).expect("a member");
        zip.write_all(&bytes).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

/// Layers one after the other, behind an input of this shape.
fn sequential(shape: &str, layers: &[(&str, &str)]) -> Result<Graph, String> {
    let input = format!(r#"{{"class_name": "InputLayer", "config": {{"name": "x", "batch_shape": {shape}}}}}"#);
    let layer = |(index, (class, settings)): (usize, &(&str, &str))| {
        format!(r#"{{"class_name": "{class}", "config": {{"name": "layer_{index}"{settings}}}}}"#)
    };
    let layers: Vec<String> = std::iter::once(input).chain(layers.iter().enumerate().map(layer)).collect();
    let config = format!(r#"{{"name": "m", "layers": [{}]}}"#, layers.join(", "));
    import_bytes("m.keras", &file("Sequential", &config)).map(|import| import.graph).map_err(|error| error.to_string())
}

fn functional(layers: &str, inputs: &str, outputs: &str) -> Result<Graph, String> {
    let config = format!(r#"{{"name": "m", "layers": [{layers}], "input_layers": {inputs}, "output_layers": {outputs}}}"#);
    import_bytes("m.keras", &file("Functional", &config)).map(|import| import.graph).map_err(|error| error.to_string())
}

fn assert_says(outcome: Result<Graph, String>, words: &[&str]) {
    let error = outcome.expect_err("refused");
    assert!(words.iter().all(|word| error.contains(word)) && error.lines().count() == 1, "{error}");
}

#[test]
fn layers_without_weights_need_none() {
    let graph = sequential("[null, 4, 4, 1]", &[("ReLU", ""), ("Flatten", ""), ("Activation", r#", "activation": "softmax""#)]);
    let graph = graph.expect("a model");
    let names: Vec<(&str, &str)> = graph.nodes.iter().map(|node| (node.name.as_str(), node.op.name())).collect();
    assert_eq!(names, [("layer_0", "RELU"), ("layer_1", "RESHAPE"), ("layer_2", "SOFTMAX")]);
    assert_eq!(graph.tensor(graph.outputs[0]).shape, [1, 16]);
}

#[test]
fn what_is_not_read_is_refused_in_words() {
    let pool = r#", "pool_size": 2, "padding": "valid", "data_format": "channels_first""#;
    assert_says(sequential("[null, 4, 4, 1]", &[("MaxPooling2D", pool)]), &["layer_0", "channels_first", "channels_last"]);
    assert_says(sequential("[null, null, 4]", &[("ReLU", "")]), &["\"x\"", "axis 1", "run time", "--dim x:1=N"]);
    assert_says(sequential("[null, 4, 4]", &[("MaxPooling2D", r#", "pool_size": 2, "padding": "valid""#)]), &["4 axes"]);
    assert_says(sequential("[null, 4]", &[("Dense", r#", "units": 3"#)]), &["layer_0", "kernel is missing", "model.save"]);
    assert_says(sequential("[null, 4]", &[("Dense", r#", "units": -3"#)]), &["layer_0", "number of units is -3"]);
    assert_says(sequential("[null, 4]", &[("Conv3D", "")]), &["layer_0", "Conv3D", "TFLiteConverter"]);
    assert_says(sequential("[null, 4]", &[("Lambda", "")]), &["layer_0", "never run"]);
    assert_says(sequential("[null, 4]", &[("Reshape", r#", "target_shape": [3, -1]"#)]), &["layer_0", "cannot become"]);
    let own = import_bytes("m.keras", &file("MyModel", r#"{"name": "mine"}"#)).expect_err("a class of the user").to_string();
    assert!(own.contains("\"mine\"") && own.contains("MyModel") && own.contains("functional"), "{own}");
}

#[test]
fn open_extents_are_what_they_are_said_to_be() {
    let input = r#"{"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, null, 4]}}"#;
    let relu = r#"{"class_name": "ReLU", "config": {"name": "r"}}"#;
    let bytes = file("Sequential", &format!(r#"{{"name": "m", "layers": [{input}, {relu}]}}"#));
    let with = |name: &str, extent| {
        let options = ImportOptions { dims: [(name.to_owned(), extent)].into() };
        import_bytes_with("m.keras", &bytes, &options).map(|import| import.graph)
    };
    let graph = with("x:1", 7).expect("a model");
    assert_eq!(graph.tensor(graph.outputs[0]).shape, [1, 7, 4]);
    let error = with("x:2", 7).expect_err("an extent that is fixed").to_string();
    assert!(error.contains("--dim x:1=N"), "{error}");
    let error = with("x:1", usize::MAX).expect_err("more than memory").to_string();
    assert!(error.lines().count() == 1, "{error}");
}

#[test]
fn what_is_not_known_is_shown() {
    let graph = sequential("[null, 4]", &[("LayerNormalization", ""), ("Activation", r#", "activation": "sparsemax""#)]);
    let graph = graph.expect("a model that can be looked at");
    assert!(graph.nodes.iter().all(|node| matches!(node.op, Op::Unknown(_))));
    let obstacles: Vec<&str> =
        graph.notes.iter().filter(|note| note.severity == Severity::Obstacle).map(|note| note.text.as_str()).collect();
    assert_eq!(obstacles.len(), 2, "{obstacles:?}");
    assert!(obstacles[0].contains("LayerNormalization") && obstacles[1].contains("sparsemax"), "{obstacles:?}");
}

const INPUT: &str =
    r#"{"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_shape": [null, 2]}, "inbound_nodes": []}"#;

fn add(name: &str, sources: &str) -> String {
    format!(r#"{{"class_name": "Add", "name": "{name}", "config": {{"name": "{name}"}}, "inbound_nodes": [[{sources}]]}}"#)
}

#[test]
fn layers_run_in_an_order_in_which_they_can() {
    let layers = [add("b", r#"["a", 0, 0, {}], ["x", 0, 0, {}]"#), INPUT.into(), add("a", r#"["x", 0, 0, {}], ["x", 0, 0, {}]"#)];
    let graph = functional(&layers.join(", "), r#"[["x", 0, 0]]"#, r#"[["b", 0, 0], ["a", 0, 0]]"#).expect("a model");
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(graph.outputs.len(), 2);
}

#[test]
fn circles_and_loose_ends_are_refused() {
    let circle = [INPUT.into(), add("a", r#"["b", 0, 0, {}], ["x", 0, 0, {}]"#), add("b", r#"["a", 0, 0, {}], ["x", 0, 0, {}]"#)];
    assert_says(functional(&circle.join(", "), r#"[["x", 0, 0]]"#, r#"[["b", 0, 0]]"#), &["\"a\"", "waits for its own result"]);
    let loose = [INPUT.into(), add("a", r#"["y", 0, 0, {}], ["x", 0, 0, {}]"#)];
    assert_says(functional(&loose.join(", "), r#"[["x", 0, 0]]"#, r#"[["a", 0, 0]]"#), &["layer \"y\"", "does not have"]);
    assert_says(functional(INPUT, r#"[["x", 0, 0]]"#, r#"[["x", 3, 0]]"#), &["application 3", "\"x\""]);
    assert_says(functional(INPUT, r#"[["x", 0, 0]]"#, "[]"), &["no outputs"]);
}

/// Twelve models, each with the one before in it twice, applied again and again.
#[test]
fn models_within_models_cannot_fill_memory() {
    let sequential = |config: &str| format!(r#"{{"class_name": "Sequential", "config": {config}}}"#);
    let mut inner = r#"{"name": "m", "layers": [{"class_name": "ReLU", "config": {"name": "r"}}]}"#.to_owned();
    for _ in 1..12 {
        let named = |name: &str| sequential(&inner.replacen("\"m\"", &format!("\"{name}\""), 1));
        inner = format!(r#"{{"name": "m", "layers": [{}, {}]}}"#, named("a"), named("b"));
    }
    let input = r#"{"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 2]}}"#;
    let config = format!(r#"{{"name": "outer", "layers": [{input}, {}]}}"#, sequential(&inner));
    // As many layers as the file spells out are sound; a model that is applied again is more than it spells out.
    assert_eq!(
        import(file("Sequential", &config).into(), super::super::options::OpenDims::default()).expect("a model").nodes.len(),
        1 << 11
    );
    let calls = vec![r#"[["x", 0, 0, {}]]"#; 200_000].join(", ");
    let nested = format!(r#"{{"class_name": "Sequential", "name": "m", "config": {inner}, "inbound_nodes": [{calls}]}}"#);
    assert_says(functional(&format!("{INPUT}, {nested}"), r#"[["x", 0, 0]]"#, r#"[["m", 0, 0]]"#), &["unfold to more than"]);
}
