//! Reductions over axes.

use super::super::builder::{Builder, Fail, Value};
use super::super::call::Call;
use super::super::view::View;
use crate::ops::{Op, Reduce, ReduceKind};

pub(super) fn reduce(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let kind = match call.node.op_type {
        "ReduceMean" => ReduceKind::Mean,
        "ReduceSum" => ReduceKind::Sum,
        "ReduceMax" => ReduceKind::Max,
        "ReduceMin" => ReduceKind::Min,
        _ => ReduceKind::Prod,
    };
    let view = call.view(builder, 0)?;
    let rank = view.rank();
    let named = call.integers_anywhere("axes", 1)?.filter(|axes| !axes.is_empty());
    if named.is_none() && call.integer("noop_with_empty_axes", 0) != 0 {
        return Ok(Value::Tensor(view));
    }
    let axes = named.map_or_else(|| Ok((0..rank).collect()), |axes| call.axes(&axes, rank))?;
    let keep_dims = call.integer("keepdims", 1) != 0;
    let gone: Vec<usize> = axes.iter().flat_map(|&axis| view.axes[axis].iter().copied()).collect();
    let mut sorted = gone.clone();
    sorted.sort_unstable();
    let list: Vec<i64> = sorted.iter().map(|&axis| axis as i64).collect();
    let list = builder.integers("axes", &list)?;
    let id = builder.emit(Op::Reduce(Reduce { kind, keep_dims }), vec![Some(view.id), Some(list)])?;
    // Where axes go, those behind them move up.
    let moved = |axis: usize| axis - if keep_dims { 0 } else { sorted.partition_point(|&gone| gone < axis) };
    let kept = |(axis, list): (usize, &Vec<usize>)| match (axes.contains(&axis), keep_dims) {
        (false, _) => Some(list.iter().map(|&axis| moved(axis)).collect()),
        (true, true) => Some(if list.len() == 1 { list.clone() } else { vec![] }),
        (true, false) => None,
    };
    Ok(Value::Tensor(View { id, axes: view.axes.iter().enumerate().filter_map(kept).collect() }))
}
