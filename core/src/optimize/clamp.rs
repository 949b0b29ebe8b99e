//! Activations that clamp, and the operators that can do so themselves.

use crate::graph::Node;
use crate::ops::{Activation, Op, Unary};

use super::editor::Editor;

/// The clamp that `node` is, if it is one that operators can fuse.
fn clamp_of(node: &Node) -> Option<Activation> {
    match node.op {
        Op::Unary(Unary::Relu) => Some(Activation::Relu),
        Op::Unary(Unary::Relu6) => Some(Activation::Relu6),
        Op::Unary(Unary::ReluN1To1) => Some(Activation::ReluN1To1),
        _ => None,
    }
}

/// The activation of an operator that can clamp. No kernel of TensorFlow Lite Micro clamps the result of a transposed convolution.
pub(super) fn fused(op: &mut Op) -> Option<&mut Activation> {
    if matches!(op, Op::TransposeConv(_)) { None } else { op.activation_mut() }
}

/// One clamp that does what `first` and then `second` do.
fn both(first: Activation, second: Activation) -> Option<Activation> {
    match (first, second) {
        (Activation::None, clamp) => Some(clamp),
        (first, second) if first == second => Some(first),
        (Activation::Relu, Activation::Relu6) | (Activation::Relu6, Activation::Relu) => Some(Activation::Relu6),
        _ => None,
    }
}

/// A clamp goes into the operator behind it, if that can clamp; else, and if it is no clamp, the node comes back.
pub(super) fn into_before(editor: &mut Editor<'_>, node: Node) -> Option<Node> {
    let merged = clamp_of(&node).and_then(|clamp| {
        let behind = editor.behind(node.inputs.first().copied().flatten()?)?;
        let before = editor.node_mut(behind.node)?;
        let activation = fused(&mut before.op)?;
        *activation = both(*activation, clamp)?;
        Some(behind)
    });
    match merged {
        Some(behind) => {
            editor.merge(node, &behind);
            None
        }
        None => Some(node),
    }
}
