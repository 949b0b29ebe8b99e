//! ONNX and Keras files made to do harm: bombs, circles, absurd shapes, extents that lie. The answer is a graph or one line.

use std::time::{Duration, Instant};

use tinsmith_core::formats::import_bytes;
use tinsmith_tests::hostile::exercise;
use tinsmith_tests::made::{self, CompressionMethod, Message, constant, integers, list, node, port};

/// What any of these files may take, in a build without optimization on a machine that does other things as well.
const LIMIT: Duration = Duration::from_secs(5);

/// Exercises a file; what was said of it, or nothing if it was taken.
fn answer(name: &str, file: &[u8]) -> Option<String> {
    let start = Instant::now();
    let answer = exercise(file).err().map(|error| error.to_string());
    assert!(start.elapsed() < LIMIT, "{name}: {:?}", start.elapsed());
    println!("{name}: {}", answer.as_deref().unwrap_or("taken"));
    answer
}

/// A file that has to be refused, in words that hold these.
fn refused(name: &str, file: &[u8], words: &[&str]) {
    let error = answer(name, file).unwrap_or_else(|| panic!("{name} is taken"));
    assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}");
}

/// An ONNX file of one chain from `x` of these extents to `y`.
fn onnx(extents: &[u64], nodes: &[Message], constants: &[Message]) -> Vec<u8> {
    let extents: Vec<Result<u64, &str>> = extents.iter().map(|&extent| Ok(extent)).collect();
    made::onnx(nodes, constants, &[port("x", &extents)], &[port("y", &[])])
}

