//! Gemm and MatMul as FULLY_CONNECTED.

use std::sync::Arc;

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::super::tensors::Constant;
use super::super::view::View;
use crate::graph::TensorId;
use crate::ops::{Activation, BatchMatMul, Binary, BinaryKind, FullyConnected, Op};
use crate::quant::Quantization;
use crate::tensor::Data;

/// `alpha * a * b + beta * c`, both matrices perhaps transposed.
pub(super) fn gemm(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let (alpha, beta) = (call.float("alpha", 1.0), call.float("beta", 1.0));
    let view = call.view(builder, 0)?;
    if view.rank() != 2 {
        return Err(call.broken(format!("operand 0 has {} axes, expected 2", view.rank())));
    }
    let adj = |name: &str| call.integer(name, 0) != 0;
    if call.constant(1).is_none() && call.input(1).is_some() && alpha == 1.0 && call.input(2).is_none() {
        return product(builder, call, BatchMatMul { adj_x: adj("transA"), adj_y: adj("transB") });
    }
    let rows = if call.integer("transA", 0) != 0 { view.transposed(&[1, 0]) } else { view };
    let (weights, number) = call.known(1, "matrix")?;
    let (weights, number) = scaled(builder, weights, number, alpha);
    let is_transposed = call.integer("transB", 0) != 0;
    let columns = Columns { name: call.name(1), value: (&weights, number), is_transposed };
    let n_outputs = columns.n_outputs(call)?;
    let bias = call
        .constant(2)
        .filter(|(c, _)| matches!(c.data.len(), 1) || c.data.len() == n_outputs && c.shape.last() == Some(&n_outputs));
    let bias = match bias {
        Some((constant, number)) => Some(bias_tensor(builder, call.name(2), constant, number, beta, n_outputs)?),
        None => None,
    };
    let id = dense(builder, call, &rows, &columns, bias, false)?;
    let value = View::plain(id, 2);
    if call.input(2).is_none() || bias.is_some() {
        return Ok(Value::Tensor(value));
    }
    if beta != 1.0 && call.constant(2).is_none() {
        return refuse(format!("adds {beta} times a matrix that is computed at run time, which is not supported"));
    }
    let added = match call.constant(2) {
        Some((constant, number)) => {
            let (constant, _) = scaled(builder, constant, number, beta);
            let shape = constant.shape.clone();
            builder.floats("addend", shape, constant.data.as_f32().unwrap_or_default().to_vec())?
        }
        None => {
            let view = call.view(builder, 2)?;
            builder.plain(&view)?.id
        }
    };
    let add = Op::Binary(Binary { kind: BinaryKind::Add, activation: Activation::None });
    let id = builder.emit_helper("add", add, vec![Some(id), Some(added)])?;
    Ok(Value::Tensor(View::plain(id, 2)))
}

/// A product of rows with a constant matrix, or with one vector.
pub(super) fn matmul(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let Some((weights, number)) = call.constant(1) else {
        return product(builder, call, BatchMatMul::default());
    };
    let view = call.view(builder, 0)?;
    let is_vector = weights.shape.len() == 1;
    if !(1..=2).contains(&weights.shape.len()) || call.constant(0).is_some() {
        return product(builder, call, BatchMatMul::default());
    }
    if view.rank() == 0 {
        return Err(call.broken("multiplies a scalar"));
    }
    let rows = view.with_rank(2);
    let columns = Columns { name: call.name(1), value: (weights, number), is_transposed: is_vector };
    let keep_num_dims = rows.rank() > 2;
    let id = dense(builder, call, &rows, &columns, None, keep_num_dims)?;
    let mut result = View::plain(id, rows.rank());
    if is_vector {
        result = result.without(&[rows.rank() - 1]);
    }
    if view.rank() == 1 {
        result = result.without(&[0]);
    }
    Ok(Value::Tensor(result))
}

/// A product of two matrices of which none is a layer's weights.
fn product(builder: &mut Builder, call: &Call<'_, '_>, op: BatchMatMul) -> Result<Value, Fail> {
    let (a, b) = (call.view(builder, 0)?, call.view(builder, 1)?);
    let (is_row, is_column) = (a.rank() == 1, b.rank() == 1);
    let (a, b) = (a.with_rank(2), if is_column { b.with_new(&[1]) } else { b });
    let (a, b) = (builder.plain(&a)?, builder.plain(&b)?);
    let id = builder.emit(Op::BatchMatMul(op), vec![Some(a.id), Some(b.id)])?;
    let rank = builder.shape_of(id).len();
    let dropped = [is_row.then(|| rank - 2), is_column.then(|| rank - 1)];
    Ok(Value::Tensor(View::plain(id, rank).without(&dropped.into_iter().flatten().collect::<Vec<_>>())))
}

/// A matrix whose columns are the weights of one output each; transposed, its rows.
struct Columns<'c> {
    name: &'c str,
    value: (&'c Constant, usize),
    is_transposed: bool,
}

