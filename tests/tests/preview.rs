//! The engine behind window and command line: what runs again after an edit, what comes back at once, what never changes.

use std::sync::Arc;

use tinsmith_core::measure::device::devices;
use tinsmith_core::optimize::parse_step;
use tinsmith_core::preview::{Engine, Event, Job, PreviewError, Side, Stage, StoredRanges, exported, open_project};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::Outside;
use tinsmith_core::recipe::{Calibrator, Granularity, LayerOverride, Recipe, Scheme};

fn sample() -> Job {
    let path = tinsmith_tests::root().join("projects/keyword.ron");
    open_project(&path, Outside::Refuse).expect("the sample opens").job
}

fn run(engine: &mut Engine, job: &Job) -> Vec<Event> {
    let mut events = Vec::new();
    engine.run(job, &Cancel::new(), &mut |event| events.push(event)).expect("the job runs");
    events
}

/// Stages that did work, each once, in order.
fn stages(events: &[Event]) -> Vec<Stage> {
    let mut stages: Vec<Stage> =
        events.iter().filter_map(|event| if let Event::Progress { stage, .. } = event { Some(*stage) } else { None }).collect();
    stages.dedup();
    stages
}

fn candidate_bytes(events: &[Event]) -> Vec<u8> {
    let candidate = events.iter().rev().find_map(|event| if let Event::Candidate(c) = event { Some(c) } else { None });
    exported(&candidate.expect("a candidate was told").graph).expect("it can be written")
}

/// What a project would keep of a run.
fn stored(job: &Job, events: &[Event]) -> StoredRanges {
    let calibration = events.iter().find_map(|event| if let Event::Calibration(c) = event { Some(c) } else { None });
    let (data, settings) = (job.data.as_deref().expect("the sample has data"), job.recipe.quantize().expect("it quantizes"));
    StoredRanges::new(data, calibration.expect("it calibrates"), settings)
}

#[test]
fn an_edit_runs_only_what_it_changes_and_undo_nothing() {
    let mut engine = Engine::new();
    let job = sample();
    let first = run(&mut engine, &job);
    use Stage::{Calibrate, CompareLayers, EvaluateBaseline, EvaluateCandidate, Measure, Optimize};
    assert_eq!(stages(&first), [Calibrate, Optimize, EvaluateBaseline, EvaluateCandidate, CompareLayers, Measure]);

    let mut edited = job.clone();
    edited.recipe.quantize_mut().expect("the sample quantizes").granularity = Granularity::PerTensor;
    let second = run(&mut engine, &edited);
    assert_eq!(stages(&second), [Optimize, EvaluateCandidate, CompareLayers, Measure]);
    assert_ne!(candidate_bytes(&first), candidate_bytes(&second));

    let mut other_calibrator = job.clone();
    other_calibrator.recipe.quantize_mut().expect("the sample quantizes").calibrator = Calibrator::Percentile { keep: 99.5 };
    let third = run(&mut engine, &other_calibrator);
    assert!(!stages(&third).contains(&Calibrate), "all calibrators come from one pass");
    assert_ne!(candidate_bytes(&first), candidate_bytes(&third));

    let undone = run(&mut engine, &job);
    assert_eq!(stages(&undone), []);
    assert_eq!(candidate_bytes(&first), candidate_bytes(&undone));
}

/// The layers are edited one by one, twice: what comes before the edited layer is kept by then. Only of pointwise_2 what it reads and
/// what goes around it are too large to be kept both: one layer more is run.
#[test]
fn an_edit_of_one_layer_runs_the_net_from_that_layer_on() {
    let mut engine = Engine::new();
    let job = sample();
    let candidate = |events: &[Event]| {
        let candidate =
            events.iter().rev().find_map(|event| if let Event::Candidate(c) = event { Some(c.clone()) } else { None });
        candidate.expect("a candidate was told")
    };
    let graph = candidate(&run(&mut engine, &job)).graph.clone();
    let whole = engine.evaluated().expect("it was evaluated");
    assert_eq!(whole.nodes, graph.nodes.len());
    let layers: Vec<(usize, String)> =
        (0..).zip(&graph.nodes).filter(|(_, n)| n.op.has_weights()).map(|(i, n)| (i, n.name.clone())).collect();
    assert!(layers.len() > 3);
    for (index, layer) in layers {
        let mut edited = job.clone();
        for scheme in [Scheme::Int4, Scheme::Ternary] {
            let settings = edited.recipe.quantize_mut().expect("the sample quantizes");
            settings.overrides.insert(layer.clone(), LayerOverride { scheme: Some(scheme), ..LayerOverride::default() });
            let events = run(&mut engine, &edited);
            let accuracy = |events: &[Event]| {
                events.iter().rev().find_map(|event| match event {
                    Event::Accuracy { side: Side::Candidate, figures } => Some(figures.clone()),
                    _ => None,
                })
            };
            let errors = |events: &[Event]| {
                events.iter().find_map(|event| if let Event::LayerErrors(errors) = event { Some(errors.clone()) } else { None })
            };
            let afresh = run(&mut Engine::new(), &edited);
            assert_eq!(accuracy(&events), accuracy(&afresh), "{layer} {}", scheme.name());
            assert!(errors(&events).is_some() && errors(&events) == errors(&afresh), "{layer} {}", scheme.name());
            println!("{layer} {}: {:?}", scheme.name(), engine.evaluated());
        }
        let evaluated = engine.evaluated().expect("it was evaluated");
        let one_more = usize::from(layer == "pointwise_2");
        assert_eq!(evaluated.nodes, graph.nodes.len() - index + one_more, "{layer}");
        assert!(evaluated.kept_bytes <= 8 << 20, "{evaluated:?}");
        assert_eq!(engine.compared_nodes(), Some(graph.nodes.len() - index), "{layer}");
    }
}

