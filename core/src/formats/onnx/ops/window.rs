//! What convolutions and poolings have in common: images in the graph's order, and the padding around them.
//!
//! ONNX pads by any amounts on each side, TFLite as SAME or VALID does. Where the two agree that is taken, otherwise the
//! padding becomes a PAD node of its own.

use super::super::builder::{Builder, Fail, refuse};
use super::super::call::Call;
use super::super::view::View;
use crate::graph::TensorId;
use crate::ops::{Op, Pad, PadV2, Padding};

/// An image as the graph has it: `[n, h, w, c]`; a line of values is an image of height 1.
pub(super) struct Image {
    pub(super) id: TensorId,
    /// Extents without batch and channels, in the graph.
    pub(super) size: [usize; 2],
    pub(super) channels: usize,
    /// Axes of the source: 3 for a line, 4 for an image.
    pub(super) rank: usize,
}

/// The order in which an image lies in the graph.
pub(super) fn image_order(rank: usize) -> Vec<Vec<usize>> {
    if rank == 3 { vec![vec![0], vec![], vec![2], vec![1]] } else { vec![vec![0], vec![2], vec![3], vec![1]] }
}

/// Operand `index` as an image.
pub(super) fn image(builder: &mut Builder, call: &Call<'_, '_>, index: usize) -> Result<Image, Fail> {
    let view = call.view(builder, index)?;
    let rank = view.rank();
    if !(3..=4).contains(&rank) {
        return if rank == 5 {
            refuse("works on volumes (3-D), which is not supported")
        } else {
            Err(call.broken(format!("operand {index} has {rank} axes, expected batch, channels and one or two more")))
        };
    }
    let id = builder.arrange_axes(&view, &image_order(rank))?;
    let shape = builder.shape_of(id);
    Ok(Image { id, size: [shape[1], shape[2]], channels: shape[3], rank })
}

/// The view of an image that a node has made.
pub(super) fn made(id: TensorId, rank: usize) -> View {
    let axes = if rank == 3 { vec![vec![0], vec![3], vec![2]] } else { vec![vec![0], vec![3], vec![1], vec![2]] };
    View { id, axes }
}

/// A list of one number for each axis of the window, for height and width; a line has height 1.
pub(super) fn pair(call: &Call<'_, '_>, name: &str, rank: usize) -> Result<[usize; 2], Fail> {
    let list = call.integers(name).filter(|list| !list.is_empty());
    let size = |value: i64| match usize::try_from(value) {
        Ok(value) if (1..1 << 30).contains(&value) => Ok(value),
        _ => Err(call.broken(format!("{name} of {value}"))),
    };
    match (list, rank) {
        (None, _) => Ok([1, 1]),
        (Some(&[w]), 3) => Ok([1, size(w)?]),
        (Some(&[h, w]), 4) => Ok([size(h)?, size(w)?]),
        (Some(list), _) => Err(call.broken(format!("{} {name} for {} axes", list.len(), rank - 2))),
    }
}

/// How a window goes over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) size: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) dilation: [usize; 2],
}

/// Padding before and after along height and width, and the extents of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) before: [usize; 2],
    pub(super) after: [usize; 2],
    pub(super) output: [usize; 2],
}

impl Window {
    fn reach(&self, i: usize) -> usize {
        (self.size[i] - 1).saturating_mul(self.dilation[i]).saturating_add(1)
    }

    /// The padding that the node names.
    pub(super) fn amounts(&self, call: &Call<'_, '_>, image: &Image) -> Result<Amounts, Fail> {
        let auto = call.text("auto_pad").unwrap_or("NOTSET");
        let ceil = call.integer("ceil_mode", 0) != 0;
        let explicit = explicit(call, image.rank)?;
        let mut amounts = Amounts { before: [0; 2], after: [0; 2], output: [0; 2] };
        for i in 0..2 {
            let (input, reach, stride) = (image.size[i], self.reach(i), self.stride[i]);
            let total = match auto {
                "SAME_UPPER" | "SAME_LOWER" => {
                    let output = input.div_ceil(stride);
                    (output - 1).saturating_mul(stride).saturating_add(reach).saturating_sub(input)
                }
                _ => 0,
            };
            let (before, after) = match auto {
                "SAME_UPPER" => (total / 2, total - total / 2),
                "SAME_LOWER" => (total - total / 2, total / 2),
                "VALID" => (0, 0),
                _ => (explicit[i], explicit[i + 2]),
            };
            let span = input.saturating_add(before).saturating_add(after).checked_sub(reach).ok_or_else(|| {
                call.broken(format!("a window of {reach} does not fit {input} values padded by {before} and {after}"))
            })?;
            let mut output = span / stride + 1;
            // Rounded up, a last window may hang over the end, but not start in the padding there.
            if ceil && !span.is_multiple_of(stride) && output * stride < input + before {
                output += 1;
            }
            (amounts.before[i], amounts.after[i], amounts.output[i]) = (before, after, output);
        }
        Ok(amounts)
    }

    /// What TFLite calls this padding; `None` if it has no name for it.
    pub(super) fn named(&self, image: &Image, amounts: &Amounts) -> Option<Padding> {
        [Padding::Valid, Padding::Same].into_iter().find(|padding| {
            (0..2).all(|i| {
                let resolved = padding.resolve(image.size[i], self.size[i], self.stride[i], self.dilation[i]);
                resolved.is_some_and(|(output, before, _)| output == amounts.output[i] && before == amounts.before[i])
            })
        })
    }

    /// The image with zeros or a number around it, so that no padding is left to do.
    pub(super) fn padded(
        &self,
        builder: &mut Builder,
        image: &Image,
        amounts: &Amounts,
        around: Option<f32>,
    ) -> Result<TensorId, Fail> {
        let after = |i: usize| {
            let needed = (amounts.output[i] - 1).saturating_mul(self.stride[i]).saturating_add(self.reach(i));
            needed.saturating_sub(image.size[i].saturating_add(amounts.before[i])) as i64
        };
        let before = |i: usize| amounts.before[i] as i64;
        let list = [0, 0, before(0), after(0), before(1), after(1), 0, 0];
        let paddings = builder.integers("paddings", &list)?;
        let paddings = builder.as_pairs(paddings);
        let Some(around) = around else {
            return builder.emit_helper("pad", Op::Pad(Pad), vec![Some(image.id), Some(paddings)]);
        };
        let around = builder.floats("around", vec![], vec![around])?;
        builder.emit_helper("pad", Op::PadV2(PadV2), vec![Some(image.id), Some(paddings), Some(around)])
    }
}

/// The amounts in attribute `pads`: before for height and width, then after.
fn explicit(call: &Call<'_, '_>, rank: usize) -> Result<[usize; 4], Fail> {
    let list = call.integers("pads").filter(|list| !list.is_empty()).unwrap_or(&[0; 4]);
    let size = |value: i64| match usize::try_from(value) {
        Ok(value) if value < 1 << 30 => Ok(value),
        _ => refuse(format!("pads by {value}, which is not supported")),
    };
    match (list, rank) {
        (&[0, 0, 0, 0], _) => Ok([0; 4]),
        (&[before, after], 3) => Ok([0, size(before)?, 0, size(after)?]),
        (&[a, b, c, d], 4) => Ok([size(a)?, size(b)?, size(c)?, size(d)?]),
        _ => Err(call.broken(format!("{} pads for {} axes", list.len(), rank - 2))),
    }
}
