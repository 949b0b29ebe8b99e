//! Streams whose windows, probabilities and events are known.

use proptest::prelude::*;

use super::*;
use crate::data::features::{Pipeline, preset};
use crate::data::{Axis, DataSet, Split, Values};
use crate::graph::Graph;
use crate::ops::{Activation, FullyConnected, Op, Softmax, Unary};
use crate::progress::Cancel;
use crate::tensor::{ElementType, Tensor};
use crate::test_graph::{Chain, constant, values};

const WINDOW: usize = 6;

fn sensor(rate_hz: f64, n_channels: usize) -> Sensor {
    Sensor { rate_hz, channels: Axis::unnamed(n_channels) }
}

fn dense(shape: &[usize], n_classes: usize, seed: usize) -> Chain {
    let mut chain = Chain::new(shape);
    let weights = constant(&mut chain.graph, &[n_classes, shape.iter().product()], seed);
    chain.then(Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None }), &[weights])
}

/// Three classes from six instants of two channels.
fn net(seed: usize) -> Graph {
    dense(&[1, WINDOW * 2], 3, seed).then(Op::Softmax(Softmax { beta: 1.0 }), &[]).finish()
}

fn live(stride: usize, settings: DecisionSettings) -> Live {
    let (candidate, baseline) = (Runner::new(&net(1)).unwrap(), Runner::new(&net(2)).unwrap());
    let stride_ms = stride as f64 * 10.0;
    let front = FrontEnd::new(Pipeline::default(), sensor(100.0, 2), candidate.input(), stride_ms).unwrap();
    assert_eq!((front.len(), front.stride()), (WINDOW, stride));
    Live::new(front, candidate, Some(baseline), Decider::new(settings, vec![false, true]))
}

/// First instant, mean and event of each step; counts; windows that were left out.
type Told = (Vec<(u64, Vec<f32>, Option<Event>)>, Counts, u64);

/// What is compared of the steps of a stream that comes in pieces; after `gap.0` instants `gap.1` are missing.
fn told(stride: usize, pieces: &[usize], gap: (usize, u64)) -> Told {
    let settings = DecisionSettings { average: 2, threshold: Some(0.35), hold_off_ms: 40.0, least: 1 };
    let mut live = live(stride, settings);
    let stream = values(2 * 200, 5);
    let mut steps = Vec::new();
    for (part, missing) in [(&stream[..2 * gap.0], gap.1), (&stream[2 * gap.0..], 0)] {
        let mut rest = part;
        for piece in pieces.iter().cycle() {
            let piece = rest.split_off(..(2 * piece).min(rest.len())).unwrap();
            live.push(piece, |step| steps.push((step.first, step.decision.mean, step.decision.event))).unwrap();
            if rest.is_empty() {
                break;
            }
        }
        live.gap(missing);
    }
    (steps, live.decider().counts(), live.front().skipped())
}

proptest! {
    #[test]
    fn how_a_stream_is_cut_makes_no_difference(
        stride in 1_usize..9,
        pieces in prop::collection::vec(1_usize..40, 1..6),
        gap in (0_usize..200, 0_u64..30),
    ) {
        prop_assert_eq!(told(stride, &pieces, gap), told(stride, &[200], gap));
    }
}

#[test]
fn windows_lie_on_a_grid_and_none_spans_a_gap() {
    let mut live = live(4, DecisionSettings::default());
    let mut firsts = Vec::new();
    live.front_mut().begin_at(10);
    live.push(&values(2 * 13, 1), |step| firsts.push((step.first, step.time_s))).unwrap();
    assert_eq!(firsts, [(12, 0.18), (16, 0.22)]);
    // Instants 23 to 29 are missing: windows from 20, 24 and 28 would have them.
    live.gap(7);
    assert_eq!((live.front().position(), live.front().skipped()), (30, 3));
    firsts.clear();
    live.push(&values(2 * 8, 1), |step| firsts.push((step.first, step.time_s))).unwrap();
    assert_eq!(firsts, [(32, 0.38)]);
    live.gap(0);
    assert_eq!(live.front().skipped(), 3);
}

