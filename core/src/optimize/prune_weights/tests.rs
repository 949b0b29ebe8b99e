//! Shares, patterns and scopes.

use proptest::prelude::*;

use super::*;
use crate::execute::float::Prepared;
use crate::optimize::rewrite;
use crate::progress::Cancel;
use crate::recipe::{Entry, Recipe, Step};
use crate::test_graph::{small_net, values};

fn zeros(graph: &Graph) -> Vec<(usize, usize)> {
    let layers = graph.node_ids().filter_map(|id| Layer::of(graph, id));
    layers.map(|layer| layer.weights(graph)).map(|w| (w.iter().filter(|w| **w == 0.0).count(), w.len())).collect()
}

fn without_data(graph: &Graph, settings: &PruneWeights) -> Result<Applied, OptimizeError> {
    prune(graph, settings, &Observations::none(), &mut Vec::new())
}

fn pruned(settings: &PruneWeights) -> Vec<(usize, usize)> {
    zeros(&without_data(&small_net(), settings).unwrap().graph)
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
    let asked = |sparsity| without_data(&small_net(), &PruneWeights { sparsity, ..PruneWeights::default() });
    assert!(asked(1.5).unwrap_err().to_string().contains("expected 0 to 1"));
    assert!(asked(f32::NAN).is_err());
    assert_eq!(asked(0.0).unwrap().outcome, StepOutcome::Skipped);
    let endless = PruneWeights { steps: 0, ..PruneWeights::default() };
    assert!(without_data(&small_net(), &endless).unwrap_err().to_string().contains("0 steps, expected 1 to 100"));
}

/// The largest share of weights that stay in any run of `of` along the innermost axis of any layer.
fn most_kept(graph: &Graph, of: usize) -> usize {
    let layers = graph.node_ids().filter_map(|id| Layer::of(graph, id));
    let kept = |run: &[f32]| run.iter().filter(|w| **w != 0.0).count();
    let most = |layer: Layer| {
        let row = *graph.tensor(layer.weights).shape.last().unwrap();
        layer.weights(graph).chunks(row).flat_map(|row| row.chunks(of)).map(kept).max().unwrap()
    };
    layers.map(most).max().unwrap()
}

#[test]
fn patterns_hold_in_every_run() {
    for pattern in PrunePattern::ALL {
        let Some((keep, of)) = pattern.n_of_m() else { continue };
        let settings = PruneWeights { pattern, ..PruneWeights::default() };
        assert_eq!(most_kept(&without_data(&small_net(), &settings).unwrap().graph, of), keep, "{pattern:?}");
    }
    let alone =
        PruneWeights { pattern: PrunePattern::OneOfFour, layers: [("n0".to_owned(), 0.0)].into(), ..PruneWeights::default() };
    assert_eq!(pruned(&alone)[0].0, 0, "a layer that is left alone");
}

#[test]
fn equal_weights_go_in_order_until_the_share_is_reached() {
    let mut all = vec![vec![0.5; 10]];
    zero_smallest(units(0, &all[0].clone(), 10, 1), 0.7, &mut all);
    assert_eq!(all[0], [[0.0; 7].as_slice(), &[0.5; 3]].concat());
}

#[test]
fn schedules_end_at_the_whole_share() {
    let shares = |schedule| shares(&PruneWeights { schedule, steps: 4, ..PruneWeights::default() });
    assert_eq!(shares(PruneSchedule::None), [1.0]);
    assert_eq!(shares(PruneSchedule::Constant), [0.25, 0.5, 0.75, 1.0]);
    assert_eq!(shares(PruneSchedule::Polynomial), [0.578_125, 0.875, 0.984_375, 1.0]);
}

#[test]
fn momentum_counts_what_was_and_pruned_weights_stay_away() {
    let mut sums = vec![vec![0.0; 3]];
    importances(&[vec![4.0, 1.0, 2.0]], &mut sums, true);
    assert_eq!(importances(&[vec![0.5, 3.0, 0.0]], &mut sums, true), [[4.5, 4.0, 0.0]]);
    assert_eq!(importances(&[vec![-0.5, 3.0, 0.0]], &mut sums, false), [[0.5, 3.0, 0.0]]);
}