#[test]
fn another_board_changes_estimates_only() {
    let mut engine = Engine::new();
    let job = sample();
    let latency = |events: &[Event]| {
        events.iter().rev().find_map(|event| match event {
            Event::Static { side: Side::Candidate, figures } => figures.latency_us.as_ref().map(|us| us.value),
            _ => None,
        })
    };
    let first = latency(&run(&mut engine, &job));
    let other = devices().iter().find(|device| device.id != job.device.id).expect("there are several boards");
    let events = run(&mut engine, &Job { device: other.clone(), ..job });
    assert_eq!(stages(&events), []);
    assert!(first.is_some() && latency(&events).is_some() && first != latency(&events));
}

#[test]
fn accuracy_comes_in_steps_that_end_exact() {
    let events = run(&mut Engine::new(), &sample());
    let figures: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Accuracy { side: Side::Candidate, figures } => Some(figures),
            _ => None,
        })
        .collect();
    assert!(figures.len() > 2 && !figures[0].is_complete());
    assert!(figures.is_sorted_by_key(|figures| figures.done));
    let last = figures[figures.len() - 1];
    assert!(last.is_complete());
    assert!(last.top1().is_some_and(|top1| top1 > 0.9), "{last:?}");
    assert!(last.agreement().is_some_and(|agreement| agreement > 0.95), "{last:?}");
}

#[test]
fn stored_ranges_give_the_same_bytes_without_the_data() {
    let job = sample();
    let events = run(&mut Engine::new(), &job);
    let ranges = stored(&job, &events);
    let without = Job { data: None, ranges: Some(Arc::new(ranges)), ..job };
    assert_eq!(candidate_bytes(&run(&mut Engine::new(), &without)), candidate_bytes(&events));
}

/// Without the samples the same is made of what is kept, and something else without that.
fn assert_kept_pruning_decides(job: &Job, events: &[Event], stored: StoredRanges) {
    let without = |stored: StoredRanges| Job { data: None, ranges: Some(Arc::new(stored)), ..job.clone() };
    assert_eq!(candidate_bytes(&run(&mut Engine::new(), &without(stored.clone()))), candidate_bytes(events));
    let mut forgotten = stored;
    forgotten.ranges.pruned.clear();
    assert_ne!(candidate_bytes(&run(&mut Engine::new(), &without(forgotten))), candidate_bytes(events));
}

#[test]
fn channels_that_samples_chose_are_cut_without_them_too() {
    let mut job = sample();
    let pruning = parse_step("prune-channels:fraction=0.3,criterion=activation").expect("a step");
    job.recipe.put(pruning);
    let events = run(&mut Engine::new(), &job);
    let stored = stored(&job, &events);
    assert_kept_pruning_decides(&job, &events, stored);
}

#[test]
fn weights_that_were_refitted_to_samples_are_the_same_without_them() {
    let mut job = sample();
    let step = "prune-weights:sparsity=0.8,refit=on,schedule=momentum,steps=3";
    job.recipe.put(parse_step(step).expect("a step"));
    let events = run(&mut Engine::new(), &job);
    let stored = stored(&job, &events);
    assert!(!stored.ranges.pruned[0].weights.is_empty());
    assert_kept_pruning_decides(&job, &events, stored);
}

#[test]
fn stored_ranges_win_over_new_ones_from_the_same_samples() {
    let job = sample();
    let events = run(&mut Engine::new(), &job);
    let mut stored = stored(&job, &events);
    for range in stored.ranges.calibrators.iter_mut().flat_map(|calibrator| calibrator.ranges.values_mut()) {
        *range = (range.0 * 1.5, range.1 * 1.5);
    }
    let with = |stored: StoredRanges| Job { ranges: Some(Arc::new(stored)), ..job.clone() };
    assert_ne!(candidate_bytes(&run(&mut Engine::new(), &with(stored.clone()))), candidate_bytes(&events));
    stored.data = [0; 32];
    let of_other_data = run(&mut Engine::new(), &with(stored));
    assert_eq!(candidate_bytes(&of_other_data), candidate_bytes(&events), "ranges of other data do not count");
}

#[test]
fn without_data_or_ranges_the_baseline_is_still_told() {
    let job = Job { data: None, ranges: None, ..sample() };
    let mut events = Vec::new();
    let error = Engine::new().run(&job, &Cancel::new(), &mut |event| events.push(event)).expect_err("nothing to calibrate with");
    assert!(matches!(error, PreviewError::Optimize(_)) && error.to_string().contains("data set"), "{error}");
    assert!(events.iter().any(|event| matches!(event, Event::Static { side: Side::Baseline, .. })));

    let as_it_came = Job { recipe: Recipe::default(), ..job };
    assert!(matches!(run(&mut Engine::new(), &as_it_came).last(), Some(Event::Done)));
}

#[test]
fn cancelled_work_stops_and_can_start_again() {
    let mut engine = Engine::new();
    let job = sample();
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let result = engine.run(&job, &cancel, &mut |event| {
        if let Event::Accuracy { side: Side::Candidate, .. } = event {
            stop.cancel();
        }
    });
    assert!(result.is_err_and(|error| error.is_cancelled()));
    let again = run(&mut engine, &job);
    assert_eq!(stages(&again), [Stage::EvaluateCandidate, Stage::CompareLayers, Stage::Measure], "what was finished is kept");
    assert!(matches!(again.last(), Some(Event::Done)));
}
