//! Second moments of what a layer sees: with them the squared error of its outputs is known for any weights.
//!
//! With `x` one patch of the input under the layer's window, and `e` a change of the weights of one output channel, the output changes by
//! `e x`, and the sum of its squares over all patches is `e H e` with `H` the sum of `x x^T`.
//!
//! Source: Hassibi and Stork, Second Order Derivatives for Network Pruning: Optimal Brain Surgeon, NIPS 1992, for one linear layer.

use std::collections::BTreeMap;
use std::ops::Range;

use super::layer::Layer;
use super::windows::Windows;
use super::{Observations, OptimizeError};
use crate::execute::float::Prepared;
use crate::graph::{Graph, NodeId, TensorId};

/// Samples are summed up in so many parts at most, each with matrices of its own. Parts depend on the number of samples alone, so that
/// sums do not depend on the number of threads.
const MAX_PARTS: usize = 4;

/// Longest patch: its matrix takes 32 MiB.
const MAX_LEN: usize = 2048;

/// Sums over all patches of all samples; padding counts as zeros, as the layer sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Values of a patch, in the order of the weights of one output channel: `[kh, kw, c_in / groups]` of a convolution, `[kh, kw]` of a
    /// depthwise one, `[c_in]` of a dense layer.
    pub len: usize,
    /// Groups of input channels that are seen apart: as many as channels for a depthwise convolution, 1 for a dense layer.
    pub groups: usize,
    /// How many patches.
    pub count: u64,
    /// Sum of the patches, `[groups, len]`.
    pub sum: Vec<f64>,
    /// Sum of their products with themselves, `[groups, len, len]`, symmetric.
    pub product: Vec<f64>,
}

/// Moments of what each of `layers` sees, by running all of `observations.inputs` through the float graph. A layer is left out if it is no
/// convolution, depthwise convolution or dense layer with float weights, or if its patches are longer than 2048 values.
///
/// # Errors
/// [`OptimizeError`] if the graph cannot be run on the samples, or nobody wants the result any more.
pub fn moments(
    graph: &Graph,
    layers: &[NodeId],
    observations: &Observations<'_>,
) -> Result<BTreeMap<NodeId, Moments>, OptimizeError> {
    let views: Vec<(NodeId, TensorId, Windows)> =
        layers.iter().filter_map(|&id| view(graph, id).map(|(input, windows)| (id, input, windows))).collect();
    let prepared = Prepared::new(graph)?;
    let part = prepared.n_samples(observations.inputs)?.div_ceil(MAX_PARTS).max(1);
    let start = || views.iter().map(|(_, _, windows)| nothing(windows)).collect::<Vec<Moments>>();
    let see = |all: &mut Vec<Moments>, tensor: TensorId, _: Range<usize>, values: &[f32]| {
        for (moments, (_, _, windows)) in all.iter_mut().zip(&views).filter(|(_, (_, input, _))| *input == tensor) {
            add(windows, moments, values);
        }
    };
    let mut all = start();
    for part in prepared.observe(observations.inputs, part, observations.cancel, start, see)? {
        all.iter_mut().zip(&part).for_each(|(all, part)| all.join(part));
    }
    all.iter_mut().for_each(Moments::mirror);
    Ok(views.iter().map(|(id, _, _)| *id).zip(all).collect())
}

impl Moments {
    fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.iter_mut().zip(&other.sum).for_each(|(a, b)| *a += b);
        self.product.iter_mut().zip(&other.product).for_each(|(a, b)| *a += b);
    }

    /// Adds one patch of a group, to the upper triangle alone.
    fn add(&mut self, group: usize, patch: &[f64]) {
        let len = self.len;
        self.sum[group * len..][..len].iter_mut().zip(patch).for_each(|(sum, x)| *sum += x);
        let product = &mut self.product[group * len * len..][..len * len];
        for (i, (row, &x)) in product.chunks_exact_mut(len).zip(patch).enumerate().filter(|(_, (_, x))| **x != 0.0) {
            row[i..].iter_mut().zip(&patch[i..]).for_each(|(sum, y)| *sum += x * y);
        }
    }

    /// Copies the upper triangles to the lower ones.
    fn mirror(&mut self) {
        let len = self.len;
        for square in self.product.chunks_exact_mut(len * len) {
            for (i, j) in (0..len).flat_map(|i| (0..i).map(move |j| (i, j))) {
                square[i * len + j] = square[j * len + i];
            }
        }
    }
}

