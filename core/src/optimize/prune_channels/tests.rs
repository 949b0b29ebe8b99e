use super::super::tests::Bench;
use super::super::{Observations, OptimizeError, StepOutcome, apply, calibrate, parse_step, rewrite};
use super::*;
use crate::execute::float::Prepared;
use crate::graph::TensorId;
use crate::ops::*;
use crate::progress::Cancel;
use crate::recipe::{Entry, PruneChannels, PruneCriterion, PruneScope, Quantize, Recipe, Step};
use crate::tensor::{Data, Tensor};
use crate::test_graph::{Chain, constant, values};

fn conv(activation: Activation) -> Op {
    Op::Conv2d(Conv2d { stride: [1, 1], dilation: [1, 1], padding: Padding::Valid, activation })
}

fn floats(chain: &mut Chain, shape: &[usize], all: Vec<f32>) -> TensorId {
    chain.graph.add_tensor(Tensor::constant("f", shape, Data::F32(all.into())))
}

/// n0 -> n1 (depthwise) -> n2, and beside them n3; n4 adds; n5 is read by the caller.
fn residual() -> Graph {
    let mut chain = Chain::new(&[1, 4, 4, 3]);
    let input = chain.last;
    let shapes = [&[8, 1, 1, 3][..], &[1, 1, 1, 8], &[6, 1, 1, 8], &[6, 1, 1, 3], &[5, 1, 1, 6]];
    let mut weights =
        shapes.into_iter().zip(1..).map(|(shape, seed)| constant(&mut chain.graph, shape, seed)).collect::<Vec<_>>();
    let last = weights.pop().unwrap();
    let depthwise = DepthwiseConv2d {
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::Valid,
        depth_multiplier: 1,
        activation: Activation::None,
    };
    let a = chain.node(conv(Activation::Relu), &[input, weights[0]]);
    let a = chain.node(Op::DepthwiseConv2d(depthwise), &[a, weights[1]]);
    let a = chain.node(conv(Activation::None), &[a, weights[2]]);
    let b = chain.node(conv(Activation::None), &[input, weights[3]]);
    chain.last = chain.node(Op::Binary(Binary { kind: BinaryKind::Add, activation: Activation::Relu }), &[a, b]);
    chain.then(conv(Activation::None), &[last]).finish()
}

/// Dense layers of these many outputs, one after the other, each with a ReLU but the last.
fn dense(chain: Chain, extents: &[usize], seed: usize) -> Graph {
    let mut chain = chain;
    for (i, n) in extents.iter().enumerate() {
        let c_in = *chain.graph.tensor(chain.last).shape.last().unwrap();
        let (weights, bias) =
            (constant(&mut chain.graph, &[*n, c_in], seed + i), constant(&mut chain.graph, &[*n], seed + 90 + i));
        let activation = if i + 1 < extents.len() { Activation::Relu } else { Activation::None };
        chain = chain.then(Op::FullyConnected(FullyConnected { keep_num_dims: false, activation }), &[weights, bias]);
    }
    chain.finish()
}

fn settings(text: &str) -> PruneChannels {
    let Ok(Step::PruneChannels(settings)) = parse_step(&format!("prune-channels:{text}")) else { panic!("{text}") };
    settings
}

fn recipe(settings: PruneChannels) -> Recipe {
    Recipe { steps: vec![Entry { enabled: true, step: Step::PruneChannels(settings) }] }
}

fn kept(graph: &Graph, settings: PruneChannels) -> Vec<usize> {
    let graph = apply(&recipe(settings), graph, None).unwrap().graph;
    graph.nodes.iter().map(|node| *graph.output(node, 0).unwrap().shape.last().unwrap()).collect()
}

#[test]
fn layers_that_are_added_lose_channels_together() {
    let groups = channel_groups(&residual()).groups;
    let said: Vec<(Vec<&str>, usize, Option<&str>)> = groups
        .iter()
        .map(|group| (group.layers.iter().map(String::as_str).collect(), group.n_channels, group.fixed.as_deref()))
        .collect();
    assert_eq!(
        said,
        [(vec!["n0", "n1"], 8, None), (vec!["n2", "n3"], 6, None), (vec!["n5"], 5, Some("they are the model's output")),]
    );
    let graph = apply(&recipe(settings("fraction=0.5")), &residual(), None).unwrap();
    assert_eq!(
        graph.graph.nodes.iter().map(|n| graph.graph.output(n, 0).unwrap().shape[3]).collect::<Vec<_>>(),
        [4, 4, 3, 3, 3, 5]
    );
    let text = &graph.steps[0].text;
    assert!(text.starts_with("14 of 33 channels cut, in 4 layers: 76 parameters fewer, 1216 MACs fewer"), "{text}");
    assert!(text.contains("not cut: \"n5\" (they are the model's output)"), "{text}");
    assert!(text.contains("without calibration samples"), "{text}");
}

