//! Arithmetic on constants while importing: shapes, axes, paddings, slices of weights.
//!
//! Exporters write what they could have computed: PyTorch's zero padding takes its amounts from a dozen nodes. All that is
//! known is computed here, so that operators see constants. What a fold makes is charged like what the file holds.

mod arithmetic;
mod moves;

pub(super) use arithmetic::broadcast;

use std::sync::Arc;

use super::builder::{Builder, Fail, Value, bytes_of};
use super::call::Call;
use super::tensors::Constant;
use crate::tensor::Data;

/// The results of a node all of whose operands are constants, if they can be computed here.
pub(super) fn fold(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Option<Vec<Value>>, Fail> {
    if let Some(shape) = shape(builder, call)? {
        return Ok(Some(vec![builder.known(shape)]));
    }
    let inputs = call.inputs.iter().map(|input| match input {
        None => Some(None),
        Some(Value::Constant(constant, _)) => Some(Some(constant.clone())),
        Some(_) => None,
    });
    let Some(mut inputs) = inputs.collect::<Option<Vec<_>>>() else { return Ok(None) };
    if matches!(call.node.op_type, "QuantizeLinear" | "DequantizeLinear") {
        return Ok(None);
    }
    for input in inputs.iter_mut().flatten().filter(|input| input.quantization.is_some()) {
        // Weights are transposed as they are stored; else it is their real values that count.
        if call.node.op_type != "Transpose" {
            builder.budget.charge(input.data.len().saturating_mul(12), || call.node.place())?;
            *input = Arc::new(super::ops::dequantized(input));
        }
    }
    let folder = Folder { call, inputs };
    let mut charge = |n: usize, width: usize| {
        let n_bytes = n.saturating_mul(width);
        builder.budget.charge(n_bytes, || call.node.place()).map_err(Fail::from)
    };
    let folded = match moves::fold(&folder, &mut charge)? {
        Some(folded) => Some(folded),
        None => arithmetic::fold(&folder, &mut charge)?,
    };
    Ok(folded.map(|constants| constants.into_iter().map(|constant| builder.known(constant)).collect()))
}

/// Asks for memory: so many values of so many bytes.
type Charge<'c> = &'c mut dyn FnMut(usize, usize) -> Result<(), Fail>;

/// A node of constants.
struct Folder<'c, 'n, 'a> {
    call: &'c Call<'n, 'a>,
    inputs: Vec<Option<Arc<Constant>>>,
}

impl Folder<'_, '_, '_> {
    fn get(&self, index: usize) -> Result<&Constant, Fail> {
        match self.inputs.get(index) {
            Some(Some(constant)) => Ok(constant),
            _ => Err(self.call.broken(format!("operand {index} is missing"))),
        }
    }

    fn integers(&self, index: usize, what: &str) -> Result<Vec<i64>, Fail> {
        let integers = self.get(index)?.data.to_i64();
        integers.ok_or_else(|| self.call.broken(format!("has {what} that are no integers")))
    }
}

/// Shape and Size, which are known of activations as well.
fn shape(builder: &Builder, call: &Call<'_, '_>) -> Result<Option<Constant>, Fail> {
    if !matches!(call.node.op_type, "Shape" | "Size") || matches!(call.input(0), Some(Value::Shapeless(_))) {
        return Ok(None);
    }
    let shape = call.shape(builder, 0)?;
    if call.node.op_type == "Size" {
        let n: i64 = shape.iter().map(|&extent| extent as i64).product();
        return Ok(Some(Constant::new(vec![], Data::I64([n].into()))));
    }
    let rank = shape.len() as i64;
    let bound = |i: i64| (if i < 0 { i.saturating_add(rank) } else { i }).clamp(0, rank) as usize;
    let (start, end) = (bound(call.integer("start", 0)), bound(call.integer("end", rank)));
    let part = shape.get(start..end.max(start)).unwrap_or_default();
    Ok(Some(Constant::integers(part.iter().map(|&extent| extent as i64).collect())))
}

/// The values at these places.
fn pick(data: &Data, places: &[usize]) -> Data {
    fn of<T: Copy>(values: &[T], places: &[usize]) -> Arc<[T]> {
        places.iter().map(|&place| values[place]).collect()
    }
    match data {
        Data::F32(v) => Data::F32(of(v, places)),
        Data::F16(v) => Data::F16(of(v, places)),
        Data::I4(v) => Data::I4(of(v, places)),
        Data::I8(v) => Data::I8(of(v, places)),
        Data::U8(v) => Data::U8(of(v, places)),
        Data::I16(v) => Data::I16(of(v, places)),
        Data::I32(v) => Data::I32(of(v, places)),
        Data::I64(v) => Data::I64(of(v, places)),
        Data::Bool(v) => Data::Bool(of(v, places)),
        Data::Other(code, v) => Data::Other(*code, of(v, places)),
    }
}

/// A walk over an array: extents, how far a step along each axis leads, where it starts.
struct Walk {
    shape: Vec<usize>,
    steps: Vec<isize>,
    start: usize,
}

impl Walk {
    /// Over all of a shape, in order.
    fn over(shape: &[usize]) -> Self {
        let mut steps = vec![1isize; shape.len()];
        for axis in (0..shape.len().saturating_sub(1)).rev() {
            steps[axis] = steps[axis + 1].saturating_mul(shape[axis + 1] as isize);
        }
        Self { shape: shape.to_vec(), steps, start: 0 }
    }

    /// Over a shape that is broadcast to another; `None` if it does not fit.
    fn broadcast(shape: &[usize], to: &[usize]) -> Option<Self> {
        let own = Self::over(shape);
        let lead = to.len().checked_sub(shape.len())?;
        let mut steps = vec![0; lead];
        for (axis, &extent) in shape.iter().enumerate() {
            match (extent, to[lead + axis]) {
                (1, _) => steps.push(0),
                (a, b) if a == b => steps.push(own.steps[axis]),
                _ => return None,
            }
        }
        Some(Self { shape: to.to_vec(), steps, start: 0 })
    }

    fn n(&self) -> usize {
        self.shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent)).unwrap_or(usize::MAX)
    }

    /// The places in the order of the walk.
    fn places(&self, charge: Charge<'_>) -> Result<Vec<usize>, Fail> {
        let n = self.n();
        charge(n, size_of::<usize>() / 2)?;
        let mut places = Vec::with_capacity(n);
        let mut index = vec![0usize; self.shape.len()];
        let mut place = self.start as isize;
        for _ in 0..n {
            places.push(place as usize);
            for axis in (0..self.shape.len()).rev() {
                index[axis] += 1;
                place += self.steps[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                place -= self.steps[axis] * self.shape[axis] as isize;
                index[axis] = 0;
            }
        }
        Ok(places)
    }

    /// The values of a constant along the walk.
    fn take(&self, data: &Data, charge: Charge<'_>) -> Result<Constant, Fail> {
        charge(self.n(), bytes_of(data))?;
        Ok(Constant::new(self.shape.clone(), pick(data, &self.places(charge)?)))
    }
}
