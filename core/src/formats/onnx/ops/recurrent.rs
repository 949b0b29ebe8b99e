//! LSTM and GRU: forwards, backwards, both ways. Gates and axes are put in the order that the graph's layers have.

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::super::tensors::Constant;
use super::super::view::View;
use super::movement::cut;
use crate::graph::TensorId;
use crate::ops::{Activation, Concatenation, Gru, Lstm, LstmWeights, Op};
use crate::tensor::{ElementType, Tensor};

/// Extents and operands that both layers have.
struct Layer<'c> {
    /// Input as `[1, t, i]`.
    input: TensorId,
    /// Time comes first in the source, or the batch.
    time_first: bool,
    steps: usize,
    units: usize,
    inputs: usize,
    directions: Vec<Direction>,
    weights: &'c [f32],
    recurrent: &'c [f32],
    bias: Option<&'c [f32]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// The layer, checked: `n_gates` blocks of weights for each direction.
fn layer<'c>(builder: &mut Builder, call: &'c Call<'_, '_>, n_gates: usize) -> Result<Layer<'c>, Fail> {
    let directions = match call.text("direction").unwrap_or("forward") {
        "forward" => vec![Direction::Forward],
        "reverse" => vec![Direction::Backward],
        "bidirectional" => vec![Direction::Forward, Direction::Backward],
        other => return Err(call.broken(format!("direction \"{other}\""))),
    };
    if call.has("clip") {
        return refuse("clips its gates, which is not supported");
    }
    if call.input(4).is_some_and(|value| !matches!(value, Value::Constant(..))) {
        return refuse("has sequence lengths that are computed at run time, which is not supported");
    }
    for index in [5, 6].into_iter().filter(|&index| call.input(index).is_some() && !(n_gates == 3 && index == 6)) {
        let (state, _) = call.known(index, "initial state")?;
        if state.data.as_f32().is_none_or(|values| values.iter().any(|&v| v != 0.0)) {
            return refuse("starts from a state that is not zero, which is not supported");
        }
    }
    let view = call.view(builder, 0)?;
    let shape = builder.shape(&view);
    let time_first = call.integer("layout", 0) == 0;
    let &[a, b, inputs] = shape.as_slice() else {
        return Err(call.broken(format!("an input of shape {shape:?}, expected 3 axes")));
    };
    let (steps, batch) = if time_first { (a, b) } else { (b, a) };
    if batch != 1 {
        return refuse(format!("runs {batch} sequences at once; only one is supported"));
    }
    let order = if time_first { [vec![1], vec![0], vec![2]] } else { [vec![0], vec![1], vec![2]] };
    let input = builder.arrange_axes(&view, &order)?;
    let units = call.known(2, "recurrent weights")?.0.shape.last().copied().unwrap_or(0);
    let n = directions.len();
    let rows = n_gates.saturating_mul(units);
    let weights = floats(call, 1, "weights", &[n, rows, inputs])?;
    let recurrent = floats(call, 2, "recurrent weights", &[n, rows, units])?;
    let bias = match call.input(3) {
        Some(_) => Some(floats(call, 3, "bias", &[n, rows * 2])?),
        None => None,
    };
    Ok(Layer { input, time_first, steps, units, inputs, directions, weights, recurrent, bias })
}

/// The values of a constant operand of this shape.
fn floats<'c>(call: &'c Call<'_, '_>, index: usize, what: &str, shape: &[usize]) -> Result<&'c [f32], Fail> {
    let (constant, _): (&Constant, usize) = call.known(index, what).map(|(constant, number)| (constant.as_ref(), number))?;
    match constant.data.as_f32() {
        Some(values) if constant.shape == shape && !values.is_empty() => Ok(values),
        _ => Err(call.broken(format!("its {what} have shape {:?}, expected {shape:?} of floats", constant.shape))),
    }
}

/// Other functions than the usual are refused.
fn check_functions(call: &Call<'_, '_>, usual: &[&str]) -> Result<(), Fail> {
    let functions = call.strings("activations");
    let is_usual = functions.iter().enumerate().all(|(i, f)| f.eq_ignore_ascii_case(usual[i % usual.len()]));
    if is_usual { Ok(()) } else { refuse(format!("computes with {functions:?}; only {usual:?} are supported")) }
}