#[test]
fn what_is_passed_over_leaves_no_gap() {
    let settings = DecisionSettings { average: 1, ..DecisionSettings::default() };
    let stream = values(2 * 60, 3);
    let mut whole = Vec::new();
    live(4, settings).push(&stream, |step| whole.push((step.first, step.decision.mean))).unwrap();
    let (mut late, mut heard) = (live(4, settings), Vec::new());
    // Windows from 0 to 12 end before instant 20; those from 16 to 32 before instant 40.
    late.push(&stream[..2 * 20], |step| heard.push((step.first, step.decision.mean))).unwrap();
    assert_eq!(late.pass(&stream[2 * 20..2 * 40]), 5);
    late.push(&stream[2 * 40..], |step| heard.push((step.first, step.decision.mean))).unwrap();
    whole.retain(|(first, _)| !(16..=32).contains(first));
    assert_eq!((heard, late.front().skipped(), late.steps().0), (whole, 0, 9));
}

#[test]
fn a_stride_may_be_longer_than_a_window() {
    let mut live = live(15, DecisionSettings::default());
    let mut firsts = Vec::new();
    values(2 * 40, 1).chunks(14).for_each(|part| live.push(part, |step| firsts.push(step.first)).unwrap());
    assert_eq!(firsts, [0, 15, 30]);
    assert_eq!(live.steps().0, 3);
}

#[test]
fn a_window_is_as_long_as_the_stages_and_the_input_say() {
    let input = |shape: &[usize]| Tensor::activation("input", ElementType::F32, shape);
    let front =
        |name: &str, rate_hz, shape: &[usize]| FrontEnd::new(preset(name).unwrap(), sensor(rate_hz, 1), &input(shape), 100.0);
    assert_eq!(front("keyword", 16_000.0, &[1, 49, 10, 1]).unwrap().len(), 16_000);
    assert_eq!(front("keyword", 44_100.0, &[1, 49, 10, 1]).unwrap().len(), 44_100);
    let sound = front("machine-sound", 16_000.0, &[1, 640]).unwrap();
    let features = |len: usize| sound.features(&vec![0.0; len]).unwrap().values.len();
    assert_eq!((features(sound.len()), features(sound.len() - 1)), (640, 512));
    let error = front("micro-frontend", 16_000.0, &[1, 49, 10, 1]).unwrap_err().to_string();
    assert!(error.contains("[49, 40, 1]") && error.ends_with("presets that fit: keyword"), "{error}");
    let sound = FrontEnd::new(Pipeline::default(), sensor(16_000.0, 1), &input(&[1, 49, 10, 1]), 100.0);
    assert!(sound.unwrap_err().to_string().contains("[490, 1]"), "490 instants are no map of 49 x 10");
    let motion = FrontEnd::new(Pipeline::default(), sensor(64.0, 6), &input(&[1, 64, 6]), 100.0).unwrap();
    let flat = FrontEnd::new(Pipeline::default(), sensor(64.0, 6), &input(&[1, 384]), 100.0).unwrap();
    assert_eq!((motion.len(), flat.len()), (64, 64));
    let still = FrontEnd::new(Pipeline::parse(&["statistics"]).unwrap(), sensor(50.0, 1), &input(&[1, 8]), 100.0);
    assert!(still.unwrap_err().to_string().contains("add a clip or a window stage"));
    let unknown = FrontEnd::new(Pipeline::default(), sensor(0.0, 1), &input(&[1, 8]), 100.0);
    assert!(unknown.unwrap_err().to_string().contains("--rate"));
}

#[test]
fn each_kind_of_output_is_read_by_its_rule() {
    let sample = DataSet::sample(vec![4], values(4, 3));
    let said = |graph: &Graph| {
        let runner = Runner::new(graph).unwrap();
        let said = runner.run(&sample).unwrap();
        assert_eq!(said.values.len(), runner.n_classes());
        (runner.reading(), said.values)
    };
    let sums_to_one = |values: &[f32]| (values.iter().sum::<f32>() - 1.0).abs() < 1e-6;
    let (reading, own) = said(&dense(&[1, 4], 3, 1).then(Op::Softmax(Softmax { beta: 1.0 }), &[]).finish());
    assert_eq!((reading, sums_to_one(&own)), (Reading::Softmax, true));
    let (reading, made) = said(&dense(&[1, 4], 3, 1).finish());
    assert_eq!((reading, sums_to_one(&made)), (Reading::Logits, true));
    own.iter().zip(&made).for_each(|(own, made)| assert!((own - made).abs() < 1e-6));
    let (reading, own) = said(&dense(&[1, 4], 1, 1).then(Op::Unary(Unary::Logistic), &[]).finish());
    let (added, made) = said(&dense(&[1, 4], 1, 1).finish());
    assert_eq!((reading, added, own.len()), (Reading::Sigmoid, Reading::Logit, 2));
    assert!((own[1] - made[1]).abs() < 1e-6 && sums_to_one(&own));
    let (reading, distance) = said(&Chain::new(&[1, 4]).then(Op::Unary(Unary::Neg), &[]).finish());
    let expected = values(4, 3).iter().map(|x| 4.0 * x * x).sum::<f32>() / 4.0;
    assert_eq!(reading, Reading::Distance);
    assert!((distance[0] - expected).abs() < 1e-6);
}

