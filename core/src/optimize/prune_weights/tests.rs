//! Shares, patterns and scopes.

use proptest::prelude::*;

use super::*;
use crate::test_graph::small_net;

fn zeros(graph: &Graph) -> Vec<(usize, usize)> {
    let layers = graph.node_ids().filter_map(|id| Layer::of(graph, id));
    layers.map(|layer| layer.weights(graph)).map(|w| (w.iter().filter(|w| **w == 0.0).count(), w.len())).collect()
}

fn pruned(settings: &PruneWeights) -> Vec<(usize, usize)> {
    zeros(&prune(&small_net(), settings).unwrap().graph)
}

#[test]
fn every_layer_loses_the_share_that_is_asked() {
    for (n_zero, n) in pruned(&PruneWeights { sparsity: 0.8, ..PruneWeights::default() }) {
        assert_eq!(n_zero, (0.8 * n as f64).round() as usize);
    }
    let own = PruneWeights { sparsity: 0.5, layers: [("n0".to_owned(), 0.0)].into(), ..PruneWeights::default() };
    let found = pruned(&own);
    assert_eq!(found[0].0, 0, "a layer of its own");
    assert!(found[1].0 > 0);
}

#[test]
fn layers_ranked_together_lose_the_share_between_them() {
    let found = pruned(&PruneWeights { sparsity: 0.6, scope: PruneScope::Global, ..PruneWeights::default() });
    let (n_zero, n) = found.iter().fold((0, 0), |all, layer| (all.0 + layer.0, all.1 + layer.1));
    assert_eq!(n_zero, (0.6 * n as f64).round() as usize);
}

#[test]
fn nonsense_is_refused_and_nothing_is_skipped() {
    let asked = |sparsity| prune(&small_net(), &PruneWeights { sparsity, ..PruneWeights::default() });
    assert!(asked(1.5).unwrap_err().to_string().contains("expected 0 to 1"));
    assert_eq!(asked(0.0).unwrap().outcome, StepOutcome::Skipped);
}

proptest! {
    #[test]
    fn a_run_keeps_its_largest(mut run in prop::collection::vec(-1.0f32..1.0, 1..9), keep in 0usize..9) {
        let before = run.clone();
        keep_largest(&mut run, keep);
        let kept: Vec<f32> = run.iter().copied().filter(|w| *w != 0.0).collect();
        prop_assert!(kept.len() <= keep);
        let least = kept.iter().fold(f32::INFINITY, |least, w| least.min(w.abs()));
        for (was, is) in before.iter().zip(&run) {
            prop_assert!(is == was || (*is == 0.0 && was.abs() <= least));
        }
    }

    #[test]
    fn blocks_go_whole(weights in prop::collection::vec(0.1f32..1.0, 12..40), row in 3usize..13, sparsity in 0.0f32..1.0) {
        let mut all = vec![weights.clone()];
        zero_smallest(units(0, &weights, row, 4), sparsity, &mut all);
        for unit in units(0, &weights, row, 4) {
            let n_zero = all[0][unit.weights.clone()].iter().filter(|w| **w == 0.0).count();
            prop_assert!(n_zero == 0 || n_zero == unit.weights.len());
        }
    }
}
