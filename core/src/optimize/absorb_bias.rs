//! High-bias absorption: what a channel never falls below is a constant, which the next layer's bias can hold.
//!
//! If no value of a channel is below `c` before its ReLU, then `W2 relu(W1 x + b1) + b2 = W2 relu(W1 x + b1 - c) + (b2 + W2 c)`: the
//! activation loses an offset that would cost it levels. That holds for every input whose values stay above `c`, and where all of the
//! second layer's weights see the constant: not at a border of zeros.
//!
//! Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.1.3. There `c` is a
//! mean less three deviations; here it is the lowest value that the calibration samples show.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::applied::Applied;
use super::compact::compact;
use super::layer::{Edit, Layer};
use super::links::{Between, Change, Link, links};
use super::prepare::simplified;
use super::{Absorbed, Observations, OptimizeError, StepOutcome};
use crate::execute::float::Prepared;
use crate::graph::{Graph, NodeId, TensorId};
use crate::ops::{Activation, Op, Unary};

/// Samples that one set of lowest values is made of before the sets are joined.
const CHUNK: usize = 16;

/// A link that begins with a ReLU.
struct Candidate {
    link: Link,
    /// What the ReLU makes: above zero it is what went in.
    relu: Between,
}

pub(super) fn absorb(graph: &Graph, observations: &Observations<'_>, absorbed: &mut Absorbed) -> Result<Applied, OptimizeError> {
    let simple = simplified(graph);
    let candidates = candidates(&simple, Change::Shift);
    let n_blocked = self::candidates(&simple, Change::Scale { relu6_is_relu: false }).len().saturating_sub(candidates.len());
    if candidates.is_empty() {
        return Ok(Applied::skipped(graph, without_candidates(n_blocked)));
    }
    let constants = match observations.absorbed {
        Some(stored) => stored_constants(&simple, &candidates, stored, absorbed)?,
        None if observations.inputs.is_empty() => {
            return Ok(Applied::skipped(graph, "it needs calibration samples, which show what a channel never falls below"));
        }
        None => lowest(&simple, &candidates, observations)?,
    };
    let moved: Vec<(&Candidate, &Vec<f32>)> =
        candidates.iter().zip(&constants).filter(|(_, constants)| constants.iter().any(|c| *c > 0.0)).collect();
    if moved.is_empty() {
        return Ok(Applied::skipped(
            graph,
            "every channel falls to zero for some calibration sample: there is nothing to absorb",
        ));
    }
    for (candidate, constants) in &moved {
        let name = simple.node(candidate.link.first.node).name.clone();
        let total = absorbed.entry(name).or_insert_with(|| vec![0.0; constants.len()]);
        total.iter_mut().zip(*constants).for_each(|(total, c)| *total += c);
    }
    let mut edit = Edit::new(simple);
    shift(&mut edit, &moved);
    let (graph, origin) = compact(edit.graph, edit.origin);
    Ok(Applied { graph, origin, outcome: StepOutcome::Applied, text: report(&moved, n_blocked) })
}

fn candidates(graph: &Graph, change: Change) -> Vec<Candidate> {
    let with_relu = |link: Link| {
        let makes_relu = |between: &&Between| {
            let op = &graph.node(between.by).op;
            matches!(op, Op::Unary(Unary::Relu)) || op.facts().activation() == Activation::Relu
        };
        let relu = *link.between.iter().find(makes_relu)?;
        Some(Candidate { link, relu })
    };
    links(graph, change).into_iter().filter_map(with_relu).collect()
}

fn without_candidates(n_blocked: usize) -> String {
    match n_blocked {
        0 => "no layer with float weights and a ReLU feeds only one other such layer".into(),
        _ => format!("none of the {} can take a constant: {BLOCKED}", pairs(n_blocked)),
    }
}

const BLOCKED: &str = "zeros at the border of an image, or an operator between the layers, would cut it";

fn pairs(n: usize) -> String {
    if n == 1 { "1 pair of layers".into() } else { format!("{n} pairs of layers") }
}

