//! Batch normalization, and products and sums with constants, go into the layer with weights before or after them.
//!
//! With scale `a` and offset `b` of each channel: before, `a (W x + c) + b = (a W) x + (a c + b)`, the scale along the layer's output
//! channels; after, `W (a x + b) + c = (W a) x + (W b + c)`, the scale along its input channels, which is the same everywhere only if
//! the layer pads nothing, or `b` is 0.
//!
//! Source of the folding: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
//! CVPR 2018, section 3.2.

mod scaled;

use super::StepOutcome;
use super::affine::Affine;
use super::applied::{Applied, gone};
use super::clamp;
use super::editor::Editor;
use super::layer::Layer;
use crate::graph::{Graph, Node, NodeId, TensorId};
use crate::ops::{Activation, Op, Padding};
use crate::recipe::FuseBatchNorm;

use scaled::{scaled_inputs, scaled_outputs};

/// What became of the normalizations, products and sums.
#[derive(Default)]
struct Fused {
    before: usize,
    after: usize,
    scaled: usize,
}

/// Folds what can be folded. What is left of batch normalization becomes a scale and an offset of its own.
pub(super) fn fuse(graph: &Graph, settings: &FuseBatchNorm) -> Applied {
    let mut fused = Fused::default();
    let editor = Editor::pass(graph, |editor, node| {
        let node = if settings.into_after { into_after(editor, node, settings, &mut fused) } else { node };
        if settings.into_before { into_before(editor, node, settings, &mut fused) } else { Some(node) }
    });
    let (graph_after, origin) = editor.finish();
    let (graph_after, origin) = scaled(graph_after, origin, settings, &mut fused);
    if fused.before + fused.after + fused.scaled == 0 {
        return Applied::skipped(graph, "there is no batch normalization and no product or sum with constants to fuse");
    }
    let text = fused.text(graph, &graph_after);
    Applied { graph: graph_after, origin, outcome: StepOutcome::Applied, text }
}

impl Fused {
    fn text(&self, before: &Graph, after: &Graph) -> String {
        let mut parts = Vec::new();
        let places =
            [(self.before, "into the layer before"), (self.after, "into the layer after"), (self.scaled, "a layer of its own")];
        parts.extend(places.iter().filter(|(n, _)| *n > 0).map(|(n, place)| format!("{n} {place}")));
        format!("{}; {}", parts.join(", "), gone(before, after))
    }
}

fn affine_of(editor: &Editor<'_>, node: &Node, settings: &FuseBatchNorm) -> Option<Affine> {
    Affine::of_batch_norm(editor, node).or_else(|| settings.scaling.then(|| Affine::of_binary(editor, node)).flatten())
}

/// `node` goes into the layer behind its operand, if there is one; else it comes back.
fn into_before(editor: &mut Editor<'_>, node: Node, settings: &FuseBatchNorm, fused: &mut Fused) -> Option<Node> {
    let Some(affine) = affine_of(editor, &node, settings) else { return Some(node) };
    let Some(behind) = editor.behind(affine.x) else { return Some(node) };
    let Some(mut before) = editor.node(behind.node).cloned() else { return Some(node) };
    let Some(layer) = Layer::of_node(editor.tensors(), &before, NodeId::new(behind.node)) else { return Some(node) };
    if before.op.facts().activation() != Activation::None || layer.n_outputs != affine.scale.len() {
        return Some(node);
    }
    match clamp::fused(&mut before.op) {
        Some(activation) => *activation = affine.activation,
        None if affine.activation == Activation::None => {}
        None => return Some(node),
    }
    scaled_outputs(editor.tensors(), &layer, &affine.scale, &affine.offset).store(editor, &layer, &mut before);
    editor.replace(behind.node, before);
    editor.merge(node, &behind);
    fused.before += 1;
    None
}

