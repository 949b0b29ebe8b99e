//! LSTM, GRU, SimpleRNN: from Keras's kernels, gates side by side, to the operators' operands.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::error::Trouble;
use super::super::archive::SAVE_WHOLE;
use super::super::builder::{Form, Value};
use super::super::config::{Flag, parse};
use super::super::weights::{LayerWeights, Variable};
use super::activation::Function;
use super::call::Call;
use crate::graph::{Severity, TensorId};
use crate::ops::{Activation, Gru, Lstm, LstmWeights, Op, SimpleRnn, StridedSlice};

/// A recurrent layer, alone or as one direction of a Bidirectional.
pub(super) struct Recurrent<'a> {
    class: &'a str,
    units: usize,
    use_bias: bool,
    activation: Activation,
    reset_after: bool,
    /// All steps are wanted, not only the last.
    pub(super) returns_sequences: bool,
    /// From the last step to the first.
    pub(super) goes_backwards: bool,
    /// Its arrays: kernel, recurrent kernel, bias.
    variables: Vec<Variable<'a>>,
    /// Put before the names of nodes and weights.
    direction: &'a str,
}

#[derive(Deserialize)]
struct Settings<'s> {
    units: f64,
    use_bias: Option<Flag>,
    #[serde(borrow)]
    activation: Option<&'s RawValue>,
    #[serde(borrow)]
    recurrent_activation: Option<&'s RawValue>,
    return_sequences: Option<Flag>,
    return_state: Option<Flag>,
    go_backwards: Option<Flag>,
    stateful: Option<Flag>,
    time_major: Option<Flag>,
    reset_after: Option<Flag>,
}

/// A layer that walks along time.
pub(super) fn recurrent(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    let layer = Recurrent::of(call, call.class, call.config, &call.weights.clone(), "")?;
    let input = call.operand(Form::Plain)?;
    let sequence = layer.sequence(call, input, "")?;
    let id = if layer.returns_sequences { sequence } else { last_step(call, "last", sequence)? };
    Ok(call.builder.value(id))
}

impl<'a> Recurrent<'a> {
    /// The layer of this class with these settings and weights.
    ///
    /// # Errors
    /// Settings that no operator here has.
    pub(super) fn of(
        call: &mut Call<'_, '_>,
        class: &'a str,
        config: &str,
        weights: &LayerWeights<'a>,
        direction: &'a str,
    ) -> Result<Self, Trouble> {
        let settings: Settings<'_> = parse(&call.place(), config, "the settings of a recurrent layer")?;
        let is_set = |flag: Option<Flag>| flag == Some(Flag(true));
        if is_set(settings.return_state) || is_set(settings.time_major) {
            let remedy = "build it with return_state=False and time as the second axis";
            return Err(call.refuse("it returns its state, or has time as the first axis", remedy));
        }
        if is_set(settings.stateful) {
            let text =
                format!("The layer {} keeps its state from one call to the next in Keras; here it starts at zero.", call.name);
            call.builder.note(Severity::Warning, text);
        }
        let gates = Function::of(call, settings.recurrent_activation)?;
        if class != "SimpleRNN" && gates.name() != "sigmoid" {
            let what = format!("its recurrent_activation is {}, and only sigmoid can be run", gates.name());
            return Err(call.refuse(what, "train it with recurrent_activation=\"sigmoid\""));
        }
        let function = Function::of(call, settings.activation)?;
        let activation = match (class, function.name()) {
            (_, "tanh") => Activation::Tanh,
            ("SimpleRNN" | "LSTM", "relu") => Activation::Relu,
            ("SimpleRNN" | "LSTM", "linear") => Activation::None,
            (_, other) => {
                return Err(call.refuse(format!("its activation {other} cannot be run"), "train it with activation=\"tanh\""));
            }
        };
        Ok(Self {
            class,
            units: call.positive("number of units", settings.units)?,
            use_bias: settings.use_bias.is_none_or(|Flag(is_set)| is_set),
            activation,
            // The default of Keras 2 on, which every file states; before there was no such setting.
            reset_after: is_set(settings.reset_after),
            returns_sequences: is_set(settings.return_sequences),
            goes_backwards: is_set(settings.go_backwards),
            variables: weights.inner("cell")?.variables()?,
            direction,
        })
    }

