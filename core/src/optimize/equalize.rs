//! Cross-layer equalization: of two layers that follow each other, the first makes a channel smaller, the second makes it larger again.
//!
//! Where operators in between let a positive factor through, `W2 f(W1 x + b1) = (W2 S) f(S⁻¹ W1 x + S⁻¹ b1)` for any diagonal `S > 0`.
//! The factors `s = sqrt(r1 r2) / r2` give channel `i` the same range in both layers, `r1` and `r2` being its largest weights there. A
//! layer has a neighbour on either side, so that factors are found in several passes.
//!
//! Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.1.
//!
//! Two things are not in the paper:
//! * Factors are rounded to powers of two. A float takes such a factor without rounding, so that the model's outputs stay the same to
//!   the last bit, and a range is off by no more than the square root of two.
//! * A channel of tiny weights with a large bias is not blown up until its bias alone sets the range of the layer's output.

mod factors;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::StepOutcome;
use super::applied::Applied;
use super::compact::compact;
use super::layer::{Edit, Layer};
use super::links::{Change, Link, links};
use super::prepare::simplified;
use crate::graph::{Graph, NodeId};
use crate::ops::{Activation, Op, Unary};
use crate::recipe::Equalize;
use factors::{Ranges, factors};

pub(super) fn equalize(graph: &Graph, settings: &Equalize) -> Applied {
    let simple = simplified(graph);
    let links = links(&simple, Change::Scale { relu6_is_relu: settings.replace_relu6 });
    if links.is_empty() {
        return Applied::skipped(graph, without_pairs(&simple, settings));
    }
    let layers = links.iter().flat_map(|link| [&link.first, &link.second]);
    let mut ranges: BTreeMap<NodeId, Ranges> = layers.map(|layer| (layer.node, Ranges::of(&simple, layer))).collect();
    let before = spread(&links, &ranges);
    factors(&links, &mut ranges, settings.passes);
    let moved: Vec<&Link> = links.iter().filter(|link| ranges.get(&link.first.node).is_some_and(Ranges::is_scaled)).collect();
    if moved.is_empty() {
        return Applied::skipped(graph, "the channels of layers that follow each other have equal ranges already");
    }
    let after = spread(&links, &ranges);
    let mut edit = Edit::new(simple);
    let replaced: usize = moved.iter().map(|link| let_through(&mut edit, link)).sum();
    scale(&mut edit, &moved, &ranges);
    let (graph, origin) = compact(edit.graph, edit.origin);
    Applied { graph, origin, outcome: StepOutcome::Applied, text: report(moved.len(), replaced, before, after) }
}

/// Why there is nothing to do.
fn without_pairs(graph: &Graph, settings: &Equalize) -> String {
    let behind_relu6 = links(graph, Change::Scale { relu6_is_relu: true }).len();
    if behind_relu6 > 0 && !settings.replace_relu6 {
        return format!(
            "all pairs of layers ({behind_relu6}) have a ReLU6 between them, which no scale passes; it can be replaced"
        );
    }
    "no layer with float weights feeds only one other such layer through operators that a scale passes".into()
}

/// How far apart the channels of the first layers lie: largest over smallest range, in the layer where that is most.
fn spread(links: &[Link], ranges: &BTreeMap<NodeId, Ranges>) -> f64 {
    let spreads = links.iter().filter_map(|link| {
        let ranges = ranges.get(&link.first.node)?.of_outputs();
        let live = || ranges.iter().copied().filter(|range| factors::is_range(*range));
        Some(live().fold(0.0, f64::max) / live().reduce(f64::min)?)
    });
    spreads.fold(1.0, f64::max)
}

/// Makes a ReLU6 between two layers a ReLU; says how many there were.
fn let_through(edit: &mut Edit, link: &Link) -> usize {
    let mut replaced = 0;
    for between in &link.between {
        let op = &mut edit.node_mut(between.by).op;
        let activation = match op {
            Op::Conv2d(op) => &mut op.activation,
            Op::DepthwiseConv2d(op) => &mut op.activation,
            Op::FullyConnected(op) => &mut op.activation,
            Op::TransposeConv(op) => &mut op.activation,
            Op::Pool2d(op) => &mut op.activation,
            Op::Unary(unary @ Unary::Relu6) => {
                *unary = Unary::Relu;
                replaced += 1;
                continue;
            }
            _ => continue,
        };
        if *activation == Activation::Relu6 {
            *activation = Activation::Relu;
            replaced += 1;
        }
    }
    replaced
}

fn scale(edit: &mut Edit, moved: &[&Link], ranges: &BTreeMap<NodeId, Ranges>) {
    for between in moved.iter().flat_map(|link| &link.between) {
        edit.changed(between.tensor);
    }
    let layers: BTreeMap<NodeId, &Layer> =
        moved.iter().flat_map(|link| [&link.first, &link.second]).map(|layer| (layer.node, layer)).collect();
    for (node, layer) in layers {
        let Some(ranges) = ranges.get(&node) else { continue };
        let weights = layer.weights(&edit.graph);
        let scaled = weights.iter().enumerate().map(|(index, weight)| {
            let (output, input) = layer.channels_of(index, weights.len());
            (f64::from(*weight) * ranges.input_factors[input] / ranges.output_factors[output]) as f32
        });
        let scaled = scaled.collect();
        let bias = layer.bias(&edit.graph);
        let bias = bias.map(|bias| {
            let pairs = bias.iter().zip(&ranges.output_factors);
            pairs.map(|(bias, factor)| (f64::from(*bias) / factor) as f32).collect()
        });
        edit.set_weights(layer, scaled);
        if let Some(bias) = bias {
            edit.set_bias(layer, bias);
        }
    }
}

fn report(n_pairs: usize, replaced: usize, before: f64, after: f64) -> String {
    let pairs = if n_pairs == 1 { "1 pair".into() } else { format!("{n_pairs} pairs") };
    let mut text = format!(
        "{pairs} of layers equalized: in the most uneven layer the largest channel range is {} times the smallest, before it was {} times",
        times(after),
        times(before)
    );
    match replaced {
        0 => {}
        1 => text.push_str("; 1 ReLU6 became a ReLU"),
        n => text.push_str(&format!("; {n} ReLU6 became ReLU")),
    }
    text
}

/// A ratio in as many digits as mean something.
fn times(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.1}") } else { format!("{ratio:.0}") }
}
