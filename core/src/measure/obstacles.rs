//! What a device or TensorFlow Lite Micro cannot do with a model, found before anything is flashed.

use super::device::Device;
use super::figures::per_channel_dense;
use super::latency::arithmetic;
use super::{ArenaFigures, SizeFigures};
use crate::graph::{Graph, Node, NodeId, Note, Severity};
use crate::ops::hybrid::is_hybrid;
use crate::ops::{BinaryKind, Lstm, Op, Operands, ReduceKind, Unary};
use crate::tensor::ElementType;

/// Inputs that TFLM's CONCATENATION takes.
const MAX_CONCATENATION_INPUTS: usize = 10;

/// Obstacles and warnings of `graph` on `device`, node by node and then the whole.
pub fn obstacles(graph: &Graph, device: &Device, size: &SizeFigures, arena: &ArenaFigures) -> Vec<Note> {
    let mut notes: Vec<Note> = graph.node_ids().filter_map(|id| node_obstacle(graph, id)).collect();
    notes.extend(memory_obstacles(device, size, arena));
    if let Some(arithmetic) = arithmetic(graph)
        && device.stack().rate(arithmetic).is_none()
    {
        let text = format!(
            "no published {} latency for {} with {}: latency and energy are not estimated",
            if arithmetic == super::device::Arithmetic::Int8 { "int8" } else { "float" },
            device.name,
            device.stack().name
        );
        notes.push(Note { node: None, severity: Severity::Info, text });
    }
    notes
}

fn node_obstacle(graph: &Graph, id: NodeId) -> Option<Note> {
    let node = graph.node(id);
    let (severity, text) = refused(graph, node).map(|t| (Severity::Obstacle, t)).or_else(|| doubtful(graph, node))?;
    Some(Note { node: Some(id), severity, text: format!("{}: {text}", node.name) })
}

/// Why TFLM does not run this node.
fn refused(graph: &Graph, node: &Node) -> Option<String> {
    let name = node.op.name();
    let element = |index| graph.input(node, index).map(|t| t.element);
    match &node.op {
        Op::Unknown(op) if op.is_custom => return Some(format!("custom operator {name} runs only in its author's runtime")),
        Op::Unknown(_) => return Some(format!("operator {name} is not exported")),
        Op::Gru(_) => return Some("no TensorFlow Lite operator is a GRU: it can be looked at and run here, not exported".into()),
        Op::Lstm(_) if Lstm::couples_gates(&Operands::new(graph, node)) => {
            return Some("an LSTM without an input gate of its own: TensorFlow Lite Micro has no kernel for it".into());
        }
        _ if lacks_kernel(&node.op) => return Some(format!("TensorFlow Lite Micro has no kernel for {name}")),
        Op::Dequantize(_) if element(0) == Some(ElementType::F16) => {
            return Some("TensorFlow Lite Micro does not run float16 weights: export float32 or int8".into());
        }
        Op::Concatenation(_) if node.inputs.len() > MAX_CONCATENATION_INPUTS => {
            return Some(format!("{} inputs, TensorFlow Lite Micro joins at most {MAX_CONCATENATION_INPUTS}", node.inputs.len()));
        }
        _ => {}
    }
    if element(1) == Some(ElementType::I4) && node.op.has_weights() && per_channel_dense(graph, node).is_some() {
        return Some("4-bit weights with a scale for each channel: TensorFlow Lite Micro has no such dense kernel".into());
    }
    if is_hybrid(graph, node) {
        return Some(
            "hybrid (integer weights, float activations): TensorFlow Lite Micro cannot run it, quantize activations too".into(),
        );
    }
    (node.op.has_weights() && element(0) == Some(ElementType::U8))
        .then(|| format!("TensorFlow Lite Micro has no uint8 kernel for {name}: quantize to int8"))
}

/// TFLite operators that TFLM lacks.
fn lacks_kernel(op: &Op) -> bool {
    match op {
        Op::Unary(op) => matches!(op, Unary::ReluN1To1 | Unary::Relu0To1 | Unary::Gelu { .. }),
        Op::Binary(op) => op.kind == BinaryKind::Pow,
        Op::Reduce(op) => op.kind == ReduceKind::Prod,
        Op::SimpleRnn(_) => true,
        _ => false,
    }
}

/// What runs, but perhaps not as expected.
fn doubtful(graph: &Graph, node: &Node) -> Option<(Severity, String)> {
    if per_channel_dense(graph, node).is_some() {
        let text = "a scale for each channel: TensorFlow Lite Micro before 2025 ignores all but the first and is silently wrong";
        return Some((Severity::Warning, text.into()));
    }
    if node.op.has_weights() && graph.input(node, 1).is_some_and(|weights| weights.element == ElementType::I4) {
        let text =
            "4-bit weights: TensorFlow Lite Micro unpacks them into RAM at each inference, which the latency does not count";
        return Some((Severity::Info, text.into()));
    }
    let scale = |tensor: Option<&crate::tensor::Tensor>| tensor?.quantization.as_ref().map(|q| (q.scale(), q.zero_point()));
    let (input, output) = (scale(graph.input(node, 0)), scale(graph.output(node, 0)));
    (matches!(node.op, Op::Unary(Unary::Relu6)) && input != output).then(|| {
        (Severity::Warning, "TensorFlow Lite Micro's RELU6 does not rescale: fuse it, or give both sides one scale".into())
    })
}

fn memory_obstacles(device: &Device, size: &SizeFigures, arena: &ArenaFigures) -> Vec<Note> {
    let note = |severity, text| Note { node: None, severity, text };
    let mut notes = Vec::new();
    if size.file_bytes > device.flash_bytes {
        let text = format!("the model takes {} bytes, {} has {} of flash", size.file_bytes, device.name, device.flash_bytes);
        notes.push(note(Severity::Obstacle, text));
    }
    let needed = arena.arena_mcu32_bytes;
    if needed > device.ram_bytes {
        let lack = format!("the arena takes {needed} bytes, {} has {} of RAM", device.name, device.ram_bytes);
        notes.push(match device.psram_bytes {
            Some(psram) if needed <= psram => note(Severity::Warning, format!("{lack}; it fits its slow external RAM")),
            _ => note(Severity::Obstacle, lack),
        });
    }
    notes
}
