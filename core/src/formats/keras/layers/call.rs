//! One application of a layer: its settings, inputs and weights, and what it may do to the graph.

use std::sync::Arc;

use serde::Deserialize;

use super::super::super::error::{Trouble, quoted};
use super::super::archive::SAVE_WHOLE;
use super::super::builder::{Builder, Form, Value};
use super::super::config::parse;
use super::super::weights::{LayerWeights, Variable};
use crate::graph::TensorId;
use crate::ops::Op;
use crate::tensor::Data;

/// One application of a layer.
pub(in super::super) struct Call<'c, 'a> {
    /// Where nodes go.
    pub(in super::super) builder: &'c mut Builder,
    /// The layer's class.
    pub(in super::super) class: &'c str,
    /// The layer's name, which its nodes bear.
    pub(in super::super) name: &'c str,
    /// Under which its weights are known, the same for each application.
    pub(in super::super) key: &'c str,
    /// The layer's settings, as JSON.
    pub(in super::super) config: &'a str,
    /// What it is applied to.
    pub(in super::super) inputs: &'c [Value],
    /// Its weights.
    pub(in super::super) weights: LayerWeights<'a>,
}

/// Data format and what else windows have in common: only one of the two layouts is read.
#[derive(Deserialize)]
struct Layout {
    data_format: Option<String>,
}