/// Steps of 100 ms in which `classes` are on top with these probabilities; of four classes the last is silence.
fn events(settings: DecisionSettings, tops: &[(usize, f32)]) -> (Vec<(u64, usize)>, Counts) {
    let mut decider = Decider::new(settings, vec![false, false, false, true]);
    let mut events = Vec::new();
    for (index, &(class, probability)) in tops.iter().enumerate() {
        let mut values = vec![(1.0 - probability) / 3.0; 4];
        values[class] = probability;
        let decision = decider.step((index + 1) as f64 / 10.0, &values, None);
        events.extend(decision.event.map(|event| (event.step, event.class)));
    }
    (events, decider.counts())
}

fn at_once() -> DecisionSettings {
    DecisionSettings { average: 1, threshold: Some(0.6), hold_off_ms: 0.0, least: 1 }
}

#[test]
fn a_class_is_told_once_for_as_long_as_it_stays() {
    let (found, counts) = events(at_once(), &[(3, 0.9), (0, 0.9), (0, 0.9), (3, 0.9), (0, 0.9), (1, 0.5), (1, 0.7), (2, 0.5)]);
    assert_eq!(found, [(1, 0), (4, 0), (6, 1)]);
    // The 2 at the end is still on top: it may yet reach the threshold.
    assert_eq!((counts.steps, counts.events, counts.below), (8, 3, 0));
    let (_, counts) = events(at_once(), &[(0, 0.5), (3, 0.9), (1, 0.4), (2, 0.9)]);
    assert_eq!((counts.events, counts.below, counts.held_off), (1, 2, 0));
}

#[test]
fn hold_off_keeps_an_utterance_one_event() {
    let settings = DecisionSettings { hold_off_ms: 300.0, ..at_once() };
    // The same class is back after a moment: it goes on. Another one waits until the time is over.
    let (found, _) = events(settings, &[(0, 0.9), (3, 0.9), (0, 0.9), (0, 0.9), (1, 0.9), (1, 0.9)]);
    assert_eq!(found, [(0, 0), (4, 1)]);
    let (found, counts) = events(settings, &[(0, 0.9), (1, 0.9), (3, 0.9), (2, 0.9), (3, 0.9), (0, 0.9)]);
    assert_eq!((found, counts.held_off), (vec![(0, 0), (3, 2)], 1));
    // On top all the time, it falls silent for long enough and is heard again.
    let (found, _) = events(settings, &[(0, 0.9), (0, 0.4), (0, 0.4), (0, 0.4), (0, 0.9)]);
    assert_eq!(found, [(0, 0), (4, 0)]);
}

#[test]
fn a_mean_and_a_least_count_keep_single_steps_from_being_heard() {
    let once = [(3, 0.9), (3, 0.9), (0, 0.9), (3, 0.9), (3, 0.9)];
    assert_eq!(events(at_once(), &once).0, [(2, 0)]);
    assert_eq!(events(DecisionSettings { average: 3, ..at_once() }, &once).0, []);
    assert_eq!(events(DecisionSettings { least: 2, ..at_once() }, &once).0, []);
    let twice = [(3, 0.9), (0, 0.9), (0, 0.9), (0, 0.9)];
    assert_eq!(events(DecisionSettings { least: 2, ..at_once() }, &twice).0, [(2, 0)]);
}

#[test]
fn the_baseline_is_held_against_each_event() {
    let mut decider = Decider::new(at_once(), vec![]);
    let event = |decider: &mut Decider, time_s, a: &[f32], b: &[f32]| decider.step(time_s, a, Some(b)).event.unwrap();
    let same = event(&mut decider, 0.1, &[0.9, 0.1], &[0.7, 0.3]);
    assert_eq!((same.baseline, same.differs), (Some((0, 0.7)), false));
    let other = event(&mut decider, 0.2, &[0.1, 0.9], &[0.7, 0.3]);
    assert_eq!((other.class, other.baseline, other.differs), (1, Some((0, 0.7)), true));
    assert_eq!((decider.counts().events, decider.counts().same), (2, 1));
    // Of distances it says whether they reach the threshold.
    let mut decider = Decider::new(DecisionSettings { threshold: Some(10.0), ..at_once() }, vec![]);
    assert!(event(&mut decider, 0.1, &[12.0], &[9.0]).differs);
}

