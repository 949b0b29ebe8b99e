//! How many values are left, and which.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::test_graph::small_net;

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
    assert!((nearest(&values, -0.52) + 0.5).abs() < 1e-6 && (nearest(&values, 0.29) - 0.3).abs() < 1e-6);
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
