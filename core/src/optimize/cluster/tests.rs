//! How many values are left, and which.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::optimize::{Calibration, Observations, calibrate, complete, rewrite};
use crate::progress::Cancel;
use crate::recipe::{Entry, PruneWeights, Quantize, Recipe, Step};
use crate::tensor::Data;
use crate::test_graph::{small_net, values as numbers};

/// What the layers' weights become as integers behind these steps, and the float graph that is quantized.
fn quantized(steps: Vec<Step>, granularity: Granularity) -> (Vec<Vec<i8>>, Graph) {
    let quantize = Quantize { granularity, fully_connected: granularity, ..Quantize::default() };
    let steps = steps.into_iter().chain([Step::Quantize(quantize)]).map(|step| Entry { enabled: true, step }).collect();
    let (recipe, samples) = (Recipe { steps }, numbers(8 * 90, 7));
    let rewritten = std::sync::Arc::new(rewrite(&recipe, &small_net(), &Observations::none()).unwrap());
    let calibration: Calibration = calibrate(&rewritten.graph, &[&samples], None, &Cancel::new()).unwrap().of(&rewritten);
    let candidate = complete(&recipe, rewritten, Some(&calibration)).unwrap();
    let weighted = candidate.graph.nodes.iter().filter(|node| node.op.has_weights());
    let integers =
        weighted.map(|node| candidate.graph.input(node, 1).unwrap().data.as_ref().and_then(Data::as_i8).unwrap().to_vec());
    (integers.collect(), candidate.rewritten.graph.clone())
}

#[test]
fn quantized_layers_have_no_more_values_than_the_bits_say_and_zeros_stay_zeros() {
    for granularity in [Granularity::PerChannel, Granularity::PerTensor] {
        for bits in Cluster::MIN_BITS..=Cluster::MAX_BITS {
            let prune = Step::PruneWeights(PruneWeights { sparsity: 0.6, ..PruneWeights::default() });
            let once = Step::Cluster(Cluster { bits, granularity, fully_connected: granularity, ..Cluster::default() });
            let (integers, float) = quantized(vec![prune.clone(), once.clone()], granularity);
            let layers: Vec<Layer> = float.node_ids().filter_map(|id| Layer::of(&float, id)).collect();
            for (layer, integers) in layers.iter().zip(&integers) {
                let distinct: BTreeSet<i8> = integers.iter().copied().collect();
                assert!(distinct.len() <= 1 << bits, "{granularity:?}, {bits} bits: {distinct:?}");
                let pairs = layer.weights(&float).iter().zip(integers);
                assert!(pairs.clone().all(|(w, q)| *w != 0.0 || *q == 0), "a pruned weight comes back");
                assert!(pairs.filter(|(w, _)| **w == 0.0).count() * 10 > integers.len() * 5);
            }
            assert_eq!(
                quantized(vec![prune, once.clone(), once], granularity).0,
                integers,
                "{granularity:?}, {bits} bits, twice"
            );
        }
    }
}

#[test]
fn an_infinite_weight_leaves_the_others_numbers() {
    let mut graph = small_net();
    let layer = graph.node_ids().find_map(|id| Layer::of(&graph, id)).unwrap();
    let mut weights = layer.weights(&graph).to_vec();
    weights[3] = f32::INFINITY;
    graph.tensors[layer.weights.index()].data = Some(Data::F32(weights.into()));
    let clustered = cluster(&graph, &Cluster::default()).unwrap().graph;
    let found = clustered.node_ids().find_map(|id| Layer::of(&clustered, id)).unwrap().weights(&clustered).to_vec();
    assert!(found.iter().enumerate().all(|(i, w)| w.is_finite() != (i == 3)), "{found:?}");
}

#[test]
fn values_keep_off_halves_of_a_step() {
    for (value, steps) in [(10.5, 10.499), (-10.5, -10.499), (10.4, 10.4), (126.5005, 126.499)] {
        let found = off_halves(value / 127.0) * 127.0;
        assert!((found - steps).abs() < 1e-4, "{value}: {found}");
    }
}

#[test]
fn each_layer_has_few_values_in_units_of_its_channels() {
    let graph = small_net();
    let settings = Cluster { bits: 3, ..Cluster::default() };
    let clustered = cluster(&graph, &settings).unwrap().graph;
    for layer in clustered.node_ids().filter_map(|id| Layer::of(&clustered, id)) {
        let weights = layer.weights(&clustered);
        let per_channel = !matches!(clustered.node(layer.node).op, Op::FullyConnected(_));
        let units = units(&layer, weights, if per_channel { Granularity::PerChannel } else { Granularity::PerTensor });
        let codes: BTreeSet<i32> = weights.iter().zip(units).map(|(w, unit)| (w / unit * 1e4).round() as i32).collect();
        assert!(codes.len() <= 8, "{codes:?}");
    }
}

#[test]
fn zeros_and_the_largest_stay() {
    let weights = [0.0, 0.0, 1.0, -0.52, -0.48, 0.31, 0.29];
    let values = values(&weights, 4, true);
    assert_eq!((values.len(), values[1], values[3]), (4, 0.0, 1.0));
    assert_eq!(nearest(&values, 0.0), 0.0);
    // Half of 127 steps is one of those that are left for the next smaller one.
    assert!((nearest(&values, -0.52) + 0.5).abs() < 1e-4 && (nearest(&values, 0.29) - 0.3).abs() < 1e-6);
}

#[test]
fn bits_out_of_range_are_refused() {
    let error = cluster(&small_net(), &Cluster { bits: 9, ..Cluster::default() }).unwrap_err();
    assert!(error.to_string().contains("expected 2 to 8"));
}

proptest! {
    #[test]
    fn no_weight_moves_further_than_to_a_neighbour(weights in prop::collection::vec(-1.0f32..1.0, 1..200), bits in 2u8..=8) {
        let values = values(&weights, 1 << bits, false);
        prop_assert!(values.len() <= 1 << bits);
        for w in &weights {
            let distance = (nearest(&values, *w) - w).abs();
            prop_assert!(values.iter().all(|v| distance <= (v - w).abs()));
        }
    }
}
