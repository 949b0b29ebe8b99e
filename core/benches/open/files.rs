//! Models to open: dense layers of one width, each followed by a ReLU, in each of the formats.

use std::io::{Cursor, Write};

use hdf5_pure::{AttrValue, FileBuilder, FinishedGroup, GroupBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The weights of one layer.
fn kernel(width: usize) -> Vec<f32> {
    (0..width * width).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect()
}

/// An ONNX file. Field numbers are those of `onnx.proto`.
pub fn onnx(layers: usize, width: usize) -> Vec<u8> {
    let raw: Vec<u8> = kernel(width).into_iter().flat_map(f32::to_le_bytes).collect();
    let mut graph = Vec::new();
    for i in 0..layers {
        for (operator, inputs, output) in
            [("Gemm", vec![format!("r{i}"), format!("w{i}")], format!("g{i}")), ("Relu", vec![format!("g{i}")], format!("r{}", i + 1))]
        {
            let mut node = Vec::new();
            inputs.iter().for_each(|input| text(&mut node, 1, input));
            text(&mut node, 2, &output);
            text(&mut node, 4, operator);
            field(&mut graph, 1, &node);
        }
    }
    for i in 0..layers {
        let mut tensor = Vec::new();
        (0..2).for_each(|_| number(&mut tensor, 1, width as u64));
        number(&mut tensor, 2, 1);
        text(&mut tensor, 8, &format!("w{i}"));
        field(&mut tensor, 9, &raw);
        field(&mut graph, 5, &tensor);
    }
    field(&mut graph, 11, &value("r0", width));
    field(&mut graph, 12, &value(&format!("r{layers}"), width));
    let mut opset = Vec::new();
    number(&mut opset, 2, 17);
    let mut model = Vec::new();
    number(&mut model, 1, 8);
    field(&mut model, 8, &opset);
    field(&mut model, 7, &graph);
    model
}

/// A float input or output of shape `[1, width]`.
fn value(name: &str, width: usize) -> Vec<u8> {
    let mut shape = Vec::new();
    for extent in [1, width] {
        let mut dimension = Vec::new();
        number(&mut dimension, 1, extent as u64);
        field(&mut shape, 1, &dimension);
    }
    let mut tensor = Vec::new();
    number(&mut tensor, 1, 1);
    field(&mut tensor, 2, &shape);
    let mut kind = Vec::new();
    field(&mut kind, 1, &tensor);
    let mut value = Vec::new();
    text(&mut value, 1, name);
    field(&mut value, 2, &kind);
    value
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn field(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn text(out: &mut Vec<u8>, number: u64, text: &str) {
    field(out, number, text.as_bytes());
}

/// The architecture as Keras 3 writes it.
fn architecture(layers: usize, width: usize) -> String {
    let mut list = vec![format!(r#"{{"class_name": "InputLayer", "config": {{"name": "x", "batch_shape": [null, {width}]}}}}"#)];
    for i in 0..layers {
        list.push(format!(
            r#"{{"class_name": "Dense", "config": {{"name": "{}", "units": {width}, "activation": "linear", "use_bias": false}}}}"#,
            counted("dense", i)
        ));
        list.push(format!(
            r#"{{"class_name": "Activation", "config": {{"name": "{}", "activation": "relu"}}}}"#,
            counted("activation", i)
        ));
    }
    format!(r#"{{"class_name": "Sequential", "config": {{"name": "chain", "layers": [{}]}}}}"#, list.join(", "))
}

/// What Keras calls the `i`-th layer of a kind.
fn counted(kind: &str, i: usize) -> String {
    if i == 0 { kind.to_owned() } else { format!("{kind}_{i}") }
}

/// A `.keras` archive.
pub fn keras(layers: usize, width: usize) -> Vec<u8> {
    let (mut file, values) = (FileBuilder::new(), kernel(width));
    let mut container = file.create_group("layers");
    for i in 0..layers {
        for (kind, values) in [("dense", Some(values.as_slice())), ("activation", None)] {
            let mut layer = container.create_group(&counted(kind, i));
            let vars = layer.create_group("vars");
            layer.add_group(arrays(vars, "0", width, values));
            container.add_group(layer.finish());
        }
    }
    file.add_group(container.finish());
    let weights = file.finish().expect("memory");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Keras does not compress.
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let config = architecture(layers, width);
    let members = [
        ("metadata.json", br#"{"keras_version": "3.15.1"}"#.as_slice()),
        ("config.json", config.as_bytes()),
        ("model.weights.h5", &weights),
    ];
    for (name, bytes) in members {
        zip.start_file(name, stored).expect("a member");
        zip.write_all(bytes).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

/// An `.h5` file as Keras 2 and 3 write it.
pub fn h5(layers: usize, width: usize) -> Vec<u8> {
    let (mut file, values) = (FileBuilder::new(), kernel(width));
    file.set_attr("keras_version", AttrValue::String("3.15.1".into()));
    file.set_attr("model_config", AttrValue::VarLenString(architecture(layers, width)));
    let mut container = file.create_group("model_weights");
    for i in 0..layers {
        let name = counted("dense", i);
        let mut layer = container.create_group(&name);
        layer.set_attr("weight_names", AttrValue::StringArray(vec![format!("{name}/kernel")]));
        let inner = layer.create_group(&name);
        layer.add_group(arrays(inner, "kernel", width, Some(&values)));
        container.add_group(layer.finish());
        let activation = container.create_group(&counted("activation", i));
        container.add_group(activation.finish());
    }
    file.add_group(container.finish());
    file.finish().expect("memory")
}

/// A group with one square array in it, or none.
fn arrays(mut group: GroupBuilder, name: &str, width: usize, values: Option<&[f32]>) -> FinishedGroup {
    if let Some(values) = values {
        group.create_dataset(name).with_f32_data(values).with_shape(&[width as u64, width as u64]);
    }
    group.finish()
}