impl<'a> Call<'_, 'a> {
    /// The layer's settings, as far as `T` names them.
    ///
    /// # Errors
    /// Settings are missing or of another kind.
    pub(super) fn settings<T: Deserialize<'a>>(&self) -> Result<T, Trouble> {
        parse(&self.place(), self.config, "the settings of such a layer")
    }

    /// The layer in a message.
    pub(super) fn place(&self) -> String {
        format!("layer {} ({})", quoted(self.name), quoted(self.class).trim_matches('"'))
    }

    /// The layer cannot be imported, because of `what`; `remedy` says what to do.
    pub(super) fn refuse(&self, what: impl Into<String>, remedy: impl Into<String>) -> Trouble {
        Trouble::Unsupported { place: self.place(), what: what.into(), remedy: remedy.into() }
    }

    /// The layer is not one of those that Tinsmith reads.
    pub(super) fn not_a_layer(&self) -> Trouble {
        self.refuse(
            "no layer of this class is known here; its code is not in the file",
            "replace it by layers of Keras that Tinsmith reads and save with model.save(\"model.keras\"), or convert the model to \
             .tflite with TFLiteConverter",
        )
    }

    /// The only input.
    ///
    /// # Errors
    /// The layer has none or several.
    pub(super) fn input(&self) -> Result<Value, Trouble> {
        match self.inputs {
            &[input] => Ok(input),
            inputs => Err(self.refuse(
                format!("it is applied to {} values, expected one (states and masks are not read)", inputs.len()),
                "apply the layer to one value",
            )),
        }
    }

    /// The only input, which has to have `N` axes, as a tensor in this form.
    ///
    /// # Errors
    /// The layer has other inputs, or the graph grows too large.
    pub(super) fn operand(&mut self, form: Form) -> Result<TensorId, Trouble> {
        let input = self.input()?;
        self.builder.tensor(input, form, self.name)
    }

    /// The only input in the form that costs nothing.
    ///
    /// # Errors
    /// The layer has other inputs.
    pub(super) fn any_operand(&mut self) -> Result<(TensorId, Form), Trouble> {
        let form = self.builder.cheapest(self.input()?);
        Ok((self.operand(form)?, form))
    }

    /// That channels are the last axis, and that there are as many axes as the layer's class says.
    ///
    /// # Errors
    /// They are not.
    pub(super) fn check_layout(&self) -> Result<(), Trouble> {
        let layout: Layout = self.settings()?;
        if layout.data_format.is_some_and(|format| format != "channels_last") {
            return Err(self.refuse(
                "its data_format is channels_first, and only channels_last is read",
                "build the model with data_format=\"channels_last\" (channels as the last axis)",
            ));
        }
        let n_axes = if self.is_1d() { 3 } else { 4 };
        let shape = self.builder.shape(self.input()?);
        if shape.len() != n_axes {
            let found = format!("an input of shape {shape:?}");
            return Err(Trouble::malformed(self.place(), found, format!("{n_axes} axes, batch among them")));
        }
        Ok(())
    }

    /// The only input as an image, `[1, h, w, c]`.
    ///
    /// # Errors
    /// The input has another number of axes than the layer's class says, or another layout than is read.
    pub(super) fn image(&mut self) -> Result<(TensorId, [usize; 4]), Trouble> {
        self.check_layout()?;
        let id = self.operand(Form::Image)?;
        match *self.builder.graph.tensor(id).shape {
            [n, h, w, c] => Ok((id, [n, h, w, c])),
            ref other => Err(Trouble::malformed(self.place(), format!("an input of shape {other:?}"), "an image")),
        }
    }

    /// Whether the layer works along one axis.
    pub(super) fn is_1d(&self) -> bool {
        self.class.contains("1D")
    }

    /// A result that is an image, as Keras sees it.
    pub(super) fn image_value(&mut self, id: TensorId) -> Value {
        let form = if self.is_1d() { Form::Image } else { Form::Plain };
        self.builder.value_as(id, form)
    }

    /// Adds a node for the layer; `role` tells the nodes of a layer apart, empty for the one that bears its name.
    ///
    /// # Errors
    /// The operands do not fit the operator.
    pub(super) fn node(&mut self, role: &str, op: Op, inputs: &[TensorId]) -> Result<TensorId, Trouble> {
        self.builder.node(self.name, role, op, inputs.iter().copied().map(Some).collect())
    }

    /// Adds a node whose last operand may be left out.
    ///
    /// # Errors
    /// The operands do not fit the operator.
    pub(super) fn node_with_bias(
        &mut self,
        op: Op,
        [input, weights]: [TensorId; 2],
        bias: Option<TensorId>,
    ) -> Result<TensorId, Trouble> {
        let bias = bias.map(Some);
        self.builder.node(self.name, "", op, [Some(input), Some(weights)].into_iter().chain(bias).collect())
    }

    /// Adds a node that is shown but not known.
    ///
    /// # Errors
    /// The layer has several inputs.
    pub(super) fn unknown(&mut self) -> Result<Value, Trouble> {
        let (input, form) = self.any_operand()?;
        let id = self.builder.unknown(self.name, "", self.class, input)?;
        Ok(self.builder.value_as(id, form))
    }

    /// The layer's arrays, not yet read.
    ///
    /// # Errors
    /// The file is damaged.
    pub(super) fn variables(&self) -> Result<Vec<Variable<'a>>, Trouble> {
        self.weights.variables()
    }

    /// Array `index` as a constant of the graph: it has to have the shape `expected`; `lay_out` gives the shape and order of
    /// the operator's operand.
    ///
    /// # Errors
    /// The array is missing or of another shape.
    pub(super) fn weight(
        &mut self,
        variables: &[Variable<'_>],
        (index, role): (usize, &str),
        expected: &[usize],
        lay_out: impl FnOnce(Vec<f32>) -> (Vec<usize>, Arc<[f32]>),
    ) -> Result<TensorId, Trouble> {
        let key = format!("{}/{role}", self.key);
        if let Some(known) = self.builder.known_weights(&key) {
            return Ok(known);
        }
        let (shape, values) = lay_out(self.numbers(variables, (index, role), expected)?);
        Ok(self.builder.add_weights(key, shape, Data::F32(values)))
    }

    /// Array `index` as it is in the file.
    ///
    /// # Errors
    /// As [`Call::weight`].
    pub(super) fn numbers(
        &mut self,
        variables: &[Variable<'_>],
        (index, role): (usize, &str),
        expected: &[usize],
    ) -> Result<Vec<f32>, Trouble> {
        let Some(variable) = variables.get(index) else {
            let what = format!("its {role} is missing, the file holds {} of its weights", variables.len());
            return Err(self.refuse(what, SAVE_WHOLE));
        };
        let found = variable.array.shape()?;
        if found != expected {
            return Err(self.refuse(format!("its {role} has shape {found:?}, expected {expected:?}"), SAVE_WHOLE));
        }
        variable.array.read(&mut self.builder.budget)
    }

    /// A vector of the layer, one entry a channel.
    ///
    /// # Errors
    /// As [`Call::weight`].
    pub(super) fn vector(&mut self, variables: &[Variable<'_>], at: (usize, &str), n: usize) -> Result<TensorId, Trouble> {
        self.weight(variables, at, &[n], |values| (vec![n], values.into()))
    }

    /// The bias, which comes right after the weights if the layer has one.
    ///
    /// # Errors
    /// As [`Call::weight`].
    pub(super) fn bias(
        &mut self,
        use_bias: bool,
        variables: &[Variable<'_>],
        index: usize,
        n: usize,
    ) -> Result<Option<TensorId>, Trouble> {
        if use_bias { self.vector(variables, (index, "bias"), n).map(Some) } else { Ok(None) }
    }

    /// An extent or a setting that has to be a small positive integer.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn positive(&self, what: &str, number: f64) -> Result<usize, Trouble> {
        if number.fract() == 0.0 && (1.0..=f64::from(i32::MAX)).contains(&number) {
            return Ok(number as usize);
        }
        let number = if number.abs() < 1e15 { number.to_string() } else { format!("{number:e}") };
        Err(self.refuse(format!("its {what} is {number}, expected a positive integer"), SAVE_WHOLE))
    }
}

/// A matrix `[rows, columns]` with its axes swapped, `[columns, rows]`.
pub(super) fn transposed(values: &[f32], [rows, columns]: [usize; 2]) -> Arc<[f32]> {
    /// Tiles of this side stay in the nearest cache, on both sides.
    const TILE: usize = 16;
    let mut swapped: Arc<[f32]> = std::iter::repeat_n(0.0, rows * columns).collect();
    let Some(out) = Arc::get_mut(&mut swapped) else { return swapped };
    for first_row in (0..rows).step_by(TILE) {
        for first_column in (0..columns).step_by(TILE) {
            for column in first_column..columns.min(first_column + TILE) {
                for row in first_row..rows.min(first_row + TILE) {
                    out[column * rows + row] = values[row * columns + column];
                }
            }
        }
    }
    swapped
}
