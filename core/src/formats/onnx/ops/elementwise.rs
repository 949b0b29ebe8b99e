//! Functions of each element: activations, arithmetic of two values, what leaves values as they are.

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::super::fold::broadcast;
use super::super::tensors::{Constant, element, extents};
use super::super::view::View;
use crate::graph::TensorId;
use crate::ops::{Activation, Binary, BinaryKind, Identity, LeakyRelu, Op, PRelu, Unary};
use crate::tensor::Data;

/// Operators of one value.
pub(super) fn unary(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let op = match call.node.op_type {
        "Relu" => Op::Unary(Unary::Relu),
        "Sigmoid" => Op::Unary(Unary::Logistic),
        "Tanh" => Op::Unary(Unary::Tanh),
        "HardSwish" => Op::Unary(Unary::HardSwish),
        "Elu" => match call.float("alpha", 1.0) {
            1.0 => Op::Unary(Unary::Elu),
            alpha => return scaled_elu(builder, call, alpha),
        },
        "Gelu" => Op::Unary(Unary::Gelu { approximate: call.text("approximate") == Some("tanh") }),
        "Exp" => Op::Unary(Unary::Exp),
        "Log" => Op::Unary(Unary::Log),
        "Sqrt" => Op::Unary(Unary::Sqrt),
        "Neg" => Op::Unary(Unary::Neg),
        "Abs" => Op::Unary(Unary::Abs),
        _ => Op::LeakyRelu(LeakyRelu { alpha: call.float("alpha", 0.01) }),
    };
    mapped(builder, call, op)
}

/// A node of one operand and one result of the same shape.
pub(super) fn mapped(builder: &mut Builder, call: &Call<'_, '_>, op: Op) -> Result<Value, Fail> {
    let view = call.view(builder, 0)?;
    let id = builder.emit(op, vec![Some(view.id)])?;
    Ok(Value::Tensor(view.of(id)))
}

/// A node of a value and a number.
fn with_number(builder: &mut Builder, id: TensorId, kind: BinaryKind, number: f32) -> Result<TensorId, Fail> {
    let number = builder.floats("number", vec![], vec![number])?;
    let op = Op::Binary(Binary { kind, activation: Activation::None });
    builder.emit_helper(kind_name(kind), op, vec![Some(id), Some(number)])
}

fn kind_name(kind: BinaryKind) -> &'static str {
    match kind {
        BinaryKind::Add => "add",
        BinaryKind::Mul => "mul",
        BinaryKind::Minimum => "minimum",
        BinaryKind::Maximum => "maximum",
        _ => "number",
    }
}

/// `max(x, 0) + alpha * (exp(min(x, 0)) - 1)`: TFLite's ELU has `alpha` 1.
fn scaled_elu(builder: &mut Builder, call: &Call<'_, '_>, alpha: f32) -> Result<Value, Fail> {
    let view = call.view(builder, 0)?;
    let negative = with_number(builder, view.id, BinaryKind::Minimum, 0.0)?;
    let negative = builder.emit_helper("elu", Op::Unary(Unary::Elu), vec![Some(negative)])?;
    let negative = with_number(builder, negative, BinaryKind::Mul, alpha)?;
    let positive = builder.emit_helper("relu", Op::Unary(Unary::Relu), vec![Some(view.id)])?;
    let op = Op::Binary(Binary { kind: BinaryKind::Add, activation: Activation::None });
    let id = builder.emit(op, vec![Some(positive), Some(negative)])?;
    Ok(Value::Tensor(view.of(id)))
}

/// `min(max(alpha * x + beta, 0), 1)`.
pub(super) fn hard_sigmoid(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let view = call.view(builder, 0)?;
    let id = with_number(builder, view.id, BinaryKind::Mul, call.float("alpha", 0.2))?;
    let id = with_number(builder, id, BinaryKind::Add, call.float("beta", 0.5))?;
    let id = builder.emit(Op::Unary(Unary::Relu0To1), vec![Some(id)])?;
    Ok(Value::Tensor(view.of(id)))
}

