//! Chains of reshapes become one reshape, chains of transposes one transpose; padding goes into the convolution after it, and a reshape
//! that only brings rows together into the dense layer after it.

use super::editor::{Editor, Visited, add_sources};
use crate::graph::{Node, TensorId};
use crate::ops::{Op, Padding, Reshape};
use crate::tensor::{Data, Tensor};

/// One node.
pub(super) fn simplify(editor: &mut Editor<'_>, node: Node) -> Visited {
    match node.op {
        Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) => one_reshape(editor, node),
        Op::Transpose(_) => one_transpose(editor, node),
        Op::Conv2d(_) | Op::DepthwiseConv2d(_) => own_padding(editor, node),
        Op::FullyConnected(ref op) if !op.keep_num_dims => own_rows(editor, node),
        _ => Visited::Same(node),
    }
}

/// The permutation of a transpose.
pub(super) fn permutation(editor: &Editor<'_>, node: &Node) -> Option<Vec<usize>> {
    let axes = editor.input(node, 1)?.data.as_ref()?.to_i64()?;
    let rank = editor.input(node, 0)?.shape.len();
    let axes: Vec<usize> = axes.iter().filter_map(|&axis| usize::try_from(axis).ok().filter(|&axis| axis < rank)).collect();
    (axes.len() == rank).then_some(axes)
}

/// The node behind the first operand of `node`, if nothing else reads it, and its own first operand.
fn before(editor: &Editor<'_>, node: &Node) -> Option<(usize, TensorId)> {
    let index = editor.sole_maker(node.inputs.first().copied().flatten()?)?;
    Some((index, editor.node(index)?.inputs.first().copied().flatten()?))
}

/// A reshape of a reshape reads what the first one reads.
fn one_reshape(editor: &mut Editor<'_>, node: Node) -> Visited {
    let Some((index, input)) = before(editor, &node) else { return Visited::Same(node) };
    let is_reshape = |node: &Node| matches!(node.op, Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_));
    if !editor.node(index).is_some_and(is_reshape) {
        return Visited::Same(node);
    }
    let Some(went) = editor.take_out(index) else { return Visited::Same(node) };
    let mut node = reshaped(editor, node, input);
    add_sources(&mut node, went.sources);
    Visited::Changed(node)
}

/// `node` as a reshape of `input` to the shape that its result has.
fn reshaped(editor: &mut Editor<'_>, node: Node, input: TensorId) -> Node {
    let shape: Vec<i32> = node.outputs.first().map_or_else(Vec::new, |&output| {
        // Extents come from tensors, whose element counts are checked at import; one beyond i32 cannot be run anyway.
        editor.tensor(output).shape.iter().map(|&extent| i32::try_from(extent).unwrap_or(i32::MAX)).collect()
    });
    let operand = Tensor::constant(format!("{}/shape", node.name), [shape.len()], Data::I32(shape.clone().into()));
    let operand = editor.add_tensor(operand);
    Node { op: Op::Reshape(Reshape { new_shape: shape }), inputs: vec![Some(input), Some(operand)], ..node }
}

/// A transpose of a transpose permutes once; one that moves only axes of extent 1 is a reshape.
fn one_transpose(editor: &mut Editor<'_>, mut node: Node) -> Visited {
    let Some(second) = permutation(editor, &node) else { return Visited::Same(node) };
    if let Some((index, input)) = before(editor, &node)
        && let Some(earlier) = editor.node(index).filter(|node| matches!(node.op, Op::Transpose(_)))
        && let Some(first) = permutation(editor, earlier)
    {
        let both: Vec<i32> = second.iter().map(|&axis| first[axis] as i32).collect();
        let operand = Tensor::constant(format!("{}/permutation", node.name), [both.len()], Data::I32(both.into()));
        let operand = editor.add_tensor(operand);
        let went = editor.take_out(index);
        node.inputs = vec![Some(input), Some(operand)];
        add_sources(&mut node, went.map_or_else(Vec::new, |went| went.sources));
        return Visited::Changed(node);
    }
    let Some(input) = node.inputs.first().copied().flatten() else { return Visited::Same(node) };
    let shape = &editor.tensor(input).shape;
    let long: Vec<usize> = second.iter().copied().filter(|&axis| shape[axis] != 1).collect();
    let moves_nothing = long.is_sorted() && !second.is_sorted();
    if moves_nothing { Visited::Changed(reshaped(editor, node, input)) } else { Visited::Same(node) }
}

/// A dense layer takes rows from any shape: it needs no reshape that keeps the last axis.
fn own_rows(editor: &mut Editor<'_>, mut node: Node) -> Visited {
    let Some((index, input)) = before(editor, &node) else { return Visited::Same(node) };
    let row = editor.input(&node, 1).and_then(|weights| weights.shape.last().copied());
    let is_reshape = |node: &Node| matches!(node.op, Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_));
    if !editor.node(index).is_some_and(is_reshape) || editor.tensor(input).shape.last().copied() != row {
        return Visited::Same(node);
    }
    let Some(went) = editor.take_out(index) else { return Visited::Same(node) };
    node.inputs[0] = Some(input);
    add_sources(&mut node, went.sources);
    Visited::Changed(node)
}

/// A convolution that pads nothing after a PAD of just what `Same` would pad.
fn own_padding(editor: &mut Editor<'_>, mut node: Node) -> Visited {
    let Some((index, input)) = before(editor, &node) else { return Visited::Same(node) };
    if !is_same_padding(editor, &node, index, input).unwrap_or(false) {
        return Visited::Same(node);
    }
    let Some(went) = editor.take_out(index) else { return Visited::Same(node) };
    match &mut node.op {
        Op::Conv2d(op) => op.padding = Padding::Same,
        Op::DepthwiseConv2d(op) => op.padding = Padding::Same,
        _ => {}
    }
    node.inputs[0] = Some(input);
    add_sources(&mut node, went.sources);
    Visited::Changed(node)
}

fn is_same_padding(editor: &Editor<'_>, node: &Node, pad: usize, input: TensorId) -> Option<bool> {
    let (padding, stride, dilation) = match &node.op {
        Op::Conv2d(op) => (op.padding, op.stride, op.dilation),
        Op::DepthwiseConv2d(op) => (op.padding, op.stride, op.dilation),
        _ => return None,
    };
    let pad = editor.node(pad)?;
    let Op::Pad(op) = &pad.op else { return None };
    let amounts = op.amounts(&editor.operands(pad)).ok()?;
    let (window, image, output) = (&editor.input(node, 1)?.shape, &editor.tensor(input).shape, node.outputs.first()?);
    let output = &editor.tensor(*output).shape;
    let along = |axis: usize| {
        let same = Padding::Same.resolve(*image.get(axis)?, *window.get(axis)?, stride[axis - 1], dilation[axis - 1])?;
        Some((same.0, (same.1, same.2)) == (*output.get(axis)?, *amounts.get(axis)?))
    };
    Some(
        padding == Padding::Valid
            && amounts.first() == Some(&(0, 0))
            && amounts.get(3) == Some(&(0, 0))
            && along(1)?
            && along(2)?,
    )
}