/// The layer's input and how its window slides over it.
fn view(graph: &Graph, id: NodeId) -> Option<(TensorId, Windows)> {
    let layer = Layer::of(graph, id)?;
    let windows = Windows::of(graph, graph.node(id)).filter(|windows| windows.row_len() <= MAX_LEN)?;
    Some((layer.input, windows))
}

fn nothing(windows: &Windows) -> Moments {
    let (len, groups) = (windows.row_len(), windows.n_groups());
    Moments { len, groups, count: 0, sum: vec![0.0; groups * len], product: vec![0.0; groups * len * len] }
}

/// Adds the patches of some samples, `[n, h, w, c]`.
fn add(windows: &Windows, moments: &mut Moments, values: &[f32]) {
    let (mut row, mut patch) = (Vec::with_capacity(moments.len), Vec::with_capacity(moments.len));
    for sample in values.chunks_exact(windows.image_len().max(1)) {
        for place in 0..windows.n_places() {
            for group in 0..moments.groups {
                row.clear();
                windows.push_row(sample, place, group, &mut row);
                patch.clear();
                patch.extend(row.iter().map(|x| f64::from(*x)));
                moments.add(group, &patch);
            }
            moments.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Op;
    use crate::test_graph::small_net;

    /// The squared change of all outputs when weights change is what the matrices say, for every layer and with its padding.
    #[test]
    fn moments_predict_the_squared_change_of_outputs() {
        let graph = crate::optimize::prepare::simplified(&small_net());
        let len = Prepared::new(&graph).unwrap().input_lens()[0];
        let samples: Vec<f32> = (0..9 * len).map(|i| ((i * 7919 % 997) as f32 / 498.5) - 1.0).collect();
        let inputs: [&[f32]; 1] = [&samples];
        let observations = Observations { inputs: &inputs, ..Observations::none() };
        let ids: Vec<NodeId> = graph.node_ids().filter(|id| Layer::of(&graph, *id).is_some()).collect();
        let found = moments(&graph, &ids, &observations).unwrap();
        assert_eq!(found.len(), ids.len());
        for (id, moments) in found {
            let layer = Layer::of(&graph, id).unwrap();
            let weights = layer.weights(&graph);
            // The first output channel alone: its weights, all the input's patches of its group.
            let own: Vec<f64> = (0..weights.len())
                .filter(|i| layer.channels_of(*i, weights.len()).0 == 0)
                .map(|i| f64::from(weights[i]))
                .collect();
            let row = |i: usize| &moments.product[i * moments.len..][..moments.len];
            let predicted: f64 =
                own.iter().enumerate().map(|(i, a)| a * own.iter().zip(row(i)).map(|(b, h)| b * h).sum::<f64>()).sum();
            let seen = squared_sum_of_first_channel(&graph, &layer, &inputs);
            assert!((predicted - seen).abs() <= 1e-4 * (1.0 + seen), "{}: {predicted} and {seen}", graph.node(id).name);
        }
    }

    /// What the float executor makes of the layer alone, without bias and activation.
    fn squared_sum_of_first_channel(graph: &Graph, layer: &Layer, inputs: &[&[f32]]) -> f64 {
        let mut bare = graph.clone();
        let node = &mut bare.nodes[layer.node.index()];
        node.inputs.truncate(2);
        match &mut node.op {
            Op::Conv2d(op) => op.activation = crate::ops::Activation::None,
            Op::DepthwiseConv2d(op) => op.activation = crate::ops::Activation::None,
            Op::FullyConnected(op) => op.activation = crate::ops::Activation::None,
            _ => unreachable!("layers with moments"),
        }
        let output = bare.nodes[layer.node.index()].outputs[0];
        let never = crate::progress::Cancel::new();
        let see = |sum: &mut f64, tensor: TensorId, _: Range<usize>, values: &[f32]| {
            if tensor == output {
                *sum += values.iter().step_by(layer.n_outputs).map(|y| f64::from(*y).powi(2)).sum::<f64>();
            }
        };
        Prepared::new(&bare).unwrap().observe(inputs, 4, &never, || 0.0, see).unwrap().iter().sum()
    }
}
