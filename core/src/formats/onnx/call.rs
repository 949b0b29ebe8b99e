//! One node of the source with everything that its import asks for: attributes, operands, what reads its results.

use std::rc::Rc;
use std::sync::Arc;

use super::super::error::Trouble;
use super::builder::{Builder, Fail, Value, refuse};
use super::proto::{Attribute, Node};
use super::tensors::Constant;
use super::view::View;
use crate::graph::TensorId;

/// A node and its operands.
pub(super) struct Call<'n, 'a> {
    pub(super) node: &'n Node<'a>,
    pub(super) attributes: Rc<[Attribute<'a>]>,
    /// Stands for attribute `axis`, where the node is part of another.
    pub(super) own_axis: Option<i64>,
    /// `None` where an operand is left out.
    pub(super) inputs: Vec<Option<Value>>,
    /// Version of the standard operators.
    pub(super) opset: i64,
    /// The operators that read the first result, and whether the model gives it out.
    pub(super) readers: Vec<&'n str>,
    pub(super) is_output: bool,
    /// For each result whether anybody reads it.
    pub(super) used: Vec<bool>,
    /// Whether nobody else reads the first operand.
    pub(super) is_only_reader: bool,
}

impl<'n, 'a> Call<'n, 'a> {
    /// The same call, to be changed.
    pub(super) fn copy(&self) -> Call<'n, 'a> {
        Call {
            attributes: self.attributes.clone(),
            inputs: self.inputs.clone(),
            readers: self.readers.clone(),
            used: self.used.clone(),
            ..*self
        }
    }

    /// Sets attribute `axis`.
    pub(super) fn set_axis(&mut self, axis: i64) {
        self.own_axis = Some(axis);
    }

    fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(super) fn integer(&self, name: &str, default: i64) -> i64 {
        if let Some(axis) = self.own_axis.filter(|_| name == "axis") {
            return axis;
        }
        self.attribute(name).and_then(|a| a.integer).unwrap_or(default)
    }

    pub(super) fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).and_then(|a| a.float).unwrap_or(default)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.attribute(name).and_then(|a| a.text).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    pub(super) fn strings(&self, name: &str) -> Vec<&str> {
        let strings = self.attribute(name).map_or(&[][..], |a| &a.strings);
        strings.iter().map(|bytes| std::str::from_utf8(bytes).unwrap_or_default()).collect()
    }

    pub(super) fn integers(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|a| a.integers.as_slice())
    }

    pub(super) fn floats(&self, name: &str) -> Option<&[f32]> {
        self.attribute(name).map(|a| a.floats.as_slice())
    }

    pub(super) fn tensor(&self, name: &str) -> Option<&'a [u8]> {
        self.attribute(name).and_then(|a| a.tensor)
    }

    pub(super) fn input(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index).and_then(Option::as_ref)
    }

    /// Operand `index` if it is a constant, with its number.
    pub(super) fn constant(&self, index: usize) -> Option<(&Arc<Constant>, usize)> {
        match self.input(index)? {
            Value::Constant(constant, number) => Some((constant, *number)),
            _ => None,
        }
    }

    /// Operand `index`, which has to be a constant.
    pub(super) fn known(&self, index: usize, what: &str) -> Result<(&Arc<Constant>, usize), Fail> {
        match self.constant(index) {
            Some(constant) => Ok(constant),
            None if self.input(index).is_none() => Err(self.missing(index)),
            None => refuse(format!("has its {what} computed at run time")),
        }
    }

    /// The integers of operand `index`, which has to be a constant; `None` if it is left out.
    pub(super) fn known_integers(&self, index: usize, what: &str) -> Result<Option<Vec<i64>>, Fail> {
        if self.input(index).is_none() {
            return Ok(None);
        }
        let (constant, _) = self.known(index, what)?;
        match constant.data.to_i64() {
            Some(list) => Ok(Some(list)),
            None => Err(Trouble::malformed(self.node.place(), format!("{what} that are no integers"), "integers").into()),
        }
    }

    /// The only number of operand `index`, which has to be a constant; `None` if it is left out.
    pub(super) fn known_float(&self, index: usize, what: &str) -> Result<Option<f32>, Fail> {
        if self.input(index).is_none() {
            return Ok(None);
        }
        let (constant, _) = self.known(index, what)?;
        match constant.data.as_f32() {
            Some(&[value]) => Ok(Some(value)),
            _ => {
                Err(Trouble::malformed(self.node.place(), format!("a {what} of shape {:?}", constant.shape), "one float").into())
            }
        }
    }

    /// Axes or sizes that were an attribute in older sets of operators and are operand `index` in newer ones.
    pub(super) fn integers_anywhere(&self, name: &str, index: usize) -> Result<Option<Vec<i64>>, Fail> {
        match self.integers(name) {
            Some(list) => Ok(Some(list.to_vec())),
            None => self.known_integers(index, name),
        }
    }

    /// Operand `index` as it lies in the graph; a constant becomes a tensor there.
    pub(super) fn view(&self, builder: &mut Builder, index: usize) -> Result<View, Fail> {
        match self.input(index) {
            Some(Value::Tensor(view)) => Ok(view.clone()),
            Some(Value::Constant(constant, number)) => {
                let id = builder.constant_plain(self.name(index), (constant, *number))?;
                Ok(View::plain(id, constant.shape.len()))
            }
            Some(Value::Shapeless(_)) => refuse("reads a value whose shape is not known"),
            None => Err(self.missing(index)),
        }
    }

    /// The shape of operand `index` in the source.
    pub(super) fn shape(&self, builder: &Builder, index: usize) -> Result<Vec<usize>, Fail> {
        match self.input(index) {
            Some(Value::Tensor(view)) => Ok(builder.shape(view)),
            Some(Value::Constant(constant, _)) => Ok(constant.shape.clone()),
            Some(Value::Shapeless(_)) => refuse("reads a value whose shape is not known"),
            None => Err(self.missing(index)),
        }
    }

    /// Operand `index` as a constant tensor in the order of the source.
    pub(super) fn constant_tensor(&self, builder: &mut Builder, index: usize, what: &str) -> Result<TensorId, Fail> {
        let (constant, number) = self.known(index, what)?;
        builder.constant_plain(self.name(index), (constant, number))
    }

    /// The name of operand `index` in the source.
    pub(super) fn name(&self, index: usize) -> &'a str {
        self.node.inputs.get(index).copied().unwrap_or_default()
    }

    /// An axis that may count from the end.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Fail> {
        crate::ops::resolve_axis(axis, rank).map_err(|error| self.broken(error.to_string()))
    }

    /// Axes that may count from the end, each once, in ascending order.
    pub(super) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, Fail> {
        let mut axes = axes.iter().map(|&axis| self.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
        axes.sort_unstable();
        if axes.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.broken("names an axis twice"));
        }
        Ok(axes)
    }

    pub(super) fn broken(&self, what: impl Into<String>) -> Fail {
        let remedy = "no runtime can run this: export the model again".into();
        Fail::Broken(Trouble::Unsupported { place: self.node.place(), what: what.into(), remedy })
    }

    fn missing(&self, index: usize) -> Fail {
        self.broken(format!("operand {index} is missing"))
    }
}
