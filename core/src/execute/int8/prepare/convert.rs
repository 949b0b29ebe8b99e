//! QUANTIZE and DEQUANTIZE: the doors between real numbers and integers, and between integer types.

use tinsmith_runtime::activation::OutputRange;
use tinsmith_runtime::kernels::quantize::RequantizeParams;
use tinsmith_runtime::kernels::unary::{Rescale, Unary};

use super::super::layer::{Integer, Plain};
use super::node::NodeCx;
use super::{Built, arithmetic};
use crate::execute::ExecuteError;
use crate::tensor::ElementType;

pub(super) fn quantize(cx: &NodeCx<'_>) -> Result<Built<'static>, ExecuteError> {
    let (input, output) = (cx.input(0)?, cx.output()?);
    let to = integer(cx, output.element)?;
    let affine = cx.affine(output, "output")?;
    if input.element == ElementType::F32 {
        return Ok(Built::plain(Plain::Quantize(affine, to), vec![0]));
    }
    let from = integer(cx, input.element)?;
    let affines = [cx.affine(input, "input")?, affine];
    if [from, to] == [Integer::I8; 2] {
        let rescale = Rescale::prepare(affines, OutputRange::FULL, cx.rounding).ok_or_else(|| cx.out_of_proportion())?;
        return Ok(Built::layer(arithmetic::table(&Unary::Requantize(rescale)), vec![0]));
    }
    let params = RequantizeParams::prepare(affines, cx.rounding).ok_or_else(|| cx.out_of_proportion())?;
    Ok(Built::plain(Plain::Requantize(params, [from, to]), vec![0]))
}

pub(super) fn dequantize(cx: &NodeCx<'_>) -> Result<Built<'static>, ExecuteError> {
    let (input, output) = (cx.input(0)?, cx.output()?);
    if output.element != ElementType::F32 {
        return Err(cx.unsupported(format!("its output is {}, expected float32", output.element.name())));
    }
    let from = integer(cx, input.element)?;
    Ok(Built::plain(Plain::Dequantize(cx.affine(input, "input")?, from), vec![0]))
}

fn integer(cx: &NodeCx<'_>, element: ElementType) -> Result<Integer, ExecuteError> {
    match element {
        ElementType::I8 => Ok(Integer::I8),
        ElementType::U8 => Ok(Integer::U8),
        ElementType::I16 => Ok(Integer::I16),
        ElementType::I32 => Ok(Integer::I32),
        other => Err(cx.unsupported(format!("it converts {}, which has no integer kernel", other.name()))),
    }
}
