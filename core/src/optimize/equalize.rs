//! Cross-layer equalization: of two layers that follow each other, the first makes a channel smaller, the second makes it larger again.
//!
//! Where operators in between let a positive factor through, `W2 f(W1 x + b1) = (W2 S) f(S⁻¹ W1 x + S⁻¹ b1)` for any diagonal `S > 0`.
//! The factors `s = sqrt(r1 r2) / r2` give channel `i` the same range in both layers, `r1` and `r2` being its largest weights there. A
//! layer has a neighbour on either side, so that factors are found in several passes.
//!
//! Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.1.
//!
//! Three things are not in the paper:
//! * Factors are rounded to powers of two. A float takes such a factor without rounding, so that the model's outputs stay the same to
//!   the last bit, and a range is off by no more than the square root of two.
//! * A channel of tiny weights with a large bias is not blown up until its bias alone sets the range of the layer's output.
//! * Pairs whose factors would lie close together stay as they are, see [`UNEVEN`].

mod factors;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::StepOutcome;
use super::advice::Advice;
use super::applied::Applied;
use super::compact::compact;
use super::layer::{Edit, Layer};
use super::links::{Change, Link, links};
use super::prepare::simplified;
use crate::graph::{Graph, NodeId};
use crate::ops::{Activation, Op, Unary};
use crate::recipe::Equalize;
use factors::Ranges;

/// Factors of a pair that lie less apart are not worth it. Even weights can make activations less even: with all pairs equalized, nets
/// whose factors lie at most 2 (ResNet-8), 3 (an autoencoder of digits), 5 (DS-CNN for key words) and 13 (MLPerf Tiny's autoencoder)
/// apart come out a little further from the float model as int8 per-channel than without. A net that int8 ruins has them hundreds apart.
const UNEVEN: f64 = 16.0;

pub(super) fn equalize(graph: &Graph, settings: &Equalize) -> Applied {
    let simple = simplified(graph);
    let links = links(&simple, Change::Scale { relu6_is_relu: settings.replace_relu6 });
    if links.is_empty() {
        return Applied::skipped(graph, without_pairs(&simple, settings));
    }
    let mut ranges = ranges_of(&simple, &links);
    let unevenness = factors::unevenness(&links, &mut ranges, settings.passes);
    let uneven: Vec<&Link> = links.iter().zip(&unevenness).filter(|(_, apart)| **apart >= UNEVEN).map(|(link, _)| link).collect();
    if uneven.is_empty() {
        return Applied::skipped(graph, even_enough(&unevenness));
    }
    let before = spread(&uneven, &ranges);
    factors::find(&uneven, &mut ranges, settings.passes);
    let after = spread(&uneven, &ranges);
    let mut edit = Edit::new(simple);
    let replaced: usize = uneven.iter().map(|link| let_through(&mut edit, link)).sum();
    scale(&mut edit, &uneven, &ranges);
    let (graph, origin) = compact(edit.graph, edit.origin);
    let n_left = links.len() - uneven.len();
    Applied { graph, origin, outcome: StepOutcome::Applied, text: report(uneven.len(), n_left, replaced, before, after) }
}

fn ranges_of(graph: &Graph, links: &[Link]) -> BTreeMap<NodeId, Ranges> {
    // Most layers have a neighbour on either side; their weights are looked through once.
    let layers: BTreeMap<NodeId, &Layer> =
        links.iter().flat_map(|link| [&link.first, &link.second]).map(|layer| (layer.node, layer)).collect();
    layers.into_iter().map(|(node, layer)| (node, Ranges::of(graph, layer))).collect()
}

fn even_enough(unevenness: &[f64]) -> String {
    let most = unevenness.iter().copied().fold(1.0, f64::max);
    format!(
        "channels are even enough: factors of a pair of layers would lie at most {} times apart, below {UNEVEN} they gain nothing",
        times(most)
    )
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

/// How far apart channels lie on one side of a pair: largest over smallest range, on the side and in the pair where that is most.
fn spread(links: &[&Link], ranges: &BTreeMap<NodeId, Ranges>) -> f64 {
    let spreads = links.iter().flat_map(|link| factors::live_ranges(link, ranges)).filter_map(|live| {
        let smallest = live.iter().copied().reduce(f64::min)?;
        Some(live.iter().copied().fold(0.0, f64::max) / smallest)
    });
    spreads.fold(1.0, f64::max)
}

/// Makes a ReLU6 between two layers a ReLU; says how many there were.
fn let_through(edit: &mut Edit, link: &Link) -> usize {
    let mut replaced = 0;
    for between in &link.between {
        let op = &mut edit.node_mut(between.by).op;
        if let Op::Unary(unary @ Unary::Relu6) = op {
            *unary = Unary::Relu;
            replaced += 1;
        } else if let Some(activation @ Activation::Relu6) = op.activation_mut() {
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

fn report(n_pairs: usize, n_left: usize, replaced: usize, before: f64, after: f64) -> String {
    let pairs = if n_pairs == 1 { "1 pair".into() } else { format!("{n_pairs} pairs") };
    let mut text = format!(
        "{pairs} of layers equalized: ranges of channels between them lie at most {} times apart, before it was {} times",
        times(after),
        times(before)
    );
    match n_left {
        0 => {}
        1 => text.push_str("; 1 pair is even enough and stays"),
        n => text.push_str(&format!("; {n} pairs are even enough and stay")),
    }
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

/// Advice for each pair of layers that the step would even out.
pub(super) fn advice(graph: &Graph) -> Vec<Advice> {
    let simple = simplified(graph);
    let freely: BTreeSet<NodeId> =
        links(&simple, Change::Scale { relu6_is_relu: false }).iter().map(|link| link.first.node).collect();
    let links = links(&simple, Change::Scale { relu6_is_relu: true });
    let mut ranges = ranges_of(&simple, &links);
    let unevenness = factors::unevenness(&links, &mut ranges, Equalize::default().passes);
    let uneven = links.iter().zip(&unevenness).filter(|(_, apart)| **apart >= UNEVEN);
    uneven.filter_map(|(link, _)| advice_on(graph, &simple, link, &ranges, freely.contains(&link.first.node))).collect()
}

fn advice_on(graph: &Graph, simple: &Graph, link: &Link, ranges: &BTreeMap<NodeId, Ranges>, freely: bool) -> Option<Advice> {
    let [first, second] = [&link.first, &link.second].map(|layer| simple.node(layer.node).name.as_str());
    let apart = factors::live_ranges(link, ranges).map(|live| {
        let largest = live.iter().copied().fold(0.0, f64::max);
        largest / factors::median(&live).unwrap_or(f64::INFINITY)
    });
    let apart = apart[0].max(apart[1]);
    let mut text = format!(
        "the largest channel range between \"{first}\" and \"{second}\" is {} times the middle one: equalize helps",
        times(apart)
    );
    if !freely {
        text.push_str(", if a ReLU6 between them becomes a ReLU");
    }
    let step = if freely { "equalize" } else { "equalize:replace-relu6=on" };
    let nodes = [first, second].into_iter().filter_map(|name| graph.node_named(name)).collect();
    Some(Advice { step, nodes, apart: Some(apart), text })
}