/// Mean squared difference between what the last dense layer of two graphs gives.
fn error(a: &Graph, b: &Graph, samples: &[f32]) -> f64 {
    let run = |graph: &Graph| {
        let mut graph = graph.clone();
        graph.outputs = vec![graph.nodes[2].outputs[0]];
        Prepared::new(&graph).unwrap().run(&[samples], &Cancel::new()).unwrap().remove(0)
    };
    let (a, b) = (run(a), run(b));
    a.iter().zip(&b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / a.len() as f64
}

/// Samples for the small net whose values go together, as those of pictures do: four slow waves at random strengths, in all channels.
fn smooth(n_samples: usize) -> Vec<f32> {
    let strengths = values(4 * n_samples, 6);
    let wave = |k: usize, i: usize| (0.3 * k as f32 * ((i / 15) as f32 + 0.7 * (i / 3 % 5) as f32)).cos() * (1 + i % 3) as f32;
    let sample = |strengths: &[f32]| (0..90).map(|i| (0..4).map(|k| strengths[k] * wave(k, i)).sum()).collect::<Vec<f32>>();
    strengths.chunks(4).flat_map(sample).collect()
}

#[test]
fn refitting_keeps_the_outputs_nearer_and_is_recalled_without_samples() {
    let (graph, samples) = (small_net(), smooth(200));
    let inputs: [&[f32]; 1] = [&samples];
    let observations = Observations { inputs: &inputs, ..Observations::none() };
    let one_shot = PruneWeights { sparsity: 0.7, ..PruneWeights::default() };
    let plain = error(&graph, &without_data(&graph, &one_shot).unwrap().graph, &samples);
    for schedule in PruneSchedule::ALL {
        let settings = PruneWeights { refit: true, schedule, ..one_shot.clone() };
        let recipe = Recipe { steps: vec![Entry { enabled: true, step: Step::PruneWeights(settings.clone()) }] };
        let fitted = rewrite(&recipe, &graph, &observations).unwrap();
        let left = error(&graph, &fitted.graph, &samples);
        println!("{schedule:?}: {left} of {plain}");
        assert!(left < 0.5 * plain, "{schedule:?}: {left} of {plain}");
        for (n_zero, n) in zeros(&fitted.graph) {
            assert_eq!(n_zero, (f64::from(0.7f32) * n as f64).round() as usize, "{schedule:?}");
        }
        let kept = Observations { pruned: Some(&fitted.pruned), ..Observations::none() };
        assert_eq!(rewrite(&recipe, &graph, &kept).unwrap().graph, fitted.graph, "{schedule:?}");
        let text = ron::to_string(&fitted.pruned).unwrap();
        assert_eq!(ron::from_str::<Vec<Pruned>>(&text).unwrap(), fitted.pruned);

        let mut damaged = fitted.pruned.clone();
        damaged[0].weights.values_mut().next().unwrap().pop();
        let kept = Observations { pruned: Some(&damaged), ..Observations::none() };
        let without = rewrite(&recipe, &graph, &kept).unwrap();
        assert!(without.steps[0].text.contains("there are no samples"), "{}", without.steps[0].text);
        assert_ne!(without.graph, fitted.graph);
    }
}

proptest! {
    #[test]
    fn pruning_again_changes_nothing(sparsity in 0.01f32..1.0, pattern in 0..PrunePattern::ALL.len(), is_global: bool) {
        let scope = if is_global { PruneScope::Global } else { PruneScope::PerLayer };
        let settings = PruneWeights { sparsity, pattern: PrunePattern::ALL[pattern], scope, ..PruneWeights::default() };
        let once = without_data(&small_net(), &settings).unwrap();
        prop_assert_eq!(without_data(&once.graph, &settings).unwrap().outcome, StepOutcome::Skipped);
        if settings.pattern == PrunePattern::Single {
            let (n_zero, n) = zeros(&once.graph).iter().fold((0, 0), |all, layer| (all.0 + layer.0, all.1 + layer.1));
            // Rounded in each layer, or once.
            let slack = if is_global { 0.5 } else { 1.0 };
            prop_assert!((n_zero as f64 - f64::from(sparsity) * n as f64).abs() <= slack);
        }
    }

    #[test]
    fn a_run_keeps_its_largest(mut run in prop::collection::vec(0.0f32..1.0, 1..9), keep in 0usize..9) {
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
    fn blocks_go_whole(weights in prop::collection::vec(0.1f32..1.0, 12..40), row in 3usize..13, sparsity in 0.0..1.0) {
        let mut all = vec![weights.clone()];
        zero_smallest(units(0, &weights, row, 4), sparsity, &mut all);
        for unit in units(0, &weights, row, 4) {
            let n_zero = all[0][unit.weights.clone()].iter().filter(|w| **w == 0.0).count();
            prop_assert!(n_zero == 0 || n_zero == unit.weights.len());
        }
    }
}