    /// The outputs of all steps, in the order in which the layer takes them.
    ///
    /// # Errors
    /// Weights are missing or do not fit.
    pub(super) fn sequence(&self, call: &mut Call<'_, '_>, input: TensorId, role: &str) -> Result<TensorId, Trouble> {
        let &[1, _, n_in] = call.builder.graph.tensor(input).shape.as_slice() else {
            let found = format!("an input of shape {:?}", call.builder.graph.tensor(input).shape);
            return Err(Trouble::malformed(call.place(), found, "a sequence, [1, t, c]"));
        };
        if self.class == "GRU" {
            return self.gru(call, input, n_in, role);
        }
        let input = if self.goes_backwards { reversed(call, &self.named("reverse"), input)? } else { input };
        if self.class == "LSTM" { self.lstm(call, input, n_in, role) } else { self.simple(call, input, n_in, role) }
    }

    fn lstm(&self, call: &mut Call<'_, '_>, input: TensorId, n_in: usize, role: &str) -> Result<TensorId, Trouble> {
        let weights = LstmWeights {
            input: self.gates(call, (0, "kernel"), n_in)?,
            recurrent: self.gates(call, (1, "recurrent_kernel"), self.units)?,
            bias: self.biases(call)?,
        };
        let states = [self.state(call, "output_state")?, self.state(call, "cell_state")?];
        let op = Op::Lstm(Lstm { activation: self.activation, cell_clip: 0.0, time_major: false });
        call.builder.node(call.name, role, op, weights.operands(input, states[0], states[1]))
    }

    fn simple(&self, call: &mut Call<'_, '_>, input: TensorId, n_in: usize, role: &str) -> Result<TensorId, Trouble> {
        let [weights] = self.gates(call, (0, "kernel"), n_in)?;
        let [recurrent] = self.gates(call, (1, "recurrent_kernel"), self.units)?;
        let [bias] = self.biases(call)?;
        let state = self.state(call, "state")?;
        let op = Op::SimpleRnn(SimpleRnn { activation: self.activation, time_major: false });
        call.node(role, op, &[input, weights, recurrent, bias, state])
    }

    fn gru(&self, call: &mut Call<'_, '_>, input: TensorId, n_in: usize, role: &str) -> Result<TensorId, Trouble> {
        let wide = self.units.saturating_mul(3);
        let whole = |shape: Vec<usize>| move |values: Vec<f32>| (shape, Arc::from(values));
        let mut operands = vec![input];
        let kernels = [("kernel", vec![n_in, wide]), ("recurrent_kernel", vec![self.units, wide])];
        let bias = self.use_bias.then(|| ("bias", if self.reset_after { vec![2, wide] } else { vec![wide] }));
        for (index, (role, shape)) in kernels.into_iter().chain(bias).enumerate() {
            let name = self.named(role);
            operands.push(call.weight(&self.variables, (index, &name), &shape.clone(), whole(shape))?);
        }
        let op = Op::Gru(Gru { reset_after: self.reset_after, go_backwards: self.goes_backwards });
        call.node(role, op, &operands)
    }

    /// A kernel `[rows, gates * units]` as one matrix `[units, rows]` for each gate.
    fn gates<const N: usize>(
        &self,
        call: &mut Call<'_, '_>,
        (index, role): (usize, &str),
        rows: usize,
    ) -> Result<[TensorId; N], Trouble> {
        let (units, wide) = (self.units, self.units.saturating_mul(N));
        self.parts(call, (index, role), &[rows, wide], |values, gate| {
            let value = |i: usize| values[i % rows * wide + gate * units + i / rows];
            (vec![units, rows], (0..units * rows).map(value).collect())
        })
    }