#[test]
fn operators_that_need_all_channels_are_named() {
    let why = |op: Op, inputs: usize| {
        let mut chain = Chain::new(&[1, 6]);
        let weights = constant(&mut chain.graph, &[4, 6], 1);
        let chain =
            chain.then(Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None }), &[weights]);
        let mut graph = dense(chain, &[3], 2);
        // The operator stands between the layers.
        let [first, second] = [0, 1].map(|i| graph.nodes[i].outputs[0]);
        let between = graph.add_tensor(Tensor::activation("b", crate::tensor::ElementType::F32, [1, 4]));
        let (name, inputs) = ("between".to_owned(), vec![Some(first); inputs]);
        graph.nodes[1].inputs[0] = Some(between);
        graph.nodes.insert(1, crate::graph::Node { name, op, inputs, outputs: vec![between], sources: vec![] });
        assert_eq!(graph.outputs, [second]);
        channel_groups(&graph).groups[0].fixed.clone()
    };
    assert_eq!(why(Op::Softmax(Softmax { beta: 1.0 }), 1).as_deref(), Some("\"between\" (SOFTMAX) needs all of them"));
    let unknown = Op::Unknown(Unknown { name: "ATAN2".into(), is_custom: false });
    assert_eq!(why(unknown, 2).as_deref(), Some("\"between\" (ATAN2) needs all of them"));
    assert_eq!(why(Op::Unary(Unary::Tanh), 1), None);
}

#[test]
fn settings_say_how_many_stay() {
    let graph = dense(Chain::new(&[1, 5]), &[16, 10, 3], 1);
    assert_eq!(kept(&graph, settings("fraction=0.5")), [8, 5, 3]);
    assert_eq!(kept(&graph, settings("fraction=0.5,multiple=4")), [8, 8, 3]);
    assert_eq!(kept(&graph, settings("fraction=0.5,multiple=16")), [16, 10, 3]);
    assert_eq!(kept(&graph, settings("fraction=0.95")), [1, 1, 3]);
    assert_eq!(kept(&graph, settings("fraction=0")), [16, 10, 3]);
    let own = PruneChannels { layers: [("n0".to_owned(), 0.25)].into(), ..settings("fraction=0.5") };
    assert_eq!(kept(&graph, own), [12, 5, 3]);
    let tied = PruneChannels { layers: [("n2".to_owned(), 0.5), ("n3".to_owned(), 0.2)].into(), ..settings("fraction=0") };
    assert_eq!(kept(&residual(), tied), [8, 8, 5, 5, 5, 5]);
    for fraction in [-0.1, 0.96, f32::NAN] {
        let result = apply(&recipe(PruneChannels { fraction, ..PruneChannels::default() }), &graph, None);
        assert!(matches!(result, Err(OptimizeError::Setting { step: "prune-channels", .. })), "{result:?}");
    }
}

/// Two dense layers, the first with weights of these magnitudes.
fn with_weights(magnitudes: &[&[f32]]) -> Graph {
    let mut chain = Chain::new(&[1, 2]);
    for layer in magnitudes {
        let c_in = *chain.graph.tensor(chain.last).shape.last().unwrap();
        let all: Vec<f32> = layer.iter().flat_map(|w| vec![*w; c_in]).collect();
        let weights = floats(&mut chain, &[layer.len(), c_in], all);
        chain = chain.then(Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None }), &[weights]);
    }
    dense(chain, &[2], 5)
}

#[test]
fn one_ranking_takes_more_where_less_matters() {
    // Relative to their means the first layer has two channels that matter little, the second none.
    let graph = with_weights(&[&[1.0, 0.01, 2.0, 0.02], &[70.0, 80.0, 90.0, 75.0]]);
    let global = PruneChannels { scope: PruneScope::Global, ..settings("fraction=0.25") };
    assert_eq!(kept(&graph, global), [2, 4, 2]);
    assert_eq!(kept(&graph, settings("fraction=0.25")), [3, 3, 2]);
}