/// Clip: a ReLU where TFLite has one of these bounds.
pub(super) fn clip(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let (low, high) = if call.opset < 11 {
        (call.float("min", f32::MIN), call.float("max", f32::MAX))
    } else {
        let low = call.known_float(1, "lower bound")?.unwrap_or(f32::MIN);
        (low, call.known_float(2, "upper bound")?.unwrap_or(f32::MAX))
    };
    let (has_low, has_high) = (low > f32::MIN, high < f32::MAX);
    match (low, high) {
        (0.0, 6.0) => return mapped(builder, call, Op::Unary(Unary::Relu6)),
        (0.0, 1.0) => return mapped(builder, call, Op::Unary(Unary::Relu0To1)),
        (-1.0, 1.0) => return mapped(builder, call, Op::Unary(Unary::ReluN1To1)),
        (0.0, _) if !has_high => return mapped(builder, call, Op::Unary(Unary::Relu)),
        _ => {}
    }
    let view = call.view(builder, 0)?;
    let mut id = view.id;
    if has_low {
        id = with_number(builder, id, BinaryKind::Maximum, low)?;
    }
    if has_high {
        id = with_number(builder, id, BinaryKind::Minimum, high)?;
    }
    Ok(Value::Tensor(view.of(id)))
}

/// A slope for negative values, one for each channel mostly.
pub(super) fn prelu(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let rank = call.shape(builder, 0)?.len();
    let view = call.view(builder, 0)?.with_rank(rank);
    let Some(slope) = like(builder, call, 1, &view)? else { return refuse("has slopes of a shape that does not fit") };
    let id = builder.emit(Op::PRelu(PRelu), vec![Some(view.id), Some(slope)])?;
    Ok(Value::Tensor(view.of(id)))
}

/// What passes its operand on; Identity and Dropout are shown, until a step removes them.
pub(super) fn identity(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let view = call.view(builder, 0)?;
    if call.node.op_type == "Cast" {
        return if element(call.integer("to", 0)) == Some(builder.element(&view)) {
            Ok(Value::Tensor(view))
        } else {
            refuse("changes the type of a value at run time, which is not supported")
        };
    }
    mapped(builder, call, Op::Identity(Identity))
}