/// A `.keras` file of these layers behind an input of this shape.
fn keras(shape: &str, layers: &[&str]) -> Vec<u8> {
    let input = format!(r#"{{"class_name": "InputLayer", "config": {{"name": "x", "batch_shape": {shape}}}}}"#);
    let layers: Vec<&str> = std::iter::once(input.as_str()).chain(layers.iter().copied()).collect();
    let config = format!(r#"{{"class_name": "Sequential", "config": {{"name": "m", "layers": [{}]}}}}"#, layers.join(", "));
    made::archive(&config, &made::no_weights())
}

#[test]
fn extents_beyond_all_memory_are_refused() {
    const HUGE: u64 = 1 << 40;
    let relu = [node("Relu", &["x"], &["y"])];
    for extents in [vec![1, HUGE], vec![1, 1 << 31, 1 << 31, 1 << 31], vec![1, i64::MAX as u64], vec![1, u64::MAX]] {
        refused("input", &onnx(&extents, &relu, &[]), &["\"x\""]);
    }
    let add = [node("Add", &["x", "w"], &["y"])];
    for extents in [vec![HUGE], vec![1 << 32, 1 << 32], vec![u64::MAX], vec![i64::MAX as u64, 2]] {
        refused("initializer", &onnx(&[1, 4], &add, &[constant("w", &extents, 1, &[0; 16])]), &["\"w\""]);
    }
    for shape in [r"[null, 1099511627776]", r"[null, 4294967296, 4294967296, 4294967296]", r"[null, 18446744073709551615]"] {
        refused("keras input", &keras(shape, &[]), &["x"]);
    }
}

/// Layers that turn a few numbers into more than any memory.
#[test]
fn layers_cannot_blow_a_tensor_up() {
    const FAR: i64 = 1 << 40;
    let grown = [
        ("Pad", onnx(&[1, 4], &[node("Pad", &["x", "p"], &["y"])], &[list("p", &[0, FAR, 0, FAR])])),
        ("Expand", onnx(&[1, 1], &[node("Expand", &["x", "p"], &["y"])], &[list("p", &[FAR, FAR])])),
        ("Tile", onnx(&[1, 4], &[node("Tile", &["x", "p"], &["y"])], &[list("p", &[FAR, FAR])])),
        ("Reshape", onnx(&[1, 4], &[node("Reshape", &["x", "p"], &["y"])], &[list("p", &[FAR, -1])])),
        ("Resize", onnx(&[1, 1, 4, 4], &[node("Resize", &["x", "", "", "p"], &["y"])], &[list("p", &[1, 1, FAR, FAR])])),
    ];
    for (name, file) in grown {
        refused(name, &file, &[name]);
    }
    let layers = [
        r#"{"class_name": "UpSampling2D", "config": {"name": "l", "size": [1000000000, 1000000000], "interpolation": "nearest"}}"#,
        r#"{"class_name": "ZeroPadding2D", "config": {"name": "l", "padding": [[1000000000, 1000000000], [1000000000, 0]]}}"#,
        r#"{"class_name": "Reshape", "config": {"name": "l", "target_shape": [4611686018427387904, 4]}}"#,
        r#"{"class_name": "MaxPooling2D", "config": {"name": "l", "pool_size": 0, "strides": 0, "padding": "same"}}"#,
        r#"{"class_name": "Cropping2D", "config": {"name": "l", "cropping": [[1000000000, 1000000000], [0, 0]]}}"#,
        r#"{"class_name": "Permute", "config": {"name": "l", "dims": [9, 9, 9]}}"#,
    ];
    for layer in layers {
        refused("keras layer", &keras("[null, 4, 4, 1]", &[layer]), &["\"l\""]);
    }
    // One after the other, each within what is allowed.
    let doubling = r#"{"class_name": "UpSampling2D", "config": {"name": "l", "size": 8, "interpolation": "nearest"}}"#;
    refused("keras doubling", &keras("[null, 4, 4, 1]", &[doubling; 40]), &["l"]);
}

/// Constants that are computed while importing must not grow without end either.
#[test]
fn folding_is_bounded() {
    let mut nodes = vec![node("Concat", &["c", "c"], &["c0"]).bytes(5, axis(0).0)];
    for i in 0..60 {
        let (from, to) = (format!("c{i}"), format!("c{}", i + 1));
        nodes.push(node("Concat", &[&from, &from], &[&to]).bytes(5, axis(0).0));
    }
    nodes.push(node("Add", &["x", "c60"], &["y"]));
    refused("Concat of itself", &onnx(&[1, 4], &nodes, &[constant("c", &[4], 1, &[0; 16])]), &["Concat"]);
    for (operator, operands) in [("ConstantOfShape", vec!["p"]), ("Expand", vec!["c", "p"]), ("Tile", vec!["c", "p"])] {
        for extents in [vec![1 << 40], vec![1 << 31, 1 << 31, 1 << 31], vec![i64::MAX], vec![-5]] {
            let nodes = [node(operator, &operands, &["s"]), node("Add", &["x", "s"], &["y"])];
            let constants = [list("p", &extents), constant("c", &[1], 1, &[0; 4])];
            answer(operator, &onnx(&[1, 4], &nodes, &constants));
        }
    }
    let range = [node("Range", &["a", "b", "d"], &["s"]), node("Add", &["x", "s"], &["y"])];
    let scalar = |name: &str, value: i64| constant(name, &[], 7, &value.to_le_bytes());
    answer("Range", &onnx(&[1, 4], &range, &[scalar("a", 0), scalar("b", i64::MAX), scalar("d", 1)]));
    answer("Range of steps 0", &onnx(&[1, 4], &range, &[scalar("a", 0), scalar("b", 5), scalar("d", 0)]));
}

fn axis(axis: u64) -> Message {
    Message::default().bytes(1, "axis").number(20, 2).number(3, axis)
}

#[test]
fn circles_of_any_length_are_found() {
    for n in [1, 2, 1000] {
        let (names, constants) = ((0..n).map(|i| format!("v{i}")).collect::<Vec<_>>(), []);
        let ring = (0..n).map(|i| node("Add", &[&names[i], "x"], &[&names[(i + 1) % n]]));
        let nodes: Vec<Message> = ring.chain([node("Relu", &["v0"], &["y"])]).collect();
        refused("ring", &onnx(&[1, 4], &nodes, &constants), &["v"]);
        let layer = |i: usize| {
            let source = format!(r#"["l{}", 0, 0, {{}}], ["x", 0, 0, {{}}]"#, (i + 1) % n);
            format!(r#"{{"class_name": "Add", "name": "l{i}", "config": {{"name": "l{i}"}}, "inbound_nodes": [[{source}]]}}"#)
        };
        let input = r#"{"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_shape": [null, 4]}, "inbound_nodes": []}"#;
        let layers: Vec<String> = std::iter::once(input.to_owned()).chain((0..n).map(layer)).collect();
        let config = format!(
            r#"{{"class_name": "Functional", "config": {{"name": "m", "layers": [{}], "input_layers": [["x", 0, 0]], "output_layers": [["l0", 0, 0]]}}}}"#,
            layers.join(", ")
        );
        refused("keras ring", &made::archive(&config, &made::no_weights()), &["waits for its own result"]);
    }
}

/// Attributes and settings that no layer can have.
#[test]
fn absurd_settings_are_survived() {
    let weights = constant("w", &[1, 1, 3, 3], 1, &[0; 36]);
    let absurd = [0, -1, i64::MAX, i64::MIN, 1 << 33];
    for name in ["strides", "dilations", "pads", "kernel_shape"] {
        for value in absurd {
            let values = vec![value; if name == "pads" { 4 } else { 2 }];
            let conv = node("Conv", &["x", "w"], &["y"]).bytes(5, integers(name, &values).0);
            answer("Conv", &onnx(&[1, 1, 8, 8], &[conv], std::slice::from_ref(&weights)));
            let pool = node("MaxPool", &["x"], &["y"]).bytes(5, integers(name, &values).0);
            answer("MaxPool", &onnx(&[1, 1, 8, 8], &[pool], &[]));
        }
    }
    for operator in
        ["Transpose", "Squeeze", "Unsqueeze", "ReduceMean", "Flatten", "Softmax", "Concat", "Gather", "Split", "Slice"]
    {
        for value in absurd {
            let node = node(operator, &["x", "p"], &["y"]).bytes(5, axis(value as u64).0).bytes(5, integers("axes", &[value]).0);
            answer(operator, &onnx(&[1, 4, 4], &[node], &[list("p", &[value])]));
        }
    }
    let conv = |kernel: &str, strides: &str, dilation: &str| {
        format!(
            r#""filters": 2, "kernel_size": [{kernel}], "strides": [{strides}], "dilation_rate": [{dilation}], "padding": "same", "activation": "linear", "use_bias": false"#
        )
    };
    let recurrent = r#""activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": true"#;
    for value in ["0", "-1", "1e300", "9223372036854775807", "null", "[1]", "\"a\"", "{}"] {
        let layers = [
            ("Dense", format!(r#""units": {value}"#)),
            ("Conv1D", conv(value, "1", "1")),
            ("Conv1D", conv("1", value, "1")),
            ("Conv1D", conv("1", "1", value)),
            ("LSTM", format!(r#""units": {value}, {recurrent}"#)),
            ("GRU", format!(r#""units": {value}, {recurrent}"#)),
        ];
        for (class, settings) in layers {
            let layer = format!(r#"{{"class_name": "{class}", "config": {{"name": "l", {settings}}}}}"#);
            refused(class, &keras("[null, 4, 4]", &[&layer]), &["\"l\""]);
        }
    }
}

/// Members that inflate to far more than the archive, in their headers and in truth.
#[test]
fn zip_bombs_do_not_go_off() {
    let spaces = vec![b' '; 32 << 20];
    let weights = made::no_weights();
    for (name, config, weights) in [("config", spaces.as_slice(), weights.as_slice()), ("weights", b"{}", spaces.as_slice())] {
        let members = [("metadata.json", b"{}".as_slice()), ("config.json", config), ("model.weights.h5", weights)];
        let file = made::zip(&members, CompressionMethod::Deflated);
        assert!(file.len() < 100_000, "a bomb is small");
        refused(name, &file, &["once inflated, over"]);
        refused("bomb with a lie", &lying(file), &[]);
    }
    // As many members as an archive can list.
    let names: Vec<String> = (0..60_000).map(|i| i.to_string()).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    refused("many members", &made::zip(&members, CompressionMethod::Stored), &["no config.json"]);
}

/// An archive whose directory says that every member is 100 bytes long.
fn lying(mut file: Vec<u8>) -> Vec<u8> {
    // Where the length stands in the header of a member, and in its entry in the directory.
    for (signature, at) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let places: Vec<usize> = (0..file.len() - 30).filter(|&i| file[i..].starts_with(signature)).collect();
        places.into_iter().for_each(|i| file[i + at..i + at + 4].copy_from_slice(&100u32.to_le_bytes()));
    }
    file
}

/// Text that nests deeper than any stack, and text that repeats itself.
#[test]
fn depth_and_length_of_settings_do_no_harm() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for depth in [100, 10_000, 1_000_000] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            refused("deep", &made::archive(&deep, &made::no_weights()), &[]);
            let layer = format!(r#"{{"class_name": "ReLU", "config": {{"name": "l", "max_value": {deep}}}}}"#);
            answer("deep setting", &keras("[null, 4]", &[&layer]));
        }
    }
    let long = "n".repeat(1 << 20);
    let layer = format!(r#"{{"class_name": "ReLU", "config": {{"name": "{long}"}}}}"#);
    answer("long name", &keras("[null, 4]", &[&layer]));
    let nodes: Vec<Message> = vec![node("Relu", &["x"], &[&long]), node("Relu", &[&long], &["y"])];
    answer("long value", &onnx(&[1, 4], &nodes, &[]));
    // Subgraphs within subgraphs.
    let mut graph = Message::default();
    for _ in 0..2000 {
        let attribute = Message::default().bytes(1, "body").number(20, 5).bytes(6, &graph.0);
        graph = Message::default().bytes(1, node("Loop", &["x"], &["y"]).bytes(5, attribute.0).0);
    }
    let attribute = Message::default().bytes(1, "body").number(20, 5).bytes(6, &graph.0);
    answer("nested", &onnx(&[1, 4], &[node("Loop", &["x"], &["y"]).bytes(5, attribute.0)], &[]));
}

/// What is made here is sound where it means to be, so that the tests above test what they say.
#[test]
fn what_is_made_here_is_sound() {
    for (name, file) in [
        ("onnx", made::onnx_chain(50, 4)),
        ("keras", made::keras_chain(50, 4)),
        ("h5", made::h5_chain(50, 4)),
        ("one layer", onnx(&[1, 4], &[node("Relu", &["x"], &["y"])], &[])),
    ] {
        assert_eq!(answer(name, &file), None);
    }
    let graph = import_bytes("chain", &made::h5_chain(50, 4)).expect("a model").graph;
    assert_eq!(graph.nodes.len(), 100);
}

/// An open extent is asked for by the name of the option that says it.
#[test]
fn open_extents_name_the_option() {
    let relu = [node("Relu", &["x"], &["y"])];
    let file = made::onnx(&relu, &[], &[port("x", &[Err("batch"), Err("time"), Ok(3)])], &[port("y", &[])]);
    refused("named", &file, &["--dim time=N", "axis 1 (\"time\")"]);
    let file = made::onnx(&relu, &[], &[port("x", &[Err("batch"), Err(""), Ok(3)])], &[port("y", &[])]);
    refused("without a name", &file, &["--dim x:1=N"]);
    refused("keras", &keras("[null, null, 3]", &[]), &["--dim x:1=N"]);
}
