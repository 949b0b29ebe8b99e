//! What converters and training leave in a graph goes; what it computes stays.
//!
//! | kind | what goes |
//! | --- | --- |
//! | identities | nodes that hand on what they get |
//! | constants | nodes that compute with constants alone |
//! | activations | clamps, into the operator before (`clamp.rs`) |
//! | shapes | chains of reshapes and of transposes; padding, into the convolution after (`shapes.rs`) |

use std::collections::HashMap;

use super::StepOutcome;
use super::affine::Affine;
use super::applied::{Applied, gone};
use super::editor::{Editor, Visited};
use super::{clamp, shapes};
use crate::execute::float::Prepared;
use crate::graph::{Graph, Node, TensorId};
use crate::ops::{Activation, Op};
use crate::progress::Cancel;
use crate::recipe::CleanUp;
use crate::tensor::{Data, ElementType, Tensor};

/// Passes at most: each ends what the one before made possible, and two are enough for what converters write.
const MAX_PASSES: usize = 8;
/// A constant that is computed may have so many elements more than what it is computed from: it lies in flash then.
const GROWTH: usize = 64;

/// How many nodes went, by kind.
#[derive(Default)]
struct Counts(HashMap<&'static str, usize>);

/// Removes what is switched on, until nothing is left of it.
pub(super) fn clean_up(graph: &Graph, settings: &CleanUp) -> Applied {
    let mut counts = Counts::default();
    let mut applied = Applied::skipped(graph, "nothing is left to clean up");
    for _ in 0..MAX_PASSES {
        let before = counts.total();
        let editor = Editor::pass(&applied.graph, |editor, node| visit(editor, node, settings, &mut counts));
        let (after, moved) = editor.finish();
        if counts.total() == before {
            break;
        }
        applied.origin = moved.iter().map(|id| applied.origin[(*id)?.index()]).collect();
        applied.graph = after;
    }
    if counts.total() > 0 {
        applied.outcome = StepOutcome::Applied;
        applied.text = format!("{}; {}", counts.text(), gone(graph, &applied.graph));
    }
    applied
}

impl Counts {
    fn total(&self) -> usize {
        self.0.values().sum()
    }

    fn text(&self) -> String {
        let kinds = [("identities", "identity"), ("constants", "constant"), ("activations", "activation"), ("shapes", "shape")];
        let parts = kinds.iter().filter_map(|(kind, one)| match self.0.get(kind)? {
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {kind}")),
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// One node: each kind hands it on, changed or not, or has taken it.
fn visit(editor: &mut Editor<'_>, node: Node, settings: &CleanUp, counts: &mut Counts) -> Option<Node> {
    type Kind = fn(&mut Editor<'_>, Node) -> Visited;
    let kinds: [(bool, &'static str, Kind); 4] = [
        (settings.constants, "constants", compute),
        (settings.identities, "identities", hand_on),
        (settings.activations, "activations", fuse_clamp),
        (settings.shapes, "shapes", shapes::simplify),
    ];
    let mut node = node;
    for (_, name, kind) in kinds.into_iter().filter(|(on, ..)| *on) {
        let visited = kind(editor, node);
        if !matches!(visited, Visited::Same(_)) {
            *counts.0.entry(name).or_default() += 1;
        }
        node = visited.left()?;
    }
    Some(node)
}

fn fuse_clamp(editor: &mut Editor<'_>, node: Node) -> Visited {
    clamp::into_before(editor, node).map_or(Visited::Gone, Visited::Same)
}

/// A node that hands on its operand goes.
fn hand_on(editor: &mut Editor<'_>, node: Node) -> Visited {
    let operand = handed_on(editor, &node).filter(|&id| node.outputs.len() == 1 && same_kind(editor, &node, id));
    match operand {
        Some(id) => {
            editor.bypass(node, id);
            Visited::Gone
        }
        None => Visited::Same(node),
    }
}

/// The operand whose values a node hands on as they are, under the same shape or another.
fn handed_on(editor: &Editor<'_>, node: &Node) -> Option<TensorId> {
    let first = node.inputs.first().copied().flatten();
    let nothing = match &node.op {
        Op::Identity(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::ExpandDims(_) | Op::Slice(_) | Op::Cast(_) => true,
        Op::Concatenation(_) => node.inputs.len() == 1,
        Op::Pool2d(op) => op.window == [1, 1] && op.stride == [1, 1] && op.activation == Activation::None,
        Op::Transpose(_) => shapes::permutation(editor, node)?.iter().enumerate().all(|(i, &axis)| i == axis),
        Op::Pad(op) => op.amounts(&editor.operands(node)).ok()?.iter().all(|&amounts| amounts == (0, 0)),
        Op::Binary(_) => return Affine::of_binary(editor, node).filter(Affine::is_nothing).map(|affine| affine.x),
        _ => false,
    };
    first.filter(|_| nothing)
}

/// Whether the node's result has the type and the shape of tensor `id`, and that is no constant.
fn same_kind(editor: &Editor<'_>, node: &Node, id: TensorId) -> bool {
    let Some(&output) = node.outputs.first() else { return false };
    let (input, output) = (editor.tensor(id), editor.tensor(output));
    (input.element, &input.shape, &input.quantization) == (output.element, &output.shape, &output.quantization)
        && !input.is_constant()
}

/// A node of constants alone becomes a constant. Weights that are stored as half floats or integers stay so: they are smaller.
fn compute(editor: &mut Editor<'_>, node: Node) -> Visited {
    let values = computed(editor, &node);
    match (values, node.outputs.first()) {
        (Some(values), Some(&output)) if !editor.is_output(output) => {
            editor.become_constant(output, Data::F32(values.into()));
            Visited::Gone
        }
        _ => Visited::Same(node),
    }
}

fn computed(editor: &Editor<'_>, node: &Node) -> Option<Vec<f32>> {
    let &[output] = node.outputs.as_slice() else { return None };
    let operands: Vec<TensorId> = node.inputs.iter().flatten().copied().collect();
    let n_before: usize = operands.iter().map(|&id| editor.tensor(id).n_elements()).fold(0, usize::saturating_add);
    let result = editor.tensor(output);
    let stays = matches!(node.op, Op::Dequantize(_) | Op::Quantize(_));
    let constant = !operands.is_empty() && operands.iter().all(|&id| editor.tensor(id).is_constant());
    if stays || !constant || result.element != ElementType::F32 || result.n_elements() > n_before.saturating_add(GROWTH) {
        return None;
    }
    let values = run_alone(editor, node)?;
    (values.len() == result.n_elements() && values.iter().all(|value| value.is_finite())).then_some(values)
}

/// The result of a node whose operands are constants. The executor wants something to run on: floats are handed in as samples.
fn run_alone(editor: &Editor<'_>, node: &Node) -> Option<Vec<f32>> {
    let (mut alone, mut samples) = (Graph::default(), Vec::new());
    let mut add = |id: TensorId| {
        let tensor = editor.tensor(id).clone();
        let Some(values) = editor.floats(id) else { return alone.add_tensor(tensor) };
        let id = alone.add_tensor(Tensor::activation(tensor.name, ElementType::F32, tensor.shape));
        alone.inputs.push(id);
        samples.push(values);
        id
    };
    let inputs = node.inputs.iter().map(|id| id.map(&mut add)).collect();
    let outputs = vec![add(*node.outputs.first()?)];
    alone.outputs.clone_from(&outputs);
    alone.nodes.push(Node { inputs, outputs, ..node.clone() });
    let samples: Vec<&[f32]> = samples.iter().map(|values| &**values).collect();
    Prepared::new(&alone).ok()?.run(&samples, &Cancel::new()).ok()?.into_iter().next()
}