/// Dropout does nothing at inference; it keeps all values, as its mask says if that is asked for.
pub(super) fn dropout(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Vec<Value>, Fail> {
    if call.opset >= 12 && call.constant(2).is_some_and(|(c, _)| c.data.to_i64().is_some_and(|v| v.first() == Some(&1))) {
        return refuse("is exported as for training, which is not supported; export the model for inference");
    }
    let mut results = vec![identity(builder, call)?];
    if call.used.get(1) == Some(&true) {
        let shape = call.shape(builder, 0)?;
        let n = shape.iter().product();
        builder.budget.charge(n, || call.node.place())?;
        results.push(builder.known(Constant::new(shape, Data::Bool(vec![1; n].into()))));
    }
    Ok(results)
}

/// A value repeated along axes of extent 1: a product with ones.
pub(super) fn expand(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let shape = call.shape(builder, 0)?;
    let wanted = call.known_integers(1, "shape")?.unwrap_or_default();
    let misfit = || call.broken(format!("expands {shape:?} to {:?}", &wanted[..wanted.len().min(16)]));
    let wanted_shape = extents(&wanted).ok_or_else(misfit)?;
    let result = broadcast(&shape, &wanted_shape).ok_or_else(misfit)?;
    let view = call.view(builder, 0)?.with_rank(result.len());
    if result.iter().product::<usize>() == shape.iter().product::<usize>() {
        return Ok(Value::Tensor(view));
    }
    let view = builder.plain(&view)?;
    builder.budget.charge(result.iter().product::<usize>().saturating_mul(4), || call.node.place())?;
    let ones = builder.floats("ones", result.clone(), vec![1.0; result.iter().product()])?;
    let op = Op::Binary(Binary { kind: BinaryKind::Mul, activation: Activation::None });
    let id = builder.emit(op, vec![Some(view.id), Some(ones)])?;
    Ok(Value::Tensor(View::plain(id, result.len())))
}

/// Min and Max of any number of values.
pub(super) fn extreme(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let kind = if call.node.op_type == "Min" { BinaryKind::Minimum } else { BinaryKind::Maximum };
    let mut step = call.copy();
    let mut result = call.input(0).cloned().ok_or_else(|| call.broken("operand 0 is missing"))?;
    for index in 1..call.inputs.len() {
        step.inputs = vec![Some(result), call.input(index).cloned()];
        result = two(builder, &step, kind)?;
    }
    Ok(result)
}

/// Operators of two values that are broadcast against each other.
pub(super) fn binary(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let kind = match call.node.op_type {
        "Add" => BinaryKind::Add,
        "Sub" => BinaryKind::Sub,
        "Div" => BinaryKind::Div,
        "Pow" => BinaryKind::Pow,
        _ => BinaryKind::Mul,
    };
    if kind == BinaryKind::Add
        && let Some(value) = super::dense::add_bias(builder, call)?
    {
        return Ok(value);
    }
    two(builder, call, kind)
}

fn two(builder: &mut Builder, call: &Call<'_, '_>, kind: BinaryKind) -> Result<Value, Fail> {
    let (a, b, axes) = together(builder, call, 0, 1)?;
    let id = builder.emit(Op::Binary(Binary { kind, activation: Activation::None }), vec![Some(a), Some(b)])?;
    Ok(Value::Tensor(View { id, axes }))
}

/// Two operands as tensors that broadcast against each other, and the axes of what they make.
///
/// The larger one stays as it lies. The other takes its order: for constants that costs nothing.
pub(super) fn together(
    builder: &mut Builder,
    call: &Call<'_, '_>,
    first: usize,
    second: usize,
) -> Result<(TensorId, TensorId, Vec<Vec<usize>>), Fail> {
    let shapes = (call.shape(builder, first)?, call.shape(builder, second)?);
    let n = |shape: &[usize]| shape.iter().product::<usize>();
    let is_run = |index: usize| call.constant(index).is_none();
    let swapped = match (is_run(first), is_run(second)) {
        (true, false) => false,
        (false, true) => true,
        _ => n(&shapes.1) > n(&shapes.0),
    };
    let (large, small) = if swapped { (second, first) } else { (first, second) };
    let rank = shapes.0.len().max(shapes.1.len());
    let reference = call.view(builder, large)?.with_rank(rank);
    let (large_id, small_id, axes) = match like(builder, call, small, &reference)? {
        Some(id) => (reference.id, id, reference.axes),
        None => {
            let (large, small) = (builder.plain(&reference)?, call.view(builder, small)?.with_rank(rank));
            let small = builder.plain(&small)?;
            (large.id, small.id, large.axes)
        }
    };
    Ok(if swapped { (small_id, large_id, axes) } else { (large_id, small_id, axes) })
}

/// Operand `index` as a tensor that broadcasts against the tensor of `reference`; `None` if it has to grow it.
pub(super) fn like(builder: &mut Builder, call: &Call<'_, '_>, index: usize, reference: &View) -> Result<Option<TensorId>, Fail> {
    let tensor = builder.shape_of(reference.id).to_vec();
    if let Some((constant, number)) = call.constant(index) {
        return constant_like(builder, call.name(index), (constant, number), reference, &tensor);
    }
    let view = call.view(builder, index)?.with_rank(reference.rank());
    let target = view.like(builder.shape_of(view.id), reference, &tensor);
    target.map(|target| builder.arrange(view.id, &target)).transpose()
}

/// A constant as a tensor that broadcasts against one that lies as `reference` says; `None` if it has to grow it.
fn constant_like(
    builder: &mut Builder,
    name: &str,
    value: (&Constant, usize),
    reference: &View,
    tensor: &[usize],
) -> Result<Option<TensorId>, Fail> {
    let lead = reference.rank() - value.0.shape.len().min(reference.rank());
    // Each axis of the constant in the parts that the reference has of it, and where these go.
    let (mut split, mut places) = (Vec::new(), Vec::new());
    for (axis, &extent) in value.0.shape.iter().enumerate() {
        let list = &reference.axes[lead + axis];
        if extent == 1 {
            continue;
        }
        if list.iter().map(|&axis| tensor[axis]).product::<usize>() != extent {
            return Ok(None);
        }
        split.extend(list.iter().map(|&axis| tensor[axis]));
        places.extend(list.iter().copied());
    }
    let mut permutation: Vec<usize> = (0..places.len()).collect();
    permutation.sort_by_key(|&part| places[part]);
    let first = places.iter().min().copied().unwrap_or(tensor.len());
    let shape = (first..tensor.len()).map(|axis| if places.contains(&axis) { tensor[axis] } else { 1 }).collect();
    builder.constant(name, value, &split, &permutation, shape).map(Some)
}
