//! What firmware needs to know of a compact model, as a Rust module beside the file.

use std::fmt::Write;

use super::{CompactModel, Encoding};
use crate::export::NamedFile;
use crate::export::c_text::identifier;
use crate::graph::{Graph, TensorId};

/// The model as `NAME.tin`, and `NAME_tin.rs`, which includes it and says how much memory it takes.
pub fn files(name: &str, graph: &Graph, model: &CompactModel) -> Vec<NamedFile> {
    let name = identifier(name);
    let module = NamedFile { name: format!("{name}_tin.rs"), bytes: module(&name, graph, model).into_bytes() };
    vec![NamedFile { name: format!("{name}.tin"), bytes: model.bytes.clone() }, module]
}

fn module(name: &str, graph: &Graph, model: &CompactModel) -> String {
    let mut text = format!(
        "//! {name}: a model for Tinsmith's runtime (the crate `tinsmith-runtime`, no_std).\n\
         //! Made by Tinsmith {}; export again rather than edit. blake3 {}\n//!\n",
        env!("CARGO_PKG_VERSION"),
        &blake3::hash(&model.bytes).to_hex()[..16],
    );
    text += "//! Parse `MODEL` once, then run it as often as need be, with `ARENA_BYTES` and `WORKSPACE_BYTES` of memory:\n//!\n\
             //! ```text\n//! let model = tinsmith_runtime::model::Model::parse(MODEL)?;\n\
             //! model.run(&mut arena, &mut workspace, &[&input], &mut [&mut output])?;\n//! ```\n//!\n";
    text += "//! | weights | coding | values | bytes |\n//! | --- | --- | ---: | ---: |\n";
    for (index, tensor) in model.weights.iter().enumerate() {
        let encoding: Encoding = tensor.encoding;
        writeln!(text, "//! | {index} | {encoding} | {} | {} |", tensor.values, tensor.bytes)
            .expect("writing to a string succeeds");
    }
    let mut constant = |what: &str, name: String, value: usize| {
        writeln!(text, "\n/// {what}\npub const {name}: usize = {value};").expect("writing to a string succeeds");
    };
    constant("Bytes of RAM for activations.", "ARENA_BYTES".into(), model.arena_bytes);
    constant("Bytes of RAM for decoding weights, and for the state of an LSTM.", "WORKSPACE_BYTES".into(), model.workspace_bytes);
    let ports = [("Input", &graph.inputs), ("Output", &graph.outputs)];
    for (kind, ids) in ports {
        for (index, id) in ids.iter().enumerate() {
            let suffix = if ids.len() == 1 { String::new() } else { format!("_{index}") };
            let what = format!("{kind}: {}", port(graph, *id));
            constant(&what, format!("{}{suffix}_BYTES", kind.to_ascii_uppercase()), graph.tensor(*id).n_bytes());
        }
    }
    text + &format!("\n/// The model.\npub static MODEL: &[u8] = include_bytes!(\"{name}.tin\");\n")
}

/// `int8 [1, 49, 10, 1], real = (q - 83) * 0.58`.
fn port(graph: &Graph, id: TensorId) -> String {
    let tensor = graph.tensor(id);
    let real = tensor.quantization.as_ref().map(|q| format!(", real = (q - {}) * {:?}", q.zero_point(), q.scale()));
    format!("{} {:?}{}", tensor.element.name(), tensor.shape, real.unwrap_or_default())
}