#[test]
fn events_are_remembered_in_bounded_memory() {
    let mut decider = Decider::new(at_once(), vec![]);
    for step in 0..3000 {
        let values = if step % 2 == 0 { [0.9, 0.1] } else { [0.1, 0.9] };
        decider.step(f64::from(step), &values, None);
    }
    assert_eq!((decider.counts().events, decider.events().len()), (3000, 1000));
    assert_eq!(decider.events().next().unwrap().number, 2000);
}

#[test]
fn classes_are_called_as_the_data_set_does_as_far_as_it_does() {
    let names =
        |n: usize, of_data: &[&str]| class_names(n, &of_data.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).join(" ");
    assert_eq!(names(2, &["yes", "no"]), "yes no");
    assert_eq!(names(4, &["wing", "ring", "slope"]), "wing ring slope class 3");
    assert_eq!(names(2, &["a", "b", "c"]), "class 0 class 1");
    assert_eq!((names(1, &[]), names(1, &["normal", "broken"])), ("anomaly".to_owned(), "anomaly".to_owned()));
}

#[test]
fn classes_of_nothing_are_known_by_name() {
    let names = ["Down", "_silence_", "Unknown", "background noise", "noise", "negative"].map(str::to_owned);
    assert_eq!(quiet_classes(&names), [false, true, true, false, true, true]);
}

#[test]
fn a_distance_has_no_threshold_before_somebody_says_it() {
    let mut decider = Decider::new(DecisionSettings { average: 1, ..DecisionSettings::default() }, vec![]);
    assert_eq!(decider.step(0.1, &[1e9], None).event, None);
    let mut decider = Decider::new(DecisionSettings { average: 1, ..DecisionSettings::default() }, vec![]);
    assert!(decider.step(0.1, &[0.7, 0.3], None).event.is_some_and(|event| event.class == 0));
}

/// Samples of one value `i` of two, of which the negation is 2i away in both: a distance of 4i².
fn line(n: usize) -> DataSet {
    let values: Vec<f32> = (0..n).flat_map(|i| [i as f32; 2]).collect();
    let sample = DataSet::sample(vec![2], Vec::new());
    DataSet { values: Values::F32(values.into()), ..sample }
}

#[test]
fn a_threshold_is_suggested_of_samples_that_are_as_they_should_be() {
    let net = Chain::new(&[1, 2]).then(Op::Unary(Unary::Neg), &[]).finish();
    let runner = Runner::new(&net).unwrap();
    let suggested = |data: &DataSet| suggest(&runner, &net, data, &Cancel::new());
    let distance = |i: u32| 4.0 * (i * i) as f32;
    // Without splits the first tenth calibrates: 99 % of 20 samples are all of them.
    let found = suggested(&line(200)).unwrap();
    assert_eq!((found.threshold, found.n_samples), (distance(19), 20));
    assert_eq!(found.to_string(), "99 % of the distances of 20 calibration samples are at most that");
    // Test samples from 100 on, of which every other is normal: of 50 the greatest, of 200 that which two exceed.
    for (n, rank, n_normal) in [(200, 198, 50), (500, 494, 200)] {
        let (split, labels) = (|i| if i < 100 { Split::Train } else { Split::Test }, |i| (i % 2) as u32);
        let named = DataSet {
            labels: Some((0..n).map(labels).collect()),
            label_names: vec!["Normal".to_owned(), "broken".to_owned()],
            splits: Some((0..n).map(split).collect()),
            ..line(n)
        };
        let found = suggested(&named).unwrap();
        assert_eq!((found.threshold, found.n_samples, found.of), (distance(rank), n_normal, "normal test samples"));
    }
    let only_test = DataSet { splits: Some(vec![Split::Test; 5].into()), ..line(5) };
    assert!(suggested(&only_test).unwrap_err().to_string().contains("called normal"));
    let runner = Runner::new(&dense(&[1, 2], 3, 1).finish()).unwrap();
    assert!(suggest(&runner, &net, &line(9), &Cancel::new()).is_err(), "it tells classes apart");
}