impl Columns<'_> {
    /// Rows and columns of the matrix that rows are multiplied with.
    fn extents(&self, call: &Call<'_, '_>) -> Result<(usize, usize), Fail> {
        let constant = self.value.0;
        let is_real = constant.data.as_f32().is_some() || constant.quantization.is_some();
        match (constant.shape.as_slice(), self.is_transposed) {
            (&[n_in, n_out], false) | (&[n_out, n_in], true) if is_real => Ok((n_in, n_out)),
            (&[n_in], true) if is_real => Ok((n_in, 1)),
            (shape, ..) => Err(call.broken(format!("the weights have shape {shape:?}, expected a matrix of floats"))),
        }
    }

    fn n_outputs(&self, call: &Call<'_, '_>) -> Result<usize, Fail> {
        Ok(self.extents(call)?.1)
    }
}

/// FULLY_CONNECTED on the last axis of `rows`. Where that axis joins axes that lie in another order in the graph, the weights
/// are put in that order.
fn dense(
    builder: &mut Builder,
    call: &Call<'_, '_>,
    rows: &View,
    columns: &Columns<'_>,
    bias: Option<TensorId>,
    keep_num_dims: bool,
) -> Result<TensorId, Fail> {
    let (n_in, n_out) = columns.extents(call)?;
    let tensor = builder.shape_of(rows.id).to_vec();
    let Some((last, outer)) = rows.axes.split_last() else { return Err(call.broken("rows without axes")) };
    let found: usize = last.iter().map(|&axis| tensor[axis]).product();
    if found != n_in {
        return Err(call.broken(format!("rows of {found} against weights for {n_in} inputs")));
    }
    // The parts of the rows in the order in which they lie.
    let mut parts: Vec<usize> = (0..last.len()).collect();
    parts.sort_by_key(|&part| last[part]);
    let sorted: Vec<usize> = parts.iter().map(|&part| last[part]).collect();
    let target: Vec<Vec<usize>> = outer.iter().cloned().chain([sorted]).collect();
    let input = builder.arrange(rows.id, &target)?;
    let extents: Vec<usize> = last.iter().map(|&axis| tensor[axis]).collect();
    let (split, permutation): (Vec<usize>, Vec<usize>) = if columns.is_transposed {
        let split = [vec![n_out], extents].concat();
        (split, std::iter::once(0).chain(parts.iter().map(|&part| part + 1)).collect())
    } else {
        let n_parts = extents.len();
        let split = [extents, vec![n_out]].concat();
        (split, std::iter::once(n_parts).chain(parts).collect())
    };
    let weights = builder.constant(columns.name, columns.value, &split, &permutation, vec![n_out, n_in])?;
    let op = Op::FullyConnected(FullyConnected { keep_num_dims, activation: Activation::None });
    builder.emit(op, vec![Some(input), Some(weights), bias])
}

/// A constant times a factor.
fn scaled(builder: &mut Builder, constant: &Arc<Constant>, number: usize, factor: f32) -> (Arc<Constant>, usize) {
    if let Some(quantization) = constant.quantization.as_ref().filter(|_| factor != 1.0) {
        let mut scaled = Constant::clone(constant);
        let scales = quantization.scales.iter().map(|scale| scale * factor).collect();
        scaled.quantization = Some(Quantization { scales, ..quantization.clone() });
        return builder.numbered(scaled);
    }
    match constant.data.as_f32().filter(|_| factor != 1.0) {
        Some(values) => {
            let data = Data::F32(values.iter().map(|v| v * factor).collect());
            builder.numbered(Constant::new(constant.shape.clone(), data))
        }
        None => (constant.clone(), number),
    }
}

/// A bias for each output, from one for each or one for all.
fn bias_tensor(
    builder: &mut Builder,
    name: &str,
    constant: &Arc<Constant>,
    number: usize,
    beta: f32,
    n_outputs: usize,
) -> Result<TensorId, Fail> {
    let (constant, number) = scaled(builder, constant, number, beta);
    match constant.data.as_f32() {
        Some(&[one]) if n_outputs != 1 => builder.floats("bias", vec![n_outputs], vec![one; n_outputs]),
        _ => builder.constant(name, (&constant, number), &[n_outputs], &[0], vec![n_outputs]),
    }
}

/// Makes an addition of a constant vector the bias of the FULLY_CONNECTED before it, if it is that.
pub(super) fn add_bias(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Option<Value>, Fail> {
    let (Some(Value::Tensor(view)), Some((constant, number))) = (call.input(0), call.constant(1)) else { return Ok(None) };
    let Some(node) = builder.graph.nodes.last().filter(|node| node.outputs.first() == Some(&view.id)) else { return Ok(None) };
    let n_outputs = builder.shape_of(view.id).last().copied().unwrap_or(0);
    let is_bias = constant.data.len() == n_outputs && constant.shape.last() == Some(&n_outputs);
    let is_open = matches!(node.op, Op::FullyConnected(_)) && node.inputs.get(2).is_none_or(Option::is_none);
    let is_in_order = view.single(view.rank().saturating_sub(1)) == Some(builder.shape_of(view.id).len() - 1);
    if !(is_bias && is_open && is_in_order && call.is_only_reader && constant.data.as_f32().is_some()) {
        return Ok(None);
    }
    let value = Value::Tensor(view.clone());
    let bias = builder.constant(call.name(1), (constant, number), &[n_outputs], &[0], vec![n_outputs])?;
    let source = builder.source().to_owned();
    if let Some(node) = builder.graph.nodes.last_mut() {
        node.inputs.truncate(2);
        node.inputs.push(Some(bias));
        node.sources.push(source);
    }
    Ok(Some(value))
}
