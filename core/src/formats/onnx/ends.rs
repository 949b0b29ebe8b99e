//! Inputs and outputs of the model: images are channels last in the graph, whatever they are in the file.

use std::collections::VecDeque;

use super::super::error::quoted;
use super::builder::{Builder, Fail, Value, refuse};
use super::order::Order;
use super::proto::{Attribute, Graph, Node};
use super::view::{Move, View, arrangement};
use crate::graph::{Severity, TensorId};

/// Operators whose first operand is an image, channels first.
const ON_IMAGES: &[&str] = &[
    "Conv",
    "ConvTranspose",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "BatchNormalization",
    "InstanceNormalization",
    "Resize",
    "Upsample",
    "DepthToSpace",
    "SpaceToDepth",
    "QLinearConv",
    "QLinearAveragePool",
];

/// Operators that leave the axes as they are.
const PASSING: &[&str] = &[
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Min",
    "Max",
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Clip",
    "Sigmoid",
    "Tanh",
    "Elu",
    "Gelu",
    "HardSwish",
    "HardSigmoid",
    "Pad",
    "Cast",
    "Identity",
    "Dropout",
    "QuantizeLinear",
    "DequantizeLinear",
    "Concat",
    "Slice",
    "Split",
];

/// How many values are looked at to find out what an input is.
const MOST_STEPS: usize = 64;

/// For each axis that an input has in the graph its axis in the file: channels go last where the first operator that minds
/// takes them from the front.
pub(super) fn input_order(graph: &Graph<'_>, order: &Order<'_>, name: &str, shape: &[usize]) -> Vec<usize> {
    let rank = shape.len();
    let identity: Vec<usize> = (0..rank).collect();
    if rank < 3 {
        return identity;
    }
    let mut todo = VecDeque::from([(name, identity.clone())]);
    let mut steps = 0;
    while let Some((value, axes)) = todo.pop_front() {
        for &index in order.readers.get(value).into_iter().flatten().take(MOST_STEPS) {
            steps += 1;
            if steps > MOST_STEPS {
                return identity;
            }
            let node = &graph.nodes[index];
            if ON_IMAGES.contains(&node.op_type) && node.inputs[0] == value {
                return channels_last(rank).iter().map(|&axis| axes[axis]).collect();
            }
            let axes = match node.op_type {
                "Transpose" => permuted(node, &axes),
                op if PASSING.contains(&op) => Some(axes.clone()),
                _ => None,
            };
            if let Some(axes) = axes {
                todo.extend(node.outputs.iter().filter(|output| !output.is_empty()).map(|&output| (output, axes.clone())));
            }
        }
    }
    identity
}

/// The axes of a channels-first image in the order of a channels-last one.
pub(super) fn channels_last(rank: usize) -> Vec<usize> {
    std::iter::once(0).chain(2..rank).chain([1]).collect()
}

fn permuted(node: &Node<'_>, axes: &[usize]) -> Option<Vec<usize>> {
    let attribute = node.attributes.iter().filter_map(|bytes| Attribute::read(bytes).ok()).find(|a| a.name == "perm")?;
    let list = attribute.integers.iter().map(|&axis| axes.get(usize::try_from(axis).ok()?).copied());
    list.collect::<Option<Vec<usize>>>().filter(|list| list.len() == axes.len())
}

/// The view of an input whose tensor has the file's axes in this order.
pub(super) fn view_of(id: TensorId, order: &[usize]) -> View {
    let mut axes = vec![Vec::new(); order.len()];
    for (position, &axis) in order.iter().enumerate() {
        axes[axis] = vec![position];
    }
    View { id, axes }
}

/// The tensor that the model gives out: in the order of the file, but an image stays channels last.
pub(super) fn output(builder: &mut Builder, name: &str, value: &Value) -> Result<TensorId, Fail> {
    let mut order = vec![];
    let id = match value {
        Value::Constant(constant, _) if constant.data.is_empty() => return refuse("a constant without values"),
        Value::Constant(constant, _) => {
            let real = builder.numbered(super::ops::dequantized(constant));
            builder.constant_plain(name, (&real.0, real.1))?
        }
        Value::Shapeless(id) => *id,
        Value::Tensor(view) if is_image(builder, view) => {
            order = channels_last(view.rank());
            let id = builder.arrange_axes(view, &one_by_one(&order))?;
            let (there, here) = (builder.shape(view), builder.shape_of(id));
            let text = format!(
                "The output {} is {there:?} in the file, channels first; here it is {here:?}, channels last.",
                quoted(name)
            );
            builder.note(Severity::Info, text);
            id
        }
        Value::Tensor(view) => builder.plain(view)?.id,
    };
    let is_free = !builder.graph.inputs.contains(&id) && !builder.graph.outputs.contains(&id);
    let tensor = &mut builder.graph.tensors[id.index()];
    if is_free && !tensor.is_constant() {
        tensor.name = name.to_owned();
    }
    builder.graph.source_order.outputs.push(order);
    Ok(id)
}

fn one_by_one(order: &[usize]) -> Vec<Vec<usize>> {
    order.iter().map(|&axis| vec![axis]).collect()
}

/// Whether a view lies channels last, so that the order of the file would cost a transpose.
fn is_image(builder: &Builder, view: &View) -> bool {
    let tensor = builder.shape_of(view.id);
    let is_moved = |order: &[usize]| matches!(arrangement(tensor, &view.target(&one_by_one(order))), Move::Transpose { .. });
    let in_order: Vec<usize> = (0..view.rank()).collect();
    view.rank() >= 3 && is_moved(&in_order) && !is_moved(&channels_last(view.rank()))
}