    /// The bias as one vector for each gate; zeros where the layer has none.
    fn biases<const N: usize>(&self, call: &mut Call<'_, '_>) -> Result<[TensorId; N], Trouble> {
        let units = self.units;
        if !self.use_bias {
            call.builder.budget.charge(units.saturating_mul(4), || call.name.to_owned())?;
            return Ok([call.builder.reals(call.name, &self.named("no_bias"), vec![units], &vec![0.0; units])?; N]);
        }
        let wide = units.saturating_mul(N);
        self.parts(call, (2, "bias"), &[wide], |values, gate| (vec![units], values[gate * units..][..units].into()))
    }

    /// Parts an array into a constant for each gate.
    fn parts<const N: usize>(
        &self,
        call: &mut Call<'_, '_>,
        (index, role): (usize, &str),
        expected: &[usize],
        part: impl Fn(&[f32], usize) -> (Vec<usize>, Arc<[f32]>),
    ) -> Result<[TensorId; N], Trouble> {
        let keys: [String; N] = std::array::from_fn(|gate| match N {
            1 => format!("{}/{}", call.key, self.named(role)),
            _ => format!("{}/{}_{gate}", call.key, self.named(role)),
        });
        let known: Option<Vec<TensorId>> = keys.iter().map(|key| call.builder.known_weights(key)).collect();
        if let Some(Ok(known)) = known.map(<[TensorId; N]>::try_from) {
            return Ok(known);
        }
        let values = call.numbers(&self.variables, (index, role), expected)?;
        let mut gate = 0;
        Ok(keys.map(|key| {
            let (shape, data) = part(&values, gate);
            gate += 1;
            call.builder.add_weights(key, shape, crate::tensor::Data::F32(data))
        }))
    }

    fn state(&self, call: &mut Call<'_, '_>, role: &str) -> Result<TensorId, Trouble> {
        call.builder.variable(call.name, &self.named(role), vec![1, self.units])
    }

    fn named(&self, role: &str) -> String {
        if self.direction.is_empty() { role.into() } else { format!("{}_{role}", self.direction) }
    }
}

/// A sequence with its last step first.
///
/// # Errors
/// The graph grows too large.
pub(super) fn reversed(call: &mut Call<'_, '_>, role: &str, input: TensorId) -> Result<TensorId, Trouble> {
    let op = StridedSlice { begin_mask: 0b111, end_mask: 0b111, ..StridedSlice::default() };
    sliced(call, role, op, input, [[0, 0, 0], [0, 0, 0], [1, -1, 1]])
}

/// The last step of a sequence, without the axis of time.
///
/// # Errors
/// The graph grows too large.
pub(super) fn last_step(call: &mut Call<'_, '_>, role: &str, input: TensorId) -> Result<TensorId, Trouble> {
    let op = StridedSlice { begin_mask: 0b101, end_mask: 0b101, shrink_axis_mask: 0b010, ..StridedSlice::default() };
    sliced(call, role, op, input, [[0, -1, 0], [0, 0, 0], [1, 1, 1]])
}

fn sliced(
    call: &mut Call<'_, '_>,
    role: &str,
    op: StridedSlice,
    input: TensorId,
    [begin, end, strides]: [[i32; 3]; 3],
) -> Result<TensorId, Trouble> {
    let begin = call.builder.integers(call.name, "begin", &begin)?;
    let end = call.builder.integers(call.name, "end", &end)?;
    let strides = call.builder.integers(call.name, "strides", &strides)?;
    call.node(role, Op::StridedSlice(op), &[input, begin, end, strides])
}

/// That a class can be one direction of a Bidirectional.
///
/// # Errors
/// It cannot.
pub(super) fn check_class(call: &Call<'_, '_>, class: &str) -> Result<(), Trouble> {
    if ["LSTM", "GRU", "SimpleRNN"].contains(&class) {
        return Ok(());
    }
    Err(call.refuse(format!("a {class} inside it is not read, only LSTM, GRU and SimpleRNN are"), SAVE_WHOLE))
}
