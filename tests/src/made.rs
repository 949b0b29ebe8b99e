//! Files made for tests and benches: ONNX messages, Keras archives, chains of dense layers, each followed by a ReLU, in each
//! of the formats.

use std::io::{Cursor, Write};

use hdf5_pure::{AttrValue, FileBuilder, FinishedGroup, GroupBuilder};
pub use zip::CompressionMethod;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The weights of one layer.
fn kernel(width: usize) -> Vec<f32> {
    (0..width * width).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect()
}

/// A protobuf message as it grows. Field numbers below are those of `onnx.proto`.
#[derive(Clone, Debug, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    /// With a number in a field.
    pub fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    /// With bytes in a field: text, a packed list, a message.
    pub fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// An ONNX file.
pub fn onnx(nodes: &[Message], initializers: &[Message], inputs: &[Message], outputs: &[Message]) -> Vec<u8> {
    let lists = [(1, nodes), (5, initializers), (11, inputs), (12, outputs)];
    let entries = lists.into_iter().flat_map(|(field, list)| list.iter().map(move |message| (field, message)));
    let graph = entries.fold(Message::default(), |graph, (field, message)| graph.bytes(field, &message.0));
    onnx_model(&graph.0)
}

/// An ONNX file around the bytes of a graph.
pub fn onnx_model(graph: &[u8]) -> Vec<u8> {
    let opset = Message::default().number(2, 17);
    Message::default().number(1, 8).bytes(8, opset.0).bytes(7, graph).0
}

/// An ONNX node.
pub fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let names = inputs.iter().map(|name| (1, name)).chain(outputs.iter().map(|name| (2, name)));
    names.fold(Message::default(), |node, (field, name)| node.bytes(field, name)).bytes(4, operator)
}

/// An attribute of an ONNX node that is a list of integers, ready for field 5 of the node.
pub fn integers(name: &str, values: &[i64]) -> Message {
    let attribute = Message::default().bytes(1, name).number(20, 7);
    values.iter().fold(attribute, |attribute, &value| attribute.number(8, value as u64))
}

/// A constant of an ONNX graph: extents, the number of its type (1 float32, 7 int64), its bytes.
pub fn constant(name: &str, extents: &[u64], element: u64, raw: &[u8]) -> Message {
    let tensor = extents.iter().fold(Message::default(), |tensor, &extent| tensor.number(1, extent));
    tensor.number(2, element).bytes(8, name).bytes(9, raw)
}

/// 64-bit integers as a constant.
pub fn list(name: &str, values: &[i64]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    constant(name, &[values.len() as u64], 7, &raw)
}

/// A float input or output of an ONNX graph; an extent is a number, or a name where it is open.
pub fn port(name: &str, extents: &[Result<u64, &str>]) -> Message {
    let shape = extents.iter().fold(Message::default(), |shape, extent| {
        let dimension = match extent {
            Ok(extent) => Message::default().number(1, *extent),
            Err(name) => Message::default().bytes(2, name),
        };
        shape.bytes(1, dimension.0)
    });
    let tensor = Message::default().number(1, 1).bytes(2, shape.0);
    let kind = Message::default().bytes(1, tensor.0);
    Message::default().bytes(1, name).bytes(2, kind.0)
}

/// An ONNX file of dense layers.
pub fn onnx_chain(layers: usize, width: usize) -> Vec<u8> {
    let raw: Vec<u8> = kernel(width).into_iter().flat_map(f32::to_le_bytes).collect();
    let layer = |i: usize| {
        let [w, g, from, to] = [format!("w{i}"), format!("g{i}"), format!("r{i}"), format!("r{}", i + 1)];
        [node("Gemm", &[&from, &w], &[&g]), node("Relu", &[&g], &[&to])]
    };
    let nodes: Vec<Message> = (0..layers).flat_map(layer).collect();
    let width = width as u64;
    let weights: Vec<Message> = (0..layers).map(|i| constant(&format!("w{i}"), &[width, width], 1, &raw)).collect();
    let ports = ["r0".to_owned(), format!("r{layers}")].map(|name| port(&name, &[Ok(1), Ok(width)]));
    onnx(&nodes, &weights, &ports[..1], &ports[1..])
}

/// The architecture as Keras 3 writes it.
pub fn architecture(layers: usize, width: usize) -> String {
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

/// A `.keras` archive with these members, which are not compressed.
pub fn archive(config: &str, weights: &[u8]) -> Vec<u8> {
    let members = [
        ("metadata.json", br#"{"keras_version": "3.15.1"}"#.as_slice()),
        ("config.json", config.as_bytes()),
        ("model.weights.h5", weights),
    ];
    zip(&members, CompressionMethod::Stored)
}

/// A zip archive.
pub fn zip(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).expect("a member");
        zip.write_all(bytes).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

/// An HDF5 file without anything in it.
pub fn no_weights() -> Vec<u8> {
    FileBuilder::new().finish().expect("memory")
}

/// A `.keras` archive of dense layers.
pub fn keras_chain(layers: usize, width: usize) -> Vec<u8> {
    archive(&architecture(layers, width), &weights(layers, width))
}

/// The weights of dense layers as a `.keras` archive holds them.
pub fn weights(layers: usize, width: usize) -> Vec<u8> {
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
    file.finish().expect("memory")
}

/// An `.h5` file of dense layers, as Keras 2 and 3 write it.
pub fn h5_chain(layers: usize, width: usize) -> Vec<u8> {
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