#[test]
fn a_layers_importances_are_sorted_and_say_what_goes() {
    let graph = with_weights(&[&[3.0, 0.5, 2.0, 1.0]]);
    let plan = PrunePlan::new(&graph, &settings("fraction=0.5,criterion=l1"), &Observations::none()).unwrap();
    let [of_layer] = plan.importances_of("n0").try_into().unwrap();
    assert_eq!((of_layer.layers, of_layer.criterion, of_layer.fixed), (vec!["n0".to_owned()], PruneCriterion::L1, None));
    let said: Vec<_> = of_layer.channels.iter().map(|c| (c.channel, c.importance, c.is_cut)).collect();
    assert_eq!(said, [(1, 1.0, true), (3, 2.0, true), (2, 4.0, false), (0, 6.0, false)]);
    assert_eq!(plan.pruned().cut, [("n0".to_owned(), vec![1, 3])].into());
    assert_eq!(plan.importances_of("n1")[0].fixed.as_deref(), Some("they are the model's output"));
    assert!(plan.importances_of("no such layer").is_empty());
}

#[test]
fn gamma_is_asked_where_there_is_one() {
    let mut chain = Chain::new(&[1, 2]);
    let weights = floats(&mut chain, &[3, 2], vec![1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    let parameters = [vec![-9.0, 1.0, 5.0], vec![0.0; 3], vec![0.0; 3], vec![1.0; 3]].map(|all| floats(&mut chain, &[3], all));
    let chain = chain
        .then(Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None }), &[weights])
        .then(Op::BatchNorm(BatchNorm { epsilon: 0.001 }), &parameters);
    let graph = dense(chain, &[4, 2], 5);
    let plan = PrunePlan::new(&graph, &settings("fraction=0.34,criterion=batch-norm"), &Observations::none()).unwrap();
    assert_eq!(plan.importances_of("n0")[0].channels.iter().map(|c| c.channel).collect::<Vec<_>>(), [1, 2, 0]);
    assert_eq!(plan.importances_of("n2")[0].criterion, PruneCriterion::L2);
    let text = apply(&recipe(settings("criterion=batch-norm")), &graph, None).unwrap().steps[0].text.clone();
    assert!(text.contains("1 group of layers was ranked by the L2 norm, without batch normalization"), "{text}");
}

fn change(graph: &Graph, narrow: &Graph, x: &[f32]) -> f32 {
    let run = |graph: &Graph| Prepared::new(graph).unwrap().run(&[x], &Cancel::new()).unwrap().concat();
    let squares = run(graph).iter().zip(run(narrow)).map(|(a, b)| (a - b) * (a - b)).collect::<Vec<_>>();
    squares.iter().sum::<f32>() / squares.len() as f32
}

#[test]
fn what_samples_show_decides_and_is_kept() {
    let graph = dense(Chain::new(&[1, 5]), &[16, 10, 3], 1);
    let x = values(5 * 40, 3);
    let (inputs, never) = ([x.as_slice()], Cancel::new());
    let observations = Observations { inputs: &inputs, absorbed: None, pruned: None, cancel: &never };
    let by_data = recipe(settings("fraction=0.5,criterion=activation"));
    let fresh = rewrite(&by_data, &graph, &observations).unwrap();
    assert!(fresh.steps[0].text.contains("the biases of 2 layers make up for"), "{}", fresh.steps[0].text);
    assert!(fresh.steps[0].output_change.is_some_and(|change| change > 0.0));
    // Without the data, but with what a project keeps: the same graph.
    let calibration = calibrate(&fresh.graph, &inputs, None, &never).unwrap().of(&fresh);
    let text = ron::to_string(&calibration.ranges_for(&Quantize::default())).unwrap();
    let kept: super::super::CalibratedRanges = ron::from_str(&text).unwrap();
    let recalled = Observations { inputs: &[], absorbed: None, pruned: Some(&kept.pruned), cancel: &never };
    let again = rewrite(&by_data, &graph, &recalled).unwrap();
    assert_eq!((&again.graph, &again.steps[0].text), (&fresh.graph, &fresh.steps[0].text));
    assert_ne!(rewrite(&by_data, &graph, &Observations::none()).unwrap().graph, fresh.graph);
    // The means make up for something.
    let bare = rewrite(&recipe(settings("fraction=0.5,criterion=activation,compensate=off")), &graph, &observations).unwrap();
    assert!(change(&graph, &fresh.graph, &x) < change(&graph, &bare.graph, &x));
}