/// The scale and offset behind the operand of the layer `node` go into it, one after the other.
fn into_after(editor: &mut Editor<'_>, mut node: Node, settings: &FuseBatchNorm, fused: &mut Fused) -> Node {
    while let Some(layer) = Layer::of_node(editor.tensors(), &node, editor.next()) {
        let Some(found) = affine_behind(editor, layer.input, settings) else { break };
        let (scale, offset) = (&found.affine.scale, &found.affine.offset);
        let keeps_channels = layer.n_inputs() == scale.len()
            || matches!(node.op, Op::FullyConnected(_)) && layer.n_inputs().is_multiple_of(scale.len().max(1));
        let has_offset = offset.iter().any(|offset| *offset != 0.0);
        if !keeps_channels || found.affine.activation != Activation::None || has_offset && pads(editor, &node, &layer) {
            break;
        }
        scaled_inputs(editor.tensors(), &layer, scale, offset).store(editor, &layer, &mut node);
        match found.path.last().and_then(|&reader| editor.node_mut(reader)) {
            Some(reader) => reader.inputs[0] = Some(found.affine.x),
            None => node.inputs[layer.input_operand] = Some(found.affine.x),
        }
        for index in found.path {
            if let Some(id) = editor.node(index).and_then(|node| node.outputs.first().copied()) {
                editor.changed(id);
            }
        }
        if let Some(went) = editor.take_out(found.node) {
            super::editor::add_sources(&mut node, went.sources);
        }
        fused.after += 1;
    }
    node
}

/// Whether some of a layer's windows see zeros that are not in its input.
fn pads(editor: &Editor<'_>, node: &Node, layer: &Layer) -> bool {
    let (padding, stride, dilation) = match &node.op {
        Op::Conv2d(op) => (op.padding, op.stride, op.dilation),
        Op::DepthwiseConv2d(op) => (op.padding, op.stride, op.dilation),
        Op::FullyConnected(_) => return false,
        // At the borders of a transposed convolution fewer taps meet an input: an offset would not be the same everywhere.
        _ => return true,
    };
    let (image, window) = (&editor.tensor(layer.input).shape, &editor.tensor(layer.weights).shape);
    let along = |i: usize| {
        let (_, before, after) = padding.resolve(*image.get(i + 1)?, *window.get(i + 1)?, stride[i], dilation[i])?;
        Some(before + after)
    };
    padding == Padding::Same && (along(0), along(1)) != (Some(0), Some(0))
}

/// A scale and offset that a layer reads.
struct Found {
    affine: Affine,
    /// Its node.
    node: usize,
    /// Nodes between that only change the shape, the last one first.
    path: Vec<usize>,
}

/// The scale and offset that `id` comes from through nodes that only change the shape.
fn affine_behind(editor: &Editor<'_>, id: TensorId, settings: &FuseBatchNorm) -> Option<Found> {
    let (mut id, mut path) = (id, Vec::new());
    loop {
        let index = editor.sole_maker(id)?;
        let node = editor.node(index)?;
        if let Some(affine) = affine_of(editor, node, settings) {
            return Some(Found { affine, node: index, path });
        }
        if !matches!(node.op, Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Identity(_)) {
            return None;
        }
        path.push(index);
        id = node.inputs.first().copied().flatten()?;
    }
}

/// Batch normalization that is left, and on images a product with a sum after it, becomes a layer of its own: in terms that files hold and
/// that can be quantized, one scale for each channel.
fn scaled(
    graph: Graph,
    origin: Vec<Option<TensorId>>,
    settings: &FuseBatchNorm,
    fused: &mut Fused,
) -> (Graph, Vec<Option<TensorId>>) {
    let editor = Editor::pass(&graph, |editor, node| {
        let mut node = if settings.into_before { into_before(editor, node, settings, fused)? } else { node };
        let Some(affine) = affine_of(editor, &node, settings) else { return Some(node) };
        let first = earlier(editor, &affine, settings);
        if first.is_none() && !matches!(node.op, Op::BatchNorm(_)) {
            return Some(node);
        }
        let affine = match first {
            Some((index, first)) => {
                let went = editor.take_out(index).map_or_else(Vec::new, |went| went.sources);
                super::editor::add_sources(&mut node, went);
                first.then(&affine)
            }
            None => affine,
        };
        fused.scaled += 1;
        affine.push(editor, node);
        None
    });
    let (after, moved) = editor.finish();
    let origin = moved.iter().map(|id| origin[(*id)?.index()]).collect();
    (after, origin)
}

/// The scale and offset of an image just before another, and its node.
fn earlier(editor: &Editor<'_>, affine: &Affine, settings: &FuseBatchNorm) -> Option<(usize, Affine)> {
    let index = editor.sole_maker(affine.x).filter(|_| affine.is_of_image(editor))?;
    let first = affine_of(editor, editor.node(index)?, settings)?;
    (first.activation == Activation::None).then_some((index, first))
}
