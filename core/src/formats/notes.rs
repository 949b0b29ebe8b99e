//! What the user should know of a model that was just read, whatever its format.

use std::collections::HashSet;

use super::error::quoted;
use crate::graph::{Graph, Node, NodeId, Note, Severity};
use crate::ops::hybrid::{dynamic_range, is_hybrid};
use crate::ops::{Op, OpError, Operands};
use crate::tensor::ElementType;

/// Adds notes to a graph that is well formed. What the format itself had to say is there already.
pub(super) fn add(graph: &mut Graph) {
    // Where the importer has said why it does not know an operator, that is enough.
    let explained: HashSet<NodeId> = graph.notes.iter().filter_map(|note| note.node).collect();
    let unexplained = graph.node_ids().filter(|id| !explained.contains(id));
    let mut notes: Vec<Note> = unexplained.filter_map(|id| operands_note(graph, id)).collect();
    notes.extend(hybrid_note(graph));
    notes.extend(half_precision_note(graph));
    graph.notes.extend(notes);
}

/// Whether a node's operands fit it, and give the shapes that the file declares.
fn operands_note(graph: &Graph, id: NodeId) -> Option<Note> {
    let node = graph.node(id);
    let note = |severity, text| Some(Note { node: Some(id), severity, text });
    if let Op::Unknown(unknown) = &node.op {
        let kind = if unknown.is_custom { "custom operator" } else { "operator" };
        let text =
            format!("The {kind} {} is not known. The layer is shown, but the model cannot be run or exported.", unknown.name);
        return note(Severity::Obstacle, text);
    }
    let declared: Vec<&[usize]> = node.outputs.iter().map(|&id| graph.tensor(id).shape.as_slice()).collect();
    match node.op.facts().output_shapes(&Operands::new(graph, node)) {
        Ok(shapes) if shapes == declared => None,
        Ok(shapes) => {
            let text = format!("{} makes {shapes:?} by its operands, the file declares {declared:?}.", node.op.name());
            note(Severity::Warning, text)
        }
        Err(OpError::NotConstant { operand, what }) => {
            let text = format!(
                "{} has its {what} (operand {operand}) computed at run time; Tinsmith runs it only if that is a \
                                constant.",
                node.op.name()
            );
            note(Severity::Obstacle, text)
        }
        Err(error) => note(Severity::Obstacle, format!("{} cannot be run: {error}.", node.op.name())),
    }
}

/// Integer weights under float activations: such a file calls itself float, but is quantized already.
fn hybrid_note(graph: &Graph) -> Option<Note> {
    let hybrid: Vec<&Node> = graph.nodes.iter().filter(|node| is_hybrid(graph, node)).collect();
    let n_weighted = graph.nodes.iter().filter(|node| !node.op.trained_operands()[0].is_empty()).count();
    let lacking = hybrid.iter().find(|node| dynamic_range(graph, node).is_none());
    let lacking = lacking.map_or_else(String::new, |node| {
        let name = quoted(&node.name);
        format!(" LiteRT has no kernel for some of them either ({name}): they run here with weights made real.")
    });
    (!hybrid.is_empty()).then(|| Note {
        node: None,
        severity: Severity::Warning,
        text: format!(
            "This is not a float model: {} of {} layers have integer weights under float activations (a hybrid model, \
             \"dynamic range\" quantized). They run here as LiteRT's reference kernels run them; its default differs, and \
             TensorFlow Lite Micro cannot run them.{lacking} To quantize, start from the float original.",
            hybrid.len(),
            n_weighted.max(hybrid.len())
        ),
    })
}

/// Half-precision weights, each expanded by a DEQUANTIZE that TFLM lacks.
fn half_precision_note(graph: &Graph) -> Option<Note> {
    let n_half = graph.tensors.iter().filter(|t| t.is_constant() && t.element == ElementType::F16).count();
    (n_half > 0).then(|| Note {
        node: None,
        severity: Severity::Info,
        text: format!(
            "{n_half} constants are float16 and expanded to float32 at run time, which TensorFlow Lite Micro cannot do."
        ),
    })
}