#[test]
fn what_is_kept_has_to_fit() {
    let graph = dense(Chain::new(&[1, 5]), &[4, 3], 1);
    let with = |cut: &[(&str, &[u32])], added: &[(&str, f32)]| {
        let cut = cut.iter().map(|(name, channels)| ((*name).to_owned(), channels.to_vec())).collect();
        let added = added.iter().map(|(name, value)| ((*name).to_owned(), vec![*value; 3])).collect();
        let pruned = [Pruned { cut, added, ..Pruned::default() }];
        rewrite(&recipe(settings("")), &graph, &Observations { pruned: Some(&pruned), ..Observations::none() })
    };
    assert_eq!(with(&[("n0", &[1, 2])], &[]).unwrap().graph.nodes.len(), 2);
    type Kept<'k> = (&'k [(&'k str, &'k [u32])], &'k [(&'k str, f32)]);
    let wrong: [Kept<'_>; 5] = [
        (&[("n0", &[4])], &[]),
        (&[("n0", &[0, 1, 2, 3])], &[]),
        (&[("n1", &[0])], &[]),
        (&[("n7", &[0])], &[]),
        (&[("n0", &[0])], &[("n1", f32::NAN)]),
    ];
    for (cut, added) in wrong {
        assert!(matches!(with(cut, added), Err(OptimizeError::Calibration(_))), "{cut:?} {added:?}");
    }
}

#[test]
fn a_constant_channel_goes_without_a_trace() {
    let mut chain = Chain::new(&[1, 4, 4, 2]);
    let weights = floats(&mut chain, &[3, 1, 1, 2], vec![1.0, -1.0, 0.0, 0.0, 0.5, 2.0]);
    let bias = floats(&mut chain, &[3], vec![0.1, 2.0, -0.2]);
    let next = constant(&mut chain.graph, &[4, 2, 2, 3], 3);
    let graph = chain.then(conv(Activation::Relu), &[weights, bias]).then(conv(Activation::None), &[next]).finish();
    let x = values(32 * 20, 3);
    let (inputs, never) = ([x.as_slice()], Cancel::new());
    let observations = Observations { inputs: &inputs, absorbed: None, pruned: None, cancel: &never };
    let by = recipe(settings("fraction=0.34"));
    let narrow = rewrite(&by, &graph, &observations).unwrap();
    assert_eq!(narrow.steps[0].outcome, StepOutcome::Applied);
    assert!(narrow.steps[0].output_change.is_some_and(|change| change < 1e-6), "{:?}", narrow.steps[0]);
    // Its weights are zero: no samples are needed to see that.
    let unseen = rewrite(&by, &graph, &Observations::none()).unwrap();
    assert!(!unseen.steps[0].text.contains("without calibration samples"), "{}", unseen.steps[0].text);
    assert!(change(&graph, &unseen.graph, &x) < 1e-10);
    let more = rewrite(&recipe(settings("fraction=0.67")), &graph, &Observations::none()).unwrap();
    assert!(more.steps[0].text.contains("without calibration samples"), "{}", more.steps[0].text);
}

#[test]
fn a_model_with_nothing_to_cut_says_so() {
    let skipped = |graph: &Graph, text: &str| {
        let candidate = apply(&recipe(settings("fraction=0.5")), graph, None).unwrap();
        assert_eq!((candidate.steps[0].outcome, &candidate.graph), (StepOutcome::Skipped, graph));
        assert!(candidate.steps[0].text.contains(text), "{}", candidate.steps[0].text);
    };
    skipped(&dense(Chain::new(&[1, 5]), &[3], 1), "no channel can be cut: \"n0\" (they are the model's output)");
    skipped(&Chain::new(&[1, 5]).then(Op::Unary(Unary::Relu), &[]).finish(), "no layer has float weights");
    skipped(&dense(Chain::new(&[1, 5]), &[1, 3], 1), "there is but one");
}

#[test]
fn tensors_larger_than_any_memory_are_not_followed() {
    let mut graph = dense(Chain::new(&[1, 5]), &[4, 3], 1);
    let input = graph.inputs[0];
    graph.tensors[input.index()].shape = vec![1, usize::MAX >> 8];
    assert_eq!(channel_groups(&graph), ChannelGroups::default());
    graph.tensors[input.index()].shape = vec![usize::MAX >> 40, 0];
    channel_groups(&graph);
}

/// Without training after it a cut costs accuracy; what the cut channels brought on average is worth a good part of that.
#[test]
fn means_in_biases_keep_key_words_apart() {
    let bench = Bench::open("data/mlperf_tiny/kws/kws_model_float32.tflite", "data/kws01/kws01.npz");
    let Some(bench) = bench else { return };
    let top1 = |settings: &str| {
        let figures = bench.judge(&bench.apply_after(&[&format!("prune-channels:{settings}")], Quantize::default()));
        eprintln!("{settings}: accuracy {:.4}, agreement {:.4}", figures.top1().unwrap(), figures.agreement().unwrap());
        figures.top1().unwrap()
    };
    // .8756 and .7433, .7944 and .4844.
    for fraction in ["fraction=0.05", "fraction=0.1"] {
        let (with, without) = (top1(fraction), top1(&format!("{fraction},compensate=off")));
        assert!(with > without + 0.1, "{with} with the means, {without} without");
    }
}
