//! BatchNormalization, Softmax and LogSoftmax.

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::super::view::View;
use super::window::image_order;
use crate::ops::{BatchNorm, LogSoftmax, Op, Softmax};

/// `(x - mean) / sqrt(variance + epsilon) * scale + bias` for each channel.
pub(super) fn batch_norm(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    if call.integer("training_mode", 0) != 0 || call.node.outputs.iter().skip(1).any(|output| !output.is_empty()) {
        return refuse("is exported as for training, which is not supported; export the model for inference");
    }
    let view = call.view(builder, 0)?;
    let shape = builder.shape(&view);
    let channels = shape.get(1).copied().ok_or_else(|| call.broken("operand 0 has no channels"))?;
    let rank = view.rank();
    let (id, made) = match rank {
        3 | 4 => (builder.arrange_axes(&view, &image_order(rank))?, super::window::made(view.id, rank)),
        _ => {
            let order = super::super::ends::channels_last(rank);
            let id = builder.arrange_axes(&view, &order.iter().map(|&axis| vec![axis]).collect::<Vec<_>>())?;
            (id, super::super::ends::view_of(id, &order))
        }
    };
    let mut inputs = vec![Some(id)];
    for (index, what) in [(1, "scale"), (2, "bias"), (3, "mean"), (4, "variance")] {
        let (constant, number) = call.known(index, what)?;
        if constant.data.as_f32().is_none_or(|values| values.len() != channels) {
            return Err(call.broken(format!("its {what} has shape {:?}, expected [{channels}]", constant.shape)));
        }
        inputs.push(Some(builder.constant(call.name(index), (constant, number), &[channels], &[0], vec![channels])?));
    }
    let id = builder.emit(Op::BatchNorm(BatchNorm { epsilon: call.float("epsilon", 1e-5) }), inputs)?;
    Ok(Value::Tensor(made.of(id)))
}

/// Softmax or its logarithm along one axis; before operator set 13 along all axes from one on.
pub(super) fn softmax(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let op = if call.node.op_type == "Softmax" { Op::Softmax(Softmax { beta: 1.0 }) } else { Op::LogSoftmax(LogSoftmax) };
    along(builder, call, op)
}

/// An operator that works along the last axis of its tensor.
pub(super) fn along(builder: &mut Builder, call: &Call<'_, '_>, op: Op) -> Result<Value, Fail> {
    let view = call.view(builder, 0)?;
    let (rank, shape) = (view.rank(), builder.shape(&view));
    let joins = call.opset < 13;
    let axis = call.axis(call.integer("axis", if joins { 1 } else { -1 }), rank.max(1))?;
    if rank == 0 {
        return refuse("works on a scalar, which is not supported");
    }
    let behind: usize = shape[axis + 1..].iter().product();
    if joins && behind != 1 {
        // All axes from this one on are one axis to it.
        let order = vec![(0..axis).collect(), (axis..rank).collect()];
        let id = builder.arrange_axes(&view, &order)?;
        let id = builder.emit(op, vec![Some(id)])?;
        let id = builder.reshape(id, &shape)?;
        return Ok(Value::Tensor(View::plain(id, rank)));
    }
    let tensor = builder.shape_of(view.id);
    let last = view.axes[axis].iter().copied().filter(|&axis| tensor[axis] != 1).collect::<Vec<_>>();
    if let &[last] = last.as_slice()
        && last + 1 == tensor.len()
    {
        let id = builder.emit(op, vec![Some(view.id)])?;
        return Ok(Value::Tensor(view.of(id)));
    }
    let order: Vec<usize> = (0..rank).filter(|&other| other != axis).chain([axis]).collect();
    let id = builder.arrange_axes(&view, &order.iter().map(|&axis| vec![axis]).collect::<Vec<_>>())?;
    let id = builder.emit(op, vec![Some(id)])?;
    Ok(Value::Tensor(super::super::ends::view_of(id, &order)))
}
