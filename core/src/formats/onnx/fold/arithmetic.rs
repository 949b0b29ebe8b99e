//! Constants computed: arithmetic, comparisons, changes of type, reductions, ranges.

use super::super::builder::Fail;
use super::super::tensors::{Constant, element};
use super::{Charge, Folder, Walk};
use crate::tensor::{Data, ElementType};

/// The results, if the node computes something that is known here.
pub(super) fn fold(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Option<Vec<Constant>>, Fail> {
    let op = folder.call.node.op_type;
    Ok(Some(vec![match op {
        "Cast" => cast(folder, charge)?,
        "ConstantOfShape" => constant_of_shape(folder, charge)?,
        "Range" => range(folder, charge)?,
        "Where" => choice(folder, charge)?,
        "ReduceProd" | "ReduceSum" | "ReduceMax" | "ReduceMin" => return Ok(reduced(folder, op)?.map(|constant| vec![constant])),
        _ if binary(op).is_some() || comparison(op).is_some() => two(folder, op, charge)?,
        "Not" | "Neg" | "Abs" | "Floor" | "Ceil" | "Round" | "Sqrt" | "Reciprocal" | "Exp" | "Log" => one(folder, op, charge)?,
        _ => return Ok(None),
    }]))
}

/// Numbers for arithmetic: integers stay exact.
enum Numbers {
    Integers(Vec<i64>),
    Floats(Vec<f32>),
}

fn numbers(folder: &Folder<'_, '_, '_>, data: &Data) -> Result<Numbers, Fail> {
    if let Some(floats) = data.as_f32() {
        return Ok(Numbers::Floats(floats.to_vec()));
    }
    data.to_i64().map(Numbers::Integers).ok_or_else(|| folder.call.broken("computes with values of a type that is not read"))
}

/// Integers as values of an element type.
fn typed(element: ElementType, list: Vec<i64>) -> Data {
    match element {
        ElementType::F32 | ElementType::F16 => Data::F32(list.iter().map(|&v| v as f32).collect()),
        ElementType::I4 => Data::I4(list.iter().map(|&v| v as i8).collect()),
        ElementType::I8 => Data::I8(list.iter().map(|&v| v as i8).collect()),
        ElementType::U8 => Data::U8(list.iter().map(|&v| v as u8).collect()),
        ElementType::I16 => Data::I16(list.iter().map(|&v| v as i16).collect()),
        ElementType::I32 => Data::I32(list.iter().map(|&v| v as i32).collect()),
        ElementType::Bool => Data::Bool(list.iter().map(|&v| u8::from(v != 0)).collect()),
        ElementType::I64 | ElementType::Other(_) => Data::I64(list.into()),
    }
}

fn cast(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let constant = folder.get(0)?;
    let to = folder.call.integer("to", 0);
    let Some(to) = element(to) else { return Err(folder.call.broken(format!("casts to type {to}, which is not read"))) };
    if constant.data.element() == to {
        return Ok(constant.clone());
    }
    charge(constant.data.len(), 16)?;
    let data = match numbers(folder, &constant.data)? {
        Numbers::Floats(list) if to == ElementType::Bool => Data::Bool(list.iter().map(|&v| u8::from(v != 0.0)).collect()),
        Numbers::Floats(list) => typed(to, list.iter().map(|&v| v as i64).collect()),
        Numbers::Integers(list) => typed(to, list),
    };
    Ok(Constant::new(constant.shape.clone(), data))
}

fn constant_of_shape(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let shape = folder.integers(0, "a shape")?;
    let shape = super::super::tensors::extents(&shape).ok_or_else(|| folder.call.broken("fills no shape"))?;
    let value = match folder.call.tensor("value") {
        Some(bytes) => super::super::attribute_tensor(folder.call, bytes)?.data,
        None => Data::F32([0.0].into()),
    };
    if value.len() != 1 {
        return Err(folder.call.broken(format!("fills with {} values at once", value.len())));
    }
    let walk = Walk { steps: vec![0; shape.len()], shape, start: 0 };
    walk.take(&value, charge)
}

fn range(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let ends = (0..3).map(|index| numbers(folder, &folder.get(index)?.data)).collect::<Result<Vec<_>, _>>()?;
    let trouble = || folder.call.broken("a range without start, limit and step");
    match ends.as_slice() {
        [Numbers::Integers(a), Numbers::Integers(b), Numbers::Integers(c)] => {
            let (&[start], &[limit], &[step]) = (a.as_slice(), b.as_slice(), c.as_slice()) else { return Err(trouble()) };
            let span = if step > 0 { limit.saturating_sub(start) } else { start.saturating_sub(limit) };
            let n = if step == 0 || span <= 0 { 0 } else { span.unsigned_abs().div_ceil(step.unsigned_abs()) as usize };
            charge(n, 16)?;
            let list = (0..n as i64).map(|i| start.wrapping_add(i.wrapping_mul(step))).collect();
            Ok(Constant::new(vec![n], typed(folder.get(0)?.data.element(), list)))
        }
        [Numbers::Floats(a), Numbers::Floats(b), Numbers::Floats(c)] => {
            let (&[start], &[limit], &[step]) = (a.as_slice(), b.as_slice(), c.as_slice()) else { return Err(trouble()) };
            let n = ((limit - start) / step).ceil().max(0.0) as usize;
            charge(n, 4)?;
            Ok(Constant::new(vec![n], Data::F32((0..n).map(|i| start + i as f32 * step).collect())))
        }
        _ => Err(trouble()),
    }
}

/// Exact for integers, rounded once for floats: each has a function of its own.
type Both = (fn(i64, i64) -> i64, fn(f32, f32) -> f32);

fn binary(op: &str) -> Option<Both> {
    Some(match op {
        "Add" => (i64::wrapping_add, |a, b| a + b),
        "Sub" => (i64::wrapping_sub, |a, b| a - b),
        "Mul" => (i64::wrapping_mul, |a, b| a * b),
        "Div" => (|a, b| a.checked_div(b).unwrap_or(0), |a, b| a / b),
        "Mod" => (|a, b| if b == 0 { 0 } else { a.wrapping_rem(b).wrapping_add(b).wrapping_rem(b) }, |a, b| a % b),
        "Min" => (i64::min, f32::min),
        "Max" => (i64::max, f32::max),
        "Pow" => (|a, b| u32::try_from(b).ok().and_then(|b| a.checked_pow(b)).unwrap_or(0), f32::powf),
        "And" => (|a, b| i64::from(a != 0 && b != 0), |_, _| f32::NAN),
        "Or" => (|a, b| i64::from(a != 0 || b != 0), |_, _| f32::NAN),
        _ => return None,
    })
}

fn comparison(op: &str) -> Option<fn(f64, f64) -> bool> {
    Some(match op {
        "Equal" => |a, b| a == b,
        "Less" => |a, b| a < b,
        "Greater" => |a, b| a > b,
        "LessOrEqual" => |a, b| a <= b,
        "GreaterOrEqual" => |a, b| a >= b,
        _ => return None,
    })
}

/// Shape of two operands broadcast against each other; `None` if they do not fit.
pub(in super::super) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    let pair = |i: usize| match (extent(a, i), extent(b, i)) {
        (x, y) if x == y => Some(x),
        (1, y) => Some(y),
        (x, 1) => Some(x),
        _ => None,
    };
    (0..rank).map(pair).collect()
}

