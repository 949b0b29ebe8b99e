//! How much each channel of a group matters.
//!
//! | criterion | importance of a channel | source |
//! | --- | --- | --- |
//! | `l1`, `l2` | norm of all weights that make it, in all layers of the group together | Li et al., Pruning Filters for Efficient ConvNets, ICLR 2017; Fang et al., DepGraph, CVPR 2023, for groups |
//! | `batch-norm` | sum of the magnitudes of gamma of the batch normalizations that it passes | Liu et al., Network Slimming, ICCV 2017 |
//! | `activation` | mean magnitude of what the next layers read of it, over the calibration samples | Molchanov et al., ICLR 2017 |
//!
//! Only the weights that make a channel count, not those that read it.

use std::collections::{BTreeMap, BTreeSet};

use super::follow::Followed;
use super::groups::Group;
use super::seen::Means;
use super::units::Unit;
use crate::execute::float::real_values;
use crate::graph::Graph;
use crate::ops::Op;
use crate::recipe::PruneCriterion;

/// Importances of one group's channels, in the order of [`Group::units`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Importances {
    pub values: Vec<f64>,
    /// What they are by: the L2 norm where the criterion that was asked for cannot be had.
    pub criterion: PruneCriterion,
}

/// Importances of all groups by `criterion`. `means` are needed for the activations alone.
pub(super) fn importances(
    graph: &Graph,
    followed: &Followed,
    groups: &[Group],
    criterion: PruneCriterion,
    means: Option<&Means>,
) -> Vec<Importances> {
    let by_unit = match criterion {
        PruneCriterion::L1 | PruneCriterion::L2 => norms(graph, followed, criterion),
        PruneCriterion::BatchNorm => gammas(graph, followed),
        PruneCriterion::Activation => means.map(|means| activations(followed, means)).unwrap_or_default(),
    };
    let fallback = match criterion {
        PruneCriterion::L1 | PruneCriterion::L2 => BTreeMap::new(),
        PruneCriterion::BatchNorm | PruneCriterion::Activation => norms(graph, followed, PruneCriterion::L2),
    };
    let of_group = |group: &Group| {
        let all = |from: &BTreeMap<Unit, f64>| group.units.iter().map(|unit| from.get(unit).copied()).collect::<Option<Vec<_>>>();
        match all(&by_unit) {
            Some(values) => Importances { values, criterion },
            None => Importances { values: all(&fallback).unwrap_or_default(), criterion: PruneCriterion::L2 },
        }
    };
    groups.iter().map(of_group).collect()
}

fn norms(graph: &Graph, followed: &Followed, criterion: PruneCriterion) -> BTreeMap<Unit, f64> {
    let mut sums: BTreeMap<Unit, f64> = BTreeMap::new();
    for member in &followed.members {
        let weights = member.layer.weights(graph);
        for (index, &weight) in weights.iter().enumerate() {
            let (output, _) = member.layer.channels_of(index, weights.len());
            // A weight that is no number says nothing; its channel is the last to be cut.
            let weight = if weight.is_nan() { f64::INFINITY } else { f64::from(weight).abs() };
            *sums.entry(member.output[output]).or_default() +=
                if criterion == PruneCriterion::L1 { weight } else { weight * weight };
        }
    }
    if criterion != PruneCriterion::L1 {
        sums.values_mut().for_each(|sum| *sum = sum.sqrt());
    }
    sums
}

/// Channels that no weight makes: what there is of them is constant.
pub(super) fn weightless(graph: &Graph, followed: &Followed) -> BTreeSet<Unit> {
    norms(graph, followed, PruneCriterion::L1).into_iter().filter(|(_, norm)| *norm == 0.0).map(|(unit, _)| unit).collect()
}

fn gammas(graph: &Graph, followed: &Followed) -> BTreeMap<Unit, f64> {
    let mut sums: BTreeMap<Unit, f64> = BTreeMap::new();
    for node in graph.nodes.iter().filter(|node| matches!(node.op, Op::BatchNorm(_))) {
        let lanes = node.inputs.first().copied().flatten().and_then(|id| followed.lanes[id.index()].as_ref());
        let gamma = graph.input(node, 1).and_then(|gamma| real_values(gamma).ok());
        let (Some(lanes), Some(gamma)) = (lanes, gamma) else { continue };
        for (unit, gamma) in lanes.units.iter().zip(gamma.iter()) {
            let gamma = if gamma.is_nan() { f64::INFINITY } else { f64::from(*gamma).abs() };
            *sums.entry(*unit).or_default() += gamma;
        }
    }
    sums
}

/// The mean over all places where a layer reads the channel.
fn activations(followed: &Followed, means: &Means) -> BTreeMap<Unit, f64> {
    let mut sums: BTreeMap<Unit, (f64, usize)> = BTreeMap::new();
    for (member, means) in followed.members.iter().zip(&means.magnitudes) {
        for (unit, mean) in member.input.iter().zip(means) {
            let sum = sums.entry(*unit).or_default();
            *sum = (sum.0 + if mean.is_nan() { f64::INFINITY } else { *mean }, sum.1 + 1);
        }
    }
    sums.into_iter().map(|(unit, (sum, n))| (unit, sum / n as f64)).collect()
}
