//! What a cut channel brought on average goes into the biases of the layers that read it.
//!
//! With the mean `m` of the channel over samples and pixels, `W x` becomes `W m` plus what is lost: the bias takes `W m`. At a border of
//! zeros fewer weights see the channel, and no one constant is right: layers that pad are left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::super::links::every_output_sees_all_taps;
use super::follow::Followed;
use super::seen::Means;
use super::units::Unit;
use crate::graph::Graph;

/// What the biases of layers get.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Compensation {
    /// By the name of a layer a summand for each of its output channels that stay.
    pub added: BTreeMap<String, Vec<f32>>,
    /// Layers that lose what they read, but pad.
    pub n_padded: usize,
}

pub(super) fn compensation(graph: &Graph, followed: &Followed, cut: &BTreeSet<Unit>, means: &Means) -> Compensation {
    let mut compensation = Compensation::default();
    for (member, means) in followed.members.iter().zip(&means.signed) {
        if !member.input.iter().any(|unit| cut.contains(unit)) {
            continue;
        }
        let (layer, node) = (&member.layer, graph.node(member.layer.node));
        if !every_output_sees_all_taps(graph, node).unwrap_or(false) {
            compensation.n_padded += 1;
            continue;
        }
        let weights = layer.weights(graph);
        let mut added = vec![0.0f64; layer.n_outputs];
        for (index, weight) in weights.iter().enumerate() {
            let (output, input) = layer.channels_of(index, weights.len());
            if cut.contains(&member.input[input]) {
                added[output] += f64::from(*weight) * means[input];
            }
        }
        let kept = added.iter().zip(&member.output).filter(|(_, unit)| !cut.contains(unit)).map(|(added, _)| *added as f32);
        let kept: Vec<f32> = kept.collect();
        if kept.iter().all(|added| added.is_finite()) && kept.iter().any(|added| *added != 0.0) {
            compensation.added.insert(node.name.clone(), kept);
        }
    }
    compensation
}