fn two(folder: &Folder<'_, '_, '_>, op: &str, charge: Charge<'_>) -> Result<Constant, Fail> {
    let mut result = folder.get(0)?.clone();
    if folder.inputs.len() < 2 && !matches!(op, "Min" | "Max") {
        return Err(folder.call.broken("one operand, expected two"));
    }
    for index in 1..folder.inputs.len() {
        let other = folder.get(index)?;
        let misfit = || folder.call.broken(format!("shapes {:?} and {:?} do not fit", result.shape, other.shape));
        let shape = broadcast(&result.shape, &other.shape).ok_or_else(misfit)?;
        let (a, b) = (Walk::broadcast(&result.shape, &shape), Walk::broadcast(&other.shape, &shape));
        let (Some(a), Some(b)) = (a, b) else { return Err(misfit()) };
        let (a, b) = (a.take(&result.data, charge)?.data, b.take(&other.data, charge)?.data);
        charge(a.len(), 16)?;
        let data = match (numbers(folder, &a)?, numbers(folder, &b)?) {
            (Numbers::Integers(x), Numbers::Integers(y)) => {
                let pairs = x.into_iter().zip(y);
                match (binary(op), comparison(op)) {
                    (Some((f, _)), _) => typed(a.element(), pairs.map(|(x, y)| f(x, y)).collect()),
                    (_, Some(f)) => Data::Bool(pairs.map(|(x, y)| u8::from(f(x as f64, y as f64))).collect()),
                    _ => return Err(misfit()),
                }
            }
            (Numbers::Floats(x), Numbers::Floats(y)) => {
                let pairs = x.into_iter().zip(y);
                match (binary(op), comparison(op)) {
                    (Some((_, f)), _) => Data::F32(pairs.map(|(x, y)| f(x, y)).collect()),
                    (_, Some(f)) => Data::Bool(pairs.map(|(x, y)| u8::from(f(x.into(), y.into()))).collect()),
                    _ => return Err(misfit()),
                }
            }
            _ => return Err(folder.call.broken("computes with a float and an integer")),
        };
        result = Constant::new(shape, data);
    }
    Ok(result)
}