impl Layer<'_> {
    /// Rows of one gate of one direction: `n` values each.
    fn gate<'w>(&self, values: &'w [f32], n_gates: usize, direction: usize, gate: usize, n: usize) -> &'w [f32] {
        let len = self.units * n;
        &values[(direction * n_gates + gate) * len..][..len]
    }

    /// The sequence from its end.
    fn reversed(&self, builder: &mut Builder, id: TensorId) -> Result<TensorId, Fail> {
        Ok(cut(builder, &View::plain(id, 3), &[(1, self.steps - 1, -1, self.steps)])?.id)
    }

    /// All outputs and the last state, from the outputs of each direction in the order in which they were computed.
    fn results(&self, builder: &mut Builder, call: &Call<'_, '_>, computed: Vec<TensorId>) -> Result<Vec<Value>, Fail> {
        let is_used = |index: usize| call.used.get(index).copied().unwrap_or(false);
        let (mut all, mut last) = (Vec::new(), Vec::new());
        for (&id, direction) in computed.iter().zip(&self.directions) {
            if is_used(1) {
                last.push(cut(builder, &View::plain(id, 3), &[(1, self.steps - 1, 1, 1)])?.id);
            }
            if is_used(0) || !is_used(1) {
                all.push(if *direction == Direction::Backward { self.reversed(builder, id)? } else { id });
            }
        }
        let sequence = |time: usize, unit: usize, way: Vec<usize>| {
            if self.time_first { vec![vec![time], way, vec![0], vec![unit]] } else { vec![vec![0], vec![time], way, vec![unit]] }
        };
        let state = |unit: usize, way: Vec<usize>| {
            if self.time_first { vec![way, vec![0], vec![unit]] } else { vec![vec![0], way, vec![unit]] }
        };
        let mut values = Vec::new();
        for (list, is_state) in [(all, false), (last, true)] {
            let axes = |unit: usize, way: Vec<usize>| if is_state { state(unit, way) } else { sequence(1, unit, way) };
            values.push(match list.as_slice() {
                // Nobody reads it.
                [] => continue,
                &[id] => Value::Tensor(View { id, axes: axes(2, vec![]) }),
                several => {
                    let steps = if is_state { 1 } else { self.steps };
                    let op = Op::Concatenation(Concatenation { axis: 2, activation: Activation::None });
                    let id = builder.emit_helper("both", op, several.iter().map(|&id| Some(id)).collect())?;
                    let id = builder.reshape(id, &[1, steps, several.len(), self.units])?;
                    Value::Tensor(View { id, axes: axes(3, vec![2]) })
                }
            });
        }
        if values.len() == 1 && is_used(1) {
            values.insert(0, values[0].clone());
        }
        Ok(values)
    }
}

/// ONNX has the gates input, output, forget, cell; the graph input, forget, cell, output.
const LSTM_GATES: [usize; 4] = [0, 2, 3, 1];

pub(super) fn lstm(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Vec<Value>, Fail> {
    check_functions(call, &["Sigmoid", "Tanh", "Tanh"])?;
    if call.integer("input_forget", 0) != 0 || call.input(7).is_some() {
        return refuse("has peepholes or joined gates, which is not supported");
    }
    let layer = layer(builder, call, 4)?;
    let (h, i) = (layer.units, layer.inputs);
    let mut computed = Vec::with_capacity(2);
    for (d, &direction) in layer.directions.iter().enumerate() {
        let mut weights = LstmWeights { input: [layer.input; 4], recurrent: [layer.input; 4], bias: [layer.input; 4] };
        for (place, gate) in LSTM_GATES.into_iter().enumerate() {
            let of = |values: &[f32], n: usize| layer.gate(values, 4, d, gate, n).to_vec();
            weights.input[place] = builder.floats("weights", vec![h, i], of(layer.weights, i))?;
            weights.recurrent[place] = builder.floats("recurrent", vec![h, h], of(layer.recurrent, h))?;
            let bias = match layer.bias {
                Some(values) => {
                    // Of the input and of the recurrence, four gates each.
                    let (of_input, of_state) = values[d * 8 * h..][..8 * h].split_at(4 * h);
                    (0..h).map(|k| of_input[gate * h + k] + of_state[gate * h + k]).collect()
                }
                None => vec![0.0; h],
            };
            weights.bias[place] = builder.floats("bias", vec![h], bias)?;
        }
        let state = |builder: &mut Builder| {
            let state = Tensor::activation("state", ElementType::F32, [1, h]);
            builder.graph.add_tensor(Tensor { is_variable: true, ..state })
        };
        let (output_state, cell_state) = (state(builder), state(builder));
        let input = if direction == Direction::Backward { layer.reversed(builder, layer.input)? } else { layer.input };
        let op = Op::Lstm(Lstm { activation: Activation::Tanh, cell_clip: 0.0, time_major: false });
        computed.push(builder.emit(op, weights.operands(input, output_state, cell_state))?);
    }
    layer.results(builder, call, computed)
}

pub(super) fn gru(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Vec<Value>, Fail> {
    check_functions(call, &["Sigmoid", "Tanh"])?;
    let layer = layer(builder, call, 3)?;
    let (h, i) = (layer.units, layer.inputs);
    let reset_after = call.integer("linear_before_reset", 0) != 0;
    let mut computed = Vec::with_capacity(2);
    for (d, &direction) in layer.directions.iter().enumerate() {
        let block = |values: &[f32], n: usize| {
            let rows = &values[d * 3 * h * n..][..3 * h * n];
            super::super::permute::values(rows, &[3 * h, n], &[1, 0]).to_vec()
        };
        let kernel = builder.floats("kernel", vec![i, 3 * h], block(layer.weights, i))?;
        let recurrent = builder.floats("recurrent", vec![h, 3 * h], block(layer.recurrent, h))?;
        let bias = match layer.bias.map(|values| &values[d * 6 * h..][..6 * h]) {
            Some(both) if reset_after => Some(builder.floats("bias", vec![2, 3 * h], both.to_vec())?),
            Some(both) => {
                let (of_input, of_state) = both.split_at(3 * h);
                Some(builder.floats("bias", vec![3 * h], of_input.iter().zip(of_state).map(|(a, b)| a + b).collect())?)
            }
            None => None,
        };
        let op = Op::Gru(Gru { reset_after, go_backwards: direction == Direction::Backward });
        computed.push(builder.emit(op, vec![Some(layer.input), Some(kernel), Some(recurrent), bias])?);
    }
    layer.results(builder, call, computed)
}
