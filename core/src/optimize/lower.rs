//! What no file format for microcontrollers has, in terms of what it has: the last thing that happens to a candidate.
//!
//! | operator | becomes |
//! | --- | --- |
//! | batch normalization | a depthwise convolution, or MUL and ADD |
//! | identity | nothing |

use std::borrow::Cow;

use super::affine::Affine;
use super::editor::Editor;
use crate::graph::{Graph, TensorId};
use crate::ops::Op;

/// A graph, and for each of its tensors the one of the graph before that it stands for.
pub(super) type Lowered = (Graph, Vec<Option<TensorId>>);

/// `graph` as it can be written.
pub fn lowered(graph: &Graph) -> Cow<'_, Graph> {
    lower(graph).map_or(Cow::Borrowed(graph), |(graph, _)| Cow::Owned(graph))
}

/// Lowers what is to be lowered; `None` if nothing is.
pub(super) fn lower(graph: &Graph) -> Option<Lowered> {
    graph.nodes.iter().any(|node| matches!(node.op, Op::BatchNorm(_) | Op::Identity(_))).then(|| {
        let editor = Editor::pass(graph, |editor, node| {
            let input = node.inputs.first().copied().flatten();
            if let (Op::Identity(_), Some(input)) = (&node.op, input) {
                editor.bypass(node, input);
                return None;
            }
            // Parameters that are computed stay as they are; whoever writes the file says that it cannot be written.
            let Some(affine) = Affine::of_batch_norm(editor, &node) else { return Some(node) };
            affine.push(editor, node);
            None
        });
        editor.finish()
    })
}
