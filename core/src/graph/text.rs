//! A graph as text, the same for equal graphs: for tests, diffs and eyes.
//!
//! Constants appear as their length and a hash of their values, so that a changed weight shows and a dump stays short.

use std::fmt::Write;

use super::{Graph, TensorId};
use crate::quant::Quantization;
use crate::tensor::{Data, Tensor};

/// One line for each tensor and node, then notes.
pub fn dump(graph: &Graph) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut line = |text: String| writeln!(out, "{text}").unwrap_or(());
    line(format!("inputs {} outputs {}", ids(&graph.inputs), ids(&graph.outputs)));
    for (index, tensor) in graph.tensors.iter().enumerate() {
        line(format!("t{index} {}", tensor_text(tensor)));
    }
    for node in &graph.nodes {
        let operands: Vec<String> = node.inputs.iter().map(|id| id.map_or("-".into(), |id| format!("t{}", id.0))).collect();
        line(format!("{:?}: {} = {:?}({})", node.name, ids(&node.outputs), node.op, operands.join(" ")));
    }
    if let Some(plan) = &graph.memory_plan {
        let offsets: Vec<String> = plan.offsets.iter().map(|o| o.map_or("-".into(), |o| o.to_string())).collect();
        line(format!("plan {}", offsets.join(" ")));
    }
    for note in &graph.notes {
        line(format!("{:?} {}: {}", note.severity, note.node.map_or("model", |id| &graph.node(id).name), note.text));
    }
    out
}

fn ids(list: &[TensorId]) -> String {
    list.iter().map(|id| format!("t{}", id.0)).collect::<Vec<_>>().join(" ")
}

fn tensor_text(tensor: &Tensor) -> String {
    let mut text = format!("{:?} {}{:?}", tensor.name, tensor.element.name(), tensor.shape);
    if tensor.is_variable {
        text += " variable";
    }
    if let Some(q) = &tensor.quantization {
        text += &quantization_text(q);
    }
    if let Some(data) = &tensor.data {
        text += &format!(" = {} values {}", data.len(), &hash(data).to_hex()[..12]);
    }
    text
}

fn quantization_text(q: &Quantization) -> String {
    match q.axis {
        None => format!(" scale {:?} zero point {}", q.scale(), q.zero_point()),
        Some(axis) => {
            let (scales, zero_points) = (bytes(&q.scales, |s| s.to_le_bytes()), bytes(&q.zero_points, |z| z.to_le_bytes()));
            let hash = blake3::hash(&[scales, zero_points].concat());
            format!(" {} scales along axis {axis} {}", q.scales.len(), &hash.to_hex()[..12])
        }
    }
}

fn hash(data: &Data) -> blake3::Hash {
    blake3::hash(&match data {
        Data::F32(v) => bytes(v, |x| x.to_le_bytes()),
        Data::F16(v) => bytes(v, |x| x.to_le_bytes()),
        Data::I4(v) | Data::I8(v) => bytes(v, |x| x.to_le_bytes()),
        Data::U8(v) | Data::Bool(v) | Data::Other(_, v) => v.to_vec(),
        Data::I16(v) => bytes(v, |x| x.to_le_bytes()),
        Data::I32(v) => bytes(v, |x| x.to_le_bytes()),
        Data::I64(v) => bytes(v, |x| x.to_le_bytes()),
    })
}

fn bytes<T: Copy, const WIDTH: usize>(values: &[T], to_le_bytes: impl Fn(T) -> [u8; WIDTH]) -> Vec<u8> {
    values.iter().flat_map(|&value| to_le_bytes(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::ElementType;

    #[test]
    fn a_dump_shows_a_changed_weight() {
        let graph = |weight: f32| {
            let mut graph = Graph::default();
            let x = graph.add_tensor(Tensor::activation("x", ElementType::F32, [1, 2]));
            graph.add_tensor(Tensor::constant("w", [2], Data::F32([weight, 0.0].into())));
            graph.inputs.push(x);
            graph.outputs.push(x);
            graph
        };
        let text = dump(&graph(1.0));
        assert!(text.starts_with("inputs t0 outputs t0\nt0 \"x\" float32[1, 2]\nt1 \"w\" float32[2] = 2 values "), "{text}");
        assert_eq!(text, dump(&graph(1.0)));
        assert_ne!(text, dump(&graph(1.5)));
    }
}