fn one(folder: &Folder<'_, '_, '_>, op: &str, charge: Charge<'_>) -> Result<Constant, Fail> {
    let constant = folder.get(0)?;
    charge(constant.data.len(), 16)?;
    let data = match numbers(folder, &constant.data)? {
        Numbers::Integers(list) => {
            let f: fn(i64) -> i64 = match op {
                "Not" => |v| i64::from(v == 0),
                "Neg" => i64::wrapping_neg,
                "Abs" => i64::wrapping_abs,
                _ => |v| v,
            };
            typed(constant.data.element(), list.into_iter().map(f).collect())
        }
        Numbers::Floats(list) => {
            let f: fn(f32) -> f32 = match op {
                "Neg" => |v| -v,
                "Abs" => f32::abs,
                "Floor" => f32::floor,
                "Ceil" => f32::ceil,
                "Round" => f32::round_ties_even,
                "Sqrt" => f32::sqrt,
                "Reciprocal" => f32::recip,
                "Exp" => f32::exp,
                "Log" => f32::ln,
                _ => |v| v,
            };
            Data::F32(list.into_iter().map(f).collect())
        }
    };
    Ok(Constant::new(constant.shape.clone(), data))
}

fn choice(folder: &Folder<'_, '_, '_>, charge: Charge<'_>) -> Result<Constant, Fail> {
    let (condition, yes, no) = (folder.get(0)?, folder.get(1)?, folder.get(2)?);
    let misfit = || folder.call.broken("chooses between shapes or types that do not fit");
    let shape = broadcast(&yes.shape, &no.shape).and_then(|shape| broadcast(&shape, &condition.shape)).ok_or_else(misfit)?;
    let mut part = |constant: &Constant| {
        let walk = Walk::broadcast(&constant.shape, &shape).ok_or_else(misfit)?;
        numbers(folder, &walk.take(&constant.data, charge)?.data)
    };
    let Numbers::Integers(chosen) = part(condition)? else { return Err(misfit()) };
    let data = match (part(yes)?, part(no)?) {
        (Numbers::Integers(yes), Numbers::Integers(no)) => {
            let values = chosen.iter().zip(yes.iter().zip(&no));
            typed(folder.get(1)?.data.element(), values.map(|(&c, (&a, &b))| if c != 0 { a } else { b }).collect())
        }
        (Numbers::Floats(yes), Numbers::Floats(no)) => {
            let values = chosen.iter().zip(yes.iter().zip(&no));
            Data::F32(values.map(|(&c, (&a, &b))| if c != 0 { a } else { b }).collect())
        }
        _ => return Err(misfit()),
    };
    Ok(Constant::new(shape, data))
}

/// Reductions of integers to one number, as shape arithmetic has them; others are left to the graph.
fn reduced(folder: &Folder<'_, '_, '_>, op: &str) -> Result<Option<Constant>, Fail> {
    let constant = folder.get(0)?;
    let (Some(list), 0 | 1) = (constant.data.to_i64(), constant.shape.len()) else { return Ok(None) };
    let value = match op {
        "ReduceProd" => Some(list.iter().fold(1i64, |a, &b| a.wrapping_mul(b))),
        "ReduceSum" => Some(list.iter().fold(0i64, |a, &b| a.wrapping_add(b))),
        "ReduceMax" => list.iter().copied().max(),
        _ => list.iter().copied().min(),
    };
    let shape = if folder.call.integer("keepdims", 1) != 0 { vec![1; constant.shape.len()] } else { vec![] };
    Ok(value.map(|value| Constant::new(shape, typed(constant.data.element(), vec![value]))))
}