/// What a project says was absorbed, less what is absorbed already.
fn stored_constants(
    graph: &Graph,
    candidates: &[Candidate],
    stored: &Absorbed,
    already: &Absorbed,
) -> Result<Vec<Vec<f32>>, OptimizeError> {
    let constants = |candidate: &Candidate| {
        let (name, n) = (&graph.node(candidate.link.first.node).name, candidate.link.first.n_outputs);
        let Some(constants) = stored.get(name) else { return Ok(vec![0.0; n]) };
        if constants.len() != n || !constants.iter().all(|c| c.is_finite() && *c >= 0.0) {
            let trouble = format!("the constants absorbed from layer \"{name}\" are not {n} numbers from zero up");
            return Err(OptimizeError::Calibration(trouble));
        }
        let already = already.get(name).map_or(&[][..], Vec::as_slice).iter().chain(std::iter::repeat(&0.0));
        Ok(constants.iter().zip(already).map(|(c, already)| (c - already).max(0.0)).collect())
    };
    candidates.iter().map(constants).collect()
}

/// For each candidate the lowest value of each channel after its ReLU, over all samples.
fn lowest(graph: &Graph, candidates: &[Candidate], observations: &Observations<'_>) -> Result<Vec<Vec<f32>>, OptimizeError> {
    let seen: BTreeMap<TensorId, (usize, Between)> =
        candidates.iter().enumerate().map(|(index, candidate)| (candidate.relu.tensor, (index, candidate.relu))).collect();
    let start = || -> Vec<Vec<f32>> { candidates.iter().map(|c| vec![f32::INFINITY; c.relu.channels.n]).collect() };
    let see = |lowest: &mut Vec<Vec<f32>>, tensor: TensorId, samples: std::ops::Range<usize>, values: &[f32]| {
        let Some((index, relu)) = seen.get(&tensor) else { return };
        for sample in values.chunks_exact((values.len() / samples.len().max(1)).max(1)) {
            for (position, run) in sample.chunks(relu.channels.inner.max(1)).enumerate() {
                let lowest = &mut lowest[*index][position % relu.channels.n];
                *lowest = run.iter().fold(*lowest, |lowest, value| lowest.min(*value));
            }
        }
    };
    let chunks = Prepared::new(graph)?.observe(observations.inputs, CHUNK, observations.cancel, start, see)?;
    let mut all = start();
    for chunk in chunks {
        for (all, part) in all.iter_mut().flatten().zip(chunk.into_iter().flatten()) {
            *all = all.min(part);
        }
    }
    all.iter_mut().flatten().filter(|c| !(c.is_finite() && **c > 0.0)).for_each(|c| *c = 0.0);
    Ok(all)
}

fn shift(edit: &mut Edit, moved: &[(&Candidate, &Vec<f32>)]) {
    let mut biases: BTreeMap<NodeId, (&Layer, Vec<f64>)> = BTreeMap::new();
    for (candidate, constants) in moved {
        let Link { first, second, channel_of, between } = &candidate.link;
        between.iter().for_each(|between| edit.changed(between.tensor));
        let bias = bias_of(&mut biases, &edit.graph, first);
        bias.iter_mut().zip(*constants).for_each(|(bias, c)| *bias -= f64::from(*c));
        let weights = second.weights(&edit.graph);
        let bias = bias_of(&mut biases, &edit.graph, second);
        for (index, weight) in weights.iter().enumerate() {
            let (output, input) = second.channels_of(index, weights.len());
            bias[output] += f64::from(*weight) * f64::from(constants[channel_of[input]]);
        }
    }
    for (layer, bias) in biases.into_values() {
        edit.set_bias(layer, bias.into_iter().map(|b| b as f32).collect());
    }
}

fn bias_of<'b, 'l>(biases: &'b mut BTreeMap<NodeId, (&'l Layer, Vec<f64>)>, graph: &Graph, layer: &'l Layer) -> &'b mut Vec<f64> {
    let start = || match layer.bias(graph) {
        Some(bias) => bias.iter().map(|b| f64::from(*b)).collect(),
        None => vec![0.0; layer.n_outputs],
    };
    &mut biases.entry(layer.node).or_insert_with(|| (layer, start())).1
}

fn report(moved: &[(&Candidate, &Vec<f32>)], n_blocked: usize) -> String {
    let n_channels = moved.iter().flat_map(|(_, constants)| *constants).filter(|c| **c > 0.0).count();
    let channels = if n_channels == 1 { "1 channel never falls".into() } else { format!("{n_channels} channels never fall") };
    let mut text = format!(
        "what {channels} below went into the next layer's bias, in {}; a sample that falls below it after all changes the output",
        pairs(moved.len())
    );
    if n_blocked > 0 {
        text.push_str(&format!("; {} stay as they are: {BLOCKED}", pairs(n_blocked)));
    }
    text
}
